/* table_open: what opens from a row: documents, logs, the reasons why, trees, other lists; actions on it; and saving the
 * rows. */
#define _GNU_SOURCE
#include "base/changes.h"
#include "base/fmt.h"
#include "base/fields.h"
#include "base/mem.h"
#include "base/say.h"
#include "tui/edit_page.h"
#include "tui/table_page.h"
#include "tui/why_page.h"
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

/* What is known of a row that has no document. */
static void cells_text(const struct table *tb, const struct row *r, int64_t now, struct buf *out)
{
	for (int c = 0; c < tb->kind->ncols; c++) {
		const struct column *col = &tb->kind->cols[c];
		if (row_null(r, c))
			continue;
		buf_addf(out, "%s: ", col->title && *col->title ? col->title : col->name);
		row_show(tb, r, c, now, out);
		buf_addc(out, '\n');
	}
}

void table_page_open(struct app *app, const char *what, const char *kind, const struct row *r, const char *params)
{
	const struct source *s = app_source(app, r->source);
	const struct table *tb = store_table_const(app_store(app), kind);
	char *title = xasprintf("%s of " STR_FMT, what, STR_ARG(row_key(r)));
	if (!s || backend_opens(s->backend, what, kind)) {
		app_push(app, text_page_new(app, title, r->source, what, kind, row_key(r), params));
	} else if (tb && !strcmp(what, "describe")) {
		struct buf b = { 0 };
		cells_text(tb, r, clock_wall(app_clock(app)), &b);
		app_push(app, text_page_given(app, title, what, buf_str(&b)));
		buf_release(&b);
	} else {
		app_say(app, false, "%s has no %s of %s", s->name, what, kind);
	}
	free(title);
}

static bool open_logs(struct table_page *t, struct app *app, const struct row *r, bool previous, struct str container)
{
	json_t *params = json_pack("{s:b, s:b, s:b, s:i}", "follow", !previous, "previous", previous, "timestamps", 1, "tail", 1000);
	if (container.n)
		json_object_set_new(params, "container", json_stringn(container.p, container.n));
	else if (!previous)
		json_object_set_new(params, "all_containers", json_true());
	char *text = json_dumps(params, JSON_COMPACT);
	table_page_open(app, "logs", t->kind_name, r, text);
	json_decref(params);
	free(text);
	return true;
}

static void open_tree(struct table_page *t, struct app *app, const struct row *r, const char *what)
{
	const struct source *s = app_source(app, r->source);
	if (s && !backend_opens(s->backend, what, t->kind_name)) {
		app_say(app, false, "%s has no %s of %s", s->name, what, t->kind_name);
		return;
	}
	char *title = xasprintf("%s " STR_FMT, what, STR_ARG(row_key(r)));
	app_push(app, !strcmp(what, "why") ? why_page_new(app, title, r->source, t->kind_name, row_key(r))
	         : tree_page_new(app, title, r->source, what, t->kind_name, row_key(r)));
	free(title);
}

static void go_node(struct table_page *t, struct app *app, const struct row *r)
{
	struct str node = row_text_by(t->table, r, "node");
	if (!node.n) {
		app_say(app, false, "this %s is on no node", t->table->kind->singular);
		return;
	}
	char *line = xasprintf("nodes name=" STR_FMT, STR_ARG(node));
	app_run_line(app, str_of(line));
	free(line);
}

static void go_events(struct table_page *t, struct app *app, const struct row *r)
{
	struct str name = row_text_by(t->table, r, "name");
	char *line = xasprintf("events object=%s/" STR_FMT, t->table->kind->singular, STR_ARG(name));
	app_run_line(app, str_of(line));
	free(line);
}

/* ---- actions */

/* `replicas=5 reason="too slow"` as JSON by the action's fields. NULL: said what is wrong. */
static char *params_of(struct app *app, const struct action *a, struct str args)
{
	json_t *o = json_object();
	struct buf word = { 0 };
	char *text = NULL, *why = NULL;
	for (struct str rest = args; !why && (buf_clear(&word), buf_word(&word, &rest));)
		fields_take(a, o, buf_str(&word), &why);
	if (!why)
		why = fields_missing(a, o);
	if (why)
		app_say(app, true, "%s", why);
	else
		text = json_dumps(o, JSON_COMPACT);
	free(why);
	json_decref(o);
	buf_release(&word);
	return text;
}

struct chosen {                   /* what a form's answer will be used on */
	char *action, *kind;
	uint16_t source;
	char **keys; unsigned nkeys;
};

