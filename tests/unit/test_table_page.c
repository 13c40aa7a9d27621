/* table page: what a list shows at three sizes, the cursor that follows its row, marks, filters as typed, order, why it is
 * empty. */
#define _GNU_SOURCE
#include "tests/unit/pageworld.h"

static const struct kind *const kinds[] = { &kind_pods, &kind_nodes, NULL };
static const struct backend backend = { .name = "test", .kinds = kinds };
static struct page *open_pods(struct app *app, struct str args) { return table_page_new(app, "pods", args); }
static const struct pane pods_pane = { .name = "pods", .help = "pods", .open = open_pods };
static const struct pane *const panes[] = { &pods_pane, NULL };

static void fill(struct world *w, unsigned source, int n)
{
	struct msg *m;
	struct buf *b = rows_of(&m, w, "pods", source);
	live(w, source);
	rows_begin(b, STR(""));
	for (int i = 0; i < n; i++) {
		char key[64], cells[200];
		snprintf(key, sizeof(key), "ml/api-%05d", i);
		snprintf(cells, sizeof(cells), "namespace=ml name=api-%05d ready=%d/1 status=%s restarts=%d age=%d node=gpu-%d ip=10.0.0.%d",
		         i, i != 1, i == 1 ? "CrashLoopBackOff" : i == 2 ? "Completed" : "Running", i % 7, 60 + i, i % 3, i % 250);
		put_row(b, &kind_pods, key, i == 1 ? LEVEL_BAD : i == 2 ? LEVEL_DONE : LEVEL_OK, cells);
	}
	rows_end(b, STR(""));
	store_apply(w->store, m, 0);
}

static void del(struct world *w, const char *key)
{
	struct msg *m;
	rows_del(rows_of(&m, w, "pods", 0), str_of(key));
	store_apply(w->store, m, 0);
}

static void put(struct world *w, const char *key, const char *cells)
{
	struct msg *m;
	put_row(rows_of(&m, w, "pods", 0), &kind_pods, key, LEVEL_OK, cells);
	store_apply(w->store, m, 0);
}

static const char *under_cursor(struct world *w)
{
	free(screen(w, 120, 40));        /* as before any frame */
	const struct row *r = table_page_row(app_top(w->app), NULL);
	static char key[100];
	snprintf(key, sizeof(key), STR_FMT, STR_ARG(r ? row_key(r) : STR("nothing")));
	return key;
}

static void test_sizes(void **state)
{
	struct world w;
	world_start(&w, &backend, 1, panes);
	fill(&w, 0, 3);
	sees_at(&w, 80, 24, " pods 3\n"
	        " NAMESPACE  NAME       READY    STATUS            RESTARTS  AGE  IP        NODE\n"
	        "▌ml         api-00000    1/1    Running                  0  60s  10.0.0.0  gpu-0\n"
	        " ml         api-00001    0/1  ▲ CrashLoopBackOff         1  61s  10.0.0.1  gpu-1\n"
	        " ml         api-00002    1/1    Completed                2  62s  10.0.0.2  gpu-2\n", true);
	sees_at(&w, 72, 12, "RESTARTS  AGE  NODE\n", true);
	sees_at(&w, 40, 10, " NAME       READY    STATUS\n", true);
	for (int width = 1; width < 30; width++)         /* and nothing breaks */
		for (int height = 1; height < 6; height++)
			free(screen(&w, width, height));
	world_end(&w);
}

/* On 80 columns long names give way, nothing that tells how pods are. */
static void test_long_names(void **state)
{
	struct world w;
	world_start(&w, &backend, 1, panes);
	struct msg *m;
	live(&w, 0);
	struct buf *b = rows_of(&m, &w, "pods", 0);
	put_row(b, &kind_pods, "ml-experiments/churn", LEVEL_BAD, "namespace=ml-experiments name=churn-predictor-nightly-6d9f7c-x2x8k "
	        "ready=0/1 status=CrashLoopBackOff restarts=1234 restarted=300 age=90000");
	store_apply(w.store, m, 0);
	sees_at(&w, 80, 24, "NAMESPACE   NAME                       READY    STATUS            RESTARTS  AGE\n"
	        "▌ml-experi…  churn-predic…6d9f7c-x2x8k    0/1  ▲ CrashLoopBackOff      1234  25h\n", true);
	sees_at(&w, 72, 24, "STATUS            RESTARTS  AGE\n", true);
	world_end(&w);
}

