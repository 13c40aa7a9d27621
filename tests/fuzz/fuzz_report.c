/* Any bytes as a drift report, or (first byte odd) as what a web server lists of a folder. */
#include "backends/drift/place.h"
#include "backends/drift/report.h"
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void take(void *arg, const struct drift_check *c, const struct feature_list *f)
{
	struct buf *rows = arg;
	if (!c->key.n || f->n > FEATURES_MAX)
		abort();
	drift_put(rows, c);
}

static void report(struct str s)
{
	struct report_about about = { .name = STR("a/b.json"), .time = 1 };
	struct buf rows = { 0 };
	char why[100];
	rows_start(&rows, "drift");
	enum report_is is = report_read(s, &about, take, &rows, why, sizeof(why));
	if ((is == REPORT_BAD) != (why[0] != '\0'))
		abort();
	buf_release(&rows);
}

static void listing(struct str s)
{
	struct place_list l = { 0 };
	struct buf dirs = { 0 };
	place_read_index(s, STR("/reports/a/"), STR("/reports/"), &l, &dirs);
	for (unsigned i = 0; i < l.n; i++)               /* nothing leads out of the folder */
		if (!str_starts(str_of(l.items[i].path), STR("/reports/a/")) || strstr(l.items[i].path, "/../"))
			abort();
	for (struct str rest = buf_str(&dirs), dir; rest.n;) {
		dir = str_split(&rest, '\n');
		if (dir.n && !str_starts(dir, STR("/reports/a/")))
			abort();
	}
	place_list_release(&l);
	buf_release(&dirs);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (!size)
		return 0;
	struct str s = { (const char *)data + 1, size - 1 };
	(data[0] & 1 ? listing : report)(s);
	return 0;
}
