/* runbook_draw: what a runbook's page says. Where there is room both versions and their gates stand on the left, steps and checks
 * on the right; else one below the other, and what counts now first. What is asked stays in sight at the bottom. Colour only for
 * what is wrong, doubtful or on its way. */
#define _GNU_SOURCE
#include "base/fmt.h"
#include "base/json_text.h"
#include "base/mem.h"
#include "base/serving.h"
#include "tui/runbook_page.h"
#include "tui/wrap.h"
#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <time.h>

enum { TWO_COLUMNS = 112, CELL = 12, CHANGE = 15, MARK = 4, SUB = 6, LOG_SHOWN = 8, CHANGES_SHOWN = 3 };

/* ---- lines */

static struct rb_line *add(struct rb_lines *l, const char *mark, enum role role, int indent, const char *fmt, ...)
	__attribute__((format(printf, 5, 6)));
static struct rb_line *add(struct rb_lines *l, const char *mark, enum role role, int indent, const char *fmt, ...)
{
	va_list ap;
	struct buf b = { 0 };
	va_start(ap, fmt);
	buf_vaddf(&b, fmt, ap);
	va_end(ap);
	if (l->n == l->cap) {
		l->cap = l->cap ? l->cap * 2 : 32;
		l->list = xreallocarray(l->list, l->cap, sizeof(*l->list));
	}
	l->list[l->n] = (struct rb_line){ .mark = xstrdup(mark), .text = buf_detach(&b), .role = role, .indent = (uint8_t)indent };
	return &l->list[l->n++];
}

static void gap(struct rb_lines *l)
{
	if (l->n)
		add(l, "", ROLE_TEXT, 0, "%s", "");
}

void runbook_clear(struct runbook_page *t)
{
	for (int p = 0; p < RB_PARTS; p++) {
		struct rb_lines *l = &t->parts[p];
		for (unsigned i = 0; i < l->n; i++) {
			free(l->list[i].mark);
			free(l->list[i].text);
			for (int c = 0; c < 3; c++)
				free(l->list[i].cells[c]);
		}
		free(l->list);
		*l = (struct rb_lines){ 0 };
	}
}

static const char *bad(bool ascii)
{
	return ascii ? "!" : "▲";
}

static const char *doubt(bool ascii)
{
	return ascii ? "?" : "△";
}

bool runbook_is_barred(const struct runbook *r)
{
	const struct decision *d = &r->decision;
	return (r->gates && gates_failed(r->gates) > 0 && !d->gates_firm) || (!d->allowed && d->overridable) ||
	       (d->reason && !str_trim(str_of(r->reason)).n);
}

/* ---- left: both versions, gates */

static void add_cells(struct rb_lines *l, enum role role, const char *what, const char *champion, const char *challenger, const char *change)
{
	struct rb_line *x = add(l, "", role, 0, "%s", what);
	x->cells[0] = xstrdup(champion);
	x->cells[1] = xstrdup(challenger);
	x->cells[2] = xstrdup(change);
}

static void add_change(const json_t *row, struct buf *out)
{
	const json_t *change = json_object_get(row, "change"), *better = json_object_get(row, "better");
	if (!json_is_number(change))
		return;
	if (json_number_value(change) == 0)
		buf_adds(out, "the same");
	else
		buf_addf(out, "%.1f %% %s", fabs(json_number_value(change)) * 100, json_is_true(better) ? "better" : json_is_false(better) ?
		         "worse" : json_number_value(change) > 0 ? "more" : "less");
}

static void write_versions(struct runbook_page *t, bool ascii)
{
	struct rb_lines *l = &t->parts[RB_LEFT];
	const json_t *c = t->r->gates ? gates_comparison(t->r->gates) : NULL;
	const char *group = "";
	size_t i;
	json_t *row, *note;
	if (!c)
		return;
	gap(l);
	bool already = t->r->nsteps && t->r->steps[0].act && act_already(t->r->steps[0].act);
	char *champion = *t->r->previous ? xasprintf("version %s", t->r->previous) : xstrdup(already ? "" : "nothing");
	char *challenger = xasprintf("version %s", t->r->version);
	add_cells(l, ROLE_HEADING, "", champion, challenger, "");
	json_array_foreach(json_object_get(c, "rows"), i, row) {
		struct buf change = { 0 };
		const char *now = json_text(row, "group");
		if (*group && !strcmp(now, "parameters") && strcmp(group, now))
			add(l, "", ROLE_DIM, 0, "parameters that differ");
		group = now;
		add_change(row, &change);
		add_cells(l, json_is_false(json_object_get(row, "better")) ? ROLE_DOUBT : ROLE_TEXT, json_text(row, "what"),
		          json_text(row, "champion"), json_text(row, "challenger"), change.data ? change.data : "");
		buf_release(&change);
	}
	json_array_foreach(json_object_get(c, "notes"), i, note)
		add(l, "", ROLE_TEXT, 0, "%s", json_string_value(note));
	json_array_foreach(json_object_get(c, "warnings"), i, note)
		add(l, doubt(ascii), ROLE_DOUBT, 0, "%s", json_string_value(note));
	free(champion);
	free(challenger);
}

