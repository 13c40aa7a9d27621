/* docs: one alert or silence in full, as text. */
#include "backends/alerts/alerts.h"
#include "base/fmt.h"
#include "base/mem.h"
#include <stdio.h>
#include <stdlib.h>

static struct str text_of(const json_t *v)
{
	return json_is_string(v) ? (struct str){ json_string_value(v), json_string_length(v) } : STR("");
}

static void put_time(const json_t *o, const char *name, const char *title, int64_t now, struct buf *out)
{
	struct str s = text_of(json_object_get(o, name));
	int64_t at = 0;
	if (!time_parse(s, &at) || at <= 0)
		return;
	buf_addf(out, "%-13s " STR_FMT ", ", title, STR_ARG(s));
	buf_adds(out, at > now ? "in " : "");
	fmt_age(at > now ? at - now : now - at, out);
	buf_adds(out, at > now ? "\n" : " ago\n");
}

static void put_map(const json_t *o, const char *title, struct buf *out)
{
	const char *name;
	json_t *v;
	if (!json_object_size(o))
		return;
	buf_addf(out, "\n%s\n", title);
	json_object_foreach((json_t *)(uintptr_t)o, name, v) {
		struct str rest = str_trim(text_of(v));
		for (bool first = true; first || rest.n; first = false) {
			struct str line = str_split(&rest, '\n');
			buf_addf(out, "  %-22s " STR_FMT "\n", first ? name : "", STR_ARG(line));
		}
	}
}

static void put_texts(const json_t *list, const char *member, const char *title, struct buf *out)
{
	const json_t *v;
	size_t i;
	json_array_foreach(list, i, v) {
		struct str s = text_of(member ? json_object_get(v, member) : v);
		buf_addf(out, "%-13s " STR_FMT "\n", i ? "" : title, STR_ARG(s));
	}
}

void describe_alert(struct alerts *a, uint64_t id, const json_t *alert, const char *state)
{
	const json_t *labels = json_object_get(alert, "labels"), *notes = json_object_get(alert, "annotations");
	int64_t now = alerts_now(a);
	struct buf b = { 0 };
	buf_addf(&b, "Alert         %s\nState         %s\n", json_text(labels, "alertname"), state);
	if (*json_text(labels, "severity"))
		buf_addf(&b, "Severity      %s\n", json_text(labels, "severity"));
	put_time(alert, "activeAt", "Active since", now, &b);
	put_time(alert, "startsAt", "Since", now, &b);
	if (*json_text(alert, "value"))
		buf_addf(&b, "Value         %s\n", json_text(alert, "value"));
	const char *runbook = *json_text(notes, "runbook_url") ? json_text(notes, "runbook_url") : json_text(notes, "runbook");
	if (*runbook)
		buf_addf(&b, "Runbook       %s\n", runbook);
	put_map(labels, "Labels", &b);
	put_map(notes, "Annotations", &b);
	link_text(a->link, id, 0, buf_str(&b));
	buf_release(&b);
}

static void describe_managed(struct alerts *a, uint64_t id, const json_t *alert)
{
	const json_t *status = json_object_get(alert, "status"), *silenced = json_object_get(status, "silencedBy"),
		*inhibited = json_object_get(status, "inhibitedBy");
	struct str link = text_of(json_object_get(alert, "generatorURL"));
	struct buf b = { 0 }, expr = { 0 };
	bool quiet = !strcmp(json_text(status, "state"), "suppressed");
	describe_alert(a, id, alert, !quiet ? "firing" : json_array_size(silenced) ? "silenced" : "inhibited");
	buf_addc(&b, '\n');
	put_texts(silenced, NULL, "Silenced by", &b);
	put_texts(inhibited, NULL, "Inhibited by", &b);
	put_texts(json_object_get(alert, "receivers"), "name", "Sent to", &b);
	put_time(alert, "updatedAt", "Last heard", alerts_now(a), &b);
	put_time(alert, "endsAt", "Ends unless", alerts_now(a), &b);
	expr_of_link(link, &expr);
	if (expr.len)
		buf_addf(&b, "\nExpression\n  " STR_FMT "\n", STR_ARG(buf_str(&expr)));
	if (link.n)
		buf_addf(&b, "\nLink\n  " STR_FMT "\n", STR_ARG(link));
	link_text(a->link, id, TEXT_END, buf_str(&b));
	buf_release(&b);
	buf_release(&expr);
}

static void describe_silence(struct alerts *a, uint64_t id, const json_t *s)
{
	const json_t *m;
	struct buf b = { 0 };
	size_t i;
	buf_addf(&b, "Silence       %s\nState         %s\nBy            %s\nComment       %s\n", json_text(s, "id"),
	         json_text(json_object_get(s, "status"), "state"), json_text(s, "createdBy"), json_text(s, "comment"));
	put_time(s, "startsAt", "From", alerts_now(a), &b);
	put_time(s, "endsAt", "Until", alerts_now(a), &b);
	put_time(s, "updatedAt", "Changed", alerts_now(a), &b);
	buf_adds(&b, "\nSilences what has\n");
	json_array_foreach(json_object_get(s, "matchers"), i, m) {
		buf_adds(&b, "  ");
		matcher_text(m, &b);
		buf_addc(&b, '\n');
	}
	link_text(a->link, id, TEXT_END, buf_str(&b));
	buf_release(&b);
}

void managed_open(struct alerts *a, const struct request *r)
{
	bool silence = !strcmp(r->kind, "silences");
	struct buf path = { 0 };
	buf_adds(&path, "/api/v2/silence/");
	http_escape(&path, str_of(r->key));
	json_t *j = silence ? ask_json(a, path.data) : managed_find(a, r->key);
	buf_release(&path);
	if (!j)
		link_textf(a->link, r->id, TEXT_END | TEXT_ERROR, "%s", a->failure.end == HTTP_OK ? "it fires no more" : a->failure.error);
	else if (silence)
		describe_silence(a, r->id, j);
	else
		describe_managed(a, r->id, j);
	json_decref(j);
}
