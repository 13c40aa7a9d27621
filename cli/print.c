/* print: see print.h. */
#define _GNU_SOURCE
#include "cli/print.h"
#include "base/buf.h"
#include "tui/text.h"
#include <jansson.h>
#include <stdarg.h>
#include <stdlib.h>
#include <unistd.h>

void print_text(FILE *to, const char *s, int width)
{
	struct str rest = str_of(s);
	struct piece p;
	int used = 0;
	while (piece_next(&rest, false, &p)) {
		fwrite(p.text, 1, p.n, to);
		used += p.width;
	}
	if (width)
		fprintf(to, "%*s", used < width ? width - used : 1, "");
}

bool print_raw_is_safe(FILE *to)
{
	return !isatty(fileno(to));
}

void print_line(FILE *to, const char *fmt, ...)
{
	struct buf b = { 0 };
	va_list ap;
	va_start(ap, fmt);
	buf_vaddf(&b, fmt, ap);
	va_end(ap);
	print_text(to, b.data, 0);
	putc('\n', to);
	buf_release(&b);
}

static void print_list(const json_t *list, const char *before)
{
	size_t i;
	json_t *text;
	json_array_foreach(list, i, text)
		print_line(stdout, "      %s%s", before, json_string_value(text));
}

void print_plan(const json_t *plan)
{
	size_t i;
	json_t *step;
	const char *gone = json_string_value(json_object_get(plan, "not_undone")), *dry = json_string_value(json_object_get(plan, "dry_run"));
	const char *already = json_string_value(json_object_get(plan, "already")), *blocked = json_string_value(json_object_get(plan, "blocked"));
	const json_t *undo = json_object_get(plan, "undo");
	print_list(json_object_get(plan, "change"), "");
	print_list(json_object_get(plan, "warnings"), "warning: ");
	json_array_foreach(json_object_get(plan, "steps"), i, step) {
		const char *body = json_string_value(json_object_get(step, "body"));
		print_line(stdout, "      > %s %s", json_string_value(json_object_get(step, "do")), body ? body : "");
	}
	if (dry)
		print_line(stdout, "      dry run: %s", dry);
	if (already)
		print_line(stdout, "      nothing to do: %s", already);
	if (blocked)
		print_line(stdout, "      blocked: %s", blocked);
	if (json_is_object(undo)) {
		char *params = json_dumps(json_object_get(undo, "params"), JSON_COMPACT);
		const char *too = json_string_value(json_object_get(undo, "say"));
		const char *key = json_string_value(json_object_get(undo, "key"));
		print_line(stdout, "      undo: %s %s%s%s%s", json_string_value(json_object_get(undo, "action")), key ? key : params ? params : "",
		    too ? ", " : "", too ? too : "", json_is_true(json_object_get(undo, "last")) ? " (after the others)" : "");
		free(params);
	}
	if (gone)
		print_line(stdout, "      stays: %s", gone);
}

void print_document(json_t *o)
{
	json_dumpf(o, stdout, JSON_INDENT(2) | (print_raw_is_safe(stdout) ? 0 : JSON_ENSURE_ASCII));
	putchar('\n');
	json_decref(o);
	fflush(stdout);
}

char *ask_line(const char *question)
{
	char *line = NULL;
	size_t cap = 0;
	if (!isatty(STDIN_FILENO) || !isatty(STDOUT_FILENO))
		return NULL;
	print_text(stdout, question, 0);
	putchar(' ');
	fflush(stdout);
	if (getline(&line, &cap, stdin) < 0) {
		free(line);
		return NULL;
	}
	line[strcspn(line, "\r\n")] = '\0';
	return line;
}
