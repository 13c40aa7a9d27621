/* decode_pods.c: pods and their containers. The status is computed as printPod() does in k8s.io/kubernetes v1.34
 * pkg/printers/internalversion/printers.go, so that it is letter for letter kubectl's. Field numbers:
 * k8s.io/api v0.34 core/v1/generated.proto. */
#include "backends/kubernetes/decode_common.h"
#include "base/fmt.h"
#include <stdio.h>

/* A ContainerState. */
struct state {
	bool waiting, running, terminated;
	struct str reason;              /* of waiting or terminated */
	int32_t exit_code, signal;
	int64_t started, finished;
};

struct container_status {
	struct str name, image;
	struct state state, last;
	bool ready, started;
	int32_t restarts;
};

static void read_state(struct str s, struct state *st)
{
	struct pb r = pb_of(s);
	while (pb_next(&r)) {
		struct pb in = pb_of(r.bytes);
		if (r.field == 1) {
			st->waiting = true;
			while (pb_next(&in))
				if (in.field == 1)
					st->reason = in.bytes;
		} else if (r.field == 2) {
			st->running = true;
			while (pb_next(&in))
				if (in.field == 1)
					st->started = read_time(in.bytes);
		} else if (r.field == 3) {
			st->terminated = true;
			while (pb_next(&in)) {
				switch (in.field) {
				case 1: st->exit_code = (int32_t)in.number; break;
				case 2: st->signal = (int32_t)in.number; break;
				case 3: st->reason = in.bytes; break;
				case 5: st->started = read_time(in.bytes); break;
				case 6: st->finished = read_time(in.bytes); break;
				}
			}
		}
	}
}

static struct container_status read_container_status(struct str s)
{
	struct container_status c = { 0 };
	struct pb r = pb_of(s);
	while (pb_next(&r)) {
		switch (r.field) {
		case 1: c.name = r.bytes; break;
		case 2: read_state(r.bytes, &c.state); break;
		case 3: read_state(r.bytes, &c.last); break;
		case 4: c.ready = r.number != 0; break;
		case 5: c.restarts = (int32_t)r.number; break;
		case 6: c.image = r.bytes; break;
		case 9: c.started = r.number != 0; break;
		}
	}
	return c;
}

/* ---- what a pod asks for */

struct resources { int64_t cpu_request, cpu_limit, mem_request, mem_limit, gpus; };   /* -1 unknown */

static int64_t quantity_or(struct str text, bool milli, int64_t unknown)
{
	int64_t v;
	if (!(milli ? quantity_milli(text, &v) : quantity_units(text, &v)) || v < 0)
		return unknown;
	return v;
}

static void read_resource_map(struct str entry, int64_t *cpu, int64_t *mem)
{
	struct str key, value;
	read_entry(entry, &key, &value);
	if (str_is(key, "cpu"))
		*cpu = quantity_or(pb_get(value, 1), true, -1);
	else if (str_is(key, "memory"))
		*mem = quantity_or(pb_get(value, 1), false, -1);
}

/* A ResourceRequirements. */
static struct resources read_resources(struct str s)
{
	struct resources res = { -1, -1, -1, -1, 0 };
	struct pb r = pb_of(s);
	bool limits = false;
	while (pb_next(&r)) {
		if (r.field == 1) {
			read_resource_map(r.bytes, &res.cpu_limit, &res.mem_limit);
			limits = true;
		} else if (r.field == 2) {
			read_resource_map(r.bytes, &res.cpu_request, &res.mem_request);
		}
	}
	if (limits)
		res.gpus = count_gpus(s, 1);
	return res;
}

static int64_t sum_known(int64_t a, int64_t b)
{
	int64_t sum;
	if (a < 0 || b < 0)
		return a < 0 ? b : a;
	return __builtin_add_overflow(a, b, &sum) ? INT64_MAX : sum;
}

static int64_t larger(int64_t a, int64_t b)
{
	return a > b ? a : b;
}

/* As the scheduler counts (k8s.io/component-helpers resource.PodRequests): containers and sidecars together, or one
 * init container with the sidecars before it, whichever is more; and the overhead. */
struct asks { struct resources main, sidecars, init; bool unlimited; };

