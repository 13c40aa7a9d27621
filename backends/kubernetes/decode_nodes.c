/* decode_nodes.c: nodes and namespaces, as printNode() and printNamespace() of k8s.io/kubernetes v1.34. Node groups,
 * instance and capacity types are labels that each cloud names in its own way. */
#include "backends/kubernetes/decode_common.h"
#include "base/fmt.h"

struct node {
	struct parts parts;
	struct str provider, internal_ip, external_ip, kernel, os_image, runtime, version;
	bool unschedulable, ready_seen, ready;
	int64_t cpu_capacity, mem_capacity;
};

/* ---- reading */

static int64_t resource(struct str status, uint32_t field, const char *name, bool milli)
{
	struct str text;
	int64_t v;
	if (!find_quantity(status, field, name, &text))
		return -1;
	return (milli ? quantity_milli(text, &v) : quantity_units(text, &v)) && v >= 0 ? v : -1;
}

static void read_address(struct node *n, struct str s)
{
	struct str type, address;
	read_entry(s, &type, &address);   /* fields 1 and 2, as in a map's entry */
	if (str_is(type, "InternalIP") && !n->internal_ip.n)
		n->internal_ip = address;
	else if (str_is(type, "ExternalIP") && !n->external_ip.n)
		n->external_ip = address;
}

static void read_info(struct node *n, struct str s)
{
	struct pb r = pb_of(s);
	while (pb_next(&r)) {
		switch (r.field) {
		case 4: n->kernel = r.bytes; break;
		case 5: n->os_image = r.bytes; break;
		case 6: n->runtime = r.bytes; break;
		case 7: n->version = r.bytes; break;
		}
	}
}

static void read_node(struct node *n, struct decoded_meta *m)
{
	struct pb r = pb_of(n->parts.spec);
	while (pb_next(&r)) {
		if (r.field == 3)
			n->provider = r.bytes;
		else if (r.field == 4)
			n->unschedulable = r.number != 0;
	}
	for (r = pb_of(n->parts.status); pb_next(&r);) {
		struct condition c;
		switch (r.field) {
		case 4:
			c = read_condition(r.bytes, 5);
			if (!str_is(c.type, "Ready"))
				break;
			n->ready_seen = true;
			n->ready = condition_true(&c);
			break;
		case 5: read_address(n, r.bytes); break;
		case 7: read_info(n, r.bytes); break;
		}
	}
	n->cpu_capacity = resource(n->parts.status, 1, "cpu", true);
	n->mem_capacity = resource(n->parts.status, 1, "memory", false);
	m->cpu_allocatable = resource(n->parts.status, 2, "cpu", true);
	m->mem_allocatable = resource(n->parts.status, 2, "memory", false);
	m->pods_allocatable = resource(n->parts.status, 2, "pods", false);
	m->gpus_allocatable = m->cpu_allocatable < 0 ? -1 : count_gpus(n->parts.status, 2);   /* unknown is not 0 */
}

/* ---- cells */

/* The first of these labels that the node has; NULL ends the names. */
static struct str label_of(struct str metadata, const char *const *names)
{
	struct str v;
	for (; *names; names++)
		if (find_string(metadata, 11, *names, &v) && v.n)
			return v;
	return (struct str){ "", 0 };
}

static struct str capacity_type(struct str metadata)
{
	static const char *const kinds[] = { "eks.amazonaws.com/capacityType", "karpenter.sh/capacity-type",
		"kubernetes.azure.com/scalesetpriority", "node.kubernetes.io/capacity", NULL };
	static const char *const spots[] = { "cloud.google.com/gke-spot", "cloud.google.com/gke-preemptible", NULL };
	struct str v = label_of(metadata, kinds);
	if (!v.n && label_of(metadata, spots).n)
		return STR("spot");
	if (str_is(v, "ON_DEMAND") || str_is(v, "regular"))
		return STR("on-demand");
	return str_is(v, "SPOT") ? STR("spot") : v;
}

/* The set of roles, sorted; there are few. */
static void put_roles(struct decoder *d, struct str metadata, struct buf *rows)
{
	struct str last = { "", 0 };
	buf_clear(&d->text);
	for (;;) {
		struct pb r = pb_of(metadata);
		struct str best = { "", 0 }, key, value;
		while (pb_next(&r)) {
			if (r.field != 11)
				continue;
			read_entry(r.bytes, &key, &value);
			if (str_starts(key, STR("node-role.kubernetes.io/")))
				value = (struct str){ key.p + 24, key.n - 24 };
			else if (!str_is(key, "kubernetes.io/role"))
				continue;
			if (value.n && str_cmp(value, last) > 0 && (!best.n || str_cmp(value, best) < 0))
				best = value;
		}
		if (!best.n || d->text.len > 4096)
			break;
		if (d->text.len)
			buf_addc(&d->text, ',');
		buf_addstr(&d->text, best);
		last = best;
	}
	cell_text_or_null(rows, buf_str(&d->text));
}

