/* theme: which colours and attributes the roles of frame.h get. YAML:
 *
 *   based-on: dark               (another theme; roles not named here are as there)
 *   roles:
 *     status.bad: bold ff5f5f/brightred
 *     row.cursor: on 303030/black
 *
 * A style is words in any order: attributes (bold dim italic underline reverse), a foreground colour, and a
 * background colour after `on`. A colour is rrggbb (or
 * "#rrggbb", which YAML wants quoted), 0..255 of the 256-colour palette, a name of the 16 (red, brightred),
 * or `default`; `/name` gives what 16-colour terminals get, else the nearest is taken. */
#ifndef TUI_THEME_H
#define TUI_THEME_H
#include "base/config.h"
#include "tui/frame.h"

enum colours { COLOURS_NONE, COLOURS_16, COLOURS_256, COLOURS_TRUE };
enum attr { ATTR_BOLD = 1, ATTR_DIM = 2, ATTR_ITALIC = 4, ATTR_UNDERLINE = 8, ATTR_REVERSE = 16 };

struct colour {
	enum { COLOUR_DEFAULT, COLOUR_INDEX, COLOUR_RGB } is;
	uint32_t value;          /* 0xrrggbb or 0..255 */
	int8_t ansi;             /* 0..15, or -1: the nearest */
};
struct style { struct colour fg, bg; uint8_t attrs; };
struct theme { char *name; struct style roles[ROLE_COUNT]; };

/* A theme by name: <dir>/NAME.yaml when dir is given and the file is there, else one of ours. NULL and *err. */
struct theme *theme_load(const char *name, const char *dir, struct config_error *err);
/* From text; `file` is for errors; `dir` (may be NULL) for based-on. */
struct theme *theme_parse(struct str yaml, const char *name, const char *file, const char *dir,
                          struct config_error *err);
void theme_free(struct theme *t);
extern const char *const theme_names[];  /* ours, NULL-terminated */
bool style_parse(struct str s, struct style *out, char *why, size_t size);

/* How a cell of that role on that background looks on a terminal with so many colours. fg and bg: -1 default, else an
 * index, or 0xrrggbb for COLOURS_TRUE. Where there are no colours a background becomes reverse. */
struct look { int32_t fg, bg; uint8_t attrs; };
struct look theme_look(const struct theme *t, enum role role, enum role back, enum colours n);
#endif
