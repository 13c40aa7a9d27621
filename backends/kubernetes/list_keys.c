/* list_keys: see list_keys.h. The names are those by which the API server itself merges these lists (patchMergeKey of its types); by
 * them custom resources that hold pods' templates are merged too. What is sent in the end is the list, whole. */
#include "backends/kubernetes/list_keys.h"
#include "base/mem.h"
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

static const struct { const char *list, *key; } keys[] = {
	{ "containers", "name" }, { "initContainers", "name" }, { "ephemeralContainers", "name" }, { "volumes", "name" },
	{ "env", "name" }, { "volumeMounts", "mountPath" }, { "volumeDevices", "devicePath" }, { "ports", "containerPort" },
	{ "ports", "port" }, { "imagePullSecrets", "name" }, { "hostAliases", "ip" }, { "topologySpreadConstraints", "topologyKey" },
	{ "resourceClaims", "name" }, { "schedulingGates", "name" }, { "ownerReferences", "uid" }, { "secrets", "name" },
	{ "webhooks", "name" },
};

/* An element's name as a member's: a text as it is, a number printed. NULL: it has none. */
static char *name_of(const json_t *element, const char *key)
{
	const json_t *v = json_object_get(element, key);

	if (json_is_string(v))
		return *json_string_value(v) ? xstrdup(json_string_value(v)) : NULL;
	return json_is_integer(v) ? xasprintf("%lld", (long long)json_integer_value(v)) : NULL;
}

/* The list by that key; NULL: not every element has a name of its own. */
static json_t *keyed_by(const json_t *list, const char *key)
{
	json_t *out = json_object(), *order = json_array(), *element;
	bool whole = true;
	size_t i;

	json_array_foreach(list, i, element) {
		char *name = name_of(element, key);

		whole &= name && strcmp(name, LIST_ORDER) && !json_object_get(out, name);
		if (whole) {
			json_object_set_new(out, name, lists_keyed(element));
			json_array_append_new(order, json_string(name));
		}
		free(name);
	}
	json_object_set_new(out, LIST_ORDER, order);
	if (whole)
		return out;
	json_decref(out);
	return NULL;
}

static json_t *keyed_list(const char *name, const json_t *list)
{
	json_t *out = NULL;

	for (size_t i = 0; json_array_size(list) && i < ARRAY_SIZE(keys) && !out; i++)
		if (!strcmp(keys[i].list, name))
			out = keyed_by(list, keys[i].key);
	return out ? out : json_deep_copy(list);
}

json_t *lists_keyed(const json_t *value)
{
	json_t *out, *v;
	const char *key;

	if (!json_is_object(value))
		return json_deep_copy(value);
	out = json_object();
	json_object_foreach((json_t *)value, key, v)
		json_object_set_new(out, key, json_is_array(v) ? keyed_list(key, v) : lists_keyed(v));
	return out;
}

static json_t *list_of(const json_t *keyed)
{
	json_t *out = json_array(), *left = json_copy((json_t *)keyed), *name, *v;
	const char *key;
	size_t i;

	json_array_foreach(json_object_get(keyed, LIST_ORDER), i, name) {
		const char *text = json_string_value(name);

		if (text && (v = json_object_get(left, text))) {
			json_array_append_new(out, lists_plain(v));
			json_object_del(left, text);
		}
	}
	json_object_del(left, LIST_ORDER);
	json_object_foreach(left, key, v)
		json_array_append_new(out, lists_plain(v));
	json_decref(left);
	return out;
}

json_t *lists_plain(const json_t *keyed)
{
	json_t *out, *v;
	const char *key;

	if (!json_is_object(keyed))
		return json_deep_copy(keyed);
	if (json_is_array(json_object_get(keyed, LIST_ORDER)))
		return list_of(keyed);
	out = json_object();
	json_object_foreach((json_t *)keyed, key, v)
		json_object_set_new(out, key, lists_plain(v));
	return out;
}
