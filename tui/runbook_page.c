/* runbook_page: a change across systems on one page, from its plan to its end: both versions side by side, the gates, the steps with
 * their checks and what takes each back; once confirmed how it goes, what is verified, and when it cannot be told what
 * happened, the question. Leaving the page leaves a plan that was only shown; what runs goes on, and `:runbooks` leads back. */
#include "tui/runbook_page.h"
#include "base/mem.h"
#include "tui/scopes.h"
#include <stdlib.h>

static struct runbook_page *of(const struct page *p)
{
	return (struct runbook_page *)(uintptr_t)p;
}

/* ---- what is shown */

static bool runs(const struct runbook *r)
{
	return r->state != RUNBOOK_SHOWN && r->state != RUNBOOK_ASKING && !runbook_over(r);
}

static void scroll(struct runbook_page *t, int h, int current)
{
	int body = h - t->foot - 1, most = (int)t->rows > body ? (int)t->rows - body : 0;
	if (!t->moved && runs(t->r) && current >= 0)
		t->top = current > body / 2 ? (unsigned)(current - body / 2) : 0;
	if ((int)t->top > most)
		t->top = (unsigned)most;
}

static bool page_prepare(struct page *p, struct app *app, int w, int h, int64_t now)
{
	struct runbook_page *t = of(p);
	uint64_t gates = t->r->gates ? t->r->gates->version : 0;
	int64_t second = runs(t->r) || t->r->state == RUNBOOK_DONE ? now / 1000 : 0;
	int current;
	if (!t->changed && t->seen == t->r->version_of_screen && t->seen_gates == gates && t->second == second && t->w == w && t->h == h)
		return false;
	t->w = w;
	t->h = h;
	t->seen = t->r->version_of_screen;
	t->seen_gates = gates;
	t->second = second;
	t->changed = false;
	runbook_write(t, app, now);
	runbook_measure(t, w, h, app_ascii(app), &current);
	scroll(t, h, current);
	return true;
}

static void page_draw(const struct page *p, const struct app *app, struct frame *f, struct rect area, int64_t now)
{
	(void)app, (void)now;
	runbook_draw(of(p), f, area);
}

/* ---- commands */
static const struct command commands[] = {
	{ "confirm", NULL, "do it, as it is shown; where gates do not pass, say why all the same", "do it" },
	{ "override", "[REASON]", "go on although gates do not pass; the reason is audited", NULL },
	{ "cancel", NULL, "leave everything as it is; of a running one: stop after this step and ask", "stop" },
	{ "go-on", NULL, "asked: go on from here", "go on" },
	{ "go-back", NULL, "asked: take back what was done, last step first", "go back" },
	{ "hold", NULL, "asked: leave it as it is; else: hold, or go back, when the verification fails", "hold" },
	{ "undo-this", NULL, "take the whole back", "take back" },
	{ "exactly", NULL, "show all that changes and the requests word by word, or not", "exactly" },
	{ "erase", NULL, "erase a character of what was typed", NULL },
	{ "down", "[N]", "go down", NULL },
	{ "up", "[N]", "go up", NULL },
	{ "page-down", NULL, "go down a page", NULL },
	{ "page-up", NULL, "go up a page", NULL },
	{ .name = NULL }
};
const struct command_scope runbook_scope = { "runbook", "a promotion or rollback", commands };
static const struct command_scope *const scopes[] = { &runbook_scope, NULL };

static void confirm(struct runbook_page *t, const char *override)
{
	if (runbook_confirm(t->r, t->typed.data ? t->typed.data : "", override)) {
		t->moved = false;
		t->top = 0;
	}
	t->changed = true;
}

static void overridden(void *arg, struct app *app, const char *text)
{
	struct runbook_page *t = arg;
	struct str s = str_trim(str_of(text ? text : ""));
	if (app_top(app) == &t->page && s.n) {
		char *reason = str_dup(s);
		confirm(t, reason);
		free(reason);
	}
}

