/* nodegroup: see nodegroup.h. The sizes that there were are what undoes it; which pods find a place elsewhere is told from the rows
 * that cost is made of: their requests against what is left on other nodes, so about only. */
#define _GNU_SOURCE
#include "backends/cost/nodegroup.h"
#include "backends/net/aws_credentials.h"
#include "base/acts.h"
#include "base/mem.h"
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define CALL_MS 10000
#define LOOKS 5                /* a second apart: whether a request without an answer was taken */

const struct action *const cost_actions[] = { &act_group_zero, &act_group_back, NULL };

struct sizes { json_int_t min, desired, max; };

struct eks {                   /* one exchange, for signing */
	const struct cost *c;
	struct link *link;
	struct aws_chain *chain;
	const char *method, *path, *region;
	char base[300];
	struct str body;
	char why[800];
	enum http_end end;
	uint64_t id;
};

static bool cancelled(void *arg)
{
	return link_closing(((struct eks *)arg)->link);
}

static bool sign(void *arg, struct http_auth *auth)
{
	struct eks *e = arg;
	const struct aws_keys *keys = aws_chain_get(e->chain);
	struct str host = str_of(strstr(e->base, "://") ? strstr(e->base, "://") + 3 : e->base);
	if (!keys) {
		snprintf(auth->error, sizeof(auth->error), "%s", aws_chain_why(e->chain));
		snprintf(auth->remedy, sizeof(auth->remedy), "%s", aws_chain_remedy(e->chain));
		return false;
	}
	struct sigv4_request q = { .method = e->method, .host = str_split(&host, '/'), .path = str_of(e->path), .body = e->body,
		.region = e->region, .service = "eks", .now_ms = clock_wall(link_clock(e->link)) };
	return sigv4_sign(&q, keys, auth);
}

/* The answer's JSON, or NULL and e->why. */
static json_t *call(struct eks *e, const char *method, const char *path, struct str body)
{
	const char *endpoint = yaml_text(e->c->settings.aws, "endpoint");
	struct http_reply reply = { 0 };
	e->region = aws_chain_region(e->chain);
	snprintf(e->base, sizeof(e->base), "https://eks.%s.amazonaws.com", e->region);
	if (endpoint)
		snprintf(e->base, sizeof(e->base), "%.*s", (int)(strlen(endpoint) - str_ends(str_of(endpoint), STR("/"))), endpoint);
	e->method = method, e->path = path, e->body = body;
	struct http_conf conf = { .base = e->base, .what = "AWS EKS", .auth = sign, .arg = e };
	struct http_request q = { .method = method, .path = path, .body = body, .content_type = body.n ? "application/json" : NULL,
		.timeout_ms = CALL_MS, .max = 1 << 20, .cancelled = cancelled, .cancelled_arg = e };
	struct http *h = http_new(&conf, link_clock(e->link));
	bool ok = http_call(h, &q, &reply);
	json_t *answer = ok ? json_loadb(reply.body.data ? reply.body.data : "", reply.body.len, 0, NULL) : NULL;
	e->end = reply.end;
	if (reply.end == HTTP_STATUS && (reply.status == 401 || reply.status == 403))
		link_refused(e->link, e->id);
	snprintf(e->why, sizeof(e->why), "%.512s%s%.250s", ok ? "AWS EKS answered something that is not JSON" : reply.error,
	         !ok && reply.remedy[0] ? ": " : "", ok ? "" : reply.remedy);
	http_reply_release(&reply);
	http_free(h);
	return answer;
}

/* "group/node group/CLUSTER/NAME" */
static bool split_key(const char *key, struct str *cluster, struct str *group)
{
	struct str rest = str_of(key);
	if (!str_starts(rest, STR("group/node group/")))
		return false;
	rest.p += 17, rest.n -= 17;
	*cluster = str_split(&rest, '/');
	*group = rest;
	return group->n > 0;
}

static char *path_of(const struct cost *c, struct str group, const char *end)
{
	struct buf b = { 0 };
	buf_adds(&b, "/clusters/");
	http_escape(&b, str_of(yaml_text(c->settings.aws, "eks_cluster")));
	buf_adds(&b, "/node-groups/");
	http_escape(&b, group);
	buf_adds(&b, end);
	return buf_detach(&b);
}

