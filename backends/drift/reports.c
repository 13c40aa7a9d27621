/* reports: drift from reports that Evidently and Great Expectations left as JSON in a folder, on a web server or in a bucket.
 *
 * While somebody looks, the place is listed every `poll`; what is new or was written again is read, newest first, and what it
 * says is kept in the form of rows, so that a later look costs no reading. A report that cannot be read is named, counted
 * and skipped; it is looked at again when it changes. */
#include "backends/drift/ack.h"
#include "backends/drift/place.h"
#include "backends/net/doctor.h"
#include "backends/drift/report.h"
#include "backends/drift/settings.h"
#include "backends/drift/trail.h"
#include "backends/net/access.h"
#include "backends/net/aws_credentials.h"
#include "base/fmt.h"
#include "base/mem.h"
#include "base/retrain.h"
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#define WATCHES_MAX 64
#define ASKS_MAX 8
#define SHOW_EVERY 25            /* reports read before what is there so far is shown */

struct entry {
	struct place_item item;
	bool known;              /* it was read, or could not be and need not be tried again until it changes */
	enum report_is is;
	char *why;               /* of REPORT_BAD */
	struct buf rows;         /* its checks as puts */
	unsigned checks;
	int64_t time;            /* of its newest check */
};
struct model_ranges {            /* of the newest report about it that has histograms */
	char *model;
	const struct entry *entry;   /* whose they are, while it is read */
	int64_t time;
	struct buf rows;
};
struct reports {
	struct link *link;
	struct place place;
	bool open;
	struct trail *trail;
	struct acks *acks;
	struct trail_rule rule;
	struct entry *entries; unsigned n;       /* newest first */
	struct model_ranges *ranges; unsigned nranges;
	unsigned cut;                            /* so many older ones are left out */
	uint64_t watches[WATCHES_MAX]; unsigned nwatches;
	uint64_t asks[ASKS_MAX]; unsigned nasks; /* doctor's, until the place was listed */
	unsigned limit;
	int64_t poll_ms, next_ms;
	bool sent, listed;                       /* every watcher has all rows; the place was listed at least once */
	unsigned round;                          /* which of the entries without a tag is read again */
	struct http_backoff backoff;
};

static int64_t mono(const struct reports *h)
{
	return clock_mono(link_clock(h->link));
}

static void entry_release(struct entry *e)
{
	place_item_release(&e->item);
	buf_release(&e->rows);
	free(e->why);
}

/* ---- health */

static unsigned count_is(const struct reports *h, enum report_is is, const struct entry **first)
{
	unsigned n = 0;
	for (unsigned i = 0; i < h->n; i++)
		if (h->entries[i].known && h->entries[i].is == is && n++ == 0 && first)
			*first = &h->entries[i];
	return n;
}

static void say_health(struct reports *h, enum health_state state, const char *why, const char *remedy)
{
	struct buf detail = { 0 };
	buf_addf(&detail, "%s", h->place.where);
	if (h->listed)
		buf_addf(&detail, ", %u report%s", h->n, h->n == 1 ? "" : "s");
	link_say(h->link, (struct msg_health){ .state = state, .latency_us = h->place.latency_us,
		.why = str_of(why), .remedy = str_of(remedy), .detail = buf_str(&detail) });
	buf_release(&detail);
}

static void say_well(struct reports *h)
{
	const struct entry *first = NULL;
	unsigned bad = count_is(h, REPORT_BAD, &first);
	struct buf why = { 0 };
	if (bad)
		buf_addf(&why, "%u of %u reports %s skipped: %s: %s%s", bad, h->n, bad == 1 ? "is" : "are", first->item.name,
		         first->why, bad > 1 ? ", and others" : "");
	say_health(h, bad ? HEALTH_LIMITED : HEALTH_LIVE, why.data ? why.data : "", bad ? "write the report anew, or move it away" : "");
	buf_release(&why);
}

