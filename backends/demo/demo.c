/* demo: the source's thread. It lets the world live second by second and sends what somebody looks at: pods as they change,
 * other kinds whole when they changed (a listing replaces, and equal rows are no change). */
#include "backends/demo/world.h"
#include "base/mem.h"
#include "base/retrain.h"
#include "base/storage.h"
#include <stdio.h>
#include <stdlib.h>

struct watch {
	struct watch *next;
	uint64_t id;
	char *kind, *key;
	bool log, fresh;             /* fresh: nothing was sent yet */
};
struct demo {
	struct link *link;
	struct world *world;
	struct watch *watches;
	int speed_ms;                /* of the wall's for one second of the world */
	int64_t next;                /* mono ms of the next step */
};

static void send_kind(struct demo *d, const char *kind)
{
	struct msg *m = msg_new(MSG_ROWS, 0);
	if (demo_show(d->world, kind, &m->body)) {
		link_send(d->link, m);
		return;
	}
	msg_free(m);
	link_health(d->link, (struct msg_health){ .state = HEALTH_REFUSED, .latency_us = -1, .kind = str_of(kind),
		.why = STR("the demo has no such kind") });
}

static bool watched(const struct demo *d, const char *kind)
{
	for (const struct watch *w = d->watches; w; w = w->next)
		if (!w->log && !w->fresh && !strcmp(w->kind, kind))
			return true;
	return false;
}

static void add_watch(struct demo *d, const struct request *r, bool log)
{
	struct watch *w = xcalloc(1, sizeof(*w));
	*w = (struct watch){ d->watches, r->id, xstrdup(r->kind), xstrdup(r->key), log, true };
	d->watches = w;
}

static void drop_watch(struct demo *d, uint64_t id)
{
	for (struct watch **at = &d->watches; *at; at = &(*at)->next) {
		struct watch *w = *at;
		if (w->id != id)
			continue;
		*at = w->next;
		free(w->kind);
		free(w->key);
		free(w);
		return;
	}
}

static void send_changes(struct demo *d)
{
	static const char *const of_workloads[] = { "deployments", "replicasets", "statefulsets", "daemonsets", "jobs",
		"horizontalpodautoscalers", "containers" };
	struct world *w = d->world;
	if (watched(d, "pods") && w->gone_more)
		send_kind(d, "pods");
	else if (watched(d, "pods")) {
		struct msg *m = msg_new(MSG_ROWS, 0);
		demo_show_pods_changed(w, &m->body);
		link_send(d->link, m);
	}
	w->ngone = 0;
	w->gone_more = false;
	for (size_t i = 0; i < ARRAY_SIZE(of_workloads); i++)
		if (w->workloads_dirty && watched(d, of_workloads[i]))
			send_kind(d, of_workloads[i]);
	if ((w->nodes_dirty || w->workloads_dirty) && watched(d, "nodes"))
		send_kind(d, "nodes");
	if (w->events_dirty && watched(d, "events"))
		send_kind(d, "events");
	for (int i = 0; i < 2; i++)
		if (w->checks_dirty && watched(d, i ? "features" : "drift"))
			send_kind(d, i ? "features" : "drift");
	for (int i = 0; i < 2; i++)
		if ((w->step % 15 == 5 || (!i && w->serving_dirty)) && watched(d, i ? "predictions" : "modelendpoints"))
			send_kind(d, i ? "predictions" : "modelendpoints");
	static const char *const of_pipelines[] = { "pipelines", "runs", "tasks" };
	for (size_t i = 0; w->step % 2 == 0 && i < ARRAY_SIZE(of_pipelines); i++)
		if (watched(d, of_pipelines[i]))
			send_kind(d, of_pipelines[i]);
	static const char *const of_registry[] = { "models", "versions", "promotions" };
	if (w->forwards_dirty && watched(d, "forwards"))
		send_kind(d, "forwards");
	for (size_t i = 0; w->registry_dirty && i < ARRAY_SIZE(of_registry); i++)
		if (watched(d, of_registry[i]))
			send_kind(d, of_registry[i]);
	static const char *const of_alerts[] = { "alerts", "silences" };
	for (size_t i = 0; i < ARRAY_SIZE(of_alerts); i++)
		if ((w->alerts_dirty || w->step % 5 == 3) && watched(d, of_alerts[i]))
			send_kind(d, of_alerts[i]);
	w->alerts_dirty = false;
	if (w->crons_dirty && watched(d, "cronjobs"))
		send_kind(d, "cronjobs");
	if (w->storage_dirty && watched(d, "objects"))
		send_kind(d, "objects");
	for (const struct watch *at = d->watches; at; at = at->next)
		if (!at->log && (w->touched_dirty || w->custom_dirty || w->workloads_dirty) && demo_custom_kind(str_of(at->kind)))
			send_kind(d, at->kind);
	for (const struct kind *const *k = demo_kinds; w->touched_dirty && *k; k++)      /* a label may be on any of them */
		if (watched(d, (*k)->name))
			send_kind(d, (*k)->name);
	w->custom_dirty = w->storage_dirty = w->touched_dirty = false;
	w->crons_dirty = w->workloads_dirty = w->nodes_dirty = w->events_dirty = w->checks_dirty = w->registry_dirty = w->serving_dirty = w->forwards_dirty = false;
}

