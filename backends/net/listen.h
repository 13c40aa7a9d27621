/* listen: a port of this machine for programs of this machine (127.0.0.1). */
#ifndef NET_LISTEN_H
#define NET_LISTEN_H

/* Takes connections, without blocking, at *port; 0: at a free one, which it becomes. -1: errno says why not. */
int listen_here(int *port);
#endif