/* "rmse better by 1%" is said again by its figures: "rmse 598,100 against ...". */
static bool says_itself(const struct gate *g)
{
	size_t n = strcspn(g->title, " ");
	return strlen(g->figures) > n && strncmp(g->title, g->figures, n) == 0;
}

static void write_gate(struct rb_lines *l, const struct gate *g, bool ascii)
{
	static const struct { const char *mark; enum role role; } how[] = { [GATE_PENDING] = { "..", ROLE_BUSY }, [GATE_PASS] = { "ok", ROLE_TEXT },
		[GATE_FAIL] = { NULL, ROLE_BAD }, [GATE_UNKNOWN] = { NULL, ROLE_DOUBT } };
	const char *mark = g->result == GATE_FAIL ? bad(ascii) : g->result == GATE_UNKNOWN ? doubt(ascii) : how[g->result].mark;
	const char *tells = g->result == GATE_UNKNOWN ? "cannot tell: " : "";
	if (says_itself(g))
		add(l, mark, how[g->result].role, 0, "%s%s", tells, g->figures);
	else
		add(l, mark, how[g->result].role, 0, "%s%s%s%s", g->title, *g->figures ? ": " : "", tells, g->figures);
}

static void write_gates(struct runbook_page *t, bool ascii, bool brief)
{
	struct rb_lines *l = &t->parts[RB_LEFT];
	const struct gates *g = t->r->gates;
	unsigned pass = 0;
	if (!g)
		return;
	for (unsigned i = 0; i < g->n; i++)
		pass += g->list[i].result == GATE_PASS;
	gap(l);
	if (g->n)
		add(l, "", ROLE_HEADING, 0, "gates: %u of %u pass", pass, g->n);
	else
		add(l, "", ROLE_DIM, 0, "no gates are configured for this model (promotions: in binnacle.yaml)");
	for (unsigned i = 0; i < g->n; i++)
		if (!brief || g->list[i].result != GATE_PASS)
			write_gate(l, &g->list[i], ascii);
}

/* ---- right: steps */

static const json_t *plan_of(const struct runbook_step *s)
{
	return s->act && s->act->ntargets ? s->act->targets[0].plan : NULL;
}

static void write_exactly(struct rb_lines *l, const json_t *plan)
{
	size_t i;
	json_t *s;
	json_array_foreach(json_object_get(plan, "steps"), i, s) {
		const json_t *body = json_object_get(s, "body");
		char *text = json_is_string(body) ? xstrdup(json_string_value(body)) : body ? json_dumps(body, JSON_COMPACT) : NULL;
		add(l, "", ROLE_TEXT, SUB, "%s", json_text(s, "do"));
		if (text && *text)
			add(l, "", ROLE_VALUE, SUB + 2, "%s", text);
		if (*json_text(s, "check"))
			add(l, "", ROLE_DIM, SUB + 2, "check: %s", json_text(s, "check"));
		free(text);
	}
}

