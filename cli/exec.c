/* exec: a command in a container without a screen: the action `shell` with plain streams instead of a terminal, planned, guarded
 * and audited like it. Standard input goes there unless it is a terminal, output and errors come here apart, and the command's
 * exit code becomes ours. */
#define _GNU_SOURCE
#include "base/inbox.h"
#include "base/lend.h"
#include "base/mem.h"
#include "cli/act.h"
#include "cli/print.h"
#include <errno.h>
#include <jansson.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { TURN_MS = 500 };
struct relay {
	struct session *s;
	char bytes[LEND_MOST];       /* of standard input, that found no room yet */
	ssize_t n;
	bool open, ended;            /* the stream is there; our input has ended */
	int code;                    /* -1: not known */
};

static bool put_all(int fd, const char *bytes, ssize_t n)
{
	while (n > 0) {
		ssize_t put = write(fd, bytes, (size_t)n);
		if (put < 0 && errno != EINTR)
			return false;
		if (put > 0)
			bytes += put, n -= put;
	}
	return true;
}

/* False: the other end is gone. */
static bool take_output(struct relay *r, int fd)
{
	char bytes[LEND_MOST];
	enum lend_type type;
	ssize_t n;
	while ((n = lend_take(fd, &type, bytes)) >= 0)
		if (type == LEND_OPEN)
			r->open = true;
		else if (type == LEND_CODE)
			r->code = n > 0 && n < 4 ? atoi((bytes[n] = '\0', bytes)) : r->code;
		else if ((type == LEND_OUTPUT || type == LEND_ERROR) && !put_all(type == LEND_OUTPUT ? STDOUT_FILENO : STDERR_FILENO, bytes, n))
			return false;            /* whoever read us is gone */
	return n != -2;
}

static void pass_input(struct relay *r, int fd, bool readable)
{
	if (!r->n && readable && !r->ended) {
		r->n = read(STDIN_FILENO, r->bytes, sizeof(r->bytes));
		r->ended = r->n == 0 || (r->n < 0 && errno != EINTR && errno != EAGAIN);
		r->n = r->n < 0 ? 0 : r->n;
		if (r->ended)
			lend_put(fd, LEND_END, STR(""));
	}
	if (r->n && lend_put(fd, LEND_INPUT, (struct str){ r->bytes, (size_t)r->n }))
		r->n = 0;
}

static void turn(void *arg, struct act *act)
{
	struct relay *r = arg;
	int fd = act->terminal;
	struct pollfd p[3] = {
		{ .fd = inbox_fd(r->s->inbox), .events = POLLIN },
		{ .fd = fd, .events = (short)(POLLIN | (r->n ? POLLOUT : 0)) },
		{ .fd = r->open && !r->ended && !r->n && fd >= 0 ? STDIN_FILENO : -1, .events = POLLIN },
	};
	poll(p, 3, TURN_MS);
	if (fd < 0)
		return;
	if (r->n || p[2].revents)
		pass_input(r, fd, p[2].revents != 0);
	if (p[1].revents && !take_output(r, fd)) {
		close(fd);
		act->terminal = -1;
	}
}

static int run(struct session *s)
{
	const struct cli *c = s->cli;
	struct source *from = act_source(s, "shell", "pods", NULL);
	struct relay r = { .s = s, .code = -1, .ended = isatty(STDIN_FILENO) };
	json_t *argv = json_array(), *params;
	const char *why = NULL;
	int code = EXIT_USAGE;
	for (int i = 1; i < c->nargs; i++)
		json_array_append_new(argv, json_string(c->args[i]));
	params = json_pack("{s:o, s:b}", "argv", argv, "stdin", !r.ended);
	if (c->container)
		json_object_set_new(params, "container", json_string(c->container));
	char *text = json_dumps(params, JSON_COMPACT), *key = strchr(c->args[0], '/') || c->namespace ? act_key(s, "pods", c->args[0])
		: xasprintf("default/%s", c->args[0]);
	struct act *act = from ? act_start(s->actor, from, action_find(from->backend, "shell", "pods"), "pods", (const char *const *)&key, 1,
		text, &why) : NULL;
	if (act) {
		code = act_carry_out(s, act, turn, &r);
		if (act->terminal >= 0)
			take_output(&r, act->terminal);
		code = r.code >= 0 ? r.code : code;
	} else if (from) {
		print_line(stderr, "binnacle: %s", why);
		code = EXIT_REFUSED;
	}
	json_decref(params);
	free(text);
	free(key);
	return code;
}

int cli_exec(struct cli *c)
{
	int code;
	if (c->nargs < 2) {
		fputs("binnacle: exec takes POD -- COMMAND [ARGUMENT]..., such as: exec ml/model-api-0 -- ls /models\n", stderr);
		return EXIT_USAGE;
	}
	struct session *s = session_open(c, c->seed ? SESSION_DEMO : SESSION_CONFIGURED, &code);
	if (!s)
		return code;
	session_start(s);
	code = run(s);
	session_close(s);
	return code;
}
