/* gates: see gates.h. Here they are read and what they need is asked for; gates_judge.c decides. */
#include "base/gates.h"
#include "base/gates_in.h"
#include "base/mem.h"
#include "base/registry.h"
#include <stdlib.h>

#define WAIT_MS 30000                /* for lists, versions and predictions that do not come */

const struct config_key gate_keys[] = {
	{ "metric", CONFIG_TEXT, .help = "A metric of the version, with at_least, at_most, better_by or worse_at_most." },
	{ "at_least", CONFIG_REAL, .help = "The metric must not be below." },
	{ "at_most", CONFIG_REAL, .help = "The metric must not be above." },
	{ "better_by", CONFIG_TEXT, .help = "The metric must be better than the champion's by so much, e.g. 1%." },
	{ "worse_at_most", CONFIG_TEXT, .help = "The metric may be worse than the champion's by so much, e.g. 2%." },
	{ "direction", CONFIG_ENUM, NULL, "lower|higher", .help = "Which way the metric is better, where its name does not tell." },
	{ "tag", CONFIG_TEXT, .help = "A tag that the version or its run must have." },
	{ "is", CONFIG_TEXT, .help = "The value that the tag must have; otherwise it must only be there." },
	{ "within", CONFIG_DURATION, .help = "The tag's value is a time no longer ago than this." },
	{ "trained_within", CONFIG_DURATION, .help = "The version's training ended no longer ago than this." },
	{ "none", CONFIG_TEXT, .help = "No row of this kind may be there (that `where` takes)." },
	{ "some", CONFIG_TEXT, .help = "A row of this kind must be there (that `where` takes)." },
	{ "where", CONFIG_TEXT, .help = "Which rows, as typed after `/`; {model} {version} {previous} are put in." },
	{ "signature", CONFIG_ENUM, NULL, "same", .help = "The inputs of challenger and champion must be the same." },
	{ "freeze", CONFIG_WINDOWS, .help = "Windows of local time in which nothing is promoted: 'Fri 16:00 - Mon 08:00', "
	  "'22:00 - 06:00', '2026-12-20 - 2027-01-03'." },
	{ "zone", CONFIG_ZONE, .help = "Whose local time that is; otherwise that of `guards`." },
	{ "predictions", CONFIG_COUNT, .help = "So many recent inputs of the log are put to both." },
	{ "challenger", CONFIG_TEXT, .help = "The endpoint that serves the challenger; otherwise the one whose version it is. Two "
	  "behind one address are two sources, told apart by `headers` or `host`." },
	{ "champion", CONFIG_TEXT, .help = "The endpoint that serves the champion; otherwise the one whose version it is." },
	{ "differ_below", CONFIG_TEXT, .help = "On average the two predictions may differ by so much, e.g. 25%." },
	{ "latency", CONFIG_TEXT, .help = "An endpoint whose 99th percentile must be below `below`." },
	{ "below", CONFIG_DURATION, .help = "The most that this may be, e.g. 300ms." },
	{ "say", CONFIG_TEXT, .help = "What is checked, as a title." },
	CONFIG_END
};

const char *gate_result_name(enum gate_result r)
{
	static const char *const names[] = { [GATE_PENDING] = "looking", [GATE_PASS] = "pass", [GATE_FAIL] = "fail",
		[GATE_UNKNOWN] = "cannot tell" };
	return names[r];
}

const struct yaml *gate_entry(const struct gates *g, unsigned i)
{
	return g->priv->entry->items[i];
}

char *gate_text(const struct gates *g, const struct yaml *gate, const char *key)
{
	const struct { const char *name, *value; } put[] = { { "{model}", g->priv->model }, { "{version}", g->priv->version },
		{ "{previous}", g->priv->champion } };
	const char *text = yaml_text(gate, key);
	struct buf out = { 0 };
	if (!text)
		return NULL;
	while (*text) {
		size_t k = 0;
		while (k < ARRAY_SIZE(put) && strncmp(text, put[k].name, strlen(put[k].name)) != 0)
			k++;
		if (k < ARRAY_SIZE(put)) {
			buf_adds(&out, put[k].value);
			text += strlen(put[k].name);
		} else {
			buf_addc(&out, *text++);
		}
	}
	return buf_detach(&out);
}

