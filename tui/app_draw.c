/* app_draw: what is around the page: the header with the health of every source, the tabs, the title line, and the last
 * line, which is hints, a message, or the prompt. On low screens tabs and title give way to the page. */
#define _GNU_SOURCE                  /* localtime_r */
#include "base/alerts.h"
#include "base/cost.h"
#include "base/fmt.h"
#include "base/mem.h"
#include "base/table.h"
#include "tui/app_in.h"
#include "tui/table_page.h"
#include "tui/wrap.h"
#include <stdio.h>
#include <time.h>

struct lines { int header, tabs, title, last; };      /* row of each, -1 = not shown */

static struct lines lines_of(const struct app *app)
{
	int h = app->frame.h, y = 0;
	struct lines l = { -1, -1, -1, -1 };

	if (h >= 4)
		l.header = y++;
	if (h >= 8)
		l.tabs = y++;
	if (h >= 6)
		l.title = y++;
	if (h >= 2)
		l.last = h - 1;
	return l;
}

void app_layout(const struct app *app, struct rect *page)
{
	struct lines l = lines_of(app);
	int y = (l.header >= 0) + (l.tabs >= 0) + (l.title >= 0);

	*page = (struct rect){ 0, y, app->frame.w, app->frame.h - y - (l.last >= 0) - app_tour_height(app) };
}

static enum role badge_role(const char *environment)
{
	struct str e = str_of(environment);

	if (str_starts(e, STR("prod")) || str_is(e, "production") || str_is(e, "live"))
		return ROLE_BADGE_PROD;
	return str_starts(e, STR("stag")) ? ROLE_BADGE_STAGING : ROLE_BADGE_DEV;
}

static void show_age(int64_t ms, char out[16])
{
	int64_t s = ms < 0 ? 0 : ms / 1000;

	if (s < 100)
		snprintf(out, 16, " %ds", (int)s);
	else if (s < 6000)
		snprintf(out, 16, " %dm", (int)(s / 60));
	else
		snprintf(out, 16, " %dh", (int)(s / 3600 < 99999 ? s / 3600 : 99999));
}

static void health_mark(const struct source_state *s, int64_t now, struct str *dot, enum role *role, char age[16])
{
	age[0] = 0;
	switch (s->state) {
	case HEALTH_LIVE:
		*dot = STR("●"), *role = ROLE_OK;
		break;
	case HEALTH_IDLE:
		*dot = STR("○"), *role = ROLE_DIM;
		break;
	case HEALTH_CONNECTING:
		*dot = STR("○"), *role = ROLE_BUSY;
		break;
	case HEALTH_STALE:
		*dot = STR("○"), *role = ROLE_DOUBT;
		show_age(now - s->since, age);
		break;
	case HEALTH_LIMITED:
		*dot = STR("△"), *role = ROLE_DOUBT;
		break;
	default:
		*dot = STR("▲"), *role = ROLE_BAD;
		if (s->state == HEALTH_DOWN)
			show_age(now - s->since, age);
	}
}

/* The sources from x on; where there is no room the healthy ones are only counted. Returns the cells taken. */
static int draw_sources(const struct app *app, struct frame *f, struct rect line, int x, int end, int64_t now)
{
	const struct store *st = app->o.store;
	int start = x, need = 0, well = 0;
	bool all;

	for (unsigned i = 0; i < st->nsources; i++)
		need += text_width(str_of(st->sources[i].name), f->ascii) + 8;
	all = need <= end - x;
	for (unsigned i = 0; i < st->nsources && x < end; i++) {
		const struct source_state *s = &st->sources[i];
		enum role role;
		struct str dot;
		char age[16];

		if (!all && !s->insecure && (s->state == HEALTH_LIVE || s->state == HEALTH_IDLE)) {
			well++;
			continue;
		}
		health_mark(s, now, &dot, &role, age);
		x += frame_fit(f, line, x, 0, end - x, str_of(s->name), s->state == HEALTH_LIVE ? ROLE_HEADER : role);
		x += frame_text(f, line, x, 0, end - x, STR(" "), ROLE_HEADER);
		x += frame_text(f, line, x, 0, end - x, dot, role);
		x += frame_text(f, line, x, 0, end - x, str_of(age), role);
		if (s->insecure) {
			x += frame_text(f, line, x, 0, end - x, STR(" "), ROLE_HEADER);
			x += frame_text(f, line, x, 0, end - x, STR(" TLS not verified "), ROLE_BADGE_DANGER);
		}
		x += 2;
	}
	if (well && x < end)
		x += frame_textf(f, line, x, 0, end - x, ROLE_HEADER, "%d sources %s", well, f->ascii ? "*" : "●") + 2;
	return x - start;
}