static void tick(struct demo *d)
{
	world_step(d->world);
	demo_checks_forget(d->world);
	send_changes(d);
	for (struct watch *w = d->watches; w; w = w->next)
		if (w->log)
			demo_log_tick(d->world, d->link, w->id, w->kind, str_of(w->key));
}

/* The tour goes on to its next moment: the world lives that long at once. */
static void live_until(struct demo *d, const struct request *r)
{
	long long second = 0;
	sscanf(r->params, "{\"second\":%lld}", &second);
	unsigned before = d->world->step;
	for (long long left = 3600; left > 0 && d->world->step < second; left--)
		tick(d);
	clock_leap(link_clock(d->link), (int64_t)(d->world->step - before) * 1000);
	link_answer(d->link, r->id, true, STR("{}"));
}

static void handle(struct demo *d, struct request *r)
{
	switch (r->type) {
	case REQ_WATCH:
		if (!strcmp(r->kind, "objects") && str_starts(str_of(r->key), STR(STORAGE_VERSIONS)))
			snprintf(d->world->versions_of, sizeof(d->world->versions_of), "%s", r->key);
		send_kind(d, r->kind);
		add_watch(d, r, false);
		d->watches->fresh = false;
		break;
	case REQ_OPEN:
		demo_open(d->world, d->link, r);
		if (!strcmp(r->what, "logs") && strstr(r->params, "\"follow\":true"))
			add_watch(d, r, true);
		break;
	case REQ_ASK:
		if (!strcmp(r->what, "until")) {
			live_until(d, r);
			break;
		}
		if (!demo_serving_ask(d->world, d->link, r))
			demo_ask(d->world, d->link, r);
		break;
	case REQ_PLAN:
		demo_plan(d->world, d->link, r);
		break;
	case REQ_RUN:
		demo_run(d->world, d->link, r);
		break;
	case REQ_CANCEL:
		drop_watch(d, r->id);
		break;
	case REQ_ROWS:
		break;
	}
}

static void run(struct link *l)
{
	const char *seed = link_setting(l, "seed"), *speed = link_setting(l, "speed");
	const struct clock *clock = link_clock(l);
	struct demo d = { .link = l, .world = xcalloc(1, sizeof(*d.world)) };
	double factor = speed ? strtod(speed, NULL) : 1;
	d.speed_ms = factor > 0.01 && factor < 1000 ? (int)(1000 / factor) : 1000;
	world_init(d.world, seed ? strtoull(seed, NULL, 10) : 1, clock_wall(clock));
	link_health(l, (struct msg_health){ .state = HEALTH_LIVE, .latency_us = 900, .version = STR("simulated"),
		.detail = STR("a simulated platform: nothing here is real, and nothing leaves this machine") });
	d.next = clock_mono(clock) + d.speed_ms;
	while (!link_closing(l)) {
		int64_t left = d.next - clock_mono(clock);
		struct request *r = link_take(l, left > 0 ? (int)left : 0);
		if (r)
			handle(&d, r);
		request_free(r);
		if (clock_mono(clock) >= d.next) {
			tick(&d);
			d.next += d.speed_ms;
			if (clock_mono(clock) - d.next > 60000)      /* the machine slept */
				d.next = clock_mono(clock);
		}
	}
	while (d.watches)
		drop_watch(&d, d.watches->id);
	for (unsigned i = 0; i < d.world->ntouched; i++)
		free(d.world->touched[i].yaml);
	free(d.world);
}

static const struct config_key keys[] = {
	{ "seed", CONFIG_COUNT, "1", .help = "The same seed makes the same morning." },
	{ "speed", CONFIG_REAL, "1", .help = "Seconds of the simulated world for each second." },
	CONFIG_RETRAIN,
	CONFIG_END
};
/* Documents are of what a cluster has. */
static bool opens(const struct backend *b, const char *what, const char *kind)
{
	static const char *const known[] = { "pods", "deployments", "statefulsets", "daemonsets", "jobs", "containers", "replicasets",
		"nodes", "namespaces", "cronjobs", "services", "configmaps", "secrets", "persistentvolumeclaims",
		"horizontalpodautoscalers", "events" };
	size_t n = !strcmp(what, "logs") ? 5 : ARRAY_SIZE(known);
	if (storage_opens(b, what, kind) || (demo_custom_kind(str_of(kind)) && strcmp(what, "logs")))
		return true;
	for (size_t i = 0; i < n; i++)
		if (!strcmp(kind, known[i]))
			return true;
	return false;
}

const struct backend backend_demo = {
	.name = "demo", .title = "Demo", .help = "A simulated platform: no network, nothing real.", .keys = keys,
	.kinds = demo_kinds, .actions = demo_actions, .run = run, .opens = opens,
};
