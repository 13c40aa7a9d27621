/* act_page: an action from plan to outcome on one page: what would change, the exact requests, what the server said to the dry
 * run, what to think of first; then, once confirmed, what happens, and how it can be undone. Esc before the
 * confirmation leaves everything as it is. */
#define _GNU_SOURCE
#include "tui/app.h"
#include "tui/wrap.h"
#include "tui/scopes.h"
#include "base/mem.h"
#include "base/approval.h"
#include "base/fmt.h"
#include "base/json_text.h"
#include "base/redact.h"
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

struct act_line { char *label, *text; enum role role; int indent; };
struct act_page {
	struct page page;
	struct act *act;
	struct act_line *lines; unsigned n, cap;
	unsigned foot;           /* of the lines the first that stays in sight at the bottom: what is waited for, or came of it */
	unsigned current;        /* of several the line of the one that runs; 0: none does */
	uint64_t seen;
	struct buf typed;
	unsigned top;            /* first row shown, of the wrapped lines */
	unsigned rows, foot_rows;/* of the lines above the foot and of the foot, at this width */
	int w, h;
	int64_t looked, wall;    /* for an approval: second of the last look, and the time then */
	bool changed, moved;     /* moved: the user scrolled; else a running act shows its end */
};

static struct act_page *of(const struct page *p)
{
	return (struct act_page *)(uintptr_t)p;
}

/* ---- the text */
static void add(struct act_page *t, const char *label, enum role role, int indent, const char *fmt, ...)
	__attribute__((format(printf, 5, 6)));
static void add(struct act_page *t, const char *label, enum role role, int indent, const char *fmt, ...)
{
	va_list ap;
	struct buf b = { 0 };
	va_start(ap, fmt);
	buf_vaddf(&b, fmt, ap);
	va_end(ap);
	if (t->n == t->cap) {
		t->cap = t->cap ? t->cap * 2 : 32;
		t->lines = xreallocarray(t->lines, t->cap, sizeof(*t->lines));
	}
	t->lines[t->n++] = (struct act_line){ xstrdup(label ? label : ""), buf_detach(&b), role, indent };
}

static void clear(struct act_page *t)
{
	for (unsigned i = 0; i < t->n; i++) {
		free(t->lines[i].label);
		free(t->lines[i].text);
	}
	t->n = 0;
}

static const char *risk_word(enum risk r)
{
	static const char *const words[] = { "harmless", "disruptive", "destructive", "cannot be undone" };
	return (unsigned)r < ARRAY_SIZE(words) ? words[r] : "";
}

static void mask_body(char **text)
{
	json_t *body = *text ? json_loads(*text, 0, NULL) : NULL, *said = redact_json(body);
	free(*text);
	*text = json_dumps(said, JSON_COMPACT | JSON_ENCODE_ANY);
	json_decref(said);
	json_decref(body);
}

/* Lines of a difference, blanks at their beginning and all. */
static void add_diff(struct act_page *t, const json_t *plan, const char *name, const char *label)
{
	size_t i;
	json_t *v;
	json_array_foreach(json_object_get(plan, name), i, v)
		add(t, i ? " " : label, ROLE_VALUE, 0, "%s", json_is_string(v) ? json_string_value(v) : "");
}

static void add_steps(struct act_page *t, const json_t *plan)
{
	size_t i;
	json_t *s;
	json_array_foreach(json_object_get(plan, "steps"), i, s) {
		char number[24];
		snprintf(number, sizeof(number), "%zu", i + 1);
		add(t, number, ROLE_TEXT, 2, "%s", json_text(s, "do"));
		json_t *body = json_object_get(s, "body");
		char *dump = json_is_string(body) ? xstrdup(json_string_value(body)) : body ? json_dumps(body, JSON_COMPACT) : NULL;
		if (json_is_true(json_object_get(s, "secret")))        /* sent as it is, shown without its values */
			mask_body(&dump);
		if (dump && *dump)
			add(t, NULL, ROLE_VALUE, 2, "%s", dump);
		free(dump);
		if (*json_text(s, "check"))
			add(t, "check", ROLE_DIM, 4, "%s", json_text(s, "check"));
		if (*json_text(s, "undo"))
			add(t, "undo", ROLE_DIM, 4, "%s", json_text(s, "undo"));
	}
}

