/* aws_credentials: each link of the chain, with files in a directory of its own and a small server in this program that
 * plays STS, single sign-on, the container's agent and the instance's metadata. */
#define _GNU_SOURCE
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include "backends/net/aws_credentials.h"
#include "base/mem.h"
#include <arpa/inet.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#define NOW 1795231200000            /* 2026-11-21T03:20:00Z */

/* ---- the server: answers by the beginning of the request line, remembers what it was asked */

static struct { int fd; char url[64]; pthread_t thread; char seen[16384]; unsigned asked; const char *sts; } server;

#define OK "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n"
#define STS_KEYS OK "<AssumeRoleResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><AssumeRoleResult><Credentials>" \
	"<AccessKeyId>ASIASTS</AccessKeyId><SecretAccessKey>sts&amp;secret</SecretAccessKey><SessionToken>ststoken</SessionToken>" \
	"<Expiration>2026-11-21T04:20:00Z</Expiration></Credentials></AssumeRoleResult></AssumeRoleResponse>"
#define STS_NO "HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n<ErrorResponse><Error><Code>ExpiredTokenException</Code>" \
	"<Message>Token expired: current date/time must be before the expiration date/time</Message></Error></ErrorResponse>"
static const struct { const char *line, *answer; } answers[] = {
	{ "GET /federation/credentials?role_name=Reader&account_id=123456789012 ", OK "{\"roleCredentials\":{\"accessKeyId\":"
	  "\"ASIASSO\",\"secretAccessKey\":\"s\",\"sessionToken\":\"t\",\"expiration\":1795234800000}}" },
	{ "POST /token ", OK "{\"accessToken\":\"renewed\",\"expiresIn\":3600}" },
	{ "GET /v1/credentials ", OK "{\"AccessKeyId\":\"ASIAPOD\",\"SecretAccessKey\":\"s\",\"Token\":\"t\",\"Expiration\":"
	  "\"2026-11-21T05:00:00Z\"}" },
	{ "GET /v1/broken ", OK "{\"Code\":\"AccessDenied\",\"Message\":\"no association\"}" },
	{ "PUT /latest/api/token ", OK "imdstoken" },
	{ "GET /latest/meta-data/iam/security-credentials/ ", OK "node-role\n" },
	{ "GET /latest/meta-data/iam/security-credentials/node-role ", OK "{\"Code\":\"Success\",\"AccessKeyId\":\"ASIANODE\","
	  "\"SecretAccessKey\":\"s\",\"Token\":\"t\",\"Expiration\":\"2026-11-21T09:00:00Z\"}" },
};

static void answer(int fd)
{
	char buf[16384];
	size_t n = 0, want = sizeof(buf) - 1;
	while (n < want) {
		ssize_t got = recv(fd, buf + n, want - n, 0);
		if (got <= 0)
			break;
		n += (size_t)got;
		buf[n] = '\0';
		char *end = strstr(buf, "\r\n\r\n"), *length = strcasestr(buf, "Content-Length:");
		if (end)
			want = (size_t)(end + 4 - buf) + (length && length < end ? (size_t)atoi(length + 15) : 0);
	}
	buf[n] = '\0';
	const char *say = "HTTP/1.1 404 Not Found\r\nConnection: close\r\n\r\n";
	for (size_t i = 0; i < ARRAY_SIZE(answers); i++)
		if (!strncmp(buf, answers[i].line, strlen(answers[i].line)))
			say = answers[i].answer;
	if (!strncmp(buf, "POST / ", 7))
		say = server.sts;
	memcpy(server.seen, buf, n + 1);
	server.asked++;
	send(fd, say, strlen(say), MSG_NOSIGNAL);
	close(fd);
}

static void *serve(void *arg)
{
	for (;;) {
		int fd = accept(server.fd, NULL, NULL);
		if (fd < 0)
			return NULL;
		answer(fd);
	}
}

/* ---- the world of a test */

static char dir[] = "/tmp/test_aws_XXXXXX";
static struct clock_fixed still;
static struct clock test_clock;

static void put(const char *name, const char *text)
{
	char path[300];
	snprintf(path, sizeof(path), "%s/%s", dir, name);
	FILE *f = fopen(path, "w");
	assert_non_null(f);
	fputs(text, f);
	fclose(f);
}

static const char *const names[] = { "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_PROFILE",
	"AWS_REGION", "AWS_DEFAULT_REGION", "AWS_ROLE_ARN", "AWS_WEB_IDENTITY_TOKEN_FILE", "AWS_ROLE_SESSION_NAME",
	"AWS_CONTAINER_CREDENTIALS_FULL_URI", "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE",
	"AWS_CONTAINER_AUTHORIZATION_TOKEN", "AWS_EC2_METADATA_SERVICE_ENDPOINT", "AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE",
	"AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_STS", "AWS_ENDPOINT_URL_SSO", "AWS_ENDPOINT_URL_SSO_OIDC" };

