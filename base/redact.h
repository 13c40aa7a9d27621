/* redact: takes secrets out of a document before it is written anywhere. Requests carry them in places that
 * nobody thinks of: a pod template's environment, a basic-auth URL, a manifest inside an annotation. What is
 * masked becomes "***"; everything else stays as it was. */
#ifndef BASE_REDACT_H
#define BASE_REDACT_H
#include "base/str.h"

struct json_t;
#define REDACT_MASK "***"

/* A new document without secrets (caller decrefs): values under names such as password or token, data of a
 * Secret, values of environment variables, passwords in URLs and assignments, and all of these again
 * inside texts that are JSON themselves. doc is borrowed; NULL gives null. */
struct json_t *redact_json(const struct json_t *doc);
/* The same for a plain text; caller frees. */
char *redact_text(struct str text);
#endif
