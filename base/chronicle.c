/* chronicle: see chronicle.h. What is seen becomes a note; at the next tick notes, in the order of their time, become rows and
 * lines of the history. A key is made of time, source and words, so that the same change, seen again or read back, is the same
 * row. Two consoles that saw a change of which nobody says when have it some seconds apart: of such notes one in FOLD_MS stays. */
#define _GNU_SOURCE
#include "base/chronicle.h"
#include "base/fmt.h"
#include "base/jumps.h"
#include "base/mem.h"
#include "base/say.h"
#include <jansson.h>
#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#define HISTORY_KIND "timeline"
#define SPARE_MS (62 * 24 * 3600 * 1000ll)   /* what others keep in the history is wanted at least so long (backends/cost) */
#define PRUNE_MS (24 * 3600 * 1000ll)
#define FOLD_MS 90000
#define AHEAD_MS (15 * 60000)        /* so far may clocks be apart */
#define SCAN_MS 2000                 /* between two scans of rows that only together say something */
#define AUDIT_MS 2000
#define READ_MS 10000                /* between two readings of what others wrote */
#define JUMP_MS (10 * 60000)         /* spend that changes by more than JUMP within such a time has jumped */
#define JUMP 0.2
#define SETTLE_MS 30000              /* figures of spend are not whole before */
#define AUDIT_BYTES (1 << 20)        /* of an old trail so much of its end is read */
enum { WATCHES_MAX = 24, LASTS = 512, RATES = 64 };

enum { TEXT, ABOUT, MODEL, NAMESPACE, WHO, KIND, KEY, SOURCE, PARTS };
struct note {
	struct note *next;
	int64_t at;
	const struct change_sort *sort;
	enum level level;
	bool seen;                   /* nobody says when it was, but that it was seen then */
	bool kept;                   /* it comes from the history */
	struct str parts[PARTS];     /* bytes follow */
};

struct watching { struct chronicle *c; const struct table *t; uint64_t version; int64_t scanned; };
struct rate { int64_t at; double rate; };
struct last { uint32_t hash; int64_t at; };

/* What the reading thread and the main one share; under lock. */
struct reader {
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t work, idle;
	bool running, quit, busy, want_history, want_audit;
	int64_t from;
	struct note *notes;
	char *why;
};
struct chronicle {
	struct store *store;
	struct history *history;
	const struct clock *clock;
	char *audit;
	int64_t keep_ms;
	struct watching watches[WATCHES_MAX];
	unsigned nwatches;
	struct note *notes;          /* the newest first */
	struct last lasts[LASTS];
	unsigned nlasts;
	struct rate rates[RATES];
	unsigned nrates;
	uint16_t spender;            /* whose rates they are */
	struct jumps *jumps;         /* of endpoints' figures */
	int64_t spend_since, pruned, audit_looked, audit_size, read_at;
	off_t audit_at;              /* the reading thread's */
	uint64_t version;            /* of the history when it was read */
	struct reader r;
	char *error;
};

static struct note *note_new(int64_t at, const struct change_sort *sort, enum level level, const struct str parts[PARTS])
{
	size_t n = 0;
	for (int i = 0; i < PARTS; i++)
		n += parts[i].n;
	struct note *x = xmalloc(sizeof(*x) + n + 1);
	char *to = (char *)(x + 1);
	*x = (struct note){ .at = at, .sort = sort, .level = level };
	for (int i = 0; i < PARTS; i++) {
		x->parts[i] = (struct str){ to, parts[i].n };
		if (parts[i].n)
			memcpy(to, parts[i].p, parts[i].n);
		to += parts[i].n;
	}
	return x;
}

static void add_note(struct chronicle *c, struct note *x)
{
	x->next = c->notes;
	c->notes = x;
}

static void free_notes(struct note *x)
{
	while (x) {
		struct note *next = x->next;
		free(x);
		x = next;
	}
}

/* ---- seeing */

