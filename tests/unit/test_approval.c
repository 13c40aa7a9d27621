/* The second person: by folder and by hand; and every way in which an answer must not count. */
#define _GNU_SOURCE
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>
#include <jansson.h>
#include "base/approval.h"
#include "base/mem.h"
#include "base/redact.h"

static const struct config_type_keys types[] = { { "kubernetes", "", NULL }, { 0 } };
static char dir[64];

/* A team of two, ann and bob, each with a key of their own; ann asks. */
struct team { struct config *config; struct approvers *ann, *bob; };

static char *path(const char *name)
{
	return xasprintf("%s/%s", dir, name);
}

static void team_open(struct team *t, bool folder)
{
	char why[300], a[48], b[48], *ka, *kb, *text;
	struct config_errors errors;

	snprintf(dir, sizeof(dir), "/tmp/binnacle-approval-XXXXXX");
	assert_non_null(mkdtemp(dir));
	ka = path("ann.key");
	kb = path("bob.key");
	assert_true(approval_key(ka, a, why, sizeof(why)));
	assert_true(approval_key(kb, b, why, sizeof(why)));
	text = xasprintf("approvers: {ann: {key: '%s'}, bob: {key: '%s', user: bobby}}\napprovals: {%s%s}\n", a, b,
	                 folder ? "folder: " : "", folder ? dir : "");
	t->config = config_parse(str_of(text), "x.yaml", types, &errors);
	assert_non_null(t->config);
	t->ann = approvers_new(t->config, ka);
	t->bob = approvers_new(t->config, kb);
	free(ka);
	free(kb);
	free(text);
}

static void team_close(struct team *t)
{
	char *command = xasprintf("rm -rf %s", dir);

	approvers_free(t->ann);
	approvers_free(t->bob);
	config_free(t->config);
	assert_int_equal(system(command), 0);
	free(command);
}

static struct approval *asked(struct team *t, const char *title)
{
	char why[300];
	struct approval *p = approval_new(t->ann, json_pack("{ssssss}", "asked_by", "ann", "title", title, "plan", "ab12"), 1000, why, sizeof(why));

	assert_non_null(p);
	return p;
}

static char *sign(const struct approvers *who, const struct approval *p, const char *user, int64_t now)
{
	char why[300] = "";
	bool laid;
	char *request = approval_find(who, who->folder ? p->code : p->word, why, sizeof(why)), *answer;

	assert_non_null(request);
	assert_string_equal(request, p->request);
	answer = approval_sign(who, request, user, now, &laid, why, sizeof(why));
	free(request);
	return answer;
}

static void test_by_folder(void **state)
{
	struct team t;
	struct approval *p;
	json_t *evidence, *clean;
	char *answer;

	team_open(&t, true);
	p = asked(&t, "scale");
	assert_true(p->lies);
	assert_int_equal(strlen(p->code), 6);
	assert_false(approval_look(p, 2000));
	assert_null(approval_evidence(p, 2000));
	answer = sign(t.bob, p, "bobby", 3000);
	assert_non_null(answer);
	assert_true(approval_look(p, 4000));
	assert_string_equal(p->by, "bob");
	evidence = approval_evidence(p, 4000);
	assert_true(approval_genuine(t.ann, evidence));
	clean = redact_json(evidence);                               /* it survives the way into the trail */
	assert_true(json_equal(clean, evidence));
	json_object_set_new(evidence, "by", json_string("ann"));
	assert_false(approval_genuine(t.ann, evidence));
	assert_null(approval_evidence(p, p->until + 1));             /* too late */
	json_decref(evidence);
	json_decref(clean);
	free(answer);
	approval_free(p);
	team_close(&t);
}

static void test_by_hand(void **state)
{
	struct team t;
	struct approval *p;
	char *answer;

	team_open(&t, false);
	p = asked(&t, "scale");
	assert_false(p->lies);
	answer = sign(t.bob, p, "bobby", 3000);
	assert_true(approval_answer(p, answer, 3000));
	free(answer);
	approval_free(p);
	team_close(&t);
}

static void test_what_does_not_count(void **state)
{
	struct team t;
	struct approval *p, *q;
	char *own, *bob, *late;

	team_open(&t, false);
	p = asked(&t, "scale");
	q = asked(&t, "scale");                                      /* the same plan, asked again: another request */
	assert_null(sign(t.ann, p, "ann", 2000));                    /* oneself */
	own = sign(t.ann, p, "carl", 2000);                          /* by one's own key under another name */
	assert_null(own);
	bob = sign(t.bob, p, "bobby", 2000);
	assert_false(approval_answer(q, bob, 2000));                 /* of another request */
	assert_string_equal(q->error, "this is not bob's signature of this plan");
	assert_false(approval_answer(p, "", 2000));
	assert_false(approval_answer(p, "bob:", 2000));
	assert_false(approval_answer(p, "eve:AAAA", 2000));
	bob[0] = 'b', bob[strlen(bob) - 2] ^= 1;
	assert_false(approval_answer(p, bob, 2000));
	assert_null(p->by);
	late = sign(t.bob, p, "bobby", p->until + 1);
	assert_null(late);
	free(bob);
	bob = sign(t.bob, p, "bobby", p->until);
	assert_false(approval_answer(p, bob, p->until + 1));
	free(bob);
	approval_free(p);
	approval_free(q);
	team_close(&t);
}

static void test_nobody_else(void **state)
{
	struct config_errors errors;
	struct config *config;
	struct approvers *a;
	char why[300], key[48], *file, *text;

	snprintf(dir, sizeof(dir), "/tmp/binnacle-approval-XXXXXX");
	assert_non_null(mkdtemp(dir));
	file = path("ann.key");
	assert_true(approval_key(file, key, why, sizeof(why)));
	text = xasprintf("approvers: {other: {key: '%s'}}\n", key);     /* another name, but one's own key */
	config = config_parse(str_of(text), "x.yaml", types, &errors);
	a = approvers_new(config, file);
	assert_null(approval_new(a, json_pack("{ss}", "asked_by", "ann"), 1, why, sizeof(why)));
	assert_non_null(strstr(why, "nobody else"));
	assert_int_equal(chmod(file, 0644), 0);
	assert_false(approval_key(file, key, why, sizeof(why)));
	assert_non_null(strstr(why, "may be read by others"));
	unlink(file);
	rmdir(dir);
	approvers_free(a);
	config_free(config);
	free(file);
	free(text);
}

static void test_garbage(void **state)
{
	static const char *const bad[] = { "", "12345", "../../etc/passwd", "ABC", "e30", "e30e30e30e30e30e30e30e30e30e30e30", "1234567" };
	struct team t;
	char why[300];

	team_open(&t, true);
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		char *request = approval_find(t.bob, bad[i], why, sizeof(why));
		bool laid;

		if (request)
			assert_null(approval_sign(t.bob, request, "bobby", 1, &laid, why, sizeof(why)));
		free(request);
	}
	assert_null(approval_find(t.bob, "123456", why, sizeof(why)));
	team_close(&t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_by_folder), cmocka_unit_test(test_by_hand), cmocka_unit_test(test_what_does_not_count),
		cmocka_unit_test(test_nobody_else), cmocka_unit_test(test_garbage),
	};

	return cmocka_run_group_tests_name("approval", tests, NULL, NULL);
}
