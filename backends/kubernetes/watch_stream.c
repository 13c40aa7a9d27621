/* watch_stream: the exchanges of a watch. Binnacle's own kinds come in protobuf: as a WatchList (measured on 10,000 pods:
 * first objects after 8 ms, all after 0.33 s; a list without pages sends its first byte after 100 to 400 ms), or where the
 * server has that off as pages of 500 and a watch. All other kinds come as Tables in JSON, by list and watch. Rows
 * are collected into messages of up to 64 KB and sent on when that is full or 5 ms have passed. */
#include "backends/kubernetes/recolumn.h"
#include "backends/kubernetes/watch.h"
#include "base/mem.h"
#include <stdio.h>
#include <stdlib.h>

#define MESSAGE_BYTES 60000
#define MESSAGE_MS 5
#define PAGE 500                     /* as kubectl */
#define LINE_MAX_BYTES (64u << 20)

#define TABLE "application/json;as=Table;v=v1;g=meta.k8s.io"

/* ---- rows */

static struct buf *rows_of(struct watch *w)
{
	if (!w->rows) {
		w->rows = msg_new(MSG_ROWS, 0);
		w->rows_since = engine_now(w->e);
		rows_start(&w->rows->body, w->kind);
	}
	return &w->rows->body;
}

void watch_flush(struct watch *w)
{
	struct msg *m = w->rows;

	w->rows = NULL;
	if (m && w->quiet)
		msg_free(m);
	else if (m)
		link_send(w->e->link, m);
}

static void flush_if_due(struct watch *w)
{
	if (w->rows && (w->rows->body.len >= MESSAGE_BYTES || engine_now(w->e) - w->rows_since >= MESSAGE_MS))
		watch_flush(w);
}

bool watch_feeds_ledger(const struct watch *w)
{
	return w->own && w->own->kind == &kind_pods && !*w->scope;
}

bool watch_names_namespaces(const struct watch *w)
{
	return w->own && w->own->kind == &kind_namespaces;
}

static void begin_listing(struct watch *w)
{
	struct buf *rows = rows_of(w);

	if (!w->own)
		rows_kind(rows, table_form_kind(w->form));
	rows_begin(rows, str_of(w->prefix));
	w->listing = true;
	unread_clear(&w->unread);
	if (watch_feeds_ledger(w))
		ledger_begin(&w->e->ledger);
	if (watch_names_namespaces(w))
		namespaces_begin(&w->e->namespaces);
}

static void end_listing(struct watch *w)
{
	rows_end(rows_of(w), str_of(w->prefix));
	watch_flush(w);
	w->listing = false;
	if (watch_feeds_ledger(w))
		ledger_end(&w->e->ledger);
	if (watch_names_namespaces(w))
		namespaces_end(&w->e->namespaces);
	watch_live(w);
}

static void set_version(struct watch *w, struct str v)
{
	if (v.n && v.n < sizeof(w->version)) {
		memcpy(w->version, v.p, v.n);
		w->version[v.n] = '\0';
	}
}

static bool garbage(struct watch *w, const char *why)
{
	w->garbage = true;
	snprintf(w->error_text, sizeof(w->error_text), "the server's answer cannot be read (%s)", why ? why : "malformed");
	return false;
}

static bool error_event(struct watch *w, const struct kube_status *s)
{
	w->error_code = s->code ? s->code : 500;
	snprintf(w->error_reason, sizeof(w->error_reason), "%s", s->reason);
	snprintf(w->error_cause, sizeof(w->error_cause), "%s", s->cause ? s->cause : "");
	snprintf(w->error_text, sizeof(w->error_text), "%s", s->message);
	return false;
}

/* ---- objects in protobuf */

static void put_meta(struct watch *w, const struct decoded_meta *m)
{
	if (w->own->kind == &kind_nodes)
		ledger_node_put(&w->e->ledger, m);
	else if (watch_feeds_ledger(w))
		ledger_put(&w->e->ledger, m);
	else if (watch_names_namespaces(w))
		namespaces_put(&w->e->namespaces, m->name);
}

static void note_read(struct watch *w, const struct decoded_meta *m)
{
	if (w->unread.n)
		unread_drop(&w->unread, m->ns, m->name);
}

/* What one object holds does not spoil the list: it is left out, and counted. */
static void put_object(struct watch *w, struct str raw, struct decoded_meta *m)
{
	if (!decode_object(&w->e->decoder, w->own, raw, m, rows_of(w))) {
		unread_add(&w->unread, m->ns, m->name.n ? m->name : raw);
		return;
	}
	note_read(w, m);
	put_meta(w, m);
	if (w->quiet && w->rows->body.len >= MESSAGE_BYTES)
		watch_flush(w);
	flush_if_due(w);
}

static bool on_item(void *arg, struct str raw)
{
	struct watch *w = arg;
	struct decoded_meta m = { 0 };

	put_object(w, raw, &m);
	return true;
}