static void free_chosen(struct chosen *c)
{
	for (unsigned i = 0; i < c->nkeys; i++)
		free(c->keys[i]);
	free(c->keys);
	free(c->action);
	free(c->kind);
	free(c);
}

static void filled(void *arg, struct app *app, const char *params)
{
	struct chosen *c = arg;
	if (params)
		app_act(app, c->action, c->kind, c->source, (const char *const *)c->keys, c->nkeys, params);
	free_chosen(c);
}

/* Adds a marked row. False: it is of another source. */
static bool add_chosen(struct chosen *c, const struct row *r)
{
	if (c->nkeys == 0)
		c->source = r->source;
	if (r->source != c->source)
		return false;
	c->keys[c->nkeys++] = str_dup(row_key(r));
	return true;
}

/* The marked rows, else this one. All of one source, or NULL. */
static struct chosen *choose(struct table_page *t, struct app *app, const struct row *r, const char *action)
{
	struct chosen *c = xcalloc(1, sizeof(*c));
	uint32_t marks = view_marks(t->view);
	unsigned hidden = 0, n;
	const struct row **rows = xcalloc(marks + 1, sizeof(*rows));
	bool one = true;
	c->action = xstrdup(action);
	c->kind = xstrdup(t->kind_name);
	c->keys = xcalloc(marks + 1, sizeof(char *));
	n = marks ? table_page_rows(&t->page, rows, marks, &hidden) : 1;
	if (!marks)
		rows[0] = r;
	for (unsigned i = 0; one && i < n; i++)
		one = add_chosen(c, rows[i]);
	free(rows);
	if (one && hidden)
		app_say(app, false, "%u of the %u marked rows are hidden by the filter", hidden, c->nkeys);
	if (one)
		return c;
	app_say(app, true, "the marked rows are of several sources; act on one source at a time");
	free_chosen(c);
	return NULL;
}

/* The fields with "@column" defaults taken from the row. Free each of *texts, *texts and the fields. */
static struct field *fill_fields(const struct table_page *t, const struct action *a, const struct row *r, char ***texts)
{
	unsigned n = 0;
	while (a->fields[n].name)
		n++;
	struct field *out = xcalloc(n + 1, sizeof(*out));
	*texts = xcalloc(n + 1, sizeof(**texts));
	for (unsigned i = 0; i < n; i++) {
		out[i] = a->fields[i];
		if (!out[i].otherwise || *out[i].otherwise != '@')
			continue;
		int c = kind_col(t->table->kind, str_of(out[i].otherwise + 1), false);
		struct buf b = { 0 };
		if (c >= 0 && !row_null(r, c) && t->table->kind->cols[c].type == COL_PAIR)
			buf_addf(&b, "%d", PAIR_DEN(row_int(r, c)));
		else if (c >= 0 && !row_null(r, c))
			row_show(t->table, r, c, 0, &b);
		(*texts)[i] = buf_detach(&b);
		out[i].otherwise = (*texts)[i];
	}
	return out;
}

static void ask_form(struct table_page *t, struct app *app, const struct action *a, const struct row *r, struct chosen *c)
{
	char **texts, *title = xasprintf("%s %s" STR_FMT, a->title, c->nkeys > 1 ? "marked, first " : "", STR_ARG(row_key(r)));
	struct field *fields = fill_fields(t, a, r, &texts);
	struct page *form = form_page_new(app, title, "shows the plan; nothing is sent yet", fields, filled, c);
	for (unsigned i = 0; c->nkeys == 1 && fields[i].name; i++)
		if (fields[i].asked) {
			form_page_ask(form, app, r->source, t->kind_name, row_key(r), a->name, NULL);
			break;
		}
	app_push(app, form);
	for (unsigned i = 0; fields[i].name; i++)
		free(texts[i]);
	free(texts);
	free(fields);
	free(title);
}

static bool wants_form(const struct action *a, struct str args)
{
	for (const struct field *f = a->fields; f && f->name; f++)
		if ((f->required || f->asked || (f->otherwise && *f->otherwise == '@')) && !args.n)
			return true;
	return false;
}

