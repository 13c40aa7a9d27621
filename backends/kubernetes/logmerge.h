/* logmerge: lines of several containers put into order of time. Each input is in order of its own; a line goes out when
 * every other input that is still alive has shown a later one, or has shown nothing for a short while. Bounded in bytes:
 * when full, the oldest line goes out at once. No clock and no network of its own. */
#ifndef KUBERNETES_LOGMERGE_H
#define KUBERNETES_LOGMERGE_H
#include "base/buf.h"

struct logmerge;
struct logmerge *logmerge_new(int64_t window_ms, size_t max_bytes);
void logmerge_free(struct logmerge *m);
/* A new input; where is what stands before its lines. It is waited for (up to ten windows) until it was fed once. */
unsigned logmerge_open(struct logmerge *m, const char *where, int64_t now);
void logmerge_close(struct logmerge *m, unsigned input);    /* nothing more comes; its lines still go out */
/* Whole lines (each ends with '\n'), as the server sent them with timestamps; now is mono ms. */
void logmerge_feed(struct logmerge *m, unsigned input, struct str lines, int64_t now);
/* Appends the lines that may go out (at most about max_bytes) in the form of base/logline.h. Returns when to call again
 * (mono ms), INT64_MAX when nothing waits; `now` when it stopped for max_bytes. */
int64_t logmerge_take(struct logmerge *m, int64_t now, size_t max_bytes, struct buf *out);
#endif
