/* Any lines from a plugin's program, into a store: greeting, rows of a kind with every type of column, health, replies to one request of
 * each type. Then as the JSON of one cell after the other. */
#include "backends/plugin/plugin.h"
#include "base/cell_json.h"
#include "base/inbox.h"
#include "base/mem.h"
#include "base/rows.h"
#include "base/store.h"
#include "base/yaml.h"
#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct backend *shaped(struct yaml_doc **settings)
{
	struct config_errors errors = { 0 };
	struct yaml_error err;
	*settings = yaml_parse(STR("{manifest: tests/fuzz/plugin.yaml}"), &err);
	const struct backend *b = plugin_shape(yaml_root(*settings), "binnacle.yaml", &errors);
	if (!b) {
		fprintf(stderr, "%s\n", errors.list[0].what);
		abort();
	}
	return b;
}

static void ask(struct speaker *s, uint64_t id, enum req_type type, const char *what)
{
	s->asked = xreallocarray(s->asked, s->nasked + 1, sizeof(*s->asked));
	s->asked[s->nasked++] = (struct asked){ id, type, xstrdup(what), xstrdup("things"), xstrdup("x"),
		type == REQ_RUN ? json_pack("{s:{s:s, s:{}}}", "undo", "action", "undo", "params") : NULL };
}

static void take_all(struct inbox *in, struct store *store)
{
	for (struct msg *m; (m = inbox_take(in));)
		store_apply(store, m, 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct clock_fixed at = { 1763700000000, 1 };
	struct clock clock = clock_still(&at);
	struct yaml_doc *settings;
	const struct backend *b = shaped(&settings);
	struct inbox *in = inbox_new(64 << 20);
	struct store *store = store_new(&clock);
	for (const struct kind *const *k = b->kinds; *k; k++)
		store_add_kind(store, *k);
	store_add_source(store, "fuzz", "dev");
	struct source *source = source_new(0, "fuzz", "dev", b, yaml_root(settings), &clock, in);
	struct speaker s = { .link = source->link, .plugin = (const struct plugin *)b, .child = CHILD_NONE };
	char why[300];
	s.greeted = size && data[0] & 1;
	ask(&s, 1, REQ_WATCH, ""), ask(&s, 2, REQ_OPEN, "logs"), ask(&s, 3, REQ_ASK, "why"), ask(&s, 4, REQ_PLAN, "do"), ask(&s, 5, REQ_RUN, "do");
	struct str rest = { (const char *)data, size };
	while (rest.n && plugin_hear(&s, str_split(&rest, '\n'), why, sizeof(why)))
		take_all(in, store);
	take_all(in, store);
	json_t *v = json_loadb((const char *)data, size, JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL);
	struct buf rows = { 0 };
	rows_start(&rows, b->kinds[1]->name);
	rows_put(&rows, STR("x"), LEVEL_NONE);
	for (int c = 0; c < b->kinds[1]->ncols; c++)
		cell_from_json(&b->kinds[1]->cols[c], v, &rows);
	struct msg *m = msg_new(MSG_ROWS, 0);
	m->body = rows;
	store_apply(store, m, 0);
	json_decref(v);
	while (s.nasked)
		speaker_over(&s, &s.asked[0]);
	free(s.asked);
	free(s.mistake);
	free(s.version);
	free(s.detail);
	source_stop(source, 0);
	store_free(store);
	inbox_free(in);
	b->unshape(b);
	yaml_doc_free(settings);
	return 0;
}
