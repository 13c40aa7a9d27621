/* edit_page: see edit_page.h. The text is asked for, written to a file that only the user can read, and the terminal is lent to
 * the editor; what he leaves is planned as the action "edit", whose page opens on top. Whatever goes wrong after the
 * editor, what was written is kept, and said where; it goes once it is done, or when nothing was changed, and a Secret's in
 * any case. */
#define _GNU_SOURCE
#include "tui/edit_page.h"
#include "tui/handover.h"
#include "tui/scopes.h"
#include "base/mem.h"
#include "base/yaml.h"
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

enum { TEXT_MOST = 4 << 20 };

struct edit_page {
	struct page page;
	uint16_t source;
	char *kind, *key;
	uint64_t id;                   /* of the text that is asked for, 0 = not */
	struct buf base;               /* as given */
	struct buf text;               /* as written, with what the file begins with */
	bool secret;                   /* nothing is kept of it */
	enum { ASKING, READY, LEFT, PLANNED } state;
	char *path;                    /* of the file; NULL: none, or it is gone */
	char *say;                     /* what is wrong, or how it is */
	bool bad;
	struct act *act;
};

static struct edit_page *of(const struct page *p)
{
	return (struct edit_page *)(uintptr_t)p;
}

static void say(struct edit_page *e, bool bad, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
static void say(struct edit_page *e, bool bad, const char *fmt, ...)
{
	struct buf b = { 0 };
	va_list ap;
	va_start(ap, fmt);
	buf_vaddf(&b, fmt, ap);
	va_end(ap);
	free(e->say);
	e->say = buf_detach(&b);
	e->bad = bad;
}

/* ---- the text */

static void came(void *arg, const struct msg *m)
{
	struct edit_page *e = arg;
	struct msg_text t;
	struct msg_answer a;
	if (m->type == MSG_TEXT && msg_get_text(m, &t) && !(t.flags & TEXT_ERROR)) {
		if (t.flags & TEXT_RESET)
			buf_clear(&e->base);
		if (e->base.len + t.chunk.n <= TEXT_MOST)
			buf_addstr(&e->base, t.chunk);
		if (!(t.flags & TEXT_END))
			return;
		e->state = READY;
	} else if (m->type == MSG_TEXT && msg_get_text(m, &t)) {
		e->state = LEFT;
		say(e, true, STR_FMT, STR_ARG(t.chunk));
	} else if (m->type == MSG_ANSWER && msg_get_answer(m, &a) && !a.ok) {
		e->state = LEFT;
		say(e, true, STR_FMT, STR_ARG(a.json));
	} else {
		return;
	}
	e->id = 0;
}

/* ---- the file */

static void drop_file(struct edit_page *e)
{
	if (e->path)
		unlink(e->path);
	free(e->path);
	e->path = NULL;
}

static bool write_all(int fd, struct str s)
{
	while (s.n) {
		ssize_t n = write(fd, s.p, s.n);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return false;
		s.p += n, s.n -= (size_t)n;
	}
	return true;
}

/* "/run/user/1000/binnacle-deployments-web-Xa12bC.yaml": 0600 from the first moment, in memory where the system has such a
 * place. */
static int make_file(struct edit_page *e, const struct app *app)
{
	const char *run = getenv("XDG_RUNTIME_DIR"), *name = strrchr(e->key, '/'), *dirs[] = { run, app_state_dir(app), "/tmp" };
	char *safe = xstrdup(name ? name + 1 : e->key);
	int fd = -1;
	for (char *c = safe; *c; c++)
		if (!strchr("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_", *c))
			*c = '_';
	for (size_t i = 0; fd < 0 && i < ARRAY_SIZE(dirs); i++) {
		if (!dirs[i] || dirs[i][0] != '/')
			continue;
		free(e->path);
		e->path = xasprintf("%s/binnacle-%.60s-%.80s-XXXXXX.yaml", dirs[i], e->kind, safe);
		fd = mkostemps(e->path, 5, O_CLOEXEC);
	}
	free(safe);
	if (fd < 0) {
		say(e, true, "cannot write '%s': %s", e->path, strerror(errno));
		free(e->path);
		e->path = NULL;
	}
	return fd;
}

static bool put_file(struct edit_page *e, struct app *app)
{
	int fd = e->path ? open(e->path, O_WRONLY | O_TRUNC | O_CLOEXEC | O_NOFOLLOW) : -1;
	bool ok;
	if (fd < 0)
		fd = make_file(e, app);
	if (fd < 0)
		return false;
	ok = write_all(fd, buf_str(&e->text));
	if (close(fd) != 0 || !ok) {
		say(e, true, "cannot write '%s': %s", e->path, strerror(errno));
		drop_file(e);
		return false;
	}
	return true;
}

static bool get_file(struct edit_page *e)
{
	int fd = open(e->path, O_RDONLY | O_CLOEXEC);
	char part[16384];
	ssize_t n = 0;
	if (fd < 0) {
		say(e, true, "what was written cannot be read: '%s': %s", e->path, strerror(errno));
		return false;
	}
	buf_clear(&e->text);
	while (e->text.len <= TEXT_MOST && (n = read(fd, part, sizeof(part))) > 0)
		buf_add(&e->text, part, (size_t)n);
	close(fd);
	if (n < 0 || e->text.len > TEXT_MOST)
		say(e, true, "'%s' %s", e->path, n < 0 ? "cannot be read" : "is too long: at most 4 MB are taken");
	return n >= 0 && e->text.len <= TEXT_MOST;
}

/* What the file begins with, before anyone wrote in it. */
static void begin_text(struct edit_page *e, const struct app *app)
{
	const struct source *s = app_source(app, e->source);
	buf_clear(&e->text);
	buf_addf(&e->text, "# %s %s of %s%s%s\n# Save it and leave: what differs is shown as a plan, nothing is sent before that.\n"
	         "# Leave it as it is, or empty, and nothing happens.\n#\n", e->kind, e->key, s->name,
	         *s->environment ? ", " : "", s->environment);
	buf_addstr(&e->text, buf_str(&e->base));
}

/* Nothing but blank lines and comments. */
static bool is_empty(struct str s)
{
	while (s.n) {
		struct str line = str_trim(str_split(&s, '\n'));
		if (line.n && line.p[0] != '#')
			return false;
	}
	return true;
}

/* ---- the editor, the plan */

static const char *editor(void)
{
	const char *const names[] = { getenv("VISUAL"), getenv("EDITOR"), "vi" };
	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if (names[i] && *names[i])
			return names[i];
	return "vi";
}

/* False: what is said stands. */
static bool run_editor(struct edit_page *e, struct app *app)
{
	char why[300], *line = xasprintf("exec %s \"$1\"", editor());      /* a setting with options, as git takes it */
	const char *const argv[] = { "sh", "-c", line, "binnacle-edit", e->path, NULL };
	struct handover h = { .argv = argv };
	int status = app_handover(app, &h, why, sizeof(why));
	free(line);
	if (status == 0)
		return true;
	if (status < 0)
		say(e, true, "%s", why);
	else if (WIFEXITED(status) && WEXITSTATUS(status) == 127)
		say(e, true, "the editor '%s' was not found: set VISUAL or EDITOR", editor());
	else
		say(e, true, "the editor '%s' ended with %s %d: nothing is sent", editor(), WIFSIGNALED(status) ? "signal" : "status",
		    WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status));
	return false;
}

