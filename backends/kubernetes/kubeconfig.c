/* kubeconfig: see kubeconfig.h. Finding the files, merging them, and taking apart the entries that one context names. */
#define _GNU_SOURCE
#include "backends/kubernetes/kubeconfig.h"
#include "backends/kubernetes/kube_auth.h"
#include "base/mem.h"
#include "base/yaml.h"
#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

enum { MAX_FILES = 64 };
static const char account_dir[] = "/var/run/secrets/kubernetes.io/serviceaccount";

struct config_file {
	char *path;
	struct yaml_doc *doc;
	const struct yaml *root;
};
struct config_files {
	struct config_file list[MAX_FILES];
	unsigned n;
};
struct entry {                   /* a named entry and the file that holds it */
	const struct config_file *file;
	const struct yaml *item, *body;
};

static bool fail(struct kube_error *err, const char *remedy, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
static bool fail(struct kube_error *err, const char *remedy, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	vsnprintf(err->what, sizeof(err->what), fmt, ap);
	va_end(ap);
	snprintf(err->remedy, sizeof(err->remedy), "%s", remedy ? remedy : "");
	return false;
}

/* ---- files */

static char *default_path(void)
{
	const char *home = getenv("HOME");
	return home && *home ? xasprintf("%s/.kube/config", home) : NULL;
}

static bool in_cluster(void)
{
	const char *host = getenv("KUBERNETES_SERVICE_HOST");
	char *token = xasprintf("%s/token", account_dir);
	bool is = host && *host && access(token, R_OK) == 0;
	free(token);
	return is;
}

static bool check_sections(struct config_file *f, struct kube_error *err)
{
	static const struct { const char *name; enum yaml_type type; const char *called; } sections[] = {
		{ "clusters", YAML_LIST, "a list" }, { "users", YAML_LIST, "a list" }, { "contexts", YAML_LIST, "a list" },
		{ "current-context", YAML_SCALAR, "a name" },
	};
	const char *remedy = "is this a kubeconfig? compare it with what `kubectl config view` prints";
	if (f->root->type == YAML_NULL)
		return true;
	if (f->root->type != YAML_MAP)
		return fail(err, remedy, "%s:%u: a kubeconfig is a map with clusters, users and contexts", f->path, f->root->line);
	for (size_t i = 0; i < ARRAY_SIZE(sections); i++) {
		const struct yaml *y = yaml_get(f->root, sections[i].name);
		if (y && y->type != sections[i].type && y->type != YAML_NULL)
			return fail(err, remedy, "%s:%u:%u: '%s' must be %s", f->path, y->line, y->column, sections[i].name,
			            sections[i].called);
	}
	return true;
}

/* must: a missing file is an error. */
static bool add_file(struct config_files *fs, const char *path, bool must, struct kube_error *err)
{
	struct yaml_error y = { 0 };
	struct stat st;
	if (fs->n == MAX_FILES)
		return fail(err, "merge some of them", "more than %d kubeconfig files", MAX_FILES);
	if (stat(path, &st) != 0 && errno == ENOENT && !must)
		return true;
	struct yaml_doc *doc = yaml_load(path, &y);
	if (!doc && y.line)
		return fail(err, "mend the file; `kubectl config view` reads it too", "%s:%u:%u: %s", path, y.line, y.column, y.what);
	if (!doc)
		return fail(err, "set KUBECONFIG, or pass --kubeconfig FILE", "kubeconfig '%s': %s", path, y.what);
	fs->list[fs->n] = (struct config_file){ xstrdup(path), doc, yaml_root(doc) };
	return check_sections(&fs->list[fs->n++], err);
}

static bool open_files(struct config_files *fs, const char *given, struct kube_error *err)
{
	const char *list = getenv("KUBECONFIG");
	fs->n = 0;
	if (given) {
		const char *home = getenv("HOME");       /* binnacle.yaml may say ~/, and no shell has seen it */
		char *path = home && strncmp(given, "~/", 2) == 0 ? xasprintf("%s%s", home, given + 1) : xstrdup(given);
		bool ok = add_file(fs, path, true, err);
		free(path);
		return ok;
	}
	if (list && *list) {
		struct str rest = str_of(list);
		bool ok = true;
		while (ok && rest.p) {
			char *path = str_dup(str_split(&rest, ':'));
			ok = !*path || add_file(fs, path, false, err);
			free(path);
		}
		return ok;
	}
	char *path = default_path();
	bool ok = !path || add_file(fs, path, false, err);
	free(path);
	return ok;
}

static void close_files(struct config_files *fs)
{
	for (unsigned i = 0; i < fs->n; i++) {
		yaml_doc_free(fs->list[i].doc);
		free(fs->list[i].path);
	}
	fs->n = 0;
}

bool kubeconfig_present(void)
{
	const char *list = getenv("KUBECONFIG");
	if (list && *list) {
		struct str rest = str_of(list);
		while (rest.p) {
			char *path = str_dup(str_split(&rest, ':'));
			bool there = *path && access(path, F_OK) == 0;
			free(path);
			if (there)
				return true;
		}
	} else {
		char *path = default_path();
		bool there = path && access(path, F_OK) == 0;
		free(path);
		if (there)
			return true;
	}
	return in_cluster();
}

/* ---- merging */

/* The first entry of that name: section "clusters", body key "cluster". */
static bool find_entry(const struct config_files *fs, const char *section, const char *body, const char *name, struct entry *e)
{
	for (unsigned i = 0; i < fs->n; i++) {
		const struct yaml *list = yaml_get(fs->list[i].root, section);
		for (unsigned k = 0; list && k < list->n; k++) {
			const char *n = yaml_text(list->items[k], "name");
			if (n && strcmp(n, name) == 0) {
				*e = (struct entry){ &fs->list[i], list->items[k], yaml_get(list->items[k], body) };
				return true;
			}
		}
	}
	return false;
}

static const char *nearest_entry(const struct config_files *fs, const char *section, const char *name)
{
	const char *names[256];
	size_t n = 0;
	for (unsigned i = 0; i < fs->n; i++) {
		const struct yaml *list = yaml_get(fs->list[i].root, section);
		for (unsigned k = 0; list && k < list->n && n < ARRAY_SIZE(names); k++) {
			const char *one = yaml_text(list->items[k], "name");
			if (one)
				names[n++] = one;
		}
	}
	return str_nearest(str_of(name), names, n);
}

static const char *current_context(const struct config_files *fs)
{
	for (unsigned i = 0; i < fs->n; i++) {
		const char *name = yaml_text(fs->list[i].root, "current-context");
		if (name && *name)
			return name;
	}
	return NULL;
}

/* ---- values */

/* Relative paths start at the file that holds them. Caller frees. */
static char *resolve(const struct entry *e, const char *path)
{
	const char *slash = strrchr(e->file->path, '/');
	if (path[0] == '/' || !slash)
		return xstrdup(path);
	return xasprintf("%.*s/%s", (int)(slash - e->file->path), e->file->path, path);
}

static int digit64(char c)
{
	return c >= 'A' && c <= 'Z' ? c - 'A' : c >= 'a' && c <= 'z' ? c - 'a' + 26 : c >= '0' && c <= '9' ? c - '0' + 52 :
	       c == '+' ? 62 : c == '/' ? 63 : -1;
}

/* Standard base64 (RFC 4648) with line breaks allowed. NULL: not base64. Caller frees. */
static char *decode64(const char *s, size_t *n)
{
	char *out = xmalloc(strlen(s) + 4);
	uint32_t bits = 0;
	int have = 0;
	*n = 0;
	for (; *s && *s != '='; s++) {
		int d = digit64(*s);
		if (d < 0 && (*s == '\n' || *s == '\r' || *s == ' '))
			continue;
		if (d < 0) {
			free(out);
			return NULL;
		}
		bits = bits << 6 | (uint32_t)d;
		have += 6;
		if (have >= 8) {
			have -= 8;
			out[(*n)++] = (char)(bits >> have);
		}
	}
	out[*n] = '\0';
	return out;
}

/* `key`-data (base64) into *data, or the path `key` into *file. Data wins, as in client-go. */
static bool data_or_file(const struct entry *e, const char *key, char **data, size_t *n, char **file, struct kube_error *err)
{
	char name[64];
	snprintf(name, sizeof(name), "%s-data", key);
	const struct yaml *y = yaml_get(e->body, name);
	const char *path = yaml_text(e->body, key);
	*data = *file = NULL;
	if (y && y->type == YAML_SCALAR && y->text.n) {
		*data = decode64(y->text.p, n);
		return *data || fail(err, "make the kubeconfig again", "%s:%u:%u: %s is not base64", e->file->path, y->line, y->column, name);
	}
	if (path && *path)
		*file = resolve(e, path);
	return true;
}

static void add_impersonation(struct kube_private *p, const char *header, const char *value)
{
	p->impersonate = xreallocarray(p->impersonate, p->nimpersonate + 1, sizeof(char *));
	p->impersonate[p->nimpersonate++] = xasprintf("%s: %s", header, value);
}

/* "Impersonate-Extra-" and the key with what no header name may hold percent-encoded. */
static void add_extra(struct kube_private *p, const struct yaml *extra)
{
	for (unsigned i = 0; extra && extra->type == YAML_MAP && i < extra->n; i++) {
		struct buf h = { 0 };
		buf_adds(&h, "Impersonate-Extra-");
		http_escape(&h, extra->keys[i]->text);
		for (unsigned k = 0; k < extra->items[i]->n; k++)
			add_impersonation(p, h.data, extra->items[i]->items[k]->text.p);
		buf_release(&h);
	}
}

static void load_impersonation(struct kube_private *p, const struct kube_options *o, const struct yaml *user)
{
	const char *as = o->impersonate ? o->impersonate : yaml_text(user, "as"), *uid = yaml_text(user, "as-uid");
	const struct yaml *groups = yaml_get(user, "as-groups");
	if (!as || !*as)
		return;
	add_impersonation(p, "Impersonate-User", as);
	if (o->impersonate)
		return;            /* the kubeconfig's groups are those of its own `as` */
	if (uid && *uid)
		add_impersonation(p, "Impersonate-Uid", uid);
	for (unsigned i = 0; groups && groups->type == YAML_LIST && i < groups->n; i++)
		add_impersonation(p, "Impersonate-Group", groups->items[i]->text.p);
	add_extra(p, yaml_get(user, "as-user-extra"));
}

/* ---- exec */

static json_t *json_of(const struct yaml *y)
{
	if (y->type == YAML_MAP) {
		json_t *o = json_object();
		for (unsigned i = 0; i < y->n; i++)
			json_object_set_new(o, y->keys[i]->text.p, json_of(y->items[i]));
		return o;
	}
	if (y->type == YAML_LIST) {
		json_t *a = json_array();
		for (unsigned i = 0; i < y->n; i++)
			json_array_append_new(a, json_of(y->items[i]));
		return a;
	}
	if (y->type == YAML_NULL)
		return json_null();
	json_t *v = y->quoted ? NULL : json_loads(y->text.p, JSON_DECODE_ANY, NULL);
	return v ? v : json_string(y->text.p);
}

static char *cluster_info(const struct entry *cluster)
{
	static const char *const fields[] = { "server", "tls-server-name", "insecure-skip-tls-verify",
		"certificate-authority-data", "proxy-url", "disable-compression" };
	json_t *o = json_object();
	for (size_t i = 0; i < ARRAY_SIZE(fields); i++) {
		const struct yaml *y = yaml_get(cluster->body, fields[i]);
		if (y)
			json_object_set_new(o, fields[i], json_of(y));
	}
	const struct yaml *ext = yaml_get(cluster->body, "extensions");
	for (unsigned i = 0; ext && ext->type == YAML_LIST && i < ext->n; i++) {
		const char *name = yaml_text(ext->items[i], "name");
		const struct yaml *body = yaml_get(ext->items[i], "extension");
		if (name && body && strcmp(name, "client.authentication.k8s.io/exec") == 0)
			json_object_set_new(o, "config", json_of(body));
	}
	char *text = json_dumps(o, JSON_COMPACT);
	json_decref(o);
	return text;
}

static bool load_exec(struct kube_private *p, const struct entry *user, const struct entry *cluster, struct kube_error *err)
{
	const struct yaml *y = yaml_get(user->body, "exec");
	const char *file = user->file->path, *command = yaml_text(y, "command"), *version = yaml_text(y, "apiVersion");
	const char *mode = yaml_text(y, "interactiveMode");
	if (!y || y->type == YAML_NULL)
		return true;
	if (!command || !*command)
		return fail(err, NULL, "%s:%u: this credential plugin has no command", file, y->line);
	if (!version || (strcmp(version, "client.authentication.k8s.io/v1") && strcmp(version, "client.authentication.k8s.io/v1beta1")))
		return fail(err, "set its apiVersion to client.authentication.k8s.io/v1 or v1beta1",
		            "%s:%u: credential plugin '%s' has the apiVersion '%s'", file, y->line, command, version ? version : "");
	if (mode && strcmp(mode, "Always") == 0)
		return fail(err, "log in outside first, or set interactiveMode: IfAvailable",
		            "%s:%u: credential plugin '%s' wants a terminal (interactiveMode: Always); it gets none here", file, y->line,
		            command);
	const struct yaml *args = yaml_get(y, "args"), *env = yaml_get(y, "env");
	struct exec_plugin *x = p->exec = xcalloc(1, sizeof(*x));
	x->command = strchr(command, '/') ? resolve(user, command) : xstrdup(command);
	x->api_version = xstrdup(version);
	x->install_hint = xstrdup(yaml_text(y, "installHint"));
	x->args = xcalloc(args ? args->n + 1 : 1, sizeof(char *));
	for (unsigned i = 0; args && args->type == YAML_LIST && i < args->n; i++)
		x->args[x->nargs++] = xstrdup(args->items[i]->text.p);
	x->env = xcalloc(env ? env->n + 1 : 1, sizeof(char *));
	for (unsigned i = 0; env && env->type == YAML_LIST && i < env->n; i++) {
		const char *name = yaml_text(env->items[i], "name"), *value = yaml_text(env->items[i], "value");
		if (name)
			x->env[x->nenv++] = xasprintf("%s=%s", name, value ? value : "");
	}
	if (yaml_bool(y, "provideClusterInfo", false))
		x->cluster_json = cluster_info(cluster);
	return true;
}

/* ---- the two entries of a context */

static bool load_server(struct kube_access *a, const struct entry *c, struct kube_error *err)
{
	struct kube_private *p = a->priv;
	const char *server = yaml_text(c->body, "server"), *proxy = yaml_text(c->body, "proxy-url");
	size_t n;
	if (!server || !*server)
		return fail(err, NULL, "%s:%u: cluster '%s' has no server", c->file->path, c->item->line, a->cluster);
	a->insecure = yaml_bool(c->body, "insecure-skip-tls-verify", false);
	a->compress = !yaml_bool(c->body, "disable-compression", false);
	if (!data_or_file(c, "certificate-authority", &p->ca_pem, &n, &p->ca_file, err))
		return false;
	p->tls_name = xstrdup(yaml_text(c->body, "tls-server-name"));
	const char *scheme = strstr(server, "://") ? "" : p->ca_pem || p->ca_file || a->insecure ? "https://" : "http://";
	a->server = xasprintf("%s%s", scheme, server);
	if (!str_starts(str_of(a->server), STR("https://")) && !str_starts(str_of(a->server), STR("http://")))
		return fail(err, "write it like https://host:6443", "%s:%u: the server of cluster '%s' is not http or https",
		            c->file->path, c->item->line, a->cluster);
	for (size_t k = strlen(a->server); k && a->server[k - 1] == '/';)
		a->server[--k] = '\0';
	char *host = strstr(a->server, "://");
	if (!host)
		return fail(err, "write it like https://host:6443", "%s:%u: the server of cluster '%s' names no host",
		            c->file->path, c->item->line, a->cluster);
	host += 3;
	char *slash = strchr(host, '/'), *at = strchr(host, '@');
	if (at && (!slash || at < slash))
		return fail(err, "put the password into the user's entry", "%s:%u: the server of cluster '%s' holds a user or password",
		            c->file->path, c->item->line, a->cluster);
	if (!proxy || !*proxy)
		return true;
	static const char *const schemes[] = { "http://", "https://", "socks5://", "socks5h://" };
	for (size_t i = 0; i < ARRAY_SIZE(schemes); i++) {
		if (!str_starts(str_of(proxy), str_of(schemes[i])))
			continue;
		/* names are resolved at the proxy, as Go does it */
		p->proxy = i == 2 ? xasprintf("socks5h://%s", proxy + strlen(schemes[i])) : xstrdup(proxy);
		return true;
	}
	return fail(err, "use http, https or socks5", "%s:%u: the proxy-url of cluster '%s' has an unknown scheme",
	            c->file->path, c->item->line, a->cluster);
}

static bool load_certificate(struct kube_private *p, const struct entry *u, struct kube_error *err)
{
	size_t n = 0;
	char *data = NULL;
	if (!data_or_file(u, "client-certificate", &data, &n, &p->cert_file, err))
		return false;
	if (data)
		secret_take(&p->cert_pem, data, n);
	data = NULL;
	if (!data_or_file(u, "client-key", &data, &n, &p->key_file, err))
		return false;
	if (data)
		secret_take(&p->key_pem, data, n);
	bool cert = secret_set(p->cert_pem) || p->cert_file, key = secret_set(p->key_pem) || p->key_file;
	if (cert != key)
		return fail(err, NULL, "%s:%u: a client %s without its %s", u->file->path, u->item->line, cert ? "certificate" : "key",
		            cert ? "key" : "certificate");
	return kube_auth_read_files(p, err);
}

static bool load_user(struct kube_access *a, const struct kube_options *o, const struct entry *u, const struct entry *c,
                      struct kube_error *err)
{
	struct kube_private *p = a->priv;
	const char *token = yaml_text(u->body, "token"), *file = yaml_text(u->body, "tokenFile");
	const char *name = yaml_text(u->body, "username"), *password = yaml_text(u->body, "password");
	const struct yaml *provider = yaml_get(u->body, "auth-provider");
	if (!load_certificate(p, u, err))
		return false;
	if (token && *token)
		p->token = secret_of(str_of(token));
	if (file && *file)
		p->token_file = resolve(u, file);
	if (name && *name) {
		p->username = xstrdup(name);
		p->password = secret_of(str_of(password ? password : ""));
	}
	load_impersonation(p, o, u->body);
	bool has = secret_set(p->token) || p->token_file || p->username || secret_set(p->cert_pem);
	if (!has && provider && provider->type == YAML_MAP)
		return fail(err, "use the provider's exec plugin instead (gke-gcloud-auth-plugin, kubelogin)",
		            "%s:%u: auth-provider '%s' was removed from Kubernetes 1.26", u->file->path, provider->line,
		            yaml_text(provider, "name") ? yaml_text(provider, "name") : "");
	return has || load_exec(p, u, c, err);
}

static const char *how(const struct kube_private *p)
{
	return p->token_file || secret_set(p->token) ? "token" : p->username ? "password" : p->exec ? "plugin" :
	       secret_set(p->cert_pem) ? "client certificate" : "no credentials";
}

static void describe(struct kube_access *a)
{
	struct kube_private *p = a->priv;
	char server[200];
	http_redact(a->server, server, sizeof(server));
	struct str as = p->nimpersonate ? str_of(p->impersonate[0]) : STR("");
	str_split(&as, ':');
	as = str_trim(as);
	a->described = xasprintf("%s%s" STR_FMT " at %s (%s)", a->user, as.n ? " as " : "", STR_ARG(as), server, how(p));
}

/* ---- loading */

static char *read_line(const char *path)
{
	FILE *f = fopen(path, "re");
	char line[300] = "";
	if (f && !fgets(line, sizeof(line), f))
		line[0] = '\0';
	if (f)
		fclose(f);
	line[strcspn(line, "\r\n")] = '\0';
	return *line ? xstrdup(line) : NULL;
}

static bool load_in_cluster(struct kube_access *a, const struct kube_options *o, struct kube_error *err)
{
	const char *host = getenv("KUBERNETES_SERVICE_HOST"), *port = getenv("KUBERNETES_SERVICE_PORT");
	struct kube_private *p = a->priv;
	if (!host || !*host)
		return fail(err, "it is only there inside a pod", "no KUBERNETES_SERVICE_HOST in the environment");
	bool v6 = strchr(host, ':');
	a->context = xstrdup("in-cluster");
	a->cluster = xstrdup("in-cluster");
	a->user = xstrdup("in-cluster");
	a->compress = true;
	a->server = xasprintf("https://%s%s%s:%s", v6 ? "[" : "", host, v6 ? "]" : "", port && *port ? port : "443");
	p->token_file = xasprintf("%s/token", account_dir);
	p->ca_file = xasprintf("%s/ca.crt", account_dir);
	if (!o->namespace) {
		char *path = xasprintf("%s/namespace", account_dir), *ns = read_line(path);
		free(path);
		a->namespace_given = ns != NULL;
		a->namespace = ns ? ns : xstrdup("default");
	}
	load_impersonation(p, o, NULL);
	return true;
}

static bool load_context(struct kube_access *a, const struct kube_options *o, const struct config_files *fs, struct kube_error *err)
{
	const char *name = o->context ? o->context : current_context(fs);
	struct entry context, cluster, user;
	if (!name)
		return fail(err, "choose one: kubectl config use-context NAME, or --context NAME",
		            "no current context in %s", fs->n ? fs->list[0].path : "the kubeconfig");
	if (!find_entry(fs, "contexts", "context", name, &context)) {
		const char *near = nearest_entry(fs, "contexts", name);
		return fail(err, "kubectl config get-contexts lists them", "no context '%s' in %s%s%s%s", name,
		            fs->n ? fs->list[0].path : "the kubeconfig", near ? "; did you mean '" : "", near ? near : "", near ? "'?" : "");
	}
	const char *c = yaml_text(context.body, "cluster"), *u = yaml_text(context.body, "user");
	const char *ns = yaml_text(context.body, "namespace");
	a->context = xstrdup(name);
	a->cluster = xstrdup(c ? c : "");
	a->user = xstrdup(u ? u : "");
	if (!o->namespace) {
		a->namespace_given = ns && *ns;
		a->namespace = xstrdup(ns && *ns ? ns : "default");
	}
	if (!find_entry(fs, "clusters", "cluster", a->cluster, &cluster)) {
		const char *near = nearest_entry(fs, "clusters", a->cluster);
		return fail(err, near ? near : NULL, "%s:%u: context '%s' names the cluster '%s', which is not there", context.file->path,
		            context.item->line, name, a->cluster);
	}
	if (!load_server(a, &cluster, err))
		return false;
	if (find_entry(fs, "users", "user", a->user, &user))
		return load_user(a, o, &user, &cluster, err);
	load_impersonation(a->priv, o, NULL);
	return !*a->user || fail(err, "kubectl config set-credentials makes one", "%s:%u: context '%s' names the user '%s', who is not there",
	                         context.file->path, context.item->line, name, a->user);
}

struct kube_access *kube_access_load(const struct kube_options *o, const struct clock *clock, struct kube_error *err)
{
	struct config_files fs = { .n = 0 };
	struct kube_access *a = xcalloc(1, sizeof(*a));
	a->priv = xcalloc(1, sizeof(*a->priv));
	a->priv->clock = clock;
	pthread_mutex_init(&a->priv->lock, NULL);
	pthread_mutex_init(&a->priv->plugin_lock, NULL);
	*err = (struct kube_error){ "", "" };
	if (o->namespace) {
		a->namespace = xstrdup(o->namespace);
		a->namespace_given = true;
	}
	bool inside = o->context && strcmp(o->context, "in-cluster") == 0;
	bool ok = inside || open_files(&fs, o->kubeconfig, err);
	if (ok && !inside && !fs.n && !o->context)
		inside = in_cluster();
	ok = ok && (inside ? load_in_cluster(a, o, err) : load_context(a, o, &fs, err));
	close_files(&fs);
	if (ok) {
		describe(a);
		return a;
	}
	kube_access_free(a);
	return NULL;
}

void kube_access_free(struct kube_access *a)
{
	if (!a)
		return;
	struct kube_private *p = a->priv;
	free(p->ca_pem), free(p->ca_file), free(p->tls_name), free(p->proxy), free(p->cert_file), free(p->key_file);
	free(p->token_file), free(p->username);
	for (unsigned i = 0; i < p->nimpersonate; i++)
		free(p->impersonate[i]);
	free(p->impersonate);
	exec_plugin_free(p->exec);
	exec_credential_release(&p->cached);
	secret_release(&p->password);
	secret_release(&p->token);
	secret_release(&p->cert_pem);
	secret_release(&p->key_pem);
	pthread_mutex_destroy(&p->lock);
	pthread_mutex_destroy(&p->plugin_lock);
	free(p);
	free(a->context), free(a->cluster), free(a->user), free(a->server), free(a->namespace), free(a->described);
	free(a);
}

void kube_access_http_conf(struct kube_access *a, struct http_conf *conf)
{
	struct kube_private *p = a->priv;
	*conf = (struct http_conf){
		.base = a->server, .what = "the API server", .ca_pem = str_of(p->ca_pem), .ca_file = p->ca_file,
		.insecure = a->insecure, .tls_name = p->tls_name, .proxy = p->proxy, .compress = a->compress,
		.auth = kube_access_auth, .renew = kube_access_unauthorized, .arg = a,
	};
	if (!p->cert_file && secret_set(p->cert_pem)) {
		conf->cert_pem = secret_reveal(p->cert_pem);
		conf->key_pem = p->key_pem;
	}
}

int kubeconfig_contexts(const char *kubeconfig, kube_context_fn fn, void *arg, struct kube_error *err)
{
	struct config_files fs;
	int n = 0;
	*err = (struct kube_error){ "", "" };
	if (!open_files(&fs, kubeconfig, err)) {
		close_files(&fs);
		return -1;
	}
	const char *current = current_context(&fs);
	bool more = true;
	for (unsigned i = 0; i < fs.n && more; i++) {
		const struct yaml *list = yaml_get(fs.list[i].root, "contexts");
		for (unsigned k = 0; list && k < list->n && more; k++) {
			const char *name = yaml_text(list->items[k], "name");
			struct entry e, cluster = { 0 };
			/* of entries with one name the first counts */
			if (!name || !find_entry(&fs, "contexts", "context", name, &e) || e.item != list->items[k])
				continue;
			const char *c = yaml_text(e.body, "cluster"), *u = yaml_text(e.body, "user");
			const char *ns = yaml_text(e.body, "namespace");
			if (c)
				find_entry(&fs, "clusters", "cluster", c, &cluster);
			const char *server = yaml_text(cluster.body, "server");
			n++;
			more = fn(arg, &(struct kube_context){ name, c ? c : "", u ? u : "", ns ? ns : "", server ? server : "",
				current && strcmp(current, name) == 0 });
		}
	}
	close_files(&fs);
	return n;
}
