/* plugin: the thread of a source that is a program: starts it when somebody first asks, hands requests over, takes what it says, and starts
 * it again when it ends. What it was asked meanwhile is answered as failed; of a run it is said that its end is not known. */
#define _GNU_SOURCE
#include "backends/net/doctor.h"
#include "backends/plugin/plugin.h"
#include "base/json_text.h"
#include "base/mem.h"
#include "base/redact.h"
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#define GREETING_MS 20000
#define AGAIN_MS 1000          /* first pause before it is started again, doubled up to */
#define AGAIN_MOST_MS 60000
#define WELL_MS 60000          /* it ran so long: the next pause is the first again */
#define LEAVE_MS 500           /* to end by itself once its standard input ended */
#define LINE_MOST (4 << 20)
#define UNREAD_MOST (4 << 20)  /* bytes of requests that it did not read */
#define WORDS_MOST 8192

static int64_t mono(const struct speaker *s)
{
	return clock_mono(link_clock(s->link));
}

/* ---- what is under way */

struct asked *speaker_asked(struct speaker *s, uint64_t id)
{
	for (unsigned i = 0; i < s->nasked; i++)
		if (s->asked[i].id == id)
			return &s->asked[i];
	return NULL;
}

void speaker_over(struct speaker *s, struct asked *a)
{
	free(a->what);
	free(a->kind);
	free(a->key);
	json_decref(a->plan);
	*a = s->asked[--s->nasked];
}

void speaker_mistake(struct speaker *s, const char *fmt, ...)
{
	struct buf b = { 0 };
	va_list ap;
	if (s->mistaken)                         /* the first of a line is told */
		return;
	s->mistaken = true;
	buf_addf(&b, "line %llu of its output: ", (unsigned long long)s->line);
	va_start(ap, fmt);
	buf_vaddf(&b, fmt, ap);
	va_end(ap);
	free(s->mistake);
	s->mistake = buf_detach(&b);
	link_say(s->link, (struct msg_health){ .state = HEALTH_LIMITED, .latency_us = -1, .why = str_of(s->mistake),
		.remedy = STR("see binnacle-plugins(7); what was not understood is passed over"), .version = str_of(s->version),
		.detail = str_of(s->detail) });
}

/* ---- the program */

static void write_line(struct speaker *s, json_t *line)
{
	char *text = json_dumps(line, JSON_COMPACT);
	buf_adds(&s->in, text ? text : "{}");
	buf_addc(&s->in, '\n');
	free(text);
	json_decref(line);
}

static void greet(struct speaker *s)
{
	const struct yaml *settings = yaml_get(link_settings(s->link), "settings");
	const char *environment = link_setting(s->link, "environment");
	json_t *all = json_object();
	for (unsigned i = 0; settings && i < settings->n; i++)
		json_object_set_new(all, settings->keys[i]->text.p, json_stringn(settings->items[i]->text.p, settings->items[i]->text.n));
	write_line(s, json_pack("{s:i, s:s, s:s, s:o}", "binnacle", PLUGIN_PROTOCOL, "source", link_name(s->link), "environment",
		environment ? environment : "", "settings", all));
}

static void hand_over(struct speaker *s, const struct asked *a, const json_t *params)
{
	static const char *const verbs[] = { [REQ_WATCH] = "watch", [REQ_OPEN] = "open", [REQ_ASK] = "ask", [REQ_PLAN] = "plan", [REQ_RUN] = "run" };
	json_t *line = json_pack("{s:I}", "id", (json_int_t)a->id);
	json_object_set_new(line, verbs[a->type], json_string(a->type == REQ_WATCH ? a->kind : a->what));
	if (a->type == REQ_WATCH)
		json_object_set_new(line, "scope", json_string(a->key));
	else {
		json_object_set_new(line, "kind", json_string(a->kind));
		json_object_set_new(line, "key", json_string(a->key));
	}
	if (a->type == REQ_RUN)
		json_object_set(line, "plan", a->plan);
	else if (a->type != REQ_WATCH)
		json_object_set_new(line, "params", json_is_object(params) ? json_incref((json_t *)(uintptr_t)params) : json_object());
	write_line(s, line);
}

