/* features: the list of features that a check wrote into one text column, in whatever way its program writes lists. */
#ifndef BACKENDS_DRIFT_FEATURES_H
#define BACKENDS_DRIFT_FEATURES_H
#include "base/drift.h"

#define FEATURES_MAX 512        /* of one check; what is beyond is not read */
#define FEATURE_NAME_MAX 200    /* bytes; longer names are cut at a character */

struct feature_seen {
	uint32_t at, len;        /* the name, in the list's text */
	double score;            /* NaN: not said */
	bool drifted;            /* false only where the text says so: {"bed": false} */
	/* Where the check says how it judged this one; else limit NaN and method_len 0: as the source does. */
	double limit;
	enum points points;
	uint32_t method_at, method_len;
};
struct feature_list {
	struct feature_seen *items;
	unsigned n, cap;
	unsigned drifted;        /* how many of them */
	bool complete;           /* the list names all that were checked: some are said not to have drifted */
	struct buf text;         /* the names, one after the other */
};

/* Reads JSON (list, object of scores, flags or records, list of records), Python (list, tuple, set, dict), a
 * PostgreSQL array, or words separated by commas, semicolons or lines, with scores as "bed: 0.3" or "bed=0.3". None,
 * null, NaN, [], {} and blank are an empty list. Any bytes are read: what cannot be understood is taken as a word. The
 * same name twice counts once. The list is emptied first; release it in the end. */
void features_parse(struct feature_list *f, struct str text);
void features_release(struct feature_list *f);
void features_clear(struct feature_list *f);
/* Adds one that is known with all that a check says of it; the same name again counts no more. Blank names are left. */
struct feature_say { struct str name, method; double score, limit; enum points points; bool drifted; };
void features_add(struct feature_list *f, const struct feature_say *s);
struct str feature_name(const struct feature_list *f, unsigned i);
struct str feature_method(const struct feature_list *f, unsigned i);
#endif
