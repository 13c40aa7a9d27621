/* why: what is wrong with an object, as the answer to REQ_ASK "why", the likeliest cause first:
 *
 *   [{"text": "container 'server' was killed for lack of memory, limit 512Mi", "level": 5, "rank": 95,
 *     "evidence": "last state: ended with exit code 137 OOMKilled 3m ago, 4 restarts", "from": "pod status",
 *     "link": {"kind": "containers", "key": "ml/api-1/server", "what": "logs-previous"}}]
 *
 * level is enum level. link says where the evidence is seen: what is "logs", "logs-previous", "describe", "yaml" or "rows" (the
 * kind's list, at that key); absent when there is no such place. The findings of several pods of a workload are one
 * finding when they say the same: the text then begins with "3 of 5 pods: ".
 *
 * why.c, why_pod.c and why_event.c work on JSON alone; why_ask.c fetches it. */
#ifndef BACKENDS_KUBERNETES_WHY_H
#define BACKENDS_KUBERNETES_WHY_H
#include "backends/kubernetes/event.h"
#include "base/rows.h"

/* What is known. Objects carry kind and apiVersion. Every array may be missing.
 *   {"object": {}, "events": [about object, its pods, its replica sets, its claims, its node], "pods": [],
 *    "nodes": [], "claims": [], "sets": [replica sets], "hpas": []}
 * Gives the findings; never empty: when nothing is wrong one finding of LEVEL_OK says so. Caller decrefs. */
json_t *why_findings(const json_t *facts, int64_t now);

/* ---- between why*.c */
struct why {
	const json_t *facts;
	json_t *out;               /* findings so far */
	int64_t now;
	const json_t *pod;         /* whose findings these are, when the object is a workload */
};
struct why_link { const char *kind, *ns, *name, *sub, *what; };    /* key = ns/name/sub; kind NULL: none */
/* Texts are copied. */
void why_add(struct why *y, int rank, enum level level, struct why_link link, const char *from, const char *evidence,
             const char *fmt, ...) __attribute__((format(printf, 7, 8)));
void why_pod(struct why *y, const json_t *pod);
void why_node(struct why *y, const json_t *node, bool asked);
/* What the events about that uid (or, for nodes, name) say. skip: bits of what is known better from the status. */
enum { WHY_SKIP_BACKOFF = 1, WHY_SKIP_PULL = 2, WHY_SKIP_CONFIG = 4 };
void why_events(struct why *y, const json_t *object, unsigned skip);
/* "of 5 nodes: 2 have too little free memory, 3 are cordoned" from a scheduler's message. False: not of that form. */
bool why_unschedulable(const char *message, struct buf *out);
/* "the quota 'compute' is exhausted: ..." from "exceeded quota: ...". False: not of that form. */
bool why_quota(const char *message, struct buf *out);
/* Why an image cannot be pulled, from the runtime's message: never NULL. */
const char *why_pull(const char *message);
/* What an exit code means: "" when it says nothing. */
const char *why_exit(json_int_t code);
#endif
