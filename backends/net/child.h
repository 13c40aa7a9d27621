/* child: a program of somebody else's, beside ours: found, started with pipes and nothing else of ours open, ended with all that it
 * started itself. It has no terminal (its own session), default signals, and our environment unless told otherwise. */
#ifndef NET_CHILD_H
#define NET_CHILD_H
#include "base/buf.h"
#include <sys/types.h>

struct child {
	pid_t pid;                       /* 0: there is none */
	int in, out, err;                /* our ends of its standard input, output, error; -1: closed */
};
#define CHILD_NONE ((struct child){ .in = -1, .out = -1, .err = -1 })
/* The path of what a command names: with a slash that itself, else the first in $PATH that can be run, never of the current folder.
 * NULL: there is none. Caller frees. */
char *child_find(const char *command);
/* argv and env (NULL: ours) end with NULL. input: it gets a pipe; else /dev/null, and in stays -1. False: errno says why. */
bool child_start(struct child *c, const char *path, char *const *argv, char *const *env, bool input);
/* Reads once what is there, and closes *fd at its end. True: something was read. */
bool child_read(int *fd, struct buf *into);
bool child_ended(const struct child *c);     /* not reaped yet: its number stays its own until child_end */
/* Kills it with all of its session that stayed in its process group, and reaps it; pipes are left open for what was written before.
 * Returns its wait status. */
int child_end(struct child *c);
void child_close(struct child *c);           /* the pipes */
/* The last line of what it wrote, at most 200 bytes, without control characters; borrowed from said, which is changed. */
struct str child_last_words(struct buf *said);
#endif
