/* Any bytes as YAML: what is read is a tree whose texts end where they say, within bounds; what is not says why. */
#include "base/yaml.h"
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static size_t walk(const struct yaml *y, unsigned depth)
{
	size_t n = 1;
	if (!y || depth > 200 || !y->line || !y->column)
		abort();
	if (y->type == YAML_SCALAR && y->text.p[y->text.n])
		abort();
	for (unsigned i = 0; i < y->n; i++) {
		n += walk(y->items[i], depth + 1);
		if (y->type == YAML_MAP)
			n += walk(y->keys[i], depth + 1);
	}
	return n;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct yaml_error err = { 0 };
	struct yaml_doc *d = yaml_parse((struct str){ (const char *)data, size }, &err);
	if (d) {
		walk(yaml_root(d), 0);
		yaml_get(yaml_root(d), "a");
		yaml_bool(yaml_root(d), "b", true);
	} else if (!err.what[0] || !memchr(err.what, 0, sizeof(err.what))) {
		abort();
	}
	yaml_doc_free(d);
	return 0;
}
