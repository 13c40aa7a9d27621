/* form_page: asks for the parameters of an action, field by field: text and numbers are typed, choices are stepped
 * through. Enter checks them all and hands them on as JSON; Esc leaves. Where the source knows more of the fields than the
 * action's table, it is asked first. */
#include "tui/app.h"
#include "tui/form_fields.h"
#include "tui/scopes.h"
#include "base/mem.h"
#include "base/fields.h"
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

#define CHOICES_MOST 32

struct form_page {
	struct page page;
	char *title, *enter;
	struct field *fields; unsigned n;   /* own copies of the defaults */
	struct field *given;                /* by the source; fields' texts are theirs */
	char *note;                         /* a line above the fields, or NULL */
	uint64_t asking;                    /* the source has not said yet which fields there are; 0: it has */
	struct buf *values;
	unsigned at;
	bool fresh;                          /* what is typed first replaces the default */
	char *error;
	void (*done)(void *arg, struct app *app, const char *params);
	void *arg;
	bool finished, changed;
};

static struct form_page *of(const struct page *p)
{
	return (struct form_page *)(uintptr_t)p;
}

static bool stepped(const struct field *f)
{
	return f->type == FIELD_CHOICE || f->type == FIELD_BOOL;
}

static const char *value_of(const struct form_page *t, unsigned i)
{
	return t->values[i].data ? t->values[i].data : "";
}

/* ---- checking */
static void accept_form(struct form_page *t, struct app *app)
{
	json_t *o = json_object();
	free(t->error);
	t->error = NULL;
	for (unsigned i = 0; i < t->n && !t->error; i++) {
		char *why;
		json_t *v = field_read(&t->fields[i], str_trim(buf_str(&t->values[i])), &why);
		if (v)
			json_object_set_new(o, t->fields[i].name, v);
		if (why) {
			t->error = why;
			t->at = i;
		}
	}
	if (!t->error) {
		char *text = json_dumps(o, JSON_COMPACT);
		t->finished = true;
		app_pop(app);            /* the plan comes in the form's place; the page itself lives until the loop's end */
		t->done(t->arg, app, text);
		free(text);
	}
	json_decref(o);
}

/* ---- editing */
static void step_value(struct form_page *t, int by)
{
	const struct field *f = &t->fields[t->at];
	struct buf *v = &t->values[t->at];
	int64_t i;
	if (f->type == FIELD_COUNT && str_to_i64(str_trim(buf_str(v)), &i)) {
		i += by;
		if (f->max > f->min)
			i = i < f->min ? f->min : i > f->max ? f->max : i;
		buf_clear(v);
		buf_addf(v, "%lld", (long long)i);
		return;
	}
	if (!stepped(f))
		return;
	struct str rest = str_of(f->type == FIELD_BOOL ? "false|true" : f->choices), all[CHOICES_MOST];
	int n = 0, now = 0;
	while (rest.n && n < CHOICES_MOST) {
		all[n] = str_split(&rest, '|');
		if (str_eq(all[n], buf_str(v)))
			now = n;
		n++;
	}
	if (!n)
		return;
	now = (now + by + n) % n;
	buf_clear(v);
	buf_addstr(v, all[now]);
}

/* The next value that begins so. False: none does. */
static bool step_to(struct form_page *t, struct str s)
{
	struct buf *v = &t->values[t->at];
	char *was = str_dup(buf_str(v));
	bool found = false;
	for (int i = 0; i < CHOICES_MOST && !found; i++) {
		step_value(t, 1);
		found = str_starts(buf_str(v), s);
	}
	if (!found) {
		buf_clear(v);
		buf_adds(v, was);
	}
	free(was);
	return found;
}

static bool form_typed(struct page *p, struct app *app, struct str s)
{
	struct form_page *t = of(p);
	(void)app;
	t->changed = true;
	free(t->error);
	t->error = NULL;
	if (!t->n || t->asking)
		return false;
	if (stepped(&t->fields[t->at])) {
		if (str_is(s, " "))
			step_value(t, 1);
		return str_is(s, " ") || step_to(t, s);
	}
	if (t->fresh)
		buf_clear(&t->values[t->at]);
	t->fresh = false;
	buf_addstr(&t->values[t->at], s);
	return true;
}

static void erase(struct form_page *t)
{
	struct buf *v = &t->values[t->at];
	t->fresh = false;
	if (stepped(&t->fields[t->at]) || !v->len)
		return;
	do
		v->len--;
	while (v->len && ((unsigned char)v->data[v->len] & 0xc0) == 0x80);
	v->data[v->len] = 0;
}

