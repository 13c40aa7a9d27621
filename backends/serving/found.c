/* found: model servers inside clusters. A cluster's source keeps doors to the services that its setting `models` names
 * (base/forwards.h); this source reads these rows and asks each door as it would ask any other address. It knows nothing of
 * the cluster, and nothing but rows passes between them. */
#include "backends/net/doctor.h"
#include "backends/serving/serving.h"
#include "base/forwards.h"
#include "base/mem.h"
#include "base/table.h"
#include <stdio.h>
#include <stdlib.h>

enum { SERVERS_MAX = 64, CLUSTERS_MAX = 8, ORIGINS_MAX = 64, PACE_MS = 2000 };

struct server { struct watcher *w; char *row, *name, *url; unsigned cluster; bool seen; };
struct found {
	struct link *link;
	struct watcher *first;           /* no server itself: the first of their chain */
	struct table *forwards;
	char *clusters[CLUSTERS_MAX]; unsigned nclusters;
	struct { char *name; bool away; } origins[ORIGINS_MAX + 1]; unsigned norigins;    /* who is read, registries too, and how they are */
	bool named;                      /* every cluster has been heard of */
	bool heard;                      /* and each has listed its forwards, or will not */
	struct server servers[SERVERS_MAX]; unsigned n;
};

static void drop_server(struct found *f, unsigned i)
{
	struct server *s = &f->servers[i];
	watcher_unchain(f->first, s->w);
	watcher_free(s->w);
	free(s->row);
	free(s->name);
	free(s->url);
	*s = f->servers[--f->n];
}

static unsigned cluster_of(struct found *f, const char *name)
{
	unsigned i = 0;
	while (i < f->nclusters && strcmp(f->clusters[i], name))
		i++;
	if (i == f->nclusters && i < CLUSTERS_MAX)
		f->clusters[f->nclusters++] = xstrdup(name);
	return i;
}

/* "exec/price-api": the namespace, and the target without its kind. */
static char *name_of(struct found *f, struct str ns, struct str target)
{
	struct str kind = str_split(&target, '/'), name = str_split(&target, ':');
	(void)kind;
	return xasprintf("%s/" STR_FMT "/" STR_FMT, link_name(f->link), STR_ARG(ns), STR_ARG(name));
}

static void take_row(struct found *f, const struct row *r)
{
	struct str key = row_key(r), local = row_text(f->forwards, r, FORWARD_LOCAL);
	char *url = xasprintf("http://" STR_FMT, STR_ARG(local));
	unsigned i = 0;
	while (i < f->n && !(str_is(key, f->servers[i].row) && f->servers[i].cluster == r->source && !strcmp(f->servers[i].url, url)))
		i++;
	if (i == f->n && f->n < SERVERS_MAX) {
		struct server *s = &f->servers[f->n++];
		*s = (struct server){ .row = str_dup(key), .cluster = r->source, .url = xstrdup(url),
			.name = name_of(f, row_text(f->forwards, r, FORWARD_NAMESPACE), row_text(f->forwards, r, FORWARD_TARGET)) };
		s->w = watcher_new(f->link, s->name, s->url);
		watcher_chain(f->first, s->w);
	}
	if (i < f->n)
		f->servers[i].seen = true;
	free(url);
}

static unsigned origin_of(struct found *f, const char *name)
{
	unsigned i = 0;
	while (i < f->norigins && strcmp(f->origins[i].name, name))
		i++;
	if (i == f->norigins && i < ORIGINS_MAX)
		f->origins[f->norigins++].name = xstrdup(name);
	return i;                        /* the last one is what does not fit, of which nothing is known */
}

/* What no cluster has told by now does not exist, but not before all have. */
static void take_word(struct found *f, const struct request *r)
{
	if (!*r->key)
		f->named = true;
	else if (!r->body.len && (!*r->kind || !strcmp(r->kind, "forwards")))
		f->origins[origin_of(f, r->key)].away = health_lost(health_named(r->what));
	bool all = f->named;
	for (unsigned i = 0; i < f->nclusters; i++)
		all = all && (table_listing(f->forwards, (uint16_t)i).listed || f->origins[origin_of(f, f->clusters[i])].away);
	if (!all || f->heard)
		return;
	f->heard = true;
	watcher_whole(f->first);
	watcher_rows(f->first);
}

static void take_rows(struct found *f, const struct request *r)
{
	const char *only = link_setting(f->link, "cluster");
	struct rd at;
	if (strcmp(r->kind, "forwards") || !r->body.len)
		return;
	unsigned cluster = !only || !*only || !strcmp(only, r->key) ? cluster_of(f, r->key) : CLUSTERS_MAX;
	if (cluster == CLUSTERS_MAX)
		return;
	rows_open(&at, buf_str(&r->body));
	table_apply(f->forwards, (uint16_t)cluster, &at, 0);
	for (unsigned i = 0; i < f->n; i++)
		f->servers[i].seen = false;
	for (uint32_t i = 0; i < f->forwards->nslots; i++) {
		const struct row *row = f->forwards->slots[i];
		if (row && str_is(row_text(f->forwards, row, FORWARD_USE), FORWARD_FOR_MODELS))
			take_row(f, row);
	}
	bool gone = false;
	for (unsigned i = f->n; i-- > 0;)
		if (!f->servers[i].seen) {
			drop_server(f, i);
			gone = true;
		}
	if (gone || (f->heard && !f->n))
		watcher_rows(f->first);
}

