/* demo_stored: objects of the simulated store deleted, brought back, restored, copied and moved. What was done lies in order over
 * the objects that the store came with: the newest version of a place that was not taken away for good is the current one. */
#define _GNU_SOURCE
#include "backends/demo/stored.h"
#include "backends/demo/ways.h"
#include "base/fmt.h"
#include "base/storage.h"
#include <stdio.h>
#include <stdlib.h>

bool stored_bucket(struct str name)
{
	return str_is(name, "data-raw") || str_is(name, "mlflow-artifacts");
}

/* ---- versions */

static void first_id(const char *place, char id[16])
{
	snprintf(id, 16, "%08x", str_hash(str_of(place)));
}

struct came { const char *place; struct object found; };

static void is_it(void *arg, const struct object *o)
{
	struct came *c = arg;
	if (!strcmp(o->place, c->place))
		c->found = (struct object){ c->place, o->size, o->modified };
}

/* place NULL in it: the store did not come with it. */
static struct object came_of(const struct world *w, const char *place)
{
	struct came c = { .place = place };
	stored_came(w, is_it, &c);
	return c.found;
}

/* first: the object that the store came with, if it did. */
static unsigned versions_over(const struct world *w, const char *place, const struct object *first, struct version v[VERSIONS_MOST])
{
	unsigned n = 0;
	if (first) {
		v[n] = (struct version){ .size = first->size, .at = first->modified };
		first_id(place, v[n++].id);
	}
	for (unsigned i = 0; i < w->nstored && n < VERSIONS_MOST; i++) {
		const struct stored *s = &w->stored[i];
		unsigned k = 0;
		if (strcmp(s->place, place))
			continue;
		while (k < n && strcmp(v[k].id, s->id))
			k++;
		if (s->purged && k < n) {
			memmove(v + k, v + k + 1, (--n - k) * sizeof(*v));
		} else if (!s->purged) {
			v[n] = (struct version){ .size = s->size, .at = s->at, .marker = s->marker };
			snprintf(v[n++].id, sizeof(v->id), "%s", s->id);
		}
	}
	return n;
}

unsigned stored_versions(const struct world *w, const char *place, struct version v[VERSIONS_MOST])
{
	struct object came = came_of(w, place);
	return versions_over(w, place, came.place ? &came : NULL, v);
}

struct over { const struct world *w; object_fn fn; void *arg; };

static void put_current(const struct over *o, const char *place, const struct object *first)
{
	struct version v[VERSIONS_MOST];
	unsigned n = versions_over(o->w, place, first, v);
	if (n && !v[n - 1].marker)
		o->fn(o->arg, &(struct object){ place, v[n - 1].size, v[n - 1].at });
}

static bool is_touched(const struct world *w, const char *place, unsigned before)
{
	for (unsigned i = 0; i < before; i++)
		if (!strcmp(w->stored[i].place, place))
			return true;
	return false;
}

static void pass_on(void *arg, const struct object *o)
{
	const struct over *over = arg;
	if (is_touched(over->w, o->place, over->w->nstored))
		put_current(over, o->place, o);
	else
		over->fn(over->arg, o);
}

void stored_each(const struct world *w, object_fn fn, void *arg)
{
	struct over o = { w, fn, arg };
	stored_came(w, pass_on, &o);
	for (unsigned i = 0; i < w->nstored; i++)
		if (!is_touched(w, w->stored[i].place, i) && !came_of(w, w->stored[i].place).place)
			put_current(&o, w->stored[i].place, NULL);
}

void stored_places(const struct world *w, object_fn fn, void *arg)
{
	stored_came(w, fn, arg);
	for (unsigned i = 0; i < w->nstored; i++)
		if (!is_touched(w, w->stored[i].place, i) && !came_of(w, w->stored[i].place).place)
			fn(arg, &(struct object){ .place = w->stored[i].place });
}

/* ---- rows of versions */

struct listing { const struct world *w; struct buf *body; struct str below; };

