/* keymap: bindings in a flat list; a few hundred, looked through at each key, which takes microseconds. A file is
 * laid over the one that it is based on: what it binds replaces there the same keys and whatever they would hide. */
#include "tui/keymap.h"
#include "base/mem.h"
#include "tui/builtin.h"
#include <stdio.h>
#include <stdlib.h>

#define DEPTH_MAX 4              /* of based-on */
#define BINDINGS_MAX 4000

const char *const keymap_names[] = { "default", "vi", "emacs", NULL };

struct keymap_private { char **owned; size_t n; };

static const char *own(struct keymap *k, char *s)
{
	k->priv->owned = xreallocarray(k->priv->owned, k->priv->n + 1, sizeof(char *));
	k->priv->owned[k->priv->n++] = s;
	return s;
}

static struct keymap *keymap_empty(void)
{
	struct keymap *k = xcalloc(1, sizeof(*k));

	k->priv = xcalloc(1, sizeof(*k->priv));
	return k;
}

void keymap_free(struct keymap *k)
{
	if (!k)
		return;
	for (size_t i = 0; i < k->priv->n; i++)
		free(k->priv->owned[i]);
	free(k->priv->owned);
	free(k->priv);
	free(k->bindings);
	free(k->name);
	free(k);
}

void binding_show(const struct binding *b, struct buf *out)
{
	for (unsigned i = 0; i < b->nkeys; i++) {
		if (i)
			buf_addc(out, ' ');
		key_show(b->keys[i], out);
	}
}

/* How many of the first keys are the same. */
static unsigned common(const struct binding *b, const struct key *keys, unsigned n)
{
	unsigned i = 0;

	while (i < b->nkeys && i < n && key_same(b->keys[i], keys[i]))
		i++;
	return i;
}

static bool hides(const struct binding *a, const struct binding *b)
{
	unsigned n = a->nkeys < b->nkeys ? a->nkeys : b->nkeys;

	return strcmp(a->scope, b->scope) == 0 && common(a, b->keys, n) == n;
}

static bool parse_keys(const struct yaml *y, struct binding *b, const char *file, struct config_error *err)
{
	struct str rest = y->text, word;

	b->nkeys = 0;
	while (rest.n) {
		word = str_trim(str_split(&rest, ' '));
		if (!word.n)
			continue;
		if (b->nkeys == KEYS_MAX)
			return config_fail(err, file, y->line, y->column, "'%.60s' is longer than %d keys", y->text.p, KEYS_MAX);
		if (!key_parse(word, &b->keys[b->nkeys])) {
			const char *near = NULL;
			size_t n = 0;

			if (word.n > 2 && word.p[0] == '<')
				word = (struct str){ word.p + 1, word.n - 2 };
			while (key_words[n])
				n++;
			near = str_nearest(word, key_words, n);
			return config_fail(err, file, y->line, y->column, "'%.*s' is no key%s%s%s; keys are written j, C-f, M-x, F1, "
			                   "Up, PgDn, Space", (int)(word.n < 40 ? word.n : 40), word.p,
			                   near ? "; did you mean '" : "", near ? near : "", near ? "'?" : "");
		}
		b->nkeys++;
	}
	return b->nkeys || config_fail(err, file, y->line, y->column, "a key is missing");
}

