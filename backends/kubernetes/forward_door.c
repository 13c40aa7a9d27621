/* forward_door: one door. Its thread accepts; each connection has a thread of its own that finds the pod, opens a WebSocket
 * to it and carries bytes until either side ends. Where the pod of before does not answer another ready one is tried at once. */
#define _GNU_SOURCE
#include "backends/kubernetes/forwards.h"
#include "backends/kubernetes/stream.h"
#include "backends/net/listen.h"
#include "base/mem.h"
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

enum { CALLS_MAX = 32, LOOK_MS = 15000, LOOK_EACH_MS = 5000, FRESH_MS = 30000, TELL_MS = 1000, UNSENT_MAX = 256 << 10, TRIES = 3 };

struct call {                    /* a connection */
	struct door *door;
	pthread_t thread;
	int fd;
	atomic_bool over;
	bool used;
};
struct door {
	struct forwards *all;
	struct kube *k;
	char *key, *kind, *ns, *name, *asked, *use;
	int local, listening, quit;      /* quit: an eventfd, readable when the door closes */
	atomic_bool closing;
	pthread_t thread;
	struct call calls[CALLS_MAX];    /* the door's thread */
	struct door_state s;             /* behind the list's lock, as are: */
	int port;                        /* of the pod s.pod, found at found_ms (mono); 0: none */
	int64_t found_ms;
};

const char *door_key(const struct door *d)
{
	return d->key;
}

static bool is_closing(void *door)
{
	const struct door *d = door;
	return atomic_load(&d->closing) || link_closing(d->k->link);
}

/* ---- which pod */

static bool pod_is_ready(const json_t *pod)
{
	return jis(jfind(pod, "status.conditions", "type", "Ready"), "status", "True") && !*jtext(pod, "metadata.deletionTimestamp");
}

const json_t *door_pick(const json_t *pods, const char *now)
{
	const json_t *found = NULL, *pod;
	size_t i;
	json_array_foreach(pods, i, pod)
		if (pod_is_ready(pod) && (!found || jis(pod, "metadata.name", now)))
			found = pod;
	return found;
}

static int port_of_containers(const json_t *pod, const char *name)
{
	json_t *c, *p;
	size_t i, n;
	json_array_foreach(jat(pod, "spec.containers"), i, c)
		json_array_foreach(json_object_get(c, "ports"), n, p)
			if (!*name || jis(p, "name", name))
				return (int)jint(p, "containerPort", 0);
	return 0;
}

int door_port(const json_t *target, const json_t *pod, const char *port)
{
	int64_t number = 0;
	json_t *p, *to = NULL;
	size_t i;
	bool is_number = str_to_i64(str_of(port), &number) && number > 0 && number < 65536;
	if (!jis(target, "kind", "Service"))
		return is_number ? (int)number : port_of_containers(pod, port);
	json_array_foreach(jat(target, "spec.ports"), i, p)
		if (!*port || (is_number ? jint(p, "port", 0) == number : jis(p, "name", port))) {
			to = json_object_get(p, "targetPort");
			if (json_is_string(to))
				return port_of_containers(pod, json_string_value(to));
			return (int)(json_is_integer(to) && json_integer_value(to) ? json_integer_value(to) : jint(p, "port", 0));
		}
	return 0;
}

static json_t *get(struct door *d, struct http *h, const char *path, char *why, size_t size)
{
	struct http_reply r;
	json_t *o = NULL;
	bool ok = http_call(h, &(struct http_request){ .path = path, .json = true, .timeout_ms = 10000, .cancelled = is_closing,
		.cancelled_arg = d }, &r);
	if (ok)
		o = json_loadb(r.body.data ? r.body.data : "", r.body.len, 0, NULL);
	snprintf(why, size, "%.300s", ok && !o ? "the answer is not JSON" : r.error);
	http_reply_release(&r);
	return o;
}

static void add_selector(struct buf *path, const json_t *labels)
{
	const char *name;
	json_t *value;
	bool first = true;
	buf_adds(path, "?limit=500&labelSelector=");
	json_object_foreach((json_t *)(uintptr_t)labels, name, value) {
		if (!first)
			buf_adds(path, "%2C");
		first = false;
		http_escape(path, str_of(name));
		buf_adds(path, "%3D");
		http_escape(path, str_of(json_is_string(value) ? json_string_value(value) : ""));
	}
}

