/* audit: what was done from here, by whom, and how it ended; read from the audit file when it has grown. */
#include "base/action.h"
#include "base/fmt.h"
#include "base/mem.h"
#include "panes/audit_line.h"
#include "tui/table_page.h"
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/types.h>

static const struct column columns[] = {
	{ .name = "age", .title = "WHEN", .type = COL_TIME, .width = 6 },
	{ .name = "user", .title = "USER", .type = COL_TEXT, .flags = COL_SHARED, .width = 10, .priority = 3 },
	{ .name = "source", .title = "SOURCE", .type = COL_TEXT, .flags = COL_SHARED, .width = 14, .priority = 4 },
	{ .name = "action", .title = "ACTION", .type = COL_TEXT, .flags = COL_SHARED, .width = 10 },
	{ .name = "target", .title = "TARGET", .type = COL_TEXT, .width = 34 },
	{ .name = "outcome", .title = "OUTCOME", .type = COL_STATUS, .flags = COL_SHARED, .width = 12 },
	{ .name = "reason", .title = "REASON", .type = COL_TEXT, .width = 20, .priority = 5 },
	{ .name = "runbook", .title = "RUNBOOK", .type = COL_TEXT, .flags = COL_SHARED, .width = 20, .priority = 6 },
	{ .name = "say", .title = "DETAIL", .type = COL_TEXT, .width = 40, .priority = 2 },
};
static const struct kind kind_audit = {
	.name = "audit", .singular = "audit line", .help = "what was done, by whom, and how it ended", .cols = columns,
	.ncols = ARRAY_SIZE(columns),
};

struct audit_pane {
	struct table *table;
	int64_t size;
	int64_t looked;
	unsigned wrong;
	char *error;
};

static struct str text_of(const json_t *o, const char *key)
{
	const json_t *v = json_object_get(o, key);
	return json_is_string(v) ? (struct str){ json_string_value(v), json_string_length(v) } : STR("");
}

static const char *guess(struct str state)
{
	return str_is(state, "done") ? "done" : str_is(state, "failed") ? "failed" : str_is(state, "cancelled") ? "cancelled" : "sent";
}

struct reading {
	struct audit_pane *pane;
	struct buf rows;
};

/* One row per act and target: the line of its outcome replaces the line of its start. */
static bool line(void *arg, unsigned number, const json_t *event, bool chain_ok)
{
	struct reading *r = arg;
	r->pane->wrong += !chain_ok;
	if (!event)
		return true;
	const json_t *target = json_object_get(event, "target");
	struct str state = text_of(event, "state"), say = text_of(event, "say"), what = text_of(target, "key");
	int64_t when = 0;
	char key[80];
	bool failed = str_is(state, "failed");
	snprintf(key, sizeof(key), "%08u", number);
	if (str_is(text_of(event, "event"), "run"))
		say = text_of(json_object_get(event, "plan"), "title");
	time_parse(text_of(event, "time"), &when);
	rows_put(&r->rows, str_of(key), failed ? LEVEL_BAD : state.n ? LEVEL_OK : LEVEL_DONE);
	cell_time(&r->rows, when);
	cell_text_or_null(&r->rows, text_of(event, "user"));
	cell_text_or_null(&r->rows, text_of(event, "source"));
	cell_text_or_null(&r->rows, text_of(event, "action"));
	cell_text_or_null(&r->rows, what);
	cell_text(&r->rows, str_of(guess(state)));
	cell_text_or_null(&r->rows, text_of(event, "reason"));
	cell_text_or_null(&r->rows, text_of(event, "runbook"));
	cell_text_or_null(&r->rows, say);
	return true;
}

static void read_file(struct audit_pane *a, const char *path)
{
	struct reading r = { .pane = a };
	char why[300];
	struct rd rd;
	a->wrong = 0;
	rows_start(&r.rows, kind_audit.name);
	rows_begin(&r.rows, STR(""));
	long n = audit_read(path, line, &r, why, sizeof(why));
	rows_end(&r.rows, STR(""));
	rows_open(&rd, buf_str(&r.rows));
	table_apply(a->table, 0, &rd, 0);
	buf_release(&r.rows);
	free(a->error);
	a->error = n < 0 ? xstrdup(why) : NULL;
}

static bool prepare(void *arg, struct page *p, struct app *app, int64_t now)
{
	struct audit_pane *a = arg;
	const struct audit *audit = actor_audit(app_actor(app));
	struct stat st;
	if (now - a->looked < 1000 || !audit)
		return false;
	a->looked = now;
	if (stat(audit_path(audit), &st) != 0 || st.st_size == a->size)
		return false;
	a->size = st.st_size;
	read_file(a, audit_path(audit));
	return true;
}

static bool empty(void *arg, const struct page *p, const struct app *app, int64_t now, struct buf *out)
{
	const struct audit_pane *a = arg;
	if (a->error)
		buf_adds(out, a->error);
	else if (a->table->count)
		return false;
	else
		buf_adds(out, "nothing was changed from here yet; every action will be a line in this list");
	return true;
}

static void title(void *arg, const struct page *p, const struct app *app, struct buf *out)
{
	const struct audit_pane *a = arg;
	if (a->wrong)
		buf_addf(out, "  %u lines were changed or lost: see binnacle audit verify", a->wrong);
	struct buf behind = { 0 };
	if (app_actor(app))
		actor_copies_say(app_actor(app), &behind);
	if (behind.len)
		buf_addf(out, "  %s", behind.data);
	buf_release(&behind);
}

static bool offers(void *arg, const struct command *c)
{
	static const char *const not_here[] = { "yaml", "reveal", "logs", "previous-logs", "why", "tree", "node",
		"events", "action" };
	for (size_t i = 0; i < ARRAY_SIZE(not_here); i++)
		if (strcmp(c->name, not_here[i]) == 0)
			return false;
	return true;
}

static bool command(void *arg, struct page *p, struct app *app, const struct command *c, struct str args)
{
	const struct audit *audit = actor_audit(app_actor(app));
	const struct row *r = table_page_row(p, NULL);
	if (!offers(arg, c))
		return true;
	if (strcmp(c->name, "open") && strcmp(c->name, "describe"))
		return false;
	if (r && audit)
		app_push(app, audit_line_page(app, audit_path(audit), (unsigned)atoi(row_key(r).p)));
	return true;
}

static void release(void *arg, struct app *app)
{
	struct audit_pane *a = arg;
	table_free(a->table);
	free(a->error);
	free(a);
}

static const struct table_hooks hooks = {
	.command = command, .offers = offers, .prepare = prepare, .empty = empty, .title = title, .free = release,
};

static struct page *open_pane(struct app *app, struct str args)
{
	struct audit_pane *a = xcalloc(1, sizeof(*a));
	a->table = table_new(&kind_audit);
	a->size = -1;
	struct page *p = table_page_over(app, a->table);
	table_page_hook(p, &hooks, a);
	table_page_sort(p, "age", true);
	return p;
}

const struct pane pane_audit = {
	.name = "audit", .help = "what was done from here, by whom, and how it ended", .open = open_pane,
};