static enum level level_of(const struct change_rule *u, const struct row *r)
{
	enum level l = (enum level)r->level;
	if (!strcmp(u->sort, "alert"))
		return u->when == WHEN_GONE ? LEVEL_NONE : l;
	if (u->when == WHEN_GONE || !strcmp(u->sort, "crash"))
		return l > LEVEL_DOUBT && u->when != WHEN_GONE ? l : LEVEL_DOUBT;
	if (u->when == WHEN_WORSE || u->when == WHEN_BEGINS || (!strcmp(u->sort, "run") && !strcmp(u->col, "end")))
		return l >= LEVEL_DOUBT ? l : LEVEL_NONE;
	return LEVEL_NONE;
}

static void note_row(struct chronicle *c, const struct change_rule *u, const struct table *t, const struct row *r, int64_t at)
{
	struct buf text = { 0 }, about = { 0 };
	if (r->source >= c->store->nsources)
		return;
	change_about(u, t, r, &about);
	if (change_say(u, t, r, at, &text)) {
		struct str rest = row_text_by(t, r, "model"), model = str_split(&rest, ' ');      /* a training's says "model v7" */
		const char *source = c->store->sources[r->source].name;
		struct note *x = note_new(at, change_sort(str_of(change_sort_of(u, t, r))), level_of(u, r), (const struct str[PARTS]){
			buf_str(&text), buf_str(&about), model.n || strcmp(u->kind, "models") ? model : row_text_by(t, r, "name"),
			row_text_by(t, r, "namespace"), row_text_by(t, r, !strcmp(u->sort, "run") || !strcmp(u->sort, "silence") ? "by" : "user"), str_of(u->kind),
			row_key(r), str_of(source) });
		x->seen = u->when != WHEN_DATED && u->when != WHEN_BEGINS && u->when != WHEN_ENDS;
		add_note(c, x);
	}
	buf_release(&text);
	buf_release(&about);
}

static void note_jump(struct chronicle *c, const struct table *t, const struct row *r, double from, double to, int64_t now)
{
	struct buf text = { 0 };
	buf_adds(&text, "spend ");
	fmt_money(from, &text);
	buf_adds(&text, " -> ");
	fmt_money(to, &text);
	buf_adds(&text, " an hour");
	struct note *x = note_new(now, change_sort(STR("spend")), to > from ? LEVEL_DOUBT : LEVEL_NONE, (const struct str[PARTS]){
		buf_str(&text), STR("spend"), STR(""), STR(""), STR(""), str_of(t->kind->name), row_key(r),
		str_of(c->store->sources[r->source].name) });
	x->seen = true;
	add_note(c, x);
	buf_release(&text);
}

/* The rate of the total against those of the last minutes. */
static void see_spend(struct chronicle *c, const struct table *t, const struct row *r, int64_t now)
{
	int col = kind_col(t->kind, STR("rate"), false);
	if (!r || col < 0 || row_null(r, col) || !str_is(row_key(r), "total") || (c->nrates && r->source != c->spender))
		return;
	double rate = row_real(r, col), from = rate;
	c->spender = r->source;
	c->spend_since = c->spend_since ? c->spend_since : now;
	if (now - c->spend_since < SETTLE_MS)
		c->nrates = 0;
	unsigned kept = 0;
	for (unsigned i = 0; i < c->nrates; i++)
		if (now - c->rates[i].at <= JUMP_MS && kept < RATES - 1)
			c->rates[kept++] = c->rates[i];
	c->nrates = kept;
	for (unsigned i = 0; i < kept; i++)
		if (fabs(c->rates[i].rate - rate) > fabs(from - rate))
			from = c->rates[i].rate;
	if (fabs(rate - from) > JUMP * fmax(fabs(from), 0.01)) {
		note_jump(c, t, r, from, rate, now);
		c->nrates = 0;
	}
	if (!c->nrates || fabs(c->rates[c->nrates - 1].rate - rate) > 1e-9 || now - c->rates[c->nrates - 1].at > JUMP_MS / 2)
		c->rates[c->nrates++] = (struct rate){ now, rate };
}

