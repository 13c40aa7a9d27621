/* Runbooks whose program ended in the middle, from their journals: what is told, gone on with and taken back. */
#define _GNU_SOURCE
#include "tests/unit/runbookworld.h"

static struct { const char *environment, *rules, *entry; } later;       /* how whoever recovers is guarded and configured; NULL: as before */

/* The program ends in the midst of step 2; a line is torn besides. */
static struct runbook *dead(struct desk *d, const char *entry)
{
	char *why, *command;
	int status;
	pid_t pid = fork();
	if (pid == 0) {
		desk_open(d, "dev", entry);
		struct runbook *r = confirmed(d, false);
		for (;;) {
			turn(d);
			if (runbook_over(r))
				_exit(1);
		}
	}
	waitpid(pid, &status, 0);
	assert_int_equal(WEXITSTATUS(status), 9);
	command = xasprintf("for f in %s/runbooks/*.jsonl; do printf '{\"e\":\"done\",\"step\":2,' >>$f; done", dir);
	assert_int_equal(system(command), 0);
	free(command);
	struct yaml_error err;
	later_doc = later.rules ? yaml_parse(str_of(later.rules), &err) : NULL;
	assert_true(!later.rules == !later_doc);
	desk_open(d, later.environment ? later.environment : "dev", later.entry ? later.entry : entry);
	champion = 7;                                                /* the child's world is not ours */
	assert_int_equal(runbooks_recover(d->rs, &why), 1);
	assert_null(why);
	struct runbook *r = runbooks_get(d->rs, 0);
	assert_true(r->recovered);
	until(d, r, RUNBOOK_ASKING);
	assert_int_equal(r->steps[0].state, RSTEP_DONE);
	return r;
}

static void test_recovery(void **state)
{
	const char *entry = STEPS("{action: poke, kind: modelendpoints, name: api, params: {how: die, password: hunter2}}, " POKE("c"));
	struct desk d, other;
	unsigned unfinished;
	char *why;
	struct runbook *r = dead(&d, entry);
	assert_int_equal(r->steps[1].state, RSTEP_UNKNOWN);          /* asked, and not known */
	assert_int_equal(r->steps[2].state, RSTEP_WAITING);
	assert_string_equal(r->previous, "6");
	desk_open(&other, "dev", entry);                             /* another console leaves it to us */
	assert_int_equal(runbooks_recover(other.rs, &why), 0);
	assert_int_equal(runbooks_living(other.rs), 1);
	desk_close(&other);
	assert_true(runbook_choose(r, RUNBOOK_HOLD, NULL));
	char *text = journal_text(&unfinished);
	assert_int_equal(unfinished, 0);
	assert_null(strstr(text, "hunter2"));
	free(text);
	desk_close(&d);
}

static void test_recovery_of_what_it_made(void **state)
{
	struct desk d;
	taken = "yes";
	struct runbook *r = dead(&d, STEPS(POKE("diemakes")));
	assert_true(runbook_choose(r, RUNBOOK_GO_BACK, NULL));
	until(&d, r, RUNBOOK_UNDONE);
	assert_string_equal(did, "end:m/run rollback:6 ");
	assert_string_equal(r->steps[1].say, "well; what it wrote stays written");
	desk_close(&d);
}

static void test_recovery_back(void **state)
{
	struct desk d;
	taken = "no";
	struct runbook *r = dead(&d, STEPS(POKE("die")));
	assert_int_equal(r->steps[1].state, RSTEP_WAITING);
	assert_true(runbook_choose(r, RUNBOOK_GO_BACK, NULL));
	until(&d, r, RUNBOOK_UNDONE);
	assert_string_equal(did, "rollback:6 ");
	assert_int_equal(champion, 6);
	desk_close(&d);
}

static void test_recovery_on(void **state)
{
	struct desk d;
	taken = "yes";
	struct runbook *r = dead(&d, STEPS(POKE("die") ", " POKE("c")));
	assert_int_equal(r->steps[1].state, RSTEP_DONE);
	assert_true(runbook_choose(r, RUNBOOK_GO_ON, NULL));
	until(&d, r, RUNBOOK_DONE);
	assert_string_equal(did, "poke:c ");
	desk_close(&d);
}