static void add_undo(struct act_page *t, const json_t *undo)
{
	const char *key = json_text(undo, "key"), *say = json_text(undo, "say");
	add(t, "undo", ROLE_TEXT, 0, "%s%s%s, with u, once it is done%s%s", json_text(undo, "action"), *key ? " " : "", key, *say ? ": " : "", say);
}

static void add_plan(struct act_page *t, const struct act_target *g, bool many, bool ascii)
{
	const json_t *p = g->plan;
	size_t i;
	json_t *v;
	if (many)
		add(t, NULL, ROLE_TITLE, 0, "%s", *json_text(p, "title") ? json_text(p, "title") : g->key);
	if (g->error && many)               /* of one, the log or the end says it */
		add(t, ascii ? "!" : "▲", ROLE_BAD, 0, "%s", g->error);
	if (!p)
		return;
	json_array_foreach(json_object_get(p, "change"), i, v)
		add(t, i ? " " : "change", ROLE_TEXT, 0, "%s", json_is_string(v) ? json_string_value(v) : "");
	add_diff(t, p, "diff", "lines");
	add_diff(t, p, "meanwhile", "others");
	if (*json_text(p, "blocked") && (many || strcmp(json_text(p, "blocked"), t->act->decision.why)))     /* else the end says it */
		add(t, ascii ? "!" : "▲", ROLE_BAD, 0, "cannot be run: %s", json_text(p, "blocked"));
	if (*json_text(p, "already") && (many || !strstr(t->act->decision.why, json_text(p, "already"))))
		add(t, "so is it", ROLE_TEXT, 0, "%s", json_text(p, "already"));
	json_array_foreach(json_object_get(p, "warnings"), i, v)
		add(t, ascii ? "?" : "△", ROLE_DOUBT, 0, "%s", json_is_string(v) ? json_string_value(v) : "");
	if (json_array_size(json_object_get(p, "steps")))
		add(t, "exactly", ROLE_TEXT, 0, "%s", "");
	add_steps(t, p);
	const char *dry = json_text(p, "dry_run"), *lost = json_text(p, "not_undone");
	if (*dry)
		add(t, "dry run", !strncmp(dry, "accepted", 8) ? ROLE_TEXT : ROLE_DOUBT, 0, "%s",
		    !strcmp(dry, "accepted") ? "the server accepts these requests" : dry);
	if (json_is_object(json_object_get(p, "undo")))
		add_undo(t, json_object_get(p, "undo"));
	else
		add(t, "undo", ROLE_DIM, 0, "%s", *lost ? lost : "there is none");
	if (*lost && json_is_object(json_object_get(p, "undo")))
		add(t, "stays", ROLE_DIM, 0, "%s", lost);
}

/* ---- several at once: a row for each, in the order in which they run */

/* What a row says: while planned what would change, then how it went. */
static const char *row_says(const struct act *a, unsigned i)
{
	const struct act_target *g = &a->targets[i];
	const char *first = json_string_value(json_array_get(json_object_get(g->plan, "change"), 0));
	if (g->said)
		return g->said;
	if (g->error)
		return g->error;
	if (g->state == ACT_RUNNING)
		return a->nlog > a->begun && a->log[a->nlog - 1].say ? a->log[a->nlog - 1].say : "";
	if (g->state == ACT_CANCELLED)
		return a->state == ACT_CANCELLED && !a->nlog ? "" : "not reached";
	if (*json_text(g->plan, "blocked"))
		return json_text(g->plan, "blocked");
	return *json_text(g->plan, "already") ? json_text(g->plan, "already") : first ? first : json_text(g->plan, "title");
}

