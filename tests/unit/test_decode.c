/* Pods, and the streams of objects: what protobuf becomes which row. */
#include "backends/kubernetes/decode.h"
#include "base/filter.h"
#include "base/mem.h"
#include "base/table.h"
#include "tests/unit/pbwrite.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#define NOW 1795230718LL   /* seconds */

/* ---- pods, made from a few words */

struct one {             /* a container and what its kubelet says of it */
	char where;          /* 'i'nit, 's'idecar, 'c'ontainer */
	const char *state;   /* "running", "waiting:Reason", "ended:0:Reason", "ended:137:", "signal:9", "" */
	bool ready, started;
	unsigned restarts;
	int64_t last;        /* seconds ago it ended last; 0 = never */
};

struct pod_case {
	const char *phase, *reason, *conditions;  /* "Ready=True,PodScheduled=False:SchedulingGated" */
	bool deleted;
	struct one ones[4];
	const char *status, *restarts;            /* wanted */
	int ready, total;
	enum level level;
};

static void add_state(struct buf *b, unsigned field, const char *s)
{
	struct buf state = { 0 }, in = { 0 };
	int n = 0;
	if (strncmp(s, "waiting:", 8) == 0) {
		pb_txt(&in, 1, s + 8);
		pb_msg(&state, 1, &in);
	} else if (strcmp(s, "running") == 0) {
		pb_time(&in, 1, NOW - 60);
		pb_msg(&state, 2, &in);
	} else if (sscanf(s, "ended:%d:", &n) == 1) {
		pb_num(&in, 1, (uint64_t)n);
		pb_num(&in, 2, 0);
		pb_txt(&in, 3, strrchr(s, ':') + 1);
		pb_msg(&state, 3, &in);
	} else if (sscanf(s, "signal:%d", &n) == 1) {
		pb_num(&in, 1, 137);
		pb_num(&in, 2, (uint64_t)n);
		pb_msg(&state, 3, &in);
	}
	pb_msg(b, field, &state);
}

static void add_one(struct buf *spec, struct buf *status, const struct one *c, int i)
{
	struct buf container = { 0 }, report = { 0 }, last = { 0 }, ended = { 0 };
	char name[16];
	bool init = c->where != 'c';
	snprintf(name, sizeof(name), "c%d", i);
	pb_txt(&container, 1, name);
	pb_txt(&container, 2, "image:1");
	if (c->where == 's')
		pb_txt(&container, 24, "Always");
	pb_msg(spec, init ? 20 : 2, &container);
	pb_txt(&report, 1, name);
	add_state(&report, 2, c->state);
	if (c->last) {
		pb_time(&ended, 6, NOW - c->last);
		pb_msg(&last, 3, &ended);
	}
	pb_msg(&report, 3, &last);
	pb_num(&report, 4, c->ready);
	pb_num(&report, 5, c->restarts);
	pb_num(&report, 9, c->started);
	pb_msg(status, init ? 10 : 8, &report);
}

static void add_conditions(struct buf *status, const char *list)
{
	struct str rest = str_of(list ? list : "");
	while (rest.n) {
		struct buf c = { 0 };
		struct str value = str_split(&rest, ','), type = str_split(&value, '=');
		pb_str(&c, 1, type);
		pb_str(&c, 2, str_split(&value, ':'));
		pb_str(&c, 5, value);
		pb_msg(status, 2, &c);
	}
}

static void add_meta(struct buf *b, const char *ns, const char *name, bool deleted)
{
	struct buf m = { 0 }, owner = { 0 };
	pb_txt(&m, 1, name);
	pb_txt(&m, 3, ns);
	pb_txt(&m, 5, "uid-1");
	pb_txt(&m, 6, "4711");
	pb_time(&m, 8, NOW - 3600);
	if (deleted)
		pb_time(&m, 9, NOW - 5);
	pb_entry(&m, 11, "tier", "x");
	pb_entry(&m, 11, "app", "a");
	pb_entry(&m, 11, "app-2", "b");
	pb_txt(&owner, 1, "ReplicaSet");
	pb_txt(&owner, 3, "rs-1");
	pb_num(&owner, 6, 1);
	pb_msg(&m, 13, &owner);
	pb_msg(b, 1, &m);
}

