/* Runbooks against a registry and an endpoint that do as their parameters say; time passes fifty times as fast. */
#define _GNU_SOURCE
#include <dirent.h>
#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include <cmocka.h>
#include "tests/unit/forged.h"
#include <jansson.h>
#include <math.h>
#include "base/kinds.h"
#include "base/mem.h"
#include "base/registry.h"
#include "base/runbook.h"
#include "base/serving.h"

/* ---- the world: who is champion, what is served, and what was done to them, in order */

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static atomic_int champion, served, ended;      /* ended: what a poke makes ends by itself */
static char did[2000];
static const char *taken = "unknown";

static void note(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
static void note(const char *fmt, ...)
{
	va_list ap;
	pthread_mutex_lock(&lock);
	va_start(ap, fmt);
	vsnprintf(did + strlen(did), sizeof(did) - strlen(did), fmt, ap);
	va_end(ap);
	strcat(did, " ");
	pthread_mutex_unlock(&lock);
}

static int64_t born;
static int64_t fast_mono(void *arg)
{
	return (clock_mono(&clock_system) - born) * 50;
}
static int64_t fast_wall(void *arg)
{
	return 1800000000000 + *(int64_t *)arg + fast_mono(arg);
}
static int64_t shift;
static const struct clock fast = { fast_wall, fast_mono, &shift };

/* ---- the source */

static void plan(struct link *l, const struct request *r)
{
	json_t *params = json_loads(r->params, 0, NULL), *o, *target, *version = json_object_get(params, "version");
	const char *how = json_string_value(json_object_get(params, "how"));
	int to = version ? atoi(json_string_value(version)) : !strcmp(r->what, "promote") ? atoi(strchr(r->key, '/') + 1) : 5;
	if (how && !strcmp(how, "noplan")) {
		link_fail(l, r->id, "it does not want to");
		json_decref(params);
		return;
	}
	target = json_pack("{s:s, s:s, s:s?}", "kind", r->kind, "key", r->key, "how", how);
	o = json_pack("{s:o, s:o, s:[{s:s}]}", "title", json_sprintf("%s %s", r->what, r->key), "target", target, "steps", "do", r->what);
	if (!strcmp(r->what, "promote") || !strcmp(r->what, "rollback")) {
		json_object_set_new(target, "to", json_integer(to));
		if (to == champion)
			json_object_set_new(o, "already", json_string("it is champion already"));
		else
			json_object_set_new(o, "undo", json_pack("{s:s, s:{s:o}}", "action", "rollback", "params", "version",
				json_sprintf("%d", (int)champion)));
	} else if (how && (!strcmp(how, "makes") || !strcmp(how, "diemakes")) && !strcmp(r->what, "poke")) {
		json_object_set_new(o, "undo", json_pack("{s:s, s:{}, s:s, s:s}", "action", "end", "params", "kind", "versions", "key", "m/run"));
		json_object_set_new(o, "not_undone", json_string("what it wrote stays written"));
	} else if (!strcmp(r->what, "poke") && !(how && !strcmp(how, "forever"))) {
		json_object_set_new(o, "undo", json_pack("{s:s, s:{s:s?}, s:b}", "action", "unpoke", "params", "how", how, "last",
			how && !strcmp(how, "last")));
	}
	if (how && !strcmp(how, "already"))
		json_object_set_new(o, "already", json_string("it is poked"));
	if (!strcmp(r->what, "end") && ended)
		json_object_set_new(o, "already", json_string("it has ended already"));
	if (how && !strcmp(how, "secretly") && !strcmp(r->what, "poke"))
		json_object_set_new(json_object_get(json_object_get(o, "undo"), "params"), "token", json_string("hunter2"));
	char *text = json_dumps(o, 0);
	link_answer(l, r->id, true, str_of(text));
	free(text);
	json_decref(o);
	json_decref(params);
}

static void send_endpoint(struct link *l)
{
	struct msg *m = msg_new(MSG_ROWS, 0);
	char version[16];
	snprintf(version, sizeof(version), "%d", (int)served);
	rows_start(&m->body, "modelendpoints");
	rows_begin(&m->body, STR(""));
	endpoint_put(&m->body, &(struct endpoint){ .key = STR("key-of-api"), .name = STR("api"), .status = STR("ready"), .version = str_of(version),
		.p50 = NAN, .p99 = NAN, .explains = -1 });
	rows_end(&m->body, STR(""));
	link_send(l, m);
}

static void send_promotions(struct link *l)
{
	struct msg *m = msg_new(MSG_ROWS, 0);
	rows_start(&m->body, "promotions");
	rows_begin(&m->body, STR(""));
	for (int v = 3; v < 6; v++)
		promotion_put(&m->body, &(struct reg_promotion){ .key = v == 3 ? STR("3") : v == 4 ? STR("4") : STR("5"), .model = STR("m"),
			.version = v == 3 ? STR("v3") : v == 4 ? STR("v4") : STR("v5"), .what = STR("became champion"), .time = v * 1000000000000 / 3,
			.samples = -1 });
	rows_end(&m->body, STR(""));
	link_send(l, m);
}

/* Twelve inputs of v6 in the log. */
static void send_predictions(struct link *l)
{
	struct msg *m = msg_new(MSG_ROWS, 0);
	rows_start(&m->body, "predictions");
	rows_begin(&m->body, STR(""));
	for (int i = 0; i < 12; i++) {
		char key[8], inputs[40];
		snprintf(key, sizeof(key), "%d", i);
		snprintf(inputs, sizeof(inputs), "{\"x\": %d}", i);
		prediction_put(&m->body, &(struct prediction){ .key = str_of(key), .id = str_of(key), .model = STR("m"), .version = STR("6"), .time =
			1800000000000 + i, .value = 100, .inputs = str_of(inputs), .latency_ms = NAN });
	}
	rows_end(&m->body, STR(""));
	link_send(l, m);
}

/* How the endpoint answers before the first step, and once v7 is champion. */
static struct { int fails, ms; double value; } answers[2];
static atomic_int predicted[2];

static void predict(struct link *l, const struct request *r)
{
	int now = champion == 7;
	char text[100];
	int n = atomic_fetch_add(&predicted[now], 1);
	if (n % 5 < answers[now].fails) {
		link_fail(l, r->id, "503: told to");
		return;
	}
	snprintf(text, sizeof(text), "{\"prediction\": %g, \"latency_us\": %d, \"version\": \"%d\"}", answers[now].value, answers[now].ms * 1000, (int)champion);
	link_answer(l, r->id, true, str_of(text));
}

static void run(struct link *l, const struct request *r)
{
	json_t *params = json_loads(r->params, 0, NULL), *target = json_object_get(json_object_get(params, "plan"), "target");
	const char *how = json_string_value(json_object_get(target, "how"));
	bool fails = how && (!strcmp(how, "fail") || !strcmp(how, "lost") || (!strcmp(how, "stuck") && !strcmp(r->what, "unpoke")));
	if (how && !strncmp(how, "die", 3) && !strcmp(r->what, "poke"))
		_exit(9);
	if (json_object_get(target, "to"))
		champion = (int)json_integer_value(json_object_get(target, "to"));
	if (json_object_get(target, "to"))
		note("%s:%d", r->what, (int)champion);
	else
		note("%s:%s", r->what, how ? how : r->key);
	link_step(l, r->id, (struct msg_step){ .state = STEP_FINISHED, .ok = !fails, .say = fails ? STR("it broke") : STR("well"),
		.unknown = how && !strcmp(how, "lost") });
	json_decref(params);
}

static void body(struct link *l)
{
	link_health(l, (struct msg_health){ .state = HEALTH_LIVE });
	while (!link_closing(l)) {
		struct request *r = link_take(l, -1);
		if (!r)
			continue;
		if (r->type == REQ_PLAN)
			plan(l, r);
		else if (r->type == REQ_RUN)
			run(l, r);
		else if (r->type == REQ_WATCH && !strcmp(r->kind, "modelendpoints"))
			send_endpoint(l);
		else if (r->type == REQ_WATCH && !strcmp(r->kind, "promotions"))
			send_promotions(l);
		else if (r->type == REQ_WATCH && !strcmp(r->kind, "predictions"))
			send_predictions(l);
		else if (r->type == REQ_ASK && !strcmp(r->what, "predict"))
			predict(l, r);
		else if (r->type == REQ_ASK && !strcmp(r->what, "taken")) {
			char text[80];
			snprintf(text, sizeof(text), "{\"taken\": \"%s\", \"say\": \"looked\"}", taken);
			link_answer(l, r->id, true, str_of(text));
		} else if (r->type == REQ_ASK) {
			link_fail(l, r->id, "nothing is known of that here");
		}
		request_free(r);
	}
}

static const char *const versions[] = { "versions", NULL }, *const models[] = { "models", "versions", NULL }, *const ends[] = { "modelendpoints", NULL };
static const struct action promote = { "promote", "Promote", "", versions, RISK_DISRUPTIVE, false, NULL },
	rollback = { "rollback", "Roll back", "", models, RISK_DISRUPTIVE, false, NULL },
	poke = { "poke", "Poke", "", ends, RISK_DISRUPTIVE, false, NULL }, unpoke = { "unpoke", "Unpoke", "", ends, RISK_DISRUPTIVE, false, NULL },
	end = { "end", "End", "", versions, RISK_DISRUPTIVE, false, NULL };
static const struct action *const actions[] = { &promote, &rollback, &poke, &unpoke, &end, NULL };
static const struct kind *const fills[] = { &kind_modelendpoints, &kind_predictions, &kind_promotions, &kind_versions, &kind_models, NULL };
static const struct backend backend = { .name = "fake", .actions = actions, .kinds = fills, .run = body };

/* ---- the main thread */

static char dir[64];
struct desk {
	struct store *store;
	struct inbox *inbox;
	struct source *source[1];
	struct audit *audit;
	struct actor *actor;
	struct config *config;
	struct runbooks *rs;
};
static const struct guard_rule rules[] = { { "dev", GUARD_CONFIRM, 3 }, { "prod", GUARD_TYPE_NAME, 2 }, { "vault", GUARD_READONLY, 9 } };

static struct { const char *environment, *rules, *entry; } later;       /* how whoever recovers is guarded and configured; NULL: as before */
static struct yaml_doc *later_doc;

/* The folder stays: another desk opens on it as another program would. */
static void desk_open(struct desk *d, const char *environment, const char *entry)
{
	char why[300], *path = xasprintf("%s/audit.jsonl", dir), *folder = xasprintf("%s/runbooks", dir);
	char *text = xasprintf("promotions: {m: %s}", entry);
	const struct config_type_keys none = { 0 };
	struct config_errors errors = { 0 };
	*d = (struct desk){ .store = store_new(&fast), .inbox = inbox_new(1 << 20) };
	for (const struct kind *const *k = kinds_all; *k; k++)
		store_add_kind(d->store, *k);
	d->config = config_parse(str_of(text), "test", &none, &errors);
	if (!d->config)
		fail_msg("%s", errors.list[0].what);
	d->source[0] = source_new(store_add_source(d->store, "s", environment), "s", environment, &backend, NULL, &fast, d->inbox);
	d->store->sources[0].source = d->source[0];
	d->audit = audit_open(path, &fast, why, sizeof(why));
	d->actor = actor_new(d->store, d->audit, guards_new(rules, 3, later_doc ? yaml_root(later_doc) : NULL), &fast);
	d->rs = runbooks_new(d->actor, d->store, d->source, 1, d->config, folder, &fast);
	source_start(d->source[0]);
	free(text);
	free(path);
	free(folder);
}

static void desk_close(struct desk *d)
{
	runbooks_free(d->rs);
	actor_free(d->actor);
	source_stop(d->source[0], 30000);
	audit_close(d->audit);
	store_free(d->store);
	inbox_free(d->inbox);
	config_free(d->config);
}

static int fresh(void **state)
{
	snprintf(dir, sizeof(dir), "/tmp/binnacle-runbook-XXXXXX");
	assert_non_null(mkdtemp(dir));
	champion = served = 6;
	ended = 0;
	did[0] = '\0';
	taken = "unknown";
	return 0;
}

static int clean(void **state)
{
	char command[100];
	snprintf(command, sizeof(command), "rm -rf %s", dir);
	return system(command);
}

static void turn(struct desk *d)
{
	struct pollfd p = { inbox_fd(d->inbox), POLLIN, 0 };
	struct msg *m;
	poll(&p, 1, 5);
	while ((m = inbox_take(d->inbox)))
		store_apply(d->store, m, 0);
	runbooks_tick(d->rs, clock_wall(&fast));
}

static void until(struct desk *d, struct runbook *r, enum runbook_state want)
{
	for (int i = 0; (r->state != want || runbook_looking(r)) && i < 20000; i++)
		turn(d);
	if (r->state != want)
		fail_msg("it is %s, not %s: %s%s", runbook_state_name(r->state), runbook_state_name(want), r->error ? r->error : "", r->ask ? r->ask : "");
}

static struct runbook *shown(struct desk *d, bool hold)
{
	const char *why = "";
	struct runbook *r = runbook_start(d->rs, &(struct runbook_order){ .verb = "promote", .registry = d->source[0], .model = "m", .version = "7",
		.reason = "better", .hold = hold }, &why);
	if (!r)
		fail_msg("%s", why);
	until(d, r, RUNBOOK_SHOWN);
	return r;
}

static struct runbook *confirmed(struct desk *d, bool hold)
{
	struct runbook *r = shown(d, hold);
	if (!runbook_confirm(r, NULL, NULL))
		fail_msg("%s", r->error);
	return r;
}

#define POKE(how) "{action: poke, kind: modelendpoints, name: api, params: {how: " how ", to: 'v{version} after {previous}'}}"
#define STEPS(list) "{steps: [" list "]}"

/* All files of the journals' folder in one text; n counts the unfinished. */
static char *journal_text(unsigned *unfinished)
{
	struct buf b = { 0 };
	char *folder = xasprintf("%s/runbooks", dir);
	DIR *at = opendir(folder);
	*unfinished = 0;
	for (struct dirent *e; at && (e = readdir(at));) {
		char *path = xasprintf("%s/%s", folder, e->d_name), line[4096];
		FILE *f = *e->d_name == '.' ? NULL : fopen(path, "r");
		struct stat st;
		*unfinished += f && !strstr(e->d_name, ".over.");
		if (f && fstat(fileno(f), &st) == 0)
			assert_int_equal(st.st_mode & 0777, 0600);
		for (size_t n; f && (n = fread(line, 1, sizeof(line), f));)
			buf_add(&b, line, n);
		if (f)
			fclose(f);
		free(path);
	}
	if (at)
		closedir(at);
	free(folder);
	return buf_detach(&b);
}

/* ---- tests */

static void test_order(void **state)
{
	struct desk d;
	unsigned unfinished;
	desk_open(&d, "dev", STEPS(POKE("a") ", " POKE("b") ", " POKE("already")));
	struct runbook *r = shown(&d, false);
	assert_string_equal(r->previous, "6");
	assert_int_equal(r->nsteps, 4);
	assert_string_equal(r->steps[1].key, "key-of-api");          /* by its name */
	assert_non_null(strstr(r->steps[1].params, "v7 after 6"));
	assert_string_equal(did, "");
	char *text = journal_text(&unfinished);
	assert_string_equal(text, "");                               /* nothing is confirmed: nothing is written */
	free(text);
	assert_true(runbook_confirm(r, NULL, NULL));
	until(&d, r, RUNBOOK_DONE);
	assert_string_equal(did, "promote:7 poke:a poke:b ");
	assert_int_equal(r->steps[3].state, RSTEP_ALREADY);
	text = journal_text(&unfinished);
	assert_int_equal(unfinished, 0);
	assert_non_null(strstr(text, "\"over\""));
	free(text);
	assert_true(runbook_can_undo(r));
	assert_true(runbook_choose(r, RUNBOOK_GO_BACK, NULL));             /* the whole, afterwards */
	until(&d, r, RUNBOOK_UNDONE);
	assert_string_equal(did, "promote:7 poke:a poke:b unpoke:b unpoke:a rollback:6 ");
	desk_close(&d);
}

static void test_goes_back(void **state)
{
	struct desk d;
	desk_open(&d, "dev", STEPS(POKE("last") ", " POKE("b") ", " POKE("forever") ", " POKE("fail")));
	struct runbook *r = confirmed(&d, false);
	until(&d, r, RUNBOOK_UNDONE);
	/* the last first; what needs the others taken back, after them */
	assert_string_equal(did, "promote:7 poke:last poke:b poke:forever poke:fail unpoke:b rollback:6 unpoke:last ");
	assert_int_equal(r->steps[3].state, RSTEP_STAYS);
	assert_int_equal(r->steps[4].state, RSTEP_FAILED);
	assert_non_null(strstr(r->error, "it broke"));
	desk_close(&d);
}

/* What a step made is ended by an act on that row; what has ended by itself stays, and both are told. */
static void test_undo_of_what_it_made(void **state)
{
	for (int i = 0; i < 2; i++) {
		struct desk d;
		clean(NULL);
		fresh(NULL);
		ended = i;
		desk_open(&d, "dev", STEPS(POKE("makes") ", " POKE("fail")));
		struct runbook *r = confirmed(&d, false);
		until(&d, r, RUNBOOK_UNDONE);
		assert_string_equal(did, ended ? "promote:7 poke:makes poke:fail rollback:6 " : "promote:7 poke:makes poke:fail end:m/run rollback:6 ");
		assert_int_equal(r->steps[1].state, ended ? RSTEP_STAYS : RSTEP_UNDONE);
		assert_string_equal(r->steps[1].say, ended ? "it has ended already; what it wrote stays written" : "well; what it wrote stays written");
		assert_int_equal(strstr(r->error, "step 2 (poke key-of-api) stays: it has ended already") != NULL, ended);
		desk_close(&d);
	}
}

static void test_first_fails(void **state)
{
	struct desk d;
	const char *why = "";
	desk_open(&d, "dev", STEPS(POKE("noplan")));
	struct runbook *r = shown(&d, false);
	assert_false(r->decision.allowed);
	assert_false(runbook_confirm(r, NULL, NULL));
	assert_non_null(strstr(r->error, "it does not want to"));
	runbook_cancel(r);
	assert_int_equal(r->state, RUNBOOK_CANCELLED);
	assert_null(runbook_start(d.rs, &(struct runbook_order){ .verb = "promote", .registry = d.source[0], .model = "m", .version = "7" }, &why));
	assert_non_null(strstr(why, "reason"));
	assert_string_equal(did, "");
	desk_close(&d);
}

static void test_hold(void **state)
{
	struct desk d;
	desk_open(&d, "dev", STEPS(POKE("fail")));
	struct runbook *r = confirmed(&d, true);
	until(&d, r, RUNBOOK_ASKING);
	assert_string_equal(did, "promote:7 poke:fail ");
	assert_true(runbook_choose(r, RUNBOOK_GO_ON, NULL));               /* tried once more */
	turn(&d);
	until(&d, r, RUNBOOK_ASKING);
	assert_string_equal(did, "promote:7 poke:fail poke:fail ");
	assert_true(runbook_choose(r, RUNBOOK_HOLD, NULL));
	assert_int_equal(r->state, RUNBOOK_HELD);
	assert_false(runbook_choose(r, RUNBOOK_GO_ON, NULL));
	desk_close(&d);
}

static void test_lost(void **state)
{
	static const struct { const char *taken; enum runbook_state ends; const char *did; } cases[] = {
		{ "yes", RUNBOOK_DONE, "promote:7 poke:lost " },
		{ "no", RUNBOOK_UNDONE, "promote:7 poke:lost rollback:6 " },
		{ "unknown", RUNBOOK_ASKING, "promote:7 poke:lost " },
		{ "part", RUNBOOK_ASKING, "promote:7 poke:lost " },
	};
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct desk d;
		clean(NULL);
		fresh(NULL);
		taken = cases[i].taken;
		desk_open(&d, "dev", STEPS(POKE("lost")));
		struct runbook *r = confirmed(&d, false);
		until(&d, r, cases[i].ends);
		assert_string_equal(did, cases[i].did);
		if (r->state == RUNBOOK_ASKING) {
			assert_int_equal(r->steps[1].state, RSTEP_UNKNOWN);
			assert_true(runbook_choose(r, RUNBOOK_GO_BACK, NULL));     /* what may have been taken is taken back too; it is lost again, twice */
			turn(&d);
			until(&d, r, RUNBOOK_ASKING);
			assert_string_equal(did, "promote:7 poke:lost unpoke:lost unpoke:lost ");
			assert_false(runbook_choose(r, RUNBOOK_GO_ON, NULL));      /* there is no forth in the midst of back */
		}
		desk_close(&d);
	}
}

