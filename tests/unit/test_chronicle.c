/* The timeline: what rows of many kinds tell of changes, remembered in a file, found again by the next program, shared with a team
 * whose database comes and goes. */
#define _GNU_SOURCE
#include "base/chronicle.h"
#include "base/kinds.h"
#include "base/mem.h"
#include "base/say.h"
#include <math.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>
#include <cmocka.h>

#define NOW 1795272000000ll
#define MIN 60000ll

struct world {
	struct clock_fixed at;
	struct clock clock;
	struct store *s;
	struct history *h;
	struct chronicle *c;
	char dir[64], file[80], audit[80];
};

static void open_program(struct world *w)
{
	w->s = store_new(&w->clock);
	for (const struct kind *const *k = kinds_all; *k; k++)
		store_add_kind(w->s, *k);
	store_add_source(w->s, "prod", "");
	store_add_source(w->s, "other", "");
	w->h = history_new(w->file);
	w->c = chronicle_new(w->s, w->h, w->audit, CHRONICLE_KEEP_MS, &w->clock);
}

static void close_program(struct world *w)
{
	chronicle_free(w->c);
	history_free(w->h);
	store_free(w->s);
}

static int setup(void **state)
{
	struct world *w = xcalloc(1, sizeof(*w));
	w->at = (struct clock_fixed){ NOW, 0 };
	w->clock = clock_still(&w->at);
	strcpy(w->dir, "/tmp/binnacle-chronicle.XXXXXX");
	assert_non_null(mkdtemp(w->dir));
	snprintf(w->file, sizeof(w->file), "%s/h.db", w->dir);
	snprintf(w->audit, sizeof(w->audit), "%s/audit", w->dir);
	open_program(w);
	*state = w;
	return 0;
}

static int teardown(void **state)
{
	static const char *const ends[] = { "h.db", "h.db-wal", "h.db-shm", "audit" };
	struct world *w = *state;
	close_program(w);
	for (int i = 0; i < 4; i++) {
		char name[100];
		snprintf(name, sizeof(name), "%s/%s", w->dir, ends[i]);
		unlink(name);
	}
	assert_int_equal(rmdir(w->dir), 0);
	free(w);
	return 0;
}

static void cell(struct buf *b, const struct column *c, const char *v)
{
	double d = 0;
	int64_t i = 0;
	if (!v)
		cell_null(b);
	else if (col_is_text(c))
		cell_text(b, str_of(v));
	else if (col_is_real(c) && str_to_f64(str_of(v), &d))
		cell_real(b, d);
	else if (str_to_i64(str_of(v), &i))
		cell_int(b, c->type == COL_TIME ? NOW - i * MIN : i);        /* minutes ago */
	else
		cell_null(b);
}

/* put(w, "pods", "ns/a", LEVEL_OK, "name", "a", "restarts", "1", NULL): a row; times are minutes before NOW. */
static void put(struct world *w, const char *kind, const char *key, enum level level, ...)
{
	const struct kind *k = store_kind(w->s, str_of(kind));
	const char *values[KIND_MAX_COLS] = { NULL }, *name;
	struct msg *m = msg_new(MSG_ROWS, 0);
	va_list ap;
	va_start(ap, level);
	while ((name = va_arg(ap, const char *))) {
		int col = kind_col(k, str_of(name), false);
		assert_true(col >= 0);
		values[col] = va_arg(ap, const char *);
	}
	va_end(ap);
	rows_start(&m->body, kind);
	rows_put(&m->body, str_of(key), level);
	for (int i = 0; i < k->ncols; i++)
		cell(&m->body, &k->cols[i], values[i]);
	m->at = w->at.wall;
	assert_false(store_apply(w->s, m, 0));
}

static void del(struct world *w, const char *kind, const char *key)
{
	struct msg *m = msg_new(MSG_ROWS, 0);
	rows_start(&m->body, kind);
	rows_del(&m->body, str_of(key));
	assert_false(store_apply(w->s, m, 0));
}

static int by_key(const void *a, const void *b)
{
	return str_cmp(row_key(*(const struct row *const *)a), row_key(*(const struct row *const *)b));
}