static void note_endpoint(void *arg, const struct jump *x)
{
	struct chronicle *c = arg;
	const struct table *t = store_table_const(c->store, "modelendpoints");
	const struct row *r = table_find(t, x->source, x->key);
	struct buf text = { 0 };
	if (!r || x->source >= c->store->nsources)
		return;
	struct str name = row_text_by(t, r, "name");
	buf_addf(&text, "endpoint " STR_FMT " %s: " STR_FMT, STR_ARG(name), x->how, STR_ARG(x->text));
	struct note *n = note_new(x->at, change_sort(STR("latency")), x->worse ? LEVEL_DOUBT : LEVEL_NONE, (const struct str[PARTS]){
		buf_str(&text), name, row_text_by(t, r, "model"), STR(""), STR(""), str_of(t->kind->name), x->key,
		str_of(c->store->sources[x->source].name) });
	n->seen = true;
	add_note(c, n);
	buf_release(&text);
}

static void saw(void *arg, const struct row *old, const struct row *r)
{
	const struct watching *w = arg;
	struct chronicle *c = w->c;
	const char *kind = w->t->kind->name;
	int64_t now = clock_wall(c->clock);
	if (!strcmp(kind, "spend")) {
		see_spend(c, w->t, r, now);
		return;
	}
	if (r && !strcmp(kind, "modelendpoints"))
		jumps_see(c->jumps, w->t, r, now);
	for (const struct change_rule *u = change_rules; u->kind; u++) {
		int64_t at = !strcmp(u->kind, kind) ? change_at(u, w->t, old, r, now) : 0;
		if (at && now - at < c->keep_ms)
			note_row(c, u, w->t, r ? r : old, at);
	}
}

/* ---- rules for which rows have to be seen together */

struct scan { struct chronicle *c; const struct change_rule *u; const struct table *t; int64_t now; };

static void take_turn(void *arg, const struct row *r)
{
	const struct scan *s = arg;
	int64_t at = row_time_by(s->t, r, s->u->col);
	if (at && s->now - at < s->c->keep_ms)
		note_row(s->c, s->u, s->t, r, at);
}

static void scan_tables(struct chronicle *c, int64_t now)
{
	for (unsigned i = 0; i < c->nwatches; i++) {
		struct watching *w = &c->watches[i];
		if (w->version == w->t->version || (now >= w->scanned && now - w->scanned < SCAN_MS))
			continue;
		w->version = w->t->version;
		w->scanned = now;
		for (const struct change_rule *u = change_rules; u->kind; u++)
			if ((u->when == WHEN_BEGINS || u->when == WHEN_ENDS) && !strcmp(u->kind, w->t->kind->name))
				change_turns(u, w->t, take_turn, &(struct scan){ c, u, w->t, now });
	}
}

/* ---- notes to rows */

static uint32_t hash_of(const struct note *x, bool words)
{
	uint32_t h = str_hash(x->parts[SOURCE]) * 31 + str_hash(x->parts[ABOUT]) * 7 + str_hash(str_of(x->sort->name));
	return words ? h * 31 + str_hash(x->parts[TEXT]) : h;
}

/* Of what two sources tell the row counts, and whether it began or ended; not whose row, nor in which words. */
static uint32_t fold_hash(const struct note *x)
{
	if (x->sort->once)
		return str_hash(x->parts[KEY]) * 31 + str_hash(str_of(x->sort->name)) + (x->level >= LEVEL_DOUBT);
	return hash_of(x, !x->sort->fold_ms);
}