static void test_verify(void **state)
{
	const char *entry = "{steps: [" POKE("a") "], verify: {for: 6s, every: 2s, failures: 2, checks: [{kind: modelendpoints, name: api, "
		"where: 'version={version}'}]}}";
	struct desk d;
	desk_open(&d, "dev", entry);
	struct runbook *r = confirmed(&d, false);
	until(&d, r, RUNBOOK_UNDONE);                                /* it goes on serving v6 */
	assert_string_equal(did, "promote:7 poke:a unpoke:a rollback:6 ");
	assert_non_null(strstr(r->error, "failed 2 times in a row: version 6"));
	served = 7;
	r = confirmed(&d, false);
	until(&d, r, RUNBOOK_DONE);
	assert_int_equal(r->checks[0].result, GATE_PASS);
	desk_close(&d);
	/* a row that is not there can neither fail nor pass */
	desk_open(&d, "dev", "{verify: {for: 4s, every: 2s, failures: 2, checks: [{kind: modelendpoints, name: nobody, where: 'version=7'}]}}");
	champion = 6;
	r = confirmed(&d, false);
	until(&d, r, RUNBOOK_ASKING);
	assert_non_null(strstr(r->ask, "cannot be told"));
	desk_close(&d);
}

/* Errors, latency and what differs, measured from outside, before and after; and no call more than was told. */
static void test_probes(void **state)
{
	static const struct { const char *check; int fails[2], ms[2]; double value; bool passes; const char *say; } cases[] = {
		{ "errors_below: 2%", { 0, 0 }, { 20, 20 }, 100, true, "errors 0 % of 5 predictions, before 0 %" },
		{ "errors_below: 2%", { 0, 1 }, { 20, 20 }, 100, false, "errors 20 % of 5 predictions: 503: told to, before 0 %" },
		{ "errors_below: 2%", { 1, 1 }, { 20, 20 }, 100, true, "before 20 %" },
		{ "slower_below: 50%", { 0, 0 }, { 20, 29 }, 100, true, "p50 29 ms, before 20 ms" },
		{ "slower_below: 50%", { 0, 0 }, { 20, 31 }, 100, false, "p50 31 ms, before 20 ms" },
		{ "slower_below: 50%", { 0, 0 }, { 2, 6 }, 100, true, "p50 6" },               /* noise */
		{ "slower_below: 50%", { 5, 0 }, { 20, 500 }, 100, true, "before -" },          /* it did not answer at all */
		{ "slower_below: 50%", { 0, 5 }, { 20, 20 }, 100, false, "p50 -" },
		{ "predictions: 8, differ_below: 10%", { 0, 0 }, { 1, 1 }, 109, true, "8 predictions differ by 9 % on average" },
		{ "predictions: 8, differ_below: 10%", { 0, 0 }, { 1, 1 }, 111, false, "8 predictions differ by 11 % on average" },
	};
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct desk d;
		char *entry = xasprintf("{verify: {for: 4s, every: 2s, failures: 2, checks: [{kind: modelendpoints, name: api, %s}]}}", cases[i].check);
		champion = 6;
		for (int k = 0; k < 2; k++) {
			predicted[k] = 0;
			answers[k].fails = cases[i].fails[k];
			answers[k].ms = cases[i].ms[k];
			answers[k].value = cases[i].value;
		}
		desk_open(&d, "dev", entry);
		struct runbook *r = confirmed(&d, false);
		until(&d, r, cases[i].passes ? RUNBOOK_DONE : RUNBOOK_UNDONE);
		if (!strstr(r->checks[0].say, cases[i].say))
			fail_msg("%s: '%s' is not in '%s'", cases[i].check, cases[i].say, r->checks[0].say);
		bool once = strstr(cases[i].check, "predictions") != NULL;
		assert_int_equal(predicted[0], once ? 0 : 5);
		assert_true(predicted[1] <= (once ? 16 : 5 * 4));        /* a round for each of at most three looks, and the one begun last */
		desk_close(&d);
		free(entry);
	}
}

