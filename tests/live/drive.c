/* drive: asks a source (Kubernetes, unless --source says otherwise) from a shell, for tests against genuine servers: a store, the action machine and an
 * audit file as in the program, but no screen.
 *
 *   drive [options] open WHAT KIND KEY [PARAMS]     print the text
 *   drive [options] ask WHAT KIND KEY [PARAMS]      print the answer
 *   drive [options] plan ACTION KIND KEY [PARAMS]   print the plan; nothing is changed
 *   drive [options] act ACTION KIND KEY[,KEY] [PARAMS]   plan, confirm, run; prints each step
 *     --source YAML        its settings, "{type: airflow, url: ...}"
 *     --kubeconfig FILE --context NAME   where (else $KUBECONFIG)
 *     --audit FILE         the audit file (else /dev/null is not good enough: act needs one)
 *     --environment NAME   --readonly   --type TEXT (what the user types)
 *     --guards YAML        rules as under guards: in binnacle.yaml
 *     --between COMMAND    run by the shell after the plan came, before it is confirmed
 *     --cancel MS          cancel so long after the run began
 *     --undo               undo it afterwards
 *     --go-on              of several keys: go on when one fails
 *     --wait MS            for one answer (60000)
 * Exit: 0 well, 1 refused or failed, 2 usage, 3 no answer in time. */
#define _GNU_SOURCE
#include "backends/list.h"
#include "base/action.h"
#include "base/kinds.h"
#include "base/mem.h"
#include "base/yaml.h"
#include <jansson.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>

struct drive {
	const char *settings, *kubeconfig, *context, *audit, *environment, *typed, *between, *laws;
	int wait_ms, cancel_ms;
	bool readonly, undo, go_on;
	struct store *store;
	struct inbox *inbox;
	struct source *source;
	bool over, ok;
};

static void on_reply(void *arg, const struct msg *m)
{
	struct drive *d = arg;
	struct msg_text t;
	struct msg_answer a;

	if (m->type == MSG_TEXT && msg_get_text(m, &t)) {
		fwrite(t.chunk.p, 1, t.chunk.n, t.flags & TEXT_ERROR ? stderr : stdout);
		d->over = t.flags & TEXT_END;
		d->ok = !(t.flags & TEXT_ERROR);
	} else if (m->type == MSG_ANSWER && msg_get_answer(m, &a)) {
		json_t *v = a.ok ? json_loadb(a.json.p, a.json.n, JSON_DECODE_ANY, NULL) : NULL;

		if (v)
			json_dumpf(v, stdout, JSON_INDENT(2) | JSON_ENCODE_ANY);
		else
			fwrite(a.json.p, 1, a.json.n, stderr);
		putchar('\n');
		json_decref(v);
		d->over = true;
		d->ok = a.ok;
	}
}

static void take(struct drive *d, int wait_ms)
{
	struct pollfd p = { inbox_fd(d->inbox), POLLIN, 0 };
	struct msg *m;

	poll(&p, 1, wait_ms);
	while ((m = inbox_take(d->inbox)))
		while (store_apply(d->store, m, 0))
			m = NULL;
}

static int ask(struct drive *d, enum req_type type, char **arg)
{
	uint64_t id = source_ask(d->source, request_new(type, arg[1], str_of(arg[2]), arg[0], arg[3] ? arg[3] : ""));

	store_expect(d->store, id, on_reply, d);
	for (int64_t end = clock_mono(&clock_system) + d->wait_ms; !d->over && clock_mono(&clock_system) < end;)
		take(d, 20);
	if (!d->over)
		fprintf(stderr, "drive: no answer in %d ms\n", d->wait_ms);
	return !d->over ? 3 : !d->ok;
}

/* Takes messages until the act is in another state; prints its log as it grows. */
static bool wait_act(struct drive *d, struct act *act, enum act_state from)
{
	unsigned printed = 0;
	int64_t began = clock_mono(&clock_system), waited;

	while ((waited = clock_mono(&clock_system) - began) < d->wait_ms && act->state == from) {
		take(d, 20);
		for (; printed < act->nlog; printed++)
			printf("step: %s\n", act->log[printed].say);
		if (from == ACT_RUNNING && d->cancel_ms && waited >= d->cancel_ms) {
			act_cancel(act);
			d->cancel_ms = 0;
		}
	}
	if (act->state == from)
		fprintf(stderr, "drive: still %s after %d ms\n", act_state_name(from), d->wait_ms);
	return act->state != from;
}

static int carry_out(struct drive *d, struct act *act)
{
	if (!act)
		return 1;
	if (!wait_act(d, act, ACT_PLANNING))
		return 3;
	for (unsigned i = 0; i < act->ntargets; i++) {
		printf("plan: ");
		json_dumpf(act->targets[i].plan, stdout, JSON_INDENT(1) | JSON_ENCODE_ANY);
		putchar('\n');
	}
	fflush(stdout);
	if (d->go_on)
		act_go_on(act, true);
	if (d->between && system(d->between) != 0)
		fprintf(stderr, "drive: the command between failed\n");
	if (act->state == ACT_SHOWN && !act_confirm(act, d->typed) && act->state != ACT_FAILED)
		fprintf(stderr, "refused: %s\n", act->error);
	if (act->state == ACT_RUNNING && !wait_act(d, act, ACT_RUNNING))
		return 3;
	for (unsigned i = 0; act->ntargets > 1 && i < act->ntargets; i++)
		printf("row: %s %s: %s\n", act->targets[i].key, act_state_name(act->targets[i].state),
		       act->targets[i].said ? act->targets[i].said : "");
	printf("state: %s%s%s\n", act_state_name(act->state), act->error ? ": " : "", act->error ? act->error : "");
	return act->state != ACT_DONE;
}

