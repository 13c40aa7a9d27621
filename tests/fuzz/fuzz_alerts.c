/* Answers of Prometheus and Alertmanager: cut into elements, which are read as alerts, rules and silences; and matchers as people
 * type them. However an answer is cut, the same comes out. */
#include "backends/alerts/alerts.h"
#include "base/yaml.h"
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct out { unsigned n; size_t bytes; struct buf rows; };

static void take(void *arg, struct str name, struct str text, bool element)
{
	struct out *o = arg;
	char why[40], key[20];
	struct rule rule;
	struct label_set labels;
	o->n++;
	o->bytes += text.n;
	json_t *e = json_read(text, NULL, why, sizeof(why));
	put_managed(e, &o->rows, key);
	key_of_own(e, &(struct sending){ .external = e }, key);
	if (rule_read(e, "group", "file", &rule)) {
		labels_read(json_object_get(e, "labels"), &labels);
		put_own(e, rule_of(&rule, 1, &labels), "k", false, &o->rows);
		put_broken(&(struct rule){ .name = rule.name, .query = rule.query, .group = rule.group, .file = rule.file, .error = rule.name,
			.labels = rule.labels }, &o->rows);
		rule_release(&rule);
	}
	put_own(e, NULL, key, true, &o->rows);
	put_silence(e, e, &o->rows);
	json_decref(e);
}

static void try_matchers(struct str text)
{
	char why[160];
	struct buf b = { 0 };
	json_t *m = matchers_parse(text, why, sizeof(why));
	if (m) {
		matchers_text(m, &b);
		json_t *again = matchers_parse(buf_str(&b), why, sizeof(why));
		if (json_array_size(m) && (!again || !matchers_same(m, again)))
			abort();
		json_decref(again);
	}
	expr_of_link(text, &b);
	json_decref(m);
	buf_release(&b);
}

static void try_relabel(struct str text)
{
	char why[160];
	struct yaml_error err;
	struct relabel *rules = NULL;
	struct yaml_doc *doc = yaml_parse(text, &err);
	json_t *labels = json_pack("{s:s, s:s, s:s}", "alertname", "HighLoad", "severity", "critical", "prometheus_replica", "prom-0");
	if (doc && relabel_read(&rules, yaml_root(doc), why, sizeof(why)))
		relabel_apply(rules, labels);
	relabel_free(rules);
	yaml_doc_free(doc);
	json_decref(labels);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct out whole = { 0 }, parts = { 0 };
	struct cut a = { .item = take, .arg = &whole, .max = 4096, .within = "data", .without = "alerts" },
		b = { .item = take, .arg = &parts, .max = 4096, .within = "data", .without = "alerts" };
	struct str all = { (const char *)data, size };
	bool good = cut_feed(&a, all), same = true;
	for (size_t i = 0; i < size && same; i++)
		same = cut_feed(&b, (struct str){ all.p + i, 1 });
	if (good != same || a.ended != b.ended || a.skipped != b.skipped || whole.n != parts.n || whole.bytes != parts.bytes)
		abort();
	try_matchers(all);
	try_relabel(all);
	cut_release(&a);
	cut_release(&b);
	buf_release(&whole.rows);
	buf_release(&parts.rows);
	return 0;
}