/* What it would do, before it runs. */
static void write_plan(struct runbook_page *t, const struct runbook_step *s, bool ascii)
{
	struct rb_lines *l = &t->parts[RB_RIGHT];
	const json_t *plan = plan_of(s), *changes = json_object_get(plan, "change");
	size_t i, most = t->exactly || !t->r->gates ? 1000 : CHANGES_SHOWN;
	json_t *v;
	json_array_foreach(changes, i, v)
		if (i < most)
			add(l, "", ROLE_TEXT, SUB, "%s", json_string_value(v) ? json_string_value(v) : "");
	if (json_array_size(changes) > most)
		add(l, "", ROLE_DIM, SUB, "and %zu more; Tab shows all, and the requests", json_array_size(changes) - most);
	if (*json_text(plan, "blocked"))
		add(l, bad(ascii), ROLE_BAD, 0, "cannot be run: %s", json_text(plan, "blocked"));
	if (*json_text(plan, "already"))
		add(l, "", ROLE_DIM, SUB, "%s: nothing to do", json_text(plan, "already"));
	json_array_foreach(json_object_get(plan, "warnings"), i, v)
		add(l, doubt(ascii), ROLE_DOUBT, 0, "%s", json_string_value(v) ? json_string_value(v) : "");
	if (t->exactly)
		write_exactly(l, plan);
}

static void write_undo(struct rb_lines *l, const struct runbook_step *s)
{
	const json_t *plan = plan_of(s), *undo = json_object_get(plan, "undo");
	struct buf b = { 0 };
	const char *name;
	json_t *v;
	if (!s->undo_action && !json_is_object(undo)) {
		if (plan && !*json_text(plan, "already"))
			add(l, "", ROLE_DIM, SUB, "undo: %s", *json_text(plan, "not_undone") ? json_text(plan, "not_undone") : "there is none");
		return;
	}
	json_t *params = s->undo_action ? json_loads(s->undo_params ? s->undo_params : "{}", 0, NULL) : json_incref(json_object_get(undo, "params"));
	json_object_foreach(params, name, v)
		if (json_is_string(v))
			buf_addf(&b, " %s=%.60s", name, json_string_value(v));
		else if (json_is_integer(v))
			buf_addf(&b, " %s=%lld", name, (long long)json_integer_value(v));
	if (*json_text(undo, "say"))
		buf_addf(&b, ", %s", json_text(undo, "say"));
	const char *key = s->undo_key ? s->undo_key : json_text(undo, "key");
	add(l, "", ROLE_DIM, SUB, "undo: %s%s%s%s%s", s->undo_action ? s->undo_action : json_text(undo, "action"), *key ? " " : "", key, b.data ? b.data : "",
	    s->undo_last || json_is_true(json_object_get(undo, "last")) ? ", after the steps before it" : "");
	if (*json_text(plan, "not_undone"))
		add(l, "", ROLE_DIM, SUB, "stays: %s", json_text(plan, "not_undone"));
	buf_release(&b);
	json_decref(params);
}

/* How long the check of the current step can still take. */
static void write_left(struct rb_lines *l, const struct runbook_step *s, int64_t now)
{
	struct buf b = { 0 };
	int64_t left = (s->until ? s->within_ms : s->pause_ms) - (now - s->at);
	fmt_age(left > 0 ? left : 0, &b);
	if (s->until)
		add(l, "", ROLE_DIM, SUB, "until %s: fails in %s", s->until, b.data);
	else
		add(l, "", ROLE_DIM, SUB, "the next step in %s", b.data);
	buf_release(&b);
}

static void write_check(struct rb_lines *l, const struct runbook_step *s)
{
	struct buf check = { 0 };
	if (s->until && *s->until) {
		buf_addf(&check, "until %s", s->until);
		if (s->within_ms > 0) {
			buf_adds(&check, ", within ");
			fmt_age(s->within_ms, &check);
		}
	}
	if (s->pause_ms > 0) {
		buf_adds(&check, check.len ? "; then waits " : "then waits ");
		fmt_age(s->pause_ms, &check);
	}
	if (check.len)
		add(l, "", ROLE_DIM, SUB, "check: %s", check.data);
	buf_release(&check);
}

