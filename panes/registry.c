/* registry: models with their champion and challenger, their versions with a metric's trend, the runs that trained them, and
 * who was in production when. All are ordinary lists; Enter goes deeper: model, version, what is known of it. */
#include "base/mem.h"
#include "base/registry.h"
#include "panes/registry.h"
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

static struct page *kind_page(struct app *app, const char *kind, struct str filter);

/* ---- versions of one model, with the trend below */

struct versions {
	char *model, *metric;            /* metric NULL: the key metric */
	uint16_t source;
	uint64_t seen;
	struct trend trend;
	char *shown;                     /* the metric that the trend is of */
};

static struct str shown_metric(const struct versions *v, const struct store *s)
{
	const struct table *models = store_table_const(s, "models");
	const struct row *m = models ? table_find(models, v->source, str_of(v->model)) : NULL;
	return v->metric ? str_of(v->metric) : m ? row_text(models, m, MODELS_METRIC) : STR("");
}

static bool versions_prepare(void *arg, struct page *p, struct app *app, int64_t now)
{
	struct versions *v = arg;
	const struct table *t = store_table_const(app_store(app), "versions"), *m = store_table_const(app_store(app), "models");
	uint64_t seen = (t ? t->version : 0) + (m ? m->version : 0);
	if (!v || seen == v->seen)
		return false;
	v->seen = seen;
	free(v->shown);
	v->shown = str_dup(shown_metric(v, app_store(app)));
	trend_read(&v->trend, app_store(app), v->source, str_of(v->model), str_of(v->shown));
	return true;
}

static int versions_below_lines(void *arg, const struct page *p, int h)
{
	const struct versions *v = arg;
	return !v || v->trend.n < 2 || !v->shown || !*v->shown || h < 14 ? 0 : h >= 30 ? h / 3 : 6;
}

static void versions_below(void *arg, const struct page *p, const struct app *app, struct frame *f, struct rect area, int64_t now)
{
	const struct versions *v = arg;
	trend_draw(&v->trend, str_of(v->shown), f, area);
}

static void versions_shown(void *arg, struct page *p, struct app *app, bool on)
{
	(on ? app_watch : app_unwatch)(app, "models", "");
}

static void versions_free(void *arg, struct app *app)
{
	struct versions *v = arg;
	if (!v)
		return;
	free(v->model);
	free(v->metric);
	free(v->shown);
	free(v);
}

/* `name="x"`, and those that do not say where `also` is `|""`; a name with a quote cannot be told by a filter. */
static bool narrow_also(struct page *p, struct app *app, const char *col, struct str value, const char *words, const char *also)
{
	struct buf filter = { 0 }, title = { 0 };
	buf_addf(&filter, "%s=\"" STR_FMT "\"%s", col, STR_ARG(value), also);
	buf_addf(&title, "%s " STR_FMT, words, STR_ARG(value));
	bool ok = !memchr(value.p, '"', value.n) && table_page_within(p, app, buf_str(&filter), buf_str(&title));
	if (!ok)
		app_say(app, true, "these rows cannot be told by a filter");
	buf_release(&filter);
	buf_release(&title);
	return ok;
}

static bool narrow(struct page *p, struct app *app, const char *col, struct str value, const char *words)
{
	return narrow_also(p, app, col, value, words, "");
}

static bool command(void *arg, struct page *p, struct app *app, const struct command *c, struct str args);
static const struct table_hooks hooks, versions_hooks;

static struct page *versions_of(struct app *app, uint16_t source, struct str model)
{
	struct page *p = table_page_new(app, "versions", STR(""));
	struct versions *v = xcalloc(1, sizeof(*v));
	v->model = str_dup(model);
	v->source = source;
	table_page_hook(p, &versions_hooks, v);
	narrow(p, app, "model", model, "of");
	table_page_of(p)->hidden |= 1ull << VERSIONS_MODEL;      /* it is in the title */
	table_page_sort(p, "version", true);
	return p;
}

/* ---- what is compared */

static struct str model_of(const struct page *p, const struct table *t, const struct row *r)
{
	const char *kind = table_page_kind(p);
	return !strcmp(kind, "models") ? row_key(r) : !strcmp(kind, "versions") ? row_text(t, r, VERSIONS_MODEL)
	     : !strcmp(kind, "promotions") ? row_text(t, r, PROMOTIONS_MODEL) : STR("");
}

static void set_key(struct compared *c, uint16_t source, struct str model, int64_t version)
{
	c->source = source;
	snprintf(c->key, sizeof(c->key), STR_FMT "/%lld", STR_ARG(model), (long long)version);
}

