/* act_summary: how an act on several targets stands, in a line. */
#include "base/action.h"
#include <jansson.h>

void act_summary(const struct act *act, struct buf *out)
{
	unsigned done = 0, already = 0, failed = 0, rest = 0;

	for (unsigned i = 0; i < act->ntargets; i++) {
		const struct act_target *t = &act->targets[i];

		already += t->state == ACT_DONE && json_object_get(t->plan, "already");
		done += t->state == ACT_DONE;
		failed += t->state == ACT_FAILED;
		rest += t->state != ACT_DONE && t->state != ACT_FAILED;
	}
	buf_addf(out, "%u of %u done", done - already, act->ntargets);
	if (failed)
		buf_addf(out, ", %u failed", failed);
	if (already)
		buf_addf(out, ", %u had nothing to do", already);
	if (rest)
		buf_addf(out, ", %u %s", rest, act->state == ACT_RUNNING ? "to come" : "not reached");
}