static void test_cursor_follows_its_row(void **state)
{
	struct world w;
	world_start(&w, &backend, 1, panes);
	fill(&w, 0, 300);
	assert_string_equal(under_cursor(&w), "ml/api-00000");
	put(&w, "ml/aaa", "namespace=ml name=aaa");        /* nobody moved: the first row it is */
	assert_string_equal(under_cursor(&w), "ml/aaa");
	press(&w, "j j");
	assert_string_equal(under_cursor(&w), "ml/api-00001");
	put(&w, "ml/aab", "namespace=ml name=aab");
	assert_string_equal(under_cursor(&w), "ml/api-00001");
	del(&w, "ml/aaa");
	del(&w, "ml/aab");
	assert_string_equal(under_cursor(&w), "ml/api-00001");
	del(&w, "ml/api-00001");                            /* its row is gone: the one that took its place */
	assert_string_equal(under_cursor(&w), "ml/api-00002");
	press(&w, "G");
	assert_string_equal(under_cursor(&w), "ml/api-00299");
	del(&w, "ml/api-00299");
	assert_string_equal(under_cursor(&w), "ml/api-00298");
	press(&w, "C-b C-b g");
	assert_string_equal(under_cursor(&w), "ml/api-00000");
	press(&w, "C-f");
	free(screen(&w, 120, 40));
	assert_int_equal(table_page_of(app_top(w.app))->top, table_page_of(app_top(w.app))->cursor);
	world_end(&w);
}

static void test_filter_as_typed(void **state)
{
	struct world w;
	world_start(&w, &backend, 1, panes);
	fill(&w, 0, 300);
	press(&w, "j j j j");
	press(&w, "/");
	type(&w, "crash");
	sees(&w, "pods 1 of 300");
	press(&w, "Esc");                                   /* as it was, cursor and all */
	sees(&w, "pods 300");
	assert_string_equal(under_cursor(&w), "ml/api-00004");
	press(&w, "/");
	type(&w, "statsu=x");
	sees(&w, "statsu");
	sees(&w, "did you mean");
	press(&w, "Esc /");
	type(&w, "restarts>5");
	press(&w, "Enter");
	sees(&w, "pods 42 of 300");
	sees(&w, "filter restarts>5");
	press(&w, "/ C-u");
	type(&w, "nothingsuch");
	press(&w, "Enter");
	sees(&w, "the filter");
	sees(&w, "300 pods");
	world_end(&w);
}

static void test_order(void **state)
{
	struct world w;
	world_start(&w, &backend, 1, panes);
	fill(&w, 0, 20);
	app_run_line(w.app, STR("sort restarts desc"));
	sees(&w, "RESTARTS↓");
	press(&w, "g");
	assert_string_equal(under_cursor(&w), "ml/api-00006");
	press(&w, "r g");
	sees(&w, "RESTARTS↑");
	assert_string_equal(under_cursor(&w), "ml/api-00000");
	press(&w, ">");
	sees(&w, "AGE↓");               /* the youngest first */
	press(&w, "<");
	sees(&w, "RESTARTS↓");          /* the most first */
	app_run_line(w.app, STR("sort nosuch"));
	sees(&w, "nosuch");
	world_end(&w);
}

static void test_marks(void **state)
{
	struct world w;
	struct buf b = { 0 };
	world_start(&w, &backend, 1, panes);
	fill(&w, 0, 20);
	free(screen(&w, 120, 40));
	press(&w, "Space j j C-Space");
	sees(&w, "marked");
	table_page_copy(app_top(w.app), w.app, &b);
	assert_string_equal(b.data, "ml/api-00000\nml/api-00001\nml/api-00002\nml/api-00003\n");
	del(&w, "ml/api-00001");                            /* a row that goes loses its mark */
	buf_clear(&b);
	table_page_copy(app_top(w.app), w.app, &b);
	assert_null(strstr(b.data, "00001"));
	press(&w, "\\");
	buf_clear(&b);
	table_page_copy(app_top(w.app), w.app, &b);
	assert_null(strchr(b.data, '\n'));
	buf_release(&b);
	world_end(&w);
}

static void test_columns(void **state)
{
	struct world w;
	world_start(&w, &backend, 1, panes);
	fill(&w, 0, 3);
	app_run_line(w.app, STR("columns name status=30 +labels"));
	sees_not(&w, "READY");
	sees(&w, "LABELS");
	app_run_line(w.app, STR("columns default"));
	sees(&w, "READY");
	sees_not(&w, "LABELS");
	app_run_line(w.app, STR("columns -ready"));
	sees_not(&w, "READY");
	app_run_line(w.app, STR("columns rady"));
	sees(&w, "did you mean");
	app_run_line(w.app, STR("columns default"));
	sees_at(&w, 60, 20, "NODE", false);
	press(&w, "Right Right Right Right Right Right");   /* the name stays, the rest scrolls */
	sees_at(&w, 60, 20, "NODE", true);
	sees_at(&w, 60, 20, "api-00001", true);
	world_end(&w);
}

