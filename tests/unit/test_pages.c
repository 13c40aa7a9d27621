/* pages: texts and logs, trees, findings, forms, and an action from its plan to its end, with a source that the test
 * speaks for. */
#define _GNU_SOURCE
#include "tests/unit/pageworld.h"
#include "base/audit.h"
#include "tui/why_page.h"
#include <time.h>
#include <unistd.h>

static const struct kind *const kinds[] = { &kind_pods, &kind_deployments, NULL };
static const char *const scalables[] = { "deployments", NULL };
static const struct field fields[] = {
	{ .name = "replicas", .title = "replicas", .help = "how many", .type = FIELD_COUNT, .otherwise = "@up_to_date",
	  .min = 0, .max = 100, .required = true },
	{ .name = "how", .title = "how", .type = FIELD_CHOICE, .choices = "gently|at once" },
	{ .name = NULL }
};
static const struct action scale = { "scale", "Scale", "Set how many pods there are", scalables, RISK_DISRUPTIVE, true, fields };
static const struct field wide_fields[] = {
	{ .name = "conf", .title = "parameters", .type = FIELD_TEXT, .asked = true },
	{ .name = NULL }
};
static const struct action wide = { "wide", "Wide", "What the source asks for", scalables, RISK_DISRUPTIVE, true, wide_fields };
static const struct action *const actions[] = { &scale, &wide, NULL };
static const struct backend backend = { .name = "test", .kinds = kinds, .actions = actions };
static struct page *open_all(struct app *app, struct str args) { return table_page_new(app, "deployments", args); }
static const struct pane pane = { .name = "deployments", .help = "d", .open = open_all };
static const struct pane *const panes[] = { &pane, NULL };

static struct request *open_text(struct world *w, const char *what)
{
	app_push(w->app, text_page_new(w->app, "of x", 0, what, "pods", STR("ml/x"), ""));
	struct request *r = asked(w, 0, REQ_OPEN);
	assert_non_null(r);
	assert_string_equal(r->what, what);
	return r;
}

static void test_log(void **state)
{
	struct world w;
	world_start(&w, &backend, 1, panes);
	struct request *r = open_text(&w, "logs");
	say(&w, r, 0, "2026-11-21T03:11:58.123456789Z first line\n2026-11-21T03:11:59Z|web ERROR sec");
	say(&w, r, 0, "ond\n2026-11-21T03:12:00Z {\"level\":\"warn\",\"msg\":\"slow\",\"ms\":812}\n");
	sees(&w, "\nfirst line\n");
	sees(&w, "ERROR second");
	sees(&w, "slow");
	sees(&w, "ms=812");
	sees_not(&w, "03:11:58");
	press(&w, "t");
	sees(&w, "03:11:58");
	sees(&w, "following");
	press(&w, "t &");
	type(&w, "second");
	press(&w, "Enter");
	sees(&w, "ERROR second");
	sees_not(&w, "first line");
	press(&w, "& C-u Enter");
	sees(&w, "first line");
	say(&w, r, 0, "2026-11-21T03:12:01Z  10%|#\r 20%|##\r100%|## done\n2026-11-21T03:12:02Z \033[32mgreen\033[0m word\033[2J\n");
	sees(&w, "\n100%|## done\n");                       /* progress bars: the last writing */
	sees(&w, "\ngreen word^[");                         /* colours go; what else there is, is shown */
	say(&w, r, TEXT_NOTE, "the container ended");
	sees(&w, "the container ended");
	press(&w, "Esc");
	free(screen(&w, 80, 24));
	struct request *cancel = asked(&w, 0, REQ_CANCEL);
	assert_non_null(cancel);                            /* nobody looks any more */
	assert_int_equal(cancel->id, r->id);
	request_free(cancel);
	request_free(r);
	world_end(&w);
}

