/* registry: what the files of the registry pane share.
 *
 *   registry.c           lists of models, versions, runs, promotions, and where Enter leads
 *   registry_trend.c     a metric by version, as a chart below the list of versions
 *   registry_compare.c   two or more versions side by side
 *   registry_metric.c    the history of one metric of a training run */
#ifndef PANES_REGISTRY_H
#define PANES_REGISTRY_H
#include "base/registry.h"
#include "tui/table_page.h"

enum { COMPARE_MAX = 6 };
struct compared { uint16_t source; char key[320]; };     /* a row of versions */
/* A page over so many versions, the first is what the others are compared with. model: for the title. */
struct page *compare_page_new(struct app *app, struct str model, const struct compared *versions, unsigned n);
/* The curve of a metric of the training run `key`; metrics: its labels "loss=0.2,r2=0.4", one after the other with m. */
struct page *metric_page_new(struct app *app, uint16_t source, struct str key, struct str name, struct str metrics);

/* Values of one metric by version, read from the rows of versions. */
enum { TREND_MAX = 256 };
struct trend { int n; int version[TREND_MAX]; double value[TREND_MAX]; int64_t champion, challenger; };
/* source: whose; metric: its name. */
void trend_read(struct trend *t, const struct store *s, uint16_t source, struct str model, struct str metric);
void trend_draw(const struct trend *t, struct str metric, struct frame *f, struct rect area);
/* In one line: "r2_score by version  v1 ▁ v2 ▃ v3 ▅"; the newest that fit. */
void trend_line(const struct trend *t, struct str metric, struct frame *f, struct rect line);
/* The value of `name` in labels "a=1,b=2"; NaN when it is not there. */
double label_value(struct str labels, struct str name);
/* The name after `now` in labels, the first after the last; empty when there is none. */
struct str label_next(struct str labels, struct str now);
#endif
