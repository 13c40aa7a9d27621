/* audit_line: see audit_line.h. The file is read twice: for the line itself, and for those that name the same act, undo it, or are
 * of its runbook. */
#include "panes/audit_line.h"
#include "base/audit.h"
#include "base/json_text.h"
#include "base/mem.h"
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

enum { RELATED_MOST = 60 };

struct finding { unsigned number; json_t *event; bool chain_ok; };
struct relating { const json_t *event; unsigned number, found; struct buf *out; };

static bool find(void *arg, unsigned number, const json_t *event, bool chain_ok)
{
	struct finding *f = arg;
	if (number != f->number)
		return true;
	f->event = event ? json_incref((json_t *)(uintptr_t)event) : NULL;
	f->chain_ok = chain_ok;
	return false;
}

static bool same(const json_t *a, const char *key_a, const json_t *b, const char *key_b)
{
	return *json_text(a, key_a) && !strcmp(json_text(a, key_a), json_text(b, key_b));
}

/* How the other line belongs to this one; NULL: it does not. */
static const char *relation(const json_t *mine, const json_t *other)
{
	if (same(mine, "undo_of", other, "act"))
		return "undoes";
	if (same(mine, "act", other, "undo_of"))
		return "undone by";
	if (same(mine, "act", other, "act"))
		return "same act";
	return same(mine, "runbook", other, "runbook") ? "same runbook" : NULL;
}

static bool relate(void *arg, unsigned number, const json_t *event, bool chain_ok)
{
	struct relating *r = arg;
	const char *how = event && number != r->number ? relation(r->event, event) : NULL;
	if (!how)
		return true;
	const char *title = json_text(json_object_get(event, "plan"), "title");
	if (!r->found++)
		buf_adds(r->out, "\nbelongs to it\n");
	buf_addf(r->out, "  %s: line %u, %s, %s %s: %s\n", how, number, json_text(event, "time"), json_text(event, "event"),
	         json_text(event, "action"), *title ? title : json_text(event, *json_text(event, "say") ? "say" : "state"));
	return r->found < RELATED_MOST;
}

static void one(struct buf *out, const char *label, const json_t *o, const char *key)
{
	if (*json_text(o, key))
		buf_addf(out, "%s: %s\n", label, json_text(o, key));
}

static void add_plan(struct buf *out, const json_t *plan)
{
	size_t i;
	json_t *v;
	if (!json_is_object(plan))
		return;
	buf_adds(out, "\nplan\n");
	one(out, "  title", plan, "title");
	json_array_foreach(json_object_get(plan, "change"), i, v)
		buf_addf(out, "  change: %s\n", json_is_string(v) ? json_string_value(v) : "");
	json_array_foreach(json_object_get(plan, "warnings"), i, v)
		buf_addf(out, "  warned: %s\n", json_is_string(v) ? json_string_value(v) : "");
	json_array_foreach(json_object_get(plan, "steps"), i, v) {
		json_t *body = json_object_get(v, "body");
		char *dump = json_is_string(body) ? xstrdup(json_string_value(body)) : body ? json_dumps(body, JSON_COMPACT) : NULL;
		buf_addf(out, "  %zu %s\n", i + 1, json_text(v, "do"));
		if (dump && *dump)
			buf_addf(out, "    %s\n", dump);
		free(dump);
	}
	one(out, "  dry run", plan, "dry_run");
	one(out, "  not undone", plan, "not_undone");
}

static void add_event(struct buf *out, const json_t *e)
{
	static const struct { const char *label, *key; } lines[] = {
		{ "time", "time" }, { "user", "user" }, { "host", "host" }, { "terminal", "tty" }, { "as", "as" }, { "event", "event" },
		{ "action", "action" }, { "source", "source" }, { "environment", "environment" }, { "risk", "risk" }, { "guard", "guard" },
		{ "guard rules", "rules" }, { "reason", "reason" }, { "state", "state" }, { "outcome", "say" }, { "runbook", "runbook" },
		{ "act", "act" }, { "undoes act", "undo_of" } };
	const json_t *target = json_object_get(e, "target"), *override = json_object_get(e, "override"), *by = json_object_get(e, "approved");
	json_t *params = json_object_get(e, "params");
	for (size_t i = 0; i < ARRAY_SIZE(lines); i++)
		one(out, lines[i].label, e, lines[i].key);
	buf_addf(out, "object: %s %s\n", json_text(target, "kind"), json_text(target, "key"));
	if (override)
		buf_addf(out, "overrode: %s, because: %s\n", json_text(override, "rules"), json_text(override, "reason"));
	if (by)
		buf_addf(out, "approved by: %s, code %s, signed %s\n", json_text(by, "by"), json_text(by, "code"), json_text(by, "answer"));
	if (params) {
		char *dump = json_dumps(params, JSON_COMPACT);
		buf_addf(out, "parameters: %s\n", dump ? dump : "");
		free(dump);
	}
	add_plan(out, json_object_get(e, "plan"));
}

struct page *audit_line_page(struct app *app, const char *path, unsigned number)
{
	struct finding f = { .number = number };
	struct buf out = { 0 };
	char why[300], title[40];
	snprintf(title, sizeof(title), "audit line %u", number);
	if (audit_read(path, find, &f, why, sizeof(why)) < 0)
		buf_addf(&out, "%s\n", why);
	else if (!f.event)
		buf_adds(&out, "this line is not there any more, or is not JSON\n");
	else {
		struct relating r = { f.event, number, 0, &out };
		if (!f.chain_ok)
			buf_adds(&out, "this line does not follow the line before it: one of them was changed, added or taken away\n\n");
		add_event(&out, f.event);
		audit_read(path, relate, &r, why, sizeof(why));
	}
	struct page *p = text_page_given(app, title, "describe", buf_str(&out));
	json_decref(f.event);
	buf_release(&out);
	return p;
}