static void test_long_log(void **state)
{
	struct world w;
	world_start(&w, &backend, 1, panes);
	struct request *r = open_text(&w, "logs");
	struct buf b = { 0 };
	for (int i = 0; i < 400; i++) {
		buf_clear(&b);
		for (int k = 0; k < 1000; k++)
			buf_addf(&b, "line %06d and some more text that makes it long enough to fill the ring\n", i * 1000 + k);
		say(&w, r, 0, b.data);
	}
	sees(&w, "line 399999");                            /* it followed */
	sees(&w, "dropped");                                /* and says what it had to drop */
	press(&w, "/");
	type(&w, "line 399000 ");
	press(&w, "Enter");
	sees(&w, "line 399000 and");
	press(&w, "g");
	sees_not(&w, "line 000000");
	/* through all of it, in slices: the keys between them are not kept waiting */
	struct page *p = app_top(w.app);
	press(&w, "/");
	type(&w, "^line 39(9)+8 [a-z]+ some.*ring$");
	press(&w, "Enter");
	assert_true(p->ops->work(p, w.app));
	sees(&w, "line 399998");
	press(&w, "g");
	press(&w, "/");
	type(&w, "^nothing(x|y)$");
	press(&w, "Enter");
	assert_true(p->ops->work(p, w.app));
	press(&w, "g");                                     /* and a key ends it */
	assert_false(p->ops->work(p, w.app));
	press(&w, "&");
	type(&w, "^line 3.*(7|8)999 ");
	press(&w, "Enter");
	assert_true(p->ops->work(p, w.app));
	say(&w, r, 0, "line 3x7999 while it is at it\n");
	sees(&w, "line 397999 and");
	sees(&w, "line 398999 and");
	sees(&w, "line 3x7999 while");
	buf_release(&b);
	request_free(r);
	world_end(&w);
}

static void test_document(void **state)
{
	struct world w;
	world_start(&w, &backend, 1, panes);
	struct request *r = open_text(&w, "yaml");
	say(&w, r, TEXT_END, "apiVersion: v1\nkind: Pod\nspec:\n  nodeName: \033[31mgpu-1\n  - x: 1\n");
	char *s = screen(&w, 80, 24);
	assert_null(strchr(s, 27));
	assert_non_null(strstr(s, "apiVersion: v1\nkind: Pod\n"));
	free(s);
	struct frame f;
	struct buf out = { 0 };
	app_snapshot(w.app, NULL, 80, 24, 0, &f);
	int y = 0;
	while (y < 23 && f.cells[y * 80].ch != 'k')
		y++;
	assert_int_equal(f.cells[y * 80].role, ROLE_KEY);            /* "kind:" */
	assert_int_not_equal(f.cells[y * 80 + 6].role, ROLE_KEY);    /* "Pod" */
	frame_release(&f);
	app_top(w.app)->ops->copy(app_top(w.app), w.app, &out);
	assert_non_null(strstr(out.data, "kind: Pod"));
	buf_release(&out);
	for (int width = 1; width < 20; width++)
		free(screen(&w, width, 5));
	request_free(r);
	world_end(&w);
}

static void test_text_refused(void **state)
{
	struct world w;
	world_start(&w, &backend, 1, panes);
	struct request *r = open_text(&w, "describe");
	say(&w, r, TEXT_ERROR | TEXT_END, "pods \"x\" is forbidden");
	sees(&w, "is forbidden");
	request_free(r);
	world_end(&w);
}

static void test_tree(void **state)
{
	struct world w;
	world_start(&w, &backend, 1, panes);
	app_push(w.app, tree_page_new(w.app, "tree ml/x", 0, "tree", "pods", STR("ml/x")));
	struct request *r = asked(&w, 0, REQ_ASK);
	sees(&w, "looking");
	answer(&w, r, true, "[{\"text\":\"Deployment api\",\"level\":1,\"children\":[{\"text\":\"ReplicaSet api-1\",\"children\":"
	       "[{\"text\":\"Pod x\",\"level\":5,\"kind\":\"pods\",\"key\":\"ml/x\",\"here\":true}]},{\"text\":\"ReplicaSet api-0\"}]}]");
	sees(&w, "   Deployment api\n   ├─ ReplicaSet api-1\n▌▲ │  └─ Pod x\n   └─ ReplicaSet api-0\n");
	press(&w, "g Left");
	sees(&w, "▸ Deployment api\n");
	sees_not(&w, "ReplicaSet");
	press(&w, "Right j j Enter");
	sees(&w, "pods 0");                                 /* the list, to stand on that row when it comes */
	press(&w, "Esc");
	sees(&w, "Deployment api");
	request_free(r);
	app_push(w.app, tree_page_new(w.app, "tree ml/y", 0, "tree", "pods", STR("ml/y")));
	r = asked(&w, 0, REQ_ASK);
	answer(&w, r, false, "pods \"y\" not found");
	sees(&w, "not found");
	request_free(r);
	app_push(w.app, tree_page_new(w.app, "tree ml/z", 0, "tree", "pods", STR("ml/z")));
	r = asked(&w, 0, REQ_ASK);
	answer(&w, r, true, "{\"rubbish\":[");
	sees(&w, "no tree");
	request_free(r);
	world_end(&w);
}