/* The total of the first source that counts what is spent; NULL: none does. */
static const struct row *total_spend(const struct app *app, const struct table **t)
{
	*t = store_table_const(app->o.store, "spend");
	for (uint32_t i = 0; *t && i < (*t)->nslots; i++) {
		const struct row *r = table_row(*t, i);

		if (r && (app->context < 0 || r->source == app->context) && str_is(row_key(r), "total"))
			return r;
	}
	return NULL;
}

/* What is left of the budget, for how long: "6.10 of 10.00 left 4h10m", shorter without the whole. Nothing of a session that is
 * over. */
static void say_left(const struct row *r, bool whole, int64_t now, struct buf *out)
{
	double left = row_real(r, SPEND_LEFT), budget = row_real(r, SPEND_BUDGET);
	int64_t until = row_null(r, SPEND_RUNS_OUT) ? row_int(r, SPEND_ENDS) : row_int(r, SPEND_RUNS_OUT);

	if (row_null(r, SPEND_LEFT) || (row_int(r, SPEND_ENDS) && row_int(r, SPEND_ENDS) < now))
		return;
	if (left < 0)
		buf_addf(out, "%.2f over", -left);
	else
		buf_addf(out, "%.2f", left);
	if (whole)
		buf_addf(out, left < 0 ? " %.2f" : " of %.2f", budget);
	if (left < 0)
		return;
	buf_adds(out, " left ");
	if (until > now)
		span_text(out, until - now);
}

/* "$0.93/h   6.10 of 10.00 left 4h10m", right of x and left of end; what there is no room for is left out. Returns where it
 * begins. */
static int draw_spend(const struct app *app, struct frame *f, struct rect line, int x, int end, int64_t now)
{
	const struct table *t;
	const struct row *r = total_spend(app, &t);

	if (!r || row_null(r, SPEND_RATE))
		return end;
	for (int form = 0; form < 3; form++) {
		struct buf rate = { 0 }, left = { 0 };
		int w;

		buf_addf(&rate, "%s$%.2f/h", row_int(r, SPEND_UNPRICED) > 0 || !row_null(r, SPEND_NOTE) ? ">" : "", row_real(r, SPEND_RATE));
		if (form < 2)
			say_left(r, form == 0, now, &left);
		w = (int)rate.len + (left.len ? 3 + (int)left.len : 0);
		if (w + 2 <= end - x) {
			frame_text(f, line, end - (int)left.len, 0, -1, buf_str(&left),
			           r->level == LEVEL_BAD ? ROLE_BAD : r->level == LEVEL_DOUBT ? ROLE_DOUBT : ROLE_HEADER);
			frame_text(f, line, end - w, 0, -1, buf_str(&rate), ROLE_HEADER);
			end -= w + 2;
			form = 3;
		}
		buf_release(&rate);
		buf_release(&left);
	}
	return end;
}

/* "2 firing", left of end, where any alert does. Returns where it begins. */
static int draw_firing(const struct app *app, struct frame *f, struct rect line, int x, int end)
{
	enum level worst;
	unsigned n = alerts_firing(app->o.store, app->context, &worst);
	char text[24];
	int w = snprintf(text, sizeof(text), "%u firing", n);

	if (!n || w + 2 > end - x)
		return end;
	frame_text(f, line, end - w, 0, -1, str_of(text), worst >= LEVEL_BAD ? ROLE_BAD : ROLE_DOUBT);
	return end - w - 2;
}

