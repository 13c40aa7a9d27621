/* The registry pane: from models to versions, side by side with the better one marked, curves, and who was champion. */
#include "tests/unit/pageworld.h"
#include "base/registry.h"
#include "panes/list.h"
#include <math.h>

static const struct kind *const fills[] = { &kind_models, &kind_versions, &kind_experiments, &kind_trainings, &kind_promotions, NULL };
static const struct backend keeper = { .name = "keeper", .kinds = fills };
static const struct pane *const panes[] = { &pane_registry, NULL };
static const double r2[] = { 0.301, 0.342, 0.351, 0.377, 0.384, 0.412, 0.447 };

static void fill(struct world *w, unsigned source)
{
	struct msg *m;
	struct buf *b = rows_of(&m, w, "models", source);
	rows_begin(b, STR(""));
	model_put(b, &(struct reg_model){ .name = STR("houses"), .champion = 6, .challenger = 7, .latest = 7, .versions = 7,
		.updated = NOW - 1000, .metric = STR("r2_score"), .value = 0.412, .change = 0.085, .trend = STR("0.301 0.342 0.412 0.447") });
	model_put(b, &(struct reg_model){ .name = STR("lonely"), .champion = -1, .challenger = -1, .latest = 1, .versions = 1,
		.value = NAN, .change = NAN, .failed = 1 });
	rows_end(b, STR(""));
	store_apply(w->store, m, 0);
	b = rows_of(&m, w, "versions", source);
	rows_begin(b, STR(""));
	for (int v = 1; v <= 7; v++) {
		struct buf metrics = { 0 };
		buf_addf(&metrics, "mae=%d,r2_score=%.3f", 310000 - v * 1000, r2[v - 1]);
		version_put(b, &(struct reg_version){ .model = STR("houses"), .version = v, .status = STR("READY"), .metric = STR("r2_score"),
			.value = r2[v - 1], .metrics = buf_str(&metrics), .aliases = v == 6 ? STR("champion") : v == 7 ? STR("challenger") : STR(""),
			.created = NOW - (8 - v) * 86400000ll, .size = -1, .run = STR("run7") });
		buf_release(&metrics);
	}
	rows_end(b, STR(""));
	store_apply(w->store, m, 0);
}

static void start(struct world *w)
{
	world_start(w, &keeper, 1, panes);
	live(w, 0);
	fill(w, 0);
}

/* Keys with a frame before each, as a user has it. */
static void keys(struct world *w, const char *text)
{
	struct str rest = str_of(text);
	while (rest.n) {
		char *key = str_dup(str_split(&rest, ' '));
		free(screen(w, 120, 40));
		press(w, key);
		free(key);
	}
}

/* Every question that was asked, with the answer for its key. */
static unsigned answer_versions(struct world *w, const char *six, const char *seven)
{
	struct request *r;
	unsigned n = 0;
	while ((r = link_take(w->source[0]->link, 0))) {
		if (r->type == REQ_ASK && !strcmp(r->what, "version")) {
			const char *json = strstr(r->key, "/6") ? six : seven;
			answer(w, r, json != NULL, json ? json : "the server said no");
			n++;
		}
		request_free(r);
	}
	return n;
}

#define DETAIL(rmse, r2, n, sig, size) "{\"metrics\":{\"rmse\":" rmse ",\"r2_score\":" r2 ",\"odd\":5},\"better\":{\"rmse\":\"lower\"," \
	"\"r2_score\":\"higher\"},\"params\":{\"n\":\"" n "\",\"seed\":\"42\"},\"tags\":{},\"signature\":{\"inputs\":[" sig "],\"outputs\":[]}," \
	"\"size\":" size ",\"run\":{\"id\":\"41aa7777777\",\"user\":\"ada\"}}"
#define BED "{\"name\":\"bed\",\"type\":\"double\"}"

static void test_models(void **state)
{
	struct world w;
	start(&w);
	sees(&w, "houses");
	sees(&w, "v6");
	sees(&w, "+8.5 %");
	sees(&w, "v1 failed");
	sees_at(&w, 80, 24, "CHALLENGER", true);
	keys(&w, "Enter");
	sees(&w, "versions 7 of houses");
	sees(&w, "r2_score by version");
	sees(&w, "v6 P");
	keys(&w, "m");
	sees(&w, "mae by version");
	world_end(&w);
}

