/* http: the one HTTP client of all backends, over libcurl (loaded late, see late.h).
 *
 * A `struct http` is one server as one thread sees it: connections are kept and shared by all its
 * exchanges (HTTP/2 multiplexed where the server offers it). It is used by one thread at a time; make one per
 * thread. Two ways to use it, freely mixed:
 *
 *   http_call   one blocking exchange, with a deadline, a bound on size, and cancellation
 *   http_start  a stream (watch, followed log): callbacks run inside http_run (or a later http_call)
 *
 * Errors are sentences for the user, with what to do about them. No credential and no userinfo of a URL ever
 * enters one. A 401 asks conf->renew once and tries again by itself. Redirects are not followed. */
#ifndef NET_HTTP_H
#define NET_HTTP_H
#include "base/buf.h"
#include "base/clock.h"
#include "base/secret.h"

struct http;
struct http_stream;
struct tunnel;

/* ---- credentials: asked for before every exchange, so that they may change while running */
struct http_auth {
	struct secret *lines; unsigned n;    /* "Name: value" */
	struct secret cert_pem, key_pem;     /* when set, instead of the conf's; owned */
	uint64_t which;                      /* the callback's own number of this credential, told to renew */
	char error[256], remedy[160];        /* filled by a callback that returns false */
	bool later;                          /* with false: not yet; a stream asks again in each http_run. Not for calls */
};
/* Adds a header. False (nothing added) when the name is none (RFC 9110) or the value holds bytes no header may (CR, LF, NUL). */
bool http_auth_add(struct http_auth *a, const char *name, struct str value);
bool http_auth_bearer(struct http_auth *a, struct secret token);
bool http_auth_basic(struct http_auth *a, struct str user, struct secret password);
void http_auth_release(struct http_auth *a);

/* ---- the server. Everything is borrowed and must outlive the http. */
struct http_conf {
	const char *base;          /* "https://host:6443/prefix"; a request's path is appended */
	const char *what;          /* for sentences: "the API server", "MLflow"; NULL: "the server" */
	struct str ca_pem;         /* trust these only; n = 0: ca_file, else the system's */
	const char *ca_file;
	struct str cert_pem;       /* client certificate; n = 0: none */
	struct secret key_pem;
	bool insecure;             /* certificate not verified */
	const char *tls_name;      /* name to expect and to send (SNI) when not the host's; NULL: the host's */
	const char *proxy;         /* http://, https://, socks5h://; NULL: from the environment; "": none */
	struct tunnel *tunnel;     /* by way of a host behind SSH (tunnel.h), and then by no proxy; NULL: directly */
	bool compress;             /* let calls (never streams) ask for gzip */
	int connect_ms;            /* 0: 10 s */
	const char *agent;         /* User-Agent; NULL: binnacle/VERSION */
	/* Fills auth; may take time (a plugin). False: error (and remedy) say why. NULL: no credentials. */
	bool (*auth)(void *arg, struct http_auth *auth);
	/* The server answered 401 to the credential `which`. True: ask auth again and repeat. NULL: never. */
	bool (*renew)(void *arg, uint64_t which);
	void *arg;
};

/* ---- one exchange. Borrowed: until http_call returns; http_start copies what it needs but the body. */
struct http_request {
	const char *method;             /* NULL: GET */
	const char *path;               /* "/api/v1/pods?limit=500", already escaped (http_escape) */
	const char *base;               /* instead of the conf's (a bucket's own host); NULL: the conf's */
	const char *const *headers;     /* "Accept: application/json", NULL-terminated; may be NULL */
	struct str body;                /* http_start: must live until on_done or http_stop */
	const char *content_type;       /* of body; NULL: application/json */
	struct str hide;                /* a secret in the body: masked where a refusal quotes it; must live as long */
	int timeout_ms;                 /* whole exchange; 0: call 30 s, stream none; -1: none */
	int idle_ms;                    /* no byte for so long: cut (checked about each second); 0: none */
	size_t max;                     /* most bytes of body; 0: call 64 MiB, stream without bound */
	bool json;                      /* an answer of 2xx that is not JSON (a login page) is an error */
	bool once;                      /* a change by POST (PUT, PATCH, DELETE always are): on a fresh connection, for what a reused
	                                 * one lost libcurl sends again by itself */
	bool large;                     /* megabytes are to be expected: a large receive buffer */
	/* Polled while waiting, at least every 50 ms; true ends the call with HTTP_CANCELLED. May be NULL. */
	bool (*cancelled)(void *arg);
	void *cancelled_arg;
	/* Take the body of a 2xx as it comes instead of collecting it; false ends with HTTP_CANCELLED. Bodies of other
	 * answers are always collected (up to 1 MiB). May be NULL for calls. Inside, of this file's functions
	 * only http_start and http_stop may be used. */
	bool (*on_data)(void *arg, struct str chunk);
	/* Each header of the answer, before its body; of redirects and retries too. May be NULL. */
	void (*on_header)(void *arg, struct str name, struct str value);
	void *arg;                      /* of on_data, on_header and on_done */
};

