/* prometheus: rules and their alerts. The rules say what an alert's expression is, how long it waits before it fires, and which of
 * them cannot be evaluated; alerts come apart from them, so that ten thousand cost the memory of one. */
#include "backends/alerts/alerts.h"
#include "backends/net/doctor.h"
#include "base/mem.h"
#include "base/table.h"
#include "base/yaml.h"
#include <stdio.h>
#include <stdlib.h>

#define RULES_MAX 50000

/* ---- what an Alertmanager has: of its rows the keys */

static const struct column routed_cols[] = { { "state", "STATE", COL_TEXT, COL_SHARED, 0, 9 } };
static const struct kind kind_routed = { .name = "alerts", .singular = "alert", .cols = routed_cols, .ncols = 1 };

static void keep_state(void *arg, const struct rows_cell *cells, struct buf *out)
{
	cell_text(out, cells[ALERT_STATE].is == CELL_TEXT ? cells[ALERT_STATE].text : STR(""));
}

static int manager_of(struct alerts *a, const char *name)
{
	unsigned i = 0;
	while (i < a->nmanagers && strcmp(a->managers[i].name, name))
		i++;
	if (i == a->nmanagers && i == ARRAY_SIZE(a->managers))
		return -1;
	if (i == a->nmanagers)
		a->managers[a->nmanagers++].name = xstrdup(name);
	return (int)i;
}

void routed_take(struct alerts *a, const struct request *r)
{
	struct buf rows = { 0 };
	struct rd at;
	if (!*r->key) {
		if (!a->named && a->listed && alerts_mono(a) < a->whole_ms)
			alerts_again(a, true);
		a->named = true;
		return;
	}
	int manager = manager_of(a, r->key);
	if (manager < 0)
		return;
	a->routed = a->routed ? a->routed : table_new(&kind_routed);
	if (!r->body.len) {                      /* how it is */
		bool was = a->managers[manager].away;
		a->managers[manager].away = health_lost(health_named(r->what));
		if (a->managers[manager].away && !was && alerts_mono(a) < a->whole_ms)
			alerts_again(a, true);           /* it is not waited for */
		return;
	}
	uint64_t before = a->routed->version;
	rows_reshape(buf_str(&r->body), kind_routed.name, ALERT_COL_COUNT, keep_state, NULL, &rows);
	rows_open(&at, buf_str(&rows));
	table_apply(a->routed, (uint16_t)manager, &at, 0);
	if (a->routed->version != before)
		alerts_again(a, true);               /* what it has now is told by its row */
	buf_release(&rows);
}

bool routed_awaited(const struct alerts *a)
{
	for (unsigned i = 0; i < a->nmanagers; i++)
		if (!a->managers[i].away && !table_listing(a->routed, (uint16_t)i).listed)
			return true;
	return !a->named;
}

static bool is_routed(const struct alerts *a, const char *key)
{
	for (unsigned i = 0; i < a->nmanagers; i++)
		if (table_find(a->routed, (uint16_t)i, str_of(key)))
			return true;
	return false;
}

/* ---- jobs */

static bool read_version(struct alerts *a)
{
	json_t *j = ask_json(a, "/api/v1/status/buildinfo");
	snprintf(a->version, sizeof(a->version), "%s", json_text(json_object_get(j, "data"), "version"));
	json_decref(j);
	return j != NULL;
}

