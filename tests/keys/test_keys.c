/* Scripts of keys: each tests/keys/NAME.keys starts a program in a pseudo-terminal, presses keys and looks at the
 * screen. A line is a step:
 *
 *   start W H PROGRAM ARGUMENT...   PROGRAM is `binnacle` ($BINNACLE) or `probe` (tests/screens/probe.c)
 *   env NAME=VALUE                  for the next start
 *   keys j C-f Enter :pods          keys as in keymaps, blanks between; what begins with : or / or ~/ is typed as it stands
 *   see TEXT    lose TEXT           waits until the screen shows it / does not (90 s)
 *   line N TEXT                     waits until line N (from 0; -1 is the last) has it
 *   size W H                        resizes
 *   end CODE                        waits for the end
 *
 * ~/ is a directory of this run's own. #-lines are notes. A script that fails says its line and shows the screen. */
#define _GNU_SOURCE
#include "tests/screens/probe.h"
#include "tests/screens/vt.h"
#include "base/mem.h"
#include "tui/key.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

#define WAIT 90000             /* ms: far more than it takes with a sanitizer and other tests beside */

static char self[512];

/* What an xterm sends for the key. */
static void put_key(struct key k, struct buf *out)
{
	static const struct { enum key_name name; const char *bytes; } special[] = {
		{ K_ENTER, "\r" }, { K_TAB, "\t" }, { K_ESC, "\033" }, { K_BACKSPACE, "\x7f" }, { K_UP, "\033OA" },
		{ K_DOWN, "\033OB" }, { K_RIGHT, "\033OC" }, { K_LEFT, "\033OD" }, { K_HOME, "\033OH" }, { K_END, "\033OF" },
		{ K_PGUP, "\033[5~" }, { K_PGDN, "\033[6~" }, { K_DELETE, "\033[3~" }, { K_F1, "\033OP" },
	};
	char u[5];

	if (k.mods & MOD_ALT)
		buf_addc(out, 27);
	k.mods &= (uint8_t)~MOD_ALT;
	if (k.name == K_CHAR && k.mods & MOD_CTRL)
		buf_addc(out, (char)(k.ch & 31));
	else if (key_text(k, u))
		buf_adds(out, u);
	else if (k.name == K_TAB && k.mods == MOD_SHIFT)
		buf_adds(out, "\033[Z");
	else
		for (size_t i = 0; i < ARRAY_SIZE(special); i++)
			if (special[i].name == k.name)
				buf_adds(out, special[i].bytes);
}

/* A word with the directory of this run for its ~; caller frees. */
static char *placed(struct str word)
{
	char *text = str_dup(word), *path = strncmp(text, "~/", 2) ? NULL : xasprintf("%s%s", getenv("HOME"), text + 1);

	if (path)
		free(text);
	return path ? path : text;
}

static bool press(struct vt *v, struct str keys)
{
	while (keys.n) {
		struct str word = str_split(&keys, ' ');
		struct buf out = { 0 };
		struct key k;

		if (!word.n)
			continue;
		if (word.n > 1 && (word.p[0] == ':' || word.p[0] == '/')) {
			buf_addstr(&out, word);
		} else if (word.n > 2 && word.p[0] == '~' && word.p[1] == '/') {
			char *path = placed(word);

			buf_adds(&out, path);
			free(path);
		} else if (key_parse(word, &k)) {
			put_key(k, &out);
		} else {
			return false;
		}
		vt_send(v, out.data, out.len);
		buf_release(&out);
	}
	return true;
}

static struct vt *start(struct str args, const char *const *env)
{
	struct str rest = args;
	int64_t w = 0, h = 0;
	const char *argv[16] = { NULL };
	unsigned n = 0;
	struct vt *v;

	if (!str_to_i64(str_split(&rest, ' '), &w) || !str_to_i64(str_split(&rest, ' '), &h))
		return NULL;
	while (rest.n && n < 14) {
		char *word = placed(str_split(&rest, ' '));

		if (n == 0 && strcmp(word, "probe") == 0)
			argv[n++] = xstrdup(self);
		if (n == 0 && strcmp(word, "binnacle") == 0) {
			free(word);
			word = xstrdup(getenv("BINNACLE") ? getenv("BINNACLE") : "build/binnacle");
		}
		argv[n++] = word;
	}
	v = vt_start(argv, env, (int)w, (int)h);
	while (n)
		free((char *)(uintptr_t)argv[--n]);
	return v;
}