static void test_guards(void **state)
{
	struct desk d;
	const char *why = "";
	desk_open(&d, "prod", STEPS(POKE("a")));
	struct runbook *r = shown(&d, false);
	assert_string_equal(r->must_type, "m");
	assert_false(runbook_confirm(r, NULL, NULL));
	assert_false(runbook_confirm(r, "7", NULL));
	assert_string_equal(did, "");
	assert_true(runbook_confirm(r, "m", NULL));
	until(&d, r, RUNBOOK_DONE);
	desk_close(&d);
	desk_open(&d, "vault", STEPS(POKE("a")));
	assert_null(runbook_start(d.rs, &(struct runbook_order){ .verb = "rollback", .registry = d.source[0], .model = "m" }, &why));
	assert_non_null(strstr(why, "read-only"));
	desk_close(&d);
}

/* The program ends in the midst of step 2; a line is torn besides. */
static struct runbook *dead(struct desk *d, const char *entry)
{
	char *why, *command;
	int status;
	pid_t pid = fork();
	if (pid == 0) {
		desk_open(d, "dev", entry);
		struct runbook *r = confirmed(d, false);
		for (;;) {
			turn(d);
			if (runbook_over(r))
				_exit(1);
		}
	}
	waitpid(pid, &status, 0);
	assert_int_equal(WEXITSTATUS(status), 9);
	command = xasprintf("for f in %s/runbooks/*.jsonl; do printf '{\"e\":\"done\",\"step\":2,' >>$f; done", dir);
	assert_int_equal(system(command), 0);
	free(command);
	struct yaml_error err;
	later_doc = later.rules ? yaml_parse(str_of(later.rules), &err) : NULL;
	assert_true(!later.rules == !later_doc);
	desk_open(d, later.environment ? later.environment : "dev", later.entry ? later.entry : entry);
	champion = 7;                                                /* the child's world is not ours */
	assert_int_equal(runbooks_recover(d->rs, &why), 1);
	assert_null(why);
	struct runbook *r = runbooks_get(d->rs, 0);
	assert_true(r->recovered);
	until(d, r, RUNBOOK_ASKING);
	assert_int_equal(r->steps[0].state, RSTEP_DONE);
	return r;
}

