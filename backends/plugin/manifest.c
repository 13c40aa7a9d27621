/* manifest: what a plugin says of itself before it runs; see binnacle-plugins(7). */
#define _GNU_SOURCE
#include "backends/plugin/plugin.h"
#include "base/kinds.h"
#include "base/mem.h"
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>

static const char *const types[] = { [COL_TEXT] = "text", [COL_STATUS] = "status", [COL_LABELS] = "labels", [COL_REF] = "ref",
	[COL_COUNT] = "count", [COL_BOOL] = "bool", [COL_BYTES] = "bytes", [COL_MILLI] = "milli", [COL_PAIR] = "pair", [COL_TIME] = "time",
	[COL_DURATION] = "duration", [COL_REAL] = "real", [COL_RATIO] = "ratio", [COL_MONEY] = "money", [COL_SERIES] = "series" };
#define TYPES "text|status|labels|ref|count|bool|bytes|milli|pair|time|duration|real|ratio|money|series"
#define RISKS "harmless|disruptive|destructive|irreversible"
static const char *const fields[] = { [FIELD_TEXT] = "text", [FIELD_COUNT] = "count", [FIELD_BOOL] = "bool", [FIELD_CHOICE] = "choice",
	[FIELD_DURATION] = "duration", [FIELD_REAL] = "real" };

static const struct config_key column_keys[] = {
	{ .name = "type", .type = CONFIG_ENUM, .otherwise = "text", .choices = TYPES, .help = "What its cells are: how they are sorted, shown and "
	  "exported. milli: thousandths, as of a processor; pair: 1/2; ref: the key of a row of another kind." },
	{ .name = "title", .type = CONFIG_TEXT, .help = "Its heading; otherwise its name in capitals." },
	{ .name = "ref", .type = CONFIG_TEXT, .help = "Of the type ref: which kind." },
	{ .name = "unit", .type = CONFIG_TEXT, .help = "Shown in the heading." },
	{ .name = "priority", .type = CONFIG_COUNT, .otherwise = "0", .help = "On a narrow screen columns of the highest number go first; 0 stays." },
	{ .name = "width", .type = CONFIG_COUNT, .otherwise = "0", .help = "Usual width in cells; 0: by its contents." },
	{ .name = "shared", .type = CONFIG_BOOL, .otherwise = "false", .help = "Few different texts in many rows, each kept once." },
	{ .name = "wide", .type = CONFIG_BOOL, .otherwise = "false", .help = "Shown where there is room." },
	{ .name = "hidden", .type = CONFIG_BOOL, .otherwise = "false", .help = "Only where asked for by name, and exported." },
	CONFIG_END
};
static const struct config_key kind_keys[] = {
	{ .name = "columns", .type = CONFIG_SECTIONS, .section = column_keys, .required = true, .help = "Its columns in their order." },
	{ .name = "singular", .type = CONFIG_TEXT, .help = "The name of one of them." },
	{ .name = "aliases", .type = CONFIG_LIST, .help = "Other names for it." },
	{ .name = "help", .type = CONFIG_TEXT, .help = "What they are, in a line." },
	{ .name = "namespaced", .type = CONFIG_BOOL, .otherwise = "false", .help = "The first column is the namespace, and keys are NAMESPACE/NAME." },
	CONFIG_END
};
static const struct config_key field_keys[] = {
	{ .name = "type", .type = CONFIG_ENUM, .otherwise = "text", .choices = "text|count|bool|choice|duration|real", .help = "What it takes." },
	{ .name = "title", .type = CONFIG_TEXT, .help = "In the form; otherwise its name." },
	{ .name = "help", .type = CONFIG_TEXT, .help = "What it is for." },
	{ .name = "default", .type = CONFIG_TEXT, .help = "What it begins with; @COLUMN: what the row has there." },
	{ .name = "choices", .type = CONFIG_LIST, .help = "Of the type choice: which." },
	{ .name = "min", .type = CONFIG_COUNT, .help = "Of the type count: the least." },
	{ .name = "max", .type = CONFIG_COUNT, .help = "Of the type count: the most." },
	{ .name = "required", .type = CONFIG_BOOL, .otherwise = "false", .help = "It must be given." },
	CONFIG_END
};
static const struct config_key action_keys[] = {
	{ .name = "kinds", .type = CONFIG_LIST, .required = true, .help = "On rows of which kinds it is offered." },
	{ .name = "title", .type = CONFIG_TEXT, .help = "In menus; otherwise its name." },
	{ .name = "help", .type = CONFIG_TEXT, .required = true, .help = "What it does, in a line." },
	{ .name = "risk", .type = CONFIG_ENUM, .otherwise = "disruptive", .choices = RISKS, .help = "How much is asked before it runs." },
	{ .name = "bulk", .type = CONFIG_BOOL, .otherwise = "false", .help = "It may be done to several marked rows." },
	{ .name = "fields", .type = CONFIG_SECTIONS, .section = field_keys, .help = "Its parameters, in the order of the form." },
	CONFIG_END
};
static const struct config_key opens_keys[] = {
	{ .name = "describe", .type = CONFIG_LIST, .help = "Kinds whose rows have a description." },
	{ .name = "yaml", .type = CONFIG_LIST, .help = "Kinds whose rows have a document." },
	{ .name = "logs", .type = CONFIG_LIST, .help = "Kinds whose rows have logs." },
	CONFIG_END
};
const struct config_key plugin_manifest_keys[] = {
	{ .name = "title", .type = CONFIG_TEXT, .required = true, .help = "What system it speaks with." },
	{ .name = "help", .type = CONFIG_TEXT, .help = "What is seen of it, in a line." },
	{ .name = "command", .type = CONFIG_LIST, .required = true, .help = "The program and its arguments." },
	{ .name = "fills", .type = CONFIG_LIST, .help = "Kinds of binnacle's own that it fills." },
	{ .name = "kinds", .type = CONFIG_SECTIONS, .section = kind_keys, .help = "Kinds that it makes." },
	{ .name = "actions", .type = CONFIG_SECTIONS, .section = action_keys, .help = "What can be done with rows." },
	{ .name = "opens", .type = CONFIG_SECTION, .section = opens_keys, .help = "Texts that rows have." },
	{ .name = "asks", .type = CONFIG_LIST, .help = "Questions that it answers: why, can, taken, tree, form." },
	CONFIG_END
};