/* What an alert becomes on its way to Alertmanager. Rules of one Alertmanager only (from 2.53) count where it is the only one. */
static bool read_sending(struct alerts *a)
{
	json_t *j = ask_json(a, "/api/v1/status/config");
	if (!j)
		return false;                    /* it is as it was */
	struct yaml_error err;
	struct yaml_doc *doc = yaml_parse(str_of(json_text(json_object_get(j, "data"), "yaml")), &err);
	const struct yaml *root = doc ? yaml_root(doc) : NULL, *alerting = yaml_get(root, "alerting"),
		*map = yaml_get(yaml_get(root, "global"), "external_labels"), *managers = yaml_get(alerting, "alertmanagers");
	struct sending s = { .external = json_object() };
	char why[120] = "";
	for (unsigned i = 0; map && map->type == YAML_MAP && i < map->n; i++)
		if (map->items[i]->type == YAML_SCALAR)
			json_object_set_new(s.external, map->keys[i]->text.p, json_stringn(map->items[i]->text.p, map->items[i]->text.n));
	if (relabel_read(&s.relabel, yaml_get(alerting, "alert_relabel_configs"), why, sizeof(why)) && managers &&
	    managers->type == YAML_LIST && managers->n == 1)
		relabel_read(&s.relabel, yaml_get(managers->items[0], "alert_relabel_configs"), why, sizeof(why));
	snprintf(a->not_followed, sizeof(a->not_followed), "%s%s", *why ? "alert_relabel_configs: " : "", why);
	json_decref(a->sending.external);
	relabel_free(a->sending.relabel);
	a->sending = s;
	yaml_doc_free(doc);
	json_decref(j);
	return true;
}

struct rules { struct rule *list; unsigned n; };

static void take_group(void *arg, json_t *group)
{
	struct rules *x = arg;
	const json_t *rules = json_object_get(group, "rules"), *o;
	size_t i;
	json_array_foreach(rules, i, o) {
		struct rule r;
		if (x->n >= RULES_MAX || !rule_read(o, json_text(group, "name"), json_text(group, "file"), &r))
			continue;
		x->list = xreallocarray(x->list, x->n + 1, sizeof(*x->list));
		x->list[x->n++] = r;
	}
}

static void drop_rules(struct rules *x)
{
	for (unsigned i = 0; i < x->n; i++)
		rule_release(&x->list[i]);
	free(x->list);
}

static bool read_rules(struct alerts *a)
{
	struct rules x = { 0 }, old = { a->rules, a->nrules };
	bool ok = ask_list(a, &(struct list_of){ .path = "/api/v1/rules?type=alert", .name = "groups", .within = "data", .without = "alerts",
		.element = take_group, .arg = &x });
	if (ok) {
		a->rules = x.list;
		a->nrules = x.n;
		*a->trouble = '\0';
	} else {
		snprintf(a->trouble, sizeof(a->trouble), "rules cannot be read: %.200s", a->failure.error);
	}
	drop_rules(ok ? &old : &x);
	return ok;
}

static void take_alert(void *arg, json_t *alert)
{
	struct listing *x = arg;
	struct alerts *a = x->a;
	struct label_set labels;
	char key[20];
	if (x->n >= ALERTS_MOST)
		return;
	key_of_own(alert, &a->sending, key);
	labels_read(json_object_get(alert, "labels"), &labels);
	if (put_own(alert, rule_of(a->rules, a->nrules, &labels), key, is_routed(a, key), &x->rows))
		listing_more(x);
	else
		a->skipped++;
}

static bool read_alerts(struct alerts *a)
{
	struct listing x = { .a = a, .kind = "alerts", .open = routed_awaited(a) && alerts_mono(a) < a->whole_ms };
	listing_begin(&x);
	bool ok = ask_list(a, &(struct list_of){ .path = "/api/v1/alerts", .name = "alerts", .within = "data", .element = take_alert, .arg = &x });
	for (unsigned i = 0; ok && i < a->nrules; i++)
		if (a->rules[i].error) {
			put_broken(&a->rules[i], &x.rows);
			listing_more(&x);
		}
	ok ? listing_end(&x) : listing_drop(&x);
	a->listed = a->listed || ok;
	return ok;
}

static const struct job jobs[ALERTS_JOBS + 1] = {
	{ read_version, 3600000, true }, { read_sending, 600000, true }, { read_rules, 0, true }, { read_alerts, 0, false }, { NULL },
};

/* ---- in full */

struct finding { const char *key; const struct sending *sending; json_t *found; };

