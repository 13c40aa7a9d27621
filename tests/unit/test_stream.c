/* stream: WebSockets against a small server in this program (frames whole, in pieces, cut, lying), the channels of exec and of
 * forwarded ports, which pod and port a door leads to, which services serve models, archives that try to break out, and the
 * terminal lent. */
#define _GNU_SOURCE
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include "backends/kubernetes/forwards.h"
#include "backends/kubernetes/stream.h"
#include "backends/net/tar.h"
#include "base/lend.h"
#include "base/mem.h"
#include <arpa/inet.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

/* ---- the server: one connection, one answer */

struct peer {
	int fd, port;
	pthread_t thread;
	const char *head;        /* %s: the accept value; */
	struct str frames;       /* sent after the head */
	bool bytewise;           /* one byte at a time */
	bool hang;               /* the connection stays open until the other end goes */
	char request[4096];
	struct buf got;          /* what came after the request */
};

static void *serve(void *arg)
{
	struct peer *p = arg;
	char accept_value[32] = "", key[64] = "", head[1024];
	size_t n = 0;
	int fd = accept(p->fd, NULL, NULL);
	while (n < sizeof(p->request) - 1 && !strstr(p->request, "\r\n\r\n")) {
		ssize_t got = recv(fd, p->request + n, 1, 0);
		if (got <= 0)
			break;
		n += (size_t)got;
		p->request[n] = '\0';
	}
	const char *at = strstr(p->request, "Sec-WebSocket-Key: ");
	if (at)
		sscanf(at + 19, "%60s", key);
	websocket_accept(key, accept_value);
	int len = snprintf(head, sizeof(head), p->head, accept_value);
	struct buf all = { 0 };
	buf_add(&all, head, (size_t)len);
	buf_addstr(&all, p->frames);
	for (size_t i = 0; i < all.len; i += p->bytewise ? 1 : all.len) {
		send(fd, all.data + i, p->bytewise ? 1 : all.len, MSG_NOSIGNAL);
		if (p->bytewise)
			usleep(200);
	}
	buf_release(&all);
	char chunk[4096];
	ssize_t got;
	while (p->hang && (got = recv(fd, chunk, sizeof(chunk), 0)) > 0)
		buf_add(&p->got, chunk, (size_t)got);
	close(fd);
	return NULL;
}

static void start(struct peer *p)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t n = sizeof(a);
	p->fd = socket(AF_INET, SOCK_STREAM, 0);
	assert_int_equal(bind(p->fd, (struct sockaddr *)&a, n), 0);
	assert_int_equal(listen(p->fd, 4), 0);
	getsockname(p->fd, (struct sockaddr *)&a, &n);
	p->port = ntohs(a.sin_port);
	pthread_create(&p->thread, NULL, serve, p);
}

static void stop(struct peer *p)
{
	pthread_join(p->thread, NULL);
	close(p->fd);
	buf_release(&p->got);
}

#define UPGRADED "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n" \
	"Sec-WebSocket-Accept: %s\r\nSec-WebSocket-Protocol: v5.channel.k8s.io\r\n\r\n"

static struct websocket *open_to(struct peer *p, struct http **h, struct http_reply *reply)
{
	static char base[64];
	snprintf(base, sizeof(base), "http://127.0.0.1:%d/prefix", p->port);
	*h = http_new(&(struct http_conf){ .base = base, .proxy = "" }, &clock_system);
	return websocket_open(*h, &(struct websocket_ask){ .path = "/exec?command=x", .protocols = "v5.channel.k8s.io, v4.channel.k8s.io" },
	                      reply);
}

static void note(void *arg, struct str m)
{
	struct buf *b = arg;
	buf_addstr(b, m);
	buf_addc(b, '|');
}

/* Turns until it is over. */
static void drain(struct websocket *w, struct buf *out)
{
	bool more;
	for (int i = 0; i < 6000 && websocket_turn(w, true, note, out, &more); i++)
		poll(&(struct pollfd){ websocket_fd(w), websocket_events(w, true), 0 }, 1, more ? 0 : 50);
}

/* Two messages, one of them in two pieces with a ping between, then a close of code 1000. */
#define FRAMES "\x82\x03\x01" "hi" "\x02\x02\x01" "a" "\x89\x02" "pp" "\x80\x01" "b" "\x88\x02\x03\xe8"

