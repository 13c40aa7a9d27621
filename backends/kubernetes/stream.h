/* stream: the channels of a container over one WebSocket: exec and attach (v5.channel.k8s.io, or v4), and a forwarded port
 * in the channel mode (v4; one WebSocket per connection). No SPDY. */
#ifndef BACKENDS_KUBERNETES_STREAM_H
#define BACKENDS_KUBERNETES_STREAM_H
#include "backends/kubernetes/work.h"
#include "backends/net/websocket.h"

enum { STREAM_STDIN, STREAM_STDOUT, STREAM_STDERR, STREAM_STATUS, STREAM_RESIZE, STREAM_CLOSE = 255 };

/* ".../exec?command=a&container=c&stdin=true..."; attach: without a command. in: it reads. */
struct stream_ask {
	const char *ns, *pod, *container;
	const char *const *command;      /* NULL-terminated; NULL: attach */
	bool in, tty;
};
void stream_path(struct buf *out, const struct stream_ask *a);

/* How the command ended, from the last message of the status channel. */
struct stream_end {
	bool known, ok;              /* ok: exit code 0 */
	int code;                    /* -1: it has none */
	char why[400];               /* the server's words where it is not ok */
};
void stream_read_end(struct str json, struct stream_end *out);

typedef void (*stream_fn)(void *arg, int channel, struct str bytes);
struct stream {
	struct websocket *ws;
	bool v5;
	struct stream_end end;
	stream_fn fn;
	void *arg;
};
/* NULL: w->error, w->remedy and w->status say why. */
struct stream *stream_open(struct work *w, const char *path);
void stream_free(struct stream *s);      /* NULL is fine */
void stream_input(struct stream *s, struct str bytes);
bool stream_close_input(struct stream *s);       /* false: this server cannot */
void stream_resize(struct stream *s, int w, int h);
/* As websocket_turn; fn gets standard output and error. */
bool stream_turn(struct stream *s, bool read, stream_fn fn, void *arg, bool *more);
/* "exit code 3", "the connection was cut"; true: it ended with exit code 0. After the last turn. */
bool stream_say(const struct stream *s, char *say, size_t size);

/* ---- a forwarded port: what came on its two channels (data, errors), without the port number each begins with */
struct forwarding { bool seen[2]; };
/* False: it is no message of these. */
bool forwarding_read(struct forwarding *f, struct str message, bool *is_error, struct str *bytes);
#endif
