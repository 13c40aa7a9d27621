/* promotion: see promotion.h; and the tables of the section's settings. */
#define _GNU_SOURCE
#include "base/promotion.h"
#include "base/fmt.h"
#include "base/mem.h"
#include "base/runbook.h"
#include <fnmatch.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

static const struct config_key step_keys[] = {
	{ "action", CONFIG_TEXT, .required = true, .help = "What to do: an action of that source, such as reload, restart, canary or trigger." },
	{ "kind", CONFIG_TEXT, .required = true, .help = "The kind of the row to do it to, such as deployments or modelendpoints." },
	{ "name", CONFIG_TEXT, .required = true, .help = "The row: its key (NAMESPACE/NAME in a cluster) or its name." },
	{ "source", CONFIG_TEXT, .help = "The source that does it; may be left out where only one can." },
	{ "params", CONFIG_MAP, .help = "Parameters of the action, as its form asks for them; of a reload the version is set by itself." },
	{ "until", CONFIG_TEXT, .help = "The step is through when the row fits this filter, such as ready=3/3; of `trigger` the run's row: status=success." },
	{ "within", CONFIG_DURATION, "5m", .help = "How long to wait for `until`; after that the step has failed." },
	{ "pause", CONFIG_DURATION, .help = "How long to wait after the step, before the next. A rollback does not wait, and leaves out a step with "
	  "a pause that a later one repeats on the same object (canary 10, 50, 100 %)." },
	CONFIG_END
};
static const struct config_key check_keys[] = {
	{ "kind", CONFIG_TEXT, .required = true, .help = "The kind of the row that is looked at." },
	{ "name", CONFIG_TEXT, .required = true, .help = "The row: its key or its name." },
	{ "source", CONFIG_TEXT, .help = "The source of the row, where there are several of that name." },
	{ "where", CONFIG_TEXT, .help = "A filter that the row must fit, such as version={version} status=ready." },
	{ "errors_below", CONFIG_TEXT, .help = "The share of errors must be below this (2%), or not above what it was before; of `probes` "
	  "in each look, and in the end in all of them." },
	{ "slower_below", CONFIG_TEXT, .help = "How much slower it may be than before the first step, such as 50%: the median of `probes`, "
	  "where 5 ms do not count, else the row's p99." },
	{ "probes", CONFIG_COUNT, "5", .help = "For errors_below and slower_below of an endpoint: so many predictions are asked of it, with "
	  "recent inputs of the log and one after the other, for each look and once before the first step; 0: its row's own figures." },
	{ "predictions", CONFIG_COUNT, .help = "So many recent inputs of the log are predicted again, by the endpoint of that name." },
	{ "differ_below", CONFIG_TEXT, .help = "By how much these may differ on average from what the log has, such as 40%." },
	{ "say", CONFIG_TEXT, .help = "A title of your own for the check." },
	CONFIG_END
};
static const struct config_key promotion_verify_keys[] = {
	{ "for", CONFIG_DURATION, "60s", .help = "How long all checks must hold." },
	{ "every", CONFIG_DURATION, "5s", .help = "How often they are looked at; at least 2s." },
	{ "failures", CONFIG_COUNT, "3", .help = "So many failures in a row of one check take everything back." },
	{ "checks", CONFIG_ITEMS, .section = check_keys, .help = "What must hold after the last step." },
	CONFIG_END
};
const struct config_key promotion_keys[] = {
	{ "source", CONFIG_TEXT, .help = "The registry, where there are several." },
	{ "gates", CONFIG_ITEMS, .section = gate_keys, .help = "What must hold before a version goes into production." },
	{ "steps", CONFIG_ITEMS, .section = step_keys, .help = "What follows once the registry has changed, in this order." },
	{ "verify", CONFIG_SECTION, .section = promotion_verify_keys, .help = "What is looked at afterwards, and for how long." },
	{ "on_failure", CONFIG_ENUM, "rollback", "rollback|hold", .help = "Take back what was done by itself, or stop and ask." },
	CONFIG_END
};