static void test_recovery(void **state)
{
	const char *entry = STEPS("{action: poke, kind: modelendpoints, name: api, params: {how: die, password: hunter2}}, " POKE("c"));
	struct desk d, other;
	unsigned unfinished;
	char *why;
	struct runbook *r = dead(&d, entry);
	assert_int_equal(r->steps[1].state, RSTEP_UNKNOWN);          /* asked, and not known */
	assert_int_equal(r->steps[2].state, RSTEP_WAITING);
	assert_string_equal(r->previous, "6");
	desk_open(&other, "dev", entry);                             /* another console leaves it to us */
	assert_int_equal(runbooks_recover(other.rs, &why), 0);
	assert_int_equal(runbooks_living(other.rs), 1);
	desk_close(&other);
	assert_true(runbook_choose(r, RUNBOOK_HOLD, NULL));
	char *text = journal_text(&unfinished);
	assert_int_equal(unfinished, 0);
	assert_null(strstr(text, "hunter2"));
	free(text);
	desk_close(&d);
}

static void test_recovery_of_what_it_made(void **state)
{
	struct desk d;
	taken = "yes";
	struct runbook *r = dead(&d, STEPS(POKE("diemakes")));
	assert_true(runbook_choose(r, RUNBOOK_GO_BACK, NULL));
	until(&d, r, RUNBOOK_UNDONE);
	assert_string_equal(did, "end:m/run rollback:6 ");
	assert_string_equal(r->steps[1].say, "well; what it wrote stays written");
	desk_close(&d);
}

