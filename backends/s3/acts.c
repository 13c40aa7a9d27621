/* acts: what can be done to objects: delete one or a version of it, bring a deleted one or an older version back, copy and
 * move within the store. A plan looks at the object and at the bucket's versioning, for that decides what can be undone; its
 * requests carry the ETag of what was seen where S3 takes a condition, and running looks again before and after: what a lost
 * answer meant is decided by what is there then. Bytes never pass through here; what is too large for one request goes in parts
 * (parts.c). */
#define _GNU_SOURCE
#include "backends/s3/s3.h"
#include "base/acts.h"
#include "base/fmt.h"
#include "base/json_text.h"
#include "base/mem.h"
#include "base/plan_json.h"
#include "base/table.h"
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

const struct action *const s3_actions[] = { &act_object_delete, &act_object_undelete, &act_object_restore, &act_object_copy,
	&act_object_move, NULL };

/* ---- one object, as it is now */

struct head {
	bool there, marker;              /* marker: the version asked for is a delete marker */
	char etag[80], version[128];
	int64_t size;
	json_t *own;                     /* headers that belong to the object and that a copy in parts has to name; may be NULL */
};

static void keep_own(struct head *h, struct str name, struct str value)
{
	static const char *const kept[] = { "Content-Type", "Content-Encoding", "Content-Disposition", "Content-Language", "Cache-Control",
	                                    "Expires" };
	bool is = str_starts_fold(name, "x-amz-meta-");
	for (size_t i = 0; i < ARRAY_SIZE(kept) && !is; i++)
		is = str_is_fold(name, kept[i]);
	if (is && h->own && json_array_size(h->own) < PARTS_HEADERS)
		json_array_append_new(h->own, json_sprintf(STR_FMT ": " STR_FMT, STR_ARG(name), STR_ARG(value)));
}

static void on_head(void *arg, struct str name, struct str value)
{
	struct head *h = arg;
	if (str_is_fold(name, "ETag"))
		snprintf(h->etag, sizeof(h->etag), STR_FMT, STR_ARG(value));
	else if (str_is_fold(name, "x-amz-version-id"))
		snprintf(h->version, sizeof(h->version), STR_FMT, STR_ARG(value));
	else if (str_is_fold(name, "x-amz-delete-marker"))
		h->marker = str_is(value, "true");
	else if (str_is_fold(name, "Content-Length"))
		str_to_i64(value, &h->size);
	keep_own(h, name, value);
}

/* False: it could not be looked at, s->fault says why. That nothing is there is an answer too. */
static bool look(struct s3 *s, uint64_t id, const struct at *t, struct str version, struct head *h)
{
	struct http_reply r = { 0 };
	struct buf q = { 0 }, doing = { 0 };
	*h = (struct head){ .size = -1, .own = h->own };
	version_query(&q, version);
	buf_addf(&doing, "read s3://" STR_FMT "/" STR_FMT, STR_ARG(t->bucket), STR_ARG(t->key));
	bool ok = s3_call(s, &(struct s3_ask){ .method = "HEAD", .bucket = t->bucket, .key = t->key, .query = buf_str(&q),
		.doing = doing.data, .id = id, .on_header = on_head, .arg = h }, &r);
	h->there = ok;
	if (!ok && (s->fault.status == 404 || s->fault.status == 405)) {
		s->fault = (struct fault){ 0 };
		ok = true;
	}
	http_reply_release(&r);
	buf_release(&q);
	buf_release(&doing);
	return ok;
}

/* 1 versions are kept, 0 not (any more), -1 cannot be told, -2 there is no such bucket. */
static int keeps_versions(struct s3 *s, uint64_t id, struct str bucket, bool *suspended)
{
	struct http_reply r = { 0 };
	int keeps = -1;
	*suspended = false;
	if (s3_call(s, &(struct s3_ask){ .bucket = bucket, .query = STR("versioning="), .doing = "read the bucket's versioning", .id = id }, &r)) {
		*suspended = str_find(buf_str(&r.body), STR("<Status>Suspended"), false) != STR_NONE;
		keeps = str_find(buf_str(&r.body), STR("<Status>Enabled"), false) != STR_NONE;
	}
	if (!strcmp(s->fault.code, "NoSuchBucket"))
		keeps = -2;
	s->fault = (struct fault){ 0 };
	http_reply_release(&r);
	return keeps;
}

