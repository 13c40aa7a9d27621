/* doctor: asks every source how it is. Each answers with a list of checks:
 *   [{"check": "reachable", "ok": true|false|null, "say": "...", "remedy": "..."}]    (null: could not be told) */
#include "base/json_text.h"
#include "base/mem.h"
#include "cli/print.h"
#include "cli/session.h"
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

static unsigned print_check(const json_t *check)
{
	const json_t *ok = json_object_get(check, "ok");
	const char *sign = json_is_true(ok) ? "ok" : json_is_false(ok) ? "WRONG" : "?";
	printf("  %-6s ", sign);
	print_text(stdout, json_text(check, "check"), 15);
	print_text(stdout, json_text(check, "say"), 0);
	if (!json_is_true(ok) && *json_text(check, "remedy")) {
		printf("\n  %-6s %-14s -> ", "", "");
		print_text(stdout, json_text(check, "remedy"), 0);
	}
	putchar('\n');
	return json_is_false(ok);
}

/* The answer as a list of checks; a plain sentence becomes one that failed. Caller decrefs. */
static json_t *checks_of(const char *answer, bool ok, const char *remedy)
{
	json_t *list = answer && ok ? json_loads(answer, 0, NULL) : NULL;
	if (json_is_array(list))
		return list;
	json_decref(list);
	return json_pack("[{s:s, s:b, s:s, s:s}]", "check", "reachable", "ok", 0, "say", answer ? answer : "no answer in time",
	                 "remedy", remedy);
}

static bool any_event(void *arg, const struct history_event *e)
{
	return false;
}

/* Where what is seen is kept. */
static json_t *history_checks(struct session *s, int wait_ms)
{
	struct history_shared h;
	char *why = NULL;
	json_t *list = json_array();
	bool ok = history_read(s->history, &(struct history_query){ .kind = "timeline", .limit = 1 }, any_event, NULL, &why);
	json_array_append_new(list, json_pack("{s:s, s:b, s:s}", "check", "local history", "ok", ok, "say", ok ? "can be read and written" : why));
	free(why);
	history_settle(s->history, wait_ms < 5000 ? wait_ms : 5000);
	history_shared(s->history, &h);
	if (h.on && h.well)
		json_array_append_new(list, json_pack("{s:s, s:b, s:s}", "check", "team's history", "ok", 1, "say", "shared through PostgreSQL"));
	else if (h.on)
		json_array_append_new(list, json_pack("{s:s, s:b, s:s, s:s}", "check", "team's history", "ok", 0, "say", *h.why ? h.why :
		                      "no answer in time", "remedy", "nothing is lost: it is kept here and copied when the database is back"));
	return list;
}

static unsigned print_list(json_t *list, bool json)
{
	unsigned wrong = 0;
	json_t *check;
	size_t k;
	json_array_foreach(list, k, check)
		wrong += json ? json_is_false(json_object_get(check, "ok")) : print_check(check);
	return wrong;
}

int cli_doctor(struct cli *c)
{
	int code, wait_ms = c->wait ? atoi(c->wait) * 1000 : 30000;
	unsigned wrong = 0;
	struct session *s = session_open(c, SESSION_CONFIGURED, &code);
	if (!s)
		return code;
	session_start(s);
	json_t *all = json_object();
	for (unsigned i = 0; i < s->nsources; i++) {
		bool ok;
		char *answer = session_ask(s, s->sources[i], REQ_ASK, "", STR(""), "doctor", "", wait_ms, &ok);
		json_t *list = checks_of(answer, ok, s->store->sources[i].remedy);
		if (!c->json)
			printf("%s (%s)%s%s\n", s->sources[i]->name, s->sources[i]->backend->title,
			       *s->sources[i]->environment ? ", environment " : "", s->sources[i]->environment);
		wrong += print_list(list, c->json);
		json_object_set_new(all, s->sources[i]->name, list);
		free(answer);
	}
	if (s->history) {
		json_t *list = history_checks(s, wait_ms);
		if (!c->json)
			puts("history");
		wrong += print_list(list, c->json);
		json_object_set_new(all, "history", list);
	}
	if (c->json) {
		json_dumpf(all, stdout, JSON_INDENT(2));
		putchar('\n');
	}
	json_decref(all);
	session_close(s);
	return wrong ? EXIT_FAILED : EXIT_OK;
}
