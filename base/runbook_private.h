/* runbook_private: what the parts of the machine of base/runbook.h share: runbook.c (its life), runbook_plan.c, runbook_consent.c,
 * runbook_steps.c (one step forth or back), runbook_verify.c, runbook_probe.c (what is looked at afterwards), runbook_recover.c
 * (journals of programs that ended). */
#ifndef BASE_RUNBOOK_PRIVATE_H
#define BASE_RUNBOOK_PRIVATE_H
#include "base/journal.h"
#include "base/promotion.h"
#include "base/runbook.h"
#include <jansson.h>

enum {
	RUNBOOK_PLAN_MS = 40000,     /* so long a plan may take */
	RUNBOOK_LIST_MS = 20000,     /* so long a list is waited for that a name may be looked up in */
	RUNBOOK_TELL_MS = 25000,
	RUNBOOK_TRIES = 3,           /* of a plan that cannot be made or run: what it is about may just be moving */
	RUNBOOK_AGAIN_MS = 1500,
};
enum runbook_phase { PHASE_WHEN, PHASE_FIRST, PHASE_REST };
struct runbook_watch { struct source *source; char *kind; uint64_t id; };
struct runbook_telling {             /* whether a step was taken: asked, then planned anew */
	uint64_t id;                 /* of the question; 0: none under way */
	struct runbook *r;
	unsigned step;
	int64_t since;
	bool on, planning, told;
	char taken[8], *say;
};
struct runbook_probe;                /* of one check: runbook_probe.c */
struct probe_figures {               /* of one round; NaN unknown */
	unsigned n;                  /* asked */
	double errors, p50, all;     /* share, ms; share of errors in all rounds of this verification */
	const char *error;           /* the first, or why none are asked; "" none */
};
struct runbook_private {
	struct runbooks *rs;
	struct source *registry;
	const struct yaml *entry;    /* of the configuration; NULL: there is none, or it is recovered */
	char *alias, *user, *override;
	int64_t at;                  /* of a rollback by time */
	json_t *steps, *verify, *before;   /* base/promotion.h; before: figures of the checks' endpoints before the first step */
	bool measuring;              /* these figures are still being asked for */
	struct journal *journal;
	struct runbook_watch *watches; unsigned nwatches;
	enum runbook_phase phase;
	int64_t since;               /* wall ms: the phase, an undo's plan */
	bool stop;                   /* asked to stop after this step */
	bool backwards;              /* UNDOING, or ASKING in the midst of it */
	unsigned tries;              /* of the current step's plan */
	int64_t again_at;            /* wall ms: not planned anew before */
	bool undo_again;             /* the undo of the current step was sent twice */
	struct runbook_telling tell;
	int64_t next_look;
	unsigned *untold;            /* by check: cannot tell, in a row */
	struct runbook_probe *probes;
	char *why_back;              /* what went wrong */
	bool taken_up[2];            /* recovered: GO_ON, GO_BACK: what the guards want for it was given in this program */
};
struct runbooks {
	struct actor *actor;
	struct store *store;
	struct source **sources; unsigned nsources;
	const struct config *config;
	char *folder;
	const struct clock *clock;
	struct runbook **all; unsigned n;
	unsigned living;             /* unfinished journals that other programs hold, when last looked */
	char why[400];
};

/* ---- runbook_approve.c: asks the second person where one is wanted and looks for the answer. Now and then while it is SHOWN. */
void runbook_approve(struct runbook *r);

/* ---- runbook_plan.c */
void plan_move(struct runbook *r);
void runbook_decide(struct runbook *r);                /* of all steps the strictest is what has to be confirmed */

/* ---- runbook_consent.c */
void runbook_judge(struct runbook *r, enum runbook_choice c);     /* of a recovered one: r->decision, r->must_type, as of now */
/* The audit has the whole beside its steps: what failed, why it did not matter, how it ended. 0; -1 and why. */
int runbook_audit(struct runbook *r, const char *state, const char *override, char *why, size_t size);

