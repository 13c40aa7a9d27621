/* intake: see intake.h. A message is read with the kind's own columns and written again with those that are kept, into
 * tables of our own: what rows, updates and listings mean is the table's business, here as in the store. */
#include "backends/cost/intake.h"
#include "backends/cost/share.h"
#include "base/kinds.h"
#include "base/mem.h"
#include "base/serving.h"
#include <stdlib.h>

#define X(id, name, when) when #name,
const char *const in_reads[] = { IN_KINDS(X) NULL };
#undef X
#define X(id, name, when) &kind_##name,
static const struct kind *const whole[] = { IN_KINDS(X) };
#undef X

static const char *const kept[IN_COUNT][16] = {
	[IN_NODES] = { "age", "version", "nodegroup", "instance_type", "capacity_type", "zone", "cpu_allocatable",
	               "mem_allocatable", "gpus_allocatable", "provider_id", "labels" },
	[IN_PODS] = { "namespace", "node", "status", "owner", "labels", "cpu_request", "mem_request", "cpu", "mem", "gpus" },
	[IN_VOLUMES] = { "age", "capacity", "storageclass", "claim", "status" },
	[IN_SERVICES] = { "age", "type", "external_ip" },
	[IN_INGRESSES] = { "age", "class" },
	[IN_NAMESPACES] = { "age" },
	[IN_PREDICTIONS] = { "age", "model" },
};

static unsigned columns_of(enum in_kind k)
{
	unsigned n = 0;
	while (n < ARRAY_SIZE(kept[k]) && kept[k][n])
		n++;
	return n;
}

static void make_tables(struct intake *in)
{
	for (int k = 0; k < IN_COUNT; k++)
		in->tables[k] = table_new(&in->kinds[k]);
}

void intake_init(struct intake *in)
{
	memset(in, 0, sizeof(*in));
	for (int k = 0; k < IN_COUNT; k++) {
		unsigned n = columns_of((enum in_kind)k);
		for (unsigned c = 0; c < n; c++)
			in->from[k][c] = (uint8_t)kind_col(whole[k], str_of(kept[k][c]), false);
		for (unsigned c = 0; c < n; c++)
			in->cols[k][c] = whole[k]->cols[in->from[k][c]];
		in->kinds[k] = *whole[k];
		in->kinds[k].cols = in->cols[k];
		in->kinds[k].ncols = (uint8_t)n;
	}
	make_tables(in);
}

static void let_go(struct intake *in)
{
	for (int k = 0; k < IN_COUNT; k++)
		table_free(in->tables[k]);
	for (unsigned i = 0; i < in->nsources; i++) {
		free(in->sources[i].name);
		free(in->sources[i].why);
	}
	in->nsources = 0;
}

void intake_clear(struct intake *in)
{
	let_go(in);
	make_tables(in);
}

void intake_release(struct intake *in)
{
	let_go(in);
	memset(in, 0, sizeof(*in));
}

/* A pod's labels are often its own alone: only those that are looked at are kept. */
static void copy_labels(const struct rows_cell *c, struct buf *out)
{
	struct buf kept_labels = { 0 };
	share_labels(c->text, &kept_labels);
	cell_text_or_null(out, buf_str(&kept_labels));
	buf_release(&kept_labels);
}

static void copy_cell(const struct rows_cell *c, struct buf *out)
{
	switch (c->is) {
	case CELL_NULL: cell_null(out); break;
	case CELL_KEEP: cell_keep(out); break;
	case CELL_TEXT: cell_text(out, c->text); break;
	case CELL_INT: cell_int(out, c->i); break;
	case CELL_REAL: cell_real(out, c->f); break;
	}
}

struct keeping { const struct intake *in; enum in_kind kind; };

static void keep_cells(void *arg, const struct rows_cell *cells, struct buf *out)
{
	const struct keeping *x = arg;
	const struct intake *in = x->in;
	enum in_kind k = x->kind;
	for (unsigned c = 0; c < in->kinds[k].ncols; c++)
		if (k == IN_PODS && c == POD_LABELS && cells[in->from[k][c]].is == CELL_TEXT)
			copy_labels(&cells[in->from[k][c]], out);
		else
			copy_cell(&cells[in->from[k][c]], out);
}

/* The same operations with the kept columns only. */
static bool narrow(const struct intake *in, enum in_kind k, struct str body, struct buf *out)
{
	return rows_reshape(body, whole[k]->name, whole[k]->ncols, keep_cells, &(struct keeping){ in, k }, out);
}

static struct in_source *source_of(struct intake *in, const char *name)
{
	for (unsigned i = 0; i < in->nsources; i++)
		if (!strcmp(in->sources[i].name, name))
			return &in->sources[i];
	if (in->nsources == IN_SOURCES)
		return NULL;
	struct in_source *s = &in->sources[in->nsources++];
	*s = (struct in_source){ .name = xstrdup(name), .state = HEALTH_IDLE, .why = xstrdup("") };
	return s;
}

static void take_health(struct in_source *s, const struct request *r)
{
	enum health_state state = health_named(r->what);
	if (*r->kind) {
		for (int k = 0; k < IN_COUNT; k++)
			if (!strcmp(whole[k]->name, r->kind))
				s->shut[k] = state == HEALTH_REFUSED || state == HEALTH_DOWN;
		return;
	}
	s->state = state;
	free(s->why);
	s->why = xstrdup(r->params);
}

bool intake_take(struct intake *in, const struct request *r)
{
	struct in_source *s = source_of(in, r->key);
	struct buf body = { 0 };
	if (!s)
		return false;
	if (!r->body.len) {
		take_health(s, r);
		return true;
	}
	for (int k = 0; k < IN_COUNT; k++) {
		if (strcmp(whole[k]->name, r->kind))
			continue;
		uint64_t before = in->tables[k]->version;
		struct rd at;
		in->malformed += !narrow(in, (enum in_kind)k, buf_str(&r->body), &body);
		rows_open(&at, buf_str(&body));
		table_apply(in->tables[k], (uint16_t)(s - in->sources), &at, 0);
		bool news = !s->fills[k] || in->tables[k]->version != before;
		s->fills[k] = true;
		s->shut[k] = false;
		buf_release(&body);
		return news;
	}
	return false;
}

bool intake_listed(const struct intake *in, enum in_kind k, unsigned source)
{
	return table_listing(in->tables[k], (uint16_t)source).listed;
}

bool intake_settled(const struct intake *in, enum in_kind k, unsigned source)
{
	const struct in_source *s = &in->sources[source];
	return !s->fills[k] || intake_listed(in, k, source) || s->shut[k] || health_lost(s->state);
}
