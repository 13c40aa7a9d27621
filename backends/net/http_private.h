/* http_private: shared by http.c (the exchanges) and http_say.c (the sentences). */
#ifndef NET_HTTP_PRIVATE_H
#define NET_HTTP_PRIVATE_H
#include "backends/net/http.h"
#include "backends/net/late.h"

struct http {
	struct http_conf conf;
	const struct clock *clock;
	const struct late_curl *curl;   /* NULL until the first exchange */
	const char *broken;             /* libcurl is not there: why */
	CURLM *multi;
	CURL *idle[4]; unsigned nidle;
	struct http_stream *streams;
	int64_t idle_checked;
	bool inside;                    /* within an on_data, and so within curl */
	bool fed;                       /* bytes went to an on_data in this turn */
};
struct http_stream {
	struct http_stream *next;
	struct http *http;
	CURL *easy;
	struct curl_slist *list, *connect_to;
	char **headers, *method, *path, *base, *content_type;
	struct str body, hide;
	bool (*on_data)(void *arg, struct str chunk);
	void (*on_header)(void *arg, struct str name, struct str value);
	http_done_fn on_done;
	void *arg;
	struct http_reply reply;
	enum http_end end;              /* set by us before curl is told to stop */
	int timeout_ms, idle_ms;
	uint64_t credential;            /* auth's `which` */
	size_t max, got;
	int64_t begun, heard;           /* mono ms */
	bool is_call, json_only, large, once, active, pending, stopped, done, renewed, status_known, was_idle;
	char curl_error[CURL_ERROR_SIZE];
};
/* http.c, for what begins as an exchange and goes on as something else (websocket.c): one by itself, in no list; its handle
 * with every option and these credentials; both put back. */
struct http_stream *http_lone(struct http *h, const struct http_request *q);
bool http_lone_dress(struct http_stream *s, struct http_auth *a);   /* false: reply says why; else release a */
void http_lone_free(struct http_stream *s);
void http_lone_undress(struct http_stream *s);
/* Sets error and remedy. suffix is added to the sentence. */
void http_say(struct http_reply *r, const char *remedy, const char *suffix, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));
/* Masks in a refusal's body what we sent to be let in: a server that quotes the request would have it on the screen, in logs and
 * in the audit trail. While the headers are still there. */
void http_hide_sent(struct http_stream *s);
void http_explain_own(struct http_stream *s);            /* s->end says what we did */
void http_explain_curl(struct http_stream *s, CURLcode rc);
void http_explain_status(struct http_stream *s);
void http_explain_not_json(struct http_stream *s);
/* An HTTP date (RFC 9110 5.6.7, the preferred form) in ms since 1970. */
bool http_date(struct str s, int64_t *out);
#endif