const struct yaml *promotion_entry(const struct config *c, const char *model, const char *source)
{
	const struct yaml *all = c ? yaml_get(c->root, "promotions") : NULL;
	for (int wild = 0; all && all->type == YAML_MAP && wild < 2; wild++)
		for (unsigned i = 0; i < all->n; i++) {
			const char *name = all->keys[i]->text.p, *of = yaml_text(all->items[i], "source");
			bool fits = wild ? fnmatch(name, model, 0) == 0 : !strcmp(name, model);
			if (fits && (!of || !source || !strcmp(of, source)))
				return all->items[i];
		}
	return NULL;
}

/* "ml-serving/model-api" of the configuration is this row, or the workload that made this pod. */
static bool is_named(const struct yaml *item, struct str kind, struct str key)
{
	const char *of = yaml_text(item, "kind"), *name = yaml_text(item, "name");
	struct str begin = str_of(name);
	if (!of || !name)
		return false;
	if (str_is(kind, of))
		return str_eq(begin, key);
	return str_is(kind, "pods") && key.n > begin.n && str_starts(key, begin) && key.p[begin.n] == '-';
}

static bool any_named(const struct yaml *list, struct str kind, struct str key)
{
	for (unsigned i = 0; list && list->type == YAML_LIST && i < list->n; i++)
		if (is_named(list->items[i], kind, key))
			return true;
	return false;
}

bool promotion_names(const struct yaml *entry, struct str kind, struct str key)
{
	return any_named(yaml_get(entry, "steps"), kind, key) || any_named(yaml_get(yaml_get(entry, "verify"), "checks"), kind, key);
}

bool promotion_holds(const struct yaml *entry)
{
	const char *how = yaml_text(entry, "on_failure");
	return how && !strcmp(how, "hold");
}

/* ---- words */

static const char *word_of(const struct promotion_words *w, struct str name)
{
	const struct { const char *name, *text; } all[] = { { "model", w->model }, { "version", w->version }, { "previous", w->previous },
		{ "alias", w->alias }, { "reason", w->reason }, { "user", w->user } };
	for (size_t i = 0; i < ARRAY_SIZE(all); i++)
		if (str_is(name, all[i].name))
			return all[i].text ? all[i].text : "";
	return NULL;
}

/* As it stands between the quotes of a JSON text. */
static void add_escaped(struct buf *b, const char *text)
{
	json_t *s = json_string(text);
	char *quoted = s ? json_dumps(s, JSON_ENCODE_ANY) : NULL;
	if (quoted)
		buf_add(b, quoted + 1, strlen(quoted) - 2);
	free(quoted);
	json_decref(s);
}

char *promotion_fill(const char *text, const struct promotion_words *w)
{
	struct buf b = { 0 };
	bool json = (*text == '{' || *text == '[') && strchr(text, '"');
	for (const char *p = text; *p; p++) {
		const char *end = *p == '{' ? strchr(p, '}') : NULL;
		const char *word = end ? word_of(w, (struct str){ p + 1, (size_t)(end - p - 1) }) : NULL;
		if (!word)
			buf_addc(&b, *p);
		else if (json)
			add_escaped(&b, word);
		else
			buf_adds(&b, word);
		p = word ? end : p;
	}
	return buf_detach(&b);
}

/* ---- steps and checks */

static void put_text(json_t *o, const struct yaml *of, const char *name, const struct promotion_words *w)
{
	const char *text = yaml_text(of, name);
	char *filled = text ? promotion_fill(text, w) : NULL;
	if (filled)
		json_object_set_new(o, name, json_string(filled));
	free(filled);
}

static void put_duration(json_t *o, const struct yaml *of, const char *name, const char *as, const char *otherwise)
{
	const char *text = yaml_text(of, name);
	double ms;
	if ((text || otherwise) && duration_parse(str_of(text ? text : otherwise), false, &ms))
		json_object_set_new(o, as, json_integer((json_int_t)ms));
}

static void put_share(json_t *o, const struct yaml *of, const char *name)
{
	const char *text = yaml_text(of, name);
	double v;
	if (text && ratio_parse(str_of(text), &v))
		json_object_set_new(o, name, json_real(v));
	else if (text)                           /* it stays a check, which then says what is wrong with it */
		json_object_set_new(o, name, json_string(text));
}