/* All changes, oldest first: "minutes-before-NOW letter what", a line each. */
static void timeline_is(struct world *w, const char *want)
{
	const struct table *t = store_table_const(w->s, "timeline");
	const struct row **all = xcalloc(t->count + 1, sizeof(*all));
	struct buf b = { 0 };
	unsigned n = 0;
	assert_true(chronicle_settle(w->c, 60000));
	buf_adds(&b, "");
	for (uint32_t i = 0; i < t->nslots; i++)
		if (table_row(t, i)) {
			all = xreallocarray(all, n + 1, sizeof(*all));
			all[n++] = table_row(t, i);
		}
	qsort(all, n, sizeof(*all), by_key);
	for (unsigned i = 0; i < n; i++)
		buf_addf(&b, "%lld " STR_FMT " " STR_FMT "\n", (long long)((NOW - row_int(all[i], TIMELINE_TIME)) / MIN),
		         STR_ARG(row_text(t, all[i], TIMELINE_LETTER)), STR_ARG(row_text(t, all[i], TIMELINE_WHAT)));
	assert_string_equal(b.data, want);
	free(all);
	buf_release(&b);
}

static void test_rules_fit_their_kinds(void **state)
{
	struct world *w = *state;
	for (const struct change_rule *u = change_rules; u->kind; u++) {
		const struct kind *k = store_kind(w->s, str_of(u->kind));
		struct buf unknown = { 0 };
		assert_non_null(k);
		assert_true(say_fits(k, u->say, &unknown));
		assert_non_null(change_sort(str_of(u->sort)));
		const char *const cols[] = { u->col, u->by, u->unless, strcmp(u->about, "@") ? u->about : NULL };
		for (size_t i = 0; i < ARRAY_SIZE(cols); i++)
			assert_true(!cols[i] || !*cols[i] || kind_col(k, str_of(cols[i]), false) >= 0);
	}
	for (const struct change_sort *s = change_sorts; s->name; s++)
		for (const struct change_sort *o = s + 1; o->name; o++)
			assert_true(strcmp(s->letter, o->letter) != 0);
}

static void test_rollouts_and_crashes(void **state)
{
	struct world *w = *state;
	put(w, "replicasets", "ml/api-6d9f7c", LEVEL_OK, "namespace", "ml", "name", "api-6d9f7c", "owner", "Deployment/api", "age", "60",
	    "images", "api:v6", "revision", "6", NULL);
	put(w, "replicasets", "ml/loose", LEVEL_OK, "namespace", "ml", "name", "loose", "age", "61", NULL);
	put(w, "pods", "ml/api-1", LEVEL_OK, "namespace", "ml", "name", "api-6d9f7c-1", "owner", "ReplicaSet/api-6d9f7c", "status", "Running", NULL);
	put(w, "pods", "ml/old", LEVEL_OK, "namespace", "ml", "name", "old", "restarted", "3000", "status", "Running", NULL);
	timeline_is(w, "60 U rollout of ml/api revision 6: api:v6\n");
	put(w, "replicasets", "ml/api-77", LEVEL_OK, "namespace", "ml", "name", "api-77", "owner", "Deployment/api", "age", "5",
	    "images", "api:v7", "revision", "7", NULL);
	put(w, "pods", "ml/api-1", LEVEL_BAD, "namespace", "ml", "name", "api-77-1", "owner", "ReplicaSet/api-77", "status", "OOMKilled",
	    "restarted", "3", NULL);
	put(w, "pods", "ml/api-2", LEVEL_BAD, "namespace", "ml", "name", "api-77-2", "owner", "ReplicaSet/api-77", "status", "OOMKilled",
	    "restarted", "1", NULL);
	timeline_is(w, "60 U rollout of ml/api revision 6: api:v6\n5 U rollout of ml/api revision 7: api:v7\n"
	            "3 C ml/api: api-77-1 restarted, OOMKilled\n");
	/* back to the replica set of before: it is not made anew, its revision is */
	put(w, "replicasets", "ml/api-6d9f7c", LEVEL_OK, "namespace", "ml", "name", "api-6d9f7c", "owner", "Deployment/api", "age", "60",
	    "images", "api:v6", "revision", "8", NULL);
	timeline_is(w, "60 U rollout of ml/api revision 6: api:v6\n5 U rollout of ml/api revision 7: api:v7\n"
	            "3 C ml/api: api-77-1 restarted, OOMKilled\n0 U rollout of ml/api back to api-6d9f7c, now revision 8: api:v6\n");
}