static void test_recovery_back(void **state)
{
	struct desk d;
	taken = "no";
	struct runbook *r = dead(&d, STEPS(POKE("die")));
	assert_int_equal(r->steps[1].state, RSTEP_WAITING);
	assert_true(runbook_choose(r, RUNBOOK_GO_BACK, NULL));
	until(&d, r, RUNBOOK_UNDONE);
	assert_string_equal(did, "rollback:6 ");
	assert_int_equal(champion, 6);
	desk_close(&d);
}

static void test_recovery_on(void **state)
{
	struct desk d;
	taken = "yes";
	struct runbook *r = dead(&d, STEPS(POKE("die") ", " POKE("c")));
	assert_int_equal(r->steps[1].state, RSTEP_DONE);
	assert_true(runbook_choose(r, RUNBOOK_GO_ON, NULL));
	until(&d, r, RUNBOOK_DONE);
	assert_string_equal(did, "poke:c ");
	desk_close(&d);
}

/* Whoever takes it up is judged by the guards as they are now: going on may be held up, going back only where that is denied. */
static void test_recovery_is_judged(void **state)
{
	static const struct { const char *environment, *rules; struct runbook_given given; bool on, back; const char *why; } cases[] = {
		{ "dev", NULL, { 0 }, true, true, "" },
		{ "prod", NULL, { 0 }, false, false, "type 'm' to go" },
		{ "prod", NULL, { "x", NULL }, false, false, "type 'm' to go" },
		{ "prod", NULL, { "m", NULL }, true, true, "" },
		{ "dev", "frost: {freeze: ['2000-01-01 - 2100-01-01']}", { 0 }, false, true, "going on is denied at step 2 (poke key-of-api): frozen until" },
		{ "dev", "frost: {freeze: ['2000-01-01 - 2100-01-01'], overridable: true}", { NULL, "it burns" }, true, true, "" },
		{ "dev", "four-eyes: {second-person: true}", { 0 }, false, true, "approve" },
		{ "dev", "no: {action: 'rollback|poke', deny: 'not ours'}", { 0 }, false, false, "is denied at step" },
		{ "vault", NULL, { "m", "it burns" }, false, false, "read-only" },
	};
	(void)state;
	for (size_t i = 0; i < 2 * ARRAY_SIZE(cases); i++) {
		const bool back = i % 2, may = back ? cases[i / 2].back : cases[i / 2].on;
		struct desk d;
		taken = "no";
		champion = 6;
		did[0] = '\0';
		later.environment = cases[i / 2].environment;
		later.rules = cases[i / 2].rules;
		struct runbook *r = dead(&d, STEPS(POKE("die")));
		bool chosen = runbook_choose(r, back ? RUNBOOK_GO_BACK : RUNBOOK_GO_ON, &cases[i / 2].given);
		if (chosen != may)
			fail_msg("case %zu: %s", i, r->error ? r->error : "it went");
		if (!may && !strstr(r->error, cases[i / 2].why))
			fail_msg("case %zu: '%s' is not in '%s'", i, cases[i / 2].why, r->error);
		if (!may)
			assert_true(runbook_choose(r, RUNBOOK_HOLD, NULL));
		else if (back)
			until(&d, r, RUNBOOK_UNDONE);
		else
			runbook_cancel(r);           /* its step would end this program */
		if (!may || !back)
			assert_string_equal(did, "");
		desk_close(&d);
		yaml_doc_free(later_doc);
		later_doc = NULL;
		clean(NULL);
		mkdir(dir, 0700);
	}
	later.environment = later.rules = NULL;
}

