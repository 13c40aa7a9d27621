/* inbox: the one queue between the sources' threads and the main thread, and its one lock. Bounded in
 * bytes: a full one makes the sender wait, never the screen. */
#ifndef BASE_INBOX_H
#define BASE_INBOX_H
#include "base/msg.h"
#include <stdatomic.h>

struct inbox;

struct inbox *inbox_new(size_t max_bytes);
void inbox_free(struct inbox *in);               /* frees what is still in it */
int inbox_fd(const struct inbox *in);            /* readable while messages wait (eventfd) */
/* Takes the message. Waits while full, until there is room or *quit becomes true (then frees m, returns false).
 * quit NULL: never waits (the main thread's own messages).
 * A lone message larger than the bound is let in when the inbox is empty. */
bool inbox_put(struct inbox *in, struct msg *m, const atomic_bool *quit);
struct msg *inbox_take(struct inbox *in);        /* never waits; NULL when empty; caller frees */
void inbox_wake_senders(struct inbox *in);       /* after setting a quit flag */
size_t inbox_bytes(struct inbox *in);
#endif
