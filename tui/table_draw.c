/* table_draw: a list as cells: heading, the rows that are visible, and, when there are none, why. Reads only. */
#include "base/kinds.h"
#include "tui/table_page.h"
#include "tui/chart.h"
#include "tui/wrap.h"
#include <stdarg.h>

static const char *level_glyph(enum level l, bool ascii)
{
	if (l == LEVEL_BAD)
		return ascii ? "!" : "▲";
	if (l == LEVEL_DOUBT)
		return ascii ? "?" : "△";
	return " ";
}

static enum role level_role(enum level l)
{
	switch (l) {
	case LEVEL_BAD: return ROLE_BAD;
	case LEVEL_DOUBT: return ROLE_DOUBT;
	case LEVEL_BUSY: return ROLE_BUSY;
	case LEVEL_DONE: return ROLE_DONE;
	default: return ROLE_TEXT;
	}
}

void table_page_cell(const struct table_page *t, const struct app *app, const struct row *r, int col, int64_t now,
                     struct buf *out)
{
	if (col == COL_SOURCE) {
		const struct store *s = app_store(app);
		buf_adds(out, r->source < s->nsources && s->sources[r->source].name ? s->sources[r->source].name : "-");
		return;
	}
	const struct column *c = &t->table->kind->cols[col];
	if (c->type == COL_SERIES && !c->show && !row_null(r, col))
		(c->flags & COL_SPAN ? spark_text_span : spark_text)(row_text(t->table, r, col), c->width ? c->width : 12,
		                                                     app_ascii(app), out);
	else
		row_show(t->table, r, col, now, out);
}

/* Glyph and number cells left of the columns: cursor or mark, and the level where no status column carries it. */
static int gutter(const struct table_page *t)
{
	return table_page_status_col(t->table->kind) >= 0 ? 1 : 3;
}

static uint16_t cell_width(const struct table_page *t, const struct app *app, const struct row *r, int col,
                           int64_t now, struct buf *tmp)
{
	buf_clear(tmp);
	table_page_cell(t, app, r, col, now, tmp);
	int w = text_width(buf_str(tmp), app_ascii(app));
	if (col >= 0 && t->table->kind->cols[col].type == COL_STATUS)
		w += 2;
	return (uint16_t)(w < 4096 ? w : 4096);
}

static void heading_text(const struct table_page *t, int col, bool ascii, struct buf *out)
{
	if (col == COL_SOURCE) {
		buf_adds(out, "SOURCE");
		return;
	}
	const struct column *c = &t->table->kind->cols[col];
	if (c->type == COL_STATUS)
		buf_adds(out, "  ");
	buf_adds(out, c->title ? c->title : c->name);
	if (c->unit)
		buf_addf(out, " %s", c->unit);
	if (t->view->sort_col == col)
		buf_adds(out, t->view->descending ? ascii ? "v" : "↓" : ascii ? "^" : "↑");
}

/* Measured when it came into sight, and not replaced since. */
static bool was_in_sight(const struct table_page *t, uint32_t id)
{
	for (uint32_t i = 0; i < t->nwindow; i++)
		if (t->window[i] == id)
			return true;
	return false;
}

static void measure_row(struct table_page *t, const struct app *app, const struct row *r, bool source, int64_t now, struct buf *tmp)
{
	int ncols = t->table->kind->ncols;
	for (int i = 0; i < ncols + source; i++) {
		int col = i < ncols ? i : COL_SOURCE;
		uint16_t w = cell_width(t, app, r, col, now, tmp);
		if (w > t->natural[i])
			t->natural[i] = w;
		if (col >= 0 && !row_null(r, col))
			t->known |= (uint64_t)1 << col;
	}
}

