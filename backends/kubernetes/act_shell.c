/* act_shell: a shell, or any command, in a container: planned as a request like every other, then the user's terminal and
 * the container's are joined until one of them ends. Nothing of what passes is kept: the audit has who, where and which
 * command. */
#define _GNU_SOURCE
#include "backends/kubernetes/actions.h"
#include "backends/kubernetes/stream.h"
#include "base/lend.h"
#include "base/acts.h"
#include "base/mem.h"
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>

enum { WORDS_MAX = 64, UNSENT_MAX = 256 << 10, TERMINAL_MS = 10000 };

static const char any_shell[] = "if command -v bash >/dev/null 2>&1; then exec bash; else exec sh; fi";

static const char *const podlike[] = { "pods", "containers", NULL };
const struct action act_shell = ACT_SHELL(podlike);

/* ---- planning */

/* Splits in place at blanks; 'a b' and "a b" are one word. */
unsigned split_words(char *text, const char **words, unsigned most)
{
	unsigned n = 0;
	for (char *c = text; *c && n < most;) {
		while (*c == ' ' || *c == '\t')
			c++;
		if (!*c)
			break;
		char quote = *c == '\'' || *c == '"' ? *c++ : '\0';
		words[n++] = c;
		while (*c && (quote ? *c != quote : *c != ' ' && *c != '\t'))
			c++;
		if (*c)
			*c++ = '\0';
	}
	return n;
}

const char *plan_container(struct plan *p, const char *asked)
{
	const char *annotated = jnamed(p->object, "metadata.annotations", "kubectl.kubernetes.io/default-container");
	json_t *all = jat(p->object, "spec.containers"), *c;
	const char *found = *asked ? asked : p->t.container && *p->t.container ? p->t.container : *annotated ? annotated
		: jtext(json_array_get(all, 0), "name");
	struct buf names = { 0 };
	size_t i;
	bool is = jfind(p->object, "spec.ephemeralContainers", "name", found) || jfind(p->object, "spec.initContainers", "name", found);
	json_array_foreach(all, i, c) {
		is = is || jis(c, "name", found);
		buf_addf(&names, "%s%s", i ? ", " : "", jtext(c, "name"));
	}
	if (!is)
		plan_block(p, "the pod has no container '%s', but %s", found, names.data ? names.data : "none");
	else if (!*asked && !(p->t.container && *p->t.container) && json_array_size(all) > 1)
		plan_warn(p, "of its containers (%s) this is %s", names.data, *annotated ? "the default one" : "the first");
	buf_release(&names);
	return found;
}

/* A stopped container can run nothing. */
void plan_running(struct plan *p, const char *container)
{
	static const char *const lists[] = { "status.containerStatuses", "status.initContainerStatuses",
		"status.ephemeralContainerStatuses" };
	const json_t *s = NULL;
	for (size_t i = 0; i < ARRAY_SIZE(lists) && !s; i++)
		s = jfind(p->object, lists[i], "name", container);
	if (s && !json_object_get(json_object_get(s, "state"), "running"))
		plan_block(p, "container '%s' does not run: %s", container, *jtext(s, "state.waiting.reason")
		           ? jtext(s, "state.waiting.reason") : *jtext(s, "state.terminated.reason")
		           ? jtext(s, "state.terminated.reason") : "it has not started");
	if (*jtext(p->object, "spec.nodeName") == '\0')
		plan_block(p, "the pod is on no node yet");
}

/* WebSockets are opened by GET; from 1.35 on the server asks for `create` too. */
void plan_need_stream(struct plan *p, const char *sub)
{
	int minor = 0;
	pthread_mutex_lock(&p->w->k->lock);
	bool known = sscanf(p->w->k->version, "v1.%d", &minor) == 1;
	pthread_mutex_unlock(&p->w->k->lock);
	plan_need(p, "get", p->t.api, p->ns, p->name, sub);
	if (known && minor >= 35)
		plan_need(p, "create", p->t.api, p->ns, p->name, sub);
}

void plan_stream(struct plan *p, const char *path, const char *check)
{
	plan_add_step(p, json_pack("{so ss ss ss}", "do", jstringf("GET %s", path), "body", "", "type", "", "check", check));
}