/* ---- small readings of a manifest that is checked */

struct reading { struct plugin *p; struct config_errors *errors; };

static unsigned index_of(const struct yaml *map, const char *key, const char *const *names, unsigned n)
{
	const char *word = yaml_text(map, key);
	for (unsigned i = 0; word && i < n; i++)
		if (!strcmp(names[i], word))
			return i;
	return 0;
}

static unsigned number(const struct yaml *map, const char *key, unsigned most)
{
	int64_t n = 0;
	return str_to_i64(str_of(yaml_text(map, key)), &n) && n > 0 ? n > most ? most : (unsigned)n : 0;
}

/* A name that is typed: in prompts, filters and command lines. */
static bool check_name(struct reading *r, const struct yaml *name, const char *what)
{
	bool good = name->text.n <= 40 && islower((unsigned char)name->text.p[0]);
	for (size_t i = 0; i < name->text.n; i++)
		good = good && (islower((unsigned char)name->text.p[i]) || isdigit((unsigned char)name->text.p[i]) || strchr("-_.", name->text.p[i]));
	if (!good)
		config_complain(r->errors, r->p->path, name, "the name of %s begins with a small letter and has small letters, digits, '-', '_' "
		                "and '.', 40 at most", what);
	return good;
}

const struct kind *plugin_kind(const struct plugin *p, const char *name)
{
	for (const struct kind *const *k = p->kinds; *k; k++)
		if (!strcmp((*k)->name, name))
			return *k;
	return NULL;
}

static void add_kind(struct plugin *p, const struct kind *k)
{
	unsigned n = 0;
	while (p->kinds[n])
		n++;
	p->kinds = xreallocarray(p->kinds, n + 2, sizeof(*p->kinds));
	p->kinds[n] = k;
	p->kinds[n + 1] = NULL;
}

