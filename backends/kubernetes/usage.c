/* usage: what pods and nodes use (metrics.k8s.io, polled only while someone looks at them) and what is asked of each
 * node (sums in the ledger, which the pods' watch keeps). The metrics come as one JSON document however many pods there
 * are, so it is cut into its items as it arrives and read some hundred at a time. A cluster without metrics (404, 503) is
 * asked again after half a minute, and less and less often. */
#include "backends/kubernetes/engine.h"
#include "backends/kubernetes/items.h"
#include "base/mem.h"
#include <stdlib.h>

#define ABSENT_MS 30000
#define ABSENT_MOST_MS 300000
#define REQUESTED_MS 1000            /* sums are told at most so often */
#define BODY_MAX ((size_t)256 << 20)

struct poll {
	struct usage *u;
	enum { POLL_NODES, POLL_PODS, POLL_CONTAINERS, POLL_COUNT } of;
	struct http_stream *stream;
	struct items items;
	struct msg *pods, *containers;   /* being filled */
	int64_t due, absent;             /* absent: ms, how long to wait when there are none again */
	char *scope;                     /* of the containers that were asked for */
};
struct usage {
	struct engine *e;
	struct poll polls[POLL_COUNT];
	int64_t told;                    /* mono ms, when requested sums were last sent */
};

static struct buf *rows_in(struct msg **m, const char *kind)
{
	if (!*m) {
		*m = msg_new(MSG_ROWS, 0);
		rows_start(&(*m)->body, kind);
	}
	return &(*m)->body;
}

static void send(struct usage *u, struct msg **m)
{
	if (*m)
		link_send(u->e->link, *m);
	*m = NULL;
}

/* ---- metrics */

static void on_metric(void *arg, struct str ns, struct str name, struct str container, int64_t cpu, int64_t mem)
{
	struct poll *p = arg;
	struct engine *e = p->u->e;
	struct buf *key = &e->decoder.key;

	buf_clear(key);
	if (ns.n) {
		buf_addstr(key, ns);
		buf_addc(key, '/');
	}
	buf_addstr(key, name);
	if (p->of == POLL_NODES) {
		const struct ledger_node *n = ledger_node(&e->ledger, name);
		metrics_node_row(rows_in(&p->pods, "nodes"), buf_str(key), cpu, mem, n ? n->cpu_can : -1,
		                 n ? n->mem_can : -1);
	} else if (container.p) {
		if (p->of == POLL_PODS)
			return;
		buf_addc(key, '/');
		buf_addstr(key, container);
		metrics_container_row(rows_in(&p->containers, "containers"), buf_str(key), cpu, mem, -1);
	} else {
		metrics_pod_row(rows_in(&p->pods, "pods"), buf_str(key), cpu, mem, ledger_limit(&e->ledger, ns, name));
	}
}

/* Some items, as a list of their own. */
static bool on_items(void *arg, struct str list)
{
	struct poll *p = arg;
	char *next = NULL;
	bool ok = metrics_read(list, on_metric, p, &next);

	free(next);
	send(p->u, &p->pods);
	send(p->u, &p->containers);
	return ok;
}

static bool on_data(void *arg, struct str chunk)
{
	struct poll *p = arg;

	p->u->e->heard = engine_now(p->u->e);
	return items_feed(&p->items, chunk);
}

static void on_done(void *arg, struct http_stream *s, const struct http_reply *reply)
{
	struct poll *p = arg;
	bool absent = reply->end == HTTP_STATUS && reply->status != 429;

	p->stream = NULL;
	if (reply->end == HTTP_OK)
		items_end(&p->items);
	items_release(&p->items);
	p->absent = !absent ? 0 : !p->absent ? ABSENT_MS : p->absent < ABSENT_MOST_MS / 2 ? 2 * p->absent : ABSENT_MOST_MS;
	p->due = engine_now(p->u->e) + (absent ? p->absent : p->u->e->metrics_every);
}

static void start(struct poll *p, const char *scope)
{
	struct buf path = { 0 };
	const char *headers[] = { "Accept: application/json", NULL };
	struct str name = str_of(scope), ns = str_split(&name, '/');

	buf_adds(&path, "/apis/metrics.k8s.io/v1beta1");
	if (p->of == POLL_NODES) {
		buf_adds(&path, "/nodes");
	} else {
		if (ns.n) {
			buf_adds(&path, "/namespaces/");
			http_escape(&path, ns);
		}
		buf_adds(&path, "/pods");
		if (name.n) {
			buf_adds(&path, "?fieldSelector=metadata.name%3D");
			http_escape(&path, name);
		}
	}
	struct http_request q = { .path = path.data, .headers = headers, .timeout_ms = 30000, .on_data = on_data, .arg = p,
		.max = BODY_MAX };
	items_init(&p->items, on_items, p);
	p->stream = http_start(p->u->e->http, &q, on_done);
	buf_release(&path);
}

/* ---- what is asked of nodes */

static int64_t tell_requested(struct usage *u, int64_t now, bool looked_at)
{
	struct ledger *l = &u->e->ledger;
	struct msg *m = NULL;
	bool any = false;

	watches_quietly(u->e, "pods", looked_at);
	if (!looked_at || !l->complete)
		return NEVER;
	for (uint32_t i = 0; i < l->nnodes && !any; i++)
		any = l->nodes[i].dirty && l->nodes[i].seen;
	if (!any)
		return NEVER;
	if (now - u->told < REQUESTED_MS)
		return u->told + REQUESTED_MS;
	for (uint32_t i = 0; i < l->nnodes; i++) {
		struct ledger_node *n = &l->nodes[i];
		if (!n->dirty || !n->seen)
			continue;
		requested_node_row(rows_in(&m, "nodes"), str_of(n->name), n->pods, n->cpu, n->mem * 1024, n->gpus, n->pods_can,
		                   n->gpus_can);
		n->dirty = false;
	}
	u->told = now;
	send(u, &m);
	return NEVER;
}

/* ---- */

struct usage *usage_new(struct engine *e)
{
	struct usage *u = xcalloc(1, sizeof(*u));

	u->e = e;
	for (int i = 0; i < POLL_COUNT; i++)
		u->polls[i] = (struct poll){ .u = u, .of = i };
	return u;
}

void usage_free(struct usage *u)
{
	for (int i = 0; i < POLL_COUNT; i++) {
		items_release(&u->polls[i].items);
		msg_free(u->polls[i].pods);
		msg_free(u->polls[i].containers);
		free(u->polls[i].scope);
	}
	free(u);
}

int64_t usage_tick(struct usage *u, int64_t now)
{
	static const char *const kinds[] = { "nodes", "pods", "containers" };
	const char *scope = "";
	bool nodes = watches_kind(u->e, "nodes", NULL, NULL);
	int64_t next = tell_requested(u, now, nodes);

	if (u->e->state != HEALTH_LIVE)
		return next;
	for (int i = 0; i < POLL_COUNT; i++) {
		struct poll *p = &u->polls[i];
		if (!watches_kind(u->e, kinds[i], NULL, &scope) || p->stream)
			continue;
		if (!p->scope || strcmp(p->scope, scope) != 0) {     /* another place: no need to wait */
			p->due = p->scope && p->due > now + u->e->metrics_every ? p->due : now;
			free(p->scope);
			p->scope = xstrdup(scope);
		}
		if (now >= p->due)
			start(p, scope);
		else if (p->due < next)
			next = p->due;
	}
	return next;
}
