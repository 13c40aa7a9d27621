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
/* Adds time, user, host, pid, seq, prev to event (borrowed) and writes one line, flushed. 0, or -1 and why. */
int audit_write(struct audit *a, const struct json_t *event, char *why, size_t size);
/* Every line of the file, oldest first; fn gets NULL for a line that is not JSON. False from fn ends. Chain errors
 * are counted. Returns lines read or -1 and why. */
typedef bool (*audit_line_fn)(void *arg, unsigned line, const struct json_t *event, bool chain_ok);
long audit_read(const char *path, audit_line_fn fn, void *arg, char *why, size_t size);
#endif
