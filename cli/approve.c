/* approve: the second person's side of an approval: `binnacle approve CODE` shows what is asked for and signs it;
 * `binnacle approve key` makes this user's key and prints its public part for binnacle.yaml. */
#define _GNU_SOURCE
#include "base/mem.h"
#include "cli/print.h"
#include "cli/session.h"
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static int print_key(const struct approvers *a)
{
	char key[48], why[300], *user = audit_who();
	int code = EXIT_OK;
	if (approval_key(a->own_key, key, why, sizeof(why)))
		printf("approvers:\n  %s: {key: \"%s\"}\n", user, key);
	else {
		fprintf(stderr, "binnacle: %s\n", why);
		code = EXIT_FAILED;
	}
	free(user);
	return code;
}

static void print_list(const char *label, const json_t *list)
{
	size_t i;
	json_t *v;
	json_array_foreach(list, i, v) {
		printf("%-9s", i ? "" : label);
		print_text(stdout, json_is_string(v) ? json_string_value(v) : "", 0);
		putchar('\n');
	}
}

static void print_one(const char *label, const json_t *o, const char *name)
{
	const char *s = json_string_value(json_object_get(o, name));
	if (!s || !*s)
		return;
	printf("%-9s", label);
	print_text(stdout, s, 0);
	putchar('\n');
}

static void print_request(const json_t *o)
{
	print_one("what", o, "title");
	print_one("where", o, "source");
	print_one("", o, "environment");
	print_list("objects", json_object_get(o, "targets"));
	print_list("change", json_object_get(o, "change"));
	print_one("reason", o, "reason");
	print_one("asked by", o, "asked_by");
	print_one("on", o, "host");
	print_one("plan", o, "plan");
}

static bool says_yes(void)
{
	char line[16] = "";
	fputs("approve this? [y/N] ", stdout);
	fflush(stdout);
	return fgets(line, sizeof(line), stdin) && (line[0] == 'y' || line[0] == 'Y');
}

static int sign(const struct approvers *a, const char *request)
{
	char why[300] = "", *user = audit_who(), *answer;
	bool laid;
	answer = approval_sign(a, request, user, clock_wall(&clock_system), &laid, why, sizeof(why));
	if (!answer)
		fprintf(stderr, "binnacle: not approved: %s\n", why);
	else if (laid)
		puts("approved; who asked sees it within a second");
	else
		printf("approved; give this answer to who asked:\n%s\n", answer);
	int code = answer ? EXIT_OK : EXIT_REFUSED;
	free(answer);
	free(user);
	return code;
}

int cli_approve(struct cli *c)
{
	char why[300], *request;
	struct config *config = NULL;
	int code = EXIT_USAGE;
	struct buf word = { 0 };
	for (int i = 0; i < c->nargs; i++)               /* a long word may have been broken where it was shown */
		buf_adds(&word, c->args[i]);
	if (!word.len) {
		fputs("binnacle: approve takes the code that the other was shown, or 'key'; see binnacle approve --help\n", stderr);
		return EXIT_USAGE;
	}
	if (!session_config(c, &config)) {
		buf_release(&word);
		return EXIT_USAGE;
	}
	struct approvers *a = session_approvers(config);
	if (strcmp(word.data, "key") == 0)
		code = print_key(a);
	else if (!(request = approval_find(a, word.data, why, sizeof(why))))
		fprintf(stderr, "binnacle: %s\n", why);
	else {
		json_t *o = json_loads(request, 0, NULL);
		if (!json_is_object(o))
			fputs("binnacle: this is no request for an approval\n", stderr);
		else {
			print_request(o);
			code = says_yes() ? sign(a, request) : EXIT_REFUSED;
		}
		json_decref(o);
		free(request);
	}
	buf_release(&word);
	approvers_free(a);
	config_free(config);
	return code;
}
