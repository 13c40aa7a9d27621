/* screen_drive: a program in a pseudo-terminal, driven by lines on standard input, for the live tests.
 *
 *   screen_drive WxH PROGRAM [ARGUMENT...]
 *     wait [SECONDS] TEXT   until the screen shows it (30, and 30 where more than 4 is said: however busy the machine; up to 4 says
 *                           that it is quick)
 *     gone [SECONDS] TEXT   until it does not
 *     keys TEXT             types it; \r \e \t \\ as in C
 *     size WxH              of the terminal from now on
 *     hidden / shown        the cursor is
 *     run COMMAND           by the shell; must succeed
 *     sent TEXT             it was sent to the terminal, as these bytes (\e as above), since the last `forget`
 *     never TEXT            it was not
 *     forget
 *     dump                  all that was sent since then, on standard output
 *     end STATUS            waits for the end of the program, at most 30 s
 * Stops at the first that fails, with the line and the screen on standard output, exit status 1. */
#define _GNU_SOURCE
#include "tests/screens/vt.h"
#include "base/mem.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LONG = 30 };      /* seconds */

/* In place. */
static void unescape(char *s)
{
	char *to = s;

	for (; *s; s++) {
		if (*s != '\\' || !s[1]) {
			*to++ = *s;
			continue;
		}
		s++;
		*to++ = *s == 'r' ? '\r' : *s == 'e' ? '\033' : *s == 't' ? '\t' : *s == 'a' ? '\a' : *s;
	}
	*to = '\0';
}

/* Was this sent since the last `forget`? */
static bool was_sent(struct vt *v, char *text)
{
	struct str sent = vt_bytes(v);

	unescape(text);
	return memmem(sent.p, sent.n, text, strlen(text));
}

static bool step(struct vt *v, char *line)
{
	char *arg = strchr(line, ' ');
	int seconds = LONG;

	if (arg)
		*arg++ = '\0';
	else
		arg = line + strlen(line);
	if (*line == '#' || !*line)
		return true;
	if (!strcmp(line, "wait") || !strcmp(line, "gone")) {
		char *end;
		long n = strtol(arg, &end, 10);

		if (end > arg && *end == ' ')
			seconds = n > 4 && n < LONG ? LONG : (int)n, arg = end + 1;
		return *line == 'w' ? vt_wait(v, arg, seconds * 1000) : vt_wait_gone(v, arg, seconds * 1000);
	}
	if (!strcmp(line, "keys")) {
		unescape(arg);
		vt_type(v, arg);
		vt_settle(v);
		vt_quiet(v, 60);
		return true;
	}
	if (!strcmp(line, "size")) {
		int w, h;

		if (sscanf(arg, "%dx%d", &w, &h) != 2)
			return false;
		vt_resize(v, w, h);
		return true;
	}
	if (!strcmp(line, "hidden") || !strcmp(line, "shown")) {
		vt_quiet(v, 60);
		return vt_cursor_shown(v) == (*line == 's') && vt_alternate(v);
	}
	if (!strcmp(line, "run"))
		return system(arg) == 0;
	if (!strcmp(line, "sent") || !strcmp(line, "never"))
		return was_sent(v, arg) == (*line == 's');
	if (!strcmp(line, "forget")) {
		vt_count_reset(v);
		return true;
	}
	if (!strcmp(line, "dump")) {
		struct str sent = vt_bytes(v);

		fwrite(sent.p, 1, sent.n, stdout);
		return true;
	}
	if (!strcmp(line, "end"))
		return vt_end(v, 30000) == atoi(arg);
	fprintf(stderr, "screen_drive: no command '%s'\n", line);
	return false;
}

int main(int argc, char **argv)
{
	char *line = NULL, copy[512];
	size_t size = 0;
	int w, h, status = 0;
	struct vt *v;

	if (argc < 3 || sscanf(argv[1], "%dx%d", &w, &h) != 2) {
		fprintf(stderr, "usage: screen_drive WxH PROGRAM [ARGUMENT...]\n");
		return 64;
	}
	v = vt_start((const char *const *)argv + 2, NULL, w, h);
	while (!status && getline(&line, &size, stdin) > 0) {
		line[strcspn(line, "\n")] = '\0';
		snprintf(copy, sizeof(copy), "%s", line);
		if (!step(v, line)) {
			printf("failed: %s\n%s\n", copy, vt_screen(v));
			status = 1;
		}
	}
	free(line);
	vt_free(v);
	return status;
}
