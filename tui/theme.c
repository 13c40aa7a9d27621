/* theme: reading themes, and bringing their colours down to what a terminal has. */
#include "tui/theme.h"
#include "base/mem.h"
#include "tui/builtin.h"
#include <stdio.h>
#include <stdlib.h>

#define DEPTH_MAX 4              /* of based-on */

const char *const theme_names[] = { "dark", "light", "high-contrast", "colour-blind", "mono", "16", NULL };

static const char *const colour_names[16] = {
	"black", "red", "green", "yellow", "blue", "magenta", "cyan", "white", "brightblack", "brightred",
	"brightgreen", "brightyellow", "brightblue", "brightmagenta", "brightcyan", "brightwhite"
};
static const struct { const char *name; uint8_t attr; } attr_names[] = {
	{ "bold", ATTR_BOLD }, { "dim", ATTR_DIM }, { "italic", ATTR_ITALIC }, { "underline", ATTR_UNDERLINE },
	{ "reverse", ATTR_REVERSE },
};

/* ---- colours */

static uint32_t rgb_of_index(uint32_t i)          /* as xterm has them */
{
	static const uint32_t first[16] = { 0x000000, 0xcd0000, 0x00cd00, 0xcdcd00, 0x0000ee, 0xcd00cd, 0x00cdcd,
		0xe5e5e5, 0x7f7f7f, 0xff0000, 0x00ff00, 0xffff00, 0x5c5cff, 0xff00ff, 0x00ffff, 0xffffff };
	static const uint32_t step[6] = { 0, 95, 135, 175, 215, 255 };

	if (i < 16)
		return first[i];
	if (i < 232)
		return step[(i - 16) / 36] << 16 | step[(i - 16) / 6 % 6] << 8 | step[(i - 16) % 6];
	return (8 + (i - 232) * 10) * 0x010101;
}

static int distance(uint32_t a, uint32_t b)
{
	int r = (int)(a >> 16 & 255) - (int)(b >> 16 & 255), g = (int)(a >> 8 & 255) - (int)(b >> 8 & 255);
	int l = (int)(a & 255) - (int)(b & 255);

	return 2 * r * r + 4 * g * g + 3 * l * l;     /* the eye sees green best */
}

static int32_t nearest(uint32_t rgb, uint32_t from, uint32_t to)
{
	uint32_t best = from;

	for (uint32_t i = from; i < to; i++)
		if (distance(rgb, rgb_of_index(i)) < distance(rgb, rgb_of_index(best)))
			best = i;
	return (int32_t)best;
}

static int32_t colour_for(struct colour c, enum colours n)
{
	uint32_t rgb = c.is == COLOUR_RGB ? c.value : rgb_of_index(c.value);

	if (c.is == COLOUR_DEFAULT || n == COLOURS_NONE)
		return -1;
	if (n == COLOURS_16)
		return c.ansi >= 0 ? c.ansi : c.is == COLOUR_INDEX && c.value < 16 ? (int32_t)c.value : nearest(rgb, 0, 16);
	if (c.is == COLOUR_INDEX && c.value < 16)
		return (int32_t)c.value;                  /* the user's own palette */
	if (n == COLOURS_256)
		return c.is == COLOUR_INDEX ? (int32_t)c.value : nearest(rgb, 16, 256);
	return rgb < 16 ? 16 : (int32_t)rgb;              /* below 16 stand the palette's own */
}

struct look theme_look(const struct theme *t, enum role role, enum role back, enum colours n)
{
	const struct style *s = &t->roles[role], *b = &t->roles[back];
	struct style both = *s;
	struct look l;

	if (back != ROLE_TEXT) {
		both.attrs |= b->attrs;
		if (both.fg.is == COLOUR_DEFAULT)
			both.fg = b->fg;
		if (b->bg.is != COLOUR_DEFAULT)
			both.bg = b->bg;
	}
	l = (struct look){ colour_for(both.fg, n), colour_for(both.bg, n), both.attrs };
	if (n == COLOURS_NONE && both.bg.is != COLOUR_DEFAULT)
		l.attrs |= ATTR_REVERSE;
	if (l.attrs & ATTR_REVERSE)
		l.attrs &= (uint8_t)~ATTR_DIM;            /* dim and reversed cannot be read on many terminals */
	return l;
}

