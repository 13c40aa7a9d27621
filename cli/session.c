/* session: see session.h. */
#define _GNU_SOURCE
#include "cli/session.h"
#include "cli/replay.h"
#include "backends/list.h"
#include "backends/net/pg_audit.h"
#include "backends/net/pg_history.h"
#include "base/fmt.h"
#include "base/guard.h"
#include "base/history.h"
#include "base/kinds.h"
#include "base/mem.h"
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>

enum { INBOX_BYTES = 4 << 20, SETTLE_MS = 5000, PLAYED_MS = 50 };

struct session_private {
	struct clock_shifted shifted;
	struct clock_leaping leaping;    /* the demo's tour jumps ahead */
	struct guard_rule *rules;
	struct approvers *approvers;
	struct audit_copy *copies[2];    /* of the audit trail: to PostgreSQL, to syslog */
	atomic_bool copies_closing[2];
	struct yaml_doc **settings;      /* made from the command line */
	unsigned nsettings;
	struct replay *replay;
	struct backend *recorded;        /* of each source of the replay */
	const struct backend **shaped; unsigned nshaped;   /* made from settings */
	pthread_t player;
	bool playing;
	atomic_bool played;
	bool over;                       /* it has been played, and what it put into the inbox was taken */
	atomic_bool quit;
};

/* ---- places */

static char *xdg(const char *variable, const char *under_home)
{
	const char *dir = getenv(variable), *home = getenv("HOME");
	if (dir && dir[0] == '/')
		return xasprintf("%s/binnacle", dir);
	return home && *home ? xasprintf("%s/%s/binnacle", home, under_home) : xstrdup("/nonexistent/binnacle");
}

char *session_config_dir(void)
{
	return xdg("XDG_CONFIG_HOME", ".config");
}

/* ---- sources */

static struct source *add_source(struct session *s, const char *name, const char *environment,
                                 const struct backend *b, const struct yaml *settings)
{
	uint16_t index = store_add_source(s->store, name, environment);
	s->sources = xreallocarray(s->sources, s->nsources + 1, sizeof(struct source *));
	struct source *made = source_new(index, name, environment, b, settings, &s->clock, s->inbox);
	const struct config_environment *env = s->config ? config_environment(s->config, environment) : NULL;
	const char *readonly = config_text(s->config, "readonly");
	made->readonly = s->cli->readonly || (env && strcmp(env->guard, "read-only") == 0) ||
	                 (readonly && strchr("ty1", readonly[0])) || (readonly && strcmp(readonly, "on") == 0);
	source_keep(made, s->history);
	s->sources[s->nsources++] = made;
	s->store->sources[index].source = made;
	return made;
}

/* Settings of a source that are not from a file; kept until the session ends. */
static const struct yaml *keep_settings(struct session *s, struct str text)
{
	struct yaml_error err;
	struct yaml_doc *doc = yaml_parse(text, &err);
	if (!doc)
		return NULL;
	struct session_private *p = s->priv;
	p->settings = xreallocarray(p->settings, p->nsettings + 1, sizeof(struct yaml_doc *));
	p->settings[p->nsettings++] = doc;
	return yaml_root(doc);
}

/* Settings as binnacle.yaml would have them, from the command line, and more of them as it has them. */
static const struct yaml *settings_of(struct session *s, const char *const *names, const char *const *values, size_t n,
                                      const char *more)
{
	struct buf b = { 0 };
	buf_addf(&b, "{%s", more);
	for (size_t i = 0; i < n; i++) {
		if (!values[i])
			continue;
		buf_addf(&b, "%s%s: '", b.data[b.len - 1] != '{' ? ", " : "", names[i]);
		for (const char *p = values[i]; *p; p++)
			buf_adds(&b, *p == '\'' ? "''" : (char[]){ *p, 0 });
		buf_addc(&b, '\'');
	}
	buf_addc(&b, '}');
	const struct yaml *made = keep_settings(s, buf_str(&b));
	buf_release(&b);
	return made;
}