/* ---- kinds */

static void read_fills(struct reading *r, const struct yaml *list)
{
	for (unsigned i = 0; list && i < list->n; i++) {
		const struct kind *k = kind_named(list->items[i]->text.p);
		if (!k)
			config_complain(r->errors, r->p->path, list->items[i], "binnacle has no kind '%s'; kinds of your own stand under 'kinds'",
			                list->items[i]->text.p);
		else if (!plugin_kind(r->p, k->name))
			add_kind(r->p, k);
	}
}

static void read_column(struct reading *r, const struct yaml *name, const struct yaml *v, struct column *c)
{
	const char *title = yaml_text(v, "title"), *ref = yaml_text(v, "ref");
	check_name(r, name, "a column");
	if (str_is(name->text, "key") || str_is(name->text, "level") || str_is(name->text, "source"))
		config_complain(r->errors, r->p->path, name, "'%s' is part of every row: name the column otherwise", name->text.p);
	*c = (struct column){ .name = name->text.p, .title = title ? title : name->text.p,
		.type = (enum col_type)index_of(v, "type", types, ARRAY_SIZE(types)), .ref = ref, .unit = yaml_text(v, "unit"),
		.priority = (uint8_t)number(v, "priority", 255), .width = (uint8_t)number(v, "width", 255),
		.flags = (uint8_t)((yaml_bool(v, "shared", false) ? COL_SHARED : 0) | (yaml_bool(v, "wide", false) ? COL_WIDE : 0) |
		                   (yaml_bool(v, "hidden", false) ? COL_HIDDEN : 0)) };
	if ((c->type == COL_REF) != (ref != NULL))
		config_complain(r->errors, r->p->path, name, "'ref' and 'type: ref' go together");
	if (c->flags & COL_SHARED && !col_is_text(c))
		config_complain(r->errors, r->p->path, name, "'shared' is for columns of text");
}

static void upper(struct buf *b, const char *s)
{
	for (; *s; s++)
		buf_addc(b, *s == '_' ? ' ' : (char)toupper((unsigned char)*s));
	buf_addc(b, '\0');
}

static void read_kind(struct reading *r, const struct yaml *name, const struct yaml *v)
{
	const struct yaml *columns = yaml_get(v, "columns"), *aliases = yaml_get(v, "aliases");
	struct column cols[KIND_MAX_COLS];
	const char *others[17] = { NULL };
	struct buf titles[KIND_MAX_COLS] = { { 0 } }, bytes = { 0 };
	struct kind k = { .name = name->text.p, .singular = yaml_text(v, "singular"), .help = yaml_text(v, "help"), .cols = cols, .aliases = others,
		.namespaced = yaml_bool(v, "namespaced", false) };
	check_name(r, name, "a kind");
	if (kind_named(k.name))
		config_complain(r->errors, r->p->path, name, "'%s' is a kind of binnacle's own: name it under 'fills'", k.name);
	if (!columns || columns->type != YAML_MAP || !columns->n || columns->n > KIND_MAX_COLS || (aliases && aliases->n > 16)) {
		config_complain(r->errors, r->p->path, name, "kind '%s' has 1 to %d columns, and 16 aliases at most", k.name, KIND_MAX_COLS);
		return;
	}
	for (unsigned i = 0; i < columns->n; i++, k.ncols++) {
		read_column(r, columns->keys[i], columns->items[i], &cols[i]);
		if (cols[i].title == cols[i].name) {
			upper(&titles[i], cols[i].name);
			cols[i].title = titles[i].data;
		}
	}
	for (unsigned i = 0; aliases && i < aliases->n; i++)
		others[i] = aliases->items[i]->text.p;
	kind_write(&k, &bytes);
	struct kind *made = kind_parse(buf_str(&bytes));
	if (made) {
		r->p->made = xreallocarray(r->p->made, r->p->nmade + 1, sizeof(*r->p->made));
		r->p->made[r->p->nmade++] = made;
		add_kind(r->p, made);
	}
	for (unsigned i = 0; i < k.ncols; i++)
		buf_release(&titles[i]);
	buf_release(&bytes);
}

