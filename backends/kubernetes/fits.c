/* fits: see fits.h. Pods are placed one after the other, the largest first, each on the first node that has room. */
#include "backends/kubernetes/fits.h"
#include "backends/kubernetes/actions.h"
#include "backends/kubernetes/pod.h"
#include "base/fmt.h"
#include "base/mem.h"
#include <stdlib.h>

#define GPU "nvidia.com/gpu"

struct room { int64_t cpu, mem, gpu, pods; };          /* thousandths, bytes, pieces */
struct place { const json_t *node; struct room free; bool leaves; };
struct load { const json_t *pod; struct room asks; };

static int64_t quantity(const json_t *o, const char *name, bool milli)
{
	const char *text = json_string_value(json_object_get(o, name));
	int64_t n = 0;

	if (text)
		(void)(milli ? quantity_milli(str_of(text), &n) : quantity_units(str_of(text), &n));
	else if (json_is_integer(json_object_get(o, name)))
		n = json_integer_value(json_object_get(o, name)) * (milli ? 1000 : 1);
	return n;
}

static struct room room_of(const json_t *resources)
{
	return (struct room){ quantity(resources, "cpu", true), quantity(resources, "memory", false), quantity(resources, GPU, false),
	                      quantity(resources, "pods", false) };
}

static int64_t greater(int64_t a, int64_t b)
{
	return a > b ? a : b;
}

/* What its containers ask for together, or the greatest of those that run before them. */
static struct room asked(const json_t *pod)
{
	struct room sum = { .pods = 1 };
	json_t *c;
	size_t i;

	json_array_foreach(jat(pod, "spec.containers"), i, c) {
		struct room r = room_of(jat(c, "resources.requests"));

		sum.cpu += r.cpu, sum.mem += r.mem, sum.gpu += r.gpu;
	}
	json_array_foreach(jat(pod, "spec.initContainers"), i, c) {
		struct room r = room_of(jat(c, "resources.requests"));

		sum.cpu = greater(sum.cpu, r.cpu), sum.mem = greater(sum.mem, r.mem), sum.gpu = greater(sum.gpu, r.gpu);
	}
	return sum;
}

static bool one_of(const json_t *values, const char *value)
{
	json_t *v;
	size_t i;

	json_array_foreach(values, i, v)
		if (value && json_is_string(v) && !strcmp(json_string_value(v), value))
			return true;
	return false;
}

static bool expression(const json_t *e, const json_t *labels)
{
	const char *op = jtext(e, "operator"), *value = json_string_value(json_object_get(labels, jtext(e, "key")));
	const char *bound = json_string_value(json_array_get(json_object_get(e, "values"), 0));
	int64_t a, b;

	if (!strcmp(op, "In"))
		return one_of(json_object_get(e, "values"), value);
	if (!strcmp(op, "NotIn"))
		return !one_of(json_object_get(e, "values"), value);
	if (!strcmp(op, "Exists"))
		return value;
	if (!strcmp(op, "DoesNotExist"))
		return !value;
	if (!value || !bound || !str_to_i64(str_of(value), &a) || !str_to_i64(str_of(bound), &b))
		return false;
	return !strcmp(op, "Gt") ? a > b : !strcmp(op, "Lt") ? a < b : false;
}

/* One of the terms, all of its expressions; matchFields name the node itself (metadata.name). */
static bool affine(const json_t *pod, const json_t *node)
{
	const json_t *terms = jat(pod, "spec.affinity.nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution.nodeSelectorTerms");
	json_t *labels = jat(node, "metadata.labels"), *term, *e;
	size_t i, k;

	if (!json_array_size(terms))
		return true;
	json_array_foreach(terms, i, term) {
		bool all = json_object_size(term) > 0;

		json_array_foreach(json_object_get(term, "matchExpressions"), k, e)
			all = all && expression(e, labels);
		json_array_foreach(json_object_get(term, "matchFields"), k, e)
			all = all && one_of(json_object_get(e, "values"), jtext(node, "metadata.name")) == !strcmp(jtext(e, "operator"), "In");
		if (all)
			return true;
	}
	return false;
}

