/* discovery.c: what a server serves, from the aggregated APIGroupDiscoveryList (one answer for /api, one for /apis) or,
 * on older servers, from APIVersions, APIGroupList and an APIResourceList for each group version. */
#include "backends/kubernetes/decode.h"
#include "backends/kubernetes/kube.h"
#include "base/json_text.h"
#include "base/mem.h"
#include <jansson.h>
#include <stdlib.h>

#define RESOURCES_MAX 20000   /* kinds of one server; far beyond any */

static json_t *load(struct str json)
{
	return json_loadb(json.p ? json.p : "", json.n, 0, NULL);
}

static unsigned verbs_of(const json_t *verbs)
{
	static const struct { const char *name; unsigned bit; } known[] = {
		{ "get", KUBE_GET }, { "list", KUBE_LIST }, { "watch", KUBE_WATCH },
	};
	unsigned bits = 0;
	for (size_t i = 0; i < json_array_size(verbs); i++) {
		const char *verb = json_string_value(json_array_get(verbs, i));
		for (size_t k = 0; verb && k < ARRAY_SIZE(known); k++)
			if (strcmp(verb, known[k].name) == 0)
				bits |= known[k].bit;
	}
	return bits;
}

static char **names_of(const json_t *names)
{
	size_t n = json_array_size(names), kept = 0;
	char **out = xcalloc(n + 1, sizeof(*out));
	for (size_t i = 0; i < n; i++) {
		const char *s = json_string_value(json_array_get(names, i));
		if (s)
			out[kept++] = xstrdup(s);
	}
	return out;
}

static void add(struct kube_resources *r, struct kube_resource item)
{
	if (r->n == r->cap) {
		r->cap = r->cap ? r->cap * 2 : 64;
		r->items = xreallocarray(r->items, r->cap, sizeof(*r->items));
	}
	r->items[r->n++] = item;
}

void kube_resources_release(struct kube_resources *r)
{
	for (size_t i = 0; i < r->n; i++) {
		struct kube_resource *k = &r->items[i];
		free(k->group);
		free(k->version);
		free(k->resource);
		free(k->singular);
		free(k->name);
		for (char **a = k->aliases; *a; a++)
			free(*a);
		free(k->aliases);
	}
	free(r->items);
	*r = (struct kube_resources){ 0 };
}

/* ---- aggregated */

/* The versions of a group come in the order of its preference; the first that has the resource is preferred. */
static bool seen_in_group(const struct kube_resources *r, size_t first, const char *resource)
{
	for (size_t i = first; i < r->n; i++)
		if (strcmp(r->items[i].resource, resource) == 0)
			return true;
	return false;
}

static void add_version(struct kube_resources *r, size_t first, const char *group, const json_t *version)
{
	const json_t *resources = json_object_get(version, "resources");
	for (size_t i = 0; i < json_array_size(resources) && r->n < RESOURCES_MAX; i++) {
		const json_t *o = json_array_get(resources, i);
		const char *name = json_text(o, "resource"), *kind = json_text(json_object_get(o, "responseKind"), "kind");
		if (!*name || !*kind)
			continue;
		add(r, (struct kube_resource){
			.group = xstrdup(group), .version = xstrdup(json_text(version, "version")),
			.resource = xstrdup(name), .singular = xstrdup(json_text(o, "singularResource")),
			.name = xstrdup(kind), .aliases = names_of(json_object_get(o, "shortNames")),
			.namespaced = strcmp(json_text(o, "scope"), "Namespaced") == 0,
			.verbs = verbs_of(json_object_get(o, "verbs")),
			.preferred = !seen_in_group(r, first, name),
		});
	}
}

bool discovery_aggregated(struct kube_resources *r, struct str json)
{
	json_t *list = load(json);
	bool is = strcmp(json_text(list, "kind"), "APIGroupDiscoveryList") == 0;
	const json_t *groups = is ? json_object_get(list, "items") : NULL;
	for (size_t i = 0; i < json_array_size(groups); i++) {
		const json_t *group = json_array_get(groups, i);
		const json_t *versions = json_object_get(group, "versions");
		size_t first = r->n;
		for (size_t v = 0; v < json_array_size(versions); v++)
			add_version(r, first, json_text(json_object_get(group, "metadata"), "name"),
			            json_array_get(versions, v));
	}
	json_decref(list);
	return is;
}

/* ---- one by one */

static void add_path(char ***paths, size_t *n, char *path)
{
	*paths = xreallocarray(*paths, *n + 1, sizeof(**paths));
	(*paths)[(*n)++] = path;
}

bool discovery_groups(struct str json, char ***paths, size_t *n)
{
	json_t *o = load(json);
	const char *kind = json_text(o, "kind");
	bool core = strcmp(kind, "APIVersions") == 0, groups = strcmp(kind, "APIGroupList") == 0;
	const json_t *list = json_object_get(o, core ? "versions" : "groups");
	for (size_t i = 0; (core || groups) && i < json_array_size(list) && i < 1000; i++) {
		const json_t *item = json_array_get(list, i);
		const char *version = core ? json_string_value(item) :
			json_text(json_object_get(item, "preferredVersion"), "groupVersion");
		if (version && *version)
			add_path(paths, n, xasprintf(core ? "api/%s" : "apis/%s", version));
	}
	json_decref(o);
	return core || groups;
}

bool discovery_resources(struct kube_resources *r, struct str json)
{
	json_t *list = load(json);
	bool is = strcmp(json_text(list, "kind"), "APIResourceList") == 0;
	const char *group_version = json_text(list, "groupVersion"), *slash = strchr(group_version, '/');
	const json_t *resources = is ? json_object_get(list, "resources") : NULL;
	for (size_t i = 0; i < json_array_size(resources) && r->n < RESOURCES_MAX; i++) {
		const json_t *o = json_array_get(resources, i);
		const char *name = json_text(o, "name"), *group = json_text(o, "group"), *version = json_text(o, "version");
		if (!*name || strchr(name, '/') || !*json_text(o, "kind"))
			continue;   /* "pods/log" is no kind of its own */
		add(r, (struct kube_resource){
			.group = *group ? xstrdup(group) :
				xstrndup(group_version, slash ? (size_t)(slash - group_version) : 0),
			.version = xstrdup(*version ? version : slash ? slash + 1 : group_version),
			.resource = xstrdup(name), .singular = xstrdup(json_text(o, "singularName")),
			.name = xstrdup(json_text(o, "kind")), .aliases = names_of(json_object_get(o, "shortNames")),
			.namespaced = json_is_true(json_object_get(o, "namespaced")),
			.verbs = verbs_of(json_object_get(o, "verbs")), .preferred = true,
		});
	}
	json_decref(list);
	return is;
}