/* Natural widths grow with what is seen and never shrink while the list stays as it is, so columns do not dance. */
void table_page_measure(struct table_page *t, const struct app *app, int64_t now, bool all)
{
	const struct kind *k = t->table->kind;
	bool ascii = app_ascii(app), source = table_page_sources(t) > 1, found;
	struct buf tmp = { 0 };
	all |= source != t->with_source;
	t->with_source = source;
	found = all;
	for (int i = 0; all && i < k->ncols + source; i++) {
		buf_clear(&tmp);
		heading_text(t, i < k->ncols ? i : COL_SOURCE, ascii, &tmp);
		int w = text_width(buf_str(&tmp), ascii);
		if (t->natural[i] < w)
			t->natural[i] = (uint16_t)w;
	}
	uint32_t end = t->top + (uint32_t)t->rows;
	for (uint32_t at = t->top; at < t->view->n && at < end; at++) {
		const struct row *r = table_row(t->table, t->view->ids[at]);
		if (!r || (!all && was_in_sight(t, r->id)))
			continue;
		measure_row(t, app, r, source, now, &tmp);
		found = true;
	}
	buf_release(&tmp);
	if (!found)
		return;
	struct layout_in in = {
		.kind = k, .room = t->w - gutter(t), .wide = t->wide, .source = source,
		.one_namespace = t->space && *t->space && !strchr(t->space, '*'),
		.hidden = t->hidden, .asked = t->asked, .known = t->known, .left = t->left, .natural = t->natural, .set = t->set,
	};
	t->ncols = table_layout(&in, t->cols, &t->most);
}

static void draw_heading(const struct table_page *t, struct frame *f, struct rect line)
{
	struct buf b = { 0 };
	int g = gutter(t);
	for (int i = 0; i < t->ncols; i++) {
		const struct shown_col *c = &t->cols[i];
		buf_clear(&b);
		heading_text(t, c->col, f->ascii, &b);
		enum role role = c->col == t->view->sort_col && c->col >= 0 ? ROLE_HEADING_SORTED : ROLE_HEADING;
		if (c->col >= 0 && col_is_right(&t->table->kind->cols[c->col]))
			frame_right(f, line, g + c->x, 0, c->w, buf_str(&b), role);
		else
			frame_fit(f, line, g + c->x, 0, c->w, buf_str(&b), role);
	}
	if (t->left && t->ncols)
		frame_text(f, line, 0, 0, 1, STR("<"), ROLE_DIM);
	buf_release(&b);
}

static bool source_old(const struct app *app, uint16_t source)
{
	const struct store *s = app_store(app);
	return source < s->nsources && health_lost(s->sources[source].state);
}

/* "3 (2d20h ago)" where there is no room for all of it: "3 (2d20h)", then "3". */
static void shorten_count(struct buf *b, int width)
{
	static const char ago[] = " ago)";
	char *paren = strchr(b->data, '(');

	if (!paren || (int)b->len <= width)
		return;
	if (b->len > sizeof(ago) && !strcmp(b->data + b->len - (sizeof(ago) - 1), ago)) {
		b->len -= sizeof(ago) - 1;
		buf_addc(b, ')');
	}
	if ((int)b->len > width)
		b->len = (size_t)(paren - b->data);
	while (b->len && b->data[b->len - 1] == ' ')
		b->len--;
}

