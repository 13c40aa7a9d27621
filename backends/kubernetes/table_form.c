/* table_form.c: every kind that has no decoder of its own, custom resources too, in the server's Table form
 * (meta.k8s.io/v1 Table): the kind is made from columnDefinitions, its rows from cells and the object's metadata.
 *
 * Cells of ages are texts that the server made when it sent them and that go stale: the age is made from the creation
 * time instead, and other dates ("4m ago" as 4m) become times as exact as their text is. In a watch the definitions come with the first event only, so they are kept. */
#include "backends/kubernetes/decode.h"
#include "base/fmt.h"
#include "base/mem.h"
#include <jansson.h>
#include <stdlib.h>

#define DEFINED_MAX (KIND_MAX_COLS - 6)   /* namespace, name, age, labels, owner, uid */

struct table_form {
	struct kind kind;
	struct column cols[KIND_MAX_COLS];
	char *texts[2 * KIND_MAX_COLS];   /* names and titles */
	size_t ntexts;
	int cell[KIND_MAX_COLS];          /* which cell a column shows; or a CELL_* */
	char *name, *singular, *group;
	char **aliases;
	bool namespaced;
	int64_t now;                      /* wall ms when what is read was sent */
	struct buf signature;             /* of the definitions the kind was made from */
	bool is_new;                      /* not written to rows yet */
};

enum { FROM_NAMESPACE = -1, FROM_NAME = -2, FROM_CREATED = -3, FROM_LABELS = -4, FROM_OWNER = -5, FROM_UID = -6 };

struct table_form *table_form_new(const char *kind, const char *singular, const char *const *aliases,
                                  const char *group, bool namespaced)
{
	struct table_form *f = xcalloc(1, sizeof(*f));
	size_t n = 0;
	while (aliases && aliases[n])
		n++;
	f->aliases = xcalloc(n + 1, sizeof(*f->aliases));
	for (size_t i = 0; i < n; i++)
		f->aliases[i] = xstrdup(aliases[i]);
	f->name = xstrdup(kind);
	f->singular = xstrdup(singular);
	f->group = xstrdup(group);
	f->namespaced = namespaced;
	return f;
}

void table_form_sent(struct table_form *f, int64_t wall_ms)
{
	f->now = wall_ms;
}

static void free_texts(struct table_form *f)
{
	for (size_t i = 0; i < f->ntexts; i++)
		free(f->texts[i]);
	f->ntexts = 0;
}

void table_form_free(struct table_form *f)
{
	if (!f)
		return;
	free_texts(f);
	for (char **a = f->aliases; *a; a++)
		free(*a);
	free(f->aliases);
	free(f->name);
	free(f->singular);
	free(f->group);
	buf_release(&f->signature);
	free(f);
}

const struct kind *table_form_kind(const struct table_form *f)
{
	return f->kind.ncols ? &f->kind : NULL;
}

/* ---- columns */

static struct str text_of(const json_t *o, const char *key)
{
	const json_t *v = json_object_get(o, key);
	return json_is_string(v) ? (struct str){ json_string_value(v), json_string_length(v) } : (struct str){ "", 0 };
}

static const char *hold(struct table_form *f, char *text)
{
	f->texts[f->ntexts++] = text;
	return text;
}

static bool name_taken(const struct table_form *f, const char *name)
{
	static const char *const ours[] = { "namespace", "name", "age", "labels", "owner", "uid" };
	for (size_t i = 0; i < ARRAY_SIZE(ours); i++)
		if (strcmp(name, ours[i]) == 0)
			return true;
	for (int i = 0; i < f->kind.ncols; i++)
		if (strcmp(f->cols[i].name, name) == 0)
			return true;
	return false;
}