static void failed(struct reports *h)
{
	bool wrong = h->place.state == HEALTH_DOWN || h->place.state == HEALTH_REFUSED;
	int64_t wait = http_backoff_next(&h->backoff, -1);
	h->next_ms = mono(h) + (wrong && wait < 15000 ? 15000 : wait);
	if (!link_closing(h->link))
		say_health(h, h->place.state, h->place.error, h->place.remedy);
}

/* ---- rows */

static void send_all(struct reports *h, bool whole)
{
	struct msg *m = msg_new(MSG_ROWS, 0);
	rows_start(&m->body, "drift");
	if (whole)
		rows_begin(&m->body, STR(""));
	for (unsigned i = 0; i < h->n; i++)
		buf_addstr(&m->body, buf_str(&h->entries[i].rows));
	acks_add(h->acks, &m->body);
	if (whole)
		rows_end(&m->body, STR(""));
	link_send(h->link, m);
	m = msg_new(MSG_ROWS, 0);
	trail_write(h->trail, &h->rule, whole, &m->body);
	link_send(h->link, m);
	m = msg_new(MSG_ROWS, 0);
	rows_start(&m->body, "ranges");
	rows_begin(&m->body, STR(""));
	for (unsigned i = 0; i < h->nranges; i++)
		buf_addstr(&m->body, buf_str(&h->ranges[i].rows));
	if (whole)
		rows_end(&m->body, STR(""));
	link_send(h->link, m);
	h->sent = whole;
}

struct taking { struct reports *h; struct entry *e; };

static void take_check(void *arg, const struct drift_check *c, const struct feature_list *f)
{
	struct taking *t = arg;
	drift_put(&t->e->rows, c);
	trail_add(t->h->trail, c, f);
	t->e->checks++;
	if (c->time > t->e->time)
		t->e->time = c->time;
}

static void take_range(void *arg, const struct feature_range *r)
{
	struct taking *t = arg;
	struct reports *h = t->h;
	unsigned i = 0;
	while (i < h->nranges && !str_is(r->model, h->ranges[i].model))
		i++;
	if (i == h->nranges && i == TRAIL_MODELS)
		return;
	if (i == h->nranges) {
		h->ranges = xreallocarray(h->ranges, i + 1, sizeof(*h->ranges));
		h->ranges[h->nranges++] = (struct model_ranges){ .model = str_dup(r->model), .time = INT64_MIN };
	}
	struct model_ranges *m = &h->ranges[i];
	if (m->entry != t->e && r->time < m->time)
		return;
	if (m->entry != t->e)
		buf_clear(&m->rows);
	m->entry = t->e;
	m->time = r->time;
	range_put(&m->rows, r);
}

static void forget_checks(struct reports *h, struct entry *e)
{
	struct buf key = { 0 };
	for (unsigned i = 1; i <= e->checks; i++) {
		buf_clear(&key);
		buf_addf(&key, "%s", e->item.name);
		if (i > 1)
			buf_addf(&key, "#%u", i);
		trail_remove(h->trail, buf_str(&key));
	}
	buf_release(&key);
	buf_clear(&e->rows);
	e->checks = 0;
}

/* False: the place cannot be read any more, and nothing else need be tried. */
static bool read_entry(struct reports *h, struct entry *e)
{
	const char *model = link_setting(h->link, "model");
	struct buf body = { 0 };
	char why[sizeof(h->place.error)];
	bool ok = h->place.ops->read(&h->place, &e->item, &body);
	if (!ok && !h->place.item_only) {
		buf_release(&body);
		return false;
	}
	forget_checks(h, e);
	free(e->why);
	e->why = NULL;
	e->known = true;
	e->time = e->item.time;
	if (ok) {
		struct report_about about = { str_of(e->item.name), e->item.time, str_of(model), take_range };
		e->is = report_read(buf_str(&body), &about, take_check, &(struct taking){ h, e }, why, sizeof(why));
		for (unsigned i = 0; i < h->nranges; i++)
			h->ranges[i].entry = NULL;
	} else {
		e->is = REPORT_BAD;
		snprintf(why, sizeof(why), "%s", h->place.error);
	}
	if (e->is == REPORT_BAD)
		e->why = xstrdup(why);
	buf_release(&body);
	return true;
}