static bool read_sizes(struct eks *e, struct str group, struct sizes *s, char status[40])
{
	char *path = path_of(e->c, group, "");
	json_t *answer = call(e, "GET", path, STR("")), *g = json_object_get(answer, "nodegroup");
	json_t *sizes = json_object_get(g, "scalingConfig");
	const char *word = json_string_value(json_object_get(g, "status"));
	bool ok = json_is_integer(json_object_get(sizes, "desiredSize"));
	*s = (struct sizes){ json_integer_value(json_object_get(sizes, "minSize")), json_integer_value(json_object_get(sizes, "desiredSize")),
		json_integer_value(json_object_get(sizes, "maxSize")) };
	snprintf(status, 40, "%s", word ? word : "");
	if (answer && !ok)
		snprintf(e->why, sizeof(e->why), "AWS EKS does not say how large the node group is");
	json_decref(answer);
	free(path);
	return ok;
}

/* ---- whose pods find no place */

static bool is_of(const struct table *t, const struct row *r, struct str group)
{
	return str_eq(row_text(t, r, NODE_GROUP), group);
}

static int64_t count(const struct row *r, int col)
{
	return row_null(r, col) ? 0 : row_int(r, col);
}

struct left { struct str name; int64_t cpu, mem, gpus; bool leaves; };

static struct left *left_of(struct left *all, size_t n, struct str name)
{
	for (size_t i = 0; i < n; i++)
		if (str_eq(all[i].name, name))
			return &all[i];
	return NULL;
}

static bool is_daemon(const struct table *t, const struct row *r)
{
	return str_starts(row_text(t, r, POD_OWNER), STR("DaemonSet/"));
}

static void say_pods(const struct cost *c, struct str group, json_t *plan)
{
	const struct table *nodes = c->in.tables[IN_NODES], *pods = c->in.tables[IN_PODS];
	struct left *all = xcalloc(nodes->nslots + 1, sizeof(*all)), *on;
	unsigned n = 0, going = 0, stuck = 0, listed = 0;
	const struct row *r;
	for (uint32_t i = 0; i < nodes->nslots; i++)
		if ((r = table_row(nodes, i)))
			all[n++] = (struct left){ row_key(r), count(r, NODE_CPU), count(r, NODE_MEM), count(r, NODE_GPUS), is_of(nodes, r, group) };
	for (uint32_t i = 0; i < pods->nslots; i++)
		if ((r = table_row(pods, i)) && (on = left_of(all, n, row_text(pods, r, POD_NODE)))) {
			on->cpu -= count(r, POD_CPU_ASKED), on->mem -= count(r, POD_MEM_ASKED), on->gpus -= count(r, POD_GPUS);
			listed++;
		}
	for (uint32_t i = 0; i < pods->nslots; i++) {
		r = table_row(pods, i);
		on = r ? left_of(all, n, row_text(pods, r, POD_NODE)) : NULL;
		if (!on || !on->leaves || is_daemon(pods, r))
			continue;
		int64_t cpu = count(r, POD_CPU_ASKED), mem = count(r, POD_MEM_ASKED), gpus = count(r, POD_GPUS);
		size_t k = 0;
		while (k < n && (all[k].leaves || all[k].cpu < cpu || all[k].mem < mem || all[k].gpus < gpus))
			k++;
		going++;
		if (k < n)
			all[k].cpu -= cpu, all[k].mem -= mem, all[k].gpus -= gpus;
		stuck += k == n;
	}
	if (!listed)
		json_array_append_new(json_object_get(plan, "warnings"), json_string("which pods run there is not known: the list of pods "
		                      "has not come"));
	else
		json_array_append_new(json_object_get(plan, stuck ? "warnings" : "change"), json_sprintf(
			"of its %u pods (without daemon sets) about %u find no place on the other nodes, by their requests alone; taints and "
			"selectors are not considered", going, stuck));
	free(all);
}

/* ---- the plan */

static void add(json_t *plan, const char *list, json_t *text)
{
	json_array_append_new(json_object_get(plan, list), text);
}

