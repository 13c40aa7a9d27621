/* client: requests to one MLflow server. What went wrong is kept in m->failure as a sentence with what to do about it. */
#define _GNU_SOURCE
#include "backends/mlflow/mlflow.h"
#include "base/mem.h"
#include <stdio.h>
#include <stdlib.h>

#define PAGES_MAX 4096
#define ELEMENT_MAX (8u << 20)
#define ANSWER_MAX (512u << 20)      /* of a list, which is never held whole */
#define SMALL_MAX (8u << 20)

void client_open(struct mlflow *m)
{
	access_open(&m->access, m->link, "MLflow");
	m->http = http_new(&m->access.conf, link_clock(m->link));
}

void client_close(struct mlflow *m)
{
	http_free(m->http);
	access_close(&m->access);
}

/* ---- what went wrong */

static void explain(struct mlflow *m)
{
	struct http_reply *f = &m->failure;
	const char *remedy = NULL;
	if (f->end == HTTP_NOT_JSON || (f->end == HTTP_STATUS && (f->status == 404 || f->status == 405) && !strstr(f->type, "json")))
		remedy = "see that url is MLflow's own address, with the path it is served under";
	else if (f->status == 401)
		remedy = m->access.user || access_has(&m->access, "token") ? "see that user and password, or token, are right"
		                                                              : "set user and password, or token, of this source";
	else if (f->status == 403 && strstr(f->error, "Host header"))
		remedy = "start MLflow with --allowed-hosts and this name and port, or set host of this source to one it allows";
	else if (f->status == 403)
		remedy = "ask for the permission to read there";
	else if (f->status == 429)
		remedy = "it asks for fewer requests; binnacle waits as long as it says";
	if (remedy)
		snprintf(f->remedy, sizeof(f->remedy), "%s", remedy);
}

static bool finish(struct mlflow *m, struct http_reply *r, bool ok)
{
	if (r->latency_us >= 0)
		m->latency_us = r->latency_us;
	m->failure = *r;
	m->failure.body = (struct buf){ 0 };
	if (ok)
		return true;
	if (r->status == 403 && r->body.len && memmem(r->body.data, r->body.len, "Invalid Host header", 19))
		snprintf(m->failure.error, sizeof(m->failure.error), "MLflow does not take the name it is asked under: "
		         "Invalid Host header");
	explain(m);
	return false;
}

static bool odd(struct mlflow *m, const char *what)
{
	m->failure.end = HTTP_NOT_JSON;
	snprintf(m->failure.error, sizeof(m->failure.error), "%s", what);
	explain(m);
	return false;
}

bool client_is_lost(const struct mlflow *m)
{
	const struct http_reply *f = &m->failure;
	if (f->end == HTTP_NOT_JSON || f->end == HTTP_TOO_LARGE || f->end == HTTP_CANCELLED)
		return link_said(m->link) != HEALTH_LIVE && link_said(m->link) != HEALTH_LIMITED;
	if (f->end != HTTP_STATUS)
		return true;
	return f->status == 401 || f->status == 429 || f->status >= 500 || (f->status == 403 && strstr(f->error, "Host header"));
}

static bool closing(void *arg)
{
	return link_closing(arg);
}

static void fill_request(struct mlflow *m, struct http_request *q, const char **headers)
{
	headers[0] = "Accept: application/json";
	headers[1] = NULL;
	q->headers = headers;
	q->timeout_ms = m->timeout_ms;
	q->cancelled = closing;
	q->cancelled_arg = m->link;
}

/* ---- small answers */

json_t *client_json(struct mlflow *m, const char *path, const char *body)
{
	return client_change(m, body ? "POST" : NULL, path, body);
}

json_t *client_change(struct mlflow *m, const char *method, const char *path, const char *body)
{
	struct http_request q = { .path = path, .method = method, .body = str_of(body), .once = body != NULL, .json = true,
		.max = SMALL_MAX };
	struct http_reply r;
	const char *headers[2];
	json_t *j = NULL;
	fill_request(m, &q, headers);
	char why[200] = "MLflow's answer is not whole JSON: ";
	size_t n = strlen(why);
	if (finish(m, &r, http_call(m->http, &q, &r)) && !(j = json_read(buf_str(&r.body), NULL, why + n, sizeof(why) - n)))
		odd(m, why);
	http_reply_release(&r);
	return j;
}

