/* backend: an S3 object store as a source: its settings, its thread, its health. Nothing is asked while nobody looks: the
 * buckets are listed at intervals while somebody watches them, everything else when it is asked for. */
#define _GNU_SOURCE
#include "backends/s3/s3.h"
#include "base/fmt.h"
#include "base/mem.h"
#include <stdio.h>
#include <stdlib.h>

#define WATCHES_MAX 16
#define RUNS_MS 100                  /* how soon the end of an action is noticed */
#define PART_LEAST (5 << 20)
#define PART_MOST (1 << 30)
#define SKEW_SAY_MS (2 * 60000)      /* a clock that is off by so much is said */

struct state {
	struct s3 s;
	struct browser *browser;
	struct jobs *jobs;
	struct runs *runs;
	uint64_t watches[WATCHES_MAX]; unsigned nwatches;   /* of buckets */
	int64_t next;                    /* mono ms of the next listing of the buckets */
	struct http_backoff backoff;
};

static const struct yaml *buckets_setting(const struct link *l)
{
	const struct yaml *b = yaml_get(link_settings(l), "buckets");
	return b && b->type == YAML_LIST && b->n ? b : NULL;
}

/* ---- health */

static void say(struct state *t, enum health_state state, const char *why, const char *remedy)
{
	struct buf detail = { 0 };
	buf_addf(&detail, "%s, region %s", s3_where(&t->s), t->s.region);
	if (*t->s.from)
		buf_addf(&detail, ", as %s from %s", t->s.key_id, t->s.from);
	link_say(t->s.link, (struct msg_health){ .state = state, .latency_us = t->s.latency_us,
		.insecure = t->s.insecure, .why = str_of(why), .remedy = str_of(remedy), .version = STR("S3"), .detail = buf_str(&detail) });
	buf_release(&detail);
}

/* After each exchange: what it says of the source as a whole. */
static void note_health(struct state *t)
{
	const struct s3 *s = &t->s;
	int64_t off = s->skew_ms < 0 ? -s->skew_ms : s->skew_ms;
	struct buf b = { 0 };
	if (*s->fault.why && s->fault.state != HEALTH_LIVE) {
		/* what was live and cannot be reached keeps its rows */
		enum health_state h = s->fault.state, said = link_said(s->link);
		if (h == HEALTH_DOWN && s->fault.passing && (said == HEALTH_LIVE || said == HEALTH_STALE || said == HEALTH_LIMITED))
			h = HEALTH_STALE;
		say(t, h, s->fault.why, s->fault.remedy);
	} else if (s->fault.stopped) {
		return;
	} else if (off >= SKEW_SAY_MS) {
		buf_adds(&b, "this machine's clock is ");
		say_skew(s->skew_ms, &b);
		buf_adds(&b, s->offset_ms ? "; requests are signed by the server's" : "");
		say(t, HEALTH_LIMITED, b.data, "set this machine's clock (timedatectl set-ntp true)");
	} else {
		say(t, HEALTH_LIVE, "", "");
	}
	buf_release(&b);
}

/* ---- buckets */

/* Those named in the settings, with what is known of them. */
static void add_named(struct state *t, struct buf *rows)
{
	const struct yaml *named = buckets_setting(t->s.link);
	for (unsigned i = 0; named && i < named->n; i++) {
		struct str name = named->items[i]->text;
		const char *region = NULL;
		for (unsigned k = 0; k < t->s.nregions; k++)
			if (str_is(name, t->s.regions[k].bucket))
				region = t->s.regions[k].region;
		bucket_put(rows, &(struct bucket_row){ name, str_of(region), 0 });
	}
}

static void list_buckets(struct state *t)
{
	struct msg *m = msg_new(MSG_ROWS, 0);
	unsigned n = 0;
	const struct yaml *named = buckets_setting(t->s.link);
	if (link_said(t->s.link) == HEALTH_IDLE)
		say(t, HEALTH_CONNECTING, "", "");
	rows_start(&m->body, "buckets");
	rows_begin(&m->body, STR(""));
	bool ok = s3_list_buckets(&t->s, 0, &m->body, &n);
	/* who may not list the buckets may still read those that are named */
	bool denied = !ok && !strcmp(t->s.fault.code, "AccessDenied");
	if (denied && named) {
		add_named(t, &m->body);
		t->s.fault = (struct fault){ 0 };
		ok = true;
	}
	if (ok) {
		rows_end(&m->body, STR(""));
		link_send(t->s.link, m);
		http_backoff_reset(&t->backoff);
		t->next = clock_mono(link_clock(t->s.link)) + t->s.poll_ms;
	} else {
		msg_free(m);
		t->next = clock_mono(link_clock(t->s.link)) + http_backoff_next(&t->backoff, -1);
		if (denied && !t->s.anonymous)
			s3_fault(&t->s, HEALTH_LIMITED, "name the buckets in binnacle.yaml (buckets: [NAME])", "the access key %s may not list the buckets",
			         t->s.key_id);
		if (link_closing(t->s.link))
			return;
	}
	note_health(t);
}

/* ---- requests */

static void watch(struct state *t, const struct request *r)
{
	if (!strcmp(r->kind, "objects")) {
		browser_watch(t->browser, r);
		return;
	}
	if (t->nwatches < WATCHES_MAX)
		t->watches[t->nwatches++] = r->id;
	t->next = 0;
}

