/* api: one exchange with Airflow. The version is found by asking for it: /api/v2/version, then /api/v1/version. 2.x takes
 * Basic; 3.x takes a token from /auth/token, made anew before it ends and when it is refused. A token of the setting
 * `token` goes to both. */
#include "backends/airflow/airflow.h"
#include "base/fmt.h"
#include "base/mem.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#define EARLY_MS 300000          /* a token is made anew so long before it ends */
#define ANSWER_MAX (32 << 20)

static int base64url(char c)
{
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
	const char *at = c ? strchr(digits, c) : NULL;
	return at ? (int)(at - digits) : -1;
}

json_t *jwt_claims(struct str token)
{
	struct str rest = token, part;
	struct buf b = { 0 };
	uint32_t bits = 0;
	int n = 0;
	str_split(&rest, '.');
	part = str_split(&rest, '.');
	for (size_t i = 0; i < part.n; i++) {
		int v = base64url(part.p[i]);
		if (v < 0)
			break;
		bits = bits << 6 | (uint32_t)v;
		if ((n += 6) >= 8)
			buf_addc(&b, (char)(bits >> (n -= 8)));
	}
	json_t *j = json_loadb(b.data ? b.data : "", b.len, 0, NULL);
	buf_release(&b);
	return j;
}

int64_t jwt_end(struct str token)
{
	json_t *j = jwt_claims(token);
	const json_t *end = json_object_get(j, "exp");
	double s = json_is_number(end) ? json_number_value(end) : 0;
	json_decref(j);
	return s > 0 && s < 1e11 ? (int64_t)(s * 1000) : 0;
}

/* ---- credentials */

static bool fill_auth(void *arg, struct http_auth *auth)
{
	struct api *a = arg;
	if (a->bare)
		return true;
	if (!secret_set(a->bearer))
		return access_auth(&a->access, auth);
	if (http_auth_bearer(auth, a->bearer))
		return true;
	snprintf(auth->error, sizeof(auth->error), "the token holds bytes that no header may");
	return false;
}

/* The settings' secrets at hand; false: which one cannot be read is the api's error. */
static bool have_secrets(struct api *a)
{
	struct http_auth why = { 0 };
	bool ok = access_secrets(&a->access, &why);
	if (!ok) {
		snprintf(a->error, sizeof(a->error), "%s", why.error);
		snprintf(a->remedy, sizeof(a->remedy), "%s", why.remedy);
		a->end = HTTP_CREDENTIALS;
	}
	http_auth_release(&why);
	return ok;
}

static bool cancelled(void *arg)
{
	struct api *a = arg;
	return link_closing(a->link) || (a->waiting && link_cancelled(a->link, a->waiting));
}

/* One exchange; true: 2xx. What was wrong is in the api's error. */
static bool exchange(struct api *a, struct http_request *q, struct http_reply *reply)
{
	if (!q->timeout_ms)
		q->timeout_ms = a->timeout_ms;
	q->max = q->max ? q->max : ANSWER_MAX;
	q->cancelled = cancelled;
	q->cancelled_arg = a;
	a->requests++;
	a->asked_at = clock_mono(link_clock(a->link));
	bool ok = http_call(a->http, q, reply);
	a->end = reply->end;
	a->status = reply->status;
	a->retry_after_ms = reply->retry_after_ms;
	a->latency_us = reply->latency_us >= 0 ? reply->latency_us : a->latency_us;
	a->date_ms = reply->date_ms ? reply->date_ms : a->date_ms;
	if (!ok) {
		snprintf(a->error, sizeof(a->error), "%s", reply->error);
		snprintf(a->remedy, sizeof(a->remedy), "%s", reply->remedy);
	}
	if (!ok && reply->end == HTTP_STATUS && reply->status / 100 == 3) {
		snprintf(a->error, sizeof(a->error), "%s sends us to another page (%d), as a login page does", a->access.shown, reply->status);
		snprintf(a->remedy, sizeof(a->remedy), "something in front of Airflow wants its own login; give the address behind "
		         "it, or a 'token:' from a command");
	}
	return ok;
}

static json_t *body_json(struct api *a, struct http_reply *reply)
{
	char why[200];
	json_t *j = json_read(buf_str(&reply->body), NULL, why, sizeof(why));
	if (!j) {
		snprintf(a->error, sizeof(a->error), "the answer is not whole JSON: %s", why);
		a->end = HTTP_NOT_JSON;
		snprintf(a->remedy, sizeof(a->remedy), "see that %s is Airflow itself, and nothing cuts its answers", a->access.shown);
	}
	return j;
}

