/* config: `binnacle config check`, `binnacle config explain [KEY]`. */
#include "backends/list.h"
#include "base/guard.h"
#include "base/mem.h"
#include "base/promotion.h"
#include "cli/session.h"
#include <stdio.h>
#include <stdlib.h>

/* What one section alone cannot know: whether the sources are what their settings say, and have what promotions ask of them. */
static void check_sources(const struct config *config, struct config_errors *errors)
{
	const struct yaml *all = yaml_get(config->root, "promotions");
	struct promotion_place *places = xcalloc(config->nsources + 1, sizeof(*places));
	const struct backend **own = xcalloc(config->nsources + 1, sizeof(*own));
	unsigned n = 0;
	for (unsigned i = 0; i < config->nsources; i++) {
		const struct backend *b = session_backend(config, &config->sources[i], errors);
		if (b) {
			own[n] = b;
			places[n++] = (struct promotion_place){ config->sources[i].name, b };
		}
	}
	if (n == config->nsources)
		guards_check(config, backends_all, own, n, errors);
	for (unsigned i = 0; n == config->nsources && all && all->type == YAML_MAP && i < all->n; i++)
		promotion_check(all->items[i], false, places, n, config->path, errors);
	for (unsigned i = 0; i < n; i++)
		if (places[i].backend->unshape)
			places[i].backend->unshape(places[i].backend);
	free(places);
	free(own);
}

static int check(const struct cli *c)
{
	char *path = config_find(c->config);
	if (!path) {
		puts("there is no binnacle.yaml: the current context of the kubeconfig is shown");
		return EXIT_OK;
	}
	struct config_errors errors;
	struct config *config = config_load(path, session_source_types(), &errors);
	if (config)
		check_sources(config, &errors);
	session_print_errors(&errors);
	int look = config && !errors.n ? console_check_look(c, config) : EXIT_USAGE;
	if (look == EXIT_OK)
		printf("%s: well; %u sources, %u environments\n", path, config->nsources, config->nenvironments);
	config_free(config);
	config_errors_release(&errors);
	free(path);
	return look;
}

static int explain(const char *key)
{
	struct buf out = { 0 };
	bool found = config_explain(key, session_source_types(), &out);
	if (found)
		fputs(out.data, stdout);
	else
		fprintf(stderr, "binnacle: %s\n", out.data);
	buf_release(&out);
	return found ? EXIT_OK : EXIT_USAGE;
}

int cli_config(struct cli *c)
{
	if (c->nargs && strcmp(c->args[0], "check") == 0)
		return check(c);
	if (c->nargs && strcmp(c->args[0], "explain") == 0)
		return explain(c->nargs > 1 ? c->args[1] : "");
	fputs("binnacle: config check, or config explain [KEY]\n", stderr);
	return EXIT_USAGE;
}
