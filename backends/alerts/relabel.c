/* relabel: what Prometheus makes of an alert's labels before it sends it (`alert_relabel_configs`), so that the alert is known
 * again in Alertmanager: the operator's Prometheus drops `prometheus_replica` so. Source: model/relabel of Prometheus. Its
 * expressions are RE2's, anchored at both ends; what POSIX reads otherwise is not followed, and said. */
#include "backends/alerts/alerts.h"
#include "base/mem.h"
#include "base/pattern.h"
#include "base/yaml.h"
#include <stdio.h>
#include <stdlib.h>

enum { RULES_MOST = 200, SOURCES_MOST = 32, LABELS_MOST = 256, TEXT_MOST = 16384, GROUPS = 10 };
enum act { REPLACE, KEEP, DROP, KEEPEQUAL, DROPEQUAL, LABELMAP, LABELDROP, LABELKEEP, LOWERCASE, UPPERCASE, ACTS };
static const char *const act_names[ACTS] = { "replace", "keep", "drop", "keepequal", "dropequal", "labelmap", "labeldrop",
	"labelkeep", "lowercase", "uppercase" };

struct rule_of_labels {
	enum act act;
	regex_t re;                      /* the whole in a group of its own: $1 is the second */
	char *separator, *target, *replacement, *sources[SOURCES_MOST];
	unsigned nsources;
};
struct relabel { struct rule_of_labels *rules; unsigned n; };

/* ---- reading */

/* What RE2 and POSIX read differently: classes by a letter, flags and named groups, short repetitions, \ within brackets. */
static bool is_alike(const char *re)
{
	bool slash = false, bracket = false;
	for (const char *c = re; *c; c++) {
		bool letter = (c[1] | 32) >= 'a' && (c[1] | 32) <= 'z', digit = c[1] >= '0' && c[1] <= '9';
		if ((*c == '\\' && (letter || digit)) || (*c == '(' && c[1] == '?') || (strchr("*+?}", *c) && c[1] && strchr("?+", c[1])))
			return false;
		slash |= *c == '\\';
		bracket |= *c == '[';
		c += *c == '\\' && c[1];
	}
	return !(slash && bracket);
}

static bool read_rule(const struct yaml *y, struct rule_of_labels *r, char *why, size_t size)
{
	const char *act = yaml_text(y, "action"), *re = yaml_text(y, "regex"), *separator = yaml_text(y, "separator"),
		*target = yaml_text(y, "target_label"), *replacement = yaml_text(y, "replacement");
	const struct yaml *sources = yaml_get(y, "source_labels");
	act = act ? act : "replace";
	re = re ? re : "(.*)";
	while (r->act < ACTS && strcasecmp(act_names[r->act], act))
		r->act++;
	if (r->act == ACTS || (sources && sources->n > SOURCES_MOST)) {
		snprintf(why, size, "a rule with action '%.40s'", act);
		return false;
	}
	char *whole = xasprintf("^(%s)$", re), wrong[80] = "it is not POSIX's";
	bool ok = is_alike(re) && pattern_compile(&r->re, whole, 0, wrong, sizeof(wrong));
	free(whole);
	if (!ok) {
		snprintf(why, size, "a rule with the expression '%.60s': %s", re, wrong);
		return false;
	}
	r->separator = xstrdup(separator ? separator : ";");
	r->target = xstrdup(target ? target : "");
	r->replacement = xstrdup(replacement ? replacement : "$1");
	for (unsigned i = 0; sources && i < sources->n; i++)
		r->sources[r->nsources++] = xstrdup(sources->items[i]->text.p);
	return true;
}

bool relabel_read(struct relabel **all, const struct yaml *list, char *why, size_t size)
{
	for (unsigned i = 0; list && list->type == YAML_LIST && i < list->n; i++) {
		struct rule_of_labels r = { .act = 0 };
		if ((*all && (*all)->n == RULES_MOST) || !read_rule(list->items[i], &r, why, size)) {
			relabel_free(*all);
			*all = NULL;
			return false;
		}
		*all = *all ? *all : xcalloc(1, sizeof(**all));
		(*all)->rules = xreallocarray((*all)->rules, (*all)->n + 1, sizeof(r));
		(*all)->rules[(*all)->n++] = r;
	}
	return true;
}

