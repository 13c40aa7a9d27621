/* builtin: the assembler puts the YAML files into the program; the Makefile makes this file depend on them. */
#include "tui/builtin.h"
#include "base/mem.h"
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#define FILE_IN(sym, path) \
	__asm__(".section .rodata\n.globl " #sym "\n.globl " #sym "_end\n" #sym ":\n.incbin \"" path "\"\n" \
	        #sym "_end:\n.byte 0\n.previous\n"); \
	extern const char sym[], sym##_end[]

FILE_IN(theme_dark, "themes/dark.yaml");
FILE_IN(theme_light, "themes/light.yaml");
FILE_IN(theme_high_contrast, "themes/high-contrast.yaml");
FILE_IN(theme_colour_blind, "themes/colour-blind.yaml");
FILE_IN(theme_mono, "themes/mono.yaml");
FILE_IN(theme_16, "themes/16.yaml");
FILE_IN(keymap_default, "keymaps/default.yaml");
FILE_IN(keymap_vi, "keymaps/vi.yaml");
FILE_IN(keymap_emacs, "keymaps/emacs.yaml");

const struct builtin builtin_themes[] = {
	{ "dark", theme_dark, theme_dark_end },
	{ "light", theme_light, theme_light_end },
	{ "high-contrast", theme_high_contrast, theme_high_contrast_end },
	{ "colour-blind", theme_colour_blind, theme_colour_blind_end },
	{ "mono", theme_mono, theme_mono_end },
	{ "16", theme_16, theme_16_end },
	{ NULL, NULL, NULL }
};
const struct builtin builtin_keymaps[] = {
	{ "default", keymap_default, keymap_default_end },
	{ "vi", keymap_vi, keymap_vi_end },
	{ "emacs", keymap_emacs, keymap_emacs_end },
	{ NULL, NULL, NULL }
};

bool config_fail(struct config_error *err, const char *file, unsigned line, unsigned column, const char *fmt, ...)
{
	va_list ap;

	*err = (struct config_error){ .file = xstrdup(file), .line = line, .column = column };
	va_start(ap, fmt);
	vsnprintf(err->what, sizeof(err->what), fmt, ap);
	va_end(ap);
	return false;
}

/* The file of that name in dir. 1: read; 0: not there; -1: err. */
static int read_user_file(const char *path, struct buf *out, struct config_error *err)
{
	FILE *f = fopen(path, "re");
	char part[4096];
	size_t n;

	if (!f && (errno == ENOENT || errno == ENOTDIR))
		return 0;
	if (!f) {
		config_fail(err, path, 0, 0, "cannot read it: %s", strerror(errno));
		return -1;
	}
	while ((n = fread(part, 1, sizeof(part), f)) > 0 && out->len < 1 << 20)
		buf_add(out, part, n);
	if (ferror(f) || out->len >= 1 << 20) {
		config_fail(err, path, 0, 0, "cannot read it: %s", ferror(f) ? strerror(errno) : "larger than 1 MiB");
		fclose(f);
		return -1;
	}
	fclose(f);
	return 1;
}

bool builtin_find(const struct builtin *ours, const char *what, const char *name, const char *dir, struct buf *out,
                  char **file, struct config_error *err)
{
	const char *names[16], *near;
	struct buf all = { 0 };
	size_t n = 0;
	int r = 0;

	*file = NULL;
	if (dir && *name && !strchr(name, '/')) {
		*file = xasprintf("%s/%s.yaml", dir, name);
		r = read_user_file(*file, out, err);
		if (r > 0)
			return true;
		free(*file);
		*file = NULL;
	}
	for (; r == 0 && ours[n].name; n++) {
		if (strcmp(ours[n].name, name) == 0) {
			buf_add(out, ours[n].start, (size_t)(ours[n].end - ours[n].start));
			*file = xasprintf("%s (built in)", name);
			buf_release(&all);
			return true;
		}
		names[n] = ours[n].name;
		buf_addf(&all, "%s%s", n ? ", " : "", ours[n].name);
	}
	if (r == 0) {
		near = str_nearest(str_of(name), names, n);
		config_fail(err, dir ? dir : "", 0, 0, "no %s '%.40s'%s%s%s; there are %s%s", what, name,
		            near ? "; did you mean '" : "", near ? near : "", near ? "'?" : "", all.data,
		            dir ? ", and files NAME.yaml in this directory" : "");
	}
	buf_release(&all);
	return false;
}