/* ---- what is there */

/* Newest first; where no time is known, by name as people count, the last first. */
static int newest_first(const void *a, const void *b)
{
	const struct place_item *x = &((const struct entry *)a)->item, *y = &((const struct entry *)b)->item;
	if (x->time != y->time && x->time && y->time)
		return (x->time < y->time) - (x->time > y->time);
	int by_name = str_cmp_natural(str_of(y->name), str_of(x->name));
	return by_name ? by_name : strcmp(y->name, x->name);
}

static int by_name(const void *a, const void *b)
{
	return strcmp(((const struct entry *)a)->item.name, ((const struct entry *)b)->item.name);
}

/* A page of links often has two to the same report, one around its icon: the one that says more stays. */
static unsigned drop_twins(struct entry *list, unsigned n)
{
	unsigned kept = 0;
	qsort(list, n, sizeof(*list), by_name);
	for (unsigned i = 0; i < n; i++) {
		struct entry *last = kept ? &list[kept - 1] : NULL;
		if (!last || strcmp(last->item.name, list[i].item.name)) {
			list[kept++] = list[i];
			continue;
		}
		struct entry spare = last->item.tag[0] ? list[i] : *last;
		*last = last->item.tag[0] ? *last : list[i];
		entry_release(&spare);
	}
	return kept;
}

/* Takes the listing: what is known of entries that did not change is kept. True: something vanished. */
static bool take_listing(struct reports *h, struct place_list *l)
{
	unsigned n = l->n, nold = h->n;
	struct entry *now = xcalloc(n + 1, sizeof(*now)), *old = h->entries;
	for (unsigned i = 0; i < n; i++)
		now[i].item = l->items[i];
	l->n = 0;
	n = drop_twins(now, n);
	qsort(now, n, sizeof(*now), newest_first);
	h->cut = n > h->limit ? n - h->limit : 0;
	for (; n > h->limit; n--)
		entry_release(&now[n - 1]);
	if (nold)
		qsort(old, nold, sizeof(*old), by_name);
	for (unsigned i = 0; i < n; i++) {
		struct entry *was = nold ? bsearch(&now[i], old, nold, sizeof(*old), by_name) : NULL;
		if (!was)
			continue;
		struct place_item item = now[i].item;
		bool same = was->known && !strcmp(item.tag, was->item.tag);
		if (!item.time)
			item.time = was->item.time;
		now[i] = *was;
		*was = (struct entry){ .item = { .name = xstrdup(item.name) } };
		place_item_release(&now[i].item);
		now[i].item = item;
		now[i].known = same;
	}
	bool gone = false;
	for (unsigned i = 0; i < nold; i++) {
		gone |= old[i].checks > 0;
		forget_checks(h, &old[i]);
		entry_release(&old[i]);
	}
	free(old);
	h->entries = now;
	h->n = n;
	return gone;
}

/* Where the listing does not tell that a report was written again, one of them is read again each time. */
static void doubt_one(struct reports *h)
{
	for (unsigned i = 0; i < h->n; i++) {
		struct entry *e = &h->entries[h->round++ % h->n];
		if (e->known && !e->item.tag[0]) {
			e->known = false;
			return;
		}
	}
}