static int act(struct drive *d, char **arg)
{
	const struct guard_rule rules[] = { { "prod", GUARD_TYPE_NAME, 1 }, { "test", GUARD_CONFIRM, 5 } };
	const struct action *a = action_find(d->source->backend, arg[0], arg[1]);
	char why[400] = "", *key = strdup(arg[2]), *next = key;
	const char *keys[16], *refused = NULL;
	unsigned n = 0;
	struct audit *audit = audit_open(d->audit ? d->audit : "/dev/full", &clock_system, why, sizeof(why));
	struct yaml_error err;
	struct yaml_doc *laws = d->laws ? yaml_parse(str_of(d->laws), &err) : NULL;
	struct actor *ar = actor_new(d->store, audit, guards_new(rules, ARRAY_SIZE(rules), laws ? yaml_root(laws) : NULL), &clock_system);
	struct act *one;
	int rc;

	if (!a) {
		fprintf(stderr, "drive: no action '%s' on %s\n", arg[0], arg[1]);
		return 2;
	}
	while (next && n < ARRAY_SIZE(keys))
		keys[n++] = strsep(&next, ",");
	one = act_start(ar, d->source, a, arg[1], keys, n, arg[3] ? arg[3] : "", &refused);
	rc = carry_out(d, one);
	if (one && rc != 3 && d->undo) {
		d->between = NULL;
		one = act_undo(one, &refused);
		rc = carry_out(d, one);
	}
	if (refused)
		fprintf(stderr, "refused: %s\n", refused);
	actor_free(ar);
	if (laws)
		yaml_doc_free(laws);
	audit_close(audit);
	free(key);
	return rc;
}

static bool options(struct drive *d, int argc, char **argv, int *at)
{
	struct { const char *name; const char **text; int *number; bool *flag; } all[] = {
		{ "--source", &d->settings, NULL, NULL }, { "--kubeconfig", &d->kubeconfig, NULL, NULL }, { "--context", &d->context, NULL, NULL },
		{ "--audit", &d->audit, NULL, NULL }, { "--environment", &d->environment, NULL, NULL },
		{ "--type", &d->typed, NULL, NULL }, { "--between", &d->between, NULL, NULL },
		{ "--guards", &d->laws, NULL, NULL },
		{ "--cancel", NULL, &d->cancel_ms, NULL }, { "--wait", NULL, &d->wait_ms, NULL },
		{ "--readonly", NULL, NULL, &d->readonly }, { "--undo", NULL, NULL, &d->undo },
		{ "--go-on", NULL, NULL, &d->go_on },
	};

	for (*at = 1; *at < argc && !strncmp(argv[*at], "--", 2); ++*at) {
		size_t i = 0;

		while (i < ARRAY_SIZE(all) && strcmp(all[i].name, argv[*at]))
			i++;
		if (i == ARRAY_SIZE(all) || (!all[i].flag && *at + 1 == argc))
			return false;
		if (all[i].flag)
			*all[i].flag = true;
		else if (all[i].text)
			*all[i].text = argv[++*at];
		else
			*all[i].number = atoi(argv[++*at]);
	}
	return argc - *at >= 4;
}

static void describe_source(const struct drive *d, struct buf *out)
{
	if (d->settings) {
		buf_adds(out, d->settings);
		return;
	}
	buf_adds(out, "{type: kubernetes");
	if (d->kubeconfig)
		buf_addf(out, ", kubeconfig: '%s'", d->kubeconfig);
	if (d->context)
		buf_addf(out, ", context: '%s'", d->context);
	buf_adds(out, "}");
}

static const struct backend *backend_of(const struct yaml *settings)
{
	const char *type = yaml_text(settings, "type");
	for (const struct backend *const *b = backends_all; type && *b; b++)
		if (!strcmp((*b)->name, type))
			return *b;
	return NULL;
}

int main(int argc, char **argv)
{
	struct drive d = { .environment = "test", .wait_ms = 60000 };
	struct buf settings = { 0 };
	struct yaml_error err;
	struct yaml_doc *doc;
	int at, rc = 2;

	if (!options(&d, argc, argv, &at)) {
		fprintf(stderr, "usage: drive [options] open|ask|plan|act WHAT KIND KEY [PARAMS]\n");
		return 2;
	}
	describe_source(&d, &settings);
	doc = yaml_parse(buf_str(&settings), &err);
	if (!doc || !backend_of(yaml_root(doc))) {
		fprintf(stderr, "drive: no source: %s\n", doc ? "unknown type" : err.what);
		return 2;
	}
	d.store = store_new(&clock_system);
	for (const struct kind *const *k = kinds_all; *k; k++)
		store_add_kind(d.store, *k);
	d.inbox = inbox_new(4 << 20);
	d.source = source_new(store_add_source(d.store, "cluster", d.environment), "cluster", d.environment,
	                      backend_of(yaml_root(doc)), yaml_root(doc), &clock_system, d.inbox);
	d.source->readonly = d.readonly;
	source_start(d.source);
	if (!strcmp(argv[at], "open"))
		rc = ask(&d, REQ_OPEN, argv + at + 1);
	else if (!strcmp(argv[at], "ask"))
		rc = ask(&d, REQ_ASK, argv + at + 1);
	else if (!strcmp(argv[at], "plan"))
		rc = ask(&d, REQ_PLAN, argv + at + 1);
	else if (!strcmp(argv[at], "act"))
		rc = act(&d, argv + at + 1);
	source_stop(d.source, 3000);
	store_free(d.store);
	inbox_free(d.inbox);
	yaml_doc_free(doc);
	buf_release(&settings);
	return rc;
}
