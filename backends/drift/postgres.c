/* postgres: drift history from a table or query in PostgreSQL, through one read-only session.
 *
 * Nothing is asked of the server while nobody looks. The first look lists the newest checks row by row, so that a huge
 * table costs no more than what is shown; later ones ask only for rows as new as the last known, at each poll and at
 * once when the server notifies. A lost connection is made anew, slower each time it fails; the rows stay. */
#include "backends/drift/ack.h"
#include "backends/drift/find.h"
#include "backends/net/doctor.h"
#include "backends/drift/promoted.h"
#include "backends/drift/served.h"
#include "backends/drift/settings.h"
#include "backends/drift/trail.h"
#include "backends/drift/trained.h"
#include "base/fmt.h"
#include "base/mem.h"
#include "base/retrain.h"
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#define WATCHES_MAX 64
#define CONNECT_MS 10000
#define BATCH_BYTES 32768        /* rows in one message */
#define AGAIN_MS 60000           /* how often the last rows are read again: what was done is often written later */
#define AGAIN_ROWS 20
#define TRAINED_MS 600000       /* how often it is asked what the table of training looks like */
#define RING 64

enum part { PART_DRIFT, PART_SERVED, PART_PROMOTED, PART_TRAINED };     /* of the database; a source may have any of them */
struct watch { uint64_t id; enum part part; };
struct history {
	struct pg pg;
	struct layout layout;
	struct promoted promoted;
	struct served served;
	struct trail *trail;
	struct acks *acks;
	struct watch watches[WATCHES_MAX];
	unsigned nwatches;
	long limit;
	int64_t poll_ms;
	double threshold;
	struct trail_rule rule;
	enum points points;
	/* What is known: */
	bool listed, dirty;          /* dirty: the ranking is behind the checks */
	char *cursor;                /* of the newest row, exact text */
	uint64_t seen[RING];         /* of rows sent lately: key and contents */
	unsigned nseen;
	int64_t next_ms, again_ms, retry_ms, trained_ms;   /* mono */
	unsigned failures;
	unsigned shut;               /* bit by part: it was told that its kind cannot be listed */
};
struct batch { struct history *h; struct buf rows, row, key; struct feature_list features; unsigned n; bool first; };

static int64_t mono(const struct history *h)
{
	return clock_mono(link_clock(h->pg.link));
}

static void say_health(struct history *h, enum health_state state, const char *why, const char *remedy)
{
	struct buf detail = { 0 };
	char version[32] = "";
	if (h->pg.c) {
		int v = h->pg.q->serverVersion(h->pg.c);
		snprintf(version, sizeof(version), "%d.%d", v / 10000, v % 100);
		pg_describe(&h->pg, &detail);
		if (h->layout.table)
			buf_addf(&detail, ", table %s.%s", h->layout.schema, h->layout.table);
	}
	link_say(h->pg.link, (struct msg_health){
		.state = state, .latency_us = h->pg.c ? h->pg.latency_us : -1, .why = str_of(why),
		.remedy = str_of(remedy), .version = str_of(version), .detail = buf_str(&detail) });
	buf_release(&detail);
}

/* ---- rows */

static void send_rows(struct batch *b)
{
	struct msg *m;
	if (!b->rows.len)
		return;
	acks_add(b->h->acks, &b->rows);
	m = msg_new(MSG_ROWS, 0);
	m->body = b->rows;
	b->rows = (struct buf){ 0 };
	link_send(b->h->pg.link, m);
}

static void start_rows(struct batch *b)
{
	if (!b->rows.len)
		rows_start(&b->rows, "drift");
}

static uint64_t hash_bytes(const struct buf *b)
{
	uint64_t h = 1469598103934665603u;
	for (size_t i = 0; i < b->len; i++)
		h = (h ^ (uint8_t)b->data[i]) * 1099511628211u;
	return h;
}