static void draw_row(const struct table_page *t, const struct app *app, struct frame *f, struct rect line,
                     const struct row *r, bool at_cursor, int64_t now, struct buf *b)
{
	const struct kind *k = t->table->kind;
	enum level level = r->level;
	bool old = !t->own && source_old(app, r->source), marked = view_marked(t->view, r->id);
	int g = gutter(t), status = table_page_status_col(k), name = table_page_name_col(k);
	enum role plain = old || level == LEVEL_DONE ? ROLE_DIM : ROLE_TEXT, loud = old ? ROLE_DIM : level_role(level);
	if (at_cursor || marked) {
		const char *mark = at_cursor ? marked ? f->ascii ? "*" : "◆" : f->ascii ? ">" : "▌" : f->ascii ? "+" : "•";
		frame_text(f, line, 0, 0, 1, str_of(mark), at_cursor ? ROLE_CURSOR : ROLE_MARK);
	}
	if (g > 1)
		frame_text(f, line, 1, 0, 1, str_of(level_glyph(level, f->ascii)), loud);
	for (int i = 0; i < t->ncols; i++) {
		const struct shown_col *c = &t->cols[i];
		if (c->w <= 0)
			continue;
		buf_clear(b);
		table_page_cell(t, app, r, c->col, now, b);
		int x = g + c->x, w = c->w;
		if (c->col == status && c->col >= 0) {
			frame_text(f, line, x, 0, 1, str_of(level_glyph(level, f->ascii)), loud);
			if (w > 2)
				frame_fit(f, line, x + 2, 0, w - 2, buf_str(b), loud);
		} else if (c->col >= 0 && col_is_right(&k->cols[c->col])) {
			if (k->cols[c->col].type == COL_COUNT && b->len)
				shorten_count(b, w);
			frame_right(f, line, x, 0, w, buf_str(b), plain);
		} else if (c->col == name && b->len && !memchr(b->data, ' ', b->len)) {
			frame_fit_middle(f, line, x, 0, w, buf_str(b), plain);
		} else if (c->col == name) {          /* a sentence is read from its start */
			frame_fit_words(f, line, x, 0, w, buf_str(b), plain);
		} else {
			frame_fit(f, line, x, 0, w, buf_str(b), plain);
		}
	}
	if (marked)
		frame_back(f, line, ROLE_MARK);
	if (at_cursor)
		frame_back(f, line, ROLE_CURSOR);
}

/* ---- why it is empty */
static bool fills(const struct source *s, const char *kind)
{
	return s && s->backend && backend_fills(s->backend, kind);
}

/* A sentence from column x on, as many lines as it needs. Returns the row after it. */
static int say(struct frame *f, struct rect area, int x, int y, enum role role, const char *fmt, ...)
	__attribute__((format(printf, 6, 7)));
static int say(struct frame *f, struct rect area, int x, int y, enum role role, const char *fmt, ...)
{
	struct buf b = { 0 };
	va_list ap;
	va_start(ap, fmt);
	buf_vaddf(&b, fmt, ap);
	va_end(ap);
	y += (int)wrap_text(f, area, x, y, buf_str(&b), f->ascii, role, NULL);
	buf_release(&b);
	return y;
}

static int say_source(const struct table_page *t, const struct app *app, struct frame *f, struct rect area, int y,
                      unsigned i)
{
	const struct store *st = app_store(app);
	const struct source_state *s = &st->sources[i];
	const struct kind_state *ks = store_kind_state(st, t->kind_name, (uint16_t)i);
	enum health_state state = ks && ks->state != HEALTH_IDLE && ks->state != HEALTH_LIVE ? ks->state : s->state;
	const char *why = ks && ks->why && *ks->why ? ks->why : s->why ? s->why : "", *dots = f->ascii ? "..." : "…";
	const char *remedy = s->remedy ? s->remedy : "";
	enum role role = state == HEALTH_CONNECTING || state == HEALTH_IDLE ? ROLE_DIM : ROLE_SAY_BAD;
	if (state == HEALTH_LIVE && ks && ks->listed)
		return y;
	if (state == HEALTH_LIVE)
		y = say(f, area, 3, y, ROLE_DIM, "%s: reading %s%s", s->name, t->kind_name, dots);
	else if (state == HEALTH_CONNECTING || state == HEALTH_IDLE)
		y = say(f, area, 3, y, role, "%s: connecting%s %s", s->name, dots, why);
	else
		y = say(f, area, 3, y, role, "%s: %s: %s", s->name, health_name(state), *why ? why : "no reason was given");
	if (*remedy && role == ROLE_SAY_BAD)
		y = say(f, area, 5, y, ROLE_TEXT, "%s", remedy);
	return y;
}