static void confirm_or_ask(struct runbook_page *t, struct app *app, struct str reason)
{
	struct runbook *r = t->r;
	const char *typed = t->typed.data ? t->typed.data : "";
	if (r->state == RUNBOOK_PLANNING)
		app_say(app, false, "the plan is not there yet");
	else if (r->state == RUNBOOK_ASKING)
		app_say(app, false, "g goes on, b goes back, h holds");
	else if (r->state != RUNBOOK_SHOWN)
		return;
	else if (r->approval && !runbook_approved(r)) {
		if (runbook_answer(r, typed) && t->typed.data) {
			buf_clear(&t->typed);
			t->typed.data[0] = '\0';
		}
		t->changed = true;
	} else if (!runbook_is_barred(r) || (r->must_type && strcmp(typed, r->must_type)))
		confirm(t, NULL);                /* or it says what is missing */
	else if (reason.n) {
		char *text = str_dup(reason);
		overridden(t, app, text);
		free(text);
	} else
		app_prompt(app, "why: ", "", NULL, overridden, t);
}

static void choose(struct runbook_page *t, struct app *app, enum runbook_choice c);

/* An answer to what a recovered one takes: its name, a reason, or (pasted) the answer of a second person. */
static void taken_up(void *arg, struct app *app, const char *text)
{
	struct runbook_page *t = arg;
	struct str s = str_trim(str_of(text ? text : ""));
	if (app_top(app) != &t->page || !text)
		return;
	enum act_want want = runbook_wants(t->r, t->choice, &(struct runbook_given){ t->name, t->reason });
	char *copy = str_dup(s);
	if (want == ACT_WANTS_APPROVAL && s.n)
		runbook_answer(t->r, copy);
	else if (want == ACT_WANTS_NAME)
		t->name = (free(t->name), xstrdup(copy));
	else if (want == ACT_WANTS_REASON || want == ACT_WANTS_OVERRIDE)
		t->reason = (free(t->reason), xstrdup(copy));
	free(copy);
	if (s.n && runbook_wants(t->r, t->choice, &(struct runbook_given){ t->name, t->reason }) != want)
		choose(t, app, t->choice);
	else
		app_say(app, true, "%s", want == ACT_WANTS_NAME && s.n ? "that is not its name; nothing was done" : "nothing was done");
}

static void choose(struct runbook_page *t, struct app *app, enum runbook_choice c)
{
	const struct runbook_given given = { t->name, t->reason };
	enum act_want want = runbook_wants(t->r, c, &given);
	char *label = NULL;
	t->choice = c;
	t->changed = true;
	if (want == ACT_WANTS_NAME)
		label = xasprintf("type '%s' to go %s: ", t->r->model, c == RUNBOOK_GO_ON ? "on" : "back");
	else if (want == ACT_WANTS_OVERRIDE || want == ACT_WANTS_REASON)
		label = xstrdup(want == ACT_WANTS_REASON ? "a reason is wanted: " : "why all the same: ");
	else if (want == ACT_WANTS_APPROVAL && t->r->approval)
		label = xstrdup("their answer (or Esc, and g once they approved): ");
	if (label)
		app_prompt(app, label, "", NULL, taken_up, t);
	else if (!runbook_choose(t->r, c, &given))
		app_say(app, true, "%s", t->r->error && *t->r->error ? t->r->error : "nothing is asked now");
	free(label);
	t->moved = false;
}

static void hold(struct runbook_page *t, struct app *app)
{
	if (t->r->state == RUNBOOK_ASKING)
		choose(t, app, RUNBOOK_HOLD);
	else if (!runbook_over(t->r))
		t->r->hold = !t->r->hold;
}

static void erase(struct runbook_page *t)
{
	while (t->typed.len && ((unsigned char)t->typed.data[--t->typed.len] & 0xc0) == 0x80)
		;
	if (t->typed.data)
		t->typed.data[t->typed.len] = 0;
}

static void move(struct runbook_page *t, const char *n, struct str args)
{
	int64_t by = 1, top = t->top;
	if (args.n && !str_to_i64(args, &by))
		by = 1;
	top += !strcmp(n, "down") ? by : !strcmp(n, "up") ? -by : !strcmp(n, "page-down") ? t->h - t->foot - 3 : t->foot + 3 - t->h;
	t->top = top < 0 ? 0 : (unsigned)top;
	t->moved = true;
}