static int setup(void **state)
{
	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		unsetenv(names[i]);
	setenv("HOME", dir, 1);
	setenv("AWS_EC2_METADATA_DISABLED", "true", 1);
	setenv("AWS_ENDPOINT_URL", server.url, 1);
	put(".aws/config", "");
	put(".aws/credentials", "");
	still = (struct clock_fixed){ NOW, 1000000 };
	test_clock = clock_still(&still);
	server.asked = 0;
	server.seen[0] = '\0';
	server.sts = STS_KEYS;
	return 0;
}

static struct aws_chain *chain_of(const char *settings, struct yaml_doc **doc)
{
	struct yaml_error err;
	*doc = yaml_parse(str_of(settings), &err);
	assert_non_null(*doc);
	return aws_chain_new(&(struct aws_conf){ .settings = yaml_root(*doc), .clock = &test_clock });
}

/* The id of the keys found, and who gave them. "": none, and from is why. */
static void expect(const char *settings, const char *id, const char *from)
{
	struct yaml_doc *doc;
	struct aws_chain *c = chain_of(settings, &doc);
	const struct aws_keys *k = aws_chain_get(c);
	const char *said = k ? aws_chain_from(c) : aws_chain_why(c);
	assert_string_equal(k ? secret_reveal(k->id).p : "", id);
	if (!strstr(said, from))
		fail_msg("'%s' does not say '%s'", said, from);
	aws_chain_free(c);
	yaml_doc_free(doc);
}

static void test_settings(void **state)
{
	setenv("TEST_ID", "AKIASET", 1);
	setenv("AWS_ACCESS_KEY_ID", "AKIAENV", 1);
	expect("{access_key: {env: TEST_ID}, secret_key: {command: echo s}}", "AKIASET", "access_key in binnacle.yaml");
	expect("{access_key: {env: TEST_ID}}", "", "access_key is set in binnacle.yaml without secret_key");
	expect("{access_key: {env: TEST_ID}, secret_key: {file: /nowhere}}", "", "cannot read the secret from '/nowhere'");
}

static void test_environment(void **state)
{
	setenv("AWS_ACCESS_KEY_ID", "AKIAENV", 1);
	expect("{}", "", "without AWS_SECRET_ACCESS_KEY");
	setenv("AWS_SECRET_ACCESS_KEY", "s", 1);
	expect("{}", "AKIAENV", "in the environment");
	put(".aws/credentials", "[p]\naws_access_key_id = AKIAP\naws_secret_access_key = s\n");
	expect("{profile: p}", "AKIAP", "profile 'p'");
}

static void test_files(void **state)
{
	struct yaml_doc *doc;
	put(".aws/credentials", "# mine\n[default]\naws_access_key_id=AKIADEF\naws_secret_access_key = a=b/c+\n\n[half]\n"
	    "aws_access_key_id = X\n");
	put(".aws/config", "[default]\nregion = eu-west-1\n[profile \"team ml\"]\nregion = us-west-2\ns3 =\n    region = never\n"
	    "aws_access_key_id = AKIACONF\naws_secret_access_key = s\n");
	expect("{}", "AKIADEF", "profile 'default' in /tmp");
	expect("{profile: team ml}", "AKIACONF", "/.aws/config");
	expect("{profile: half}", "", "only one of");
	expect("{profile: gone}", "", "'gone' is neither in");
	struct aws_chain *c = chain_of("{profile: team ml}", &doc);
	assert_string_equal(aws_chain_region(c), "us-west-2");
	setenv("AWS_REGION", "ap-south-1", 1);
	aws_chain_free(c);
	c = aws_chain_new(&(struct aws_conf){ .clock = &test_clock });
	assert_string_equal(aws_chain_region(c), "ap-south-1");
	const struct aws_keys *k = aws_chain_get(c);
	assert_string_equal(secret_reveal(k->secret).p, "a=b/c+");
	aws_chain_free(c);
	yaml_doc_free(doc);
}

static void test_process(void **state)
{
	put("give", "#!/bin/sh\nprintf '{\"Version\": 1,\\n \"AccessKeyId\": \"AKIAPROC\", \"SecretAccessKey\": \"%s\"}\\n' \"$1\"\n");
	char line[800], path[200];
	snprintf(path, sizeof(path), "%s/give", dir);
	chmod(path, 0700);
	snprintf(line, sizeof(line), "[profile p]\ncredential_process = %s 'a b'\n[profile old]\ncredential_process = echo '{\"Version\":2}'\n"
	         "[profile bad]\ncredential_process = exit 3\n", path);
	put(".aws/config", line);
	expect("{profile: p}", "AKIAPROC", "credential_process of profile 'p'");
	expect("{profile: old}", "", "printed Version 2");
	expect("{profile: bad}", "", "failed (exit status 3)");
}