/* ---- parsing */

static bool parse_named(struct str s, int *index)
{
	int64_t n;

	for (int i = 0; i < 16; i++)
		if (str_is(s, colour_names[i])) {
			*index = i;
			return true;
		}
	if (!str_to_i64(s, &n) || n < 0 || n > 255)
		return false;
	*index = (int)n;
	return true;
}

static bool parse_hex(struct str s, uint32_t *out)
{
	*out = 0;
	for (size_t k = 0; k < s.n; k++) {
		char d = s.p[k];
		int v = d >= '0' && d <= '9' ? d - '0' : d >= 'a' && d <= 'f' ? d - 'a' + 10 :
		        d >= 'A' && d <= 'F' ? d - 'A' + 10 : -1;

		if (v < 0)
			return false;
		*out = *out << 4 | (uint32_t)v;
	}
	return true;
}

static bool parse_colour(struct str s, struct colour *c)
{
	struct str ansi = s, first = str_split(&ansi, '/');
	int i;

	*c = (struct colour){ .ansi = -1 };
	if (ansi.p) {
		if (!parse_named(ansi, &i) || i > 15)
			return false;
		c->ansi = (int8_t)i;
	}
	if (str_is(first, "default"))
		return !ansi.p;
	if (first.n == 7 && first.p[0] == '#')
		first.p++, first.n--;
	if (first.n == 6 && parse_hex(first, &c->value)) {
		c->is = COLOUR_RGB;
		return true;
	}
	if (!parse_named(first, &i))
		return false;
	c->is = COLOUR_INDEX, c->value = (uint32_t)i;
	return true;
}

static uint8_t parse_attr(struct str s)
{
	for (size_t i = 0; i < ARRAY_SIZE(attr_names); i++)
		if (str_is(s, attr_names[i].name))
			return attr_names[i].attr;
	return 0;
}

bool style_parse(struct str s, struct style *out, char *why, size_t size)
{
	struct style st = { .fg.ansi = -1, .bg.ansi = -1 };
	bool fg = false, on = false, bg = false;
	struct str rest = s, word;
	uint8_t a;

	while (rest.n) {
		word = str_trim(str_split(&rest, ' '));
		if (!word.n)
			continue;
		if (!on && (a = parse_attr(word)) != 0) {
			st.attrs |= a;
		} else if (!on && str_is(word, "on")) {
			on = true;
		} else if (on ? bg : fg) {
			snprintf(why, size, "'%.*s' is one colour too many; a style is attributes, a colour, and 'on' a colour",
			         (int)(word.n < 40 ? word.n : 40), word.p);
			return false;
		} else if (!parse_colour(word, on ? &st.bg : &st.fg)) {
			const char *names[22];
			const char *near;
			size_t n = 0;

			for (; n < 16; n++)
				names[n] = colour_names[n];
			for (size_t i = 0; i < ARRAY_SIZE(attr_names); i++)
				names[n++] = attr_names[i].name;
			names[n++] = "default";
			near = str_nearest(word, names, n);
			snprintf(why, size, "'%.*s' is no colour or attribute%s%s%s; allowed are rrggbb, 0..255, red .. brightwhite, "
			         "default, bold, dim, italic, underline, reverse", (int)(word.n < 40 ? word.n : 40), word.p,
			         near ? "; did you mean '" : "", near ? near : "", near ? "'?" : "");
			return false;
		} else {
			*(on ? &bg : &fg) = true;
			on = false;
		}
	}
	if (on) {
		snprintf(why, size, "a background colour is missing after 'on'");
		return false;
	}
	*out = st;
	return true;
}

static struct theme *parse_at(struct str text, const char *name, const char *file, const char *dir,
                              struct config_error *err, int depth);

static struct theme *load_at(const char *name, const char *dir, struct config_error *err, int depth)
{
	struct buf text = { 0 };
	struct theme *t = NULL;
	char *file;

	if (builtin_find(builtin_themes, "theme", name, dir, &text, &file, err))
		t = parse_at(buf_str(&text), name, file, dir, err, depth);
	free(file);
	buf_release(&text);
	return t;
}

