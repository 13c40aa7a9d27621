/* ask: one exchange with the server. What went wrong is kept in a->failure as a sentence with what to do about it. */
#include "backends/alerts/alerts.h"
#include "base/mem.h"
#include <stdio.h>
#include <stdlib.h>

#define ELEMENT_MAX (4u << 20)
#define ANSWER_MAX (512u << 20)      /* of a list, which is never held whole */
#define SMALL_MAX (8u << 20)

void ask_open(struct alerts *a)
{
	access_open(&a->access, a->link, a->is->what);
	a->http = http_new(&a->access.conf, link_clock(a->link));
}

void ask_close(struct alerts *a)
{
	http_free(a->http);
	access_close(&a->access);
}

/* Alertmanager's own sentence is a bare JSON string. */
static void add_said(struct http_reply *f, struct str body)
{
	json_t *j = body.n && body.n < 65536 ? json_loadb(body.p, body.n, JSON_DECODE_ANY, NULL) : NULL;
	size_t n = strlen(f->error);
	if (json_string_length(j) && !strstr(f->error, json_string_value(j)))
		snprintf(f->error + n, sizeof(f->error) - n, ": %.300s", json_string_value(j));
	json_decref(j);
}

static void explain(struct alerts *a)
{
	struct http_reply *f = &a->failure;
	bool known = a->access.user || access_has(&a->access, "token");
	char *to = f->remedy;
	size_t size = sizeof(f->remedy);
	if (f->end == HTTP_NOT_JSON || (f->end == HTTP_STATUS && f->status == 404))
		snprintf(to, size, "see that url is %s's own address, with the path it is served under%s", a->is->what,
		         a->is == &flavour_prometheus ? " (Mimir: /prometheus)" : " (Mimir: /alertmanager)");
	else if (f->status == 401)
		snprintf(to, size, known ? "see that user and password, or token, are right; some servers want tenant too"
		                         : "set user and password, or token, of this source; some servers want tenant too");
	else if (f->status == 403)
		snprintf(to, size, "ask for the permission to read there, or set the tenant whose alerts these are");
	else if (f->status == 429)
		snprintf(to, size, "it asks for fewer requests; binnacle waits as long as it says");
}

static bool closing(void *arg)
{
	return link_closing(arg);
}

static bool exchange(struct alerts *a, struct http_request *q, struct http_reply *r)
{
	const char *tenant = link_setting(a->link, "tenant"), *headers[3] = { "Accept: application/json", NULL, NULL };
	char *scope = NULL;
	if (tenant && *tenant && !strpbrk(tenant, "\r\n")) {
		struct buf b = { 0 };
		buf_addf(&b, "X-Scope-OrgID: %s", tenant);
		headers[1] = scope = buf_detach(&b);
	}
	q->headers = headers;
	q->timeout_ms = a->timeout_ms;
	q->cancelled = closing;
	q->cancelled_arg = a->link;
	bool ok = http_call(a->http, q, r);
	a->asked_ms = clock_mono(link_clock(a->link));
	a->latency_us = r->latency_us >= 0 ? r->latency_us : a->latency_us;
	a->date_ms = r->date_ms ? r->date_ms : a->date_ms;
	a->failure = *r;
	a->failure.body = (struct buf){ 0 };
	if (!ok) {
		add_said(&a->failure, buf_str(&r->body));
		explain(a);
	}
	free(scope);
	return ok;
}

static bool odd(struct alerts *a, const char *fmt, const char *what)
{
	a->failure.end = HTTP_NOT_JSON;
	snprintf(a->failure.error, sizeof(a->failure.error), fmt, a->is->what, what);
	explain(a);
	return false;
}

json_t *ask_json(struct alerts *a, const char *path)
{
	struct http_request q = { .path = path, .json = true, .max = SMALL_MAX };
	struct http_reply r;
	char why[200];
	json_t *j = NULL;
	if (exchange(a, &q, &r) && !(j = json_read(buf_str(&r.body), NULL, why, sizeof(why))))
		odd(a, "%s's answer is not whole JSON: %s", why);
	http_reply_release(&r);
	return j;
}

bool ask_send(struct alerts *a, const char *method, const char *path, struct str body, struct buf *answer)
{
	struct http_request q = { .method = method, .path = path, .body = body, .once = true, .max = SMALL_MAX };
	struct http_reply r;
	bool ok = exchange(a, &q, &r);
	if (ok && answer)
		buf_addstr(answer, buf_str(&r.body));
	http_reply_release(&r);
	return ok;
}

/* ---- long lists */

struct taking { struct alerts *a; const struct list_of *q; struct cut cut; bool found; };

static void on_item(void *arg, struct str name, struct str text, bool element)
{
	struct taking *x = arg;
	char why[8];
	if (!element || !str_is(name, x->q->name))
		return;
	json_t *j = json_read(text, NULL, why, sizeof(why));
	if (json_is_object(j))
		x->q->element(x->q->arg, j);
	else
		x->a->skipped++;
	json_decref(j);
}

static bool on_data(void *arg, struct str chunk)
{
	struct taking *x = arg;
	cut_feed(&x->cut, chunk);
	return !link_closing(x->a->link);
}

bool ask_list(struct alerts *a, const struct list_of *q)
{
	struct taking x = { .a = a, .q = q, .cut = { .item = on_item, .max = ELEMENT_MAX, .within = q->within, .without = q->without } };
	struct http_request h = { .path = q->path, .json = true, .large = true, .max = ANSWER_MAX, .on_data = on_data, .arg = &x };
	struct http_reply r;
	x.cut.arg = &x;
	bool ok = exchange(a, &h, &r), list = !*q->name;
	if (ok && (!x.cut.ended || x.cut.whole != list))
		ok = odd(a, "%s's answer is not what it should be: %s", x.cut.base < 0 || (x.cut.ended && x.cut.whole != list)
		         ? list ? "no JSON list" : "no JSON object" : "it was cut short");
	a->skipped += x.cut.skipped;
	cut_release(&x.cut);
	http_reply_release(&r);
	return ok;
}

bool ask_is_lost(const struct alerts *a)
{
	const struct http_reply *f = &a->failure;
	return f->end != HTTP_STATUS || f->status == 401 || f->status == 403 || f->status == 404 || f->status == 429 || f->status >= 500;
}

bool ask_untaken(const struct alerts *a)
{
	const struct http_reply *f = &a->failure;
	return f->end == HTTP_CREDENTIALS || f->end == HTTP_RESOLVE || f->end == HTTP_CONNECT || f->end == HTTP_TLS ||
	       (f->end == HTTP_STATUS && f->status < 500);
}
