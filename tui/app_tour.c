/* app_tour: a walk through the console; see tour.h. */
#include "tui/app_in.h"
#include "tui/text.h"
#include <stdio.h>

#define WAIT_MS 15000            /* for rows, before the next line of a step is run all the same */
#define LINES_MAX 4              /* of a caption */

static const struct command commands[] = {
	{ "tour-next", NULL, "go on with the tour", "next" },
	{ "tour-back", NULL, "go back to the step before", NULL },
	{ "tour-end", NULL, "leave the tour and stay where one is", "end tour" },
	{ .name = NULL }
};
const struct command_scope tour_scope = { "tour", "during the tour", commands };

static const struct tour_step *step_of(const struct app *app)
{
	return app->o.tour && app->touring ? &app->o.tour->steps[app->tour_at] : NULL;
}

static void enter_step(struct app *app, unsigned at, bool on)
{
	const struct tour_step *s = &app->o.tour->steps[at];
	char params[40];

	app->tour_at = at;
	app->touring = true;
	app->tour_line = s->lines;
	app->tour_until = 0;
	app->tour_listed = 0;
	app->dirty = true;
	snprintf(params, sizeof(params), "{\"second\":%u}", s->second);
	for (unsigned i = 0; on && s->second && i < app->o.nsources; i++)
		source_ask(app->o.sources[i], request_new(REQ_ASK, "", STR(""), "until", params));
}

void app_tour_start(struct app *app)
{
	if (app->o.tour)
		enter_step(app, 0, true);
}

bool app_tour_command(struct app *app, const struct command *c)
{
	if (command_find(&tour_scope, str_of(c->name)) != c || !step_of(app))
		return false;
	if (!strcmp(c->name, "tour-back") && app->tour_at)
		enter_step(app, app->tour_at - 1, false);
	else if (!strcmp(c->name, "tour-next") && app->o.tour->steps[app->tour_at + 1].caption)
		enter_step(app, app->tour_at + 1, true);
	else if (strcmp(c->name, "tour-back") != 0)
		app->touring = false;
	app->dirty = true;
	return true;
}

/* What the line before asked for is listed, and the screen was drawn with it: only then there is a row under the cursor. */
static bool is_shown(struct app *app, int64_t mono)
{
	if (mono < app->tour_until - WAIT_MS + 60 || !app_watch_listed(app))
		return false;
	if (!app->tour_listed) {
		app->tour_listed = app->o.store->version;
		app->dirty = true;
	}
	return !app->dirty && app->drawn_version >= app->tour_listed;
}

/* The next line of a step, when what the one before asked for has come. */
void app_tour_tick(struct app *app, int64_t mono)
{
	struct str rest;

	if (!step_of(app) || !app->tour_line)
		return;
	if (!app->tour_until)
		app->tour_until = mono + WAIT_MS;
	if (mono < app->tour_until && !is_shown(app, mono))
		return;
	rest = str_of(app->tour_line);
	app_run_as(app, str_split(&rest, '\n'), true);
	app->tour_line = rest.n ? rest.p : NULL;
	app->tour_until = 0;
	app->tour_listed = 0;
	app->dirty = true;
}

int64_t app_tour_next(const struct app *app, int64_t mono)
{
	return step_of(app) && app->tour_line ? mono + 40 : INT64_MAX;
}

/* Takes a line of text of at most w cells, broken between words. */
static struct str take_line(struct str *rest, bool ascii, int w)
{
	int used;
	size_t n = text_fit(*rest, ascii, w, &used), cut = n;
	struct str line;

	if (n < rest->n)
		for (cut = n; cut && rest->p[cut] != ' ';)
			cut--;
	line = (struct str){ rest->p, cut ? cut : n };
	*rest = str_trim((struct str){ rest->p + line.n, rest->n - line.n });
	return line;
}

/* Lines that the caption takes, the rule above it included; 0: none is shown. */
int app_tour_height(const struct app *app)
{
	const struct tour_step *s = step_of(app);
	struct str rest = str_of(s ? s->caption : NULL);
	int n = 0, w = app->frame.w - 4;

	if (!s || w < 20 || app->frame.h < 14)
		return 0;
	while (rest.n && n < LINES_MAX) {
		take_line(&rest, app->frame.ascii, w);
		n++;
	}
	return n + 1;
}

void app_tour_draw(const struct app *app, struct frame *f, struct rect area)
{
	struct str rest = str_of(step_of(app)->caption);
	struct buf b = { 0 };
	unsigned n = 0;

	while (app->o.tour->steps[n].caption)
		n++;
	frame_fill(f, rect_part(area, 0, 0, area.w, 1), f->ascii ? '-' : 0x2500, ROLE_BORDER);
	buf_addf(&b, " %s %u/%u ", app->o.tour->title, app->tour_at + 1, n);
	frame_text(f, area, 2, 0, area.w - 4, buf_str(&b), ROLE_DIM);
	buf_release(&b);
	for (int y = 1; y < area.h && rest.n; y++)
		frame_text(f, area, 2, y, area.w - 4, take_line(&rest, f->ascii, area.w - 4), ROLE_TITLE);
}