static void add_row(struct act_page *t, const struct act *a, unsigned i, int width, bool ascii)
{
	const struct act_target *g = &a->targets[i];
	bool bad = g->error || *json_text(g->plan, "blocked"), warns = json_array_size(json_object_get(g->plan, "warnings")) > 0;
	const char *mark = bad ? ascii ? "!" : "▲" : g->state == ACT_RUNNING ? "..." : g->state == ACT_DONE ? "ok" :
	                   g->state == ACT_CANCELLED ? "-" : !g->plan ? "" : warns ? ascii ? "?" : "△" : " ";
	enum role role = bad ? ROLE_BAD : g->state == ACT_RUNNING ? ROLE_BUSY : g->state == ACT_CANCELLED ? ROLE_DIM :
	                 warns && a->state <= ACT_SHOWN ? ROLE_DOUBT : ROLE_TEXT;
	add(t, mark, role, 0, "%*u  %-*s  %s", a->ntargets > 99 ? 3 : 2, i + 1, width, g->key, row_says(a, i));
}

static void add_rows(struct act_page *t, const struct act *a, bool ascii)
{
	struct buf b = { 0 };
	int width = 0;
	for (unsigned i = 0; i < a->ntargets; i++)
		if ((int)strlen(a->targets[i].key) > width)
			width = (int)strlen(a->targets[i].key);
	add(t, NULL, ROLE_TEXT, 0, "%s", "");
	for (unsigned i = 0; i < a->ntargets; i++) {
		if (a->state == ACT_RUNNING && i == a->current)
			t->current = t->n;
		add_row(t, a, i, width < 40 ? width : 40, ascii);
	}
	if (a->state >= ACT_RUNNING && (a->state != ACT_CANCELLED || a->nlog)) {
		act_summary(a, &b);
		add(t, NULL, ROLE_TITLE, 0, "%s", b.data);
		buf_release(&b);
	} else if (a->state == ACT_SHOWN) {
		add(t, "fails", ROLE_TEXT, 0, "%s", a->go_on
		    ? "when one fails or cannot be done, the rest goes on (Tab: stop there)"
		    : "when one fails, those after it are not done (Tab: go on)");
		add(t, "order", ROLE_TEXT, 0, "one after the other, as listed (r turns it round)");
	}
}

static void add_log(struct act_page *t, const struct act *a, bool ascii)
{
	for (unsigned i = a->ntargets > 1 && a->nlog > 6 ? a->nlog - 6 : 0; i < a->nlog; i++) {
		char at[16];
		time_t when = (time_t)(a->log[i].at / 1000);
		struct tm tm;
		enum step_state s = a->log[i].state;
		if (i + 1 < a->nlog && s == STEP_DONE && a->log[i].say && a->log[i + 1].say && !strcmp(a->log[i].say, a->log[i + 1].say))
			continue;            /* a step and the whole ended in the same words */
		localtime_r(&when, &tm);
		strftime(at, sizeof(at), "%H:%M:%S", &tm);
		const char *mark = s == STEP_FAILED ? ascii ? "!" : "▲" : s == STEP_WAITING ? "..." : s == STEP_RUNNING ? "" : "ok";
		add(t, at, s == STEP_FAILED ? ROLE_BAD : s == STEP_RUNNING || s == STEP_WAITING ? ROLE_BUSY : ROLE_TEXT, 0,
		    "%s%s%s", mark, *mark ? " " : "", a->log[i].say ? a->log[i].say : "");
	}
}

/* Who is waited for, and what they have to do. */
static void add_approval(struct act_page *t, const struct approval *p, int64_t left_ms)
{
	struct buf left = { 0 };
	fmt_duration(left_ms > 0 ? left_ms / 1000 * 1000 : 0, &left);
	add(t, "code", ROLE_TITLE, 0, "%s", p->code);
	add(t, NULL, ROLE_TEXT, 0, "a second person has to approve this within %s, on their own login, with", left.data);
	add(t, NULL, ROLE_VALUE, 2, "binnacle approve %s", p->lies ? p->code : p->word);
	if (p->error)
		add(t, NULL, ROLE_DOUBT, 0, "%s", p->error);
	buf_release(&left);
}

