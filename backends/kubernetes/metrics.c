/* metrics.c: metrics.k8s.io of pods and nodes, and the cells that they and the sums over pods fill. */
#include "backends/kubernetes/decode.h"
#include "base/fmt.h"
#include "base/mem.h"
#include <jansson.h>
#include <math.h>

static struct str text_of(const json_t *o, const char *key)
{
	const json_t *v = json_object_get(o, key);
	return json_is_string(v) ? (struct str){ json_string_value(v), json_string_length(v) } : (struct str){ "", 0 };
}

/* usage: {"cpu": "12345678n", "memory": "209Mi"}; what is not there stays as it is. */
static void read_usage(const json_t *usage, int64_t *cpu, int64_t *mem)
{
	quantity_milli(text_of(usage, "cpu"), cpu);
	quantity_units(text_of(usage, "memory"), mem);
}

static int64_t plus(int64_t a, int64_t b)
{
	int64_t sum;
	return __builtin_add_overflow(a, b, &sum) ? INT64_MAX : sum;
}

static void read_item(const json_t *item, metrics_fn fn, void *arg)
{
	const json_t *metadata = json_object_get(item, "metadata"), *containers = json_object_get(item, "containers");
	struct str ns = text_of(metadata, "namespace"), name = text_of(metadata, "name");
	int64_t cpu = 0, mem = 0;
	if (!name.n)
		return;
	if (!json_is_array(containers)) {
		read_usage(json_object_get(item, "usage"), &cpu, &mem);
		fn(arg, ns, name, (struct str){ NULL, 0 }, cpu, mem);
		return;
	}
	for (size_t i = 0; i < json_array_size(containers); i++) {
		const json_t *c = json_array_get(containers, i);
		struct str container = text_of(c, "name");
		int64_t its_cpu = 0, its_mem = 0;
		read_usage(json_object_get(c, "usage"), &its_cpu, &its_mem);
		cpu = plus(cpu, its_cpu);
		mem = plus(mem, its_mem);
		if (container.n)
			fn(arg, ns, name, container, its_cpu, its_mem);
	}
	fn(arg, ns, name, (struct str){ NULL, 0 }, cpu, mem);
}

bool metrics_read(struct str json, metrics_fn fn, void *arg, char **next)
{
	json_t *list = json_loadb(json.p ? json.p : "", json.n, JSON_ALLOW_NUL, NULL);
	const json_t *items = json_object_get(list, "items");
	bool is = json_is_array(items);
	*next = NULL;
	for (size_t i = 0; i < json_array_size(items); i++)
		read_item(json_array_get(items, i), fn, arg);
	struct str token = text_of(json_object_get(list, "metadata"), "continue");
	if (is && token.n)
		*next = str_dup(token);
	json_decref(list);
	return is;
}

static void keep_cells(struct buf *rows, int n)
{
	while (n-- > 0)
		cell_keep(rows);
}

static double share(int64_t part, int64_t whole)
{
	return whole > 0 ? (double)part / (double)whole : NAN;
}

void metrics_pod_row(struct buf *rows, struct str key, int64_t cpu, int64_t mem, int64_t mem_limit)
{
	rows_update(rows, key, LEVEL_KEEP);
	keep_cells(rows, PODS_CPU);
	cell_int(rows, cpu);
	cell_int(rows, mem);
	cell_real(rows, share(mem, mem_limit));
	keep_cells(rows, PODS_NCOLS - PODS_MEM_PCT - 1);
}

void metrics_container_row(struct buf *rows, struct str key, int64_t cpu, int64_t mem, int64_t mem_limit)
{
	rows_update(rows, key, LEVEL_KEEP);
	keep_cells(rows, CONTAINERS_CPU);
	cell_int(rows, cpu);
	cell_int(rows, mem);
	cell_real(rows, share(mem, mem_limit));
	keep_cells(rows, CONTAINERS_NCOLS - CONTAINERS_MEM_PCT - 1);
}

void metrics_node_row(struct buf *rows, struct str key, int64_t cpu, int64_t mem, int64_t cpu_allocatable,
                      int64_t mem_allocatable)
{
	rows_update(rows, key, LEVEL_KEEP);
	keep_cells(rows, NODES_CPU);
	cell_int(rows, cpu);
	cell_real(rows, share(cpu, cpu_allocatable));
	cell_keep(rows);   /* cpu_requested */
	cell_int(rows, mem);
	cell_real(rows, share(mem, mem_allocatable));
	keep_cells(rows, NODES_NCOLS - NODES_MEM_PCT - 1);
}

void requested_node_row(struct buf *rows, struct str key, int64_t pods, int64_t cpu, int64_t mem, int64_t gpus,
                        int64_t pods_allocatable, int64_t gpus_allocatable)
{
	rows_update(rows, key, LEVEL_KEEP);
	keep_cells(rows, NODES_PODS);
	cell_int(rows, PAIR(pods, pods_allocatable > 0 ? pods_allocatable : 0));
	keep_cells(rows, 2);   /* cpu, cpu_pct */
	cell_int(rows, cpu);
	keep_cells(rows, 2);   /* mem, mem_pct */
	cell_int(rows, mem);
	if (gpus > 0 || gpus_allocatable > 0)
		cell_int(rows, PAIR(gpus, gpus_allocatable > 0 ? gpus_allocatable : 0));
	else
		cell_null(rows);
	keep_cells(rows, NODES_NCOLS - NODES_GPUS - 1);
}
