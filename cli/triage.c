/* triage: the first screen without a screen, for scripts and pagers: the same ranking, and an exit code. A source that cannot be
 * reached is a finding like any other; only when none could be asked is there nothing to say. */
#include "base/findings.h"
#include "base/mem.h"
#include "cli/session.h"
#include <stdio.h>
#include <stdlib.h>

enum { KINDS_MAX = 64 };

/* missed: not all is known, so that not all is calm. */
static int print_findings(struct session *s, struct findings *f, const struct cli *c, bool missed)
{
	struct table *t = findings_table(f);
	struct buf calm = { 0 };
	bool table = !c->output || !strcmp(c->output, "table") || !strcmp(c->output, "wide");
	int code = EXIT_OK;
	if (t->count || !table) {
		code = print_rows(s, t, c->output);
	} else if (!missed) {
		findings_calm(f, s->store, clock_wall(&s->clock), &calm);
		puts(calm.data);
	}
	buf_release(&calm);
	return code ? code : t->count ? EXIT_FAILED : missed ? EXIT_UNREACHABLE : EXIT_OK;
}

int cli_triage(struct cli *c)
{
	int code, wait_ms = c->wait ? atoi(c->wait) * 1000 : 30000;
	const char *kinds[KINDS_MAX] = { NULL };
	struct session *s = session_open(c, c->seed ? SESSION_DEMO : SESSION_CONFIGURED, &code);
	if (!s)
		return code;
	for (unsigned i = 0; i < KINDS_MAX - 1 && findings_kind(i); i++)
		kinds[i] = findings_kind(i);
	session_start(s);
	struct findings *f = findings_new(s->config);
	bool any = session_list(s, kinds, wait_ms);
	findings_update(f, s->store, clock_wall(&s->clock), true);
	if (any || findings_table(f)->count) {
		code = print_findings(s, f, c, session_missed(s, kinds));
	} else {
		fputs("binnacle: no source answered in time\n", stderr);
		code = EXIT_UNREACHABLE;
	}
	findings_free(f);
	session_close(s);
	return code;
}