/* What has to be the same when the requests are sent. */
static void words(const struct head *h, struct buf *out)
{
	if (h->there)
		buf_addf(out, "%s %s", h->etag, *h->version ? h->version : "-");
	else
		buf_adds(out, h->marker ? "deleted" : "absent");
}

/* ---- plans */

struct plan {
	struct s3 *s;
	const struct request *r;
	json_t *params, *o;
	struct buf place;                /* row key of what is acted on: of an undo, another than the row */
	struct at t;
	struct head now;                 /* the current version */
	int keeps; bool suspended;
};

/* A request: METHOD on a place, with these headers. */
static void add(struct plan *p, const char *method, const struct at *t, struct str version, json_t *headers, const char *check,
                const char *undo)
{
	struct buf q = { 0 }, what = { 0 };
	version_query(&q, version);
	buf_addf(&what, "%s s3://" STR_FMT "/" STR_FMT "%s" STR_FMT, method, STR_ARG(t->bucket), STR_ARG(t->key), q.len ? "?" : "",
	         STR_ARG(buf_str(&q)));
	plan_request(p->o, what.data, headers ? json_incref(headers) : NULL, check, undo);
	json_t *steps = json_object_get(p->o, "steps"), *step = json_array_get(steps, json_array_size(steps) - 1);
	json_object_set_new(step, "method", json_string(method));
	json_object_set_new(step, "bucket", json_stringn(t->bucket.p, t->bucket.n));
	json_object_set_new(step, "key", json_stringn(t->key.p, t->key.n));
	json_object_set_new(step, "version", json_stringn(version.n ? version.p : "", version.n));
	if (headers)
		json_object_set_new(step, "headers", headers);
	buf_release(&q);
	buf_release(&what);
}

/* "x-amz-copy-source" of that version, refused by the store when it is another by then. */
static json_t *copy_headers(const struct at *t, struct str version, const char *etag)
{
	struct buf b = { 0 };
	buf_adds(&b, "x-amz-copy-source: /");
	sigv4_path(&b, t->bucket);
	buf_addc(&b, '/');
	sigv4_path(&b, t->key);
	if (version.n) {
		buf_adds(&b, "?");
		version_query(&b, version);
	}
	json_t *list = json_pack("[s]", b.data);
	if (*etag)
		json_array_append_new(list, json_sprintf("x-amz-copy-source-if-match: %s", etag));
	buf_release(&b);
	return list;
}

/* The copy of a version of what is acted on: by one request, or in parts where that is more than the store takes. */
static void add_copy(struct plan *p, const struct at *to, struct str version, const struct head *from, const char *check, const char *undo)
{
	json_t *headers = copy_headers(&p->t, version, from->etag);
	int64_t part = parts_size(p->s, from->size);
	struct buf b = { 0 };
	if (!part) {
		add(p, "PUT", to, STR(""), headers, check, undo);
		json_decref(from->own);
		return;
	}
	json_int_t n = (from->size + part - 1) / part;
	fmt_bytes(part, &b);
	add(p, "PUT", to, STR(""), headers, check, undo);
	json_t *steps = json_object_get(p->o, "steps"), *step = json_array_get(steps, json_array_size(steps) - 1);
	json_object_set_new(step, "do", json_sprintf("copy to s3://" STR_FMT "/" STR_FMT " in %lld parts of %s: POST ?uploads, %lld times PUT "
		"?partNumber, POST ?uploadId", STR_ARG(to->bucket), STR_ARG(to->key), (long long)n, b.data, (long long)n));
	json_object_set_new(step, "part", json_integer(part));
	json_object_set_new(step, "size", json_integer(from->size));
	json_object_set_new(step, "own", from->own);
	plan_say(p->o, "warnings", "copied in parts: with its type and metadata, but without tags and access lists, and with another ETag");
	buf_release(&b);
}

