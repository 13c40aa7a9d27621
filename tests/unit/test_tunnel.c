/* tunnel: what a setting names, what a SOCKS client asks for, and whose a connection is; the rest is tried live. */
#include "backends/net/tunnel.h"
#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

static void names_of_hosts(void **state)
{
	static const struct { const char *text, *user, *host; int port; } right[] = {
		{ "bastion", "", "bastion", 0 }, { "ops@bastion.example.com", "ops", "bastion.example.com", 0 },
		{ "ssh://ops@bastion:2222", "ops", "bastion", 2222 }, { " [::1]:22 ", "", "::1", 22 }, { "[fe80::1]", "", "fe80::1", 0 },
		{ "first@last@host", "first@last", "host", 0 },
	};
	static const char *const wrong[] = { "", "@host", "host:", "host:0", "host:65536", "host:22x", "-oProxyCommand=x", "user@-x", "a/b",
	                                     "[::1", "[::1]x", "a b", ":22", "ssh://" };
	char user[32], host[64], small[4];
	int port;
	for (size_t i = 0; i < sizeof(right) / sizeof(*right); i++) {
		assert_true(tunnel_parse(right[i].text, user, sizeof(user), host, sizeof(host), &port));
		assert_string_equal(user, right[i].user);
		assert_string_equal(host, right[i].host);
		assert_int_equal(port, right[i].port);
	}
	for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++)
		if (tunnel_parse(wrong[i], user, sizeof(user), host, sizeof(host), &port))
			fail_msg("'%s' is taken as '%s'", wrong[i], host);
	assert_false(tunnel_parse("host", user, sizeof(user), small, sizeof(small), &port));
}

static void requests_of_socks(void **state)
{
	unsigned char name[] = "\5\1\0\3\13db.internal\x15\x38", v4[] = "\5\1\0\1\177\0\0\1\0\120", v6[] = "\5\1\0\4\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\1\1\273";
	char host[256];
	int port;
	assert_int_equal(socks_request(name, sizeof(name) - 1, host, &port), sizeof(name) - 1);
	assert_string_equal(host, "db.internal");
	assert_int_equal(port, 5432);
	assert_int_equal(socks_request(v4, sizeof(v4) - 1, host, &port), 10);
	assert_string_equal(host, "127.0.0.1");
	assert_int_equal(port, 80);
	assert_int_equal(socks_request(v6, sizeof(v6) - 1, host, &port), 22);
	assert_string_equal(host, "::1");
	assert_int_equal(port, 443);
	for (size_t n = 0; n < sizeof(name) - 1; n++)                /* whatever is cut off is waited for */
		assert_int_equal(socks_request(name, n, host, &port), 0);
	name[1] = 2;                                                 /* BIND */
	assert_int_equal(socks_request(name, sizeof(name) - 1, host, &port), -1);
	name[1] = 1, name[3] = 7;
	assert_int_equal(socks_request(name, sizeof(name) - 1, host, &port), -1);
	assert_int_equal(socks_request((const unsigned char *)"\5\1\0\3\0\0\120", 7, host, &port), -1);      /* no name */
	assert_int_equal(socks_request((const unsigned char *)"GET / HTTP", 10, host, &port), -1);
	assert_int_equal(socks_request((const unsigned char *)"\5\1\0\1\177\0\0\1\0\0", 10, host, &port), -1);      /* port 0 */
	assert_int_equal(socks_request((const unsigned char *)"\5\1\0\3\3a\0b\0\120", 10, host, &port), -1);      /* a NUL in it */
}

/* The longest name there is does not pass the end of host. */
static void longest_name(void **state)
{
	unsigned char p[5 + 255 + 2] = { 5, 1, 0, 3, 255 };
	char host[256];
	int port;
	memset(p + 5, 'x', 255);
	p[5 + 255] = 0, p[5 + 256] = 80;
	assert_int_equal(socks_request(p, sizeof(p), host, &port), sizeof(p));
	assert_int_equal(strlen(host), 255);
}

static void whose_connection(void **state)
{
	static const char lines[] =
		"  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n"
		"   0: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000  1000        0 4242 1 0 100 0 0 10 0\n"
		"   1: 0100007F:A1B2 0100007F:1F90 01 00000000:00000000 02:000007BE 00000000  1001        0 4343 2 0 20 4 30 10 -1\n"
		"   2: 0100007F:1F90 0100007F:A1B2 01 00000000:00000000 00:00000000 00000000  1000        0 4444 1 0 20 4 30 10 -1\n";
	assert_true(tcp_is_ours(lines, 0xa1b2, 0x1f90, 1001));
	assert_false(tcp_is_ours(lines, 0xa1b2, 0x1f90, 1000));      /* the other end's line is not taken for it */
	assert_false(tcp_is_ours(lines, 0xa1b3, 0x1f90, 1001));
	assert_false(tcp_is_ours("", 0xa1b2, 0x1f90, 0));
}

/* With no SSH behind it: the proxy is one, and refuses by SOCKS with the reason kept. */
static void nobody_there(void **state)
{
	struct yaml_doc *doc = yaml_parse(STR("tunnel: nobody@127.0.0.1:1\n"), &(struct yaml_error){ 0 });
	struct tunnel *t = tunnel_new(yaml_root(doc));
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	unsigned char got[16];
	char why[400], remedy[300];
	assert_non_null(t);
	assert_null(tunnel_new(NULL));
	assert_false(tunnel_trouble(t, why, sizeof(why), remedy, sizeof(remedy)));
	const char *proxy = tunnel_proxy(t), *port = strrchr(proxy, ':') + 1;
	assert_string_equal(proxy, tunnel_proxy(t));                 /* one door for all */
	assert_int_not_equal(tunnel_port(t, "db", 5432), atoi(port));
	assert_int_equal(tunnel_port(t, "db", 5432), tunnel_port(t, "db", 5432));
	a.sin_port = htons((uint16_t)atoi(port));
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	assert_int_equal(connect(fd, (struct sockaddr *)&a, sizeof(a)), 0);
	assert_int_equal(write(fd, "\5\1\0\5\1\0\1\177\0\0\1\0\120", 13), 13);       /* greeting and request in one */
	assert_int_equal(recv(fd, got, 2, MSG_WAITALL), 2);
	assert_memory_equal(got, "\5\0", 2);
	assert_int_equal(recv(fd, got, 10, MSG_WAITALL), 10);
	assert_int_equal(got[1], 1);
	assert_int_equal(recv(fd, got, 1, 0), 0);
	close(fd);
	assert_true(tunnel_trouble(t, why, sizeof(why), remedy, sizeof(remedy)));
	assert_non_null(strstr(why, "127.0.0.1 port 1 cannot be reached"));
	tunnel_free(t);
	yaml_doc_free(doc);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_of_hosts), cmocka_unit_test(requests_of_socks), cmocka_unit_test(longest_name),
		cmocka_unit_test(whose_connection), cmocka_unit_test(nobody_there),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