static void add_asks(struct asks *a, const struct resources *r, bool init, bool sidecar)
{
	struct resources *to = !init ? &a->main : &a->sidecars;
	if (init && !sidecar) {
		a->init.cpu_request = larger(a->init.cpu_request, sum_known(r->cpu_request, a->sidecars.cpu_request));
		a->init.mem_request = larger(a->init.mem_request, sum_known(r->mem_request, a->sidecars.mem_request));
		a->init.gpus = larger(a->init.gpus, r->gpus + a->sidecars.gpus);
		return;
	}
	to->cpu_request = sum_known(to->cpu_request, r->cpu_request);
	to->mem_request = sum_known(to->mem_request, r->mem_request);
	to->mem_limit = sum_known(to->mem_limit, r->mem_limit);
	to->gpus += r->gpus;
	if (r->mem_limit <= 0)
		a->unlimited = true;   /* the pod as a whole has no limit */
}

/* ---- the spec */

struct pod {
	struct str spec, status;
	unsigned containers, init_containers, sidecars, gates;
	struct asks asks;
	struct str phase, reason, ip, nominated;
	bool gated, initialized, initialized_seen, ready, unschedulable;
	/* Computed: */
	char made[48];                  /* a status that had to be put together */
	struct str status_text;
	unsigned ready_containers;
	int64_t restarts, restarted;
};

static bool is_sidecar(struct str container)
{
	return str_is(pb_get(container, 24), "Always");
}

static void read_container_spec(struct pod *p, struct str s, bool init)
{
	struct pb r = pb_of(s);
	struct resources res = { -1, -1, -1, -1, 0 };
	bool sidecar = false;
	while (pb_next(&r)) {
		if (r.field == 8)
			res = read_resources(r.bytes);
		else if (r.field == 24)
			sidecar = init && str_is(r.bytes, "Always");
	}
	p->init_containers += init;
	p->sidecars += sidecar;
	p->containers += !init;
	add_asks(&p->asks, &res, init, sidecar);
}

static void read_overhead(struct pod *p, struct str entry)
{
	int64_t cpu = -1, mem = -1;
	read_resource_map(entry, &cpu, &mem);
	p->asks.main.cpu_request = sum_known(p->asks.main.cpu_request, cpu);
	p->asks.main.mem_request = sum_known(p->asks.main.mem_request, mem);
	p->asks.init.cpu_request = sum_known(p->asks.init.cpu_request, cpu);
	p->asks.init.mem_request = sum_known(p->asks.init.mem_request, mem);
}

static void read_spec(struct pod *p, struct decoded_meta *m)
{
	const struct resources none = { -1, -1, -1, -1, 0 };
	struct pb r = pb_of(p->spec);
	p->asks = (struct asks){ none, none, none, false };
	while (pb_next(&r)) {
		switch (r.field) {
		case 2: read_container_spec(p, r.bytes, false); break;
		case 10: m->node = r.bytes; break;
		case 20: read_container_spec(p, r.bytes, true); break;
		case 28: p->gates++; break;
		}
	}
	for (r = pb_of(p->spec); pb_next(&r);)
		if (r.field == 32)
			read_overhead(p, r.bytes);
	const struct asks *a = &p->asks;
	m->cpu_request = larger(sum_known(a->main.cpu_request, a->sidecars.cpu_request), a->init.cpu_request);
	m->mem_request = larger(sum_known(a->main.mem_request, a->sidecars.mem_request), a->init.mem_request);
	m->mem_limit = a->unlimited ? -1 : sum_known(a->main.mem_limit, a->sidecars.mem_limit);
	m->gpus = larger(a->main.gpus + a->sidecars.gpus, a->init.gpus);
}

/* ---- the status */

static void read_pod_condition(struct pod *p, struct str s)
{
	struct condition c = read_condition(s, 5);
	if (str_is(c.type, "PodScheduled")) {
		p->gated |= str_is(c.reason, "SchedulingGated");
		p->unschedulable |= str_is(c.reason, "Unschedulable") && !condition_true(&c);
	} else if (str_is(c.type, "Initialized")) {
		if (!p->initialized_seen)
			p->initialized = condition_true(&c);
		p->initialized_seen = true;
	} else if (str_is(c.type, "Ready")) {
		p->ready |= condition_true(&c);
	}
}

