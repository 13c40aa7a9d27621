/* storage: the buckets of all stores, and from there their places. `storage s3://BUCKET/PREFIX` opens a place by its name,
 * as links of other panes do. Here too: what can be asked of a row: count, link, versions, download. */
#define _GNU_SOURCE
#include "panes/storage.h"
#include "base/fmt.h"
#include "base/mem.h"
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

static const struct command commands[] = {
	{ "count", NULL, "count what is below the bucket or prefix, or stop counting", "count" },
	{ "versions", NULL, "show all versions of the object, or of what is below the prefix, deleted ones too", "versions" },
	{ "link", "[1h|7d]", "make a link by which anyone may read the object for a while", "link" },
	{ "download", "[FILE]", "write the object to a file of this machine", "download" },
	{ "jump", "[NAME]", "go to the first name from here on in the order of names; no name: to the start", "jump" },
	{ "up", NULL, "go to the prefix above", NULL },
	{ "again", NULL, "list the place again", NULL },
	{ NULL, NULL, NULL, NULL },
};
const struct command_scope storage_scope = { "storage", "the storage pane", commands };

int storage_source(const struct app *app, int after)
{
	for (unsigned i = (unsigned)(after + 1); i < app_sources(app); i++) {
		const struct source *s = app_source(app, (uint16_t)i);
		if (s && backend_fills(s->backend, "objects") && (app_context(app) < 0 || (unsigned)app_context(app) == i))
			return (int)i;
	}
	return -1;
}

/* ---- counting */

static void counted(void *arg, const struct msg *m)
{
	struct counts *c = arg;
	struct msg_text t;
	unsigned i = 0;
	while (i < c->n && c->at[i].id != m->id)
		i++;
	if (i == c->n || !msg_get_text(m, &t))
		return;
	if (t.flags & TEXT_ERROR)
		app_say(c->app, true, "counting %s: " STR_FMT, c->at[i].key, STR_ARG(t.chunk));
	else if (t.flags & TEXT_END)
		app_say(c->app, false, "%s: " STR_FMT, c->at[i].key, STR_ARG(t.chunk));
	if (t.flags & (TEXT_END | TEXT_ERROR)) {
		free(c->at[i].key);
		c->at[i] = c->at[--c->n];
	}
}

static void end_count(struct counts *c, struct app *app, unsigned i)
{
	struct source *s = app_source(app, c->at[i].source);
	store_forget(app_store(app), c->at[i].id);
	if (s)
		source_cancel(s, c->at[i].id);
	free(c->at[i].key);
	c->at[i] = c->at[--c->n];
}

void counts_toggle(struct counts *c, struct app *app, const char *kind, const struct row *r)
{
	struct str key = row_key(r);
	struct source *s = app_source(app, r->source);
	c->app = app;
	for (unsigned i = 0; i < c->n; i++)
		if (c->at[i].source == r->source && str_is(key, c->at[i].key)) {
			end_count(c, app, i);
			app_say(app, false, "stopped counting");
			return;
		}
	if (c->n == COUNTS_MAX || !s) {
		app_say(app, true, s ? "%d things are being counted already" : "there is nobody to ask", COUNTS_MAX);
		return;
	}
	uint64_t id = source_ask(s, request_new(REQ_OPEN, kind, key, "count", ""));
	c->at[c->n].id = id;
	c->at[c->n].source = r->source;
	c->at[c->n++].key = str_dup(key);
	store_expect(app_store(app), id, counted, c);
	app_say(app, false, "counting " STR_FMT "; the same key stops it", STR_ARG(key));
}

void counts_end(struct counts *c, struct app *app)
{
	while (c->n)
		end_count(c, app, c->n - 1);
}

/* ---- links and downloads */

/* "7d" in seconds; 0: not a time. */
static int64_t seconds_of(struct str s)
{
	static const struct { char unit; int64_t seconds; } units[] = { { 's', 1 }, { 'm', 60 }, { 'h', 3600 }, { 'd', 86400 } };
	int64_t n;
	for (size_t i = 0; i < ARRAY_SIZE(units); i++)
		if (s.n && s.p[s.n - 1] == units[i].unit && str_to_i64((struct str){ s.p, s.n - 1 }, &n) && n > 0 && n <= 604800)
			return n * units[i].seconds;
	return 0;
}

