/* predict_draw: the answer in a line, the inputs beside what they contributed: a waterfall from the base value to the
 * prediction. Contributions in another space than the prediction's carry that space's name and their factor, never money. */
#include "base/fmt.h"
#include "base/mem.h"
#include "panes/predict.h"
#include "tui/chart.h"
#include <math.h>
#include <stdio.h>

enum { NARROW = 100 };

/* ---- the line of answers */

static int put(struct frame *f, struct rect area, int x, enum role role, const struct buf *b)
{
	return x + frame_text(f, area, x, 0, area.w - x, buf_str(b), role);
}

static int draw_reply(const struct reply *r, const char *label, double against, struct frame *f, struct rect area, int x,
                      int64_t mono)
{
	struct buf b = { 0 };
	enum role role = r->error ? ROLE_SAY_BAD : r->id ? ROLE_DIM : ROLE_TITLE;
	buf_addf(&b, "%s ", label ? label : r->name ? r->name : "prediction");
	if (r->error)
		buf_addf(&b, "%s", r->error);
	else if (!r->has)
		buf_adds(&b, r->id ? "" : "-");
	else if (r->text)
		buf_addf(&b, "%s", r->text);
	else
		number_text(r->value, &b);
	x = put(f, area, x, role, &b);
	buf_clear(&b);
	if (r->has && !isnan(against) && !isnan(r->value) && against != 0)
		buf_addf(&b, " (%+.1f %%)", (r->value / against - 1) * 100);
	if (r->has && r->version)
		buf_addf(&b, "  v%s", r->version);
	if (r->has && r->stage && !label)
		buf_addf(&b, " %s", r->stage);
	if (r->id && mono - r->asked_at > 1000)
		buf_addf(&b, "  waiting %lld s", (long long)(mono - r->asked_at) / 1000);
	else if (r->has && !isnan(r->latency_ms)) {
		buf_adds(&b, "  ");
		ms_text(r->latency_ms, &b);
	}
	if (r->has && r->request && !label)
		buf_addf(&b, "  request %.12s", r->request);
	x = put(f, area, x, ROLE_DIM, &b);
	buf_release(&b);
	return x + 3;
}

static void draw_answers(const struct predict_page *p, struct frame *f, struct rect area, int64_t mono)
{
	struct buf b = { 0 };
	int x = draw_reply(&p->mine, NULL, NAN, f, area, 1, mono);
	if (p->other.endpoint)
		draw_reply(&p->other, p->other.endpoint, p->mine.value, f, area.w < NARROW && area.h > 1 ? rect_part(area, 0, 1, area.w, 1)
		           : area, area.w < NARROW && area.h > 1 ? 1 : x, mono);
	struct rect under = rect_part(area, 0, 1, area.w, 1);
	job_describe(p, mono, &b);
	if (p->trouble)
		frame_fit(f, under, 1, 0, area.w - 1, str_of(p->trouble), ROLE_SAY_BAD);
	else if (b.len)
		frame_fit(f, under, 1, 0, area.w - 1, buf_str(&b), p->job.failed ? ROLE_DOUBT : ROLE_DIM);
	else if (p->mine.note)
		frame_fit(f, under, 1, 0, area.w - 1, str_of(p->mine.note), ROLE_DOUBT);
	else if (p->logged && !(p->other.endpoint && area.w < NARROW))
		frame_fit(f, under, 1, 0, area.w - 1, str_of(p->logged), ROLE_DIM);
	buf_release(&b);
}

/* ---- inputs */

static int widest_name(const struct predict_page *p, bool ascii)
{
	int w = 8;
	for (unsigned i = 0; i < p->form.n; i++) {
		int n = text_width(str_of(p->form.in[i].name), ascii);
		w = n > w ? n : w;
	}
	return w > 24 ? 24 : w;
}