static unsigned add_version(struct compared *out, unsigned n, uint16_t source, struct str model, int64_t version)
{
	if (version < 0 || n == COMPARE_MAX)
		return n;
	set_key(&out[n], source, model, version);
	for (unsigned i = 0; i < n; i++)
		if (out[i].source == source && !strcmp(out[i].key, out[n].key))
			return n;
	return n + 1;
}

static int64_t known(const struct row *r, int col)
{
	return row_null(r, col) ? -1 : row_int(r, col);
}

/* Champion and challenger; without one of them the newest versions. */
static unsigned by_default(const struct app *app, uint16_t source, struct str model, struct compared *out)
{
	const struct table *models = store_table_const(app_store(app), "models");
	const struct row *m = models ? table_find(models, source, model) : NULL;
	struct trend t;
	unsigned n = 0;
	if (m) {
		n = add_version(out, n, source, model, known(m, MODELS_CHAMPION));
		n = add_version(out, n, source, model, known(m, MODELS_CHALLENGER));
	}
	trend_read(&t, app_store(app), source, model, STR(""));
	for (int i = t.n - 1; i >= 0 && n < 2; i--)
		n = add_version(out, n, source, model, t.version[i]);
	return n;
}

static int by_key(const void *a, const void *b)
{
	const struct compared *x = a, *y = b;
	return str_cmp_natural(str_of(x->key), str_of(y->key));
}

/* The marked versions; one alone is held against the champion. */
static unsigned marked(const struct page *p, const struct app *app, struct compared *out)
{
	const struct table_page *t = table_page_of(p);
	const struct table *models = store_table_const(app_store(app), "models");
	unsigned n = 0;
	if (strcmp(t->kind_name, "versions") || !t->view)
		return 0;
	for (uint32_t i = 0; i < t->view->n && n < COMPARE_MAX; i++) {
		const struct row *r = table_row(t->table, t->view->ids[i]);
		if (r && view_marked(t->view, r->id))
			n = add_version(out, n, r->source, row_text(t->table, r, VERSIONS_MODEL), row_int(r, VERSIONS_VERSION));
	}
	if (n == 1) {
		struct compared one = out[0];
		struct str model = { one.key, strlen(one.key) - strlen(strrchr(one.key, '/')) };
		const struct row *m = models ? table_find(models, one.source, model) : NULL;
		n = m ? add_version(out, n, one.source, model, known(m, MODELS_CHAMPION)) : n;
	}
	qsort(out, n, sizeof(*out), by_key);
	return n;
}

static bool compare(struct page *p, struct app *app, struct str args)
{
	struct compared versions[COMPARE_MAX];
	const struct table *t;
	const struct row *r = table_page_row(p, &t);
	struct str model = r ? model_of(p, t, r) : STR("");
	unsigned n = 0;
	while (args.n && r) {                    /* "compare 3 v6" */
		struct str word = str_split(&args, ' ');
		int64_t v;
		if (word.n && *word.p == 'v')
			word = (struct str){ word.p + 1, word.n - 1 };
		if (str_to_i64(word, &v))
			n = add_version(versions, n, r->source, model, v);
	}
	if (!n)
		n = marked(p, app, versions);
	if (!n && model.n)
		n = by_default(app, r->source, model, versions);
	if (n < 2) {
		app_say(app, false, "there is nothing to compare: mark two versions with Space");
		return true;
	}
	struct str first = str_of(versions[0].key);
	app_push(app, compare_page_new(app, (struct str){ first.p, first.n - strlen(strrchr(first.p, '/')) }, versions, n));
	return true;
}

/* ---- where keys lead */

static void open_experiment(struct app *app, const struct table *t, const struct row *r)
{
	struct page *p = kind_page(app, "trainings", STR(""));
	char *id = str_dup(row_key(r));
	if (narrow(p, app, "experiment", row_text(t, r, EXPERIMENTS_NAME), "of"))
		table_page_scope(p, id);
	app_push(app, p);
	free(id);
}

/* The version that a run became, in whichever registry: its row, or NULL. */
static const struct row *version_of_run(const struct app *app, const struct table **tab, struct str run)
{
	const struct table *t = *tab = store_table_const(app_store(app), "versions");
	for (uint32_t i = 0; t && run.n && i < t->nslots; i++) {
		const struct row *r = table_row(t, i);
		if (r && str_eq(row_text(t, r, VERSIONS_RUN), run))
			return r;
	}
	return NULL;
}

