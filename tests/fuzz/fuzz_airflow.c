/* Any bytes as Airflow's answers: rows of both versions, structured and printed logs, tokens. The first byte says which. */
#include "backends/airflow/airflow.h"
#include "base/table.h"
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void elements(struct str s)
{
	static const struct kind *const kinds[] = { &kind_runs, &kind_tasks, &kind_pipelines };
	char why[200];
	json_t *j = json_read(s, NULL, why, sizeof(why));
	const json_t *o;
	size_t i;
	for (int k = 0; k < 3; k++) {
		struct past past = { 0 };
		struct buf b = { 0 };
		struct rd r;
		rows_start(&b, kinds[k]->name);
		past_take_tasks(past_dag(&past, STR("d")), j);
		past_take_times(past_dag(&past, STR("d")), j);
		json_array_foreach(j, i, o) {
			take_dag(&past, o);
			take_run(&past, o);
			if (k == 0)
				put_run(&past, o, 1795230000000, &b);
			else if (k == 1)
				put_task(&past, o, &b);
			else
				put_error(o, &b);
		}
		for (unsigned d = 0; k == 2 && d < past.n; d++)
			past_put(past.dags[d], &b);
		struct table *t = table_new(kinds[k]);
		rows_open((r = rd_of(buf_str(&b)), &r), buf_str(&b));
		if (!table_apply(t, 0, &r, 0))
			abort();                       /* what we write can be read */
		table_free(t);
		buf_release(&b);
		past_release(&past);
	}
	json_decref(j);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str s = { (const char *)data + 1, size ? size - 1 : 0 };
	struct buf b = { 0 };
	struct task_key k;
	char why[200];
	if (!size)
		return 0;
	if (data[0] % 4 == 0) {
		elements(s);
	} else if (data[0] % 4 == 1) {
		repr_text(s, &b);
	} else if (data[0] % 4 == 2) {
		json_t *j = json_read(s, NULL, why, sizeof(why));
		log_line(j, &b);
		params_text(j, &b);
		json_decref(j);
	} else {
		jwt_end(s);
		if (task_key_parse(s, &k))
			task_key_path(&k, &b);
	}
	buf_release(&b);
	return 0;
}