/* What the act waits for. */
static void add_question(struct act_page *t, const struct act *a, bool ascii)
{
	const char *typed = t->typed.data ? t->typed.data : "";
	bool one = a->ntargets == 1, blocked = one && !strcmp(json_text(a->targets[0].plan, "blocked"), a->decision.why);
	if (!a->decision.allowed && one && act_already(a) && strstr(a->decision.why, act_already(a)))
		add(t, NULL, ROLE_TEXT, 0, "%s", a->decision.why);
	else if (!a->decision.allowed)
		add(t, ascii ? "!" : "▲", ROLE_BAD, 0, "%s: %s", blocked ? "cannot be run" : "not allowed", a->decision.why);
	if (a->override)
		add(t, ascii ? "?" : "△", ROLE_DOUBT, 0, "overrides guard %s", a->decision.overridden);
	if (a->reason)
		add(t, "reason", ROLE_TEXT, 0, "%s", a->reason);
	if (a->approval && a->approval->by)
		add(t, "approved", ROLE_TEXT, 0, "by %s", a->approval->by);
	switch (act_wants(a)) {
	case ACT_WANTS_OVERRIDE:
		add(t, NULL, ROLE_PROMPT, 0, "to do it all the same, write why (it is recorded) and Enter: %s", typed);
		break;
	case ACT_WANTS_REASON:
		add(t, NULL, ROLE_PROMPT, 0, "write why this is done (it is recorded) and Enter: %s", typed);
		break;
	case ACT_WANTS_APPROVAL:
		add_approval(t, a->approval, a->approval->until - t->wall);
		add(t, NULL, ROLE_PROMPT, 0, "waiting for them; or paste their answer and Enter: %s", typed);
		break;
	case ACT_WANTS_NAME:
		add(t, NULL, ROLE_PROMPT, 0, "type '%s' and Enter to go on: %s", a->must_type, typed);
		break;
	case ACT_WANTS_YES:
		if (a->ntargets > 1)
			add(t, NULL, ROLE_PROMPT, 0, "Enter or y does it to all %u %s. Esc leaves everything as it is.", a->ntargets, a->kind);
		else
			add(t, NULL, ROLE_PROMPT, 0, "Enter or y does it. Esc leaves everything as it is.");
		break;
	case ACT_WANTS_NOTHING:
		add(t, NULL, ROLE_TEXT, 0, "Esc goes back; nothing was changed.");
		break;
	}
}

/* What the log says last, just above, is not said once more. */
static bool said_last(const struct act *a)
{
	return a->nlog && a->log[a->nlog - 1].say && a->error && !strcmp(a->log[a->nlog - 1].say, a->error);
}

static bool wants_text(const struct act *a)
{
	enum act_want want = act_wants(a);
	return want == ACT_WANTS_OVERRIDE || want == ACT_WANTS_REASON || want == ACT_WANTS_APPROVAL || want == ACT_WANTS_NAME;
}

static void add_end(struct act_page *t, const struct act *a, bool ascii)
{
	unsigned known = 0;
	t->foot = t->n;
	switch (a->state) {
	case ACT_PLANNING:
		for (unsigned i = 0; i < a->ntargets; i++)
			known += a->targets[i].plan || a->targets[i].error;
		if (a->ntargets > 1)
			add(t, NULL, ROLE_DIM, 0, "asking %s what this would do: %u of %u", a->source->name, known, a->ntargets);
		else
			add(t, NULL, ROLE_DIM, 0, "asking %s what this would do", a->source->name);
		break;
	case ACT_SHOWN:
		add_question(t, a, ascii);
		if (a->error && (a->decision.allowed || strcmp(a->error, a->decision.why)))
			add(t, NULL, ROLE_PROMPT_ERROR, 0, "%s", a->error);
		break;
	case ACT_RUNNING:
		add(t, NULL, ROLE_BUSY, 0, "running; n stops after this step");
		break;
	case ACT_DONE:
		add(t, NULL, ROLE_OK, 0, "done");
		break;
	case ACT_CANCELLED:
		add(t, NULL, ROLE_TEXT, 0, a->nlog ? "stopped" : "left; nothing was changed");
		break;
	case ACT_FAILED:
		add(t, ascii ? "!" : "▲", ROLE_BAD, 0, "%s", a->error && !said_last(a) ? a->error : "failed");
		break;
	}
	bool undoable = false;
	for (unsigned i = 0; i < a->ntargets; i++)
		undoable |= a->targets[i].undo != NULL;
	if (a->state >= ACT_DONE && undoable)
		add(t, NULL, ROLE_TEXT, 0, "u undoes it");
}

