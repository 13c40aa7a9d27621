/* get: rows without a screen. table and wide are kubectl's layout, letter for letter; json, csv and yaml have every column
 * under its name, with values as the wire has them (times in RFC 3339). */
#define _GNU_SOURCE
#include "base/cell_json.h"
#include "base/filter.h"
#include "base/fmt.h"
#include "base/mem.h"
#include "base/view.h"
#include "cli/print.h"
#include "cli/session.h"
#include "tui/text.h"
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

enum form { FORM_TABLE, FORM_WIDE, FORM_JSON, FORM_CSV, FORM_YAML };

struct get {
	struct session *session;
	const char *kind, *scope;
	struct str place;            /* that rows are wanted of, where the kind has places */
	uint64_t asked;              /* bit by source */
	int64_t now;
};

/* The sources that have listed the kind. */
static uint64_t listed(const struct get *g)
{
	uint64_t bits = 0;
	for (unsigned i = 0; i < g->session->store->nsources && i < 64; i++) {
		const struct kind_state *k = store_kind_state(g->session->store, g->kind, (uint16_t)i);
		bits |= k && k->listed ? (uint64_t)1 << i : 0;
	}
	return bits;
}

/* Every source that was asked has listed the kind, or has said why not. Where it is not known what a replay has, the first list will do. */
static bool complete(void *arg)
{
	const struct get *g = arg;
	if (session_played(g->session))
		return true;
	if (g->session->cli->replay && !g->asked)
		return listed(g);
	for (unsigned i = 0; i < g->session->store->nsources && i < 64; i++)
		if ((g->asked >> i & 1) && !session_heard(g->session, i, g->kind))
			return false;
	return true;
}

/* ---- kubectl's layout */

/* kubectl pads by characters, not by the cells they take. */
static int characters(struct str s)
{
	int n = 0;
	for (size_t i = 0; i < s.n; i++)
		n += ((unsigned char)s.p[i] & 0xc0) != 0x80;
	return n;
}

/* What is no control stays as it is; kubectl cuts a cell at its first line end. */
static void text_printable(struct str s, struct buf *out)
{
	struct piece p;
	for (const char *from = s.p; piece_next(&s, false, &p); from = s.p) {
		if (*from == '\n' || *from == '\r' || *from == '\f') {
			buf_adds(out, "...");
			return;
		}
		if (p.control || !s.p)
			buf_add(out, p.text, p.n);
		else
			buf_add(out, p.ch == '\t' ? " " : from, p.ch == '\t' ? 1 : (size_t)(s.p - from));
	}
}

static bool printed(const struct get *g, const struct kind *k, int c, enum form form)
{
	unsigned flags = k->cols[c].flags;
	if (c == 0 && k->namespaced && g->scope[0])
		return false;
	return !(flags & (COL_HIDDEN | COL_OURS)) && (form == FORM_WIDE || !(flags & COL_WIDE));
}

/* Sentences for what did not work, and the exit code they make. */
static int report(const struct get *g)
{
	const struct store *s = g->session->store;
	int code = EXIT_OK;
	for (unsigned i = 0; i < s->nsources; i++) {
		const struct source_state *x = &s->sources[i];
		const struct kind_state *k = store_kind_state(s, g->kind, (uint16_t)i);
		if (i >= 64 || !(g->asked >> i & 1) ||
		    (k && k->listed && k->state != HEALTH_LIMITED && k->state != HEALTH_REFUSED))
			continue;
		bool refused = x->state == HEALTH_REFUSED || (k && (k->state == HEALTH_REFUSED || k->state == HEALTH_LIMITED));
		const char *why = k && k->why[0] ? k->why : x->why;
		struct buf said = { 0 };               /* it may quote what a server or a plugin sent */
		text_printable(str_of(why), &said);
		fprintf(stderr, "binnacle: %s: %s%s%s\n", x->name, said.len ? said.data : "no answer in time",
		        x->remedy[0] ? "; " : "", x->remedy);
		buf_release(&said);
		if (!k || !k->listed || k->state == HEALTH_REFUSED)
			code = refused ? EXIT_REFUSED : EXIT_UNREACHABLE;
	}
	return code;
}

