/* audit: who did what, where, by which plan, and how it ended. JSON Lines, 0600, appended and fsynced before the
 * request leaves; each line carries the SHA-256 of the line before it. If a line cannot be written, the
 * action does not run. */
#ifndef BASE_AUDIT_H
#define BASE_AUDIT_H
#include "base/clock.h"
#include "base/str.h"

struct json_t;
struct audit;

/* Opens (makes, 0600, parents 0700) path, or reports why not in why[size]; then audit_write always fails. */
struct audit *audit_open(const char *path, const struct clock *clock, char *why, size_t size);
void audit_close(struct audit *a);
const char *audit_path(const struct audit *a);
/* Who acts, by the user of this process: what lines name, tags, silences, acknowledgements, runbooks and approvals too, so that nobody
 * acts under a name that they gave to $USER. Of root, who may be anyone: whom sudo, else su says. Any thread; caller frees. */
char *audit_who(void);
const char *audit_user(const struct audit *a);       /* whose name the lines carry; a may be NULL: "" */
/* Adds time, user, host, pid, seq, prev to event (borrowed) and writes one line, flushed. 0, or -1 and why. */
int audit_write(struct audit *a, const struct json_t *event, char *why, size_t size);
/* The same, if `may` says so while no other program can write: what it decides by earlier lines holds. False from may: it
 * has filled why. NULL: always. */
typedef bool (*audit_may_fn)(void *arg, char *why, size_t size);
int audit_write_if(struct audit *a, const struct json_t *event, audit_may_fn may, void *arg, char *why, size_t size);
/* Events from wall_ms on, newest first, lines that are not JSON left out; false from fn ends. Their number, or -1 and why.
 * A file that is not there has none. */
typedef bool (*audit_event_fn)(void *arg, const struct json_t *event);
long audit_since(const struct audit *a, int64_t wall_ms, audit_event_fn fn, void *arg, char *why, size_t size);
/* Every line of the file, oldest first; fn gets NULL for a line that is not JSON. False from fn ends. Chain errors
 * are counted. Returns lines read or -1 and why. */
typedef bool (*audit_line_fn)(void *arg, unsigned line, const struct json_t *event, bool chain_ok);
long audit_read(const char *path, audit_line_fn fn, void *arg, char *why, size_t size);
#endif
