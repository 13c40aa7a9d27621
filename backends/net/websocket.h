/* websocket: one WebSocket (RFC 6455) to a server that a `struct http` knows: the connection, TLS, proxy and credentials
 * are libcurl's as http.c sets them up (CURLOPT_CONNECT_ONLY: this libcurl has no WebSocket of its own); the frames are
 * libwslay's. Blocking to open, without waiting afterwards: poll websocket_fd() and take turns. One thread; it may outlive
 * no other part of `h` than its conf. */
#ifndef NET_WEBSOCKET_H
#define NET_WEBSOCKET_H
#include "backends/net/http.h"

struct websocket;
struct websocket_ask {
	const char *path;               /* as of an http_request */
	const char *protocols;          /* "v5.channel.k8s.io, v4.channel.k8s.io", the best first */
	bool (*cancelled)(void *arg);   /* polled while it opens; may be NULL */
	void *cancelled_arg;
};
/* NULL: reply (always filled, release it) says why; a refusal holds the server's own words. */
struct websocket *websocket_open(struct http *h, const struct websocket_ask *q, struct http_reply *reply);
void websocket_free(struct websocket *w);           /* says goodbye where it can without waiting; NULL is fine */
const char *websocket_protocol(const struct websocket *w);   /* which of them the server chose; "" none */
int websocket_fd(const struct websocket *w);
short websocket_events(const struct websocket *w, bool read);   /* for poll */
/* Queues a binary message of two parts. */
void websocket_send(struct websocket *w, struct str head, struct str body);
size_t websocket_unsent(const struct websocket *w); /* bytes queued */
typedef void (*websocket_fn)(void *arg, struct str message);
/* Sends what waits and, with `read`, takes what came (at most about 256 kB; *more: there may be more to take at once), without
 * waiting. Pings are answered, and sent every so often. False: it is over, websocket_why() says how. */
bool websocket_turn(struct websocket *w, bool read, websocket_fn fn, void *arg, bool *more);
/* "" when the other side ended it in order. */
const char *websocket_why(const struct websocket *w);

/* ---- the handshake, apart for tests: the answer's head, up to and with its empty line */
struct websocket_head { int status; char protocol[64], type[64]; int64_t length; bool chunked, upgraded; };
/* accept: what Sec-WebSocket-Accept must be. False: it is no HTTP. */
bool websocket_read_head(struct str head, const char *accept, struct websocket_head *out);
/* Sec-WebSocket-Accept for a key; false: libcrypto is missing. */
bool websocket_accept(const char *key, char out[32]);
#endif
