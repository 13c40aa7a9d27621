/* crypto: the few functions of libcrypto that base needs: SHA-256 and Ed25519. The library is loaded with the first use:
 * linked, it costs every start 2 ms and 0.4 MB. Any thread. */
#ifndef BASE_CRYPTO_H
#define BASE_CRYPTO_H
#include "base/str.h"

enum { CRYPTO_KEY = 32, CRYPTO_SIGNATURE = 64 };

/* All return false where libcrypto cannot be loaded. */
bool crypto_sha256(struct str s, char hex[65]);
/* Ed25519: seed is the private key. */
bool crypto_public(const unsigned char seed[CRYPTO_KEY], unsigned char key[CRYPTO_KEY]);
bool crypto_sign(const unsigned char seed[CRYPTO_KEY], struct str message, unsigned char signature[CRYPTO_SIGNATURE]);
bool crypto_verify(const unsigned char key[CRYPTO_KEY], struct str message, const unsigned char signature[CRYPTO_SIGNATURE]);
bool crypto_random(void *to, size_t n);
void base64(const void *bytes, size_t n, char *out);                 /* RFC 4648, padded; out: (n + 2) / 3 * 4 + 1 */
/* Base64 of URLs, without padding: letters that survive a chat and a shell. */
void base64url(const void *bytes, size_t n, char *out);              /* out: n * 4 / 3 + 3 */
bool base64url_parse(struct str s, void *out, size_t n);             /* exactly n bytes */
#endif
