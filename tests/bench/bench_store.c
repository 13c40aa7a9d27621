/* How long rows take from the wire's bytes into the table, how many bytes each takes, and what sorting and filtering cost.
 * Prints figures and, as ratios in one run, what one change costs at N rows against a tenth of N. */
#define _GNU_SOURCE
#include "base/filter.h"
#include "base/kinds.h"
#include "base/mem.h"
#include "base/view.h"
#include "tui/text_page.h"
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static double now_ms(void)
{
	struct timespec ts;
	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec * 1e3 + (double)ts.tv_nsec / 1e6;
}

static void put_pod(struct buf *b, unsigned i, unsigned restarts)
{
	char key[100], text[100];
	unsigned app = i / 20;
	snprintf(key, sizeof(key), "ns-%u/app-%u-6d9f7c%04x-%05x", app % 50, app, app * 77 % 65536, i * 2654435761u % 1048576);
	rows_put(b, str_of(key), LEVEL_OK);
	for (int c = 0; c < kind_pods.ncols; c++) {
		switch (c) {
		case PODS_NAMESPACE: snprintf(text, sizeof(text), "ns-%u", app % 50); cell_text(b, str_of(text)); break;
		case PODS_NAME: cell_text(b, str_of(strchr(key, '/') + 1)); break;
		case PODS_READY: cell_int(b, PAIR(2, 2)); break;
		case PODS_STATUS: cell_text(b, i % 50 ? STR("Running") : STR("CrashLoopBackOff")); break;
		case PODS_RESTARTS: cell_int(b, restarts); break;
		case PODS_AGE: cell_int(b, 1700000000000 + i); break;
		case PODS_IP: snprintf(text, sizeof(text), "10.%u.%u.%u", i >> 16 & 255, i >> 8 & 255, i & 255); cell_text(b, str_of(text)); break;
		case PODS_NODE: snprintf(text, sizeof(text), "node-%u", i % 100); cell_text(b, str_of(text)); break;
		case PODS_CPU_REQUEST: case PODS_MEM_REQUEST: case PODS_MEM_LIMIT: cell_int(b, 512 << 20); break;
		case PODS_LABELS: snprintf(text, sizeof(text), "app=app-%u,pod-template-hash=6d9f7c", app); cell_text(b, str_of(text)); break;
		case PODS_OWNER: snprintf(text, sizeof(text), "ReplicaSet/app-%u-6d9f7c", app); cell_text(b, str_of(text)); break;
		case PODS_UID: snprintf(text, sizeof(text), "%08x-1234-4123-8123-123456789abc", i); cell_text(b, str_of(text)); break;
		default: cell_null(b);
		}
	}
}

static double measure(unsigned n, bool print)
{
	struct table *t = table_new(&kind_pods);
	struct view *v = view_new(t, 0);
	struct filter_error err;
	struct buf b = { 0 };
	struct rd r;
	size_t before = mallinfo2().uordblks;
	double apply = 0, settle = 0, t0;
	for (unsigned i = 0; i < n;) {
		rows_start(&b, "pods");
		for (unsigned k = 0; k < 250 && i < n; k++, i++)
			put_pod(&b, i, 0);
		t0 = now_ms();
		rows_open(&r, buf_str(&b));
		table_apply(t, 0, &r, 0);
		apply += now_ms() - t0;
		if (i % 2500 == 0) {
			t0 = now_ms();
			view_settle(v);
			settle += now_ms() - t0;
		}
		buf_clear(&b);
	}
	view_settle(v);
	buf_release(&b);
	double bytes = (double)(mallinfo2().uordblks - before) / n;
	static const char *const filters[] = { "api", "app-1|app-22", "!running", "/app-[0-9]+7-/", "~a77", "status=Crash*", "restarts>5", "-l app=app-77" };
	if (print)
		printf("%u rows: apply %.1f ms, settle %.1f ms, %.0f bytes a row (%.0f in blocks)\n", n, apply, settle, bytes, (double)t->bytes / n);
	for (size_t i = 0; i < ARRAY_SIZE(filters); i++) {
		struct filter *f = filter_parse(filters[i], &kind_pods, &err);
		t0 = now_ms();
		view_filter(v, f, 0);
		view_settle(v);
		double on = now_ms() - t0;
		t0 = now_ms();
		view_filter(v, NULL, 0);
		view_settle(v);
		if (print)
			printf("  filter %-16s %6.2f ms, off %6.2f ms\n", filters[i], on, now_ms() - t0);
		filter_free(f);
	}
	t0 = now_ms();
	view_sort(v, PODS_AGE, true);
	double by_age = now_ms() - t0;
	t0 = now_ms();
	view_sort(v, PODS_NAME, false);
	if (print)
		printf("  sort by age %.2f ms, by name %.2f ms\n", by_age, now_ms() - t0);
	view_sort(v, PODS_RESTARTS, true);
	t0 = now_ms();
	for (unsigned k = 0; k < 5000; k++) {
		rows_start(&b, "pods");
		put_pod(&b, k * 7919u % n, k);
		rows_open(&r, buf_str(&b));
		table_apply(t, 0, &r, 0);
		view_settle(v);
		buf_clear(&b);
	}
	double change = (now_ms() - t0) / 5000 * 1000;
	if (print)
		printf("  one change that moves its row: %.2f us\n", change);
	buf_release(&b);
	view_free(v);
	table_free(t);
	return change;
}

/* Log lines into a text page's memory, in chunks as they come. */
static void measure_lines(void)
{
	struct lines l = { .max = 16 << 20 };
	struct buf chunk = { 0 };
	while (chunk.len < 64 << 10)
		buf_adds(&chunk, "2026-11-21T03:11:58.123456789Z INFO  GET /v1/listings?page=3 200 12 ms request_id=7f3a\n");
	double t0 = now_ms();
	size_t bytes = 0;
	while (bytes < 512u << 20) {
		lines_add(&l, buf_str(&chunk));
		bytes += chunk.len;
	}
	double ms = now_ms() - t0;
	printf("log lines taken in: %.0f MB/s, %u lines held, %llu counted as dropped\n", (double)bytes / 1e3 / ms, l.n,
	       (unsigned long long)l.dropped);
	lines_release(&l);
	buf_release(&chunk);
}

int main(int argc, char **argv)
{
	measure_lines();
	unsigned n = argc > 1 ? (unsigned)atoi(argv[1]) : 10000;
	double small = measure(n / 10, false), large = measure(n, true);
	printf("  cost of a change at %u rows / at %u rows: %.2f\n", n, n / 10, large / small);
	return 0;
}