static bool known_row(struct history *h, uint64_t hash)
{
	for (unsigned i = 0; i < h->nseen && i < RING; i++)
		if (h->seen[i] == hash)
			return true;
	h->seen[h->nseen++ % RING] = hash;
	if (h->nseen == 2 * RING)
		h->nseen = RING;
	return false;
}

/* "bed, house_size": the features as a list is read, whatever the table holds. */
static void name_features(const struct feature_list *f, struct buf *out)
{
	buf_clear(out);
	for (unsigned i = 0; i < f->n; i++)
		if (f->items[i].drifted)
			buf_addf(out, "%s" STR_FMT, out->len ? ", " : "", STR_ARG(feature_name(f, i)));
}

static bool take_row(void *arg, const struct pg *pg, const PGresult *row)
{
	struct batch *b = arg;
	struct history *h = b->h;
	struct str cells[LAYOUT_FIELD_COUNT];
	struct drift_check c;
	struct buf names = { 0 };

	for (int i = 0; i < LAYOUT_FIELD_COUNT; i++)
		cells[i] = pg_cell(pg, row, i);
	layout_check(cells, &b->key, &c);
	features_parse(&b->features, c.features);
	name_features(&b->features, &names);
	c.features = buf_str(&names);
	if (c.count < 0 && (h->layout.columns[LAYOUT_features].name || b->features.n))
		c.count = cells[LAYOUT_features].p ? (int64_t)b->features.drifted : -1;
	if (c.checked < 0 && b->features.complete)
		c.checked = b->features.n;
	c.limit = isnan(c.limit) ? h->threshold : c.limit;
	c.points = h->points;
	if (b->first && pg_cell(pg, row, LAYOUT_FIELD_COUNT).n) {       /* newest first */
		free(h->cursor);
		h->cursor = str_dup(pg_cell(pg, row, LAYOUT_FIELD_COUNT));
		b->first = false;
	}
	buf_clear(&b->row);
	drift_put(&b->row, &c);
	if (!h->listed || !known_row(h, hash_bytes(&b->row))) {
		start_rows(b);
		buf_addstr(&b->rows, buf_str(&b->row));
		trail_add(h->trail, &c, &b->features);
		h->dirty = true;
		b->n++;
	}
	if (!h->listed && b->n <= RING)
		known_row(h, hash_bytes(&b->row));
	buf_release(&names);
	if (b->rows.len > BATCH_BYTES)
		send_rows(b);
	return !link_closing(pg->link);
}

static void batch_release(struct batch *b)
{
	buf_release(&b->rows);
	buf_release(&b->row);
	buf_release(&b->key);
	features_release(&b->features);
}

static void send_features(struct history *h)
{
	struct msg *m = msg_new(MSG_ROWS, 0);
	trail_write(h->trail, &h->rule, true, &m->body);
	link_send(h->pg.link, m);
	h->dirty = false;
}

/* Everything, newest first, up to the limit. */
static bool list_all(struct history *h)
{
	struct batch b = { .h = h, .first = true };
	struct buf sql = { 0 };
	char limit[24];
	h->listed = false;
	h->nseen = 0;
	trail_clear(h->trail);
	snprintf(limit, sizeof(limit), "%ld", h->limit);
	layout_sql(&h->layout, LAYOUT_ALL, &sql);
	start_rows(&b);
	rows_begin(&b.rows, STR(""));
	bool ok = pg_ask(&h->pg, sql.data, (const char *const[]){ limit }, 1, take_row, &b);
	if (ok) {
		start_rows(&b);
		rows_end(&b.rows, STR(""));
		h->listed = true;
	}
	send_rows(&b);
	if (ok)                          /* of half a history they would be the wrong ones */
		send_features(h);
	batch_release(&b);
	buf_release(&sql);
	return ok;
}

