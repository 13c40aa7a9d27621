/* app_kind: a word that no table knows may be a kind of some cluster (a custom resource): whoever knows the kinds of a
 * cluster is asked, and the list opens with the answer. */
#include "base/mem.h"
#include "tui/app_in.h"
#include <jansson.h>
#include <stdlib.h>

struct kind_quest {
	struct app *app;
	char *word, *filter;
	uint64_t ids[8];
	unsigned n, left;
};

static void end(struct kind_quest *q)
{
	for (unsigned i = 0; i < q->n; i++)
		store_forget(q->app->o.store, q->ids[i]);
	q->app->quest = NULL;
	free(q->word);
	free(q->filter);
	free(q);
}

static void open_list(struct app *app, const char *kind, struct str filter)
{
	const struct kind *k = store_kind(app->o.store, str_of(kind));
	if (k)
		app_open_kind(app, k, filter);
	else
		app_push(app, table_page_new(app, kind, filter));
}

static void answered(void *arg, const struct msg *m)
{
	struct kind_quest *q = arg;
	struct msg_answer a;
	if (!msg_get_answer(m, &a))
		return;
	json_t *j = a.ok ? json_loadb(a.json.p, a.json.n, 0, NULL) : NULL;
	const char *kind = json_string_value(json_object_get(j, "kind"));
	q->left--;
	if (kind)
		open_list(q->app, kind, str_of(q->filter));
	else if (!q->left)
		app_say(q->app, true, "no command, pane or kind '%s'", q->word);
	if (kind || !q->left)
		end(q);
	json_decref(j);
}

void app_drop_quest(struct app *app)
{
	if (app->quest)
		end(app->quest);
}

bool app_find_kind(struct app *app, struct str word, struct str filter)
{
	struct kind_quest *q = xcalloc(1, sizeof(*q));
	app_drop_quest(app);
	*q = (struct kind_quest){ .app = app, .word = str_dup(word), .filter = str_dup(filter) };
	for (unsigned i = 0; i < app->o.nsources && q->n < ARRAY_SIZE(q->ids); i++) {
		struct source *s = app->o.sources[i];
		if (!backend_fills(s->backend, "pods"))
			continue;
		q->ids[q->n] = source_ask(s, request_new(REQ_ASK, "", word, "kind", ""));
		store_expect(app->o.store, q->ids[q->n++], answered, q);
	}
	q->left = q->n;
	app->quest = q;
	if (!q->n)
		app_drop_quest(app);
	return app->quest != NULL;
}
