/* sigv4: requests signed as AWS and S3-compatible stores want them (Signature Version 4), in headers or in the URL.
 * Over libcrypto, loaded late. Nothing here talks to a network or looks at a clock: times are passed in, so that a
 * client may follow the server's clock instead of its own. */
#ifndef NET_SIGV4_H
#define NET_SIGV4_H
#include "backends/net/http.h"

struct aws_keys {
	struct secret id, secret, token;   /* token: of temporary credentials, else not set */
};
void aws_keys_release(struct aws_keys *k);

/* What is signed; all borrowed. */
struct sigv4_request {
	const char *method;            /* NULL: GET */
	struct str host;               /* as it is sent: with the port when that is not the scheme's own */
	struct str path;               /* as it is sent: each part through http_escape, "/b/a%20b" */
	struct str query;              /* as it is sent, without '?', names and values through http_escape: "a=1&b=" */
	const char *const *headers;    /* further "Name: value" to be signed, NULL at the end; may be NULL */
	struct str body;
	const char *body_hash;         /* instead of the body's: "UNSIGNED-PAYLOAD"; may be NULL */
	const char *region, *service;
	int64_t now_ms;                /* wall, as the server has it */
};
/* Adds X-Amz-Date, X-Amz-Content-Sha256 (s3 only), X-Amz-Security-Token and Authorization. False, with auth->error: libcrypto
 * is not there. The headers of q are not added: whoever sends them does that. */
bool sigv4_sign(const struct sigv4_request *q, const struct aws_keys *k, struct http_auth *auth);
/* Appends the whole query of a presigned URL, q->query included, the signature last. Valid for expires_s from now_ms. False as
 * above. Whoever holds it may do what was signed: it is shown to the user who asked, never logged. */
bool sigv4_presign(const struct sigv4_request *q, const struct aws_keys *k, int expires_s, struct buf *query);

/* For tests and for those who debug: what is hashed (step 2 of the algorithm). signed_headers as "a;b". */
void sigv4_canonical(const struct sigv4_request *q, const char *const *all_headers, const char *body_hash,
                     struct buf *signed_headers, struct buf *out);
bool sha256_hex(struct str bytes, char out[65]);
bool sha1_hex(struct str bytes, char out[41]);
/* Escapes the parts of a key or path, but not its slashes. */
void sigv4_path(struct buf *out, struct str path);
#endif