bool client_text(struct mlflow *m, const char *path, size_t max, struct buf *out)
{
	struct http_request q = { .path = path, .max = max };
	struct http_reply r;
	const char *headers[2];
	fill_request(m, &q, headers);
	headers[0] = "Accept: */*";
	bool ok = finish(m, &r, http_call(m->http, &q, &r));
	if (ok)
		buf_addstr(out, buf_str(&r.body));
	http_reply_release(&r);
	return ok;
}

bool client_version(struct mlflow *m)
{
	struct buf b = { 0 };
	if (m->known)
		return true;
	bool ok = client_text(m, "/version", 4096, &b);
	struct str v = str_trim(buf_str(&b));
	if (ok && v.n && v.n < sizeof(m->version) && v.p[0] >= '0' && v.p[0] <= '9')
		snprintf(m->version, sizeof(m->version), STR_FMT, STR_ARG(v));
	else if (!ok && (m->failure.end != HTTP_STATUS || m->failure.status == 401 || m->failure.status >= 429))
		goto out;
	else if (!ok && m->failure.status == 404)
		snprintf(m->version, sizeof(m->version), "1.x");     /* /version came with 2.0 */
	ok = m->known = true;
out:
	buf_release(&b);
	return ok;
}

/* ---- lists */

struct pages {
	struct mlflow *m;
	const struct list_query *q;
	struct cut cut;
	char *token;
	unsigned n;
};

static void on_item(void *arg, struct str name, struct str text, bool element)
{
	struct pages *p = arg;
	char why[8];
	if (str_is(name, "next_page_token") && !element) {
		json_t *j = json_loadb(text.p, text.n, JSON_DECODE_ANY, NULL);
		free(p->token);
		p->token = json_string_length(j) ? xstrdup(json_string_value(j)) : NULL;
		json_decref(j);
	} else if (element && str_is(name, p->q->name) && (!p->q->limit || p->n < p->q->limit)) {
		json_t *j = json_read(text, NULL, why, sizeof(why));
		if (json_is_object(j))
			p->q->element(p->q->arg, j);
		else
			p->m->skipped++;
		p->n++;
		json_decref(j);
	}
}

static bool on_data(void *arg, struct str chunk)
{
	struct pages *p = arg;
	cut_feed(&p->cut, chunk);
	return !link_closing(p->m->link);
}

static bool one_page(struct pages *p, const char *token)
{
	struct mlflow *m = p->m;
	struct http_request q = { .json = true, .large = true, .max = ANSWER_MAX, .on_data = on_data, .arg = p };
	struct http_reply r;
	struct buf path = { 0 };
	const char *headers[2];
	char *body = NULL;
	buf_adds(&path, p->q->path);
	if (p->q->body) {
		json_object_set_new(p->q->body, "max_results", json_integer(p->q->page));
		if (token)
			json_object_set_new(p->q->body, "page_token", json_string(token));
		body = json_dumps(p->q->body, JSON_COMPACT);
		q.method = "POST";
		q.body = str_of(body);
	} else {
		buf_addf(&path, "max_results=%u", p->q->page);
		if (token) {
			buf_adds(&path, "&page_token=");
			http_escape(&path, str_of(token));
		}
	}
	q.path = path.data;
	fill_request(m, &q, headers);
	p->cut = (struct cut){ .item = on_item, .arg = p, .max = ELEMENT_MAX };
	bool ok = finish(m, &r, http_call(m->http, &q, &r));
	if (ok && (!p->cut.ended || p->cut.whole))
		ok = odd(m, p->cut.base < 0 || p->cut.whole ? "MLflow's answer is not what it should be: no JSON object" : "MLflow's answer was cut short");
	m->skipped += p->cut.skipped;
	cut_release(&p->cut);
	http_reply_release(&r);
	buf_release(&path);
	free(body);
	return ok;
}

bool client_list(struct mlflow *m, const struct list_query *q)
{
	struct pages p = { .m = m, .q = q };
	char *token = NULL;
	bool ok;
	unsigned pages = 0;
	do {
		ok = one_page(&p, token);
		bool again = token && p.token && !strcmp(token, p.token);
		free(token);
		token = again ? NULL : p.token;
		if (again)
			free(p.token);
		p.token = NULL;
		if (ok && token)
			mlflow_between(m);
	} while (ok && token && ++pages < PAGES_MAX && (!q->limit || p.n < q->limit) && !link_closing(m->link));
	free(token);
	free(p.token);
	if (q->body) {
		json_object_del(q->body, "page_token");
		json_object_del(q->body, "max_results");
	}
	return ok;
}
