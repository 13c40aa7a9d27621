/* demo_objects: what any object of the cluster takes: labels and annotations, being deleted, being edited. What was done is kept
 * beside the world and drawn over what is shown of it. */
#define _GNU_SOURCE
#include "backends/demo/ways.h"
#include "base/mem.h"
#include "base/table.h"
#include "base/yaml.h"
#include <stdio.h>
#include <stdlib.h>

#define KSERVE "inferenceservices.serving.kserve.io"
#define SELDON "seldondeployments.machinelearning.seldon.io"
#define PLAIN "nodes", "namespaces", "replicasets", "daemonsets", "jobs", "cronjobs", "services", "configmaps", "secrets", \
	"persistentvolumeclaims", "persistentvolumes", "horizontalpodautoscalers", KSERVE, SELDON, "applications.argoproj.io", \
	"nodepools.karpenter.sh"
static const char *const labelled[] = { "pods", "deployments", "statefulsets", PLAIN, NULL };
static const char *const deletables[] = { "pods", "deployments", "replicasets", "statefulsets", "daemonsets", "jobs", "cronjobs", "services",
	"configmaps", "secrets", "persistentvolumeclaims", "horizontalpodautoscalers", KSERVE, SELDON, NULL };
static const char *const editables[] = { "pods", PLAIN, NULL };
enum { LABEL, ANNOTATE, DELETE, EDIT };
const struct action demo_acts_objects[] = { ACT_LABEL(labelled), ACT_ANNOTATE(labelled), ACT_DELETE(deletables), ACT_EDIT(editables) };

const struct touched *demo_touched(const struct world *w, const char *kind, struct str key)
{
	for (unsigned i = 0; i < w->ntouched; i++)
		if (!strcmp(w->touched[i].kind, kind) && str_is(key, w->touched[i].key))
			return &w->touched[i];
	return NULL;
}

/* NULL: there is no room for more. */
static struct touched *touch(struct world *w, const struct request *r)
{
	struct touched *t = (struct touched *)(uintptr_t)demo_touched(w, r->kind, str_of(r->key));
	if (t || w->ntouched == TOUCHED_MAX)
		return t;
	t = &w->touched[w->ntouched++];
	*t = (struct touched){ .gone = false };
	snprintf(t->kind, sizeof(t->kind), "%s", r->kind);
	snprintf(t->key, sizeof(t->key), "%s", r->key);
	return t;
}

/* ---- labels and annotations: "a=b,c-": put on, taken off */

static bool has_name(struct str list, struct str name, struct str *value)
{
	while (list.n) {
		struct str one = str_split(&list, ','), v = one, n = str_split(&v, '=');
		if (str_eq(n, name)) {
			*value = v;
			return true;
		}
	}
	return false;
}

static struct str name_of(struct str one)
{
	struct str v = one, n = str_split(&v, '=');
	if (!memchr(one.p, '=', one.n) && n.n && n.p[n.n - 1] == '-')
		n.n--;
	return n;
}

static void add(struct buf *out, struct str one)
{
	buf_addf(out, "%s" STR_FMT, out->len ? "," : "", STR_ARG(one));
}

/* `list` without what `done` names, then what `done` puts on (or all of it). */
static void draw_over(struct str list, struct str done, bool all, struct buf *out)
{
	for (struct str rest = list; rest.n;) {
		struct str one = str_split(&rest, ',');
		bool named = false;
		for (struct str d = done; d.n;)
			named |= str_eq(name_of(str_split(&d, ',')), name_of(one));
		if (!named)
			add(out, one);
	}
	while (done.n) {
		struct str one = str_split(&done, ',');
		if (all || memchr(one.p, '=', one.n))
			add(out, one);
	}
}

void demo_labels(const struct touched *t, struct str came, struct buf *out)
{
	draw_over(came, str_of(t ? t->labels : ""), false, out);
}

static bool of_labels(const struct doing *d)
{
	return !strcmp(d->r->what, "label");
}

/* Its row as it is shown now. False: there is none. labels may be NULL; emptied first. */
static bool row_of(const struct doing *d, struct buf *labels)
{
	const struct kind *k = demo_custom_kind(str_of(d->r->kind));
	struct buf body = { 0 };
	struct rd at;
	for (const struct kind *const *known = demo_kinds; !k && *known; known++)
		if (!strcmp((*known)->name, d->r->kind))
			k = *known;
	if (!k || !demo_show(d->w, k->name, &body)) {
		buf_release(&body);
		return false;
	}
	struct table *t = table_new(k);
	rows_open(&at, buf_str(&body));
	table_apply(t, 0, &at, 0);
	const struct row *row = table_find(t, 0, str_of(d->r->key));
	if (row && labels && kind_col(k, STR("labels"), false) >= 0)
		buf_addstr(labels, row_text_by(t, row, "labels"));
	table_free(t);
	buf_release(&body);
	return row != NULL;
}