/* Rows newer than the last known; `again`: the last few too. */
static bool list_newer(struct history *h, bool again)
{
	struct batch b = { .h = h, .first = true };
	struct buf sql = { 0 };
	char limit[24], from[32];
	int64_t id = 0;
	const char *cursor = h->cursor;

	if (!cursor || h->layout.cursor == CURSOR_NONE)
		return list_all(h);
	if (h->layout.cursor == CURSOR_ID && str_to_i64(str_of(cursor), &id)) {
		snprintf(from, sizeof(from), "%lld", (long long)(again ? id - AGAIN_ROWS : id + 1));
		cursor = from;
	}
	snprintf(limit, sizeof(limit), "%ld", h->limit);
	layout_sql(&h->layout, LAYOUT_NEWER, &sql);
	char *kept = xstrdup(cursor);
	bool ok = pg_ask(&h->pg, sql.data, (const char *const[]){ limit, kept }, 2, take_row, &b);
	free(kept);
	send_rows(&b);
	if (h->dirty)
		send_features(h);
	batch_release(&b);
	buf_release(&sql);
	return ok;
}

/* ---- the connection */

static void failed(struct history *h)
{
	static const int wait_s[] = { 1, 2, 4, 8, 15, 30, 60 };
	bool wrong = h->pg.state == HEALTH_DOWN || h->pg.state == HEALTH_REFUSED;
	unsigned step = wrong && h->failures < 4 ? 4 : h->failures < 6 ? h->failures : 6;
	h->failures++;
	h->retry_ms = mono(h) + wait_s[step] * 1000;
	h->next_ms = h->retry_ms;
	if (!link_closing(h->pg.link))
		say_health(h, h->pg.state, h->pg.error, h->pg.remedy);
}

static void listen_to(struct history *h)
{
	const char *channel = link_setting(h->pg.link, "channel");
	struct buf sql = { 0 };
	char error[sizeof(h->pg.error)], remedy[sizeof(h->pg.remedy)];
	memcpy(error, h->pg.error, sizeof(error));
	memcpy(remedy, h->pg.remedy, sizeof(remedy));
	buf_adds(&sql, "listen ");
	quote_identifier(&sql, str_of(channel && *channel ? channel : "binnacle_drift"));
	/* A standby refuses; then there is the poll. */
	if (pg_ask(&h->pg, sql.data, NULL, 0, NULL, NULL) && h->layout.table) {
		buf_clear(&sql);
		buf_adds(&sql, "listen ");
		quote_identifier(&sql, str_of(h->layout.table));
		pg_ask(&h->pg, sql.data, NULL, 0, NULL, NULL);
	}
	memcpy(h->pg.error, error, sizeof(error));
	memcpy(h->pg.remedy, remedy, sizeof(remedy));
	buf_release(&sql);
}

/* Connected, the layout known; false: pg says why. */
static bool connect_now(struct history *h)
{
	if (h->pg.c)
		return h->layout.table || h->layout.query ? true : find_layout(&h->pg, &h->layout);
	if (!pg_connect(&h->pg, CONNECT_MS) || !find_layout(&h->pg, &h->layout))
		return false;
	listen_to(h);
	return h->pg.c != NULL;
}

static bool watches(const struct history *h, enum part part)
{
	for (unsigned i = 0; i < h->nwatches; i++)
		if (h->watches[i].part == part)
			return true;
	return false;
}

/* What is not there or not ours is refused; what the server had no time for is down until it is asked again. */
static void kind_health(struct history *h, enum part part, const char *kind)
{
	bool refused = !strncmp(h->pg.sqlstate, "42", 2) || h->pg.state == HEALTH_REFUSED;
	h->shut |= 1u << part;
	link_health(h->pg.link, (struct msg_health){ .state = refused ? HEALTH_REFUSED : HEALTH_DOWN, .latency_us = -1, .kind = str_of(kind),
		.why = str_of(h->pg.error), .remedy = str_of(h->pg.remedy) });
}

/* It is there after all. */
static void kind_well(struct history *h, enum part part, const char *kind, const char *other)
{
	if (!(h->shut & 1u << part))
		return;
	h->shut &= ~(1u << part);
	link_health(h->pg.link, (struct msg_health){ .state = HEALTH_LIVE, .latency_us = -1, .kind = str_of(kind) });
	if (other)
		link_health(h->pg.link, (struct msg_health){ .state = HEALTH_LIVE, .latency_us = -1, .kind = str_of(other) });
}

