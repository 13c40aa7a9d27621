/* jumps: figures of endpoints (latency, share of errors) that changed and stayed so. Each row is held against what its figures
 * were; what is beyond them for JUMP_SUSTAIN_MS is told once, with when it began, and is what is held against from then on. */
#ifndef BASE_JUMPS_H
#define BASE_JUMPS_H
#include "base/table.h"

#define JUMP_SUSTAIN_MS 60000

struct jump {
	uint16_t source;
	struct str key;              /* of the row */
	int64_t at;                  /* wall ms: since then */
	bool worse;
	const char *how;             /* "is slower" */
	struct str text;             /* "p50 41 -> 82 ms, errors 0 % -> 12 %"; texts are borrowed for the call */
};
struct jumps;
struct jumps *jumps_new(void);
void jumps_free(struct jumps *j);    /* NULL is allowed */
/* r: as it is now. Nothing is told yet: see jumps_tell. */
void jumps_see(struct jumps *j, const struct table *t, const struct row *r, int64_t now);
void jumps_tell(struct jumps *j, int64_t now, void (*each)(void *arg, const struct jump *x), void *arg);
#endif