/* The demo's costs are made from its nodes as any cluster's are: a session of ten hours that began before the visitor came. */
static void add_demo_cost(struct session *s)
{
	time_t start = (time_t)(clock_wall(&s->clock) / 1000) - (5 * 60 + 50) * 60;
	struct buf b = { 0 };
	struct tm tm;
	gmtime_r(&start, &tm);
	buf_adds(&b, "{budgets: {session: {amount: 160, hours: 10, start: '");
	buf_reserve(&b, 32);
	b.len += strftime(b.data + b.len, 32, "%Y-%m-%dT%H:%M:%SZ", &tm);
	buf_adds(&b, "'}, month: {amount: 12000, period: month}}, nat_gateways: 3, models: {real_estate_model: ml-serving/model-api, "
	         "fraud_score: billing/payments, image_embedder: ml-serving/embedder}}");
	add_source(s, "cost", "demo", &backend_cost, keep_settings(s, buf_str(&b)));
	buf_release(&b);
}

static void add_kubernetes(struct session *s)
{
	const struct cli *c = s->cli;
	const char *const names[] = { "context", "kubeconfig", "namespace" };
	const char *const values[] = { c->context, c->kubeconfig, c->namespace };
	add_source(s, c->context ? c->context : "kubernetes", "", &backend_kubernetes,
	           settings_of(s, names, values, ARRAY_SIZE(names), ""));
}

static const struct backend *find_backend(const char *name)
{
	const struct backend *const *b = backends_all;
	while (*b && strcmp((*b)->name, name) != 0)
		b++;
	return *b;
}

const struct backend *session_backend(const struct config *config, const struct config_source *x, struct config_errors *errors)
{
	const struct backend *b = find_backend(x->type);
	return b->shape ? b->shape(x->settings, config->path, errors) : b;
}

/* Kinds that a source made from its settings brings along: new ones, or those that another such has too, column by column. */
static void add_kinds(struct session *s, const struct config_source *x, const struct backend *b, struct config_errors *errors)
{
	for (const struct kind *const *k = b->kinds; *k; k++) {
		const struct table *there = store_table(s->store, (*k)->name);
		struct buf mine = { 0 }, theirs = { 0 };
		kind_write(*k, &mine);
		if (there)
			kind_write(there->kind, &theirs);
		if (!there)
			store_add_kind(s->store, *k);
		else if (!str_eq(buf_str(&mine), buf_str(&theirs)))
			config_complain(errors, s->config->path, x->settings, "kind '%s' of source '%s' has other columns than another source's",
			                (*k)->name, x->name);
		buf_release(&mine);
		buf_release(&theirs);
	}
}

static const struct backend *shape(struct session *s, const struct config_source *x, struct config_errors *errors)
{
	struct session_private *p = s->priv;
	const struct backend *b = session_backend(s->config, x, errors);
	if (!b || !b->unshape)
		return b;
	p->shaped = xreallocarray(p->shaped, p->nshaped + 1, sizeof(*p->shaped));
	p->shaped[p->nshaped++] = b;
	add_kinds(s, x, b, errors);
	return b;
}

/* --context and --kubeconfig stand in for the configured clusters; other sources stay. */
static bool add_configured(struct session *s)
{
	const struct cli *c = s->cli;
	bool own_cluster = c->context || c->kubeconfig;
	struct config_errors errors = { 0 };
	if (own_cluster)
		add_kubernetes(s);
	for (unsigned i = 0; i < s->config->nsources; i++) {
		const struct config_source *x = &s->config->sources[i];
		const struct backend *b = shape(s, x, &errors);
		if (b && !(own_cluster && b == &backend_kubernetes))
			add_source(s, x->name, x->environment, b, x->settings);
	}
	if (!errors.n)
		guards_check(s->config, backends_all, s->priv->shaped, s->priv->nshaped, &errors);
	session_print_errors(&errors);
	bool ok = errors.n == 0;
	config_errors_release(&errors);
	return ok;
}

bool session_config(const struct cli *c, struct config **config)
{
	struct config_errors errors = { 0 };
	char *path = config_find(c->config);
	*config = path ? config_load(path, session_source_types(), &errors) : NULL;
	session_print_errors(&errors);
	free(path);
	bool ok = errors.n == 0;
	config_errors_release(&errors);
	return ok;
}