/* "▲ :runbooks asks", or how far the one is that runs; nothing where none does. Returns the cells taken. */
static int draw_runbook(const struct app *app, struct frame *f, struct rect line, int x, int end)
{
	const struct runbook *r = app_runbook_now(app);

	if (!r || end - x < 20)
		return 0;
	if (r->state == RUNBOOK_ASKING)
		return frame_textf(f, line, x, 0, end - x, ROLE_BAD, "%s %s asks: :runbooks", f->ascii ? "!" : "▲", r->verb) + 2;
	return frame_textf(f, line, x, 0, end - x, ROLE_BUSY, "%s %s", r->verb, runbook_state_name(r->state)) + 2;
}

/* That what is seen cannot be shared with the team just now; nothing while it can. */
static int draw_history(const struct app *app, struct frame *f, struct rect line, int x, int end, int64_t now)
{
	struct history_shared h;
	char age[16];

	history_shared(app->o.history, &h);
	if (!h.on || !h.since || h.well)
		return 0;
	show_age(now - h.since, age);
	return frame_textf(f, line, x, 0, end - x, ROLE_DOUBT, "team's history %s%s", f->ascii ? "o" : "○", age) + 2;
}

static void draw_header(const struct app *app, struct frame *f, struct rect line, int64_t now)
{
	time_t t = (time_t)(now / 1000);
	int x = 0, end = line.w;
	char clock[24] = "";
	struct tm tm;

	if (localtime_r(&t, &tm))
		strftime(clock, sizeof(clock), "%H:%M:%S", &tm);
	if (line.w >= 30) {
		end -= 9;
		frame_text(f, line, end, 0, -1, str_of(clock), ROLE_HEADER);
		end -= 2;
	}
	if (app->o.environment && app->o.environment[0]) {
		struct buf b = { 0 };

		for (const char *c = app->o.environment; *c; c++)
			buf_addc(&b, (char)(*c >= 'a' && *c <= 'z' ? *c - 32 : *c));
		x += frame_text(f, line, x, 0, end, STR(" "), badge_role(app->o.environment));
		x += frame_text(f, line, x, 0, end - x, buf_str(&b), badge_role(app->o.environment));
		x += frame_text(f, line, x, 0, end - x, STR(" "), badge_role(app->o.environment));
		buf_release(&b);
	}
	x++;
	if (app->o.readonly)
		x += frame_text(f, line, x, 0, end - x, STR(" read-only "), ROLE_BADGE_DEV) + 1;
	x++;
	x += draw_runbook(app, f, line, x, end);
	end = draw_firing(app, f, line, x + 16, end);
	end = draw_spend(app, f, line, x + (line.w >= 100 ? line.w / 3 : 24), end, now);
	x += draw_history(app, f, line, x, end, now);
	x += draw_sources(app, f, line, x, end, now);
}

/* How tabs are written, from the widest to the narrowest screen. */
static const struct tab_form { bool name, brief; int blank, gap; } tab_forms[] = {
	{ true, false, 1, 2 }, { true, false, 1, 1 }, { true, true, 1, 1 }, { true, true, 0, 1 }, { false, true, 1, 1 },
};

/* The digit that shows the i-th tab; nothing: there is none for it. */
static struct str tab_digit(unsigned i)
{
	return i < 10 ? (struct str){ &"1234567890"[i], 1 } : STR("");
}

/* The words of a tab; where names are left out, the one that is shown keeps its own. */
static struct str tab_words(const struct app *app, const struct tab_form *form, unsigned i)
{
	const struct pane *p = app->o.panes[i];

	if (!form->name && i != app->pane)
		return STR("");
	return str_of(form->brief && form->name && p->brief ? p->brief : p->name);
}