/* A cell as kubectl prints it; text from outside is made printable. */
static void print_cell(const struct get *g, const struct table *t, const struct row *r, int c, struct buf *out)
{
	struct buf raw = { 0 };
	row_print(t, r, c, g->now, &raw);
	text_printable(buf_str(&raw), out);
	buf_release(&raw);
}

static void print_table(const struct get *g, const struct view *v, enum form form)
{
	const struct kind *k = v->table->kind;
	int width[KIND_MAX_COLS] = { 0 }, last = 0;
	struct buf b = { 0 };
	for (int c = 0; c < k->ncols; c++) {
		if (!printed(g, k, c, form))
			continue;
		last = c;
		width[c] = (int)strlen(k->cols[c].title);
		for (uint32_t i = 0; i < v->n; i++) {
			buf_clear(&b);
			print_cell(g, v->table, table_row(v->table, v->ids[i]), c, &b);
			int w = characters(buf_str(&b));
			width[c] = w > width[c] ? w : width[c];
		}
	}
	for (int64_t i = -1; i < (int64_t)v->n; i++) {
		for (int c = 0; c <= last; c++) {
			if (!printed(g, k, c, form))
				continue;
			buf_clear(&b);
			if (i < 0)
				buf_adds(&b, k->cols[c].title);
			else
				print_cell(g, v->table, table_row(v->table, v->ids[i]), c, &b);
			int pad = c == last ? 0 : width[c] + 3 - characters(buf_str(&b));
			printf("%s%*s", b.data ? b.data : "", pad, "");
		}
		putchar('\n');
	}
	buf_release(&b);
}

/* ---- data */

static json_t *value_of(const struct table *t, const struct row *r, int c)
{
	json_t *j = cell_json(t, r, c);
	if (j)
		return j;
	struct buf b = { 0 };             /* not UTF-8 */
	text_printable(row_text(t, r, c), &b);
	j = json_stringn(b.data, b.len);
	buf_release(&b);
	return j;
}

static json_t *row_json(const struct get *g, const struct table *t, const struct row *r)
{
	json_t *o = json_object();
	json_object_set_new(o, "source", json_string(g->session->store->sources[r->source].name));
	for (int c = 0; c < t->kind->ncols; c++)
		if (!(t->kind->cols[c].flags & COL_PLAIN_GET))
			json_object_set_new(o, t->kind->cols[c].name, value_of(t, r, c));
	return o;
}

/* What JSON is written with: for eyes nothing but ASCII, for programs as it is. */
static size_t json_form(void)
{
	return JSON_ENCODE_ANY | JSON_COMPACT | JSON_REAL_PRECISION(15) | (print_raw_is_safe(stdout) ? 0 : JSON_ENSURE_ASCII);
}

static void print_json(const struct get *g, const struct view *v)
{
	putchar('[');
	for (uint32_t i = 0; i < v->n; i++) {
		json_t *o = row_json(g, v->table, table_row(v->table, v->ids[i]));
		fputs(i ? ",\n " : "\n ", stdout);
		json_dumpf(o, stdout, json_form());
		json_decref(o);
	}
	puts(v->n ? "\n]" : "]");
}

/* JSON scalars are YAML scalars. */
static void print_yaml(const struct get *g, const struct view *v)
{
	if (!v->n)
		puts("[]");
	for (uint32_t i = 0; i < v->n; i++) {
		json_t *o = row_json(g, v->table, table_row(v->table, v->ids[i])), *value;
		const char *name, *lead = "- ";
		json_object_foreach(o, name, value) {
			printf("%s%s: ", lead, name);
			json_dumpf(value, stdout, json_form());
			putchar('\n');
			lead = "  ";
		}
		json_decref(o);
	}
}

