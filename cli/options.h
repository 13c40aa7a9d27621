/* options: the command line as data. Two tables, from which parsing, --help, completion and the man page come. */
#ifndef CLI_OPTIONS_H
#define CLI_OPTIONS_H
#include "base/buf.h"

enum exit_code {
	EXIT_OK = 0,
	EXIT_FAILED = 1,      /* the work was tried and failed; doctor: something is wrong */
	EXIT_USAGE = 2,       /* the command line or the configuration is wrong */
	EXIT_NO_TERMINAL = 3, /* there is no terminal, or none that can show a screen */
	EXIT_UNREACHABLE = 4, /* no source answered in time, or one of those that all depends on */
	EXIT_REFUSED = 5,     /* not let in, not allowed, or read-only */
	EXIT_GATES = 6,       /* a gate did not pass: nothing was changed */
	EXIT_ROLLED_BACK = 7, /* it went wrong and was taken back */
	EXIT_HELD = 8,        /* stopped in the midst, or unfinished: somebody has to decide */
};
extern const struct exit_help { int code; const char *means; } exit_codes[];   /* ends with means NULL */

struct cli {
	const char *context, *namespace, *kubeconfig, *config, *theme, *keymap, *record, *replay, *output, *size, *audit, *pane;
	bool readonly, all_namespaces, ascii, mouse, help, json, explain, tour, once, ddl, version;
	const char *wait;            /* seconds */
	const char *selector;        /* labels */
	const char *seed;
	const char *reason, *alias, *container, *source, *override, *type, *at, *go_on, *go_back, *leave;
	bool plan, yes, hold;
	const struct subcommand *sub;      /* never NULL after cli_parse; the first is the console itself */
	char **args; int nargs;      /* what follows the sub-command */
};

struct option_def {
	const char *name;            /* "context" */
	char letter;                 /* 0 = none */
	const char *arg;             /* "NAME"; NULL = a flag */
	const char *help;
	size_t at;                   /* offset in struct cli: const char * or bool */
	const char *subs;            /* sub-commands that take it, "|" between; NULL = all */
	const char *values;          /* for completion: "a|b|c", "@context", "@namespace", "@kind", "@file"; or NULL */
};
extern const struct option_def option_defs[];    /* ends with name NULL */

struct subcommand {
	const char *name;            /* "" = the console */
	const char *args;            /* "KIND [FILTER]"; "" = none */
	const char *help;
	int (*run)(struct cli *c);
	const char *values;          /* of its first argument, as above */
};
extern const struct subcommand subcommands[];    /* ends with name NULL */

/* EXIT_OK, or EXIT_USAGE with the sentence on stderr. */
int cli_parse(struct cli *c, int argc, char **argv);
void cli_help(const struct subcommand *sub, struct buf *out);      /* NULL: of all */
bool option_for(const struct option_def *o, const struct subcommand *s);

int cli_console(struct cli *c);
int cli_get(struct cli *c);
int cli_snapshot(struct cli *c);
int cli_triage(struct cli *c);
int cli_verify(struct cli *c);
int cli_can(struct cli *c);
int cli_doctor(struct cli *c);
int cli_predict(struct cli *c);
int cli_demo(struct cli *c);
int cli_watch(struct cli *c);
int cli_act(struct cli *c);
int cli_exec(struct cli *c);
int cli_retrain(struct cli *c);
int cli_promote(struct cli *c);
int cli_rollback(struct cli *c);
int cli_runbooks(struct cli *c);
int cli_config(struct cli *c);
int cli_audit(struct cli *c);
int cli_approve(struct cli *c);
int cli_completion(struct cli *c);
int cli_tables(struct cli *c);     /* mdoc tables for man/, from every table of the program */
int cli_version(struct cli *c);
#endif