static void write_lines(struct act_page *t, bool ascii)
{
	const struct act *a = t->act;
	clear(t);
	t->current = 0;
	const json_t *first = a->ntargets ? a->targets[0].plan : NULL;
	const char *title = a->ntargets == 1 && *json_text(first, "title") ? json_text(first, "title") : NULL;
	if (title)
		add(t, NULL, ROLE_TITLE, 0, "%s", title);
	else if (a->ntargets == 1)
		add(t, NULL, ROLE_TITLE, 0, "%s %s %s", a->action->title, a->kind, a->targets[0].key);
	else
		add(t, NULL, ROLE_TITLE, 0, "%s %u %s", a->action->title, a->ntargets, a->kind);
	add(t, "where", ROLE_TEXT, 0, "%s%s%s", a->source->name, *a->source->environment ? ", " : "",
	    a->source->environment);
	add(t, "risk", a->action->risk >= RISK_DESTRUCTIVE ? ROLE_DOUBT : ROLE_TEXT, 0, "%s: %s", risk_word(a->action->risk),
	    a->action->help ? a->action->help : "");
	if (a->ntargets > 1 && a->state >= ACT_RUNNING) {        /* the plans were read; what counts now is how it goes */
		add(t, NULL, ROLE_TEXT, 0, "%s", "");
		add_log(t, a, ascii);
		add_rows(t, a, ascii);
		add_end(t, a, ascii);
		return;
	}
	if (a->ntargets > 1)
		add_rows(t, a, ascii);
	for (unsigned i = 0; i < a->ntargets; i++) {
		if (a->targets[i].plan || a->targets[i].error) {
			add(t, NULL, ROLE_TEXT, 0, "%s", "");
			add_plan(t, &a->targets[i], a->ntargets > 1, ascii);
		}
	}
	add(t, NULL, ROLE_TEXT, 0, "%s", "");
	add_log(t, a, ascii);
	add_end(t, a, ascii);
}

/* ---- drawing */
#define LABEL 9

/* Rows that the line takes; drawn when f is given and row y is within. */
static unsigned put_line(const struct act_line *l, struct frame *f, struct rect area, int y, bool ascii, int *end)
{
	struct str s = str_of(l->text);
	int x = 2 + l->indent + (l->indent >= 2 && !*l->label ? 3 : l->indent >= 2 ? (int)strlen(l->label) + 1 : 0);
	if (!l->indent && *l->label)
		x = 2 + LABEL;
	if (f && *l->label && y >= 0)
		frame_text(f, area, 2 + l->indent, y, -1, str_of(l->label),
		           l->role == ROLE_BAD || l->role == ROLE_DOUBT ? l->role : ROLE_DIM);
	return wrap_text(f, area, x, y, s, ascii, l->role, end);
}

/* Rows for what is above the foot: where both do not fit, the foot stays at the bottom, under a line that says so. */
static unsigned body_rows(const struct act_page *t, int h)
{
	unsigned all = h > 0 ? (unsigned)h : 0;
	if (t->rows + t->foot_rows <= all)
		return t->rows;
	return all > t->foot_rows + 1 ? all - t->foot_rows - 1 : 0;
}

/* How many rows there are; and where one has not scrolled, what runs is in sight, or the end of what ran. */
static void measure(struct act_page *t, bool ascii)
{
	const struct rect area = { 0, 0, t->w, t->h };
	unsigned at = 0;
	int end;
	t->rows = t->foot_rows = 0;
	for (unsigned i = 0; i < t->n; i++) {
		if (i == t->current)
			at = t->rows;
		*(i < t->foot ? &t->rows : &t->foot_rows) += put_line(&t->lines[i], NULL, area, 0, ascii, &end);
	}
	unsigned room = body_rows(t, t->h), most = t->rows > room ? t->rows - room : 0;
	if (!t->moved && t->act->state >= ACT_RUNNING && !t->current)
		t->top = most;
	else if (!t->moved && t->current && (at < t->top || at + 1 >= t->top + room))
		t->top = at > room / 2 ? at - room / 2 : 0;
	t->top = t->top > most ? most : t->top;
}

