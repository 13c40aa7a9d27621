/* yaml_out: a JSON document as YAML, in the form kubectl prints: keys in natural order, lists not indented under their
 * key, quotes only where the text would be read as something else. */
#ifndef BACKENDS_KUBERNETES_YAML_OUT_H
#define BACKENDS_KUBERNETES_YAML_OUT_H
#include "base/buf.h"
#include <jansson.h>

/* Appends doc. indent is the column of its keys. folded: when not NULL, what to say in place of metadata.managedFields
 * (one line, as a comment). */
void yaml_write(struct buf *out, const json_t *doc, int indent, const char *folded);
/* A text as a YAML scalar that reads back as exactly this text; indent is of the line's own keys. */
void yaml_write_text(struct buf *out, struct str s, int indent);
#endif
