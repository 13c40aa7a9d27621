/* opencost: what OpenCost (or Kubecost) computes from Prometheus, beside our own estimate: today, by namespace. */
#ifndef COST_OPENCOST_H
#define COST_OPENCOST_H
#include "backends/cost/show.h"
#include "backends/net/http.h"

void opencost_release(struct opencost *o);
/* Its answer; numbers may be null, data may be [null] or [{}]. False: not its JSON, *why (borrowed) says so. */
bool opencost_parse(struct str json, struct opencost *out, const char **why);
/* False: reply's error says why; out is as it was. The caller releases the reply. */
bool opencost_ask(const char *url, const struct clock *clock, bool (*cancelled)(void *arg), void *arg, struct opencost *out,
                  struct http_reply *reply);
#endif
