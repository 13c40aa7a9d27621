/* runs: actions under way, each in a thread with a connection of its own, so that what is on the screen goes on being listed while
 * a terabyte is copied. All end when the source does. */
#include "backends/s3/s3.h"
#include "base/mem.h"
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

enum { MOST = 8 };

struct one {
	struct link *link;
	const struct s3 *like;
	struct request *request;
	pthread_t thread;
	atomic_bool over;
	bool used;
};
struct runs {
	struct link *link;
	const struct s3 *like;           /* whose settings they have */
	struct one list[MOST];
};

struct runs *runs_new(struct link *l, const struct s3 *like)
{
	struct runs *r = xcalloc(1, sizeof(*r));
	r->link = l;
	r->like = like;
	return r;
}

static void *run(void *arg)
{
	struct one *o = arg;
	struct s3 s = { 0 };
	s3_init(&s, o->link);
	s.part = o->like->part;
	s3_run(&s, o->request);
	s3_release(&s);
	atomic_store(&o->over, true);
	return NULL;
}

static void reap(struct one *o)
{
	pthread_join(o->thread, NULL);
	request_free(o->request);
	o->used = false;
}

bool runs_ended(struct runs *r)
{
	bool some = false;
	for (unsigned i = 0; i < MOST; i++)
		if (r->list[i].used && atomic_load(&r->list[i].over)) {
			reap(&r->list[i]);
			some = true;
		}
	return some;
}

bool runs_any(struct runs *r)
{
	for (unsigned i = 0; i < MOST; i++)
		if (r->list[i].used)
			return true;
	return false;
}

void runs_start(struct runs *r, struct request *q)
{
	for (unsigned i = 0; i < MOST; i++) {
		struct one *o = &r->list[i];
		if (o->used)
			continue;
		o->link = r->link;
		o->like = r->like;
		o->request = q;
		atomic_store(&o->over, false);
		o->used = pthread_create(&o->thread, NULL, run, o) == 0;
		if (o->used)
			return;
		break;
	}
	link_step(r->link, q->id, (struct msg_step){ .state = STEP_FINISHED,
		.say = STR("nothing was sent: this source is at eight actions already; wait for one to end") });
	request_free(q);
}

void runs_free(struct runs *r)
{
	for (unsigned i = 0; i < MOST; i++)
		if (r->list[i].used)
			reap(&r->list[i]);
	free(r);
}