/* Lays b over what is there. base: how many bindings come from the keymap this one is based on. */
static bool add(struct keymap *k, struct binding b, unsigned *base, struct config_error *err)
{
	bool none = strcmp(b.line, "none") == 0;

	for (unsigned i = 0; i < *base; i++)
		if (hides(&k->bindings[i], &b) && (!none || k->bindings[i].nkeys == b.nkeys)) {
			memmove(&k->bindings[i], &k->bindings[i + 1], (k->n - i - 1) * sizeof(b));
			k->n--, i--, --*base;
		}
	for (unsigned i = *base; i < k->n; i++) {
		const struct binding *o = &k->bindings[i];
		struct buf was = { 0 }, is = { 0 };

		if (!hides(o, &b))
			continue;
		binding_show(o, &was);
		binding_show(&b, &is);
		if (o->nkeys == b.nkeys)
			config_fail(err, b.file, b.line_no, 1, "'%s' in '%s' is bound to '%.60s' here and to '%.60s' in line %u",
			            is.data, b.scope, b.line, o->line, o->line_no);
		else
			config_fail(err, b.file, b.line_no, 1, "in '%s' the key '%s' (line %u) hides the sequence '%s' (line %u)", b.scope,
			            o->nkeys < b.nkeys ? was.data : is.data, o->nkeys < b.nkeys ? o->line_no : b.line_no,
			            o->nkeys < b.nkeys ? is.data : was.data, o->nkeys < b.nkeys ? b.line_no : o->line_no);
		buf_release(&was);
		buf_release(&is);
		return false;
	}
	if (k->n >= BINDINGS_MAX)
		return config_fail(err, b.file, b.line_no, 1, "more than %d bindings", BINDINGS_MAX);
	k->bindings = xreallocarray(k->bindings, k->n + 1, sizeof(b));
	k->bindings[k->n++] = b;
	return true;
}

static void drop_none(struct keymap *k)
{
	unsigned n = 0;

	for (unsigned i = 0; i < k->n; i++)
		if (strcmp(k->bindings[i].line, "none") != 0)
			k->bindings[n++] = k->bindings[i];
	k->n = n;
}

static bool read_scope(struct keymap *k, const char *scope, const struct yaml *map, const char *file, unsigned *base,
                       struct config_error *err)
{
	if (map->type == YAML_NULL)
		return true;
	if (map->type != YAML_MAP)
		return config_fail(err, file, map->line, map->column, "'%s' must be a map of key to command", scope);
	for (unsigned i = 0; i < map->n; i++) {
		struct binding b = { .scope = scope, .file = file, .line_no = map->keys[i]->line };
		struct str line = str_trim(map->items[i]->text);

		if (map->keys[i]->type != YAML_SCALAR || !parse_keys(map->keys[i], &b, file, err))
			return map->keys[i]->type == YAML_SCALAR ? false :
			       config_fail(err, file, map->keys[i]->line, map->keys[i]->column, "a key is missing");
		if (map->items[i]->type != YAML_SCALAR || !line.n)
			return config_fail(err, file, map->keys[i]->line, map->keys[i]->column, "a command is missing for '%.40s'; "
			                   "'none' leaves it unbound", map->keys[i]->text.p);
		b.line = own(k, str_dup(line));
		b.hash = str_hash(line);
		if (!add(k, b, base, err))
			return false;
	}
	return true;
}

static struct keymap *parse_at(struct str text, const char *name, const char *file, const char *dir,
                               struct config_error *err, int depth);

static struct keymap *load_at(const char *name, const char *dir, struct config_error *err, int depth)
{
	struct buf text = { 0 };
	struct keymap *k = NULL;
	char *file;

	if (builtin_find(builtin_keymaps, "keymap", name, dir, &text, &file, err))
		k = parse_at(buf_str(&text), name, file, dir, err, depth);
	free(file);
	buf_release(&text);
	return k;
}

static bool read_keymap(struct keymap *k, const struct yaml *root, const char *file, struct config_error *err)
{
	unsigned base = k->n;

	if (root->type == YAML_NULL)
		return true;
	if (root->type != YAML_MAP)
		return config_fail(err, file, root->line, root->column, "a keymap is a map of scopes");
	file = own(k, xstrdup(file));
	for (unsigned i = 0; i < root->n; i++) {
		struct str name = root->keys[i]->text;

		if (str_is(name, "based-on") || str_is(name, "description"))
			continue;
		if (!read_scope(k, own(k, str_dup(name)), root->items[i], file, &base, err))
			return false;
	}
	drop_none(k);
	return true;
}

static struct keymap *parse_at(struct str text, const char *name, const char *file, const char *dir,
                               struct config_error *err, int depth)
{
	struct yaml_error ye = { 0 };
	struct yaml_doc *doc = yaml_parse(text, &ye);
	const struct yaml *base;
	struct keymap *k = NULL;

