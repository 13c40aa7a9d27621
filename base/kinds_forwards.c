/* kinds_forwards: doors on this machine that lead to something inside a cluster. */
#include "base/forwards.h"

static const char *const aliases[] = { "fw", "portforwards", NULL };
static const struct column cols[FORWARD_COL_COUNT] = {
	[FORWARD_NAMESPACE] = { "namespace", "NAMESPACE", COL_TEXT, COL_SHARED, 2, 14 },
	[FORWARD_TARGET] = { "target", "TARGET", COL_TEXT, 0, 0, 26 },
	[FORWARD_LOCAL] = { "local", "LOCAL", COL_TEXT, 0, 0, 15 },
	[FORWARD_STATUS] = { "status", "STATUS", COL_STATUS, COL_SHARED, 0, 9 },
	[FORWARD_OPEN] = { "open", "OPEN", COL_COUNT, 0, 2, 4 },
	[FORWARD_TOTAL] = { "total", "TOTAL", COL_COUNT, 0, 4, 5 },
	[FORWARD_IN] = { "in", "IN", COL_BYTES, 0, 3, 6 },
	[FORWARD_OUT] = { "out", "OUT", COL_BYTES, 0, 3, 6 },
	[FORWARD_SINCE] = { "since", "SINCE", COL_TIME, 0, 3, 6 },
	[FORWARD_POD] = { "pod", "POD", COL_REF, 0, 5, 24, .ref = "pods" },
	[FORWARD_USE] = { "for", "FOR", COL_TEXT, COL_SHARED, 6, 8 },
	[FORWARD_WHY] = { "why", "WHY", COL_TEXT, 0, 6, 40 },
};
const struct kind kind_forwards = {
	.name = "forwards", .singular = "forward", .aliases = aliases,
	.help = "ports of this machine that lead to pods, services and workloads of a cluster",
	.cols = cols, .ncols = FORWARD_COL_COUNT, .namespaced = true, .group = "kubernetes",
};

void forward_put(struct buf *b, const struct forward_row *f)
{
	rows_put(b, f->key, f->level);
	cell_text_or_null(b, f->ns);
	cell_text_or_null(b, f->target);
	cell_text_or_null(b, f->local);
	cell_text_or_null(b, f->status);
	cell_int(b, f->open);
	cell_int(b, f->total);
	cell_int(b, f->in);
	cell_int(b, f->out);
	cell_time(b, f->since);
	cell_text_or_null(b, f->pod);
	cell_text_or_null(b, f->use);
	cell_text_or_null(b, f->why);
}
