/* runbookworld: what the unit tests of runbooks share: a registry and an endpoint that do as their parameters say, and the desk of a
 * program; time passes only while nobody works, so that no limit is passed because a machine is slow. */
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
static atomic_bool mute;             /* it does not list its endpoints */
static atomic_int champion, served, dial, ended;      /* ended: what a poke makes ends by itself */
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

static atomic_llong passed = 50000;
static int64_t fast_mono(void *arg)
{
	return passed;
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
	} else if (!strcmp(r->what, "dial")) {
		json_object_set_new(o, "undo", json_pack("{s:s, s:{s:o}}", "action", "dial", "params", "how", json_sprintf("%d", (int)dial)));
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
	if (!strcmp(r->what, "dial"))
		dial = atoi(how);
	if (json_object_get(target, "to"))
		note("%s:%d", r->what, (int)champion);
	else
		note("%s:%s", r->what, how ? how : r->key);
	link_step(l, r->id, (struct msg_step){ .state = STEP_FINISHED, .ok = !fails, .say = fails ? STR("it broke") : STR("well"),
		.unknown = how && !strcmp(how, "lost") });
	json_decref(params);
}

static atomic_uint asked, handled;     /* questions, of all sources */

static void count_asked(void *arg, const struct source *s, const struct request *r)
{
	asked++;
}

static bool works(void)
{
	return asked != handled;
}

static void body(struct link *l)
{
	link_health(l, (struct msg_health){ .state = HEALTH_LIVE });
	while (!link_closing(l)) {
		struct request *r = link_take(l, -1);
		if (!r)
			continue;
		bool question = r->type != REQ_CANCEL;
		if (r->type == REQ_PLAN)
			plan(l, r);
		else if (r->type == REQ_RUN)
			run(l, r);
		else if (r->type == REQ_WATCH && !strcmp(r->kind, "modelendpoints") && !mute)
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
		handled += question;
	}
}

static const char *const versions[] = { "versions", NULL }, *const models[] = { "models", "versions", NULL }, *const ends[] = { "modelendpoints", NULL };
static const struct field poke_fields[] = { { .name = "how" }, { .name = "to" }, { .name = "password" }, { .name = NULL } };
static const struct action promote = { "promote", "Promote", "", versions, RISK_DISRUPTIVE, false, NULL },
	rollback = { "rollback", "Roll back", "", models, RISK_DISRUPTIVE, false, NULL },
	poke = { "poke", "Poke", "", ends, RISK_DISRUPTIVE, false, poke_fields }, dialled = { "dial", "Dial", "", ends, RISK_DISRUPTIVE, false, poke_fields }, unpoke = { "unpoke", "Unpoke", "", ends, RISK_DISRUPTIVE, false, NULL },
	end = { "end", "End", "", versions, RISK_DISRUPTIVE, false, NULL };
static const struct action *const actions[] = { &promote, &rollback, &poke, &unpoke, &dialled, &end, NULL };
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
	d->source[0]->on_ask = count_asked;
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
	while (works())              /* or it would be counted for ever */
		poll(NULL, 0, 1);
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
	mute = false;
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
	bool rests = !works();       /* and then all that it said is there */
	poll(&p, 1, rests ? 0 : 5);
	while ((m = inbox_take(d->inbox))) {
		store_apply(d->store, m, 0);
		rests = false;
	}
	passed += rests ? 250 : 0;
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

#define T(f) cmocka_unit_test_setup_teardown(f, fresh, clean)
