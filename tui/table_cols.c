/* table_cols: which columns a list shows and how wide. A narrow screen first loses the columns of the highest
 * priority numbers, then texts are cut; a wide one gains kubectl's wide columns. Scrolled to the side or asked to be wide, the
 * list shows columns in their own order at their own width, the first ones frozen. */
#include "tui/table_page.h"

#define GAP 2           /* blanks between columns */
#define TEXT_LEAST 12   /* a text column is not cut below this */
#define NAME_LEAST 20   /* nor a name, whose middle goes first */
#define SPACE_LEAST 10  /* nor a namespace */
#define MATTERS 3       /* columns of this priority and before */
#define STATUS_LEAST 20 /* nor a status, its glyph included */
#define TEXT_MOST 64    /* nor wider than this while others want room */

static bool is_text(const struct column *c)
{
	return col_is_text(c) && c->type != COL_STATUS && c->type != COL_SERIES;
}

static bool candidate(const struct layout_in *in, int c, bool *wide)
{
	const struct column *col = &in->kind->cols[c];
	uint64_t bit = (uint64_t)1 << c;
	*wide = false;
	if (in->hidden & bit)
		return false;
	if (in->asked & bit)
		return true;
	if (col->flags & (COL_HIDDEN | COL_PLAIN_GET))
		return false;
	if (c == 0 && in->kind->namespaced && in->one_namespace)
		return false;
	if (col->flags & (COL_OURS | COL_WIDE) && !(in->known & bit) && !in->wide)
		return false;
	*wide = col->flags & COL_WIDE;
	return true;
}

static int natural(const struct layout_in *in, int c)
{
	if (c != COL_SOURCE && in->set[c])
		return in->set[c];
	int n = in->natural[c == COL_SOURCE ? in->kind->ncols : c];
	return n > TEXT_MOST && !in->wide ? TEXT_MOST : n;
}

/* tight: names and namespaces give way too. */
static int least(const struct layout_in *in, int c, bool tight)
{
	int n = natural(in, c), l;
	if (c == COL_SOURCE || in->set[c])
		return n;
	const struct column *col = &in->kind->cols[c];
	if (col->type == COL_STATUS)
		l = STATUS_LEAST;
	else if (c == table_page_name_col(in->kind))
		l = tight || col->width < NAME_LEAST ? NAME_LEAST : col->width;
	else if (c == 0 && in->kind->namespaced && tight)
		l = SPACE_LEAST;
	else if (is_text(col))
		l = col->width > TEXT_LEAST ? col->width : TEXT_LEAST;
	else if (col->type == COL_COUNT && col->show && col->width)
		l = col->width;         /* the count, without the words that follow it */
	else
		return n;
	return n < l ? n : l;
}

/* How many columns at the front stay when the list is scrolled to the side: up to the name. */
static int frozen(const struct layout_in *in, const struct shown_col *out, int n)
{
	int name = table_page_name_col(in->kind), k = 0;
	while (k < n && (out[k].col == COL_SOURCE || out[k].col <= name))
		k++;
	return k ? k : n > 0;
}

static void place(struct shown_col *out, int n)
{
	int x = 0;
	for (int i = 0; i < n; i++) {
		out[i].x = x;
		x += out[i].w + GAP;
	}
}

/* In their own order, at their own width, from the left-th after the frozen ones. */
static int lay_scrolled(const struct layout_in *in, struct shown_col *all, int n, int *most)
{
	int keep = frozen(in, all, n), k = 0, x = 0;
	*most = n - keep > 0 ? n - keep - 1 : 0;
	int left = in->left < *most ? in->left : *most;
	for (int i = 0; i < n; i++) {
		if (i >= keep && i < keep + left)
			continue;
		struct shown_col c = all[i];
		c.w = i < keep ? least(in, c.col, true) : natural(in, c.col);
		if (x + (i < keep ? 0 : 3) > in->room)
			break;
		if (x + c.w > in->room)
			c.w = in->room - x > 0 ? in->room - x : 0;
		x += c.w + GAP;
		all[k++] = c;
	}
	/* What room is left goes to the cut ones at the front. */
	for (int i = 0; i < k && x - GAP < in->room; i++) {
		int more = natural(in, all[i].col) - all[i].w, free = in->room - (x - GAP);
		more = more < free ? more : free;
		if (more > 0) {
			all[i].w += more;
			x += more;
		}
	}
	place(all, k);
	return k;
}

