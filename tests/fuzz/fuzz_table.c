/* Any bytes as the JSON of the API server. The first byte chooses: a Table, the lines of a watch, discovery, metrics. A
 * kind that is made of a Table must read back from its bytes, and its rows go into a table of it. */
#include "backends/kubernetes/decode.h"
#include "base/fmt.h"
#include "base/table.h"
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_rows(const struct table_form *f, struct buf *rows)
{
	const struct kind *k = table_form_kind(f);
	struct buf bytes = { 0 }, out = { 0 };
	struct rd r;
	if (!k)
		return;
	kind_write(k, &bytes);
	struct kind *again = kind_parse(buf_str(&bytes));
	if (!again || again->ncols != k->ncols)
		abort();
	struct table *t = table_new(again);
	rows_open(&r, buf_str(rows));
	if (!table_apply(t, 0, &r, 0) && rows->len < 60000)
		abort();
	for (uint32_t id = 0; id < t->nslots; id++)
		for (int c = 0; table_row(t, id) && c < t->kind->ncols; c++)
			row_show(t, table_row(t, id), c, 1795230718000, &out);
	table_free(t);
	kind_free(again);
	buf_release(&bytes);
	buf_release(&out);
}

static void use_metrics(void *arg, struct str ns, struct str name, struct str container, int64_t cpu, int64_t mem)
{
	struct buf *rows = arg;
	metrics_pod_row(rows, name, cpu, mem, mem / 2);
	metrics_node_row(rows, name, cpu, mem, cpu, mem);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct buf rows = { 0 };
	if (!size)
		return 0;
	struct str body = { (const char *)data + 1, size - 1 };
	struct table_form *f = table_form_new("things.example.com", "thing", NULL, "example.com", data[0] & 64);
	const char *why;
	rows_start(&rows, "things.example.com");
	if (data[0] % 4 == 0) {
		struct table_page page;
		table_form_list(f, body, &rows, &page, &why);
		table_page_release(&page);
		check_rows(f, &rows);
	} else if (data[0] % 4 == 1) {
		/* What each line gives fits the kind as it is after that line. */
		while (body.n) {
			struct table_event e;
			if (table_form_event(f, str_split(&body, '\n'), &rows, &e, &why))
				table_event_release(&e);
			check_rows(f, &rows);
			buf_clear(&rows);
			rows_start(&rows, "things.example.com");
		}
	} else if (data[0] % 4 == 2) {
		struct kube_resources r = { 0 };
		char **paths = NULL;
		size_t n = 0;
		discovery_aggregated(&r, body);
		discovery_resources(&r, body);
		discovery_groups(body, &paths, &n);
		while (n)
			free(paths[--n]);
		free(paths);
		kube_resources_release(&r);
	} else {
		char *next = NULL;
		int64_t v;
		metrics_read(body, use_metrics, &rows, &next);
		quantity_milli(body, &v);
		quantity_units(body, &v);
		time_parse(body, &v);
		free(next);
	}
	buf_release(&rows);
	table_form_free(f);
	return 0;
}