static bool on_bookmark(struct watch *w, struct str raw)
{
	struct decoded_meta m = { 0 };

	if (!decode_meta(raw, &m))
		return garbage(w, "a bookmark is malformed");
	set_version(w, m.resource_version);
	if (m.initial_events_end && w->phase == PHASE_STREAMING && !w->listed) {
		w->listed = true;
		end_listing(w);
	}
	return true;
}

static bool on_event(void *arg, enum watch_type type, struct str raw)
{
	struct watch *w = arg;
	struct decoded_meta m = { 0 };
	struct kube_status s;

	switch (type) {
	case WATCH_ADDED:
	case WATCH_MODIFIED:
		put_object(w, raw, &m);
		break;
	case WATCH_DELETED:
		if (!decode_delete(&w->e->decoder, w->own, raw, &m, rows_of(w)))
			return garbage(w, "an object is malformed");
		if (watch_feeds_ledger(w))
			ledger_drop(&w->e->ledger, m.ns, m.name);
		if (watch_names_namespaces(w))
			namespaces_drop(&w->e->namespaces, m.name);
		note_read(w, &m);
		flush_if_due(w);
		break;
	case WATCH_BOOKMARK:
		return on_bookmark(w, raw);
	case WATCH_ERROR:
		if (!decode_status(raw, &s))
			return garbage(w, "an error that is none");
		error_event(w, &s);
		kube_status_release(&s);
		return false;
	}
	/* During a listing by events the objects' versions are in no order. */
	if (w->listed)
		set_version(w, m.resource_version);
	if (w->listed && !w->settled)
		watch_live(w);
	return true;
}

/* ---- objects as Tables */

/* An event of a Table, its row in the kind's own columns where it has some. */
static bool table_event(struct watch *w, struct str line, struct table_event *event, const char **why)
{
	struct buf made = { 0 };

	if (!w->own)
		return table_form_event(w->form, line, rows_of(w), event, why);
	rows_start(&made, w->kind);
	bool ok = table_form_event(w->form, line, &made, event, why);
	if (ok && table_form_kind(w->form))
		ok = recolumn(table_form_kind(w->form), w->own->kind, buf_str(&made), rows_of(w));
	buf_release(&made);
	return ok;
}

static bool table_line(struct watch *w, struct str line)
{
	struct table_event event = { 0 };
	const char *why = NULL;

	line = str_trim(line);
	if (!line.n)
		return true;
	if (!table_event(w, line, &event, &why))
		return garbage(w, why);
	bool ok = event.type != WATCH_ERROR || error_event(w, &event.status);
	if (ok && event.resource_version)
		set_version(w, str_of(event.resource_version));
	table_event_release(&event);
	flush_if_due(w);
	return ok;
}

static bool table_lines(struct watch *w, struct str chunk)
{
	const char *end;

	while (chunk.n && (end = memchr(chunk.p, '\n', chunk.n)) != NULL) {
		struct str line = { chunk.p, (size_t)(end - chunk.p) };
		chunk.p += line.n + 1;
		chunk.n -= line.n + 1;
		if (w->json.len) {
			buf_addstr(&w->json, line);
			line = buf_str(&w->json);
		}
		bool ok = table_line(w, line);
		buf_clear(&w->json);
		if (!ok)
			return false;
	}
	if (w->json.len + chunk.n > LINE_MAX_BYTES)
		return garbage(w, "an event of more than 64 MB");
	buf_addstr(&w->json, chunk);
	return true;
}

static bool table_page_done(struct watch *w)
{
	struct table_page page = { 0 };
	struct msg *m = msg_new(MSG_ROWS, 0);
	const char *why = NULL;

	rows_start(&m->body, w->kind);
	if (!table_form_list(w->form, buf_str(&w->json), &m->body, &page, &why) || !table_form_kind(w->form)) {
		msg_free(m);
		return garbage(w, why);
	}
	if (!w->listing)
		begin_listing(w);
	watch_flush(w);
	if (w->own) {
		struct msg *own = msg_new(MSG_ROWS, 0);
		rows_start(&own->body, w->kind);
		recolumn(table_form_kind(w->form), w->own->kind, buf_str(&m->body), &own->body);
		msg_free(m);
		m = own;
	}
	w->quiet ? msg_free(m) : (void)link_send(w->e->link, m);
	set_version(w, str_of(page.resource_version));
	buf_clear(&w->page);
	buf_adds(&w->page, page.next);
	table_page_release(&page);
	buf_release(&w->json);
	return true;
}

/* ---- the exchange */

