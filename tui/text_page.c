/* text_page: see text_page.h. */
#define _GNU_SOURCE
#include "tui/text_page.h"
#include "tui/scopes.h"
#include "base/fmt.h"
#include "base/mem.h"
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { TEXT_BYTES = 16 << 20, SLICE_MS = 4, LOOKS = 64 };    /* lines between two looks at the time */

static const struct command commands[] = {
	{ "down", "[N]", "move a line down", NULL },
	{ "up", "[N]", "move a line up", NULL },
	{ "page-down", NULL, "move a screenful down", NULL },
	{ "page-up", NULL, "move a screenful up", NULL },
	{ "half-down", NULL, "move half a screenful down", NULL },
	{ "half-up", NULL, "move half a screenful up", NULL },
	{ "first", NULL, "go to the start", NULL },
	{ "last", NULL, "go to the end", NULL },
	{ "left", NULL, "move left", NULL },
	{ "right", NULL, "move right", NULL },
	{ "search", "[TEXT]", "search; a regular expression", "search" },
	{ "search-next", NULL, "go to the next match", NULL },
	{ "search-previous", NULL, "go to the match before", NULL },
	{ "filter", "[TEXT]", "show only lines that match", "filter" },
	{ "wrap", NULL, "wrap long lines, or cut them", "wrap" },
	{ "follow", NULL, "stay at the end as lines come, or stop", "follow" },
	{ "timestamps", NULL, "show times, or hide them", "times" },
	{ "since", "[90s|10m|2h|1d]", "read a log again from so long ago; without a time its last lines", NULL },
	{ "one-container", "[NAME]", "read the log of one container only; without a name of all", NULL },
	{ "save", "FILE", "write what is held to a new file", NULL },
	{ NULL, NULL, NULL, NULL },
};
const struct command_scope text_scope = { "text", "a text", commands };
static const struct command_scope *const scopes[] = { &text_scope, NULL };

static struct text_page *of(const struct page *p)
{
	return (struct text_page *)(uintptr_t)p;
}

uint32_t text_count(const struct text_page *t)
{
	return t->filter.set ? t->npicked : t->lines.n;
}

uint32_t text_line(const struct text_page *t, uint32_t i)
{
	return t->filter.set ? t->picked[i] : i;
}

/* ---- what comes */

/* Judges for a few ms; the rest is work(). The last line may be unfinished: it is judged again. */
static void judge(struct text_page *t)
{
	int64_t end = clock_system.mono_ms(NULL) + SLICE_MS;
	uint32_t i = t->judged;
	while (t->npicked && t->picked[t->npicked - 1] >= t->judged)
		t->npicked--;
	for (; t->filter.set && i < t->lines.n; i++) {
		size_t from = 0, n;
		if (i % LOOKS == 0 && i > t->judged && clock_system.mono_ms(NULL) >= end)
			break;
		if (!lines_is_note(&t->lines, i) && !matcher_find(&t->filter, lines_get(&t->lines, i), &from, &n))
			continue;
		if (t->npicked == t->cap_picked) {
			t->cap_picked = t->cap_picked ? t->cap_picked * 2 : 256;
			t->picked = xreallocarray(t->picked, t->cap_picked, sizeof(*t->picked));
		}
		t->picked[t->npicked++] = i;
	}
	t->judging = t->filter.set && i < t->lines.n;
	t->judged = t->judging ? i : t->lines.n ? t->lines.n - 1 : 0;
}

static void judge_anew(struct text_page *t)
{
	t->npicked = t->judged = 0;
	t->hunting = 0;
	judge(t);
}

static uint32_t less(uint32_t a, uint32_t b)
{
	return a > b ? a - b : 0;
}

/* The oldest lines went: what points at lines moves with them. */
static void shift(struct text_page *t, uint32_t gone)
{
	uint32_t picks = 0;
	if (!gone)
		return;
	while (picks < t->npicked && t->picked[picks] < gone)
		picks++;
	t->npicked -= picks;
	for (uint32_t i = 0; i < t->npicked; i++)
		t->picked[i] = t->picked[i + picks] - gone;
	t->judged = less(t->judged, gone);
	t->top = less(t->top, t->filter.set ? picks : gone);
	t->hunt_from = less(t->hunt_from, t->filter.set ? picks : gone);
}

