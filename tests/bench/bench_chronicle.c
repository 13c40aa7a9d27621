/* What the recorder of the timeline costs: 10,000 pods of which 50 a second change, and a whole listing, with it and without it.
 *
 *   bench_chronicle [PODS [CHANGES]]      figures on stdout; 1 where it costs more than 0.1 % of a processor or 2 MB */
#define _GNU_SOURCE
#include "base/chronicle.h"
#include "base/kinds.h"
#include "base/mem.h"
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

static double cpu_ms(void)
{
	struct timespec ts;
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &ts);
	return (double)ts.tv_sec * 1e3 + (double)ts.tv_nsec / 1e6;
}

static void put_pod(struct buf *b, unsigned i, unsigned turn)
{
	char name[64], owner[64], text[32];
	bool crash = turn && (i + turn) % 500 == 0;       /* now and then something is worth a line */
	snprintf(name, sizeof(name), "ns-%u/app-%u-6d9f7c-x%05u", i % 40, i % 400, i);
	snprintf(owner, sizeof(owner), "ReplicaSet/app-%u-6d9f7c", i % 400);
	snprintf(text, sizeof(text), "ns-%u", i % 40);
	rows_put(b, str_of(name), crash ? LEVEL_BAD : LEVEL_OK);
	for (int c = 0; c < PODS_NCOLS; c++) {
		if (c == PODS_NAMESPACE)
			cell_text(b, str_of(text));
		else if (c == PODS_NAME)
			cell_text(b, str_of(name));
		else if (c == PODS_STATUS)
			cell_text(b, crash ? STR("CrashLoopBackOff") : STR("Running"));
		else if (c == PODS_OWNER)
			cell_text(b, str_of(owner));
		else if (c == PODS_RESTARTS)
			cell_int(b, crash ? turn : 0);
		else if (c == PODS_RESTARTED && crash)
			cell_time(b, clock_wall(&clock_system));
		else if (c == PODS_CPU)
			cell_int(b, (int64_t)turn * 7 + i);
		else
			cell_null(b);
	}
}

static void apply(struct store *s, unsigned from, unsigned n, unsigned pods, unsigned turn)
{
	struct msg *m = msg_new(MSG_ROWS, 0);
	rows_start(&m->body, "pods");
	for (unsigned i = 0; i < n; i++)
		put_pod(&m->body, (from + i) % pods, turn);
	store_apply(s, m, 0);
}

struct cost { double listing, change; size_t bytes; unsigned rows; };

static struct cost measure(bool recorded, unsigned pods, unsigned changes)
{
	struct cost c = { 0 };
	char dir[] = "/tmp/binnacle-bench.XXXXXX", path[64], name[80];
	struct store *s = store_new(&clock_system);
	for (const struct kind *const *k = kinds_all; *k; k++)
		store_add_kind(s, *k);
	store_add_source(s, "bench", "");
	if (!mkdtemp(dir))
		exit(1);
	snprintf(path, sizeof(path), "%s/h.db", dir);
	struct history *h = recorded ? history_new(path) : NULL;
	struct chronicle *r = recorded ? chronicle_new(s, h, NULL, CHRONICLE_KEEP_MS, &clock_system) : NULL;
	if (r)
		chronicle_settle(r, 5000);
	double began = cpu_ms();
	size_t before = mallinfo2().uordblks;
	apply(s, 0, pods, pods, 0);
	if (r)
		chronicle_tick(r);
	c.listing = cpu_ms() - began;
	began = cpu_ms();
	for (unsigned i = 0; i < changes; i += 50) {      /* a second's worth, and the tick that follows it */
		apply(s, i * 7, 50, pods, i / 50 + 1);
		if (r)
			chronicle_tick(r);
	}
	if (h)
		history_flush(h, NULL);
	c.change = (cpu_ms() - began) / changes;
	c.bytes = mallinfo2().uordblks - before;
	c.rows = store_table(s, "timeline")->count;
	chronicle_free(r);
	history_free(h);
	store_free(s);
	for (int i = 0; i < 3; i++) {
		snprintf(name, sizeof(name), "%s%s", path, (const char *const[]){ "", "-wal", "-shm" }[i]);
		unlink(name);
	}
	rmdir(dir);
	return c;
}

int main(int argc, char **argv)
{
	unsigned pods = argc > 1 ? (unsigned)atoi(argv[1]) : 10000, changes = argc > 2 ? (unsigned)atoi(argv[2]) : 50000;
	struct cost without = measure(false, pods, changes), with = measure(true, pods, changes);
	double percent = (with.change - without.change) * 50 / 10;         /* of a second, in hundredths */
	double mb = with.bytes > without.bytes ? (double)(with.bytes - without.bytes) / 1e6 : 0;
	printf("timeline: %u pods listed in %.1f ms, %.1f without it; a change %.2f us, %.2f without: 50 a second cost %.4f %% of a processor; "
	       "%u changes noted, %.2f MB\n", pods, with.listing, without.listing, with.change * 1e3, without.change * 1e3, percent, with.rows, mb);
	return percent > 0.1 || mb > 2;
}
