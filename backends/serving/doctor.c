/* doctor: whether the models can be reached, by which protocol, and whether each is ready and describes itself. */
#include "backends/serving/serving.h"
#include "backends/net/doctor.h"
#include "base/mem.h"
#include <stdio.h>
#include <stdlib.h>

static void check_model(struct serving *s, struct model *m, json_t *all)
{
	bool ready = m->status == STATUS_READY;
	doctor_check(all, "model", m->status == STATUS_UNKNOWN ? -1 : ready, "look at the log of its pod or process", "%s is %s%s%s%s%s",
	      m->key, ready ? "ready" : "not ready", m->version ? ", version " : "", m->version ? m->version : "", *m->why ? ": " : "",
	      m->why);
	const json_t *schema = ready ? call_schema(s, m) : NULL;
	const char *from = json_string_value(json_object_get(schema, "from"));
	if (schema)
		doctor_check(all, "inputs", 1, "", "%zu fields, from %s", json_array_size(json_object_get(schema, "fields")), from ? from : "?");
	else if (ready)
		doctor_check(all, "inputs", -1, "paste an input as JSON, or take one from the log of predictions",
		      "it does not describe the inputs of %s", m->key);
}

void serving_doctor(struct serving *s, uint64_t id, bool found)
{
	json_t *all = json_array();
	const char *where = s->access.shown;
	if (!found)
		doctor_check(all, s->end == HTTP_STATUS && s->status != 429 ? "authenticated" : s->end == HTTP_BROKEN ? "protocol" : "reachable", 0,
		      s->remedy, "%s", s->error);
	if (found && s->latency_us >= 0)
		doctor_check(all, "reachable", 1, "", "%s answers in %.1f ms", where, (double)s->latency_us / 1000);
	if (found)
		doctor_check(all, "protocol", 1, "", "%s%s%s", s->protocol->title, s->flavour ? " " : "", s->flavour ? s->flavour : "");
	for (unsigned i = 0; found && i < s->nmodels; i++)
		check_model(s, &s->models[i], all);
	char *text = json_dumps(all, JSON_COMPACT);
	link_answer(s->link, id, true, str_of(text ? text : "[]"));
	free(text);
	json_decref(all);
}