#define SECRET(name, how, word) "{action: poke, kind: modelendpoints, name: " name ", params: {how: " how ", password: " word "}}"
/* The journal has the mask in the secret's place, which is never sent: the configuration may have the secret still. */
static void test_recovery_of_a_secret(void **state)
{
	static const struct { const char *later; bool on; } cases[] = { { STEPS(POKE("die") ", " SECRET("api", "s", "hunter2")), true },
		{ STEPS(POKE("die") ", " SECRET("api", "s", "hunter3")), true },         /* a new password is as good */
		{ STEPS(POKE("die") ", " SECRET("api", "t", "hunter2")), false }, { STEPS(POKE("die") ", " SECRET("b", "s", "hunter2")), false },
		{ STEPS(POKE("die")), false } };
	for (size_t i = 0; i < 2 * ARRAY_SIZE(cases); i++) {
		const bool back = i % 2, on = cases[i / 2].on;
		struct desk d;
		clean(NULL);
		fresh(NULL);
		taken = "yes";
		later.entry = cases[i / 2].later;
		struct runbook *r = dead(&d, cases[0].later);
		assert_int_equal(r->steps[2].say && strstr(r->steps[2].say, "it cannot be done any more: its parameters hold a secret"), !on);
		if (back) {
			assert_true(runbook_choose(r, RUNBOOK_GO_BACK, NULL));
			until(&d, r, RUNBOOK_UNDONE);
			assert_string_equal(did, "unpoke:die rollback:6 ");
		} else if (on) {
			assert_true(runbook_choose(r, RUNBOOK_GO_ON, NULL));
			until(&d, r, RUNBOOK_DONE);
			assert_string_equal(did, "poke:s ");
		} else {
			assert_false(runbook_choose(r, RUNBOOK_GO_ON, NULL));
			assert_non_null(strstr(r->error, "go back, or hold and do the rest by hand"));
		}
		desk_close(&d);
	}
	later.entry = NULL;
}