/* The labels or annotations that it has now. */
static void now_of(const struct doing *d, struct buf *out)
{
	const struct touched *t = demo_touched(d->w, d->r->kind, str_of(d->r->key));
	if (of_labels(d))
		row_of(d, out);
	if (t && !out->len)
		draw_over(STR(""), str_of(of_labels(d) ? t->labels : t->notes), false, out);
}

static bool object_state(struct doing *d, struct buf *out)
{
	const struct touched *t = demo_touched(d->w, d->r->kind, str_of(d->r->key));
	if (d->t.load)
		buf_addf(out, "revision %u, ", d->t.load->revision);
	buf_addf(out, "labels '%s', notes '%s', text %08x", t ? t->labels : "", t ? t->notes : "", t && t->yaml ? str_hash(str_of(t->yaml)) : 0);
	return row_of(d, NULL);
}

static void plan_note(struct doing *d)
{
	const char *field = of_labels(d) ? "label" : "annotate", *text = doing_text(d->params, field), *word = of_labels(d) ? "label" : "annotation";
	struct str name = name_of(str_of(text)), has = STR("");
	struct buf now = { 0 };
	bool off = !strchr(text, '='), known;
	now_of(d, &now);
	known = has_name(buf_str(&now), name, &has);
	if (!name.n || (off && !str_ends(str_of(text), STR("-"))) || strlen(text) > 100 || strchr(text, ','))
		SAY(d, "blocked", "'%.100s' is no %s: write key=value, or key- to take it off", text, word);
	else if (off ? !known : known && str_is(has, strchr(text, '=') + 1))
		SAY(d, "already", off ? "it has no such %s" : "it has that %s", word);
	if (known)
		SAY(d, "change", "- %s " STR_FMT "=" STR_FMT, word, STR_ARG(name), STR_ARG(has));
	if (!off)
		SAY(d, "change", "+ %s %.100s", word, text);
	if (of_labels(d) && str_is(name, "app") && d->t.load)
		SAY(d, "warnings", "services and disruption budgets may select by this label");
	doing_step(d, text, "PATCH %s/%s", d->r->kind, d->r->key);
	plan_undo(d->plan, d->r->what, json_pack("{s:o}", field, known ? json_sprintf(STR_FMT "=" STR_FMT, STR_ARG(name), STR_ARG(has))
		: json_sprintf(STR_FMT "-", STR_ARG(name))));
	buf_release(&now);
}

static bool run_note(struct doing *d)
{
	const char *text = doing_text(d->params, of_labels(d) ? "label" : "annotate");
	struct touched *t = touch(d->w, d->r);
	struct buf b = { 0 };
	if (!t) {
		buf_adds(&d->say, "the demo remembers no more than 64 objects that were changed");
		return false;
	}
	draw_over(str_of(of_labels(d) ? t->labels : t->notes), str_of(text), true, &b);
	bool room = b.len < sizeof(t->labels);
	if (room)
		snprintf(of_labels(d) ? t->labels : t->notes, sizeof(t->labels), "%s", b.data);
	buf_addf(&d->say, room ? "it has %s" : "there is no room for more labels on it", text);
	buf_release(&b);
	d->w->touched_dirty = true;
	return room;
}

/* ---- deleting */

static void plan_delete(struct doing *d)
{
	bool set = d->t.load != NULL, rs = !strcmp(d->r->kind, "replicasets");
	if (d->t.pod)
		SAY(d, "change", "the pod ends; its controller makes another");
	else if (set)
		SAY(d, "change", "it goes, and its %u pods with it", workload_ready(d->w, d->t.load));
	else
		SAY(d, "change", rs ? "its pods end; its deployment makes it again" : "it goes");
	if (set && d->t.load->plan->hpa)
		SAY(d, "warnings", "HorizontalPodAutoscaler %s is left with nothing to scale", d->t.load->plan->name);
	if (!strcmp(d->r->kind, "persistentvolumeclaims"))
		SAY(d, "warnings", "its volume's reclaim policy is Delete: the data goes with it, once its pod is gone");
	if (!strcmp(d->r->kind, "services"))
		SAY(d, "warnings", "whoever asks it by its name gets no answer any more");
	doing_step(d, "{\"propagationPolicy\":\"Background\"}", "DELETE %s/%s", d->r->kind, d->r->key);
	SAY(d, "not_undone", d->t.pod ? "a pod that is gone does not come back" : "it does not come back by itself: apply it again");
}

