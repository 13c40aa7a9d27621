/* tour: the demo's story, step by step: prices shift, drift rises, the pipeline retrains, a challenger appears, predictions
 * differ, cost climbs as a GPU node starts. `binnacle demo --tour` walks through it. */
#include "cli/session.h"

static const struct tour_step steps[] = {
	{ "It is 3 in the morning and you are on call for a company that prices houses. This is the first screen: what is wrong, "
	  "since when, where, and what changed before it. Space goes on, PgUp goes back; every other key works as ever.",
	  "triage", 0 },
	{ "model-api was rolled out a few minutes ago and its pods die. The list shows only what is not well; the row under the "
	  "cursor stays under the cursor while others come and go.",
	  "pods status!=Running status!=Completed", 0 },
	{ .caption = 0 },
};
const struct tour demo_tour = { "a night on call", steps };
