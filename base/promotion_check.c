/* promotion_check: mistakes in `promotions:` that can be known without asking a server, each with its place in the file: a source,
 * action, parameter, kind, column or {word} that there is not, a gate that looks at nothing or at two things, a check that checks
 * nothing. They are found by `config check`, and before a promotion begins: not by its third step, in the night. */
#include "base/action.h"
#include "base/filter.h"
#include "base/fmt.h"
#include "base/gates.h"
#include "base/kinds.h"
#include "base/mem.h"
#include "base/promotion.h"
#include "base/window.h"
#include <stdlib.h>

enum { MOST_NAMES = 64 };
struct look { const char *path; const struct promotion_place *places; unsigned n; struct config_errors *errors; };
struct names { const char *list[MOST_NAMES]; size_t n; };

#define WRONG(l, at, ...) config_complain((l)->errors, (l)->path, at, __VA_ARGS__)

/* ---- names that there are */

static void add_name(struct names *to, const char *name)
{
	for (size_t i = 0; i < to->n; i++)
		if (!strcmp(to->list[i], name))
			return;
	if (to->n < MOST_NAMES)
		to->list[to->n++] = name;
}

/* "; did you mean 'reload'?; there are: reload, warm-up" */
static char *instead(const struct names *of, const char *word)
{
	struct buf b = { 0 };
	const char *near = str_nearest(str_of(word), of->list, of->n);
	if (near)
		buf_addf(&b, "; did you mean '%s'?", near);
	for (size_t i = 0; i < of->n && i < 12; i++)
		buf_addf(&b, "%s%s", i ? ", " : "; there are: ", of->list[i]);
	return b.len ? buf_detach(&b) : xstrdup("");
}

static void no_such(const struct look *l, const struct yaml *at, const char *what, const char *word, const struct names *of)
{
	char *more = instead(of, word);
	WRONG(l, at, "%s '%s'%s", what, word, more);
	free(more);
}

static const struct promotion_place *place_of(const struct look *l, const char *name)
{
	for (unsigned i = 0; i < l->n; i++)
		if (!strcmp(l->places[i].name, name))
			return &l->places[i];
	return NULL;
}

/* False: the source that is named is none. */
static bool check_source(const struct look *l, const struct yaml *of, const struct promotion_place **place)
{
	const char *name = yaml_text(of, "source");
	struct names names = { .n = 0 };
	*place = name ? place_of(l, name) : NULL;
	if (!name || *place)
		return true;
	for (unsigned i = 0; i < l->n; i++)
		add_name(&names, l->places[i].name);
	no_such(l, yaml_get(of, "source"), "there is no source", name, &names);
	return false;
}

/* The kind whose singular or short name this is: rows are named by the plural alone here. */
static const char *meant_by(const char *word)
{
	for (const struct kind *const *k = kinds_all; *k; k++)
		if (kind_answers_to(*k, str_of(word)))
			return (*k)->name;
	return NULL;
}

/* Of rows that are looked at: one of the sources (or that one) fills the kind, or what it serves is known only when it runs. */
static void check_kind(const struct look *l, const struct yaml *of, const char *key, const struct promotion_place *only)
{
	const char *kind = yaml_text(of, key), *meant = kind && !kind_named(kind) ? meant_by(kind) : NULL;
	struct names names = { .n = 0 };
	if (!kind)
		return;
	for (unsigned i = 0; i < l->n; i++) {
		const struct backend *b = l->places[i].backend;
		if ((!only || only == &l->places[i]) && (backend_fills(b, kind) || (!kind_named(kind) && !meant && backend_fills(b, "pods"))))
			return;
		for (const struct kind *const *k = b->kinds; (!only || only == &l->places[i]) && k && *k; k++)
			add_name(&names, (*k)->name);
	}
	if (meant)
		WRONG(l, yaml_get(of, key), "no kind '%s' here; write '%s'", kind, meant);
	else if (kind_named(kind))
		WRONG(l, yaml_get(of, key), "no source that is configured shows '%s'", kind);
	else
		no_such(l, yaml_get(of, key), "no source that is configured shows", kind, &names);
}