static void end_pods_of(struct world *w, const char *replicaset)
{
	for (struct pod *p = w->pods; p < w->pods + PODS_MAX; p++) {
		char name[160];
		const struct workload *l = p->used && p->workload >= 0 ? &w->workloads[p->workload] : NULL;
		if (!l)
			continue;
		snprintf(name, sizeof(name), "%s/%s-%07x", l->plan->namespace, l->plan->name, revision_hash(l, p->revision) & 0xfffffff);
		if (!strcmp(name, replicaset))
			world_end_pod(w, p);
	}
}

static bool run_delete(struct doing *d)
{
	struct pod *job = !strcmp(d->r->kind, "jobs") ? world_find_job(d->w, str_of(d->r->key)) : NULL;
	struct touched *t;
	if (d->t.pod)
		world_end_pod(d->w, d->t.pod);
	else if (d->t.load)
		d->t.load->gone = true;
	else if (job)
		world_remove_pod(d->w, job);
	else if (!strcmp(d->r->kind, "replicasets"))
		end_pods_of(d->w, d->r->key);
	else if ((t = touch(d->w, d->r)))
		t->gone = true;
	else
		return false;
	d->w->cron_suspended |= !strcmp(d->r->kind, "cronjobs");
	d->w->touched_dirty = d->w->workloads_dirty = true;
	buf_adds(&d->say, d->t.pod ? "it is ending" : "it is gone");
	return true;
}

/* ---- editing what is not a workload: its text is kept */

static void plan_edit(struct doing *d)
{
	const char *given = doing_text(d->params, "secret_text");
	struct yaml_error err;
	struct yaml_doc *doc = yaml_parse(str_of(given), &err);
	struct buf now = { 0 }, text = { 0 };
	struct str name = str_of(d->r->key);
	const char *named = doc ? yaml_text(yaml_get(yaml_root(doc), "metadata"), "name") : NULL;
	demo_document(d->w, d->r->kind, name, &now);
	if (memchr(name.p, '/', name.n))
		str_split(&name, '/');
	for (struct str s = str_of(given); s.n;) {
		struct str line = str_split(&s, '\n');
		if (!str_starts(line, STR("#")))
			buf_addf(&text, STR_FMT "\n", STR_ARG(line));
	}
	if (!doc)
		SAY(d, "blocked", "line %u: %s", err.line, err.what);
	else if (!named || !str_is(name, named))
		SAY(d, "blocked", "metadata.name has to stay '" STR_FMT "'", STR_ARG(name));
	else if (!doing_diff(d, buf_str(&now), buf_str(&text)))
		SAY(d, "already", "nothing differs from what it is now");
	SAY(d, "change", "the lines that differ, as below");
	SAY(d, "warnings", "the simulated server keeps the text; what the list shows of it stays as it is");
	doing_step(d, "", "PATCH %s/%s", d->r->kind, d->r->key);
	plan_undo(d->plan, "edit", json_pack("{s:s%}", "secret_text", now.data ? now.data : "", now.len));
	json_object_set_new(d->plan, "secret_keep", json_stringn(text.data ? text.data : "", text.len));
	buf_release(&now);
	buf_release(&text);
	yaml_doc_free(doc);
}

static bool run_edit(struct doing *d)
{
	struct touched *t = touch(d->w, d->r);
	if (!t) {
		buf_adds(&d->say, "the demo remembers no more than 64 objects that were changed");
		return false;
	}
	free(t->yaml);
	t->yaml = xstrdup(doing_text(d->plan, "secret_keep"));
	buf_adds(&d->say, "it is as you wrote it: y shows it");
	return true;
}

const struct demo_way demo_ways_objects[] = {
	{ demo_acts_objects + LABEL, object_state, plan_note, run_note },
	{ demo_acts_objects + ANNOTATE, object_state, plan_note, run_note },
	{ demo_acts_objects + DELETE, object_state, plan_delete, run_delete },
	{ demo_acts_objects + EDIT, object_state, plan_edit, run_edit },
	{ .action = NULL },
};
