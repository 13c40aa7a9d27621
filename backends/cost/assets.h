/* assets: everything that is paid for by the hour, with the time it has been there: nodes, control planes, volumes, load
 * balancers, NAT. What went is kept until its month is over, and in local history, so that spend counts it after the
 * program was closed. A thing that vanished while nobody watched ended when its cluster was last seen, at the latest
 * known moment: the sum is then a lower bound. */
#ifndef COST_ASSETS_H
#define COST_ASSETS_H
#include "backends/cost/spend.h"
#include "base/history.h"

enum asset_type { ASSET_NODE, ASSET_CONTROL, ASSET_VOLUME, ASSET_NETWORK, ASSET_TYPES };
const char *asset_type_name(enum asset_type t);      /* "node group": the dimension it is summed in */

struct asset {
	enum asset_type type;
	char *cluster, *key, *group, *what;  /* what: "g4dn.xlarge spot in us-east-1", for a price that is lacking */
	struct life life;
	bool live, seen, kept;               /* kept: in the history */
};
struct assets {
	struct asset *items;
	size_t n, cap;
	struct history *history;             /* may be NULL */
	const char *source;                  /* under whose name it is kept; borrowed */
	int64_t since;                       /* since when what went is known; 0: not yet */
	int64_t noted;                       /* when the history was last told that the clusters were seen */
	bool note;                           /* in this look it is told again */
	size_t hint;                         /* where the next look-up most likely hits */
};

void assets_release(struct assets *a);
/* What the history knows. False: *why (caller frees) says why not. */
bool assets_load(struct assets *a, int64_t now, char **why);
/* One look at the clusters: begin, see each thing, end for those clusters that were seen whole. */
void assets_begin(struct assets *a, int64_t now);
/* Made when it is not there; from 0 = not known, then now. The rate and texts are set anew each time. Valid until the next
 * call. */
struct asset *assets_see(struct assets *a, enum asset_type type, struct str cluster, struct str key, int64_t from, int64_t now,
                         double rate, struct str group, struct str what);
void assets_end(struct assets *a, struct str cluster, int64_t now);
/* Lives of one cluster (n = 0: all), type (ASSET_TYPES: all) and group (p NULL: all). Caller frees. */
struct life *assets_lives(const struct assets *a, struct str cluster, enum asset_type type, struct str group, size_t *n);
#endif
