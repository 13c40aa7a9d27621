/* Runbooks from their plan to their end. */
#define _GNU_SOURCE
#include "tests/unit/runbookworld.h"

static void test_order(void **state)
{
	struct desk d;
	unsigned unfinished;
	desk_open(&d, "dev", STEPS(POKE("a") ", " POKE("b") ", " POKE("already")));
	struct runbook *r = shown(&d, false);
	assert_string_equal(r->previous, "6");
	assert_int_equal(r->nsteps, 4);
	assert_string_equal(r->steps[1].key, "key-of-api");          /* by its name */
	assert_non_null(strstr(r->steps[1].params, "v7 after 6"));
	assert_string_equal(did, "");
	char *text = journal_text(&unfinished);
	assert_string_equal(text, "");                               /* nothing is confirmed: nothing is written */
	free(text);
	assert_true(runbook_confirm(r, NULL, NULL));
	until(&d, r, RUNBOOK_DONE);
	assert_string_equal(did, "promote:7 poke:a poke:b ");
	assert_int_equal(r->steps[3].state, RSTEP_ALREADY);
	text = journal_text(&unfinished);
	assert_int_equal(unfinished, 0);
	assert_non_null(strstr(text, "\"over\""));
	free(text);
	assert_true(runbook_can_undo(r));
	assert_true(runbook_choose(r, RUNBOOK_GO_BACK, NULL));             /* the whole, afterwards */
	until(&d, r, RUNBOOK_UNDONE);
	assert_string_equal(did, "promote:7 poke:a poke:b unpoke:b unpoke:a rollback:6 ");
	desk_close(&d);
}

static void test_goes_back(void **state)
{
	struct desk d;
	desk_open(&d, "dev", STEPS(POKE("last") ", " POKE("b") ", " POKE("forever") ", " POKE("fail")));
	struct runbook *r = confirmed(&d, false);
	until(&d, r, RUNBOOK_UNDONE);
	/* the last first; what needs the others taken back, after them */
	assert_string_equal(did, "promote:7 poke:last poke:b poke:forever poke:fail unpoke:b rollback:6 unpoke:last ");
	assert_int_equal(r->steps[3].state, RSTEP_STAYS);
	assert_int_equal(r->steps[4].state, RSTEP_FAILED);
	assert_non_null(strstr(r->error, "it broke"));
	desk_close(&d);
}

/* What a step made is ended by an act on that row; what has ended by itself stays, and both are told. */
static void test_undo_of_what_it_made(void **state)
{
	for (int i = 0; i < 2; i++) {
		struct desk d;
		clean(NULL);
		fresh(NULL);
		ended = i;
		desk_open(&d, "dev", STEPS(POKE("makes") ", " POKE("fail")));
		struct runbook *r = confirmed(&d, false);
		until(&d, r, RUNBOOK_UNDONE);
		assert_string_equal(did, ended ? "promote:7 poke:makes poke:fail rollback:6 " : "promote:7 poke:makes poke:fail end:m/run rollback:6 ");
		assert_int_equal(r->steps[1].state, ended ? RSTEP_STAYS : RSTEP_UNDONE);
		assert_string_equal(r->steps[1].say, ended ? "it has ended already; what it wrote stays written" : "well; what it wrote stays written");
		assert_int_equal(strstr(r->error, "step 2 (poke key-of-api) stays: it has ended already") != NULL, ended);
		desk_close(&d);
	}
}

static void test_first_fails(void **state)
{
	struct desk d;
	const char *why = "";
	desk_open(&d, "dev", STEPS(POKE("noplan")));
	struct runbook *r = shown(&d, false);
	assert_false(r->decision.allowed);
	assert_false(runbook_confirm(r, NULL, NULL));
	assert_non_null(strstr(r->error, "it does not want to"));
	runbook_cancel(r);
	assert_int_equal(r->state, RUNBOOK_CANCELLED);
	assert_null(runbook_start(d.rs, &(struct runbook_order){ .verb = "promote", .registry = d.source[0], .model = "m", .version = "7" }, &why));
	assert_non_null(strstr(why, "reason"));
	assert_string_equal(did, "");
	desk_close(&d);
}