static void describe(const struct cost *c, const struct request *r, struct str group, struct sizes now, struct sizes want,
                     const char *status, json_t *plan)
{
	bool to_zero = !strcmp(r->what, "scale-zero");
	char *path = path_of(c, group, "/update-config");
	json_t *body = json_pack("{s:{s:I, s:I, s:I}}", "scalingConfig", "minSize", want.min, "maxSize", want.max, "desiredSize", want.desired);
	char *text = json_dumps(body, JSON_COMPACT);
	add(plan, "change", json_sprintf("nodes %d -> %d, at least %d -> %d, at most %d -> %d", (int)now.desired, (int)want.desired, (int)now.min,
	                                 (int)want.min, (int)now.max, (int)want.max));
	for (size_t i = 0; i < c->burn.ngroups && to_zero; i++) {
		const struct burn_group *g = &c->burn.groups[i];
		if (g->type != ASSET_NODE || !str_is(group, g->name))
			continue;
		if (g->rate > 0)
			add(plan, "change", json_sprintf("saves about $%.2f an hour", g->rate));
		if (g->needed)
			add(plan, "warnings", json_string("what the cluster itself runs is on these nodes too"));
	}
	if (to_zero) {
		say_pods(c, group, plan);
		add(plan, "change", json_sprintf("every night, shown and not run by us: 0 20 * * 1-5 aws eks update-nodegroup-config --cluster-name %s "
			"--nodegroup-name %.*s --scaling-config minSize=0,maxSize=%d,desiredSize=0; 0 7 * * 1-5 with minSize=%d,desiredSize=%d",
			yaml_text(c->settings.aws, "eks_cluster"), (int)group.n, group.p, (int)now.max, (int)now.min, (int)now.desired));
	}
	json_object_set_new(plan, "steps", json_pack("[{s:o, s:s, s:s}]", "do", json_sprintf("POST %s", path), "body", text, "check",
	                                             "the sizes are read back"));
	json_object_set_new(plan, "undo", json_pack("{s:s, s:{s:I, s:I, s:I}}", "action", "scale-back", "params", "min", now.min, "desired",
	                                            now.desired, "max", now.max));
	json_object_set_new(plan, "not_undone", json_string("nodes that went: others start in their place, which takes minutes"));
	if (now.min == want.min && now.desired == want.desired && now.max == want.max)
		json_object_set_new(plan, "already", json_string("it has these sizes already"));
	if (strcmp(status, "ACTIVE"))
		json_object_set_new(plan, "blocked", json_sprintf("the node group is %s: AWS takes no change of it now", status));
	free(text);
	free(path);
	json_decref(body);
}

static json_int_t number(const json_t *o, const char *name, json_int_t otherwise)
{
	json_t *v = json_object_get(o, name);
	return json_is_integer(v) ? json_integer_value(v) : otherwise;
}

static bool begin(struct eks *e, const struct cost *c, struct link *l, const struct request *r, struct str *group)
{
	struct str cluster;
	*e = (struct eks){ .c = c, .link = l, .id = r->id };
	if (!split_key(r->key, &cluster, group))
		snprintf(e->why, sizeof(e->why), "only node groups have a size: '%.100s' is none", r->key);
	else if (!c->settings.aws || !yaml_text(c->settings.aws, "eks_cluster"))
		snprintf(e->why, sizeof(e->why), "which EKS cluster it is of is not known: set aws.eks_cluster of this source");
	else {
		struct aws_conf conf = { .settings = c->settings.aws, .clock = link_clock(l), .cancelled = cancelled, .arg = e };
		e->chain = aws_chain_new(&conf);
	}
	return e->chain != NULL;
}

void nodegroup_plan(const struct cost *c, struct link *l, const struct request *r)
{
	struct eks e;
	struct str group;
	struct sizes now, want;
	char status[40];
	if (!begin(&e, c, l, r, &group) || !read_sizes(&e, group, &now, status)) {
		link_fail(l, r->id, "%s", e.why);
		aws_chain_free(e.chain);
		return;
	}
	json_t *params = json_loads(*r->params ? r->params : "{}", 0, NULL), *plan = json_pack("{s:[], s:[]}", "change", "warnings");
	bool to_zero = !strcmp(r->what, "scale-zero");
	want = to_zero ? (struct sizes){ 0, 0, now.max }
		: (struct sizes){ number(params, "min", now.min), number(params, "desired", now.desired), number(params, "max", now.max) };
	json_object_set_new(plan, "title", json_sprintf("take node group %.*s to %d nodes", (int)group.n, group.p, (int)want.desired));
	json_object_set_new(plan, "target", json_pack("{s:s, s:s, s:s, s:o}", "kind", r->kind, "key", r->key, "uid", "", "version",
		json_sprintf("%d/%d/%d", (int)now.min, (int)now.desired, (int)now.max)));
	describe(c, r, group, now, want, status, plan);
	if (want.min < 0 || want.min > want.desired || want.desired > want.max || want.max < 1)
		json_object_set_new(plan, "blocked", json_string("the sizes have to be in order: least, nodes, most"));
	char *text = json_dumps(plan, JSON_COMPACT);
	link_answer(l, r->id, true, str_of(text));
	free(text);
	json_decref(plan);
	json_decref(params);
	aws_chain_free(e.chain);
}

