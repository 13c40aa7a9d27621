/* opencost: see opencost.h. */
#include "backends/cost/opencost.h"
#include "base/mem.h"
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#define SHARES_MAX 2000

void opencost_release(struct opencost *o)
{
	for (size_t i = 0; i < o->n; i++)
		free(o->items[i].name);
	free(o->items);
	*o = (struct opencost){ NULL };
}

static double number(const json_t *map, const char *key)
{
	const json_t *j = json_object_get(map, key);
	return json_is_number(j) ? json_number_value(j) : NAN;
}

/* Special names are __idle__, __unallocated__, __unmounted__. */
static char *plain_name(const char *name)
{
	struct str s = str_of(name);
	if (s.n > 4 && str_starts(s, STR("__")) && str_ends(s, STR("__")))
		return xasprintf("(%.*s)", (int)s.n - 4, s.p + 2);
	return xstrdup(name);
}

static void take(struct opencost *out, const char *name, const json_t *x)
{
	double efficiency = number(x, "totalEfficiency"), total = number(x, "totalCost");
	bool idle = !strcmp(name, "__idle__");
	if (!json_is_object(x) || isnan(total) || out->n == SHARES_MAX)
		return;
	char *shown = plain_name(name);
	for (size_t i = 0; i < out->n; i++) {             /* one map per step: the steps are summed */
		if (!strcmp(out->items[i].name, shown)) {
			out->items[i].total += total;
			out->items[i].minutes += number(x, "minutes");
			free(shown);
			return;
		}
	}
	out->items = xreallocarray(out->items, out->n + 1, sizeof(*out->items));
	out->items[out->n++] = (struct opencost_share){ shown, total, number(x, "minutes"), idle ? 1 : 1 - efficiency };
}

bool opencost_parse(struct str json, struct opencost *out, const char **why)
{
	json_t *root = json_loadb(json.p, json.n, 0, NULL), *data = json_object_get(root, "data"), *step, *x;
	const char *name;
	size_t i;
	bool ok = json_is_array(data);
	*why = ok ? "" : root ? "OpenCost answered without a list of data" : "OpenCost answered something that is not JSON";
	json_array_foreach(data, i, step) {
		if (json_is_object(step))
			json_object_foreach(step, name, x)
				take(out, name, x);
	}
	json_decref(root);
	return ok;
}

bool opencost_ask(const char *url, const struct clock *clock, bool (*cancelled)(void *arg), void *arg, struct opencost *out,
                  struct http_reply *reply)
{
	struct http_conf conf = { .base = url, .what = "OpenCost" };
	struct http_request q = { .path = "/allocation?window=today&aggregate=namespace&accumulate=true&includeIdle=true",
		.timeout_ms = 10000, .max = 8 << 20, .cancelled = cancelled, .cancelled_arg = arg };
	struct opencost fresh = { 0 };
	const char *why = "";
	struct http *h = http_new(&conf, clock);
	bool ok = http_call(h, &q, reply);
	http_free(h);
	if (!ok && reply->end == HTTP_STATUS && !strcmp(reply->type, "text/plain") && reply->body.len)   /* a wrong window */
		snprintf(reply->error, sizeof(reply->error), "OpenCost answered %d: %.200s", reply->status, reply->body.data);
	if (!ok)
		return false;
	if (!opencost_parse(buf_str(&reply->body), &fresh, &why)) {
		reply->end = HTTP_NOT_JSON;
		snprintf(reply->error, sizeof(reply->error), "%s", why);
		opencost_release(&fresh);
		return false;
	}
	opencost_release(out);
	*out = fresh;
	out->as_of = clock_wall(clock);
	return true;
}