static void make_pod(struct buf *b, const char *name, const struct pod_case *p)
{
	struct buf spec = { 0 }, status = { 0 };
	add_meta(b, "ns", name, p->deleted);
	pb_txt(&status, 1, p->phase);
	if (p->reason)
		pb_txt(&status, 4, p->reason);
	add_conditions(&status, p->conditions);
	for (int i = 0; i < 4 && p->ones[i].where; i++)
		add_one(&spec, &status, &p->ones[i], i);
	pb_txt(&spec, 10, "node-1");
	pb_msg(b, 2, &spec);
	pb_msg(b, 3, &status);
}

static struct table *table_of(const struct kind *k, const struct buf *rows)
{
	struct table *t = table_new(k);
	struct rd r;
	assert_true(str_is(rows_open(&r, buf_str(rows)), k->name));
	assert_true(table_apply(t, 0, &r, 0));
	return t;
}

static void assert_shows(const struct table *t, const struct row *r, const char *col, const char *wanted)
{
	struct buf out = { 0 };
	row_print(t, r, kind_col(t->kind, str_of(col), false), NOW * 1000, &out);
	assert_string_equal(out.data ? out.data : "", wanted);
	buf_release(&out);
}

static const struct pod_case pod_cases[] = {
	{ "Running", NULL, "Ready=True", false, { { 'c', "running", true } }, "Running", "0", 1, 1, LEVEL_OK },
	{ "Running", NULL, "Ready=False", false, { { 'c', "running", false } }, "Running", "0", 0, 1, LEVEL_DOUBT },
	{ "Running", NULL, NULL, false, { { 'c', "waiting:CrashLoopBackOff", false, false, 4, 12 } },
	  "CrashLoopBackOff", "4 (12s ago)", 0, 1, LEVEL_BAD },
	{ "Running", NULL, NULL, false, { { 'c', "ended:137:OOMKilled" } }, "OOMKilled", "0", 0, 1, LEVEL_BAD },
	{ "Running", NULL, NULL, false, { { 'c', "ended:3:" } }, "ExitCode:3", "0", 0, 1, LEVEL_BAD },
	{ "Running", NULL, NULL, false, { { 'c', "signal:9" } }, "Signal:9", "0", 0, 1, LEVEL_BAD },
	{ "Pending", NULL, NULL, false, { { 'c', "waiting:ContainerCreating" } }, "ContainerCreating", "0", 0, 1,
	  LEVEL_BUSY },
	{ "Pending", NULL, "PodScheduled=False:Unschedulable", false, { { 0 } }, "Pending", "0", 0, 0, LEVEL_DOUBT },
	{ "Pending", NULL, "PodScheduled=False:SchedulingGated", false, { { 0 } }, "SchedulingGated", "0", 0, 0,
	  LEVEL_BUSY },
	{ "Pending", NULL, NULL, false, { { 'c', "waiting:ImagePullBackOff" } }, "ImagePullBackOff", "0", 0, 1, LEVEL_BAD },
	{ "Failed", "Evicted", NULL, false, { { 0 } }, "Evicted", "0", 0, 0, LEVEL_BAD },
	{ "Succeeded", NULL, NULL, false, { { 'c', "ended:0:Completed" } }, "Completed", "0", 0, 1, LEVEL_DONE },
	{ "Failed", NULL, NULL, false, { { 'c', "ended:1:Error" } }, "Error", "0", 0, 1, LEVEL_BAD },
	/* Of two that have something to say the first is heard. */
	{ "Running", NULL, NULL, false, { { 'c', "ended:1:Error" }, { 'c', "waiting:CrashLoopBackOff" } }, "Error", "0", 0,
	  2, LEVEL_BAD },
	{ "Running", NULL, "Ready=True", false, { { 'c', "ended:0:Completed" }, { 'c', "running", true } }, "Running", "0",
	  1, 2, LEVEL_DOUBT },
	{ "Running", NULL, "Ready=False", false, { { 'c', "ended:0:Completed" }, { 'c', "running", true } }, "NotReady", "0",
	  1, 2, LEVEL_DOUBT },
	/* Init containers. */
	{ "Pending", NULL, NULL, false, { { 'i', "running" }, { 'i', "waiting:PodInitializing" },
	  { 'c', "waiting:PodInitializing" } }, "Init:0/2", "0", 0, 1, LEVEL_BUSY },
	{ "Pending", NULL, NULL, false, { { 'i', "ended:0:Completed" }, { 'i', "running" },
	  { 'c', "waiting:PodInitializing" } }, "Init:1/2", "0", 0, 1, LEVEL_BUSY },
	{ "Pending", NULL, NULL, false, { { 'i', "waiting:CrashLoopBackOff", false, false, 7, 90 }, { 'c', "" } },
	  "Init:CrashLoopBackOff", "7 (90s ago)", 0, 1, LEVEL_BAD },
	{ "Pending", NULL, NULL, false, { { 'i', "ended:2:" }, { 'c', "" } }, "Init:ExitCode:2", "0", 0, 1, LEVEL_BAD },
	{ "Pending", NULL, NULL, false, { { 'i', "signal:15" }, { 'c', "" } }, "Init:Signal:15", "0", 0, 1, LEVEL_BAD },
	{ "Pending", NULL, NULL, false, { { 'i', "ended:1:Error" }, { 'c', "" } }, "Init:Error", "0", 0, 1, LEVEL_BAD },
	/* Restarts of plain init containers are forgotten once they are through. */
	{ "Running", NULL, "Initialized=True,Ready=True", false, { { 'i', "ended:0:Completed", false, false, 3, 500 },
	  { 'c', "running", true } }, "Running", "0", 1, 1, LEVEL_OK },
	/* Sidecars count among the containers, with their restarts. */
	{ "Running", NULL, "Initialized=True,Ready=True", false, { { 's', "running", true, true, 2, 180 },
	  { 'c', "running", true, true, 1, 300 } }, "Running", "3 (3m ago)", 2, 2, LEVEL_OK },
	{ "Running", NULL, NULL, false, { { 's', "running", false, true }, { 'i', "running" }, { 'c', "" } }, "Init:1/2",
	  "0", 0, 2, LEVEL_BUSY },
	{ "Running", NULL, "Ready=True", true, { { 'c', "running", true } }, "Terminating", "0", 1, 1, LEVEL_BUSY },
	{ "Running", "NodeLost", NULL, true, { { 'c', "running", true } }, "Unknown", "0", 1, 1, LEVEL_BAD },
	{ "Succeeded", NULL, NULL, true, { { 'c', "ended:0:Completed" } }, "Completed", "0", 0, 1, LEVEL_DONE },
};