static void came(void *arg, const struct msg *m)
{
	struct text_page *t = arg;
	struct msg_text x;
	uint64_t shifted = t->lines.shifted;
	if (!msg_get_text(m, &x)) {
		struct msg_answer a;
		if (msg_get_answer(m, &a) && !a.ok) {
			free(t->error);
			t->error = str_dup(a.json);
			t->ended = t->dirty = true;
		}
		return;
	}
	if (x.flags & TEXT_RESET) {
		lines_clear(&t->lines);
		t->judged = t->npicked = t->top = 0;
		shifted = 0;
	}
	if (x.flags & TEXT_ERROR) {
		free(t->error);
		t->error = str_dup(x.chunk);
	} else if (x.flags & TEXT_NOTE) {
		lines_note(&t->lines, x.chunk);
	} else {
		lines_add(&t->lines, x.chunk);
	}
	t->ended |= (x.flags & (TEXT_END | TEXT_ERROR)) != 0;
	shift(t, (uint32_t)(t->lines.shifted - shifted));
	if (t->filter.set)
		judge(t);
	t->dirty = true;
}

/* ---- prepare */

/* The first line that still lets the last one be seen. */
static uint32_t last_top(const struct text_page *t, bool ascii)
{
	uint32_t n = text_count(t), top = n;
	int rows = t->h;
	while (top > 0 && rows > 0) {
		rows -= text_height(t, text_line(t, top - 1), ascii);
		if (rows < 0 && top < n)
			break;
		top--;
	}
	return top;
}

static bool prepare(struct page *p, struct app *app, int w, int h, int64_t now)
{
	struct text_page *t = of(p);
	bool changed = t->dirty || w != t->w || h != t->h;
	if (!changed)
		return false;
	t->w = w;
	t->h = h - (t->error != NULL);
	uint32_t most = last_top(t, app_ascii(app));
	if (t->follow || t->top > most)
		t->top = most;
	t->h = h;
	t->dirty = false;
	return true;
}

/* ---- commands */

static void go(struct text_page *t, int64_t top)
{
	int64_t n = text_count(t);
	t->top = (uint32_t)(top < 0 ? 0 : top >= n ? (n ? n - 1 : 0) : top);
	t->follow = false;
	t->hunting = 0;
	t->dirty = true;
}

static bool move(struct text_page *t, const char *name, struct str args)
{
	int64_t top = t->top;
	if (move_line(name, args, t->h, text_count(t), &top)) {
		go(t, top);
		t->follow |= !strcmp(name, "last") && !t->ended;
	} else if (!strcmp(name, "left"))
		t->left = t->left > 16 ? t->left - 16 : 0;
	else if (!strcmp(name, "right"))
		t->left += t->wrap ? 0 : 16;
	else
		return false;
	t->dirty = true;
	return true;
}

/* Looks for the next match for a few ms. True: there is more to look through. */
static bool hunt(struct text_page *t, struct app *app)
{
	int64_t n = text_count(t) < t->hunt_n ? text_count(t) : t->hunt_n, end = clock_system.mono_ms(NULL) + SLICE_MS;
	while (t->hunted < n) {
		int64_t i = (((int64_t)t->hunt_from + (int64_t)t->hunting * ++t->hunted) % n + n) % n;
		size_t from = 0, len;
		if (matcher_find(&t->search, lines_get(&t->lines, text_line(t, (uint32_t)i)), &from, &len)) {
			go(t, i);
			app_redraw(app);
			return false;
		}
		if (t->hunted % LOOKS == 0 && clock_system.mono_ms(NULL) >= end)
			return true;
	}
	t->hunting = 0;
	if (t->search.text)
		app_say(app, false, "no line holds '%s'", t->search.text);
	return false;
}

static void search(struct text_page *t, struct app *app, int by)
{
	if (!t->search.set)
		return;
	t->hunting = by;
	t->hunted = 0;
	t->hunt_from = t->top;
	t->hunt_n = text_count(t);
	t->dirty = true;
	hunt(t, app);
}

/* What was begun goes on: judging by the filter first, since a search counts what passed it. */
static bool work(struct page *p, struct app *app)
{
	struct text_page *t = of(p);
	if (t->judging) {
		judge(t);
		t->dirty = true;
		app_redraw(app);
	} else if (t->hunting) {
		hunt(t, app);
	}
	return t->judging || t->hunting;
}