/* "Last Seen" -> last_seen, "Port(s)" -> port_s; a name that is taken gets a number. */
static char *column_name(const struct table_form *f, struct str title)
{
	struct buf b = { 0 };
	for (size_t i = 0; i < title.n && b.len < 60; i++) {
		char c = title.p[i];
		if (c >= 'A' && c <= 'Z')
			buf_addc(&b, (char)(c + 32));
		else if ((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'))
			buf_addc(&b, c);
		else if (b.len && b.data[b.len - 1] != '_')
			buf_addc(&b, '_');
	}
	while (b.len && b.data[b.len - 1] == '_')
		b.len--;
	size_t stem = b.len;
	buf_adds(&b, stem ? "" : "column");
	b.data[b.len] = '\0';
	stem = b.len;
	for (int n = 2; name_taken(f, b.data); n++) {
		b.len = stem;
		buf_addf(&b, "_%d", n);
	}
	return buf_detach(&b);
}

static char *column_title(struct str title)
{
	char *s = str_dup((struct str){ title.p, title.n < 60 ? title.n : 60 });
	for (char *c = s; *c; c++)
		if (*c >= 'a' && *c <= 'z')
			*c -= 32;
	return s;
}

static void add_column(struct table_form *f, int cell, struct column c)
{
	f->cell[f->kind.ncols] = cell;
	f->cols[f->kind.ncols++] = c;
}

static bool same_fold(struct str a, const char *b)
{
	return a.n == strlen(b) && str_contains_fold(a, str_of(b));
}

static bool is_status(struct str name)
{
	return same_fold(name, "status") || same_fold(name, "ready") || same_fold(name, "phase") ||
	       same_fold(name, "state") || same_fold(name, "health") || same_fold(name, "health status") ||
	       same_fold(name, "sync status") || same_fold(name, "available");
}

static enum col_type column_type(const json_t *definition, struct str name)
{
	struct str type = text_of(definition, "type"), format = text_of(definition, "format");
	/* roles say the moment itself under "Created At", and kubectl prints it */
	if ((str_is(type, "date") || str_is(format, "date") || str_is(format, "date-time")) && !same_fold(name, "created at"))
		return COL_TIME;
	if (str_is(type, "integer"))
		return COL_COUNT;
	if (str_is(type, "number"))
		return COL_REAL;
	/* Booleans come as true or as "True": they stay what they are. */
	return is_status(name) ? COL_STATUS : COL_TEXT;
}

static void add_defined(struct table_form *f, int cell, const json_t *definition)
{
	struct str name = text_of(definition, "name");
	uint8_t wide = json_integer_value(json_object_get(definition, "priority")) > 0 ? COL_WIDE : 0;
	if (same_fold(name, "name") && cell == 0)
		add_column(f, FROM_NAME, (struct column){ .name = "name", .title = "NAME", .type = COL_TEXT, .width = 36 });
	else if (same_fold(name, "age"))
		add_column(f, FROM_CREATED, (struct column){ .name = "age", .title = "AGE", .type = COL_TIME, .flags = wide,
			.priority = 1, .width = 6, .none = "<unknown>" });
	else
		add_column(f, cell, (struct column){
			.name = hold(f, column_name(f, name)), .title = hold(f, column_title(name)),
			.type = column_type(definition, name), .flags = wide,
			.priority = (uint8_t)(cell < 10 ? cell + 1 : 10),
		});
}

static bool has_column(const struct table_form *f, int cell)
{
	for (int i = 0; i < f->kind.ncols; i++)
		if (f->cell[i] == cell)
			return true;
	return false;
}

static void make_kind(struct table_form *f, const json_t *definitions)
{
	free_texts(f);
	f->kind = (struct kind){ .name = f->name, .singular = f->singular, .help = "", .group = f->group,
		.aliases = (const char *const *)f->aliases, .cols = f->cols, .namespaced = f->namespaced };
	if (f->namespaced)
		add_column(f, FROM_NAMESPACE, (struct column){ .name = "namespace", .title = "NAMESPACE", .type = COL_TEXT,
			.flags = COL_SHARED, .priority = 2, .width = 14 });
	for (size_t i = 0; i < json_array_size(definitions) && i < DEFINED_MAX; i++)
		add_defined(f, (int)i, json_array_get(definitions, i));
	if (!has_column(f, FROM_NAME))
		add_column(f, FROM_NAME, (struct column){ .name = "name", .title = "NAME", .flags = COL_HIDDEN });
	if (!has_column(f, FROM_CREATED))
		add_column(f, FROM_CREATED, (struct column){ .name = "age", .title = "AGE", .type = COL_TIME,
			.flags = COL_HIDDEN });
	add_column(f, FROM_LABELS, (struct column){ .name = "labels", .title = "LABELS", .type = COL_LABELS,
		.flags = COL_SHARED | COL_HIDDEN });
	add_column(f, FROM_OWNER, (struct column){ .name = "owner", .title = "OWNER", .flags = COL_SHARED | COL_HIDDEN });
	add_column(f, FROM_UID, (struct column){ .name = "uid", .title = "UID", .flags = COL_HIDDEN });
	f->is_new = true;
}

/* Takes the definitions if there are any and they differ from those of before. */
static bool learn_columns(struct table_form *f, const json_t *definitions)
{
	if (json_array_size(definitions)) {
		struct buf b = { 0 };
		for (size_t i = 0; i < json_array_size(definitions); i++) {
			const json_t *d = json_array_get(definitions, i);
			buf_string(&b, text_of(d, "name"));
			buf_string(&b, text_of(d, "type"));
			buf_zigzag(&b, json_integer_value(json_object_get(d, "priority")));
		}
		if (!f->kind.ncols || !str_eq(buf_str(&b), buf_str(&f->signature)))
			make_kind(f, definitions);
		buf_release(&f->signature);
		f->signature = b;
	}
	return f->kind.ncols > 0;
}

/* ---- rows */

/* What people call their states. A word that is not known says nothing. */
static enum level word_level(struct str s)
{
	static const struct { const char *words; enum level level; } known[] = {
		{ " true ready running active healthy bound available synced established approved serving ", LEVEL_OK },
		{ " succeeded success complete completed terminated suspended paused ", LEVEL_DONE },
		{ " pending progressing creating initializing provisioning updating deleting terminating waiting queued "
		  "starting ", LEVEL_BUSY },
		{ " false unknown outofsync warning notready missing ", LEVEL_DOUBT },
		{ " failed failure error degraded unhealthy lost denied crashloopbackoff invalid ", LEVEL_BAD },
	};
	char word[32] = " ";
	if (!s.n || s.n > sizeof(word) - 3)
		return LEVEL_NONE;
	for (size_t i = 0; i < s.n; i++) {
		char c = s.p[i];
		if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z')))
			return LEVEL_NONE;
		word[i + 1] = c >= 'A' && c <= 'Z' ? (char)(c + 32) : c;
	}
	word[s.n + 1] = ' ';
	for (size_t i = 0; i < ARRAY_SIZE(known); i++)
		if (strstr(known[i].words, word))
			return known[i].level;
	return LEVEL_NONE;
}

/* The worst of the row's states. */
static enum level row_level(const struct table_form *f, const json_t *cells, bool deleted)
{
	enum level level = deleted ? LEVEL_BUSY : LEVEL_NONE;
	for (int i = 0; i < f->kind.ncols; i++) {
		const json_t *v = f->cell[i] >= 0 ? json_array_get(cells, (size_t)f->cell[i]) : NULL;
		if (f->cols[i].type != COL_STATUS || !json_is_string(v))
			continue;
		enum level l = word_level((struct str){ json_string_value(v), json_string_length(v) });
		level = l > level ? l : level;
	}
	return level;
}

static void put_text_cell(const json_t *v, struct buf *rows)
{
	char text[40], *dump;
	switch (json_typeof(v)) {
	case JSON_STRING:
		cell_text(rows, (struct str){ json_string_value(v), json_string_length(v) });
		break;
	case JSON_INTEGER:
		snprintf(text, sizeof(text), "%" JSON_INTEGER_FORMAT, json_integer_value(v));
		cell_text(rows, str_of(text));
		break;
	case JSON_REAL:
		snprintf(text, sizeof(text), "%.10g", json_real_value(v));
		cell_text(rows, str_of(text));
		break;
	case JSON_TRUE:
	case JSON_FALSE:
		cell_text(rows, json_is_true(v) ? STR("true") : STR("false"));
		break;
	case JSON_NULL:
		cell_null(rows);
		break;
	default:
		dump = json_dumps(v, JSON_COMPACT | JSON_ENCODE_ANY);
		cell_text_or_null(rows, str_of(dump));
		free(dump);
	}
}

/* A number that the server may have written as text. */
static void put_number_cell(const struct column *c, const json_t *v, struct buf *rows)
{
	struct str text = { json_string_value(v), json_string_length(v) };
	int64_t n;
	double f;
	bool real = col_is_real(c);
	if (json_is_integer(v))
		cell_int(rows, json_integer_value(v));
	else if (json_is_real(v))
		real ? cell_real(rows, json_real_value(v)) : cell_int(rows, (int64_t)json_real_value(v));
	else if (text.n && str_to_i64(text, &n))
		cell_int(rows, n);
	else if (text.n && real && str_to_f64(text, &f))
		cell_real(rows, f);
	else
		cell_null(rows);
}

static void put_time_cell(const struct table_form *f, const json_t *v, struct buf *rows)
{
	struct str text = { json_string_value(v), json_string_length(v) };
	int64_t ms;
	if (text.n && time_parse(text, &ms))
		cell_time(rows, ms);
	else if (text.n && age_parse(text, &ms))
		cell_time(rows, f->now - ms);
	else
		cell_null(rows);
}

static void put_labels(const json_t *labels, struct buf *rows)
{
	struct buf text = { 0 };
	char *dump = json_dumps(labels, JSON_COMPACT | JSON_SORT_KEYS);   /* the sorted order of the names */
	json_t *sorted = dump ? json_loads(dump, 0, NULL) : NULL;
	const char *key;
	json_t *v;
	json_object_foreach(sorted, key, v) {
		buf_adds(&text, text.len ? "," : "");
		buf_adds(&text, key);
		buf_addc(&text, '=');
		buf_adds(&text, json_is_string(v) ? json_string_value(v) : "");
	}
	cell_text_or_null(rows, buf_str(&text));
	json_decref(sorted);
	free(dump);
	buf_release(&text);
}

static void put_owner(const json_t *owners, struct buf *rows)
{
	const json_t *owner = json_array_get(owners, 0);
	for (size_t i = 0; i < json_array_size(owners); i++)
		if (json_is_true(json_object_get(json_array_get(owners, i), "controller")))
			owner = json_array_get(owners, i);
	if (!owner) {
		cell_null(rows);
		return;
	}
	struct buf text = { 0 };
	buf_addstr(&text, text_of(owner, "kind"));
	buf_addc(&text, '/');
	buf_addstr(&text, text_of(owner, "name"));
	cell_text(rows, buf_str(&text));
	buf_release(&text);
}

static void put_own_cell(int from, const json_t *meta, struct buf *rows)
{
	int64_t ms;
	switch (from) {
	case FROM_NAMESPACE: cell_text_or_null(rows, text_of(meta, "namespace")); break;
	case FROM_NAME: cell_text_or_null(rows, text_of(meta, "name")); break;
	case FROM_CREATED:
		time_parse(text_of(meta, "creationTimestamp"), &ms) ? cell_time(rows, ms) : cell_null(rows);
		break;
	case FROM_LABELS: put_labels(json_object_get(meta, "labels"), rows); break;
	case FROM_OWNER: put_owner(json_object_get(meta, "ownerReferences"), rows); break;
	default: cell_text_or_null(rows, text_of(meta, "uid"));
	}
}

static bool make_key(const json_t *meta, struct buf *key)
{
	struct str ns = text_of(meta, "namespace"), name = text_of(meta, "name");
	if (ns.n) {
		buf_addstr(key, ns);
		buf_addc(key, '/');
	}
	buf_addstr(key, name);
	return name.n > 0 && key->len < UINT16_MAX;
}

/* A row without the object's metadata cannot be told from others and is left out. */
static bool put_table_row(struct table_form *f, const json_t *row, bool gone, struct buf *rows)
{
	const json_t *meta = json_object_get(json_object_get(row, "object"), "metadata");
	const json_t *cells = json_object_get(row, "cells");
	struct buf key = { 0 };
	bool ok = make_key(meta, &key);
	if (ok && gone) {
		rows_del(rows, buf_str(&key));
	} else if (ok) {
		bool deleted = text_of(meta, "deletionTimestamp").n > 0;
		rows_put(rows, buf_str(&key), row_level(f, cells, deleted));
		for (int i = 0; i < f->kind.ncols; i++) {
			const json_t *v = f->cell[i] >= 0 ? json_array_get(cells, (size_t)f->cell[i]) : NULL;
			if (f->cell[i] < 0)
				put_own_cell(f->cell[i], meta, rows);
			else if (!v)
				cell_null(rows);
			else if (col_is_text(&f->cols[i]))
				put_text_cell(v, rows);
			else if (f->cols[i].type == COL_TIME)
				put_time_cell(f, v, rows);
			else
				put_number_cell(&f->cols[i], v, rows);
		}
	}
	buf_release(&key);
	return ok;
}

static void write_new_kind(struct table_form *f, struct buf *rows)
{
	if (f->is_new)
		rows_kind(rows, &f->kind);
	f->is_new = false;
}

/* ---- lists and watches */

void table_page_release(struct table_page *p)
{
	free(p->resource_version);
	free(p->next);
	*p = (struct table_page){ 0 };
}

bool table_form_list(struct table_form *f, struct str json, struct buf *rows, struct table_page *page,
                     const char **why)
{
	json_t *table = json_loadb(json.p ? json.p : "", json.n, JSON_ALLOW_NUL, NULL);
	*page = (struct table_page){ .remaining = -1 };
	*why = !table ? "malformed JSON" : "not a table";
	bool ok = str_is(text_of(table, "kind"), "Table") && learn_columns(f, json_object_get(table, "columnDefinitions"));
	if (ok) {
		const json_t *meta = json_object_get(table, "metadata"), *list = json_object_get(table, "rows");
		const json_t *remaining = json_object_get(meta, "remainingItemCount");
		write_new_kind(f, rows);
		for (size_t i = 0; i < json_array_size(list); i++)
			page->rows += put_table_row(f, json_array_get(list, i), false, rows);
		page->resource_version = str_dup(text_of(meta, "resourceVersion"));
		page->next = str_dup(text_of(meta, "continue"));
		page->remaining = json_is_integer(remaining) ? json_integer_value(remaining) : -1;
	}
	json_decref(table);
	return ok;
}

void table_event_release(struct table_event *e)
{
	free(e->resource_version);
	kube_status_release(&e->status);
	*e = (struct table_event){ 0 };
}

static bool event_type(struct str type, enum watch_type *out)
{
	static const char *const types[] = { "ADDED", "MODIFIED", "DELETED", "BOOKMARK", "ERROR" };
	for (unsigned i = 0; i < ARRAY_SIZE(types); i++)
		if (str_is(type, types[i])) {
			*out = (enum watch_type)i;
			return true;
		}
	return false;
}

static bool read_error(const json_t *object, struct table_event *e)
{
	char *dump = json_dumps(object, JSON_COMPACT);
	bool ok = dump && decode_status(str_of(dump), &e->status);
	free(dump);
	return ok;
}

/* The metadata that a bookmark carries: of the object, or of the only row of a table. */
static const json_t *event_meta(const json_t *object)
{
	const json_t *row = json_array_get(json_object_get(object, "rows"), 0);
	const json_t *of_row = json_object_get(json_object_get(row, "object"), "metadata");
	return of_row ? of_row : json_object_get(object, "metadata");
}

bool table_form_event(struct table_form *f, struct str line, struct buf *rows, struct table_event *event,
                      const char **why)
{
	json_t *root = json_loadb(line.p ? line.p : "", line.n, JSON_ALLOW_NUL, NULL);
	const json_t *object = json_object_get(root, "object");
	*event = (struct table_event){ .type = WATCH_BOOKMARK };
	*why = root ? "not a watch event" : "malformed JSON";
	bool ok = event_type(text_of(root, "type"), &event->type);
	if (ok && event->type == WATCH_ERROR) {
		ok = read_error(object, event);
	} else if (ok) {
		const json_t *meta = event_meta(object), *list = json_object_get(object, "rows");
		struct str version = text_of(meta, "resourceVersion");
		struct str end = text_of(json_object_get(meta, "annotations"), "k8s.io/initial-events-end");
		event->resource_version = version.n ? str_dup(version) : NULL;
		event->initial_events_end = str_is(end, "true");
		bool known = learn_columns(f, json_object_get(object, "columnDefinitions"));
		if (known)
			write_new_kind(f, rows);
		if (event->type != WATCH_BOOKMARK && (!known || !str_is(text_of(object, "kind"), "Table"))) {
			*why = "not a table";
			ok = false;
		}
		for (size_t i = 0; ok && event->type != WATCH_BOOKMARK && i < json_array_size(list); i++)
			put_table_row(f, json_array_get(list, i), event->type == WATCH_DELETED, rows);
	}
	if (!ok)
		table_event_release(event);
	json_decref(root);
	return ok;
}
