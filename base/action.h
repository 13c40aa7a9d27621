/* action: the one machine through which everything that changes anything goes, whoever asks (key, prompt,
 * headless, plugin). An action is a constant descriptor; the backend that offers it plans and runs it in its
 * own threads; this machine decides whether it may.
 *
 *   start -> PLANNING -> SHOWN -> (confirm) -> RUNNING -> DONE -> (undo: a new act)
 *              |           |          |           |
 *            FAILED     CANCELLED   the audit line is written and flushed here, or the act FAILS
 *
 * The plan (answer to REQ_PLAN; JSON):
 *   title     "scale deployment ml-serving/model-api to 5"
 *   target    {kind, key, uid, version}            version = resourceVersion, checked again when sent
 *   change    ["replicas 3 -> 5"]                  in words
 *   diff      ["@@ -3,4 +3,4 @@", ...]             lines, where a document is changed; meanwhile: what others changed of it
 *   steps     [{do: "PATCH /apis/...", body: "{...}", check: "...", undo: "..."}]
 *   warnings  ["HorizontalPodAutoscaler model-api owns replicas (2..10): it will put them back"]
 *   blocked   "..."                                present: cannot be run, and why
 *   irreversible  true                             of this target: asks for the name even where the action does not
 *   already   "..."                                present: what it is to bring about holds already, nothing is sent
 *   makes     {kind, key}                          the row that comes of it, such as the run of a pipeline: `until` of a runbook looks there
 *   dry_run   "accepted" | a sentence              what the server said to the same request with dryRun=All
 *   undo      {action, params} | absent            what brings it back; "not_undone": "..." what stays changed.
 *             "last": true in undo: it works only when what was done before it has been undone (a server that loads
 *             what the registry says): a runbook takes such steps back after all others
 *             "say": what else it brings back, in words; "kind", "key": of the row it acts on, where it ends what was made (the run of a pipeline; one that ended stays)
 * REQ_RUN's params are {"plan": the plan as it was shown, "act": id}.
 *
 * Of a step of a runbook REQ_PLAN's params have "after": [{"step", "action", "kind", "key", "to"}], the steps before it, which are done
 * when this one runs ("to": as in their plans' target, where they have one): a plan that looks at what these change is judged by it.
 *
 * REQ_ASK "taken" of a kind and key with {"action", "plan"} asks, later and maybe of another program's plan, whether it was
 * carried out: {"taken": "yes" | "no" | "part" | "unknown", "say": "who is in production now ..."}. A backend that does not
 * know the question refuses it, which counts as unknown.
 *
 * REQ_ASK "form" of a kind and key with {"action"} asks for the fields of an action one of which is `asked`: {"fields": [{"name",
 * "title", "help", "type": "text" | "count" | "bool" | "choice" | "duration" | "real", "default": TEXT, "choices": [TEXT],
 * "min", "max", "required"}], "note": a line above them}. With {"begin": {PARAMETER: VALUE}} too, what is known begins so. They take the place of the constant ones, which stay for whoever
 * names parameters without a form; an empty field is left out of the parameters. */
#ifndef BASE_ACTION_H
#define BASE_ACTION_H
#include "base/audit.h"
#include "base/guard.h"
#include "base/source.h"
#include "base/store.h"

enum risk { RISK_HARMLESS, RISK_DISRUPTIVE, RISK_DESTRUCTIVE, RISK_IRREVERSIBLE };

const char *risk_name(enum risk r);  /* "disruptive" */

enum field_type { FIELD_TEXT, FIELD_COUNT, FIELD_BOOL, FIELD_CHOICE, FIELD_DURATION, FIELD_REAL };
struct field {                       /* a parameter, as a form asks for it */
	const char *name, *title, *help;
	enum field_type type;
	const char *otherwise;           /* default as text; "@column" takes the target row's value */
	const char *choices;             /* FIELD_CHOICE: a|b|c */
	int64_t min, max;                /* FIELD_COUNT, when max > min */
	double from, to;                 /* FIELD_REAL, when to > from */
	bool required;
	bool asked;                      /* the source knows more of the row's: a form asks it for the fields (REQ_ASK "form") */
};

struct action {
	const char *name;                /* "restart" */
	const char *title;               /* "Restart" */
	const char *help;
	const char *const *kinds;        /* on which it is offered, "*" = any; NULL-terminated */
	enum risk risk;
	bool bulk;                       /* may be run on several marked rows */
	const struct field *fields;      /* ends with name NULL; NULL: none */
	bool terminal;                   /* wants the terminal while it runs: base/lend.h; one target at a time */
};
/* The action `name` of this backend on that kind, or NULL. */
const struct action *action_find(const struct backend *b, const char *name, const char *kind);