static void cancel(struct state *t, uint64_t id)
{
	for (unsigned i = 0; i < t->nwatches; i++)
		if (t->watches[i] == id)
			t->watches[i--] = t->watches[--t->nwatches];
	browser_cancel(t->browser, id);
	jobs_cancel(t->jobs, id);
}

static void ask(struct state *t, const struct request *r)
{
	if (!strcmp(r->what, "page"))
		browser_page(t->browser, r);
	else if (!strcmp(r->what, "doctor"))
		s3_doctor(&t->s, r->id, buckets_setting(t->s.link));
	else
		link_fail(t->s.link, r->id, "an object store cannot answer '%s'", r->what);
}

static void handle(struct state *t, struct request *r)
{
	t->s.fault = (struct fault){ 0 };
	t->s.latency_us = -1;
	switch (r->type) {
	case REQ_WATCH:
		watch(t, r);
		break;
	case REQ_ASK:
		ask(t, r);
		break;
	case REQ_OPEN:
		if (!strcmp(r->what, "count"))
			jobs_count(t->jobs, r);
		else if (!strcmp(r->what, "download"))
			jobs_download(t->jobs, r);
		else
			object_open(&t->s, r);
		break;
	case REQ_PLAN:
		s3_plan(&t->s, r);
		break;
	case REQ_RUN:
		runs_start(t->runs, r);
		return;
	case REQ_CANCEL:
		cancel(t, r->id);
		break;
	case REQ_ROWS:
		break;
	}
	/* only what went to the server says anything of it */
	if (t->s.latency_us >= 0 || *t->s.fault.why)
		note_health(t);
	request_free(r);
}

static int64_t number_setting(struct link *l, const char *key, int64_t otherwise, int64_t most)
{
	int64_t n;
	const char *v = link_setting(l, key);
	return v && str_to_i64(str_of(v), &n) && n > 0 && n <= most ? n : otherwise;
}

static int64_t bytes_setting(struct link *l, const char *key, int64_t otherwise, int64_t least, int64_t most)
{
	int64_t n;
	const char *v = link_setting(l, key);
	return v && quantity_units(str_of(v), &n) && n >= least && n <= most ? n : otherwise;
}

static void run(struct link *l)
{
	struct state t = { .backoff = { .first_ms = 2000, .most_ms = 60000 } };
	s3_init(&t.s, l);
	t.s.limit = (long)number_setting(l, "limit", 10000, 1000000);
	t.s.preview = bytes_setting(l, "preview", 65536, 1, 4 << 20);
	t.s.part = bytes_setting(l, "copy_part", PART_MOST, PART_LEAST, PART_MOST);
	t.s.poll_ms = 60000;
	t.browser = browser_new(&t.s);
	t.jobs = jobs_new(&t.s);
	t.runs = runs_new(l, &t.s);
	int64_t job_due = INT64_MAX;
	while (!link_closing(l)) {
		int64_t now = clock_mono(link_clock(l)), due = t.nwatches ? t.next : INT64_MAX;
		due = job_due < due ? job_due : due;
		due = runs_any(t.runs) && now + RUNS_MS < due ? now + RUNS_MS : due;
		struct request *r = link_take(l, due == INT64_MAX ? -1 : due > now ? (int)(due - now < 60000 ? due - now : 60000) : 0);
		if (runs_ended(t.runs))
			browser_again(t.browser);
		if (r)
			handle(&t, r);
		else if (t.nwatches && t.next <= clock_mono(link_clock(l)))
			list_buckets(&t);
		else if (jobs_any(t.jobs) && !link_closing(l)) {
			t.s.fault = (struct fault){ 0 };
			job_due = jobs_step(t.jobs);
			note_health(&t);
			continue;
		}
		job_due = jobs_any(t.jobs) ? 0 : INT64_MAX;
	}
	runs_free(t.runs);
	jobs_free(t.jobs);
	browser_free(t.browser);
	s3_release(&t.s);
}

static const struct config_key keys[] = {
	{ "endpoint", CONFIG_URL, NULL, .help = "Address of a store that speaks S3: http://minio:9000. Without it: AWS." },
	AWS_CONFIG_KEYS,
	{ "buckets", CONFIG_LIST, NULL, .help = "Buckets to show where the key may not list them." },
	{ "style", CONFIG_ENUM, "auto", "auto|path|host",
	  .help = "Whether a bucket is a path or a host of its own; auto: a host at AWS, a path elsewhere." },
	{ "anonymous", CONFIG_BOOL, "false", .help = "Ask without credentials: public buckets." },
	{ "ca_file", CONFIG_PATH, NULL, .help = "Trust the certificates of this file instead of the system's." },
	{ "insecure", CONFIG_BOOL, "false", .help = "Do not verify the certificate; shown as a red badge for as long as it lasts." },
	{ "preview", CONFIG_BYTES, "64Ki", .help = "How much of an object is read to look at it." },
	{ "limit", CONFIG_COUNT, "10000", .help = "How many objects `get objects` lists at most." },
	{ "copy_part", CONFIG_BYTES, "1Gi", .help = "Size of the parts in which an object is copied that is larger than five of them (at least "
	  "5Mi, at most 1Gi)." },
	TUNNEL_CONFIG_KEYS,
	CONFIG_END
};
static const struct kind *const kinds[] = { &kind_buckets, &kind_objects, NULL };

const struct backend backend_s3 = {
	.name = "s3", .title = "S3", .help = "Buckets and objects of AWS S3 and stores that speak like it.", .keys = keys, .kinds = kinds, .actions = s3_actions,
	.run = run, .opens = storage_opens,
};