static void reads_frames(bool bytewise)
{
	struct peer p = { .head = UPGRADED, .frames = { FRAMES, sizeof(FRAMES) - 1 }, .bytewise = bytewise, .hang = true };
	struct http *h;
	struct http_reply reply;
	struct buf out = { 0 };
	bool more;
	start(&p);
	struct websocket *w = open_to(&p, &h, &reply);
	if (!w)
		print_error("%s\n", reply.error);
	assert_non_null(w);
	assert_string_equal(websocket_protocol(w), "v5.channel.k8s.io");
	websocket_send(w, (struct str){ "\0", 1 }, STR("typed"));
	assert_true(websocket_turn(w, false, note, &out, &more));
	drain(w, &out);
	assert_string_equal(out.data, "\1hi|\1ab|");
	assert_string_equal(websocket_why(w), "");
	websocket_free(w);
	http_free(h);
	http_reply_release(&reply);
	shutdown(p.fd, SHUT_RDWR);
	pthread_join(p.thread, NULL);
	assert_non_null(strstr(p.request, "GET /prefix/exec?command=x HTTP/1.1\r\n"));
	assert_non_null(strstr(p.request, "Sec-WebSocket-Protocol: v5.channel.k8s.io, v4.channel.k8s.io\r\n"));
	/* the message of six bytes, masked: binary, masked length 6 */
	assert_true(p.got.len > 12);
	assert_int_equal((unsigned char)p.got.data[0], 0x82);
	assert_int_equal((unsigned char)p.got.data[1], 0x86);
	for (int i = 0; i < 6; i++)
		assert_int_equal(p.got.data[6 + i] ^ p.got.data[2 + i % 4], "\0typed"[i]);
	close(p.fd);
	buf_release(&p.got);
	buf_release(&out);
}

static void test_frames(void **state)
{
	reads_frames(false);
	reads_frames(true);
}

/* What is said of a connection that does not become a stream, or does not stay one. */
static void refusal(const char *head, struct str frames, const char *want)
{
	struct peer p = { .head = head, .frames = frames };
	struct http *h;
	struct http_reply reply;
	struct buf out = { 0 };
	start(&p);
	struct websocket *w = open_to(&p, &h, &reply);
	if (w)
		drain(w, &out);
	const char *said = w ? websocket_why(w) : reply.error;
	if (!strstr(said, want))
		print_error("want '%s' in '%s'\n", want, said);
	assert_non_null(strstr(said, want));
	websocket_free(w);
	http_free(h);
	http_reply_release(&reply);
	stop(&p);
	buf_release(&out);
}

static void test_refusals(void **state)
{
	refusal("HTTP/1.1 403 Forbidden\r\nContent-Type: application/json\r\nContent-Length: 53\r\n\r\n"
	        "{\"kind\":\"Status\",\"message\":\"pods is forbidden: nope\"}", STR(""), "pods is forbidden: nope");
	refusal("HTTP/1.1 404 Not Found\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"
	        "16\r\n{\"message\":\"no such pod\"\r\n1\r\n}\r\n0\r\n\r\n", STR(""), "answered 404");
	refusal("HTTP/1.1 404 Not Found\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"
	        "18\r\n{\"message\":\"no such pod\"\r\n1\r\n}\r\n0\r\n\r\n", STR(""), "no such pod");
	refusal("HTTP/1.1 500 Oops\r\nContent-Type: text/html\r\n\r\n<html>", STR(""), "answered 500 with a web page");
	refusal("HTTP/1.1 200 OK\r\n\r\nhello", STR(""), "answered 200 instead of opening a stream");
	refusal("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: bm9uc2Vuc2U=\r\n\r\n", STR(""),
	        "answered 101 instead");
	refusal("SSH-2.0-OpenSSH_9.2\r\n\r\n", STR(""), "without an answer");
	refusal("", STR(""), "without an answer");
	refusal(UPGRADED, STR(""), "cut");
	refusal(UPGRADED, STR("\x82\x7e\xff"), "cut");                    /* in the middle of a length */
	refusal(UPGRADED, STR("\xf3\x01z"), "no WebSocket");              /* reserved bits */
	refusal(UPGRADED, STR("\x82\x85zzzzhello"), "no WebSocket");      /* masked by the server */
	refusal(UPGRADED, STR("\x82\x7f\x00\x00\x7f\xff\xff\xff\xff\xff"), "");   /* an impossible length */
	refusal(UPGRADED, STR("\x88\x02\x03\xf3"), "code 1011");
}

static void test_down(void **state)
{
	struct peer p = { .port = 1 };
	struct http *h;
	struct http_reply reply;
	assert_null(open_to(&p, &h, &reply));
	assert_int_equal(reply.end, HTTP_CONNECT);
	assert_true(*reply.error);
	http_reply_release(&reply);
	http_free(h);
}

