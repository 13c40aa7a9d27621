/* promotion: what the section `promotions:` of binnacle.yaml says of a model, as the steps and checks of one runbook: JSON, with
 * {model} {version} {previous} {alias} {reason} {user} put in, so that it can be kept in the journal as it was when confirmed.
 *
 *   steps   [{"action", "kind", "name", "source"?, "params": {}, "until"?, "within_ms"?, "pause_ms"?, "line"}]
 *   verify  {"for_ms", "every_ms", "failures", "checks": [{"kind", "name", "source"?, "where"?, "errors_below"?, "slower_below"?,
 *           "probes"?, "predictions"?, "differ_below"?, "say"?}]} */
#ifndef BASE_PROMOTION_H
#define BASE_PROMOTION_H
#include "base/config.h"

struct json_t;
struct promotion_words { const char *model, *version, *previous, *alias, *reason, *user; };   /* NULL: "" */

/* The entry for this model in that registry: the one of its name, else the first wildcard that fits. NULL: there is none. */
const struct yaml *promotion_entry(const struct config *c, const char *model, const char *source);
/* Is this row, or the workload that made this pod, among the steps or checks of the entry? */
bool promotion_names(const struct yaml *entry, struct str kind, struct str key);
bool promotion_holds(const struct yaml *entry);              /* on_failure: hold */
struct json_t *promotion_steps(const struct yaml *entry, const struct promotion_words *w);
/* For a rollback, which goes straight: no pauses, and no step that has one and is repeated later by the same action on the same
 * object: of canary 10, 50, 100 % the last alone. */
void promotion_straight(struct json_t *steps);
struct json_t *promotion_verify(const struct yaml *entry, const struct promotion_words *w);   /* NULL: nothing is verified */
/* text with the words put in. Where the text is a JSON document they are escaped. Caller frees. */
char *promotion_fill(const char *text, const struct promotion_words *w);
/* Mistakes in an entry that can be known without asking a server (promotion_check.c), each put into errors with its place. places: the
 * sources that are configured. steps_alone: gates and verification do not count. */
struct backend;
struct promotion_place { const char *name; const struct backend *backend; };
void promotion_check(const struct yaml *entry, bool steps_alone, const struct promotion_place *places, unsigned n, const char *path,
                     struct config_errors *errors);
#endif