/* Nobody was configured who could have such rows: what to add, and where it is explained. */
static void say_nobody(const struct table_page *t, const char *from, struct frame *f, struct rect area)
{
	struct str type = str_of(from), rest = type;
	type = str_split(&rest, ' ');
	int y = say(f, area, 3, 1, ROLE_TEXT, "no source here has %s; one of type %s would. In binnacle.yaml:", t->kind_name, from);
	say(f, area, 5, y + 1, ROLE_TEXT, "sources:");
	say(f, area, 7, y + 2, ROLE_TEXT, STR_FMT ": {type: " STR_FMT ", ...}", STR_ARG(type), STR_ARG(type));
	say(f, area, 3, y + 4, ROLE_DIM, "`binnacle config explain " STR_FMT "` says which settings it has", STR_ARG(type));
}

static void draw_empty(const struct table_page *t, const struct app *app, struct frame *f, struct rect area,
                       int64_t now)
{
	struct buf b = { 0 };
	int y = 1;
	if (t->hooks && t->hooks->empty && t->hooks->empty(t->arg, &t->page, app, now, &b)) {
		for (struct str rest = buf_str(&b); rest.p;)
			frame_text(f, area, 3, y++, -1, str_split(&rest, '\n'), ROLE_OK);
		buf_release(&b);
		return;
	}
	uint32_t hidden = t->table ? t->table->count : 0;
	if (hidden && *t->typed) {
		count_text(&b, hidden);
		frame_textf(f, area, 3, y++, -1, ROLE_TEXT, "the filter '%s' hides all %s %s", t->typed, b.data, t->kind_name);
	} else if (hidden && t->space && *t->space) {
		frame_textf(f, area, 3, y++, -1, ROLE_TEXT, "no %s in namespace %s", t->kind_name, t->space);
	} else if (hidden && *t->within) {
		frame_textf(f, area, 3, y++, -1, ROLE_TEXT, "no %s %s", t->kind_name, t->words);
	}
	const struct store *s = app_store(app);
	int before = y;
	bool any = false;
	for (unsigned i = 0; !t->own && i < s->nsources; i++)
		any |= fills(s->sources[i].source, t->kind_name);
	const struct kind *k = t->table ? t->table->kind : store_kind(s, str_of(t->kind_name));
	const char *from = k && k->from ? k->from : k && kind_named(k->name) ? "kubernetes" : NULL;
	if (!any && !t->own && from && s->nsources && s->sources[0].source) {
		say_nobody(t, from, f, area);
		buf_release(&b);
		return;
	}
	for (unsigned i = 0; !t->own && i < s->nsources; i++)
		if (!any || !s->sources[i].source || fills(s->sources[i].source, t->kind_name))
			y = say_source(t, app, f, area, y, i);
	if (y == before && !hidden)
		frame_textf(f, area, 3, y, -1, ROLE_DIM, t->table ? "no %s" : "no source has %s", t->kind_name);
	buf_release(&b);
}

void table_page_draw(const struct page *p, const struct app *app, struct frame *f, struct rect area, int64_t now)
{
	const struct table_page *t = table_page_of(p);
	int below = t->hooks && t->hooks->below && t->hooks->below_lines ? t->hooks->below_lines(t->arg, p, area.h) : 0;
	struct rect list = rect_part(area, 0, 0, area.w, area.h - below);
	if (!t->table || !t->view || !t->view->n) {
		draw_empty(t, app, f, list, now);
	} else {
		draw_heading(t, f, rect_part(list, 0, 0, list.w, 1));
		struct buf b = { 0 };
		for (int y = 1; y < list.h; y++) {
			uint32_t at = t->top + (uint32_t)y - 1;
			if (at >= t->view->n)
				break;
			const struct row *r = table_row(t->table, t->view->ids[at]);
			if (r)
				draw_row(t, app, f, rect_part(list, 0, y, list.w, 1), r, at == t->cursor, now, &b);
		}
		buf_release(&b);
	}
	if (below > 0)
		t->hooks->below(t->arg, p, app, f, rect_part(area, 0, area.h - below, area.w, below), now);
}
