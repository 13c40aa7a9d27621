/* audit: the audit file read back: `binnacle audit`, `binnacle audit verify`. */
#include "base/audit.h"
#include "base/mem.h"
#include "cli/print.h"
#include "cli/session.h"
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

struct reading {
	bool json, verify;
	unsigned broken;
};

static const char *text_of(const json_t *event, const char *key)
{
	const char *s = json_string_value(json_object_get(event, key));
	return s ? s : "-";
}

static bool line(void *arg, unsigned number, const json_t *event, bool chain_ok)
{
	struct reading *r = arg;
	if (!chain_ok) {
		r->broken++;
		fprintf(stderr, "binnacle: line %u: %s\n", number,
		        event ? "does not follow the line before it: a line was changed, added or taken away" : "is not JSON");
	}
	if (r->verify || !event)
		return true;
	if (r->json) {
		json_dumpf(event, stdout, JSON_COMPACT);
		putchar('\n');
		return true;
	}
	print_text(stdout, text_of(event, "time"), 25);
	print_text(stdout, text_of(event, "user"), 10);
	print_text(stdout, text_of(event, "event"), 10);
	print_text(stdout, text_of(event, "source"), 14);
	const char *title = json_string_value(json_object_get(json_object_get(event, "plan"), "title"));
	if (!title)
		title = json_string_value(json_object_get(event, "say"));
	print_text(stdout, text_of(event, "action"), 10);
	print_text(stdout, title ? title : text_of(json_object_get(event, "target"), "key"), 0);
	putchar('\n');
	return true;
}

int cli_audit(struct cli *c)
{
	char why[300];
	int code;
	struct reading r = { .json = c->json };
	if (c->nargs && strcmp(c->args[0], "verify") == 0)
		r.verify = true;
	else if (c->nargs) {
		fprintf(stderr, "binnacle: audit takes nothing or 'verify', not '%s'\n", c->args[0]);
		return EXIT_USAGE;
	}
	char *path = c->audit ? xstrdup(c->audit) : session_audit_path();
	long n = audit_read(path, line, &r, why, sizeof(why));
	if (n < 0)
		fprintf(stderr, "binnacle: %s\n", why);
	else if (r.verify)
		printf("%s: %ld lines, %u wrong\n", path, n, r.broken);
	code = n < 0 || r.broken ? EXIT_FAILED : EXIT_OK;
	free(path);
	return code;
}
