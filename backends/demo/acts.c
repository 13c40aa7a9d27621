/* acts: one way for all that can be done to the simulated world: see ways.h. The same names, parameters and plans as the real
 * systems have; promotions and pipelines, whose plans are larger, have their own. */
#include "backends/demo/flows.h"
#include "backends/demo/ways.h"
#include "base/linediff.h"
#include "base/mem.h"
#include <stdio.h>
#include <stdlib.h>

static const struct demo_way *const all[] = { demo_ways_cluster, demo_ways_change, demo_ways_objects, demo_ways_custom, demo_ways_inside,
	demo_ways_endpoints, demo_ways_storage, demo_ways_checks, demo_ways_alerts };
#define C demo_acts_cluster
#define G demo_acts_change
#define O demo_acts_objects
#define U demo_acts_custom
#define I demo_acts_inside
const struct action *const demo_actions[] = {
	U, U + 1, U + 2, U + 3, U + 4, U + 5, &act_group_zero, &act_group_back,
	C, C + 1, C + 2, C + 3, C + 4, C + 5, C + 6, G, G + 1, G + 2, G + 3, G + 4, G + 5, G + 6, G + 7, G + 8, O, O + 1, O + 2, O + 3,
	I, I + 1, I + 2, I + 3, I + 4, I + 5, &act_promote, &act_put_back, &act_reload, &act_unload, &act_warm_up,
	&act_flow_trigger, &act_flow_pause, &act_flow_unpause, &act_flow_clear, &act_flow_mark, &act_flow_cancel, &act_flow_backfill,
	&act_flow_backfill_state, &act_object_delete, &act_object_undelete, &act_object_restore, &act_object_copy, &act_object_move,
	&act_acknowledge, &act_withdraw, &act_silence, &act_expire, &act_extend, NULL };

const char *doing_text(const json_t *params, const char *name)
{
	const char *s = json_string_value(json_object_get(params, name));
	return s ? s : "";
}

void doing_step(struct doing *d, const char *body, const char *fmt, ...)
{
	struct buf b = { 0 };
	va_list ap;
	va_start(ap, fmt);
	buf_vaddf(&b, fmt, ap);
	va_end(ap);
	json_array_append_new(json_object_get(d->plan, "steps"), json_pack("{s:s, s:s}", "do", b.data, "body", body));
	buf_release(&b);
}

bool doing_diff(struct doing *d, struct str before, struct str after)
{
	struct buf diff = { 0 };
	line_diff(before, after, 2, &diff, NULL, NULL);
	json_object_set_new(d->plan, "diff", json_array());
	for (struct str rest = buf_str(&diff); rest.n;) {
		struct str line = str_split(&rest, '\n');
		SAY(d, "diff", STR_FMT, STR_ARG(line));
	}
	bool differs = diff.len > 0;
	buf_release(&diff);
	return differs;
}

static const struct demo_way *way_of(const struct request *r)
{
	const struct action *a = action_find(&backend_demo, r->what, r->kind);
	for (size_t i = 0; a && i < ARRAY_SIZE(all); i++)
		for (const struct demo_way *way = all[i]; way->action; way++)
			if (way->action == a)
				return way;
	return NULL;
}

/* What a plan saw of a pod, a workload or a node. */
static bool state_of(struct doing *d, const struct demo_way *way, struct buf *out)
{
	struct str key = str_of(d->r->key);
	d->t.pod = !strcmp(d->r->kind, "pods") ? world_find_pod(d->w, key) : NULL;
	d->t.node = !strcmp(d->r->kind, "nodes") ? world_find_node(d->w, key) : NULL;
	d->t.load = world_find_workload(d->w, d->r->kind, key);
	if (way->state)
		return way->state(d, out);
	if (d->t.load)
		buf_addf(out, "revision %u, %u replicas", d->t.load->revision, d->t.load->replicas);
	else if (d->t.node)
		buf_addf(out, "%s, taint '%s'", d->t.node->cordoned ? "cordoned" : "open", d->t.node->taint);
	else if (d->t.pod)
		buf_addf(out, "born %lld", (long long)d->t.pod->born);
	return d->t.load || d->t.node || d->t.pod;
}

/* What the simulated platform has no use for is told, so that nobody waits for it. */
static void say_unused(struct doing *d)
{
	static const char *const unused[] = { "grace", "dependents", "timeout", "emptydir", "force", "within", "prune" };
	for (size_t i = 0; i < ARRAY_SIZE(unused); i++)
		for (const struct field *f = action_find(&backend_demo, d->r->what, d->r->kind)->fields; f && f->name; f++) {
			struct buf b = { 0 };
			struct str v = plan_param_text(d->params, f->name, &b);
			if (!strcmp(f->name, unused[i]) && v.n && !str_is(v, f->otherwise ? f->otherwise : ""))
				SAY(d, "warnings", "the simulated platform takes no notice of '%s'", f->name);
			buf_release(&b);
		}
}

void demo_plan(struct world *w, struct link *l, const struct request *r)
{
	const struct demo_way *way = way_of(r);
	struct doing d = { .w = w, .l = l, .r = r };
	struct buf state = { 0 };
	if (demo_promote_plan(w, l, r) || demo_flow_plan(w, l, r))
		return;
	json_t *params = json_loads(*r->params ? r->params : "{}", 0, NULL);
	d.params = params;
	if (!way || !state_of(&d, way, &state)) {
		link_fail(l, r->id, way ? "%s '%s' is gone" : "the demo cannot do this to %s '%s'", r->kind, r->key);
	} else {
		d.plan = plan_json(r, buf_str(&state));
		json_object_set_new(json_object_get(d.plan, "target"), "uid", json_string("demo"));
		SAY(&d, "title", "%s %s %s", r->what, r->kind, r->key);
		way->plan(&d);
		if (!json_object_get(d.plan, "blocked") && !json_object_get(d.plan, "already"))
			SAY(&d, "dry_run", "accepted");
		say_unused(&d);
		json_object_set(d.plan, "params", params);
		plan_answer(l, r, d.plan);
	}
	json_decref(params);
	buf_release(&state);
}

void demo_run(struct world *w, struct link *l, const struct request *r)
{
	const struct demo_way *way = way_of(r);
	struct doing d = { .w = w, .l = l, .r = r };
	struct buf state = { 0 };
	if (demo_promote_run(w, l, r) || demo_flow_run(w, l, r))
		return;
	json_t *params = json_loads(r->params, 0, NULL);
	d.plan = json_object_get(params, "plan");
	d.params = json_object_get(d.plan, "params");
	bool there = way && state_of(&d, way, &state);
	bool ok = there && str_is(buf_str(&state), doing_text(json_object_get(d.plan, "target"), "version"));
	if (!ok)
		buf_adds(&d.say, there ? "it has changed since the plan was shown: plan again" : "it is gone");
	else if ((ok = way->run(&d)))
		run_say(l, r->id, STEP_DONE, 1, 1, "accepted");
	run_over(l, r->id, ok, buf_str(&d.say), ok ? json_object_get(json_object_get(d.plan, "undo"), "params") : NULL);
	buf_release(&d.say);
	buf_release(&state);
	json_decref(params);
}
