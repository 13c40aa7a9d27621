/* lend: the terminal handed over to a source's thread while an action runs (a shell in a container). What passes between
 * them are packets on a socket of their own, none of it through the inbox: the program's end is struct act's `terminal`, the
 * thread's comes with its REQ_RUN (`fd` of struct request) and is closed with it. Neither end waits in a call here. Closing
 * either end is the end. */
#ifndef BASE_LEND_H
#define BASE_LEND_H
#include "base/str.h"
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#define LEND_MOST 16384          /* bytes of one packet, without its type */
enum lend_type {
	LEND_INPUT = 'i',        /* to the thread: what was typed */
	LEND_SIZE = 'w',         /* to the thread, first of all and whenever it changes: "80x24" */
	LEND_OPEN = 'o',         /* from the thread: now the terminal is needed */
	LEND_OUTPUT = 'd',       /* from the thread: bytes for the terminal */
	/* without a terminal (parameter "argv"): standard output is LEND_OUTPUT, and */
	LEND_ERROR = 'e',        /* from the thread: standard error */
	LEND_CODE = 'c',         /* from the thread, last: the command's exit code, as text */
	LEND_END = 'x',          /* to the thread: standard input has ended */
};
bool lend_pair(int fds[2]);
/* False: there is no room now (errno EAGAIN; poll for POLLOUT), or the other end is gone. */
bool lend_put(int fd, enum lend_type type, struct str bytes);
/* Bytes put into to[LEND_MOST], and *type; -1: nothing now; -2: the other end is gone. */
ssize_t lend_take(int fd, enum lend_type *type, char *to);
bool lend_size(const char *bytes, size_t n, int *w, int *h);     /* of a LEND_SIZE */
#endif