static void test_hold(void **state)
{
	struct desk d;
	desk_open(&d, "dev", STEPS(POKE("fail")));
	struct runbook *r = confirmed(&d, true);
	until(&d, r, RUNBOOK_ASKING);
	assert_string_equal(did, "promote:7 poke:fail ");
	assert_true(runbook_choose(r, RUNBOOK_GO_ON, NULL));               /* tried once more */
	turn(&d);
	until(&d, r, RUNBOOK_ASKING);
	assert_string_equal(did, "promote:7 poke:fail poke:fail ");
	assert_true(runbook_choose(r, RUNBOOK_HOLD, NULL));
	assert_int_equal(r->state, RUNBOOK_HELD);
	assert_false(runbook_choose(r, RUNBOOK_GO_ON, NULL));
	desk_close(&d);
}

static void test_lost(void **state)
{
	static const struct { const char *taken; enum runbook_state ends; const char *did; } cases[] = {
		{ "yes", RUNBOOK_DONE, "promote:7 poke:lost " },
		{ "no", RUNBOOK_UNDONE, "promote:7 poke:lost rollback:6 " },
		{ "unknown", RUNBOOK_ASKING, "promote:7 poke:lost " },
		{ "part", RUNBOOK_ASKING, "promote:7 poke:lost " },
	};
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct desk d;
		clean(NULL);
		fresh(NULL);
		taken = cases[i].taken;
		desk_open(&d, "dev", STEPS(POKE("lost")));
		struct runbook *r = confirmed(&d, false);
		until(&d, r, cases[i].ends);
		assert_string_equal(did, cases[i].did);
		if (r->state == RUNBOOK_ASKING) {
			assert_int_equal(r->steps[1].state, RSTEP_UNKNOWN);
			assert_true(runbook_choose(r, RUNBOOK_GO_BACK, NULL));     /* what may have been taken is taken back too; it is lost again, twice */
			turn(&d);
			until(&d, r, RUNBOOK_ASKING);
			assert_string_equal(did, "promote:7 poke:lost unpoke:lost unpoke:lost ");
			assert_false(runbook_choose(r, RUNBOOK_GO_ON, NULL));      /* there is no forth in the midst of back */
		}
		desk_close(&d);
	}
}

static void test_verify(void **state)
{
	const char *entry = "{steps: [" POKE("a") "], verify: {for: 6s, every: 2s, failures: 2, checks: [{kind: modelendpoints, name: api, "
		"where: 'version={version}'}]}}";
	struct desk d;
	desk_open(&d, "dev", entry);
	struct runbook *r = confirmed(&d, false);
	until(&d, r, RUNBOOK_UNDONE);                                /* it goes on serving v6 */
	assert_string_equal(did, "promote:7 poke:a unpoke:a rollback:6 ");
	assert_non_null(strstr(r->error, "failed 2 times in a row: version 6"));
	served = 7;
	r = confirmed(&d, false);
	until(&d, r, RUNBOOK_DONE);
	assert_int_equal(r->checks[0].result, GATE_PASS);
	desk_close(&d);
	/* a row that is not there can neither fail nor pass */
	desk_open(&d, "dev", "{verify: {for: 4s, every: 2s, failures: 2, checks: [{kind: modelendpoints, name: nobody, where: 'version=7'}]}}");
	champion = 6;
	r = confirmed(&d, false);
	until(&d, r, RUNBOOK_ASKING);
	assert_non_null(strstr(r->ask, "cannot be told"));
	desk_close(&d);
}

/* Of a list that is still being read nothing can be told yet, neither that it is wrong nor that it cannot be told. */
static void test_verify_waits_for_the_list(void **state)
{
	struct desk d;
	mute = true;
	desk_open(&d, "dev", "{verify: {for: 60s, every: 2s, failures: 2, checks: [{kind: modelendpoints, name: api, where: 'version=7'}]}}");
	struct runbook *r = confirmed(&d, false);
	until(&d, r, RUNBOOK_VERIFYING);
	for (int64_t then = passed; r->state == RUNBOOK_VERIFYING && passed < then + 30000;)
		turn(&d);
	assert_int_equal(r->state, RUNBOOK_VERIFYING);
	mute = false;
	served = 7;
	source_ask(d.source[0], request_new(REQ_WATCH, "modelendpoints", STR(""), "", ""));
	until(&d, r, RUNBOOK_DONE);
	assert_int_equal(r->checks[0].result, GATE_PASS);
	desk_close(&d);
}

