/* can: whether an action may be done to an object, without doing it: yes, no or unknown, why, and an exit code for scripts. What
 * the guards forbid is known here; then the source is asked (REQ_ASK "can", base/permits.h), and where it does not know, for
 * the plan, which is what a key shows and changes nothing: a server that refuses already that says no. */
#include "base/mem.h"
#include "base/permits.h"
#include "cli/act.h"
#include "cli/print.h"
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct can {
	struct session *s;
	const char *action, *kind;
	struct source *from;
	const struct action *a;
	char *key;
	struct act *act;
	const char *word;            /* yes, no, unknown */
	char *why;
};

static void say(struct can *c, const char *word, const char *why)
{
	c->word = word;
	free(c->why);
	c->why = xstrdup(why);
}

static bool ask_source(struct can *c, int wait_ms)
{
	const char *slash = strchr(c->key, '/');
	json_t *params = json_pack("{s:s%}", "namespace", c->key, slash ? (size_t)(slash - c->key) : 0), *o, *may;
	char *text = json_dumps(params, JSON_COMPACT);
	bool ok = false;
	char *answer = session_ask(c->s, c->from, REQ_ASK, c->kind, str_of(c->key), "can", text, wait_ms, &ok);

	o = answer && ok ? json_loads(answer, 0, NULL) : NULL;
	may = json_object_get(json_object_get(o, "may"), c->action);
	if (json_is_true(may))
		say(c, "yes", "");
	else if (json_is_string(may))
		say(c, "no", json_string_value(may));
	json_decref(o);
	json_decref(params);
	free(text);
	free(answer);
	return c->word != NULL;
}

static bool is_planned(void *arg)
{
	return ((struct can *)arg)->act->state != ACT_PLANNING;
}

/* The plan without parameters: what is missing in it says nothing of permissions, a refusal does. */
static void ask_plan(struct can *c, int wait_ms)
{
	struct permits *p = permits_new(c->s->store, &c->s->clock);
	const char *keys[] = { c->key }, *why = NULL;

	actor_permits(c->s->actor, p);
	c->act = act_start(c->s->actor, c->from, c->a, c->kind, keys, 1, "{}", &why);
	if (c->act && !session_run(c->s, wait_ms, is_planned, c)) {
		say(c, "unknown", "no answer in time");
	} else {
		const char *not = c->act ? c->act->error ? c->act->error : c->act->decision.allowed ? NULL : c->act->decision.why : why;
		bool no = permits_refused(p, c->from, c->kind, str_of(c->key), c->action) != NULL;

		say(c, no ? "no" : "unknown", not ? not : "the plan stands, and the server tells no sooner than it is sent");
	}
	if (c->act)
		act_cancel(c->act);
	actor_permits(c->s->actor, NULL);
	permits_free(p);
}

static int print(const struct can *c)
{
	if (c->s->cli->json) {
		json_t *o = json_pack("{s:s, s:s, s:s, s:s, s:s, s:s}", "can", c->word, "why", c->why ? c->why : "", "action", c->action,
			"kind", c->kind, "key", c->key, "source", c->from->name);
		char *text = json_dumps(o, JSON_COMPACT | JSON_ENSURE_ASCII);

		puts(text ? text : "{}");
		free(text);
		json_decref(o);
	} else {
		printf("%s%s", c->word, c->why && *c->why ? ": " : "");
		print_text(stdout, c->why ? c->why : "", 0);
		putchar('\n');
	}
	return !strcmp(c->word, "yes") ? EXIT_OK : !strcmp(c->word, "no") ? EXIT_REFUSED : EXIT_FAILED;
}

/* In the order in which it costs: the guards, the source's answer, the plan. */
static int judge(struct can *c, int wait_ms)
{
	const char *keys[] = { c->key };
	struct decision d = actor_decide(c->s->actor, c->from, c->a, c->kind, keys, 1, false);

	if (!d.allowed)
		say(c, "no", d.why);
	else if (!ask_source(c, wait_ms))
		ask_plan(c, wait_ms);
	return print(c);
}

int cli_can(struct cli *cli)
{
	int code, wait_ms = cli->wait ? atoi(cli->wait) * 1000 : 30000;
	struct can c = { 0 };
	char *kind;

	if (cli->nargs != 3) {
		fputs("binnacle: can takes ACTION KIND NAME, such as: can restart deployments ml/model-api\n", stderr);
		return EXIT_USAGE;
	}
	c.s = session_open(cli, cli->seed ? SESSION_DEMO : SESSION_CONFIGURED, &code);
	if (!c.s)
		return code;
	session_start(c.s);
	kind = resolve_kind(c.s, cli->args[1], wait_ms);
	c.action = cli->args[0], c.kind = kind ? kind : cli->args[1];
	c.key = act_key(c.s, c.kind, cli->args[2]);
	c.from = kind ? act_source(c.s, c.action, c.kind, c.key) : NULL;
	code = kind ? EXIT_USAGE : unknown_kind(c.s, cli->args[1]);
	if (c.from) {
		c.a = action_find(c.from->backend, c.action, c.kind);
		code = judge(&c, wait_ms);
	}
	free(kind);
	free(c.key);
	free(c.why);
	session_close(c.s);
	return code;
}
