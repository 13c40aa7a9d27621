/* runbook: one change across systems as a list of steps, shown before, checked while, undone when wrong: promote a model,
 * roll one back. Each step is an action (base/action.h) on a row of some source, so that whatever a backend offers can be a
 * step; this machine gates, orders, checks, journals and takes back.
 *
 *   gates -> plans of all steps -> SHOWN -> (confirm) -> RUNNING step, its check, its pause ... -> VERIFYING -> DONE
 *                                     |                     |                                       |
 *                                 CANCELLED            ASKING: it cannot be told what happened   UNDOING, last step first
 *                                                      (go on, go back, hold)                    -> UNDONE, or FAILED and where
 *
 * Taken back is the last step first, but for those whose undo needs the others undone before (a server that loads what the
 * registry says): they come after.
 *
 * Steps come from the section `promotions:` of binnacle.yaml:
 *   promotions:
 *     real_estate_model:                    # a model; * as a wildcard
 *       source: mlflow3                     # where there are several registries
 *       gates: [...]                        # base/gates.h
 *       steps:                              # after the registry's own, which is always the first
 *         - {action: reload, kind: modelendpoints, name: price-api, source: model-api}
 *         - {action: restart, kind: deployments, name: ml-serving/model-api, source: eks, until: "ready=3/3", within: 5m}
 *         - {action: canary, kind: inferenceservices, name: ml-serving/price, source: eks, params: {weight: "10"}, pause: 30s}
 *         - {action: trigger, kind: pipelines, name: reload_models, source: airflow, params: {conf: '{"version": "{version}"}'}}
 *       verify:
 *         for: 60s
 *         every: 5s
 *         failures: 3                       # so many in a row go back
 *         checks:
 *           - {kind: modelendpoints, name: price-api, where: "version={version} status=ready"}
 *           - {kind: modelendpoints, name: price-api, errors_below: 2%, slower_below: 50%, probes: 5}   # asked before the first step too
 *           - {kind: modelendpoints, name: price-api, predictions: 20, differ_below: 40%}      # on recent inputs
 *       on_failure: rollback                # or hold
 * {model} {version} {previous} {alias} {reason} {user} are put into every text.
 *
 * Each turn is in a journal (base/journal.h) on disk before what it says is done, so that a program that dies leaves a
 * runbook that the next one finds, shows, and goes on with or takes back. The audit trail has every step besides.
 * Main thread only; nothing here waits: runbook_tick moves it on. */
#ifndef BASE_RUNBOOK_H
#define BASE_RUNBOOK_H
#include "base/action.h"
#include "base/approval.h"
#include "base/config.h"
#include "base/gates.h"

extern const struct config_key promotion_keys[];     /* of one entry under `promotions:` */

enum runbook_state {
	RUNBOOK_PLANNING, RUNBOOK_SHOWN, RUNBOOK_RUNNING, RUNBOOK_VERIFYING, RUNBOOK_ASKING, RUNBOOK_UNDOING,
	RUNBOOK_DONE, RUNBOOK_UNDONE, RUNBOOK_HELD, RUNBOOK_FAILED, RUNBOOK_CANCELLED
};
enum runbook_step_state {
	RSTEP_WAITING,     /* for its turn */
	RSTEP_PLANNING, RSTEP_RUNNING,
	RSTEP_CHECKING,    /* done; `until` does not hold yet, or its pause lasts */
	RSTEP_DONE,
	RSTEP_ALREADY,     /* its plan says that there is nothing to do */
	RSTEP_FAILED,      /* and the system was left as it was */
	RSTEP_UNKNOWN,     /* sent; whether it was taken cannot be told */
	RSTEP_UNDOING, RSTEP_UNDONE,
	RSTEP_STAYS,       /* cannot be undone */
};
struct runbook_step {
	struct source *source;
	const struct action *action;
	char *kind, *key, *params;
	char *title;                 /* of its plan; before that made from action and key */
	char *until; int64_t within_ms, pause_ms;
	struct act *act;             /* the newest: its plan, its run or its undo; NULL before */
	char *undo_action, *undo_params;   /* what takes it back; NULL: nothing is known to */
	char *undo_kind, *undo_key;  /* the row that this acts on, which the step made; NULL: the step's own */
	char *stays;                 /* what is not taken back with what it made; NULL */
	bool undo_last;              /* it can be taken back only after what came before it */
	bool touched;                /* FAILED, and yet it changed something: going back takes it back too */
	enum runbook_step_state state;
	char *say;                   /* of how it went; NULL */
	int64_t at;                  /* wall ms of its last change */
};
struct runbook_check {           /* of verify, and how it came out last */
	char *title, *say;
	enum gate_result result;
	unsigned failed;             /* in a row */
};
struct runbook {
	char *id;                    /* "20261121T174501-promote-real_estate_model-7": the journal's name */
	char *verb;                  /* "promote" or "rollback" */
	char *model, *version, *previous, *reason;     /* previous: "" where nothing was in production */
	enum runbook_state state;
	struct gates *gates;         /* NULL: a rollback has none; nor is there one before the registry's plan is in */
	struct runbook_step *steps; unsigned nsteps, current;
	struct runbook_check *checks; unsigned nchecks;
	int64_t verify_until;        /* wall ms; 0: not begun */
	bool hold;                   /* a failure does not go back by itself */
	struct decision decision;    /* of all steps the strictest; valid from SHOWN on */
	const char *must_type;
	struct approval *approval;   /* a second person is asked; NULL: not wanted, or not yet */
	char *error, *ask;           /* ask: the question of ASKING */
	bool recovered;              /* read from the journal of a program that ended */
	struct { int64_t at; enum step_state state; char *say; } *log; unsigned nlog;
	uint64_t version_of_screen;  /* grows with every change */
	struct runbook_private *priv;
};

