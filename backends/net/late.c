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

/* Filled once under pthread_once and constant from then on. */
static struct { pthread_once_t once; struct late_curl table; const char *why; } curl = { PTHREAD_ONCE_INIT };
static struct { pthread_once_t once; struct late_pq table; const char *why; } pq = { PTHREAD_ONCE_INIT };

static void load_curl(void)
{
#define X(name) "curl_" #name,
	static const char *const names[] = { LATE_CURL(X) };
#undef X
	static const char *const files[] = { "libcurl.so.4", "libcurl-gnutls.so.4", "libcurl.so", NULL };
	void *lib = late_open(files);
	if (!lib)
		curl.why = "the library libcurl.so.4 is not installed; install the package libcurl4";
	else if (!late_bind(lib, names, &curl.table, ARRAY_SIZE(names)))
		curl.why = "the library libcurl is too old; version 7.85 or newer is needed";
	else if (curl.table.global_init(CURL_GLOBAL_ALL) != CURLE_OK)
		curl.why = "the library libcurl could not start its TLS library";
}

static void load_pq(void)
{
#define X(name) "PQ" #name,
	static const char *const names[] = { LATE_PQ(X) };
#undef X
	static const char *const files[] = { "libpq.so.5", "libpq.so", NULL };
	void *lib = late_open(files);
	if (!lib)
		pq.why = "the library libpq.so.5 is not installed; install the package libpq5";
	else if (!late_bind(lib, names, &pq.table, ARRAY_SIZE(names)))
		pq.why = "the library libpq is too old; version 10 or newer is needed";
}

const struct late_curl *late_curl(const char **why)
{
	pthread_once(&curl.once, load_curl);
	if (why)
		*why = curl.why;
	return curl.why ? NULL : &curl.table;
}

const struct late_pq *late_pq(const char **why)
{
	pthread_once(&pq.once, load_pq);
	if (why)
		*why = pq.why;
	return pq.why ? NULL : &pq.table;
}
