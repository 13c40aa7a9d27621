/* assets: see assets.h. In the history: "joined" at the start of a life, "left" at its end (which says all again, so that it
 * stands alone), and now and then "seen" of a cluster. Details are "type\tfrom\tgroup\twhat". */
#include "backends/cost/assets.h"
#include "base/mem.h"
#include <math.h>
#include <stdlib.h>

#define KIND "cost.asset"
#define BACK_MS (62 * DAY_MS)        /* how far back the history is read */
#define NOTE_MS (10 * 60000)

const char *asset_type_name(enum asset_type t)
{
	static const char *const names[] = { "node group", "control plane", "volumes", "network" };
	return names[t];
}

static void release(struct asset *x)
{
	free(x->cluster);
	free(x->key);
	free(x->group);
	free(x->what);
}

void assets_release(struct assets *a)
{
	for (size_t i = 0; i < a->n; i++)
		release(&a->items[i]);
	free(a->items);
	*a = (struct assets){ NULL };
}

static struct asset *find(struct assets *a, enum asset_type type, struct str cluster, struct str key, int64_t from)
{
	for (size_t i = 0; i < a->n; i++) {          /* things are looked at in the same order each time */
		size_t at = (a->hint + i) % a->n;
		struct asset *x = &a->items[at];
		if (x->type == type && (from ? x->life.from == from : x->live) && str_is(key, x->key) &&
		    str_is(cluster, x->cluster)) {
			a->hint = at + 1;
			return x;
		}
	}
	return NULL;
}

/* Of what has no birth of its own (a control plane whose kube-system cannot be read, NAT): the one that was there then. */
static struct asset *find_within(struct assets *a, enum asset_type type, struct str cluster, struct str key, int64_t from)
{
	for (size_t i = 0; i < a->n; i++) {
		struct asset *x = &a->items[i];
		if (x->type == type && str_is(key, x->key) && str_is(cluster, x->cluster) && (x->live || from <= x->life.to))
			return x;
	}
	return NULL;
}

static struct asset *make(struct assets *a, enum asset_type type, struct str cluster, struct str key, int64_t from)
{
	if (a->n == a->cap) {
		a->cap = a->cap ? a->cap * 2 : 64;
		a->items = xreallocarray(a->items, a->cap, sizeof(*a->items));
	}
	struct asset *x = &a->items[a->n++];
	*x = (struct asset){ .type = type, .cluster = str_dup(cluster), .key = str_dup(key), .group = xstrdup(""),
		.what = xstrdup(""), .life = { from, 0, NAN } };
	return x;
}

static void replace(char **text, struct str with)
{
	if (str_is(with, *text))
		return;
	free(*text);
	*text = str_dup(with);
}

/* ---- history */

static void keep(const struct assets *a, const struct asset *x, const char *what, int64_t at)
{
	struct buf d = { 0 };
	buf_addf(&d, "%d\t%lld\t%s\t%s", (int)x->type, (long long)x->life.from, x->group, x->what);
	struct buf subject = { 0 };
	buf_addf(&subject, "%s\t%s", x->cluster, x->key);
	history_add(a->history, &(struct history_event){ STR(KIND), str_of(a->source), buf_str(&subject), str_of(what),
		buf_str(&d), at, x->life.rate });
	buf_release(&d);
	buf_release(&subject);
}

struct loading { struct assets *a; int64_t last; };

static bool load_one(void *arg, const struct history_event *e)
{
	struct loading *l = arg;
	struct str rest = e->detail, key = e->subject, cluster = str_split(&key, '\t');
	int64_t type, from;
	if (str_is(e->what, "seen")) {
		l->a->since = l->a->since ? l->a->since : e->at;
		l->last = e->at;
		for (size_t i = 0; i < l->a->n; i++)       /* whatever has not left was there until now, as far as is known */
			if (!l->a->items[i].kept && str_is(cluster, l->a->items[i].cluster))
				l->a->items[i].life.to = e->at;
		return true;
	}
	if (!str_to_i64(str_split(&rest, '\t'), &type) || type < 0 || type >= ASSET_TYPES ||
	    !str_to_i64(str_split(&rest, '\t'), &from) || from > e->at)
		return true;
	struct asset *x = find(l->a, (enum asset_type)type, cluster, key, from);
	x = x ? x : make(l->a, (enum asset_type)type, cluster, key, from);
	replace(&x->group, str_split(&rest, '\t'));
	replace(&x->what, rest);
	x->life.rate = e->value;
	x->life.to = e->at;
	x->kept = str_is(e->what, "left");                 /* while loading: it has ended for good */
	return true;
}

bool assets_load(struct assets *a, int64_t now, char **why)
{
	struct loading l = { a, 0 };
	bool ok = history_read(a->history, &(struct history_query){ .kind = KIND, .source = a->source, .from = now - BACK_MS },
	                       load_one, &l, why);
	for (size_t i = 0; i < a->n; i++)
		a->items[i].kept = true;
	return ok;
}

/* ---- looking */

void assets_begin(struct assets *a, int64_t now)
{
	a->note = now - a->noted >= NOTE_MS;
	a->noted = a->note ? now : a->noted;
	for (size_t i = 0; i < a->n; i++)
		a->items[i].seen = false;
}

struct asset *assets_see(struct assets *a, enum asset_type type, struct str cluster, struct str key, int64_t from, int64_t now,
                         double rate, struct str group, struct str what)
{
	struct asset *x = find(a, type, cluster, key, from);
	if (!x && (type == ASSET_CONTROL || type == ASSET_NETWORK))
		x = find_within(a, type, cluster, key, from ? from : now);
	x = x ? x : make(a, type, cluster, key, from ? from : now);
	x->live = x->seen = true;
	x->life.to = 0;
	x->life.rate = rate;
	replace(&x->group, group);
	replace(&x->what, what);
	if (!x->kept && !isnan(rate)) {
		keep(a, x, "joined", x->life.from);
		x->kept = true;
	}
	return x;
}

void assets_end(struct assets *a, struct str cluster, int64_t now)
{
	int64_t month = month_start(now);
	for (size_t i = 0; i < a->n; i++) {
		struct asset *x = &a->items[i];
		if (x->live && !x->seen && str_is(cluster, x->cluster)) {
			x->live = false;
			x->life.to = now > x->life.from ? now : x->life.from;
			keep(a, x, "left", x->life.to);
		}
		if (!x->live && x->life.to < month - 31 * DAY_MS) {
			release(x);
			a->items[i--] = a->items[--a->n];
		}
	}
	a->since = a->since ? a->since : now;
	if (!a->note)
		return;
	struct buf subject = { 0 };
	buf_addf(&subject, STR_FMT "\t", STR_ARG(cluster));
	history_add(a->history, &(struct history_event){ STR(KIND), str_of(a->source), buf_str(&subject), STR("seen"), STR(""),
		now, NAN });
	buf_release(&subject);
}

struct life *assets_lives(const struct assets *a, struct str cluster, enum asset_type type, struct str group, size_t *n)
{
	struct life *lives = xcalloc(a->n + 1, sizeof(*lives));
	*n = 0;
	for (size_t i = 0; i < a->n; i++) {
		const struct asset *x = &a->items[i];
		if ((!cluster.n || str_is(cluster, x->cluster)) && (type == ASSET_TYPES || x->type == type) &&
		    (!group.p || str_is(group, x->group)))
			lives[(*n)++] = x->life;
	}
	return lives;
}