static void search_typed(void *arg, struct app *app, const char *text)
{
	struct text_page *t = arg;
	if (!text)
		return;
	if (*text)
		matcher_set(&t->search, text);
	t->top = t->top ? t->top - 1 : text_count(t);
	search(t, app, 1);
	t->dirty = true;
}

static void filter_typed(void *arg, struct app *app, const char *text)
{
	struct text_page *t = arg;
	if (!text)
		return;
	matcher_set(&t->filter, text);
	judge_anew(t);
	t->top = 0;
	t->dirty = true;
}

static void save(const struct text_page *t, struct app *app, struct str args)
{
	char *path = str_dup(args);
	int fd = args.n ? open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600) : -1;
	ssize_t n = fd >= 0 && t->lines.len ? write(fd, t->lines.data, t->lines.len) : 0;
	if (!args.n)
		app_say(app, true, "save to which file?");
	else if (fd < 0 || n != (ssize_t)t->lines.len)
		app_say(app, true, "cannot save to '%s': %s", path, fd < 0 || n < 0 ? strerror(errno) : "the disk is full");
	else
		app_say(app, false, "%u lines saved to %s", t->lines.n, path);
	if (fd >= 0)
		close(fd);
	free(path);
}

/* ---- asking anew */

static void ask(struct text_page *t, struct app *app)
{
	struct source *s = app_source(app, t->source);
	if (t->id)
		store_forget(app_store(app), t->id);
	if (t->id && s && !t->ended)
		source_cancel(s, t->id);
	free(t->error);
	t->error = NULL;
	lines_clear(&t->lines);
	t->judged = t->npicked = t->top = 0;
	t->ended = false;
	t->dirty = true;
	t->id = source_ask(s, request_new(REQ_OPEN, t->kind, str_of(t->key), t->what, t->params));
	store_expect(app_store(app), t->id, came, t);
}

/* `since` and `one-container` change what the log was opened with. */
static bool reopen(struct text_page *t, struct app *app, const char *name, struct str args)
{
	bool since = !strcmp(name, "since");
	if (!since && strcmp(name, "one-container"))
		return false;
	double ms = 0;
	bool wrong = since && args.n && (!duration_parse(args, false, &ms) || ms < 1000 || ms > 1e13);
	int64_t seconds = (int64_t)(ms / 1000);
	json_t *o = json_loads(t->params, 0, NULL);
	if (t->style != TEXT_LOG || !app_source(app, t->source) || !json_is_object(o)) {
		app_say(app, false, "this is no log that can be read again");
	} else if (wrong) {
		app_say(app, true, "'" STR_FMT "' is no length of time; write it like 90s, 10m, 2h, 1d", STR_ARG(args));
	} else {
		json_object_del(o, since ? "since_seconds" : "container");
		if (since && seconds)
			json_object_del(o, "tail"), json_object_set_new(o, "since_seconds", json_integer(seconds));
		else if (since)
			json_object_set_new(o, "tail", json_integer(1000));
		else if (args.n)
			json_object_del(o, "all_containers"), json_object_set_new(o, "container", json_stringn(args.p, args.n));
		else
			json_object_set_new(o, "all_containers", json_true());
		free(t->params);
		t->params = json_dumps(o, JSON_COMPACT);
		ask(t, app);
	}
	json_decref(o);
	return true;
}

static bool toggle(struct text_page *t, const char *name)
{
	bool *which = !strcmp(name, "wrap") ? &t->wrap : !strcmp(name, "follow") ? &t->follow :
	              !strcmp(name, "timestamps") ? &t->times : NULL;
	if (!which)
		return false;
	*which = !*which;
	t->left = 0;
	t->dirty = true;
	return true;
}

