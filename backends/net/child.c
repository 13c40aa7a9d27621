/* child: see child.h. */
#define _GNU_SOURCE
#include "backends/net/child.h"
#include "base/mem.h"
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { WORDS_MOST = 200 };

extern char **environ;

char *child_find(const char *command)
{
	if (strchr(command, '/'))
		return access(command, X_OK) == 0 ? xstrdup(command) : NULL;
	const char *path = getenv("PATH");
	struct str rest = str_of(path ? path : "/usr/local/bin:/usr/bin:/bin");
	while (rest.p) {
		struct str dir = str_split(&rest, ':');
		if (!dir.n)
			continue;      /* not the current directory: whoever owns that would get what we hand over */
		char *full = xasprintf(STR_FMT "/%s", STR_ARG(dir), command);
		if (access(full, X_OK) == 0)
			return full;
		free(full);
	}
	return NULL;
}

/* Between fork and exec: only what is async-signal-safe. */
static void become(const char *path, char *const *argv, char *const *env, int in, int out, int err)
{
	sigset_t none;
	setsid();
	if (in < 0)
		in = open("/dev/null", O_RDONLY);
	dup2(in, 0);
	dup2(out, 1);
	dup2(err, 2);
	close_range(3, ~0u, 0);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	for (int s = 1; s < 32; s++)
		signal(s, SIG_DFL);
	execve(path, argv, env);
	_exit(127);
}

static void close_pipe(int fds[2])
{
	for (int i = 0; i < 2; i++)
		if (fds[i] >= 0)
			close(fds[i]);
}

bool child_start(struct child *c, const char *path, char *const *argv, char *const *env, bool input)
{
	int in[2] = { -1, -1 }, out[2] = { -1, -1 }, err[2] = { -1, -1 };
	*c = CHILD_NONE;
	pid_t pid = -1;
	if ((!input || pipe2(in, O_CLOEXEC) == 0) && pipe2(out, O_CLOEXEC) == 0 && pipe2(err, O_CLOEXEC) == 0)
		pid = fork();
	if (pid == 0)
		become(path, argv, env ? env : environ, in[0], out[1], err[1]);
	if (pid < 0) {
		int why = errno;
		close_pipe(in), close_pipe(out), close_pipe(err);
		errno = why;
		return false;
	}
	if (input)
		close(in[0]);
	close(out[1]), close(err[1]);
	*c = (struct child){ pid, in[1], out[0], err[0] };
	return true;
}

bool child_read(int *fd, struct buf *into)
{
	char chunk[16384];
	ssize_t n = read(*fd, chunk, sizeof(chunk));
	if (n <= 0) {
		if (n < 0 && (errno == EINTR || errno == EAGAIN))
			return false;
		close(*fd);
		*fd = -1;
		return false;
	}
	buf_add(into, chunk, (size_t)n);
	explicit_bzero(chunk, (size_t)n);      /* it may be a credential */
	return true;
}

bool child_ended(const struct child *c)
{
	siginfo_t ended = { .si_pid = 0 };
	return waitid(P_PID, (id_t)c->pid, &ended, WEXITED | WNOHANG | WNOWAIT) == 0 && ended.si_pid == c->pid;
}

int child_end(struct child *c)
{
	int status = 0;
	kill(-c->pid, SIGKILL);
	kill(c->pid, SIGKILL);               /* where it has not come as far as its own session */
	while (waitpid(c->pid, &status, 0) < 0 && errno == EINTR)
		;
	c->pid = 0;
	return status;
}

void child_close(struct child *c)
{
	int *fds[] = { &c->in, &c->out, &c->err };
	for (size_t i = 0; i < ARRAY_SIZE(fds); i++) {
		if (*fds[i] >= 0)
			close(*fds[i]);
		*fds[i] = -1;
	}
}

struct str child_last_words(struct buf *said)
{
	struct str s = str_trim(buf_str(said));
	const char *line = s.n ? memrchr(s.p, '\n', s.n) : NULL;
	if (line)
		s = (struct str){ line + 1, s.n - (size_t)(line + 1 - s.p) };
	s.n = s.n > WORDS_MOST ? WORDS_MOST : s.n;
	for (size_t i = 0; i < s.n; i++)
		if ((unsigned char)s.p[i] < 0x20 || s.p[i] == 0x7f)
			said->data[s.p + i - said->data] = ' ';
	return s;
}
