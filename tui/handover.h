/* handover: the terminal lent to somebody else for a while: to a program ($EDITOR), or to a shell elsewhere whose bytes we carry.
 * Meanwhile nothing is drawn; messages are still taken, so that lists are up to date afterwards and no source waits for us.
 *
 *   static bool typed(void *arg, struct app *app, struct str bytes) { ... send them on ...; return still_open; }
 *   struct handover h = { .typed = typed, .resized = resized, .after = after, .arg = shell };
 *   app_handover(app, &h, why, sizeof(why));          // returns when typed or after says false
 *
 * Ctrl-C and Ctrl-\ are for whoever has the terminal. When we are to end (SIGTERM, SIGHUP) the program is told, and the app ends
 * right after. Whatever state the other left the terminal in, it is as it was before afterwards, of its present size. */
#ifndef TUI_HANDOVER_H
#define TUI_HANDOVER_H
#include "tui/app.h"

struct handover {
	const char *const *argv;         /* a program, found in PATH, ends with NULL; NULL: a function of ours has the terminal */
	/* Without argv: what was typed, byte for byte as it came. False ends it. */
	bool (*typed)(void *arg, struct app *app, struct str bytes);
	/* The terminal's size, once at the start and whenever it changes; may be NULL. */
	void (*resized)(void *arg, struct app *app, int w, int h);
	/* After messages were taken, and at least once a second; false ends it. May be NULL. */
	bool (*after)(void *arg, struct app *app);
	/* What there is to write comes through fd (-1 or 0: nothing): called when it is readable; false ends it. */
	int fd;
	bool (*ready)(void *arg, struct app *app);
	void *arg;
};
/* Returns the program's wait status (as waitpid gives it), 0 without one; -1 and a sentence in why when there is no terminal
 * or the program cannot be started. From a page's command() or work(), never from within draw() or the callback of an answer:
 * it takes messages itself. */
int app_handover(struct app *app, const struct handover *h, char *why, size_t size);
/* Bytes to the terminal as they are, while it is lent to us. */
void handover_write(struct str bytes);
#endif
