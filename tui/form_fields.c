/* form_fields: see form_fields.h. What the answer says wrongly is left out; a field without a name is none. */
#include "tui/form_fields.h"
#include "base/mem.h"
#include <math.h>
#include <stdlib.h>

#define FIELDS_MOST 200
#define CHOICES_MOST 32              /* more than that are typed, not stepped through */

static char *copy_of(const json_t *o, const char *name)
{
	const json_t *v = json_object_get(o, name);
	return json_string_length(v) ? str_dup((struct str){ json_string_value(v), json_string_length(v) }) : NULL;
}

static char *join_choices(const json_t *list)
{
	struct buf b = { 0 };
	const json_t *v;
	size_t i;
	bool ok = json_array_size(list) && json_array_size(list) <= CHOICES_MOST;
	json_array_foreach(list, i, v) {
		const char *s = json_string_value(v);
		ok = ok && s && !strchr(s, '|');
		if (ok)
			buf_addf(&b, "%s%s", i ? "|" : "", s);
	}
	char *text = ok ? buf_detach(&b) : NULL;
	buf_release(&b);
	return text;
}

static enum field_type type_of(const char *name)
{
	static const char *const names[] = { [FIELD_TEXT] = "text", [FIELD_COUNT] = "count", [FIELD_BOOL] = "bool",
		[FIELD_CHOICE] = "choice", [FIELD_DURATION] = "duration", [FIELD_REAL] = "real" };
	for (unsigned i = 0; name && i < ARRAY_SIZE(names); i++)
		if (!strcmp(name, names[i]))
			return (enum field_type)i;
	return FIELD_TEXT;
}

static int64_t bound(double v, int64_t otherwise)
{
	return v > -9e18 && v < 9e18 ? (int64_t)v : otherwise;
}

static void read_field(const json_t *o, struct field *f)
{
	const json_t *min = json_object_get(o, "min"), *max = json_object_get(o, "max");
	f->name = copy_of(o, "name");
	f->title = copy_of(o, "title");
	f->title = f->title ? f->title : xstrdup(f->name);
	f->help = copy_of(o, "help");
	f->otherwise = copy_of(o, "default");
	f->required = json_is_true(json_object_get(o, "required"));
	f->type = type_of(json_string_value(json_object_get(o, "type")));
	if (f->type == FIELD_CHOICE && !(f->choices = join_choices(json_object_get(o, "choices"))))
		f->type = FIELD_TEXT;
	if (!json_is_number(min) && !json_is_number(max))
		return;
	f->from = json_is_number(min) ? json_number_value(min) : -HUGE_VAL;
	f->to = json_is_number(max) ? json_number_value(max) : HUGE_VAL;
	f->min = bound(ceil(f->from), INT64_MIN);
	f->max = bound(floor(f->to), INT64_MAX);
}

struct field *form_fields_read(struct str answer, char **note)
{
	json_t *j = json_loadb(answer.p ? answer.p : "", answer.n, 0, NULL);
	const json_t *list = json_object_get(j, "fields"), *o;
	size_t n = json_array_size(list), i, at = 0;
	struct field *all = NULL;
	*note = copy_of(j, "note");
	n = n > FIELDS_MOST ? FIELDS_MOST : n;
	if (n)
		all = xcalloc(n + 1, sizeof(*all));
	json_array_foreach(list, i, o)
		if (at < n && json_string_length(json_object_get(o, "name")))
			read_field(o, &all[at++]);
	json_decref(j);
	if (at)
		return all;
	free(all);
	return NULL;
}

void form_fields_free(struct field *fields)
{
	for (struct field *f = fields; f && f->name; f++) {
		free((char *)(uintptr_t)f->name);
		free((char *)(uintptr_t)f->title);
		free((char *)(uintptr_t)f->help);
		free((char *)(uintptr_t)f->otherwise);
		free((char *)(uintptr_t)f->choices);
	}
	free(fields);
}