static void pods(void **state)
{
	for (size_t i = 0; i < sizeof(pod_cases) / sizeof(pod_cases[0]); i++) {
		const struct pod_case *p = &pod_cases[i];
		struct decoder d = { { 0 } };
		struct decoded_meta meta;
		struct buf raw = { 0 }, rows = { 0 };
		make_pod(&raw, "pod-1", p);
		rows_start(&rows, "pods");
		assert_true(decode_object(&d, kube_kind_find("pods"), buf_str(&raw), &meta, &rows));
		struct table *t = table_of(&kind_pods, &rows);
		const struct row *r = table_find(t, 0, STR("ns/pod-1"));
		assert_non_null(r);
		assert_shows(t, r, "status", p->status);
		assert_shows(t, r, "restarts", p->restarts);
		assert_int_equal(row_int(r, PODS_READY), PAIR(p->ready, p->total));
		if (r->level != p->level)
			fail_msg("%s: level %d, wanted %d", p->status, r->level, p->level);
		table_free(t);
		decoder_release(&d);
		buf_release(&raw);
		buf_release(&rows);
	}
}

static void pod_cells(void **state)
{
	const struct pod_case p = { "Running", NULL, "Ready=True", false, { { 'c', "running", true } }, "", "", 1, 1,
		LEVEL_OK };
	struct decoder d = { { 0 } };
	struct decoded_meta meta;
	struct buf raw = { 0 }, rows = { 0 };
	make_pod(&raw, "pod-1", &p);
	rows_start(&rows, "pods");
	assert_true(decode_object(&d, kube_kind_find("pods"), buf_str(&raw), &meta, &rows));
	assert_true(str_is(meta.resource_version, "4711"));
	assert_true(str_is(meta.owner_name, "rs-1"));
	assert_true(meta.holds && str_is(meta.node, "node-1"));
	assert_int_equal(meta.created, (NOW - 3600) * 1000);
	struct table *t = table_of(&kind_pods, &rows);
	const struct row *r = table_find(t, 0, STR("ns/pod-1"));
	assert_shows(t, r, "namespace", "ns");
	assert_shows(t, r, "name", "pod-1");
	assert_shows(t, r, "age", "60m");
	assert_shows(t, r, "ip", "<none>");
	assert_shows(t, r, "node", "node-1");
	assert_shows(t, r, "readiness_gates", "<none>");
	assert_shows(t, r, "labels", "app-2=b,app=a,tier=x");
	assert_shows(t, r, "owner", "ReplicaSet/rs-1");
	assert_shows(t, r, "uid", "uid-1");
	assert_true(row_null(r, PODS_CPU) && row_null(r, PODS_MEM_LIMIT));
	/* A name that is the end of the key is not kept twice. */
	assert_true(r->size < sizeof(*r) + PODS_NCOLS * sizeof(union cell) + 20);
	table_free(t);
	decoder_release(&d);
	buf_release(&raw);
	buf_release(&rows);
}