/* ---- the machine */
struct approvers;
struct audit_copy;
struct permits;
struct approval;
enum act_state { ACT_PLANNING, ACT_SHOWN, ACT_RUNNING, ACT_DONE, ACT_FAILED, ACT_CANCELLED };
struct act_target {
	char *key;
	struct json_t *plan;             /* NULL until it came */
	char *error;                     /* planning or running failed */
	enum act_state state;
	char *undo;                      /* from FINISHED: parameters of the undo, JSON, or NULL */
	char *said;                      /* how it ended, in a sentence; NULL until then */
	bool unknown;                    /* failed, and whether the request was taken is not known */
};
struct act {
	uint64_t id;
	const struct action *action;
	struct source *source;
	const char *kind;
	char *params;                    /* JSON */
	struct act_target *targets; unsigned ntargets, current;   /* run in this order */
	bool go_on;                      /* of several: the rest is done though one cannot be or fails */
	enum act_state state;
	struct decision decision;        /* valid from SHOWN on */
	const char *must_type;           /* GUARD_TYPE_NAME: what has to be typed */
	struct { int64_t at; enum step_state state; char *say; } *log; unsigned nlog;
	unsigned begun;                  /* the first line of log that is of the target that runs */
	char *error;
	uint64_t version;                /* grows with every change, for redraw */
	char *reason;                    /* NULL: none given */
	struct approval *approval;       /* asked of a second person; NULL: not wanted, or not yet */
	struct json_t *vouched;
	bool override;                   /* for that reason overridable rules do not hold */
	int terminal;                    /* our end, while it runs and until somebody takes it; else -1 */
	uint64_t undo_of;                /* the act that this one undoes, or 0 */
	struct act_private *priv;
};
struct actor;                        /* owns all acts */
/* Takes guards (NULL: built-in defaults for every environment). */
struct actor *actor_new(struct store *store, struct audit *audit, struct guards *guards, const struct clock *clock);
void actor_free(struct actor *a);
/* Where it is remembered what the servers refused; borrowed, NULL (the default): nowhere. */
void actor_permits(struct actor *ar, struct permits *p);
const struct approvers *actor_who_approves(const struct actor *ar);
void actor_approvers(struct actor *ar, const struct approvers *a);    /* borrowed; NULL (the default): there are none */
/* Copies of the trail (base/audit_copy.h), borrowed, some may be NULL; and which of them are behind, as a sentence. */
void actor_copies(struct actor *ar, struct audit_copy *const *copies, unsigned n);
void actor_copies_say(const struct actor *ar, struct buf *out);
const struct audit *actor_audit(const struct actor *a);   /* NULL: there is none */
/* Asks for the plans. keys and params are copied. NULL and *why when refused at once (read-only, limit, not bulk). */
struct act *act_start(struct actor *ar, struct source *s, const struct action *a, const char *kind,
                      const char *const *keys, unsigned nkeys, const char *params, const char **why);
/* What act_start would refuse at once, before anyone fills in a form. NULL: nothing. Good until the actor's next call. */
const char *act_refused(struct actor *ar, const struct source *s, const struct action *a, unsigned nkeys);
/* Of several, while SHOWN: stop at the first that fails (the default; then nothing runs when one is blocked), or go on; and the
 * order turned round. go_on may change while RUNNING too. False: it is too late, or there is only one. */
bool act_go_on(struct act *act, bool go_on);
bool act_reverse(struct act *act);
/* "7 of 12 done, 1 failed, 2 had nothing to do, 2 not reached" */
void act_summary(const struct act *act, struct buf *out);
/* SHOWN -> RUNNING. typed: what the user typed (may be NULL). False: not allowed yet, act->error says why. */
bool act_confirm(struct act *act, const char *typed);
/* What a SHOWN act waits for, one after the other, and the answer to that: a reason that overrides what forbids it, a reason,
 * the answer of a second person (act->approval), the name that has to be typed, a yes. */
enum act_want { ACT_WANTS_NOTHING, ACT_WANTS_OVERRIDE, ACT_WANTS_REASON, ACT_WANTS_APPROVAL, ACT_WANTS_NAME, ACT_WANTS_YES };
enum act_want act_wants(const struct act *act);
bool act_answer(struct act *act, const char *text);      /* the last of them runs it; false: act->error */
/* Why it is done, as a person writes it; goes into the audit line. */
void act_give_reason(struct act *act, const char *reason);
/* Of a SHOWN act whose decision is overridable: what forbids it shall not, for this reason; decides anew. False: error. */
bool act_override(struct act *act, const char *reason);
/* Of a part of something that was approved as a whole: approval_evidence of that. Takes it. */
void act_vouch(struct act *act, struct json_t *evidence);
/* Now and then while it is shown: whether the second person has answered meanwhile. True: something changed. */
bool act_look(struct act *act);
/* What the guards say of it before anything is planned. */
struct decision actor_decide(const struct actor *ar, const struct source *s, const struct action *a, const char *kind,
                             const char *const *keys, unsigned nkeys, bool undo);
void act_cancel(struct act *act);    /* before RUNNING: nothing happened; while RUNNING: stop after this step */
/* The sentence of its plan (of the first target) that there is nothing to do; NULL: there is. Such an act is not confirmed. */
const char *act_already(const struct act *act);
/* An act that is a step of a runbook (base/runbook.h), from 1: its audit lines say so. What the guards want typed, and a second
 * person, was asked for there, for the strictest of its steps; whether it is allowed at all is decided anew. */
struct act_part {
	const char *runbook;             /* its id */
	unsigned step;
	bool undo;                       /* it takes the step back */
	const char *reason, *override;   /* may be NULL; override: for that reason overridable rules do not hold */
	const struct json_t *after;      /* the steps before it, as its plan is told; NULL: none */
};
void act_join(struct act *act, const struct act_part *part);      /* copies; before act_confirm */
struct act *act_start_part(struct actor *ar, struct source *s, const struct action *a, const char *kind, const char *key,
                           const char *params, const struct act_part *part, const char **why);
bool act_can_undo(const struct act *act);
struct act *act_undo(struct act *act, const char **why);   /* a new act, PLANNING; NULL: cannot be undone */
struct act *actor_last_undoable(struct actor *ar);
const char *act_state_name(enum act_state s);
/* An audit line that is no act's; takes the event. On disk and without secrets when 0; -1 and why. */
int actor_note(struct actor *ar, struct json_t *event, char *why, size_t size);
#endif
