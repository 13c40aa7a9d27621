/* logresume: where a followed log was when it was cut, so that it goes on without loss or repetition.
 *
 * The server starts again only at whole seconds (sinceTime), and sends again what it has since then. So the raw end of
 * what came is kept (a copy per chunk, no work per line); only after a cut it is taken apart: lines that are among
 * those kept, by time and content, are left out once each. When more came within the second than is kept, lines
 * older than the oldest kept one were seen too. */
#ifndef KUBERNETES_LOGRESUME_H
#define KUBERNETES_LOGRESUME_H
#include "base/buf.h"

struct logresume {
	struct buf tail;             /* the last whole lines, at most `keep` bytes */
	size_t keep;
	bool cut_front;              /* tail is not all that came */
	/* while lines are compared, after a cut: */
	uint64_t *seen;              /* sorted hashes of lines; a one that was met again is 0 in left[] */
	unsigned char *left;
	unsigned n;
	int64_t oldest, newest;      /* ns, of the lines kept */
	bool comparing;
};
void logresume_init(struct logresume *r, size_t keep);
void logresume_release(struct logresume *r);
void logresume_note(struct logresume *r, struct str lines);    /* whole lines that were handed on */
/* The stream broke. True: since[24] is the sinceTime to ask for ("2026-11-21T03:11:58Z"), and logresume_filter takes out
 * what was seen. False: nothing with a time ever came: ask as the first time. */
bool logresume_cut(struct logresume *r, char since[24]);
/* Appends those of the lines that are new. */
void logresume_filter(struct logresume *r, struct str lines, struct buf *out);
#endif