/* One of its sort was noted a moment before or after. */
static bool is_folded(struct chronicle *c, const struct note *x)
{
	int64_t within = x->sort->fold_ms ? x->sort->fold_ms : x->seen || x->sort->once ? FOLD_MS : 0;
	uint32_t hash = fold_hash(x);
	if (!within)
		return false;
	for (unsigned i = 0; i < LASTS && i < c->nlasts; i++)
		if (c->lasts[i].hash == hash && llabs(c->lasts[i].at - x->at) < within &&
		    (c->lasts[i].at != x->at || x->sort->once))
			return true;
	c->lasts[c->nlasts++ % LASTS] = (struct last){ hash, x->at };
	return false;
}

static void keep(struct chronicle *c, const struct note *x)
{
	static const char *const names[] = { [ABOUT] = "about", [MODEL] = "model", [NAMESPACE] = "namespace", [WHO] = "who", [KIND] = "kind",
		[KEY] = "key" };
	json_t *o = json_pack("{s:s, s:i, s:b}", "sort", x->sort->name, "level", (int)x->level, "seen", x->seen);
	for (int i = ABOUT; i <= KEY; i++)
		if (x->parts[i].n)
			json_object_set_new(o, names[i], json_stringn_nocheck(x->parts[i].p, x->parts[i].n));
	char *text = json_dumps(o, JSON_COMPACT | JSON_ENSURE_ASCII);
	history_add(c->history, &(struct history_event){ .kind = STR(HISTORY_KIND), .source = x->parts[SOURCE], .subject = x->parts[ABOUT],
		.what = x->parts[TEXT], .detail = str_of(text ? text : "{}"), .at = x->at, .value = NAN });
	free(text);
	json_decref(o);
}

static int source_of(const struct chronicle *c, struct str name)
{
	for (unsigned i = 0; i < c->store->nsources; i++)
		if (str_is(name, c->store->sources[i].name))
			return (int)i;
	return -1;
}

static void put_row(struct table *t, uint16_t source, struct str key, const struct note *x)
{
	struct buf b = { 0 };
	struct rd rd;
	rows_start(&b, kind_timeline.name);
	rows_put(&b, key, x->level);
	cell_int(&b, x->at);
	bool failed = !strcmp(x->sort->name, "run") && x->level >= LEVEL_BAD;      /* to be seen without colour, as in pipelines */
	cell_text(&b, failed ? STR("X") : str_of(x->sort->letter));
	for (int i = 0; i < KIND; i++)
		cell_text_or_null(&b, x->parts[i]);
	cell_text(&b, str_of(x->sort->name));
	cell_text(&b, str_of(x->sort->lane));
	cell_int(&b, x->at);
	cell_text_or_null(&b, x->parts[KIND]);
	cell_text_or_null(&b, x->parts[KEY]);
	rows_open(&rd, buf_str(&b));
	table_apply(t, source, &rd, 0);
	buf_release(&b);
}

static void take_note(struct chronicle *c, struct table *t, const struct note *x)
{
	int source = source_of(c, x->parts[SOURCE]);
	char key[48];
	snprintf(key, sizeof(key), "%014lld %08x", (long long)x->at, hash_of(x, true));
	if (source < 0 || table_find(t, (uint16_t)source, str_of(key)) || is_folded(c, x))
		return;
	put_row(t, (uint16_t)source, str_of(key), x);
	if (!x->kept)
		keep(c, x);
}

static int by_time(const void *a, const void *b)
{
	const struct note *x = *(const struct note *const *)a, *y = *(const struct note *const *)b;
	return (x->at > y->at) - (x->at < y->at);
}

static int by_number(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
	return (x > y) - (x < y);
}