/* Errors, latency and what differs, measured from outside, before and after; and no call more than was told. */
static void test_probes(void **state)
{
	static const struct { const char *check; int fails[2], ms[2]; double value; bool passes; const char *say; } cases[] = {
		{ "errors_below: 2%", { 0, 0 }, { 20, 20 }, 100, true, "errors 0 % of 5 predictions, before 0 %" },
		{ "errors_below: 2%", { 0, 1 }, { 20, 20 }, 100, false, "errors 20 % of 5 predictions: 503: told to, before 0 %" },
		{ "errors_below: 2%", { 1, 1 }, { 20, 20 }, 100, true, "before 20 %" },
		{ "slower_below: 50%", { 0, 0 }, { 20, 29 }, 100, true, "p50 29 ms, before 20 ms" },
		{ "slower_below: 50%", { 0, 0 }, { 20, 31 }, 100, false, "p50 31 ms, before 20 ms" },
		{ "slower_below: 50%", { 0, 0 }, { 2, 6 }, 100, true, "p50 6" },               /* noise */
		{ "slower_below: 50%", { 5, 0 }, { 20, 500 }, 100, true, "before -" },          /* it did not answer at all */
		{ "slower_below: 50%", { 0, 5 }, { 20, 20 }, 100, false, "p50 -" },
		{ "predictions: 8, differ_below: 10%", { 0, 0 }, { 1, 1 }, 109, true, "8 predictions differ by 9 % on average" },
		{ "predictions: 8, differ_below: 10%", { 0, 0 }, { 1, 1 }, 111, false, "8 predictions differ by 11 % on average" },
	};
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct desk d;
		char *entry = xasprintf("{verify: {for: 4s, every: 2s, failures: 2, checks: [{kind: modelendpoints, name: api, %s}]}}", cases[i].check);
		champion = 6;
		for (int k = 0; k < 2; k++) {
			predicted[k] = 0;
			answers[k].fails = cases[i].fails[k];
			answers[k].ms = cases[i].ms[k];
			answers[k].value = cases[i].value;
		}
		desk_open(&d, "dev", entry);
		struct runbook *r = confirmed(&d, false);
		until(&d, r, cases[i].passes ? RUNBOOK_DONE : RUNBOOK_UNDONE);
		if (!strstr(r->checks[0].say, cases[i].say))
			fail_msg("%s: '%s' is not in '%s'", cases[i].check, cases[i].say, r->checks[0].say);
		bool once = strstr(cases[i].check, "predictions") != NULL;
		assert_int_equal(predicted[0], once ? 0 : 5);
		assert_true(predicted[1] <= (once ? 16 : 5 * 4));        /* a round for each of at most three looks, and the one begun last */
		desk_close(&d);
		free(entry);
	}
}

static void test_guards(void **state)
{
	struct desk d;
	const char *why = "";
	desk_open(&d, "prod", STEPS(POKE("a")));
	struct runbook *r = shown(&d, false);
	assert_string_equal(r->must_type, "m");
	assert_false(runbook_confirm(r, NULL, NULL));
	assert_false(runbook_confirm(r, "7", NULL));
	assert_string_equal(did, "");
	assert_true(runbook_confirm(r, "m", NULL));
	until(&d, r, RUNBOOK_DONE);
	desk_close(&d);
	desk_open(&d, "vault", STEPS(POKE("a")));
	assert_null(runbook_start(d.rs, &(struct runbook_order){ .verb = "rollback", .registry = d.source[0], .model = "m" }, &why));
	assert_non_null(strstr(why, "read-only"));
	desk_close(&d);
}

/* Forth by stages, back straight to the last of them. */
static void test_straight_back(void **state)
{
	struct desk d;
	const char *why = "";
	desk_open(&d, "dev", STEPS("{action: poke, kind: modelendpoints, name: api, params: {how: a}, pause: 1h}, "
		"{action: poke, kind: modelendpoints, name: api, params: {how: b}, pause: 1h}, " POKE("c")));
	struct runbook *r = shown(&d, false);
	assert_int_equal(r->nsteps, 4);
	assert_int_equal(r->steps[1].pause_ms, 3600000);
	runbook_cancel(r);
	r = runbook_start(d.rs, &(struct runbook_order){ .verb = "rollback", .registry = d.source[0], .model = "m" }, &why);
	assert_non_null(r);
	until(&d, r, RUNBOOK_SHOWN);
	assert_int_equal(r->nsteps, 2);
	assert_non_null(strstr(r->steps[1].params, "\"c\""));
	desk_close(&d);
}

#define DIAL(to) "{action: dial, kind: modelendpoints, name: api, params: {how: '" to "'}, pause: 10ms}"
static void goes_back(const char *steps, const char *as)
{
	struct desk d;
	*did = '\0';
	champion = 6;
	dial = 5;
	desk_open(&d, "dev", steps);
	until(&d, confirmed(&d, false), RUNBOOK_UNDONE);
	assert_string_equal(did, as);
	desk_close(&d);
}