static void put_versions(void *arg, const struct object *o)
{
	struct listing *l = arg;
	struct str place = str_of(o->place), rest;
	struct version v[VERSIONS_MOST];
	char key[256];
	if (!str_starts(place, l->below))
		return;
	rest = (struct str){ place.p + l->below.n, place.n - l->below.n };
	bool one = !rest.n, folder = str_ends(l->below, STR("/"));
	if (!one && (!folder || memchr(rest.p, '/', rest.n)))
		return;                              /* of a prefix: what is right below it */
	for (unsigned n = stored_versions(l->w, o->place, v), i = n; i--;) {
		snprintf(key, sizeof(key), STORAGE_VERSIONS "%s\t%s", o->place, v[i].id);
		object_put(l->body, &(struct object_row){ .key = str_of(key), .name = place_name(place), .parent = str_of(l->w->versions_of),
			.type = v[i].marker ? OBJECT_IS_MARKER : OBJECT_IS_VERSION, .size = v[i].marker ? -1 : v[i].size, .modified = v[i].at,
			.version = str_of(v[i].id), .latest = i + 1 == n });
	}
}

void stored_show_versions(const struct world *w, struct buf *body)
{
	struct listing l = { w, body, str_of(w->versions_of) };
	if (!l.below.n)
		return;
	l.below.p += strlen(STORAGE_VERSIONS), l.below.n -= strlen(STORAGE_VERSIONS);
	stored_places(w, put_versions, &l);
}

/* ---- acts */

struct at { char place[200], id[16]; };      /* id: "" the current version */

static struct at at_of(const char *key)
{
	struct at a = { "", "" };
	struct str s = str_of(key), name;
	if (str_starts(s, STR(STORAGE_VERSIONS)))
		s.p += strlen(STORAGE_VERSIONS), s.n -= strlen(STORAGE_VERSIONS);
	name = str_split(&s, '\t');
	snprintf(a.place, sizeof(a.place), STR_FMT, STR_ARG(name));
	snprintf(a.id, sizeof(a.id), STR_FMT, STR_ARG(s));
	return a;
}

/* An undo acts on what was made, which may be elsewhere. */
static struct at target_of(const struct doing *d)
{
	const char *at = doing_text(d->params, "at");
	return at_of(*at ? at : d->r->key);
}

static const struct version *current(const struct version *v, unsigned n)
{
	return n && !v[n - 1].marker ? &v[n - 1] : NULL;
}

/* With no id the current one. NULL: there is none. */
static const struct version *named(const struct version *v, unsigned n, const char *id)
{
	for (unsigned i = 0; i < n && *id; i++)
		if (!strcmp(v[i].id, id))
			return &v[i];
	return *id ? NULL : current(v, n);
}

static bool object_state(struct doing *d, struct buf *out)
{
	struct at a = target_of(d);
	struct version v[VERSIONS_MOST];
	unsigned n = stored_versions(d->w, a.place, v);
	buf_adds(out, n ? v[n - 1].id : "nothing");
	return n > 0 && (!*a.id || named(v, n, a.id));
}

static void next_id(const struct world *w, const char *place, char id[16])
{
	snprintf(id, 16, "%08x", str_hash(str_of(place)) ^ (w->nstored + 1) * 2654435761u);
}

/* One more thing that was done; false: the demo remembers no more. */
static bool keep(struct doing *d, const char *place, const char *id, const struct version *what)
{
	struct world *w = d->w;
	if (w->nstored == STORED_MAX) {
		buf_addf(&d->say, "the demo remembers %d changes of objects at most", STORED_MAX);
		return false;
	}
	struct stored s = { .at = w->now, .size = what ? what->size : 0, .marker = what && what->marker, .purged = !what };
	snprintf(s.place, sizeof(s.place), "%s", place);
	if (id)
		snprintf(s.id, sizeof(s.id), "%s", id);
	else
		next_id(w, place, s.id);
	w->stored[w->nstored++] = s;
	w->storage_dirty = true;
	return true;
}