static void irreversible(struct plan *p, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
static void irreversible(struct plan *p, const char *fmt, ...)
{
	struct buf b = { 0 };
	va_list ap;
	va_start(ap, fmt);
	buf_vaddf(&b, fmt, ap);
	va_end(ap);
	plan_say(p->o, "not_undone", "%s", b.data);
	json_object_set_new(p->o, "irreversible", json_true());
	buf_release(&b);
}

static void say_size(struct plan *p, const struct head *h, const char *what)
{
	struct buf b = { 0 };
	fmt_bytes(h->size, &b);
	plan_say(p->o, "change", "%s: %s, ETag %s%s%s", what, h->size >= 0 ? b.data : "size unknown", h->etag, *h->version ? ", version " : "",
	         h->version);
	buf_release(&b);
}

static void plan_delete_version(struct plan *p)
{
	struct head h = { 0 };
	if (!look(p->s, p->r->id, &p->t, p->t.version, &h)) {
		plan_say(p->o, "blocked", "%s", p->s->fault.why);
		return;
	}
	bool current = str_is(p->t.version, p->now.version) && p->now.there;
	if (!h.there && !h.marker)
		plan_say(p->o, "already", "this version is gone");
	else if (h.marker)
		plan_say(p->o, "change", "a delete marker goes: where it is the newest, the version below it is there again");
	else
		say_size(p, &h, "this version is deleted for good");
	if (current)
		plan_say(p->o, "warnings", "it is the current version: the one before it becomes current, if there is one");
	if (h.there || h.marker)
		add(p, "DELETE", &p->t, p->t.version, NULL, "the version is not there any more", "none");
	irreversible(p, "a version that is deleted is gone for good");
}

static void plan_delete(struct plan *p)
{
	if (p->t.key.n && p->t.key.p[p->t.key.n - 1] == '/' && !p->now.there) {
		plan_say(p->o, "blocked", "a prefix is not deleted whole: open it, and mark its objects");
		return;
	}
	if (p->t.version.n) {
		plan_delete_version(p);
		return;
	}
	if (!p->now.there) {
		plan_say(p->o, "already", p->now.marker ? "it is deleted" : "it is not there");
		return;
	}
	say_size(p, &p->now, "deleted");
	add(p, "DELETE", &p->t, STR(""), NULL, "the object is not there any more", p->keeps > 0 ? "take the delete marker away" : "none");
	if (p->keeps > 0) {
		plan_say(p->o, "change", "a delete marker is put on top; its versions stay, and are paid for");
		plan_undo(p->o, "undelete", json_object());
	} else if (p->suspended) {
		irreversible(p, "the bucket's versioning is suspended: what was written since then is gone, older versions stay");
	} else {
		irreversible(p, p->keeps < 0 ? "whether the bucket keeps versions cannot be read: it may be gone for good"
		             : "the bucket keeps no versions: it is gone for good");
	}
}

/* The versions of this very object, newest first as the store lists them; rows of kind objects. Caller frees. */
static struct table *versions_of(struct plan *p)
{
	struct buf rows = { 0 };
	struct table *t = table_new(&kind_objects);
	struct rd at;
	struct s3_list l = { .parent = STR("versions:"), .bucket = p->t.bucket, .only = p->t.key, .rows = &rows };
	if (s3_list_versions(p->s, p->r->id, STR(""), &l) && rows.len) {
		rows_open(&at, buf_str(&rows));
		table_apply(t, 0, &at, 0);
	}
	s3_list_release(&l);
	buf_release(&rows);
	return t;
}

/* Whoever deleted it twice left two markers: all go that lie on the newest version: by their time, or because the store lists
 * the newest first (rows of a new table lie as they came), for stores keep the one or the other. What is there again, or
 * empty. */
static struct str undelete_steps(struct plan *p, const struct table *t)
{
	const struct row *newest = NULL;
	for (uint32_t i = 0; i < t->nslots; i++) {
		const struct row *row = table_row(t, i);
		if (row && !str_is(row_text(t, row, OBJECT_TYPE), "deleted") && (!newest || row_int(row, OBJECT_AGE) > row_int(newest, OBJECT_AGE)))
			newest = row;
	}
	for (uint32_t i = 0; i < t->nslots && newest; i++) {
		const struct row *row = table_row(t, i);
		struct str version = row ? row_text(t, row, OBJECT_VERSION) : STR("");
		if (!row || !str_is(row_text(t, row, OBJECT_TYPE), "deleted") ||
		    (i > newest->id && row_int(row, OBJECT_AGE) < row_int(newest, OBJECT_AGE)))
			continue;
		plan_say(p->o, "change", "the delete marker " STR_FMT " goes", STR_ARG(version));
		add(p, "DELETE", &p->t, version, NULL, "the marker is gone", "delete it again");
	}
	return newest ? row_text(t, newest, OBJECT_VERSION) : STR("");
}

static void plan_undelete(struct plan *p)
{
	struct table *t = versions_of(p);
	if (*p->s->fault.why) {
		plan_say(p->o, "blocked", "%s", p->s->fault.why);
	} else if (p->now.there) {
		plan_say(p->o, "already", "it is there: version %s", p->now.version);
	} else if (!t->count && p->keeps == 0) {
		plan_say(p->o, "blocked", "the bucket keeps no versions: there is nothing to bring back");
	} else {
		struct str version = undelete_steps(p, t);
		if (version.n)
			plan_say(p->o, "change", "version " STR_FMT " is there again", STR_ARG(version));
		else
			plan_say(p->o, "blocked", "no version of it is left to bring back");
		plan_undo(p->o, "delete", json_pack("{s:s%}", "at", p->place.data, p->place.len));
	}
	table_free(t);
}

static void plan_restore(struct plan *p)
{
	struct head old = { .own = json_array() };
	if (!p->t.version.n) {
		plan_say(p->o, "blocked", "which version? v shows them: restore one of those");
		return;
	}
	if (!look(p->s, p->r->id, &p->t, p->t.version, &old))
		plan_say(p->o, "blocked", "%s", p->s->fault.why);
	else if (!old.there)
		plan_say(p->o, "blocked", old.marker ? "a delete marker holds nothing: undelete takes it away" : "this version is gone");
	else if (p->now.there && str_is(p->t.version, p->now.version))
		plan_say(p->o, "already", "it is the current version");
	else if (p->keeps <= 0)
		plan_say(p->o, "warnings", "the bucket keeps no versions now: what is current is lost");
	if (json_object_get(p->o, "blocked") || json_object_get(p->o, "already")) {
		json_decref(old.own);
		return;
	}
	say_size(p, &old, "this version is copied on top");
	if (p->now.there)
		say_size(p, &p->now, p->keeps > 0 ? "what is current stays as a version" : "what is current");
	json_t *target = json_object_get(p->o, "target");
	bool whole = !parts_size(p->s, old.size);
	add_copy(p, &p->t, p->t.version, &old, whole ? "it is current, with this ETag" : "it is current, with the same size", "delete the new version");
	if (whole)
		json_object_set_new(target, "etag", json_string(old.etag));
	json_object_set_new(target, "size", json_integer(old.size));
	if (p->keeps <= 0)
		irreversible(p, "without versions there is no way back");
	else
		json_object_set_new(target, "undo_new", json_true());
	if (p->keeps > 0)                /* of the version that it gets; where the store does not name it, a marker is put on top */
		plan_undo(p->o, "delete", json_pack("{s:o}", "at", json_sprintf(STR_FMT "/" STR_FMT, STR_ARG(p->t.bucket), STR_ARG(p->t.key))));
}

/* Where it goes: "s3://b/k", "b/k", "b/dir/". False: blocked. */
static bool where_to(struct plan *p, struct buf *to)
{
	struct buf b = { 0 };
	struct str s = plan_param_text(p->params, "to", &b);
	if (str_starts(s, STR("s3://")))
		s.p += 5, s.n -= 5;
	buf_addstr(to, s);
	if (s.n && s.p[s.n - 1] == '/')
		buf_addstr(to, place_name(p->t.key));
	else if (s.n && !memchr(s.p, '/', s.n)) {
		buf_addc(to, '/');
		buf_addstr(to, place_name(p->t.key));
	}
	buf_release(&b);
	struct place at = place_of(buf_str(to));
	if (at.bucket.n && at.key.n && !at.versions)
		return true;
	plan_say(p->o, "blocked", "say where to: s3://BUCKET/KEY");
	return false;
}

static void plan_copy(struct plan *p, bool moves)
{
	struct buf to = { 0 };
	struct head from = { .own = json_array() }, there = { 0 };
	bool suspended;
	if (!look(p->s, p->r->id, &p->t, p->t.version, &from) || !from.there) {
		plan_say(p->o, "blocked", "%s", *p->s->fault.why ? p->s->fault.why : "there is no such object to copy");
		json_decref(from.own);
		return;
	}
	if (moves && p->t.version.n)
		plan_say(p->o, "blocked", "a version is not moved: copy it, then delete it");
	if (!where_to(p, &to) || json_object_get(p->o, "blocked")) {
		buf_release(&to);
		json_decref(from.own);
		return;
	}
	struct at t = at_of(buf_str(&to));
	if (str_eq(t.bucket, p->t.bucket) && str_eq(t.key, p->t.key) && !p->t.version.n)
		plan_say(p->o, "blocked", "it is there already: that is where it comes from");
	else if (!look(p->s, p->r->id, &t, STR(""), &there))
		plan_say(p->o, "blocked", "%s", p->s->fault.why);
	else if (there.there && !plan_param_bool(p->params, "overwrite"))
		plan_say(p->o, "blocked", "s3://%s is there already: say overwrite to put this in its place", to.data);
	int keeps = keeps_versions(p->s, p->r->id, t.bucket, &suspended);
	if (keeps == -2)
		plan_say(p->o, "blocked", "there is no bucket '" STR_FMT "'", STR_ARG(t.bucket));
	say_size(p, &from, moves ? "moved" : "copied");
	plan_say(p->o, "change", "to s3://%s", to.data);
	if (there.there)
		say_size(p, &there, keeps > 0 ? "in place of (it stays as a version)" : "in place of");
	struct str version = p->t.version.n ? p->t.version : str_of(from.version);
	add_copy(p, &t, str_is(version, "null") ? STR("") : version, &from, "the copy is there, with the same size", "delete the copy");
	if (moves)
		add(p, "DELETE", &p->t, STR(""), NULL, "it is not here any more", p->keeps > 0 ? "take the delete marker away" : "copy it back");
	json_t *target = json_object_get(p->o, "target");
	json_object_set_new(target, "to", json_stringn(to.data, to.len));
	json_object_set_new(target, "size", json_integer(from.size));
	struct buf seen = { 0 };
	words(&there, &seen);
	json_object_set_new(target, "there", json_stringn(seen.data, seen.len));
	buf_release(&seen);
	if (there.there && keeps <= 0)
		irreversible(p, "what is in its place now is lost: that bucket keeps no versions");
	else if (moves)
		plan_undo(p->o, "move", json_pack("{s:s%, s:o, s:b}", "at", to.data, to.len, "to", json_sprintf("s3://" STR_FMT "/" STR_FMT,
			STR_ARG(p->t.bucket), STR_ARG(p->t.key)), "overwrite", 0));
	else
		plan_undo(p->o, "delete", json_pack("{s:s%}", "at", to.data, to.len));
	buf_release(&to);
}

/* "at": an undo acts on what was made, which may be elsewhere. */
static void find_place(const json_t *params, const struct request *r, struct buf *place)
{
	const char *at = json_string_value(json_object_get(params, "at"));
	buf_adds(place, at && *at ? at : r->key);
}

/* What failed failed for want of permission, and not for a clock or a key that is wrong everywhere. */
static void note_refusal(struct s3 *s, uint64_t id)
{
	if (s->fault.state == HEALTH_LIVE && (s->fault.status == 401 || s->fault.status == 403))
		link_refused(s->link, id);
}

void s3_plan(struct s3 *s, const struct request *r)
{
	struct plan p = { .s = s, .r = r, .params = json_loads(r->params, 0, NULL) };
	struct buf seen = { 0 };
	find_place(p.params, r, &p.place);
	p.t = at_of(buf_str(&p.place));
	if (!p.t.bucket.n || !p.t.key.n || strcmp(r->kind, "objects")) {
		link_fail(s->link, r->id, "'%s' is no object", r->key);
	} else if (!look(s, r->id, &p.t, STR(""), &p.now)) {
		note_refusal(s, r->id);
		link_fail(s->link, r->id, "%s%s%s", s->fault.why, *s->fault.remedy ? "; " : "", s->fault.remedy);
	} else {
		words(&p.now, &seen);
		p.keeps = keeps_versions(s, r->id, p.t.bucket, &p.suspended);
		p.o = plan_json(r, buf_str(&seen));
		json_object_set_new(json_object_get(p.o, "target"), "at", json_stringn(p.place.data, p.place.len));
		plan_say(p.o, "title", "%s s3://" STR_FMT "/" STR_FMT "%s" STR_FMT, r->what, STR_ARG(p.t.bucket), STR_ARG(p.t.key),
		         p.t.version.n ? ", version " : "", STR_ARG(p.t.version));
		if (!strcmp(r->what, "delete"))
			plan_delete(&p);
		else if (!strcmp(r->what, "undelete"))
			plan_undelete(&p);
		else if (!strcmp(r->what, "restore"))
			plan_restore(&p);
		else
			plan_copy(&p, !strcmp(r->what, "move"));
		plan_answer(s->link, r, p.o);
	}
	buf_release(&seen);
	buf_release(&p.place);
	json_decref(p.params);
}

/* ---- running */

struct running {
	struct s3 *s;
	const struct request *r;
	const json_t *plan, *target;
	struct at t;
	char made[128];                  /* the version that a request made: of a copy, of a delete marker */
	bool changed, lost;
	char upload[PARTS_UPLOAD];       /* of a copy in parts that was not ended */
	struct buf say;
};

static void on_made(void *arg, struct str name, struct str value)
{
	struct running *x = arg;
	if (str_is_fold(name, "x-amz-version-id"))
		snprintf(x->made, sizeof(x->made), STR_FMT, STR_ARG(value));
}

static struct at step_at(const json_t *step)
{
	return (struct at){ str_of(json_text(step, "bucket")), str_of(json_text(step, "key")), str_of(json_text(step, "version")) };
}

static bool send_parts(struct running *x, const json_t *step)
{
	struct at t = step_at(step);
	struct parts_copy c = { .s = x->s, .id = x->r->id, .bucket = t.bucket, .key = t.key, .step = step, .say = &x->say };
	bool ok = parts_copy(&c);
	x->lost = c.lost;
	snprintf(x->upload, sizeof(x->upload), "%s", c.upload);
	snprintf(x->made, sizeof(x->made), "%s", c.made);
	return ok;
}

/* Sends step s. A copy may fail after its 200: then the body says so. */
static bool send(struct running *x, const json_t *step)
{
	struct at t = step_at(step);
	const char *headers[8] = { NULL };
	struct http_reply r = { 0 };
	struct buf q = { 0 };
	size_t i;
	json_t *h;
	version_query(&q, t.version);
	json_array_foreach(json_object_get(step, "headers"), i, h)
		if (i < 7)
			headers[i] = json_string_value(h);
	x->made[0] = '\0';
	x->lost = false;
	bool ok = s3_call(x->s, &(struct s3_ask){ .method = json_text(step, "method"), .bucket = t.bucket, .key = t.key, .query = buf_str(&q),
		.headers = *headers ? headers : NULL, .doing = json_text(step, "do"), .timeout_ms = 600000, .id = x->r->id, .on_header = on_made,
		.arg = x }, &r);
	if (ok && str_find(buf_str(&r.body), STR("<Error>"), false) != STR_NONE) {
		struct s3_error e;
		s3_read_error(&r, &e);
		buf_addf(&x->say, "the store began the copy and gave up: %s %s", e.code, e.message);
		ok = false;
	} else if (!ok) {
		note_refusal(x->s, x->r->id);
		x->lost = r.end == HTTP_TIMEOUT || r.end == HTTP_CUT || r.end == HTTP_CANCELLED || r.status >= 500;
		buf_addf(&x->say, "%s%s%s", r.status == 412 ? "it changed since the plan was shown: plan again" : x->s->fault.why,
		         r.status != 412 && *x->s->fault.remedy ? "; " : "", r.status != 412 ? x->s->fault.remedy : "");
	}
	http_reply_release(&r);
	buf_release(&q);
	return ok;
}

/* Whether what the step was to do is so now. *told: it could be looked at. */
static bool is_so(struct running *x, const json_t *step, bool last, bool *told)
{
	struct at t = step_at(step);
	struct head h = { 0 };
	bool back = !strcmp(x->r->what, "undelete"), put = !strcmp(json_text(step, "method"), "PUT");
	*told = look(x->s, x->r->id, &t, put || (back && last) ? STR("") : t.version, &h);
	if (!*told)
		return false;
	if (back && last)
		return h.there;
	if (!put)
		return !h.there && !(t.version.n && h.marker);
	if (*json_text(x->target, "etag"))
		return h.there && !strcmp(h.etag, json_text(x->target, "etag"));
	return h.there && h.size == json_integer_value(json_object_get(x->target, "size"));
}

static bool run_step(struct running *x, const json_t *step, unsigned at, unsigned of)
{
	bool told;
	buf_clear(&x->say);
	run_say(x->s->link, x->r->id, STEP_RUNNING, at, of, "%s", json_text(step, "do"));
	bool ok = json_object_get(step, "part") ? send_parts(x, step) : send(x, step), so = false;
	if (ok || x->lost) {
		so = is_so(x, step, at == of, &told);
		x->changed |= ok || so || !told;
		if (ok && told && !so)
			buf_adds(&x->say, "the store took it, but it is not so: look at it");
		else if (!ok && told)
			buf_adds(&x->say, so ? "; but it was taken" : "; it was not taken");
		else if (!ok)
			buf_adds(&x->say, "; whether it was taken cannot be told: look before trying again");
		ok = so || (ok && !told);
	}
	if (*x->upload && !so)
		parts_abort(x->s, str_of(json_text(step, "bucket")), str_of(json_text(step, "key")), x->upload, &x->say);
	if (ok && !x->say.len)
		buf_addf(&x->say, "taken, and read back%s%s", *x->made ? ": version " : "", x->made);
	run_say(x->s->link, x->r->id, ok ? STEP_DONE : STEP_FAILED, at, of, "%s", x->say.data);
	return ok;
}

static bool as_planned(struct running *x)
{
	struct head h = { 0 };
	struct buf now = { 0 };
	const char *then = json_text(x->target, "version"), *to = json_text(x->target, "to");
	struct at t = at_of(str_of(to));
	bool same = look(x->s, x->r->id, &x->t, STR(""), &h);
	if (same)
		words(&h, &now);
	same = same && str_is(buf_str(&now), then);
	if (same && *to) {
		then = json_text(x->target, "there");
		buf_clear(&now);
		same = look(x->s, x->r->id, &t, STR(""), &h);
		if (same)
			words(&h, &now);
		same = same && str_is(buf_str(&now), then);
	}
	if (*x->s->fault.why) {
		note_refusal(x->s, x->r->id);
		buf_addf(&x->say, "nothing was sent: %s", x->s->fault.why);
	} else if (!same)
		buf_addf(&x->say, "it changed since the plan was shown (%s then, " STR_FMT " now): plan again", then, STR_ARG(buf_str(&now)));
	buf_release(&now);
	return same;
}

/* The undo of what was made, by the version that it got. */
static json_t *undo_of(const struct running *x)
{
	json_t *undo = json_deep_copy(json_object_get(json_object_get(x->plan, "undo"), "params"));
	if (undo && *x->made && json_is_true(json_object_get(x->target, "undo_new")))
		json_object_set_new(undo, "at", json_sprintf(STORAGE_VERSIONS STR_FMT "/" STR_FMT "\t%s", STR_ARG(x->t.bucket), STR_ARG(x->t.key), x->made));
	return undo;
}

void s3_run(struct s3 *s, const struct request *r)
{
	json_t *params = json_loads(r->params, 0, NULL), *plan = json_object_get(params, "plan");
	struct running x = { .s = s, .r = r, .plan = plan, .target = json_object_get(plan, "target") };
	const json_t *steps = json_object_get(plan, "steps");
	unsigned n = (unsigned)json_array_size(steps);
	x.t = at_of(str_of(json_text(x.target, "at")));
	bool ok = json_object_get(plan, "already") != NULL;
	if (ok)
		buf_addf(&x.say, "nothing to do: %s", json_text(plan, "already"));
	else if (n && as_planned(&x)) {
		ok = true;
		for (unsigned i = 0; ok && i < n; i++) {
			if (i && link_cancelled(s->link, r->id)) {
				buf_addf(&x.say, "; stopped before step %u", i + 1);
				ok = false;
			} else {
				ok = run_step(&x, json_array_get(steps, i), i + 1, n);
			}
		}
	}
	json_t *undo = x.changed ? undo_of(&x) : NULL;
	run_over(s->link, r->id, ok, buf_str(&x.say), undo);
	json_decref(undo);
	buf_release(&x.say);
	json_decref(params);
}
