/* gates: what must hold before a version goes into production, each with its figures: pass, fail, or cannot tell. They read
 * rows of the store and ask sources (the versions in full, predictions of both on the same inputs); nothing waits.
 *
 *   gates:
 *     - {metric: r2_score, at_least: 0.35}
 *     - {metric: rmse, at_most: 700000}
 *     - {metric: rmse, better_by: 1%}                    # than the champion; its direction from base/registry.h
 *     - {metric: mae, worse_at_most: 2%}
 *     - {tag: validated, is: "true"}                      # of the version or its run; without `is`: present
 *     - {tag: validated_at, within: 7d}                   # a fresh validation: the tag is a time; or {trained_within: 7d}
 *     - {none: drift, where: "result=drift age<1d"}        # rows that must not be there: drift alarms, firing alerts ...
 *     - {some: runs, where: "pipeline=train status=success age<2d"}
 *     - {signature: same}                                 # inputs of challenger and champion
 *     - {freeze: ["Fri 16:00 - Mon 08:00", "2026-12-20 - 2027-01-03"]}        # not inside one, by the clocks
 *                                                         # of zone: Europe/Berlin, else of guards' zone, else of who runs it
 *     - {predictions: 20, challenger: price-api-v7, champion: price-api, differ_below: 25%}   # on recent inputs of the log
 *     - {latency: price-api-v7, below: 300ms}             # p99 of those calls, or of the endpoint's row
 * Each may have say: (its title). One that cannot tell blocks like one that fails; both can be overridden with a reason where
 * the guards allow. */
#ifndef BASE_GATES_H
#define BASE_GATES_H
#include "base/config.h"
#include "base/store.h"

extern const struct config_key gate_keys[];

enum gate_result { GATE_PENDING, GATE_PASS, GATE_FAIL, GATE_UNKNOWN };
struct gate { char *title, *figures; enum gate_result result; };
struct gates {
	struct gate *list; unsigned n;
	uint64_t version;                /* grows with every change */
	struct gates_private *priv;
};
/* What the comparison needs; all borrowed for the call. champion "": there is none. zone: of freezes that name none; NULL: of who runs it. */
struct gates_subject { struct source *registry; const char *model, *version, *champion, *zone; };
/* entry: the list under `gates:` (NULL: none). Starts asking. */
struct gates *gates_new(const struct yaml *entry, const struct gates_subject *of, struct store *store, struct source **sources,
                        unsigned nsources, const struct clock *clock);
void gates_free(struct gates *g);
bool gates_tick(struct gates *g, int64_t now);       /* looks again; true: all are decided */
unsigned gates_failed(const struct gates *g);        /* FAIL or UNKNOWN */
const char *gates_kind(const struct yaml *entry, unsigned i);    /* kinds of rows that have to be watched; NULL: no more */
/* Both versions side by side, for the screen: NULL until the answers are in. {"rows": [{"group":
 * "metrics"|"serving"|"version"|"parameters", "what": "rmse", "champion": "612,400", "challenger": "598,100", "change": -0.023,
 * "better": true|false|null}], "notes": ["12 of 20 predictions differ by ..."], "warnings": [...]} */
const struct json_t *gates_comparison(const struct gates *g);
const char *gate_result_name(enum gate_result r);    /* "pass", "fail", "cannot tell", "looking" */
/* Whether rows of the kind are all there: GATE_PASS they are; GATE_PENDING not yet; GATE_UNKNOWN: say has why they will not be. */
enum gate_result gate_sees(const struct store *st, const char *kind, struct buf *say);
#endif