/* ---- actions */

/* The kinds of a list, each of which it fills; NULL-terminated, caller frees. */
static const char **read_kinds(struct reading *r, const struct yaml *list)
{
	const char **names = xcalloc((list ? list->n : 0) + 1, sizeof(*names));
	for (unsigned i = 0; list && i < list->n; i++) {
		names[i] = list->items[i]->text.p;
		if (!plugin_kind(r->p, names[i]))
			config_complain(r->errors, r->p->path, list->items[i], "'%s' is neither under 'kinds' nor under 'fills'", names[i]);
	}
	return names;
}

static char *join(const struct yaml *list)
{
	struct buf b = { 0 };
	for (unsigned i = 0; list && i < list->n; i++)
		buf_addf(&b, "%s%s", i ? "|" : "", list->items[i]->text.p);
	return buf_detach(&b);
}

static void read_field(struct reading *r, const struct yaml *name, const struct yaml *v, struct field *f)
{
	const struct yaml *choices = yaml_get(v, "choices");
	const char *title = yaml_text(v, "title"), *help = yaml_text(v, "help");
	check_name(r, name, "a field");
	*f = (struct field){ .name = name->text.p, .title = title ? title : name->text.p, .help = help ? help : "", .otherwise = yaml_text(v, "default"),
		.type = (enum field_type)index_of(v, "type", fields, ARRAY_SIZE(fields)), .min = number(v, "min", INT32_MAX),
		.max = number(v, "max", INT32_MAX), .required = yaml_bool(v, "required", false) };
	if ((f->type == FIELD_CHOICE) != (choices && choices->n))
		config_complain(r->errors, r->p->path, name, "'choices' and 'type: choice' go together");
	f->choices = f->type == FIELD_CHOICE ? join(choices) : NULL;
}

static void read_action(struct reading *r, const struct yaml *name, const struct yaml *v)
{
	static const char *const risks[] = { [RISK_HARMLESS] = "harmless", [RISK_DISRUPTIVE] = "disruptive", [RISK_DESTRUCTIVE] = "destructive",
		[RISK_IRREVERSIBLE] = "irreversible" };
	const struct yaml *fs = yaml_get(v, "fields");
	const char *title = yaml_text(v, "title");
	struct action *a = xcalloc(1, sizeof(*a));
	check_name(r, name, "an action");
	if (v->type != YAML_MAP)
		config_complain(r->errors, r->p->path, name, "'kinds' and 'help' of '%s' are missing", name->text.p);
	struct field *list = xcalloc((fs ? fs->n : 0) + 1, sizeof(*list));
	for (unsigned i = 0; fs && i < fs->n; i++)
		read_field(r, fs->keys[i], fs->items[i], &list[i]);
	*a = (struct action){ .name = name->text.p, .title = title ? title : name->text.p, .help = yaml_text(v, "help"),
		.kinds = read_kinds(r, yaml_get(v, "kinds")), .bulk = yaml_bool(v, "bulk", false), .fields = list,
		.risk = yaml_text(v, "risk") ? (enum risk)index_of(v, "risk", risks, ARRAY_SIZE(risks)) : RISK_DISRUPTIVE };
	r->p->actions = xreallocarray(r->p->actions, r->p->nactions + 2, sizeof(*r->p->actions));
	r->p->actions[r->p->nactions++] = a;
	r->p->actions[r->p->nactions] = NULL;
}

/* ---- the whole */

static bool opens(const struct backend *b, const char *what, const char *kind)
{
	const struct plugin *p = (const struct plugin *)b;
	const struct yaml *list = yaml_get(yaml_get(yaml_root(p->doc), "opens"), what);
	for (unsigned i = 0; list && i < list->n; i++)
		if (str_is(list->items[i]->text, kind))
			return true;
	return (!strcmp(what, "why") || !strcmp(what, "tree")) && plugin_asks(p, what) && plugin_kind(p, kind);
}