static void draw_inputs(const struct predict_page *p, struct frame *f, struct rect area)
{
	int name = widest_name(p, f->ascii), room = area.w - name - 4, value = room * 3 / 5, x = name + 3;
	frame_text(f, area, 1, 0, -1, STR("INPUT"), ROLE_HEADING);
	frame_text(f, area, x, 0, -1, STR("now"), ROLE_HEADING);
	frame_text(f, area, x + value + 1, 0, -1, STR("was"), ROLE_HEADING);
	if (!p->form.n)
		frame_text(f, area, 1, 1, -1, p->saw_schema ? STR("it describes no inputs: p pastes JSON, i takes them from the log")
		           : STR("asking what it takes"), ROLE_DIM);
	for (unsigned i = p->top; i < p->form.n && (int)(i - p->top) + 1 < area.h; i++) {
		const struct input *in = &p->form.in[i];
		struct rect line = rect_part(area, 0, (int)(i - p->top) + 1, area.w, 1);
		bool on = i == p->at, moved = in->was && strcmp(in->was, in->value);
		struct buf b = { 0 };
		if (on)
			frame_text(f, line, 0, 0, 1, str_of(f->ascii ? ">" : "▌"), ROLE_CURSOR);
		frame_fit(f, line, 1, 0, name + 1, str_of(in->name), on ? ROLE_TITLE : ROLE_TEXT);
		buf_adds(&b, *in->value ? in->value : in->required ? "needed" : "-");
		if (on && (input_is_number(in) || in->nchoices || in->type == INPUT_BOOL))
			buf_adds(&b, f->ascii ? " <>" : " ◂▸");
		frame_fit(f, line, x, 0, value, buf_str(&b), !*in->value && in->required ? ROLE_DOUBT : moved ? ROLE_TITLE : ROLE_TEXT);
		frame_fit(f, line, x + value + 1, 0, area.w - x - value - 1, str_of(moved ? in->was : ""), ROLE_DIM);
		if (on)
			frame_back(f, line, ROLE_CURSOR);
		buf_release(&b);
	}
}

/* ---- the waterfall */

struct fall { double lo, hi; int x, w; };

static int fall_at(const struct fall *s, double v)
{
	return s->x + (int)((v - s->lo) / (s->hi - s->lo) * (s->w - 1) + 0.5);
}

static void draw_step(struct frame *f, struct rect line, const struct fall *s, double from, double to)
{
	int a = fall_at(s, from), b = fall_at(s, to);
	bool up = to >= from;
	int x = a < b ? a : b, w = (a < b ? b - a : a - b) + 1;
	if (s->w < 4 || isnan(from) || isnan(to))
		return;
	frame_fill(f, rect_part(line, x, 0, w, 1), f->ascii ? (up ? '+' : '-') : up ? 0x2588 : 0x2592, ROLE_CHART);
}

/* "+61,300", "+0.0349 x1.04", in 18 cells */
static void draw_by(const struct reply *r, double by, struct frame *f, struct rect line, int x, enum role role)
{
	struct buf b = { 0 };
	int w = r->space == SPACE_SAME || r->space == SPACE_UNKNOWN ? 18 : 9;
	if (by >= 0)
		buf_addc(&b, '+');
	if (r->space == SPACE_SAME)
		number_text(by, &b);
	else
		buf_addf(&b, "%.4f", by);
	frame_right(f, line, x, 0, w, buf_str(&b), role);
	buf_clear(&b);
	space_effect(r->space, by, &b);
	frame_fit(f, line, x + w + 1, 0, 18 - w - 1, buf_str(&b), role);
	buf_release(&b);
}

static const struct part *part_of(const struct reply *r, const char *name)
{
	for (unsigned i = 0; i < r->nparts; i++)
		if (!strcmp(r->parts[i].name, name))
			return &r->parts[i];
	return NULL;
}

static void draw_heading(const struct predict_page *p, struct frame *f, struct rect area)
{
	const struct reply *r = &p->mine;
	struct buf b = { 0 };
	buf_adds(&b, !r->estimated ? "BASE " : p->job.is == JOB_ESTIMATE && !p->job.over ? "ESTIMATE of before, being made anew.  BASE "
	         : "ESTIMATE, one input at a time; not Shapley values.  BASE ");
	number_text(r->base, &b);
	if (r->space != SPACE_SAME && r->space != SPACE_UNKNOWN) {
		buf_addf(&b, " in %s, which is ", space_name(r->space));
		number_text(space_back(r->space, r->base), &b);
	}
	frame_fit(f, area, 0, 0, area.w, buf_str(&b), r->estimated ? ROLE_BUSY : ROLE_HEADING);
	buf_release(&b);
}

