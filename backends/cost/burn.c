/* burn: see burn.h. Two walks over the pods: the first fills the nodes, the second shares their prices out. */
#include "backends/cost/burn.h"
#include "base/mem.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

struct look {                            /* one run of burn_make */
	struct burn *b;
	const struct intake *in;
	struct assets *assets;
	const struct prices *prices;
	const struct burn_rules *rules;
	struct share_node *nodes;            /* by row id of the table of nodes */
	int *group_of;                       /* the same: index into groups, -1 none */
	int64_t now;
	unsigned cluster;
	struct str name;                     /* of the cluster */
	struct str region;                   /* of its first node that says */
	bool eks, extras;                    /* extras: they are of no cluster, and counted once */
	int64_t oldest;                      /* node; 0: none */
};

void burn_release(struct burn *b)
{
	for (size_t i = 0; i < b->ngroups; i++) {
		free(b->groups[i].name);
		free(b->groups[i].basis);
	}
	free(b->groups);
	share_sums_release(&b->namespaces);
	share_sums_release(&b->workloads);
	share_sums_release(&b->models);
	buf_release(&b->missing);
	memset(b, 0, sizeof(*b));
}

static struct burn_group *group_at(struct look *l, enum asset_type type, struct str name)
{
	struct burn *b = l->b;
	for (size_t i = 0; i < b->ngroups; i++)
		if (b->groups[i].cluster == l->cluster && b->groups[i].type == type && str_is(name, b->groups[i].name))
			return &b->groups[i];
	b->groups = xreallocarray(b->groups, b->ngroups + 1, sizeof(*b->groups));
	b->groups[b->ngroups] = (struct burn_group){ .type = type, .cluster = l->cluster, .name = str_dup(name),
		.basis = xstrdup(""), .idle = type == ASSET_NODE ? 0 : NAN };
	return &b->groups[b->ngroups++];
}

static void miss(struct burn *b, struct str what)
{
	if (b->missing.len && str_find(buf_str(&b->missing), what, false) != STR_NONE)
		return;
	if (b->nmissing++ < 5)
		buf_addf(&b->missing, "%s" STR_FMT, b->missing.len ? ", " : "", STR_ARG(what));
	else if (b->nmissing == 6)
		buf_adds(&b->missing, ", more");
}

/* One thing that is there, at its price. what: with the region, for when the price is lacking. */
static struct burn_group *count(struct look *l, enum asset_type type, struct str group, struct str key, int64_t from, double rate,
                                struct str what)
{
	struct burn_group *g = group_at(l, type, group);
	assets_see(l->assets, type, l->name, key, from, l->now, rate, group, what);
	g->count++;
	if (isnan(rate)) {
		g->unpriced++;
		miss(l->b, what);
	} else {
		g->rate += rate;
	}
	if (!*g->basis && !g->mixed) {
		free(g->basis);
		g->basis = str_dup(what);
	} else if (!str_is(what, g->basis)) {
		g->mixed = true;
	}
	return g;
}

static bool is_eks(const struct table *t, const struct row *r)
{
	return str_find(row_text(t, r, NODE_VERSION), STR("-eks-"), false) != STR_NONE ||
	       str_find(row_text(t, r, NODE_LABELS), STR("eks.amazonaws.com/"), false) != STR_NONE;
}

static struct str region_of(struct look *l, struct str zone)
{
	struct str region = price_region(zone);
	return region.n ? region : l->rules->region ? str_of(l->rules->region) : zone.n ? zone : STR("us-east-1");
}

static void look_at_node(struct look *l, const struct table *t, const struct row *r)
{
	struct str type = row_text(t, r, NODE_TYPE), capacity = row_text(t, r, NODE_CAPACITY), group = row_text(t, r, NODE_GROUP);
	struct str region = region_of(l, row_text(t, r, NODE_ZONE));
	bool spot = str_find(capacity, STR("spot"), true) != STR_NONE;
	double rate = price_instance(l->prices, type, spot ? CAPACITY_SPOT : CAPACITY_ON_DEMAND, region);
	struct buf what = { 0 };
	if (type.n)
		buf_addf(&what, STR_FMT " %s in " STR_FMT, STR_ARG(type), spot ? "spot" : "on-demand", STR_ARG(region));
	else
		buf_adds(&what, "a node without an instance type");
	struct burn_group *g = count(l, ASSET_NODE, group.n ? group : STR("no group"), row_key(r), row_int(r, NODE_AGE), rate,
	                             buf_str(&what));
	buf_release(&what);
	struct share_size has = { row_null(r, NODE_CPU) ? -1 : row_int(r, NODE_CPU), row_null(r, NODE_MEM) ? -1 : row_int(r, NODE_MEM),
		row_null(r, NODE_GPUS) ? -1 : row_int(r, NODE_GPUS) };
	l->nodes[r->id] = (struct share_node){ rate, share_weight(has), 0 };
	l->group_of[r->id] = (int)(g - l->b->groups);
	l->eks = l->eks || is_eks(t, r);
	l->region = l->region.n ? l->region : price_region(row_text(t, r, NODE_ZONE));
	int64_t born = row_int(r, NODE_AGE);
	l->oldest = born && (!l->oldest || born < l->oldest) ? born : l->oldest;
}

