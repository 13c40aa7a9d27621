/* versus: two versions of a model held against each other in words, for whoever is about to put one in the other's place.
 * They come as the JSON of base/registry.h; what one of them does not say is not compared. */
#include "base/fmt.h"
#include "base/registry.h"
#include <jansson.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>

#define PARAMS_SHOWN 12

static void say(json_t *list, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
static void say(json_t *list, const char *fmt, ...)
{
	struct buf b = { 0 };
	va_list ap;
	va_start(ap, fmt);
	buf_vaddf(&b, fmt, ap);
	va_end(ap);
	json_array_append_new(list, json_stringn(b.data, b.len));
	buf_release(&b);
}

/* The metric that is looked at first: the one asked for, else by rank of its name. */
static const char *key_of(const json_t *metrics, const char *asked)
{
	const char *name, *best = NULL;
	json_t *v;
	if (asked && json_is_number(json_object_get(metrics, asked)))
		return asked;
	json_object_foreach((json_t *)(uintptr_t)metrics, name, v)
		if (!best || metric_rank(str_of(name)) < metric_rank(str_of(best)))
			best = name;
	return best;
}

static void put_metric(const char *name, double was, double is, const char *way, bool key, json_t *change, json_t *warnings)
{
	struct buf a = { 0 }, b = { 0 }, by = { 0 };
	double moved = relative_change(was, is);
	bool up = is > was, worse = way && (!strcmp(way, "higher") ? is < was : is > was);
	fmt_real(was, &a);
	fmt_real(is, &b);
	if (isfinite(moved))
		buf_addf(&by, "%.1f %% ", fabs(moved) * 100);
	say(change, "%s %s -> %s: %s%s", name, a.data, b.data, was == is ? "" : by.data ? by.data : "",
	    was == is ? "the same" : !way ? up ? "higher" : "lower" : worse ? "worse" : "better");
	if (key && worse)
		say(warnings, "the key metric %s is %sworse than that of the version in production", name, by.data ? by.data : "");
	buf_release(&a);
	buf_release(&b);
	buf_release(&by);
}

static void compare_metrics(const json_t *old, const json_t *new, const char *asked, json_t *change, json_t *warnings)
{
	const json_t *was = json_object_get(old, "metrics"), *is = json_object_get(new, "metrics");
	const char *key = key_of(was, asked), *name;
	json_t *v;
	if (key && !json_is_number(json_object_get(is, key)))
		say(warnings, "of the key metric %s this version has no value: it cannot be told whether it is better", key);
	json_object_foreach((json_t *)(uintptr_t)is, name, v) {
		const json_t *before = json_object_get(was, name);
		if (json_is_number(before) && json_is_number(v))
			put_metric(name, json_number_value(before), json_number_value(v), json_string_value(json_object_get(
				json_object_get(new, "better"), name)), key && !strcmp(name, key), change, warnings);
	}
}

static void compare_params(const json_t *old, const json_t *new, json_t *change)
{
	const json_t *was = json_object_get(old, "params");
	unsigned shown = 0;
	const char *name;
	json_t *v;
	json_object_foreach(json_object_get(new, "params"), name, v) {
		const char *before = json_string_value(json_object_get(was, name)), *now = json_string_value(v);
		if (before && now && strcmp(before, now) && shown++ < PARAMS_SHOWN)
			say(change, "%.60s %.60s -> %.60s", name, before, now);
	}
}

/* Of a column both may have no name. */
static bool same(const json_t *a, const json_t *b, const char *member)
{
	const json_t *x = json_object_get(a, member), *y = json_object_get(b, member);
	return x == y || json_equal(x, y);
}

/* Columns of `from` that `in` has not, or has with another type. */
static void missing(const json_t *from, const json_t *in, struct buf *out)
{
	size_t i, k;
	json_t *a, *b;
	json_array_foreach(from, i, a) {
		const char *name = json_string_value(json_object_get(a, "name"));
		bool there = false;
		json_array_foreach(in, k, b)
			there |= same(a, b, "name") && same(a, b, "type");
		if (!there && out->len < 200)
			buf_addf(out, "%s%.60s", out->len ? ", " : "", name ? name : "(unnamed)");
	}
}

static void compare_signatures(const json_t *old, const json_t *new, json_t *warnings)
{
	static const char *const sides[] = { "inputs", "outputs" };
	const json_t *was = json_object_get(old, "signature"), *is = json_object_get(new, "signature");
	if (!was != !is)
		say(warnings, "only %s has a signature: whether both take the same inputs cannot be told", is ? "this version" :
		    "the version in production");
	for (int s = 0; was && is && s < 2; s++) {
		struct buf gone = { 0 }, come = { 0 };
		const json_t *a = json_object_get(was, sides[s]), *b = json_object_get(is, sides[s]);
		missing(a, b, &gone);
		missing(b, a, &come);
		if (gone.len || come.len)
			say(warnings, "its signature differs in %s:%s%s%s%s%s", sides[s], gone.len ? " without or otherwise " : "",
			    gone.len ? gone.data : "", gone.len && come.len ? ";" : "", come.len ? " new or otherwise " : "",
			    come.len ? come.data : "");
		else if (a && b && !json_equal(a, b))
			say(warnings, "its signature differs in %s, in their order", sides[s]);
		buf_release(&gone);
		buf_release(&come);
	}
}

void registry_versus(const json_t *old, const json_t *new, const char *metric, json_t *change, json_t *warnings)
{
	const char *status = json_string_value(json_object_get(new, "status"));
	if (status && strcmp(status, "READY"))
		say(warnings, "its status is %.60s, not READY: it may not load", status);
	if (!old)
		return;
	compare_metrics(old, new, metric, change, warnings);
	compare_params(old, new, change);
	compare_signatures(old, new, warnings);
}