static void draw_sum(const struct reply *r, struct frame *f, struct rect line)
{
	struct buf b = { 0 };
	enum role role = ROLE_DIM;
	if (r->estimated) {
		buf_adds(&b, "base: all inputs at their reference values; adds up to ");
		number_text(r->total, &b);
	} else if (r->space == SPACE_UNKNOWN) {
		role = ROLE_DOUBT;
		buf_adds(&b, f->ascii ? "! does not add up: " : "△ does not add up: ");
		number_text(r->total, &b);
		buf_adds(&b, " is no known form of the prediction; the numbers are not in its unit");
	} else {
		buf_adds(&b, "adds up to ");
		if (r->space != SPACE_SAME) {
			buf_addf(&b, "%.4f %s = ", r->total, space_name(r->space));
		}
		number_text(space_back(r->space, r->total), &b);
		if (r->space != SPACE_SAME)
			buf_adds(&b, "; numbers are not in the prediction's unit");
	}
	frame_fit(f, line, 0, 0, line.w, buf_str(&b), role);
	buf_release(&b);
}

static void scale_fall(const struct reply *r, unsigned shown, struct fall *s)
{
	double at = isnan(r->base) ? 0 : r->base;
	s->lo = s->hi = at;
	for (unsigned i = 0; i <= shown; i++) {
		at = i < shown ? at + r->parts[i].by : r->total;
		if (isnan(at))
			continue;
		s->lo = at < s->lo ? at : s->lo;
		s->hi = at > s->hi ? at : s->hi;
	}
	if (!(s->hi > s->lo))
		s->hi = s->lo + 1;
}

static void draw_part(const struct predict_page *p, const char *name, const char *value, double by, double from,
                      const struct fall *s, struct frame *f, struct rect line, int label, int second)
{
	const struct part *o = part_of(&p->other, name);
	struct buf b = { 0 };
	int numbers = second ? line.w - second - 2 : line.w;
	buf_addf(&b, "%s", name);
	if (value)
		buf_addf(&b, " %s", value);
	frame_fit(f, line, 0, 0, label, buf_str(&b), ROLE_TEXT);
	draw_step(f, line, s, from, from + by);
	draw_by(&p->mine, by, f, line, numbers - 18, ROLE_TEXT);
	if (second && o)
		draw_by(&p->other, o->by, f, line, line.w - 18, ROLE_DIM);
	buf_release(&b);
}

static void draw_waterfall(const struct predict_page *p, struct frame *f, struct rect area)
{
	const struct reply *r = &p->mine;
	unsigned room = area.h > 3 ? (unsigned)area.h - 3 : 1, shown = r->nparts <= room + 1 ? r->nparts : room;
	int label = area.w > 70 ? 26 : area.w > 50 ? 20 : area.w / 3, second = p->other.nparts && area.w > 64 ? 18 : 0;
	struct fall s = { .x = label + 1, .w = area.w - label - 21 - (second ? second + 2 : 0) };
	double at = isnan(r->base) ? 0 : r->base, rest = 0;
	draw_heading(p, f, area);
	if (second) {
		struct buf b = { 0 };
		buf_addf(&b, "v%s", p->mine.version ? p->mine.version : "?");
		frame_right(f, area, area.w - 2 * second - 2, 0, second, buf_str(&b), ROLE_HEADING);
		buf_clear(&b);
		buf_addf(&b, "v%s", p->other.version ? p->other.version : "?");
		frame_right(f, area, area.w - second, 0, second, buf_str(&b), ROLE_HEADING);
		buf_release(&b);
	}
	scale_fall(r, shown, &s);
	for (unsigned i = 0; i < shown; i++) {
		draw_part(p, r->parts[i].name, r->parts[i].value, r->parts[i].by, at, &s, f, rect_part(area, 0, (int)i + 1, area.w, 1),
		          label, second);
		at += r->parts[i].by;
	}
	for (unsigned i = shown; i < r->nparts; i++)
		rest += r->parts[i].by;
	if (shown < r->nparts) {
		char name[40];
		snprintf(name, sizeof(name), "%u others", r->nparts - shown);
		draw_part(p, name, NULL, rest, at, &s, f, rect_part(area, 0, (int)shown + 1, area.w, 1), label, second);
	}
	draw_sum(r, f, rect_part(area, 0, (int)shown + (shown < r->nparts) + 1, area.w, 1));
}

/* ---- a sweep */

static void label_number(double x, struct buf *out)
{
	number_text(x, out);
}

