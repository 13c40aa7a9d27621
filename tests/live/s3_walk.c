/* s3_walk: goes through a place of an object store page by page, as the storage pane does with the cursor held down, and then
 * back again; for tests of memory and of order.
 *
 *   s3_walk SETTINGS BUCKET/PREFIX [PAGES-BACK]      SETTINGS: a YAML file with the source's settings
 *
 * Prints "pages N seen N most N rss-first KB rss-last KB back N": pages asked for, different rows that came, the most rows held
 * at a time, memory after the first page and at the end, rows after going back so many pages. Exit 0, 1 with the reason. */
#define _GNU_SOURCE
#include "backends/list.h"
#include "base/kinds.h"
#include "base/storage.h"
#include "base/store.h"
#include <jansson.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>

struct walk {
	struct store *store;
	struct inbox *inbox;
	struct source *source;
	const char *scope;
	bool answered, ok, after, back;
	unsigned seen, most;

};

static void on_row(void *arg, const struct row *old, const struct row *now)
{
	struct walk *w = arg;
	w->seen += now && !old;
}

static void on_answer(void *arg, const struct msg *m)
{
	struct walk *w = arg;
	struct msg_answer a;
	if (!msg_get_answer(m, &a))
		return;
	json_t *o = a.ok ? json_loadb(a.json.p, a.json.n, 0, NULL) : NULL;
	w->answered = true;
	w->ok = a.ok;
	w->after = json_is_true(json_object_get(o, "after"));
	w->back = json_is_true(json_object_get(o, "back"));
	if (!a.ok)
		fprintf(stderr, "s3_walk: " STR_FMT "\n", STR_ARG(a.json));
	json_decref(o);
}

static bool ask(struct walk *w, const char *to)
{
	char params[64];
	snprintf(params, sizeof(params), "{\"to\":\"%s\"}", to);
	uint64_t id = source_ask(w->source, request_new(REQ_ASK, "objects", str_of(w->scope), "page", params));
	store_expect(w->store, id, on_answer, w);
	w->answered = false;
	for (int64_t end = clock_mono(&clock_system) + 60000; !w->answered && clock_mono(&clock_system) < end;) {
		struct pollfd p = { inbox_fd(w->inbox), POLLIN, 0 };
		struct msg *m;
		poll(&p, 1, 10);
		while ((m = inbox_take(w->inbox)))
			while (store_apply(w->store, m, 0))
				m = NULL;
	}
	store_forget(w->store, id);
	unsigned n = store_table(w->store, "objects")->count;
	w->most = n > w->most ? n : w->most;
	return w->answered && w->ok;
}

static long rss_kb(void)
{
	long size, pages = 0;
	FILE *f = fopen("/proc/self/statm", "r");
	if (f && fscanf(f, "%ld %ld", &size, &pages) != 2)
		pages = 0;
	if (f)
		fclose(f);
	return pages * 4;
}

int main(int argc, char **argv)
{
	struct walk w = { 0 };
	struct yaml_error err;
	struct yaml_doc *doc = argc > 2 ? yaml_load(argv[1], &err) : NULL;
	int pages = 1, back = argc > 3 ? atoi(argv[3]) : 0;
	if (!doc) {
		fprintf(stderr, "usage: s3_walk SETTINGS BUCKET/PREFIX [PAGES-BACK]\n");
		return 2;
	}
	w.scope = argv[2];
	w.store = store_new(&clock_system);
	for (const struct kind *const *k = kinds_all; *k; k++)
		store_add_kind(w.store, *k);
	table_watch(store_table(w.store, "objects"), on_row, &w);
	w.inbox = inbox_new(4 << 20);
	w.source = source_new(store_add_source(w.store, "s3", ""), "s3", "", &backend_s3, yaml_root(doc), &clock_system, w.inbox);
	source_start(w.source);
	source_ask(w.source, request_new(REQ_WATCH, "objects", str_of(w.scope), "", "{\"paged\":true}"));
	bool ok = ask(&w, "first");
	long first = rss_kb();
	for (; ok && w.after; pages++)
		ok = ask(&w, "next");
	unsigned seen = w.seen;
	while (ok && back-- > 0 && w.back)
		ok = ask(&w, "previous");
	if (ok)
		printf("pages %d seen %u most %u rss-first %ld rss-last %ld back %u\n", pages, seen, w.most, first, rss_kb(), w.seen - seen);
	source_stop(w.source, 3000);
	store_free(w.store);
	inbox_free(w.inbox);
	yaml_doc_free(doc);
	return !ok;
}