static void act(struct table_page *t, struct app *app, const struct row *r, struct str args)
{
	struct str rest = args, name = str_split(&rest, ' ');
	char *action = str_dup(name);
	const struct source *s = app_source(app, r->source);
	const struct action *a = s ? action_find(s->backend, action, t->kind_name) : NULL;
	uint32_t n = view_marks(t->view) ? view_marks(t->view) : 1;
	const char *refused = a && app_actor(app) ? act_refused(app_actor(app), s, a, n) : NULL;
	struct chosen *c = NULL;
	rest = str_trim(rest);
	if (!a)
		app_say(app, true, "'%s' is not offered on %s", action, t->kind_name);
	else if (refused)
		app_say(app, true, "%s: %s", a->title, refused);
	else
		c = choose(t, app, r, action);
	if (c && wants_form(a, rest)) {
		ask_form(t, app, a, r, c);
	} else if (c) {
		char *params = params_of(app, a, rest);
		if (params)
			filled(c, app, params);
		else
			free_chosen(c);
		free(params);
	}
	free(action);
}

/* In the editor only what may be sent afterwards. */
static void edit(struct table_page *t, struct app *app, const struct row *r)
{
	const struct source *s = app_source(app, r->source);
	const struct action *a = s ? action_find(s->backend, "edit", t->kind_name) : NULL;
	const char *refused = a && app_actor(app) ? act_refused(app_actor(app), s, a, 1) : NULL;
	if (!a)
		app_say(app, true, "%s cannot be edited here", t->kind_name);
	else if (refused)
		app_say(app, true, "%s: %s", a->title, refused);
	else
		app_push(app, edit_page_new(app, r->source, t->kind_name, row_key(r)));
}

/* ---- saving */

static void row_out(const struct table_page *t, const struct row *r, int64_t now, bool json, struct buf *out)
{
	const struct kind *k = t->table->kind;
	json_t *o = json ? json_object() : NULL;
	for (int c = 0; c < k->ncols; c++) {
		struct buf cell = { 0 };
		if (!row_null(r, c))
			row_show(t->table, r, c, now, &cell);
		if (o) {
			json_t *v = json_stringn(cell.data ? cell.data : "", cell.len);
			json_object_set_new(o, k->cols[c].name, row_null(r, c) || !v ? json_null() : v);
		} else {
			buf_adds(out, c ? "," : "");
			fmt_csv(buf_str(&cell), out);
		}
		buf_release(&cell);
	}
	if (o) {
		char *text = json_dumps(o, JSON_COMPACT);
		buf_adds(out, text ? text : "{}");
		free(text);
		json_decref(o);
	}
	buf_addc(out, '\n');
}

static bool save(struct table_page *t, struct app *app, struct str args)
{
	bool json = str_ends(args, STR(".json")) || str_ends(args, STR(".jsonl"));
	char *path = str_dup(args);
	if (!t->view || !args.n || !(json || str_ends(args, STR(".csv")))) {
		app_say(app, true, "save to which file? its name ends in .csv or .json");
		free(path);
		return true;
	}
	struct buf b = { 0 };
	for (int c = 0; !json && c < t->table->kind->ncols; c++)
		buf_addf(&b, "%s%s", c ? "," : "", t->table->kind->cols[c].name);
	if (!json)
		buf_addc(&b, '\n');
	for (uint32_t i = 0; i < t->view->n; i++)
		row_out(t, table_row(t->table, t->view->ids[i]), clock_wall(app_clock(app)), json, &b);
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	ssize_t n = fd >= 0 ? write(fd, b.data ? b.data : "", b.len) : -1;
	if (fd < 0 || n != (ssize_t)b.len)
		app_say(app, true, "cannot save to '%s': %s", path, fd < 0 || n < 0 ? strerror(errno) : "the disk is full");
	else
		app_say(app, false, "%u rows saved to %s", t->view->n, path);
	if (fd >= 0)
		close(fd);
	buf_release(&b);
	free(path);
	return true;
}

/* The marked rows' keys, a line each, else the key of the row under the cursor. */
void table_page_copy(const struct page *p, const struct app *app, struct buf *out)
{
	const struct table_page *t = table_page_of(p);
	const struct row *r = table_page_row(p, NULL);
	for (uint32_t i = 0; t->view && view_marks(t->view) && i < t->view->n; i++) {
		const struct row *m = table_row(t->table, t->view->ids[i]);
		if (m && view_marked(t->view, m->id)) {
			buf_addstr(out, row_key(m));
			buf_addc(out, '\n');
		}
	}
	if (!out->len && r)
		buf_addstr(out, row_key(r));
}

