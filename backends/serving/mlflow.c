/* mlflow: MLflow's scoring server, as `mlflow models serve` starts it and as images made from models run it. 1.x takes a frame
 * as it is and answers a bare list; from 2.0 on a frame is named, and so are predictions. It does not say which version of
 * the model it holds. */
#include "backends/serving/schema.h"
#include "backends/serving/serving.h"
#include "base/mem.h"
#include <ctype.h>
#include <stdlib.h>

static bool probe(struct serving *s)
{
	char text[64] = "";
	if (serving_get(s, "/version", NULL, text, sizeof(text)) && isdigit((unsigned char)text[0]) && strchr(text, '.') &&
	    serving_get(s, "/ping", NULL, NULL, 0)) {
		set_text(&s->flavour, text);
		return true;
	}
	/* 1.x: no /version; /invocations is there, but not for GET */
	if (serving_lost(s) || !serving_get(s, "/ping", NULL, NULL, 0))
		return false;
	if (serving_get(s, "/invocations", NULL, NULL, 0) || s->status != 405)
		return false;
	set_text(&s->flavour, "1");
	return true;
}

static bool look(struct serving *s)
{
	bool ready = serving_get(s, "/ping", NULL, NULL, 0);
	if (serving_lost(s))
		return false;
	struct model *m = serving_model(s, "");
	m->explains = 0;
	set_text(&m->title, setting(s, "model"));
	model_is(s, m, ready ? STATUS_READY : STATUS_NOT_READY, ready ? "" : s->error);
	return true;
}

static json_t *frame(const struct serving *s, const json_t *inputs)
{
	json_t *columns = json_array(), *row = json_array(), *v, *split;
	const char *name;
	json_object_foreach((json_t *)(uintptr_t)inputs, name, v) {
		json_array_append_new(columns, json_string(name));
		json_array_append(row, v);
	}
	split = json_pack("{s:o, s:[o]}", "columns", columns, "data", row);
	return !strcmp(s->flavour ? s->flavour : "", "1") ? split : json_pack("{s:o}", "dataframe_split", split);
}

static const char *type_of(const struct serving *s)
{
	return !strcmp(s->flavour ? s->flavour : "", "1") ? "application/json; format=pandas-split" : "application/json";
}

/* A frame without columns is refused before the model sees it, and the refusal names the signature. */
static json_t *schema(struct serving *s, struct model *m)
{
	struct http_reply reply;
	json_t *none = json_object(), *body = frame(s, none), *j;
	char *text = json_dumps(body, JSON_COMPACT);
	json_t *found = NULL;
	(void)m;
	s->asked++;
	if (!http_call(s->http, &(struct http_request){ .method = "POST", .path = "/invocations", .body = str_of(text),
	               .content_type = type_of(s), .timeout_ms = 10000, .max = 1 << 20, .cancelled = is_cancelled,
	               .cancelled_arg = s }, &reply) && reply.end == HTTP_STATUS) {
		j = json_loadb(reply.body.data ? reply.body.data : "", reply.body.len, 0, NULL);
		found = schema_mlflow(str_of(json_string_value(json_object_get(j, "message"))));
		json_decref(j);
	}
	http_reply_release(&reply);
	json_decref(none);
	json_decref(body);
	free(text);
	return found;
}

static bool form(struct serving *s, struct model *m, const json_t *inputs, bool explain, struct call_form *f)
{
	(void)m;
	if (explain)
		return false;
	buf_adds(&f->path, "/invocations");
	f->type = type_of(s);
	f->body = frame(s, inputs);
	return true;
}

const struct protocol protocol_mlflow = { .fixed = "MLflow's scoring server serves the one model that it was started with: restart it with the new one",
	 .name = "mlflow", .title = "MLflow scoring", .probe = probe, .look = look,
	.schema = schema, .form = form };