/* RFC 4180; a field that a spreadsheet would take for a formula gets a quote in front. */
static void print_csv(const struct get *g, const struct view *v)
{
	const struct kind *k = v->table->kind;
	fputs("source", stdout);
	for (int c = 0; c < k->ncols; c++)
		if (!(k->cols[c].flags & COL_PLAIN_GET))
			printf(",%s", k->cols[c].name);
	fputs("\r\n", stdout);
	for (uint32_t i = 0; i < v->n; i++) {
		json_t *o = row_json(g, v->table, table_row(v->table, v->ids[i])), *value;
		const char *name, *lead = "";
		json_object_foreach(o, name, value) {
			fputs(lead, stdout);
			lead = ",";
			if (json_is_string(value)) {
				struct str s = { json_string_value(value), json_string_length(value) };
				struct buf text = { 0 }, field = { 0 };
				if (!print_raw_is_safe(stdout)) {
					text_printable(s, &text);
					s = buf_str(&text);
				}
				fmt_csv(s, &field);
				fwrite(field.data ? field.data : "", 1, field.len, stdout);
				buf_release(&text);
				buf_release(&field);
			} else if (!json_is_null(value)) {
				json_dumpf(value, stdout, json_form());
			}
		}
		fputs("\r\n", stdout);
		json_decref(o);
	}
}

static int parse_form(const char *text, enum form *form)
{
	static const char *const names[] = { "table", "wide", "json", "csv", "yaml" };
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		if (!text || strcmp(text, names[i]) == 0) {
			*form = (enum form)i;
			return EXIT_OK;
		}
	}
	const char *near = str_nearest(str_of(text), names, ARRAY_SIZE(names));
	fprintf(stderr, "binnacle: no output form '%s'%s%s; there are table, wide, json, csv, yaml\n", text,
	        near ? "; did you mean " : "", near ? near : "");
	return EXIT_USAGE;
}

static bool in_place(void *arg, const struct table *t, const struct row *r)
{
	const struct get *g = arg;
	return str_starts(row_key(r), g->place);
}

/* Asked of the sources already: one that knows no namespaces, and a recording, give all. */
static bool in_namespace(void *arg, const struct table *t, const struct row *r)
{
	const struct get *g = arg;
	return str_is(row_text_by(t, r, "namespace"), g->scope);
}

static int print(struct get *g, struct table *t, const char *text, enum form form)
{
	struct filter_error err;
	struct filter *f = filter_parse(text, t->kind, &err);
	if (!f) {
		fprintf(stderr, "binnacle: in the filter, at %zu: %s\n  %s\n  %*s^\n", err.at + 1, err.what, text,
		        (int)err.at, "");
		return EXIT_USAGE;
	}
	g->now = clock_wall(&g->session->clock);
	struct view *v = view_new(t, g->now);
	filter_at(f, g->now);
	view_filter(v, f, g->now);
	if (g->place.n)
		view_scope(v, in_place, g);
	else if (*g->scope && kind_col(t->kind, STR("namespace"), false) >= 0)
		view_scope(v, in_namespace, g);
	view_settle(v);
	if (form == FORM_JSON)
		print_json(g, v);
	else if (form == FORM_YAML)
		print_yaml(g, v);
	else if (form == FORM_CSV)
		print_csv(g, v);
	else if (v->n)
		print_table(g, v, form);
	else
		fprintf(stderr, "no %s%s\n", t->kind->name, filter_takes_all(f) ? g->place.n ? " there" : "" : " that the filter takes");
	view_free(v);
	filter_free(f);
	return ferror(stdout) || fflush(stdout) ? EXIT_FAILED : EXIT_OK;
}

int print_rows(struct session *s, struct table *t, const char *form_name)
{
	struct get g = { .session = s, .kind = t->kind->name, .scope = "" };
	enum form form;
	int code = parse_form(form_name, &form);
	return code ? code : print(&g, t, "", form);
}

int unknown_kind(const struct session *s, const char *word)
{
	const char **names = xcalloc(s->store->ntables, sizeof(*names));
	for (unsigned i = 0; i < s->store->ntables; i++)
		names[i] = s->store->tables[i]->kind->name;
	const char *near = str_nearest(str_of(word), names, s->store->ntables);
	fprintf(stderr, "binnacle: no source has a kind '%s'%s%s%s\n", word, near ? "; did you mean '" : "", near ? near : "",
	        near ? "'?" : "");
	free(names);
	return EXIT_USAGE;
}