/* The oldest rows go. */
static void bound(struct table *t)
{
	int64_t *times;
	unsigned n = 0;
	if (t->count <= CHRONICLE_ROWS + CHRONICLE_ROWS / 8)
		return;
	times = xcalloc(t->count, sizeof(*times));
	for (uint32_t i = 0; i < t->nslots; i++)
		if (table_row(t, i) && n < t->count)
			times[n++] = row_int(table_row(t, i), TIMELINE_TIME);
	qsort(times, n, sizeof(*times), by_number);
	int64_t oldest = times[n - CHRONICLE_ROWS];
	free(times);
	for (uint32_t i = 0; i < t->nslots; i++) {
		const struct row *r = table_row(t, i);
		struct buf b = { 0 };
		struct rd rd;
		if (!r || row_int(r, TIMELINE_TIME) >= oldest)
			continue;
		rows_start(&b, kind_timeline.name);
		rows_del(&b, row_key(r));
		rows_open(&rd, buf_str(&b));
		table_apply(t, r->source, &rd, 0);
		buf_release(&b);
	}
}

/* The trail is of all sessions of this user, the demo too; what is in the history has been judged. What somebody's clock has put
 * into the future is not above what happens now: it comes in its time. */
static bool ours(const struct store *s, const struct note *x, int64_t now)
{
	if (x->at > now + AHEAD_MS)
		return false;
	bool found = x->kept || !x->parts[SOURCE].n;
	for (unsigned i = 0; i < s->nsources && !found; i++)
		found = str_is(x->parts[SOURCE], s->sources[i].name);
	return found;
}

static void take_notes(struct chronicle *c, struct note *list)
{
	struct table *t = store_table(c->store, kind_timeline.name);
	unsigned n = 0;
	for (const struct note *x = list; x; x = x->next)
		n++;
	if (!n || !t) {
		free_notes(list);
		return;
	}
	struct note **all = xcalloc(n, sizeof(*all));
	uint64_t before = t->version;
	int64_t now = clock_wall(c->clock);
	n = 0;
	for (struct note *x = list; x; x = x->next)
		if (ours(c->store, x, now))
			all[n++] = x;
	qsort(all, n, sizeof(*all), by_time);
	for (unsigned i = 0; i < n; i++)
		take_note(c, t, all[i]);
	bound(t);
	c->store->version += t->version != before;
	free(all);
	free_notes(list);
}

/* ---- reading, on a thread of its own */

static struct str text_of(const json_t *o, const char *key)
{
	const json_t *v = json_object_get(o, key);
	return json_is_string(v) ? (struct str){ json_string_value(v), json_string_length(v) } : STR("");
}

static bool read_event(void *arg, const struct history_event *e)
{
	struct note **list = arg;
	json_t *o = json_loadb(e->detail.p, e->detail.n, 0, NULL);
	const struct change_sort *sort = change_sort(text_of(o, "sort"));
	json_int_t level = json_integer_value(json_object_get(o, "level"));
	if (sort) {
		struct note *x = note_new(e->at, sort, level > 0 && level <= LEVEL_BAD ? (enum level)level : LEVEL_NONE,
			(const struct str[PARTS]){ e->what, e->subject, text_of(o, "model"), text_of(o, "namespace"), text_of(o, "who"),
			text_of(o, "kind"), text_of(o, "key"), e->source });
		x->seen = json_is_true(json_object_get(o, "seen"));
		x->kept = true;
		x->next = *list;
		*list = x;
	}
	json_decref(o);
	return true;
}

/* A line of the audit trail that says how an action ended, or how a promotion or rollback as a whole stands. */
static struct note *read_line(struct str line)
{
	json_t *o = json_loadb(line.p, line.n, 0, NULL), *target = json_object_get(o, "target");
	struct str state = text_of(o, "state"), action = text_of(o, "action"), key = text_of(target, "key"), user = text_of(o, "as");
	struct buf text = { 0 };
	struct note *x = NULL;
	int64_t at = 0;
	bool whole = str_is(text_of(o, "event"), "runbook");
	if ((whole || str_is(text_of(o, "event"), "outcome")) && time_parse(text_of(o, "time"), &at)) {
		struct str ns = key, kind = text_of(target, "kind"), version = whole ? text_of(o, "version") : STR("");
		ns = str_split(&ns, '/');
		buf_addf(&text, STR_FMT " " STR_FMT "%s" STR_FMT ": " STR_FMT, STR_ARG(action), STR_ARG(key), version.n ? " v" : "", STR_ARG(version),
		         STR_ARG(state));
		bool model = str_is(kind, "models") || str_is(kind, "versions");
		x = note_new(at, change_sort(STR("action")), str_is(state, "failed") ? LEVEL_BAD : str_is(state, "undone") ? LEVEL_DOUBT :
		             LEVEL_NONE, (const struct str[PARTS]){
			buf_str(&text), key, model ? ns : STR(""), !model && ns.n < key.n ? ns : STR(""), user.n ? user : text_of(o, "user"), kind, key,
			text_of(o, "source") });
	}
	buf_release(&text);
	json_decref(o);
	return x;
}