static void test_assume_role(void **state)
{
	struct yaml_doc *doc;
	put(".aws/config", "[profile ml]\nrole_arn = arn:aws:iam::123456789012:role/ml\nsource_profile = base\nexternal_id = x&y\n"
	    "region = us-west-2\n[profile loop]\nrole_arn = r\nsource_profile = loop2\n[profile loop2]\nrole_arn = r\n"
	    "source_profile = loop\n[profile code]\nrole_arn = r\nsource_profile = base\nmfa_serial = m\n");
	put(".aws/credentials", "[base]\naws_access_key_id = AKIABASE\naws_secret_access_key = s\n");
	struct aws_chain *c = chain_of("{profile: ml}", &doc);
	const struct aws_keys *k = aws_chain_get(c);
	assert_non_null(k);
	assert_string_equal(secret_reveal(k->secret).p, "sts&secret");
	assert_string_equal(secret_reveal(k->token).p, "ststoken");
	assert_non_null(strstr(server.seen, "Credential=AKIABASE/20261121/us-west-2/sts/aws4_request"));
	assert_non_null(strstr(server.seen, "Action=AssumeRole&Version=2011-06-15&RoleArn=arn%3Aaws%3Aiam%3A%3A123456789012%3Arole%2Fml"));
	assert_non_null(strstr(server.seen, "&ExternalId=x%26y"));
	assert_int_equal(aws_chain_expires(c), NOW + 3600000);
	/* kept until ten minutes before the end, then renewed; a failure then does not take the good ones away */
	still.wall += 49 * 60000;
	assert_ptr_equal(aws_chain_get(c), k);
	assert_int_equal(server.asked, 1);
	still.wall += 2 * 60000;
	server.sts = STS_NO;
	assert_non_null(aws_chain_get(c));
	assert_int_equal(server.asked, 2);
	assert_non_null(aws_chain_get(c));           /* not at every call */
	assert_int_equal(server.asked, 2);
	still.wall += 9 * 60000;
	still.mono += 9 * 60000;
	assert_null(aws_chain_get(c));
	assert_non_null(strstr(aws_chain_why(c), "STS refuses the role arn:aws:iam::123456789012:role/ml: Token expired"));
	aws_chain_free(c);
	yaml_doc_free(doc);
	expect("{profile: loop}", "", "refer to one another");
	expect("{profile: code}", "", "second factor");
}

static void test_web_identity(void **state)
{
	char path[200];
	put("token", "eyJ.jwt\n");
	snprintf(path, sizeof(path), "%s/token", dir);
	setenv("AWS_ROLE_ARN", "arn:aws:iam::1:role/irsa", 1);
	setenv("AWS_WEB_IDENTITY_TOKEN_FILE", path, 1);
	expect("{}", "ASIASTS", "web identity for the role arn:aws:iam::1:role/irsa");
	assert_null(strstr(server.seen, "Authorization"));
	assert_non_null(strstr(server.seen, "&WebIdentityToken=eyJ.jwt"));
	server.sts = STS_NO;
	expect("{}", "", "Token expired");
	server.sts = OK "<html>";
	expect("{}", "", "STS refuses the role");
	setenv("AWS_WEB_IDENTITY_TOKEN_FILE", "/nowhere", 1);
	expect("{}", "", "cannot read the web identity token");
}

#define SSO_FILE ".aws/sso/cache/d033e22ae348aeb5660fc2140aec35850c4da997.json"     /* sha1 of "admin" */

static void test_sso(void **state)
{
	put(".aws/config", "[sso-session admin]\nsso_region = eu-north-1\nsso_start_url = https://x.awsapps.com/start\n"
	    "[profile p]\nsso_session = admin\nsso_account_id = 123456789012\nsso_role_name = Reader\n"
	    "[profile q]\nsso_session = admin\nsso_account_id = 123456789012\n");
	expect("{profile: p}", "", "nobody is logged in");
	put(SSO_FILE, "{\"accessToken\":\"tok\",\"expiresAt\":\"2026-11-21T08:00:00Z\"}");
	expect("{profile: p}", "ASIASSO", "single sign-on, role Reader of account 123456789012");
	assert_non_null(strstr(server.seen, "x-amz-sso_bearer_token: tok\r\n"));
	expect("{profile: q}", "", "lacks sso_role_name");
	put(SSO_FILE, "{\"accessToken\":\"tok\",\"expiresAt\":\"2026-11-21T03:00:00Z\"}");
	expect("{profile: p}", "", "has expired");
	put(SSO_FILE, "{\"accessToken\":\"tok\",\"expiresAt\":\"2026-11-21T03:00:00Z\",\"refreshToken\":\"r\",\"clientId\":\"c\","
	    "\"clientSecret\":\"d\"}");
	expect("{profile: p}", "ASIASSO", "single sign-on");
	assert_non_null(strstr(server.seen, "x-amz-sso_bearer_token: renewed\r\n"));
	put(SSO_FILE, "not json");
	expect("{profile: p}", "", "nobody is logged in");
}