static bool update(struct reports *h)
{
	struct place_list l = { 0 };
	unsigned read = 0;
	h->place.item_only = false;
	h->place.requests = 0;
	bool ok = h->place.ops->list(&h->place, &l);
	bool changed = ok && take_listing(h, &l);
	place_list_release(&l);
	if (!ok)
		return false;
	if (h->listed && h->sent)
		doubt_one(h);
	for (unsigned i = 0; i < h->n && ok; i++) {
		if (h->entries[i].known)
			continue;
		changed = true;
		ok = read_entry(h, &h->entries[i]) && !link_closing(h->link);
		if (++read % SHOW_EVERY == 0 && ok)
			send_all(h, false);
	}
	if (ok && (changed || !h->sent))
		send_all(h, true);
	h->listed |= ok;
	return ok;
}

/* ---- doctor */

static void check_reports(struct reports *h, json_t *all)
{
	const struct entry *first = NULL;
	struct buf b = { 0 };
	unsigned bad = count_is(h, REPORT_BAD, &first), other = count_is(h, REPORT_OTHER, NULL);
	buf_addf(&b, "%u in %s", h->n, h->place.where);
	if (other)
		buf_addf(&b, ", %u without drift in it", other);
	if (h->cut)
		buf_addf(&b, ", %u older ones left out (limit: %u)", h->cut, h->limit);
	doctor_check(all, "reports", h->n ? 1 : -1, "see that the checks run and write *.json here", "%s", b.data);
	buf_clear(&b);
	if (bad) {
		buf_addf(&b, "%u skipped, such as %s: %s", bad, first->item.name, first->why);
		doctor_check(all, "readable", 0, "write the report anew, or move it away", "%s", b.data);
		buf_clear(&b);
	}
	int64_t newest = trail_newest(h->trail);
	if (newest) {
		buf_adds(&b, "the last check was ");
		fmt_age(clock_wall(link_clock(h->link)) - newest, &b);
		buf_adds(&b, " ago");
		doctor_check(all, "checks", 1, "", "%s", b.data);
	} else {
		doctor_check(all, "checks", -1, "see that the checks run and write here", "there are no checks");
	}
	buf_release(&b);
}

static void answer_doctors(struct reports *h, bool ok)
{
	json_t *all = json_array();
	struct buf b = { 0 };
	if (ok) {
		buf_addf(&b, "listed %s", h->place.where);
		if (h->place.latency_us >= 0)
			buf_addf(&b, ", answers in %.1f ms", (double)h->place.latency_us / 1000);
	}
	doctor_check(all, h->place.state == HEALTH_REFUSED && !ok ? "authenticated" : "reachable", ok, h->place.remedy, "%s",
	             ok ? b.data : h->place.error);
	if (ok)
		check_reports(h, all);
	char *text = json_dumps(all, JSON_COMPACT);
	while (h->nasks)
		link_answer(h->link, h->asks[--h->nasks], true, str_of(text ? text : "[]"));
	free(text);
	json_decref(all);
	buf_release(&b);
}

/* ---- the thread */

static void handle(struct reports *h, struct request *r)
{
	switch (r->type) {
	case REQ_WATCH:
		if (h->nwatches < WATCHES_MAX)
			h->watches[h->nwatches++] = r->id;
		h->sent = false;
		h->next_ms = 0;
		break;
	case REQ_CANCEL:
		for (unsigned i = 0; i < h->nwatches; i++)
			if (h->watches[i] == r->id)
				h->watches[i--] = h->watches[--h->nwatches];
		break;
	case REQ_ASK:
		if (!strcmp(r->what, "doctor") && h->nasks < ASKS_MAX)
			h->asks[h->nasks++] = r->id;
		else
			link_fail(h->link, r->id, "reports cannot answer '%s'", r->what);
		break;
	case REQ_OPEN:
		link_textf(h->link, r->id, TEXT_END | TEXT_ERROR, "reports have no '%s'", r->what);
		break;
	case REQ_PLAN:
		acks_plan(h->acks, r);
		break;
	case REQ_RUN:
		acks_run(h->acks, r);
		break;
	default:
		break;
	}
	request_free(r);
}

