/* registry_trend: how a metric went from version to version. */
#include "base/fmt.h"
#include "panes/registry.h"
#include "tui/chart.h"
#include <math.h>
#include <stdio.h>

double label_value(struct str labels, struct str name)
{
	double v;
	while (labels.n) {
		struct str value = str_split(&labels, ','), key = str_split(&value, '=');
		if (str_eq(key, name))
			return str_to_f64(value, &v) ? v : NAN;
	}
	return NAN;
}

struct str label_next(struct str labels, struct str now)
{
	struct str first = { 0 };
	bool seen = false;
	while (labels.n) {
		struct str value = str_split(&labels, ','), key = str_split(&value, '=');
		if (seen)
			return key;
		if (!first.n)
			first = key;
		seen = str_eq(key, now);
	}
	return first;
}

/* Kept in order of their numbers; of more than fit the newest. */
static void add(struct trend *t, int version, double value)
{
	int at = t->n;
	if (t->n == TREND_MAX) {
		if (version < t->version[0])
			return;
		memmove(t->version, t->version + 1, sizeof(t->version) - sizeof(*t->version));
		memmove(t->value, t->value + 1, sizeof(t->value) - sizeof(*t->value));
		at = --t->n;
	}
	for (; at > 0 && t->version[at - 1] > version; at--) {
		t->version[at] = t->version[at - 1];
		t->value[at] = t->value[at - 1];
	}
	t->version[at] = version;
	t->value[at] = value;
	t->n++;
}

void trend_read(struct trend *t, const struct store *s, uint16_t source, struct str model, struct str metric)
{
	const struct table *tab = store_table_const(s, "versions"), *models = store_table_const(s, "models");
	const struct row *m = models ? table_find(models, source, model) : NULL;
	*t = (struct trend){ .champion = -1, .challenger = -1 };
	if (m && !row_null(m, MODELS_CHAMPION))
		t->champion = row_int(m, MODELS_CHAMPION);
	if (m && !row_null(m, MODELS_CHALLENGER))
		t->challenger = row_int(m, MODELS_CHALLENGER);
	for (uint32_t i = 0; tab && i < tab->nslots; i++) {
		const struct row *r = table_row(tab, i);
		if (!r || r->source != source || !str_eq(row_text(tab, r, VERSIONS_MODEL), model))
			continue;
		double v = label_value(row_text(tab, r, VERSIONS_METRICS), metric);
		if (isnan(v) && str_eq(row_text(tab, r, VERSIONS_METRIC), metric) && !row_null(r, VERSIONS_VALUE))
			v = row_real(r, VERSIONS_VALUE);
		add(t, (int)row_int(r, VERSIONS_VERSION), v);
	}
}

/* The names of versions below their points, as many as fit, the newest first. */
static void draw_names(const struct trend *t, struct frame *f, struct rect line)
{
	int first = t->version[0], span = t->version[t->n - 1] - first, right = line.w;
	for (int i = t->n - 1; i >= 0; i--) {
		bool role = t->version[i] == t->champion || t->version[i] == t->challenger;
		int x = (int)((double)(t->version[i] - first) / (span ? span : 1) * (line.w - 1));
		char name[32];
		int w = snprintf(name, sizeof(name), "v%d%s", t->version[i], t->version[i] == t->champion ? " P" : role ? " C" : "");
		x = i == t->n - 1 && x + w > right ? right - w : x;
		if (x < 0 || x + w > right)
			continue;
		frame_text(f, line, x, 0, -1, str_of(name), role ? ROLE_TITLE : ROLE_CHART_AXIS);
		right = x - 1;
	}
}

void trend_draw(const struct trend *t, struct str metric, struct frame *f, struct rect area)
{
	double x[TREND_MAX], lo = INFINITY, hi = -INFINITY;
	int known = 0;
	struct chart c = { .x = x, .y = t->value, .n = t->n, .limit = NAN, .lo = NAN, .hi = NAN };
	for (int i = 0; i < t->n; i++) {
		x[i] = t->version[i];
		if (!isnan(t->value[i])) {
			known++;
			lo = t->value[i] < lo ? t->value[i] : lo;
			hi = t->value[i] > hi ? t->value[i] : hi;
		}
	}
	if (known >= 2 && hi > lo) {             /* how it moves matters, not how far it is from zero */
		c.lo = lo - (hi - lo) * 0.1;
		c.hi = hi + (hi - lo) * 0.1;
	}
	frame_textf(f, area, 1, 0, area.w - 1, ROLE_DIM, STR_FMT " by version%s", STR_ARG(metric),
	            t->champion >= 0 ? "   P in production  C challenger" : "");
	if (known) {
		chart_draw(&c, f, rect_part(area, 0, 1, area.w, area.h - 1));
		if (area.h > 4)                  /* the chart has an axis then, 8 cells from the left */
			draw_names(t, f, rect_part(area, 8, area.h - 1, area.w - 8, 1));
	} else {
		frame_text(f, area, 3, 1, -1, STR("no version says"), ROLE_DIM);
	}
}

void trend_line(const struct trend *t, struct str metric, struct frame *f, struct rect line)
{
	double lo = INFINITY, hi = -INFINITY;
	int x = frame_textf(f, line, 1, 0, -1, ROLE_DIM, STR_FMT " by version  ", STR_ARG(metric)) + 1;
	int fit = (line.w - x) / 8, from = t->n > fit ? t->n - fit : 0;
	for (int i = from; i < t->n; i++) {
		lo = t->value[i] < lo ? t->value[i] : lo;
		hi = t->value[i] > hi ? t->value[i] : hi;
	}
	for (int i = from; i < t->n; i++) {
		struct buf b = { 0 };
		double part = isnan(t->value[i]) ? NAN : hi > lo ? 0.12 + 0.88 * (t->value[i] - lo) / (hi - lo) : 0.5;
		x += frame_textf(f, line, x, 0, -1, t->version[i] == t->champion ? ROLE_TITLE : ROLE_DIM, "v%d ", t->version[i]);
		double two[2] = { 1, part };             /* a spark of its own, scaled from 0 to 1 */
		spark(two, 2, 2, f->ascii, &b);
		struct str last = buf_str(&b);
		size_t first = f->ascii ? 1 : 3;         /* bytes of the block that only gives the scale */
		last = last.n > first ? (struct str){ last.p + first, last.n - first } : STR("-");
		x += frame_text(f, line, x, 0, -1, last, ROLE_CHART) + 1;
		buf_release(&b);
	}
}