static void read_status(struct pod *p)
{
	struct pb r = pb_of(p->status);
	bool have_ip = false;
	while (pb_next(&r)) {
		switch (r.field) {
		case 1: p->phase = r.bytes; break;
		case 2: read_pod_condition(p, r.bytes); break;
		case 4: p->reason = r.bytes; break;
		case 11: p->nominated = r.bytes; break;
		case 12:
			if (!have_ip)
				p->ip = pb_get(r.bytes, 1);
			have_ip = true;
			break;
		}
	}
}

static void make_status(struct pod *p, const char *fmt, int a, unsigned b)
{
	int n = snprintf(p->made, sizeof(p->made), fmt, a, b);
	p->status_text = (struct str){ p->made, n < (int)sizeof(p->made) ? (size_t)n : sizeof(p->made) - 1 };
}

/* "Init:" + reason. Reasons are words; one that is longer than our buffer is shortened. */
static void init_status(struct decoder *d, struct pod *p, struct str reason)
{
	buf_clear(&d->more);
	buf_adds(&d->more, "Init:");
	buf_addstr(&d->more, reason);
	p->status_text = buf_str(&d->more);
}

/* Whether the init container of that name is a sidecar. Statuses come in the order of the spec: *at goes along, and
 * only a name that is out of order is looked for from the start. */
static bool named_sidecar(const struct pod *p, struct pb *at, struct str name)
{
	for (int round = 0; round < 2; round++) {
		while (pb_next(at))
			if (at->field == 20 && str_eq(pb_get(at->bytes, 1), name))
				return is_sidecar(at->bytes);
		*at = pb_of(p->spec);
	}
	return false;
}

static void note_restart(int64_t *restarted, const struct state *last)
{
	if (last->terminated && last->finished > *restarted)
		*restarted = last->finished;
}

/* The init containers: true when the pod is still in them, with its status. */
static bool read_init_statuses(struct decoder *d, struct pod *p, int64_t *sidecar_restarts, int64_t *sidecar_restarted)
{
	struct pb r = pb_of(p->status), at = pb_of(p->spec);
	for (int i = 0; pb_next(&r);) {
		if (r.field != 10)
			continue;
		struct container_status c = read_container_status(r.bytes);
		bool sidecar = p->sidecars && named_sidecar(p, &at, c.name);
		p->restarts += c.restarts;
		note_restart(&p->restarted, &c.last);
		if (sidecar) {
			*sidecar_restarts += c.restarts;
			note_restart(sidecar_restarted, &c.last);
		}
		if (c.state.terminated && c.state.exit_code == 0) {
			i++;
			continue;
		}
		if (sidecar && c.started) {
			p->ready_containers += c.ready;
			i++;
			continue;
		}
		if (c.state.terminated && c.state.reason.n)
			init_status(d, p, c.state.reason);
		else if (c.state.terminated && c.state.signal)
			make_status(p, "Init:Signal:%d", c.state.signal, 0);
		else if (c.state.terminated)
			make_status(p, "Init:ExitCode:%d", c.state.exit_code, 0);
		else if (c.state.waiting && c.state.reason.n && !str_is(c.state.reason, "PodInitializing"))
			init_status(d, p, c.state.reason);
		else
			make_status(p, "Init:%d/%u", i, p->init_containers);
		return true;
	}
	return false;
}

/* The containers proper. Of several that have something to say the first is heard. */
static void read_container_statuses(struct pod *p)
{
	struct pb r = pb_of(p->status);
	bool said = false, has_running = false;
	while (pb_next(&r)) {
		if (r.field != 8)
			continue;
		struct container_status c = read_container_status(r.bytes);
		p->restarts += c.restarts;
		note_restart(&p->restarted, &c.last);
		if (!(c.state.waiting && c.state.reason.n) && !c.state.terminated) {
			if (c.ready && c.state.running) {
				has_running = true;
				p->ready_containers++;
			}
			continue;
		}
		if (said)
			continue;
		said = true;
		if (c.state.reason.n)
			p->status_text = c.state.reason;
		else if (c.state.signal)
			make_status(p, "Signal:%d", c.state.signal, 0);
		else
			make_status(p, "ExitCode:%d", c.state.exit_code, 0);
	}
	if (has_running && str_is(p->status_text, "Completed"))
		p->status_text = p->ready ? STR("Running") : STR("NotReady");
}

