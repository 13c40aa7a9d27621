/* pool: see pool.h. One mutex, one condition. Threads are counted, not named: a new one is made when a request waits
 * and nobody is idle; the last thing a thread does is to leave its handle where the next one, or pool_free, joins it. */
#define _GNU_SOURCE    /* pthread_condattr_setclock, pthread_setname_np */
#include "backends/kubernetes/pool.h"
#include "base/mem.h"
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <time.h>

#define IDLE_S 60

struct pool {
	struct kube *kube;
	pool_fn fn;
	void *arg;
	pthread_mutex_t lock;
	pthread_cond_t arrived;
	struct request *first, **last;
	unsigned threads, idle, waiting;
	bool closing;
	struct { pthread_t thread; enum { SLOT_FREE, SLOT_RUNS, SLOT_OVER } is; } slots[2 * POOL_MAX];    /* room for those that are just leaving */
};
struct worker { struct pool *pool; unsigned slot; };

/* Under the lock. NULL: nothing came for a minute, or the pool closes. */
static struct request *next_request(struct pool *p)
{
	struct timespec until;

	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec += IDLE_S;
	p->idle++;
	while (!p->first && !p->closing)
		if (pthread_cond_timedwait(&p->arrived, &p->lock, &until) == ETIMEDOUT)
			break;
	p->idle--;
	struct request *r = p->closing ? NULL : p->first;
	if (r) {
		p->first = r->next;
		if (!p->first)
			p->last = &p->first;
		r->next = NULL;
		p->waiting--;
	}
	return r;
}

static void *work(void *arg)
{
	struct worker w = *(struct worker *)arg;
	struct pool *p = w.pool;
	struct http *h = http_new(&p->kube->conf, link_clock(p->kube->link));
	struct request *r;

	free(arg);
	pthread_mutex_lock(&p->lock);
	while ((r = next_request(p)) != NULL) {
		pthread_mutex_unlock(&p->lock);
		if (!r->id || !link_cancelled(p->kube->link, r->id))
			p->fn(p->arg, p->kube, h, r);
		request_free(r);
		pthread_mutex_lock(&p->lock);
	}
	p->threads--;
	pthread_mutex_unlock(&p->lock);
	http_free(h);
	pthread_mutex_lock(&p->lock);
	p->slots[w.slot].is = SLOT_OVER;
	pthread_mutex_unlock(&p->lock);
	return NULL;
}

/* Under the lock. */
static bool start_thread(struct pool *p)
{
	for (unsigned i = 0; i < ARRAY_SIZE(p->slots); i++) {
		if (p->slots[i].is == SLOT_RUNS)
			continue;
		if (p->slots[i].is == SLOT_OVER)
			pthread_join(p->slots[i].thread, NULL);
		p->slots[i].is = SLOT_FREE;
		struct worker *w = xmalloc(sizeof(*w));
		*w = (struct worker){ p, i };
		sigset_t all, old;
		sigfillset(&all);
		pthread_sigmask(SIG_SETMASK, &all, &old);
		bool ok = pthread_create(&p->slots[i].thread, NULL, work, w) == 0;
		pthread_sigmask(SIG_SETMASK, &old, NULL);
		if (!ok) {
			free(w);
			return false;
		}
		pthread_setname_np(p->slots[i].thread, "kube-work");
		p->slots[i].is = SLOT_RUNS;
		p->threads++;
		return true;
	}
	return false;
}

struct pool *pool_new(struct kube *k, pool_fn fn, void *arg)
{
	struct pool *p = xcalloc(1, sizeof(*p));
	pthread_condattr_t attr;

	p->kube = k;
	p->fn = fn;
	p->arg = arg;
	p->last = &p->first;
	pthread_mutex_init(&p->lock, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&p->arrived, &attr);
	pthread_condattr_destroy(&attr);
	return p;
}

void pool_put(struct pool *p, struct request *r)
{
	pthread_mutex_lock(&p->lock);
	bool can = p->waiting < p->idle || p->threads >= POOL_MAX || start_thread(p) || p->threads > 0;
	if (can) {
		r->next = NULL;
		*p->last = r;
		p->last = &r->next;
		p->waiting++;
		pthread_cond_signal(&p->arrived);
	}
	pthread_mutex_unlock(&p->lock);
	if (can)
		return;
	link_fail(p->kube->link, r->id, "no thread can be made for this; raise the limit on processes (ulimit -u)");
	request_free(r);
}

void pool_free(struct pool *p)
{
	if (!p)
		return;
	pthread_mutex_lock(&p->lock);
	p->closing = true;
	pthread_cond_broadcast(&p->arrived);
	for (unsigned i = 0; i < ARRAY_SIZE(p->slots); i++) {
		bool made = p->slots[i].is != SLOT_FREE;
		pthread_mutex_unlock(&p->lock);
		if (made)
			pthread_join(p->slots[i].thread, NULL);
		pthread_mutex_lock(&p->lock);
	}
	pthread_mutex_unlock(&p->lock);
	for (struct request *r = p->first, *next; r; r = next) {
		next = r->next;
		request_free(r);
	}
	pthread_cond_destroy(&p->arrived);
	pthread_mutex_destroy(&p->lock);
	free(p);
}