static bool page_command(struct page *p, struct app *app, const struct command *c, struct str args)
{
	struct runbook_page *t = of(p);
	const char *n = c->name;
	t->changed = true;
	if (!strcmp(n, "confirm") || !strcmp(n, "override")) {
		confirm_or_ask(t, app, args);
	} else if (!strcmp(n, "cancel")) {
		bool before = t->r->state <= RUNBOOK_SHOWN;
		runbook_cancel(t->r);
		if (before)
			app_pop(app);
	} else if (!strcmp(n, "go-on")) {
		choose(t, app, RUNBOOK_GO_ON);
	} else if (!strcmp(n, "go-back")) {
		choose(t, app, RUNBOOK_GO_BACK);
	} else if (!strcmp(n, "hold")) {
		hold(t, app);
	} else if (!strcmp(n, "undo-this")) {
		if (runbook_can_undo(t->r))
			choose(t, app, RUNBOOK_GO_BACK);
		else
			app_say(app, false, "nothing to take back");
	} else if (!strcmp(n, "exactly")) {
		t->exactly = !t->exactly;
	} else if (!strcmp(n, "erase")) {
		erase(t);
	} else {
		move(t, n, args);
	}
	app_redraw(app);
	return true;
}

static bool page_typed(struct page *p, struct app *app, struct str s)
{
	struct runbook_page *t = of(p);
	(void)app;
	bool asks = t->r->must_type || (t->r->approval && !runbook_approved(t->r));
	if (t->r->state != RUNBOOK_SHOWN || !asks || (!t->r->decision.allowed && !t->r->decision.overridable))
		return false;
	if (t->typed.len + s.n < 2048)
		buf_addstr(&t->typed, s);
	t->changed = true;
	return true;
}

static bool page_offers(const struct page *p, const struct app *app, const struct command *c)
{
	const struct runbook *r = of(p)->r;
	(void)app;
	if (!strcmp(c->name, "confirm"))
		return r->state == RUNBOOK_SHOWN && (r->decision.allowed || r->decision.overridable);
	if (!strcmp(c->name, "cancel"))
		return r->state <= RUNBOOK_VERIFYING;
	if (!strcmp(c->name, "go-on") || !strcmp(c->name, "go-back"))
		return r->state == RUNBOOK_ASKING;
	if (!strcmp(c->name, "hold"))
		return r->state == RUNBOOK_ASKING || (r->nchecks && r->state >= RUNBOOK_SHOWN && r->state <= RUNBOOK_VERIFYING);
	if (!strcmp(c->name, "exactly"))
		return r->state <= RUNBOOK_SHOWN;
	return strcmp(c->name, "undo-this") || runbook_can_undo(r);
}

static void page_title(const struct page *p, const struct app *app, struct buf *out)
{
	const struct runbook *r = of(p)->r;
	const struct source *s = r->nsteps ? r->steps[0].source : NULL;
	(void)app;
	buf_addf(out, "%s %s to version %s%s%s", !strcmp(r->verb, "rollback") ? "roll back" : r->verb, r->model, *r->version ? r->version : "?",
	         *r->previous ? " from " : "", r->previous);
	if (s && *s->environment)
		buf_addf(out, "  %s", s->environment);
	buf_addf(out, "  %s", runbook_state_name(r->state));
}

static void page_copy(const struct page *p, const struct app *app, struct buf *out)
{
	const struct runbook_page *t = of(p);
	(void)app;
	for (int k = 0; k < RB_PARTS; k++)
		for (unsigned i = 0; i < t->parts[k].n; i++) {
			const struct rb_line *l = &t->parts[k].list[i];
			buf_addf(out, "%*s%s%s%s", l->indent, "", l->mark, *l->mark ? " " : "", l->text);
			for (int c = 0; c < 3 && l->cells[0]; c++)
				buf_addf(out, "\t%s", l->cells[c]);
			buf_addc(out, '\n');
		}
}

static void page_shown(struct page *p, struct app *app, bool on)
{
	(void)p;
	(on ? app_watch : app_unwatch)(app, "modelendpoints", "");
}

static void page_free(struct page *p, struct app *app)
{
	struct runbook_page *t = of(p);
	(void)app;
	if (t->r->state <= RUNBOOK_SHOWN)
		runbook_cancel(t->r);            /* a running one goes on */
	runbook_clear(t);
	buf_release(&t->typed);
	free(t->name);
	free(t->reason);
	free(t);
}

static const struct page_ops ops = {
	.name = "runbook", .scopes = scopes, .prepare = page_prepare, .draw = page_draw, .command = page_command, .typed = page_typed,
	.offers = page_offers, .title = page_title, .copy = page_copy, .shown = page_shown, .free = page_free,
};

struct page *runbook_page_new(struct app *app, struct runbook *r)
{
	struct runbook_page *t = xcalloc(1, sizeof(*t));
	(void)app;
	t->page.ops = &ops;
	t->r = r;
	t->changed = true;
	return &t->page;
}
