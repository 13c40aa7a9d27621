/* cluster: the kinds of Kubernetes as lists, and where Enter leads from each. */
#include "base/mem.h"
#include "tui/table_page.h"
#include <ctype.h>
#include <stdlib.h>

/* What one row of `kind` is made of: rows of `child` that the filter takes; {column} stands for the row's text there,
 * {kind/name} for "Kind/name" as owner columns have it. */
static const struct { const char *kind, *child, *filter, *words; } relations[] = {
	{ "nodes", "pods", "node={name}", "on node {name}" },
	{ "deployments", "pods", "namespace={namespace} -l {selector}", "of deployment {name}" },
	{ "replicasets", "pods", "namespace={namespace} owner=ReplicaSet/{name}", "of replica set {name}" },
	{ "statefulsets", "pods", "namespace={namespace} owner=StatefulSet/{name}", "of stateful set {name}" },
	{ "daemonsets", "pods", "namespace={namespace} owner=DaemonSet/{name}", "of daemon set {name}" },
	{ "jobs", "pods", "namespace={namespace} owner=Job/{name}", "of job {name}" },
	{ "cronjobs", "jobs", "namespace={namespace} owner=CronJob/{name}", "of cron job {name}" },
	{ "services", "pods", "namespace={namespace} -l {selector}", "behind service {name}" },
	{ "endpoints", "services", "namespace={namespace} name={name}", "of endpoints {name}" },
	{ "poddisruptionbudgets", "pods", "namespace={namespace} -l {selector}", "guarded by {name}" },
	{ "persistentvolumeclaims", "persistentvolumes", "name={volume}", "of claim {name}" },
};

/* Fill the template from the row; a value with blanks or quotes is quoted. False: a column is unknown or empty. */
static bool fill(const char *template, const struct table *t, const struct row *r, struct buf *out)
{
	for (const char *p = template; *p; p++) {
		const char *end = *p == '{' ? strchr(p, '}') : NULL;
		if (!end) {
			buf_addc(out, *p);
			continue;
		}
		int col = kind_col(t->kind, (struct str){ p + 1, (size_t)(end - p - 1) }, false);
		struct str v = col < 0 ? STR("") : row_text(t, r, col);
		if (!v.n || memchr(v.p, ' ', v.n) || memchr(v.p, '"', v.n) || memchr(v.p, '(', v.n))
			return false;
		buf_addstr(out, v);
		p = end;
	}
	return true;
}

static struct page *kind_page(struct app *app, const char *kind, struct str filter);

static bool open_child(struct app *app, const struct table *t, const struct row *r, size_t i)
{
	struct buf filter = { 0 }, words = { 0 };
	struct page *p = NULL;
	if (fill(relations[i].filter, t, r, &filter) && fill(relations[i].words, t, r, &words)) {
		p = kind_page(app, relations[i].child, STR(""));
		if (!table_page_within(p, app, buf_str(&filter), buf_str(&words)))
			app_say(app, true, "these %s cannot be told by a filter", relations[i].child);
		app_push(app, p);
	}
	buf_release(&filter);
	buf_release(&words);
	return p != NULL;
}

static void open_containers(struct app *app, const struct row *r)
{
	struct buf filter = { 0 }, words = { 0 };
	struct page *p = kind_page(app, "containers", STR(""));
	buf_addf(&filter, "pod=\"" STR_FMT "\"", STR_ARG(row_key(r)));
	buf_addf(&words, "of pod " STR_FMT, STR_ARG(row_key(r)));
	char *scope = str_dup(row_key(r));
	table_page_scope(p, scope);
	table_page_within(p, app, buf_str(&filter), buf_str(&words));
	app_push(app, p);
	free(scope);
	buf_release(&filter);
	buf_release(&words);
}

/* "Deployment/model-api" or "pod/x" in this row's namespace: the list of that kind with that row. */
static bool open_object(struct app *app, const struct table *t, const struct row *r, struct str ref)
{
	struct str name = ref, word = str_split(&name, '/');
	char lower[64];
	if (!name.n || !word.n || word.n >= sizeof(lower))
		return false;
	for (size_t i = 0; i < word.n; i++)
		lower[i] = (char)tolower((unsigned char)word.p[i]);
	const struct kind *k = store_kind(app_store(app), (struct str){ lower, word.n });
	if (!k) {
		app_say(app, false, "there is no list of kind '" STR_FMT "'", STR_ARG(word));
		return true;
	}
	struct buf filter = { 0 };
	struct str ns = row_text_by(t, r, "namespace");
	if (k->namespaced && ns.n)
		buf_addf(&filter, "namespace=" STR_FMT " ", STR_ARG(ns));
	buf_addf(&filter, "name=" STR_FMT, STR_ARG(name));
	struct page *p = kind_page(app, k->name, STR(""));
	table_page_within(p, app, buf_str(&filter), name);
	app_push(app, p);
	buf_release(&filter);
	return true;
}

static bool open_row(struct page *p, struct app *app)
{
	const struct table *t;
	const struct row *r = table_page_row(p, &t);
	const char *kind = table_page_kind(p);
	if (!r)
		return true;
	for (size_t i = 0; i < ARRAY_SIZE(relations); i++)
		if (strcmp(relations[i].kind, kind) == 0)
			return open_child(app, t, r, i);
	if (strcmp(kind, "pods") == 0) {
		open_containers(app, r);
	} else if (strcmp(kind, "containers") == 0) {
		return app_run_line(app, STR("logs"));
	} else if (strcmp(kind, "namespaces") == 0) {
		char *name = str_dup(row_text_by(t, r, "name"));
		app_set_namespace(app, name);
		app_push(app, kind_page(app, "pods", STR("")));
		free(name);
	} else if (strcmp(kind, "events") == 0) {
		return open_object(app, t, r, row_text_by(t, r, "object"));
	} else if (strcmp(kind, "horizontalpodautoscalers") == 0) {
		return open_object(app, t, r, row_text_by(t, r, "reference"));
	} else {
		return false;
	}
	return true;
}

static bool command(void *arg, struct page *p, struct app *app, const struct command *c, struct str args)
{
	return strcmp(c->name, "open") == 0 && open_row(p, app);
}

static const struct table_hooks hooks = { .command = command };

static struct page *kind_page(struct app *app, const char *kind, struct str filter)
{
	struct page *p = table_page_new(app, kind, filter);
	table_page_hook(p, &hooks, NULL);
	if (strcmp(kind, "events") == 0)
		table_page_sort(p, "last_seen", true);
	return p;
}

static struct page *open_pane(struct app *app, struct str args)
{
	return kind_page(app, "pods", args);
}

static const char *const kinds[] = {
	"pods", "containers", "nodes", "namespaces", "deployments", "replicasets", "statefulsets", "daemonsets", "jobs",
	"cronjobs", "services", "endpoints", "ingresses", "configmaps", "secrets", "persistentvolumeclaims",
	"persistentvolumes", "storageclasses", "horizontalpodautoscalers", "poddisruptionbudgets", "events", NULL
};

const struct pane pane_cluster = {
	.name = "cluster", .help = "pods, nodes and every other kind of a Kubernetes cluster",
	.open = open_pane, .kinds = kinds, .kind_page = kind_page,
};
