/* inbox: see inbox.h. A list under one mutex; the eventfd is raised when it stops being empty. */
#define _GNU_SOURCE
#include "base/inbox.h"
#include "base/mem.h"
#include <pthread.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

struct inbox {
	pthread_mutex_t lock;
	pthread_cond_t room;
	struct msg *first, **last;
	size_t bytes, max;
	int fd;
};

static size_t weight(const struct msg *m)
{
	return sizeof(*m) + m->body.cap;
}

struct inbox *inbox_new(size_t max_bytes)
{
	struct inbox *in = xcalloc(1, sizeof(*in));
	pthread_mutex_init(&in->lock, NULL);
	pthread_cond_init(&in->room, NULL);
	in->last = &in->first;
	in->max = max_bytes;
	in->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	return in;
}

void inbox_free(struct inbox *in)
{
	if (!in)
		return;
	for (struct msg *m = in->first, *next; m; m = next) {
		next = m->next;
		msg_free(m);
	}
	close(in->fd);
	pthread_cond_destroy(&in->room);
	pthread_mutex_destroy(&in->lock);
	free(in);
}

int inbox_fd(const struct inbox *in)
{
	return in->fd;
}

bool inbox_put(struct inbox *in, struct msg *m, const atomic_bool *quit)
{
	size_t w = weight(m);
	pthread_mutex_lock(&in->lock);
	while (quit && in->first && in->bytes + w > in->max && !atomic_load(quit))
		pthread_cond_wait(&in->room, &in->lock);
	if (quit && atomic_load(quit)) {
		pthread_mutex_unlock(&in->lock);
		msg_free(m);
		return false;
	}
	bool was_empty = !in->first;
	m->next = NULL;
	*in->last = m;
	in->last = &m->next;
	in->bytes += w;
	pthread_mutex_unlock(&in->lock);
	if (was_empty)
		eventfd_write(in->fd, 1);
	return true;
}

struct msg *inbox_take(struct inbox *in)
{
	eventfd_t ignored;
	pthread_mutex_lock(&in->lock);
	struct msg *m = in->first;
	if (m) {
		in->first = m->next;
		if (!in->first)
			in->last = &in->first;
		in->bytes -= weight(m);
		m->next = NULL;
		pthread_cond_broadcast(&in->room);
	}
	if (!in->first)
		eventfd_read(in->fd, &ignored);
	pthread_mutex_unlock(&in->lock);
	return m;
}

void inbox_wake_senders(struct inbox *in)
{
	pthread_mutex_lock(&in->lock);
	pthread_cond_broadcast(&in->room);
	pthread_mutex_unlock(&in->lock);
}

size_t inbox_bytes(struct inbox *in)
{
	pthread_mutex_lock(&in->lock);
	size_t n = in->bytes;
	pthread_mutex_unlock(&in->lock);
	return n;
}