static void write_step(struct runbook_page *t, unsigned i, bool ascii, int64_t now)
{
	static const struct { const char *mark; enum role role; } how[] = {
		[RSTEP_WAITING] = { " ", ROLE_TEXT }, [RSTEP_PLANNING] = { "..", ROLE_BUSY }, [RSTEP_RUNNING] = { "..", ROLE_BUSY },
		[RSTEP_CHECKING] = { "..", ROLE_BUSY }, [RSTEP_DONE] = { "ok", ROLE_TEXT }, [RSTEP_ALREADY] = { "ok", ROLE_TEXT },
		[RSTEP_FAILED] = { NULL, ROLE_BAD }, [RSTEP_UNKNOWN] = { NULL, ROLE_DOUBT }, [RSTEP_UNDOING] = { "..", ROLE_BUSY },
		[RSTEP_UNDONE] = { "<-", ROLE_TEXT }, [RSTEP_STAYS] = { "=", ROLE_DOUBT },
	};
	struct rb_lines *l = &t->parts[RB_RIGHT];
	const struct runbook_step *s = &t->r->steps[i];
	bool before = t->r->state <= RUNBOOK_SHOWN;
	const char *mark = s->state == RSTEP_FAILED ? bad(ascii) : s->state == RSTEP_UNKNOWN ? doubt(ascii) : how[s->state].mark;
	struct rb_line *x = add(l, mark, how[s->state].role, 0, "%u %s%s%s", i + 1, s->title, s->source ? "  on " : "",
	                        s->source ? s->source->name : "");
	x->current = i == t->r->current && t->r->state >= RUNBOOK_RUNNING && !runbook_over(t->r);
	if (!before && s->state != RSTEP_WAITING && s->state != RSTEP_DONE)
		add(l, "", s->state == RSTEP_FAILED || s->state == RSTEP_UNKNOWN ? how[s->state].role : ROLE_DIM, SUB, "%s%s%s",
		    runbook_step_name(s->state), s->say && *s->say ? ": " : "", s->say ? s->say : "");
	else if (s->say && *s->say)
		add(l, "", ROLE_DIM, SUB, "%s", s->say);
	if (before)
		write_plan(t, s, ascii);
	if (s->state == RSTEP_CHECKING && t->r->state == RUNBOOK_RUNNING)
		write_left(l, s, now);
	else if (before || s->state == RSTEP_WAITING) {
		write_check(l, s);
		write_undo(l, s);
	}
}

static void write_checks(struct runbook_page *t, bool ascii, int64_t now)
{
	struct rb_lines *l = &t->parts[RB_RIGHT];
	const struct runbook *r = t->r;
	if (!r->nchecks)
		return;
	gap(l);
	if (r->state == RUNBOOK_VERIFYING && r->verify_until > now)
		add(l, "", ROLE_HEADING, 0, "verify: %llds to go", (long long)(r->verify_until - now + 999) / 1000);
	else
		add(l, "", ROLE_HEADING, 0, "%s", !r->verify_until ? "then verify" : r->state == RUNBOOK_DONE ? "verified" : "verification ended");
	for (unsigned i = 0; i < r->nchecks; i++) {
		const struct runbook_check *c = &r->checks[i];
		bool begun = r->verify_until != 0, fails = c->result == GATE_FAIL;
		const char *mark = !begun ? " " : fails ? bad(ascii) : c->result == GATE_UNKNOWN ? doubt(ascii) : c->result == GATE_PASS ? "ok" : "..";
		enum role role = !begun ? ROLE_TEXT : fails ? ROLE_BAD : c->result == GATE_UNKNOWN ? ROLE_DOUBT : ROLE_TEXT;
		struct rb_line *x = c->failed ? add(l, mark, role, 0, "%s: %s (%u in a row)", c->title, c->say ? c->say : "", c->failed)
		                              : add(l, mark, role, 0, "%s%s%s", c->title, c->say && *c->say ? ": " : "", c->say ? c->say : "");
		x->current = r->state == RUNBOOK_VERIFYING && i == 0;
	}
}

static void write_log(struct runbook_page *t, bool ascii)
{
	struct rb_lines *l = &t->parts[RB_RIGHT];
	const struct runbook *r = t->r;
	if (r->nlog)
		gap(l);
	for (unsigned i = r->nlog > LOG_SHOWN ? r->nlog - LOG_SHOWN : 0; i < r->nlog; i++) {
		char at[16];
		time_t when = (time_t)(r->log[i].at / 1000);
		struct tm tm;
		localtime_r(&when, &tm);
		strftime(at, sizeof(at), "%H:%M:%S", &tm);
		bool failed = r->log[i].state == STEP_FAILED;
		add(l, failed ? bad(ascii) : "", failed ? ROLE_BAD : ROLE_DIM, 0, "%s  %s", at, r->log[i].say ? r->log[i].say : "");
	}
}

/* ---- the foot: what is to be done now */