/* ---- channels */

static void test_end(void **state)
{
	static const struct { const char *json; bool ok; int code; const char *why; } cases[] = {
		{ "{\"status\":\"Success\"}", true, 0, "" },
		{ "{\"status\":\"Failure\",\"reason\":\"NonZeroExitCode\",\"message\":\"command terminated with non-zero exit code\","
		  "\"details\":{\"causes\":[{\"reason\":\"ExitCode\",\"message\":\"137\"}]}}", false, 137, "command terminated" },
		{ "{\"status\":\"Failure\",\"message\":\"error executing: exit status 3\"}", false, 3, "error executing" },
		{ "{\"status\":\"Failure\",\"message\":\"container not found\"}", false, -1, "container not found" },
		{ "{\"status\":\"Failure\",\"details\":{\"causes\":[{\"reason\":\"ExitCode\",\"message\":\"many\"}]}}", false, -1, "not known" },
		{ "not json", false, -1, "not known" },
		{ "[1]", false, -1, "not known" },
	};
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct stream_end e;
		stream_read_end(str_of(cases[i].json), &e);
		assert_true(e.known);
		assert_int_equal(e.ok, cases[i].ok);
		assert_int_equal(e.code, cases[i].code);
		assert_non_null(strstr(e.why, cases[i].why));
	}
}

static void test_path(void **state)
{
	static const char *const command[] = { "sh", "-c", "echo 'a b' & rm", NULL };
	struct buf b = { 0 };
	stream_path(&b, &(struct stream_ask){ "ns", "pod", "main", command, true, true });
	assert_string_equal(b.data, "/api/v1/namespaces/ns/pods/pod/exec?command=sh&command=-c&command=echo%20%27a%20b%27%20%26%20rm"
	                    "&container=main&stdin=true&stdout=true&tty=true");
	buf_clear(&b);
	stream_path(&b, &(struct stream_ask){ "ns", "pod", "main", NULL, false, false });
	assert_string_equal(b.data, "/api/v1/namespaces/ns/pods/pod/attach?container=main&stdout=true&stderr=true");
	buf_release(&b);
}

static void test_forwarding(void **state)
{
	struct forwarding f = { 0 };
	struct str bytes;
	bool error;
	assert_false(forwarding_read(&f, STR(""), &error, &bytes));
	assert_false(forwarding_read(&f, (struct str){ "\0\x1f", 2 }, &error, &bytes));          /* half a port */
	assert_true(forwarding_read(&f, (struct str){ "\0\x40\x1f", 3 }, &error, &bytes));
	assert_int_equal(bytes.n, 0);
	assert_true(forwarding_read(&f, (struct str){ "\0data", 5 }, &error, &bytes));
	assert_true(!error && str_is(bytes, "data"));
	assert_true(forwarding_read(&f, (struct str){ "\1\x40\x1frefused", 10 }, &error, &bytes));
	assert_true(error && str_is(bytes, "refused"));
	assert_false(forwarding_read(&f, (struct str){ "\7x", 2 }, &error, &bytes));
}

/* ---- doors */

#define POD(name, ready, more) "{\"metadata\":{\"name\":\"" name "\"" more "},\"spec\":{\"containers\":[{\"ports\":[{\"containerPort\":8000," \
	"\"name\":\"http\"}]}]},\"status\":{\"conditions\":[{\"type\":\"Ready\",\"status\":\"" ready "\"}]}}"

static void test_doors(void **state)
{
	json_t *pods = json_loads("[" POD("a", "False", "") "," POD("b", "True", ",\"deletionTimestamp\":\"now\"") "," POD("c", "True", "")
	                          "," POD("d", "True", "") ", 7]", 0, NULL);
	json_t *service = json_loads("{\"kind\":\"Service\",\"spec\":{\"ports\":[{\"port\":80,\"name\":\"web\",\"targetPort\":\"http\"},"
	                             "{\"port\":81,\"targetPort\":9000},{\"port\":82},{\"port\":83,\"targetPort\":\"nope\"}]}}", 0, NULL);
	assert_non_null(pods);
	assert_string_equal(jtext(door_pick(pods, ""), "metadata.name"), "c");
	assert_string_equal(jtext(door_pick(pods, "d"), "metadata.name"), "d");
	assert_string_equal(jtext(door_pick(pods, "b"), "metadata.name"), "c");
	assert_null(door_pick(NULL, ""));
	const json_t *pod = door_pick(pods, "");
	assert_int_equal(door_port(service, pod, "80"), 8000);
	assert_int_equal(door_port(service, pod, "web"), 8000);
	assert_int_equal(door_port(service, pod, "81"), 9000);
	assert_int_equal(door_port(service, pod, "82"), 82);
	assert_int_equal(door_port(service, pod, "83"), 0);
	assert_int_equal(door_port(service, pod, "84"), 0);
	assert_int_equal(door_port(pod, pod, "http"), 8000);
	assert_int_equal(door_port(pod, pod, ""), 8000);
	assert_int_equal(door_port(pod, pod, "1234"), 1234);
	assert_int_equal(door_port(pod, pod, "70000"), 0);
	json_decref(pods);
	json_decref(service);
}

