/* journal: what a runbook was about to do and did, one JSON line a turn, on disk before the turn is made, so that a program that
 * dies leaves behind what the next one needs. One file per runbook, 0600, locked by the living program that carries it out; once
 * it is over the file is called ID.over.jsonl. Lines are redacted as the audit's are. A last line that is torn is not there. */
#ifndef BASE_JOURNAL_H
#define BASE_JOURNAL_H
#include "base/clock.h"
#include "base/str.h"
#include <stddef.h>

struct json_t;
struct journal;

/* Makes folder (0700) and folder/ID.jsonl, locked. NULL and why: not to be written, or there is one of that name. */
struct journal *journal_new(const char *folder, const char *id, const struct clock *clock, char *why, size_t size);
/* Takes over the file of that name. lines gets all that can be read, a JSON array that the caller decrefs. NULL and why; *held: a
 * living program has it. */
struct journal *journal_open(const char *folder, const char *name, const struct clock *clock, struct json_t **lines, bool *held,
                             char *why, size_t size);
/* The first line of a journal that a living program has, a new reference; NULL: there is none, or nobody has it. */
struct json_t *journal_of_another(const char *folder, const char *name);
/* Adds "at" and writes the line; takes it. True: it is on disk. */
bool journal_write(struct journal *j, struct json_t *line, char *why, size_t size);
void journal_over(struct journal *j, bool over);     /* by its name; false: it is taken up again */
void journal_free(struct journal *j);                /* unlocks; NULL is allowed */
/* The id in a name such as "ID.jsonl"; n = 0: no unfinished journal. */
struct str journal_id(const char *name);
#endif