static void draw_choices(const struct predict_page *p, const struct input *in, struct frame *f, struct rect area)
{
	double most = 0;
	for (unsigned i = 0; i < p->job.n; i++)
		most = p->job.y[i] > most ? p->job.y[i] : most;
	for (unsigned i = 0; i < p->job.n && (int)i < area.h; i++) {
		struct buf b = { 0 };
		bool now = !strcmp(in->choices[i], in->value);
		frame_fit(f, area, 0, (int)i, 20, str_of(in->choices[i]), now ? ROLE_TITLE : ROLE_TEXT);
		bar_draw(f, area, 21, (int)i, area.w - 36, p->job.y[i], most, ROLE_CHART);
		number_text(p->job.y[i], &b);
		frame_right(f, area, area.w - 14, (int)i, 14, buf_str(&b), now ? ROLE_TITLE : ROLE_TEXT);
		buf_release(&b);
	}
}

static void draw_sweep(const struct predict_page *p, struct frame *f, struct rect area)
{
	const struct input *in = &p->form.in[p->job.input];
	struct buf b = { 0 };
	double now = NAN, lo = INFINITY, hi = -INFINITY;
	str_to_f64(str_of(in->value), &now);
	for (unsigned i = 0; i < p->job.n; i++) {
		lo = p->job.y[i] < lo ? p->job.y[i] : lo;
		hi = p->job.y[i] > hi ? p->job.y[i] : hi;
	}
	buf_addf(&b, "%s over %s, all else as it is", p->mine.name ? p->mine.name : "prediction", in->name);
	if (hi >= lo) {
		buf_adds(&b, ": ");
		number_text(lo, &b);
		buf_adds(&b, " to ");
		number_text(hi, &b);
	}
	frame_fit(f, area, 0, 0, area.w, buf_str(&b), ROLE_HEADING);
	buf_release(&b);
	struct rect under = rect_part(area, 0, 1, area.w, area.h - 1);
	if (in->nchoices) {
		draw_choices(p, in, f, under);
		return;
	}
	double pad = hi > lo ? (hi - lo) * 0.05 : 1;
	struct chart c = { .x = p->job.x, .y = p->job.y, .n = (int)p->job.n, .limit = NAN, .lo = hi >= lo ? lo - pad : NAN,
	                   .hi = hi >= lo ? hi + pad : NAN, .label = label_number };
	struct chart_mark mark = { now, f->ascii ? "^" : "▲" };
	if (!isnan(now)) {
		c.marks = &mark;
		c.nmarks = 1;
	}
	chart_draw(&c, f, under);
}

static void draw_hint(const struct predict_page *p, struct frame *f, struct rect area)
{
	const struct reply *r = &p->mine;
	struct str s = !r->has ? STR("") : !p->explain ? STR("e explains this prediction") : r->cannot_explain && !p->estimate ?
		STR("this service does not explain; e estimates by varying one input at a time") : STR("");
	frame_fit(f, area, 0, 1, area.w, s, ROLE_DIM);
	if (p->at < p->form.n && p->form.in[p->at].help)
		frame_fit(f, area, 0, 0, area.w, str_of(p->form.in[p->at].help), ROLE_DIM);
}

void predict_draw(const struct page *page, const struct app *app, struct frame *f, struct rect area, int64_t now)
{
	const struct predict_page *p = (const struct predict_page *)page;
	int64_t mono = clock_mono(app_clock(app));
	int top = area.h > 8 ? 3 : area.h > 4 ? 1 : 0, left = area.w < NARROW ? area.w * 2 / 5 : area.w / 3;
	(void)now;
	left = left > 56 ? 56 : left;
	if (top)
		draw_answers(p, f, rect_part(area, 0, 0, area.w, top), mono);
	draw_inputs(p, f, rect_part(area, 0, top, left, area.h - top));
	int wide = area.w - left - 2 > 120 ? 120 : area.w - left - 2;    /* longer bars tell no more */
	struct rect right = rect_part(area, left + 1, top, wide, area.h - top);
	if (p->job.is == JOB_SWEEP && right.h > 12 && p->mine.nparts) {
		int half = right.h / 2;
		draw_waterfall(p, f, rect_part(right, 0, 0, right.w, half));
		draw_sweep(p, f, rect_part(right, 0, half, right.w, right.h - half));
	} else if (p->job.is == JOB_SWEEP) {
		draw_sweep(p, f, right);
	} else if (p->mine.nparts) {
		draw_waterfall(p, f, right);
	} else {
		draw_hint(p, f, right);
	}
}