/* Of storage class names such as gp3, ebs-gp3-encrypted, efs-sc. */
static struct str volume_type(struct str class)
{
	static const char *const types[] = { "gp3", "gp2", "io1", "io2", "st1", "sc1", "efs" };
	for (size_t i = 0; i < ARRAY_SIZE(types); i++)
		if (str_find(class, str_of(types[i]), true) != STR_NONE)
			return str_of(types[i]);
	return class;
}

static void look_at_volumes(struct look *l)
{
	const struct table *t = l->in->tables[IN_VOLUMES];
	int64_t hours = month_hours(l->now);
	struct buf what = { 0 };
	for (uint32_t i = 0; i < t->nslots; i++) {
		const struct row *r = table_row(t, i);
		if (!r || r->source != l->cluster)
			continue;
		struct str type = volume_type(row_text(t, r, VOLUME_CLASS)), claim = row_text(t, r, VOLUME_CLAIM);
		double rate = price_volume(l->prices, type, row_null(r, VOLUME_CAPACITY) ? -1 : row_int(r, VOLUME_CAPACITY), hours,
		                           l->region);
		buf_clear(&what);
		buf_addf(&what, "a volume of %s" STR_FMT " in " STR_FMT, type.n ? "" : "no class", STR_ARG(type), STR_ARG(l->region));
		count(l, ASSET_VOLUME, type.n ? type : STR("no class"), row_key(r), row_int(r, VOLUME_AGE), rate, buf_str(&what));
		struct str ns = claim.n ? str_split(&claim, '/') : STR("");
		if (!ns.n || !claim.n || isnan(rate))
			continue;
		struct share_sum *s = share_sum(&l->b->namespaces, l->cluster, ns);
		s->rate += rate;
		s->used += rate;
	}
	buf_release(&what);
	double root = price_volume(l->prices, STR("gp3"), 1 << 30, hours, l->region) * l->rules->node_volume;
	if (l->eks && l->rules->node_volume > 0 && !isnan(root)) {
		int64_t nodes = 0;
		const struct table *n = l->in->tables[IN_NODES];
		for (uint32_t i = 0; i < n->nslots; i++) {
			const struct row *r = table_row(n, i);
			if (r && r->source == l->cluster && ++nodes)
				count(l, ASSET_VOLUME, STR("root of nodes"), row_key(r), row_int(r, NODE_AGE), root, STR("gp3"));
		}
	}
}

static void look_at_network(struct look *l)
{
	const struct table *t = l->in->tables[IN_SERVICES];
	char what[80], key[32];
	for (int pass = 0; pass < 2; pass++) {
		double rate = price_hour(l->prices, pass ? "load_balancers.application" : "load_balancers.network", l->region);
		struct str group = pass ? STR("application load balancers") : STR("network load balancers");
		t = l->in->tables[pass ? IN_INGRESSES : IN_SERVICES];
		snprintf(what, sizeof(what), "load balancer in " STR_FMT, STR_ARG(l->region));
		for (uint32_t i = 0; i < t->nslots; i++) {
			const struct row *r = table_row(t, i);
			if (r && r->source == l->cluster && str_is(row_text(t, r, pass ? INGRESS_CLASS : SERVICE_TYPE),
			                                           pass ? "alb" : "LoadBalancer"))
				count(l, ASSET_NETWORK, group, row_key(r), row_int(r, pass ? INGRESS_AGE : SERVICE_AGE), rate, str_of(what));
		}
	}
	for (int i = 0; i < l->rules->nat_gateways; i++) {
		snprintf(key, sizeof(key), "nat-%d", i + 1);
		snprintf(what, sizeof(what), "NAT gateway in " STR_FMT, STR_ARG(l->region));
		count(l, ASSET_NETWORK, STR("NAT gateways"), str_of(key), l->oldest, price_hour(l->prices, "nat_gateway", l->region),
		      str_of(what));
	}
}

