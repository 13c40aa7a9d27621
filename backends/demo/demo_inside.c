/* demo_inside: what leads into the simulated cluster: forwarded ports (rows that nothing listens behind) and a shell of few words
 * in a container. The world stands still while somebody is in the shell, and catches up afterwards. */
#define _GNU_SOURCE
#include "backends/demo/world.h"
#include "base/action.h"
#include "base/forwards.h"
#include "base/lend.h"
#include <jansson.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>

static const char *const podlike[] = { "pods", "containers", NULL };
static const char *const targets[] = { "pods", "services", "deployments", "statefulsets", NULL };
static const char *const forwards[] = { "forwards", NULL };
const struct action demo_inside[] = {
	{ "shell", "Shell", "Run a shell in the container, on this terminal", podlike, RISK_DISRUPTIVE, false, NULL, .terminal = true },
	{ "forward", "Forward a port", "Open a port of this machine that leads there", targets, RISK_HARMLESS, false, NULL },
	{ "forward-stop", "End a forward", "Close the port and its connections", forwards, RISK_HARMLESS, true, NULL },
};

void demo_show_forwards(const struct world *w, struct buf *body)
{
	for (unsigned i = 0; i < w->nforwards; i++) {
		const struct forwarded *f = &w->forwards[i];
		struct str key = str_of(f->key), ns = str_split(&key, '/');
		char local[32];
		bool models = strstr(f->key, "model-api");
		snprintf(local, sizeof(local), "127.0.0.1:%u", f->local);
		forward_put(body, &(struct forward_row){ .key = str_of(f->key), .ns = ns, .target = key, .local = str_of(local),
			.status = STR("open"), .level = LEVEL_OK, .since = f->since, .total = models ? 12 : 0, .in = models ? 48200 : 0,
			.out = models ? 9100 : 0, .open = 0, .use = models ? STR(FORWARD_FOR_MODELS) : STR("hand") });
	}
}

static bool is_mine(const struct request *r)
{
	for (size_t i = 0; i < sizeof(demo_inside) / sizeof(*demo_inside); i++)
		if (!strcmp(r->what, demo_inside[i].name))
			return true;
	return false;
}

bool demo_inside_plan(struct world *w, struct link *l, const struct request *r)
{
	bool shell = !strcmp(r->what, "shell"), stop = !strcmp(r->what, "forward-stop");
	if (!is_mine(r))
		return false;
	json_t *plan = json_pack("{s:o, s:{s:s, s:s, s:s, s:i}, s:[s], s:[{s:o, s:s}], s:s}", "title", json_sprintf("%s %s",
		shell ? "shell in" : stop ? "end the forward" : "forward a port to", r->key), "target", "kind", r->kind, "key", r->key, "uid",
		"demo", "version", 1, "change", shell ? "your terminal goes to the container; exit or Ctrl-] comes back" : stop
		? "the port closes, and what is connected through it is cut" : "a free port of 127.0.0.1 leads to a ready pod of it", "steps", "do",
		json_sprintf(shell ? "GET %s/exec?command=sh&stdin=true&stdout=true&tty=true" : stop ? "close %s" : "GET %s/portforward?ports=8080",
		r->key), "body", "", "not_undone", shell ? "what is done in the shell is yours" : "nothing changes in the cluster");
	char *text = json_dumps(plan, JSON_COMPACT);
	link_answer(l, r->id, true, str_of(text));
	free(text);
	json_decref(plan);
	return true;
}

/* ---- the shell */

static void say(int fd, const char *text)
{
	lend_put(fd, LEND_OUTPUT, str_of(text));
}

/* False: it ends. */
static bool obey(int fd, const char *line, const char *key)
{
	char text[400];
	if (!strcmp(line, "exit"))
		return false;
	if (!strcmp(line, "ls"))
		say(fd, "app.py  model.joblib  requirements.txt\r\n");
	else if (!strcmp(line, "ps"))
		say(fd, "PID   USER     COMMAND\r\n    1 app      uvicorn app:api --port 8080\r\n   41 app      sh\r\n   52 app      ps\r\n");
	else if (!strcmp(line, "hostname")) {
		snprintf(text, sizeof(text), "%s\r\n", strchr(key, '/') ? strchr(key, '/') + 1 : key);
		say(fd, text);
	} else if (*line) {
		snprintf(text, sizeof(text), "sh: %.300s: not found in the demo (ls, ps, hostname, exit)\r\n", line);
		say(fd, text);
	}
	say(fd, "/app $ ");
	return true;
}

/* Lines as they are typed, until exit, Ctrl-D or the other end goes. */
static void run_shell(struct link *l, const struct request *r)
{
	char line[200] = "", bytes[LEND_MOST];
	size_t n = 0;
	bool on = true;
	lend_put(r->fd, LEND_OPEN, STR(""));
	say(r->fd, "a simulated container; exit or Ctrl-] comes back to binnacle\r\n/app $ ");
	while (on && !link_cancelled(l, r->id)) {
		enum lend_type type;
		ssize_t got = poll(&(struct pollfd){ r->fd, POLLIN, 0 }, 1, 500) > 0 ? lend_take(r->fd, &type, bytes) : -1;
		on = got != -2;
		for (ssize_t i = 0; on && got > 0 && type == LEND_INPUT && i < got; i++) {
			char c = bytes[i];
			if (c == '\r' || c == '\n' || c == 4) {
				say(r->fd, "\r\n");
				line[n] = '\0';
				on = c != 4 && obey(r->fd, line, r->key);
				n = 0;
			} else if ((c == 127 || c == 8) && n) {
				n--;
				say(r->fd, "\b \b");
			} else if (c >= ' ' && c < 127 && n < sizeof(line) - 1) {
				line[n++] = c;
				lend_put(r->fd, LEND_OUTPUT, (struct str){ &c, 1 });
			}
		}
	}
}

static void stop_forward(struct world *w, const char *key)
{
	for (unsigned i = 0; i < w->nforwards; i++)
		if (!strcmp(w->forwards[i].key, key)) {
			w->forwards[i] = w->forwards[--w->nforwards];
			return;
		}
}

bool demo_inside_run(struct world *w, struct link *l, const struct request *r)
{
	char text[120] = "it is closed";
	bool ok = true;
	if (!is_mine(r))
		return false;
	if (!strcmp(r->what, "shell")) {
		ok = r->fd >= 0;
		if (ok)
			run_shell(l, r);
		snprintf(text, sizeof(text), "%s", ok ? "it ended: exit code 0" : "there is no terminal to hand over");
	} else if (!strcmp(r->what, "forward-stop")) {
		stop_forward(w, r->key);
	} else {
		const char *slash = strchr(r->key, '/');
		ok = w->nforwards < FORWARDS_MAX && slash;
		if (ok) {
			struct forwarded *f = &w->forwards[w->nforwards++];
			*f = (struct forwarded){ .local = 40000 + 7 * w->nforwards, .since = w->now };
			snprintf(f->key, sizeof(f->key), "%.*s/%.*s/%s:8080", (int)(slash - r->key), r->key, (int)strlen(r->kind) - 1, r->kind, slash + 1);
		}
		snprintf(text, sizeof(text), ok ? "127.0.0.1:%u; see :forwards" : "too many ports are forwarded", 40000 + 7 * w->nforwards);
	}
	w->forwards_dirty = true;
	link_step(l, r->id, (struct msg_step){ .state = STEP_FINISHED, .ok = ok, .at = 1, .of = 1, .say = str_of(text) });
	return true;
}
