/* gates_in: what the files of the gates share. gates.c reads, asks and says when all is decided; gates_judge.c decides each;
 * gates_compare.c lays both versions side by side. */
#ifndef BASE_GATES_IN_H
#define BASE_GATES_IN_H
#include "base/gates.h"
#include "base/sample.h"
#include <jansson.h>

enum { CHALLENGER, CHAMPION };
struct wanted {                      /* a version in full */
	struct gates *g;
	uint64_t id;                     /* 0: not asked, or over */
	json_t *json;                    /* NULL: not yet, or error */
	char *error;
	bool in;
};
struct gates_private {
	const struct yaml *entry;
	struct source *registry;
	struct store *store;
	struct source **sources; unsigned nsources;
	const struct clock *clock;
	char *model, *version, *champion, *zone;   /* zone may be NULL */
	struct wanted of[2];
	struct sample **samples;         /* one for each gate; NULL: it has none, or not yet */
	int64_t began;                   /* mono ms */
	bool late;                       /* waited long enough: what is not known by now cannot be told */
	json_t *comparison;
};

/* What a gate found: goes into g->list[i]. say is released by the caller. */
struct judged { enum gate_result is; struct buf say; };

const struct yaml *gate_entry(const struct gates *g, unsigned i);
/* A text of the gate with {model} {version} {previous} put in; NULL: not set. Caller frees. */
char *gate_text(const struct gates *g, const struct yaml *gate, const char *key);
void gate_judge(struct gates *g, unsigned i, int64_t wall, struct judged *j);
/* The endpoint of a name, else the one that serves that version; NULL. */
const struct row *gate_endpoint(const struct gates *g, const char *name, const char *version);
/* 612,400 or 0.4132 */
void gate_number(double v, struct buf *out);
/* What gates_comparison() gives; the caller owns it. */
json_t *gates_compare(const struct gates *g, int64_t wall);
#endif