enum http_end {
	HTTP_OK,             /* 2xx, complete */
	HTTP_STATUS,         /* complete, but another status */
	HTTP_CREDENTIALS,    /* conf->auth failed: nothing was sent */
	HTTP_RESOLVE,        /* no such host, or the proxy's */
	HTTP_CONNECT,        /* refused, unreachable, proxy refused */
	HTTP_TLS,            /* certificate or handshake */
	HTTP_TIMEOUT,        /* deadline or idle */
	HTTP_CUT,            /* the connection broke before the answer was complete */
	HTTP_TOO_LARGE,
	HTTP_NOT_JSON,
	HTTP_CANCELLED,
	HTTP_BROKEN,         /* not HTTP, bad URL, libcurl missing */
};
struct http_reply {
	enum http_end end;
	int status;                     /* 0: none came */
	struct buf body;                /* collected body; whole when HTTP_OK or HTTP_STATUS */
	char type[64];                  /* Content-Type without parameters, lower case */
	char warning[256];              /* text of Warning headers (Kubernetes: deprecated API ...), joined by "; " */
	int64_t retry_after_ms;         /* -1: none */
	int64_t date_ms;                /* the server's clock from Date; 0: none. Second precision */
	int64_t modified_ms;            /* Last-Modified; 0: not said */
	int64_t latency_us;             /* from sending to the first byte of the answer; -1: none */
	int64_t connect_us;             /* DNS + TCP + TLS, 0: an open connection was used */
	bool http2;
	/* When end is not HTTP_OK: one sentence, without remedy. For HTTP_STATUS it holds the server's own
	 * message where the body has one (message, detail, error, title). May hold any bytes from outside. */
	char error[512];
	char remedy[256];               /* may be empty */
};
void http_reply_release(struct http_reply *r);
const char *http_end_name(enum http_end e);      /* "timeout" */
static inline bool http_is_auth(const struct http_reply *r)     /* refused: not worth a fast retry */
{
	return r->end == HTTP_CREDENTIALS || (r->end == HTTP_STATUS && (r->status == 401 || r->status == 403));
}
/* Worth trying again later without any change by the user: network, 429, 5xx. */
bool http_is_passing(const struct http_reply *r);

/* ---- use. http_new never fails: what is wrong comes out of the first exchange. */
struct http *http_new(const struct http_conf *conf, const struct clock *clock);
void http_free(struct http *h);                  /* streams end without on_done */
/* True: HTTP_OK. reply is always filled; release it. Streams of h go on meanwhile. Not from on_data. */
bool http_call(struct http *h, const struct http_request *q, struct http_reply *reply);
/* Shorthand: GET of JSON with the defaults. */
bool http_get(struct http *h, const char *path, bool (*cancelled)(void *), void *cancelled_arg,
              struct http_reply *reply);

/* A stream: on_data (of q) for each chunk, then exactly one on_done, after which the stream is gone; reply is
 * borrowed for the call. on_done may use every function but http_free. Compression is never asked for. */
typedef void (*http_done_fn)(void *arg, struct http_stream *s, const struct http_reply *reply);
struct http_stream *http_start(struct http *h, const struct http_request *q, http_done_fn on_done);
void http_stop(struct http *h, struct http_stream *s);   /* ends it; no callback any more */
unsigned http_streams(const struct http *h);             /* how many are under way */
/* Let streams work until something happened, extra_fd (-1: none) is readable, or wait_ms is over (-1: none). True:
 * extra_fd is readable. */
bool http_run(struct http *h, int extra_fd, int wait_ms);

/* ---- helpers */
void http_escape(struct buf *out, struct str s);         /* percent-encoding of a path segment or query value */
/* out: url without userinfo and query, printable. For sentences and health. */
void http_redact(const char *url, char *out, size_t size);
/* Waits between tries: exponential from first_ms to most_ms with jitter (half to whole), never less than
 * retry_after_ms (pass reply.retry_after_ms). Zero-initialise but rnd; 0 means 500 ms and 30 s. */
struct http_backoff { struct rnd rnd; unsigned tries; int64_t first_ms, most_ms; };
int64_t http_backoff_next(struct http_backoff *b, int64_t retry_after_ms);
static inline void http_backoff_reset(struct http_backoff *b) { b->tries = 0; }
#endif