bool plugin_asks(const struct plugin *p, const char *what)
{
	const struct yaml *list = yaml_get(yaml_root(p->doc), "asks");
	for (unsigned i = 0; list && i < list->n; i++)
		if (str_is(list->items[i]->text, what))
			return true;
	return false;
}

/* A path beside that of another file. */
static char *beside(const char *file, const char *path)
{
	const char *slash = strrchr(file, '/');
	return *path == '/' || !slash ? xstrdup(path) : xasprintf("%.*s/%s", (int)(slash - file), file, path);
}

static void read_all(struct reading *r)
{
	static const char *const texts[] = { "describe", "yaml", "logs" };
	const struct yaml *root = yaml_root(r->p->doc), *kinds = yaml_get(root, "kinds"), *acts = yaml_get(root, "actions"),
		*command = yaml_get(root, "command");
	read_fills(r, yaml_get(root, "fills"));
	for (unsigned i = 0; kinds && i < kinds->n; i++)
		read_kind(r, kinds->keys[i], kinds->items[i]);
	for (unsigned i = 0; acts && i < acts->n; i++)
		read_action(r, acts->keys[i], acts->items[i]);
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++)
		free(read_kinds(r, yaml_get(yaml_get(root, "opens"), texts[i])));
	if (!r->p->kinds[0])
		config_complain(r->errors, r->p->path, root, "it has no rows: name kinds under 'kinds' or 'fills'");
	if (!command->n || !command->items[0]->text.n) {
		config_complain(r->errors, r->p->path, command, "'command' is a program and its arguments");
		return;
	}
	r->p->argv = xcalloc(command->n + 1, sizeof(*r->p->argv));
	for (unsigned i = 0; i < command->n; i++) {
		const char *word = command->items[i]->text.p;
		r->p->argv[i] = !i && strchr(word, '/') ? beside(r->p->path, word) : xstrdup(word);
	}
}

const struct backend *plugin_shape(const struct yaml *settings, const char *path, struct config_errors *errors)
{
	const struct yaml *manifest = yaml_get(settings, "manifest");
	unsigned before = errors->n;
	struct yaml_error err = { 0 };
	struct plugin *p = xcalloc(1, sizeof(*p));
	p->path = beside(path, manifest->text.p);
	p->kinds = xcalloc(1, sizeof(*p->kinds));
	p->actions = xcalloc(1, sizeof(*p->actions));
	p->doc = yaml_load(p->path, &err);
	if (!p->doc && err.line)
		config_complain(errors, p->path, &(struct yaml){ .line = err.line, .column = err.column }, "%s", err.what);
	else if (!p->doc)
		config_complain(errors, path, manifest, "the manifest '%s' cannot be read: %s", p->path, err.what);
	else
		config_check(p->path, p->doc, plugin_manifest_keys, errors);
	if (errors->n == before)
		read_all(&(struct reading){ p, errors });
	const struct yaml *root = p->doc ? yaml_root(p->doc) : NULL;
	const char *title = yaml_text(root, "title"), *help = yaml_text(root, "help");
	p->backend = backend_plugin;
	p->backend.title = title;
	p->backend.help = help ? help : "";
	p->backend.kinds = p->kinds;
	p->backend.actions = (const struct action *const *)p->actions;
	p->backend.opens = opens;
	if (errors->n == before)
		return &p->backend;
	plugin_unshape(&p->backend);
	return NULL;
}

void plugin_unshape(const struct backend *b)
{
	struct plugin *p = (struct plugin *)(uintptr_t)b;
	for (unsigned i = 0; i < p->nactions; i++) {
		for (const struct field *f = p->actions[i]->fields; f->name; f++)
			free((char *)(uintptr_t)f->choices);
		free((void *)(uintptr_t)p->actions[i]->fields);
		free((void *)(uintptr_t)p->actions[i]->kinds);
		free(p->actions[i]);
	}
	for (unsigned i = 0; i < p->nmade; i++)
		kind_free(p->made[i]);
	for (char **arg = p->argv; arg && *arg; arg++)
		free(*arg);
	free(p->argv);
	free(p->actions);
	free(p->made);
	free(p->kinds);
	free(p->path);
	yaml_doc_free(p->doc);
	free(p);
}