static void test_why(void **state)
{
	struct world w;
	world_start(&w, &backend, 1, panes);
	app_push(w.app, why_page_new(w.app, "why ml/x", 0, "pods", STR("ml/x")));
	struct request *r = asked(&w, 0, REQ_ASK);
	answer(&w, r, true, "[{\"text\":\"container server was killed for lack of memory\",\"level\":5,\"evidence\":\"exit code 137\","
	       "\"link\":{\"kind\":\"containers\",\"key\":\"ml/x/server\",\"what\":\"logs-previous\"}},"
	       "{\"text\":\"it restarts often\",\"level\":4,\"evidence\":\"4 restarts\"}]");
	sees(&w, "▌▲ container server was killed for lack of memory\n     exit code 137");
	sees(&w, " △ it restarts often");
	press(&w, "Enter");
	struct request *log = asked(&w, 0, REQ_OPEN);
	assert_string_equal(log->what, "logs");
	assert_string_equal(log->key, "ml/x/server");
	assert_non_null(strstr(log->params, "previous"));
	request_free(log);
	request_free(r);
	world_end(&w);
}

/* ---- actions */
static const char plan[] = "{\"title\":\"scale deployment ml/api to 5\",\"target\":{\"kind\":\"deployments\",\"key\":\"ml/api\"},"
	"\"change\":[\"replicas 3 -> 5\"],\"steps\":[{\"do\":\"PATCH /apis/apps/v1/x/scale\",\"body\":\"{\\\"spec\\\":5}\",\"check\":\"5 ready\"}],"
	"\"warnings\":[\"HorizontalPodAutoscaler api owns replicas\"],\"dry_run\":\"accepted\",\"undo\":{\"action\":\"scale\",\"params\":{\"replicas\":3}}}";

static void one_deployment(struct world *w)
{
	struct msg *m;
	struct buf *b = rows_of(&m, w, "deployments", 0);
	live(w, 0);
	put_row(b, &kind_deployments, "ml/api", LEVEL_OK, "namespace=ml name=api up_to_date=3 age=100");
	store_apply(w->store, m, 0);
	free(screen(w, 120, 40));
}

static void test_form(void **state)
{
	struct world w;
	world_start(&w, &backend, 1, panes);
	one_deployment(&w);
	press(&w, "S");
	sees(&w, "replicas  3");                            /* what the row says */
	press(&w, "Right");
	sees(&w, "replicas  4");
	press(&w, "Backspace");
	type(&w, "500");
	press(&w, "Enter");
	sees(&w, "is from 0 to 100");
	press(&w, "C-u");
	type(&w, "x");
	press(&w, "Enter");
	sees(&w, "whole number");
	press(&w, "C-u Enter");
	sees(&w, "needed");
	type(&w, "5");
	press(&w, "Tab Right");
	sees(&w, "at once");
	press(&w, "Enter");
	struct request *r = asked(&w, 0, REQ_PLAN);
	assert_non_null(r);
	assert_string_equal(r->params, "{\"replicas\":5,\"how\":\"at once\"}");
	request_free(r);
	press(&w, "Esc");
	sees(&w, "deployments 1");                          /* the form is not in between */
	press(&w, "S Esc");
	sees(&w, "deployments 1");
	world_end(&w);
}

/* What is asked of the source next, but for whether one may. */
static struct request *asked_form(struct world *w)
{
	struct request *r;
	while ((r = link_take(w->source[0]->link, 0)) && (r->type != REQ_ASK || !strcmp(r->what, "can")))
		request_free(r);
	assert_non_null(r);
	return r;
}

/* The source says which fields there are; until it has, nothing can be sent; when it cannot, the action's own are there. */
static void test_asked_form(void **state)
{
	struct world w;
	world_start(&w, &backend, 1, panes);
	one_deployment(&w);
	press(&w, ":");
	type(&w, "action wide");
	press(&w, "Enter");
	sees(&w, "asking which parameters there are");
	sees_not(&w, "parameters  ");
	press(&w, "Enter");
	struct request *r = asked_form(&w);
	assert_string_equal(r->what, "form");
	assert_string_equal(r->params, "{\"action\":\"wide\"}");
	answer(&w, r, true, "{\"note\":\"as before\",\"fields\":[{\"name\":\"conf.rate\",\"title\":\"rate\",\"type\":\"real\",\"default\":\"0.1\","
	       "\"min\":0,\"max\":1},{\"name\":\"conf.model\",\"type\":\"choice\",\"choices\":[\"a\",\"b\"],\"default\":\"b\"}]}");
	sees(&w, "as before");
	sees(&w, "rate        0.1");
	type(&w, "1.5");
	press(&w, "Enter");
	sees(&w, "'rate' is at most 1");
	press(&w, "C-u");
	type(&w, "0.7");
	press(&w, "Tab Right Enter");
	request_free(r);
	r = asked(&w, 0, REQ_PLAN);
	assert_string_equal(r->params, "{\"conf.rate\":0.69999999999999996,\"conf.model\":\"a\"}");
	request_free(r);
	press(&w, "Esc :");
	type(&w, "action wide");
	press(&w, "Enter");
	r = asked_form(&w);
	answer(&w, r, false, "the server is away");
	sees(&w, "its parameters are not known: the server is away");
	sees(&w, "parameters");
	request_free(r);
	press(&w, "Esc :");
	type(&w, "action wide");
	press(&w, "Enter Esc");                             /* left while it is asked */
	sees(&w, "deployments 1");
	world_end(&w);
}

