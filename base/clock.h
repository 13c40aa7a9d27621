/* clock: time and chance are passed in, so that every screen can be made again. */
#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

struct clock {
	int64_t (*wall_ms)(void *arg);   /* milliseconds since 1970 UTC */
	int64_t (*mono_ms)(void *arg);   /* milliseconds since anything, never backwards */
	void *arg;
};
extern const struct clock clock_system;
/* A clock that starts at `wall_ms` and runs with the system's monotonic one (replay, demo). */
struct clock_shifted { int64_t start_wall, start_mono; };
struct clock clock_from(struct clock_shifted *state, int64_t wall_ms);
/* The system's clock, whose wall time can be moved on (a simulated world that jumps ahead). clock_leap: any thread;
 * false: it is another clock. */
struct clock_leaping { _Atomic int64_t ahead; };
struct clock clock_leaps(struct clock_leaping *state);
bool clock_leap(const struct clock *c, int64_t ms);
/* A clock that stands still until told (tests). */
struct clock_fixed { _Atomic int64_t wall, mono; };
struct clock clock_still(struct clock_fixed *state);

static inline int64_t clock_wall(const struct clock *c) { return c->wall_ms(c->arg); }
static inline int64_t clock_mono(const struct clock *c) { return c->mono_ms(c->arg); }

/* xorshift64*: for jitter and the demo's world, never for secrets. Seed 0 is taken as 1. */
struct rnd { uint64_t s; };
uint64_t rnd_next(struct rnd *r);
uint32_t rnd_below(struct rnd *r, uint32_t n);   /* 0 .. n-1; n = 0 gives 0 */
double rnd_unit(struct rnd *r);                  /* 0 <= x < 1 */
#endif
