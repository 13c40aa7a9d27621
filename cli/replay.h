/* replay: a recorded file in place of connections: its lists come at the pace at which they came, and each recorded
 * source is a source again that answers what it was asked then. */
#ifndef CLI_REPLAY_H
#define CLI_REPLAY_H
#include "base/record.h"

/* Puts lists and health into the inbox until the file ends or *quit; a sentence of why it ended early goes there too. */
void replay_play(struct replay *r, struct inbox *inbox, const struct clock *clock, const atomic_bool *quit);
/* The sources (a bit each, of the first 64) whose rows of the kind are in the first within_ms of the record. */
uint64_t replay_listing(const char *path, const char *kind, int64_t within_ms);
/* That backend as it is in a replay: its kinds, but it changes nothing, reads nobody and answers from the file. Its
 * settings are `file` and `source` (the index there). */
struct backend replay_backend(const struct backend *recorded);
#endif