static void look_at_control_plane(struct look *l)
{
	const struct table *t = l->in->tables[IN_NAMESPACES];
	const struct row *system = table_find(t, (uint16_t)l->cluster, STR("kube-system"));
	int64_t born = system ? row_int(system, NAMESPACE_AGE) : 0;
	const struct yaml *extras = l->rules->extras;
	if (!l->oldest || (born && born < l->oldest))
		l->oldest = born;
	if (l->rules->control_plane > 0 || (l->rules->control_plane < 0 && l->eks)) {
		char what[80];
		snprintf(what, sizeof(what), "control plane in " STR_FMT, STR_ARG(l->region));
		count(l, ASSET_CONTROL, STR("EKS"), STR("control plane"), l->oldest, price_hour(l->prices, "control_plane", l->region),
		      str_of(what));
	}
	for (unsigned i = 0; extras && i < extras->n && !l->extras; i++) {
		double rate = NAN;
		str_to_f64(extras->items[i]->text, &rate);
		count(l, ASSET_CONTROL, extras->keys[i]->text, extras->keys[i]->text, l->oldest, rate, extras->keys[i]->text);
	}
	l->extras = true;
}

/* ---- pods */

static bool is_over(struct str status)
{
	static const char *const words[] = { "Completed", "Succeeded", "Failed", "Evicted", "NodeLost", "Error" };
	for (size_t i = 0; i < ARRAY_SIZE(words); i++)
		if (str_is(status, words[i]))
			return true;
	return false;
}

static int64_t cell(const struct row *r, int c)
{
	return row_null(r, c) ? -1 : row_int(r, c);
}

/* The row id of the pod's node, or UINT32_MAX: not placed, over, or its node is not there. */
static uint32_t node_of(const struct look *l, const struct table *t, const struct row *r, struct share_pod *p)
{
	const struct row *node = table_find(l->in->tables[IN_NODES], r->source, row_text(t, r, POD_NODE));
	*p = (struct share_pod){ { cell(r, POD_CPU_ASKED), cell(r, POD_MEM_ASKED), cell(r, POD_GPUS) },
	                         { cell(r, POD_CPU), cell(r, POD_MEM), -1 } };
	return !node || is_over(row_text(t, r, POD_STATUS)) ? UINT32_MAX : node->id;
}

static void add_to(struct share_sum *s, double rate, double used)
{
	s->count++;
	if (isnan(rate))
		s->unpriced++;
	else
		s->rate += rate, s->used += used;
}

static struct str model_of(const struct look *l, struct str labels, struct str ns, struct str workload)
{
	const struct yaml *m = l->rules->models;
	for (unsigned i = 0; m && i < m->n; i++) {
		struct str rest = m->items[i]->text, first = str_split(&rest, '/');
		if (rest.n ? str_eq(first, ns) && str_eq(rest, workload) : str_eq(first, workload))
			return m->keys[i]->text;
	}
	struct str found = STR("");
	for (int i = 0; share_model_labels[i] && !found.n; i++)
		found = share_label(labels, share_model_labels[i]);
	return found;
}

static void share_pod_out(struct look *l, const struct table *t, const struct row *r, struct buf *name)
{
	struct share_pod p;
	uint32_t at = node_of(l, t, r, &p);
	double used;
	if (at == UINT32_MAX)
		return;
	double taken = share_taken(&p, l->rules->by, &used), rate = share_of(&l->nodes[at], taken);
	used = share_of(&l->nodes[at], used);
	struct str ns = row_text(t, r, POD_NAMESPACE), labels = row_text(t, r, POD_LABELS), owner = row_text(t, r, POD_OWNER);
	buf_clear(name);
	buf_addf(name, STR_FMT "/", STR_ARG(ns));
	size_t from = name->len;
	share_workload(owner, labels, row_key(r), name);
	struct str workload = { name->data + from, name->len - from };
	add_to(share_sum(&l->b->namespaces, r->source, ns), rate, used);
	add_to(share_sum(&l->b->workloads, r->source, buf_str(name)), rate, used);
	struct str model = model_of(l, labels, ns, workload);
	if (model.n)
		add_to(share_sum(&l->b->models, r->source, model), rate, used);
	if (str_is(ns, "kube-system") && !str_starts(owner, STR("DaemonSet/")) && l->group_of[at] >= 0)
		l->b->groups[l->group_of[at]].needed = true;
}