static void say_version(struct doing *d, const char *what, const char *place, const struct version *v)
{
	struct buf size = { 0 };
	fmt_bytes(v->size, &size);
	SAY(d, "change", "%s: s3://%s, %s, version %s", what, place, size.data, v->id);
	buf_release(&size);
}

static void plan_delete(struct doing *d)
{
	struct at a = target_of(d);
	struct version v[VERSIONS_MOST];
	unsigned n = stored_versions(d->w, a.place, v);
	const struct version *it = named(v, n, a.id);
	if (!it) {
		SAY(d, "already", "it is deleted: a delete marker lies on it");
		SAY(d, "change", "nothing");
		return;
	}
	if (*a.id) {
		SAY(d, "change", it->marker ? "the delete marker %s goes: what is below it is there again" : "version %s goes for good", it->id);
		doing_step(d, "", "DELETE /%s?versionId=%s", a.place, it->id);
		SAY(d, "not_undone", "a version that is gone does not come back");
		if (!it->marker)
			json_object_set_new(d->plan, "irreversible", json_true());
		return;
	}
	say_version(d, "a delete marker is put on", a.place, it);
	doing_step(d, "", "DELETE /%s", a.place);
	plan_undo(d->plan, "undelete", json_pack("{s:s}", "at", a.place));
}

static bool run_delete(struct doing *d)
{
	struct at a = target_of(d);
	bool ok = *a.id ? keep(d, a.place, a.id, NULL) : keep(d, a.place, NULL, &(struct version){ .marker = true });
	if (ok)
		buf_adds(&d->say, *a.id ? "this version is gone" : "it is deleted; its versions are kept");
	return ok;
}

static void plan_undelete(struct doing *d)
{
	struct at a = target_of(d);
	struct version v[VERSIONS_MOST];
	unsigned n = stored_versions(d->w, a.place, v), markers = 0;
	while (markers < n && v[n - 1 - markers].marker) {
		SAY(d, "change", "the delete marker %s goes", v[n - 1 - markers].id);
		doing_step(d, "", "DELETE /%s?versionId=%s", a.place, v[n - 1 - markers].id);
		markers++;
	}
	if (!markers)
		SAY(d, "already", "it is there: version %s", v[n - 1].id);
	else if (markers == n)
		SAY(d, "blocked", "no version of it is left to bring back");
	else
		say_version(d, "it is there again", a.place, &v[n - 1 - markers]);
	plan_undo(d->plan, "delete", json_pack("{s:s}", "at", a.place));
}

static bool run_undelete(struct doing *d)
{
	struct at a = target_of(d);
	struct version v[VERSIONS_MOST];
	bool ok = true;
	for (unsigned n = stored_versions(d->w, a.place, v); ok && n && v[n - 1].marker; n--)
		ok = keep(d, a.place, v[n - 1].id, NULL);
	if (ok)
		buf_adds(&d->say, "it is there again");
	return ok;
}

static void plan_restore(struct doing *d)
{
	struct at a = target_of(d);
	struct version v[VERSIONS_MOST];
	unsigned n = stored_versions(d->w, a.place, v);
	const struct version *it = named(v, n, a.id);
	char id[16];
	if (!*a.id || !it || it->marker)
		SAY(d, "blocked", it && it->marker ? "a delete marker holds nothing: undelete takes it away" : "which version? v shows them: restore one of those");
	else if (it == current(v, n))
		SAY(d, "already", "it is the current version");
	if (it)
		say_version(d, "this version is copied on top", a.place, it);
	if (current(v, n) && it != current(v, n))
		say_version(d, "what is current stays as a version", a.place, current(v, n));
	doing_step(d, "", "PUT /%s, x-amz-copy-source: /%s?versionId=%s", a.place, a.place, a.id);
	next_id(d->w, a.place, id);
	plan_undo(d->plan, "delete", json_pack("{s:o}", "at", json_sprintf(STORAGE_VERSIONS "%s\t%s", a.place, id)));
}

