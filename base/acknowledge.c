/* acknowledge: see acknowledge.h. */
#include "base/acknowledge.h"
#include "base/drift.h"
#include "base/fmt.h"
#include "base/plan_json.h"
#include <jansson.h>

void acknowledge_put(struct buf *rows, const struct acknowledged *a, int64_t now)
{
	struct buf words = { 0 };
	rows_update(rows, str_of(a->key), LEVEL_DONE);
	for (int c = 0; c < DRIFT_ACKNOWLEDGED; c++)
		cell_keep(rows);
	buf_adds(&words, a->words);
	if (a->until) {
		buf_adds(&words, ", for ");
		fmt_age(a->until - now, &words);
	}
	cell_text(rows, buf_str(&words));
	buf_release(&words);
}

void acknowledge_plan(json_t *plan, const struct request *r, const json_t *params, const char *held, int64_t now)
{
	int64_t lasts = plan_param_ms(params, "until", 0);
	struct buf note = { 0 }, length = { 0 };
	bool off = !strcmp(r->what, "withdraw");
	plan_param_text(params, "note", &note);
	if (lasts)
		fmt_duration(lasts, &length);
	if (off && !held)
		plan_say(plan, "already", "it is not acknowledged");
	else if (!off && !note.len)
		plan_say(plan, "blocked", "say what you know of it (note)");
	if (off)
		plan_say(plan, "change", "check %s is a finding again%s%s", r->key, held ? ": it was acknowledged by " : "", held ? held : "");
	else
		plan_say(plan, "change", "check %s is no finding any more, %s%s; the next check that drifts is told", r->key,
		         lasts ? "for " : "for good", lasts ? length.data : "");
	if (held && !off)
		plan_say(plan, "warnings", "it is acknowledged already by %s", held);
	plan_request(plan, "write into the history", off ? NULL : json_pack("{s:s, s:I}", "note", note.len ? note.data : "", "until",
		(json_int_t)(lasts ? now + lasts : 0)), "read back", off ? "acknowledge again" : "withdraw it");
	if (!off)
		plan_undo(plan, "withdraw", NULL);
	buf_release(&note);
	buf_release(&length);
}
