/* verify: the checks of base/verify.h as a page, made anew as rows change. Enter goes to the row that is the evidence. It sends
 * nothing: that a prediction is answered and logged is checked by `binnacle verify`. */
#include "base/mem.h"
#include "base/verify.h"
#include "tui/table_page.h"
#include <stdlib.h>

struct verify_page { struct verify *verify; int64_t made; uint64_t version; bool complete; };

static bool prepare(void *arg, struct page *p, struct app *app, int64_t now)
{
	struct verify_page *v = arg;
	const struct store *s = app_store(app);
	bool complete = app_watch_listed(app), changed = s->version != v->version || complete != v->complete;
	if (v->made && now >= v->made && now - v->made < (!changed ? 10000 : v->complete && complete ? 500 : 0))
		return false;
	v->complete = complete;
	v->made = now;
	v->version = s->version;
	verify_update(v->verify, s, NULL, now);
	return true;
}

static bool filled(const struct app *app, const char *kind)
{
	for (unsigned i = 0; i < app_sources(app); i++)
		if (backend_fills(app_source(app, (uint16_t)i)->backend, kind))
			return true;
	return false;
}

static void shown(void *arg, struct page *p, struct app *app, bool on)
{
	const struct verify_page *v = arg;
	for (unsigned i = 0; verify_kind(v->verify, i); i++) {
		const struct kind *k = store_kind(app_store(app), str_of(verify_kind(v->verify, i)));
		if (k && filled(app, k->name))
			(on ? app_watch : app_unwatch)(app, k->name, "");
	}
}

static bool command(void *arg, struct page *p, struct app *app, const struct command *c, struct str args)
{
	const struct table *t;
	const struct row *r = table_page_row(p, &t);
	if (strcmp(c->name, "open"))
		return false;
	if (r && !row_null(r, VERIFY_KIND)) {
		char *kind = str_dup(row_text(t, r, VERIFY_KIND)), *key = str_dup(row_text(t, r, VERIFY_KEY));
		const struct store *s = app_store(app);
		uint16_t source = 0;
		for (unsigned i = 0; i < s->nsources; i++)
			if (str_is(row_text(t, r, VERIFY_WHERE), s->sources[i].name))
				source = (uint16_t)i;
		app_open_row(app, kind, source, str_of(key));
		free(kind);
		free(key);
	} else if (r) {
		app_say(app, false, STR_FMT, STR_ARG(row_text(t, r, VERIFY_EVIDENCE)));
	}
	return true;
}

static void title(void *arg, const struct page *p, const struct app *app, struct buf *out)
{
	const struct verify_page *v = arg;
	unsigned failed = verify_failed(v->verify);
	buf_addf(out, "verify %u   ", verify_table(v->verify)->count);
	buf_addf(out, failed ? "%u not verified" : "all is verified", failed);
}

static void release(void *arg, struct app *app)
{
	struct verify_page *v = arg;
	verify_free(v->verify);
	free(v);
}

static const struct table_hooks hooks = { .command = command, .prepare = prepare, .shown = shown, .title = title, .free = release };

static struct page *open_pane(struct app *app, struct str args)
{
	struct verify_page *v = xcalloc(1, sizeof(*v));
	v->verify = verify_new(app_config(app));
	struct page *p = table_page_over(app, verify_table(v->verify));
	table_page_hook(p, &hooks, v);
	return p;
}

const struct pane pane_verify = {
	.name = "verify", .help = "the platform checked from end to end, with evidence", .open = open_pane, .aside = true,
};
