/* parse: elements of answers as rows. What has not the right type is unknown; long texts are cut, so that a row stays small
 * whatever a server sends. */
#include "backends/alerts/alerts.h"
#include "base/fmt.h"
#include "base/mem.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#define TEXT_MOST 2000           /* bytes of one text that become a cell */

/* Not within a character. */
static struct str cut(struct str s)
{
	if (s.n <= TEXT_MOST)
		return s;
	s.n = TEXT_MOST;
	while (s.n && ((uint8_t)s.p[s.n] & 0xc0) == 0x80)
		s.n--;
	return s;
}

static struct str text_of(const json_t *v)
{
	return json_is_string(v) ? (struct str){ json_string_value(v), json_string_length(v) } : STR("");
}

static struct str text_in(const json_t *o, const char *name)
{
	return cut(text_of(json_object_get(o, name)));
}

static int64_t time_in(const json_t *o, const char *name)
{
	int64_t at = 0;
	return time_parse(text_in(o, name), &at) && at > 0 ? at : 0;      /* Go's zero time is of the year 1 */
}

/* ---- labels */

void labels_read(const json_t *o, struct label_set *out)
{
	out->n = 0;
	labels_add(out, o);
}

void labels_add(struct label_set *s, const json_t *more)
{
	const char *name;
	json_t *v;
	json_object_foreach((json_t *)(uintptr_t)more, name, v)
		if (json_is_string(v) && s->n < ALERT_LABELS_MAX && !alert_label(s->l, s->n, name).n)
			s->l[s->n++] = (struct alert_label){ str_of(name), text_of(v) };
	s->n = alert_labels_sort(s->l, s->n);
}

void key_of_labels(const struct label_set *s, char key[20])
{
	snprintf(key, 20, "%016llx", (unsigned long long)alert_fingerprint(s->l, s->n));
}

/* Values as cells have them. */
static void cut_labels(struct label_set *s)
{
	for (unsigned i = 0; i < s->n; i++)
		s->l[i].value = cut(s->l[i].value);
}

/* ---- alerts */

static int hex(char c)
{
	return c >= '0' && c <= '9' ? c - '0' : (c | 32) >= 'a' && (c | 32) <= 'f' ? (c | 32) - 'a' + 10 : -1;
}

void expr_of_link(struct str link, struct buf *out)
{
	size_t at = str_find(link, STR("g0.expr="), false);
	for (size_t i = at == STR_NONE ? link.n : at + 8; i < link.n && link.p[i] != '&' && link.p[i] != '#'; i++) {
		bool coded = link.p[i] == '%' && i + 2 < link.n && hex(link.p[i + 1]) >= 0 && hex(link.p[i + 2]) >= 0;
		buf_addc(out, coded ? (char)(hex(link.p[i + 1]) * 16 + hex(link.p[i + 2])) : link.p[i] == '+' ? ' ' : link.p[i]);
		i += coded ? 2 : 0;
	}
}

static struct str first_text(const json_t *o, const char *const *names)
{
	struct str s = STR("");
	for (; *names && !s.n; names++)
		s = str_trim(text_in(o, *names));
	return s;
}

static void take_annotations(const json_t *o, struct alert_row *row, struct buf *all)
{
	static const char *const summaries[] = { "summary", "message", "title", "description", NULL }, *const runbooks[] = { "runbook_url",
		"runbook", NULL };
	const char *name;
	json_t *v;
	row->summary = first_text(o, summaries);
	row->runbook = first_text(o, runbooks);
	json_object_foreach((json_t *)(uintptr_t)o, name, v)
		if (json_is_string(v) && all->len < 2 * TEXT_MOST)
			buf_addf(all, "%s%s: " STR_FMT, all->len ? "\n" : "", name, STR_ARG(str_trim(text_in(o, name))));
	row->annotations = buf_str(all);
}

static void join_texts(const json_t *list, const char *member, struct buf *out)
{
	const json_t *v;
	size_t i;
	json_array_foreach(list, i, v) {
		struct str s = cut(text_of(member ? json_object_get(v, member) : v));
		if (s.n && out->len < TEXT_MOST)
			buf_addf(out, "%s" STR_FMT, out->len ? "," : "", STR_ARG(s));
	}
}

bool put_managed(const json_t *alert, struct buf *out, char key[20])
{
	const json_t *status = json_object_get(alert, "status");
	struct label_set set;
	struct buf expr = { 0 }, by = { 0 }, receivers = { 0 }, annotations = { 0 };
	labels_read(json_object_get(alert, "labels"), &set);
	if (!set.n)
		return false;
	key_of_labels(&set, key);
	cut_labels(&set);
	bool quiet = !strcmp(json_text(status, "state"), "suppressed"), silenced = json_array_size(json_object_get(status, "silencedBy")) > 0;
	struct alert_row row = { .key = str_of(key), .name = alert_label(set.l, set.n, "alertname"), .labels = set.l, .nlabels = set.n,
		.link = text_in(alert, "generatorURL"), .since = time_in(alert, "startsAt"), .value = NAN };
	row.state = !quiet ? ALERT_IS_FIRING : silenced ? ALERT_IS_SILENCED : ALERT_IS_INHIBITED;
	expr_of_link(row.link, &expr);
	join_texts(json_object_get(status, "silencedBy"), NULL, &by);
	join_texts(json_object_get(alert, "receivers"), "name", &receivers);
	take_annotations(json_object_get(alert, "annotations"), &row, &annotations);
	row.expr = buf_str(&expr);
	row.silenced_by = buf_str(&by);
	row.receivers = buf_str(&receivers);
	alert_put(out, &row);
	buf_release(&expr), buf_release(&by), buf_release(&receivers), buf_release(&annotations);
	return true;
}

