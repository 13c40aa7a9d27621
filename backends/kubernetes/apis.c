/* apis: discovery. The kinds that everybody uses are a table here, so that the first list needs no question; all
 * others come from the aggregated discovery documents of /api and /apis (two exchanges), or, where a server does not
 * know that form, from one exchange for each group. What was once found stays for as long as the source lives, for
 * its callers hold on to it. */
#include "backends/kubernetes/apis.h"
#include "base/mem.h"
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

#define ALL (KUBE_GET | KUBE_LIST | KUBE_WATCH)
#define API(group_, version_, plural_, singular_, kind_, namespaced_, ...) \
	{ .name = plural_, .group = group_, .version = version_, .plural = plural_, .singular = singular_, \
	  .kind = kind_, .namespaced = namespaced_, .verbs = ALL, .aliases = (const char *const[]){ __VA_ARGS__, NULL } }

static const struct kube_api usual[] = {
	API("", "v1", "pods", "pod", "Pod", true, "po"),
	API("", "v1", "nodes", "node", "Node", false, "no"),
	API("", "v1", "namespaces", "namespace", "Namespace", false, "ns"),
	API("apps", "v1", "deployments", "deployment", "Deployment", true, "deploy"),
	API("apps", "v1", "replicasets", "replicaset", "ReplicaSet", true, "rs"),
	API("apps", "v1", "statefulsets", "statefulset", "StatefulSet", true, "sts"),
	API("apps", "v1", "daemonsets", "daemonset", "DaemonSet", true, "ds"),
	API("apps", "v1", "controllerrevisions", "controllerrevision", "ControllerRevision", true, NULL),
	API("batch", "v1", "jobs", "job", "Job", true, NULL),
	API("batch", "v1", "cronjobs", "cronjob", "CronJob", true, "cj"),
	API("", "v1", "services", "service", "Service", true, "svc"),
	API("", "v1", "endpoints", "endpoints", "Endpoints", true, "ep"),
	API("networking.k8s.io", "v1", "ingresses", "ingress", "Ingress", true, "ing"),
	API("", "v1", "configmaps", "configmap", "ConfigMap", true, "cm"),
	API("", "v1", "secrets", "secret", "Secret", true, NULL),
	API("", "v1", "persistentvolumeclaims", "persistentvolumeclaim", "PersistentVolumeClaim", true, "pvc"),
	API("", "v1", "persistentvolumes", "persistentvolume", "PersistentVolume", false, "pv"),
	API("storage.k8s.io", "v1", "storageclasses", "storageclass", "StorageClass", false, "sc"),
	API("autoscaling", "v2", "horizontalpodautoscalers", "horizontalpodautoscaler", "HorizontalPodAutoscaler", true,
	    "hpa"),
	API("policy", "v1", "poddisruptionbudgets", "poddisruptionbudget", "PodDisruptionBudget", true, "pdb"),
	API("", "v1", "events", "event", "Event", true, "ev"),
	API("", "v1", "serviceaccounts", "serviceaccount", "ServiceAccount", true, "sa"),
	API("", "v1", "resourcequotas", "resourcequota", "ResourceQuota", true, "quota"),
	API("", "v1", "limitranges", "limitrange", "LimitRange", true, "limits"),
	API("", "v1", "replicationcontrollers", "replicationcontroller", "ReplicationController", true, "rc"),
};

struct kube_apis {
	pthread_mutex_t lock;
	struct found { struct found *next; struct kube_api api; char *aliases[9]; } *first, **last;
	int64_t asked;               /* mono ms of the last whole answer; 0: never */
};

struct kube_apis *kube_apis_new(void)
{
	struct kube_apis *a = xcalloc(1, sizeof(*a));

	pthread_mutex_init(&a->lock, NULL);
	a->last = &a->first;
	return a;
}