/* What takes a step back holds one: that step is left to a person, told before and after, and the rest is taken back. */
static void test_recovery_of_a_secret_undo(void **state)
{
	struct desk d;
	unsigned unfinished;
	taken = "yes";
	struct runbook *r = dead(&d, STEPS(POKE("secretly") ", " POKE("die")));
	assert_non_null(strstr(r->steps[1].say, "well; it cannot be taken back by itself"));
	assert_true(runbook_choose(r, RUNBOOK_GO_BACK, NULL));
	until(&d, r, RUNBOOK_UNDONE);
	assert_string_equal(did, "unpoke:die rollback:6 ");
	assert_non_null(strstr(r->error, "take it back by hand"));
	char *text = journal_text(&unfinished);
	assert_null(strstr(text, "hunter2"));
	free(text);
	desk_close(&d);
}

/* Forth by stages, back straight to the last of them. */
static void test_straight_back(void **state)
{
	struct desk d;
	const char *why = "";
	desk_open(&d, "dev", STEPS("{action: poke, kind: modelendpoints, name: api, params: {how: a}, pause: 1h}, "
		"{action: poke, kind: modelendpoints, name: api, params: {how: b}, pause: 1h}, " POKE("c")));
	struct runbook *r = shown(&d, false);
	assert_int_equal(r->nsteps, 4);
	assert_int_equal(r->steps[1].pause_ms, 3600000);
	runbook_cancel(r);
	r = runbook_start(d.rs, &(struct runbook_order){ .verb = "rollback", .registry = d.source[0], .model = "m" }, &why);
	assert_non_null(r);
	until(&d, r, RUNBOOK_SHOWN);
	assert_int_equal(r->nsteps, 2);
	assert_non_null(strstr(r->steps[1].params, "\"c\""));
	desk_close(&d);
}