/* Who has a link may read: that it was made is kept, the link itself never is. False: it cannot be kept, and is said. */
static bool record_link(struct app *app, const struct row *r, int64_t seconds)
{
	const struct source *s = app_source(app, r->source);
	struct actor *actor = app_actor(app);
	struct audit *audit = actor ? (struct audit *)(uintptr_t)actor_audit(actor) : NULL;
	char why[400] = "there is no audit file";
	json_t *event = json_pack("{s:s, s:s, s:s, s:s, s:{s:s, s:s%}, s:I}", "event", "link", "action", "link", "source", s ? s->name : "",
		"environment", s ? s->environment : "", "target", "kind", "objects", "key", row_key(r).p, row_key(r).n, "seconds",
		(json_int_t)seconds);
	bool ok = s && audit && event && audit_write(audit, event, why, sizeof(why)) == 0;
	if (!ok)
		app_say(app, true, "no link was made, because it cannot be recorded: %s", why);
	json_decref(event);
	return ok;
}

static void open_link(struct app *app, const struct row *r, struct str args)
{
	int64_t seconds = args.n ? seconds_of(args) : 3600;
	char params[48];
	if (seconds < 1 || seconds > 7 * 86400) {
		app_say(app, true, "'" STR_FMT "' is no length of time up to 7 days; write it like 15m, 1h, 7d", STR_ARG(args));
		return;
	}
	snprintf(params, sizeof(params), "{\"expires\":%lld}", (long long)seconds);
	if (record_link(app, r, seconds))
		table_page_open(app, "link", "objects", r, params);
}

struct chosen { uint16_t source; char *key; };

static void download_to(void *arg, struct app *app, const char *params)
{
	struct chosen *c = arg;
	if (params)
		app_push(app, download_page_new(app, c->source, str_of(c->key), params));
	free(c->key);
	free(c);
}

/* A name that is safe to write to here: no directories, no controls, not hidden. */
static char *file_name(struct str name)
{
	struct buf b = { 0 };
	buf_adds(&b, "./");
	for (size_t i = 0; i < name.n; i++) {
		unsigned char c = (unsigned char)name.p[i];
		buf_addc(&b, c < 0x20 || c == 0x7f || c == '/' || (b.len == 2 && c == '.') ? '_' : (char)c);
	}
	return buf_detach(&b);
}

static void download(struct app *app, const struct table *t, const struct row *r, struct str args)
{
	struct chosen *c = xcalloc(1, sizeof(*c));
	c->source = r->source;
	c->key = str_dup(row_key(r));
	if (args.n) {
		json_t *o = json_pack("{s:s%}", "file", args.p, args.n);
		char *params = json_dumps(o, JSON_COMPACT);
		download_to(c, app, params);
		free(params);
		json_decref(o);
		return;
	}
	char *name = file_name(row_text(t, r, OBJECT_NAME)), *title = xasprintf("Download " STR_FMT, STR_ARG(row_key(r)));
	const struct field fields[] = {
		{ .name = "file", .title = "File", .help = "a file that is not there yet; a download that was cut goes on", .type = FIELD_TEXT,
		  .otherwise = name, .required = true },
		{ .name = NULL },
	};
	app_push(app, form_page_new(app, title, "starts the download", fields, download_to, c));
	free(name);
	free(title);
}

/* ---- commands on a row */

static bool is_prefix(const struct table *t, const struct row *r)
{
	return str_is(row_text(t, r, OBJECT_TYPE), "prefix");
}

static void object_command(struct app *app, const struct table *t, const struct row *r, const char *name, struct str args)
{
	char *scope;
	if (is_prefix(t, r) && strcmp(name, "versions")) {
		app_say(app, false, "a prefix is no object; open it");
	} else if (!strcmp(name, "open") && str_is(row_text(t, r, OBJECT_TYPE), "deleted")) {
		app_say(app, false, "here the object was deleted: there is nothing to read");
	} else if (!strcmp(name, "open")) {
		table_page_open(app, "preview", "objects", r, "");
	} else if (!strcmp(name, "link")) {
		open_link(app, r, args);
	} else if (!strcmp(name, "download")) {
		download(app, t, r, args);
	} else if (str_starts(row_key(r), STR(STORAGE_VERSIONS))) {
		app_say(app, false, "these are its versions");
	} else {
		scope = xasprintf(STORAGE_VERSIONS STR_FMT, STR_ARG(row_key(r)));
		storage_open(app, r->source, str_of(scope));
		free(scope);
	}
}

