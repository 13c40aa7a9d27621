/* secret_setting: where binnacle.yaml says that a secret is: in the environment, in a file, or printed by a command. */
#define _GNU_SOURCE
#include "base/buf.h"
#include "base/clock.h"
#include "base/secret.h"
#include "base/yaml.h"
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define COMMAND_MS 10000
#define OUTPUT_MAX 65536

/* sh -c line, in a session of its own, its output to the pipe. */
static pid_t start_command(const char *line, int out)
{
	pid_t pid = fork();
	if (pid)
		return pid;
	int nothing = open("/dev/null", O_RDWR);
	setsid();
	dup2(nothing, 0);
	dup2(out, 1);
	dup2(nothing, 2);
	signal(SIGPIPE, SIG_DFL);
	execl("/bin/sh", "sh", "-c", line, (char *)NULL);
	_exit(127);
}

/* Reads until the end, the limit or the deadline; false: too late or too much. */
static bool read_output(int fd, struct buf *out)
{
	int64_t end = clock_mono(&clock_system) + COMMAND_MS;
	for (;;) {
		struct pollfd p = { .fd = fd, .events = POLLIN };
		int64_t left = end - clock_mono(&clock_system);
		char part[1024];
		if (left <= 0 || out->len > OUTPUT_MAX)
			return false;
		if (poll(&p, 1, (int)left) <= 0)
			continue;
		ssize_t n = read(fd, part, sizeof(part));
		if (n <= 0)
			return true;
		buf_add(out, part, (size_t)n);
		explicit_bzero(part, sizeof(part));
	}
}

static int from_command(struct secret *s, const char *line, bool all, char *why, size_t size)
{
	struct buf out = { 0 };
	int fds[2], status = -1;
	if (pipe2(fds, O_CLOEXEC) < 0) {
		snprintf(why, size, "cannot run the command '%.120s': %s", line, strerror(errno));
		return -1;
	}
	pid_t pid = start_command(line, fds[1]);
	close(fds[1]);
	bool whole = pid > 0 && read_output(fds[0], &out);
	close(fds[0]);
	if (pid > 0) {
		if (!whole)
			kill(-pid, SIGKILL);
		while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
			;
	}
	struct str first = buf_str(&out);
	if (!all)
		first = str_split(&first, '\n');
	if (whole && status == 0 && first.n)
		*s = secret_of(first);
	else if (!whole)
		snprintf(why, size, "the command '%.120s' did not end within %d s", line, COMMAND_MS / 1000);
	else
		snprintf(why, size, "the command '%.120s' %s (exit status %d)", line,
		         status ? "failed" : "printed nothing", WIFEXITED(status) ? WEXITSTATUS(status) : 128);
	if (out.data)
		explicit_bzero(out.data, out.len);
	buf_release(&out);
	return secret_set(*s) ? 0 : -1;
}

int secret_from_command(struct secret *s, const char *line, char *why, size_t size)
{
	*s = (struct secret){ 0 };
	return from_command(s, line, true, why, size);
}

int secret_from_setting(struct secret *s, const struct yaml *node, char *why, size_t size)
{
	const char *env = node ? yaml_text(node, "env") : NULL, *file = node ? yaml_text(node, "file") : NULL,
	           *command = node ? yaml_text(node, "command") : NULL;
	*s = (struct secret){ 0 };
	if (!node || node->type == YAML_NULL)
		return 0;
	if (env) {
		const char *value = getenv(env);
		if (value && *value)
			*s = secret_of(str_of(value));
		else
			snprintf(why, size, "the environment variable '%.80s' is not set", env);
	} else if (file) {
		if (secret_from_file(s, file) < 0)
			snprintf(why, size, "cannot read the secret from '%.200s': %s", file, strerror(errno));
		else if (!secret_set(*s))
			snprintf(why, size, "the secret file '%.200s' is empty", file);
	} else if (command) {
		return from_command(s, command, false, why, size);
	} else {
		snprintf(why, size, "a secret is a map with one of env:, file:, command:");
	}
	return secret_set(*s) ? 0 : -1;
}

int secret_follow(struct secret *s, uint64_t *seen, const struct yaml *node, char *why, size_t size)
{
	const char *file = node ? yaml_text(node, "file") : NULL;
	struct secret fresh = { 0 };
	struct stat st;
	uint64_t now = 1;
	if (file && stat(file, &st) == 0)
		now = ((uint64_t)st.st_mtim.tv_sec * 1000000007u + (uint64_t)st.st_mtim.tv_nsec) * 31 + (uint64_t)st.st_ino * 7 +
		      (uint64_t)st.st_size + 2;
	if (*seen == now)
		return 0;
	if (secret_from_setting(&fresh, node, why, size) != 0) {
		secret_release(&fresh);
		return secret_set(*s) ? 0 : -1;
	}
	secret_release(s);
	*s = fresh;
	*seen = now;
	return 0;
}