static void test_compare(void **state)
{
	struct world w;
	start(&w);
	keys(&w, "c");
	sees(&w, "houses   v6 champion against v7 challenger");
	sees(&w, "reading the versions");
	assert_int_equal(answer_versions(&w, DETAIL("612400.0", "0.412", "300", BED, "1000"),
	                                 DETAIL("598100.0", "0.4", "400", BED ",{\"name\":\"bath\",\"type\":\"long\"}", "3000")), 2);
	sees(&w, "598,100 ✓");
	sees(&w, "-2.3 %");
	sees(&w, "0.412 ✓");
	sees(&w, "△ worse");
	sees(&w, "2 features");
	sees(&w, "not there");
	sees(&w, "+200.0 %");
	sees(&w, "300");
	sees(&w, "1 more parameter");
	sees_not(&w, "seed");
	sees(&w, "r2_score by version");
	keys(&w, "Esc");
	sees(&w, "models 2");
	world_end(&w);
}

static void test_marked(void **state)
{
	struct world w;
	start(&w);
	keys(&w, "Enter G Space c");                /* v1 alone is held against the champion */
	sees(&w, "v1 against v6 champion");
	assert_int_equal(answer_versions(&w, NULL, NULL), 2);
	sees(&w, "the server said no");
	keys(&w, "Esc \\ g Space Space Space c");
	sees(&w, "v5 against v6 champion against v7 challenger");
	keys(&w, "Esc Esc j c");
	sees(&w, "there is nothing to compare");
	world_end(&w);
}

static void test_curve(void **state)
{
	struct world w;
	struct msg *m;
	start(&w);
	struct buf *b = rows_of(&m, &w, "trainings", 0);
	training_put(b, &(struct reg_training){ .id = STR("run7"), .name = STR("train-7"), .status = STR("RUNNING"), .started = NOW - 60000,
		.metrics = STR("loss=0.2,rmse=5"), .value = NAN }, NOW);
	store_apply(w.store, m, 0);
	app_run_line(w.app, STR("trainings"));
	sees(&w, "running");
	keys(&w, "m");
	struct request *r = asked(&w, 0, REQ_ASK);
	assert_string_equal(r->key, "run7");
	assert_non_null(strstr(r->params, "loss"));
	answer(&w, r, true, "{\"metric\":\"loss\",\"points\":[[2,0,0.5],[0,0,2.0],[1,0,null],[3,0,0.9]],\"more\":false}");
	request_free(r);
	sees(&w, "last 0.9 at step 3, best 0.5 at step 2, 4 points");
	keys(&w, "m");
	r = asked(&w, 0, REQ_ASK);
	assert_non_null(strstr(r->params, "rmse"));
	answer(&w, r, false, "no such run");
	request_free(r);
	sees(&w, "no such run");
	world_end(&w);
}

static void test_champions(void **state)
{
	struct world w;
	struct msg *m;
	start(&w);
	struct buf *b = rows_of(&m, &w, "promotions", 0);
	promotion_put(b, &(struct reg_promotion){ .key = STR("a"), .model = STR("houses"), .version = STR("v6"), .what = STR("promoted"),
		.user = STR("ada"), .reason = STR("gates pass"), .time = NOW - 7200000, .samples = -1 });
	promotion_put(b, &(struct reg_promotion){ .key = STR("b"), .version = STR("v5"), .what = STR("promoted"), .run = STR("run7"),
		.time = NOW - 9200000, .samples = -1 });
	promotion_put(b, &(struct reg_promotion){ .key = STR("c"), .model = STR("other"), .version = STR("v1"), .what = STR("promoted"),
		.time = NOW, .samples = -1 });
	store_apply(w.store, m, 0);
	keys(&w, "h");
	sees(&w, "promotions 2 of 3 of houses");     /* and whoever does not say which model is meant */
	sees(&w, "gates pass");
	sees_not(&w, "other");
	keys(&w, "j Enter");                        /* known by its run */
	sees(&w, "versions 7 of houses");
	world_end(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_models), cmocka_unit_test(test_compare), cmocka_unit_test(test_marked), cmocka_unit_test(test_curve),
		cmocka_unit_test(test_champions),
	};
	return cmocka_run_group_tests_name("registry", tests, NULL, NULL);
}
