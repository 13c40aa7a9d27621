/* guard_check: see guards_check() in guard.h. */
#define _GNU_SOURCE
#include "base/action.h"
#include "base/guard.h"
#include "base/kinds.h"
#include "base/mem.h"
#include "base/source.h"
#include <stdlib.h>

struct words { const char **list; size_t n; };
struct check {
	const struct config *config;
	struct words environments, sources, kinds, actions;
	struct config_errors *errors;
};

static void add(struct words *w, const char *word)
{
	w->list = xreallocarray(w->list, w->n + 1, sizeof(*w->list));
	w->list[w->n++] = word;
}

static void add_backend(struct check *c, const struct backend *b)
{
	for (const struct kind *const *k = b->kinds; k && *k; k++)
		add(&c->kinds, (*k)->name);
	for (const struct action *const *a = b->actions; a && *a; a++)
		add(&c->actions, (*a)->name);
}

/* Each word of a rule's pattern; strictly: what is none of those that are known is a mistake, however it is spelt; else only what is a
 * slip of one: deploymnets are deployments, tfjobs are no jobs. */
static void check_words(const struct check *c, const struct yaml *rule, const char *key, const struct words *known,
                        bool (*takes)(const char *pattern, const char *word), bool strictly)
{
	const struct yaml *v = yaml_get(rule, key);
	char *copy = xstrdup(v && v->type == YAML_SCALAR ? v->text.p : ""), *save = NULL;
	for (char *word = strtok_r(copy, "|", &save); word; word = strtok_r(NULL, "|", &save)) {
		bool is_known = strpbrk(word, "*?[") != NULL;
		for (size_t i = 0; i < known->n && !is_known; i++)
			is_known = takes(word, known->list[i]);
		if (is_known)
			continue;
		const char *near = strictly ? str_nearest(str_of(word), known->list, known->n)
			: str_nearest_within(str_of(word), known->list, known->n, 1);
		if (strictly || near)
			config_complain(c->errors, c->config->path, v, "no %s '%s'%s%s%s; as it is, this guard would hold for nothing", key, word,
			                near ? "; did you mean '" : "", near ? near : "", near ? "'?" : "");
	}
	free(copy);
}

void guards_check(const struct config *config, const struct backend *const *backends, const struct backend *const *own, unsigned nown,
                  struct config_errors *errors)
{
	const struct yaml *rules = yaml_get(config->root, "guards");
	struct check c = { .config = config, .errors = errors };
	if (!rules || rules->type != YAML_MAP)
		return;
	for (; *backends; backends++)
		add_backend(&c, *backends);
	for (unsigned i = 0; i < nown; i++)
		add_backend(&c, own[i]);
	for (unsigned i = 0; i < config->nenvironments; i++)
		add(&c.environments, config->environments[i].name);
	for (unsigned i = 0; i < config->nsources; i++)
		add(&c.sources, config->sources[i].name);
	for (unsigned i = 0; i < rules->n; i++) {
		check_words(&c, rules->items[i], "environment", &c.environments, guard_word_takes, true);
		check_words(&c, rules->items[i], "source", &c.sources, guard_word_takes, false);
		check_words(&c, rules->items[i], "kind", &c.kinds, guard_kind_takes, false);
		check_words(&c, rules->items[i], "action", &c.actions, guard_word_takes, true);
	}
	free(c.environments.list);
	free(c.sources.list);
	free(c.kinds.list);
	free(c.actions.list);
}