bool fits_by_rules(const json_t *pod, const json_t *node)
{
	json_t *labels = jat(node, "metadata.labels"), *v;
	const char *key;
	json_int_t seconds;
	size_t i;

	if (jtrue(node, "spec.unschedulable"))
		return false;
	json_object_foreach(jat(pod, "spec.nodeSelector"), key, v)
		if (!json_object_get(labels, key) || !json_equal(json_object_get(labels, key), v))
			return false;
	json_array_foreach(jat(node, "spec.taints"), i, v)
		if (!jis(v, "effect", "PreferNoSchedule") && !taint_tolerated(pod, v, &seconds))
			return false;
	return affine(pod, node);
}

static bool runs(const json_t *pod)
{
	return !jis(pod, "status.phase", "Succeeded") && !jis(pod, "status.phase", "Failed");
}

static void take(struct room *free, const struct room *asks)
{
	free->cpu -= asks->cpu, free->mem -= asks->mem, free->gpu -= asks->gpu, free->pods -= asks->pods;
}

static bool has_room(const struct room *free, const struct room *asks)
{
	return free->cpu >= asks->cpu && free->mem >= asks->mem && free->gpu >= asks->gpu && free->pods >= asks->pods;
}

static int larger_first(const void *a, const void *b)
{
	const struct room *x = &((const struct load *)a)->asks, *y = &((const struct load *)b)->asks;

	if (x->gpu != y->gpu)
		return x->gpu < y->gpu ? 1 : -1;
	return (x->cpu < y->cpu) - (x->cpu > y->cpu);
}

static struct place *find_place(struct place *all, size_t n, const char *name)
{
	for (size_t i = 0; i < n && *name; i++)
		if (jis(all[i].node, "metadata.name", name))
			return &all[i];
	return NULL;
}

static bool settle(struct place *all, size_t n, const struct load *l)
{
	for (size_t i = 0; i < n; i++)
		if (!all[i].leaves && has_room(&all[i].free, &l->asks) && fits_by_rules(l->pod, all[i].node)) {
			take(&all[i].free, &l->asks);
			return true;
		}
	return false;
}

struct fits fits_elsewhere(const json_t *nodes, const json_t *pods, bool (*leaving)(void *arg, const json_t *node), void *arg)
{
	size_t n = json_array_size(nodes), i, nloads = 0;
	struct place *all = xcalloc(n + 1, sizeof(*all)), *on;
	struct load *loads = xcalloc(json_array_size(pods) + 1, sizeof(*loads));
	struct fits f = { 0 };
	json_t *pod;

	for (i = 0; i < n; i++) {
		all[i].node = json_array_get(nodes, i);
		all[i].free = room_of(jat(all[i].node, "status.allocatable"));
		all[i].leaves = leaving(arg, all[i].node);
		f.nodes += all[i].leaves;
	}
	json_array_foreach(pods, i, pod) {
		struct load l = { pod, asked(pod) };

		on = find_place(all, n, jtext(pod, "spec.nodeName"));
		if (!on || !runs(pod))
			continue;
		take(&on->free, &l.asks);
		if (on->leaves && !jis(controller_of(pod), "kind", "DaemonSet") &&
		    !*jnamed(pod, "metadata.annotations", "kubernetes.io/config.mirror"))
			loads[nloads++] = l;
	}
	qsort(loads, nloads, sizeof(*loads), larger_first);
	for (i = 0; i < nloads; i++)
		if (!settle(all, n, &loads[i]))
			few_add(&f.stuck, "%s/%s", jtext(loads[i].pod, "metadata.namespace"), jtext(loads[i].pod, "metadata.name"));
	f.pods = (unsigned)nloads;
	free(all);
	free(loads);
	return f;
}