static void plan(struct edit_page *e, struct app *app)
{
	struct source *s = app_source(app, e->source);
	const struct action *a = s ? action_find(s->backend, "edit", e->kind) : NULL;
	const char *why = "its source is not there any more";
	json_t *params = json_pack("{s:s%, s:s%}", "secret_base", e->base.data ? e->base.data : "", e->base.len, "secret_text",
	                           e->text.data ? e->text.data : "", e->text.len);
	char *text = params ? json_dumps(params, JSON_COMPACT) : NULL;
	e->act = a && text ? act_start(app_actor(app), s, a, e->kind, (const char *const *)&e->key, 1, text, &why) : NULL;
	e->state = e->act ? PLANNED : LEFT;
	if (e->act)
		app_push(app, act_page_new(app, e->act));
	else
		say(e, true, "%s", text ? why : "what was written is not UTF-8");
	json_decref(params);
	free(text);
}

static void edit(struct edit_page *e, struct app *app)
{
	struct yaml_error err = { 0 };
	struct yaml_doc *doc;
	struct buf before = { 0 };
	bool first = !e->path;           /* nobody has written anything yet */
	e->state = LEFT;
	if (!put_file(e, app))
		return;
	buf_addstr(&before, buf_str(&e->text));
	bool ran = run_editor(e, app), ok = (ran || access(e->path, R_OK) == 0) && get_file(e);
	bool same = ok && str_eq(buf_str(&before), buf_str(&e->text)) && first;
	buf_release(&before);
	if (same && !ran)
		drop_file(e);
	if (!ok || !ran)
		return;
	if (same || is_empty(buf_str(&e->text))) {
		drop_file(e);
		app_say(app, false, same ? "nothing was changed" : "the text was emptied: nothing is sent");
		app_pop(app);
		return;
	}
	doc = yaml_parse(buf_str(&e->text), &err);
	if (!doc)
		say(e, true, "line %u: %s", err.line, err.what);
	yaml_doc_free(doc);
	if (doc)
		plan(e, app);
}

