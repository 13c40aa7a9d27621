/* plan_json: a plan (base/action.h) put together, and how its run is told, for backends whose requests are few. */
#ifndef BASE_PLAN_JSON_H
#define BASE_PLAN_JSON_H
#include "base/source.h"

struct json_t;
/* Title "WHAT KEY", target with `version` (what has to be the same when it is sent), and empty lists. Caller owns. */
struct json_t *plan_json(const struct request *r, struct str version);
/* A sentence: appended to "change", "warnings"; "title", "blocked", "already", "not_undone", "dry_run" are set (the first
 * "blocked" stays). */
void plan_say(struct json_t *plan, const char *where, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
/* `what`: "POST /reload". body is taken, may be NULL; so may check and undo, in words. */
void plan_request(struct json_t *plan, const char *what, struct json_t *body, const char *check, const char *undo);
void plan_undo(struct json_t *plan, const char *action, struct json_t *params);      /* takes params */
void plan_answer(struct link *l, const struct request *r, struct json_t *plan);      /* takes plan */

/* A parameter as a form, a file or a script gives it: text, number, bool. Empty: not given. out is cleared first. */
struct str plan_param_text(const struct json_t *params, const char *name, struct buf *out);
int64_t plan_param_int(const struct json_t *params, const char *name, int64_t otherwise);
int64_t plan_param_ms(const struct json_t *params, const char *name, int64_t otherwise);   /* text: "2m"; a number: ms, as forms give it */
bool plan_param_bool(const struct json_t *params, const char *name);

void run_say(struct link *l, uint64_t id, enum step_state state, unsigned at, unsigned of, const char *fmt, ...)
	__attribute__((format(printf, 6, 7)));
/* FINISHED. undo: parameters of the undo, borrowed; NULL: there is nothing to undo. */
void run_over(struct link *l, uint64_t id, bool ok, struct str say, const struct json_t *undo);
#endif
