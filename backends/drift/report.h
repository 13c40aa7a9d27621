/* report: what a report of Evidently (0.4 to 0.7) or Great Expectations (0.13 to 1.x), written as JSON, says about drift: checks
 * and the features in them. Pure functions: bytes in, checks out. */
#ifndef BACKENDS_DRIFT_REPORT_H
#define BACKENDS_DRIFT_REPORT_H
#include "backends/drift/features.h"
#include "base/ranges.h"

struct report_about {            /* what is known of it from outside */
	struct str name;         /* path in its place, which is also the check's key ("name#2" for a second one) */
	int64_t time;            /* when it was written, wall ms, 0 unknown: for reports that do not say when they were made */
	struct str model;        /* "" = as the report says, else the folder that it is in */
	/* Called for each feature whose histograms are in it, before its check; borrowed for the call. May be NULL: not wanted. */
	void (*range)(void *arg, const struct feature_range *r);
};
enum report_is {
	REPORT_DRIFT,            /* at least one check was found in it */
	REPORT_OTHER,            /* well, but nothing about drift or expectations is in it */
	REPORT_BAD,              /* cannot be read: why says what is wrong */
};
/* Calls fn for each check; all texts are borrowed for the call. Any bytes are read. */
typedef void (*report_fn)(void *arg, const struct drift_check *c, const struct feature_list *f);
enum report_is report_read(struct str text, const struct report_about *about, report_fn fn, void *arg, char *why, size_t size);

/* "2026-11-21T03:31:18.38+00:00", "2026-11-21 03:31:30.58" (taken as UTC) or "20261121T033214.746030Z"; 0: none of these. */
int64_t report_time(struct str s);

/* ---- for the readers of the single forms */
struct json_t;
struct reading {
	const struct report_about *about;
	report_fn fn;
	void *arg;
	unsigned found;
	struct feature_list features;    /* of the check that is being read */
	struct buf key, names;
};
/* Gives the check with the features gathered so far, and starts anew. What the check leaves open is filled in. */
void report_give(struct reading *r, struct drift_check *c);
struct str report_model(const struct reading *r, struct str said);    /* which model it is about */
struct str report_text(const struct json_t *o, const char *key);      /* "" when it is no text */
double report_number(const struct json_t *o, const char *key);        /* NaN when it is none; texts of numbers count */
int report_bool(const struct json_t *o, const char *key);             /* -1 when it is none */
bool report_evidently(struct reading *r, const struct json_t *root);  /* false: not of this form */
bool report_expectations(struct reading *r, const struct json_t *root);
#endif