/* ---- lists */

struct seen { struct decoder d; struct buf rows; unsigned n; };

static bool see_item(void *arg, struct str raw)
{
	struct seen *s = arg;
	struct decoded_meta meta;
	s->n++;
	return decode_object(&s->d, kube_kind_find("pods"), raw, &meta, &s->rows);
}

static void make_list(struct buf *body, unsigned n, bool more)
{
	struct buf list = { 0 }, meta = { 0 }, pod = { 0 };
	pb_txt(&meta, 2, "99");
	if (more) {
		pb_txt(&meta, 3, "token");
		pb_num(&meta, 4, 12);
	}
	pb_msg(&list, 1, &meta);
	for (unsigned i = 0; i < n; i++) {
		char name[16];
		snprintf(name, sizeof(name), "pod-%u", i);
		make_pod(&pod, name, &pod_cases[i]);
		pb_msg(&list, 2, &pod);
	}
	pb_envelope(body, "PodList", buf_str(&list));
	buf_release(&list);
}

static bool feed(struct decode_list *l, struct str body, size_t piece)
{
	while (body.n) {
		size_t n = piece < body.n ? piece : body.n;
		if (!decode_list_feed(l, (struct str){ body.p, n }))
			return false;
		body.p += n, body.n -= n;
	}
	return true;
}

static void list_in_pieces(void **state)
{
	struct buf body = { 0 };
	make_list(&body, 5, true);
	for (size_t piece = 1; piece <= body.len; piece++) {
		struct seen s = { .n = 0 };
		struct decode_list l;
		decode_list_init(&l, see_item, &s);
		rows_start(&s.rows, "pods");
		assert_true(feed(&l, buf_str(&body), piece));
		assert_true(decode_list_whole(&l));
		assert_int_equal(s.n, 5);
		assert_int_equal(l.remaining, 12);
		assert_true(str_is(buf_str(&l.resource_version), "99"));
		assert_true(str_is(buf_str(&l.next), "token"));
		struct table *t = table_of(&kind_pods, &s.rows);
		assert_int_equal(t->count, 5);
		table_free(t);
		decode_list_release(&l);
		decoder_release(&s.d);
		buf_release(&s.rows);
	}
	buf_release(&body);
}