/* Draws the tabs in that form (f NULL: only reckons); the pane at `at`, or -1, and where they end. */
static int put_tabs_so(const struct app *app, const struct tab_form *form, struct frame *f, struct rect line, int at, int *end)
{
	int x = 1, hit = -1;

	for (unsigned i = 0; i < app->npanes; i++) {
		bool on = i == app->pane, aside = app->o.panes[i]->aside;
		struct str digit = aside ? STR("") : tab_digit(i), words = tab_words(app, form, i);
		int from = x;

		if ((aside && !on) || (!digit.n && !words.n))
			continue;
		if (f)
			frame_text(f, line, x, 0, -1, digit, on && !form->blank ? ROLE_TAB_ON : ROLE_TAB);
		x += (int)digit.n + (digit.n && words.n ? form->blank : 0);
		if (f)
			frame_text(f, line, x, 0, -1, words, on ? ROLE_TAB_ON : ROLE_TAB);
		x += (int)words.n;
		if (at >= from && at < x)
			hit = (int)i;
		x += form->gap;
	}
	*end = x - form->gap;
	return hit;
}

/* The tabs in the widest form that there is room for. */
static int put_tabs(const struct app *app, struct frame *f, struct rect line, int at)
{
	unsigned form = 0;
	int end;

	for (;; form++) {
		put_tabs_so(app, &tab_forms[form], NULL, line, -1, &end);
		if (end <= line.w || form + 1 == ARRAY_SIZE(tab_forms))
			break;
	}
	return put_tabs_so(app, &tab_forms[form], f, line, at, &end);
}

int app_tab_at(const struct app *app, int x, int y)
{
	struct lines l = lines_of(app);

	return l.tabs >= 0 && y == l.tabs ? put_tabs(app, NULL, (struct rect){ 0, 0, app->frame.w, 1 }, x) : -1;
}

static void draw_title(const struct app *app, struct frame *f, struct rect line)
{
	const struct page *p = app_top(app);
	struct buf b = { 0 };

	if (!p || !p->ops->title)
		return;
	p->ops->title(p, app, &b);
	frame_fit_words(f, line, 1, 0, line.w - 2, buf_str(&b), ROLE_TITLE);
	buf_release(&b);
}

/* One hint, when there is room for the whole of it; dim: it would be refused. Returns the cells taken with the gap after it. */
static int hint(struct frame *f, struct rect line, int x, struct str key, const char *what, bool dim)
{
	int w = text_width(key, f->ascii) + 1 + text_width(str_of(what), f->ascii);

	if (x + w > line.w)
		return 0;
	x += frame_text(f, line, x, 0, -1, key, dim ? ROLE_DIM : ROLE_HINT_KEY);
	frame_text(f, line, x + 1, 0, -1, str_of(what), dim ? ROLE_DIM : ROLE_HINT);
	return w + 2;
}

/* The first key that runs a command, in any of the scopes; NULL: none does. */
static const struct binding *key_of(const struct app *app, const struct command_scope *const *scopes, unsigned n,
                                    const char *line)
{
	const struct binding *key = NULL;

	for (unsigned k = 0; k < n && !key; k++) {
		key = keymap_key_of(app->o.keymap, scopes[k]->name, line);
		if (key && !app_reaches(app, app_top(app), key))
			key = NULL;
	}
	return key;
}

const struct page *app_list(const struct app *app)
{
	const struct page *p = app_top(app);

	if (p && !page_is_table(p))
		p = p->ops->list ? p->ops->list(p) : NULL;
	return p && page_is_table(p) ? p : NULL;
}

/* Whether some source offers the action on what is listed. */
static bool is_offered(const struct app *app, const char *action)
{
	const struct page *p = app_list(app);

	if (!p)
		return false;
	for (unsigned i = 0; i < app->o.nsources; i++)
		if (action_find(app->o.sources[i]->backend, action, table_page_kind(p)))
			return true;
	return false;
}

/* The row under the cursor of a list, and its source; NULL: there is none. */
static const struct row *row_in_hand(const struct app *app, struct source **s)
{
	const struct page *p = app_list(app);
	const struct row *r = p ? table_page_row(p, NULL) : NULL;

	*s = r ? app_source(app, r->source) : NULL;
	return *s ? r : NULL;
}

void app_want_permits(struct app *app)
{
	struct source *s;
	const struct row *r = row_in_hand(app, &s);

	if (r && !app->o.replay)
		permits_want(app->permits, s, table_page_kind(app_list(app)), row_key(r));
}