/* The log of predictions, apart from the drift history: a source may have one, the other, or both. */
static void work_served(struct history *h)
{
	if (served_find(&h->served, &h->pg) && served_list(&h->served, &h->pg)) {
		kind_well(h, PART_SERVED, "predictions", NULL);
		return;
	}
	if (!h->pg.c) {
		failed(h);
		return;
	}
	if (!strncmp(h->pg.sqlstate, "42", 2))           /* the table changed: look again */
		served_release(&h->served);
	kind_health(h, PART_SERVED, "predictions");
}

/* The history of models, likewise. */
static void work_promoted(struct history *h)
{
	if (promoted_find(&h->promoted, &h->pg) && promoted_list(&h->promoted, &h->pg)) {
		kind_well(h, PART_PROMOTED, "promotions", NULL);
		return;
	}
	if (!h->pg.c) {
		failed(h);
		return;
	}
	if (!strncmp(h->pg.sqlstate, "42", 2))
		promoted_release(&h->promoted);
	if (!strcmp(h->pg.sqlstate, "42P01") && !yaml_get(link_settings(h->pg.link), "promotions")) {
		struct msg *m = msg_new(MSG_ROWS, 0);    /* nobody said that there is one */
		rows_start(&m->body, "promotions");
		rows_begin(&m->body, STR(""));
		rows_end(&m->body, STR(""));
		link_send(h->pg.link, m);
		return;
	}
	kind_health(h, PART_PROMOTED, "promotions");
}

/* What the model was trained on, where the settings name it. */
static void work_trained(struct history *h)
{
	if (mono(h) < h->trained_ms)
		return;
	h->trained_ms = mono(h) + TRAINED_MS;
	if (!trained_said(h->pg.link)) {
		struct msg *m = msg_new(MSG_ROWS, 0);
		rows_start(&m->body, "ranges");
		rows_begin(&m->body, STR(""));
		rows_end(&m->body, STR(""));
		link_send(h->pg.link, m);
	} else if (!trained_list(&h->pg)) {
		h->trained_ms = mono(h) + AGAIN_MS;
		if (h->pg.c)
			kind_health(h, PART_TRAINED, "ranges");
		else
			failed(h);
	} else {
		kind_well(h, PART_TRAINED, "ranges", NULL);
	}
}

/* No drift history was asked for by name, there is none, but there is another part: the source is well. */
static bool only_served(struct history *h)
{
	struct pg *pg = &h->pg;
	char error[sizeof(pg->error)], remedy[sizeof(pg->remedy)], sqlstate[sizeof(pg->sqlstate)];
	if (!pg->c || strcmp(pg->sqlstate, "42P01") || link_setting(pg->link, "table") || link_setting(pg->link, "query"))
		return false;
	memcpy(error, pg->error, sizeof(error));
	memcpy(remedy, pg->remedy, sizeof(remedy));
	memcpy(sqlstate, pg->sqlstate, sizeof(sqlstate));
	bool is = served_find(&h->served, pg) || promoted_find(&h->promoted, pg);
	memcpy(pg->error, error, sizeof(error));
	memcpy(pg->remedy, remedy, sizeof(remedy));
	memcpy(pg->sqlstate, sqlstate, sizeof(sqlstate));
	return is;
}