static void compare(void *arg, json_t *alert)
{
	struct finding *f = arg;
	char key[20];
	key_of_own(alert, f->sending, key);
	if (!f->found && !strcmp(key, f->key))
		f->found = json_incref(alert);
}

static void say_rule(struct alerts *a, uint64_t id, const struct rule *r)
{
	if (!r)
		return;
	link_textf(a->link, id, 0, "\nRule          %s\nGroup         %s\n", r->name, r->group);
	if (*r->file)
		link_textf(a->link, id, 0, "File          %s\n", r->file);
	if (r->wait)
		link_textf(a->link, id, 0, "Fires after   %lld s\n", (long long)(r->wait / 1000));
	if (r->error)
		link_textf(a->link, id, 0, "Health        cannot be evaluated: %s\n", r->error);
	link_textf(a->link, id, 0, "\nExpression\n  %s\n", r->query);
}

static const struct rule *rule_by_key(const struct alerts *a, struct str key)
{
	for (unsigned i = 0; i < a->nrules; i++) {
		struct buf b = { 0 };
		buf_addf(&b, "rule/%s/%s", a->rules[i].group, a->rules[i].name);
		bool same = str_starts(buf_str(&b), key);        /* a long one was cut */
		buf_release(&b);
		if (same)
			return &a->rules[i];
	}
	return NULL;
}

void own_open(struct alerts *a, const struct request *r)
{
	struct finding f = { .key = r->key, .sending = &a->sending };
	struct label_set labels = { .n = 0 };
	bool rule = str_starts(str_of(r->key), STR("rule/"));
	bool ok = (a->nrules || read_rules(a)) && (rule || ask_list(a, &(struct list_of){ .path = "/api/v1/alerts", .name = "alerts",
		.within = "data", .element = compare, .arg = &f }));
	const struct rule *found = rule ? rule_by_key(a, str_of(r->key)) : NULL;
	labels_read(json_object_get(f.found, "labels"), &labels);
	found = f.found ? rule_of(a->rules, a->nrules, &labels) : found;
	if (!ok) {
		link_textf(a->link, r->id, TEXT_END | TEXT_ERROR, "%s", a->failure.error);
	} else if (!found && !f.found) {
		link_textf(a->link, r->id, TEXT_END | TEXT_ERROR, "%s", rule ? "that rule is gone" : "it fires no more");
	} else {
		if (f.found)
			describe_alert(a, r->id, f.found, json_text(f.found, "state"));
		say_rule(a, r->id, found);
		link_text(a->link, r->id, TEXT_END, STR(""));
	}
	json_decref(f.found);
}

static void doctor(struct alerts *a, json_t *all)
{
	unsigned broken = 0;
	bool ok = read_rules(a);
	read_sending(a);
	for (unsigned i = 0; i < a->nrules; i++)
		broken += a->rules[i].error != NULL;
	if (!ok)
		doctor_check(all, "rules", 0, a->failure.remedy, "%s", a->failure.error);
	else if (broken)
		doctor_check(all, "rules", 0, "`binnacle get alerts --filter state=error` says which and why", "%u of %u alerting rules cannot be "
		             "evaluated", broken, a->nrules);
	else
		doctor_check(all, "rules", a->nrules ? 1 : -1, "without alerting rules nothing can fire", "%u alerting rules, all can be evaluated",
		             a->nrules);
	ok = ask_list(a, &(struct list_of){ .path = "/api/v1/alerts", .name = "alerts", .within = "data", .element = compare,
		.arg = &(struct finding){ .key = "", .sending = &a->sending } });
	doctor_check(all, "alerts", ok ? 1 : 0, a->failure.remedy, "%s", ok ? "can be read" : a->failure.error);
	if (*a->not_followed)
		doctor_check(all, "labels on the way", -1, "its alerts that an Alertmanager of this configuration has may be told twice", "%s",
		             a->not_followed);
}

const struct flavour flavour_prometheus = { .what = "Prometheus", .jobs = jobs, .open = own_open, .doctor = doctor, .reads = true };