/* Somebody else changed it too: the object of now with the user's changes on top is what is edited next. */
static void take_merged(struct edit_page *e)
{
	const json_t *plan = e->act ? e->act->targets[0].plan : NULL;
	const char *base = json_string_value(json_object_get(plan, "secret_base"));
	const char *merged = json_string_value(json_object_get(plan, "secret_merged"));
	if (!base || !merged || e->act->state == ACT_DONE)
		return;
	buf_clear(&e->base);
	buf_adds(&e->base, base);
	buf_clear(&e->text);
	buf_adds(&e->text, "# It was changed meanwhile where you changed it too. This is the object of now with your changes on top.\n#\n");
	buf_adds(&e->text, merged);
}

/* ---- the page */

/* The plan's page was left. */
static void look_at_act(struct edit_page *e, struct app *app)
{
	const struct act *a = e->act;
	if (a->state == ACT_DONE) {
		drop_file(e);
		app_pop(app);
		return;
	}
	e->state = LEFT;
	if (a->state == ACT_RUNNING)
		say(e, false, "it is being done; the audit list says how it ends");
	else if (a->error || !a->decision.allowed)
		say(e, true, "%s", a->error ? a->error : a->decision.why);
	else
		say(e, false, "it was not sent");
	app_redraw(app);
}

static bool work(struct page *p, struct app *app)
{
	struct edit_page *e = of(p);
	if (e->state == READY) {
		begin_text(e, app);
		edit(e, app);
	} else if (e->state == PLANNED) {
		look_at_act(e, app);
	}
	return false;
}

static bool prepare(struct page *p, struct app *app, int w, int h, int64_t now)
{
	(void)p, (void)app, (void)w, (void)h, (void)now;
	return true;
}

static int put(struct frame *f, struct rect area, int y, enum role role, struct str s)
{
	while (s.n && y < area.h) {
		struct str line = s;
		int room = area.w - 4 > 10 ? area.w - 4 : 10;
		if (line.n > (size_t)room) {
			line.n = (size_t)room;
			for (size_t i = line.n; i > line.n / 2; i--)
				if (line.p[i] == ' ') {
					line.n = i;
					break;
				}
		}
		frame_text(f, area, 2, y++, room, line, role);
		s.p += line.n, s.n -= line.n;
		s = str_trim(s);
	}
	return y;
}

