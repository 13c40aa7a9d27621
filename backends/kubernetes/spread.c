/* spread: single namespaces in place of all of them, where the list of the whole cluster is forbidden; and what a kind's
 * health says of that, of objects that could not be read, and of trouble.
 *
 * The namespaces are watched for their names; where that is refused (asked again each minute) the context's own one is
 * all there is. Each namespace gets a watch, a child. At most STREAMS_MAX of a kind are let in at a time: one that is
 * refused leaves its place to the next, and is tried again later, the more of them there are the later. */
#include "backends/kubernetes/watch.h"
#include "base/mem.h"
#include <stdio.h>
#include <stdlib.h>

#define STREAMS_MAX 64
#define REFUSED_EACH_MS 2000

/* ---- names of namespaces, in order */

static bool find_name(const struct namespaces *n, struct str name, unsigned *at)
{
	unsigned low = 0, high = n->n;

	while (low < high) {
		unsigned mid = low + (high - low) / 2;
		int c = str_cmp(str_of(n->items[mid].name), name);
		if (c == 0) {
			*at = mid;
			return true;
		}
		if (c < 0)
			low = mid + 1;
		else
			high = mid;
	}
	*at = low;
	return false;
}

void namespaces_begin(struct namespaces *n)
{
	for (unsigned i = 0; i < n->n; i++)
		n->items[i].seen = false;
}

void namespaces_put(struct namespaces *n, struct str name)
{
	unsigned at;

	if (!find_name(n, name, &at)) {
		if (n->n == n->cap) {
			n->cap = n->cap ? 2 * n->cap : 16;
			n->items = xreallocarray(n->items, n->cap, sizeof(*n->items));
		}
		memmove(n->items + at + 1, n->items + at, (n->n - at) * sizeof(*n->items));
		n->items[at].name = str_dup(name);
		n->n++;
		n->version++;
	}
	n->items[at].seen = true;
}

static void drop_at(struct namespaces *n, unsigned at)
{
	free(n->items[at].name);
	memmove(n->items + at, n->items + at + 1, (n->n - at - 1) * sizeof(*n->items));
	n->n--;
	n->version++;
}

void namespaces_drop(struct namespaces *n, struct str name)
{
	unsigned at;

	if (find_name(n, name, &at))
		drop_at(n, at);
}

void namespaces_end(struct namespaces *n)
{
	for (unsigned i = n->n; i > 0; i--)
		if (!n->items[i - 1].seen)
			drop_at(n, i - 1);
	n->complete = true;
	n->version++;
}

void namespaces_clear(struct namespaces *n)
{
	while (n->n)
		drop_at(n, n->n - 1);
	free(n->items);
	*n = (struct namespaces){ .version = n->version };
}

/* ---- the children of a watch */

struct tally {
	unsigned children, untried, followed, refused, unread;
	bool trouble;
	const char *one;         /* namespace of one that is followed */
};

static struct tally count(const struct watch *w)
{
	struct tally t = { .unread = w->unread.n };

	for (const struct watch *c = w->e->watches; c; c = c->next) {
		if (c->parent != w)
			continue;
		t.children++;
		t.unread += c->unread.n;
		t.refused += c->refused;
		t.untried += !c->tried;
		t.followed += c->tried && !c->refused;
		t.trouble |= c->said == HEALTH_STALE || c->said == HEALTH_LIMITED || c->said == HEALTH_DOWN;
		if (c->tried && !c->refused)
			t.one = c->scope;
	}
	return t;
}

bool spread_has_room(const struct watch *w)
{
	struct tally t = count(w);

	return t.children - t.refused < STREAMS_MAX;
}

int64_t spread_refused_ms(const struct watch *child)
{
	return count(child->parent).refused * (int64_t)REFUSED_EACH_MS;
}

/* One more child if there is a place. False: there is none. */
static bool add_child(struct watch *w, const char *ns, unsigned *running)
{
	struct watch *child = watch_find(w->e, w->kind, ns);

	if (child && child->parent)
		return true;
	if (*running >= STREAMS_MAX)
		return false;
	if (!child)
		child = watch_new(w->e, w->kind, ns);
	child->parent = w;
	child->unwanted = 0;
	++*running;
	return true;
}

static void mark(struct watch *w, bool begin)
{
	struct msg *m = msg_new(MSG_ROWS, 0);

	rows_start(&m->body, w->kind);
	if (begin)
		rows_begin(&m->body, str_of(w->prefix));
	else
		rows_end(&m->body, str_of(w->prefix));
	link_send(w->e->link, m);
	w->listing = begin;
}

/* What is followed no longer is not shown: nobody would say when it goes. */
static void drop_rows(struct watch *child)
{
	watch_flush(child);
	mark(child, true);
	mark(child, false);
}