/* ---- texts */

static void check_words(const struct look *l, const struct yaml *text, bool gate)
{
	static const char *const words[] = { "model", "version", "previous", "alias", "reason", "user" };
	const struct names there = { .list = { "{model}", "{version}", "{previous}", "{alias}", "{reason}", "{user}" }, .n = gate ? 3 : 6 };
	if (!text || text->type != YAML_SCALAR)
		return;
	for (const char *p = text->text.p; (p = strchr(p, '{')); p++) {
		size_t n = strspn(p + 1, "abcdefghijklmnopqrstuvwxyz_"), k = 0;
		if (!n || p[n + 1] != '}' || (p > text->text.p && p[-1] == '{'))
			continue;
		while (k < there.n && !str_is((struct str){ p + 1, n }, words[k]))
			k++;
		if (k < there.n)
			continue;
		char *word = str_dup((struct str){ p, n + 2 });
		no_such(l, text, "nothing is put in for", word, &there);
		free(word);
	}
}

/* A filter over rows of that kind; of kinds that only a server knows it is read when it is used. */
static void check_filter(const struct look *l, const struct yaml *text, const char *kind, bool gate)
{
	const struct kind *k = kind ? kind_named(kind) : NULL;
	const struct promotion_words any = { "m", "1", "1", "champion", "because", "somebody" };
	struct filter_error err;
	check_words(l, text, gate);
	if (!text || !k || text->type != YAML_SCALAR)
		return;
	char *filled = promotion_fill(text->text.p, &any);
	struct filter *f = filter_parse(filled, k, &err);
	if (!f)
		WRONG(l, text, "in the filter: %s", err.what);
	filter_free(f);
	free(filled);
}

static void check_share(const struct look *l, const struct yaml *of, const char *key)
{
	const struct yaml *v = yaml_get(of, key);
	double share;
	if (v && !(v->type == YAML_SCALAR && ratio_parse(v->text, &share)))
		WRONG(l, v, "'%s' is no value of '%s', which is a share such as 2%%", v->text.p, key);
}

/* ---- steps */

static const struct action *action_of(const struct look *l, const char *name, const char *kind, const struct promotion_place *only,
                                      unsigned *n)
{
	const struct action *found = NULL;
	*n = 0;
	for (unsigned i = 0; i < l->n; i++) {
		const struct action *a = !only || only == &l->places[i] ? action_find(l->places[i].backend, name, kind) : NULL;
		found = a ? a : found;
		*n += a != NULL;
	}
	return found;
}

static void no_action(const struct look *l, const struct yaml *step, const char *name, const char *kind, const struct promotion_place *only)
{
	const char *meant = meant_by(kind);
	struct names names = { .n = 0 };
	unsigned n;
	if (meant && strcmp(meant, kind) && action_of(l, name, meant, only, &n)) {
		WRONG(l, yaml_get(step, "kind"), "no kind '%s' here; write '%s'", kind, meant);
		return;
	}
	for (unsigned i = 0; i < l->n; i++)
		for (const struct action *const *a = l->places[i].backend->actions; (!only || only == &l->places[i]) && a && *a; a++)
			if (action_find(l->places[i].backend, (*a)->name, kind) && !(*a)->terminal)
				add_name(&names, (*a)->name);
	char *more = names.n ? instead(&names, name) : xstrdup(": nothing can be done to that kind here");
	struct buf says = { 0 };
	buf_addf(&says, only ? "'%s' has no" : "no source has an", only ? only->name : "");
	WRONG(l, yaml_get(step, "action"), "%s action '%s' on %s%s", says.data, name, kind, more);
	buf_release(&says);
	free(more);
}