void key_of_own(const json_t *alert, const struct sending *s, char key[20])
{
	struct label_set sent;
	json_t *labels = NULL;
	labels_read(json_object_get(alert, "labels"), &sent);
	labels_add(&sent, s->external);
	if (s->relabel) {
		labels = json_object();
		for (unsigned i = 0; i < sent.n; i++)
			json_object_setn_new(labels, sent.l[i].name.p, sent.l[i].name.n, json_stringn(sent.l[i].value.p, sent.l[i].value.n));
		if (relabel_apply(s->relabel, labels))
			labels_read(labels, &sent);
	}
	key_of_labels(&sent, key);
	json_decref(labels);
}

bool put_own(const json_t *alert, const struct rule *rule, const char *key, bool routed, struct buf *out)
{
	struct label_set set;
	struct buf annotations = { 0 };
	labels_read(json_object_get(alert, "labels"), &set);
	if (!set.n)
		return false;
	cut_labels(&set);
	bool pending = !strcmp(json_text(alert, "state"), "pending");
	struct alert_row row = { .key = str_of(key), .name = alert_label(set.l, set.n, "alertname"), .labels = set.l, .nlabels = set.n,
		.state = pending ? ALERT_IS_PENDING : routed ? ALERT_IS_ROUTED : ALERT_IS_FIRING, .since = time_in(alert, "activeAt"),
		.value = NAN, .expr = rule ? cut(str_of(rule->query)) : STR("") };
	if (!pending && row.since && rule)           /* active is not yet firing: it waits for as long as its rule says */
		row.since += rule->wait;
	if (!str_to_f64(text_in(alert, "value"), &row.value))
		row.value = NAN;
	take_annotations(json_object_get(alert, "annotations"), &row, &annotations);
	alert_put(out, &row);
	buf_release(&annotations);
	return true;
}

/* ---- rules */

bool rule_read(const json_t *rule, const char *group, const char *file, struct rule *out)
{
	const char *type = json_text(rule, "type"), *health = json_text(rule, "health");
	double wait = json_number_value(json_object_get(rule, "duration"));
	if ((*type && strcmp(type, "alerting")) || !json_string_length(json_object_get(rule, "name")))
		return false;
	const json_t *labels = json_object_get(rule, "labels");
	*out = (struct rule){ .name = xstrdup(json_text(rule, "name")), .query = xstrdup(json_text(rule, "query")), .group = xstrdup(group),
		.file = xstrdup(file), .labels = json_is_object(labels) ? json_deep_copy(labels) : json_object(),
		.wait = wait > 0 && wait < 1e9 ? (int64_t)(wait * 1000) : 0 };
	if (!strcmp(health, "err"))
		out->error = xstrdup(*json_text(rule, "lastError") ? json_text(rule, "lastError") : "the server does not say why");
	return true;
}

void rule_release(struct rule *r)
{
	free(r->name), free(r->query), free(r->group), free(r->file), free(r->error);
	json_decref(r->labels);
	*r = (struct rule){ 0 };
}

void put_broken(const struct rule *r, struct buf *out)
{
	struct label_set set;
	struct buf key = { 0 };
	json_t *name = json_pack("{s:s}", "alertname", r->name);
	buf_addf(&key, "rule/%s/%s", r->group, r->name);
	labels_read(r->labels, &set);
	labels_add(&set, name);
	cut_labels(&set);
	alert_put(out, &(struct alert_row){ .key = cut(buf_str(&key)), .name = cut(str_of(r->name)), .labels = set.l, .nlabels = set.n,
		.state = ALERT_IS_ERROR, .value = NAN, .expr = cut(str_of(r->query)), .summary = STR("the rule cannot be evaluated"),
		.error = cut(str_of(r->error)) });
	json_decref(name);
	buf_release(&key);
}

/* Its alerts carry its labels, but for those that are templates. */
const struct rule *rule_of(const struct rule *rules, unsigned n, const struct label_set *labels)
{
	struct str name = alert_label(labels->l, labels->n, "alertname");
	for (const struct rule *r = rules; r < rules + n; r++) {
		const char *label;
		json_t *v;
		bool fits = str_is(name, r->name);
		if (fits)
			json_object_foreach(r->labels, label, v)
				fits = fits && (strstr(json_string_value(v) ? json_string_value(v) : "{{", "{{") ||
				                str_is(alert_label(labels->l, labels->n, label), json_string_value(v)));
		if (fits)
			return r;
	}
	return NULL;
}

/* ---- silences */

bool put_silence(const json_t *silence, const json_t *counts, struct buf *out)
{
	struct buf matchers = { 0 };
	struct str id = text_in(silence, "id"), state = text_in(json_object_get(silence, "status"), "state");
	const json_t *n = counts && id.n ? json_object_get(counts, json_text(silence, "id")) : NULL;
	if (!id.n)
		return false;
	matchers_text(json_object_get(silence, "matchers"), &matchers);
	silence_put(out, &(struct silence_row){ .id = id, .matchers = cut(buf_str(&matchers)), .state = state, .by = text_in(silence, "createdBy"),
		.comment = text_in(silence, "comment"), .since = time_in(silence, "startsAt"), .until = time_in(silence, "endsAt"),
		.alerts = !counts || !str_is(state, "active") ? -1 : json_integer_value(n) });
	buf_release(&matchers);
	return true;
}