/* One of several values cannot be none of them. */
static void erase_all(struct form_page *t)
{
	if (!stepped(&t->fields[t->at]))
		buf_clear(&t->values[t->at]);
}

static const struct command form_commands[] = {
	{ "accept", NULL, "go on with these values", "go on" },
	{ "field-next", NULL, "go to the next field", "next field" },
	{ "field-previous", NULL, "go to the field before", NULL },
	{ "value-next", NULL, "take the next value", "change" },
	{ "value-previous", NULL, "take the value before", NULL },
	{ "erase", NULL, "erase a character", NULL },
	{ "erase-all", NULL, "empty the field", NULL },
	{ .name = NULL }
};
const struct command_scope form_scope = { "form", "forms", form_commands };
static const struct command_scope *const form_scopes[] = { &form_scope, NULL };

static bool form_command(struct page *p, struct app *app, const struct command *c, struct str args)
{
	struct form_page *t = of(p);
	const char *n = c->name;
	(void)args;
	t->changed = true;
	if (!strcmp(n, "accept")) {
		if (!t->asking)
			accept_form(t, app);
		return true;
	}
	if (!t->n || t->asking)
		return true;
	if (!strcmp(n, "field-next"))
		t->at = (t->at + 1) % t->n, t->fresh = true;
	else if (!strcmp(n, "field-previous"))
		t->at = (t->at + t->n - 1) % t->n, t->fresh = true;
	else if (!strcmp(n, "value-next"))
		step_value(t, 1);
	else if (!strcmp(n, "value-previous"))
		step_value(t, -1);
	else if (!strcmp(n, "erase"))
		erase(t);
	else if (!strcmp(n, "erase-all"))
		erase_all(t);
	return true;
}

/* ---- drawing */
static bool form_prepare(struct page *p, struct app *app, int w, int h, int64_t now)
{
	struct form_page *t = of(p);
	bool changed = t->changed;
	(void)app, (void)w, (void)h, (void)now;
	t->changed = false;
	return changed;
}

/* Wide enough for each of the values, between its arrows. */
static int choice_width(const struct field *f, bool ascii)
{
	int most = 10;
	for (struct str rest = str_of(f->type == FIELD_CHOICE ? f->choices : ""); rest.n;) {
		int w = text_width(str_split(&rest, '|'), ascii);
		most = w > most ? w : most;
	}
	return most + 4;
}

static void form_draw(const struct page *p, const struct app *app, struct frame *f, struct rect area, int64_t now)
{
	const struct form_page *t = of(p);
	int label = 8;
	(void)app, (void)now;
	for (unsigned i = 0; i < t->n; i++) {
		int w = text_width(str_of(t->fields[i].title), f->ascii);
		label = w > label ? w : label;
	}
	label = label > area.w / 2 ? area.w / 2 : label;
	int top = t->note ? 3 : 1, from = t->at * 2 + 5 + (unsigned)top > (unsigned)area.h ? (int)t->at * 2 + 5 + top - area.h : 0;
	if (t->asking) {
		frame_fit(f, area, 2, 1, area.w - 2, STR("asking which parameters there are"), ROLE_BUSY);
		return;
	}
	if (t->note && from == 0)
		frame_fit(f, area, 2, 1, area.w - 2, str_of(t->note), ROLE_DIM);
	for (unsigned i = 0; i < t->n; i++) {
		const struct field *fd = &t->fields[i];
		int y = (int)i * 2 + top - from, x = label + 4, w = area.w - x - 1;
		enum role role = i == t->at ? ROLE_FIELD_ON : ROLE_FIELD;
		if (y < 0 || y >= area.h || w < 1)
			continue;
		frame_fit(f, area, 2, y, label, str_of(fd->title), i == t->at ? ROLE_TITLE : ROLE_TEXT);
		if (w > 48)
			w = 48;
		int wide = stepped(fd) ? choice_width(fd, f->ascii) : w;
		wide = wide < w ? wide : w;
		frame_fill(f, rect_part(area, x, y, wide, 1), i == t->at && !stepped(fd) ? '_' : ' ', role);
		const char *v = value_of(t, i);
		if (stepped(fd))
			frame_textf(f, area, x, y, wide, role, f->ascii ? "< %s >" : "◂ %s ▸", v);
		else
			frame_fit(f, area, x, y, w, str_of(v), role);
		if (i == t->at && !stepped(fd)) {
			f->cur_x = area.x + x + text_width(str_of(v), f->ascii);
			f->cur_y = area.y + y;
			f->cur_x = f->cur_x < area.x + area.w ? f->cur_x : area.x + area.w - 1;
		}
		if (i == t->at && fd->help)
			frame_fit(f, area, x, y + 1, area.w - x, str_of(fd->help), ROLE_DIM);
	}
	int y = (int)t->n * 2 + 1 + top - from;
	if (t->error)
		frame_fit(f, area, 2, y < area.h ? y : area.h - 1, area.w - 2, str_of(t->error), ROLE_PROMPT_ERROR);
	else if (y < area.h)
		frame_fit(f, area, 2, y, area.w - 2, str_of(t->enter), ROLE_DIM);
}

