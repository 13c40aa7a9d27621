/* registry: what can be said of models whoever keeps them: which way a metric is better, which one counts, and a version in
 * words. */
#include "base/registry.h"
#include "base/fmt.h"
#include "base/mem.h"
#include <ctype.h>
#include <jansson.h>
#include <math.h>
#include <stdio.h>

/* Words of a name, between anything that is not a letter or digit; long ones are looked for inside words too
 * ("validationLoss"). In the order of how much one number says of a model. */
static const struct { const char *word; int better; } metrics[] = {
	{ "r2", 1 }, { "accuracy", 1 }, { "auc", 1 }, { "f1", 1 }, { "acc", 1 }, { "auroc", 1 }, { "ndcg", 1 }, { "rmse", -1 },
	{ "mae", -1 }, { "mape", -1 }, { "mse", -1 }, { "logloss", -1 }, { "loss", -1 }, { "smape", -1 }, { "wape", -1 },
	{ "rmsle", -1 }, { "error", -1 }, { "precision", 1 }, { "recall", 1 }, { "perplexity", -1 }, { "brier", -1 },
	{ "wer", -1 }, { "cer", -1 }, { "bleu", 1 }, { "rouge", 1 }, { "iou", 1 }, { "mcc", 1 }, { "kappa", 1 }, { "gini", 1 },
	{ "latency", -1 }, { "score", 1 },
};

static bool has_word(struct str name, const char *word)
{
	size_t n = strlen(word);
	for (size_t from = 0; from + n <= name.n; from++) {
		size_t at = str_find((struct str){ name.p + from, name.n - from }, str_of(word), true);
		if (at == STR_NONE)
			return false;
		from += at;
		bool starts = !from || !isalnum((unsigned char)name.p[from - 1]);
		bool ends = from + n == name.n || !isalnum((unsigned char)name.p[from + n]);
		if ((starts && ends) || n >= 5 || (n == 4 && (starts || ends)))
			return true;
	}
	return false;
}

static size_t find_metric(struct str name)
{
	size_t i = 0;
	while (i < ARRAY_SIZE(metrics) && !has_word(name, metrics[i].word))
		i++;
	return i;
}

int metric_better(struct str name)
{
	size_t i = find_metric(name);
	/* scikit-learn turns what is lower-better around: neg_mean_squared_error */
	return i == ARRAY_SIZE(metrics) ? 0 : has_word(name, "neg") ? -metrics[i].better : metrics[i].better;
}

unsigned metric_rank(struct str name)
{
	/* of two equal ones that of the test or validation data is asked for: "training_r2" comes after "r2_score" */
	return (unsigned)find_metric(name) * 2 + (str_find(name, STR("train"), true) != STR_NONE);
}

double relative_change(double before, double now)
{
	return isfinite(before) && isfinite(now) && before != 0 ? (now - before) / fabs(before) : NAN;
}

/* ---- a version in words */

static struct str text_of(const json_t *j, const char *key)
{
	const json_t *v = json_object_get(j, key);
	return (struct str){ json_string_value(v), json_string_length(v) };
}

static void line(struct buf *out, const char *name, struct str value)
{
	if (value.n)
		buf_addf(out, "%-14s " STR_FMT "\n", name, STR_ARG(value));
}

static void time_line(struct buf *out, const char *name, const json_t *v, int64_t now)
{
	if (!json_is_integer(v))
		return;
	buf_addf(out, "%-14s ", name);
	fmt_age(now - json_integer_value(v), out);
	buf_adds(out, " ago\n");
}

static void map_lines(struct buf *out, const char *title, const json_t *map)
{
	const char *key;
	const json_t *v;
	if (!json_object_size(map))
		return;
	buf_addf(out, "\n%s:\n", title);
	json_object_foreach((json_t *)(uintptr_t)map, key, v) {
		buf_addf(out, "  %-24s ", key);
		if (json_is_number(v))
			fmt_real(json_number_value(v), out);
		else
			buf_addstr(out, (struct str){ json_string_value(v), json_string_length(v) });
		buf_addc(out, '\n');
	}
}