/* Whoever waits for an answer hears why none comes; what is watched stays. */
static void give_up(struct speaker *s, const char *why)
{
	for (unsigned i = s->nasked; i-- > 0;) {
		struct asked *a = &s->asked[i];
		if (a->type == REQ_WATCH)
			continue;
		if (a->type == REQ_RUN)
			link_step(s->link, a->id, (struct msg_step){ .state = STEP_FINISHED, .say = str_of(why), .unknown = true });
		else if (a->type == REQ_OPEN)
			link_text(s->link, a->id, TEXT_END | TEXT_ERROR, str_of(why));
		else
			link_fail(s->link, a->id, "%s", why);
		speaker_over(s, a);
	}
}

static void is_down(struct speaker *s, char *why)
{
	int64_t now = mono(s);
	s->pause = now - s->started > WELL_MS || !s->pause ? AGAIN_MS : s->pause * 2 > AGAIN_MOST_MS ? AGAIN_MOST_MS : s->pause * 2;
	s->again = now + s->pause;
	free(s->why);
	s->why = why;
	struct buf remedy = { 0 };
	buf_addf(&remedy, "it is started again in %lld s; run it by hand: %s", (long long)s->pause / 1000, s->plugin->argv[0]);
	link_say(s->link, (struct msg_health){ .state = HEALTH_DOWN, .latency_us = -1, .why = str_of(why), .remedy = buf_str(&remedy) });
	buf_release(&remedy);
	give_up(s, why);
}

static void start(struct speaker *s)
{
	const char *command = s->plugin->argv[0];
	char *path = child_find(command);
	s->started = mono(s);
	s->greeted = false;
	s->line = s->mistakes = 0;
	buf_clear(&s->in), buf_clear(&s->out), buf_clear(&s->err);
	if (!path) {
		is_down(s, xasprintf("the plugin's program '%s' is not there or cannot be run", command));
	} else if (!child_start(&s->child, path, s->plugin->argv, NULL, true)) {
		is_down(s, xasprintf("the plugin's program '%s' could not be started: %s", command, strerror(errno)));
	} else {
		free(s->why);
		free(s->mistake);
		s->why = s->mistake = NULL;
		fcntl(s->child.in, F_SETFL, O_NONBLOCK);
		fcntl(s->child.out, F_SETFL, O_NONBLOCK);
		fcntl(s->child.err, F_SETFL, O_NONBLOCK);
		link_say(s->link, (struct msg_health){ .state = HEALTH_CONNECTING, .latency_us = -1 });
		greet(s);
		for (unsigned i = 0; i < s->nasked; i++)         /* what is watched */
			hand_over(s, &s->asked[i], NULL);
	}
	free(path);
}

/* It ended, or is ended now, for `why` (NULL: it closed its output, as programs do that end). */
static void ended(struct speaker *s, const char *why)
{
	for (int i = 0; i < 400 && !why && !child_ended(&s->child) && !link_closing(s->link); i++)
		poll(NULL, 0, 5);
	if (!why && !child_ended(&s->child))
		why = "it closed its standard output";
	while (s->child.err >= 0 && child_read(&s->child.err, &s->err))
		;
	int status = child_end(&s->child);
	child_close(&s->child);
	char *words = redact_text(child_last_words(&s->err)), *all;
	const char *colon = *words ? ": " : "", *command = s->plugin->argv[0];
	if (why)
		all = xasprintf("the plugin's program '%s' was ended: %s%s%s", command, why, colon, words);
	else if (WIFSIGNALED(status))
		all = xasprintf("the plugin's program '%s' was killed by signal %d%s%s", command, WTERMSIG(status), colon, words);
	else
		all = xasprintf("the plugin's program '%s' ended with code %d%s%s", command, WEXITSTATUS(status), colon, words);
	free(words);
	is_down(s, all);
}

