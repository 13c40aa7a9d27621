/* prompt: editing, history, completion, as keys go in. */
#define _GNU_SOURCE
#include "tui/prompt.h"
#include "base/mem.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

/* Presses keys written as in keymaps, blanks between; the last result. */
static enum prompt_result press(struct prompt *p, const char *keys)
{
	struct str rest = str_of(keys), word;
	enum prompt_result r = PROMPT_NOTHING;

	while (rest.n) {
		struct key k;

		word = str_split(&rest, ' ');
		assert_true(key_parse(word, &k));
		r = prompt_key(p, &k);
	}
	return r;
}

static void edits(const char *start, const char *keys, const char *want, size_t at)
{
	struct prompt p = { 0 };

	prompt_open(&p, ":", start, NULL, NULL, NULL);
	press(&p, keys);
	assert_string_equal(prompt_text(&p), want);
	assert_int_equal(p.at, at);
	prompt_close(&p);
}

static void test_editing(void **state)
{
	edits("", "p o d s", "pods", 4);
	edits("pods", "C-a x", "xpods", 1);
	edits("pods", "Left Left X", "poXds", 3);
	edits("pods", "Backspace", "pod", 3);
	edits("pods", "Home Delete", "ods", 0);
	edits("pods", "Home C-d C-d", "ds", 0);
	edits("get pods now", "C-w", "get pods ", 9);
	edits("get pods now", "M-b M-b M-d", "get  now", 4);
	edits("get pods", "M-Backspace", "get ", 4);
	edits("get pods", "C-u", "", 0);
	edits("get pods", "C-a C-k", "", 0);
	edits("get pods", "C-w C-a C-y", "podsget ", 4);
	edits("a b", "C-Left C-Left x", "xa b", 1);
	edits("abc", "C-b C-b C-f X", "abXc", 3);
	edits("x", "End Right C-f", "x", 1);
}

static void test_utf8(void **state)
{
	edits("e\u0301", "Backspace", "", 0);                      /* a mark goes with its letter */
	edits("\u65e5\u672c", "Left X", "\u65e5X\u672c", 4);
	edits("", "\u00e9 \u65e5", "\u00e9\u65e5", 5);
	edits("\xff", "Left x", "x\xff", 1);                       /* a bad byte is one thing to move over */
}

static void test_results(void **state)
{
	struct prompt p = { 0 };
	struct key paste = { .name = K_PASTE, .text = STR("kube\tsystem\033[A\nrm -rf") };

	prompt_open(&p, ":", "", NULL, NULL, NULL);
	assert_int_equal(press(&p, "a"), PROMPT_CHANGED);
	assert_int_equal(press(&p, "Left"), PROMPT_MOVED);
	assert_int_equal(press(&p, "Left"), PROMPT_NOTHING);
	assert_int_equal(press(&p, "Enter"), PROMPT_DONE);
	assert_int_equal(press(&p, "Esc"), PROMPT_LEFT);
	assert_int_equal(press(&p, "C-g"), PROMPT_LEFT);
	assert_int_equal(press(&p, "End C-u"), PROMPT_CHANGED);
	assert_int_equal(press(&p, "Backspace"), PROMPT_LEFT);     /* in an empty line */
	assert_int_equal(prompt_key(&p, &paste), PROMPT_CHANGED);
	assert_string_equal(prompt_text(&p), "kube system[A");     /* its first line, no controls */
	for (int i = 0; i < 5000; i++)
		press(&p, "x");
	assert_true(p.text.len <= 4096);
	prompt_close(&p);
}

static size_t offer(void *arg, struct prompt *p, struct str before)
{
	static const char *const words[] = { "pods", "podgroups", "nodes", "namespaces", NULL };
	size_t from = before.n;

	while (from && before.p[from - 1] != ' ')
		from--;
	for (int i = 0; words[i]; i++)
		if (str_starts(str_of(words[i]), (struct str){ before.p + from, before.n - from }))
			prompt_offer(p, str_of(words[i]), NULL);
	++*(int *)arg;
	return from;
}