/* ---- runbook.c */
void runbook_refuse(struct runbook *r, const char *fmt, ...) __attribute__((format(printf, 2, 3)));      /* sets r->error */
void runbook_begin_back(struct runbook *r, const char *why);
struct runbook *runbook_new(struct runbooks *rs, const char *verb, const char *model);
void runbook_free(struct runbook *r);
int64_t runbook_now(const struct runbook *r);
void runbook_changed(struct runbook *r);
void runbook_say(struct runbook *r, enum step_state how, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
void runbook_set(char **text, const char *to);                       /* frees what was there; NULL allowed */
void runbook_ask(struct runbook *r, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* Something failed: back by itself, or asked, or over where nothing was changed yet. */
void runbook_wrong(struct runbook *r, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void runbook_end(struct runbook *r, enum runbook_state s, const char *error);
/* Takes the line. False: it is not on disk. Without a journal (nothing is confirmed yet) true. */
bool runbook_note(struct runbook *r, json_t *line);
struct source *runbook_source(const struct runbooks *rs, const char *name);
/* Keeps rows of the kind coming from one source, or (NULL) from all that fill it; once more: asked anew. */
void runbook_watch(struct runbook *r, struct source *from, const char *kind);
void runbook_look_again(struct runbook *r);
void runbook_unwatch(struct runbook *r);

/* ---- runbook_steps.c */
/* Appends a step by its JSON; false: there is no such source or action, *why (size) says it. */
bool step_make(struct runbook *r, const json_t *spec, char *why, size_t size);
void step_release(struct runbook_step *s);
/* What its plan says of undoing it; params: what its run says of it, NULL: as planned. */
void step_take_undo(struct runbook_step *s, const json_t *plan, const char *params);
/* Of a recovered one: it cannot be done (or taken back) any more, as a secret of its parameters is not known. */
bool step_lost_secret(const struct runbook *r, unsigned i, bool back);
#define NO_SECRET "its parameters hold a secret, which no journal keeps and `promotions` in the configuration does not have any more"
const struct action *step_undo_action(const struct runbook_step *s);   /* NULL: nothing takes it back */
bool step_begin_plan(struct runbook *r, unsigned i);   /* false: it waits for a list */
bool step_plan_late(struct runbook *r, unsigned i);    /* it is planned for too long: given up */
void step_forth(struct runbook *r);                    /* of the current step, whatever comes next */
void step_back(struct runbook *r);
const char *step_undo_kind(const struct runbook_step *s), *step_undo_key(const struct runbook_step *s);    /* what that acts on */
bool step_is_over(const struct runbook_step *s);       /* there and, where it went back, back again */
bool step_was_done(const struct runbook_step *s);      /* something of it may have to be taken back */
void tell_begin(struct runbook *r, unsigned i);
void tell_tick(struct runbook *r);
/* The row of that name: by its key, else by its column `name`; source NULL: of any. */
const struct row *runbook_row(const struct runbook *r, const char *kind, const char *name, const struct source *from,
                              const struct table **t);
/* Whether the row fits the filter; say gets how it is, or why it cannot be told. */
enum gate_result runbook_fits(const struct runbook *r, const char *kind, const char *name, const struct source *from,
                              const char *where, struct buf *say);

/* ---- runbook_when.c */
/* 1: r->version is what was in production at that time; 0: the rows are not there yet; -1: it is not known, why says it. */
int runbook_find_at(struct runbook *r, struct buf *why);

/* ---- runbook_verify.c */
const json_t *verify_spec(const struct runbook *r, unsigned i);        /* of check i, as base/promotion.h has it */
void verify_begin_checks(struct runbook *r);           /* makes r->checks */
void verify_begin_before(struct runbook *r);           /* figures before the first step: of the rows, and asked for */
bool verify_has_before(struct runbook *r);             /* they are in, and in the journal; false: not yet */
void verify_begin_looking(struct runbook *r);
void verify_look(struct runbook *r);
void verify_release(struct runbook *r);

/* ---- runbook_probe.c */
void probes_begin(struct runbook *r);
void probes_foresee(struct runbook *r);                /* says of each check what cannot be measured */
void probes_forget(struct runbook *r);                 /* what is under way, and all figures */
void probes_release(struct runbook *r);
void probe_begin_round(struct runbook *r, unsigned i); /* as many predictions as check i says, if any */
bool probe_round_over(struct runbook *r, unsigned i);  /* true: probe_last has its figures, or there was no round */
struct probe_figures probe_last(const struct runbook *r, unsigned i);  /* n 0: none yet */
enum gate_result probe_predictions(struct runbook *r, unsigned i, struct buf *say);
#endif