static void test_nodes_runs_and_models(void **state)
{
	struct world *w = *state;
	put(w, "nodes", "n1", LEVEL_OK, "name", "n1", "age", "300", "instance_type", "g4dn.xlarge", "status", "Ready", NULL);
	put(w, "nodes", "n1", LEVEL_BAD, "name", "n1", "age", "300", "instance_type", "g4dn.xlarge", "status", "NotReady", NULL);
	w->at.wall += 5 * MIN;
	put(w, "nodes", "n1", LEVEL_OK, "name", "n1", "age", "300", "status", "Ready", NULL);
	w->at.wall += 1;
	del(w, "nodes", "n1");
	put(w, "runs", "train/r1", LEVEL_BUSY, "pipeline", "train", "name", "r1", "status", "queued", NULL);
	put(w, "runs", "train/r1", LEVEL_BUSY, "pipeline", "train", "name", "r1", "status", "running", "age", "20", NULL);
	put(w, "runs", "train/r1", LEVEL_BAD, "pipeline", "train", "name", "r1", "status", "failed", "age", "20", "end", "10", NULL);
	put(w, "promotions", "p1", LEVEL_NONE, "model", "house", "version", "v7", "before", "v6", "what", "promoted", "age", "9", NULL);
	put(w, "promotions", "p2", LEVEL_NONE, "model", "house", "version", "v6", "before", "v7", "what", "promoted", "age", "8", NULL);
	put(w, "promotions", "p3", LEVEL_DONE, "model", "house", "version", "v8", "what", "kept back", "age", "7", NULL);
	timeline_is(w, "300 N node n1 joined, g4dn.xlarge\n20 R train run started\n10 X train run failed\n9 P house v7 promoted\n"
	            "8 B house v6 promoted\n0 N node n1: NotReady\n-5 N node n1 is well again\n-5 N node n1 is gone\n");
}

static void test_drift_begins_and_ends(void **state)
{
	struct world *w = *state;
	static const struct { const char *key, *ago; enum level level; } checks[] = { { "5", "10", LEVEL_OK }, { "1", "50", LEVEL_OK },
		{ "3", "30", LEVEL_DOUBT }, { "4", "20", LEVEL_DOUBT }, { "2", "40", LEVEL_OK } };
	for (size_t i = 0; i < ARRAY_SIZE(checks); i++)
		put(w, "drift", checks[i].key, checks[i].level, "model", "house", "age", checks[i].ago, NULL);
	timeline_is(w, "30 D drift of house began\n10 D drift of house is over\n");
	w->at.wall += 3000;
	put(w, "drift", "6", LEVEL_DOUBT, "model", "house", "age", "5", "score", "0.41", NULL);
	timeline_is(w, "30 D drift of house began\n10 D drift of house is over\n5 D drift of house began, score 0.41\n");
}

static void test_spend_jumps(void **state)
{
	struct world *w = *state;
	static const struct { int seconds; const char *rate; } rates[] = { { 0, "0.1" }, { 20, "0.31" }, { 60, "0.31" }, { 300, "0.33" },
		{ 500, "0.93" }, { 520, "0.93" }, { 2000, "0.93" }, { 2100, "0.95" }, { 2300, "0.6" } };
	for (size_t i = 0; i < ARRAY_SIZE(rates); i++) {
		w->at.wall = NOW + rates[i].seconds * 1000ll;
		put(w, "spend", "total", LEVEL_NONE, "name", "total", "rate", rates[i].rate, NULL);
		put(w, "spend", "eks", LEVEL_NONE, "name", "eks", "rate", i % 2 ? "5" : "1", NULL);
	}
	timeline_is(w, "-8 $ spend $0.31 -> $0.93 an hour\n-38 $ spend $0.95 -> $0.60 an hour\n");
	struct changes c = { 0 };
	changes_gather(w->s, NOW, NOW + 60 * MIN, w->at.wall, &c);
	assert_int_equal(c.n, 2);
	assert_string_equal(c.list[0].text, "spend $0.31 -> $0.93 an hour");
	assert_string_equal(c.list[0].kind, "spend");
	changes_release(&c);
}

