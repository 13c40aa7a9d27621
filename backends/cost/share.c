/* share: see share.h. */
#include "backends/cost/share.h"
#include "base/mem.h"
#include <math.h>
#include <stdlib.h>

/* Usual market prices of a core, a GiB and a graphics processor for an hour (those that OpenCost starts from); only their
 * ratio matters. */
#define CORE 0.031611
#define GIB 0.004237
#define GPU 0.95

const char *share_by_name(enum share_by by)
{
	static const char *const names[] = { "requests", "usage", "larger of requests and usage" };
	return names[by];
}

double share_weight(struct share_size s)
{
	return (s.cpu > 0 ? (double)s.cpu / 1000 * CORE : 0) + (s.mem > 0 ? (double)s.mem / (1 << 30) * GIB : 0) +
	       (s.gpus > 0 ? (double)s.gpus * GPU : 0);
}

static int64_t pick(int64_t asks, int64_t uses, enum share_by by)
{
	if (by == SHARE_LARGER)
		return asks > uses ? asks : uses;
	int64_t first = by == SHARE_REQUESTS ? asks : uses, other = by == SHARE_REQUESTS ? uses : asks;
	return first >= 0 ? first : other;
}

/* How much of a graphics processor is used is not known. */
double share_taken(const struct share_pod *p, enum share_by by, double *used)
{
	struct share_size s = { pick(p->asks.cpu, p->uses.cpu, by), pick(p->asks.mem, p->uses.mem, by), p->asks.gpus };
	double taken = share_weight(s), w = share_weight((struct share_size){ p->uses.cpu, p->uses.mem, 0 });
	*used = p->uses.cpu < 0 || p->uses.mem < 0 || p->asks.gpus > 0 ? NAN : w < taken ? w : taken;
	return taken;
}

double share_of(const struct share_node *n, double taken)
{
	double full = share_full(n);
	return isnan(n->rate) || isnan(taken) ? NAN : full > 0 ? n->rate * taken / full : 0;
}

double share_idle(const struct share_node *n)
{
	double full = share_full(n);
	return full > 0 ? n->rate * (full - n->taken) / full : n->rate;
}

/* ---- sums */

static uint32_t hash_of(unsigned where, struct str name)
{
	return str_hash(name) * 31 + where;
}

static void grow(struct share_sums *s)
{
	free(s->index);
	s->mask = s->mask ? s->mask * 2 + 1 : 63;
	s->index = xcalloc(s->mask + 1, sizeof(*s->index));
	for (size_t i = 0; i < s->n; i++) {
		uint32_t at = hash_of(s->items[i].where, str_of(s->items[i].name)) & s->mask;
		while (s->index[at])
			at = (at + 1) & s->mask;
		s->index[at] = (uint32_t)i + 1;
	}
}

struct share_sum *share_sum(struct share_sums *s, unsigned where, struct str name)
{
	if (!s->mask || s->n * 2 > s->mask)
		grow(s);
	uint32_t at = hash_of(where, name) & s->mask;
	for (; s->index[at]; at = (at + 1) & s->mask) {
		struct share_sum *x = &s->items[s->index[at] - 1];
		if (x->where == where && str_is(name, x->name))
			return x;
	}
	if (s->n == s->cap) {
		s->cap = s->cap ? s->cap * 2 : 32;
		s->items = xreallocarray(s->items, s->cap, sizeof(*s->items));
	}
	s->index[at] = (uint32_t)s->n + 1;
	s->items[s->n] = (struct share_sum){ .name = str_dup(name), .where = where };
	return &s->items[s->n++];
}

void share_sums_release(struct share_sums *s)
{
	for (size_t i = 0; i < s->n; i++)
		free(s->items[i].name);
	free(s->items);
	free(s->index);
	memset(s, 0, sizeof(*s));
}

/* ---- names */

const char *const share_model_labels[] = { "serving.kserve.io/inferenceservice", "model", "model-name", "seldon-deployment-id",
	"mlflow-model", NULL };

struct str share_label(struct str labels, const char *name)
{
	while (labels.n) {
		struct str value = str_split(&labels, ','), key = str_split(&value, '=');
		if (str_is(key, name))
			return value;
	}
	return STR("");
}

void share_labels(struct str labels, struct buf *out)
{
	while (labels.n) {
		struct str value = str_split(&labels, ','), whole = value, key = str_split(&value, '=');
		bool wanted = str_is(key, "pod-template-hash");
		for (int i = 0; share_model_labels[i] && !wanted; i++)
			wanted = str_is(key, share_model_labels[i]);
		if (wanted)
			buf_addf(out, "%s" STR_FMT, out->len ? "," : "", STR_ARG(whole));
	}
}

void share_workload(struct str owner, struct str labels, struct str pod, struct buf *out)
{
	struct str name = owner, kind = str_split(&name, '/'), hash = share_label(labels, "pod-template-hash");
	size_t digits = 0;
	if (!name.n) {
		buf_addstr(out, owner.n ? owner : pod);
		return;
	}
	if (str_is(kind, "ReplicaSet") && hash.n && str_ends(name, hash) && name.n > hash.n + 1)
		name.n -= hash.n + 1;
	while (str_is(kind, "Job") && digits < name.n && name.p[name.n - 1 - digits] >= '0' && name.p[name.n - 1 - digits] <= '9')
		digits++;
	if (digits >= 8 && name.n > digits + 1 && name.p[name.n - 1 - digits] == '-')
		name.n -= digits + 1;
	buf_addstr(out, name);
}