static bool on_data(void *arg, struct str chunk)
{
	struct watch *w = arg;
	bool ok = true;

	w->e->heard = w->fed = engine_now(w->e);
	if (w->form)
		table_form_sent(w->form, clock_wall(w->e->clock));
	if (w->e->state != HEALTH_LIVE)
		engine_alive(w->e, -1);
	if (!w->form && !w->listing && w->phase != PHASE_WATCHING && !w->listed)
		begin_listing(w);
	if (w->listed)
		w->e->calm_events++;
	if (w->form && w->phase == PHASE_LISTING)
		buf_addstr(&w->json, chunk);
	else if (w->form)
		ok = table_lines(w, chunk);
	else if (w->phase == PHASE_LISTING)
		ok = decode_list_feed(&w->list, chunk) || (!w->garbage && garbage(w, w->list.why));
	else
		ok = decode_watch_feed(&w->events, chunk) || (!w->garbage && !w->error_code && garbage(w, w->events.why));
	flush_if_due(w);
	return ok;
}

/* The page came in full: another one, or the listing is over. False: it did not. */
static bool page_done(struct watch *w)
{
	if (w->form) {
		if (!table_page_done(w))
			return false;
	} else {
		if (!decode_list_whole(&w->list))
			return garbage(w, "the list ends too early");
		set_version(w, buf_str(&w->list.resource_version));
		buf_clear(&w->page);
		buf_addstr(&w->page, buf_str(&w->list.next));
	}
	if (w->page.len)
		return true;
	w->listed = true;
	w->whole = false;
	end_listing(w);
	return true;
}

static void on_done(void *arg, struct http_stream *s, const struct http_reply *reply)
{
	struct watch *w = arg;

	w->stream = NULL;
	if (reply->latency_us >= 0 && reply->status && reply->status < 300 && w->phase == PHASE_LISTING)
		engine_alive(w->e, reply->latency_us);
	if (reply->end == HTTP_OK && w->phase == PHASE_LISTING && !w->garbage && page_done(w)) {
		if (w->page.len || !w->list_only) {
			w->phase = w->page.len ? PHASE_LISTING : PHASE_WATCHING;
			watch_start(w);
			return;
		}
	}
	if (reply->end == HTTP_OK && !w->form && w->phase != PHASE_LISTING && !w->garbage && !decode_watch_whole(&w->events))
		garbage(w, "an event is cut in the middle");
	watch_flush(w);
	watch_ended(w, reply);
}

static void add_query(struct watch *w, struct buf *path)
{
	buf_addc(path, '?');
	if (w->own && w->own->kind == &kind_containers && strchr(w->scope, '/')) {
		buf_adds(path, "fieldSelector=metadata.name%3D");
		http_escape(path, str_of(strchr(w->scope, '/') + 1));
		buf_addc(path, '&');
	}
	unsigned timeout = 600 + rnd_below(&w->e->rnd, 600);
	if (w->phase == PHASE_STREAMING)
		buf_addf(path, "watch=1&sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true"
		         "&timeoutSeconds=%u", timeout);
	else if (w->phase == PHASE_WATCHING)
		buf_addf(path, "watch=1&resourceVersion=%s&allowWatchBookmarks=true&timeoutSeconds=%u", w->version, timeout);
	else if (!w->whole)
		buf_addf(path, "limit=%u", PAGE);
	if (w->phase == PHASE_LISTING && w->page.len) {
		buf_adds(path, "&continue=");
		http_escape(path, buf_str(&w->page));
	}
}

static void add_path(struct watch *w, struct buf *path)
{
	struct str rest = str_of(w->scope), ns = str_split(&rest, '/');
	struct kube_api own = { 0 };

	if (w->own)
		own = (struct kube_api){ .group = w->own->group, .version = w->own->version, .plural = w->own->resource,
			.namespaced = w->own->namespaced };
	kube_path(path, w->own ? &own : w->api, ns, (struct str){ NULL, 0 }, NULL);
	add_query(w, path);
}

void watch_start(struct watch *w)
{
	struct buf path = { 0 };
	const char *accept = w->form ? "Accept: " TABLE ",application/json"
		: w->phase == PHASE_LISTING ? "Accept: application/vnd.kubernetes.protobuf"
		: "Accept: application/vnd.kubernetes.protobuf;stream=watch";
	const char *headers[] = { accept, NULL };

	decode_list_release(&w->list);
	decode_watch_release(&w->events);
	decode_list_init(&w->list, on_item, w);
	decode_watch_init(&w->events, on_event, w);
	buf_clear(&w->json);
	w->garbage = w->settled = false;
	w->error_code = 0;
	w->error_reason[0] = w->error_cause[0] = w->error_text[0] = '\0';
	w->state = WATCH_RUNS;
	w->began = w->fed = engine_now(w->e);
	add_path(w, &path);
	struct http_request q = { .path = path.data, .headers = headers, .on_data = on_data, .arg = w, .large = true };
	if (w->phase == PHASE_LISTING) {
		q.timeout_ms = 300000;
		q.max = (size_t)1 << 30;
	}
	w->stream = http_start(w->e->http, &q, on_done);
	buf_release(&path);
}

void watch_stop_stream(struct watch *w)
{
	if (w->stream && w->e->http)
		http_stop(w->e->http, w->stream);
	w->stream = NULL;
	watch_flush(w);
}
