/* demo_inside: what leads into the simulated cluster: forwarded ports (rows that nothing listens behind) and a shell of few words
 * in a container. The world stands still while somebody is in the shell, and catches up afterwards. */
#define _GNU_SOURCE
#include "backends/demo/ways.h"
#include "base/forwards.h"
#include "base/lend.h"
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>

static const char *const podlike[] = { "pods", "containers", NULL };
static const char *const targets[] = { "pods", "services", "deployments", "statefulsets", "daemonsets", "replicasets", NULL };
static const char *const forwards[] = { "forwards", NULL };
enum { SHELL, FORWARD, STOP, FROM, TO, DEBUG };
const struct action demo_acts_inside[] = { ACT_SHELL(podlike), ACT_FORWARD(targets), ACT_FORWARD_STOP(forwards), ACT_COPY_FROM(podlike),
	ACT_COPY_TO(podlike), ACT_DEBUG(podlike) };

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

/* "ns/pod" or "ns/pod/container": whether the pod is there. Others are taken by their word. */
static bool inside_state(struct doing *d, struct buf *out)
{
	struct str rest = str_of(d->r->key), ns = str_split(&rest, '/'), name = str_split(&rest, '/');
	bool pod = !strcmp(d->r->kind, "pods") || !strcmp(d->r->kind, "containers");
	struct str key = { d->r->key, (size_t)(name.p + name.n - d->r->key) };
	const struct pod *p = pod && ns.n && name.n ? world_find_pod(d->w, key) : NULL;
	buf_addf(out, "born %lld", p ? (long long)p->born : 0);
	return !pod || p;
}

static bool runs(const struct doing *d)
{
	struct str rest = str_of(d->r->key);
	str_split(&rest, '/');
	struct str name = str_split(&rest, '/');
	const struct pod *p = world_find_pod(d->w, (struct str){ d->r->key, (size_t)(name.p + name.n - d->r->key) });
	return p && p->state == RUNNING;
}

static void plan_shell(struct doing *d)
{
	bool debug = !strcmp(d->r->what, "debug");
	const char *image = doing_text(d->params, "image");
	SAY(d, "title", debug ? "debug container in %s" : "shell in %s", d->r->key);
	if (!runs(d))
		SAY(d, "blocked", "no container of it runs: there is nothing to %s", debug ? "look into" : "open a shell in");
	if (debug)
		SAY(d, "change", "a container with %s is added to the pod, and your terminal goes to it; exit or Ctrl-] comes back",
		    *image ? image : "busybox:1.36");
	else
		SAY(d, "change", "your terminal goes to the container; exit or Ctrl-] comes back");
	SAY(d, "warnings", "the container is simulated: it knows ls, ps, hostname and exit");
	doing_step(d, "", debug ? "PATCH %s/ephemeralcontainers" : "GET %s/exec?command=sh&stdin=true&stdout=true&tty=true", d->r->key);
	SAY(d, "not_undone", debug ? "the container stays in the pod until the pod ends" : "what is done in the shell is yours");
}

static void plan_files(struct doing *d)
{
	bool from = !strcmp(d->r->what, "copy-from");
	SAY(d, "blocked", from ? "the container is simulated: it has no files to copy" : "the container is simulated: there is nowhere to copy to");
	SAY(d, "change", from ? "%s of the container comes to %s" : "%s goes to %s in the container", doing_text(d->params, "path"),
	    *doing_text(d->params, "to") ? doing_text(d->params, "to") : from ? "." : "/tmp");
	doing_step(d, "", from ? "GET %s/exec?command=tar&command=cf" : "GET %s/exec?command=tar&command=xf", d->r->key);
}

static bool run_files(struct doing *d)
{
	buf_adds(&d->say, "the container is simulated: it has no files");
	return false;
}

static void plan_forward(struct doing *d)
{
	bool stop = !strcmp(d->r->what, "forward-stop");
	SAY(d, "title", stop ? "end the forward %s" : "forward a port to %s", d->r->key);
	if (!stop && (d->w->nforwards == FORWARDS_MAX || !strchr(d->r->key, '/')))
		SAY(d, "blocked", "too many ports are forwarded");
	SAY(d, "change", stop ? "the port closes, and what is connected through it is cut" : "a free port of 127.0.0.1 leads to a ready pod of it");
	doing_step(d, "", stop ? "close %s" : "GET %s/portforward?ports=8080", d->r->key);
	SAY(d, "not_undone", "nothing changes in the cluster");
}

/* ---- the shell */

static void show(int fd, const char *text)
{
	lend_put(fd, LEND_OUTPUT, str_of(text));
}

