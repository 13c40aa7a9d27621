/* taskgraph: see taskgraph.h. */
#include "base/taskgraph.h"
#include "base/mem.h"
#include <stdlib.h>

static bool comes_after(const struct graph_task *t, struct str name)
{
	for (struct str rest = t->upstream; rest.n;)
		if (str_eq(str_split(&rest, ','), name))
			return true;
	return false;
}

/* The latest of what comes before; -1 none. */
static int latest_before(const struct graph_task *t, unsigned n, unsigned of)
{
	int best = -1;
	if (!t[of].upstream.n)
		return -1;
	for (unsigned i = 0; i < n; i++)
		if (i != of && t[i].finish && comes_after(&t[of], t[i].name) && (best < 0 || t[i].finish > t[best].finish))
			best = (int)i;
	return best;
}

static int64_t finish_of(const struct graph_task *t, int64_t before, int64_t now)
{
	int64_t usual = t->usual > 0 ? t->usual : 0, from;
	if (state_over(t->is))
		return t->end ? t->end : before;
	if (t->is == STATE_RUNNING && t->start)
		return t->start + usual > now ? t->start + usual : now;
	from = before > now ? before : now;
	return from + usual;
}

int64_t graph_plan(struct graph_task *t, unsigned n, int64_t now, bool *whole)
{
	int last = -1;
	bool changed = true;
	*whole = true;
	for (unsigned i = 0; i < n; i++) {
		t[i].finish = 0;
		t[i].critical = false;
		*whole &= state_over(t[i].is) || t[i].usual >= 0;
	}
	/* Each round settles what stands one step later; tasks mostly come in order, so two rounds do. */
	for (unsigned round = 0; changed && round <= n; round++) {
		changed = false;
		for (unsigned i = 0; i < n; i++) {
			int before = latest_before(t, n, i);
			int64_t finish = finish_of(&t[i], before < 0 ? 0 : t[before].finish, now);
			changed |= finish != t[i].finish;
			t[i].finish = finish;
		}
	}
	for (unsigned i = 0; i < n; i++)
		if (t[i].finish && t[i].is != STATE_SKIPPED && t[i].is != STATE_HELD && (last < 0 || t[i].finish > t[last].finish))
			last = (int)i;
	int64_t end = last < 0 ? 0 : t[last].finish;
	for (unsigned steps = 0; last >= 0 && !t[last].critical && steps <= n; steps++) {
		t[last].critical = true;
		last = latest_before(t, n, (unsigned)last);
	}
	return end;
}

void graph_path(const struct graph_task *t, unsigned n, const char *between, struct buf *out)
{
	int64_t after = 0;
	bool first = true;
	for (unsigned k = 0; k < n; k++) {
		int next = -1;
		for (unsigned i = 0; i < n; i++)
			if (t[i].critical && t[i].finish > after && (next < 0 || t[i].finish < t[next].finish))
				next = (int)i;
		if (next < 0)
			return;
		buf_addf(out, "%s" STR_FMT, first ? "" : between, STR_ARG(t[next].name));
		after = t[next].finish;
		first = false;
	}
}

/* ---- lanes: lane i waits for the task of that name; an empty name is a free lane */

struct lanes { struct str want[LANES_MAX]; unsigned n; };

static int lane_of(const struct lanes *l, struct str name)
{
	for (unsigned i = 0; i < l->n; i++)
		if (l->want[i].n && str_eq(l->want[i], name))
			return (int)i;
	return -1;
}

static int free_lane(struct lanes *l)
{
	for (unsigned i = 0; i < l->n; i++)
		if (!l->want[i].n)
			return (int)i;
	return l->n < LANES_MAX ? (int)l->n++ : -1;
}

static struct graph_line *add_line(struct graph_line **lines, unsigned *n, int task, const struct lanes *l)
{
	if ((*n & (*n - 1)) == 0)
		*lines = xreallocarray(*lines, *n ? *n * 2 : 1, sizeof(**lines));
	struct graph_line *g = &(*lines)[(*n)++];
	*g = (struct graph_line){ .task = task, .n = (uint8_t)l->n };
	for (unsigned i = 0; i < l->n; i++)
		g->cell[i] = l->want[i].n ? LANE_PASS : LANE_EMPTY;
	return g;
}

