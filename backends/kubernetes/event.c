/* event: see event.h. */
#define _GNU_SOURCE
#include "backends/kubernetes/event.h"
#include "backends/net/http.h"
#include "base/mem.h"
#include <stdlib.h>

static const char *either(const json_t *o, const char *a, const char *b)
{
	const char *text = jtext(o, a);

	return *text ? text : jtext(o, b);
}

struct event event_read(const json_t *o)
{
	static const char *const lasts[] = { "series.lastObservedTime", "lastTimestamp", "deprecatedLastTimestamp",
		"eventTime", "metadata.creationTimestamp" };
	static const char *const firsts[] = { "firstTimestamp", "deprecatedFirstTimestamp", "eventTime",
		"metadata.creationTimestamp" };
	struct event e = {
		.name = jtext(o, "metadata.name"),
		.type = jtext(o, "type"), .reason = jtext(o, "reason"), .message = either(o, "message", "note"),
		.from = either(o, "reportingComponent", "source.component"),
		.field = either(o, "involvedObject.fieldPath", "regarding.fieldPath"),
	};

	if (!*e.from)
		e.from = either(o, "reportingController", "deprecatedSource.component");
	e.warning = !strcmp(e.type, "Warning");
	for (size_t i = 0; i < ARRAY_SIZE(lasts) && !e.last; i++)
		e.last = jtime(o, lasts[i]);
	for (size_t i = 0; i < ARRAY_SIZE(firsts) && !e.first; i++)
		e.first = jtime(o, firsts[i]);
	e.count = jint(o, "series.count", jint(o, "count", jint(o, "deprecatedCount", 1)));
	if (e.count < 1)
		e.count = 1;
	return e;
}

struct entry { int64_t at; size_t index; };

static int by_time(const void *a, const void *b)
{
	const struct entry *x = a, *y = b;

	return x->at != y->at ? (x->at < y->at ? -1 : 1) : x->index < y->index ? -1 : x->index > y->index;
}

size_t *event_order(const json_t *events, size_t *n)
{
	struct entry *entries;
	size_t *order;

	*n = json_array_size(events);
	entries = xcalloc(*n, sizeof(*entries));
	order = xcalloc(*n, sizeof(*order));
	for (size_t i = 0; i < *n; i++)
		entries[i] = (struct entry){ event_read(json_array_get(events, i)).last, i };
	if (*n)
		qsort(entries, *n, sizeof(*entries), by_time);
	for (size_t i = 0; i < *n; i++)
		order[i] = entries[i].index;
	free(entries);
	return order;
}

void event_query(struct buf *out, const json_t *object)
{
	struct buf selector = { 0 };

	if (jis(object, "kind", "Node"))
		buf_addf(&selector, "involvedObject.kind=Node,involvedObject.name=%s", jtext(object, "metadata.name"));
	else
		buf_addf(&selector, "involvedObject.uid=%s", jtext(object, "metadata.uid"));
	buf_adds(out, "fieldSelector=");
	http_escape(out, buf_str(&selector));
	buf_release(&selector);
}