static bool add_sources(struct session *s, enum session_kind kind)
{
	const struct cli *c = s->cli;
	if (kind == SESSION_DEMO) {
		const char *const names[] = { "seed" };
		struct config_errors errors = { 0 };
		s->config = config_parse(str_of(demo_config), "demo", session_source_types(), &errors);
		session_print_errors(&errors);
		config_errors_release(&errors);
		add_source(s, "demo", "demo", &backend_demo, settings_of(s, names, &c->seed, 1, demo_retrain));
		add_demo_cost(s);
		return true;
	}
	if (s->config && s->config->nsources)
		return add_configured(s);
	if (!c->context && !c->kubeconfig && backend_kubernetes.by_itself && !backend_kubernetes.by_itself()) {
		fputs("binnacle: nothing to connect to: no kubeconfig ($KUBECONFIG, ~/.kube/config), no binnacle.yaml; "
		      "try `binnacle demo`, or --kubeconfig FILE\n", stderr);
		return false;
	}
	add_kubernetes(s);
	return true;
}

/* ---- replay */

static void *play(void *arg)
{
	struct session *s = arg;
	struct session_private *p = s->priv;
	replay_play(p->replay, s->inbox, &s->clock, &p->quit);
	atomic_store(&p->played, true);
	return NULL;
}

static bool read_again(const struct session *s)
{
	struct stat st;
	return stat(s->cli->replay, &st) == 0 && S_ISREG(st.st_mode);
}

/* A recorded source, to be asked again. Where it is not known what it was (records of version 1), and from a pipe, which
 * is read only once, it has lists only. */
static void add_recorded(struct session *s, unsigned i)
{
	struct session_private *p = s->priv;
	const char *environment, *name = replay_source(p->replay, i, &environment);
	const struct backend *b = find_backend(replay_source_type(p->replay, i));
	if (!b || !read_again(s)) {
		store_add_source(s->store, name, environment);
		return;
	}
	char index[12];
	snprintf(index, sizeof(index), "%u", i);
	const char *const names[] = { "file", "source" };
	const char *const values[] = { s->cli->replay, index };
	p->recorded[i] = replay_backend(b);
	add_source(s, name, environment, &p->recorded[i], settings_of(s, names, values, ARRAY_SIZE(names), ""))->readonly = true;
}

uint64_t session_recorded(const struct session *s, const char *kind, int wait_ms)
{
	return read_again(s) ? replay_listing(s->cli->replay, kind, wait_ms) : 0;
}

bool session_played(const struct session *s)
{
	return s->priv->over;
}

static bool open_replay(struct session *s)
{
	char why[300];
	struct session_private *p = s->priv;
	if (!(p->replay = replay_open(s->cli->replay, why, sizeof(why)))) {
		fprintf(stderr, "binnacle: %s\n", why);
		return false;
	}
	s->clock = clock_from(&p->shifted, replay_started(p->replay));
	p->recorded = xcalloc(replay_sources(p->replay) + 1, sizeof(*p->recorded));
	for (unsigned i = 0; i < replay_sources(p->replay); i++)
		add_recorded(s, i);
	return true;
}

/* ---- the whole */

const char *session_setting(const struct session *s, const char *key)
{
	return config_text(s->config, key);
}

const struct config_type_keys *session_source_types(void)
{
	static struct config_type_keys types[ARRAY_SIZE(backends_all)];     /* constant once filled */
	for (size_t i = 0; backends_all[i]; i++)
		types[i] = (struct config_type_keys){ backends_all[i]->name, backends_all[i]->title, backends_all[i]->keys };
	return types;
}

void session_print_errors(const struct config_errors *e)
{
	for (unsigned i = 0; i < e->n; i++)
		if (e->list[i].line)
			fprintf(stderr, "binnacle: %s:%u:%u: %s\n", e->list[i].file, e->list[i].line, e->list[i].column, e->list[i].what);
		else
			fprintf(stderr, "binnacle: %s: %s\n", e->list[i].file, e->list[i].what);
}

char *session_audit_path(void)
{
	char *dir = xdg("XDG_STATE_HOME", ".local/state"), *path = xasprintf("%s/audit.jsonl", dir);
	free(dir);
	return path;
}

struct approvers *session_approvers(const struct config *config)
{
	char *dir = xdg("XDG_CONFIG_HOME", ".config"), *key = xasprintf("%s/approval.key", dir);
	struct approvers *a = approvers_new(config, key);
	free(key);
	free(dir);
	return a;
}

