/* handover: see handover.h. A small loop in the loop's place: keys are not ours, nothing is drawn; what ends it is the
 * program's end (a pidfd, so that nobody else's children are reaped), or a function of ours that has had enough. */
#define _GNU_SOURCE
#include "tui/handover.h"
#include "tui/app_in.h"
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define TICK_MS 1000
#define NO_PIDFD_MS 100        /* how often a program is looked after where the kernel has no pidfd */

extern char **environ;

/* The program as a shell would start it: no signal ignored or blocked on our account. 0 or an errno. */
static int spawn(const char *const *argv, pid_t *pid)
{
	posix_spawnattr_t attr;
	sigset_t all, none;
	int err;

	sigfillset(&all);
	sigemptyset(&none);
	posix_spawnattr_init(&attr);
	posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK);
	posix_spawnattr_setsigdefault(&attr, &all);
	posix_spawnattr_setsigmask(&attr, &none);
	err = posix_spawnp(pid, argv[0], NULL, &attr, (char *const *)(uintptr_t)argv, environ);
	posix_spawnattr_destroy(&attr);
	return err;
}

static void tell_size(struct app *app, const struct handover *h)
{
	struct winsize ws;

	if (h->resized && ioctl(STDOUT_FILENO, TIOCGWINSZ, &ws) == 0 && ws.ws_col && ws.ws_row)
		h->resized(h->arg, app, ws.ws_col, ws.ws_row);
}

/* False: the terminal is gone, or whoever has it has had enough. */
static bool pass_typed(struct app *app, const struct handover *h)
{
	char buf[4096];
	ssize_t n = read(STDIN_FILENO, buf, sizeof(buf));

	if (n > 0)
		return h->typed && h->typed(h->arg, app, (struct str){ buf, (size_t)n });
	if (n < 0 && (errno == EINTR || errno == EAGAIN))
		return true;
	app->quit = true;
	app->code = 129;
	return false;
}

static void take_signals_of(struct app *app, const struct handover *h, pid_t pid)
{
	unsigned e = term_events(app->term);

	if (e & TERM_RESIZED)
		tell_size(app, h);
	if (e & TERM_QUIT) {
		app->quit = true;
		app->code = 143;
		if (pid > 0)
			kill(pid, SIGHUP);         /* editors keep what was not saved */
	}
}

/* True: ended; its wait status. */
static bool has_ended(pid_t pid, int *status)
{
	pid_t got = waitpid(pid, status, WNOHANG);

	if (got < 0 && errno != EINTR)
		*status = 0;                       /* somebody else reaped it */
	return got == pid || (got < 0 && errno != EINTR);
}

static void wait_for(struct app *app, const struct handover *h, pid_t pid, int *status)
{
	int pidfd = pid > 0 ? (int)syscall(SYS_pidfd_open, pid, 0) : -1;
	struct pollfd fds[] = {
		{ .fd = pid > 0 ? -1 : STDIN_FILENO, .events = POLLIN },
		{ .fd = term_signal_fd(app->term), .events = POLLIN },
		{ .fd = inbox_fd(app->o.inbox), .events = POLLIN },
		{ .fd = pidfd, .events = POLLIN },
		{ .fd = h->ready ? h->fd : -1, .events = POLLIN },
	};
	bool more = false, go_on = true;

	while (go_on) {
		poll(fds, 5, more ? 0 : pid > 0 && pidfd < 0 ? NO_PIDFD_MS : TICK_MS);
		if (fds[1].revents)
			take_signals_of(app, h, pid);
		if (fds[0].revents)
			go_on = pass_typed(app, h);
		if (go_on && fds[4].revents)
			go_on = h->ready(h->arg, app);
		more = app_take_messages(app);
		if (go_on && h->after)
			go_on = h->after(h->arg, app);
		if (pid > 0)
			go_on = !has_ended(pid, status);
		else
			go_on = go_on && !app->quit;
	}
	if (pidfd >= 0)
		close(pidfd);
}

int app_handover(struct app *app, const struct handover *h, char *why, size_t size)
{
	int status = 0, err = 0;
	pid_t pid = 0;

	if (!app->term) {
		snprintf(why, size, "there is no terminal to hand over");
		return -1;
	}
	term_lend(app->term, !h->argv);
	if (h->argv)
		err = spawn(h->argv, &pid);
	if (err) {
		snprintf(why, size, "cannot start '%s': %s", h->argv[0], strerror(err));
		status = -1;
	} else {
		tell_size(app, h);
		wait_for(app, h, pid, &status);
	}
	term_take_back(app->term);
	app->dirty = app->key = true;
	return status;
}

void handover_write(struct str bytes)
{
	while (bytes.n) {
		ssize_t did = write(STDOUT_FILENO, bytes.p, bytes.n);

		if (did < 0 && errno == EINTR)
			continue;
		if (did <= 0)
			return;
		bytes.p += did, bytes.n -= (size_t)did;
	}
}
