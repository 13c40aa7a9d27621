/* act_debug: an ephemeral container beside those of a pod, with tools that their image lacks, and the terminal attached to it.
 * Adding it is an ordinary request, tried by the server before; it cannot be taken out of the pod again. */
#define _GNU_SOURCE
#include "backends/kubernetes/actions.h"
#include "backends/kubernetes/stream.h"
#include "base/acts.h"
#include "base/mem.h"
#include <stdio.h>
#include <stdlib.h>

enum { START_MS = 120000, WORDS_MAX = 64 };

static const char *const podlike[] = { "pods", "containers", NULL };
const struct action act_debug = ACT_DEBUG(podlike);

bool plan_debug(struct plan *p)
{
	const char *image = jtext(p->w->params, "image"), *asked = jtext(p->w->params, "container"), *words[WORDS_MAX + 1] = { NULL };
	const char *target = strcmp(asked, "-") ? plan_container(p, asked) : "";
	char *text = xstrdup(jtext(p->w->params, "command")), name[32];
	unsigned n = split_words(text, words, WORDS_MAX), number = 1;
	struct buf path = { 0 };
	do
		snprintf(name, sizeof(name), "debug-%u", number++);
	while (jfind(p->object, "spec.ephemeralContainers", "name", name));
	json_t *c = json_pack("{ss ss sb sb}", "name", name, "image", *image ? image : "busybox:1.36", "stdin", 1, "tty", 1);
	if (*target)
		json_object_set_new(c, "targetContainerName", json_string(target));
	for (unsigned i = 0; i < n; i++) {
		if (!i)
			json_object_set_new(c, "command", json_array());
		json_array_append_new(json_object_get(c, "command"), json_string(words[i]));
	}
	plan_title(p, "debug container %s in pod %s/%s", name, p->ns, p->name);
	plan_change(p, "a container of %s runs beside the others%s%s", jtext(c, "image"), *target ? " and sees the processes of " : "", target);
	plan_change(p, "your terminal goes to it; exit or Ctrl-] comes back");
	plan_step(p, "PATCH", "ephemeralcontainers", JSON_STRATEGIC, json_pack("{so s{s[o]}}", "metadata", plan_identity(p), "spec",
		"ephemeralContainers", c), "it runs", NULL);
	stream_path(&path, &(struct stream_ask){ p->ns, p->name, name, NULL, true, true });
	plan_stream(p, path.data, "the stream is open");
	plan_not_undone(p, "an ephemeral container stays listed in the pod until the pod goes; it stops when its shell ends");
	json_object_set_new(p->out, "debug", json_string(name));
	plan_need(p, "patch", p->t.api, p->ns, p->name, "ephemeralcontainers");
	plan_need_stream(p, "attach");
	buf_release(&path);
	free(text);
	return true;
}

/* True: it runs. False: run->say has why not. */
static bool wait_running(struct run *run, const char *name)
{
	const struct clock *clock = link_clock(run->w->k->link);
	int64_t until = clock_mono(clock) + START_MS;
	char told[200] = "";
	while (clock_mono(clock) < until && !work_cancelled(run->w)) {
		json_t *pod = work_object(run->w, run->t.api, run->t.ns, run->t.name);
		const json_t *state = json_object_get(jfind(pod, "status.ephemeralContainerStatuses", "name", name), "state");
		bool runs = json_object_get(state, "running"), over = json_object_get(state, "terminated"), read = pod != NULL;
		char now[200];
		snprintf(now, sizeof(now), "%.60s%s%.120s", *jtext(state, "waiting.reason") ? jtext(state, "waiting.reason") : over
		         ? jtext(state, "terminated.reason") : "not started yet", *jtext(state, "waiting.message") ? ": " : "",
		         jtext(state, "waiting.message"));
		json_decref(pod);
		if (runs)
			return true;
		snprintf(run->say, sizeof(run->say), "the container was added but does not run: %.500s", read ? now : run->w->error);
		if (over)
			return false;
		if (strcmp(now, told))
			run_step(run, STEP_WAITING, "the kubelet has it: %s", now);
		snprintf(told, sizeof(told), "%s", now);
		work_sleep(run->w, 1000);
	}
	return false;
}

bool send_debug(struct run *run)
{
	json_t *steps = json_object_get(run->plan, "steps"), *answer;
	const char *path = strchr(jtext(json_array_get(steps, 1), "do"), ' ');
	run->at = 1;
	run_step(run, STEP_RUNNING, "%s", jtext(json_array_get(steps, 0), "do"));
	answer = run_send(run, json_array_get(steps, 0));
	json_decref(answer);
	if (!answer)
		return false;
	run_step(run, STEP_DONE, "the server took it");
	run->at = 2;
	return wait_running(run, jtext(run->plan, "debug")) && path && run_terminal(run, path + 1, jtext(run->plan, "title"));
}
