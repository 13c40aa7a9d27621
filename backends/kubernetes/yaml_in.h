/* yaml_in: YAML that a person wrote as the JSON that the API server would make of it, and what differs between two objects
 * as a JSON merge patch (RFC 7386). No server here. */
#ifndef BACKENDS_KUBERNETES_YAML_IN_H
#define BACKENDS_KUBERNETES_YAML_IN_H
#include "base/buf.h"
#include <jansson.h>

/* The first document: an object. NULL and why ("line 12: ...") when it cannot be read or is none. */
json_t *yaml_read(struct str text, char *why, size_t size);
/* The line of the field that an error of the API server names ("spec.replicas", "spec.template.spec.containers[0].image"), or of
 * the nearest above it that stands there; 0: it names none. */
unsigned yaml_line_named(struct str text, const char *error);
/* What has to be sent to make `to` of `from`: {} when they are the same. Lists are sent whole. */
json_t *merge_diff(const json_t *from, const json_t *to);
/* `onto` (borrowed) with the patch applied: a new value. */
json_t *merge_apply(const json_t *onto, const json_t *patch);
/* Paths ("spec.replicas") at which the two patches want different things, appended with commas; how many. */
unsigned merge_clash(const json_t *one, const json_t *other, const char *path, struct buf *out);
#endif