/* Only what lasts a minute is a jump, told once, with when it began; what few calls say, or what drifts for hours, is none. */
static void test_latency_jumps(void **state)
{
	struct world *w = *state;
	static const struct { int seconds; const char *p50, *p99, *errors, *calls; } seen[] = {
		{ 0, "41", "62", "0", "100" }, { 60, "43", "66", "0", "100" },
		{ 120, "43", "300", "0", "100" }, { 150, "42", "64", "0", "100" },               /* half a minute */
		{ 240, "42", "140", "0", "100" }, { 270, "90", "150", "0", "100" }, { 330, "90", "150", "0", "100" },
		{ 400, "90", "150", "0", "100" }, { 600, "40", "60", "0.2", "100" }, { 700, "40", "60", "0.2", "100" },
		{ 1200, "40", "60", "0", "3" }, { 1300, "400", "600", "0", "3" }, { 1400, "40", "60", "0", "100" }, { 1500, "40", "60", "0", "100" },
	};
	for (size_t i = 0; i < ARRAY_SIZE(seen); i++) {
		w->at.wall = NOW + seen[i].seconds * 1000ll;
		put(w, "modelendpoints", "rest", LEVEL_OK, "name", "rest", "model", "m", "p50", seen[i].p50, "p99", seen[i].p99, "errors",
		    seen[i].errors, "calls", seen[i].calls, NULL);
		chronicle_tick(w->c);
	}
	for (int i = 0; i < 300; i++) {          /* ten times as slow, within a day */
		char p50[24];
		w->at.wall = NOW + (1600 + i * 300) * 1000ll;
		snprintf(p50, sizeof(p50), "%f", 40 * pow(10, i / 300.0));
		put(w, "modelendpoints", "rest", LEVEL_OK, "name", "rest", "p50", p50, "p99", "60", "errors", "0", "calls", "100", NULL);
		chronicle_tick(w->c);
	}
	timeline_is(w, "-4 L endpoint rest is slower: p50 41.5 -> 90 ms, p99 62.5 -> 150 ms\n"
		"-10 L endpoint rest fails more: p50 90 -> 40 ms, p99 150 -> 60 ms, errors 0 % -> 20 %\n"
		"-23 L endpoint rest fails less: errors 20 % -> 0 %\n");
}

static void count_one(struct world *w, int want)
{
	const struct table *t = store_table_const(w->s, "timeline");
	chronicle_settle(w->c, 60000);
	assert_int_equal(t->count, want);
}

static void test_found_again(void **state)
{
	struct world *w = *state;
	put(w, "nodes", "n1", LEVEL_OK, "name", "n1", "age", "300", NULL);
	put(w, "nodes", "n2", LEVEL_OK, "name", "n2", "age", "200", NULL);
	del(w, "nodes", "n2");
	static const char want[] = "300 N node n1 joined\n200 N node n2 joined\n0 N node n2 is gone\n";
	timeline_is(w, want);
	close_program(w);
	open_program(w);
	timeline_is(w, want);                    /* with no row of any kind */
	put(w, "nodes", "n1", LEVEL_OK, "name", "n1", "age", "300", NULL);
	timeline_is(w, want);                    /* and not twice */
	const struct table *t = store_table_const(w->s, "timeline");
	bool any = false;
	for (uint32_t i = 0; i < t->nslots; i++)
		any |= table_row(t, i) && str_is(row_text(t, table_row(t, i), TIMELINE_KIND), "nodes") &&
			str_is(row_text(t, table_row(t, i), TIMELINE_KEY), "n2") && table_row(t, i)->level == LEVEL_DOUBT;
	assert_true(any);
	/* two programs that saw it go some seconds apart: one change */
	close_program(w);
	w->at.wall += 7000;
	open_program(w);
	put(w, "nodes", "n2", LEVEL_OK, "name", "n2", "age", "200", NULL);
	del(w, "nodes", "n2");
	chronicle_settle(w->c, 60000);
	count_one(w, 3);
}