static bool wait_line(struct vt *v, struct str args, int h)
{
	struct str rest = args, number = str_split(&rest, ' ');
	char *text = str_dup(rest);
	int64_t n = 0, end = vt_now_us() + WAIT * 1000;
	bool there = false;

	if (str_to_i64(number, &n))
		while (!(there = strstr(vt_line(v, (int)(n < 0 ? h + n : n)), text) != NULL) && vt_now_us() < end)
			vt_run(v, 10);
	free(text);
	return there;
}

struct script { struct vt *v; const char *env[9]; unsigned nenv; int h; };

static bool step(struct script *s, struct str verb, struct str args)
{
	char *text = str_dup(args);
	struct str rest = args;
	int64_t w = 0, h = 0;
	bool ok = true;

	if (str_is(verb, "start")) {
		struct str size = args;

		str_split(&size, ' ');
		vt_free(s->v);
		s->v = NULL;
		ok = str_to_i64(str_split(&size, ' '), &h) && (s->v = start(args, s->env)) != NULL;
		s->h = (int)h;
	} else if (str_is(verb, "env") && s->nenv < 8) {
		s->env[s->nenv++] = text;
		return true;                              /* kept */
	} else if (!s->v) {
		ok = false;
	} else if (str_is(verb, "keys")) {
		ok = press(s->v, args);
	} else if (str_is(verb, "see")) {
		ok = vt_wait(s->v, text, WAIT);
	} else if (str_is(verb, "lose")) {
		ok = vt_wait_gone(s->v, text, WAIT);
	} else if (str_is(verb, "line")) {
		ok = wait_line(s->v, args, s->h);
	} else if (str_is(verb, "size")) {
		ok = str_to_i64(str_split(&rest, ' '), &w) && str_to_i64(rest, &h);
		vt_resize(s->v, (int)w, (int)h);
		s->h = (int)h;
	} else if (str_is(verb, "end")) {
		ok = str_to_i64(args, &w) && vt_end(s->v, WAIT) == (int)w;
	} else {
		ok = false;
	}
	free(text);
	return ok;
}

static const char *top_home;

static void run_script(void **state)
{
	const char *path = *state;
	struct script s = { 0 };
	unsigned number = 0;
	char line[1024], failed[1100] = "", *home = xasprintf("%s/%s", top_home, strrchr(path, '/') ? strrchr(path, '/') + 1 : path);
	FILE *f = fopen(path, "r");

	/* what one script did is not in the trail of the next */
	assert_true(mkdir(home, 0700) == 0 && setenv("HOME", home, 1) == 0);
	free(home);

	assert_non_null(f);
	while (!*failed && fgets(line, sizeof(line), f)) {
		struct str rest = str_trim(str_of(line)), verb;

		number++;
		if (!rest.n || rest.p[0] == '#')
			continue;
		line[strcspn(line, "\n")] = 0;
		verb = str_split(&rest, ' ');
		if (!step(&s, verb, str_trim(rest)))
			snprintf(failed, sizeof(failed), "%s:%u: %s", path, number, line);
	}
	fclose(f);
	if (*failed && s.v)
		fprintf(stderr, "%s\n", vt_screen(s.v));
	vt_free(s.v);
	while (s.nenv)
		free((char *)(uintptr_t)s.env[--s.nenv]);
	if (*failed)
		fail_msg("%s", failed);
}

int main(int argc, char **argv)
{
	struct CMUnitTest tests[100];
	glob_t found;
	int code;
	size_t n = 0;

	if (argc > 1 && strcmp(argv[1], "probe") == 0)
		return probe_main(argc - 1, argv + 1);
	if (readlink("/proc/self/exe", self, sizeof(self) - 1) < 0)
		return 1;
	if (glob(argc > 1 ? argv[1] : "tests/keys/*.keys", 0, NULL, &found) != 0) {
		fprintf(stderr, "no scripts tests/keys/*.keys; run this from the top directory\n");
		return 1;
	}
	for (; n < found.gl_pathc && n < ARRAY_SIZE(tests); n++)
		tests[n] = (struct CMUnitTest){ .name = found.gl_pathv[n], .test_func = run_script,
		                                .initial_state = found.gl_pathv[n] };
	/* nothing of the user's is read or written */
	char home[] = "/tmp/binnacle-keys-XXXXXX", *remove = NULL;
	static const char *const unset[] = { "XDG_CONFIG_HOME", "XDG_STATE_HOME", "XDG_CACHE_HOME", "KUBECONFIG", NULL };

	if (!mkdtemp(home))
		return 1;
	top_home = home;
	for (int i = 0; unset[i]; i++)
		unsetenv(unset[i]);
	code = _cmocka_run_group_tests("keys", tests, n, NULL, NULL);
	globfree(&found);
	remove = xasprintf("rm -rf '%s'", home);
	if (system(remove) != 0)
		code = 1;
	free(remove);
	return code;
}