static void leave_vanished(struct watch *w)
{
	const struct namespaces *n = &w->e->namespaces;
	unsigned at;

	for (struct watch *c = w->e->watches; c; c = c->next) {
		if (c->parent != w || find_name(n, str_of(c->scope), &at))
			continue;
		watch_orphan(c);
		if (c->unwanted)
			drop_rows(c);
	}
}

static void add_children(struct watch *w, const struct tally *t)
{
	const struct namespaces *n = &w->e->namespaces;
	const char *own = w->e->kube->access->namespace;
	unsigned running = t->children - t->refused, at;

	w->left_out = 0;
	if (!n->complete || find_name(n, str_of(own), &at))
		add_child(w, own, &running);
	for (unsigned i = 0; n->complete && i < n->n; i++)
		w->left_out += !add_child(w, n->items[i].name, &running);
	w->spread_version = n->version;
}

/* What may be seen of the whole, once every child has been tried. False: not yet. */
static bool say_spread(struct watch *w, const struct tally *t, char *out, size_t size, enum health_state *state)
{
	bool room = t->children - t->refused < STREAMS_MAX;

	if (!t->children || t->untried || (w->left_out && room))
		return false;
	*state = t->followed ? HEALTH_LIMITED : HEALTH_REFUSED;
	if (!t->followed)
		snprintf(out, size, "you may not list %s here: %s", w->kind, w->error_text);
	else if (t->followed == 1)
		snprintf(out, size, "you may not list %s of the whole cluster: only namespace '%s' is shown", w->kind, t->one);
	else if (w->left_out)
		snprintf(out, size, "you may not list %s of the whole cluster: %u namespaces are followed, %u more are not; see one "
		         "by :ns NAME", w->kind, t->followed, w->left_out);
	else
		snprintf(out, size, "you may not list %s of the whole cluster: those of %u namespaces are shown", w->kind,
		         t->followed);
	return true;
}

void spread_start(struct watch *w)
{
	w->state = WATCH_SPREAD;
	w->spread_version = w->e->namespaces.version - 1;
	if (watch_feeds_ledger(w))
		ledger_clear(&w->e->ledger);
	mark(w, true);
}

void spread_tick(struct watch *w)
{
	const struct watch *names = watch_find(w->e, "namespaces", "");
	struct namespaces *n = &w->e->namespaces;
	struct tally t = count(w);

	if (!n->complete && !(names && names->refused))
		return;    /* still to be heard of */
	if (n->complete && w->spread_version != n->version)
		leave_vanished(w);
	if (w->spread_version != n->version || (w->left_out && t.children - t.refused < STREAMS_MAX))
		add_children(w, &t);
	watch_tell(w);
}

/* ---- what is said */

static void keep_told(struct watch *top, enum health_state state, const char *text)
{
	top->said = state;
	free(top->told);
	top->told = xstrdup(text);
}

void watch_tell(struct watch *w)
{
	struct watch *top = w->parent ? w->parent : w;
	struct tally t = count(top);
	enum health_state state = t.unread ? HEALTH_LIMITED : HEALTH_LIVE;
	char text[640] = "", unread[64];

	if (t.trouble || (top->state == WATCH_SPREAD && !say_spread(top, &t, text, sizeof(text), &state)))
		return;
	unread_say(t.unread, unread, sizeof(unread));
	snprintf(text + strlen(text), sizeof(text) - strlen(text), "%s%s", *text && *unread ? "; " : "", unread);
	bool same = top->said == state && strcmp(top->told ? top->told : "", text) == 0;
	bool first = top->said == HEALTH_IDLE && state == HEALTH_LIVE;    /* goes without saying */
	keep_told(top, state, text);
	if (!same && !first)
		engine_kind_health(w->e, w->kind, state, text);
	if (top->state == WATCH_SPREAD && top->listing)
		mark(top, false);
}

void watch_live(struct watch *w)
{
	http_backoff_reset(&w->backoff);
	w->refused = false;
	w->settled = w->tried = true;
	engine_alive(w->e, -1);
	if (w->parent)
		w->said = HEALTH_LIVE;
	watch_tell(w);
}

void watch_say(struct watch *w, enum health_state state, const char *why)
{
	struct watch *top = w->parent ? w->parent : w;
	char text[640];
	bool was_let_in = w->tried && !w->refused;

	w->tried = true;
	w->refused = state == HEALTH_REFUSED;
	w->said = state;
	if (w->parent && w->refused) {    /* watch_tell says what is left; of nothing, why */
		if (was_let_in)
			drop_rows(w);
		snprintf(top->error_text, sizeof(top->error_text), "%s", why);
		return;
	}
	if (state == HEALTH_REFUSED)
		snprintf(text, sizeof(text), "you may not list %s here: %s", w->kind, why);
	else
		snprintf(text, sizeof(text), "%s%s", why, state == HEALTH_DOWN ? "" : "; trying again");
	keep_told(top, state, text);
	engine_kind_health(w->e, w->kind, state, text);
}