/* What the trail grew by; of a long one at first only the end. */
static void read_audit(struct chronicle *c, struct note **list)
{
	FILE *f = fopen(c->audit, "re");
	char *line = NULL;
	size_t cap = 0;
	ssize_t n;
	struct stat st;
	if (!f)
		return;
	bool cut = false;
	if (fstat(fileno(f), &st) == 0 && (st.st_size < c->audit_at || st.st_size - c->audit_at > AUDIT_BYTES)) {
		c->audit_at = st.st_size > AUDIT_BYTES ? st.st_size - AUDIT_BYTES : 0;
		cut = c->audit_at > 0;
	}
	if (fseeko(f, c->audit_at, SEEK_SET) == 0)
		while ((n = getline(&line, &cap, f)) > 0 && line[n - 1] == '\n') {
			struct note *x = cut ? NULL : read_line((struct str){ line, (size_t)n - 1 });
			cut = false;
			c->audit_at += n;
			if (x) {
				x->next = *list;
				*list = x;
			}
		}
	free(line);
	fclose(f);
}

static void *read_all(void *arg)
{
	struct chronicle *c = arg;
	struct reader *r = &c->r;
	pthread_mutex_lock(&r->lock);
	while (!r->quit) {
		if (!r->want_history && !r->want_audit) {
			pthread_cond_wait(&r->work, &r->lock);
			continue;
		}
		bool history = r->want_history, audit = r->want_audit;
		struct note *list = NULL, *end;
		char *why = NULL;
		r->want_history = r->want_audit = false;
		r->busy = true;
		pthread_mutex_unlock(&r->lock);
		if (audit)
			read_audit(c, &list);
		if (history)
			history_read(c->history, &(struct history_query){ .kind = HISTORY_KIND, .from = r->from, .limit = CHRONICLE_ROWS },
			             read_event, &list, &why);
		pthread_mutex_lock(&r->lock);
		if ((end = list)) {
			while (end->next)
				end = end->next;
			end->next = r->notes;
			r->notes = list;
		}
		if (history) {
			free(r->why);
			r->why = why;
		}
		r->busy = false;
		pthread_cond_broadcast(&r->idle);
	}
	pthread_mutex_unlock(&r->lock);
	return NULL;
}

static void order(struct chronicle *c, bool history, bool audit)
{
	struct reader *r = &c->r;
	pthread_mutex_lock(&r->lock);
	if (!r->running)
		r->running = pthread_create(&r->thread, NULL, read_all, c) == 0;
	r->from = clock_wall(c->clock) - c->keep_ms;
	r->want_history |= history && r->running;
	r->want_audit |= audit && r->running;
	pthread_cond_signal(&r->work);
	pthread_mutex_unlock(&r->lock);
}

/* ---- the main thread's part */

static struct note *take_read(struct chronicle *c)
{
	struct reader *r = &c->r;
	pthread_mutex_lock(&r->lock);
	struct note *list = r->notes;
	r->notes = NULL;
	free(c->error);
	c->error = xstrdup(r->why);
	pthread_mutex_unlock(&r->lock);
	return list;
}

