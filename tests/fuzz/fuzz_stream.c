/* What an API server sends for a stream: the head of its answer, how a command ended, the messages of a forwarded port; and
 * frames of any bytes, through libwslay. */
#include "backends/kubernetes/stream.h"
#include "backends/net/late.h"
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct in { const uint8_t *p; size_t n; unsigned messages; struct forwarding f; };

static ssize_t on_recv(wslay_event_context_ptr ctx, uint8_t *to, size_t len, int flags, void *arg)
{
	struct in *in = arg;
	size_t n = in->n < len ? in->n : len;
	if (!n) {
		late_wslay(NULL)->set_error(ctx, WSLAY_ERR_WOULDBLOCK);
		return -1;
	}
	memcpy(to, in->p, n);
	in->p += n;
	in->n -= n;
	return (ssize_t)n;
}

static void on_message(wslay_event_context_ptr ctx, const struct wslay_event_on_msg_recv_arg *m, void *arg)
{
	struct in *in = arg;
	struct str bytes = { "", 0 };
	bool error = false;
	if (forwarding_read(&in->f, (struct str){ (const char *)m->msg, m->msg_length }, &error, &bytes) && bytes.n > m->msg_length)
		abort();
	in->messages++;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct wslay_event_callbacks calls = { .recv_callback = on_recv, .on_msg_recv_callback = on_message };
	struct str all = { (const char *)data, size };
	struct websocket_head head;
	struct stream_end end;
	struct in in = { .p = data, .n = size };
	wslay_event_context_ptr ctx;
	if (websocket_read_head(all, "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=", &head) && head.upgraded && head.status != 101)
		abort();
	stream_read_end(all, &end);
	if (end.ok && end.code != 0)
		abort();
	if (late_wslay(NULL) && !late_wslay(NULL)->context_client_init(&ctx, &calls, &in)) {
		late_wslay(NULL)->config_set_max_recv_msg_length(ctx, 1 << 16);
		late_wslay(NULL)->recv(ctx);
		late_wslay(NULL)->context_free(ctx);
	}
	return 0;
}