/* The password's name is never in the sentence; what Airflow answered may be. */
static bool make_token(struct api *a)
{
	struct buf body = { 0 };
	struct http_reply reply = { 0 };
	bool post = a->access.user != NULL;
	if (!have_secrets(a))
		return false;
	if (post) {
		json_t *j = json_object();
		struct str p = secret_reveal(a->access.password.is);
		json_object_set_new(j, "username", json_string(a->access.user));
		json_object_set_new(j, "password", json_stringn(p.p ? p.p : "", p.n));
		char *text = json_dumps(j, JSON_COMPACT);
		buf_adds(&body, text ? text : "{}");
		if (text)
			memset(text, 0, strlen(text));
		free(text);
		json_decref(j);
	}
	struct http_request q = { .method = post ? "POST" : "GET", .path = "/auth/token", .body = buf_str(&body), .json = true,
		.hide = post ? secret_reveal(a->access.password.is) : STR("") };
	a->bare = true;
	bool ok = exchange(a, &q, &reply);
	a->bare = false;
	if (body.data)
		memset(body.data, 0, body.len);
	buf_release(&body);
	json_t *j = ok ? body_json(a, &reply) : NULL;
	struct str token = text_in(j, "access_token");
	ok = token.n > 0;
	if (ok) {
		int64_t now = clock_wall(link_clock(a->link)), end = jwt_end(token), left = end - now;
		secret_release(&a->bearer);
		a->bearer = secret_of(token);
		/* A short life is used to four fifths. */
		a->bearer_until = left <= 0 ? 0 : now + (left > 5 * EARLY_MS ? left - EARLY_MS : left * 4 / 5);
	} else if (j) {
		snprintf(a->error, sizeof(a->error), "%s/auth/token gave no access_token", a->access.shown);
	}
	if (!ok && a->status >= 400 && a->status < 500 && a->status != 429) {
		a->end = HTTP_CREDENTIALS;
		snprintf(a->remedy, sizeof(a->remedy), post ? "correct 'user:' and 'password:' of the source"
		         : "give 'user:' and 'password:', or 'token:' of the source");
	}
	json_decref(j);
	http_reply_release(&reply);
	return ok;
}

static bool read_token(struct api *a)
{
	secret_release(&a->bearer);
	access_forget(&a->access);
	if (!have_secrets(a))
		return false;
	a->bearer = secret_of(secret_reveal(a->access.token.is));
	a->bearer_until = jwt_end(secret_reveal(a->bearer));
	return true;
}

static bool have_credentials(struct api *a)
{
	int64_t now = clock_wall(link_clock(a->link));
	if (secret_set(a->bearer) && (!a->bearer_until || now < a->bearer_until))
		return true;
	if (access_has(&a->access, "token"))
		return read_token(a);
	return a->version == 1 || make_token(a);
}

/* ---- version */

static bool ask_version(struct api *a, int version)
{
	char path[32];
	struct http_reply reply = { 0 };
	snprintf(path, sizeof(path), "/api/v%d/version", version);
	struct http_request q = { .path = path, .json = true };
	/* Version 1 may want credentials for it, version 2 never does. */
	a->bare = version == 2 || access_has(&a->access, "token");
	bool ok = exchange(a, &q, &reply);
	a->bare = false;
	json_t *j = ok ? body_json(a, &reply) : NULL;
	struct str number = text_in(j, "version");
	if (number.n) {
		a->version = version;
		snprintf(a->number, sizeof(a->number), STR_FMT, STR_ARG(number));
	} else if (version == 1 && a->end == HTTP_STATUS && (a->status == 401 || a->status == 403)) {
		a->version = 1;              /* it is there, and says so when asked for more */
		a->number[0] = 0;
		number.n = 1;
	}
	bool found = number.n > 0;
	json_decref(j);
	http_reply_release(&reply);
	return found;
}

static bool find_version(struct api *a)
{
	if (ask_version(a, 2))
		return true;
	if (a->end != HTTP_OK && a->end != HTTP_STATUS && a->end != HTTP_NOT_JSON)
		return false;
	int first = a->status;
	if (first >= 500 || first == 429)
		return false;
	if (ask_version(a, 1))
		return true;
	if (a->end == HTTP_OK || a->end == HTTP_NOT_JSON || (a->end == HTTP_STATUS && a->status == 404)) {
		snprintf(a->error, sizeof(a->error), "there is no Airflow at %s: /api/v2/version answered %d, /api/v1/version %d",
		         a->access.shown, first, a->status);
		snprintf(a->remedy, sizeof(a->remedy), "give 'url:' as one opens Airflow in a browser, without /home");
		a->end = HTTP_BROKEN;
	}
	return false;
}

bool api_ready(struct api *a)
{
	if (!*a->access.base) {
		snprintf(a->error, sizeof(a->error), "'url:' is missing");
		a->end = HTTP_BROKEN;
		return false;
	}
	return (a->version || find_version(a)) && have_credentials(a);
}

