/* app_lend: the terminal for a source's thread (base/lend.h), as for a shell in a container: what is typed goes there, what
 * comes from there goes to the terminal, until that end closes or Ctrl-] is typed. handover.c has the loop. */
#define _GNU_SOURCE
#include "tui/app_in.h"
#include "base/lend.h"
#include "tui/handover.h"
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define LEAVE 0x1d           /* Ctrl-] */
#define PACKETS 16           /* of output between two looks at the keys */

struct lent { int fd; struct buf keys; bool leave; };

static void over(struct app *app)
{
	close(app->lent);
	app->lent = -1;
}

static void send_size(int fd, int w, int h)
{
	char size[32];
	int n = snprintf(size, sizeof(size), "%dx%d", w, h);
	lend_put(fd, LEND_SIZE, (struct str){ size, (size_t)n });
}

void app_lend(struct app *app, int fd)
{
	int w, h;
	if (app->lent >= 0)
		over(app);
	app->lent = fd;
	if (!app->term) {
		over(app);       /* there is none to lend */
		return;
	}
	term_size(app->term, &w, &h);
	send_size(fd, w, h);
}

static void resized(void *arg, struct app *app, int w, int h)
{
	send_size(((struct lent *)arg)->fd, w, h);
}

/* What found no room before goes first. False: the other end is gone, or the user wants to go. */
static bool pass_keys(void *arg, struct app *app)
{
	struct lent *l = arg;
	while (l->keys.len) {
		size_t n = l->keys.len < LEND_MOST ? l->keys.len : LEND_MOST;
		if (!lend_put(l->fd, LEND_INPUT, (struct str){ l->keys.data, n }))
			return errno == EAGAIN && !l->leave;
		memmove(l->keys.data, l->keys.data + n, l->keys.len - n);
		l->keys.len -= n;
	}
	return !l->leave;
}

static bool typed(void *arg, struct app *app, struct str bytes)
{
	struct lent *l = arg;
	const char *leave = memchr(bytes.p, LEAVE, bytes.n);
	l->leave = leave != NULL;
	buf_add(&l->keys, bytes.p, leave ? (size_t)(leave - bytes.p) : bytes.n);
	return pass_keys(l, app);
}

static bool ready(void *arg, struct app *app)
{
	struct lent *l = arg;
	char bytes[LEND_MOST];
	enum lend_type type;
	ssize_t n = 0;
	for (int i = 0; i < PACKETS && (n = lend_take(l->fd, &type, bytes)) >= 0; i++)
		if (type == LEND_OUTPUT)
			handover_write((struct str){ bytes, (size_t)n });
	return n != -2;
}

void app_lend_turn(struct app *app)
{
	char bytes[LEND_MOST], why[200];
	enum lend_type type;
	ssize_t n = lend_take(app->lent, &type, bytes);
	if (n >= 0 && type == LEND_OPEN) {
		struct lent l = { .fd = app->lent };
		struct handover h = { .typed = typed, .resized = resized, .after = pass_keys, .fd = app->lent, .ready = ready, .arg = &l };
		if (app_handover(app, &h, why, sizeof(why)) < 0)
			app_say(app, true, "%s", why);
		buf_release(&l.keys);
	}
	if (n == -2 || (n >= 0 && type == LEND_OPEN))
		over(app);
}