/* All pods behind the target (one, for a pod itself) and the target; false: why. */
static bool read_pods(struct door *d, struct http *h, json_t **target, json_t **pods, char *why, size_t size)
{
	bool pod = !strcmp(d->kind, "pods"), service = !strcmp(d->kind, "services");
	struct buf path = { 0 };
	*pods = NULL;
	buf_adds(&path, pod || service ? "/api/v1/namespaces/" : "/apis/apps/v1/namespaces/");
	http_escape(&path, str_of(d->ns));
	buf_addf(&path, "/%s/", d->kind);
	http_escape(&path, str_of(d->name));
	*target = get(d, h, path.data, why, size);
	if (*target && pod) {
		*pods = json_pack("[O]", *target);
	} else if (*target) {
		json_t *labels = service ? jat(*target, "spec.selector") : jat(*target, "spec.selector.matchLabels"), *list = NULL;
		json_object_set_new(*target, "kind", json_string(service ? "Service" : "Workload"));
		buf_clear(&path);
		buf_adds(&path, "/api/v1/namespaces/");
		http_escape(&path, str_of(d->ns));
		buf_adds(&path, "/pods");
		add_selector(&path, labels);
		if (!json_object_size(labels))
			snprintf(why, size, "it selects no pods by labels");
		else if ((list = get(d, h, path.data, why, size)))
			*pods = json_incref(json_object_get(list, "items"));
		json_decref(list);
	}
	buf_release(&path);
	return *pods != NULL;
}

static void set_state(struct door *d, int is, const char *pod, const char *why)
{
	forwards_lock(d->all);
	if ((int)d->s.is != is || strcmp(d->s.pod, pod) || strcmp(d->s.why, why)) {
		if ((int)d->s.is != is)
			d->s.since = clock_wall(link_clock(d->k->link));
		d->s.is = (unsigned)is;
		snprintf(d->s.pod, sizeof(d->s.pod), "%s", pod);
		snprintf(d->s.why, sizeof(d->s.why), "%s", why);
		forwards_changed(d->all);
	}
	forwards_unlock(d->all);
}

/* Finds the pod and its port anew and says so in the row. not: a pod that just failed. Port 0: there is none. */
static int find_pod(struct door *d, struct http *h, const char *not, char *pod, size_t size)
{
	json_t *target = NULL, *pods = NULL;
	const json_t *found = NULL;
	char why[320] = "", now[256];
	int port = 0;
	forwards_lock(d->all);
	snprintf(now, sizeof(now), "%s", d->s.pod);
	forwards_unlock(d->all);
	pod[0] = '\0';
	if (read_pods(d, h, &target, &pods, why, sizeof(why))) {
		for (size_t i = json_array_size(pods); *not && i-- > 0 && json_array_size(pods) > 1;)
			if (jis(json_array_get(pods, i), "metadata.name", not))
				json_array_remove(pods, i);
		found = door_pick(pods, now);
		port = found ? door_port(target, found, d->asked) : 0;
		if (port)
			snprintf(pod, size, "%s", jtext(found, "metadata.name"));
		set_state(d, port ? DOOR_OPEN : DOOR_NO_POD, found ? jtext(found, "metadata.name") : "", port ? "" : found
		          ? "the pod has no such port" : json_array_size(pods) ? "no pod of it is ready" : "it has no pods");
	} else if (!is_closing(d)) {
		set_state(d, DOOR_FAILED, now, why);
	}
	json_decref(target);
	json_decref(pods);
	forwards_lock(d->all);
	d->port = port;
	d->found_ms = clock_mono(link_clock(d->k->link));
	forwards_unlock(d->all);
	return port;
}

/* The pod of a moment ago: a connection costs the server one request then, not three. */
static int known_pod(struct door *d, char *pod, size_t size)
{
	forwards_lock(d->all);
	int port = clock_mono(link_clock(d->k->link)) - d->found_ms < FRESH_MS && d->s.is == DOOR_OPEN ? d->port : 0;
	snprintf(pod, size, "%s", d->s.pod);
	forwards_unlock(d->all);
	return port;
}

/* ---- a connection */

struct carried { struct call *c; struct forwarding f; struct buf out; size_t out_at; char error[256]; };

static void on_message(void *arg, struct str m)
{
	struct carried *x = arg;
	struct str bytes;
	bool is_error;
	if (!forwarding_read(&x->f, m, &is_error, &bytes) || !bytes.n)
		return;
	if (is_error)
		snprintf(x->error, sizeof(x->error), "%.*s", (int)(bytes.n < 250 ? bytes.n : 250), bytes.p);
	else
		buf_addstr(&x->out, bytes);
}

static void count(struct door *d, int64_t in, int64_t out)
{
	if (!in && !out)
		return;
	forwards_lock(d->all);
	d->s.in += in;
	d->s.out += out;
	forwards_changed(d->all);
	forwards_unlock(d->all);
}