static bool run_restore(struct doing *d)
{
	struct at a = target_of(d);
	struct version v[VERSIONS_MOST];
	const struct version *it = named(v, stored_versions(d->w, a.place, v), a.id);
	if (!it || !keep(d, a.place, NULL, it))
		return false;
	buf_adds(&d->say, "it is current again");
	return true;
}

/* "s3://b/k", "b/k", "b/dir/", "b". False: it is no place of this store. */
static bool where_to(const struct doing *d, const struct at *a, char to[200])
{
	struct str s = str_of(doing_text(d->params, "to")), name = place_name(str_of(a->place));
	if (str_starts(s, STR("s3://")))
		s.p += 5, s.n -= 5;
	bool whole = memchr(s.p, '/', s.n), folder = str_ends(s, STR("/"));
	snprintf(to, 200, STR_FMT "%s" STR_FMT, STR_ARG(s), whole ? "" : "/", (int)(folder || !whole ? name.n : 0), name.p);
	struct place at = place_of(str_of(to));
	return s.n && at.key.n && stored_bucket(at.bucket);
}

static void plan_copy(struct doing *d)
{
	struct at a = target_of(d);
	struct version v[VERSIONS_MOST], there[VERSIONS_MOST];
	bool moves = !strcmp(d->r->what, "move");
	char to[200];
	const struct version *it = named(v, stored_versions(d->w, a.place, v), a.id), *now = NULL;
	if (!it || it->marker)
		SAY(d, "blocked", "there is no such object to copy");
	else if (moves && *a.id)
		SAY(d, "blocked", "a version is not moved: copy it, then delete it");
	if (!where_to(d, &a, to))
		SAY(d, "blocked", "say where to: s3://BUCKET/KEY; the buckets are data-raw and mlflow-artifacts");
	else if (!strcmp(to, a.place) && !*a.id)
		SAY(d, "blocked", "it is there already: that is where it comes from");
	else if ((now = current(there, stored_versions(d->w, to, there))) && !plan_param_bool(d->params, "overwrite"))
		SAY(d, "blocked", "s3://%s is there already: say overwrite to put this in its place", to);
	if (it)
		say_version(d, moves ? "moved" : "copied", a.place, it);
	SAY(d, "change", "to s3://%s", to);
	if (now)
		say_version(d, "in place of (it stays as a version)", to, now);
	doing_step(d, "", "PUT /%s, x-amz-copy-source: /%s", to, a.place);
	if (moves)
		doing_step(d, "", "DELETE /%s", a.place);
	json_object_set_new(json_object_get(d->plan, "target"), "to", json_string(to));
	if (moves)
		plan_undo(d->plan, "move", json_pack("{s:s, s:o, s:b}", "at", to, "to", json_sprintf("s3://%s", a.place), "overwrite", 1));
	else
		plan_undo(d->plan, "delete", json_pack("{s:s}", "at", to));
}

static bool run_copy(struct doing *d)
{
	struct at a = target_of(d);
	struct version v[VERSIONS_MOST];
	const char *to = doing_text(json_object_get(d->plan, "target"), "to");
	const struct version *it = named(v, stored_versions(d->w, a.place, v), a.id);
	bool moves = !strcmp(d->r->what, "move");
	if (!it || !keep(d, to, NULL, it) || (moves && !keep(d, a.place, NULL, &(struct version){ .marker = true })))
		return false;
	buf_addf(&d->say, "it is at s3://%s", to);
	return true;
}

const struct demo_way demo_ways_storage[] = {
	{ &act_object_delete, object_state, plan_delete, run_delete },
	{ &act_object_undelete, object_state, plan_undelete, run_undelete },
	{ &act_object_restore, object_state, plan_restore, run_restore },
	{ &act_object_copy, object_state, plan_copy, run_copy },
	{ &act_object_move, object_state, plan_copy, run_copy },
	{ .action = NULL },
};