json_t *promotion_steps(const struct yaml *entry, const struct promotion_words *w)
{
	const struct yaml *list = yaml_get(entry, "steps");
	json_t *steps = json_array();
	for (unsigned i = 0; list && list->type == YAML_LIST && i < list->n; i++) {
		const struct yaml *s = list->items[i], *params = yaml_get(s, "params");
		json_t *o = json_object(), *p = json_object();
		for (size_t k = 0; k < 5; k++)
			put_text(o, s, (const char *const[]){ "action", "kind", "name", "source", "until" }[k], w);
		for (unsigned k = 0; params && params->type == YAML_MAP && k < params->n; k++)
			put_text(p, params, params->keys[k]->text.p, w);
		/* what is reloaded has to serve this version then, whatever the registry said when it was planned */
		if (!strcmp(yaml_text(s, "action") ? yaml_text(s, "action") : "", "reload") && !json_object_get(p, "version") && w->version && *w->version)
			json_object_set_new(p, "version", json_string(w->version));
		json_object_set_new(o, "params", p);
		if (json_object_get(o, "until"))
			put_duration(o, s, "within", "within_ms", "5m");
		put_duration(o, s, "pause", "pause_ms", NULL);
		json_object_set_new(o, "line", json_integer(s->line));
		json_array_append_new(steps, o);
	}
	return steps;
}

/* What is measured by asking, and how often: told in the title of the check, and never exceeded. */
static void put_probes(json_t *o, const struct yaml *check)
{
	const char *text = yaml_text(check, "probes");
	int n = text ? atoi(text) : 5;
	bool measures = json_object_get(o, "errors_below") || json_object_get(o, "slower_below");
	if (measures && n > 0 && !strcmp(json_string_value(json_object_get(o, "kind")) ? json_string_value(json_object_get(o, "kind")) : "",
	                                 "modelendpoints"))
		json_object_set_new(o, "probes", json_integer(n > 200 ? 200 : n));
}

static bool same_target(const json_t *a, const json_t *b)
{
	static const char *const what[] = { "action", "kind", "name", "source" };
	bool same = true;
	for (size_t i = 0; i < ARRAY_SIZE(what); i++) {
		const json_t *x = json_object_get(a, what[i]), *y = json_object_get(b, what[i]);
		same = same && (x == y || json_equal(x, y));
	}
	return same;
}

void promotion_straight(json_t *steps)
{
	for (size_t i = json_array_size(steps); i-- > 0;) {
		bool later = false, staged = json_object_get(json_array_get(steps, i), "pause_ms") != NULL;
		for (size_t k = i + 1; staged && k < json_array_size(steps); k++)
			later |= same_target(json_array_get(steps, i), json_array_get(steps, k));
		if (later)
			json_array_remove(steps, i);
		else
			json_object_del(json_array_get(steps, i), "pause_ms");
	}
}

json_t *promotion_verify(const struct yaml *entry, const struct promotion_words *w)
{
	const struct yaml *verify = yaml_get(entry, "verify"), *list = yaml_get(verify, "checks");
	const char *failures = yaml_text(verify, "failures");
	if (!list || list->type != YAML_LIST || !list->n)
		return NULL;
	json_t *v = json_object(), *checks = json_array();
	put_duration(v, verify, "for", "for_ms", "60s");
	put_duration(v, verify, "every", "every_ms", "5s");
	json_object_set_new(v, "failures", json_integer(failures && atoi(failures) > 0 ? atoi(failures) : 3));
	for (unsigned i = 0; i < list->n; i++) {
		const struct yaml *c = list->items[i];
		const char *count = yaml_text(c, "predictions");
		json_t *o = json_object();
		for (size_t k = 0; k < 5; k++)
			put_text(o, c, (const char *const[]){ "kind", "name", "source", "where", "say" }[k], w);
		for (size_t k = 0; k < 3; k++)
			put_share(o, c, (const char *const[]){ "errors_below", "slower_below", "differ_below" }[k]);
		if (count)
			json_object_set_new(o, "predictions", json_integer(atoi(count)));
		put_probes(o, c);
		json_array_append_new(checks, o);
	}
	json_object_set_new(v, "checks", checks);
	return v;
}
