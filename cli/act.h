/* act: one act without a screen; see act.c. */
#ifndef CLI_ACT_H
#define CLI_ACT_H
#include "cli/session.h"

/* The only source that offers the action on that kind, or the one that --source names, or of several the only one that lists that key
 * (NULL: not looked at; the session has to be started). NULL: stderr says why. */
struct source *act_source(struct session *s, const char *action, const char *kind, const char *key);
/* Until it is over; `turn` is called between messages (NULL: none), and waits for what it likes. An exit code. */
int act_carry_out(struct session *s, struct act *act, void (*turn)(void *arg, struct act *act), void *arg);
/* "namespace/name": with --namespace in front, where the word has none; of what has places ("s3://BUCKET/KEY") as rows name it. Caller
 * frees. */
char *act_key(const struct session *s, const char *kind, const char *word);
#endif
