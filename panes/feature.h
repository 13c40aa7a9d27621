/* feature: one feature of the drift pane in full. */
#ifndef PANES_FEATURE_H
#define PANES_FEATURE_H
#include "base/changes.h"
#include "tui/app.h"
#include "tui/chart.h"

/* Of the row of kind `features`; NULL when it is not there. */
struct page *feature_page_new(struct app *app, uint16_t source, struct str key);
/* What happened to this model (n 0: to any) and to pipelines, as letters for the axis of a chart; at most `most`, the newest.
 * Returns how many. */
int feature_marks(const struct changes *c, struct str model, struct chart_mark *marks, int most);
/* Ask for the kinds that tell it, or stop asking. */
void feature_watch(struct app *app, bool on);
#endif
