/* forward_models: services that serve models get a door each, so that a source of type serving can ask them (base/forwards.h).
 * Which ones is said by the setting `models`: "annotated" (binnacle/serving: "true" on the Service; binnacle/port names the
 * port), "known" (the labels and ports of KServe, Seldon, Ray Serve, MLServer, Triton), patterns "namespace/name" or
 * "namespace/name:port" with * in them. */
#define _GNU_SOURCE
#include "backends/kubernetes/forwards.h"
#include "base/mem.h"
#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>

static bool is_known(const json_t *service)
{
	static const char *const labels[] = { "serving.kserve.io/inferenceservice", "seldon-app", "seldon-deployment-id",
		"ray.io/serve", "mlserver", NULL };
	static const char *const apps[] = { "mlserver", "tritonserver", "ray-serve", "mlflow-model", NULL };
	const char *app = jnamed(service, "metadata.labels", "app.kubernetes.io/name");
	for (const char *const *l = labels; *l; l++)
		if (json_object_get(jat(service, "metadata.labels"), *l))
			return true;
	for (const char *const *a = apps; *a; a++)
		if (!strcmp(app, *a))
			return true;
	return false;
}

static bool matches(struct str pattern, const char *ns, const char *name, char *port, size_t size)
{
	char *whole = xasprintf("%s/%s", ns, name), *left = str_dup(pattern), *colon = strrchr(left, ':');
	if (colon)
		*colon = '\0';
	bool is = !fnmatch(left, whole, 0);
	if (is && colon)
		snprintf(port, size, "%s", colon + 1);
	free(whole);
	free(left);
	return is;
}

bool models_wants(const char *setting, const json_t *service, char *port, size_t size)
{
	const char *ns = jtext(service, "metadata.namespace"), *name = jtext(service, "metadata.name");
	struct str rest = str_of(setting);
	bool wants = false;
	snprintf(port, size, "%s", "");
	if (!json_object_size(jat(service, "spec.selector")) || jis(service, "spec.type", "ExternalName"))
		return false;                /* no pods behind it */
	while (rest.n && !wants) {
		struct str word = str_trim(str_split(&rest, ','));
		if (str_is(word, "annotated"))
			wants = !strcmp(jnamed(service, "metadata.annotations", "binnacle/serving"), "true");
		else if (str_is(word, "known"))
			wants = is_known(service);
		else if (word.n)
			wants = matches(word, ns, name, port, size);
	}
	if (wants && !*port)
		snprintf(port, size, "%s", jnamed(service, "metadata.annotations", "binnacle/port"));
	if (wants && !*port)
		snprintf(port, size, "%lld", (long long)jint(json_array_get(jat(service, "spec.ports"), 0), "port", 0));
	return wants && strcmp(port, "0");
}

static bool closing(void *link)
{
	return link_closing(link);
}

void models_tick(struct forwards *f, struct kube *k, struct http *h)
{
	const char *setting = link_setting(k->link, "models"), *only = link_setting(k->link, "namespace");
	struct http_reply r;
	struct buf path = { 0 };
	json_t *list = NULL, *s;
	size_t i;
	buf_adds(&path, "/api/v1/");
	if (only && *only) {
		buf_adds(&path, "namespaces/");
		http_escape(&path, str_of(only));
		buf_addc(&path, '/');
	}
	buf_adds(&path, "services?limit=2000");
	if (http_get(h, path.data, closing, k->link, &r))
		list = json_loadb(r.body.data ? r.body.data : "", r.body.len, 0, NULL);
	json_array_foreach(jat(list, "items"), i, s) {
		char port[64], key[600], say[320];
		if (models_wants(setting, s, port, sizeof(port)))
			forwards_start(f, &(struct forward_ask){ "services", jtext(s, "metadata.namespace"), jtext(s, "metadata.name"),
				port, 0, FORWARD_FOR_MODELS }, key, sizeof(key), say, sizeof(say));
	}
	forwards_ready(f);
	json_decref(list);
	http_reply_release(&r);
	buf_release(&path);
}
