/* predict: one question to a model server, without a screen: binnacle predict model-api bed=3 house_size=1850 --explain. Without
 * inputs it prints the fields that the model wants. */
#define _GNU_SOURCE
#include "base/explain.h"
#include "base/fmt.h"
#include "base/json_text.h"
#include "base/mem.h"
#include "base/serving.h"
#include "cli/print.h"
#include "cli/session.h"
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

static double number_of(const json_t *o, const char *key)
{
	const json_t *v = json_object_get(o, key);
	return json_is_number(v) ? json_number_value(v) : NAN;
}

/* "price/x": the source is what stands before the slash, or the whole. */
static struct source *find(const struct session *s, const char *endpoint)
{
	for (unsigned i = 0; i < s->nsources; i++) {
		size_t n = strlen(s->sources[i]->name);
		if (backend_fills(s->sources[i]->backend, "modelendpoints") && !strncmp(endpoint, s->sources[i]->name, n) &&
		    (!endpoint[n] || endpoint[n] == '/'))
			return s->sources[i];
	}
	for (unsigned i = 0; i < s->nsources; i++)              /* the demo's endpoints have names of their own */
		if (!strcmp(s->sources[i]->backend->name, "demo"))
			return s->sources[i];
	return NULL;
}

/* The inputs as JSON; NULL: said what is wrong. No inputs: an empty object. */
static json_t *read_inputs(const struct cli *c)
{
	json_t *inputs = json_object();
	for (int i = 1; i < c->nargs; i++) {
		const char *arg = c->args[i], *eq = strchr(arg, '=');
		json_error_t error;
		bool document = *arg == '@' || *arg == '{';
		json_t *v = *arg == '@' ? json_load_file(arg + 1, 0, &error) : *arg == '{' ? json_loads(arg, 0, &error) : NULL;
		if (document ? !json_is_object(v) : !eq) {
			fprintf(stderr, "binnacle: '%s': %s\n", arg, !document ? "an input is NAME=VALUE, JSON, or @FILE" : v ?
			        "that is no JSON object" : error.text);
			json_decref(v);
			json_decref(inputs);
			return NULL;
		}
		if (v) {
			json_object_update(inputs, v);
			json_decref(v);
			continue;
		}
		char *name = xstrndup(arg, (size_t)(eq - arg));
		v = json_loads(eq + 1, JSON_DECODE_ANY, NULL);
		json_object_set_new(inputs, name, v ? v : json_string(eq + 1));
		free(name);
	}
	return inputs;
}

static void print_schema(const json_t *o)
{
	const json_t *f;
	size_t i;
	if (!json_array_size(json_object_get(o, "fields")))
		puts("it does not describe its inputs: give them as NAME=VALUE or @FILE");
	json_array_foreach(json_object_get(o, "fields"), i, f) {
		char *otherwise = json_dumps(json_object_get(f, "default"), JSON_ENCODE_ANY);
		print_text(stdout, json_text(f, "name"), 24);
		print_text(stdout, json_text(f, "type"), 10);
		print_text(stdout, otherwise ? otherwise : json_is_true(json_object_get(f, "required")) ? "(needed)" : "", 14);
		print_text(stdout, json_text(f, "help"), 0);
		putchar('\n');
		free(otherwise);
	}
}

static void print_explanation(const json_t *o, double prediction)
{
	const json_t *features = json_object_get(o, "features"), *f;
	double sum = 0, off, base = number_of(o, "base");
	size_t i;
	json_array_foreach(features, i, f)
		sum += number_of(f, "by");
	enum space space = space_find(base, sum, prediction, &off);
	printf("contributions by %s, in %s%s:\n", json_text(o, "method"), space == SPACE_UNKNOWN ? "a space that is not known"
	       : space == SPACE_SAME ? "the prediction's own unit" : space_name(space), space == SPACE_UNKNOWN
	       ? " (base and contributions do not add up to the prediction)" : space == SPACE_SAME ? "" : " of the prediction");
	printf("  %-24s %12.6g\n", "base", base);
	json_array_foreach(features, i, f) {
		struct buf b = { 0 };
		space_effect(space, number_of(f, "by"), &b);
		fputs("  ", stdout);
		print_text(stdout, json_text(f, "name"), 24);
		printf("%+12.6g  %s\n", number_of(f, "by"), b.data ? b.data : "");
		buf_release(&b);
	}
}

static void print_answer(const json_t *o)
{
	struct buf b = { 0 };
	double v = number_of(o, "prediction");
	if (!isnan(v))
		buf_addf(&b, "%.10g", v);
	printf("%s %s", *json_text(o, "name") ? json_text(o, "name") : "prediction", b.data ? b.data : "");
	print_text(stdout, *json_text(o, "text") ? "  " : "", 0);
	print_text(stdout, json_text(o, "text"), 0);
	printf("  version %s  %.1f ms", *json_text(o, "version") ? json_text(o, "version") : "-", number_of(o, "latency_us") / 1000);
	if (*json_text(o, "request"))
		printf("  request ");
	print_text(stdout, json_text(o, "request"), 0);
	if (*json_text(o, "note"))
		printf("\n%s", json_text(o, "note"));
	putchar('\n');
	buf_release(&b);
	if (json_is_object(json_object_get(o, "explanation")))
		print_explanation(json_object_get(o, "explanation"), v);
}

static int ask(const struct cli *c, struct session *s, const json_t *inputs)
{
	struct source *from = find(s, c->args[0]);
	bool ok = false, schema = !json_object_size(inputs);
	if (!from) {
		fprintf(stderr, "binnacle: no model server '%s' is configured (sources of type serving)\n", c->args[0]);
		return EXIT_USAGE;
	}
	json_t *params = json_pack("{s:O}", "inputs", inputs);
	char *text = json_dumps(params, JSON_COMPACT);
	char *said = session_ask(s, from, REQ_ASK, "modelendpoints", str_of(c->args[0]), schema ? "schema" : c->explain ? "explain"
	                         : "predict", text, c->wait ? atoi(c->wait) * 1000 : 90000, &ok);
	json_t *o = ok ? json_loads(said, 0, NULL) : NULL;
	if (!ok || !o) {
		fputs("binnacle: ", stderr);
		print_text(stderr, said ? said : "no answer in time", 0);
		fputc('\n', stderr);
	} else if (c->json) {
		json_dumpf(o, stdout, JSON_INDENT(2));
		putchar('\n');
	} else if (schema) {
		print_schema(o);
	} else {
		print_answer(o);
		if (c->explain && !json_object_get(o, "explanation"))
			puts("the service does not explain; the predict pane estimates by varying one input at a time");
	}
	json_decref(o);
	json_decref(params);
	free(text);
	free(said);
	return ok ? EXIT_OK : said ? EXIT_FAILED : EXIT_UNREACHABLE;
}

int cli_predict(struct cli *c)
{
	int code;
	if (!c->nargs) {
		fputs("binnacle: predict: which endpoint? see binnacle get modelendpoints\n", stderr);
		return EXIT_USAGE;
	}
	json_t *inputs = read_inputs(c);
	struct session *s = inputs ? session_open(c, c->seed ? SESSION_DEMO : SESSION_CONFIGURED, &code) : NULL;
	if (s) {
		session_start(s);
		code = ask(c, s, inputs);
		session_close(s);
	} else if (!inputs) {
		code = EXIT_USAGE;
	}
	json_decref(inputs);
	return code;
}