/* ---- what rows are needed */

const char *gates_kind(const struct yaml *entry, unsigned i)
{
	static const char *const always[] = { "drift", "modelendpoints", "predictions" };
	bool serving = false;
	for (unsigned k = 0; entry && entry->type == YAML_LIST && k < entry->n; k++) {
		const struct yaml *gate = entry->items[k];
		const char *kind = yaml_text(gate, "none") ? yaml_text(gate, "none") : yaml_text(gate, "some");
		serving |= yaml_get(gate, "predictions") || yaml_get(gate, "latency");
		if (kind && i-- == 0)
			return kind;
	}
	return entry && i < (serving ? ARRAY_SIZE(always) : 1) ? always[i] : NULL;
}

/* ---- titles */

static void put_metric(const struct yaml *gate, const char *metric, struct buf *out)
{
	static const struct { const char *key, *say; } how[] = { { "at_least", "at least" }, { "at_most", "at most" },
		{ "better_by", "better by" }, { "worse_at_most", "worse by at most" } };
	buf_adds(out, metric);
	for (size_t i = 0; i < ARRAY_SIZE(how); i++)
		if (yaml_text(gate, how[i].key))
			buf_addf(out, " %s %s", how[i].say, yaml_text(gate, how[i].key));
}

static char *title_of(const struct gates *g, const struct yaml *gate)
{
	struct buf out = { 0 };
	char *say = gate_text(g, gate, "say"), *where = gate_text(g, gate, "where");
	const char *t;
	if (say)
		buf_adds(&out, say);
	else if ((t = yaml_text(gate, "metric")))
		put_metric(gate, t, &out);
	else if ((t = yaml_text(gate, "tag")))
		buf_addf(&out, "tag %s%s%s%s%s", t, yaml_text(gate, "is") ? " is " : "", yaml_text(gate, "is") ? yaml_text(gate, "is") : "",
		         yaml_text(gate, "within") ? " within " : "", yaml_text(gate, "within") ? yaml_text(gate, "within") : "");
	else if ((t = yaml_text(gate, "trained_within")))
		buf_addf(&out, "trained within %s", t);
	else if ((t = yaml_text(gate, "none")) || (t = yaml_text(gate, "some")))
		buf_addf(&out, "%s %s%s%s", yaml_get(gate, "none") ? "no" : "some", t, where ? " with " : "", where ? where : "");
	else if (yaml_get(gate, "signature"))
		buf_adds(&out, "same inputs as the champion");
	else if (yaml_get(gate, "freeze"))
		buf_adds(&out, "no freeze now");
	else if (yaml_get(gate, "predictions"))
		buf_addf(&out, "predictions differ below %s", yaml_text(gate, "differ_below") ? yaml_text(gate, "differ_below") : "(nothing)");
	else if ((t = yaml_text(gate, "latency")))
		buf_addf(&out, "p99 of %s below %s", t, yaml_text(gate, "below") ? yaml_text(gate, "below") : "(nothing)");
	else
		buf_adds(&out, "an empty gate");
	free(say);
	free(where);
	return buf_detach(&out);
}

/* ---- asking for both versions in full */

static void came(void *arg, const struct msg *m)
{
	struct wanted *w = arg;
	struct msg_answer a;
	if (m->type != MSG_ANSWER || !msg_get_answer(m, &a))
		return;
	w->id = 0;
	w->in = true;
	w->json = a.ok ? json_loadb(a.json.p, a.json.n, 0, NULL) : NULL;
	if (!w->json)
		w->error = a.ok ? xstrdup("the registry's answer is not JSON") : str_dup(a.json);
	w->g->version++;
}