/* One turn of what is due. */
static void work(struct history *h)
{
	int64_t now = mono(h);
	if (now < h->retry_ms)
		return;
	if (!h->pg.c)
		say_health(h, HEALTH_CONNECTING, "", "");
	if (watches(h, PART_SERVED) && (h->pg.c || pg_connect(&h->pg, CONNECT_MS)))
		work_served(h);
	if (watches(h, PART_PROMOTED) && (h->pg.c || pg_connect(&h->pg, CONNECT_MS)))
		work_promoted(h);
	if (watches(h, PART_TRAINED) && (h->pg.c || pg_connect(&h->pg, CONNECT_MS)))
		work_trained(h);
	if (h->pg.c && !watches(h, PART_DRIFT)) {
		h->failures = 0;
		h->next_ms = mono(h) + h->poll_ms;
		say_health(h, HEALTH_LIVE, "", "");
		return;
	}
	bool fresh = !h->pg.c || !h->listed;
	bool again = now >= h->again_ms;
	if (!connect_now(h) || !(fresh ? list_all(h) : list_newer(h, again))) {
		if (h->pg.c && !strncmp(h->pg.sqlstate, "42", 2)) {   /* the table changed: look again */
			layout_release(&h->layout);
			h->listed = false;
		}
		if (only_served(h)) {
			kind_health(h, PART_DRIFT, "drift");
			kind_health(h, PART_DRIFT, "features");
			h->next_ms = mono(h) + h->poll_ms;
			say_health(h, HEALTH_LIVE, "", "");
			return;
		}
		failed(h);
		return;
	}
	kind_well(h, PART_DRIFT, "drift", "features");
	h->pg.notified = false;
	h->failures = 0;
	h->next_ms = mono(h) + h->poll_ms;
	if (again)
		h->again_ms = mono(h) + AGAIN_MS;
	say_health(h, HEALTH_LIVE, "", "");
}

/* ---- doctor */

static bool take_epoch(void *arg, const struct pg *pg, const PGresult *row)
{
	*(int64_t *)arg = read_epoch(pg_cell(pg, row, 0));
	return true;
}

static void check_history(struct history *h, json_t *all)
{
	struct buf b = { 0 };
	int64_t newest, now = clock_wall(link_clock(h->pg.link));
	if (h->layout.table)
		doctor_check(all, "table", 1, "", "%s.%s, new rows by %s", h->layout.schema, h->layout.table,
		      h->layout.cursor == CURSOR_ID ? "id" : h->layout.cursor == CURSOR_TIME ? "time" : "listing all");
	else
		doctor_check(all, "query", 1, "", "gives the columns that are needed");
	if (!h->listed && !list_all(h)) {
		doctor_check(all, "rows", 0, h->pg.remedy, "%s", h->pg.error);
		return;
	}
	newest = trail_newest(h->trail);
	fmt_age(now - newest, &b);
	if (newest)
		doctor_check(all, "rows", 1, "", "the last check was %s ago", b.data);
	else
		doctor_check(all, "rows", -1, "see that the checks run and write here", "there are no checks");
	buf_release(&b);
}

static void doctor(struct history *h, uint64_t id)
{
	json_t *all = json_array();
	int64_t server = 0;
	struct buf b = { 0 };
	bool found = connect_now(h);
	if (!h->pg.c) {
		doctor_check(all, h->pg.state == HEALTH_REFUSED ? "authenticated" : "reachable", 0, h->pg.remedy, "%s", h->pg.error);
	} else {
		char error[sizeof(h->pg.error)], remedy[sizeof(h->pg.remedy)];
		memcpy(error, h->pg.error, sizeof(error));
		memcpy(remedy, h->pg.remedy, sizeof(remedy));
		pg_ask(&h->pg, "select extract(epoch from clock_timestamp())::text", NULL, 0, take_epoch, &server);
		doctor_check(all, "reachable", 1, "", "answers in %.1f ms", (double)h->pg.latency_us / 1000);
		pg_describe(&h->pg, &b);
		doctor_check(all, "authenticated", 1, "", "%s", b.data);
		int v = h->pg.q->serverVersion(h->pg.c);
		doctor_check(all, "version", v >= 90600 ? 1 : -1, "PostgreSQL 10 and later are known to work", "PostgreSQL %d.%d",
		      v / 10000, v % 100);
		int64_t skew = server ? server - clock_wall(link_clock(h->pg.link)) : 0;
		doctor_check(all, "clock", !server ? -1 : llabs(skew) < 30000 ? 1 : -1,
		      "set the clock of this machine (timedatectl set-ntp true), or the server's: ages are wrong",
		      "the server's clock is %lld s off ours", (long long)(skew / 1000));
		if (found)
			check_history(h, all);
		else
			doctor_check(all, "table", only_served(h) ? -1 : 0, remedy, "%s", error);
		if (h->pg.c && served_find(&h->served, &h->pg))
			doctor_check(all, "predictions", 1, "", "%s.%s, new rows by %s", h->served.schema, h->served.table,
			      h->served.by_id ? "id" : "time");
		if (h->pg.c && promoted_find(&h->promoted, &h->pg))
			doctor_check(all, "promotions", 1, "", "%s.%s", h->promoted.schema, h->promoted.table);
		memcpy(h->pg.error, error, sizeof(error));       /* of the drift history, for the health */
		memcpy(h->pg.remedy, remedy, sizeof(remedy));
	}
	char *text = json_dumps(all, JSON_COMPACT);
	link_answer(h->pg.link, id, true, str_of(text ? text : "[]"));
	free(text);
	json_decref(all);
	buf_release(&b);
	if (!found)
		failed(h);
}

