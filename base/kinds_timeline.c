/* kinds_timeline: what changed, across systems. Colour: what went wrong is wrong; a change is nothing of itself. */
#define _GNU_SOURCE                  /* localtime_r */
#include "base/changes.h"
#include <stdlib.h>
#include <time.h>

/* 03:11:58; of another day 20 Nov 03:11; in local time, as the clock in the header. */
static void show_time(const struct table *t, const struct row *r, int64_t now, struct buf *out)
{
	struct tm tm, today;
	char text[24];
	time_t at = (time_t)(row_int(r, TIMELINE_TIME) / 1000), day = (time_t)(now / 1000);
	if (row_null(r, TIMELINE_TIME) || !localtime_r(&at, &tm) || !localtime_r(&day, &today))
		return;
	bool same = tm.tm_yday == today.tm_yday && tm.tm_year == today.tm_year;
	if (strftime(text, sizeof(text), same ? "%H:%M:%S" : tm.tm_year == today.tm_year ? "%d %b %H:%M" : "%Y-%m-%d", &tm))
		buf_adds(out, text);
}

static const char *const aliases[] = { "tl", NULL };
static const struct column columns[TIMELINE_COL_COUNT] = {
	[TIMELINE_TIME] = { .name = "time", .title = "TIME", .type = COL_TIME, .width = 12, .show = show_time },
	[TIMELINE_LETTER] = { .name = "letter", .title = "", .type = COL_STATUS, .flags = COL_SHARED, .width = 3 },
	[TIMELINE_WHAT] = { .name = "what", .title = "WHAT CHANGED", .type = COL_TEXT, .width = 50 },
	[TIMELINE_ABOUT] = { .name = "about", .title = "ABOUT", .type = COL_TEXT, .flags = COL_SHARED | COL_HIDDEN },
	[TIMELINE_MODEL] = { .name = "model", .title = "MODEL", .type = COL_TEXT, .flags = COL_SHARED | COL_HIDDEN },
	[TIMELINE_NAMESPACE] = { .name = "namespace", .title = "NAMESPACE", .type = COL_TEXT, .flags = COL_SHARED | COL_HIDDEN },
	[TIMELINE_WHO] = { .name = "who", .title = "WHO", .type = COL_TEXT, .flags = COL_SHARED, .width = 10, .priority = 3 },
	[TIMELINE_SORT] = { .name = "sort", .title = "SORT", .type = COL_TEXT, .flags = COL_SHARED, .width = 9, .priority = 5 },
	[TIMELINE_LANE] = { .name = "lane", .title = "LANE", .type = COL_TEXT, .flags = COL_SHARED | COL_HIDDEN },
	[TIMELINE_AGE] = { .name = "age", .title = "AGE", .type = COL_TIME, .width = 6, .priority = 2 },
	[TIMELINE_KIND] = { .name = "kind", .title = "KIND", .type = COL_TEXT, .flags = COL_SHARED | COL_HIDDEN },
	[TIMELINE_KEY] = { .name = "object", .title = "OBJECT", .type = COL_TEXT, .flags = COL_HIDDEN },
};
const struct kind kind_timeline = {
	.name = "timeline", .singular = "change", .aliases = aliases, .help = "what changed across systems, and when",
	.cols = columns, .ncols = TIMELINE_COL_COUNT, .group = "timeline",
};