static void compute_status(struct decoder *d, struct pod *p, const struct decoded_meta *m)
{
	int64_t sidecar_restarts = 0, sidecar_restarted = 0;
	p->status_text = p->reason.n ? p->reason : p->phase;
	if (p->gated)
		p->status_text = STR("SchedulingGated");
	bool initializing = read_init_statuses(d, p, &sidecar_restarts, &sidecar_restarted);
	if (!initializing || p->initialized) {
		p->restarts = sidecar_restarts;
		p->restarted = sidecar_restarted;
		read_container_statuses(p);
	}
	if (m->deleted && str_is(p->reason, "NodeLost"))
		p->status_text = STR("Unknown");
	else if (m->deleted && !str_is(p->phase, "Succeeded") && !str_is(p->phase, "Failed"))
		p->status_text = STR("Terminating");
}

/* Of a status text; the rest of what is known about the pod decides between well and not. */
static enum level status_level(struct str s)
{
	static const struct { const char *word; enum level level; } known[] = {
		{ "Running", LEVEL_OK }, { "Completed", LEVEL_DONE }, { "Succeeded", LEVEL_DONE },
		{ "Pending", LEVEL_BUSY }, { "ContainerCreating", LEVEL_BUSY }, { "PodInitializing", LEVEL_BUSY },
		{ "Terminating", LEVEL_BUSY }, { "SchedulingGated", LEVEL_BUSY }, { "NotReady", LEVEL_DOUBT },
		{ "", LEVEL_NONE },
	};
	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (str_is(s, known[i].word))
			return known[i].level;
	if (str_starts(s, STR("Init:")) && s.n > 5 && s.p[5] >= '0' && s.p[5] <= '9')
		return LEVEL_BUSY;   /* Init:1/3 */
	return LEVEL_BAD;
}

static enum level pod_level(const struct pod *p)
{
	enum level level = status_level(p->status_text);
	if (str_is(p->phase, "Succeeded"))
		return LEVEL_DONE;
	if (str_is(p->phase, "Failed"))
		return LEVEL_BAD;
	if (level == LEVEL_OK && p->ready_containers < p->containers + p->sidecars)
		return LEVEL_DOUBT;
	if (level == LEVEL_BUSY && p->unschedulable && !p->gated)
		return LEVEL_DOUBT;
	return level;
}

/* How many of the readiness gates are met: by the first condition of that type. */
static unsigned gates_met(const struct pod *p)
{
	unsigned met = 0;
	struct pb gates = pb_of(p->spec);
	while (pb_next(&gates)) {
		if (gates.field != 28)
			continue;
		struct str type = pb_get(gates.bytes, 1);
		struct pb r = pb_of(p->status);
		while (pb_next(&r)) {
			if (r.field != 2 || !str_eq(pb_get(r.bytes, 1), type))
				continue;
			met += str_is(pb_get(r.bytes, 2), "True");
			break;
		}
	}
	return met;
}

static bool read_pod(struct decoder *d, struct str raw, struct decoded_meta *m, struct pod *p, struct str *metadata)
{
	struct parts parts;
	if (!read_parts(raw, &parts))
		return false;
	*metadata = parts.metadata;
	*p = (struct pod){ .spec = parts.spec, .status = parts.status };
	read_spec(p, m);
	read_status(p);
	compute_status(d, p, m);
	m->holds = m->node.n && !str_is(p->phase, "Succeeded") && !str_is(p->phase, "Failed");
	return true;
}