static void test_two_sources(void **state)
{
	struct world w;
	world_start(&w, &backend, 2, panes);
	fill(&w, 0, 2);
	sees_not(&w, "SOURCE");
	fill(&w, 1, 2);
	sees(&w, "SOURCE");
	sees(&w, "eks-dev");
	struct msg *m = msg_new(MSG_HEALTH, 0);
	m->source = 1;
	msg_put_health(m, (struct msg_health){ .state = HEALTH_STALE, .since = NOW - 40000, .latency_us = -1,
	                                       .why = STR("connection lost") });
	store_apply(w.store, m, 0);
	sees(&w, "eks-dev stale 40s");
	world_end(&w);
}

static void test_empty_says_why(void **state)
{
	struct world w;
	world_start(&w, &backend, 1, panes);
	struct msg *m = msg_new(MSG_HEALTH, 0);
	msg_put_health(m, (struct msg_health){ .state = HEALTH_CONNECTING, .latency_us = -1 });
	store_apply(w.store, m, 0);
	sees(&w, "eks-prod: connecting");
	live(&w, 0);
	m = msg_new(MSG_HEALTH, 0);
	msg_put_health(m, (struct msg_health){ .state = HEALTH_REFUSED, .latency_us = -1, .kind = STR("pods"),
	                                       .why = STR("pods is forbidden: reader may not list them") });
	store_apply(w.store, m, 0);
	sees(&w, "reader may not list them");
	world_end(&w);
	world_start(&w, &backend, 1, panes);
	fill(&w, 0, 0);
	sees(&w, "no pods");
	world_end(&w);
}

static void test_untrusted(void **state)
{
	struct world w;
	struct msg *m;
	world_start(&w, &backend, 1, panes);
	live(&w, 0);
	struct buf *b = rows_of(&m, &w, "pods", 0);
	put_row(b, &kind_pods, "ml/\033[2Jx", LEVEL_BAD, "namespace=ml name=\033[2J\x9b\xff\xe2\x80\xae" "evil status=Err\tor");
	store_apply(w.store, m, 0);
	char *s = screen(&w, 120, 40);
	assert_null(strchr(s, 27));
	assert_null(strstr(s, "\xe2\x80\xae"));
	assert_non_null(strstr(s, "evil"));
	free(s);
	world_end(&w);
}

/* Whether the page wants to be drawn anew. */
static bool prepares(struct world *w)
{
	struct page *p = app_top(w->app);
	return p->ops->prepare(p, w->app, 120, 20, NOW);
}

static void test_out_of_sight(void **state)
{
	struct world w;
	world_start(&w, &backend, 1, panes);
	fill(&w, 0, 300);
	assert_true(prepares(&w));
	assert_false(prepares(&w));
	put(&w, "ml/api-00200", "namespace=ml name=api-00200 restarts=9");
	put(&w, "ml/zzz", "namespace=ml name=zzz");
	del(&w, "ml/zzz");
	assert_false(prepares(&w));                         /* all of it below the screen */
	put(&w, "ml/api-00010", "namespace=ml name=api-00010 restarts=9");
	assert_true(prepares(&w));
	assert_false(prepares(&w));
	del(&w, "ml/api-00010");
	assert_true(prepares(&w));
	put(&w, "ml/api-00010", "namespace=ml name=api-00010 restarts=9");   /* the same place again */
	assert_true(prepares(&w));
	del(&w, "ml/api-00010");
	put(&w, "ml/api-00010", "namespace=ml name=api-00010 restarts=8");   /* and both at once */
	assert_true(prepares(&w));
	assert_false(prepares(&w));
	world_end(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sizes), cmocka_unit_test(test_long_names), cmocka_unit_test(test_cursor_follows_its_row),
		cmocka_unit_test(test_filter_as_typed), cmocka_unit_test(test_order), cmocka_unit_test(test_marks),
		cmocka_unit_test(test_columns), cmocka_unit_test(test_two_sources), cmocka_unit_test(test_empty_says_why),
		cmocka_unit_test(test_untrusted), cmocka_unit_test(test_out_of_sight),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