/* ---- running it */

/* Until it is as wanted, which AWS shows a moment after it answered: 1 taken, 0 not, -1 cannot be told. */
static int look_again(struct eks *e, struct str group, struct sizes want)
{
	struct sizes now;
	char status[40];
	int taken = -1;
	for (int i = 0; i < LOOKS && taken != 1 && !link_closing(e->link); i++) {
		if (i)
			nanosleep(&(struct timespec){ .tv_sec = 1 }, NULL);
		if (read_sizes(e, group, &now, status))
			taken = now.min == want.min && now.desired == want.desired && now.max == want.max;
	}
	return taken;
}

static bool send(struct eks *e, struct str group, const json_t *plan, char *say, size_t size)
{
	json_t *step = json_array_get(json_object_get(plan, "steps"), 0), *body = NULL, *answer, *s;
	const char *text = json_string_value(json_object_get(step, "body")), *version = json_string_value(json_object_get(
		json_object_get(plan, "target"), "version"));
	struct sizes now, want;
	char status[40], seen[80];
	if (!text || !version || !(body = json_loads(text, 0, NULL)) || !read_sizes(e, group, &now, status)) {
		snprintf(say, size, "it cannot be looked at again: %s", text && version && body ? e->why : "the plan holds no request");
		json_decref(body);
		return false;
	}
	snprintf(seen, sizeof(seen), "%d/%d/%d", (int)now.min, (int)now.desired, (int)now.max);
	s = json_object_get(body, "scalingConfig");
	want = (struct sizes){ number(s, "minSize", -1), number(s, "desiredSize", -1), number(s, "maxSize", -1) };
	json_decref(body);
	if (strcmp(seen, version)) {
		snprintf(say, size, "it changed since the plan was shown: plan again");
		return false;
	}
	char *path = path_of(e->c, group, "/update-config");
	answer = call(e, "POST", path, str_of(text));
	free(path);
	bool lost = !answer && (e->end == HTTP_CUT || e->end == HTTP_TIMEOUT);
	int taken = answer || lost ? look_again(e, group, want) : 0;
	bool answered = answer != NULL;
	json_decref(answer);
	if (answered)
		snprintf(say, size, taken ? "AWS took it: %d nodes are wanted; they go or come within minutes" : "AWS took it, though it does not show "
		         "it yet: %d nodes are wanted", (int)want.desired);
	else if (lost)
		snprintf(say, size, taken > 0 ? "no answer came, but it was taken" : taken == 0 ? "it was not taken: all is as it was"
		         : "no answer came, and whether it was taken cannot be told: look before trying again");
	else
		snprintf(say, size, "AWS refused it: %s", e->why);
	return answered || taken > 0;
}

void nodegroup_run(const struct cost *c, struct link *l, const struct request *r)
{
	struct eks e;
	struct str group;
	char say[900] = "";
	json_t *params = json_loads(r->params, 0, NULL), *plan = json_object_get(params, "plan");
	bool ok = begin(&e, c, l, r, &group) && send(&e, group, plan, say, sizeof(say));
	json_t *undo = json_object_get(json_object_get(plan, "undo"), "params");
	char *back_again = ok && undo ? json_dumps(undo, JSON_COMPACT) : NULL;
	link_step(l, r->id, (struct msg_step){ STEP_FINISHED, ok, 0, 0, str_of(*say ? say : e.why), str_of(back_again ? back_again : "") });
	free(back_again);
	json_decref(params);
	aws_chain_free(e.chain);
}