static void test_container(void **state)
{
	char url[120], path[200];
	put("podtoken", "pod-jwt\n");
	snprintf(path, sizeof(path), "%s/podtoken", dir);
	snprintf(url, sizeof(url), "%s/v1/credentials", server.url);
	setenv("AWS_CONTAINER_CREDENTIALS_FULL_URI", url, 1);
	setenv("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", path, 1);
	expect("{}", "ASIAPOD", "the container's agent");
	assert_non_null(strstr(server.seen, "Authorization: pod-jwt\r\n"));
	snprintf(url, sizeof(url), "%s/v1/broken", server.url);
	setenv("AWS_CONTAINER_CREDENTIALS_FULL_URI", url, 1);
	expect("{}", "", "no association");
	server.asked = 0;
	setenv("AWS_CONTAINER_CREDENTIALS_FULL_URI", "http://127.evil.example/", 1);
	expect("{}", "", "plain http to another host");
	setenv("AWS_CONTAINER_CREDENTIALS_FULL_URI", "http://10.0.0.1/v1", 1);
	expect("{}", "", "plain http to another host");
	assert_int_equal(server.asked, 0);
}

static void test_instance(void **state)
{
	unsetenv("AWS_EC2_METADATA_DISABLED");
	setenv("AWS_EC2_METADATA_SERVICE_ENDPOINT", server.url, 1);
	expect("{}", "ASIANODE", "the instance's role node-role");
	assert_non_null(strstr(server.seen, "x-aws-ec2-metadata-token: imdstoken\r\n"));
	setenv("AWS_EC2_METADATA_SERVICE_ENDPOINT", "http://127.0.0.1:1", 1);
	expect("{}", "", "no credentials");
}

static void test_nobody(void **state)
{
	struct buf b = { 0 };
	struct aws_chain *c = aws_chain_new(&(struct aws_conf){ .clock = &test_clock });
	assert_null(aws_chain_get(c));
	assert_true(aws_chain_nobody(c));
	aws_chain_explain(c, &b);
	for (int i = 0; i < AWS_LINK_COUNT; i++)
		assert_non_null(strstr(b.data, aws_link_names[i]));
	assert_non_null(strstr(b.data, "environment: AWS_ACCESS_KEY_ID is not set\n"));
	/* a login is noticed after a while, or at once when told to forget */
	put(".aws/credentials", "[default]\naws_access_key_id = A\naws_secret_access_key = s\n");
	assert_null(aws_chain_get(c));
	aws_chain_forget(c);
	assert_non_null(aws_chain_get(c));
	assert_false(aws_chain_nobody(c));
	buf_release(&b);
	aws_chain_free(c);
}

static int start(void **state)
{
	struct sockaddr_in at = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t n = sizeof(at);
	char path[64];
	assert_non_null(mkdtemp(dir));
	for (int i = 0; i < 3; i++) {
		snprintf(path, sizeof(path), "%s/%s", dir, (const char *[]){ ".aws", ".aws/sso", ".aws/sso/cache" }[i]);
		mkdir(path, 0700);
	}
	server.fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(bind(server.fd, (struct sockaddr *)&at, sizeof(at)), 0);
	listen(server.fd, 8);
	getsockname(server.fd, (struct sockaddr *)&at, &n);
	snprintf(server.url, sizeof(server.url), "http://127.0.0.1:%d", ntohs(at.sin_port));
	return pthread_create(&server.thread, NULL, serve, NULL);
}

static int stop(void **state)
{
	char line[64];
	shutdown(server.fd, SHUT_RDWR);
	pthread_join(server.thread, NULL);
	close(server.fd);
	snprintf(line, sizeof(line), "rm -rf %s", dir);
	return system(line);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup(f, setup)
	const struct CMUnitTest tests[] = { T(test_settings), T(test_environment), T(test_files), T(test_process),
		T(test_assume_role), T(test_web_identity), T(test_sso), T(test_container), T(test_instance), T(test_nobody) };
	return cmocka_run_group_tests(tests, start, stop);
}