static void look_for_more(struct chronicle *c, int64_t now)
{
	struct stat st;
	bool audit = false, history = c->history && (!c->read_at || (history_version(c->history) != c->version &&
	                                                            (now < c->read_at || now - c->read_at > READ_MS)));
	if (c->audit && (now < c->audit_looked || now - c->audit_looked >= AUDIT_MS)) {
		c->audit_looked = now;
		audit = stat(c->audit, &st) == 0 && st.st_size != c->audit_size;
		c->audit_size = audit ? st.st_size : c->audit_size;
	}
	if (history) {
		c->read_at = now;
		c->version = history_version(c->history);
	}
	if (history || audit)
		order(c, history, audit);
	if (c->history && (now < c->pruned || now - c->pruned > PRUNE_MS)) {
		c->pruned = now;
		history_prune(c->history, HISTORY_KIND, NULL, now - c->keep_ms);
		history_prune(c->history, NULL, "production", now - (c->keep_ms > SPARE_MS ? c->keep_ms : SPARE_MS));
	}
}

void chronicle_tick(struct chronicle *c)
{
	int64_t now = clock_wall(c->clock);
	look_for_more(c, now);
	take_notes(c, take_read(c));
	scan_tables(c, now);
	jumps_tell(c->jumps, now, note_endpoint, c);
	struct note *list = c->notes;
	c->notes = NULL;
	take_notes(c, list);
}

bool chronicle_settle(struct chronicle *c, int ms)
{
	struct reader *r = &c->r;
	struct timespec until;
	bool over = true;
	chronicle_tick(c);
	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += ms / 1000;
	until.tv_nsec += ms % 1000 * 1000000l;
	until.tv_sec += until.tv_nsec / 1000000000;
	until.tv_nsec %= 1000000000;
	pthread_mutex_lock(&r->lock);
	while (over && (r->want_history || r->want_audit || r->busy))
		over = pthread_cond_timedwait(&r->idle, &r->lock, &until) == 0;
	pthread_mutex_unlock(&r->lock);
	chronicle_tick(c);
	return over;
}

const char *chronicle_error(const struct chronicle *c)
{
	return c->error;
}

struct chronicle *chronicle_new(struct store *store, struct history *history, const char *audit, int64_t keep_ms,
                                const struct clock *clock)
{
	struct chronicle *c = xcalloc(1, sizeof(*c));
	*c = (struct chronicle){ .store = store, .history = history, .clock = clock, .audit = xstrdup(audit), .keep_ms = keep_ms,
	                         .audit_size = -1, .jumps = jumps_new() };
	pthread_mutex_init(&c->r.lock, NULL);
	pthread_cond_init(&c->r.work, NULL);
	pthread_cond_init(&c->r.idle, NULL);
	for (unsigned i = 0; changes_kind(i) && c->nwatches < WATCHES_MAX; i++) {
		struct table *t = store_table(store, changes_kind(i));
		if (!t)
			continue;
		c->watches[c->nwatches] = (struct watching){ .c = c, .t = t };
		table_watch(t, saw, &c->watches[c->nwatches++]);
	}
	return c;
}

void chronicle_free(struct chronicle *c)
{
	if (!c)
		return;
	for (unsigned i = 0; i < c->nwatches; i++)
		table_unwatch(store_table(c->store, c->watches[i].t->kind->name), saw, &c->watches[i]);
	take_notes(c, c->notes);
	pthread_mutex_lock(&c->r.lock);
	c->r.quit = true;
	pthread_cond_signal(&c->r.work);
	pthread_mutex_unlock(&c->r.lock);
	if (c->r.running)
		pthread_join(c->r.thread, NULL);
	pthread_mutex_destroy(&c->r.lock);
	pthread_cond_destroy(&c->r.work);
	pthread_cond_destroy(&c->r.idle);
	jumps_free(c->jumps);
	free_notes(c->r.notes);
	free(c->r.why);
	free(c->error);
	free(c->audit);
	free(c);
}