const char *app_refuses(const struct app *app, const char *action)
{
	struct source *s;
	const struct row *r = row_in_hand(app, &s);

	if (!r)
		return NULL;
	if (s->readonly)
		return "read-only";
	return permits_refused(app->permits, s, table_page_kind(app_list(app)), row_key(r), action);
}

/* Hints of one scope's commands: those of every list (last), or the others. Returns the cells taken. */
static int hint_scope(const struct app *app, struct frame *f, struct rect line, int x, const struct command_scope *scope, bool last)
{
	const struct command_scope *scopes[SCOPES_MAX];
	const struct page *p = app_top(app);
	unsigned n = app_scopes(app, scopes);
	struct buf b = { 0 };
	int start = x;

	for (const struct command *c = scope->commands; c && c->name; c++) {
		const struct binding *key = c->hint && c->last == last ? key_of(app, scopes, n, c->name) : NULL;

		if (!key || (p && p->ops->offers && scope != &app_scope && !p->ops->offers(p, app, c)))
			continue;
		buf_clear(&b);
		binding_show(key, &b);
		x += hint(f, line, x, buf_str(&b), c->hint, false);
	}
	buf_release(&b);
	return x - start;
}

/* Of models and their versions, and of a finding behind which there is one: what one came for stands first, in short words where
 * there is little room. */
static bool lists_models(const struct app *app)
{
	const struct page *p = app_top(app);
	const char *kind = p && page_is_table(p) ? table_page_kind(p) : "";

	return (!strcmp(kind, "models") || !strcmp(kind, "versions")) && is_offered(app, "rollback");
}

static int hint_runbooks(const struct app *app, struct frame *f, struct rect line, int x)
{
	static const struct { const char *line, *hint, *narrow; } all[] = { { "promote", "promote", "promote" }, { "rollback", "roll back", "back" } };
	const struct command_scope *scopes[SCOPES_MAX];
	unsigned n = app_scopes(app, scopes);
	struct buf b = { 0 };
	int start = x;
	const struct page *p = app_top(app);
	bool models = lists_models(app), finding = p && page_is_table(p) && !strcmp(table_page_kind(p), "triage") && app_rolls_back(app);

	for (size_t i = models ? 0 : 1; (models || finding) && i < ARRAY_SIZE(all); i++) {
		const struct binding *key = key_of(app, scopes, n, all[i].line);

		if (!key)
			continue;
		buf_clear(&b);
		binding_show(key, &b);
		x += hint(f, line, x, buf_str(&b), f->w < 100 ? all[i].narrow : all[i].hint, app_refuses(app, "rollback") != NULL);
	}
	buf_release(&b);
	return x - start;
}

/* Actions that have a key and are offered on what is listed, in the order of the keymap. Returns the cells taken. */
static int hint_actions(const struct app *app, struct frame *f, struct rect line, int x)
{
	const struct command_scope *scopes[SCOPES_MAX];
	unsigned n = app_scopes(app, scopes);
	struct buf b = { 0 };
	int start = x;

	for (unsigned k = 0; k < app->o.keymap->n; k++) {
		const struct binding *key = &app->o.keymap->bindings[k];
		bool runbook = !strcmp(key->line, "promote") || !strcmp(key->line, "rollback");
		const char *action = key->line + (runbook ? 0 : 7);

		if ((!runbook && !str_starts(str_of(key->line), STR("action "))) || (runbook && lists_models(app)) || key_of(app, scopes, n, key->line) != key ||
		    !is_offered(app, action))
			continue;
		buf_clear(&b);
		binding_show(key, &b);
		x += hint(f, line, x, buf_str(&b), action, app_refuses(app, action) != NULL);
	}
	buf_release(&b);
	return x - start;
}

/* From the page outward: what its commands say, then actions, then what one finds in every list. The app's own come at the
 * right end, whose room is kept for them. */
