/* follow: watches drift through a PostgreSQL source and prints what comes, for tests against a genuine server:
 *
 *   follow SETTINGS SECONDS      SETTINGS: a YAML file with the source's settings
 *
 * One line each: "listed N", "row KEY RESULT SCORE", "features N", "health STATE WHY". Exit 0. */
#include "backends/list.h"
#include "base/drift.h"
#include "base/kinds.h"
#include "base/store.h"
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>

static void seen(void *arg, const struct row *old, const struct row *now)
{
	const struct table *t = arg;
	struct buf b = { 0 };
	if (!now)
		return;
	buf_addf(&b, "row " STR_FMT " " STR_FMT " ", STR_ARG(row_key(now)), STR_ARG(row_text(t, now, DRIFT_RESULT)));
	row_show(t, now, DRIFT_SCORE, 0, &b);
	puts(b.data);
	buf_release(&b);
}

static void tell(struct store *store, struct msg *m)
{
	struct msg_health h;
	bool listing = false;
	if (m->type == MSG_HEALTH && msg_get_health(m, &h))
		printf("health %s " STR_FMT "\n", health_name(h.state), STR_ARG(h.why));
	if (m->type == MSG_ROWS) {
		struct rd r;
		listing = str_is(rows_open(&r, buf_str(&m->body)), "features");
	}
	store_apply(store, m, 0);
	if (listing)
		printf("features %u of %u checks\n", store_table(store, "features")->count, store_table(store, "drift")->count);
}

int main(int argc, char **argv)
{
	struct yaml_error err;
	struct yaml_doc *doc = argc == 3 ? yaml_load(argv[1], &err) : NULL;
	if (!doc) {
		fprintf(stderr, "usage: follow SETTINGS SECONDS\n");
		return 2;
	}
	setvbuf(stdout, NULL, _IOLBF, 0);
	struct inbox *inbox = inbox_new(1 << 20);
	struct store *store = store_new(&clock_system);
	store_add_kind(store, &kind_drift);
	store_add_kind(store, &kind_features);
	struct source *s = source_new(store_add_source(store, "pg", "test"), "pg", "test", &backend_postgres, yaml_root(doc),
	                              &clock_system, inbox);
	struct table *drift = store_table(store, "drift");
	table_watch(drift, seen, drift);
	source_start(s);
	source_ask(s, request_new(REQ_WATCH, "drift", STR(""), "", ""));
	int64_t end = clock_mono(&clock_system) + strtol(argv[2], NULL, 10) * 1000;
	while (clock_mono(&clock_system) < end) {
		struct pollfd p = { .fd = inbox_fd(inbox), .events = POLLIN };
		struct msg *m;
		poll(&p, 1, 100);
		while ((m = inbox_take(inbox)))
			tell(store, m);
	}
	source_stop(s, 2000);
	table_unwatch(drift, seen, drift);
	store_free(store);
	inbox_free(inbox);
	yaml_doc_free(doc);
	return 0;
}