static bool wants(const char *setting, const char *more, char *port)
{
	char *text = xasprintf("{\"metadata\":{\"namespace\":\"ml\",\"name\":\"price-api\"%s},\"spec\":{\"selector\":{\"a\":\"b\"},\"ports\":"
	                       "[{\"port\":80}]}}", more);
	json_t *o = json_loads(text, 0, NULL);
	bool is = models_wants(setting, o, port, 64);
	json_decref(o);
	free(text);
	return is;
}

static void test_models(void **state)
{
	char port[64];
	assert_false(wants("annotated", "", port));
	assert_true(wants("annotated", ",\"annotations\":{\"binnacle/serving\":\"true\",\"binnacle/port\":\"http\"}", port));
	assert_string_equal(port, "http");
	assert_false(wants("annotated", ",\"annotations\":{\"binnacle/serving\":\"false\"}", port));
	assert_true(wants("known", ",\"labels\":{\"serving.kserve.io/inferenceservice\":\"x\"}", port));
	assert_string_equal(port, "80");
	assert_false(wants("known", "", port));
	assert_true(wants("annotated, ml/*-api:8000", "", port));
	assert_string_equal(port, "8000");
	assert_false(wants("other/*", "", port));
	json_t *external = json_loads("{\"metadata\":{\"namespace\":\"ml\",\"name\":\"x\"},\"spec\":{\"ports\":[{\"port\":1}]}}", 0, NULL);
	assert_false(models_wants("*/*", external, port, sizeof(port)));
	json_decref(external);
}

/* ---- archives */

struct member { const char *name; int type; const char *body; };
struct bytes { struct buf b; size_t at, step; };


static ssize_t give(void *arg, const char **p, struct tar_done *done)
{
	struct bytes *b = arg;
	size_t n = b->b.len - b->at < b->step ? b->b.len - b->at : b->step;
	*p = b->b.data + b->at;
	b->at += n;
	return (ssize_t)n;
}

static bool put(void *arg, struct str bytes, struct tar_done *done)
{
	buf_addstr(arg, bytes);
	return true;
}

/* An archive by hand: ustar headers. */
static void add_member(struct buf *out, const struct member *m)
{
	char h[512] = { 0 };
	unsigned sum = 0;
	snprintf(h, 100, "%s", m->name);
	snprintf(h + 100, 8, "%07o", 0644);
	snprintf(h + 108, 8, "%07o", 0);
	snprintf(h + 116, 8, "%07o", 0);
	snprintf(h + 124, 12, "%011o", (unsigned)strlen(m->body));
	snprintf(h + 136, 12, "%011o", 0);
	h[156] = (char)m->type;
	if (m->type == '2' || m->type == '1')
		snprintf(h + 157, 100, "%s", m->body);
	memcpy(h + 257, "ustar\00000", 8);
	if (m->type == '2' || m->type == '1')
		snprintf(h + 124, 12, "%011o", 0);
	memset(h + 148, ' ', 8);
	for (int i = 0; i < 512; i++)
		sum += (unsigned char)h[i];
	snprintf(h + 148, 8, "%06o", sum);
	buf_add(out, h, 512);
	if (m->type == '0') {
		char pad[512] = { 0 };
		buf_adds(out, m->body);
		buf_add(out, pad, (512 - strlen(m->body) % 512) % 512);
	}
}

static bool unpack(const struct member *members, size_t n, const char *dir, bool overwrite, struct tar_done *done)
{
	struct bytes b = { .step = 100 };
	char end[1024] = { 0 };
	for (size_t i = 0; i < n; i++)
		add_member(&b.b, &members[i]);
	buf_add(&b.b, end, sizeof(end));
	int fd = open(dir, O_DIRECTORY | O_RDONLY);
	bool ok = tar_unpack(give, &b, fd, "got", overwrite, done);
	close(fd);
	buf_release(&b.b);
	return ok;
}