static void draw_hints(const struct app *app, struct frame *f, struct rect line)
{
	const struct command_scope *scopes[SCOPES_MAX];
	unsigned n = app_scopes(app, scopes);
	struct rect left = line, nowhere = { 0, 0, line.w, 0 };
	int x = 1;

	left.w = line.w - hint_scope(app, f, nowhere, 1, &app_scope, false);
	left.w = left.w > 0 ? left.w : 0;
	x += hint_runbooks(app, f, left, x);
	for (unsigned s = 0; s + 1 < n; s++)
		x += hint_scope(app, f, left, x, scopes[s], false);
	x += hint_actions(app, f, left, x);
	for (unsigned s = 0; s + 1 < n; s++)
		x += hint_scope(app, f, left, x, scopes[s], true);
	hint_scope(app, f, line, x, &app_scope, false);
}

static void draw_pending(const struct app *app, struct frame *f, struct rect line)
{
	struct buf b = { 0 };

	for (unsigned i = 0; i < app->npending; i++) {
		key_show(app->pending[i], &b);
		buf_addc(&b, ' ');
	}
	frame_fill(f, rect_part(line, line.w - (int)b.len - 2, 0, (int)b.len + 2, 1), ' ', ROLE_TEXT);
	frame_right(f, line, 0, 0, line.w, buf_str(&b), ROLE_HINT_KEY);
	buf_release(&b);
}

#define SAY_ROWS 4               /* of a sentence that is longer than the last line, at most */

/* What is said, in the last line; a longer sentence grows upward over the page: its end often tells what to do. */
static void draw_say(const struct app *app, struct frame *f, struct rect line)
{
	enum role role = app->say_bad ? ROLE_SAY_BAD : ROLE_SAY;
	int rows = (int)wrap_text(NULL, line, 1, 0, str_of(app->say), f->ascii, role, NULL);
	struct rect area;

	if (rows < 2 || f->h < 12) {
		frame_fit_words(f, line, 1, 0, line.w - 2, str_of(app->say), role);
		return;
	}
	rows = rows < SAY_ROWS ? rows : SAY_ROWS;
	area = (struct rect){ 0, line.y - rows + 1, line.w, rows };
	frame_fill(f, area, ' ', ROLE_TEXT);
	wrap_text(f, area, 1, 0, str_of(app->say), f->ascii, role, NULL);
}

static void draw_last(const struct app *app, struct frame *f, struct rect line)
{
	if (app->prompt.open) {
		struct rect page;

		app_layout(app, &page);
		prompt_draw(&app->prompt, f, line, page);
	} else if (app->say) {
		draw_say(app, f, line);
	} else {
		draw_hints(app, f, line);
	}
	if (app->npending)
		draw_pending(app, f, line);
}

void app_draw_lines(struct app *app, int64_t now)
{
	struct lines l = lines_of(app);
	struct rect line = { 0, l.header, app->frame.w, 1 };

	if (l.header >= 0) {
		frame_fill(&app->frame, line, ' ', ROLE_TEXT);
		draw_header(app, &app->frame, line, now);
	}
	line.y = l.title;
	if (l.title >= 0) {
		frame_fill(&app->frame, line, ' ', ROLE_TEXT);
		draw_title(app, &app->frame, line);
	}
}

void app_draw(struct app *app, int64_t page_now, int64_t now)
{
	struct frame *f = &app->frame;
	const struct page *p = app_top(app);
	struct lines l = lines_of(app);
	struct rect area, line = { 0, 0, f->w, 1 };

	app_layout(app, &area);
	if (p && area.h > 0 && area.w > 0)
		p->ops->draw(p, app, f, area, page_now);
	line.y = l.header;
	if (l.header >= 0)
		draw_header(app, f, line, now);
	line.y = l.tabs;
	if (l.tabs >= 0)
		put_tabs(app, f, line, -1);
	line.y = l.title;
	if (l.title >= 0)
		draw_title(app, f, line);
	line.y = l.last;
	if (app_tour_height(app))
		app_tour_draw(app, f, (struct rect){ 0, area.y + area.h, f->w, app_tour_height(app) });
	if (l.last >= 0)
		draw_last(app, f, line);
	else if (app->prompt.open)
		prompt_draw(&app->prompt, f, (struct rect){ 0, 0, f->w, 1 }, (struct rect){ 0 });
}
