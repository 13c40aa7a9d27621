/* audit_copy: copies of the audit trail elsewhere, as advice: the file is the truth, is written first, and neither waits for a
 * copy nor fails with one. A thread follows the file from the line that was copied last, which it remembers beside the
 * file; after an outage, or a program that ended at once, it catches up from there, once for all programs that share it. */
#ifndef BASE_AUDIT_COPY_H
#define BASE_AUDIT_COPY_H
#include "base/config.h"
#include <stdatomic.h>

extern const struct config_key audit_keys[];     /* of the section `audit:` */

/* Where lines go. put runs on the copy's thread: takes up to n lines in order (without newlines) and returns how many are safe
 * there now; fewer than n: *why (caller frees) says what is wrong, and the rest comes again later. A line may come twice. */
struct audit_sink {
	const char *name;                /* "postgres": part of the name of the file that remembers */
	unsigned (*put)(void *arg, const struct str *lines, unsigned n, char **why);
	void (*free)(void *arg);
	void *arg;
};
struct audit_copy;
/* path: of the audit file, from whose beginning all is copied. Takes what sink->arg is; closing is raised when all waiting has to
 * end. */
struct audit_copy *audit_copy_new(const char *path, const struct audit_sink *sink, atomic_bool *closing);
/* Gives it up to wait_ms to come to the end of the file. NULL is allowed. */
void audit_copy_free(struct audit_copy *c, int wait_ms);
/* "the copy in postgres is behind: SENTENCE"; nothing is appended when it is not. Any thread. */
void audit_copy_say(struct audit_copy *c, struct buf *out);
/* Lines as syslog messages of this facility ("authpriv"): without their plan, with their hash. */
struct audit_sink audit_syslog(const char *facility);
#endif