/* ---- asking */

/* A token that is not taken any more: 401, or 403 with "Invalid JWT token" (a missing permission is 403 "Forbidden"). */
static bool stale_token(const struct api *a, const struct http_reply *r)
{
	return r->end == HTTP_STATUS && secret_set(a->bearer) &&
	       (r->status == 401 || (r->status == 403 && strstr(r->error, "Invalid JWT token")));
}

static bool call(struct api *a, struct http_request *q, struct http_reply *reply)
{
	for (int try = 0; try < 2; try++) {
		if (!api_ready(a))
			return false;
		if (exchange(a, q, reply))
			return true;
		bool stale = stale_token(a, reply) || (reply->status == 401 && access_forget(&a->access));
		if (!stale || try)
			break;
		secret_release(&a->bearer);
		http_reply_release(reply);
		*reply = (struct http_reply){ 0 };
	}
	if (a->end == HTTP_STATUS && a->status == 401)
		snprintf(a->remedy, sizeof(a->remedy), "%s", a->version == 1 ?
		         "correct 'user:' and 'password:'; Airflow 2 takes them only with auth_backends = "
		         "airflow.api.auth.backend.basic_auth" : "correct 'user:' and 'password:', or 'token:'");
	return false;
}

json_t *api_send(struct api *a, const char *method, const char *path, json_t *body)
{
	struct http_reply reply = { 0 };
	struct buf full = { 0 };
	json_t *j = NULL;
	char *text = body ? json_dumps(body, JSON_COMPACT) : NULL;
	if (api_ready(a)) {              /* the version is in the path */
		buf_addf(&full, "/api/v%d%s", a->version, path);
		static const char *const headers[] = { "Accept: application/json", NULL };    /* v1 has logs as text too */
		struct http_request q = { .method = method, .path = full.data, .headers = headers, .body = str_of(text), .json = true,
			.once = method != NULL };
		j = call(a, &q, &reply) ? body_json(a, &reply) : NULL;
	}
	http_reply_release(&reply);
	buf_release(&full);
	free(text);
	return j;
}

json_t *api_get(struct api *a, const char *fmt, ...)
{
	struct buf path = { 0 };
	va_list ap;
	va_start(ap, fmt);
	buf_vaddf(&path, fmt, ap);
	va_end(ap);
	json_t *j = api_send(a, NULL, path.data, NULL);
	buf_release(&path);
	return j;
}

bool api_stream(struct api *a, const char *path, const char *accept, bool (*on_data)(void *, struct str), void *arg)
{
	struct http_reply reply = { 0 };
	struct buf full = { 0 }, header = { 0 };
	bool ok = api_ready(a);
	if (ok) {
		buf_addf(&full, "/api/v%d%s", a->version, path);
		buf_addf(&header, "Accept: %s", accept);
		struct http_request q = { .path = full.data, .headers = (const char *const[]){ header.data, NULL },
		                          .timeout_ms = -1, .idle_ms = a->timeout_ms, .max = (size_t)1 << 40, .large = true,
		                          .on_data = on_data, .arg = arg };
		ok = call(a, &q, &reply);
	}
	http_reply_release(&reply);
	buf_release(&full);
	buf_release(&header);
	return ok;
}

bool api_refused(const struct api *a)
{
	return a->end == HTTP_CREDENTIALS || a->end == HTTP_TLS || (a->end == HTTP_STATUS && a->status == 401);
}

bool api_forbidden(const struct api *a)
{
	return a->end == HTTP_STATUS && a->status == 403;
}

bool api_passing(const struct api *a)
{
	return a->end == HTTP_RESOLVE || a->end == HTTP_CONNECT || a->end == HTTP_TIMEOUT || a->end == HTTP_CUT ||
	       (a->end == HTTP_STATUS && (a->status == 429 || a->status >= 500));
}

/* ---- life */

void api_init(struct api *a, struct link *link)
{
	*a = (struct api){ .link = link, .latency_us = -1 };
	access_open(&a->access, link, "Airflow");
	struct str base = str_of(a->access.base);
	if (str_ends(base, STR("/api/v1")) || str_ends(base, STR("/api/v2"))) {
		a->access.base[base.n - 7] = '\0';
		http_redact(a->access.base, a->access.shown, sizeof(a->access.shown));
	}
	a->timeout_ms = (int)link_duration(link, "timeout", 20000);
	a->access.conf.auth = fill_auth;
	a->access.conf.renew = NULL;             /* call() makes a token, and asks again */
	a->access.conf.arg = a;
	a->http = http_new(&a->access.conf, link_clock(link));
}

void api_release(struct api *a)
{
	http_free(a->http);
	secret_release(&a->bearer);
	access_close(&a->access);
}
