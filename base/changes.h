/* changes: what changed on the platform and when, across systems: rollouts, crashes, nodes, pipeline runs, trainings,
 * promotions, drift, endpoints and how fast they answer, budgets. One table of rules says which rows of which kinds tell it, how to word it, and on which
 * lane of a time axis it stands; a new kind joins by a line there. base/chronicle.h watches rows by these rules and remembers;
 * what went wrong is set beside what changed shortly before (base/findings.h). */
#ifndef BASE_CHANGES_H
#define BASE_CHANGES_H
#include "base/store.h"

/* What a change is, by sort: its letter on an axis, and the lane it stands on. In the order of lanes; ends with name NULL. */
struct change_sort {
	const char *name, *letter, *lane;
	int64_t fold_ms;             /* of what is about the same thing, one in such a time; 0: all. A crash loop is one change */
	bool once;                   /* two sources may tell of the same row, known by its key: an alert */
};
extern const struct change_sort change_sorts[];
const struct change_sort *change_sort(struct str name);     /* NULL: no such sort */

/* ---- rows of one kind, `timeline`: what was seen (made by base/chronicle.c) */
extern const struct kind kind_timeline;
enum timeline_col {
	TIMELINE_TIME, TIMELINE_LETTER, TIMELINE_WHAT, TIMELINE_ABOUT, TIMELINE_MODEL, TIMELINE_NAMESPACE, TIMELINE_WHO, TIMELINE_SORT,
	TIMELINE_LANE, TIMELINE_AGE, TIMELINE_KIND, TIMELINE_KEY, TIMELINE_COL_COUNT
};

/* ---- from rows to changes */
enum change_when {
	WHEN_DATED,        /* a row is a change, at the time that its column says */
	WHEN_CHANGED,      /* a value is replaced by another; seen, not dated */
	WHEN_WORSE,        /* its level rises to `least` or over; seen */
	WHEN_BETTER,       /* and falls below it again; seen */
	WHEN_GONE,         /* it is not there any more; seen */
	WHEN_BEGINS,       /* rows of `least` or worse after one that was not, of the same value in a column */
	WHEN_ENDS,         /* and the other way round */
};
struct change_rule {
	const char *kind, *sort;
	enum change_when when;
	const char *col;             /* DATED: the time; CHANGED: the value; BEGINS and ENDS: the time */
	const char *say;             /* base/say.h; '@' is what it is about */
	const char *about;           /* a column; "@" the workload that the row belongs to, with its namespace */
	const char *by;              /* BEGINS, ENDS: the column whose values make the groups */
	enum level least;            /* DATED: rows of a lesser level are left out */
	enum level never;            /* and those of this one: a promotion that was refused changed nothing */
	const char *unless;          /* among changes of now: not where this column is known, for another rule tells it */
	int64_t recent_ms;           /* DATED: only if no older than this when it comes; 0: however old */
	bool shape;                  /* DATED: only rows whose owner is a deployment: a replica set is a rollout */
};
extern const struct change_rule change_rules[];      /* ends with kind NULL */

struct change {
	int64_t time;                /* wall ms */
	const char *letter;          /* on the axis of a chart: "P" */
	const char *sort;            /* of change_sorts */
	const char *kind;            /* and source and key: the row that says so */
	uint16_t source;
	char *key, *text;            /* text: "real_estate_model v7 promoted" */
	char *about;                 /* model, pipeline or node that it is about; never NULL */
};
struct changes { struct change *list; unsigned n; };

/* What a rule makes of a row: when (0: nothing), and in words. old: what it replaces, NULL none; r NULL: it is gone. now: wall
 * ms. Of BEGINS and ENDS all rows of a table tell: change_turns. */
int64_t change_at(const struct change_rule *u, const struct table *t, const struct row *old, const struct row *r, int64_t now);
void change_turns(const struct change_rule *u, const struct table *t, void (*each)(void *arg, const struct row *r), void *arg);
bool change_say(const struct change_rule *u, const struct table *t, const struct row *r, int64_t now, struct buf *text);
void change_about(const struct change_rule *u, const struct table *t, const struct row *r, struct buf *out);
/* A promotion to an earlier version is a way back. */
const char *change_sort_of(const struct change_rule *u, const struct table *t, const struct row *r);
/* "ReplicaSet/app-6d9f7c" belongs to the deployment "app"; another owner is the workload itself, without one the pod. */
struct str workload_of(struct str owner, struct str pod);

/* Kinds that are looked at, so that they may be asked for, each once; NULL: no more. */
const char *changes_kind(unsigned i);
/* Those from..to, oldest first; at most CHANGES_MAX, the newest. c is emptied first. */
#define CHANGES_MAX 2000
void changes_gather(const struct store *s, int64_t from, int64_t to, int64_t now, struct changes *c);
void changes_release(struct changes *c);
#endif