bool table_page_offers(const struct page *p, const struct app *app, const struct command *c)
{
	static const char *const opened[] = { "yaml", "reveal", "logs", "why", "tree" };
	const struct table_page *t = table_page_of(p);
	bool asks = false, filled = false;
	if (t->hooks && t->hooks->offers)
		return t->hooks->offers(t->arg, c);
	for (size_t i = 0; i < ARRAY_SIZE(opened); i++)
		asks |= !strcmp(c->name, opened[i]);
	for (unsigned i = 0; asks && !t->own && i < app_sources(app); i++) {
		const struct backend *b = app_source(app, (uint16_t)i)->backend;
		if (!backend_fills(b, t->kind_name))
			continue;
		filled = true;
		if (backend_opens(b, !strcmp(c->name, "reveal") ? "yaml" : c->name, t->kind_name))
			return true;
	}
	return !filled;
}

#define DAY_MS (24 * 3600 * 1000ll)
/* When something about this row was last seen to change; 0: never. */
static int64_t last_change(struct app *app, const struct table_page *t, const struct row *r)
{
	const struct table *all = store_table_const(app_store(app), kind_timeline.name);
	int64_t last = 0;
	for (uint32_t i = 0; all && i < all->nslots; i++) {
		const struct row *x = table_row(all, i);
		if (x && x->source == r->source && row_int(x, TIMELINE_TIME) > last &&
		    (str_eq(row_text(all, x, TIMELINE_ABOUT), row_key(r)) ||
		     (str_is(row_text(all, x, TIMELINE_KIND), t->kind_name) && str_eq(row_text(all, x, TIMELINE_KEY), row_key(r)))))
			last = row_int(x, TIMELINE_TIME);
	}
	return last;
}

/* The timeline before the moment that the row is about: the first of these that it has, or what was seen of it since. Of what is
 * wrong and of which nothing is known but that it was made long ago, and of what has no time at all: before now. */
static void go_around(struct table_page *t, struct app *app, const struct row *r)
{
	static const char *const columns[] = { "since", "restarted", "end", "last_seen", "time", "first", "age", "updated" };
	int64_t at = 0, now = clock_wall(app_clock(app)), seen = last_change(app, t, r);
	char text[40];
	struct tm tm;
	bool lives = kind_col(t->table->kind, STR("namespace"), false) >= 0 || !strcmp(t->kind_name, "nodes"), made = false;
	for (size_t i = 0; i < ARRAY_SIZE(columns) && !at; i++) {
		at = row_time_by(t->table, r, columns[i]);
		made = lives && at && !strcmp(columns[i], "age");
	}
	at = seen > at ? seen : at;
	if (!at || (made && r->level >= LEVEL_DOUBT && now - at > DAY_MS))
		at = now;
	time_t s = (time_t)(at / 1000);
	if (!gmtime_r(&s, &tm) || !strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", &tm))
		app_say(app, false, "nothing says when this %s was", t->table->kind->singular);
	else if (!app_push_pane(app, "timeline", str_of(text)))
		app_say(app, true, "there is no timeline here");
}

bool table_page_open_command(struct table_page *t, struct app *app, const char *name, struct str args)
{
	static const struct { const char *command, *what, *params; } texts[] = {
		{ "describe", "describe", "" }, { "yaml", "yaml", "" }, { "reveal", "yaml", "{\"reveal\":true}" },
	};
	const struct row *r = table_page_row(&t->page, NULL);
	if (strcmp(name, "save") == 0)
		return save(t, app, args);
	if (!r) {
		app_say(app, false, "there is no row here");
		return true;
	}
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		if (strcmp(name, texts[i].command) == 0) {
			table_page_open(app, texts[i].what, t->kind_name, r, texts[i].params);
			return true;
		}
	}
	if (strcmp(name, "open") == 0)
		table_page_open(app, "describe", t->kind_name, r, "");
	else if (strcmp(name, "logs") == 0)
		return open_logs(t, app, r, false, args);
	else if (strcmp(name, "previous-logs") == 0)
		return open_logs(t, app, r, true, args);
	else if (strcmp(name, "why") == 0 || strcmp(name, "tree") == 0)
		open_tree(t, app, r, name);
	else if (strcmp(name, "node") == 0)
		go_node(t, app, r);
	else if (strcmp(name, "events") == 0)
		go_events(t, app, r);
	else if (strcmp(name, "edit") == 0)
		edit(t, app, r);
	else if (strcmp(name, "action") == 0 && str_is(args, "edit"))
		edit(t, app, r);
	else if (strcmp(name, "around") == 0)
		go_around(t, app, r);
	else if (strcmp(name, "action") == 0)
		act(t, app, r, args);
	else
		return false;
	return true;
}