static void list_cut_or_wrong(void **state)
{
	struct buf body = { 0 };
	make_list(&body, 3, false);
	for (size_t n = 0; n < body.len - 4; n++) {
		struct seen s = { .n = 0 };
		struct decode_list l;
		decode_list_init(&l, see_item, &s);
		assert_true(feed(&l, (struct str){ body.data, n }, 100));
		if (decode_list_whole(&l))
			assert_int_equal(s.n, n > 200 ? 3 : 0);
		else
			assert_true(s.n <= 3);
		decode_list_release(&l);
		decoder_release(&s.d);
		buf_release(&s.rows);
	}
	struct decode_list l;
	decode_list_init(&l, see_item, NULL);
	assert_false(feed(&l, STR("<html>502 Bad Gateway</html>"), 7));
	assert_string_equal(l.why, "not Kubernetes protobuf");
	assert_false(decode_list_feed(&l, STR("more")));
	decode_list_release(&l);
	/* An item that says it has 2^40 bytes. */
	static const char huge[] = "k8s\0\x12\xff\xff\xff\xff\xff\x7f\x12\x80\x80\x80\x80\x80\x20";
	decode_list_init(&l, see_item, NULL);
	assert_false(feed(&l, (struct str){ huge, sizeof(huge) - 1 }, 3));
	assert_string_equal(l.why, "an object is larger than 64 MiB");
	decode_list_release(&l);
	/* One that reaches beyond its list. */
	static const char beyond[] = "k8s\0\x12\x04\x12\x09xxxxxxxxx";
	decode_list_init(&l, see_item, NULL);
	assert_false(feed(&l, (struct str){ beyond, sizeof(beyond) - 1 }, 100));
	assert_string_equal(l.why, "a field is longer than its list");
	decode_list_release(&l);
	/* No items at all. */
	buf_release(&body);
	make_list(&body, 0, false);
	decode_list_init(&l, see_item, NULL);
	assert_true(feed(&l, buf_str(&body), 1));
	assert_true(decode_list_whole(&l));
	decode_list_release(&l);
	buf_release(&body);
}

/* ---- watches */

struct events { unsigned n[WATCH_ERROR + 1]; bool end; int code; };

static bool see_event(void *arg, enum watch_type type, struct str raw)
{
	struct events *e = arg;
	struct decoded_meta meta;
	struct kube_status status;
	e->n[type]++;
	if (type == WATCH_ERROR) {
		assert_true(decode_status(raw, &status));
		e->code = status.code;
		assert_string_equal(status.reason, "Expired");
		kube_status_release(&status);
		return true;
	}
	assert_true(decode_meta(raw, &meta));
	e->end |= meta.initial_events_end;
	return true;
}

static void add_frame(struct buf *b, const char *type, struct buf *object, const char *kind)
{
	struct buf event = { 0 }, extension = { 0 }, inside = { 0 };
	pb_envelope(&inside, kind, buf_str(object));
	pb_msg(&extension, 1, &inside);
	pb_txt(&event, 1, type);
	pb_msg(&event, 2, &extension);
	for (int shift = 24; shift >= 0; shift -= 8)
		buf_addc(b, (char)(event.len >> shift));
	buf_addstr(b, buf_str(&event));
	buf_release(&event);
	buf_release(object);
}