static void form_title(const struct page *p, const struct app *app, struct buf *out)
{
	(void)app;
	buf_adds(out, of(p)->title);
}

static void drop_fields(struct form_page *t)
{
	for (unsigned i = 0; i < t->n; i++)
		buf_release(&t->values[i]);
	free(t->values);
	free(t->fields);
	form_fields_free(t->given);
	t->n = 0;
}

/* Takes the place of the fields that were there; borrows them. */
static void set_fields(struct form_page *t, const struct field *fields)
{
	while (fields && fields[t->n].name)
		t->n++;
	t->fields = xcalloc(t->n + 1, sizeof(*t->fields));
	t->values = xcalloc(t->n + 1, sizeof(*t->values));
	for (unsigned i = 0; i < t->n; i++) {
		const char *v = fields[i].otherwise;
		t->fields[i] = fields[i];
		t->fields[i].otherwise = NULL;   /* may not outlive the call */
		if (v && *v != '@')
			buf_adds(&t->values[i], v);
		else if (fields[i].type == FIELD_BOOL)
			buf_adds(&t->values[i], "false");
		else if (fields[i].type == FIELD_CHOICE) {
			struct str rest = str_of(fields[i].choices);
			buf_addstr(&t->values[i], str_split(&rest, '|'));
		}
	}
}

/* What the source says of the fields. When it cannot say, the action's own serve, and one reads why. */
static void take_fields(void *arg, const struct msg *m)
{
	struct form_page *t = arg;
	struct msg_answer a;
	if (m->id != t->asking || !msg_get_answer(m, &a))
		return;
	t->asking = 0;
	t->changed = true;
	struct field *given = a.ok ? form_fields_read(a.json, &t->note) : NULL;
	if (given) {
		drop_fields(t);
		set_fields(t, given);
		t->given = given;
	} else {
		t->note = a.ok ? NULL : xasprintf("its parameters are not known: " STR_FMT, STR_ARG(a.json));
	}
}

void form_page_ask(struct page *page, struct app *app, uint16_t source, const char *kind, struct str key, const char *action,
                   const json_t *begin)
{
	struct form_page *t = of(page);
	struct source *s = app_source(app, source);
	json_t *o = json_pack("{s:s, s:O*}", "action", action, "begin", begin);
	char *params = json_dumps(o, JSON_COMPACT);
	if (s) {
		t->asking = source_ask(s, request_new(REQ_ASK, kind, key, "form", params));
		store_expect(app_store(app), t->asking, take_fields, t);
	}
	free(params);
	json_decref(o);
}

static void form_free(struct page *p, struct app *app)
{
	struct form_page *t = of(p);
	if (t->asking)
		store_forget(app_store(app), t->asking);
	if (!t->finished)
		t->done(t->arg, app, NULL);
	drop_fields(t);
	free(t->note);
	free(t->title);
	free(t->enter);
	free(t->error);
	free(t);
}

static const struct page_ops form_ops = {
	.name = "form", .scopes = form_scopes, .prepare = form_prepare, .draw = form_draw, .command = form_command,
	.typed = form_typed, .title = form_title, .free = form_free,
};

struct page *form_page_new(struct app *app, const char *title, const char *enter, const struct field *fields,
                           void (*done)(void *arg, struct app *app, const char *params_json), void *arg)
{
	struct form_page *t = xcalloc(1, sizeof(*t));
	(void)app;
	t->page.ops = &form_ops;
	t->title = xstrdup(title);
	t->enter = xasprintf("Enter %s. Esc leaves.", enter);
	t->done = done;
	t->arg = arg;
	t->fresh = t->changed = true;
	set_fields(t, fields);
	return &t->page;
}