static void free_found(struct found *f)
{
	free((char *)f->api.name);
	free((char *)f->api.group);
	free((char *)f->api.version);
	free((char *)f->api.plural);
	free((char *)f->api.singular);
	free((char *)f->api.kind);
	for (unsigned i = 0; f->aliases[i]; i++)
		free(f->aliases[i]);
	free(f);
}

void kube_apis_free(struct kube_apis *a)
{
	if (!a)
		return;
	for (struct found *f = a->first, *next; f; f = next) {
		next = f->next;
		free_found(f);
	}
	pthread_mutex_destroy(&a->lock);
	free(a);
}

/* ---- looking up */

static bool answers_to(const struct kube_api *api, struct str word)
{
	size_t n = strlen(api->plural);

	if (str_is_fold(word, api->name) || str_is_fold(word, api->plural) || str_is_fold(word, api->singular) ||
	    str_is_fold(word, api->kind))
		return true;
	for (unsigned i = 0; api->aliases && api->aliases[i]; i++)
		if (str_is_fold(word, api->aliases[i]))
			return true;
	return word.n > n + 1 && word.p[n] == '.' && strncasecmp(word.p, api->plural, n) == 0 &&
	       str_is_fold((struct str){ word.p + n + 1, word.n - n - 1 }, api->group);
}

/* Under the lock. The usual kinds win over others of the same short name, as kubectl does by group order. */
static const struct kube_api *look_up(const struct kube_apis *a, struct str word)
{
	if (!word.n)
		return NULL;
	for (size_t i = 0; i < ARRAY_SIZE(usual); i++)
		if (answers_to(&usual[i], word))
			return &usual[i];
	for (const struct found *f = a->first; f; f = f->next)
		if (str_is_fold(word, f->api.name))
			return &f->api;
	for (const struct found *f = a->first; f; f = f->next)
		if (answers_to(&f->api, word))
			return &f->api;
	return NULL;
}

const struct kube_api *kube_known_api(struct kube *k, struct str word)
{
	pthread_mutex_lock(&k->apis->lock);
	const struct kube_api *api = look_up(k->apis, word);
	pthread_mutex_unlock(&k->apis->lock);
	return api;
}

/* ---- learning */

/* What goes into a path or a header must look like a name. */
static bool is_name(const char *s)
{
	size_t n = strlen(s);

	for (size_t i = 0; i < n; i++)
		if (!isalnum((unsigned char)s[i]) && s[i] != '-' && s[i] != '.')
			return false;
	return n > 0 && n < 254;
}

static bool is_known(const struct kube_apis *a, const char *group, const char *plural)
{
	for (size_t i = 0; i < ARRAY_SIZE(usual); i++)
		if (strcmp(usual[i].group, group) == 0 && strcmp(usual[i].plural, plural) == 0)
			return true;
	for (const struct found *f = a->first; f; f = f->next)
		if (strcmp(f->api.group, group) == 0 && strcmp(f->api.plural, plural) == 0)
			return true;
	return false;
}

static char *lowered(const char *s)
{
	char *low = xstrdup(s);

	for (char *c = low; *c; c++)
		*c = (char)tolower((unsigned char)*c);
	return low;
}

static void add(struct kube_apis *a, const struct kube_resource *r)
{
	if ((*r->group && !is_name(r->group)) || !is_name(r->version) || !is_name(r->resource) || !is_name(r->name) ||
	    is_known(a, r->group, r->resource))
		return;
	struct found *f = xcalloc(1, sizeof(*f));
	for (unsigned n = 0; r->aliases[n] && n + 1 < ARRAY_SIZE(f->aliases); n++)
		f->aliases[n] = xstrdup(r->aliases[n]);
	f->api = (struct kube_api){
		.name = *r->group ? xasprintf("%s.%s", r->resource, r->group) : xstrdup(r->resource),
		.group = xstrdup(r->group), .version = xstrdup(r->version), .plural = xstrdup(r->resource),
		.singular = *r->singular ? xstrdup(r->singular) : lowered(r->name), .kind = xstrdup(r->name),
		.aliases = (const char *const *)f->aliases, .namespaced = r->namespaced,
		.verbs = r->verbs,
	};
	*a->last = f;
	a->last = &f->next;
}