static void look_at_pods(struct look *l)
{
	const struct table *t = l->in->tables[IN_PODS], *nodes = l->in->tables[IN_NODES];
	struct buf name = { 0 };
	for (int pass = 0; pass < 2; pass++)
		for (uint32_t i = 0; i < t->nslots; i++) {
			const struct row *r = table_row(t, i);
			struct share_pod p;
			double used;
			if (!r)
				continue;
			if (pass) {
				share_pod_out(l, t, r, &name);
				continue;
			}
			uint32_t at = node_of(l, t, r, &p);
			if (at != UINT32_MAX)
				l->nodes[at].taken += share_taken(&p, l->rules->by, &used);
		}
	buf_release(&name);
	for (uint32_t i = 0; i < nodes->nslots; i++)
		if (table_row(nodes, i) && l->group_of[i] >= 0 && !isnan(l->nodes[i].rate))
			l->b->groups[l->group_of[i]].idle += share_idle(&l->nodes[i]);
}

/* ---- the whole */

static void look_at_cluster(struct look *l)
{
	const struct table *t = l->in->tables[IN_NODES];
	l->name = str_of(l->in->sources[l->cluster].name);
	l->region = STR("");
	l->eks = false;
	l->oldest = 0;
	for (uint32_t i = 0; i < t->nslots; i++) {
		const struct row *r = table_row(t, i);
		if (r && r->source == l->cluster)
			look_at_node(l, t, r);
	}
	l->region = l->region.n ? l->region : l->rules->region ? str_of(l->rules->region) : STR("us-east-1");
	look_at_control_plane(l);
	look_at_volumes(l);
	look_at_network(l);
	if (intake_listed(l->in, IN_NODES, l->cluster))
		assets_end(l->assets, l->name, l->now);
}

void burn_make(struct burn *b, const struct intake *in, struct assets *a, const struct prices *p, const struct burn_rules *r,
               int64_t now)
{
	const struct table *nodes = in->tables[IN_NODES];
	struct look l = { .b = b, .in = in, .assets = a, .prices = p, .rules = r, .now = now };
	burn_release(b);
	l.nodes = xcalloc(nodes->nslots + 1, sizeof(*l.nodes));
	l.group_of = xcalloc(nodes->nslots + 1, sizeof(*l.group_of));
	for (uint32_t i = 0; i < nodes->nslots; i++)
		l.group_of[i] = -1, l.nodes[i].rate = NAN;
	assets_begin(a, now);
	for (l.cluster = 0; l.cluster < in->nsources; l.cluster++) {
		b->known[l.cluster] = intake_listed(in, IN_NODES, l.cluster);
		b->shared[l.cluster] = intake_listed(in, IN_PODS, l.cluster);
		if (in->sources[l.cluster].fills[IN_NODES] && b->known[l.cluster])
			look_at_cluster(&l);
	}
	look_at_pods(&l);
	free(l.nodes);
	free(l.group_of);
}

double burn_rate(const struct burn *b, unsigned cluster, enum asset_type type)
{
	double sum = 0;
	bool any = false;
	for (unsigned i = 0; i < IN_SOURCES; i++)
		any = any || (b->known[i] && (cluster == IN_SOURCES || cluster == i));
	for (size_t i = 0; i < b->ngroups; i++)
		if ((cluster == IN_SOURCES || b->groups[i].cluster == cluster) && (type == ASSET_TYPES || b->groups[i].type == type))
			sum += b->groups[i].rate;
	return any ? sum : NAN;
}

double burn_idle(const struct burn *b, unsigned cluster)
{
	double idle = 0, of = 0;
	for (size_t i = 0; i < b->ngroups; i++)
		if (b->groups[i].type == ASSET_NODE && (cluster == IN_SOURCES || b->groups[i].cluster == cluster) &&
		    b->shared[b->groups[i].cluster])
			idle += b->groups[i].idle, of += b->groups[i].rate;
	return of > 0 ? idle / of : NAN;
}

int64_t burn_unpriced(const struct burn *b, unsigned cluster)
{
	int64_t n = 0;
	for (size_t i = 0; i < b->ngroups; i++)
		n += cluster == IN_SOURCES || b->groups[i].cluster == cluster ? b->groups[i].unpriced : 0;
	return n;
}

int64_t burn_nodes(const struct burn *b, unsigned cluster)
{
	int64_t n = 0;
	for (size_t i = 0; i < b->ngroups; i++)
		n += b->groups[i].type == ASSET_NODE && (cluster == IN_SOURCES || b->groups[i].cluster == cluster) ? b->groups[i].count : 0;
	return n;
}
