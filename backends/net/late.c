/* late: dlopen at first use, through pthread_once; see late.h. The handles stay open until the program ends. */
#define _GNU_SOURCE
#include "backends/net/late.h"
#include "base/mem.h"
#include <dlfcn.h>
#include <pthread.h>
#include <stdbool.h>
#include <string.h>

/* Function pointers are copied as bytes: ISO C has no cast from void * to them. */
static bool late_bind(void *lib, const char *const *names, void *table, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		void *found = dlsym(lib, names[i]);
		if (!found)
			return false;
		memcpy((char *)table + i * sizeof(void *), &found, sizeof(void *));
	}
	return true;
}

static void *late_open(const char *const *files)
{
	void *lib = NULL;
	for (; *files && !lib; files++)
		lib = dlopen(*files, RTLD_LAZY | RTLD_LOCAL);
	return lib;
}

/* Each table is filled once under pthread_once and constant from then on. NULL: it is there; else what is wrong. */
static const char *late_fill(const char *const *files, const char *const *names, void *table, size_t n, const char *missing,
                             const char *old)
{
	void *lib = late_open(files);
	return !lib ? missing : !late_bind(lib, names, table, n) ? old : NULL;
}

#define LATE_TABLE(lib) \
	static struct { pthread_once_t once; struct late_##lib table; const char *why; } lib = { PTHREAD_ONCE_INIT }; \
	static void load_##lib(void); \
	const struct late_##lib *late_##lib(const char **why) \
	{ \
		pthread_once(&lib.once, load_##lib); \
		if (why) \
			*why = lib.why; \
		return lib.why ? NULL : &lib.table; \
	}
LATE_TABLE(curl)
LATE_TABLE(pq)
LATE_TABLE(crypto)
LATE_TABLE(expat)
LATE_TABLE(z)
LATE_TABLE(wslay)
LATE_TABLE(archive)
LATE_TABLE(ssh2)

static void load_curl(void)
{
#define X(name) "curl_" #name,
	static const char *const names[] = { LATE_CURL(X) };
#undef X
	static const char *const files[] = { "libcurl.so.4", "libcurl-gnutls.so.4", "libcurl.so", NULL };
	curl.why = late_fill(files, names, &curl.table, ARRAY_SIZE(names),
	                     "the library libcurl.so.4 is not installed; install the package libcurl4",
	                     "the library libcurl is too old; version 7.85 or newer is needed");
	if (!curl.why && curl.table.global_init(CURL_GLOBAL_ALL) != CURLE_OK)
		curl.why = "the library libcurl could not start its TLS library";
}

static void load_pq(void)
{
#define X(name) "PQ" #name,
	static const char *const names[] = { LATE_PQ(X) };
#undef X
	static const char *const files[] = { "libpq.so.5", "libpq.so", NULL };
	pq.why = late_fill(files, names, &pq.table, ARRAY_SIZE(names),
	                   "the library libpq.so.5 is not installed; install the package libpq5",
	                   "the library libpq is too old; version 10 or newer is needed");
}

static void load_crypto(void)
{
#define X(name) #name,
	static const char *const names[] = { LATE_CRYPTO(X) };
#undef X
	static const char *const files[] = { "libcrypto.so.3", "libcrypto.so.1.1", "libcrypto.so", NULL };
	crypto.why = late_fill(files, names, &crypto.table, ARRAY_SIZE(names),
	                       "the library libcrypto.so.3 is not installed; install the package libssl3",
	                       "the library libcrypto is too old; version 1.1 or newer is needed");
}

static void load_expat(void)
{
#define X(name) "XML_" #name,
	static const char *const names[] = { LATE_EXPAT(X) };
#undef X
	static const char *const files[] = { "libexpat.so.1", "libexpat.so", NULL };
	expat.why = late_fill(files, names, &expat.table, ARRAY_SIZE(names),
	                      "the library libexpat.so.1 is not installed; install the package libexpat1",
	                      "the library libexpat is too old; version 2.1 or newer is needed");
}

static void load_z(void)
{
#define X(name) #name,
	static const char *const names[] = { LATE_Z(X) };
#undef X
	static const char *const files[] = { "libz.so.1", "libz.so", NULL };
	z.why = late_fill(files, names, &z.table, ARRAY_SIZE(names),
	                  "the library libz.so.1 is not installed; install the package zlib1g",
	                  "the library libz is too old; version 1.2 or newer is needed");
}

static void load_wslay(void)
{
#define X(name) "wslay_event_" #name,
	static const char *const names[] = { LATE_WSLAY(X) };
#undef X
	static const char *const files[] = { "libwslay.so.1", "libwslay.so.0", "libwslay.so", NULL };
	wslay.why = late_fill(files, names, &wslay.table, ARRAY_SIZE(names),
	                      "the library libwslay.so.1 is not installed; install the package libwslay1",
	                      "the library libwslay is too old; version 1.0 or newer is needed");
}

static void load_ssh2(void)
{
#define X(name) "libssh2_" #name,
	static const char *const names[] = { LATE_SSH2(X) };
#undef X
	static const char *const files[] = { "libssh2.so.1", "libssh2.so", NULL };
	ssh2.why = late_fill(files, names, &ssh2.table, ARRAY_SIZE(names),
	                     "the library libssh2.so.1 is not installed; install the package libssh2-1",
	                     "the library libssh2 is too old; version 1.9 or newer is needed");
	if (!ssh2.why && ssh2.table.init(0) != 0)
		ssh2.why = "the library libssh2 could not start";
}

static void load_archive(void)
{
#define X(name) "archive_" #name,
	static const char *const names[] = { LATE_ARCHIVE(X) };
#undef X
	static const char *const files[] = { "libarchive.so.13", "libarchive.so", NULL };
	archive.why = late_fill(files, names, &archive.table, ARRAY_SIZE(names),
	                        "the library libarchive.so.13 is not installed; install the package libarchive13",
	                        "the library libarchive is too old; version 3.1 or newer is needed");
}