static bool read_role(struct theme *t, const struct yaml *key, const struct yaml *value, const char *file,
                      struct config_error *err)
{
	char why[240];
	const char *near;

	for (int r = 0; r < ROLE_COUNT; r++) {
		if (!str_is(key->text, role_names[r]))
			continue;
		if (value->type != YAML_SCALAR && value->type != YAML_NULL)
			return config_fail(err, file, value->line, value->column, "'%s' must be a style, as in 'bold ff5f5f'",
			                   role_names[r]);
		if (!style_parse(value->text, &t->roles[r], why, sizeof(why)))
			return config_fail(err, file, value->line, value->column, "%s", why);
		return true;
	}
	near = str_nearest(key->text, role_names, ROLE_COUNT);
	return config_fail(err, file, key->line, key->column, "no role '%.60s'%s%s%s", key->text.p,
	                   near ? "; did you mean '" : "; see binnacle-themes(5)", near ? near : "", near ? "'?" : "");
}

static bool read_theme(struct theme *t, const struct yaml *root, const char *file, struct config_error *err)
{
	static const char *const allowed[] = { "based-on", "description", "roles" };

	if (root->type == YAML_NULL)
		return true;
	if (root->type != YAML_MAP)
		return config_fail(err, file, root->line, root->column, "a theme is a map with 'roles'");
	for (unsigned i = 0; i < root->n; i++) {
		const struct yaml *key = root->keys[i], *value = root->items[i];

		if (str_is(key->text, "based-on") || str_is(key->text, "description"))
			continue;
		if (!str_is(key->text, "roles")) {
			const char *near = str_nearest(key->text, allowed, 3);

			return config_fail(err, file, key->line, key->column, "no setting '%.60s' in a theme%s%s%s; allowed are "
			                   "based-on, description, roles", key->text.p, near ? "; did you mean '" : "",
			                   near ? near : "", near ? "'?" : "");
		}
		if (value->type != YAML_MAP && value->type != YAML_NULL)
			return config_fail(err, file, value->line, value->column, "'roles' must be a map of role to style");
		for (unsigned k = 0; k < value->n; k++)
			if (!read_role(t, value->keys[k], value->items[k], file, err))
				return false;
	}
	return true;
}

static struct theme *parse_at(struct str text, const char *name, const char *file, const char *dir,
                              struct config_error *err, int depth)
{
	struct yaml_error ye = { 0 };
	struct yaml_doc *doc = yaml_parse(text, &ye);
	const struct yaml *base;
	struct theme *t = NULL;

	if (!doc) {
		config_fail(err, file, ye.line, ye.column, "%s", ye.what);
		return NULL;
	}
	base = yaml_get(yaml_root(doc), "based-on");
	if (base && depth >= DEPTH_MAX)
		config_fail(err, file, base->line, base->column, "based-on goes more than %d themes deep", DEPTH_MAX);
	else if (base && base->type != YAML_SCALAR)
		config_fail(err, file, base->line, base->column, "'based-on' must be the name of a theme");
	else if (base && strcmp(base->text.p, name) == 0)    /* a user's dark.yaml based on ours */
		t = load_at(base->text.p, NULL, err, depth + 1);
	else if (base)
		t = load_at(base->text.p, dir, err, depth + 1);
	else {
		t = xcalloc(1, sizeof(*t));
		for (int r = 0; r < ROLE_COUNT; r++)
			t->roles[r].fg.ansi = t->roles[r].bg.ansi = -1;
	}
	if (t) {
		free(t->name);
		t->name = xstrdup(name);
		if (!read_theme(t, yaml_root(doc), file, err)) {
			theme_free(t);
			t = NULL;
		}
	}
	yaml_doc_free(doc);
	return t;
}

struct theme *theme_parse(struct str yaml, const char *name, const char *file, const char *dir, struct config_error *err)
{
	return parse_at(yaml, name, file, dir, err, 0);
}

struct theme *theme_load(const char *name, const char *dir, struct config_error *err)
{
	return load_at(name, dir, err, 0);
}

void theme_free(struct theme *t)
{
	if (!t)
		return;
	free(t->name);
	free(t);
}