static void say_health(struct found *f)
{
	unsigned well = 0;
	char detail[80];
	char why[400] = "";
	for (unsigned i = 0; i < f->n; i++) {
		const char *one;
		if (watcher_health(f->servers[i].w, &one))
			well++;
		else
			snprintf(why, sizeof(why), "%.100s: %.280s", f->servers[i].name, one);
	}
	enum health_state is = !f->heard ? HEALTH_CONNECTING : well == f->n ? HEALTH_LIVE : well ? HEALTH_LIMITED : HEALTH_STALE;
	if (f->heard && !f->n)
		snprintf(why, sizeof(why), "no cluster has found a service that serves models");
	snprintf(detail, sizeof(detail), "%u services found", f->n);
	link_say(f->link, (struct msg_health){ .state = is, .latency_us = -1, .why = str_of(why),
		.detail = str_of(detail), .remedy = f->heard && !f->n ? STR("name them in the setting 'models' of the cluster's source")
		: STR("") });
}

static void doctor(struct found *f, uint64_t id)
{
	json_t *all = json_array();
	if (!f->n)
		doctor_check(all, "services", f->heard ? 0 : -1, "name them in the setting 'models' of the cluster's source; see :forwards",
		             f->heard ? "no cluster has found a service that serves models" : "no cluster has told what it forwards yet");
	for (unsigned i = 0; i < f->n; i++) {
		bool ok = watcher_look(f->servers[i].w);
		const struct serving *s = watcher_serving(f->servers[i].w);
		doctor_check(all, f->servers[i].name, ok, s->remedy, "%s", ok ? s->protocol->title : s->error);
	}
	char *text = json_dumps(all, JSON_COMPACT);
	link_answer(f->link, id, true, str_of(text ? text : "[]"));
	free(text);
	json_decref(all);
}

static void handle(struct found *f, struct request *r)
{
	if (r->type == REQ_ROWS) {
		take_rows(f, r);
		take_word(f, r);
	}
	if (r->type == REQ_ASK && !strcmp(r->what, "doctor")) {
		doctor(f, r->id);
		request_free(r);
	} else {
		watcher_handle(f->first, r);
	}
}

/* Whose turn it is to be looked at. */
static struct server *next_server(struct found *f, int64_t *due)
{
	struct server *found = NULL;
	*due = INT64_MAX;
	for (unsigned i = 0; i < f->n; i++)
		if (watcher_due(f->servers[i].w) < *due) {
			*due = watcher_due(f->servers[i].w);
			found = &f->servers[i];
		}
	return found;
}

static void run(struct link *l)
{
	struct found f = { .link = l, .first = watcher_new(l, link_name(l), NULL), .forwards = table_new(&kind_forwards) };
	watcher_group(f.first);
	unsigned looks = 0;
	int64_t paced = 0;                       /* they are all behind one server: no more than one look in two seconds, but for the first */
	while (!link_closing(l)) {
		int64_t due, now = clock_mono(link_clock(l));
		struct server *s = next_server(&f, &due);
		due = due < paced ? paced : due;
		if (s && due <= now) {
			watcher_look(s->w);
			paced = ++looks > f.n ? clock_mono(link_clock(l)) + PACE_MS : 0;
			say_health(&f);
			continue;
		}
		struct request *r = link_take(l, !s ? -1 : due - now > 60000 ? 60000 : (int)(due - now));
		if (r) {
			handle(&f, r);
			say_health(&f);
		}
	}
	while (f.n)
		drop_server(&f, f.n - 1);
	watcher_free(f.first);
	table_free(f.forwards);
	for (unsigned i = 0; i < f.nclusters; i++)
		free(f.clusters[i]);
	for (unsigned i = 0; i < f.norigins; i++)
		free(f.origins[i].name);
}

static const struct config_key keys[] = {
	{ .name = "cluster", .type = CONFIG_TEXT, .help = "The source of type kubernetes whose services are asked; without it those of "
	  "all. Which services it are says its setting 'models'." },
	{ .name = "protocol", .type = CONFIG_ENUM, .choices = "rest|kserve-v1|v2|mlflow|ray-serve", .help = "What they speak; otherwise "
	  "found by trying, for each." },
	{ .name = "token", .type = CONFIG_SECRET, .help = "Bearer token, where they ask for one." },
	{ .name = "timeout", .type = CONFIG_DURATION, .otherwise = "75s", .help = "The longest that a prediction may take." },
	{ .name = "poll", .type = CONFIG_DURATION, .otherwise = "15s", .help = "How often each is asked how it is, while somebody looks." },
	CONFIG_END
};
static const struct kind *const kinds[] = { &kind_modelendpoints, NULL };
static const char *const reads[] = { "modelendpoints:forwards", "modelendpoints:models", "modelendpoints:predictions", NULL };
const struct backend backend_models = {
	.name = "models", .title = "Models in a cluster", .help = "model servers inside a cluster, reached through its forwarded ports",
	.keys = keys, .kinds = kinds, .actions = serving_actions, .reads = reads, .run = run, .opens = opens_nothing,
};