static void test_plan_and_leave(void **state)
{
	struct world w;
	world_start(&w, &backend, 1, panes);
	one_deployment(&w);
	app_run_line(w.app, STR("action scale replicas=5"));
	sees(&w, "asking eks-prod");
	struct request *r = asked(&w, 0, REQ_PLAN);
	answer(&w, r, true, plan);
	sees(&w, "scale deployment ml/api to 5");
	sees(&w, "replicas 3 -> 5");
	sees(&w, "PATCH /apis/apps/v1/x/scale");
	sees(&w, "{\"spec\":5}");
	sees(&w, "△        HorizontalPodAutoscaler api owns replicas");
	sees(&w, "the server accepts these requests");
	sees(&w, "Enter do it");
	for (int width = 1; width < 30; width++)
		free(screen(&w, width, 6));
	press(&w, "Esc");
	assert_null(asked(&w, 0, REQ_RUN));                  /* nothing was sent */
	sees(&w, "deployments 1");
	request_free(r);
	world_end(&w);
}

static void test_no_audit_no_action(void **state)
{
	struct world w;
	world_start(&w, &backend, 1, panes);
	const char *why = NULL;
	one_deployment(&w);
	app_run_line(w.app, STR("action scale replicas=5"));
	struct request *r = asked(&w, 0, REQ_PLAN);
	answer(&w, r, true, plan);
	sees(&w, "scale deployment");
	press(&w, "Enter");
	if (strstr(w.source[0]->environment, "prod"))
		type(&w, "api");
	press(&w, "Enter");
	assert_null(asked(&w, 0, REQ_RUN));
	sees(&w, "audit");
	struct act *act = act_start(w.actor, w.source[0], &scale, "deployments", (const char *const[]){ "ml/api" }, 1, "{}", &why);
	act_cancel(act);
	app_push(w.app, act_page_new(w.app, act));
	sees_not(&w, "do it");                              /* over: nothing to confirm */
	request_free(r);
	world_end(&w);
}

static bool only_logs(const struct backend *b, const char *what, const char *kind)
{
	return !strcmp(what, "logs");
}
static const struct backend plain = { .name = "plain", .kinds = kinds, .actions = actions, .opens = only_logs };

/* A row whose source has no documents is described by its cells, and keys that would do nothing are not hinted. */
static void test_no_documents(void **state)
{
	struct world w;
	world_start(&w, &plain, 1, panes);
	one_deployment(&w);
	sees(&w, "l logs");
	sees(&w, "d describe");
	sees_not(&w, "y yaml");
	sees_not(&w, "W why");
	press(&w, "y");
	sees(&w, "has no yaml of deployments");
	assert_null(asked(&w, 0, REQ_OPEN));
	press(&w, "W");
	sees(&w, "has no why of deployments");
	press(&w, "d");
	sees(&w, "NAME: api");
	assert_null(asked(&w, 0, REQ_OPEN));
	press(&w, "Esc l");
	struct request *r = asked(&w, 0, REQ_OPEN);
	assert_non_null(r);
	request_free(r);
	world_end(&w);
}

int main(void)
{
	setenv("TZ", "UTC", 1);
	tzset();
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_no_documents), cmocka_unit_test(test_log), cmocka_unit_test(test_long_log), cmocka_unit_test(test_document),
		cmocka_unit_test(test_text_refused), cmocka_unit_test(test_tree), cmocka_unit_test(test_why),
		cmocka_unit_test(test_form), cmocka_unit_test(test_asked_form), cmocka_unit_test(test_plan_and_leave), cmocka_unit_test(test_no_audit_no_action),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