bool decode_pod(struct decoder *d, struct str raw, struct decoded_meta *m, struct buf *rows)
{
	struct pod p;
	struct str metadata;
	if (!read_pod(d, raw, m, &p, &metadata))
		return false;
	put_row(d, m, pod_level(&p), rows);
	put_names(m, true, rows);
	cell_int(rows, PAIR(p.ready_containers, p.containers + p.sidecars));
	cell_text_or_null(rows, p.status_text);
	cell_count(rows, p.restarts);
	cell_time(rows, m->created);
	cell_text_or_null(rows, p.ip);
	cell_text_or_null(rows, m->node);
	cell_text_or_null(rows, p.nominated);
	if (p.gates)
		cell_int(rows, PAIR(gates_met(&p), p.gates));
	else
		cell_null(rows);
	cell_keep(rows);   /* cpu, mem, mem_pct: metrics */
	cell_keep(rows);
	cell_keep(rows);
	m->gpus ? cell_count(rows, m->gpus) : cell_null(rows);
	cell_known(rows, m->cpu_request);
	cell_known(rows, m->mem_request);
	cell_known(rows, m->mem_limit);
	cell_time(rows, p.restarted);
	put_tail(d, metadata, m, rows);
	return true;
}

/* ---- containers */

enum role { ROLE_MAIN, ROLE_INIT, ROLE_SIDECAR, ROLE_DEBUG };

struct container {
	struct str name, image;
	enum role role;
	struct resources resources;
	bool liveness, readiness, startup;
};

static struct container read_container(struct str s, enum role role)
{
	struct container c = { .role = role, .resources = { -1, -1, -1, -1, 0 } };
	if (role == ROLE_DEBUG)
		s = pb_get(s, 1);   /* EphemeralContainerCommon has the same field numbers */
	struct pb r = pb_of(s);
	while (pb_next(&r)) {
		switch (r.field) {
		case 1: c.name = r.bytes; break;
		case 2: c.image = r.bytes; break;
		case 8: c.resources = read_resources(r.bytes); break;
		case 10: c.liveness = true; break;
		case 11: c.readiness = true; break;
		case 22: c.startup = true; break;
		case 24:
			if (role == ROLE_INIT && str_is(r.bytes, "Always"))
				c.role = ROLE_SIDECAR;
			break;
		}
	}
	return c;
}

/* The report on container `name`; as in named_sidecar *at goes along. */
static bool find_container_status(struct str status, uint32_t field, struct pb *at, struct str name,
                                  struct container_status *c)
{
	for (int round = 0; round < 2; round++) {
		while (pb_next(at)) {
			if (at->field != field || !str_eq(pb_get(at->bytes, 1), name))
				continue;
			*c = read_container_status(at->bytes);
			return true;
		}
		*at = pb_of(status);
	}
	return false;
}

static struct str state_text(struct pod *p, const struct state *s)
{
	if (s->reason.n)
		return s->reason;
	if (s->running)
		return STR("Running");
	if (s->terminated)
		make_status(p, s->signal ? "Signal:%d" : "ExitCode:%d", s->signal ? s->signal : s->exit_code, 0);
	return s->terminated ? p->status_text : STR("Waiting");
}

static enum level container_level(const struct container *c, const struct container_status *s, struct str text)
{
	if (s->state.terminated)
		return s->state.exit_code == 0 ? LEVEL_DONE : LEVEL_BAD;
	if (s->state.running)
		return s->ready || c->role == ROLE_DEBUG || c->role == ROLE_INIT ? LEVEL_OK : LEVEL_DOUBT;
	return str_is(text, "Waiting") ? LEVEL_BUSY : status_level(text);
}

static void container_key(struct decoder *d, const struct decoded_meta *m, struct str name)
{
	buf_clear(&d->key);
	buf_addstr(&d->key, m->ns);
	buf_addc(&d->key, '/');
	buf_addstr(&d->key, m->name);
	buf_addc(&d->key, '/');
	buf_addstr(&d->key, name);
}

static void put_ports(struct decoder *d, struct str container, struct buf *rows)
{
	struct pb r = pb_of(container);
	buf_clear(&d->text);
	while (pb_next(&r)) {
		if (r.field != 6)
			continue;
		struct pb in = pb_of(r.bytes);
		struct str protocol = { "", 0 };
		int32_t port = 0;
		while (pb_next(&in)) {
			if (in.field == 3)
				port = (int32_t)in.number;
			else if (in.field == 4)
				protocol = in.bytes;
		}
		buf_addf(&d->text, "%s%d/" STR_FMT, d->text.len ? "," : "", port, STR_ARG(protocol));
	}
	cell_text_or_null(rows, buf_str(&d->text));
}

