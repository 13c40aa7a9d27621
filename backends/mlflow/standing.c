/* standing: who is in production now, and who was before. Read anew from the server whenever something is planned, sent or
 * checked: what the catalog remembers may be half a minute old. Servers before 2.3 know stages only, later ones aliases too: there
 * a model is told by its stage where it has none of the usual aliases, nor was one named, and a version of it is in Production. */
#define _GNU_SOURCE
#include "backends/mlflow/mlflow.h"
#include "base/history.h"
#include "base/mem.h"
#include <stdio.h>
#include <stdlib.h>

static bool knows_no_aliases(const struct mlflow *m)
{
	unsigned major = 2, minor = 99;
	if (!strcmp(m->version, "1.x"))
		return true;
	return sscanf(m->version, "%u.%u", &major, &minor) >= 1 && (major < 2 || (major == 2 && minor < 3));
}

/* The alias that leads to the champion: as asked for, as set, else one of the usual names that the model has. NULL: none of these. */
static char *alias_of(struct mlflow *m, const json_t *aliases, struct str asked)
{
	static const char *const usual[] = { "champion", "production", "prod", "live" };
	const char *set = link_setting(m->link, "champion");
	size_t i;
	const json_t *a;
	if (asked.n)
		return str_dup(asked);
	if (set)
		return xstrdup(set);
	for (size_t k = 0; k < ARRAY_SIZE(usual); k++)
		json_array_foreach(aliases, i, a) {
			struct str name = get_text(a, "alias");
			if (str_is_fold(name, usual[k]))
				return str_dup(name);
		}
	return NULL;
}

static int led_to(const json_t *aliases, const char *alias)
{
	size_t i;
	const json_t *a;
	json_array_foreach(aliases, i, a)
		if (str_is(get_text(a, "alias"), alias))
			return (int)get_int(a, "version", -1);
	return -1;
}

struct gather { struct standing *s; struct str model; };

static void take_version(void *arg, const json_t *e)
{
	struct gather *g = arg;
	struct standing *s = g->s;
	const json_t *tags = json_object_get(e, "tags");
	struct str stage = get_text(e, "current_stage");
	int64_t number = get_int(e, "version", -1);
	if (number < 0 || number > INT32_MAX || !str_eq(get_text(e, "name"), g->model))
		return;
	s->versions = xreallocarray(s->versions, s->n + 1, sizeof(*s->versions));
	s->versions[s->n++] = (struct stood){ (int)number, str_is(stage, "Production"), str_is(stage, "Archived"),
		get_tag(tags, "promoted_at") || get_tag(tags, "promoted_by") };
}

static int by_number(const void *a, const void *b)
{
	const struct stood *x = a, *y = b;
	return (x->number > y->number) - (x->number < y->number);
}

static bool read_versions(struct mlflow *m, struct str model, struct standing *s)
{
	struct buf path = { 0 }, filter = { 0 };
	struct gather g = { s, model };
	char quote = memchr(model.p, '\'', model.n) ? '"' : '\'';
	buf_addf(&filter, "name=%c" STR_FMT "%c", quote, STR_ARG(model), quote);
	buf_adds(&path, API "model-versions/search?filter=");
	http_escape(&path, buf_str(&filter));
	buf_addc(&path, '&');
	bool ok = client_list(m, &(struct list_query){ .path = path.data, .name = "model_versions", .page = 1000, .element = take_version,
		.arg = &g });
	if (s->n)
		qsort(s->versions, s->n, sizeof(*s->versions), by_number);
	buf_release(&path);
	buf_release(&filter);
	return ok;
}

static void put_words(struct standing *s)
{
	bool any = false;
	if (!s->stages) {
		buf_addf(&s->words, s->champion >= 0 ? "alias %s: v%d" : "alias %s: none", s->alias, s->champion);
		return;
	}
	buf_adds(&s->words, "stage Production: ");
	for (unsigned i = 0; i < s->n; i++)
		if (s->versions[i].production) {
			buf_addf(&s->words, "%sv%d", any ? "," : "", s->versions[i].number);
			any = true;
		}
	if (!any)
		buf_adds(&s->words, "none");
}

bool standing_read(struct mlflow *m, struct str model, struct str alias, struct standing *s)
{
	struct buf path = { 0 };
	*s = (struct standing){ .champion = -1, .staged = -1 };
	if (!client_version(m))
		return false;
	buf_adds(&path, API "registered-models/get?name=");
	http_escape(&path, model);
	json_t *j = client_json(m, path.data, NULL), *aliases = json_object_get(json_object_get(j, "registered_model"), "aliases");
	bool ok = j && read_versions(m, model, s);
	for (unsigned i = 0; i < s->n; i++)
		if (s->versions[i].production)
			s->staged = s->versions[i].number;
	s->alias = knows_no_aliases(m) ? NULL : alias_of(m, aliases, alias);
	s->stages = !s->alias && (s->staged >= 0 || knows_no_aliases(m));
	if (!s->alias && !s->stages)
		s->alias = xstrdup("champion");
	s->champion = s->stages ? s->staged : led_to(aliases, s->alias);
	put_words(s);
	json_decref(j);
	buf_release(&path);
	return ok;
}

void standing_release(struct standing *s)
{
	free(s->alias);
	free(s->versions);
	buf_release(&s->words);
}

const struct stood *standing_version(const struct standing *s, int number)
{
	for (unsigned i = 0; i < s->n; i++)
		if (s->versions[i].number == number)
			return &s->versions[i];
	return NULL;
}

/* ---- before */

/* Champions one upon the other: going back to one takes off what came after it, so that rolling back twice goes back twice
 * and never to the version that was just left. */
struct stack { int *v; unsigned n; };

static void put_champion(struct stack *s, int number)
{
	for (unsigned i = 0; i < s->n; i++)
		if (s->v[i] == number) {
			s->n = i + 1;
			return;
		}
	s->v = xreallocarray(s->v, s->n + 1, sizeof(*s->v));
	s->v[s->n++] = number;
}

static bool take_champion(void *arg, const struct history_event *e)
{
	int64_t v;
	if (str_to_i64(e->what, &v) && v >= 0 && v <= INT32_MAX)
		put_champion(arg, (int)v);
	return true;
}

int standing_before(struct mlflow *m, struct str model, const struct standing *s)
{
	struct stack stack = { 0 };
	char *subject = str_dup(model);
	int before = -1;
	history_read(link_history(m->link), &(struct history_query){ .kind = "production", .source = link_name(m->link),
		.subject = subject, .limit = 1000 }, take_champion, &stack, NULL);
	if (s->champion >= 0)
		put_champion(&stack, s->champion);
	for (unsigned i = stack.n; before < 0 && i > 0; i--)
		if (stack.v[i - 1] != s->champion && standing_version(s, stack.v[i - 1]))
			before = stack.v[i - 1];
	/* else the newest older one that a stage or tags say was in production */
	for (unsigned i = s->n; before < 0 && i > 0; i--) {
		const struct stood *v = &s->versions[i - 1];
		if (v->number < s->champion && (v->production || v->archived || v->promoted))
			before = v->number;
	}
	free(subject);
	free(stack.v);
	return before;
}