static void test_bounded(void **state)
{
	struct world *w = *state;
	char key[16], ago[16];
	for (int i = 0; i < 6000; i++) {
		snprintf(key, sizeof(key), "n%d", i);
		snprintf(ago, sizeof(ago), "%d", 6000 - i);
		put(w, "nodes", key, LEVEL_OK, "name", key, "age", ago, NULL);
		if (i % 500 == 0)
			chronicle_tick(w->c);
	}
	chronicle_settle(w->c, 60000);
	const struct table *t = store_table_const(w->s, "timeline");
	assert_in_range(t->count, CHRONICLE_ROWS, CHRONICLE_ROWS + CHRONICLE_ROWS / 8);
	for (uint32_t i = 0; i < t->nslots; i++)
		assert_true(!table_row(t, i) || row_int(table_row(t, i), TIMELINE_TIME) > NOW - 4600 * MIN);
}

static bool count_event(void *arg, const struct history_event *e)
{
	++*(int *)arg;
	return true;
}

static void test_old_ones_go(void **state)
{
	struct world *w = *state;
	int n = 0;
	for (int i = 0; i < 3; i++) {
		static const char *const kinds[] = { "timeline", "production", "cost.asset" };
		history_add(w->h, &(struct history_event){ str_of(kinds[i]), STR("prod"), STR("x"), STR("y"), STR("{}"),
			NOW - 100 * 24 * 60 * MIN, NAN });
	}
	assert_true(history_flush(w->h, NULL));
	chronicle_tick(w->c);
	for (int i = 0; i < 3; i++) {
		static const char *const kinds[] = { "timeline", "production", "cost.asset" };
		assert_true(history_read(w->h, &(struct history_query){ .kind = kinds[i] }, count_event, &n, NULL));
	}
	assert_int_equal(n, 1);                  /* who was in production is not forgotten */
}

static void test_own_actions(void **state)
{
	struct world *w = *state;
	FILE *f = fopen(w->audit, "w");
	fputs("{\"seq\":1,\"time\":\"2026-11-21T14:39:00.000Z\",\"user\":\"ada\",\"event\":\"run\",\"action\":\"restart\",\"source\":\"prod\"}\n"
	      "not json\n"
	      "{\"seq\":2,\"time\":\"2026-11-21T14:40:00.000Z\",\"user\":\"ada\",\"event\":\"outcome\",\"action\":\"restart\",\"source\":\"prod\","
	      "\"target\":{\"kind\":\"deployments\",\"key\":\"ml/api\"},\"state\":\"done\",\"say\":\"...\"}\n"
	      "{\"seq\":3,\"time\":\"2026-11-21T14:41:00.000Z\",\"user\":\"ada\",\"event\":\"outcome\",\"action\":\"promote\",\"source\":\"gone\","
	      "\"target\":{\"kind\":\"versions\",\"key\":\"house/7\"},\"state\":\"failed\"}\n{\"seq\":4,\"torn", f);
	fclose(f);
	timeline_is(w, "0 A restart ml/api: done\n");
	f = fopen(w->audit, "a");
	fputs("\"}\n{\"seq\":5,\"time\":\"2026-11-21T14:45:00.000Z\",\"user\":\"bob\",\"event\":\"outcome\",\"action\":\"promote\",\"source\":\"other\","
	      "\"target\":{\"kind\":\"versions\",\"key\":\"house/7\"},\"state\":\"failed\"}\n"
	      "{\"seq\":6,\"time\":\"2026-11-21T14:46:00.000Z\",\"user\":\"bob\",\"event\":\"runbook\",\"action\":\"promote\",\"source\":\"other\","
	      "\"version\":\"7\",\"target\":{\"kind\":\"models\",\"key\":\"house\"},\"state\":\"undone\"}\n", f);
	fclose(f);
	w->at.wall += 3000;
	timeline_is(w, "0 A restart ml/api: done\n-5 A promote house/7: failed\n-6 A promote house v7: undone\n");
}