static bool command(struct page *p, struct app *app, const struct command *c, struct str args)
{
	struct text_page *t = of(p);
	char *text = str_dup(str_trim(args));
	bool mine = true;
	if (!strcmp(c->name, "search") && *text)
		search_typed(t, app, text);
	else if (!strcmp(c->name, "search"))
		app_prompt(app, "/", "", NULL, search_typed, t);
	else if (!strcmp(c->name, "search-next"))
		search(t, app, 1);
	else if (!strcmp(c->name, "search-previous"))
		search(t, app, -1);
	else if (!strcmp(c->name, "filter") && *text)
		filter_typed(t, app, text);
	else if (!strcmp(c->name, "filter"))
		app_prompt(app, "lines with: ", t->filter.text ? t->filter.text : "", filter_typed, filter_typed, t);
	else if (!strcmp(c->name, "save"))
		save(t, app, str_of(text));
	else
		mine = move(t, c->name, str_of(text)) || toggle(t, c->name) || reopen(t, app, c->name, str_of(text));
	free(text);
	return mine;
}

/* ---- the rest of a page */

static void title(const struct page *p, const struct app *app, struct buf *out)
{
	const struct text_page *t = of(p);
	buf_addf(out, "%s  line ", t->title);
	fmt_thousands(text_count(t) ? t->top + 1 : 0, out);
	buf_adds(out, " of ");
	fmt_thousands(text_count(t), out);
	if (t->lines.dropped) {
		buf_adds(out, "  ");
		fmt_thousands((int64_t)t->lines.dropped, out);
		buf_adds(out, " older lines dropped");
	}
	if (t->filter.text)
		buf_addf(out, "  lines with %s", t->filter.text);
	if (t->judging || t->hunting)
		buf_adds(out, "  searching");
	if (t->follow)
		buf_adds(out, "  following");
}

static void copy(const struct page *p, const struct app *app, struct buf *out)
{
	const struct text_page *t = of(p);
	uint32_t n = text_count(t), rows = t->h > 0 ? (uint32_t)t->h : 0;
	/* a document whole, a log what is on the screen */
	uint32_t from = t->style == TEXT_LOG ? t->top : 0, to = t->style == TEXT_LOG && t->top + rows < n ? t->top + rows : n;
	for (uint32_t i = from; i < to; i++) {
		buf_addstr(out, lines_get(&t->lines, text_line(t, i)));
		buf_addc(out, '\n');
	}
}

static void shown(struct page *p, struct app *app, bool on)
{
	struct text_page *t = of(p);
	struct source *s = app_source(app, t->source);
	if (t->given)
		return;
	if (on && !t->id && s) {
		ask(t, app);
	} else if (on && !s) {
		free(t->error);
		t->error = xstrdup("this source is only played back; documents and logs cannot be asked for");
		t->dirty = true;
	}
}

static void free_page(struct page *p, struct app *app)
{
	struct text_page *t = of(p);
	struct source *s = app_source(app, t->source);
	if (t->id) {
		store_forget(app_store(app), t->id);
		if (s && !t->ended)
			source_cancel(s, t->id);
	}
	lines_release(&t->lines);
	matcher_release(&t->filter);
	matcher_release(&t->search);
	free(t->picked);
	free(t->title), free(t->what), free(t->kind), free(t->key), free(t->params), free(t->error);
	free(t);
}

static const struct page_ops ops = {
	.name = "text", .scopes = scopes, .prepare = prepare, .work = work, .draw = text_page_draw, .command = command,
	.title = title, .copy = copy, .shown = shown, .free = free_page,
};

struct page *text_page_new(struct app *app, const char *name, uint16_t source, const char *what, const char *kind,
                           struct str key, const char *params)
{
	struct text_page *t = xcalloc(1, sizeof(*t));
	t->page.ops = &ops;
	t->title = xstrdup(name);
	t->what = xstrdup(what);
	t->kind = xstrdup(kind);
	t->key = str_dup(key);
	t->params = xstrdup(params ? params : "");
	t->source = source;
	t->lines.max = TEXT_BYTES;
	t->style = !strcmp(what, "logs") ? TEXT_LOG : !strcmp(what, "yaml") || !strcmp(what, "describe") ? TEXT_DOC : TEXT_PLAIN;
	t->follow = t->style == TEXT_LOG;
	t->dirty = true;
	return &t->page;
}

struct page *text_page_given(struct app *app, const char *name, const char *what, struct str text)
{
	struct page *p = text_page_new(app, name, 0, what, "", STR(""), NULL);
	struct text_page *t = of(p);
	lines_add(&t->lines, text);
	t->given = t->ended = true;
	t->follow = false;
	return p;
}
