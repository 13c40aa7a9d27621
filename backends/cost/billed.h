/* billed: what AWS itself says: Cost Explorer's bill by day, and AWS Budgets. Signed requests to two services of us-east-1. A
 * page of the bill costs $0.01, so it is asked rarely, and the last answer is kept in local history. */
#ifndef COST_BILLED_H
#define COST_BILLED_H
#include "backends/cost/show.h"
#include "backends/net/http.h"

struct billing;

/* aws: the section of that name; NULL gives NULL. All borrowed. */
struct billing *billing_new(const struct yaml *aws, const struct clock *clock, const atomic_bool *closing);
void billing_free(struct billing *b);
void billed_release(struct billed *b);
/* The last answer that is in the history, when it is of these settings. */
void billing_recall(struct billing *b, struct history *h, const char *source, struct billed *out);
void billing_keep(const struct billing *b, struct history *h, const char *source, const struct billed *in);
/* Asks for the bill (unless the one in `out` is younger than fresh_ms) and, where the account is known, for budgets. False:
 * *reply's error, remedy and end say why; out is as it was. The caller releases the reply in either case. */
bool billing_ask(struct billing *b, int64_t fresh_ms, struct billed *out, struct http_reply *reply);

/* ---- for tests: answers into days (sorted) and budgets; a malformed element is passed over and counted */
bool billed_parse_days(struct str json, struct billed *out, char **next_page, unsigned *skipped);
bool billed_parse_budgets(struct str json, struct billed *out, char **next_page, unsigned *skipped);
#endif
