/* plan_json: see plan_json.h. */
#include "base/plan_json.h"
#include "base/fmt.h"
#include "base/mem.h"
#include <jansson.h>
#include <stdarg.h>
#include <stdlib.h>

static json_t *text_of(struct str s)
{
	json_t *v = json_stringn(s.n ? s.p : "", s.n);
	return v ? v : json_string("(text that is not UTF-8)");
}

json_t *plan_json(const struct request *r, struct str version)
{
	return json_pack("{s:o, s:{s:s, s:o, s:s, s:o}, s:[], s:[], s:[]}", "title", json_sprintf("%s %s", r->what, r->key), "target",
		"kind", r->kind, "key", text_of(str_of(r->key)), "uid", "", "version", text_of(version), "change", "steps", "warnings");
}

void plan_say(json_t *plan, const char *where, const char *fmt, ...)
{
	json_t *there = json_object_get(plan, where);
	struct buf b = { 0 };
	va_list ap;
	va_start(ap, fmt);
	buf_vaddf(&b, fmt, ap);
	va_end(ap);
	if (json_is_array(there))
		json_array_append_new(there, text_of(buf_str(&b)));
	else if (!there || strcmp(where, "blocked"))
		json_object_set_new(plan, where, text_of(buf_str(&b)));
	buf_release(&b);
}

void plan_request(json_t *plan, const char *what, json_t *body, const char *check, const char *undo)
{
	json_t *step = json_pack("{s:o}", "do", text_of(str_of(what)));
	char *text = body ? json_dumps(body, JSON_COMPACT | JSON_ENCODE_ANY) : NULL;
	if (text)
		json_object_set_new(step, "body", json_string(text));
	if (check)
		json_object_set_new(step, "check", text_of(str_of(check)));
	if (undo)
		json_object_set_new(step, "undo", text_of(str_of(undo)));
	json_array_append_new(json_object_get(plan, "steps"), step);
	free(text);
	json_decref(body);
}

void plan_undo(json_t *plan, const char *action, json_t *params)
{
	json_object_set_new(plan, "undo", json_pack("{s:s, s:o}", "action", action, "params", params ? params : json_object()));
}

void plan_answer(struct link *l, const struct request *r, json_t *plan)
{
	char *text = json_dumps(plan, JSON_COMPACT);
	link_answer(l, r->id, true, str_of(text ? text : "{}"));
	free(text);
	json_decref(plan);
}

struct str plan_param_text(const json_t *params, const char *name, struct buf *out)
{
	const json_t *v = json_object_get(params, name);
	buf_clear(out);
	if (json_is_string(v))
		buf_addstr(out, str_trim((struct str){ json_string_value(v), json_string_length(v) }));
	else if (json_is_integer(v))
		buf_addf(out, "%lld", (long long)json_integer_value(v));
	else if (json_is_real(v))
		buf_addf(out, "%.10g", json_real_value(v));
	else if (json_is_boolean(v))
		buf_adds(out, json_is_true(v) ? "true" : "false");
	return buf_str(out);
}

int64_t plan_param_int(const json_t *params, const char *name, int64_t otherwise)
{
	struct buf b = { 0 };
	int64_t n;
	if (!str_to_i64(plan_param_text(params, name, &b), &n))
		n = otherwise;
	buf_release(&b);
	return n;
}

int64_t plan_param_ms(const json_t *params, const char *name, int64_t otherwise)
{
	const json_t *v = json_object_get(params, name);
	struct buf b = { 0 };
	struct str s = plan_param_text(params, name, &b);
	double ms;
	if (json_is_number(v) && json_number_value(v) > 0 && json_number_value(v) < 1e12)
		otherwise = (int64_t)json_number_value(v);
	int64_t n = json_is_string(v) && duration_parse(s, true, &ms) && ms > 0 && ms < 1e12 ? (int64_t)ms : otherwise;
	buf_release(&b);
	return n;
}

bool plan_param_bool(const json_t *params, const char *name)
{
	struct buf b = { 0 };
	bool is = str_is(plan_param_text(params, name, &b), "true");
	buf_release(&b);
	return is;
}

void run_say(struct link *l, uint64_t id, enum step_state state, unsigned at, unsigned of, const char *fmt, ...)
{
	struct buf b = { 0 };
	va_list ap;
	va_start(ap, fmt);
	buf_vaddf(&b, fmt, ap);
	va_end(ap);
	link_step(l, id, (struct msg_step){ .state = state, .ok = state != STEP_FAILED, .at = at, .of = of, .say = buf_str(&b) });
	buf_release(&b);
}

void run_over(struct link *l, uint64_t id, bool ok, struct str say, const json_t *undo)
{
	char *text = undo ? json_dumps(undo, JSON_COMPACT) : NULL;
	link_step(l, id, (struct msg_step){ .state = STEP_FINISHED, .ok = ok, .say = say, .undo = str_of(text ? text : "") });
	free(text);
}