void kube_apis_learn(struct kube_apis *a, const struct kube_resources *r)
{
	pthread_mutex_lock(&a->lock);
	for (int preferred = 1; preferred >= 0; preferred--)
		for (size_t i = 0; i < r->n; i++)
			if (r->items[i].preferred == (bool)preferred)
				add(a, &r->items[i]);
	pthread_mutex_unlock(&a->lock);
}

/* ---- asking */

static bool closing(void *link)
{
	return link_closing(link);
}

static bool fetch(struct kube *k, struct http *h, const char *path, const char *accept, struct http_reply *reply,
                  char *why, size_t size)
{
	const char *headers[] = { accept, NULL };
	struct http_request q = { .path = path, .headers = headers, .json = true, .timeout_ms = 15000,
		.cancelled = closing, .cancelled_arg = k->link };

	if (http_call(h, &q, reply))
		return true;
	snprintf(why, size, "%s", reply->error);
	return false;
}

static const char plain[] = "Accept: application/json";

/* One exchange for each group: only for servers without the aggregated form. */
static bool ask_groups(struct kube *k, struct http *h, struct kube_resources *r, char *why, size_t size)
{
	static const char *const tops[] = { "/api", "/apis" };
	char **paths = NULL;
	size_t n = 0;
	bool ok = false;

	for (unsigned i = 0; i < 2; i++) {
		struct http_reply reply;
		if (fetch(k, h, tops[i], plain, &reply, why, size) &&
		    !discovery_groups(buf_str(&reply.body), &paths, &n))
			snprintf(why, size, "the server's list of kinds at '%s' cannot be read", tops[i]);
		http_reply_release(&reply);
	}
	for (size_t i = 0; i < n; i++) {
		char *path = xasprintf("/%s", paths[i]);
		struct http_reply reply;
		if (!link_closing(k->link)) {
			if (fetch(k, h, path, plain, &reply, why, size) && discovery_resources(r, buf_str(&reply.body)))
				ok = true;
			http_reply_release(&reply);
		}
		free(path);
		free(paths[i]);
	}
	free(paths);
	return ok;
}

static bool ask_aggregated(struct kube *k, struct http *h, struct kube_resources *r, char *why, size_t size)
{
	static const char accept[] = "Accept: application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,"
		"application/json;g=apidiscovery.k8s.io;v=v2beta1;as=APIGroupDiscoveryList,application/json";
	static const char *const tops[] = { "/api", "/apis" };
	bool ok = true;

	for (unsigned i = 0; i < 2 && ok; i++) {
		struct http_reply reply;
		ok = fetch(k, h, tops[i], accept, &reply, why, size) && discovery_aggregated(r, buf_str(&reply.body));
		http_reply_release(&reply);
	}
	return ok;
}

static bool ask(struct kube *k, struct http *h, char *why, size_t size)
{
	struct kube_resources r = { 0 };
	bool ok = ask_aggregated(k, h, &r, why, size) || (kube_resources_release(&r), ask_groups(k, h, &r, why, size));

	kube_apis_learn(k->apis, &r);
	kube_resources_release(&r);
	if (!ok)
		return false;
	pthread_mutex_lock(&k->apis->lock);
	k->apis->asked = clock_mono(link_clock(k->link)) + 1;
	pthread_mutex_unlock(&k->apis->lock);
	return true;
}

/* Asks when never asked, or when the last answer is older than fresh_ms. */
static bool ask_if_old(struct kube *k, struct http *h, int64_t fresh_ms, char *why, size_t size)
{
	pthread_mutex_lock(&k->apis->lock);
	int64_t asked = k->apis->asked;
	pthread_mutex_unlock(&k->apis->lock);
	if (asked && clock_mono(link_clock(k->link)) - asked < fresh_ms)
		return true;
	return ask(k, h, why, size);
}