/* Whoever takes it up is judged by the guards as they are now: going on may be held up, going back only where that is denied. */
static void test_recovery_is_judged(void **state)
{
	static const struct { const char *environment, *rules; struct runbook_given given; bool on, back; const char *why; } cases[] = {
		{ "dev", NULL, { 0 }, true, true, "" },
		{ "prod", NULL, { 0 }, false, false, "type 'm' to go" },
		{ "prod", NULL, { "x", NULL }, false, false, "type 'm' to go" },
		{ "prod", NULL, { "m", NULL }, true, true, "" },
		{ "dev", "frost: {freeze: ['2000-01-01 - 2100-01-01']}", { 0 }, false, true, "going on is denied at step 2 (poke key-of-api): frozen until" },
		{ "dev", "frost: {freeze: ['2000-01-01 - 2100-01-01'], overridable: true}", { NULL, "it burns" }, true, true, "" },
		{ "dev", "four-eyes: {second-person: true}", { 0 }, false, true, "approve" },
		{ "dev", "no: {action: 'rollback|poke', deny: 'not ours'}", { 0 }, false, false, "is denied at step" },
		{ "vault", NULL, { "m", "it burns" }, false, false, "read-only" },
	};
	(void)state;
	for (size_t i = 0; i < 2 * ARRAY_SIZE(cases); i++) {
		const bool back = i % 2, may = back ? cases[i / 2].back : cases[i / 2].on;
		struct desk d;
		taken = "no";
		champion = 6;
		did[0] = '\0';
		later.environment = cases[i / 2].environment;
		later.rules = cases[i / 2].rules;
		struct runbook *r = dead(&d, STEPS(POKE("die")));
		bool chosen = runbook_choose(r, back ? RUNBOOK_GO_BACK : RUNBOOK_GO_ON, &cases[i / 2].given);
		if (chosen != may)
			fail_msg("case %zu: %s", i, r->error ? r->error : "it went");
		if (!may && !strstr(r->error, cases[i / 2].why))
			fail_msg("case %zu: '%s' is not in '%s'", i, cases[i / 2].why, r->error);
		if (!may)
			assert_true(runbook_choose(r, RUNBOOK_HOLD, NULL));
		else if (back)
			until(&d, r, RUNBOOK_UNDONE);
		else
			runbook_cancel(r);           /* its step would end this program */
		if (!may || !back)
			assert_string_equal(did, "");
		desk_close(&d);
		yaml_doc_free(later_doc);
		later_doc = NULL;
		clean(NULL);
		mkdir(dir, 0700);
	}
	later.environment = later.rules = NULL;
}

#define SECRET(name, how, word) "{action: poke, kind: modelendpoints, name: " name ", params: {how: " how ", password: " word "}}"
/* The journal has the mask in the secret's place, which is never sent: the configuration may have the secret still. */
static void test_recovery_of_a_secret(void **state)
{
	static const struct { const char *later; bool on; } cases[] = { { STEPS(POKE("die") ", " SECRET("api", "s", "hunter2")), true },
		{ STEPS(POKE("die") ", " SECRET("api", "s", "hunter3")), true },         /* a new password is as good */
		{ STEPS(POKE("die") ", " SECRET("api", "t", "hunter2")), false }, { STEPS(POKE("die") ", " SECRET("b", "s", "hunter2")), false },
		{ STEPS(POKE("die")), false } };
	for (size_t i = 0; i < 2 * ARRAY_SIZE(cases); i++) {
		const bool back = i % 2, on = cases[i / 2].on;
		struct desk d;
		clean(NULL);
		fresh(NULL);
		taken = "yes";
		later.entry = cases[i / 2].later;
		struct runbook *r = dead(&d, cases[0].later);
		assert_int_equal(r->steps[2].say && strstr(r->steps[2].say, "it cannot be done any more: its parameters hold a secret"), !on);
		if (back) {
			assert_true(runbook_choose(r, RUNBOOK_GO_BACK, NULL));
			until(&d, r, RUNBOOK_UNDONE);
			assert_string_equal(did, "unpoke:die rollback:6 ");
		} else if (on) {
			assert_true(runbook_choose(r, RUNBOOK_GO_ON, NULL));
			until(&d, r, RUNBOOK_DONE);
			assert_string_equal(did, "poke:s ");
		} else {
			assert_false(runbook_choose(r, RUNBOOK_GO_ON, NULL));
			assert_non_null(strstr(r->error, "go back, or hold and do the rest by hand"));
		}
		desk_close(&d);
	}
	later.entry = NULL;
}

/* What takes a step back holds one: that step is left to a person, told before and after, and the rest is taken back. */
static void test_recovery_of_a_secret_undo(void **state)
{
	struct desk d;
	unsigned unfinished;
	taken = "yes";
	struct runbook *r = dead(&d, STEPS(POKE("secretly") ", " POKE("die")));
	assert_non_null(strstr(r->steps[1].say, "well; it cannot be taken back by itself"));
	assert_true(runbook_choose(r, RUNBOOK_GO_BACK, NULL));
	until(&d, r, RUNBOOK_UNDONE);
	assert_string_equal(did, "unpoke:die rollback:6 ");
	assert_non_null(strstr(r->error, "take it back by hand"));
	char *text = journal_text(&unfinished);
	assert_null(strstr(text, "hunter2"));
	free(text);
	desk_close(&d);
}

int main(void)
{
	const struct CMUnitTest tests[] = { T(test_recovery), T(test_recovery_back), T(test_recovery_of_what_it_made), T(test_recovery_on),
		T(test_recovery_is_judged), T(test_recovery_of_a_secret), T(test_recovery_of_a_secret_undo) };
	return cmocka_run_group_tests_name("runbook recovery", tests, NULL, NULL);
}
