/* yaml: a document as a tree that remembers where everything stood, over libyaml. Bounded: depth, size and
 * alias expansion are limited, so that a YAML bomb is an error and not an outage. JSON is YAML enough. */
#ifndef BASE_YAML_H
#define BASE_YAML_H
#include "base/buf.h"

enum yaml_type { YAML_NULL, YAML_SCALAR, YAML_LIST, YAML_MAP };
struct yaml {
	enum yaml_type type;
	unsigned line, column;           /* 1-based */
	bool quoted;                     /* a scalar in quotes: never a number, bool or null */
	struct str text;                 /* scalar, NUL-terminated; "" otherwise */
	unsigned n;                      /* list items or map pairs */
	struct yaml **keys, **items;     /* keys only for maps; both of length n */
};
struct yaml_error { unsigned line, column; char what[200]; };
struct yaml_doc;

/* Parse the first document; NULL and *err when it cannot be. An empty text is a YAML_NULL root. */
struct yaml_doc *yaml_parse(struct str text, struct yaml_error *err);
struct yaml_doc *yaml_load(const char *path, struct yaml_error *err); /* directory, unreadable, > 16 MiB: error */
void yaml_doc_free(struct yaml_doc *d);   /* not yaml_free: libyaml calls a function of that name */
const struct yaml *yaml_root(const struct yaml_doc *d);
const struct yaml *yaml_get(const struct yaml *map, const char *key);   /* NULL: no map or no such key */
const char *yaml_text(const struct yaml *map, const char *key);         /* scalar of a map, or NULL */
/* A scalar of this document that starts with ~/ becomes a path under $HOME: no shell has seen it. */
void yaml_expand_home(struct yaml_doc *d, const struct yaml *scalar);
bool yaml_bool(const struct yaml *map, const char *key, bool otherwise);
#endif
