/* ledger: see ledger.h. Linear probing; deletion shifts what follows back, so there are no tombstones. */
#include "backends/kubernetes/ledger.h"
#include "base/mem.h"
#include <stdlib.h>

static uint64_t mix(uint64_t h, struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		h = (h ^ (uint8_t)s.p[i]) * 0x100000001b3u;    /* FNV-1a, 64 bits */
	return h;
}

static uint64_t key_of(struct str ns, struct str name)
{
	uint64_t h = mix(mix(mix(0xcbf29ce484222325u, ns), STR("/")), name);

	h ^= h >> 29;    /* FNV's low bits alone are poor */
	h *= 0xbf58476d1ce4e5b9u;
	h ^= h >> 32;
	return h ? h : 1;
}

static struct ledger_pod *find(const struct ledger *l, uint64_t key)
{
	uint32_t at = l->cap ? (uint32_t)key & (l->cap - 1) : 0;

	while (l->cap && l->pods[at].key && l->pods[at].key != key)
		at = (at + 1) & (l->cap - 1);
	return l->cap ? &l->pods[at] : NULL;
}

static void grow(struct ledger *l)
{
	struct ledger_pod *old = l->pods;
	uint32_t n = l->cap;

	l->cap = n ? n * 2 : 1024;
	l->pods = xcalloc(l->cap, sizeof(*l->pods));
	for (uint32_t i = 0; i < n; i++)
		if (old[i].key)
			*find(l, old[i].key) = old[i];
	free(old);
}

static void count(struct ledger *l, const struct ledger_pod *p, int sign)
{
	if (p->node == LEDGER_NO_NODE)
		return;
	struct ledger_node *n = &l->nodes[p->node];
	n->pods += sign;
	n->cpu += sign * (int64_t)p->cpu;
	n->mem += sign * (int64_t)p->mem;
	n->gpus += sign * (int64_t)p->gpus;
	n->dirty = true;
}

static void drop_at(struct ledger *l, uint32_t at)
{
	uint32_t mask = l->cap - 1, hole = at;

	count(l, &l->pods[at], -1);
	l->npods--;
	for (uint32_t i = (at + 1) & mask; l->pods[i].key; i = (i + 1) & mask) {
		uint32_t home = (uint32_t)l->pods[i].key & mask;
		if (((i - home) & mask) >= ((i - hole) & mask)) {
			l->pods[hole] = l->pods[i];
			hole = i;
		}
	}
	l->pods[hole].key = 0;
}

/* ---- nodes */

static void index_nodes(struct ledger *l)
{
	free(l->index);
	l->cap_index = l->cap_index ? l->cap_index * 2 : 256;
	l->index = xmalloc(l->cap_index * sizeof(*l->index));
	memset(l->index, 0xff, l->cap_index * sizeof(*l->index));
	for (uint32_t i = 0; i < l->nnodes; i++) {
		uint32_t at = str_hash(str_of(l->nodes[i].name)) & (l->cap_index - 1);
		while (l->index[at] != LEDGER_NO_NODE)
			at = (at + 1) & (l->cap_index - 1);
		l->index[at] = (uint16_t)i;
	}
}

static uint16_t find_node(const struct ledger *l, struct str name)
{
	if (!l->cap_index)
		return LEDGER_NO_NODE;
	for (uint32_t at = str_hash(name) & (l->cap_index - 1);; at = (at + 1) & (l->cap_index - 1))
		if (l->index[at] == LEDGER_NO_NODE || str_is(name, l->nodes[l->index[at]].name))
			return l->index[at];
}