const struct kube_api *kube_find_api(struct kube *k, struct http *h, struct str word, char *why, size_t size)
{
	const struct kube_api *api = kube_known_api(k, word);

	if (api)
		return api;
	if (!ask_if_old(k, h, 60000, why, size))
		return NULL;
	api = kube_known_api(k, word);
	if (!api)
		snprintf(why, size, "the server has no kind '%.*s'", (int)(word.n < 80 ? word.n : 80), word.p);
	return api;
}

static const struct kube_api *look_up_kind(struct kube_apis *a, struct str group, struct str kind)
{
	const struct kube_api *api = NULL;

	for (size_t i = 0; i < ARRAY_SIZE(usual) && !api; i++)
		if (str_is(group, usual[i].group) && str_is(kind, usual[i].kind))
			api = &usual[i];
	pthread_mutex_lock(&a->lock);
	for (const struct found *f = a->first; f && !api; f = f->next)
		if (str_is(group, f->api.group) && str_is(kind, f->api.kind))
			api = &f->api;
	pthread_mutex_unlock(&a->lock);
	return api;
}

const struct kube_api *kube_find_kind(struct kube *k, struct http *h, struct str api_version, struct str kind,
                                      char *why, size_t size)
{
	struct str group = api_version;
	const char *slash = group.n ? memchr(group.p, '/', group.n) : NULL;

	group.n = slash ? (size_t)(slash - group.p) : 0;
	const struct kube_api *api = look_up_kind(k->apis, group, kind);
	if (api)
		return api;
	if (!ask_if_old(k, h, 60000, why, size))
		return NULL;
	api = look_up_kind(k->apis, group, kind);
	if (!api)
		snprintf(why, size, "the server has no kind %.*s in '%.*s'", (int)(kind.n < 80 ? kind.n : 80), kind.p,
		         (int)(api_version.n < 80 ? api_version.n : 80), api_version.p);
	return api;
}

bool kube_each_api(struct kube *k, struct http *h, kube_api_fn fn, void *arg, char *why, size_t size)
{
	if (!ask_if_old(k, h, 60000, why, size))
		return false;
	for (size_t i = 0; i < ARRAY_SIZE(usual); i++)
		fn(arg, &usual[i]);
	pthread_mutex_lock(&k->apis->lock);
	const struct found *f = k->apis->first;
	pthread_mutex_unlock(&k->apis->lock);
	for (; f; ) {
		if (f->api.verbs & KUBE_LIST)
			fn(arg, &f->api);
		pthread_mutex_lock(&k->apis->lock);
		f = f->next;
		pthread_mutex_unlock(&k->apis->lock);
	}
	return true;
}

/* ---- paths and keys */

void kube_path(struct buf *out, const struct kube_api *api, struct str ns, struct str name, const char *sub)
{
	if (*api->group)
		buf_addf(out, "/apis/%s/%s", api->group, api->version);
	else
		buf_addf(out, "/api/%s", api->version);
	if (api->namespaced && ns.n) {
		buf_adds(out, "/namespaces/");
		http_escape(out, ns);
	}
	buf_addf(out, "/%s", api->plural);
	if (name.n) {
		buf_addc(out, '/');
		http_escape(out, name);
	}
	if (sub && *sub)
		buf_addf(out, "/%s", sub);
}

bool kube_split_key(struct str key, bool namespaced, struct str *ns, struct str *name, struct str *container)
{
	struct str rest = key;

	*ns = namespaced ? str_split(&rest, '/') : (struct str){ "", 0 };
	*name = str_split(&rest, '/');
	if (container)
		*container = rest.p ? rest : (struct str){ "", 0 };
	if (!name->n || (namespaced && !ns->n))
		return false;
	return container ? !memchr(container->p, '/', container->n) : !rest.p;
}