static void test_breakouts(void **state)
{
	char dir[] = "/tmp/test-stream.XXXXXX", outside[64], path[128];
	struct tar_done done;
	assert_non_null(mkdtemp(dir));
	snprintf(outside, sizeof(outside), "%s.out", dir);
	static const struct member evil[][3] = {
		{ { "../x", '0', "evil" } }, { { "a/../../x", '0', "evil" } }, { { "/tmp/test-stream-evil", '0', "evil" } },
		{ { "a/..", '5', "" } }, { { "..", '5', "" } },
	};
	for (size_t i = 0; i < ARRAY_SIZE(evil); i++) {
		assert_false(unpack(evil[i], 1, dir, true, &done));
		assert_non_null(strstr(done.error, "leads elsewhere"));
	}
	assert_int_not_equal(access("/tmp/test-stream-evil", F_OK), 0);
	/* a link, and then a file through it */
	struct member link[] = { { "top", '5', "" }, { "top/l", '2', outside }, { "top/l/x", '0', "evil" } };
	assert_int_equal(mkdir(outside, 0700), 0);
	assert_true(unpack(link, 3, dir, false, &done));
	assert_int_equal(done.left_out, 1);
	snprintf(path, sizeof(path), "%s/x", outside);
	assert_int_not_equal(access(path, F_OK), 0);
	/* a link that was there before is not followed either */
	snprintf(path, sizeof(path), "%s/got/m", dir);
	assert_int_equal(symlink(outside, path), 0);
	struct member through[] = { { "top/m/x", '0', "evil" } };
	assert_false(unpack(through, 1, dir, true, &done));
	snprintf(path, sizeof(path), "%s/x", outside);
	assert_int_not_equal(access(path, F_OK), 0);
	/* what is there is kept, unless asked otherwise */
	struct member file[] = { { "top/f", '0', "one" } }, again[] = { { "top/f", '0', "two" } };
	assert_true(unpack(file, 1, dir, false, &done));
	assert_false(unpack(again, 1, dir, false, &done));
	assert_non_null(strstr(done.error, "there already"));
	assert_true(unpack(again, 1, dir, true, &done));
	/* an archive that ends in the middle */
	struct bytes cut = { .step = 512 };
	add_member(&cut.b, &(struct member){ "top/g", '0', "whole" });
	cut.b.len -= 510;
	int fd = open(dir, O_DIRECTORY | O_RDONLY);
	assert_false(tar_unpack(give, &cut, fd, "got", true, &done));
	close(fd);
	buf_release(&cut.b);
	/* and there and back */
	struct buf packed = { 0 };
	snprintf(path, sizeof(path), "%s/got", dir);
	assert_true(tar_pack(put, &packed, path, "back", &done));
	assert_int_equal(done.left_out, 1);
	assert_int_equal(done.bytes, 3 + 4);            /* top/f, and top/l/x: no link stood in its way */
	struct bytes back = { .b = packed, .step = 7 };
	fd = open(dir, O_DIRECTORY | O_RDONLY);
	assert_true(tar_unpack(give, &back, fd, "again", false, &done));
	close(fd);
	buf_release(&packed);
	char *rm = xasprintf("rm -r %s %s", dir, outside);
	assert_int_equal(system(rm), 0);
	free(rm);
}

/* ---- the terminal lent */

static void test_lend(void **state)
{
	int ends[2], w, h;
	char bytes[LEND_MOST];
	enum lend_type type;
	assert_true(lend_pair(ends));
	assert_int_equal(lend_take(ends[1], &type, bytes), -1);
	assert_true(lend_put(ends[0], LEND_SIZE, STR("80x24")));
	assert_true(lend_put(ends[0], LEND_INPUT, STR("ls\r")));
	assert_int_equal(lend_take(ends[1], &type, bytes), 5);
	assert_int_equal(type, LEND_SIZE);
	assert_true(lend_size(bytes, 5, &w, &h) && w == 80 && h == 24);
	assert_false(lend_size("80y", 3, &w, &h) || lend_size("0x4", 3, &w, &h));
	assert_int_equal(lend_take(ends[1], &type, bytes), 3);
	close(ends[0]);
	assert_int_equal(lend_take(ends[1], &type, bytes), -2);
	close(ends[1]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_frames), cmocka_unit_test(test_refusals), cmocka_unit_test(test_down), cmocka_unit_test(test_end),
		cmocka_unit_test(test_path), cmocka_unit_test(test_forwarding), cmocka_unit_test(test_doors), cmocka_unit_test(test_models),
		cmocka_unit_test(test_breakouts), cmocka_unit_test(test_lend),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