static void watch(void **state)
{
	struct buf stream = { 0 }, pod = { 0 }, meta = { 0 }, status = { 0 };
	make_pod(&pod, "p", &pod_cases[0]);
	add_frame(&stream, "ADDED", &pod, "Pod");
	make_pod(&pod, "p", &pod_cases[2]);
	add_frame(&stream, "MODIFIED", &pod, "Pod");
	pb_txt(&meta, 6, "100");
	pb_entry(&meta, 12, "k8s.io/initial-events-end", "true");
	pb_msg(&pod, 1, &meta);
	add_frame(&stream, "BOOKMARK", &pod, "Pod");
	make_pod(&pod, "p", &pod_cases[0]);
	add_frame(&stream, "NOVELTY", &pod, "Pod");
	make_pod(&pod, "p", &pod_cases[0]);
	add_frame(&stream, "DELETED", &pod, "Pod");
	pb_txt(&status, 2, "Failure");
	pb_txt(&status, 3, "too old resource version");
	pb_txt(&status, 4, "Expired");
	pb_num(&status, 6, 410);
	add_frame(&stream, "ERROR", &status, "Status");
	for (size_t piece = 1; piece <= stream.len; piece += piece < 40 ? 1 : 97) {
		struct decode_watch w;
		struct events e = { { 0 }, false, 0 };
		decode_watch_init(&w, see_event, &e);
		for (size_t at = 0; at < stream.len; at += piece) {
			struct str s = { stream.data + at, piece < stream.len - at ? piece : stream.len - at };
			assert_true(decode_watch_feed(&w, s));
		}
		assert_true(decode_watch_whole(&w));
		for (int i = 0; i <= WATCH_ERROR; i++)
			assert_int_equal(e.n[i], 1);
		assert_true(e.end);
		assert_int_equal(e.code, 410);
		decode_watch_release(&w);
	}
	struct decode_watch w;
	struct events e = { { 0 }, false, 0 };
	decode_watch_init(&w, see_event, &e);
	assert_true(decode_watch_feed(&w, (struct str){ stream.data, stream.len - 1 }));
	assert_false(decode_watch_whole(&w));
	decode_watch_release(&w);
	decode_watch_init(&w, see_event, &e);
	assert_false(decode_watch_feed(&w, STR("\x04\x00\x00\x01 too large")));
	assert_string_equal(w.why, "an event is larger than 64 MiB");
	decode_watch_release(&w);
	buf_release(&stream);
}

static void statuses(void **state)
{
	struct kube_status s;
	assert_false(decode_status(STR("<html>504</html>"), &s));
	assert_false(decode_status(STR(""), &s));
	assert_false(decode_status(STR("{\"kind\":\"Pod\"}"), &s));
	assert_true(decode_status(STR("{\"kind\":\"Status\",\"status\":\"Failure\",\"message\":\"slow down\",\"code\":429,"
		"\"reason\":\"TooManyRequests\",\"details\":{\"retryAfterSeconds\":3,\"causes\":[{\"reason\":\"x\"}]}}"), &s));
	assert_int_equal(s.code, 429);
	assert_int_equal(s.retry_after_s, 3);
	assert_string_equal(s.message, "slow down");
	assert_string_equal(s.cause, "x");
	assert_false(s.success);
	kube_status_release(&s);
}

/* ---- containers */

static void containers(void **state)
{
	struct decoder d = { { 0 } };
	struct decoded_meta meta;
	struct buf raw = { 0 }, rows = { 0 };
	const struct pod_case p = { "Running", NULL, "Initialized=True", false,
		{ { 's', "running", true, true }, { 'i', "ended:0:Completed" }, { 'c', "waiting:CrashLoopBackOff", .restarts = 4,
		  .last = 41 } }, "", "", 1, 1, LEVEL_OK };
	make_pod(&raw, "pod-1", &p);
	rows_start(&rows, "containers");
	assert_true(decode_object(&d, kube_kind_find("containers"), buf_str(&raw), &meta, &rows));
	struct table *t = table_of(&kind_containers, &rows);
	assert_int_equal(t->count, 3);
	const struct row *r = table_find(t, 0, STR("ns/pod-1/c2"));
	assert_shows(t, r, "pod", "pod-1");
	assert_true(str_is(row_text_by(t, r, "pod"), "ns/pod-1"));
	assert_shows(t, r, "role", "main");
	assert_shows(t, r, "status", "CrashLoopBackOff");
	assert_shows(t, r, "restarts", "4 (41s ago)");
	assert_int_equal(r->level, LEVEL_BAD);
	r = table_find(t, 0, STR("ns/pod-1/c0"));
	assert_shows(t, r, "role", "sidecar");
	assert_shows(t, r, "status", "Running");
	r = table_find(t, 0, STR("ns/pod-1/c1"));
	assert_shows(t, r, "role", "init");
	assert_int_equal(r->level, LEVEL_DONE);
	buf_clear(&rows);
	rows_start(&rows, "containers");
	assert_true(decode_delete(&d, kube_kind_find("containers"), buf_str(&raw), &meta, &rows));
	struct rd rd;
	rows_open(&rd, buf_str(&rows));
	assert_true(table_apply(t, 0, &rd, 0));
	assert_int_equal(t->count, 0);
	table_free(t);
	decoder_release(&d);
	buf_release(&raw);
	buf_release(&rows);
}