/* The words of the command: those given one by one, those of a line, or a shell. *plain: without a terminal. */
static void command_of(const struct plan *p, char *text, const char *words[WORDS_MAX + 1], bool *plain)
{
	const json_t *argv = json_object_get(p->w->params, "argv"), *one;
	size_t i;
	*plain = json_array_size(argv) > 0;
	json_array_foreach(argv, i, one)
		if (i < WORDS_MAX && json_is_string(one))
			words[i] = json_string_value(one);
	if (!*plain && !split_words(text, words, WORDS_MAX))
		words[0] = "sh", words[1] = "-c", words[2] = any_shell;
}

bool plan_shell(struct plan *p)
{
	const char *command = jtext(p->w->params, "command"), *words[WORDS_MAX + 1] = { NULL };
	const char *container = plan_container(p, jtext(p->w->params, "container"));
	const char *setting = link_setting(p->w->k->link, "shell");
	char *text = xstrdup(*command ? command : setting ? setting : "");
	struct buf path = { 0 };
	bool plain, given;
	command_of(p, text, words, &plain);
	given = words[2] != any_shell;
	if (json_array_size(json_object_get(p->w->params, "argv")) > WORDS_MAX)
		plan_block(p, "a command of more than %d words is not sent", WORDS_MAX);
	stream_path(&path, &(struct stream_ask){ p->ns, p->name, container, words, !plain || plan_flag(p, "stdin"), !plain });
	plan_title(p, "%s in container %s of pod %s/%s", given ? words[0] : "shell", container, p->ns, p->name);
	if (plain)
		plan_change(p, "'%s' runs in the container, as the container's user", words[0]);
	else
		plan_change(p, "your terminal goes to '%s' in the container, as the container's user; exit or Ctrl-] comes back",
		            given ? words[0] : "bash, or sh");
	plan_stream(p, path.data, "it runs");
	plan_not_undone(p, plain ? "what the command does" : "what is done in the shell is yours; the audit trail has that it was opened, not "
	                "what was typed");
	plan_running(p, container);
	plan_need_stream(p, "exec");
	buf_release(&path);
	free(text);
	return true;
}

/* ---- the two terminals joined */

struct joined {
	struct run *run;
	struct stream *s;
	int fd;
	struct lane { struct buf out; size_t at; enum lend_type as; } lanes[2];   /* for the user: standard output (or the terminal), errors */
	bool plain;              /* no terminal: two lanes, and input that ends */
	bool left;               /* the user went */
};

static void on_output(void *arg, int channel, struct str bytes)
{
	struct joined *j = arg;
	buf_addstr(&j->lanes[j->plain && channel == STREAM_STDERR].out, bytes);
}

static size_t unsent(const struct joined *j)
{
	return j->lanes[0].out.len - j->lanes[0].at + j->lanes[1].out.len - j->lanes[1].at;
}

static void pass_lane(struct joined *j, struct lane *l)
{
	while (l->at < l->out.len) {
		size_t n = l->out.len - l->at < LEND_MOST ? l->out.len - l->at : LEND_MOST;
		if (!lend_put(j->fd, l->as, (struct str){ l->out.data + l->at, n })) {
			j->left = j->left || errno != EAGAIN;
			return;
		}
		l->at += n;
	}
	buf_clear(&l->out);
	l->at = 0;
}

static void pass_output(struct joined *j)
{
	pass_lane(j, &j->lanes[0]);
	pass_lane(j, &j->lanes[1]);
}

static void pass_input(struct joined *j)
{
	char bytes[LEND_MOST];
	enum lend_type type;
	ssize_t n;
	int w, h;
	while ((n = lend_take(j->fd, &type, bytes)) >= 0) {
		if (type == LEND_INPUT)
			stream_input(j->s, (struct str){ bytes, (size_t)n });
		else if (type == LEND_SIZE && lend_size(bytes, (size_t)n, &w, &h))
			stream_resize(j->s, w, h);
		else if (type == LEND_END)
			stream_close_input(j->s);
		if (websocket_unsent(j->s->ws) > UNSENT_MAX)
			return;
	}
	j->left = j->left || n == -2;
}

