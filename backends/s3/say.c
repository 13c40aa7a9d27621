/* say: what went wrong, as its cause. A store answers 403 to five different mistakes; its code tells them apart. */
#define _GNU_SOURCE
#include "backends/net/xml.h"
#include "backends/s3/s3.h"
#include "base/fmt.h"
#include "base/mem.h"
#include <stdio.h>
#include <stdlib.h>

void s3_fault(struct s3 *s, enum health_state state, const char *remedy, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	vsnprintf(s->fault.why, sizeof(s->fault.why), fmt, ap);
	va_end(ap);
	snprintf(s->fault.remedy, sizeof(s->fault.remedy), "%s", remedy);
	s->fault.state = state;
}

static bool on_member(void *arg, const char *path, struct str text)
{
	struct s3_error *e = arg;
	static const struct { const char *path; size_t at, size; } known[] = {
		{ "Error/Code", offsetof(struct s3_error, code), 64 }, { "Error/Message", offsetof(struct s3_error, message), 256 },
		{ "Error/Region", offsetof(struct s3_error, region), 48 },
		{ "Error/ServerTime", offsetof(struct s3_error, server_time), 40 },
	};
	for (size_t i = 0; i < ARRAY_SIZE(known); i++)
		if (!strcmp(path, known[i].path))
			snprintf((char *)e + known[i].at, known[i].size, STR_FMT, STR_ARG(text));
	return true;
}

/* Some say the right region only in words: ... is wrong; expecting "us-east-1" */
static void region_in_words(struct s3_error *e)
{
	const char *at = strstr(e->message, "expecting");
	size_t n = 0;
	if (*e->region || !at || strcmp(e->code, "AuthorizationHeaderMalformed"))
		return;
	at += strcspn(at, "'\"");
	at += *at != 0;
	while (at[n] && at[n] != '\'' && at[n] != '"' && n + 1 < sizeof(e->region))
		n++;
	memcpy(e->region, at, n);
	e->region[n] = '\0';
}

void s3_read_error(const struct http_reply *r, struct s3_error *e)
{
	struct xml *x;
	*e = (struct s3_error){ 0 };
	if (!r->body.len || (r->end != HTTP_STATUS && r->end != HTTP_OK))     /* a copy may fail after its 200 */
		return;
	x = xml_new(on_member, e);
	if (!xml_feed(x, buf_str(&r->body)) || !xml_finish(x))
		if (strstr(r->type, "html"))
			*e = (struct s3_error){ 0 };
	xml_free(x);
	region_in_words(e);
}

void say_skew(int64_t skew_ms, struct buf *out)
{
	fmt_duration(skew_ms < 0 ? -skew_ms : skew_ms, out);
	buf_adds(out, skew_ms > 0 ? " behind the server's" : " ahead of the server's");
}

/* Sentences by code. %k key id, %f who gave it, %w where, %d what was being done, %b bucket, %m the server's message */
static const struct { const char *code; enum health_state state; bool passing; const char *why, *remedy; } sentences[] = {
	{ "InvalidAccessKeyId", HEALTH_REFUSED, false, "%w does not know the access key %k (from %f)",
	  "check the access key, and that it belongs to this endpoint and account" },
	{ "SignatureDoesNotMatch", HEALTH_REFUSED, false, "the secret key that goes with the access key %k is wrong (from %f)",
	  "check the secret key; a proxy that changes the Host header does this too" },
	{ "ExpiredToken", HEALTH_REFUSED, false, "the session token of the access key %k has expired (from %f)", "log in again" },
	{ "ExpiredTokenException", HEALTH_REFUSED, false, "the session token of the access key %k has expired (from %f)", "log in again" },
	{ "TokenRefreshRequired", HEALTH_REFUSED, false, "the session token of the access key %k has expired (from %f)", "log in again" },
	{ "InvalidToken", HEALTH_REFUSED, false, "the session token of the access key %k is not valid (from %f)",
	  "log in again, or leave the session token out" },
	{ "InvalidClientTokenId", HEALTH_REFUSED, false, "%w does not know the access key %k (from %f)", "check the access key" },
	{ "AccountProblem", HEALTH_REFUSED, false, "the account of the access key %k is not in order: %m", "see the account's console" },
	{ "AllAccessDisabled", HEALTH_LIVE, false, "all access to the bucket %b is switched off", "" },
	{ "AccessDenied", HEALTH_LIVE, false, "the access key %k may not %d", "ask for the permission, or use another key or profile" },
	{ "NoSuchBucket", HEALTH_LIVE, false, "there is no bucket '%b' at %w", "check its name and the endpoint" },
	{ "NoSuchKey", HEALTH_LIVE, false, "the object is not there (any more)", "" },
	{ "NoSuchVersion", HEALTH_LIVE, false, "this version of the object is not there (any more)", "" },
	{ "InvalidObjectState", HEALTH_LIVE, false, "the object is in an archive (%m)", "restore it first; that takes hours and costs" },
	{ "SlowDown", HEALTH_LIMITED, true, "%w asks to slow down", "" },
	{ "RequestLimitExceeded", HEALTH_LIMITED, true, "%w asks to slow down", "" },
	{ "ServiceUnavailable", HEALTH_LIMITED, true, "%w is not available right now", "" },
	{ "AuthorizationHeaderMalformed", HEALTH_REFUSED, false, "%w does not take our signature: %m", "check the region" },
	{ "PermanentRedirect", HEALTH_LIVE, false, "the bucket %b is in another region, which %w does not tell", "set the region" },
	{ "NotImplemented", HEALTH_LIVE, false, "%w cannot %d", "" },
};