/* ---- requests */

static void handle(struct history *h, struct request *r)
{
	switch (r->type) {
	case REQ_WATCH:
		if (h->nwatches < WATCHES_MAX)
			h->watches[h->nwatches++] = (struct watch){ r->id, !strcmp(r->kind, "predictions") ? PART_SERVED
				: !strcmp(r->kind, "promotions") ? PART_PROMOTED : !strcmp(r->kind, "ranges") ? PART_TRAINED : PART_DRIFT };
		h->next_ms = 0;
		h->retry_ms = h->pg.c ? h->retry_ms : 0;
		if (!strcmp(r->kind, "predictions"))
			h->served.since_list = h->served.limit + 1;      /* who looks now gets everything */
		else if (!strcmp(r->kind, "ranges"))
			h->trained_ms = 0;
		else
			h->listed = false;
		break;
	case REQ_CANCEL:
		for (unsigned i = 0; i < h->nwatches; i++)
			if (h->watches[i].id == r->id)
				h->watches[i--] = h->watches[--h->nwatches];
		break;
	case REQ_ROWS:
		break;
	case REQ_ASK:
		if (!strcmp(r->what, "doctor"))
			doctor(h, r->id);
		else
			link_fail(h->pg.link, r->id, "a PostgreSQL source cannot answer '%s'", r->what);
		break;
	case REQ_OPEN:
		link_textf(h->pg.link, r->id, TEXT_END | TEXT_ERROR, "a PostgreSQL source has no '%s'", r->what);
		break;
	case REQ_PLAN:
		acks_plan(h->acks, r);
		break;
	case REQ_RUN:
		acks_run(h->acks, r);
		break;
	}
	request_free(r);
}

static void read_settings(struct history *h, struct link *l)
{
	double limit = setting_real(l, "limit");
	h->limit = limit >= 1 && limit <= 1000000 ? (long)limit : 5000;
	h->poll_ms = setting_duration(l, "poll", 30000);
	h->poll_ms = h->poll_ms < 1000 ? 1000 : h->poll_ms;
	h->threshold = setting_real(l, "threshold");
	h->points = setting_points(l, "points");
	h->rule = (struct trail_rule){ str_of(link_setting(l, "feature_method")), setting_real(l, "feature_threshold"),
	                               setting_points(l, "feature_points") };
}