char *resolve_kind(struct session *s, const char *word, int wait_ms)
{
	const struct kind *k = session_kind(s, word, wait_ms);
	if (k)
		return xstrdup(k->name);
	for (unsigned i = 0; i < s->nsources; i++) {
		bool ok;
		char *name = session_ask(s, s->sources[i], REQ_ASK, "", str_of(word), "kind", "", wait_ms, &ok);
		json_t *j = name && ok ? json_loads(name, JSON_DECODE_ANY, NULL) : NULL;
		free(name);
		const char *found = json_string_value(json_object_get(j, "kind"));
		name = xstrdup(found);
		json_decref(j);
		if (name)
			return name;
	}
	return NULL;
}

/* Everything that tells of changes is listed, and what was seen before is read. */
static int list_changes(struct session *s, int wait_ms)
{
	const char *kinds[64] = { NULL };
	for (unsigned i = 0; i < 63 && changes_kind(i); i++)
		kinds[i] = changes_kind(i);
	bool any = session_list(s, kinds, wait_ms);
	chronicle_settle(s->chronicle, wait_ms);
	if (any || store_table(s->store, kind_timeline.name)->count)
		return EXIT_OK;
	fputs("binnacle: no source answered in time\n", stderr);
	return EXIT_UNREACHABLE;
}

/* What follows the kind: a place, where the kind has them and the first word names one, then the filter. */
static void read_words(const struct session *s, const char *kind_name, struct buf *place, struct buf *filter)
{
	const struct cli *c = s->cli;
	const struct kind *kind = kind_name ? store_kind(s->store, str_of(kind_name)) : NULL;
	int from = kind && kind->place && c->nargs > 1 && kind->place(str_of(c->args[1]), place) ? 2 : 1;
	for (int i = from; i < c->nargs; i++)
		buf_addf(filter, "%s%s", i > from ? " " : "", c->args[i]);
	if (c->selector)
		buf_addf(filter, "%s-l %s", filter->len ? " " : "", c->selector);
}

int cli_get(struct cli *c)
{
	enum form form;
	int code, wait_ms = c->wait ? atoi(c->wait) * 1000 : 30000;
	if (!c->nargs) {
		fputs("binnacle: get what? such as: binnacle get pods 'status!=Running'\n", stderr);
		return EXIT_USAGE;
	}
	if (parse_form(c->output, &form) != EXIT_OK)
		return EXIT_USAGE;
	struct session *s = session_open(c, c->seed ? SESSION_DEMO : SESSION_CONFIGURED, &code);
	if (!s)
		return code;
	session_start(s);
	struct buf filter = { 0 }, place = { 0 };
	char *kind = resolve_kind(s, c->args[0], wait_ms);
	read_words(s, kind, &place, &filter);
	bool past = kind && !strcmp(kind, kind_timeline.name);      /* no source fills it: it is what the others were seen to do */
	struct get g = { .session = s, .kind = kind, .scope = place.len ? place.data : c->namespace ? c->namespace : "",
		.place = buf_str(&place) };
	const struct kind *known = kind ? store_kind(s->store, str_of(kind)) : NULL;
	if (!kind) {
		code = unknown_kind(s, c->args[0]);
	} else if (known && known->place && !place.len && !c->replay) {
		fprintf(stderr, "binnacle: %s are listed below a place; name one: binnacle get %s s3://BUCKET/PREFIX/\n", kind, kind);
		code = EXIT_USAGE;
	} else if (past) {
		code = list_changes(s, wait_ms);
		code = code ? code : print(&g, store_table(s->store, kind), filter.data ? filter.data : "", form);
	} else {
		g.asked = c->replay ? session_recorded(s, kind, wait_ms) : session_watch(s, kind, g.scope);
		session_run(s, wait_ms, complete, &g);
		if (c->replay && !g.asked)
			g.asked = listed(&g) ? listed(&g) : ~(uint64_t)0;
		code = report(&g);
		struct table *t = store_table(s->store, kind);
		int printed_code = t && (t->count || code == EXIT_OK) ? print(&g, t, filter.data ? filter.data : "", form) : EXIT_OK;
		code = code ? code : printed_code;
	}
	buf_release(&filter);
	buf_release(&place);
	free(kind);
	session_close(s);
	return code;
}