static void draw(const struct page *p, const struct app *app, struct frame *f, struct rect area, int64_t now)
{
	const struct edit_page *e = of(p);
	int y = 1;
	(void)app, (void)now;
	if (e->state == ASKING) {
		frame_text(f, area, 2, y, -1, STR("asking for the object"), ROLE_BUSY);
		return;
	}
	if (e->say)
		y = put(f, area, y, e->bad ? ROLE_BAD : ROLE_TEXT, str_of(e->say)) + 1;
	if (!e->path) {
		if (e->state == LEFT && e->base.len)
			put(f, area, y, ROLE_PROMPT, STR("Enter edits it again, Esc leaves."));
		return;
	}
	struct buf b = { 0 };
	buf_addf(&b, e->secret ? "What you wrote is in %s until you leave this page: it holds secrets."
	         : "What you wrote is kept in %s (only you can read it).", e->path);
	y = put(f, area, y, ROLE_TEXT, buf_str(&b)) + 1;
	buf_release(&b);
	put(f, area, y, ROLE_PROMPT, STR("Enter edits it again, p plans it again as it is, Esc leaves."));
}

static const struct command commands[] = {
	{ "edit-again", NULL, "open what was written in the editor once more", "edit again" },
	{ "plan-again", NULL, "plan what was written once more", "plan again" },
	{ .name = NULL }
};
const struct command_scope edit_scope = { "edit", "editing an object", commands };
static const struct command_scope *const scopes[] = { &edit_scope, NULL };

/* Without a file nothing was written yet: there is only the object, if it came. */
static bool offers(const struct page *p, const struct app *app, const struct command *c)
{
	const struct edit_page *e = of(p);
	(void)app;
	return e->state == LEFT && (e->path || (e->base.len && strcmp(c->name, "edit-again") == 0));
}

static bool command(struct page *p, struct app *app, const struct command *c, struct str args)
{
	struct edit_page *e = of(p);
	(void)args;
	if (!offers(p, app, c))
		return true;
	if (strcmp(c->name, "edit-again") == 0) {
		take_merged(e);
		edit(e, app);
	} else {
		plan(e, app);
	}
	return true;
}

static void title(const struct page *p, const struct app *app, struct buf *out)
{
	(void)app;
	buf_addf(out, "edit %s %s", of(p)->kind, of(p)->key);
}

static void free_page(struct page *p, struct app *app)
{
	struct edit_page *e = of(p);
	struct source *s = app_source(app, e->source);
	if (e->id) {
		store_forget(app_store(app), e->id);
		if (s)
			source_cancel(s, e->id);
	}
	if (e->secret || (e->act && e->act->state == ACT_DONE))
		drop_file(e);
	buf_release(&e->base);
	buf_release(&e->text);
	free(e->path);
	free(e->say);
	free(e->kind);
	free(e->key);
	free(e);
}

static const struct page_ops ops = {
	.name = "edit", .scopes = scopes, .prepare = prepare, .work = work, .draw = draw, .command = command, .offers = offers,
	.title = title, .free = free_page,
};

struct page *edit_page_new(struct app *app, uint16_t source, const char *kind, struct str key)
{
	struct edit_page *e = xcalloc(1, sizeof(*e));
	struct source *s = app_source(app, source);
	e->page.ops = &ops;
	e->source = source;
	e->kind = xstrdup(kind);
	e->key = str_dup(key);
	e->secret = strcmp(kind, "secrets") == 0;
	if (s) {
		e->id = source_ask(s, request_new(REQ_OPEN, kind, key, "yaml", "{\"edit\":true}"));
		store_expect(app_store(app), e->id, came, e);
	} else {
		e->state = LEFT;
		say(e, true, "its source is not there any more");
	}
	return &e->page;
}