static void fill(const struct s3 *s, const struct s3_ask *a, const struct s3_error *e, const char *fmt, struct buf *out)
{
	for (; *fmt; fmt++) {
		if (*fmt != '%') {
			buf_addc(out, *fmt);
			continue;
		}
		switch (*++fmt) {
		case 'k': buf_adds(out, s->key_id); break;
		case 'f': buf_adds(out, s->from); break;
		case 'w': buf_adds(out, s3_where(s)); break;
		case 'd': buf_adds(out, a->doing ? a->doing : "do this"); break;
		case 'b': buf_addstr(out, a->bucket); break;
		case 'm': buf_adds(out, *e->message ? e->message : e->code); break;
		default: return;
		}
	}
}

static bool by_code(struct s3 *s, const struct s3_ask *a, const struct s3_error *e)
{
	for (size_t i = 0; i < ARRAY_SIZE(sentences); i++) {
		struct buf b = { 0 };
		if (strcmp(e->code, sentences[i].code))
			continue;
		fill(s, a, e, sentences[i].why, &b);
		s3_fault(s, sentences[i].state, sentences[i].remedy, "%s", b.data);
		s->fault.passing = sentences[i].passing;
		buf_release(&b);
		return true;
	}
	return false;
}

static bool by_clock(struct s3 *s, const struct s3_error *e)
{
	struct buf b = { 0 };
	if (strcmp(e->code, "RequestTimeTooSkewed") && strcmp(e->code, "RequestExpired"))
		return false;
	say_skew(s->skew_ms, &b);
	s3_fault(s, HEALTH_REFUSED, "set this machine's clock (timedatectl set-ntp true)",
	         "this machine's clock is %s, more than S3 allows", b.data);
	buf_release(&b);
	return true;
}

void s3_judge(struct s3 *s, const struct s3_ask *a, const struct http_reply *r, const struct s3_error *e)
{
	bool read = a->key.n > 0;
	snprintf(s->fault.code, sizeof(s->fault.code), "%s", e->code);
	s->fault.status = r->status;
	s->fault.passing = http_is_passing(r);
	s->fault.stopped = r->end == HTTP_CANCELLED;
	if (r->end != HTTP_STATUS) {
		s3_fault(s, r->end == HTTP_CREDENTIALS ? HEALTH_REFUSED : r->end == HTTP_CANCELLED || r->end == HTTP_TOO_LARGE
		         ? HEALTH_LIVE : HEALTH_DOWN, r->remedy, "%s", r->error);
		return;
	}
	if (s->anonymous && (r->status == 403 || r->status == 401)) {
		s3_fault(s, a->bucket.n ? HEALTH_LIVE : HEALTH_REFUSED, "leave 'anonymous' out and give credentials",
		         "nobody in particular may not %s", a->doing ? a->doing : "do this");
		return;
	}
	if (by_clock(s, e) || by_code(s, a, e))
		return;
	if (r->status == 404 && !*e->code)
		s3_fault(s, HEALTH_LIVE, read ? "" : "check the endpoint", "%s", read ? "the object is not there (any more)" :
		         "the server at the endpoint knows no such bucket, or is no S3");
	else if (r->status == 403 && !*e->code)
		s3_fault(s, HEALTH_LIVE, "ask for the permission, or use another key", "the access key %s may not %s", s->key_id,
		         a->doing ? a->doing : "do this");
	else if (*e->code)
		s3_fault(s, HEALTH_LIVE, "", "%s: %s", e->code, *e->message ? e->message : "no reason given");
	else
		s3_fault(s, r->status >= 500 || r->status == 429 ? HEALTH_LIMITED : HEALTH_DOWN,
		         r->status < 500 ? "check the endpoint: is it S3?" : r->remedy, "%s", r->error);
}
