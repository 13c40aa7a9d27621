/* config: binnacle.yaml, checked against tables of keys. Every section is a table, so that the check, `config
 * explain`, completion and binnacle.yaml(5) come from one place. */
#ifndef BASE_CONFIG_H
#define BASE_CONFIG_H
#include "base/yaml.h"

enum config_type {
	CONFIG_TEXT, CONFIG_BOOL, CONFIG_COUNT, CONFIG_REAL, CONFIG_DURATION, CONFIG_BYTES, CONFIG_PATH, CONFIG_URL,
	CONFIG_ENUM,     /* one of `choices`, separated by | */
	CONFIG_LIST,     /* list of texts */
	CONFIG_MAP,      /* text to text */
	CONFIG_RATE,     /* 5/hour (base/guard.h) */
	CONFIG_WINDOWS,  /* list of windows (base/window.h) */
	CONFIG_ZONE,     /* time zone by its IANA name (base/zone.h) */
	CONFIG_SECRET,   /* a map with exactly one of env:, file:, command: - never a value in line */
	CONFIG_SECTION,  /* map with the keys of `section` */
	CONFIG_SECTIONS, /* map of name to such map */
	CONFIG_ITEMS,    /* list of such maps */
};
struct config_key {
	const char *name;
	enum config_type type;
	const char *otherwise;               /* the default, as written; NULL = none */
	const char *choices;                 /* CONFIG_ENUM */
	const struct config_key *section;    /* CONFIG_SECTION(S), CONFIG_ITEMS; ends with name NULL */
	bool required;
	const char *help;                    /* one or two sentences */
	const struct config_key *own;        /* CONFIG_SECTIONS: settings of the whole, which stand beside the names */
};
#define CONFIG_END { .name = NULL }
/* The members of `struct config_key` for the way through a host behind SSH (backends/net/tunnel.h). */
#define TUNNEL_CONFIG_KEYS \
	{ .name = "tunnel", .type = CONFIG_TEXT, .help = "Host to go through by SSH: USER@HOST:PORT, or a name of ~/.ssh/config. Its " \
	  "key has to be in known_hosts; names are resolved there. Instead of a proxy." }, \
	{ .name = "tunnel_key", .type = CONFIG_PATH, .help = "Private key for it, without a passphrase. Otherwise the agent's keys, and " \
	  "those that ssh would try." }
/* How a connection to PostgreSQL is named (backends/net/pg.h), wherever one is: in tables of several rooms. */
#define CONFIG_PG_KEYS \
	{ .name = "connection", .type = CONFIG_TEXT, .help = "postgresql://USER@HOST:PORT/DATABASE or 'host=... " \
	  "dbname=...', as libpq reads it, without a password." }, \
	{ .name = "service", .type = CONFIG_TEXT, .help = "A section of ~/.pg_service.conf." }, \
	{ .name = "host", .type = CONFIG_TEXT, .help = "Host name, or the folder of a Unix socket." }, \
	{ .name = "port", .type = CONFIG_COUNT, .otherwise = "5432", .help = "Port." }, \
	{ .name = "database", .type = CONFIG_TEXT, .help = "Database; otherwise the one named as the user." }, \
	{ .name = "user", .type = CONFIG_TEXT, .help = "User; otherwise who runs binnacle." }, \
	{ .name = "password", .type = CONFIG_SECRET, .help = "Password; otherwise ~/.pgpass is looked into." }, \
	{ .name = "passfile", .type = CONFIG_PATH, .help = "Instead of ~/.pgpass." }, \
	{ .name = "sslmode", .type = CONFIG_ENUM, .otherwise = "prefer", \
	  .choices = "disable|allow|prefer|require|verify-ca|verify-full", .help = "How far TLS is asked for." }, \
	{ .name = "sslrootcert", .type = CONFIG_PATH, .help = "The CA of the server's certificate." }, \
	{ .name = "sslcert", .type = CONFIG_PATH, .help = "Our certificate." }, \
	{ .name = "sslkey", .type = CONFIG_PATH, .help = "Its key." }, \
	TUNNEL_CONFIG_KEYS

struct config_error {
	char *file;
	unsigned line, column;
	char what[320];    /* found, allowed, nearest: "no setting 'colour' here; did you mean 'theme'? ..." */
};

/* ---- binnacle.yaml */

/* What `type:` of a source may say, and the settings that come with it. */
struct config_type_keys { const char *name, *title; const struct config_key *keys; };

struct config_environment {
	const char *name;
	const char *guard;            /* "confirm", "type-name" or "read-only" */
	unsigned limit;               /* targets at once */
	const char *badge;            /* "dev", "staging", "prod": which badge its name gets */
};
struct config_source {
	const char *name, *type, *environment;   /* environment "" = none */
	const struct yaml *settings;
};
struct config {                    /* texts belong to the document */
	char *path;
	struct yaml_doc *doc;
	const struct yaml *root;
	struct config_environment *environments; unsigned nenvironments;
	struct config_source *sources; unsigned nsources;
};
struct config_errors { struct config_error *list; unsigned n; };

extern const struct config_key config_keys[];   /* of the top level */

/* --config's path, else the first of $XDG_CONFIG_HOME/binnacle, ~/.config/binnacle, $XDG_CONFIG_DIRS/binnacle that has a
 * binnacle.yaml; NULL: there is none. Caller frees. */
char *config_find(const char *given);
/* NULL when anything is wrong: then errors holds all that is, in the order of the file. types ends with name NULL. */
struct config *config_load(const char *path, const struct config_type_keys *types, struct config_errors *errors);
/* The same from text; path is for errors. */
struct config *config_parse(struct str text, const char *path, const struct config_type_keys *types,
                            struct config_errors *errors);
/* Another document of settings, checked against keys (of its top level). */
void config_check(const char *path, struct yaml_doc *doc, const struct config_key *keys, struct config_errors *errors);
void config_free(struct config *c);
void config_errors_release(struct config_errors *e);
/* One more: at this place of the file (NULL: of the whole), for what only others know to check. */
void config_complain(struct config_errors *e, const char *path, const struct yaml *at, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));
const char *config_text(const struct config *c, const char *key);     /* of the top level; NULL: not set */
const struct config_environment *config_environment(const struct config *c, const char *name);  /* or NULL */
/* What a setting is: "theme", "environments.guard", "sources.kubernetes.context"; "" lists all. False: there is none; then out
 * says which one is nearest. */
bool config_explain(const char *key, const struct config_type_keys *types, struct buf *out);
const char *config_type_name(enum config_type t);     /* "whole number" */
#endif