static void test_completion(void **state)
{
	struct prompt p = { 0 };
	int asked = 0;

	prompt_open(&p, ":", "", NULL, offer, &asked);
	press(&p, "p Tab");
	assert_string_equal(prompt_text(&p), "pod");               /* what all begin with */
	assert_int_equal(p.noffers, 2);
	press(&p, "Tab");
	assert_string_equal(prompt_text(&p), "podgroups");
	press(&p, "Tab");
	assert_string_equal(prompt_text(&p), "pods");
	press(&p, "Tab");
	assert_string_equal(prompt_text(&p), "podgroups");         /* round */
	press(&p, "S-Tab");
	assert_string_equal(prompt_text(&p), "pods");
	assert_int_equal(asked, 1);
	assert_int_equal(press(&p, "Esc"), PROMPT_MOVED);          /* the offers go, the line stays */
	assert_int_equal(p.noffers, 0);
	press(&p, "Space n o Tab");
	assert_string_equal(prompt_text(&p), "pods nodes ");       /* the only one, and a blank */
	press(&p, "z z Tab");
	assert_string_equal(prompt_text(&p), "pods nodes zz");
	prompt_close(&p);
}

static void test_history(void **state)
{
	char dir[] = "/tmp/binnacle-history-XXXXXX", path[64];
	struct recall h;
	struct prompt p = { 0 };
	struct stat st;

	assert_non_null(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/state/history", dir);
	recall_load(&h, path);
	recall_add(&h, "pods");
	recall_add(&h, "nodes");
	recall_add(&h, "pods");                                   /* again: moves to the end */
	recall_add(&h, "");
	assert_int_equal(h.n, 2);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	recall_release(&h);

	recall_load(&h, path);
	assert_int_equal(h.n, 2);
	assert_string_equal(h.lines[1], "pods");
	prompt_open(&p, ":", "", &h, NULL, NULL);
	press(&p, "Up");
	assert_string_equal(prompt_text(&p), "pods");
	press(&p, "C-p");
	assert_string_equal(prompt_text(&p), "nodes");
	press(&p, "Up");
	assert_string_equal(prompt_text(&p), "nodes");
	press(&p, "Down Down");
	assert_string_equal(prompt_text(&p), "");                  /* what was being typed */
	press(&p, "n Up");
	assert_string_equal(prompt_text(&p), "nodes");             /* only what starts so */
	press(&p, "Up Down");
	assert_string_equal(prompt_text(&p), "n");
	press(&p, "C-u d r i f t Enter");
	assert_string_equal(h.lines[h.n - 1], "drift");
	prompt_close(&p);
	for (int i = 0; i < 600; i++) {
		char line[16];

		snprintf(line, sizeof(line), "l%d", i);
		recall_add(&h, line);
	}
	assert_int_equal(h.n, 500);
	recall_release(&h);
	unlink(path);
	snprintf(path, sizeof(path), "%s/state", dir);
	rmdir(path);
	rmdir(dir);
}

static void shows(struct prompt *p, int w, const char *want, int cursor)
{
	struct frame f;
	struct buf out = { 0 };

	frame_init(&f, w, 1, false);
	prompt_draw(p, &f, (struct rect){ 0, 0, w, 1 }, (struct rect){ 0 });
	frame_dump(&f, &out);
	out.data[out.len - 1] = 0;
	assert_string_equal(out.data, want);
	assert_int_equal(f.cur_x, cursor);
	buf_release(&out);
	frame_release(&f);
}

static void test_drawing(void **state)
{
	struct prompt p = { 0 };

	prompt_open(&p, "/", "status=Runnin", NULL, NULL, NULL);
	shows(&p, 40, "/status=Runnin", 14);
	shows(&p, 10, "/=Runnin", 8);                              /* the end is what one types at */
	shows(&p, 1, "", 0);
	prompt_error(&p, 7, "no such column");
	shows(&p, 40, "/status=Runnin           no such column", 14);
	press(&p, "x");
	shows(&p, 40, "/status=Runninx", 15);                      /* gone with the next key */
	prompt_close(&p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_editing), cmocka_unit_test(test_utf8), cmocka_unit_test(test_results),
		cmocka_unit_test(test_completion), cmocka_unit_test(test_history), cmocka_unit_test(test_drawing),
	};

	return cmocka_run_group_tests_name("prompt", tests, NULL, NULL);
}
