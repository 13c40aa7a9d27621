/* runbook_approve: a second person approves a runbook as a whole, where the guard of any of its steps wants one (base/approval.h). */
#define _GNU_SOURCE
#include "base/mem.h"
#include "base/redact.h"
#include "base/runbook_private.h"
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

bool runbook_approved(const struct runbook *r)
{
	return !r->decision.second || (r->approval && r->approval->by && runbook_now(r) <= r->approval->until);
}

/* All that would be done, as one hash. */
static void hash_of(const struct runbook *r, char hash[65])
{
	struct buf b = { 0 };

	for (unsigned i = 0; i < r->nsteps; i++) {
		const struct runbook_step *s = &r->steps[i];
		const json_t *of = s->act ? s->act->targets[0].plan : json_object_get(json_array_get(r->priv->steps, i), "plan");
		char *plan = of ? json_dumps(of, JSON_COMPACT | JSON_SORT_KEYS) : NULL;

		buf_addf(&b, "%s\n%s\n%s\n%s\n%s\n%s\n", s->source->name, s->action->name, s->kind, s->key, s->params ? s->params : "",
		         plan ? plan : "");
		free(plan);
	}
	crypto_sha256(buf_str(&b), hash);
	buf_release(&b);
}

static json_t *what_is_asked(const struct runbook *r)
{
	enum { MOST = 8 };
	json_t *o = json_object(), *change = json_array(), *clean;
	char host[256] = "", hash[65] = "", *title = xasprintf("%s%s %s to version %s", r->recovered ? "go on with: " : "", r->verb, r->model, r->version);

	gethostname(host, sizeof(host) - 1);
	hash_of(r, hash);
	for (unsigned i = 0; i < r->nsteps && i < MOST; i++)
		json_array_append_new(change, json_sprintf("step %u%s%s: %.160s", i + 1, r->recovered ? ", " : "", r->recovered ?
			runbook_step_name(r->steps[i].state) : "", r->steps[i].title ? r->steps[i].title : ""));
	if (r->nsteps > MOST)
		json_array_append_new(change, json_sprintf("and %u more steps", r->nsteps - MOST));
	json_object_set_new(o, "asked_by", json_string_nocheck(audit_user(actor_audit(r->priv->rs->actor))));
	json_object_set_new(o, "host", json_string_nocheck(host));
	json_object_set_new(o, "source", json_string_nocheck(r->priv->registry->name));
	json_object_set_new(o, "environment", json_string_nocheck(r->priv->registry->environment));
	json_object_set_new(o, "action", json_string_nocheck(r->verb));
	json_object_set_new(o, "title", json_string_nocheck(title));
	json_object_set_new(o, "change", change);
	json_object_set_new(o, "reason", json_string_nocheck(r->reason ? r->reason : ""));
	json_object_set_new(o, "plan", json_string(hash));
	clean = redact_json(o);
	json_decref(o);
	free(title);
	return clean;
}

void runbook_approve(struct runbook *r)
{
	char why[300];

	if ((r->state != RUNBOOK_SHOWN && !(r->state == RUNBOOK_ASKING && r->recovered)) || !r->decision.second || !r->decision.allowed || runbook_approved(r))
		return;
	if (r->approval && runbook_now(r) <= r->approval->until) {
		if (approval_look(r->approval, runbook_now(r)))
			runbook_changed(r);
		return;
	}
	approval_free(r->approval);                            /* too late: it can still be approved, by a new code */
	r->approval = approval_new(actor_who_approves(r->priv->rs->actor), what_is_asked(r), runbook_now(r), why, sizeof(why));
	if (!r->approval) {
		r->decision.allowed = r->decision.overridable = false;
		snprintf(r->decision.why, sizeof(r->decision.why), "%s", why);
	}
	runbook_changed(r);
}

bool runbook_answer(struct runbook *r, const char *answer)
{
	bool ok = r->approval && approval_answer(r->approval, answer, runbook_now(r));

	runbook_set(&r->error, ok ? NULL : r->approval ? r->approval->error : "nobody has to approve this");
	runbook_changed(r);
	return ok;
}
