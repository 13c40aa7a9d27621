/* guard: the one place that decides whether an action may run, and what it takes. An environment has a guard and a limit
 * (`environments:`); rules of the section `guards:` add to that for whatever they match:
 *
 *   guards:
 *     careful:      {environment: prod, risk: disruptive, require-reason: true}
 *     big-hands:    {environment: prod, kind: nodes, action: drain, second-person: true, limit: 2/hour}
 *     no-friday:    {environment: prod, freeze: ["Fri 16:00 - Mon 08:00"], overridable: true}
 *     berlin:       {source: eks-eu, zone: Europe/Berlin, freeze: ["22:00 - 06:00"]}
 *     keep-db:      {kind: statefulsets, name: "postgres*", deny: "the database is not ours", risk: destructive}
 *
 * Windows are judged by the clocks of the rule's `zone`, else of the section's (`guards: {zone: Europe/Berlin, ...}`), else of whoever
 * runs it. All rules that match hold and the strictest wins, so that no order matters and no rule can loosen what another, or the
 * environment, asks for. What takes something back (undo) is never held up by freeze, limit or second person: coming back
 * must stay possible. A limit is counted from the audit trail, so that it holds across programs. */
#ifndef BASE_GUARD_H
#define BASE_GUARD_H
#include "base/audit.h"
#include "base/config.h"

struct action;
struct backend;
struct source;

enum guard { GUARD_CONFIRM, GUARD_TYPE_NAME, GUARD_READONLY };
struct guard_rule {                  /* of an environment; from binnacle.yaml */
	const char *environment;
	enum guard guard;                /* for disruptive and worse; harmless needs a plain confirm at most */
	unsigned limit;                  /* how many targets at once; 0 = 1 */
};
extern const struct config_key guard_keys[];     /* of one entry under `guards:` */
extern const struct config_key guards_own_keys[];    /* of the section itself */

/* "5/hour", "1/30m", "20/day" */
struct rate { unsigned times; int64_t per_ms; };
bool rate_parse(struct str s, struct rate *r);

struct guards;
/* rules: the map under `guards:` as config_load took it (NULL: none). All borrowed. */
struct guards *guards_new(const struct guard_rule *environments, unsigned n, const struct yaml *rules);
void guards_free(struct guards *g);
/* Words of rules that nothing can ever be, as they are misspelt: such a rule would hold for nothing, in silence. Of kinds and sources, which
 * may come with a cluster or an option, only what is a slip of one that is known. backends: all there are, NULL at the end; own: what
 * the configured sources are (with what plugins bring along). Each mistake goes into errors, with its place. */
void guards_check(const struct config *config, const struct backend *const *backends, const struct backend *const *own, unsigned nown,
                  struct config_errors *errors);
/* Whether a rule's word takes this; of kinds by any of their names. */
bool guard_word_takes(const char *pattern, const char *word);
bool guard_kind_takes(const char *pattern, const char *kind);

struct guard_ask {                   /* may this be done? All borrowed. */
	const struct source *source;
	const struct action *action;
	const char *kind;                /* NULL, and keys NULL: not known yet; then no rule on them holds */
	const char *const *keys; unsigned nkeys;
	const struct audit *audit;       /* where limits are counted and whose user it is; NULL: none */
	int64_t now;                     /* wall ms */
	bool undo;                       /* it takes back what was done from here */
	const char *override;            /* the reason for which overridable rules shall not hold; NULL: none */
};
struct decision {
	bool allowed;
	enum guard guard;
	char why[320];                   /* not allowed: by what */
	bool reason;                     /* a reason has to be given */
	bool second;                     /* another person has to approve it */
	bool overridable;                /* not allowed, but a written reason overrides it */
	bool gates_firm;                 /* failed gates of a runbook cannot be overridden here */
	char rules[160];                 /* names of the rules that held, for the audit line */
	char overridden[160];            /* of those that did not because of `override` */
};
struct decision guard_decide(const struct guards *g, const struct guard_ask *q);
/* Of both the strictest: for what is confirmed at once. */
struct decision decision_strictest(const struct decision *a, const struct decision *b);
const char *guard_name(enum guard g);       /* "confirm", "type-name", "read-only", as in binnacle.yaml */
#endif
