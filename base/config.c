/* config: see config.h. Checking is one walk over the document beside the tables; all errors are collected. */
#define _GNU_SOURCE
#include "base/config.h"
#include "base/approval.h"
#include "base/audit_copy.h"
#include "base/fmt.h"
#include "base/guard.h"
#include "base/mem.h"
#include "base/runbook.h"
#include "base/verify.h"
#include "base/window.h"
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static const struct config_key environment_keys[] = {
	{ "guard", CONFIG_ENUM, "confirm", "confirm|type-name|read-only",
	  .help = "What it takes to change something there: a plain yes, typing the object's name, or it cannot be changed." },
	{ "limit", CONFIG_COUNT, "10", .help = "How many objects one action may change at once." },
	{ "badge", CONFIG_ENUM, "dev", "dev|staging|prod", .help = "How the environment's name is shown at the top left." },
	CONFIG_END
};
static const struct config_key source_keys[] = {
	{ "type", CONFIG_TEXT, .required = true, .help = "Which system it is; the other settings of the source follow from it." },
	{ "environment", CONFIG_TEXT, .help = "The environment it belongs to, one of `environments`." },
	CONFIG_END
};
static const struct config_key team_keys[] = {
	CONFIG_PG_KEYS,
	{ .name = "schema", .type = CONFIG_TEXT, .otherwise = "binnacle", .help = "The schema that holds it; made if it is not there and "
	  "may be, otherwise by what `binnacle watch --ddl` prints." },
	{ .name = "keep", .type = CONFIG_DURATION, .otherwise = "90d", .help = "How long it is kept there at least; what is older is "
	  "deleted, but for who was in production. Where consoles differ, the shortest counts." },
	CONFIG_END
};
static const struct config_key history_keys[] = {
	{ "keep", CONFIG_DURATION, "90d", .help = "How long what changed is remembered on this machine; at least a day." },
	{ "postgres", CONFIG_SECTION, .section = team_keys, .help = "A database in which the consoles of a team share what they saw; the "
	  "file on this machine is written first, and alone while the database is away." },
	CONFIG_END
};
const struct config_key config_keys[] = {
	{ "sources", CONFIG_SECTIONS, .section = source_keys, .help = "The systems to show, by a name of your choice." },
	{ "environments", CONFIG_SECTIONS, .section = environment_keys,
	  .help = "Environments by name, and how carefully each is to be treated." },
	{ "theme", CONFIG_TEXT, "dark", .help = "The theme, see binnacle-themes(5)." },
	{ "keymap", CONFIG_TEXT, "default", .help = "The keymap, see binnacle-keymaps(5)." },
	{ "pane", CONFIG_TEXT, "triage", .help = "The pane that is shown first." },
	{ "namespace", CONFIG_TEXT, .help = "Show only this namespace at first." },
	{ "readonly", CONFIG_BOOL, "false", .help = "Let nothing be changed, anywhere." },
	{ "mouse", CONFIG_BOOL, "false", .help = "Let the mouse select rows and scroll." },
	{ "ascii", CONFIG_BOOL, "false", .help = "Draw with ASCII only." },
	{ "guards", CONFIG_SECTIONS, .section = guard_keys, .own = guards_own_keys,
	  .help = "Rules by a name of your choice, on what may be changed and what it takes; all that match hold, and the strictest wins." },
	{ "history", CONFIG_SECTION, .section = history_keys, .help = "What was seen and is kept, for the timeline, spend and who was in "
	  "production when." },
	{ "approvers", CONFIG_SECTIONS, .section = approver_keys, .help = "Who may be the second person of guards that ask for one." },
	{ "approvals", CONFIG_SECTION, .section = approval_keys, .help = "How requests for a second person are passed on." },
	{ "audit", CONFIG_SECTION, .section = audit_keys, .help = "Copies of the audit trail beside the file; none by default." },
	{ "verify", CONFIG_SECTIONS, .section = verify_keys, .help = "Checks of your own for `binnacle verify`, by name." },
	{ "promotions", CONFIG_SECTIONS, .section = promotion_keys,
	  .help = "What promoting a model takes, by its name (* as a wildcard): gates, steps beyond the registry, checks." },
	CONFIG_END
};

