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

/* One letter more, less or other, or two that changed places: tfjobs are no jobs, deploymnets are deployments. */
static bool is_slip(const char *word, const char *name)
{
	size_t n = strlen(word), m = strlen(name), same = 0;
	while (same < n && same < m && word[same] == name[same])
		same++;
	while (n > same && m > same && word[n - 1] == name[m - 1])
		n--, m--;
	word += same, name += same;
	n -= same, m -= same;
	return (n <= 1 && m <= 1) || (n == 2 && m == 2 && word[0] == name[1] && word[1] == name[0]);
}

static const char *slip_of(const char *word, const struct words *known)
{
	for (size_t i = 0; i < known->n; i++)
		if (is_slip(word, known->list[i]))
			return known->list[i];
	return NULL;
}

/* Each word of a rule's pattern; strictly: what is none of those that are known is a mistake, however it is spelt; else only what is a
 * slip of one. */
static void check_words(const struct check *c, const struct yaml *rule, const char *key, const struct words *known,
                        bool (*takes)(const char *pattern, const char *word), bool strictly)
{
	const struct yaml *v = yaml_get(rule, key);
	char *copy = xstrdup(v && v->type == YAML_SCALAR ? v->text.p : ""), *save = NULL;
	for (char *word = strtok_r(copy, "|", &save); word; word = strtok_r(NULL, "|", &save)) {
		bool is_known = strpbrk(word, "*?[") != NULL;
		for (size_t i = 0; i < known->n && !is_known; i++)
			is_known = takes(word, known->list[i]);
		const char *near = is_known ? NULL : strictly ? str_nearest(str_of(word), known->list, known->n) : slip_of(word, known);
		if (!is_known && (strictly || near))
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
	for (; *backends; backends++)
		add_backend(&c, *backends);
	for (unsigned i = 0; i < nown; i++)
		add_backend(&c, own[i]);
	for (unsigned i = 0; i < config->nenvironments; i++)
		add(&c.environments, config->environments[i].name);
	for (unsigned i = 0; i < config->nsources; i++)
		add(&c.sources, config->sources[i].name);
	for (unsigned i = 0; rules && rules->type == YAML_MAP && i < rules->n; i++) {
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
