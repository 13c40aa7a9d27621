/* Any bytes as the JSON of an API server: Tables and their watches, discovery, metrics, errors, and documents shown as
 * YAML and described. The first byte says which. */
#include "backends/kubernetes/decode.h"
#include "backends/kubernetes/docs.h"
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void tables(struct str s)
{
	static const char *const aliases[] = { "w", NULL };
	struct table_form *f = table_form_new("widgets.example.com", "widget", aliases, "example.com", true);
	struct buf rows = { 0 };
	struct str rest = s;
	const char *why = NULL;
	while (rest.p) {
		struct table_page page = { 0 };
		struct table_event event = { 0 };
		struct str line = str_split(&rest, '\n');
		if (table_form_list(f, line, &rows, &page, &why))
			table_page_release(&page);
		else if (!why)
			abort();
		if (table_form_event(f, line, &rows, &event, &why))
			table_event_release(&event);
		else if (!why)
			abort();
	}
	buf_release(&rows);
	table_form_free(f);
}

static void discovery(struct str s)
{
	struct kube_resources r = { 0 };
	char **paths = NULL;
	size_t n = 0;
	discovery_aggregated(&r, s);
	discovery_resources(&r, s);
	discovery_groups(s, &paths, &n);
	for (size_t i = 0; i < r.n; i++)
		if (!r.items[i].resource || !r.items[i].singular || !r.items[i].aliases)
			abort();
	for (size_t i = 0; i < n; i++)
		free(paths[i]);
	free(paths);
	kube_resources_release(&r);
}

static void sample(void *arg, struct str ns, struct str name, struct str container, int64_t cpu, int64_t mem)
{
	struct buf *rows = arg;
	metrics_pod_row(rows, name, cpu, mem, cpu);
	metrics_node_row(rows, name, cpu, mem, mem, cpu);
}

static void metrics(struct str s)
{
	struct buf rows = { 0 };
	char *next = NULL;
	metrics_read(s, sample, &rows, &next);
	free(next);
	buf_release(&rows);
}

static void status(struct str s)
{
	struct kube_status k = { 0 };
	if (decode_status(s, &k)) {
		if (!k.reason || !k.message)
			abort();
		kube_status_release(&k);
	}
}

static void document(struct str s)
{
	json_t *o = json_loadb(s.p, s.n, 0, NULL), *events = json_object_get(o, "events");
	struct buf out = { 0 };
	if (!o)
		return;
	doc_describe(o, events, 1763700000000, &out);
	buf_clear(&out);
	doc_yaml(o, false, &out);
	buf_release(&out);
	json_decref(o);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static void (*const read[])(struct str) = { tables, discovery, metrics, status, document };
	if (size)
		read[data[0] % 5]((struct str){ (const char *)data + 1, size - 1 });
	return 0;
}