/* What came from the pod, to the local program. False: it went away. */
static bool write_out(struct carried *x)
{
	while (x->out_at < x->out.len) {
		ssize_t n = send(x->c->fd, x->out.data + x->out_at, x->out.len - x->out_at, MSG_NOSIGNAL | MSG_DONTWAIT);
		if (n < 0)
			return errno == EAGAIN || errno == EINTR;
		x->out_at += (size_t)n;
		count(x->c->door, n, 0);
	}
	buf_clear(&x->out);
	x->out_at = 0;
	return true;
}

/* What the local program sent. False: it is through. */
static bool read_in(struct carried *x, struct websocket *ws)
{
	char chunk[16384];
	ssize_t n = recv(x->c->fd, chunk, sizeof(chunk), MSG_DONTWAIT);
	if (n < 0)
		return errno == EAGAIN || errno == EINTR;
	if (!n)
		return false;
	websocket_send(ws, (struct str){ "\0", 1 }, (struct str){ chunk, (size_t)n });
	count(x->c->door, 0, n);
	return true;
}

/* The channel mode cannot close one direction: a program that shuts down its sending side still gets its answer, for as long
 * as something comes. */
static void carry(struct carried *x, struct websocket *ws)
{
	struct door *d = x->c->door;
	bool on = true, more = false, sends = true;
	while (on && !is_closing(d)) {
		bool read = x->out.len - x->out_at < UNSENT_MAX;
		bool take = sends && websocket_unsent(ws) < UNSENT_MAX;
		struct pollfd fds[3] = {
			{ .fd = websocket_fd(ws), .events = websocket_events(ws, read) },
			{ .fd = x->c->fd, .events = (short)((take ? POLLIN : 0) | (x->out.len ? POLLOUT : 0)) },
			{ .fd = d->quit, .events = POLLIN },
		};
		int n = poll(fds, 3, more && read ? 0 : 5000);
		if (!n && !sends && !more)
			break;
		if (fds[1].revents & (POLLIN | POLLERR | POLLHUP) && take)
			sends = read_in(x, ws);
		if (fds[1].revents & POLLERR)
			break;
		on = websocket_turn(ws, read, on_message, x, &more);
		if (!write_out(x))
			break;
	}
	for (int i = 0; i < 100 && !on && x->out.len && write_out(x) && x->out.len; i++)
		poll(&(struct pollfd){ x->c->fd, POLLOUT, 0 }, 1, 50);
}

static struct websocket *open_pod(struct door *d, struct http *h, char *pod, size_t size)
{
	char not[256] = "";
	struct websocket *ws = NULL;
	for (int i = 0; i < TRIES && !ws && !is_closing(d); i++) {
		struct http_reply reply;
		struct buf path = { 0 };
		int port = i ? 0 : known_pod(d, pod, size);
		port = port ? port : find_pod(d, h, not, pod, size);
		if (!port)
			break;
		buf_adds(&path, "/api/v1/namespaces/");
		http_escape(&path, str_of(d->ns));
		buf_adds(&path, "/pods/");
		http_escape(&path, str_of(pod));
		buf_addf(&path, "/portforward?ports=%d", port);
		ws = websocket_open(h, &(struct websocket_ask){ .path = path.data, .protocols = "v4.channel.k8s.io",
			.cancelled = is_closing, .cancelled_arg = d }, &reply);
		if (!ws && !is_closing(d))
			set_state(d, DOOR_FAILED, pod, reply.error);
		snprintf(not, sizeof(not), "%s", pod);
		http_reply_release(&reply);
		buf_release(&path);
	}
	return ws;
}

static void *serve(void *arg)
{
	struct call *c = arg;
	struct door *d = c->door;
	struct http *h = http_new(&d->k->conf, link_clock(d->k->link));
	struct carried x = { .c = c };
	char pod[256];
	forwards_lock(d->all);
	d->s.open++;
	d->s.total++;
	forwards_changed(d->all);
	forwards_unlock(d->all);
	struct websocket *ws = open_pod(d, h, pod, sizeof(pod));
	if (ws) {
		carry(&x, ws);
		if (*x.error)
			set_state(d, DOOR_OPEN, pod, x.error);
		websocket_free(ws);
	}
	if (!ws || *x.error)         /* so that whoever connected sees that it failed, not that it ended */
		setsockopt(c->fd, SOL_SOCKET, SO_LINGER, &(struct linger){ 1, 0 }, sizeof(struct linger));
	buf_release(&x.out);
	http_free(h);
	forwards_lock(d->all);
	d->s.open--;
	forwards_changed(d->all);
	forwards_unlock(d->all);
	shutdown(c->fd, SHUT_RDWR);
	atomic_store(&c->over, true);
	return NULL;
}

/* ---- the door */

static bool start_thread(pthread_t *thread, void *(*body)(void *), void *arg)
{
	sigset_t all, old;
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	bool ok = pthread_create(thread, NULL, body, arg) == 0;
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	return ok;
}