/* Parameters that the action does not have would be left out in silence. */
static void check_params(const struct look *l, const struct yaml *step, const struct action *a)
{
	const struct yaml *params = yaml_get(step, "params");
	struct names names = { .n = 0 };
	bool asked = false;
	for (const struct field *f = a->fields; f && f->name; f++) {
		add_name(&names, f->name);
		asked |= f->asked;
	}
	for (unsigned i = 0; params && params->type == YAML_MAP && i < params->n; i++) {
		const struct yaml *v = params->items[i];
		const struct field *f = a->fields;
		int64_t count;
		while (f && f->name && !str_is(params->keys[i]->text, f->name))
			f++;
		bool known = f && f->name, filled = v->type == YAML_SCALAR && strchr(v->text.p, '{');
		if (!known && !asked)
			no_such(l, params->keys[i], "this action has no parameter", params->keys[i]->text.p, &names);
		else if (known && !filled && f->type == FIELD_COUNT && f->max > f->min &&
		         !(str_to_i64(v->text, &count) && count >= f->min && count <= f->max))
			WRONG(l, v, "'%s' is no value of '%s', which is from %lld to %lld", v->text.p, f->name, (long long)f->min, (long long)f->max);
		check_words(l, v, false);
	}
	for (const struct field *f = a->fields; f && f->name; f++)
		if (f->required && !f->otherwise && !yaml_get(params, f->name))
			WRONG(l, params ? params : step, "the parameter '%s' is missing", f->name);
}

static void check_step(const struct look *l, const struct yaml *step)
{
	const char *name = yaml_text(step, "action"), *kind = yaml_text(step, "kind");
	const struct promotion_place *only;
	unsigned n;
	if (!name || !kind || !check_source(l, step, &only))
		return;
	const struct action *a = action_of(l, name, kind, only, &n);
	if (!a)
		no_action(l, step, name, kind, only);
	else if (n > 1)
		WRONG(l, yaml_get(step, "action"), "%u sources offer '%s' on %s: say which one (source)", n, name, kind);
	else
		check_params(l, step, a);
	check_words(l, yaml_get(step, "name"), false);
	/* of what triggers, the row that comes of it is looked at */
	check_filter(l, yaml_get(step, "until"), !strcmp(name, "trigger") && !strcmp(kind, "pipelines") ? "runs" : kind, false);
	if (yaml_get(step, "within") && !yaml_get(step, "until"))
		WRONG(l, yaml_get(step, "within"), "'within' is how long 'until' is waited for, and there is no 'until'");
}

/* ---- gates */

struct gate_part { const char *name, *of; };

static void check_gate_parts(const struct look *l, const struct yaml *gate)
{
	static const struct gate_part parts[] = { { "metric", NULL }, { "tag", NULL }, { "trained_within", NULL }, { "none", NULL }, { "some", NULL },
		{ "signature", NULL }, { "freeze", NULL }, { "predictions", NULL }, { "latency", NULL }, { "at_least", "metric" },
		{ "at_most", "metric" }, { "better_by", "metric" }, { "worse_at_most", "metric" }, { "direction", "metric" }, { "is", "tag" },
		{ "within", "tag" }, { "where", "none or some" }, { "differ_below", "predictions" }, { "below", "latency" }, { "zone", "freeze" } };
	const char *first = NULL;
	for (size_t i = 0; i < ARRAY_SIZE(parts); i++) {
		const struct yaml *v = yaml_get(gate, parts[i].name);
		if (v && !parts[i].of && first)
			WRONG(l, v, "a gate looks at one thing, and this at '%s' and '%s': make two of it", first, parts[i].name);
		else if (v && !parts[i].of)
			first = parts[i].name;
		else if (v && first && !strstr(parts[i].of, first))
			WRONG(l, v, "'%s' belongs to '%s', not to '%s'", parts[i].name, parts[i].of, first);
	}
	if (!first)
		WRONG(l, gate, "a gate that looks at nothing: metric, tag, trained_within, none, some, signature, freeze, predictions or latency");
	else if (!strcmp(first, "metric") && !yaml_get(gate, "at_least") && !yaml_get(gate, "at_most") && !yaml_get(gate, "better_by") &&
	         !yaml_get(gate, "worse_at_most"))
		WRONG(l, gate, "what is wanted of the metric is missing: at_least, at_most, better_by or worse_at_most");
	if (yaml_get(gate, "better_by") && yaml_get(gate, "worse_at_most"))
		WRONG(l, yaml_get(gate, "worse_at_most"), "of 'better_by' and 'worse_at_most' only one can hold: make two gates of it");
}