/* Metrics come without limits: the share is taken from the row, is sorted and filtered by, and moves with what is used. */
static void share_of_limit(void **state)
{
	struct buf rows = { 0 };
	struct filter_error err;
	struct filter *f = filter_parse("mem_pct>50%", &kind_containers, &err);

	assert_non_null(f);
	rows_start(&rows, "containers");
	for (int n = 1; n <= 2; n++) {
		rows_put(&rows, n == 1 ? STR("ns/pod/limited") : STR("ns/pod/free"), LEVEL_OK);
		for (int c = 0; c < CONTAINERS_NCOLS; c++)
			c == CONTAINERS_MEM_LIMIT && n == 1 ? cell_int(&rows, 100 << 20) : cell_null(&rows);
	}
	metrics_container_row(&rows, STR("ns/pod/limited"), 10, 40 << 20, -1);
	metrics_container_row(&rows, STR("ns/pod/free"), 10, 40 << 20, -1);
	struct table *t = table_of(&kind_containers, &rows);
	const struct row *r = table_find(t, 0, STR("ns/pod/limited"));
	assert_true(row_real(r, CONTAINERS_MEM_PCT) == 0.4);
	assert_shows(t, r, "mem_pct", "40 %");
	assert_false(filter_match(f, t, r, 0));
	assert_true(row_null(table_find(t, 0, STR("ns/pod/free")), CONTAINERS_MEM_PCT));
	buf_clear(&rows);
	rows_start(&rows, "containers");
	metrics_container_row(&rows, STR("ns/pod/limited"), 10, 60 << 20, -1);
	struct rd rd;
	rows_open(&rd, buf_str(&rows));
	assert_true(table_apply(t, 0, &rd, 0));
	assert_true(filter_match(f, t, table_find(t, 0, STR("ns/pod/limited")), 0));
	table_free(t);
	filter_free(f);
	buf_release(&rows);
}

/* Every cut and every flipped byte is survived, and what is refused leaves the rows as they were. */
static void damaged(void **state)
{
	struct decoder d = { { 0 } };
	struct decoded_meta meta;
	struct buf raw = { 0 }, rows = { 0 };
	make_pod(&raw, "pod-1", &pod_cases[23]);
	for (const struct kube_kind *k = kube_kinds; k->kind; k++) {
		for (size_t i = 0; i < raw.len; i++) {
			char *cut = xstrndup(raw.data, i);
			size_t before = rows.len;
			if (!decode_object(&d, k, (struct str){ cut, i }, &meta, &rows))
				assert_int_equal(rows.len, before);
			free(cut);
			raw.data[i] ^= 0x55;
			decode_object(&d, k, buf_str(&raw), &meta, &rows);
			raw.data[i] ^= 0x55;
			buf_clear(&rows);
		}
	}
	decoder_release(&d);
	buf_release(&raw);
	buf_release(&rows);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(pods), cmocka_unit_test(pod_cells), cmocka_unit_test(list_in_pieces),
		cmocka_unit_test(list_cut_or_wrong), cmocka_unit_test(watch), cmocka_unit_test(statuses),
		cmocka_unit_test(containers), cmocka_unit_test(share_of_limit), cmocka_unit_test(damaged),
	};
	return cmocka_run_group_tests_name("decode", tests, NULL, NULL);
}
