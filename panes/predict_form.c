/* predict_form: the inputs of a model: what each takes, what it holds, and what comes after that. */
#include "base/fmt.h"
#include "base/json_text.h"
#include "base/mem.h"
#include "panes/predict.h"
#include <math.h>
#include <stdlib.h>

static double number_of(const json_t *o, const char *key)
{
	const json_t *v = json_object_get(o, key);
	return json_is_number(v) ? json_number_value(v) : NAN;
}

/* A value as it is typed. */
static char *typed_text(const json_t *v)
{
	char number[40];
	if (!v || json_is_null(v))
		return xstrdup("");
	if (json_is_string(v))
		return str_dup((struct str){ json_string_value(v), json_string_length(v) });
	if (json_is_real(v)) {
		snprintf(number, sizeof(number), "%.12g", json_real_value(v));
		return xstrdup(number);
	}
	char *text = json_dumps(v, JSON_COMPACT | JSON_ENCODE_ANY);
	return text ? text : xstrdup("");
}

bool input_is_number(const struct input *in)
{
	return (in->type == INPUT_INTEGER || in->type == INPUT_NUMBER) && !in->nchoices;
}

void input_set(struct input *in, const json_t *v)
{
	free(in->value);
	in->value = typed_text(v);
}

/* ---- from a description */

static struct input *add_input(struct form *f, const char *name)
{
	f->in = xreallocarray(f->in, f->n + 1, sizeof(*f->in));
	struct input *in = &f->in[f->n++];
	*in = (struct input){ .name = xstrdup(name), .type = INPUT_JSON, .min = NAN, .max = NAN, .value = xstrdup("") };
	return in;
}

static struct input *find_input(struct form *f, const char *name)
{
	for (unsigned i = 0; i < f->n; i++)
		if (!strcmp(f->in[i].name, name))
			return &f->in[i];
	return NULL;
}

static void read_field(struct form *f, const json_t *field)
{
	static const char *const types[] = { [INPUT_INTEGER] = "integer", [INPUT_NUMBER] = "number", [INPUT_BOOL] = "boolean",
		[INPUT_TEXT] = "string" };
	const json_t *choices = json_object_get(field, "enum"), *v, *otherwise = json_object_get(field, "default");
	size_t i;
	if (!*json_text(field, "name") || find_input(f, json_text(field, "name")))
		return;
	struct input *in = add_input(f, json_text(field, "name"));
	in->help = *json_text(field, "help") ? xstrdup(json_text(field, "help")) : NULL;
	for (size_t t = 0; t < ARRAY_SIZE(types); t++)
		if (!strcmp(json_text(field, "type"), types[t]))
			in->type = (enum input_type)t;
	in->min = number_of(field, "min");
	in->max = number_of(field, "max");
	in->required = json_is_true(json_object_get(field, "required"));
	in->choices = json_array_size(choices) ? xcalloc(json_array_size(choices), sizeof(char *)) : NULL;
	json_array_foreach(choices, i, v)
		in->choices[in->nchoices++] = typed_text(v);
	if (!otherwise)
		otherwise = json_object_get(field, "example");
	if (otherwise)
		in->reference = typed_text(otherwise);
	input_set(in, otherwise);
}

void form_read(struct form *f, const json_t *fields)
{
	const json_t *field;
	size_t i;
	json_array_foreach(fields, i, field)
		read_field(f, field);
}

void form_take(struct form *f, const json_t *inputs)
{
	const char *name;
	json_t *v;
	json_object_foreach((json_t *)(uintptr_t)inputs, name, v) {
		struct input *in = find_input(f, name);
		if (!in) {
			in = add_input(f, name);
			in->type = json_is_integer(v) ? INPUT_INTEGER : json_is_real(v) ? INPUT_NUMBER : json_is_boolean(v) ? INPUT_BOOL
				: json_is_string(v) ? INPUT_TEXT : INPUT_JSON;
		}
		input_set(in, v);
	}
}

void form_keep_was(struct form *f)
{
	for (unsigned i = 0; i < f->n; i++) {
		free(f->in[i].was);
		f->in[i].was = xstrdup(f->in[i].value);
	}
}

void form_release(struct form *f)
{
	for (unsigned i = 0; i < f->n; i++) {
		struct input *in = &f->in[i];
		for (unsigned c = 0; c < in->nchoices; c++)
			free(in->choices[c]);
		free(in->choices);
		free(in->name);
		free(in->help);
		free(in->value);
		free(in->was);
		free(in->reference);
	}
	free(f->in);
	free(f->from);
	*f = (struct form){ 0 };
}

/* ---- values */