/* Drop by priority until the rest fits at its least width. Before a column that matters goes, names get shorter. */
static int drop(const struct layout_in *in, struct shown_col *c, int n)
{
	for (;;) {
		int need = -GAP, tight = -GAP, worst = -1, at = -1;
		for (int i = 0; i < n; i++) {
			need += least(in, c[i].col, false) + GAP;
			tight += least(in, c[i].col, true) + GAP;
			int pri = c[i].col == COL_SOURCE ? 0 : in->kind->cols[c[i].col].priority;
			if (c[i].col != COL_SOURCE && in->asked >> c[i].col & 1)
				pri = 0;
			if (pri >= worst && pri > 0) {
				worst = pri;
				at = i;
			}
		}
		if ((worst > MATTERS ? need : tight) <= in->room || at < 0)
			return n;
		memmove(c + at, c + at + 1, (size_t)(n - at - 1) * sizeof(*c));
		n--;
	}
}

/* Room that is left goes by priority to what is cut: as far as a long text may go, or (whole) all of it. */
static int give(const struct layout_in *in, struct shown_col *c, int n, int used, bool whole)
{
	for (int pri = 0; pri < 256 && used < in->room; pri++) {
		for (int i = 0; i < n; i++) {
			if ((c[i].col == COL_SOURCE ? 0 : in->kind->cols[c[i].col].priority) != pri)
				continue;
			int more = (whole && c[i].col != COL_SOURCE && !in->set[c[i].col] ? in->natural[c[i].col] : natural(in, c[i].col)) - c[i].w;
			more = more < in->room - used ? more : in->room - used;
			if (more > 0) {
				c[i].w += more;
				used += more;
			}
		}
	}
	return used;
}

static void grow(const struct layout_in *in, struct shown_col *c, int n)
{
	int used = -GAP;
	for (int i = 0; i < n; i++)
		used += (c[i].w = least(in, c[i].col, true)) + GAP;
	used = give(in, c, n, used, false);
	used = give(in, c, n, used, true);
	/* Too narrow even so: cut from the last. */
	for (int i = n - 1; i >= 0 && used > in->room; i--) {
		int less = c[i].w < used - in->room ? c[i].w : used - in->room;
		c[i].w -= less;
		used -= less;
	}
}

/* Wide columns join where they fit as they are, in their place: those of low priority numbers first. */
static int join_wide(const struct layout_in *in, struct shown_col *c, int n)
{
	int used = -GAP;
	uint64_t tried = 0;
	for (int i = 0; i < n; i++)
		used += natural(in, c[i].col) + GAP;
	for (;;) {
		int best = -1;
		bool wide;
		for (int k = 0; k < in->kind->ncols; k++)
			if (!(tried >> k & 1) && candidate(in, k, &wide) && wide &&
			    (best < 0 || in->kind->cols[k].priority < in->kind->cols[best].priority))
				best = k;
		if (best < 0)
			return n;
		tried |= (uint64_t)1 << best;
		if (used + GAP + natural(in, best) > in->room)
			continue;
		int at = n;
		while (at > 0 && c[at - 1].col > best)
			at--;
		memmove(c + at + 1, c + at, (size_t)(n - at) * sizeof(*c));
		c[at] = (struct shown_col){ .col = best };
		n++;
		used += natural(in, best) + GAP;
	}
}

