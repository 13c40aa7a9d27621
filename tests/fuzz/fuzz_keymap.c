/* Any bytes as a keymap, as a theme, and as what a terminal sends. */
#include "tui/keymap.h"
#include "tui/theme.h"
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_error(struct config_error *err)
{
	if (!err->file || !memchr(err->what, 0, sizeof(err->what)))
		abort();
	free(err->file);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str s = { (const char *)data + 1, size - 1 };
	struct config_error err = { 0 };
	struct keyin in = { 0 };
	struct key k;

	if (!size)
		return 0;
	if (data[0] % 3 == 0) {
		struct keymap *map = keymap_parse(s, "fuzz", "fuzz.yaml", NULL, &err);
		struct buf shown = { 0 };

		if (!map)
			check_error(&err);
		for (unsigned i = 0; map && i < map->n; i++)
			binding_show(&map->bindings[i], &shown);
		buf_release(&shown);
		keymap_free(map);
	} else if (data[0] % 3 == 1) {
		struct theme *t = theme_parse(s, "fuzz", "fuzz.yaml", NULL, &err);

		if (!t)
			check_error(&err);
		for (int r = 0; t && r < ROLE_COUNT; r++)
			for (int n = COLOURS_NONE; n <= COLOURS_TRUE; n++) {
				struct look l = theme_look(t, (enum role)r, ROLE_CURSOR, (enum colours)n);

				if (l.fg < -1 || l.fg > 0xffffff || (n == COLOURS_16 && l.fg > 15) || (n == COLOURS_256 && l.fg > 255))
					abort();
			}
		theme_free(t);
	} else {
		keyin_add(&in, "\033[[A", (struct key){ .name = K_F1 });
		for (size_t i = 0; i < s.n; i += 7) {
			keyin_feed(&in, (struct str){ s.p + i, s.n - i < 7 ? s.n - i : 7 });
			while (keyin_next(&in, i % 2, &k))
				if (!k.name || (k.name == K_CHAR && (k.ch < 0x20 || k.ch > 0x10ffff)))
					abort();
		}
		while (keyin_next(&in, true, &k))
			;
		keyin_release(&in);
	}
	return 0;
}
