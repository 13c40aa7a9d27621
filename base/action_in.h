/* action_in: what the files of the action machine share. action.c plans and runs; consent.c asks for what the guards want first. */
#ifndef BASE_ACTION_IN_H
#define BASE_ACTION_IN_H
#include "base/action.h"
#include "base/approval.h"

struct waiter {            /* what a reply finds */
	struct act *act;
	unsigned target;
	uint64_t id;           /* of the request under way, 0 = none */
	char *params;          /* this target's own, when they differ (undo of several) */
};
struct act_private {
	struct actor *actor;
	struct waiter *waiters;
	char *must_type, *key_copy;
	bool cancelled;        /* asked to stop while running */
	bool undone;           /* an act that undid it is done */
	char *runbook;         /* of which it is a step; NULL: of none */
	unsigned step;
	bool step_undo;
	bool redo;             /* an undo of an undo: it does the first anew */
};
struct actor {
	struct store *store;
	struct audit *audit;
	struct guards *guards;
	const struct approvers *approvers;
	struct permits *permits;
	struct audit_copy *const *copies;
	unsigned ncopies;
	const struct clock *clock;
	struct act **acts;
	unsigned nacts;
	uint64_t next_id;
	char tag[32];          /* of this run of the program: with an act's number its name in the audit trail */
	char why[320];
};

void act_changed(struct act *act);
/* Sets act->error; always false. */
bool act_refuse(struct act *act, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* What the guards say now of targets from..., by what was given so far. */
struct decision guard_now(const struct act *act, unsigned from);
void act_decide(struct act *act);            /* the same for act->decision, with what the plans say */
/* The plans are in, or the reason, the order or anything else that counts is another: asks for an approval where one is wanted
 * now, and forgets one of before. */
void consent_settle(struct act *act);
/* Whether all was given that `now` wants. False: act->error. */
bool consent_given(struct act *act, const struct decision *now, const char *typed);
#endif
