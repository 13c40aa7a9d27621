/* matchers: what a silence matches: as people, Prometheus and amtool write it, severity="page",pod=~"api-.*",env!="dev", and as
 * the JSON that Alertmanager takes: [{name, value, isRegex, isEqual}]. */
#ifndef BASE_MATCHERS_H
#define BASE_MATCHERS_H
#include "base/alerts.h"
#include <jansson.h>

/* Caller owns. NULL: why says what is wrong where. */
json_t *matchers_parse(struct str text, char *why, size_t size);
void matchers_text(const json_t *matchers, struct buf *out);
void matcher_text(const json_t *matcher, struct buf *out);                              /* one of them */
void matchers_exact(const struct alert_label *l, unsigned n, struct buf *out);          /* these labels and no others */
bool matchers_same(const json_t *a, const json_t *b);                                   /* in whatever order */
/* All of them; a label that is not there is "". Regular expressions are POSIX's here, near enough to RE2's. */
bool matchers_match(const json_t *matchers, const struct alert_label *l, unsigned n);
/* The answer to REQ_ASK "form" of act_silence. NULL: it is not UTF-8. */
json_t *silence_form(struct str matchers, const char *comment);
#endif
