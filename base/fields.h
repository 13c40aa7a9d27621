/* fields: what somebody gave for a parameter of an action, as text, becomes the JSON that its field says, wherever it was given: in a
 * form or on a command line. */
#ifndef BASE_FIELDS_H
#define BASE_FIELDS_H
#include "base/action.h"

/* The value as JSON; NULL and *why (to be freed) when it is not one; NULL and no why: left empty. */
struct json_t *field_read(const struct field *f, struct str s, char **why);
/* "NAME=VALUE" into params, after the fields of that action. False and *why (to be freed): it has no such parameter, or not such a
 * value. Of an action whose fields the source makes (`asked`), NAME.PART is let through: the source judges it. */
bool fields_take(const struct action *a, struct json_t *params, struct str word, char **why);
/* What has to be given and was not: "replicas=... is needed: how many pods there are to be", caller frees; NULL: nothing. */
char *fields_missing(const struct action *a, const struct json_t *params);
/* "a whole number from 0 to 10000, needed; how many pods there are to be" */
void field_say(const struct field *f, struct buf *out);
#endif