static void open_run(struct app *app, uint16_t source, struct str run)
{
	const struct table *t;
	const struct row *version = version_of_run(app, &t, run);
	if (!run.n) {
		app_say(app, false, "no run is known of it");
		return;
	}
	char title[128];
	snprintf(title, sizeof(title), "run " STR_FMT, STR_ARG(run));
	app_push(app, text_page_new(app, title, version ? version->source : source, "describe", "trainings", run, ""));
}

/* A promotion leads to the version that was meant, in the registry that has it: who tells of it may be another source. */
static void open_promotion(struct app *app, const struct table *t, const struct row *r)
{
	const struct table *versions, *models = store_table_const(app_store(app), "models");
	const struct row *known = version_of_run(app, &versions, row_text(t, r, PROMOTIONS_RUN));
	struct str model = row_text(t, r, PROMOTIONS_MODEL), version = row_text(t, r, PROMOTIONS_VERSION);
	struct buf key = { 0 };
	uint16_t source = known ? known->source : r->source;
	if (known && !model.n)
		model = row_text(versions, known, VERSIONS_MODEL);
	for (uint32_t i = 0; models && !known && !table_find(models, source, model) && i < models->nslots; i++) {
		const struct row *m = table_row(models, i);
		if (m && str_eq(row_key(m), model))
			source = m->source;
	}
	if (!model.n) {
		app_say(app, false, "no model is named there, and its run is in no registry");
		return;
	}
	struct page *p = versions_of(app, source, model);
	if (version.n && *version.p == 'v')
		version = (struct str){ version.p + 1, version.n - 1 };
	buf_addf(&key, STR_FMT "/" STR_FMT, STR_ARG(model), STR_ARG(version));
	table_page_seek(p, source, buf_str(&key));
	app_push(app, p);
	buf_release(&key);
}

static bool open_row(struct page *p, struct app *app)
{
	const struct table *t;
	const struct row *r = table_page_row(p, &t);
	const char *kind = table_page_kind(p);
	if (!r)
		return true;
	if (!strcmp(kind, "models"))
		app_push(app, versions_of(app, r->source, row_key(r)));
	else if (!strcmp(kind, "experiments"))
		open_experiment(app, t, r);
	else if (!strcmp(kind, "promotions"))
		open_promotion(app, t, r);
	else
		return false;                    /* the description */
	return true;
}

/* Who was in production when: of this model, and of whoever does not say which model is meant. */
static void open_history(struct page *p, struct app *app)
{
	const struct table *t;
	const struct row *r = table_page_row(p, &t);
	struct page *list = kind_page(app, "promotions", STR(""));
	struct str model = r ? model_of(p, t, r) : STR("");
	if (model.n && narrow_also(list, app, "model", model, "of", "|\"\""))
		table_page_of(list)->hidden |= 1ull << PROMOTIONS_MODEL;
	app_push(app, list);
}

static void open_training(struct page *p, struct app *app)
{
	const struct table *t;
	const struct row *r = table_page_row(p, &t);
	const char *kind = table_page_kind(p);
	if (!r)
		return;
	if (!strcmp(kind, "versions"))
		open_run(app, r->source, row_text(t, r, VERSIONS_RUN));
	else if (!strcmp(kind, "promotions"))
		open_run(app, r->source, row_text(t, r, PROMOTIONS_RUN));
	else if (!strcmp(kind, "trainings"))
		open_run(app, r->source, row_key(r));
	else
		app_push(app, kind_page(app, "trainings", STR("")));
}

/* ---- artifacts: where they are, only the version in full says */

struct lookup { struct app *app; const struct page *page; uint64_t id; };   /* page: only compared */

static void go_there(struct app *app, struct str source)
{
	struct buf line = { 0 };
	bool s3 = str_starts(source, STR("s3://")) || str_starts(source, STR("s3a://"));
	buf_addf(&line, "storage " STR_FMT, STR_ARG(source));
	if (s3 && !memchr(source.p, ' ', source.n))
		app_run_line(app, buf_str(&line));
	else if (source.n)
		app_say(app, false, "its artifacts are in " STR_FMT ", which is no bucket that can be opened here", STR_ARG(source));
	else
		app_say(app, false, "nothing says where its artifacts are");
	buf_release(&line);
}