static void write_shown(struct runbook_page *t, bool ascii)
{
	struct rb_lines *l = &t->parts[RB_FOOT];
	const struct runbook *r = t->r;
	unsigned failed = r->gates ? gates_failed(r->gates) : 0;
	bool barred = runbook_is_barred(r), firm = failed && r->decision.gates_firm, never = !r->decision.allowed && !r->decision.overridable;
	if (!r->decision.allowed)
		add(l, bad(ascii), ROLE_BAD, 0, "not allowed: %s", r->decision.why);
	if (failed)
		add(l, bad(ascii), ROLE_BAD, 0, "%u of %u gates %s not pass%s", failed, r->gates->n, failed == 1 ? "does" : "do",
		    firm ? ", and that cannot be overridden here" : "");
	if (never || firm)
		return;
	if (barred)
		add(l, "", ROLE_TEXT, 0, failed || !r->decision.allowed ? "Enter asks why it shall be done all the same; the answer is audited."
		    : "Enter asks for the reason, which is audited.");
	if (r->approval && r->approval->by)
		add(l, "", ROLE_TEXT, 0, "approved by %s", r->approval->by);
	if (r->approval && !runbook_approved(r)) {
		add(l, "", ROLE_TEXT, 0, "a second person has to approve this, on their own login, with");
		add(l, "", ROLE_VALUE, 2, "binnacle approve %s", r->approval->lies ? r->approval->code : r->approval->word);
		if (r->approval->error)
			add(l, "", ROLE_DOUBT, 0, "%s", r->approval->error);
		add(l, "", ROLE_PROMPT, 0, "waiting for them; or paste their answer and Enter: %s", t->typed.data ? t->typed.data : "");
	} else if (r->must_type)
		add(l, "", ROLE_PROMPT, 0, "type '%s' and Enter to go on: %s", r->must_type, t->typed.data ? t->typed.data : "");
	else if (!barred)
		add(l, "", ROLE_PROMPT, 0, "Enter or y does it%s. Esc leaves everything as it is.", r->nsteps > 1 ? ", step by step" : "");
	if (r->nchecks)
		add(l, "", ROLE_DIM, 0, r->hold ? "When the verification fails it holds and asks (%s: go back by itself)."
		    : "When the verification fails it goes back by itself (%s: hold instead).", r->must_type ? "C-t" : "h");
}

/* Where nothing is verified: what the endpoints of this model say that they serve. */
static void write_served(struct runbook_page *t, const struct store *store, bool ascii)
{
	const struct table *rows = store_table_const(store, "modelendpoints");
	for (uint32_t i = 0; rows && i < rows->nslots; i++) {
		const struct row *row = table_row(rows, i);
		struct str version = row ? row_text(rows, row, ENDPOINT_VERSION) : STR("");
		if (!row || !version.n || !str_is(row_text(rows, row, ENDPOINT_MODEL), t->r->model))
			continue;
		bool same = str_is(version, t->r->version);
		add(&t->parts[RB_FOOT], same ? "ok" : doubt(ascii), same ? ROLE_TEXT : ROLE_DOUBT, 0, STR_FMT " serves version " STR_FMT "%s",
		    STR_ARG(row_text(rows, row, ENDPOINT_NAME)), STR_ARG(version), same ? "" : ", until it loads another");
	}
}

/* Something stays that was to be taken back. */
static bool stays(const struct runbook *r)
{
	bool any = false;
	for (unsigned i = 0; i < r->nsteps; i++)
		any |= runbook_step_stays(&r->steps[i]);
	return any;
}

static void write_ended(struct runbook_page *t, bool ascii)
{
	struct rb_lines *l = &t->parts[RB_FOOT];
	const struct runbook *r = t->r;
	switch (r->state) {
	case RUNBOOK_DONE:
		add(l, "ok", ROLE_OK, 0, "done: version %s of %s is in production%s", r->version, r->model, r->nchecks ? ", and verified" : "");
		break;
	case RUNBOOK_UNDONE:
		if (r->error && *r->error)
			add(l, bad(ascii), ROLE_BAD, 0, "%s", r->error);
		add(l, "ok", ROLE_TEXT, 0, stays(r) ? "taken back to version %s, but for what stays, as said" : "taken back: it is as it was before, version %s",
		    *r->previous ? r->previous : "none");
		break;
	case RUNBOOK_HELD:
		add(l, doubt(ascii), ROLE_DOUBT, 0, "held as it is%s%s", r->error && *r->error ? ": " : "", r->error ? r->error : "");
		break;
	case RUNBOOK_CANCELLED:
		add(l, "", ROLE_TEXT, 0, "left; nothing was changed");
		break;
	default:
		add(l, bad(ascii), ROLE_BAD, 0, "%s", r->error && *r->error ? r->error : "failed");
		break;
	}
	if (runbook_can_undo(r))
		add(l, "", ROLE_TEXT, 0, "u takes the whole back, last step first");
}