enum { MAX_ERRORS = 100, MAX_KEYS = 1000, MAX_LIMIT = 1000000 };

struct check {
	const char *path;
	const struct config_type_keys *types;
	struct config_errors *errors;
	struct yaml_doc *doc;
};

static void put_error(struct config_errors *e, const char *path, const struct yaml *at, const char *fmt, va_list ap)
{
	if (e->n == MAX_ERRORS)
		return;
	e->list = xreallocarray(e->list, e->n + 1, sizeof(*e->list));
	struct config_error *x = &e->list[e->n++];
	*x = (struct config_error){ .file = xstrdup(path), .line = at ? at->line : 0, .column = at ? at->column : 0 };
	vsnprintf(x->what, sizeof(x->what), fmt, ap);
	for (char *p = x->what; *p; p++)          /* it goes to a terminal as it is */
		if ((unsigned char)*p < 0x20 || *p == 0x7f)
			*p = '?';
}

void config_complain(struct config_errors *e, const char *path, const struct yaml *at, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	put_error(e, path, at, fmt, ap);
	va_end(ap);
}

static void complain(struct check *c, const struct yaml *at, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
static void complain(struct check *c, const struct yaml *at, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	put_error(c->errors, c->path, at, fmt, ap);
	va_end(ap);
}

const char *config_type_name(enum config_type t)
{
	static const char *const names[] = {
		[CONFIG_TEXT] = "text", [CONFIG_BOOL] = "true or false", [CONFIG_COUNT] = "whole number", [CONFIG_REAL] = "number",
		[CONFIG_DURATION] = "duration such as 90s or 5m", [CONFIG_BYTES] = "bytes such as 16Mi", [CONFIG_PATH] = "path of a file",
		[CONFIG_URL] = "URL", [CONFIG_ENUM] = "one of a few words", [CONFIG_LIST] = "list of texts",
		[CONFIG_MAP] = "map of text to text", [CONFIG_RATE] = "number per time such as 5/hour",
		[CONFIG_ZONE] = "time zone such as Europe/Berlin",
		[CONFIG_WINDOWS] = "list of windows such as [\"Fri 16:00 - Mon 08:00\"]", [CONFIG_SECRET] = "map with env:, file: or command:",
		[CONFIG_SECTION] = "section (a map)", [CONFIG_SECTIONS] = "map of names to sections", [CONFIG_ITEMS] = "list of sections",
	};
	return (unsigned)t < ARRAY_SIZE(names) ? names[t] : "?";
}

/* ---- values */

static bool in_choices(const char *choices, struct str word)
{
	struct str rest = str_of(choices);
	while (rest.p)
		if (str_eq(str_split(&rest, '|'), word))
			return true;
	return false;
}

static const char *nearest_choice(const char *choices, struct str word, char out[64])
{
	char *copy = xstrdup(choices);
	const char *names[32];
	size_t n = 0;
	for (char *save, *p = strtok_r(copy, "|", &save); p && n < ARRAY_SIZE(names); p = strtok_r(NULL, "|", &save))
		names[n++] = p;
	const char *near = str_nearest(word, names, n);
	snprintf(out, 64, "%s", near ? near : "");
	free(copy);
	return near ? out : NULL;
}

static bool zone_known(struct str s)
{
	struct zone *z = zone_load(s);
	bool known = z != NULL;
	zone_free(z);
	return known;
}

static bool scalar_fits(enum config_type t, struct str s)
{
	int64_t i;
	double f;
	switch (t) {
	case CONFIG_BOOL:
		return in_choices("true|false|yes|no|on|off", s);
	case CONFIG_COUNT:
		return str_to_i64(s, &i) && i >= 0;
	case CONFIG_REAL:
		return str_to_f64(s, &f);
	case CONFIG_DURATION:
		return duration_parse(s, false, &f);
	case CONFIG_RATE:
		return rate_parse(s, &(struct rate){ 0 });
	case CONFIG_BYTES:
		return quantity_units(s, &i) && i >= 0;
	case CONFIG_URL:
		return memmem(s.p, s.n, "://", 3) != NULL;
	case CONFIG_PATH:
		return s.n > 0;
	default:
		return true;
	}
}

static void check_map(struct check *c, const struct yaml *map, const struct config_key *keys, const struct config_key *more,
                      const char *where);

static void check_secret(struct check *c, const struct config_key *k, const struct yaml *v)
{
	if (v->type == YAML_SCALAR) {
		complain(c, v, "'%s' must not stand here in the open; write %s: {env: NAME}, {file: PATH} or {command: LINE}", k->name,
		         k->name);
		return;
	}
	bool ok = v->type == YAML_MAP && v->n == 1 && v->items[0]->type == YAML_SCALAR &&
	          in_choices("env|file|command", v->keys[0]->text);
	if (!ok)
		complain(c, v, "'%s' is a map with exactly one of env:, file:, command:", k->name);
	else if (str_is(v->keys[0]->text, "file"))
		yaml_expand_home(c->doc, v->items[0]);
}

static void check_texts(struct check *c, const struct config_key *k, const struct yaml *v)
{
	enum yaml_type want = k->type == CONFIG_MAP ? YAML_MAP : YAML_LIST;
	const char *why;
	if (v->type != want) {
		complain(c, v, "'%s' is a %s", k->name, config_type_name(k->type));
		return;
	}
	for (unsigned i = 0; i < v->n; i++)
		if (v->items[i]->type != YAML_SCALAR)
			complain(c, v->items[i], "'%s' is a %s; this is not a text", k->name, config_type_name(k->type));
		else if (k->type == CONFIG_WINDOWS && !window_parse(v->items[i]->text, &(struct window){ 0 }, &why))
			complain(c, v->items[i], "'" STR_FMT "' is no window of time: %s", STR_ARG(v->items[i]->text), why);
}

/* A user's password in a URL would be a secret in the open. */
static bool url_has_password(struct str url)
{
	const char *host = memmem(url.p, url.n, "://", 3);
	if (!host)
		return false;
	host += 3;
	size_t n = strcspn(host, "/?#");
	const char *at = memrchr(host, '@', n);
	return at && memchr(host, ':', (size_t)(at - host));
}

static void check_source(struct check *c, const char *name, const struct yaml *v)
{
	const struct yaml *type = yaml_get(v, "type");
	const char *names[32];
	size_t n = 0;
	for (const struct config_type_keys *t = c->types; t->name && n < ARRAY_SIZE(names); t++) {
		names[n++] = t->name;
		if (type && str_is(type->text, t->name)) {
			check_map(c, v, source_keys, t->keys, name);
			return;
		}
	}
	if (!type) {
		complain(c, v, "source '%s' has no 'type'", name);
		return;
	}
	const char *near = str_nearest(type->text, names, n);
	struct buf all = { 0 };
	for (size_t i = 0; i < n; i++)
		buf_addf(&all, "%s%s", i ? ", " : "", names[i]);
	complain(c, type, "no source type '" STR_FMT "'%s%s%s; there are: %s", STR_ARG(type->text), near ? "; did you mean '" : "",
	         near ? near : "", near ? "'?" : "", all.data ? all.data : "");
	buf_release(&all);
}

static const struct config_key *find_key(const struct config_key *keys, struct str name)
{
	for (; keys && keys->name; keys++)
		if (str_is(name, keys->name))
			return keys;
	return NULL;
}

static void check_value(struct check *c, const struct config_key *k, const struct yaml *v);

static void check_sections(struct check *c, const struct config_key *k, const struct yaml *v)
{
	if (v->type != YAML_MAP) {
		complain(c, v, "'%s' is a %s", k->name, config_type_name(k->type));
		return;
	}
	if (v->n > MAX_KEYS)
		complain(c, v, "'%s' has more than %d entries", k->name, MAX_KEYS);
	for (unsigned i = 0; i < v->n && v->n <= MAX_KEYS; i++) {
		const struct yaml *name = v->keys[i];
		for (unsigned j = 0; j < i; j++)
			if (str_eq(v->keys[j]->text, name->text))
				complain(c, name, "'" STR_FMT "' stands here twice, first in line %u", STR_ARG(name->text), v->keys[j]->line);
		const struct config_key *own = find_key(k->own, name->text);
		if (own && v->items[i]->type != YAML_NULL)
			check_value(c, own, v->items[i]);
		else if (name->type != YAML_SCALAR || !name->text.n || name->text.n > 64 || strpbrk(name->text.p, "\t\n\r\x1b\x7f\"'"))
			complain(c, name, "a name in '%s' is 1 to 64 characters, without quotes and control characters", k->name);
		else if (v->items[i]->type == YAML_NULL && k->section != source_keys)
			continue;                        /* all of it as by default */
		else if (v->items[i]->type != YAML_MAP)
			complain(c, v->items[i], "'" STR_FMT "' in '%s' is a map of settings", STR_ARG(v->keys[i]->text), k->name);
		else if (k->section == source_keys)
			check_source(c, v->keys[i]->text.p, v->items[i]);
		else
			check_map(c, v->items[i], k->section, NULL, v->keys[i]->text.p);
	}
}

static void check_items(struct check *c, const struct config_key *k, const struct yaml *v)
{
	if (v->type != YAML_LIST || v->n > MAX_KEYS) {
		complain(c, v, "'%s' is a %s, of at most %d", k->name, config_type_name(k->type), MAX_KEYS);
		return;
	}
	for (unsigned i = 0; i < v->n; i++)
		if (v->items[i]->type == YAML_MAP)
			check_map(c, v->items[i], k->section, NULL, k->name);
		else
			complain(c, v->items[i], "each of '%s' is a map of settings", k->name);
}

static void check_value(struct check *c, const struct config_key *k, const struct yaml *v)
{
	char near[64];
	int64_t count;
	switch (k->type) {
	case CONFIG_SECRET:
		check_secret(c, k, v);
		return;
	case CONFIG_LIST:
	case CONFIG_MAP:
	case CONFIG_WINDOWS:
		check_texts(c, k, v);
		return;
	case CONFIG_SECTION:
		if (v->type == YAML_MAP)
			check_map(c, v, k->section, NULL, k->name);
		else
			complain(c, v, "'%s' is a map of settings", k->name);
		return;
	case CONFIG_SECTIONS:
		check_sections(c, k, v);
		return;
	case CONFIG_ITEMS:
		check_items(c, k, v);
		return;
	default:
		break;
	}
	if (v->type != YAML_SCALAR)
		complain(c, v, "'%s' is a %s, not a %s", k->name, config_type_name(k->type), v->type == YAML_LIST ? "list" : "map");
	else if (k->type == CONFIG_ENUM && !in_choices(k->choices, v->text)) {
		bool known = nearest_choice(k->choices, v->text, near);
		complain(c, v, "'" STR_FMT "' is no value of '%s'; allowed: %s%s%s%s", STR_ARG(v->text), k->name, k->choices,
		         known ? "; did you mean '" : "", known ? near : "", known ? "'?" : "");
	} else if (k->type == CONFIG_URL && url_has_password(v->text))
		complain(c, v, "'%s' holds a password; leave it out of the URL, there is a setting for secrets", k->name);
	else if (k->type == CONFIG_COUNT && str_to_i64(v->text, &count) && count > MAX_LIMIT)
		complain(c, v, "'%s' is more than %d", k->name, MAX_LIMIT);
	else if (k->type == CONFIG_ZONE && !zone_known(v->text))
		complain(c, v, "this machine knows no time zone '" STR_FMT "' ('%s'; one is Europe/Berlin)", STR_ARG(v->text), k->name);
	else if (!scalar_fits(k->type, v->text))
		complain(c, v, "'" STR_FMT "' is no value of '%s', which is a %s", STR_ARG(v->text), k->name, config_type_name(k->type));
	else if (k->type == CONFIG_PATH)
		yaml_expand_home(c->doc, v);
}

static void unknown_key(struct check *c, const struct yaml *key, const struct config_key *a, const struct config_key *b,
                        const char *where)
{
	const char *names[64];
	struct buf all = { 0 };
	size_t n = 0;
	for (int twice = 0; twice < 2; twice++)
		for (const struct config_key *k = twice ? b : a; k && k->name && n < ARRAY_SIZE(names); k++)
			names[n++] = k->name;
	for (size_t i = 0; i < n; i++)
		buf_addf(&all, "%s%s", i ? ", " : "", names[i]);
	const char *near = str_nearest(key->text, names, n);
	complain(c, key, "no setting '" STR_FMT "'%s%s%s%s%s%s; there are: %s", STR_ARG(key->text), *where ? " in '" : "", where,
	         *where ? "'" : "", near ? "; did you mean '" : "", near ? near : "", near ? "'?" : "", all.data ? all.data : "none");
	buf_release(&all);
}

static void check_map(struct check *c, const struct yaml *map, const struct config_key *keys, const struct config_key *more,
                      const char *where)
{
	if (map->n > MAX_KEYS) {
		complain(c, map, "more than %d settings", MAX_KEYS);
		return;
	}
	for (unsigned i = 0; i < map->n; i++) {
		const struct config_key *k = find_key(keys, map->keys[i]->text);
		k = k ? k : find_key(more, map->keys[i]->text);
		for (unsigned j = 0; j < i; j++)
			if (str_eq(map->keys[j]->text, map->keys[i]->text))
				complain(c, map->keys[i], "'" STR_FMT "' stands here twice, first in line %u", STR_ARG(map->keys[i]->text),
				         map->keys[j]->line);
		if (!k)
			unknown_key(c, map->keys[i], keys, more, where);
		else if (map->items[i]->type != YAML_NULL)
			check_value(c, k, map->items[i]);
	}
	for (int twice = 0; twice < 2; twice++)
		for (const struct config_key *k = twice ? more : keys; k && k->name; k++)
			if (k->required && !yaml_get(map, k->name))
				complain(c, map, "'%s' is missing%s%s%s", k->name, *where ? " in '" : "", where, *where ? "'" : "");
}

/* ---- what it says */

/* The node of a section, if it is a map of a bearable size (else check_sections complained). */
static const struct yaml *section(const struct config *c, const char *name)
{
	const struct yaml *y = yaml_get(c->root, name);
	return y && y->type == YAML_MAP && y->n <= MAX_KEYS ? y : NULL;
}

static void read_environments(struct config *c)
{
	const struct yaml *y = section(c, "environments");
	c->environments = xcalloc(y ? y->n + 1 : 1, sizeof(*c->environments));
	for (unsigned i = 0; y && i < y->n; i++) {
		const char *guard = yaml_text(y->items[i], "guard"), *limit = yaml_text(y->items[i], "limit");
		const char *badge = yaml_text(y->items[i], "badge");
		c->environments[c->nenvironments++] = (struct config_environment){ y->keys[i]->text.p, guard ? guard : "confirm",
			limit ? (unsigned)atoi(limit) : 10, badge ? badge : "" };
	}
}

static void check_environment(const struct config *c, struct check *check, const struct yaml *env)
{
	const char *names[64];
	unsigned n = 0;
	if (config_environment(c, env->text.p))
		return;
	for (; n < c->nenvironments && n < ARRAY_SIZE(names); n++)
		names[n] = c->environments[n].name;
	const char *near = str_nearest(env->text, names, n);
	complain(check, env, "no environment '%s' under 'environments'%s%s%s", env->text.p, near ? "; did you mean '" : "",
	         near ? near : "", near ? "'?" : "");
}

static void read_sources(struct config *c, struct check *check)
{
	const struct yaml *y = section(c, "sources");
	c->sources = xcalloc(y ? y->n + 1 : 1, sizeof(*c->sources));
	for (unsigned i = 0; y && i < y->n; i++) {
		const char *env = yaml_text(y->items[i], "environment");
		c->sources[c->nsources++] = (struct config_source){ y->keys[i]->text.p, yaml_text(y->items[i], "type"), env ? env : "",
			y->items[i] };
		if (env)
			check_environment(c, check, yaml_get(y->items[i], "environment"));
	}
}

static int by_place(const void *a, const void *b)
{
	const struct config_error *x = a, *y = b;
	return x->line != y->line ? (x->line > y->line) - (x->line < y->line) : (x->column > y->column) - (x->column < y->column);
}

void config_check(const char *path, struct yaml_doc *doc, const struct config_key *keys, struct config_errors *errors)
{
	struct check check = { path, NULL, errors, doc };
	const struct yaml *root = yaml_root(doc);
	if (root->type != YAML_MAP)
		complain(&check, root, "this is a map of settings");
	else
		check_map(&check, root, keys, NULL, "");
}

static struct config *finish(struct yaml_doc *doc, const char *path, const struct config_type_keys *types,
                             struct config_errors *errors)
{
	struct check check = { path, types, errors, doc };
	struct config *c = xcalloc(1, sizeof(*c));
	*c = (struct config){ .path = xstrdup(path), .doc = doc, .root = yaml_root(doc) };
	if (c->root->type != YAML_MAP && c->root->type != YAML_NULL)
		complain(&check, c->root, "the configuration is a map of settings");
	else
		check_map(&check, c->root, config_keys, NULL, "");
	read_environments(c);
	read_sources(c, &check);
	if (!errors->n)
		return c;
	qsort(errors->list, errors->n, sizeof(*errors->list), by_place);
	config_free(c);
	return NULL;
}

static struct config *cannot_read(const char *path, const struct yaml_error *err, struct config_errors *errors)
{
	struct check check = { path, NULL, errors, NULL };
	complain(&check, &(struct yaml){ .line = err->line, .column = err->column }, "%s", err->what);
	return NULL;
}

struct config *config_load(const char *path, const struct config_type_keys *types, struct config_errors *errors)
{
	struct yaml_error err = { 0 };
	struct yaml_doc *doc = yaml_load(path, &err);
	*errors = (struct config_errors){ 0 };
	return doc ? finish(doc, path, types, errors) : cannot_read(path, &err, errors);
}

struct config *config_parse(struct str text, const char *path, const struct config_type_keys *types,
                            struct config_errors *errors)
{
	struct yaml_error err = { 0 };
	struct yaml_doc *doc = yaml_parse(text, &err);
	*errors = (struct config_errors){ 0 };
	return doc ? finish(doc, path, types, errors) : cannot_read(path, &err, errors);
}

void config_free(struct config *c)
{
	if (!c)
		return;
	yaml_doc_free(c->doc);
	free(c->path);
	free(c->environments);
	free(c->sources);
	free(c);
}

void config_errors_release(struct config_errors *e)
{
	for (unsigned i = 0; i < e->n; i++)
		free(e->list[i].file);
	free(e->list);
	*e = (struct config_errors){ 0 };
}

const char *config_text(const struct config *c, const char *key)
{
	return c ? yaml_text(c->root, key) : NULL;
}

const struct config_environment *config_environment(const struct config *c, const char *name)
{
	for (unsigned i = 0; c && i < c->nenvironments; i++)
		if (strcmp(c->environments[i].name, name) == 0)
			return &c->environments[i];
	return NULL;
}

/* ---- where it is */

static char *if_there(char *path)
{
	if (path && access(path, F_OK) == 0)
		return path;
	free(path);
	return NULL;
}

char *config_find(const char *given)
{
	const char *home = getenv("HOME"), *own = getenv("XDG_CONFIG_HOME"), *shared = getenv("XDG_CONFIG_DIRS");
	char *found = NULL;
	if (given)
		return xstrdup(given);
	if (own && *own == '/')
		found = if_there(xasprintf("%s/binnacle/binnacle.yaml", own));
	else if (home && *home)
		found = if_there(xasprintf("%s/.config/binnacle/binnacle.yaml", home));
	struct str rest = str_of(shared && *shared ? shared : "/etc/xdg");
	while (!found && rest.p) {
		struct str dir = str_split(&rest, ':');
		if (dir.n && dir.p[0] == '/')
			found = if_there(xasprintf(STR_FMT "/binnacle/binnacle.yaml", STR_ARG(dir)));
	}
	return found;
}

/* ---- explaining */

static void explain_one(const char *prefix, const struct config_key *k, struct buf *out)
{
	buf_addf(out, "%s%s: %s", prefix, k->name, k->type == CONFIG_ENUM ? k->choices : config_type_name(k->type));
	if (k->otherwise)
		buf_addf(out, ", default %s", k->otherwise);
	if (k->required)
		buf_adds(out, ", required");
	buf_addf(out, "\n    %s\n", k->help ? k->help : "");
}

static void explain_all(const char *prefix, const struct config_key *keys, const struct config_type_keys *types, struct buf *out);

static void explain_type(const char *prefix, const struct config_type_keys *t, struct buf *out)
{
	buf_addf(out, "%stype: %s  (%s)\n", prefix, t->name, t->title);
	explain_all(prefix, t->keys, NULL, out);
}

static void explain_section(const char *prefix, const struct config_key *k, const struct config_type_keys *types, struct buf *out)
{
	char *own = xasprintf("%s%s.", prefix, k->name);
	explain_all(own, k->own, NULL, out);
	free(own);
	char *deeper = xasprintf("%s%s.%s", prefix, k->name, k->type == CONFIG_SECTIONS ? "NAME." : "");
	explain_all(deeper, k->section, NULL, out);
	for (const struct config_type_keys *t = types; k->section == source_keys && t && t->name; t++)
		explain_type(deeper, t, out);
	free(deeper);
}

static void explain_all(const char *prefix, const struct config_key *keys, const struct config_type_keys *types, struct buf *out)
{
	for (; keys && keys->name; keys++) {
		explain_one(prefix, keys, out);
		if (keys->section)
			explain_section(prefix, keys, types, out);
	}
}

/* The tables that the word could be in, one after the other: the level's own, and at sources those of every type. */
static const struct config_key *step(const struct config_key *level, const struct config_type_keys *types, struct str word)
{
	const struct config_key *k = find_key(level, word);
	for (const struct config_type_keys *t = types; !k && level == source_keys && t && t->name; t++)
		k = find_key(t->keys, word);
	return k;
}

bool config_explain(const char *key, const struct config_type_keys *types, struct buf *out)
{
	const struct config_key *level = config_keys, *own = NULL, *k = NULL;
	struct str rest = str_of(key);
	if (!*key) {
		explain_all("", config_keys, types, out);
		return true;
	}
	for (const struct config_type_keys *t = types; t && t->name; t++)
		if (!strcmp(t->name, key)) {
			explain_type("sources.NAME.", t, out);
			return true;
		}
	while (rest.p) {
		struct str word = str_split(&rest, '.');
		const struct config_key *next = find_key(own, word);
		if (!next && level)
			next = step(level, types, word);
		own = NULL;                          /* after a name it is the rule's */
		/* a name of the user's choice, or a type's, may stand between */
		if (!next && k && k->type == CONFIG_SECTIONS && rest.p)
			continue;
		if (!next) {
			const char *names[64];
			size_t n = 0;
			for (const struct config_key *x = level; x && x->name && n < ARRAY_SIZE(names); x++)
				names[n++] = x->name;
			for (const struct config_type_keys *t = types; level == source_keys && t && t->name; t++)
				for (const struct config_key *x = t->keys; x && x->name && n < ARRAY_SIZE(names); x++)
					names[n++] = x->name;
			const char *near = str_nearest(word, names, n);
			buf_addf(out, "no setting '" STR_FMT "'%s%s%s", STR_ARG(word), near ? "; did you mean '" : "", near ? near : "",
			         near ? "'?" : "");
			return false;
		}
		k = next;
		own = k->own;
		level = k->section;
	}
	explain_one("", k, out);
	if (k->section)
		explain_section("", k, types, out);
	return true;
}