static void open_copies(struct session *s, const char *path)
{
	struct session_private *p = s->priv;
	const struct yaml *audit = s->config ? yaml_get(s->config->root, "audit") : NULL, *pg = yaml_get(audit, "postgres");
	const char *facility = yaml_text(audit, "syslog");
	struct audit_sink sink;
	if (pg && pg->type == YAML_MAP) {
		sink = pg_audit_new(pg, path, &p->copies_closing[0]);
		p->copies[0] = audit_copy_new(path, &sink, &p->copies_closing[0]);
	}
	if (facility) {
		sink = audit_syslog(facility);
		p->copies[1] = audit_copy_new(path, &sink, &p->copies_closing[1]);
	}
	actor_copies(s->actor, p->copies, ARRAY_SIZE(p->copies));
}

static void open_actor(struct session *s, enum session_kind kind)
{
	char why[300], *path = session_audit_path();
	unsigned n = 0, most = (s->config ? s->config->nenvironments : 0) + 2;
	struct guard_rule *rules = s->priv->rules = xcalloc(most, sizeof(*rules));
	rules[n++] = (struct guard_rule){ "", GUARD_CONFIRM, 20 };
	rules[n++] = (struct guard_rule){ "demo", GUARD_CONFIRM, 20 };
	for (unsigned i = 0; n < most; i++) {
		const struct config_environment *e = &s->config->environments[i];
		enum guard guard = !strcmp(e->guard, "confirm") ? GUARD_CONFIRM : !strcmp(e->guard, "type-name") ? GUARD_TYPE_NAME
			: GUARD_READONLY;
		rules[n++] = (struct guard_rule){ e->name, guard, e->limit };
	}
	s->audit = audit_open(path, &clock_system, why, sizeof(why));          /* its folder is the one of all our state */
	s->actor = actor_new(s->store, s->audit, guards_new(rules, n, s->config ? yaml_get(s->config->root, "guards") : NULL), &s->clock);
	char *folder = xasprintf("%s/%srunbooks", s->state_dir, kind == SESSION_DEMO ? "demo-" : "");
	s->runbooks = runbooks_new(s->actor, s->store, s->sources, s->nsources, s->config, folder, &s->clock);
	free(folder);
	open_copies(s, path);
	actor_approvers(s->actor, s->priv->approvers = session_approvers(s->config));
	free(path);
}

/* What is seen is kept as `history:` has it; with a team, in its database too. */
static void open_history(struct session *s)
{
	const struct yaml *mine = s->config ? yaml_get(s->config->root, "history") : NULL, *team = mine ? yaml_get(mine, "postgres") : NULL;
	const char *keep = mine ? yaml_text(mine, "keep") : NULL;
	double keep_ms;
	if (s->history && team)
		history_share(s->history, pg_history_new(team, history_closing(s->history)));
	if (!keep || !duration_parse(str_of(keep), true, &keep_ms) || keep_ms < 24 * 3600e3 || keep_ms > 3650 * 24 * 3600e3)
		keep_ms = (double)CHRONICLE_KEEP_MS;
	s->chronicle = chronicle_new(s->store, s->history, s->cli->replay || !s->audit ? NULL : audit_path(s->audit), (int64_t)keep_ms, &s->clock);
}

static void asks(void *record, const struct source *s, const struct request *r)
{
	record_ask(record, s->index, r);
}

struct session *session_open(const struct cli *c, enum session_kind kind, int *exit_code)
{
	char why[300];
	struct session *s = xcalloc(1, sizeof(*s));
	s->priv = xcalloc(1, sizeof(*s->priv));
	s->cli = c;
	s->clock = kind == SESSION_DEMO ? clock_leaps(&s->priv->leaping) : clock_system;
	s->inbox = inbox_new(INBOX_BYTES);
	s->store = store_new(&s->clock);
	s->config_dir = session_config_dir();
	s->state_dir = xdg("XDG_STATE_HOME", ".local/state");
	if (!c->replay && kind != SESSION_DEMO) {
		char *path = xasprintf("%s/history.db", s->state_dir);
		s->history = history_new(path);
		free(path);
	}
	*exit_code = EXIT_USAGE;
	for (const struct kind *const *k = kinds_all; *k; k++)
		store_add_kind(s->store, *k);
	if (!(c->replay ? open_replay(s) : (kind == SESSION_DEMO || session_config(c, &s->config)) && add_sources(s, kind))) {
		session_close(s);
		return NULL;
	}
	s->feed = feed_new(s->store, s->sources, s->nsources);
	s->environment = s->store->nsources ? s->store->sources[0].environment : "";
	open_actor(s, kind);
	open_history(s);
	if (c->record && !(s->record = record_open(c->record, s->store, why, sizeof(why)))) {
		fprintf(stderr, "binnacle: %s\n", why);
		session_close(s);
		return NULL;
	}
	for (unsigned i = 0; s->record && i < s->nsources; i++) {
		s->sources[i]->on_ask = asks;
		s->sources[i]->on_ask_arg = s->record;
	}
	return s;
}

