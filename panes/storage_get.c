/* storage_get: a download under way: how far, how fast, how long still. It goes on while other panes are looked at, and
 * stops when this page is left; what came stays, and the same download goes on from there. */
#include "panes/storage.h"
#include "base/fmt.h"
#include "base/mem.h"
#include "tui/chart.h"
#include <jansson.h>
#include <stdlib.h>

struct download_page {
	struct page page;
	uint16_t source;
	uint64_t id;
	char *key, *file, *say, *error;
	double got, of, rate;
	bool over, dirty;
};

static struct download_page *of(const struct page *p)
{
	return (struct download_page *)(uintptr_t)p;
}

static void came(void *arg, const struct msg *m)
{
	struct download_page *d = arg;
	struct msg_text t;
	if (!msg_get_text(m, &t))
		return;
	d->dirty = true;
	d->over = t.flags & (TEXT_END | TEXT_ERROR);
	if (t.flags & TEXT_ERROR) {
		free(d->error);
		d->error = str_dup(t.chunk);
		return;
	}
	json_t *o = json_loadb(t.chunk.p, t.chunk.n, 0, NULL);
	const char *say = json_string_value(json_object_get(o, "say"));
	d->got = json_number_value(json_object_get(o, "got"));
	d->of = json_number_value(json_object_get(o, "of"));
	d->rate = json_number_value(json_object_get(o, "rate"));
	free(d->say);
	d->say = xstrdup(say ? say : "");
	json_decref(o);
}

static bool prepare(struct page *p, struct app *app, int w, int h, int64_t now)
{
	bool changed = of(p)->dirty;
	of(p)->dirty = false;
	return changed;
}

static void say_progress(const struct download_page *d, struct buf *b)
{
	fmt_bytes((int64_t)d->got, b);
	buf_adds(b, " of ");
	fmt_bytes((int64_t)d->of, b);
	if (d->over || d->rate <= 0)
		return;
	buf_adds(b, ", ");
	fmt_bytes((int64_t)d->rate, b);
	buf_adds(b, "/s, ");
	fmt_duration((int64_t)((d->of - d->got) / d->rate * 1000), b);
	buf_adds(b, " left");
}

static void draw(const struct page *p, const struct app *app, struct frame *f, struct rect area, int64_t now)
{
	const struct download_page *d = of(p);
	struct buf b = { 0 };
	int width = area.w - 12 > 60 ? 60 : area.w - 12, y = 1;
	frame_fit(f, area, 1, y++, area.w - 2, str_of(d->key), ROLE_TITLE);
	buf_addf(&b, "to %s", d->file);
	frame_fit(f, area, 1, y++, area.w - 2, buf_str(&b), ROLE_TEXT);
	y++;
	if (d->of > 0) {
		bar_draw(f, area, 1, y, width, d->got, d->of, ROLE_CHART);
		frame_textf(f, area, width + 2, y, -1, ROLE_TEXT, "%3d %%", (int)(d->got * 100 / d->of));
		y++;
	}
	if (d->say) {
		buf_clear(&b);
		say_progress(d, &b);
		frame_fit(f, area, 1, y++, area.w - 2, buf_str(&b), ROLE_TEXT);
	}
	if (d->error)
		frame_fit(f, area, 1, y + 1, area.w - 2, str_of(d->error), ROLE_BAD);
	else if (d->over)
		frame_fit(f, area, 1, y + 1, area.w - 2, STR("it is there, whole"), ROLE_OK);
	else if (d->say && *d->say)
		frame_fit(f, area, 1, y + 1, area.w - 2, str_of(d->say), ROLE_DOUBT);
	else
		frame_fit(f, area, 1, y + 1, area.w - 2, STR("leaving this page stops it; the same download goes on from there"), ROLE_DIM);
	buf_release(&b);
}

static void title(const struct page *p, const struct app *app, struct buf *out)
{
	const struct download_page *d = of(p);
	buf_addf(out, "download %s", d->error ? "failed" : d->over ? "done" : "under way");
}

static bool command(struct page *p, struct app *app, const struct command *c, struct str args)
{
	return false;
}

static void free_page(struct page *p, struct app *app)
{
	struct download_page *d = of(p);
	struct source *s = app_source(app, d->source);
	store_forget(app_store(app), d->id);
	if (s)
		source_cancel(s, d->id);
	free(d->key);
	free(d->file);
	free(d->say);
	free(d->error);
	free(d);
}

static const struct command_scope *const no_scopes[] = { NULL };
static const struct page_ops ops = {
	.name = "download", .scopes = no_scopes, .prepare = prepare, .draw = draw, .command = command, .title = title,
	.free = free_page,
};

struct page *download_page_new(struct app *app, uint16_t source, struct str key, const char *params)
{
	struct download_page *d = xcalloc(1, sizeof(*d));
	json_t *o = json_loads(params, 0, NULL);
	const char *file = json_string_value(json_object_get(o, "file"));
	d->page.ops = &ops;
	d->source = source;
	d->key = str_dup(key);
	d->file = xstrdup(file ? file : "");
	d->id = source_ask(app_source(app, source), request_new(REQ_OPEN, "objects", key, "download", params));
	store_expect(app_store(app), d->id, came, d);
	json_decref(o);
	return &d->page;
}