int table_layout(const struct layout_in *in, struct shown_col *out, int *most)
{
	int n = 0;
	bool scrolled = in->wide || in->left > 0, wide;
	*most = 0;
	if (in->source)
		out[n++] = (struct shown_col){ .col = COL_SOURCE };
	for (int c = 0; c < in->kind->ncols; c++)
		if (candidate(in, c, &wide) && (!wide || scrolled))
			out[n++] = (struct shown_col){ .col = c };
	if (scrolled)
		return lay_scrolled(in, out, n, most);
	int all = n;
	n = drop(in, out, n);
	if (n == all)
		n = join_wide(in, out, n);
	grow(in, out, n);
	place(out, n);
	*most = all > 1 ? all - 1 : 0;
	return n;
}

int table_page_name_col(const struct kind *k)
{
	for (int c = 0; c < k->ncols; c++)
		if (!strcmp(k->cols[c].name, "name"))
			return c;
	return k->namespaced && k->ncols > 1 ? 1 : 0;
}

int table_page_status_col(const struct kind *k)
{
	for (int c = 0; c < k->ncols; c++)
		if (k->cols[c].type == COL_STATUS)
			return c;
	return -1;
}

/* ---- `:columns` */
static bool column_on(const struct table_page *t, int c)
{
	for (int i = 0; i < t->ncols; i++)
		if (t->cols[i].col == c)
			return true;
	return false;
}

/* The columns as one could type them: "namespace name=40 ready". */
void table_page_columns_text(const struct table_page *t, struct buf *out)
{
	if (!t->table)
		return;
	const struct kind *k = t->table->kind;
	for (int c = 0; c < k->ncols; c++) {
		if (!column_on(t, c))
			continue;
		buf_addf(out, "%s%s", out->len ? " " : "", k->cols[c].name);
		if (t->set[c])
			buf_addf(out, "=%u", t->set[c]);
	}
}

/* "name=40 ready +ip -node": names alone are the whole set; + and - change the one there is; "default" goes back. */
void table_page_set_columns(struct table_page *t, struct app *app, struct str args)
{
	if (!t->table)
		return;
	const struct kind *k = t->table->kind;
	uint64_t only = 0, on = 0, off = 0;
	uint8_t set[KIND_MAX_COLS];
	memcpy(set, t->set, sizeof(set));
	for (struct str rest = args, word; rest.n;) {
		word = str_trim(str_split(&rest, ' '));
		if (!word.n)
			continue;
		if (str_is(word, "default")) {
			t->hidden = t->asked = 0;
			memset(t->set, 0, sizeof(t->set));
			t->dirty = true;
			return;
		}
		char sign = *word.p == '+' || *word.p == '-' ? *word.p : 0;
		if (sign)
			word = (struct str){ word.p + 1, word.n - 1 };
		struct str name = str_split(&word, '=');
		int c = kind_col(k, name, true);
		int64_t width = 0;
		if (c < 0 || (word.n && (!str_to_i64(word, &width) || width < 1 || width > 250))) {
			const char *names[KIND_MAX_COLS];
			for (int i = 0; i < k->ncols; i++)
				names[i] = k->cols[i].name;
			const char *near = str_nearest(name, names, k->ncols);
			if (c >= 0)
				app_say(app, true, "a width is a number of cells from 1 to 250, not '" STR_FMT "'", STR_ARG(word));
			else
				app_say(app, true, "no column '" STR_FMT "' in %s%s%s%s", STR_ARG(name), k->name,
				        near ? "; did you mean '" : "", near ? near : "", near ? "'?" : "");
			return;
		}
		set[c] = (uint8_t)width;
		*(sign == '+' ? &on : sign == '-' ? &off : &only) |= (uint64_t)1 << c;
	}
	memcpy(t->set, set, sizeof(set));
	if (only) {
		t->asked = only;
		t->hidden = ~only;
	}
	t->asked = (t->asked | on) & ~off;
	t->hidden = (t->hidden | off) & ~on;
	t->dirty = true;
}