struct runbooks;                 /* owns all */
/* folder: of the journals, made when first needed. config may be NULL. All borrowed. */
struct runbooks *runbooks_new(struct actor *actor, struct store *store, struct source **sources, unsigned nsources,
                              const struct config *config, const char *folder, const struct clock *clock);
void runbooks_free(struct runbooks *rs);     /* what runs stays as the journal says */
/* Kind i that has to be watched for the gates and checks of this model's entry; NULL: no more. */
const char *runbooks_kind(const struct runbooks *rs, const char *model, unsigned i);
/* The entry of `promotions:` for this model and source exists. */
bool runbooks_knows(const struct runbooks *rs, const char *model, const struct source *registry);

struct runbook_order {
	const char *verb;            /* "promote", "rollback" */
	struct source *registry;
	const char *model, *version; /* version NULL or "" for a rollback: the one before */
	int64_t at;                  /* rollback to what was in production then, wall ms; 0: not */
	const char *reason, *alias;  /* may be NULL */
	bool hold;
};
/* PLANNING. NULL and *why (borrowed until the next call) when it is refused at once. */
struct runbook *runbook_start(struct runbooks *rs, const struct runbook_order *o, const char **why);
/* SHOWN -> RUNNING. override: why failed gates shall not matter; NULL: none. False: runbook->error says what is missing. */
/* The guards want no second person, or one has approved it; and the answer of one that came by hand (false: error). */
bool runbook_approved(const struct runbook *r);
bool runbook_answer(struct runbook *r, const char *answer);
bool runbook_confirm(struct runbook *r, const char *typed, const char *override);
void runbook_cancel(struct runbook *r);      /* before RUNNING: nothing happened; later: stop after this step and ask */
enum runbook_choice { RUNBOOK_GO_ON, RUNBOOK_GO_BACK, RUNBOOK_HOLD };
struct runbook_given { const char *typed, *reason; };     /* either may be NULL; reason overrides rules too, and is audited */
/* What the guards want for this choice of a recovered one, as they judge now, beyond what is given (NULL: nothing): a name, a reason,
 * a second person (r->approval), a reason that overrides. What is forbidden wants nothing: the choice is refused. Going back is held
 * up by no freeze, limit or second person, only by a rule that denies it or where all is read-only. */
enum act_want runbook_wants(struct runbook *r, enum runbook_choice c, const struct runbook_given *given);
/* Of ASKING (and of a recovered one): false: error says why not. Go on plans the step anew and runs it, unless it holds already.
 * GO_BACK of one that is DONE or HELD undoes it. given: NULL: nothing. */
bool runbook_choose(struct runbook *r, enum runbook_choice c, const struct runbook_given *given);
bool runbook_can_undo(const struct runbook *r);      /* DONE or HELD: `u` takes the whole back */
/* Moves every runbook on: checks, pauses, verification. Returns ms until it wants to be called again, -1: nothing to do. */
int runbooks_tick(struct runbooks *rs, int64_t now);
/* Those of this run of the program, and those found unfinished on disk (recovered, ASKING); newest last. */
struct runbook *runbooks_get(const struct runbooks *rs, unsigned i);         /* NULL: no more */
/* Reads unfinished journals of programs that no longer live. Returns how many; *why (caller frees, NULL: nothing) what could
 * not be read. Call it once the sources are started: what was under way is asked about. */
unsigned runbooks_recover(struct runbooks *rs, char **why);
/* One of this model that this program has not brought to its end yet; NULL: none. */
struct runbook *runbooks_unfinished(const struct runbooks *rs, const char *model);
/* Another program of this user carries one of this model out now: who and since when, in a sentence. Caller frees; NULL: none. */
char *runbooks_elsewhere(const struct runbooks *rs, const char *model);
unsigned runbooks_living(const struct runbooks *rs);  /* unfinished ones that a running program has, when last looked */
bool runbook_over(const struct runbook *r);
bool runbook_looking(const struct runbook *r);        /* whether a step was taken is being asked: nothing can be chosen yet */
const char *runbook_state_name(enum runbook_state s);
const char *runbook_step_name(enum runbook_step_state s);
bool runbook_step_stays(const struct runbook_step *s);   /* what takes it back was known, and did not */
#endif