/* ---- a team's database, without one: a table in memory that can be away */

struct team {
	struct history_sink sink;
	atomic_bool away;
	pthread_mutex_t lock;
	struct { char *kind, *source, *subject, *what, *detail; int64_t at; double value; } rows[64];
	int n;
	int64_t pruned[2];           /* until when: the timeline, and what else there is */
};

static bool team_put(void *arg, const struct history_event *e, unsigned n, char **why)
{
	struct team *t = arg;
	if (atomic_load(&t->away)) {
		*why = xstrdup("it is away");
		return false;
	}
	pthread_mutex_lock(&t->lock);
	for (unsigned i = 0; i < n; i++) {
		bool have = false;
		for (int k = 0; k < t->n; k++)
			have |= str_is(e[i].kind, t->rows[k].kind) && str_is(e[i].what, t->rows[k].what) && e[i].at == t->rows[k].at;
		if (!have && t->n < 64) {
			t->rows[t->n].kind = str_dup(e[i].kind), t->rows[t->n].source = str_dup(e[i].source);
			t->rows[t->n].subject = str_dup(e[i].subject), t->rows[t->n].what = str_dup(e[i].what);
			t->rows[t->n].detail = str_dup(e[i].detail), t->rows[t->n].at = e[i].at, t->rows[t->n++].value = e[i].value;
		}
	}
	pthread_mutex_unlock(&t->lock);
	return true;
}

static bool team_get(void *arg, int64_t after, unsigned limit, void (*each)(void *arg, int64_t position, const struct history_event *e),
                     void *each_arg, int64_t *last, char **why)
{
	struct team *t = arg;
	if (atomic_load(&t->away)) {
		*why = xstrdup("it is away");
		return false;
	}
	pthread_mutex_lock(&t->lock);
	*last = t->n;
	for (int64_t i = after; i < t->n && limit--; i++)
		each(each_arg, i + 1, &(struct history_event){ str_of(t->rows[i].kind), str_of(t->rows[i].source), str_of(t->rows[i].subject),
			str_of(t->rows[i].what), str_of(t->rows[i].detail), t->rows[i].at, t->rows[i].value });
	pthread_mutex_unlock(&t->lock);
	return true;
}

static void team_prune(void *arg, const char *kind, const char *but, int64_t before)
{
	struct team *t = arg;
	pthread_mutex_lock(&t->lock);
	t->pruned[kind ? 0 : 1] = before;
	assert_string_equal(kind ? kind : but, kind ? "timeline" : "production");
	pthread_mutex_unlock(&t->lock);
}

static void team_free(void *arg)
{
}

static void team_init(struct team *t)
{
	*t = (struct team){ .sink = { "memory", team_put, team_get, team_prune, team_free, NULL } };
	t->sink.arg = t;
	pthread_mutex_init(&t->lock, NULL);
}

static int team_count(struct team *t)
{
	pthread_mutex_lock(&t->lock);
	int n = t->n;
	pthread_mutex_unlock(&t->lock);
	return n;
}

static int64_t team_pruned(struct team *t, int which)
{
	pthread_mutex_lock(&t->lock);
	int64_t at = t->pruned[which];
	pthread_mutex_unlock(&t->lock);
	return at;
}

static void team_release(struct team *t)
{
	for (int i = 0; i < t->n; i++)
		free(t->rows[i].kind), free(t->rows[i].source), free(t->rows[i].subject), free(t->rows[i].what), free(t->rows[i].detail);
	pthread_mutex_destroy(&t->lock);
}