static bool act_prepare(struct page *p, struct app *app, int w, int h, int64_t now)
{
	struct act_page *t = of(p);
	bool waits = t->act->approval && act_wants(t->act) == ACT_WANTS_APPROVAL;
	if (waits && now / 1000 != t->looked) {      /* once a second: the folder, and how long is left */
		t->looked = now / 1000;
		t->wall = clock_wall(app_clock(app));
		act_look(t->act);
		t->changed = true;
	}
	bool changed = t->changed || t->seen != t->act->version || w != t->w || h != t->h;
	(void)now;
	t->w = w;
	t->h = h;
	if (!changed)
		return false;
	t->seen = t->act->version;
	t->changed = false;
	write_lines(t, app_ascii(app));
	measure(t, app_ascii(app));
	return true;
}

static void act_draw(const struct page *p, const struct app *app, struct frame *f, struct rect area, int64_t now)
{
	const struct act_page *t = of(p);
	unsigned room = body_rows(t, area.h);
	bool below = t->rows > t->top + room;
	struct rect body = rect_part(area, 0, 0, area.w, (int)room);
	int y = -(int)t->top, end = 0;
	(void)app, (void)now;
	for (unsigned i = 0; i < t->foot && y < body.h; i++)
		y += (int)put_line(&t->lines[i], f, body, y, f->ascii, &end);
	if (below)
		frame_textf(f, area, 2, body.h, area.w - 2, ROLE_DIM, "%u more lines below", t->rows - t->top - room);
	body = area;
	y = t->rows + t->foot_rows > (unsigned)area.h ? (int)room + 1 : (int)t->rows;
	for (unsigned i = t->foot; i < t->n && y < body.h; i++) {
		int rows = (int)put_line(&t->lines[i], f, body, y, f->ascii, &end);
		if (t->lines[i].role == ROLE_PROMPT && wants_text(t->act) && y + rows - 1 < body.h) {
			f->cur_x = body.x + end;
			f->cur_y = body.y + y + rows - 1;
		}
		y += rows;
	}
}

/* ---- commands */
static const struct command act_commands[] = {
	{ "confirm", NULL, "do it, as the plan says", "do it" },
	{ "cancel", NULL, "leave everything as it is; of a running one: stop after this step", "cancel" },
	{ "undo-this", NULL, "undo what was done here", "undo" },
	{ "go-on", NULL, "of several: when one fails, stop there or go on with the rest", "go on or stop" },
	{ "turn-round", NULL, "of several: do the last one first", NULL },
	{ "erase", NULL, "erase a character of what was typed", NULL },
	{ "down", "[N]", "go down", NULL },
	{ "up", "[N]", "go up", NULL },
	{ "page-down", NULL, "go down a page", NULL },
	{ "page-up", NULL, "go up a page", NULL },
	{ .name = NULL }
};
const struct command_scope act_scope = { "act", "actions", act_commands };
static const struct command_scope *const act_scopes[] = { &act_scope, NULL };

static void undo(struct act_page *t, struct app *app)
{
	const char *why = NULL;
	struct act *back = act_undo(t->act, &why);
	if (back)
		app_push(app, act_page_new(app, back));
	else
		app_say(app, true, "cannot undo: %s", why ? why : "refused");
}

static bool act_typed(struct page *p, struct app *app, struct str s)
{
	struct act_page *t = of(p);
	(void)app;
	if (!wants_text(t->act))
		return false;
	if (t->typed.len + s.n < 2048)
		buf_addstr(&t->typed, s);
	t->changed = true;
	return true;
}

/* One answer at a time; what was typed stays where it is not taken. */
static void confirm(struct act_page *t)
{
	if (act_answer(t->act, t->typed.data ? t->typed.data : "")) {
		buf_clear(&t->typed);
		if (t->typed.data)
			t->typed.data[0] = 0;
		if (t->act->state == ACT_RUNNING)
			t->moved = false;
	}
}