/* A freeze among the gates is by the zone of `guards`, where it names none of its own. */
static void test_freeze_of_guards_zone(void **state)
{
	struct desk d;
	desk_open(&d, "dev", "{gates: [{freeze: [2000-01-01]}, {freeze: [2000-01-01], zone: Asia/Tokyo}]}}\nguards: {zone: Europe/Berlin");
	struct runbook *r = shown(&d, false);
	assert_string_equal(r->gates->list[0].figures, "inside none of 1 window Europe/Berlin");
	assert_string_equal(r->gates->list[1].figures, "inside none of 1 window Asia/Tokyo");
	desk_close(&d);
}

/* In its steps and in its journal it is who runs it, whatever the environment says. */
static void test_who_acts(void **state)
{
	struct desk d;
	unsigned unfinished;
	forge();
	desk_open(&d, "dev", STEPS(POKE("'by-{user}'")));
	char *by = xasprintf("poke:by-%s ", who_really());
	until(&d, confirmed(&d, false), RUNBOOK_DONE);
	assert_non_null(strstr(did, by));
	char *journal = journal_text(&unfinished);
	assert_null(strstr(journal, FORGED));
	assert_non_null(strstr(journal, who_really()));
	free(journal);
	free(by);
	desk_close(&d);
}

static void test_rollback(void **state)
{
	struct desk d;
	const char *why = "";
	struct runbook_order o = { .verb = "rollback", .registry = NULL, .model = "m" };
	desk_open(&d, "dev", STEPS(POKE("a")));
	o.registry = d.source[0];
	struct runbook *r = runbook_start(d.rs, &o, &why);
	until(&d, r, RUNBOOK_SHOWN);
	assert_string_equal(r->version, "5");                        /* as the registry's plan says */
	assert_null(r->gates);
	runbook_cancel(r);
	o.at = 1500000000000;
	r = runbook_start(d.rs, &o, &why);
	until(&d, r, RUNBOOK_SHOWN);
	assert_string_equal(r->version, "4");
	assert_true(runbook_confirm(r, NULL, NULL));
	until(&d, r, RUNBOOK_DONE);
	assert_string_equal(did, "rollback:4 poke:a ");
	o.at = 900000000000;
	r = runbook_start(d.rs, &o, &why);
	until(&d, r, RUNBOOK_FAILED);
	assert_non_null(strstr(r->error, "not known"));
	desk_close(&d);
}

#define T(f) cmocka_unit_test_setup_teardown(f, fresh, clean)
int main(void)
{
	const struct CMUnitTest tests[] = { T(test_order), T(test_goes_back), T(test_undo_of_what_it_made), T(test_first_fails), T(test_hold), T(test_lost), T(test_verify), T(test_probes),
		T(test_guards), T(test_recovery), T(test_recovery_back), T(test_recovery_of_what_it_made), T(test_recovery_on), T(test_recovery_is_judged), T(test_recovery_of_a_secret), T(test_recovery_of_a_secret_undo), T(test_straight_back), T(test_rollback),
		T(test_freeze_of_guards_zone), T(test_who_acts) };
	born = clock_mono(&clock_system) - 1000;
	return cmocka_run_group_tests_name("runbook", tests, NULL, NULL);
}
