/* credentials: a credential plugin may take a minute (it waits for a login, or for a network). It runs in the pool; the
 * engine's exchanges that need what it gives wait meanwhile, and those that are open go on. What it said, also that it
 * failed, goes to all that wait, once: who comes later asks anew. */
#include "backends/kubernetes/engine.h"
#include <stdio.h>
#include <sys/eventfd.h>

bool engine_auth(void *engine, struct http_auth *a)
{
	struct engine *e = engine;
	struct credentials *c = &e->credentials;
	const char *plugin = kube_access_slow(e->kube->access);
	bool start = false, ok = true;

	pthread_mutex_lock(&e->lock);
	if (plugin && c->is == CREDENTIALS_IDLE) {
		c->is = CREDENTIALS_RUN;
		start = true;
	}
	a->later = plugin && c->is == CREDENTIALS_RUN;
	if (plugin && c->is == CREDENTIALS_DONE) {
		c->used = true;
		ok = c->ok;
		memcpy(a->error, c->error, sizeof(a->error));
		memcpy(a->remedy, c->remedy, sizeof(a->remedy));
	}
	pthread_mutex_unlock(&e->lock);
	if (start)
		pool_put(e->pool, request_new(REQ_ASK, "", STR(""), "credentials", ""));
	if (start && e->state != HEALTH_LIVE) {
		char why[200];
		snprintf(why, sizeof(why), "waiting for the credential plugin '%.120s'", plugin);
		engine_health(e, e->state, why, "");
	}
	return ok && !a->later && kube_access_auth_now(e->kube->access, a);
}

bool engine_renew(void *engine, uint64_t which)
{
	return kube_access_unauthorized(((struct engine *)engine)->kube->access, which);
}

void credentials_fetch(struct engine *e)
{
	struct http_auth a = { 0 };
	bool ok = kube_access_auth(e->kube->access, &a);

	pthread_mutex_lock(&e->lock);
	e->credentials.is = CREDENTIALS_DONE;
	e->credentials.ok = ok;
	e->credentials.used = false;
	memcpy(e->credentials.error, a.error, sizeof(a.error));
	memcpy(e->credentials.remedy, a.remedy, sizeof(a.remedy));
	pthread_mutex_unlock(&e->lock);
	http_auth_release(&a);
	eventfd_write(e->wake_fd, 1);
}

bool credentials_wait(struct engine *e)
{
	pthread_mutex_lock(&e->lock);
	bool waits = e->credentials.is == CREDENTIALS_RUN;
	pthread_mutex_unlock(&e->lock);
	return waits;
}

void credentials_used(struct engine *e)
{
	pthread_mutex_lock(&e->lock);
	if (e->credentials.is == CREDENTIALS_DONE && e->credentials.used)
		e->credentials.is = CREDENTIALS_IDLE;
	e->credentials.used = true;    /* nobody waits any more: it is not kept for long */
	pthread_mutex_unlock(&e->lock);
}