/* What the guards want of whoever takes up one that was left in the middle. */
static void write_taken_up(struct rb_lines *l, const struct runbook *r, bool ascii)
{
	if (!r->recovered)
		return;
	if (!r->decision.allowed)
		add(l, bad(ascii), ROLE_BAD, 0, "%s%s", r->decision.why, r->decision.overridable ? "; a written reason overrides it" : "");
	if (r->approval && !runbook_approved(r))
		add(l, "", ROLE_VALUE, 0, "a second person has to approve going on: binnacle approve %s", r->approval->lies ? r->approval->code : r->approval->word);
	else if (r->approval && r->approval->by)
		add(l, "", ROLE_TEXT, 0, "approved by %s", r->approval->by);
}

static void write_foot(struct runbook_page *t, bool ascii)
{
	struct rb_lines *l = &t->parts[RB_FOOT];
	const struct runbook *r = t->r;
	switch (r->state) {
	case RUNBOOK_PLANNING:
		add(l, "..", ROLE_BUSY, 0, "asking what each step would do%s", r->gates && r->gates->n ? ", and looking at the gates" : "");
		break;
	case RUNBOOK_SHOWN:
		write_shown(t, ascii);
		break;
	case RUNBOOK_RUNNING:
		add(l, "..", ROLE_BUSY, 0, "step %u of %u; n stops after it and asks. The journal is on disk: leave at any time.", r->current + 1,
		    r->nsteps);
		break;
	case RUNBOOK_VERIFYING:
		add(l, "..", ROLE_BUSY, 0, "verifying; %s; n stops and asks", r->hold ? "a failure holds (h: go back by itself)" :
		    "a failure goes back by itself (h: hold instead)");
		break;
	case RUNBOOK_ASKING:
		add(l, bad(ascii), ROLE_BAD, 0, "%s%s", r->recovered ? "from a program that ended in the middle: " : "", r->ask ? r->ask : "how shall it go on?");
		write_taken_up(l, r, ascii);
		add(l, "", ROLE_PROMPT, 0, "g goes on   b goes back to how it was   h holds it as it is");
		break;
	case RUNBOOK_UNDOING:
		add(l, "..", ROLE_BUSY, 0, "going back%s%s", r->error && *r->error ? ": " : "", r->error ? r->error : "");
		break;
	default:
		write_ended(t, ascii);
	}
	if (r->error && *r->error && (r->state == RUNBOOK_SHOWN || r->state == RUNBOOK_ASKING))
		add(l, "", ROLE_PROMPT_ERROR, 0, "%s", r->error);
}

void runbook_write(struct runbook_page *t, const struct app *app, int64_t now)
{
	const struct runbook *r = t->r;
	bool ascii = app_ascii(app);
	runbook_clear(t);
	bool failed = r->gates && gates_failed(r->gates), versions = t->w >= TWO_COLUMNS || r->state <= RUNBOOK_SHOWN;
	if (versions && !failed)
		write_versions(t, ascii);
	write_gates(t, ascii, t->w < TWO_COLUMNS && r->state > RUNBOOK_SHOWN);
	if (versions && failed)              /* what does not pass comes first */
		write_versions(t, ascii);
	if (r->nsteps)
		add(&t->parts[RB_RIGHT], "", ROLE_HEADING, 0, "steps%s%s", *r->reason ? ", because: " : "", r->reason);
	for (unsigned i = 0; i < r->nsteps; i++)
		write_step(t, i, ascii, now);
	write_checks(t, ascii, now);
	write_log(t, ascii);
	write_foot(t, ascii);
	if (r->state == RUNBOOK_DONE && !r->nchecks)
		write_served(t, app_store(app), ascii);
}

/* ---- on the screen */