static void found(void *arg, const struct msg *m)
{
	struct lookup *l = arg;
	struct msg_answer a;
	if (!msg_get_answer(m, &a))
		return;
	json_t *j = a.ok ? json_loadb(a.json.p, a.json.n, 0, NULL) : NULL;
	const json_t *source = json_object_get(j, "source");
	store_forget(app_store(l->app), l->id);
	if (!a.ok)
		app_say(l->app, true, STR_FMT, STR_ARG(a.json));
	else if (app_top(l->app) == l->page)     /* else one has gone elsewhere meanwhile */
		go_there(l->app, (struct str){ json_string_value(source), json_string_length(source) });
	json_decref(j);
	free(l);
}

static void open_artifacts(struct page *p, struct app *app)
{
	const struct row *r = table_page_row(p, NULL);
	if (!r || strcmp(table_page_kind(p), "versions")) {
		app_say(app, false, "open a model first: its versions have artifacts");
		return;
	}
	struct lookup *l = xcalloc(1, sizeof(*l));
	*l = (struct lookup){ app, p, source_ask(app_source(app, r->source), request_new(REQ_ASK, "versions", row_key(r), "version", "")) };
	store_expect(app_store(app), l->id, found, l);
}

static void next_metric(struct versions *v, struct page *p, struct app *app, struct str args)
{
	const struct table *t;
	const struct row *r = table_page_row(p, &t);
	if (!r)
		return;
	if (!strcmp(table_page_kind(p), "trainings")) {
		struct str metrics = row_text(t, r, TRAININGS_METRICS);
		if (metrics.n)
			app_push(app, metric_page_new(app, r->source, row_key(r), row_text(t, r, TRAININGS_NAME), metrics));
		else
			app_say(app, false, "no metric is known of it");
	} else if (v) {
		struct str now = v->shown ? str_of(v->shown) : STR("");
		char *next = str_dup(args.n ? args : label_next(row_text(t, r, VERSIONS_METRICS), now));
		free(v->metric);
		v->metric = *next ? next : NULL;
		if (!*next)
			free(next);
		v->seen = 0;
		app_redraw(app);
	}
}

static bool command(void *arg, struct page *p, struct app *app, const struct command *c, struct str args)
{
	if (!strcmp(c->name, "open"))
		return open_row(p, app);
	if (!strcmp(c->name, "compare"))
		return compare(p, app, args);
	if (!strcmp(c->name, "champions"))
		open_history(p, app);
	else if (!strcmp(c->name, "training"))
		open_training(p, app);
	else if (!strcmp(c->name, "experiments"))
		app_push(app, kind_page(app, "experiments", STR("")));
	else if (!strcmp(c->name, "artifacts"))
		open_artifacts(p, app);
	else if (!strcmp(c->name, "metric"))
		next_metric(arg, p, app, args);
	else
		return false;
	return true;
}

static const struct command commands[] = {
	{ "compare", "[VERSION...]", "compare the marked versions, or champion and challenger", "compare" },
	{ "champions", NULL, "show who was in production when, and who changed it", "who was champion" },
	{ "training", NULL, "show the run that trained it; of a model, all runs", "run" },
	{ "metric", "[NAME]", "show the trend, or the curve, of the next metric or this one", "metric" },
	{ "artifacts", NULL, "open the bucket with the version's artifacts", "artifacts" },
	{ "experiments", NULL, "show the experiments", "experiments" },
	{ .name = NULL },
};
const struct command_scope registry_scope = { "registry", "the registry pane", commands };
static const struct table_hooks hooks = { .name = "registry", .scope = &registry_scope, .command = command };
static const struct table_hooks versions_hooks = {
	.name = "registry", .scope = &registry_scope, .command = command, .prepare = versions_prepare, .below = versions_below,
	.below_lines = versions_below_lines, .shown = versions_shown, .free = versions_free,
};

static struct page *kind_page(struct app *app, const char *kind, struct str filter)
{
	struct page *p = table_page_new(app, kind, filter);
	bool by_age = !strcmp(kind, "trainings") || !strcmp(kind, "promotions") || !strcmp(kind, "versions");
	table_page_hook(p, &hooks, NULL);
	table_page_sort(p, by_age ? "age" : "name", by_age);
	return p;
}

static struct page *open_pane(struct app *app, struct str args)
{
	struct page *p = kind_page(app, "models", args);
	table_page_sort(p, "updated", true);
	return p;
}

static const char *const kinds[] = { "models", "versions", "experiments", "trainings", "promotions", NULL };
const struct pane pane_registry = { .name = "registry", .brief = "reg", .help = "models, their versions, who is in production, and the runs "
	"that trained them", .open = open_pane, .kinds = kinds, .kind_page = kind_page };
