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
	const struct approvers *approvers;      /* to check signatures by */
	unsigned approved, forged, strangers;
};

static const char *text_of(const json_t *event, const char *key)
{
	const char *s = json_string_value(json_object_get(event, key));
	return s ? s : "-";
}

/* An approval that the configured approver did not sign is as wrong as a line that was changed. */
static void check_approval(struct reading *r, unsigned number, const json_t *event)
{
	const json_t *approved = json_object_get(event, "approved");
	if (!r->verify || !approved)
		return;
	bool known = false;
	for (unsigned i = 0; i < r->approvers->n; i++)
		known |= strcmp(r->approvers->list[i].name, text_of(approved, "by")) == 0;
	r->approved++;
	r->strangers += !known;
	if (!known || approval_genuine(r->approvers, approved))
		return;
	r->forged++;
	fprintf(stderr, "binnacle: line %u: the approval is not signed by who it names\n", number);
}

static bool line(void *arg, unsigned number, const json_t *event, bool chain_ok)
{
	struct reading *r = arg;
	if (!chain_ok) {
		r->broken++;
		fprintf(stderr, "binnacle: line %u: %s\n", number,
		        event ? "does not follow the line before it: a line was changed, added or taken away" : "is not JSON");
	}
	if (event)
		check_approval(r, number, event);
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
	struct config *config = NULL;
	if (r.verify && !session_config(c, &config))
		return EXIT_USAGE;
	struct approvers *approvers = session_approvers(config);
	r.approvers = approvers;
	char *path = c->audit ? xstrdup(c->audit) : session_audit_path();
	long n = audit_read(path, line, &r, why, sizeof(why));
	if (n < 0)
		fprintf(stderr, "binnacle: %s\n", why);
	else if (r.verify)
		printf("%s: %ld lines, %u wrong\n", path, n, r.broken);
	if (n >= 0 && r.approved)
		printf("%u approvals, %u forged, %u by who is not among the approvers and cannot be checked\n", r.approved, r.forged,
		       r.strangers);
	approvers_free(approvers);
	config_free(config);
	code = n < 0 || r.broken || r.forged ? EXIT_FAILED : EXIT_OK;
	free(path);
	return code;
}