static json_t *number_value(const struct input *in, struct str s, char *why, size_t size)
{
	double v;
	int64_t i;
	bool whole = str_to_i64(s, &i);
	if (!str_to_f64(s, &v) || (in->type == INPUT_INTEGER && !whole && floor(v) != v)) {
		snprintf(why, size, "'%s' is %s, not '" STR_FMT "'", in->name, in->type == INPUT_INTEGER ? "a whole number" : "a number",
		         STR_ARG(s));
		return NULL;
	}
	if (v < in->min || v > in->max) {
		struct buf b = { 0 };
		isnan(in->min) ? buf_adds(&b, "at most ") : fmt_real(in->min, &b);
		if (!isnan(in->max)) {
			buf_adds(&b, isnan(in->min) ? "" : " to ");
			fmt_real(in->max, &b);
		} else {
			buf_adds(&b, " or more");
		}
		snprintf(why, size, "'%s' is %s", in->name, b.data);
		buf_release(&b);
		return NULL;
	}
	return whole || in->type == INPUT_INTEGER ? json_integer(whole ? i : (int64_t)v) : json_real(v);
}

json_t *input_value(const struct input *in, struct str s, char *why, size_t size)
{
	json_t *v;
	bool of_choices = !in->nchoices;
	for (unsigned i = 0; i < in->nchoices; i++)
		of_choices |= str_is(s, in->choices[i]);
	if (!of_choices) {
		snprintf(why, size, "'%s' is one of %s, %s%s, not '" STR_FMT "'", in->name, in->choices[0],
		         in->nchoices > 1 ? in->choices[1] : "", in->nchoices > 2 ? " ..." : "", STR_ARG(s));
		return NULL;
	}
	switch (in->type) {
	case INPUT_INTEGER: case INPUT_NUMBER:
		return number_value(in, str_trim(s), why, size);
	case INPUT_BOOL:
		if (str_is(s, "true") || str_is(s, "false") || str_is(s, "1") || str_is(s, "0"))
			return json_boolean(str_is(s, "true") || str_is(s, "1"));
		snprintf(why, size, "'%s' is true or false, not '" STR_FMT "'", in->name, STR_ARG(s));
		return NULL;
	case INPUT_JSON:
		if ((v = json_loadb(s.p, s.n, JSON_DECODE_ANY, NULL)))
			return v;
		break;
	case INPUT_TEXT:
		break;
	}
	if (!(v = json_stringn(s.p ? s.p : "", s.n)))
		snprintf(why, size, "'%s' is not UTF-8", in->name);
	return v;
}

json_t *form_inputs(const struct form *f, unsigned *at, char *why, size_t size)
{
	json_t *o = json_object();
	for (*at = 0; *at < f->n; (*at)++) {
		const struct input *in = &f->in[*at];
		json_t *v = *in->value ? input_value(in, str_of(in->value), why, size) : NULL;
		if (!v && !*in->value && !in->required)
			continue;
		if (!*in->value)
			snprintf(why, size, "'%s' is needed", in->name);
		if (!v) {
			json_decref(o);
			return NULL;
		}
		json_object_set_new(o, in->name, v);
	}
	if (json_object_size(o))
		return o;
	snprintf(why, size, "no inputs are given");
	json_decref(o);
	return NULL;
}

/* A step that is felt and keeps numbers round: 50 at 1,800, 1 at 3, 0.05 at 0.25. */
static double step_of(const struct input *in, double v)
{
	double span = fabs(v);
	if (span < 1e-9)
		span = !isnan(in->max) && !isnan(in->min) && in->max - in->min < 1e9 ? (in->max - in->min) / 10 : 1;
	double step = pow(10, floor(log10(span)) - 2) * 5;
	return in->type == INPUT_INTEGER && step < 1 ? 1 : in->type == INPUT_INTEGER ? floor(step) : step;
}

static bool step_choice(struct input *in, char *const *choices, unsigned n, int by)
{
	unsigned at = 0;
	for (unsigned i = 0; i < n; i++)
		if (!strcmp(choices[i], in->value))
			at = i;
	char *fresh = xstrdup(choices[(at + n + (unsigned)(by < 0 ? n - 1 : 1)) % n]);
	free(in->value);
	in->value = fresh;
	return true;
}

bool input_step(struct input *in, int by, int times)
{
	char yes[] = "true", no[] = "false", *const booleans[] = { no, yes };
	double v = 0;
	char text[40];
	if (in->nchoices)
		return step_choice(in, in->choices, in->nchoices, by);
	if (in->type == INPUT_BOOL)
		return step_choice(in, booleans, 2, by);
	if (*in->value && !str_to_f64(str_trim(str_of(in->value)), &v))
		return false;
	if (!input_is_number(in) && !(in->type == INPUT_JSON && *in->value))
		return false;
	double step = step_of(in, v) * times;
	v = round((v + by * step) / (step / times)) * (step / times);   /* 1,837 goes to 1,850, then 1,900 */
	v = v < in->min ? in->min : v > in->max ? in->max : v;
	snprintf(text, sizeof(text), "%.12g", v == 0 ? 0.0 : v);
	if (!strcmp(text, in->value))
		return false;
	free(in->value);
	in->value = xstrdup(text);
	return true;
}