void session_start(struct session *s)
{
	for (unsigned i = 0; i < s->nsources; i++)
		source_start(s->sources[i]);
	if (s->priv->replay)
		s->priv->playing = pthread_create(&s->priv->player, NULL, play, s) == 0;
}

void session_close(struct session *s)
{
	struct session_private *p = s->priv;
	atomic_store(&p->quit, true);
	inbox_wake_senders(s->inbox);
	if (p->playing)
		pthread_join(p->player, NULL);
	runbooks_free(s->runbooks);
	actor_free(s->actor);
	approvers_free(p->approvers);
	for (size_t i = 0; i < ARRAY_SIZE(p->copies); i++)
		audit_copy_free(p->copies[i], 1000);
	feed_free(s->feed);
	chronicle_free(s->chronicle);
	bool over = true;
	for (unsigned i = 0; i < s->nsources; i++)
		over &= source_stop(s->sources[i], 1500);
	if (over)
		history_free(s->history);
	else
		history_flush(s->history, NULL);     /* a thread that was left behind may still use it */
	audit_close(s->audit);
	if (s->record && record_error(s->record))
		fprintf(stderr, "binnacle: %s\n", record_error(s->record));
	record_close(s->record);
	replay_close(p->replay);
	store_free(s->store);
	inbox_free(s->inbox);
	for (unsigned i = 0; i < p->nsettings; i++)
		yaml_doc_free(p->settings[i]);
	free(p->settings);
	free(p->recorded);
	for (unsigned i = 0; over && i < p->nshaped; i++)
		p->shaped[i]->unshape(p->shaped[i]);
	free(p->shaped);
	free(p->rules);
	config_free(s->config);
	free(s->sources);
	free(s->config_dir);
	free(s->state_dir);
	free(p);
	free(s);
}

void session_saw(void *arg, const struct msg *m)
{
	struct session *s = arg;
	if (s->record)
		record_add(s->record, m);
}

bool session_run(struct session *s, int wait_ms, bool (*done)(void *arg), void *arg)
{
	int64_t until = clock_mono(&clock_system) + wait_ms;
	for (;;) {
		bool played = atomic_load(&s->priv->played);   /* before the inbox is empty, or its last rows might be left there */
		struct msg *m;
		while ((m = inbox_take(s->inbox))) {
			session_saw(s, m);
			store_apply(s->store, m, 0);
		}
		s->priv->over = played;
		chronicle_tick(s->chronicle);
		if (done(arg))
			return true;
		int64_t left = until - clock_mono(&clock_system);
		if (left <= 0)
			return false;
		if (s->cli->replay && left > PLAYED_MS)        /* that it has ended wakes nobody */
			left = PLAYED_MS;
		struct pollfd fd = { inbox_fd(s->inbox), POLLIN, 0 };
		poll(&fd, 1, (int)left);
	}
}

uint64_t session_watch(struct session *s, const char *kind, const char *scope)
{
	uint64_t asked = 0;
	bool ours = false;
	for (unsigned i = 0; i < s->nsources; i++)
		ours = ours || backend_fills(s->sources[i]->backend, kind);
	for (unsigned i = 0; i < s->nsources; i++) {
		/* a kind of no table of ours may be a custom resource: whoever knows the kinds of a cluster is asked */
		if (ours ? !backend_fills(s->sources[i]->backend, kind) : !backend_fills(s->sources[i]->backend, "pods"))
			continue;
		source_ask(s->sources[i], request_new(REQ_WATCH, kind, str_of(scope), "", ""));
		if (ours)
			feed_on(s->feed, i, kind);
		asked |= i < 64 ? (uint64_t)1 << i : 0;
	}
	return asked;
}

struct sought { struct session *s; const char *word; };