static uint16_t need_node(struct ledger *l, struct str name)
{
	uint16_t found = find_node(l, name);

	if (found != LEDGER_NO_NODE || l->nnodes >= LEDGER_NO_NODE - 1)
		return found;
	if (l->nnodes == l->cap_nodes) {
		l->cap_nodes = l->cap_nodes ? l->cap_nodes * 2 : 64;
		l->nodes = xreallocarray(l->nodes, l->cap_nodes, sizeof(*l->nodes));
	}
	l->nodes[l->nnodes++] = (struct ledger_node){ .name = str_dup(name), .cpu_can = -1, .mem_can = -1,
		.pods_can = -1, .gpus_can = -1 };
	if (l->nnodes * 2 > l->cap_index) {
		index_nodes(l);
		return (uint16_t)(l->nnodes - 1);
	}
	uint32_t at = str_hash(name) & (l->cap_index - 1);
	while (l->index[at] != LEDGER_NO_NODE)
		at = (at + 1) & (l->cap_index - 1);
	return l->index[at] = (uint16_t)(l->nnodes - 1);
}

void ledger_node_put(struct ledger *l, const struct decoded_meta *m)
{
	uint16_t at = need_node(l, m->name);

	if (at == LEDGER_NO_NODE)
		return;
	struct ledger_node *n = &l->nodes[at];
	n->cpu_can = m->cpu_allocatable;
	n->mem_can = m->mem_allocatable;
	n->pods_can = m->pods_allocatable;
	n->gpus_can = m->gpus_allocatable;
	n->seen = n->dirty = true;
}

const struct ledger_node *ledger_node(const struct ledger *l, struct str name)
{
	uint16_t at = find_node(l, name);

	return at == LEDGER_NO_NODE ? NULL : &l->nodes[at];
}

/* ---- pods */

static uint32_t clamp32(int64_t v)
{
	return v <= 0 ? 0 : v > UINT32_MAX ? UINT32_MAX : (uint32_t)v;
}

void ledger_put(struct ledger *l, const struct decoded_meta *m)
{
	uint64_t key = key_of(m->ns, m->name);

	if ((l->npods + 1) * 6ull > l->cap * 5ull)
		grow(l);
	struct ledger_pod *p = find(l, key);
	struct ledger_pod now = { .key = key, .cpu = clamp32(m->cpu_request), .mem = clamp32(m->mem_request / 1024),
		.limit = clamp32(m->mem_limit / 1024), .gpus = m->gpus > 255 ? 255 : m->gpus < 0 ? 0 : (uint8_t)m->gpus,
		.gen = l->gen, .node = m->holds && m->node.n ? need_node(l, m->node) : LEDGER_NO_NODE };
	if (p->key && p->node == now.node && p->cpu == now.cpu && p->mem == now.mem && p->gpus == now.gpus) {
		p->gen = now.gen;
		p->limit = now.limit;
		return;
	}
	if (p->key)
		count(l, p, -1);
	else
		l->npods++;
	*p = now;
	count(l, p, 1);
}

void ledger_drop(struct ledger *l, struct str ns, struct str name)
{
	struct ledger_pod *p = find(l, key_of(ns, name));

	if (p && p->key)
		drop_at(l, (uint32_t)(p - l->pods));
}

void ledger_begin(struct ledger *l)
{
	l->gen++;
}

void ledger_end(struct ledger *l)
{
	for (uint32_t i = 0; i < l->cap; ) {
		if (l->pods[i].key && l->pods[i].gen != l->gen)
			drop_at(l, i);    /* another may have moved here: look again */
		else
			i++;
	}
	l->complete = true;
	for (uint32_t i = 0; i < l->nnodes; i++)
		l->nodes[i].dirty = true;
}

void ledger_clear(struct ledger *l)
{
	free(l->pods);
	l->pods = NULL;
	l->npods = l->cap = 0;
	l->complete = false;
	for (uint32_t i = 0; i < l->nnodes; i++)
		l->nodes[i].pods = l->nodes[i].cpu = l->nodes[i].mem = l->nodes[i].gpus = 0;
}

int64_t ledger_limit(const struct ledger *l, struct str ns, struct str name)
{
	const struct ledger_pod *p = find(l, key_of(ns, name));

	return p && p->key ? (int64_t)p->limit * 1024 : 0;
}

void ledger_release(struct ledger *l)
{
	for (uint32_t i = 0; i < l->nnodes; i++)
		free(l->nodes[i].name);
	free(l->nodes);
	free(l->index);
	free(l->pods);
	*l = (struct ledger){ 0 };
}
