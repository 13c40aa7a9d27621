/* keymap: which keys run which commands, per scope (tui/command.h). YAML:
 *
 *   based-on: default            (another keymap; bindings here win over its)
 *   table:
 *     j: down                    (key: command line)
 *     g g: first                 (a sequence)
 *     C-x: action drain
 *     x: none                    (not bound, whatever default says)
 *
 * In one file and scope the same key twice, or a key that another sequence starts with, is an error. */
#ifndef TUI_KEYMAP_H
#define TUI_KEYMAP_H
#include "base/config.h"
#include "tui/command.h"
#include "tui/key.h"

#define KEYS_MAX 4               /* of a sequence */
struct binding {
	const char *scope;
	struct key keys[KEYS_MAX]; unsigned nkeys;
	const char *line;            /* "down", "action restart", "goto cluster" */
	uint32_t hash;               /* of line: hints look for many lines with each frame */
	const char *file;            /* where from */
	unsigned line_no;
};
struct keymap { char *name; struct binding *bindings; unsigned n; struct keymap_private *priv; };

/* A keymap by name: <dir>/NAME.yaml when dir is given and the file is there, else one of ours. NULL and *err. */
struct keymap *keymap_load(const char *name, const char *dir, struct config_error *err);
struct keymap *keymap_parse(struct str yaml, const char *name, const char *file, const char *dir,
                            struct config_error *err);
void keymap_free(struct keymap *k);
extern const char *const keymap_names[];  /* ours, NULL-terminated */
/* Every scope must be one of these (app included) and every command one of theirs. */
bool keymap_check(const struct keymap *k, const struct command_scope *const *scopes, struct config_error *err);
/* Look keys up in the scopes, inner to outer (names, NULL-terminated). An inner scope's longer sequence makes an outer
 * scope's shorter one wait. */
enum key_found { KEY_UNBOUND, KEY_PREFIX, KEY_BOUND };
enum key_found keymap_find(const struct keymap *k, const char *const *scopes, const struct key *keys, unsigned nkeys,
                           const struct binding **out);
/* The first binding whose line is `line` in that scope, or NULL: for hints. */
const struct binding *keymap_key_of(const struct keymap *k, const char *scope, const char *line);
void binding_show(const struct binding *b, struct buf *out);     /* "g g", "C-f" */
#endif