	if (!doc) {
		config_fail(err, file, ye.line, ye.column, "%s", ye.what);
		return NULL;
	}
	base = yaml_get(yaml_root(doc), "based-on");
	if (base && base->type != YAML_SCALAR)
		config_fail(err, file, base->line, base->column, "'based-on' must be the name of a keymap, or none");
	else if (base && str_is(base->text, "none"))
		k = keymap_empty();
	else if (depth >= DEPTH_MAX)
		config_fail(err, file, base ? base->line : 0, base ? base->column : 0, "based-on goes more than %d keymaps deep",
		            DEPTH_MAX);
	else if (base)                                   /* a user's vi.yaml may be based on our vi */
		k = load_at(base->text.p, str_is(base->text, name) ? NULL : dir, err, depth + 1);
	else
		k = load_at("default", NULL, err, depth + 1);
	if (k) {
		free(k->name);
		k->name = xstrdup(name);
		if (!read_keymap(k, yaml_root(doc), file, err)) {
			keymap_free(k);
			k = NULL;
		}
	}
	yaml_doc_free(doc);
	return k;
}

struct keymap *keymap_parse(struct str yaml, const char *name, const char *file, const char *dir,
                            struct config_error *err)
{
	return parse_at(yaml, name, file, dir, err, 0);
}

struct keymap *keymap_load(const char *name, const char *dir, struct config_error *err)
{
	return load_at(name, dir, err, 0);
}

/* ---- using it */

bool keymap_check(const struct keymap *k, const struct command_scope *const *scopes, struct config_error *err)
{
	const char *names[512], *near;

	for (unsigned i = 0; i < k->n; i++) {
		const struct binding *b = &k->bindings[i];
		struct str rest = str_of(b->line), word = str_split(&rest, ' ');
		bool scope = false, command = false;
		size_t n = 0;

		for (unsigned s = 0; scopes[s]; s++) {
			scope |= strcmp(scopes[s]->name, b->scope) == 0;
			command |= command_find(scopes[s], word) != NULL;
		}
		if (scope && command)
			continue;
		for (unsigned s = 0; scopes[s]; s++) {
			if (!scope && n < ARRAY_SIZE(names))
				names[n++] = scopes[s]->name;
			for (const struct command *c = scopes[s]->commands; scope && c->name && n < ARRAY_SIZE(names); c++)
				names[n++] = c->name;
		}
		near = str_nearest(scope ? word : str_of(b->scope), names, n);
		return config_fail(err, b->file, b->line_no, 1, "no %s '%.*s'%s%s%s", scope ? "command" : "scope",
		                   scope ? (int)word.n : 60, scope ? word.p : b->scope, near ? "; did you mean '" : "",
		                   near ? near : "", near ? "'?" : "; see binnacle-keymaps(5)");
	}
	return true;
}

enum key_found keymap_find(const struct keymap *k, const char *const *scopes, const struct key *keys, unsigned nkeys,
                           const struct binding **out)
{
	for (; *scopes; scopes++) {
		bool longer = false;

		for (unsigned i = 0; i < k->n; i++) {
			const struct binding *b = &k->bindings[i];

			if (strcmp(b->scope, *scopes) != 0 || common(b, keys, nkeys) < nkeys)
				continue;
			if (b->nkeys == nkeys) {
				*out = b;
				return KEY_BOUND;
			}
			longer = true;
		}
		if (longer)
			return KEY_PREFIX;
	}
	return KEY_UNBOUND;
}

const struct binding *keymap_key_of(const struct keymap *k, const char *scope, const char *line)
{
	uint32_t hash = str_hash(str_of(line));

	for (unsigned i = 0; i < k->n; i++)
		if (k->bindings[i].hash == hash && strcmp(k->bindings[i].scope, scope) == 0 && strcmp(k->bindings[i].line, line) == 0)
			return &k->bindings[i];
	return NULL;
}
