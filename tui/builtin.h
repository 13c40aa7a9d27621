/* builtin: the files of themes/ and keymaps/, as they are in the source tree, within the program. */
#ifndef TUI_BUILTIN_H
#define TUI_BUILTIN_H
#include "base/config.h"

struct builtin { const char *name; const char *start, *end; };
extern const struct builtin builtin_themes[];    /* end with name NULL */
extern const struct builtin builtin_keymaps[];

/* Finds NAME.yaml in dir (may be NULL), else among ours: its text in *out (release it) and where it came from in *file
 * (free it). False and *err (what: `what`, "theme") when there is none by that name or it cannot be read. */
bool builtin_find(const struct builtin *ours, const char *what, const char *name, const char *dir, struct buf *out,
                  char **file, struct config_error *err);
/* Fills err; file is copied. Returns false. */
bool config_fail(struct config_error *err, const char *file, unsigned line, unsigned column, const char *fmt, ...)
	__attribute__((format(printf, 5, 6)));
#endif