static void put_container(struct decoder *d, struct str raw, const struct container *c,
                          const struct container_status *s, const struct decoded_meta *m, struct pod *p,
                          struct str metadata, struct buf *rows)
{
	static const char *const roles[] = { "main", "init", "sidecar", "debug" };
	struct str text = state_text(p, &s->state);
	container_key(d, m, c->name);
	rows_put(rows, buf_str(&d->key), container_level(c, s, text));
	cell_text_or_null(rows, m->ns);
	cell_text(rows, (struct str){ d->key.data, d->key.len - c->name.n - 1 });
	cell_text(rows, c->name);
	cell_word(rows, roles[c->role]);
	cell_int(rows, s->ready);
	cell_text(rows, text);
	cell_count(rows, s->restarts);
	cell_time(rows, s->state.started);
	cell_keep(rows);   /* cpu, mem, mem_pct: metrics */
	cell_keep(rows);
	cell_keep(rows);
	if (s->last.terminated)
		cell_text(rows, state_text(p, &s->last));
	else
		cell_null(rows);
	if (s->state.terminated || s->last.terminated)
		cell_int(rows, s->state.terminated ? s->state.exit_code : s->last.exit_code);
	else
		cell_null(rows);
	cell_text_or_null(rows, c->image);
	put_ports(d, c->role == ROLE_DEBUG ? pb_get(raw, 1) : raw, rows);
	buf_clear(&d->text);
	buf_adds(&d->text, c->startup ? "startup," : "");
	buf_adds(&d->text, c->readiness ? "readiness," : "");
	buf_adds(&d->text, c->liveness ? "liveness," : "");
	cell_text_or_null(rows, (struct str){ d->text.data, d->text.len ? d->text.len - 1 : 0 });
	cell_known(rows, c->resources.cpu_request);
	cell_known(rows, c->resources.cpu_limit);
	cell_known(rows, c->resources.mem_request);
	cell_known(rows, c->resources.mem_limit);
	cell_time(rows, s->last.terminated ? s->last.finished : 0);
	cell_text_or_null(rows, m->node);
	put_map(d, metadata, 11, rows);
	buf_clear(&d->text);
	buf_adds(&d->text, "Pod/");
	buf_addstr(&d->text, m->name);
	cell_text(rows, buf_str(&d->text));
	cell_text_or_null(rows, m->uid);
}

/* Container lists of the spec, and where their reports are in the status. */
static const struct { uint32_t spec, status; enum role role; } lists[] = {
	{ 20, 10, ROLE_INIT }, { 2, 8, ROLE_MAIN }, { 34, 13, ROLE_DEBUG },
};

bool decode_containers(struct decoder *d, struct str raw, struct decoded_meta *m, struct buf *rows)
{
	struct pod p;
	struct str metadata;
	if (!read_pod(d, raw, m, &p, &metadata))
		return false;
	for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++) {
		struct pb r = pb_of(p.spec), at = pb_of(p.status);
		while (pb_next(&r)) {
			if (r.field != lists[i].spec)
				continue;
			struct container c = read_container(r.bytes, lists[i].role);
			if (c.name.n > DECODE_NAME_MAX)
				continue;
			struct container_status s = { 0 };
			find_container_status(p.status, lists[i].status, &at, c.name, &s);
			put_container(d, r.bytes, &c, &s, m, &p, metadata, rows);
		}
	}
	return true;
}

bool delete_containers(struct decoder *d, struct str raw, const struct decoded_meta *m, struct buf *rows)
{
	struct parts parts;
	if (!read_parts(raw, &parts))
		return false;
	struct pb r = pb_of(parts.spec);
	while (pb_next(&r)) {
		if (r.field != 2 && r.field != 20 && r.field != 34)
			continue;
		container_key(d, m, pb_get(r.field == 34 ? pb_get(r.bytes, 1) : r.bytes, 1));
		rows_del(rows, buf_str(&d->key));
	}
	return true;
}