static void reap(struct door *d, bool all)
{
	for (unsigned i = 0; i < CALLS_MAX; i++) {
		struct call *c = &d->calls[i];
		if (!c->used || (!all && !atomic_load(&c->over)))
			continue;
		pthread_join(c->thread, NULL);
		close(c->fd);
		c->used = false;
	}
}

static void accept_one(struct door *d)
{
	int fd = accept4(d->listening, NULL, NULL, SOCK_CLOEXEC), on = 1;
	if (fd < 0)
		return;
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	for (unsigned i = 0; i < CALLS_MAX; i++) {
		struct call *c = &d->calls[i];
		if (c->used)
			continue;
		c->door = d;
		c->fd = fd;
		atomic_store(&c->over, false);
		c->used = start_thread(&c->thread, serve, c);
		if (c->used)
			return;
		break;
	}
	close(fd);                   /* too many at once */
}

/* Accepts; now and then looks whether a pod is there, so that the list says before anyone connects that it would not work. */
static void *run_door(void *arg)
{
	struct door *d = arg;
	struct http *h = http_new(&d->k->conf, link_clock(d->k->link));
	int64_t look = 0;
	while (!is_closing(d)) {
		struct pollfd fds[2] = { { d->listening, POLLIN, 0 }, { d->quit, POLLIN, 0 } };
		char pod[256];
		int64_t now = clock_mono(link_clock(d->k->link));
		if (now >= look && (!look || forwards_watched(d->all)))
			find_pod(d, h, "", pod, sizeof(pod));
		if (now >= look)
			look = now + LOOK_MS + LOOK_EACH_MS * (int64_t)forwards_count(d->all);
		poll(fds, 2, TELL_MS);
		if (fds[0].revents)
			accept_one(d);
		reap(d, false);
		forwards_tell(d->all);
	}
	reap(d, true);
	http_free(h);
	return NULL;
}

struct door *door_new(struct forwards *all, struct kube *k, const struct forward_ask *a, char *say, size_t size)
{
	int local = a->local, fd = listen_here(&local);
	if (fd < 0) {
		snprintf(say, size, "port %d of this machine cannot be used: %s%s", a->local, strerror(errno),
		         errno == EADDRINUSE ? "; name another as local=PORT, or 0 for a free one" : "");
		return NULL;
	}
	struct door *d = xcalloc(1, sizeof(*d));
	*d = (struct door){ .all = all, .k = k, .key = xasprintf("%s/%s/%s:%s", a->ns, a->kind, a->name, a->port),
		.kind = xstrdup(a->kind), .ns = xstrdup(a->ns), .name = xstrdup(a->name), .asked = xstrdup(a->port),
		.use = xstrdup(a->use), .local = local, .listening = fd, .quit = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK) };
	d->s.since = clock_wall(link_clock(k->link));
	snprintf(say, size, "127.0.0.1:%d", local);
	if (!start_thread(&d->thread, run_door, d)) {
		snprintf(say, size, "no thread could be started for it");
		close(fd);
		d->listening = -1;
		door_free(d);
		return NULL;
	}
	return d;
}

void door_free(struct door *d)
{
	atomic_store(&d->closing, true);
	eventfd_write(d->quit, 1);
	if (d->listening >= 0) {
		pthread_join(d->thread, NULL);
		close(d->listening);
	}
	close(d->quit);
	free(d->key);
	free(d->kind);
	free(d->ns);
	free(d->name);
	free(d->asked);
	free(d->use);
	free(d);
}

void door_put(const struct door *d, struct buf *out)
{
	static const struct { const char *word; enum level level; } states[] = {
		[DOOR_OPEN] = { "open", LEVEL_OK }, [DOOR_NO_POD] = { "no pod", LEVEL_BAD }, [DOOR_FAILED] = { "failing", LEVEL_BAD } };
	char local[32], pod[520];
	char *target = xasprintf("%.*s/%s%s%s", (int)strlen(d->kind) - 1, d->kind, d->name, *d->asked ? ":" : "", d->asked);
	snprintf(local, sizeof(local), "127.0.0.1:%d", d->local);
	snprintf(pod, sizeof(pod), "%s/%s", d->ns, d->s.pod);
	forward_put(out, &(struct forward_row){ .key = str_of(d->key), .ns = str_of(d->ns), .target = str_of(target),
		.local = str_of(local), .status = str_of(states[d->s.is].word), .level = states[d->s.is].level,
		.pod = str_of(*d->s.pod ? pod : ""), .use = str_of(d->use), .why = str_of(d->s.why), .open = d->s.open,
		.total = d->s.total, .in = d->s.in, .out = d->s.out, .since = d->s.since });
	free(target);
}
