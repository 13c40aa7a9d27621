/* crypto: see crypto.h. */
#define _GNU_SOURCE
#include "base/crypto.h"
#include "base/mem.h"
#include <dlfcn.h>
#include <pthread.h>
#include <stdio.h>
#include <sys/random.h>

#define ED25519 1087       /* NID_ED25519: part of libcrypto's interface */

static void *library;      /* constant once loaded */

static void load_once(void)
{
	static const char *const names[] = { "libcrypto.so.3", "libcrypto.so.1.1", "libcrypto.so", "libcrypto.3.dylib" };

	for (size_t i = 0; i < ARRAY_SIZE(names) && !library; i++)
		library = dlopen(names[i], RTLD_NOW | RTLD_LOCAL);
}

static void *load(void)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;

	pthread_once(&once, load_once);
	return library;
}

/* Fills a function pointer by name. */
static bool find(void *lib, const char *name, void *fn)
{
	void *sym = lib ? dlsym(lib, name) : NULL;

	memcpy(fn, &sym, sizeof(sym));
	return sym != NULL;
}

bool crypto_sha256(struct str s, char hex[65])
{
	unsigned char *(*sha256)(const unsigned char *, size_t, unsigned char *);
	unsigned char md[32];

	if (!find(load(), "SHA256", &sha256))
		return false;
	sha256((const unsigned char *)s.p, s.n, md);
	for (int i = 0; i < 32; i++)
		snprintf(hex + 2 * i, 3, "%02x", md[i]);
	return true;
}

/* The EVP functions of one signature or its check. */
struct evp {
	void *(*raw_private)(int, void *, const unsigned char *, size_t);
	void *(*raw_public)(int, void *, const unsigned char *, size_t);
	int (*get_public)(const void *, unsigned char *, size_t *);
	void (*key_free)(void *);
	void *(*ctx_new)(void);
	void (*ctx_free)(void *);
	int (*sign_init)(void *, void *, const void *, void *, void *);
	int (*sign)(void *, unsigned char *, size_t *, const unsigned char *, size_t);
	int (*verify_init)(void *, void *, const void *, void *, void *);
	int (*verify)(void *, const unsigned char *, size_t, const unsigned char *, size_t);
};

static bool evp_load(struct evp *e)
{
	void *lib = load();

	return find(lib, "EVP_PKEY_new_raw_private_key", &e->raw_private) && find(lib, "EVP_PKEY_new_raw_public_key", &e->raw_public) &&
	       find(lib, "EVP_PKEY_get_raw_public_key", &e->get_public) && find(lib, "EVP_PKEY_free", &e->key_free) &&
	       find(lib, "EVP_MD_CTX_new", &e->ctx_new) && find(lib, "EVP_MD_CTX_free", &e->ctx_free) &&
	       find(lib, "EVP_DigestSignInit", &e->sign_init) && find(lib, "EVP_DigestSign", &e->sign) &&
	       find(lib, "EVP_DigestVerifyInit", &e->verify_init) && find(lib, "EVP_DigestVerify", &e->verify);
}

bool crypto_public(const unsigned char seed[CRYPTO_KEY], unsigned char key[CRYPTO_KEY])
{
	struct evp e;
	size_t n = CRYPTO_KEY;
	void *pair = evp_load(&e) ? e.raw_private(ED25519, NULL, seed, CRYPTO_KEY) : NULL;
	bool ok = pair && e.get_public(pair, key, &n) == 1;

	if (pair)
		e.key_free(pair);
	return ok;
}

bool crypto_sign(const unsigned char seed[CRYPTO_KEY], struct str message, unsigned char signature[CRYPTO_SIGNATURE])
{
	struct evp e;
	size_t n = CRYPTO_SIGNATURE;
	void *pair = evp_load(&e) ? e.raw_private(ED25519, NULL, seed, CRYPTO_KEY) : NULL, *ctx = pair ? e.ctx_new() : NULL;
	bool ok = ctx && e.sign_init(ctx, NULL, NULL, NULL, pair) == 1 &&
	          e.sign(ctx, signature, &n, (const unsigned char *)message.p, message.n) == 1;

	if (ctx)
		e.ctx_free(ctx);
	if (pair)
		e.key_free(pair);
	return ok;
}

bool crypto_verify(const unsigned char key[CRYPTO_KEY], struct str message, const unsigned char signature[CRYPTO_SIGNATURE])
{
	struct evp e;
	void *public = evp_load(&e) ? e.raw_public(ED25519, NULL, key, CRYPTO_KEY) : NULL, *ctx = public ? e.ctx_new() : NULL;
	bool ok = ctx && e.verify_init(ctx, NULL, NULL, NULL, public) == 1 &&
	          e.verify(ctx, signature, CRYPTO_SIGNATURE, (const unsigned char *)message.p, message.n) == 1;

	if (ctx)
		e.ctx_free(ctx);
	if (public)
		e.key_free(public);
	return ok;
}

bool crypto_random(void *to, size_t n)
{
	return getrandom(to, n, 0) == (ssize_t)n;
}

static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/* Returns where it ends. */
static char *encode(const char *digits, const unsigned char *p, size_t n, char *out)
{
	unsigned bits = 0, have = 0;

	for (size_t i = 0; i < n; i++) {
		bits = bits << 8 | p[i];
		for (have += 8; have >= 6; have -= 6)
			*out++ = digits[bits >> (have - 6) & 63];
	}
	if (have)
		*out++ = digits[bits << (6 - have) & 63];
	*out = '\0';
	return out;
}

void base64(const void *bytes, size_t n, char *out)
{
	char *end = encode("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/", bytes, n, out);

	for (size_t padding = (3 - n % 3) % 3; padding; padding--)
		*end++ = '=';
	*end = '\0';
}

void base64url(const void *bytes, size_t n, char *out)
{
	encode(letters, bytes, n, out);
}

bool base64url_parse(struct str s, void *out, size_t n)
{
	unsigned char *to = out;
	unsigned bits = 0, have = 0;
	size_t made = 0;

	for (size_t i = 0; i < s.n; i++) {
		const char *at = s.p[i] ? strchr(letters, s.p[i]) : NULL;

		if (!at)
			return false;
		bits = (bits << 6 | (unsigned)(at - letters)) & 0xffff;
		have += 6;
		if (have >= 8) {
			have -= 8;
			if (made == n)
				return false;
			to[made++] = (unsigned char)(bits >> have);
		}
	}
	return made == n && have < 6 && !(bits & ((1u << have) - 1));
}