static int shown_cells(struct frame *f, struct rect area, int y, const struct rb_line *l)
{
	int what = area.w - 2 - 2 * (CELL + 1) - 2 - CHANGE;
	what = what > 26 ? 26 : what < 10 ? 10 : what;
	if (!f || y < 0 || y >= area.h)
		return 1;
	int x = 2 + what + 1;
	frame_fit(f, area, 2, y, what, str_of(l->text), l->role == ROLE_DOUBT ? ROLE_TEXT : l->role);
	for (int c = 0; c < 2; c++, x += CELL + 1) {
		struct str s = str_of(*l->cells[c] || l->role == ROLE_HEADING ? l->cells[c] : "-");
		frame_right(f, area, x, y, CELL, s, l->role == ROLE_DOUBT ? ROLE_TEXT : l->role);
	}
	frame_fit(f, area, x + 1, y, area.w - x - 1, str_of(l->cells[2]), l->role);
	return 1;
}

/* Rows of the part; drawn from row y on when f is given. *current: the row (from y) to keep in sight. */
static int put(const struct rb_lines *part, struct frame *f, struct rect area, int y, bool ascii, int *current, int *end)
{
	int rows = 0;
	for (unsigned i = 0; i < part->n; i++) {
		const struct rb_line *l = &part->list[i];
		int x = l->indent ? 2 + l->indent : *l->mark ? 2 + MARK : 2;
		if (l->current && current)
			*current = y + rows;
		if (l->cells[0]) {
			rows += shown_cells(f, area, y + rows, l);
			continue;
		}
		if (f && *l->mark && y + rows >= 0 && y + rows < area.h)
			frame_text(f, area, 2, y + rows, MARK, str_of(l->mark), l->role);
		rows += (int)wrap_text(f, area, x, y + rows, str_of(l->text), ascii, l->role, end);
	}
	return rows;
}

/* The parts one below the other: while it runs the steps come first. */
static int put_below(const struct runbook_page *t, struct frame *f, struct rect area, int y, bool ascii, int *current)
{
	bool steps_first = t->r->state > RUNBOOK_SHOWN;
	const struct rb_lines *first = &t->parts[steps_first ? RB_RIGHT : RB_LEFT], *then = &t->parts[steps_first ? RB_LEFT : RB_RIGHT];
	int rows = put(first, f, area, y, ascii, current, NULL);
	if (rows && then->n && !(then->n && !*then->list[0].text && !then->list[0].cells[0]))
		rows++;
	return rows + put(then, f, area, y + rows, ascii, current, NULL);
}

static int put_body(const struct runbook_page *t, struct frame *f, struct rect area, int y, bool ascii, int *current)
{
	if (area.w < TWO_COLUMNS || !t->parts[RB_LEFT].n || !t->parts[RB_RIGHT].n)
		return put_below(t, f, area, y, ascii, current);
	int half = area.w / 2;
	int left = put(&t->parts[RB_LEFT], f, rect_part(area, 0, 0, half - 1, area.h), y, ascii, NULL, NULL);
	int right = put(&t->parts[RB_RIGHT], f, rect_part(area, half, 0, area.w - half, area.h), y, ascii, current, NULL);
	return left > right ? left : right;
}

void runbook_measure(struct runbook_page *t, int w, int h, bool ascii, int *current)
{
	struct rect all = { 0, 0, w, h };
	*current = -1;
	t->rows = (unsigned)put_body(t, NULL, all, 0, ascii, current);
	t->foot = put(&t->parts[RB_FOOT], NULL, all, 0, ascii, NULL, NULL);
	if (t->foot > h / 2)
		t->foot = h / 2;
}

void runbook_draw(const struct runbook_page *t, struct frame *f, struct rect area)
{
	int body = area.h - t->foot - 1, end = 0;
	struct rect in = rect_part(area, 0, 0, area.w, body), foot = rect_part(area, 0, area.h - t->foot, area.w, t->foot);
	put_body(t, f, in, -(int)t->top, f->ascii, NULL);
	if ((int)t->rows - (int)t->top > body)
		frame_textf(f, area, 2, body, area.w - 2, ROLE_DIM, "%d more lines below", (int)t->rows - (int)t->top - body);
	put(&t->parts[RB_FOOT], f, foot, 0, f->ascii, NULL, &end);
	for (unsigned i = 0; i < t->parts[RB_FOOT].n && t->r->must_type; i++)
		if (t->parts[RB_FOOT].list[i].role == ROLE_PROMPT && t->r->state == RUNBOOK_SHOWN) {
			struct rb_lines before = t->parts[RB_FOOT];
			before.n = i + 1;
			f->cur_y = foot.y + put(&before, NULL, foot, 0, f->ascii, NULL, &end) - 1;
			f->cur_x = foot.x + end;
		}
}