static void join(struct joined *j)
{
	bool on = true, more = false;
	while (on && !j->left && !work_cancelled(j->run->w)) {
		bool read = unsent(j) < UNSENT_MAX, take = websocket_unsent(j->s->ws) < UNSENT_MAX;
		struct pollfd fds[2] = {
			{ .fd = websocket_fd(j->s->ws), .events = websocket_events(j->s->ws, read) },
			{ .fd = j->fd, .events = (short)((take ? POLLIN : 0) | (unsent(j) ? POLLOUT : 0)) },
		};
		poll(fds, 2, more && read ? 0 : 500);
		if (fds[1].revents & (POLLIN | POLLHUP | POLLERR))
			pass_input(j);
		on = stream_turn(j->s, read, on_output, j, &more);
		pass_output(j);
	}
	/* its last words; without a terminal all of them, however slowly they are read */
	for (int i = 0; (i < 40 || j->plain) && !on && !j->left && unsent(j) && !work_cancelled(j->run->w); i++) {
		struct pollfd fd = { j->fd, POLLOUT, 0 };
		poll(&fd, 1, 50);
		pass_output(j);
	}
}

/* The size of the terminal comes first of all. */
static bool first_size(struct run *run, int fd, int *w, int *h)
{
	char bytes[LEND_MOST];
	enum lend_type type;
	struct pollfd p = { fd, POLLIN, 0 };
	for (int ms = 0; fd >= 0 && ms < TERMINAL_MS && !work_cancelled(run->w); ms += 100) {
		ssize_t n = poll(&p, 1, 100) > 0 ? lend_take(fd, &type, bytes) : -1;
		if (n >= 0 && type == LEND_SIZE && lend_size(bytes, (size_t)n, w, h))
			return true;
		if (n == -2)
			break;
	}
	snprintf(run->say, sizeof(run->say), "there is no terminal to hand over: open it from the console");
	return false;
}

static void say_no_stream(struct run *run)
{
	struct work *w = run->w;
	bool no_shell = strstr(w->error, "executable file not found") || strstr(w->error, "no such file");
	snprintf(run->say, sizeof(run->say), "%.380s%s%.120s", w->error, no_shell ? ": the image has no such program; a debug "
	         "container brings its own" : *w->remedy ? ": " : "", no_shell ? "" : w->remedy);
}

bool run_terminal(struct run *run, const char *path, const char *what)
{
	struct joined j = { .run = run, .fd = run->w->r->fd, .plain = !what, .lanes = { { .as = LEND_OUTPUT }, { .as = LEND_ERROR } } };
	char say[480];
	int w = 0, h = 0;
	if (!j.plain && !first_size(run, j.fd, &w, &h))
		return false;
	j.s = stream_open(run->w, path);
	if (!j.s) {
		say_no_stream(run);
		return false;
	}
	run_step(run, STEP_DONE, "the stream is open (%s)", websocket_protocol(j.s->ws));
	if (!j.plain)
		stream_resize(j.s, w, h);
	lend_put(j.fd, LEND_OPEN, STR(""));
	if (!j.plain)
		buf_addf(&j.lanes[0].out, "%s\r\nexit or Ctrl-] comes back to binnacle\r\n", what);
	join(&j);
	bool ok = stream_say(j.s, say, sizeof(say)), ended = j.s->end.known;
	if (j.left && !ended)
		snprintf(run->say, sizeof(run->say), "left by Ctrl-]: what ran there was hung up on");
	else if (work_cancelled(run->w) && !ended)
		snprintf(run->say, sizeof(run->say), "stopped");
	else
		snprintf(run->say, sizeof(run->say), "%s%.480s", ended ? "it ended: " : "the stream broke: ", say);
	ok = ok || j.left || (ended && j.s->end.code >= 0);   /* what the last command in a shell said is no failure of ours */
	if (j.plain && ended && j.s->end.code >= 0) {
		char code[8];
		snprintf(code, sizeof(code), "%d", j.s->end.code & 255);
		for (int i = 0; i < 100 && !lend_put(j.fd, LEND_CODE, str_of(code)) && errno == EAGAIN; i++)
			poll(&(struct pollfd){ j.fd, POLLOUT, 0 }, 1, 50);
	}
	stream_free(j.s);
	buf_release(&j.lanes[0].out);
	buf_release(&j.lanes[1].out);
	return ok;
}

bool send_shell(struct run *run)
{
	const json_t *step = json_array_get(json_object_get(run->plan, "steps"), 0);
	const char *path = strchr(jtext(step, "do"), ' ');
	run->at = 1;
	run_step(run, STEP_RUNNING, "opening a stream to the container");
	return path && run_terminal(run, path + 1, strstr(path, "tty=true") ? jtext(run->plan, "title") : NULL);
}