/* Its standard input ends; then it has a moment. */
static void leave(struct speaker *s)
{
	int64_t until = clock_mono(&clock_system) + LEAVE_MS;
	if (!s->child.pid)
		return;
	close(s->child.in);
	s->child.in = -1;
	while (!child_ended(&s->child) && clock_mono(&clock_system) < until) {
		struct pollfd fd = { s->child.out, POLLIN, 0 };
		poll(&fd, 1, 10);
		buf_clear(&s->out);
		if (s->child.out >= 0 && fd.revents)
			child_read(&s->child.out, &s->out);
	}
	child_end(&s->child);
	child_close(&s->child);
}

/* ---- requests */

static void doctor(struct speaker *s, uint64_t id)
{
	json_t *all = json_array();
	doctor_check(all, "manifest", 1, "", "%s", s->plugin->path);
	if (s->why)
		doctor_check(all, "program", 0, "run it by hand", "%s", s->why);
	else
		doctor_check(all, "program", s->child.pid ? 1 : -1, "look at one of its kinds: that starts it", "%s%s", s->plugin->argv[0],
		             s->child.pid ? "" : " was not started yet");
	if (s->child.pid)
		doctor_check(all, "protocol", s->greeted && !s->mistake ? 1 : -1, "see binnacle-plugins(7)", "%s", s->mistake ? s->mistake
			: s->greeted ? "it is understood" : "it has said nothing yet");
	if (s->greeted && *s->version)
		doctor_check(all, "version", 1, "", "%s", s->version);
	char *text = json_dumps(all, JSON_COMPACT);
	link_answer(s->link, id, true, str_of(text));
	free(text);
	json_decref(all);
}

static void take_up(struct speaker *s, const struct request *r)
{
	json_t *params = *r->params ? json_loads(r->params, JSON_ALLOW_NUL, NULL) : NULL;
	int64_t now = mono(s);
	if (!s->child.pid && (now >= s->again || (r->type != REQ_WATCH && now >= s->started + AGAIN_MS)))
		start(s);
	s->asked = xreallocarray(s->asked, s->nasked + 1, sizeof(*s->asked));
	s->asked[s->nasked++] = (struct asked){ r->id, r->type, xstrdup(r->what), xstrdup(r->kind), xstrdup(r->key),
		r->type == REQ_RUN ? json_incref(json_object_get(params, "plan")) : NULL };
	if (s->child.pid)
		hand_over(s, &s->asked[s->nasked - 1], params);
	else
		give_up(s, s->why);
	json_decref(params);
}

static void cancel(struct speaker *s, uint64_t id)
{
	struct asked *a = speaker_asked(s, id);
	if (!a)
		return;
	if (s->child.pid)
		write_line(s, json_pack("{s:I}", "cancel", (json_int_t)id));
	if (a->type != REQ_RUN || !s->child.pid)                 /* a run says how far it came */
		speaker_over(s, a);
}

static void answer(struct speaker *s, const struct request *r)
{
	const struct backend *b = &s->plugin->backend;
	if (r->type == REQ_CANCEL)
		cancel(s, r->id);
	else if (r->type == REQ_ASK && !strcmp(r->what, "doctor"))
		doctor(s, r->id);
	else if (r->type == REQ_ASK && !plugin_asks(s->plugin, r->what))
		link_fail(s->link, r->id, "plugin '%s' does not answer '%s'", b->title, r->what);
	else if (r->type == REQ_OPEN && !backend_opens(b, r->what, r->kind))
		link_text(s->link, r->id, TEXT_END | TEXT_ERROR, STR("its manifest says that there is no such text"));
	else if (r->type == REQ_WATCH ? plugin_kind(s->plugin, r->kind) != NULL : r->type != REQ_ROWS)
		take_up(s, r);
}

/* ---- the pipes */

static void write_some(struct speaker *s)
{
	ssize_t n = write(s->child.in, s->in.data, s->in.len);
	if (n > 0)
		buf_consume(&s->in, (size_t)n);
	else if (n < 0 && errno != EAGAIN && errno != EINTR)
		buf_clear(&s->in);                               /* it reads no more: it ends, or says so by its silence */
}