static void want(struct gates *g, int which, const char *version)
{
	struct gates_private *p = g->priv;
	struct wanted *w = &p->of[which];
	struct buf key = { 0 };
	w->g = g;
	w->in = !*version;
	if (w->in)
		return;
	buf_addf(&key, "%s/%s", p->model, version);
	w->id = source_ask(p->registry, request_new(REQ_ASK, "versions", buf_str(&key), "version", ""));
	store_expect(p->store, w->id, came, w);
	buf_release(&key);
}

struct gates *gates_new(const struct yaml *entry, const struct gates_subject *of, struct store *store, struct source **sources,
                        unsigned nsources, const struct clock *clock)
{
	struct gates *g = xcalloc(1, sizeof(*g));
	struct gates_private *p = g->priv = xcalloc(1, sizeof(*p));
	*p = (struct gates_private){ .entry = entry, .registry = of->registry, .store = store, .sources = sources, .nsources = nsources,
		.clock = clock, .model = xstrdup(of->model), .version = xstrdup(of->version), .champion = xstrdup(of->champion ? of->champion : ""),
		.zone = of->zone ? xstrdup(of->zone) : NULL,
		.began = clock_mono(clock) };
	g->n = entry && entry->type == YAML_LIST ? entry->n : 0;
	g->list = xcalloc(g->n ? g->n : 1, sizeof(*g->list));
	p->samples = xcalloc(g->n ? g->n : 1, sizeof(struct sample *));
	for (unsigned i = 0; i < g->n; i++)
		g->list[i] = (struct gate){ title_of(g, entry->items[i]), xstrdup(""), GATE_PENDING };
	want(g, CHALLENGER, p->version);
	want(g, CHAMPION, p->champion);
	return g;
}

void gates_free(struct gates *g)
{
	if (!g)
		return;
	struct gates_private *p = g->priv;
	for (unsigned i = 0; i < g->n; i++) {
		free(g->list[i].title);
		free(g->list[i].figures);
		sample_free(p->samples[i]);
	}
	for (int i = 0; i < 2; i++) {
		if (p->of[i].id) {
			store_forget(p->store, p->of[i].id);
			source_cancel(p->registry, p->of[i].id);
		}
		json_decref(p->of[i].json);
		free(p->of[i].error);
	}
	json_decref(p->comparison);
	free(p->model);
	free(p->version);
	free(p->champion);
	free(p->zone);
	free(p->samples);
	free(p);
	free(g->list);
	free(g);
}

/* ---- moving on */

/* A gate once decided stays so: what is shown is what was judged. */
static bool look(struct gates *g, unsigned i, int64_t wall)
{
	struct judged j = { GATE_UNKNOWN, { 0 } };
	struct gate *to = &g->list[i];
	if (to->result != GATE_PENDING)
		return true;
	gate_judge(g, i, wall, &j);
	if (j.is == GATE_PENDING && g->priv->late) {
		j.is = GATE_UNKNOWN;
		buf_adds(&j.say, j.say.len ? ": no answer in time" : "no answer in time");
	}
	if (j.is != to->result || strcmp(to->figures, j.say.data ? j.say.data : "")) {
		free(to->figures);
		to->figures = xstrdup(j.say.data ? j.say.data : "");
		to->result = j.is;
		g->version++;
	}
	buf_release(&j.say);
	return to->result != GATE_PENDING;
}

bool gates_tick(struct gates *g, int64_t now)
{
	struct gates_private *p = g->priv;
	bool all = true;
	int64_t wall = clock_wall(p->clock);
	(void)now;
	p->late = p->late || clock_mono(p->clock) - p->began > WAIT_MS;
	for (unsigned i = 0; i < g->n; i++)
		all &= look(g, i, wall);
	all &= (p->of[CHALLENGER].in && p->of[CHAMPION].in) || p->late;
	if (all && !p->comparison) {
		p->comparison = gates_compare(g, wall);
		g->version++;
	}
	return all;
}

unsigned gates_failed(const struct gates *g)
{
	unsigned n = 0;
	for (unsigned i = 0; i < g->n; i++)
		n += g->list[i].result == GATE_FAIL || g->list[i].result == GATE_UNKNOWN;
	return n;
}

const json_t *gates_comparison(const struct gates *g)
{
	return g->priv->comparison;
}