/* What the command says, with its line ends; its exit code, -1: the shell ends. */
static int obey(const char *line, const char *key, struct buf *out)
{
	if (!strcmp(line, "exit"))
		return -1;
	if (!strcmp(line, "ls"))
		buf_adds(out, "app.py  model.joblib  requirements.txt\r\n");
	else if (!strcmp(line, "ps"))
		buf_adds(out, "PID   USER     COMMAND\r\n    1 app      uvicorn app:api --port 8080\r\n   41 app      sh\r\n   52 app      ps\r\n");
	else if (!strcmp(line, "hostname"))
		buf_addf(out, "%s\r\n", strchr(key, '/') ? strchr(key, '/') + 1 : key);
	else if (*line) {
		buf_addf(out, "sh: %.300s: not found in the demo (ls, ps, hostname, exit)\r\n", line);
		return 127;
	}
	return 0;
}

/* A command without a terminal (binnacle exec): what it says, and its exit code. */
static int run_command(const struct doing *d, const json_t *argv)
{
	struct buf line = { 0 }, out = { 0 };
	char text[8];
	size_t i, from = 0;
	json_t *word;
	json_array_foreach(argv, i, word)
		buf_addf(&line, "%s%s", i ? " " : "", json_string_value(word));
	int code = obey(line.data ? line.data : "", d->r->key, &out);
	lend_put(d->r->fd, LEND_OPEN, STR(""));
	for (size_t k = 0; k < out.len; k++)             /* lines as a pipe has them */
		if (out.data[k] != '\r')
			out.data[from++] = out.data[k];
	lend_put(d->r->fd, code > 0 ? LEND_ERROR : LEND_OUTPUT, (struct str){ out.data, from });
	snprintf(text, sizeof(text), "%d", code < 0 ? 0 : code & 255);
	lend_put(d->r->fd, LEND_CODE, str_of(text));
	buf_release(&line);
	buf_release(&out);
	return code < 0 ? 0 : code;
}

/* Lines as they are typed, until exit, Ctrl-D or the other end goes. */
static void run_shell(struct link *l, const struct request *r)
{
	char line[200] = "", bytes[LEND_MOST];
	size_t n = 0;
	bool on = true;
	lend_put(r->fd, LEND_OPEN, STR(""));
	show(r->fd, "a simulated container; exit or Ctrl-] comes back to binnacle\r\n/app $ ");
	while (on && !link_cancelled(l, r->id)) {
		enum lend_type type;
		ssize_t got = poll(&(struct pollfd){ r->fd, POLLIN, 0 }, 1, 500) > 0 ? lend_take(r->fd, &type, bytes) : -1;
		on = got != -2;
		for (ssize_t i = 0; on && got > 0 && type == LEND_INPUT && i < got; i++) {
			char c = bytes[i];
			if (c == '\r' || c == '\n' || c == 4) {
				show(r->fd, "\r\n");
				line[n] = '\0';
				struct buf out = { 0 };
				on = c != 4 && obey(line, r->key, &out) >= 0;
				lend_put(r->fd, LEND_OUTPUT, buf_str(&out));
				buf_release(&out);
				if (on)
					show(r->fd, "/app $ ");
				n = 0;
			} else if ((c == 127 || c == 8) && n) {
				n--;
				show(r->fd, "\b \b");
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

static bool run_inside(struct doing *d)
{
	const json_t *argv = json_object_get(d->params, "argv");
	bool ok = d->r->fd >= 0;
	int code = 0;
	if (ok && argv)
		code = run_command(d, argv);
	else if (ok)
		run_shell(d->l, d->r);
	if (ok)
		buf_addf(&d->say, "it ended: exit code %d", code);
	else
		buf_adds(&d->say, "there is no terminal to hand over");
	return ok;
}

static bool run_stop(struct doing *d)
{
	stop_forward(d->w, d->r->key);
	d->w->forwards_dirty = true;
	buf_adds(&d->say, "it is closed");
	return true;
}

static bool run_forward(struct doing *d)
{
	struct world *w = d->w;
	const char *slash = strchr(d->r->key, '/');
	int64_t local = plan_param_int(d->params, "local", 0);
	if (w->nforwards == FORWARDS_MAX || !slash)
		return false;
	struct forwarded *f = &w->forwards[w->nforwards++];
	*f = (struct forwarded){ .local = local > 0 && local < 65536 ? (unsigned)local : 40000 + 7 * w->nforwards, .since = w->now };
	snprintf(f->key, sizeof(f->key), "%.*s/%.*s/%s:8080", (int)(slash - d->r->key), d->r->key, (int)strlen(d->r->kind) - 1, d->r->kind, slash + 1);
	w->forwards_dirty = true;
	buf_addf(&d->say, "127.0.0.1:%u; see :forwards", f->local);
	return true;
}

const struct demo_way demo_ways_inside[] = {
	{ demo_acts_inside + SHELL, inside_state, plan_shell, run_inside },
	{ demo_acts_inside + DEBUG, inside_state, plan_shell, run_inside },
	{ demo_acts_inside + FORWARD, inside_state, plan_forward, run_forward },
	{ demo_acts_inside + STOP, inside_state, plan_forward, run_stop },
	{ demo_acts_inside + FROM, inside_state, plan_files, run_files },
	{ demo_acts_inside + TO, inside_state, plan_files, run_files },
	{ .action = NULL },
};
