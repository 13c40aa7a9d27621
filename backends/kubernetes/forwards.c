/* forwards: see forwards.h. */
#define _GNU_SOURCE
#include "backends/kubernetes/forwards.h"
#include "base/mem.h"
#include <stdio.h>
#include <stdlib.h>

enum { DOORS_MAX = 64, WATCHES_MAX = 64 };

struct forwards {
	struct kube *k;
	pthread_mutex_t lock;
	struct door *doors[DOORS_MAX];
	unsigned n;
	uint64_t watches[WATCHES_MAX];
	unsigned nwatches;
	bool changed;
	bool unready;                    /* which services serve models was not looked up yet: no list is whole before */
};

void forwards_lock(struct forwards *f)
{
	pthread_mutex_lock(&f->lock);
}

void forwards_unlock(struct forwards *f)
{
	pthread_mutex_unlock(&f->lock);
}

void forwards_changed(struct forwards *f)
{
	f->changed = true;
}

/* Sent under the lock, so that lists do not overtake one another. */
static void send_rows(struct forwards *f)
{
	struct msg *m;
	f->changed = false;
	if (!f->nwatches || f->unready)
		return;
	m = msg_new(MSG_ROWS, 0);
	rows_start(&m->body, "forwards");
	rows_begin(&m->body, STR(""));
	for (unsigned i = 0; i < f->n; i++)
		door_put(f->doors[i], &m->body);
	rows_end(&m->body, STR(""));
	link_send(f->k->link, m);
}

void forwards_tell(struct forwards *f)
{
	forwards_lock(f);
	if (f->changed)
		send_rows(f);
	forwards_unlock(f);
}

struct forwards *forwards_new(struct kube *k)
{
	struct forwards *f = xcalloc(1, sizeof(*f));
	f->k = k;
	const char *models = link_setting(k->link, "models");
	f->unready = models && *models;
	pthread_mutex_init(&f->lock, NULL);
	return f;
}

void forwards_free(struct forwards *f)
{
	for (unsigned i = 0; i < f->n; i++)
		door_free(f->doors[i]);
	pthread_mutex_destroy(&f->lock);
	free(f);
}

/* Under the lock. */
static unsigned find(const struct forwards *f, const char *key)
{
	unsigned i = 0;
	while (i < f->n && strcmp(door_key(f->doors[i]), key))
		i++;
	return i;
}

bool forwards_has(struct forwards *f, const char *key)
{
	forwards_lock(f);
	bool has = find(f, key) < f->n;
	forwards_unlock(f);
	return has;
}

bool forwards_start(struct forwards *f, const struct forward_ask *a, char *key, size_t key_size, char *say, size_t size)
{
	snprintf(key, key_size, "%s/%s/%s:%s", a->ns, a->kind, a->name, a->port);
	forwards_lock(f);
	bool has = find(f, key) < f->n, full = f->n == DOORS_MAX;
	forwards_unlock(f);
	if (has || full) {
		snprintf(say, size, full ? "%d ports are forwarded already: end one in :forwards" : "it is forwarded already", DOORS_MAX);
		return has;
	}
	struct door *d = door_new(f, f->k, a, say, size);
	if (!d)
		return false;
	forwards_lock(f);
	bool late = f->n == DOORS_MAX || find(f, key) < f->n;       /* another thread was quicker */
	if (!late)
		f->doors[f->n++] = d;
	f->changed = true;
	send_rows(f);
	forwards_unlock(f);
	if (late)
		door_free(d);
	return true;
}

bool forwards_stop(struct forwards *f, const char *key)
{
	struct door *d = NULL;
	forwards_lock(f);
	unsigned i = find(f, key);
	if (i < f->n) {
		d = f->doors[i];
		f->doors[i] = f->doors[--f->n];
		send_rows(f);
	}
	forwards_unlock(f);
	if (d)
		door_free(d);
	return d != NULL;
}

void forwards_watch(struct forwards *f, uint64_t id)
{
	forwards_lock(f);
	if (f->nwatches < WATCHES_MAX)
		f->watches[f->nwatches++] = id;
	send_rows(f);
	forwards_unlock(f);
}

bool forwards_unwatch(struct forwards *f, uint64_t id)
{
	bool was = false;
	forwards_lock(f);
	for (unsigned i = 0; i < f->nwatches && !was; i++)
		if ((was = f->watches[i] == id))
			f->watches[i] = f->watches[--f->nwatches];
	forwards_unlock(f);
	return was;
}

void forwards_ready(struct forwards *f)
{
	forwards_lock(f);
	if (f->unready) {
		f->unready = false;
		send_rows(f);
	}
	forwards_unlock(f);
}

unsigned forwards_count(struct forwards *f)
{
	forwards_lock(f);
	unsigned n = f->n;
	forwards_unlock(f);
	return n;
}

bool forwards_watched(struct forwards *f)
{
	forwards_lock(f);
	bool is = f->nwatches > 0;
	forwards_unlock(f);
	return is;
}
