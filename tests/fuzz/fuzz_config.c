/* Any bytes as binnacle.yaml, and as a key to explain: faults have a place and end where they say, what is read is whole. */
#include "base/config.h"
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct config_key inner[] = { { "ca", CONFIG_PATH }, CONFIG_END };
static const struct config_key keys[] = {
	{ "url", CONFIG_URL, .required = true }, { "password", CONFIG_SECRET }, { "every", CONFIG_DURATION },
	{ "most", CONFIG_BYTES }, { "share", CONFIG_REAL }, { "map", CONFIG_MAP }, { "list", CONFIG_LIST },
	{ "mode", CONFIG_ENUM, .choices = "fast|careful" }, { "tls", CONFIG_SECTION, .section = inner }, CONFIG_END
};
static const struct config_type_keys types[] = { { "engine", "an engine", keys }, { NULL, NULL, NULL } };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct config_errors e;
	struct buf out = { 0 };
	struct config *c = config_parse((struct str){ (const char *)data, size }, "f", types, &e);
	if (!c == !e.n)
		abort();
	for (unsigned i = 0; i < e.n; i++)
		if (!e.list[i].what[0] || !memchr(e.list[i].what, 0, sizeof(e.list[i].what)))
			abort();
	for (unsigned i = 0; c && i < c->nsources; i++)
		if (!c->sources[i].name || !c->sources[i].type || !c->sources[i].settings ||
		    (*c->sources[i].environment && !config_environment(c, c->sources[i].environment)))
			abort();
	config_text(c, "theme");
	config_free(c);
	config_errors_release(&e);
	char *key = str_dup((struct str){ (const char *)data, size < 100 ? size : 100 });
	config_explain(key, types, &out);
	free(key);
	buf_release(&out);
	return 0;
}