/* A line from lane `from` to lane `to`, which is new or was there already. */
static void draw_across(struct graph_line *g, int from, int to, bool is_new)
{
	int low = from < to ? from : to, high = from < to ? to : from;
	for (int i = low; i < high; i++)
		g->across[i] = 1;
	for (int i = low + 1; i < high; i++)
		if (g->cell[i] == LANE_PASS || g->cell[i] == LANE_EMPTY)
			g->cell[i] = g->cell[i] == LANE_PASS ? LANE_CROSS : LANE_OVER;
		else if (g->cell[i] == LANE_NEW_RIGHT || g->cell[i] == LANE_NEW_LEFT || g->cell[i] == LANE_JOIN_LEFT ||
		         g->cell[i] == LANE_JOIN_RIGHT)
			g->cell[i] = LANE_BOTH;
	g->cell[to] = g->cell[to] == LANE_OVER || g->cell[to] == LANE_CROSS ? LANE_BOTH :
	              to > from ? is_new ? LANE_NEW_RIGHT : LANE_JOIN_RIGHT : is_new ? LANE_NEW_LEFT : LANE_JOIN_LEFT;
}

/* Where the lanes of what follows begin. The first new one goes straight on. */
static void fork(const struct graph_task *t, unsigned n, unsigned at, int own, struct lanes *l, struct graph_line **lines,
                 unsigned *nlines)
{
	struct lanes before = *l;
	struct graph_line *g = NULL;
	bool straight = false;
	for (unsigned i = at + 1; i < n; i++)
		if (comes_after(&t[i], t[at].name) && lane_of(l, t[i].name) < 0) {
			l->want[own] = t[i].name;
			straight = true;
			break;
		}
	for (unsigned i = at + 1; i < n; i++) {
		bool again = false;                    /* one of several of that name was drawn */
		if (!comes_after(&t[i], t[at].name) || lane_of(l, t[i].name) == own)
			continue;
		for (unsigned k = at + 1; k < i && !again; k++)
			again = str_eq(t[k].name, t[i].name);
		if (again)
			continue;
		int to = lane_of(l, t[i].name);
		bool is_new = to < 0;
		to = is_new ? free_lane(l) : to;
		if (to < 0)
			continue;                      /* more lanes than can be drawn */
		if (!g)
			g = add_line(lines, nlines, -1, &before);
		g->n = (uint8_t)l->n;
		l->want[to] = t[i].name;
		draw_across(g, own, to, is_new);
		g->cell[own] = to > own ? straight ? LANE_FORK : LANE_FORK_END : straight ? LANE_JOIN_RIGHT : LANE_FORK_END_LEFT;
	}
}

unsigned graph_lines(const struct graph_task *t, unsigned n, struct graph_line **lines)
{
	struct lanes l = { .n = 0 };
	unsigned nlines = 0;
	*lines = NULL;
	for (unsigned i = 0; i < n; i++) {
		bool again = i > 0 && str_eq(t[i - 1].name, t[i].name);
		int own = lane_of(&l, t[i].name);
		own = own < 0 ? free_lane(&l) : own;
		if (again || own < 0) {
			add_line(lines, &nlines, (int)i, &l);
			continue;
		}
		l.want[own] = t[i].name;
		add_line(lines, &nlines, (int)i, &l)->cell[own] = LANE_TASK;
		l.want[own] = STR("");
		fork(t, n, i, own, &l, lines, &nlines);
		while (l.n && !l.want[l.n - 1].n)
			l.n--;
	}
	return nlines;
}

const char *lane_text(enum lane l, bool ascii)
{
	static const char *const fine[] = { [LANE_EMPTY] = " ", [LANE_PASS] = "│", [LANE_TASK] = "●", [LANE_FORK] = "├",
		[LANE_FORK_END] = "╰", [LANE_FORK_END_LEFT] = "╯", [LANE_NEW_RIGHT] = "╮", [LANE_NEW_LEFT] = "╭", [LANE_JOIN_LEFT] = "├",
		[LANE_JOIN_RIGHT] = "┤", [LANE_CROSS] = "┼", [LANE_OVER] = "─", [LANE_BOTH] = "┼" };
	static const char *const plain[] = { [LANE_EMPTY] = " ", [LANE_PASS] = "|", [LANE_TASK] = "o", [LANE_FORK] = "+",
		[LANE_FORK_END] = "'", [LANE_FORK_END_LEFT] = "'", [LANE_NEW_RIGHT] = ".", [LANE_NEW_LEFT] = ".", [LANE_JOIN_LEFT] = "+",
		[LANE_JOIN_RIGHT] = "+", [LANE_CROSS] = "+", [LANE_OVER] = "-", [LANE_BOTH] = "+" };
	return (ascii ? plain : fine)[l];
}
