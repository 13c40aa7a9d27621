/* clock: see clock.h. */
#define _GNU_SOURCE
#include "base/clock.h"
#include <stddef.h>
#include <time.h>

static int64_t read_ms(clockid_t id)
{
	struct timespec ts;
	clock_gettime(id, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

static int64_t system_wall(void *arg)
{
	return read_ms(CLOCK_REALTIME);
}

static int64_t system_mono(void *arg)
{
	return read_ms(CLOCK_MONOTONIC);
}

const struct clock clock_system = { system_wall, system_mono, NULL };

static int64_t shifted_wall(void *arg)
{
	const struct clock_shifted *s = arg;
	return s->start_wall + read_ms(CLOCK_MONOTONIC) - s->start_mono;
}

struct clock clock_from(struct clock_shifted *state, int64_t wall_ms)
{
	*state = (struct clock_shifted){ wall_ms, read_ms(CLOCK_MONOTONIC) };
	return (struct clock){ shifted_wall, system_mono, state };
}

static int64_t leaping_wall(void *arg)
{
	struct clock_leaping *s = arg;
	return read_ms(CLOCK_REALTIME) + atomic_load(&s->ahead);
}

struct clock clock_leaps(struct clock_leaping *state)
{
	atomic_init(&state->ahead, 0);
	return (struct clock){ leaping_wall, system_mono, state };
}

bool clock_leap(const struct clock *c, int64_t ms)
{
	if (c->wall_ms != leaping_wall)
		return false;
	atomic_fetch_add(&((struct clock_leaping *)c->arg)->ahead, ms);
	return true;
}

static int64_t fixed_wall(void *arg)
{
	return ((const struct clock_fixed *)arg)->wall;
}

static int64_t fixed_mono(void *arg)
{
	return ((const struct clock_fixed *)arg)->mono;
}

struct clock clock_still(struct clock_fixed *state)
{
	return (struct clock){ fixed_wall, fixed_mono, state };
}

uint64_t rnd_next(struct rnd *r)
{
	uint64_t x = r->s ? r->s : 1;
	x ^= x >> 12;
	x ^= x << 25;
	x ^= x >> 27;
	r->s = x;
	return x * 0x2545f4914f6cdd1du;
}

uint32_t rnd_below(struct rnd *r, uint32_t n)
{
	return n ? (uint32_t)((rnd_next(r) >> 32) * n >> 32) : 0;
}

double rnd_unit(struct rnd *r)
{
	return (double)(rnd_next(r) >> 11) * 0x1p-53;
}