static bool act_command(struct page *p, struct app *app, const struct command *c, struct str args)
{
	struct act_page *t = of(p);
	const char *n = c->name;
	int64_t by = 1, top = t->top;
	if (args.n && !str_to_i64(args, &by))
		by = 1;
	t->changed = true;
	if (!strcmp(n, "confirm")) {
		if (t->act->state == ACT_SHOWN)
			confirm(t);
		else if (t->act->state == ACT_PLANNING)
			app_say(app, false, "the plan is not there yet");
		return true;
	}
	if (!strcmp(n, "cancel")) {
		bool before = t->act->state <= ACT_SHOWN;
		act_cancel(t->act);
		if (before)
			app_pop(app);
		return true;
	}
	if (!strcmp(n, "undo-this")) {
		undo(t, app);
		return true;
	}
	if (!strcmp(n, "go-on")) {
		act_go_on(t->act, !t->act->go_on);
		return true;
	}
	if (!strcmp(n, "turn-round")) {
		act_reverse(t->act);
		return true;
	}
	if (!strcmp(n, "erase")) {
		while (t->typed.len && ((unsigned char)t->typed.data[--t->typed.len] & 0xc0) == 0x80)
			;
		if (t->typed.data)
			t->typed.data[t->typed.len] = 0;
		return true;
	}
	top += !strcmp(n, "down") ? by : !strcmp(n, "up") ? -by : !strcmp(n, "page-down") ? t->h - 2 : 2 - t->h;
	t->top = top < 0 ? 0 : (unsigned)top;
	t->moved = true;
	return true;
}

static bool act_offers(const struct page *p, const struct app *app, const struct command *c)
{
	const struct act *a = of(p)->act;
	if (!strcmp(c->name, "confirm"))
		return act_wants(a) != ACT_WANTS_NOTHING;
	if (!strcmp(c->name, "cancel"))
		return a->state <= ACT_RUNNING;
	if (!strcmp(c->name, "go-on"))
		return a->ntargets > 1 && (a->state == ACT_SHOWN || a->state == ACT_RUNNING);
	return strcmp(c->name, "undo-this") || act_can_undo(a);
}

/* It wants the terminal. */
static bool act_work(struct page *p, struct app *app)
{
	struct act *a = of(p)->act;
	if (a->terminal >= 0) {
		app_lend(app, a->terminal);
		a->terminal = -1;
	}
	return false;
}

static void act_title(const struct page *p, const struct app *app, struct buf *out)
{
	const struct act *a = of(p)->act;
	(void)app;
	buf_addf(out, "%s  %s  ", a->action->title, a->source->environment);
	buf_adds(out, act_state_name(a->state));
	if (a->ntargets > 1 && a->state == ACT_RUNNING)
		buf_addf(out, "  %u of %u", a->current + 1, a->ntargets);
	if (a->ntargets > 1 && (a->state == ACT_SHOWN || a->state == ACT_RUNNING))
		buf_adds(out, a->go_on ? "   goes on when one fails" : "   stops when one fails");
}

static void act_copy(const struct page *p, const struct app *app, struct buf *out)
{
	const struct act_page *t = of(p);
	(void)app;
	for (unsigned i = 0; i < t->n; i++)
		buf_addf(out, "%*s%s%s%s\n", t->lines[i].indent, "", t->lines[i].label, *t->lines[i].label ? " " : "",
		         t->lines[i].text);
}

static void act_free(struct page *p, struct app *app)
{
	struct act_page *t = of(p);
	(void)app;
	if (t->act->state == ACT_PLANNING || t->act->state == ACT_SHOWN)
		act_cancel(t->act);      /* a running one goes on */
	clear(t);
	free(t->lines);
	buf_release(&t->typed);
	free(t);
}

static const struct page_ops act_ops = {
	.name = "act", .scopes = act_scopes, .prepare = act_prepare, .draw = act_draw, .command = act_command,
	.typed = act_typed, .title = act_title, .offers = act_offers, .work = act_work, .copy = act_copy, .free = act_free,
};

struct page *act_page_new(struct app *app, struct act *act)
{
	struct act_page *t = xcalloc(1, sizeof(*t));
	(void)app;
	t->page.ops = &act_ops;
	t->act = act;
	t->changed = true;
	return &t->page;
}