static void test_shared_with_a_team(void **state)
{
	struct world *w = *state, b = *w;
	struct team t;
	struct history_shared s;
	team_init(&t);
	put(w, "nodes", "n1", LEVEL_OK, "name", "n1", "age", "300", NULL);      /* before there was a team */
	chronicle_settle(w->c, 60000);
	close_program(w);
	open_program(w);
	history_share(w->h, &t.sink);
	assert_true(history_settle(w->h, 60000));
	assert_int_equal(team_count(&t), 1);
	put(w, "nodes", "n2", LEVEL_OK, "name", "n2", "age", "200", NULL);
	chronicle_tick(w->c);
	assert_true(history_settle(w->h, 60000));
	assert_int_equal(team_count(&t), 2);
	pthread_mutex_lock(&t.lock);
	t.pruned[0] = t.pruned[1] = 0;
	pthread_mutex_unlock(&t.lock);

	/* what is forgotten here is forgotten there, though not what was in production */
	w->at.wall += 25 * 60 * MIN;
	chronicle_tick(w->c);
	assert_true(history_settle(w->h, 60000));
	for (int i = 0; i < 1200 && !team_pruned(&t, 1); i++)
		nanosleep(&(struct timespec){ .tv_nsec = 50000000 }, NULL);
	assert_true(team_pruned(&t, 0) == w->at.wall - CHRONICLE_KEEP_MS && team_pruned(&t, 1) == team_pruned(&t, 0));
	w->at.wall -= 25 * 60 * MIN;

	/* another console, with a file of its own, that saw one of them and one more */
	snprintf(b.file, sizeof(b.file), "%s/b.db", b.dir);
	b.audit[0] = 0;
	open_program(&b);
	put(&b, "nodes", "n2", LEVEL_OK, "name", "n2", "age", "200", NULL);
	put(&b, "nodes", "n3", LEVEL_OK, "name", "n3", "age", "100", NULL);
	history_share(b.h, &t.sink);
	timeline_is(&b, "300 N node n1 joined\n200 N node n2 joined\n100 N node n3 joined\n");
	assert_true(history_settle(b.h, 60000));
	assert_int_equal(team_count(&t), 3);

	/* away: what is seen meanwhile waits in the file, over the end of the program too */
	atomic_store(&t.away, true);
	put(&b, "nodes", "n4", LEVEL_OK, "name", "n4", "age", "50", NULL);
	chronicle_tick(b.c);
	assert_false(history_settle(b.h, 2000));
	history_shared(b.h, &s);
	assert_true(s.on && !s.well && s.waiting == 1);
	assert_string_equal(s.why, "it is away");
	close_program(&b);
	assert_int_equal(team_count(&t), 3);
	atomic_store(&t.away, false);
	open_program(&b);
	history_share(b.h, &t.sink);
	assert_true(history_settle(b.h, 60000));
	assert_int_equal(team_count(&t), 4);

	/* a database that was lost: all that is known here is copied anew */
	team_release(&t);
	struct history_sink sink = t.sink;
	close_program(&b);
	team_init(&t);
	t.sink = sink;
	open_program(&b);
	history_share(b.h, &t.sink);
	for (int i = 0; i < 1200 && team_count(&t) < 4; i++) {
		history_settle(b.h, 60000);
		nanosleep(&(struct timespec){ .tv_nsec = 50000000 }, NULL);
	}
	assert_int_equal(team_count(&t), 4);
	close_program(&b);
	close_program(w);
	open_program(w);
	team_release(&t);
	for (int i = 0; i < 3; i++) {
		static const char *const ends[] = { "b.db", "b.db-wal", "b.db-shm" };
		char name[100];
		snprintf(name, sizeof(name), "%s/%s", b.dir, ends[i]);
		unlink(name);
	}
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = { T(test_rules_fit_their_kinds), T(test_rollouts_and_crashes), T(test_nodes_runs_and_models),
		T(test_drift_begins_and_ends), T(test_spend_jumps), T(test_latency_jumps), T(test_found_again), T(test_bounded), T(test_old_ones_go),
		T(test_own_actions), T(test_shared_with_a_team) };
	return cmocka_run_group_tests(tests, NULL, NULL);
}
