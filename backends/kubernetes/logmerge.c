/* logmerge: see logmerge.h. Heads are compared in a linear scan: a merge has some dozen inputs. */
#include "backends/kubernetes/logmerge.h"
#include "base/logline.h"
#include "base/mem.h"
#include <stdlib.h>

struct mark { size_t end; int64_t at; };       /* bytes up to `end` came at `at` */
struct input {
	char *where;
	struct buf lines;
	size_t taken;                /* of lines */
	struct mark *marks;
	unsigned nmarks, first_mark, cap_marks;
	int64_t opened;
	int64_t time;                /* of the head line, ns */
	size_t head;                 /* its length with '\n'; 0: none */
	bool fed, closed;
};
struct logmerge {
	struct input *inputs;
	unsigned n;
	size_t bytes, max;
	int64_t window;
};

struct logmerge *logmerge_new(int64_t window_ms, size_t max_bytes)
{
	struct logmerge *m = xcalloc(1, sizeof(*m));

	m->window = window_ms;
	m->max = max_bytes;
	return m;
}

void logmerge_free(struct logmerge *m)
{
	for (unsigned i = 0; m && i < m->n; i++) {
		free(m->inputs[i].where);
		free(m->inputs[i].marks);
		buf_release(&m->inputs[i].lines);
	}
	if (m)
		free(m->inputs);
	free(m);
}

unsigned logmerge_open(struct logmerge *m, const char *where, int64_t now)
{
	m->inputs = xreallocarray(m->inputs, m->n + 1, sizeof(*m->inputs));
	m->inputs[m->n] = (struct input){ .where = xstrdup(where), .opened = now };
	return m->n++;
}

void logmerge_close(struct logmerge *m, unsigned input)
{
	m->inputs[input].closed = true;
}

/* A line without a time goes with the one before it. */
static void find_head(struct input *in)
{
	const char *at = in->lines.data + in->taken;
	size_t left = in->lines.len - in->taken;
	const char *end = left ? memchr(at, '\n', left) : NULL;
	int64_t ns;

	in->head = end ? (size_t)(end - at) + 1 : 0;
	if (in->head && logline_time(logline_parse((struct str){ at, in->head }).time, &ns))
		in->time = ns;
}

void logmerge_feed(struct logmerge *m, unsigned input, struct str lines, int64_t now)
{
	struct input *in = &m->inputs[input];

	in->fed = true;
	if (!lines.n)
		return;
	buf_addstr(&in->lines, lines);
	m->bytes += lines.n;
	if (in->nmarks == in->cap_marks) {
		in->cap_marks = in->cap_marks ? in->cap_marks * 2 : 8;
		in->marks = xreallocarray(in->marks, in->cap_marks, sizeof(*in->marks));
	}
	in->marks[in->nmarks++] = (struct mark){ in->lines.len, now };
	if (!in->head)
		find_head(in);
}

static int64_t came(const struct input *in)
{
	return in->first_mark < in->nmarks ? in->marks[in->first_mark].at : 0;
}

static void drop_head(struct logmerge *m, struct input *in)
{
	in->taken += in->head;
	m->bytes -= in->head;
	while (in->first_mark < in->nmarks && in->marks[in->first_mark].end <= in->taken)
		in->first_mark++;
	if (in->taken == in->lines.len) {
		buf_clear(&in->lines);
		in->taken = 0;
		in->nmarks = in->first_mark = 0;
	} else if (in->taken > 65536 && in->taken > in->lines.len / 2) {
		buf_consume(&in->lines, in->taken);
		for (unsigned i = in->first_mark; i < in->nmarks; i++)
			in->marks[i - in->first_mark] = (struct mark){ in->marks[i].end - in->taken, in->marks[i].at };
		in->nmarks -= in->first_mark;
		in->first_mark = 0;
		in->taken = 0;
	}
	find_head(in);
}

static struct input *oldest(const struct logmerge *m)
{
	struct input *best = NULL;

	for (unsigned i = 0; i < m->n; i++)
		if (m->inputs[i].head && (!best || m->inputs[i].time < best->time))
			best = &m->inputs[i];
	return best;
}

/* When the line at this head may go out, as far as the silent inputs are concerned. */
static int64_t ripe_at(const struct logmerge *m, const struct input *head)
{
	int64_t at = 0;

	for (unsigned i = 0; i < m->n; i++) {
		const struct input *in = &m->inputs[i];
		if (in == head || in->head || in->closed)
			continue;
		int64_t until = in->fed ? came(head) + m->window : in->opened + 10 * m->window;
		if (until > at)
			at = until;
	}
	return at;
}

/* TIME|WHERE TEXT */
static void put(const struct input *in, struct buf *out)
{
	struct str line = { in->lines.data + in->taken, in->head };
	struct logline l = logline_parse(line);

	if (!l.time.n) {
		buf_addstr(out, line);
		return;
	}
	buf_addstr(out, l.time);
	buf_addc(out, '|');
	buf_adds(out, in->where);
	buf_addc(out, ' ');
	buf_addstr(out, l.text);
	buf_addc(out, '\n');
}

int64_t logmerge_take(struct logmerge *m, int64_t now, size_t max_bytes, struct buf *out)
{
	size_t most = out->len + max_bytes;
	struct input *in;

	while ((in = oldest(m)) != NULL) {
		int64_t at = m->bytes > m->max ? now : ripe_at(m, in);
		if (at > now)
			return at;
		if (out->len >= most)
			return now;
		put(in, out);
		drop_head(m, in);
	}
	return INT64_MAX;
}