static void check_gate(const struct look *l, const struct yaml *gate)
{
	const struct yaml *freeze = yaml_get(gate, "freeze");
	const char *why;
	struct window w;
	check_gate_parts(l, gate);
	for (size_t i = 0; i < 3; i++)
		check_share(l, gate, (const char *const[]){ "better_by", "worse_at_most", "differ_below" }[i]);
	for (unsigned i = 0; freeze && freeze->type == YAML_LIST && i < freeze->n; i++)
		if (!window_parse(freeze->items[i]->text, &w, &why))
			WRONG(l, freeze->items[i], "'%s': %s", freeze->items[i]->text.p, why);
	check_kind(l, gate, "none", NULL);
	check_kind(l, gate, "some", NULL);
	check_filter(l, yaml_get(gate, "where"), yaml_text(gate, "none") ? yaml_text(gate, "none") : yaml_text(gate, "some"), true);
	check_words(l, yaml_get(gate, "is"), true);
	if (yaml_get(gate, "predictions") && !yaml_get(gate, "differ_below"))
		WRONG(l, yaml_get(gate, "predictions"), "by how much the predictions may differ is missing: differ_below: 25%%");
	if (yaml_get(gate, "latency") && !yaml_get(gate, "below"))
		WRONG(l, yaml_get(gate, "latency"), "what the latency must be below is missing: below: 300ms");
}

/* ---- what is verified */

static void check_check(const struct look *l, const struct yaml *check)
{
	static const char *const shares[] = { "errors_below", "slower_below", "differ_below" };
	const struct promotion_place *only;
	if (!check_source(l, check, &only))
		return;
	check_kind(l, check, "kind", only);
	check_words(l, yaml_get(check, "name"), false);
	check_filter(l, yaml_get(check, "where"), yaml_text(check, "kind"), false);
	for (size_t i = 0; i < ARRAY_SIZE(shares); i++)
		check_share(l, check, shares[i]);
	if (!yaml_get(check, "where") && !yaml_get(check, "errors_below") && !yaml_get(check, "slower_below") && !yaml_get(check, "predictions"))
		WRONG(l, check, "a check that looks at nothing: where, errors_below, slower_below or predictions");
	if (yaml_get(check, "differ_below") && !yaml_get(check, "predictions"))
		WRONG(l, yaml_get(check, "differ_below"), "how many inputs are predicted again is missing: predictions: 20");
}

static void check_verify(const struct look *l, const struct yaml *verify)
{
	const struct yaml *checks = yaml_get(verify, "checks"), *failures = yaml_get(verify, "failures");
	if (verify && verify->type == YAML_MAP && (!checks || !checks->n))
		WRONG(l, verify, "it has no checks, so nothing would be verified");
	if (failures && atoi(failures->text.p) < 1)
		WRONG(l, failures, "after how many failures in a row all goes back is at least 1");
	for (unsigned i = 0; checks && checks->type == YAML_LIST && i < checks->n; i++)
		check_check(l, checks->items[i]);
}

void promotion_check(const struct yaml *entry, bool steps_alone, const struct promotion_place *places, unsigned n, const char *path,
                     struct config_errors *errors)
{
	const struct look l = { path, places, n, errors };
	const struct yaml *steps = yaml_get(entry, "steps"), *gates = yaml_get(entry, "gates");
	const struct promotion_place *registry;
	if (check_source(&l, entry, &registry) && registry && !action_find(registry->backend, "promote", "versions"))
		WRONG(&l, yaml_get(entry, "source"), "'%s' is no registry of models", registry->name);
	for (unsigned i = 0; !steps_alone && gates && gates->type == YAML_LIST && i < gates->n; i++)
		check_gate(&l, gates->items[i]);
	for (unsigned i = 0; steps && steps->type == YAML_LIST && i < steps->n; i++)
		check_step(&l, steps->items[i]);
	if (!steps_alone)
		check_verify(&l, yaml_get(entry, "verify"));
}