bool storage_command(struct app *app, struct page *p, const struct command *c, struct str args)
{
	static const char *const own[] = { "open", "link", "download", "versions" };
	static const char *const not_here[] = { "reveal", "logs", "previous-logs", "why", "tree", "node", "events" };
	const struct table *t;
	const struct row *r = table_page_row(p, &t);
	for (size_t i = 0; i < ARRAY_SIZE(not_here); i++)
		if (!strcmp(c->name, not_here[i])) {
			app_say(app, false, "objects have no %s", c->name);
			return true;
		}
	for (size_t i = 0; i < ARRAY_SIZE(own); i++) {
		if (strcmp(c->name, own[i]))
			continue;
		if (!r)
			app_say(app, false, "there is no row here");
		else if (!strcmp(c->name, "open") && (t->kind == &kind_buckets || is_prefix(t, r))) {
			char *scope = xasprintf(STR_FMT "%s", STR_ARG(row_key(r)), t->kind == &kind_buckets ? "/" : "");
			storage_open(app, r->source, str_of(scope));
			free(scope);
		} else if (t->kind == &kind_buckets)
			app_say(app, false, "a bucket is no object; open it");
		else
			object_command(app, t, r, c->name, args);
		return true;
	}
	return false;
}

/* ---- the buckets */

static bool command(void *arg, struct page *p, struct app *app, const struct command *c, struct str args)
{
	const struct row *r = table_page_row(p, NULL);
	if (!strcmp(c->name, "count")) {
		if (r)
			counts_toggle(arg, app, "buckets", r);
		return true;
	}
	if (!strcmp(c->name, "up") || !strcmp(c->name, "jump") || !strcmp(c->name, "again"))
		return true;
	return storage_command(app, p, c, args);
}

static void release(void *arg, struct app *app)
{
	counts_end(arg, app);
	free(arg);
}

static const struct table_hooks hooks = {
	.name = "storage", .scope = &storage_scope, .command = command, .free = release,
};

static struct page *buckets_page(struct app *app, struct str filter)
{
	struct page *p = table_page_new(app, "buckets", filter);
	table_page_hook(p, &hooks, xcalloc(1, sizeof(struct counts)));
	return p;
}

/* ---- places by name */

/* The source that is known to have the bucket, else the first store. */
static int source_of(struct app *app, struct str bucket)
{
	for (int i = storage_source(app, -1); i >= 0; i = storage_source(app, i))
		if (table_find(store_table(app_store(app), "buckets"), (uint16_t)i, bucket))
			return i;
	return storage_source(app, -1);
}

/* "s3://b/p", "s3a://b/p", "b/p" */
static struct str without_scheme(struct str s)
{
	size_t at = str_find(s, STR("://"), false);
	if (at != STR_NONE && at < 8)
		s.p += at + 3, s.n -= at + 3;
	return s;
}

static struct page *named_place(struct app *app, struct str name)
{
	struct str path = without_scheme(str_trim(name));
	struct place at = place_of(path);
	struct buf scope = { 0 };
	int source = source_of(app, at.bucket);
	struct page *p = NULL;
	if (!at.bucket.n || source < 0) {
		app_say(app, true, source < 0 ? "no object store is configured" : "'" STR_FMT "' names no bucket", STR_ARG(name));
		return NULL;
	}
	buf_addstr(&scope, path);
	if (scope.data[scope.len - 1] != '/')
		buf_addc(&scope, '/');
	p = place_page_new(app, (uint16_t)source, buf_str(&scope), STR(""), true);
	buf_release(&scope);
	return p;
}

static struct page *open_pane(struct app *app, struct str args)
{
	struct page *buckets = buckets_page(app, STR("")), *place = args.n ? named_place(app, args) : NULL;
	if (place)
		place->below = buckets;
	return place ? place : buckets;
}

static struct page *kind_page(struct app *app, const char *kind, struct str filter)
{
	if (!strcmp(kind, "buckets") || !filter.n)
		return buckets_page(app, !strcmp(kind, "buckets") ? filter : STR(""));
	struct page *p = named_place(app, filter);
	return p ? p : buckets_page(app, STR(""));
}

static const char *const kinds[] = { "buckets", "objects", NULL };
const struct pane pane_storage = {
	.name = "storage", .brief = "store", .help = "buckets and what is in them; storage s3://BUCKET/PREFIX opens a place", .open = open_pane,
	.kinds = kinds, .kind_page = kind_page,
};