static void signature_lines(struct buf *out, const char *title, const json_t *columns)
{
	size_t i;
	const json_t *c;
	if (!json_array_size(columns))
		return;
	buf_addf(out, "\n%s (%zu):\n", title, json_array_size(columns));
	json_array_foreach(columns, i, c) {
		struct str name = text_of(c, "name"), type = text_of(c, "type");
		buf_addf(out, "  %-24.*s " STR_FMT "\n", name.n ? (int)name.n : 1, name.n ? name.p : "-", STR_ARG(type));
	}
}

static void run_lines(struct buf *out, const json_t *run, int64_t now)
{
	const json_t *from = json_object_get(run, "started"), *to = json_object_get(run, "ended");
	if (!run)
		return;
	buf_adds(out, "\nTrained by:\n");
	line(out, "  run", text_of(run, "id"));
	line(out, "  name", text_of(run, "name"));
	line(out, "  experiment", text_of(run, "experiment"));
	line(out, "  status", text_of(run, "status"));
	line(out, "  who", text_of(run, "user"));
	line(out, "  from", text_of(run, "origin"));
	line(out, "  git", text_of(run, "git"));
	time_line(out, "  started", from, now);
	if (json_is_integer(from) && json_is_integer(to) && json_integer_value(to) >= json_integer_value(from)) {
		buf_addf(out, "%-14s ", "  took");
		fmt_duration(json_integer_value(to) - json_integer_value(from), out);
		buf_addc(out, '\n');
	}
}

static void size_line(struct buf *out, const json_t *v)
{
	const json_t *size = json_object_get(v, "size"), *files = json_object_get(v, "files");
	if (!json_is_integer(size))
		return;
	buf_addf(out, "%-14s %s", "Artifacts:", json_is_true(json_object_get(v, "size_least")) ? "at least " : "");
	fmt_bytes(json_integer_value(size), out);
	if (json_is_integer(files))
		buf_addf(out, " in %lld files", (long long)json_integer_value(files));
	buf_addc(out, '\n');
}

void registry_describe(const struct json_t *v, int64_t now, struct buf *out)
{
	size_t i;
	const json_t *item, *aliases = json_object_get(v, "aliases"), *signature = json_object_get(v, "signature");
	struct buf b = { 0 };
	line(out, "Model:", text_of(v, "model"));
	line(out, "Version:", text_of(v, "version"));
	json_array_foreach(aliases, i, item)
		buf_addf(&b, "%s%s", i ? ", " : "", json_string_value(item) ? json_string_value(item) : "");
	line(out, "Aliases:", buf_str(&b));
	buf_release(&b);
	line(out, "Stage:", text_of(v, "stage"));
	line(out, "Status:", text_of(v, "status"));
	line(out, "Description:", text_of(v, "description"));
	line(out, "Registered by:", text_of(v, "user"));
	time_line(out, "Registered:", json_object_get(v, "created"), now);
	time_line(out, "Updated:", json_object_get(v, "updated"), now);
	line(out, "Source:", text_of(v, "source"));
	size_line(out, v);
	map_lines(out, "Metrics", json_object_get(v, "metrics"));
	map_lines(out, "Parameters", json_object_get(v, "params"));
	map_lines(out, "Tags", json_object_get(v, "tags"));
	run_lines(out, json_object_get(v, "run"), now);
	map_lines(out, "Tags of the run", json_object_get(v, "run_tags"));
	signature_lines(out, "Inputs", json_object_get(signature, "inputs"));
	signature_lines(out, "Outputs", json_object_get(signature, "outputs"));
	json_array_foreach(json_object_get(v, "notes"), i, item)
		buf_addf(out, "\n(%s)\n", json_string_value(item) ? json_string_value(item) : "");
}
