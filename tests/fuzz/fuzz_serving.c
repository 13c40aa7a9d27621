/* What model servers say: answers, explanations, complaints, descriptions of inputs; and rows of CSV. */
#include "backends/serving/answer.h"
#include "backends/serving/schema.h"
#include "base/mem.h"
#include "panes/predict.h"
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str s = { (const char *)data, size };
	struct csv row = { 0 };
	struct answer a;
	struct buf b = { 0 };
	char why[100];
	bool odd;
	json_t *j = json_read(s, &odd, why, sizeof(why)), *schema;
	if (j) {
		answer_read(j, size % 2 ? NULL : "data.0.x", &a);
		answer_release(&a);
		answer_complaint(j, &b);
		json_decref(answer_explanation(j));
		struct openapi_paths p = openapi_paths(j);
		if (p.predict && (schema = schema_openapi(j, p.predict))) {
			struct form f = { 0 };
			form_read(&f, json_object_get(schema, "fields"));
			form_take(&f, j);
			for (unsigned i = 0; i < f.n; i++)
				input_step(&f.in[i], i % 2 ? 1 : -1, 1);
			form_release(&f);
			json_t *body = schema_wrap(schema, j);
			json_decref(body);
			json_decref(schema);
		}
		json_decref(schema_v2(j));
		json_decref(schema_inputs(j));
	}
	json_decref(schema_mlflow(s));
	while (csv_next(&s, &row))
		;
	csv_release(&row);
	buf_release(&b);
	json_decref(j);
	return 0;
}