void relabel_free(struct relabel *all)
{
	for (unsigned i = 0; all && i < all->n; i++) {
		struct rule_of_labels *r = &all->rules[i];
		regfree(&r->re);
		free(r->separator), free(r->target), free(r->replacement);
		while (r->nsources)
			free(r->sources[--r->nsources]);
	}
	if (all)
		free(all->rules);
	free(all);
}

/* ---- applying */

/* An empty value is no label. */
static void set(json_t *labels, const char *name, const char *value)
{
	if (!*value)
		json_object_del(labels, name);
	else if (*name && (json_object_size(labels) < LABELS_MOST || json_object_get(labels, name)))
		json_object_set_new(labels, name, json_string(value));
}

/* $1 ${1} $$ in a template; a name is of no group, and nothing. */
static char *expand(const char *template, const char *text, const regmatch_t *groups)
{
	struct buf out = { 0 };
	for (const char *c = template; *c && out.len < TEXT_MOST;) {
		bool brace = c[0] == '$' && c[1] == '{';
		size_t n = c[0] == '$' ? strspn(c + 1 + brace, "0123456789_ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz") : 0;
		if (c[0] != '$' || (!n && c[1] != '$') || (brace && c[2 + n] != '}')) {
			buf_addc(&out, *c++);
			continue;
		}
		const char *name = c + 1 + brace;
		c = n ? name + n + brace : c + 2;
		if (!n)
			buf_addc(&out, '$');
		else if (strspn(name, "0123456789") == n && atoi(name) < GROUPS - 1 && groups[atoi(name) + 1].rm_so >= 0)
			buf_addstr(&out, (struct str){ text + groups[atoi(name) + 1].rm_so,
				(size_t)(groups[atoi(name) + 1].rm_eo - groups[atoi(name) + 1].rm_so) });
	}
	buf_adds(&out, "");
	return buf_detach(&out);
}

/* Of every label: dropped, kept or copied by its name. */
static void by_name(const struct rule_of_labels *r, json_t *labels)
{
	json_t *was = json_copy(labels), *value;
	const char *name;
	regmatch_t groups[GROUPS];
	json_object_foreach(was, name, value) {
		bool is = !regexec(&r->re, name, GROUPS, groups, 0);
		if (r->act == LABELMAP && is) {
			char *to = expand(r->replacement, name, groups);
			set(labels, to, json_string_value(value) ? json_string_value(value) : "");
			free(to);
		} else if (r->act != LABELMAP && is == (r->act == LABELDROP)) {
			json_object_del(labels, name);
		}
	}
	json_decref(was);
}

static void replace(const struct rule_of_labels *r, const char *text, json_t *labels)
{
	regmatch_t groups[GROUPS];
	if (regexec(&r->re, text, GROUPS, groups, 0))
		return;
	char *target = expand(r->target, text, groups), *value = expand(r->replacement, text, groups);
	set(labels, target, value);
	free(target);
	free(value);
}

static void change_case(const struct rule_of_labels *r, char *text, json_t *labels)
{
	char from = r->act == LOWERCASE ? 'A' : 'a';
	for (char *c = text; *c; c++)
		if (*c >= from && *c <= from + 25)
			*c ^= 32;
	set(labels, r->target, text);
}

static const char *value_of(const json_t *labels, const char *name)
{
	const char *v = json_string_value(json_object_get(labels, name));
	return v ? v : "";
}

/* False: such an alert is not sent. */
static bool apply(const struct rule_of_labels *r, json_t *labels)
{
	struct buf text = { 0 };
	bool sent = true;
	for (unsigned i = 0; i < r->nsources && text.len < TEXT_MOST; i++)
		buf_addf(&text, "%s%s", i ? r->separator : "", value_of(labels, r->sources[i]));
	buf_adds(&text, "");
	switch (r->act) {
	case KEEP: case DROP:
		sent = !regexec(&r->re, text.data, 0, NULL, 0) == (r->act == KEEP);
		break;
	case KEEPEQUAL: case DROPEQUAL:
		sent = !strcmp(text.data, value_of(labels, r->target)) == (r->act == KEEPEQUAL);
		break;
	case REPLACE: replace(r, text.data, labels); break;
	case LOWERCASE: case UPPERCASE: change_case(r, text.data, labels); break;
	default: by_name(r, labels); break;
	}
	buf_release(&text);
	return sent;
}

bool relabel_apply(const struct relabel *all, json_t *labels)
{
	for (unsigned i = 0; all && i < all->n; i++)
		if (!apply(&all->rules[i], labels))
			return false;
	return true;
}