static bool is_known(void *arg)
{
	const struct sought *x = arg;
	return store_kind(x->s->store, str_of(x->word)) || !x->s->priv->playing || session_played(x->s);
}

const struct kind *session_kind(struct session *s, const char *word, int wait_ms)
{
	session_run(s, wait_ms, is_known, &(struct sought){ s, word });
	return store_kind(s->store, str_of(word));
}

static bool has_listed(const struct session *s, unsigned source, const char *kind)
{
	const struct kind_state *x = store_kind_state(s->store, kind, (uint16_t)source);
	return x && x->listed;
}

bool session_heard(const struct session *s, unsigned source, const char *kind)
{
	const struct kind_state *x = store_kind_state(s->store, kind, (uint16_t)source);
	return (x && (x->listed || x->state == HEALTH_REFUSED || x->state == HEALTH_DOWN)) || health_lost(s->store->sources[source].state);
}

struct listing { struct session *s; const char *const *kinds; uint64_t asked[64]; };

/* Every source that was asked for a kind has listed it, or has said why not. */
static bool is_listed(void *arg)
{
	const struct listing *l = arg;
	if (session_played(l->s))
		return true;
	for (unsigned k = 0; k < 64 && l->kinds[k]; k++)
		for (unsigned i = 0; i < l->s->store->nsources && i < 64; i++)
			if ((l->asked[k] >> i & 1) && !session_heard(l->s, i, l->kinds[k]))
				return false;
	return true;
}

/* No source is still to say how it is; one that was waited for in vain is waited for no longer. */
static bool is_settled(void *arg)
{
	const struct listing *l = arg;
	for (unsigned i = 0; i < l->s->store->nsources && i < 64; i++) {
		bool missed = false;
		for (unsigned k = 0; k < 64 && l->kinds[k]; k++)
			missed |= (l->asked[k] >> i & 1) && !session_heard(l->s, i, l->kinds[k]);
		if (l->s->store->sources[i].state == HEALTH_CONNECTING && !missed)
			return false;
	}
	return true;
}

bool session_list(struct session *s, const char *const *kinds, int wait_ms)
{
	struct listing l = { .s = s, .kinds = kinds };
	for (unsigned k = 0; k < 64 && kinds[k]; k++)
		for (unsigned i = 0; i < s->nsources; i++)
			if (backend_fills(s->sources[i]->backend, kinds[k])) {
				l.asked[k] = session_watch(s, kinds[k], "");
				break;
			}
	session_run(s, wait_ms, is_listed, &l);
	session_run(s, SETTLE_MS, is_settled, &l);   /* a list may be there a moment before its source says that it is well */
	for (unsigned k = 0; k < 64 && kinds[k]; k++)
		for (unsigned i = 0; i < s->store->nsources; i++)
			if (has_listed(s, i, kinds[k]))
				return true;
	return false;
}

bool session_missed(const struct session *s, const char *const *kinds)
{
	bool any = false;
	for (unsigned i = 0; i < s->nsources && !s->cli->replay; i++) {
		bool missed = false;
		for (unsigned k = 0; kinds[k]; k++)
			missed |= backend_fills(s->sources[i]->backend, kinds[k]) && !session_heard(s, s->sources[i]->index, kinds[k]);
		if (missed)
			fprintf(stderr, "binnacle: %s: no answer in time\n", s->sources[i]->name);
		any |= missed;
	}
	return any;
}

struct waiting {
	char *text;
	bool ok, over;
};

static void answered(void *arg, const struct msg *m)
{
	struct waiting *w = arg;
	struct msg_answer a;
	if (w->over || !msg_get_answer(m, &a))
		return;
	w->text = str_dup(a.json);
	w->ok = a.ok;
	w->over = true;
}

static bool is_over(void *arg)
{
	return ((struct waiting *)arg)->over;
}

char *session_ask(struct session *s, struct source *from, enum req_type type, const char *kind, struct str key, const char *what,
                  const char *params, int wait_ms, bool *ok)
{
	struct waiting w = { 0 };
	uint64_t id = source_ask(from, request_new(type, kind, key, what, params));
	store_expect(s->store, id, answered, &w);
	if (!session_run(s, wait_ms, is_over, &w))
		source_cancel(from, id);
	store_forget(s->store, id);
	*ok = w.ok;
	return w.text;
}