/* Whole lines are taken; false: it has to be ended. */
static bool read_some(struct speaker *s, char *why, size_t size)
{
	size_t from = s->out.len, begin = 0;
	child_read(&s->child.out, &s->out);
	for (const char *end; from < s->out.len && (end = memchr(s->out.data + from, '\n', s->out.len - from)); from = begin) {
		size_t at = (size_t)(end - s->out.data);
		if (!plugin_hear(s, (struct str){ s->out.data + begin, at - begin }, why, size))
			return false;
		begin = at + 1;
	}
	buf_consume(&s->out, begin);
	if (s->out.len > LINE_MOST)
		snprintf(why, size, "line %llu of its output is longer than %d MiB", (unsigned long long)s->line + 1, LINE_MOST >> 20);
	return s->out.len <= LINE_MOST;
}

static bool watches(const struct speaker *s)
{
	for (unsigned i = 0; i < s->nasked; i++)
		if (s->asked[i].type == REQ_WATCH)
			return true;
	return false;
}

/* How long nothing is due; -1: until something comes. */
static int due_in(const struct speaker *s)
{
	int64_t at = s->child.pid ? s->greeted ? INT64_MAX : s->started + GREETING_MS : watches(s) ? s->again : INT64_MAX, now = mono(s);
	return at == INT64_MAX ? -1 : at <= now ? 0 : (int)(at - now);
}

static void turn(struct speaker *s)
{
	struct pollfd fds[] = { { link_fd(s->link), POLLIN, 0 }, { s->child.out, POLLIN, 0 }, { s->child.err, POLLIN, 0 },
		{ s->in.len ? s->child.in : -1, POLLOUT, 0 } };
	char why[300] = "";
	poll(fds, ARRAY_SIZE(fds), due_in(s));
	for (struct request *r; (r = link_take(s->link, 0)); request_free(r))
		answer(s, r);
	if (!s->child.pid) {
		if (watches(s) && mono(s) >= s->again && !link_closing(s->link))
			start(s);
		return;
	}
	if (fds[3].fd >= 0 && fds[3].fd == s->child.in && fds[3].revents)
		write_some(s);
	if (fds[2].fd >= 0 && fds[2].revents) {
		child_read(&s->child.err, &s->err);
		if (s->err.len > WORDS_MOST)
			buf_consume(&s->err, s->err.len - WORDS_MOST);
	}
	if (fds[1].fd >= 0 && fds[1].revents && !read_some(s, why, sizeof(why)))
		ended(s, why);
	else if (s->child.out < 0)
		ended(s, NULL);
	else if (!s->greeted && mono(s) >= s->started + GREETING_MS)
		ended(s, "it said nothing for 20 s");
	else if (s->in.len > UNREAD_MOST)
		ended(s, "it does not read what it is asked");
}

static void run(struct link *l)
{
	struct speaker s = { .link = l, .plugin = (const struct plugin *)link_backend(l), .child = CHILD_NONE };
	link_say(l, (struct msg_health){ .state = HEALTH_IDLE, .latency_us = -1 });
	while (!link_closing(l))
		turn(&s);
	leave(&s);
	while (s.nasked)
		speaker_over(&s, &s.asked[0]);
	free(s.asked);
	free(s.why);
	free(s.mistake);
	free(s.version);
	free(s.detail);
	buf_release(&s.in), buf_release(&s.out), buf_release(&s.err);
}

/* ---- */

static const struct config_key keys[] = {
	{ .name = "manifest", .type = CONFIG_PATH, .required = true, .help = "What the plugin says of itself, see binnacle-plugins(7); a "
	  "path from the folder of binnacle.yaml." },
	{ .name = "settings", .type = CONFIG_MAP, .help = "What its program is told, texts by name. No secrets: name the file or variable that "
	  "it is to read." },
	CONFIG_END
};
static const struct kind *const no_kinds[] = { NULL };
const struct backend backend_plugin = {
	.name = "plugin", .title = "A plugin", .help = "A system that binnacle does not know, by a program of your own (binnacle-plugins(7)).",
	.keys = keys, .kinds = no_kinds, .run = run, .opens = opens_nothing, .shape = plugin_shape, .unshape = plugin_unshape,
};