static void work(struct reports *h)
{
	if (!h->listed)
		say_health(h, HEALTH_CONNECTING, "", "");
	bool ok = h->open && update(h);
	if (h->nasks)
		answer_doctors(h, ok);
	if (!ok) {
		failed(h);
		return;
	}
	http_backoff_reset(&h->backoff);
	/* at rest a server is not asked more than once in two seconds */
	int64_t least = (int64_t)h->place.requests * 2000;
	h->next_ms = mono(h) + (h->poll_ms > least ? h->poll_ms : least);
	say_well(h);
}

static void run(struct link *l)
{
	struct reports h = { .link = l, .trail = trail_new() };
	double limit = setting_real(l, "limit");
	struct request *r;
	h.limit = limit >= 1 && limit <= 20000 ? (unsigned)limit : 200;
	h.poll_ms = setting_duration(l, "poll", 30000);
	h.poll_ms = h.poll_ms < 2000 ? 2000 : h.poll_ms;
	h.backoff = (struct http_backoff){ .rnd = { (uint64_t)clock_wall(link_clock(l)) | 1 }, .first_ms = 1000, .most_ms = 60000 };
	h.rule = (struct trail_rule){ .limit = NAN };
	h.open = place_open(&h.place, l);
	h.acks = acks_new(l);
	h.rule.known = acks_hold, h.rule.arg = h.acks;
	while (!link_closing(l)) {
		bool wanted = h.nwatches || h.nasks;
		int64_t wait = !wanted ? -1 : h.nasks ? 0 : h.next_ms - mono(&h);
		if (wanted && wait <= 0)
			work(&h);
		else if ((r = link_take(l, (int)(wait > 60000 ? 60000 : wait))))
			handle(&h, r);
		while ((r = link_take(l, 0)))
			handle(&h, r);
		if (h.nwatches && h.sent && acks_changed(h.acks))
			send_all(&h, true);
	}
	for (unsigned i = 0; i < h.n; i++)
		entry_release(&h.entries[i]);
	free(h.entries);
	for (unsigned i = 0; i < h.nranges; i++) {
		free(h.ranges[i].model);
		buf_release(&h.ranges[i].rows);
	}
	free(h.ranges);
	trail_free(h.trail);
	acks_free(h.acks);
	if (h.open)
		h.place.ops->free(&h.place);
}

static const struct config_key keys[] = {
	{ .name = "folder", .type = CONFIG_PATH, .help = "The local folder that the reports are in; folders within count too." },
	{ .name = "url", .type = CONFIG_URL, .help = "Instead of a folder: the URL of a report, or of a folder that the web server lists." },
	{ .name = "bucket", .type = CONFIG_TEXT, .help = "Instead of a folder: a bucket of S3 or of a store that speaks it." },
	{ .name = "prefix", .type = CONFIG_TEXT, .help = "Only keys of the bucket that start with this." },
	{ .name = "endpoint", .type = CONFIG_URL, .help = "Of the store, where it is not AWS; the bucket is then a part of the path." },
	AWS_CONFIG_KEYS,
	ACCESS_CONFIG_KEYS,
	{ .name = "model", .type = CONFIG_TEXT, .help = "The model or data set that all reports are about; otherwise what they say, "
	  "or the folder that they are in." },
	{ .name = "limit", .type = CONFIG_COUNT, .otherwise = "200", .help = "How many reports are read, the newest ones." },
	{ .name = "poll", .type = CONFIG_DURATION, .otherwise = "30s", .help = "How often new reports are looked for." },
	CONFIG_RETRAIN,
	CONFIG_END
};
static const struct kind *const kinds[] = { &kind_drift, &kind_features, &kind_ranges, NULL };
const struct backend backend_reports = {
	.name = "reports", .title = "drift reports", .help = "drift from reports of Evidently and Great Expectations",
	.keys = keys, .kinds = kinds, .actions = ack_actions, .run = run, .opens = opens_nothing,
};