static void test_stages_back(void **state)       /* in one leap, but for what came between them */
{
	goes_back(STEPS(DIAL("10") ", " DIAL("50") ", " DIAL("100") ", " POKE("fail")), "promote:7 dial:10 dial:50 dial:100 poke:fail dial:5 rollback:6 ");
	goes_back(STEPS(DIAL("10") ", " POKE("a") ", " DIAL("50") ", " POKE("fail")), "promote:7 dial:10 poke:a dial:50 poke:fail dial:10 unpoke:a dial:5 rollback:6 ");
}

/* Two of one model at once: neither in this program nor, but to go back, while another program is at it. */
static void test_one_at_a_time(void **state)
{
	struct desk d, other;
	desk_open(&d, "dev", STEPS(DIAL("10")));
	struct runbook *r = shown(&d, false), *second = shown(&d, false);
	r->steps[1].pause_ms = 36000000;
	assert_true(runbook_confirm(r, NULL, NULL));
	assert_false(runbook_confirm(second, NULL, NULL));
	assert_non_null(strstr(second->error, "not at its end"));
	desk_open(&other, "dev", "{}");
	second = shown(&other, false);
	assert_false(runbook_confirm(second, NULL, NULL));
	if (!strstr(second->error, "another binnacle (process"))
		fail_msg("%s", second->error);
	r = runbook_start(other.rs, &(struct runbook_order){ .verb = "rollback", .registry = other.source[0], .model = "m" }, &(const char *){ NULL });
	until(&other, r, RUNBOOK_SHOWN);
	assert_true(runbook_confirm(r, NULL, NULL));
	desk_close(&other);
	desk_close(&d);
}

/* A freeze among the gates is by the zone of `guards`, where it names none of its own. */
static void test_freeze_of_guards_zone(void **state)
{
	struct desk d;
	desk_open(&d, "dev", "{gates: [{freeze: [2000-01-01]}, {freeze: [2000-01-01], zone: Asia/Tokyo}]}}\nguards: {zone: Europe/Berlin");
	struct runbook *r = shown(&d, false);
	assert_string_equal(r->gates->list[0].figures, "inside none of 1 window Europe/Berlin");
	assert_string_equal(r->gates->list[1].figures, "inside none of 1 window Asia/Tokyo");
	desk_close(&d);
}

/* In its steps and in its journal it is who runs it, whatever the environment says. */
static void test_who_acts(void **state)
{
	struct desk d;
	unsigned unfinished;
	forge();
	desk_open(&d, "dev", STEPS(POKE("'by-{user}'")));
	char *by = xasprintf("poke:by-%s ", who_really());
	until(&d, confirmed(&d, false), RUNBOOK_DONE);
	assert_non_null(strstr(did, by));
	char *journal = journal_text(&unfinished);
	assert_null(strstr(journal, FORGED));
	assert_non_null(strstr(journal, who_really()));
	free(journal);
	free(by);
	desk_close(&d);
}

static void test_rollback(void **state)
{
	struct desk d;
	const char *why = "";
	struct runbook_order o = { .verb = "rollback", .registry = NULL, .model = "m" };
	desk_open(&d, "dev", STEPS(POKE("a")));
	o.registry = d.source[0];
	struct runbook *r = runbook_start(d.rs, &o, &why);
	until(&d, r, RUNBOOK_SHOWN);
	assert_string_equal(r->version, "5");                        /* as the registry's plan says */
	assert_null(r->gates);
	runbook_cancel(r);
	o.at = 1500000000000;
	r = runbook_start(d.rs, &o, &why);
	until(&d, r, RUNBOOK_SHOWN);
	assert_string_equal(r->version, "4");
	assert_true(runbook_confirm(r, NULL, NULL));
	until(&d, r, RUNBOOK_DONE);
	assert_string_equal(did, "rollback:4 poke:a ");
	o.at = 900000000000;
	r = runbook_start(d.rs, &o, &why);
	until(&d, r, RUNBOOK_FAILED);
	assert_non_null(strstr(r->error, "not known"));
	desk_close(&d);
}

int main(void)
{
	const struct CMUnitTest tests[] = { T(test_order), T(test_goes_back), T(test_undo_of_what_it_made), T(test_first_fails), T(test_hold), T(test_lost), T(test_verify), T(test_verify_waits_for_the_list), T(test_probes),
		T(test_guards), T(test_straight_back), T(test_stages_back), T(test_one_at_a_time), T(test_rollback),
		T(test_freeze_of_guards_zone), T(test_who_acts) };
	return cmocka_run_group_tests_name("runbook", tests, NULL, NULL);
}
