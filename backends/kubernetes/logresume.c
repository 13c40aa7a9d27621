/* logresume: see logresume.h. */
#define _GNU_SOURCE    /* gmtime_r */
#include "backends/kubernetes/logresume.h"
#include "base/logline.h"
#include "base/mem.h"
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define SECOND 1000000000

void logresume_init(struct logresume *r, size_t keep)
{
	*r = (struct logresume){ .keep = keep };
}

static void stop_comparing(struct logresume *r)
{
	free(r->seen);
	free(r->left);
	r->seen = NULL;
	r->left = NULL;
	r->n = 0;
	r->comparing = false;
}

void logresume_release(struct logresume *r)
{
	stop_comparing(r);
	buf_release(&r->tail);
}

static void keep_end(struct logresume *r)
{
	if (r->tail.len <= r->keep)
		return;
	const char *from = r->tail.data + r->tail.len - r->keep;
	const char *line = memchr(from, '\n', r->keep - 1);
	size_t drop = (size_t)((line ? line + 1 : from) - r->tail.data);
	r->cut_front = true;
	buf_consume(&r->tail, drop);
}

void logresume_note(struct logresume *r, struct str lines)
{
	if (lines.n >= r->keep) {
		r->cut_front = r->cut_front || r->tail.len > 0 || lines.n > r->keep;
		buf_clear(&r->tail);
		buf_add(&r->tail, lines.p + lines.n - r->keep, r->keep);
		if (lines.n > r->keep) {    /* the first line is a part of one */
			const char *end = memchr(r->tail.data, '\n', r->keep);
			buf_consume(&r->tail, end ? (size_t)(end - r->tail.data) + 1 : 0);
		}
		return;
	}
	buf_addstr(&r->tail, lines);
	if (r->tail.len > r->keep + r->keep / 2)
		keep_end(r);
}

static uint64_t hash_line(struct str line)
{
	uint64_t h = 0xcbf29ce484222325u;

	for (size_t i = 0; i < line.n; i++)
		h = (h ^ (uint8_t)line.p[i]) * 0x100000001b3u;    /* FNV-1a */
	return h;
}

static int by_hash(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

static struct str next_line(struct str *rest)
{
	const char *end = memchr(rest->p, '\n', rest->n);
	struct str line = { rest->p, end ? (size_t)(end - rest->p) + 1 : rest->n };

	rest->p += line.n;
	rest->n -= line.n;
	return line;
}

static bool time_of(struct str line, int64_t *ns)
{
	return logline_time(logline_parse(line).time, ns);
}

bool logresume_cut(struct logresume *r, char since[24])
{
	struct str rest = buf_str(&r->tail);
	unsigned cap = 0;
	int64_t ns;

	stop_comparing(r);
	r->oldest = INT64_MAX;
	r->newest = INT64_MIN;
	while (rest.n) {
		struct str line = next_line(&rest);
		if (!time_of(line, &ns))
			continue;
		if (ns < r->oldest)
			r->oldest = ns;
		if (ns > r->newest)
			r->newest = ns;
		if (r->n == cap)
			r->seen = xreallocarray(r->seen, cap = cap ? cap * 2 : 64, sizeof(*r->seen));
		r->seen[r->n++] = hash_line(line);
	}
	if (!r->n)
		return false;
	qsort(r->seen, r->n, sizeof(*r->seen), by_hash);
	r->left = xmalloc(r->n);
	memset(r->left, 1, r->n);
	r->comparing = true;
	time_t second = (time_t)(r->newest / SECOND);
	struct tm tm;
	gmtime_r(&second, &tm);
	strftime(since, 24, "%Y-%m-%dT%H:%M:%SZ", &tm);
	return true;
}

/* Was this line among those kept? Each is met once. */
static bool met(struct logresume *r, uint64_t h)
{
	unsigned low = 0, high = r->n;

	while (low < high) {
		unsigned mid = low + (high - low) / 2;
		if (r->seen[mid] < h)
			low = mid + 1;
		else
			high = mid;
	}
	for (; low < r->n && r->seen[low] == h; low++) {
		if (r->left[low]) {
			r->left[low] = 0;
			return true;
		}
	}
	return false;
}

void logresume_filter(struct logresume *r, struct str lines, struct buf *out)
{
	int64_t ns;

	while (lines.n && r->comparing) {
		struct str rest = lines, line = next_line(&rest);
		bool timed = time_of(line, &ns);
		if (timed && ns / SECOND > r->newest / SECOND + 1) {    /* a second beyond: lines may be a little out of order */
			stop_comparing(r);
			break;
		}
		bool seen = timed && (met(r, hash_line(line)) || (r->cut_front && ns < r->oldest));
		if (!seen)
			buf_addstr(out, line);
		lines = rest;
	}
	buf_addstr(out, lines);
}