static void run(struct link *l)
{
	struct history h = { .pg = pg_of_link(l, (int)setting_duration(l, "timeout", 10000)), .trail = trail_new() };
	struct request *r;
	read_settings(&h, l);
	h.acks = acks_new(l);
	h.rule.known = acks_hold, h.rule.arg = h.acks;
	while (!link_closing(l)) {
		while ((r = link_take(l, 0)))
			handle(&h, r);
		if (h.nwatches && (mono(&h) >= h.next_ms || h.pg.notified))
			work(&h);
		if (h.listed && h.nwatches && acks_changed(h.acks)) {
			h.listed = false;
			h.next_ms = 0;
		}
		int64_t wait = h.nwatches ? h.next_ms - mono(&h) : h.pg.c ? AGAIN_MS : -1;
		if (wait == 0 || (h.nwatches && wait < 0))
			wait = 1;
		if (!pg_wait(&h.pg, (int)(wait > AGAIN_MS ? AGAIN_MS : wait)))
			failed(&h);
		if (!h.nwatches && h.pg.c && !link_closing(l) && mono(&h) > h.next_ms + AGAIN_MS) {
			pg_close(&h.pg);         /* nobody has looked for a while */
			say_health(&h, HEALTH_IDLE, "", "");
		}
	}
	pg_release(&h.pg);
	layout_release(&h.layout);
	promoted_release(&h.promoted);
	served_release(&h.served);
	trail_free(h.trail);
	acks_free(h.acks);
	free(h.cursor);
}

/* ---- the descriptor */

static const struct config_key column_keys[] = {
#define X(name_, help_, ...) { .name = #name_, .type = CONFIG_TEXT, .help = "The column that holds " help_ "." },
	LAYOUT_FIELDS(X)
#undef X
	CONFIG_END
};
static const struct config_key keys[] = {
	CONFIG_PG_KEYS,
	{ .name = "table", .type = CONFIG_TEXT, .otherwise = "drift_history", .help = "Table or view, SCHEMA.NAME; "
	  "a table drift_history is found by itself, in any schema." },
	{ .name = "query", .type = CONFIG_TEXT, .help = "Instead of a table: one select statement." },
	{ .name = "columns", .type = CONFIG_SECTION, .section = column_keys, .help = "Which column holds what; those not "
	  "named are recognised by the usual names." },
	{ .name = "threshold", .type = CONFIG_REAL, .help = "The score from which on it is drift, where no column says so." },
	{ .name = "points", .type = CONFIG_ENUM, .otherwise = "above", .choices = "above|below", .help = "Whether scores "
	  "above the threshold are drift (distances, shares) or those below (p values)." },
	{ .name = "feature_method", .type = CONFIG_TEXT, .help = "How features are compared, to be shown." },
	{ .name = "feature_threshold", .type = CONFIG_REAL, .help = "The same for the scores of single features." },
	{ .name = "feature_points", .type = CONFIG_ENUM, .otherwise = "above", .choices = "above|below",
	  .help = "The same for the scores of single features." },
	{ .name = "limit", .type = CONFIG_COUNT, .otherwise = "5000", .help = "How many checks are read, the newest ones." },
	{ .name = "poll", .type = CONFIG_DURATION, .otherwise = "30s", .help = "How often new checks are asked for." },
	{ .name = "timeout", .type = CONFIG_DURATION, .otherwise = "10s", .help = "The longest that a statement may take." },
	{ .name = "promotions", .type = CONFIG_SECTION, .section = promoted_keys, .help = "The history of models that a pipeline "
	  "keeps: which version was promoted when, and why." },
	{ .name = "predictions", .type = CONFIG_SECTION, .section = served_keys, .help = "The log of predictions that a service "
	  "keeps; a table inference_logs is found by itself, in any schema." },
	{ .name = "training", .type = CONFIG_SECTION, .section = trained_keys, .help = "The table that the model was trained on: inputs of "
	  "predictions are compared with where its columns lie." },
	{ .name = "channel", .type = CONFIG_TEXT, .otherwise = "binnacle_drift", .help = "NOTIFY on this channel, or on one "
	  "named as the table, makes it look at once." },
	CONFIG_RETRAIN,
	CONFIG_END
};
static const struct kind *const kinds[] = { &kind_drift, &kind_features, &kind_predictions, &kind_promotions, &kind_ranges, NULL };
const struct backend backend_postgres = {
	.name = "postgres", .title = "PostgreSQL", .help = "drift history, the log of predictions and the history of models, from tables in PostgreSQL",
	.keys = keys, .kinds = kinds, .actions = ack_actions, .run = run, .opens = opens_nothing,
};