static void put_taints(struct decoder *d, struct str spec, struct buf *rows)
{
	struct pb r = pb_of(spec);
	buf_clear(&d->text);
	while (pb_next(&r)) {
		if (r.field != 5)
			continue;
		struct str value = pb_get(r.bytes, 2);
		if (d->text.len)
			buf_addc(&d->text, ',');
		buf_addstr(&d->text, pb_get(r.bytes, 1));
		if (value.n) {
			buf_addc(&d->text, '=');
			buf_addstr(&d->text, value);
		}
		buf_addc(&d->text, ':');
		buf_addstr(&d->text, pb_get(r.bytes, 3));
	}
	cell_text_or_null(rows, buf_str(&d->text));
}

/* Conditions that are true and should not be: "Memory,Disk", "KernelDeadlock". */
static void put_pressure(struct decoder *d, struct str status, struct buf *rows)
{
	struct pb r = pb_of(status);
	buf_clear(&d->text);
	while (pb_next(&r)) {
		if (r.field != 4)
			continue;
		struct condition c = read_condition(r.bytes, 5);
		if (!condition_true(&c) || str_is(c.type, "Ready"))
			continue;
		if (d->text.len)
			buf_addc(&d->text, ',');
		if (str_ends(c.type, STR("Pressure")))
			c.type.n -= 8;
		else if (str_is(c.type, "NetworkUnavailable"))
			c.type.n -= 11;
		buf_addstr(&d->text, c.type);
	}
	cell_text_or_null(rows, buf_str(&d->text));
}

static bool under_pressure(struct str status)
{
	struct pb r = pb_of(status);
	while (pb_next(&r)) {
		if (r.field != 4)
			continue;
		struct condition c = read_condition(r.bytes, 5);
		if (condition_true(&c) && !str_is(c.type, "Ready"))
			return true;
	}
	return false;
}

static enum level node_level(const struct node *n)
{
	if (!n->ready)
		return LEVEL_BAD;
	return n->unschedulable || under_pressure(n->parts.status) ? LEVEL_DOUBT : LEVEL_OK;
}

/* What clouds and their node makers call these. */
static const char *const groups[] = { "eks.amazonaws.com/nodegroup", "alpha.eksctl.io/nodegroup-name",
	"karpenter.sh/nodepool", "karpenter.sh/provisioner-name", "cloud.google.com/gke-nodepool",
	"kubernetes.azure.com/agentpool", "agentpool", "node.kubernetes.io/nodegroup", "nodegroup", NULL };
static const char *const instance_types[] = { "node.kubernetes.io/instance-type", "beta.kubernetes.io/instance-type",
	NULL };
static const char *const zones[] = { "topology.kubernetes.io/zone", "failure-domain.beta.kubernetes.io/zone", NULL };

bool decode_node(struct decoder *d, struct str raw, struct decoded_meta *m, struct buf *rows)
{
	struct node n = { 0 };
	if (!read_parts(raw, &n.parts))
		return false;
	struct str metadata = n.parts.metadata;
	read_node(&n, m);
	put_row(d, m, node_level(&n), rows);
	put_names(m, false, rows);
	buf_clear(&d->text);
	buf_adds(&d->text, !n.ready_seen ? "Unknown" : n.ready ? "Ready" : "NotReady");
	buf_adds(&d->text, n.unschedulable ? ",SchedulingDisabled" : "");
	cell_text(rows, buf_str(&d->text));
	put_roles(d, metadata, rows);
	cell_time(rows, m->created);
	cell_text_or_null(rows, n.version);
	cell_text_or_null(rows, n.internal_ip);
	cell_text_or_null(rows, n.external_ip);
	cell_text_or_null(rows, n.os_image);
	cell_text_or_null(rows, n.kernel);
	cell_text_or_null(rows, n.runtime);
	for (int i = NODES_PODS; i <= NODES_GPUS; i++)
		cell_keep(rows);   /* metrics_node_row and requested_node_row */
	cell_text_or_null(rows, label_of(metadata, groups));
	cell_text_or_null(rows, label_of(metadata, instance_types));
	cell_text_or_null(rows, capacity_type(metadata));
	cell_text_or_null(rows, label_of(metadata, zones));
	put_taints(d, n.parts.spec, rows);
	put_pressure(d, n.parts.status, rows);
	cell_known(rows, m->cpu_allocatable);
	cell_known(rows, m->mem_allocatable);
	cell_known(rows, m->pods_allocatable);
	cell_known(rows, m->gpus_allocatable);
	cell_known(rows, n.cpu_capacity);
	cell_known(rows, n.mem_capacity);
	cell_int(rows, n.unschedulable);
	cell_text_or_null(rows, n.provider);
	put_tail(d, metadata, m, rows);
	return true;
}

bool decode_namespace(struct decoder *d, struct str raw, struct decoded_meta *m, struct buf *rows)
{
	struct parts p;
	if (!read_parts(raw, &p))
		return false;
	struct str phase = pb_get(p.status, 1);
	put_row(d, m, str_is(phase, "Active") ? LEVEL_OK : LEVEL_BUSY, rows);
	put_names(m, false, rows);
	cell_text_or_null(rows, phase);
	cell_time(rows, m->created);
	put_tail(d, p.metadata, m, rows);
	return true;
}
