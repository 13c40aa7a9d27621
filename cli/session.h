/* session: what a run of the program is made of, wired from the command line and the configuration: clock, inbox, store,
 * sources, guards, audit, the action machine, recording. */
#ifndef CLI_SESSION_H
#define CLI_SESSION_H
#include "base/action.h"
#include "base/approval.h"
#include "base/chronicle.h"
#include "base/feed.h"
#include "base/record.h"
#include "base/runbook.h"
#include "cli/options.h"
#include "tui/tour.h"

struct session {
	const struct cli *cli;
	struct clock clock;
	struct inbox *inbox;
	struct store *store;
	struct source **sources; unsigned nsources;
	struct feed *feed;
	struct audit *audit;
	struct actor *actor;
	struct runbooks *runbooks;
	struct config *config;          /* NULL: none was found */
	struct record *record;
	struct history *history;        /* NULL in demo and replay */
	struct chronicle *chronicle;
	const char *environment;        /* of the first source: the badge */
	char *config_dir, *state_dir;   /* $XDG_CONFIG_HOME/binnacle, $XDG_STATE_HOME/binnacle */
	struct session_private *priv;
};

enum session_kind { SESSION_CONFIGURED, SESSION_DEMO };
/* NULL and an exit code, with sentences on stderr. Sources are made but not started. */
struct session *session_open(const struct cli *c, enum session_kind kind, int *exit_code);
/* The configuration that the command line names or that is found; NULL where there is none. False: it is wrong, and stderr says
 * how. */
bool session_config(const struct cli *c, struct config **config);
/* What a configured source is: a constant backend, or one made from its settings (then to be given to its `unshape`). NULL: errors say
 * why it is none. */
const struct backend *session_backend(const struct config *config, const struct config_source *x, struct config_errors *errors);
const struct config_type_keys *session_source_types(void);   /* every backend's settings */
void session_print_errors(const struct config_errors *e);    /* to stderr, a line each */
const char *session_setting(const struct session *s, const char *key);   /* of binnacle.yaml's top level, or NULL */
char *session_audit_path(void);             /* caller frees */
struct approvers *session_approvers(const struct config *config);    /* those who may approve; config may be NULL */
void session_start(struct session *s);       /* every source's thread */
void session_close(struct session *s);       /* waits a moment for the threads */
/* Sees each message first: recording. */
void session_saw(void *session, const struct msg *m);
struct table;
/* Every row of a table that need not be the store's, as `get -o FORM` prints rows (get.c). An exit code. */
int print_rows(struct session *s, struct table *t, const char *form);
/* The kind of that name, singular or alias, that the session has. In a replay kinds come with their first rows: waits for it. NULL: none. */
const struct kind *session_kind(struct session *s, const char *word, int wait_ms);
/* The kind's name on rows (get.c): from our tables, else from whoever knows the kinds of a cluster. Caller frees; NULL: none, which
 * unknown_kind() says on stderr, with the nearest; it gives an exit code. */
char *resolve_kind(struct session *s, const char *word, int wait_ms);
int unknown_kind(const struct session *s, const char *word);
/* The sources (a bit each) that a replay has lists of the kind from, as far as it gets in wait_ms; 0: not known (it comes from a pipe). */
uint64_t session_recorded(const struct session *s, const char *kind, int wait_ms);
bool session_played(const struct session *s);        /* session_run() has seen all of the replay */
/* Ask for several kinds (those that some source fills; NULL ends) and wait until each source listed each of them, or said
 * why not. False: no source listed anything. */
bool session_list(struct session *s, const char *const *kinds, int wait_ms);
/* The source has listed the kind, or has said why not: else what it has of it is not known. */
bool session_heard(const struct session *s, unsigned source, const char *kind);
/* True: of some source that fills one of the kinds nothing was heard in time; a line on stderr for each. */
bool session_missed(const struct session *s, const char *const *kinds);
/* Take messages until `done` says so or `wait_ms` have passed. False: time ran out. */
bool session_run(struct session *s, int wait_ms, bool (*done)(void *arg), void *arg);
/* Ask every source that may fill this kind to keep its rows coming. Bit i of the answer: source i was asked. */
uint64_t session_watch(struct session *s, const char *kind, const char *scope);
/* Ask one source and wait for its answer: the JSON or the sentence, caller frees; *ok tells which. NULL: no answer in time. */
char *session_ask(struct session *s, struct source *from, enum req_type type, const char *kind, struct str key, const char *what,
                  const char *params, int wait_ms, bool *ok);

char *session_config_dir(void);         /* $XDG_CONFIG_HOME/binnacle; to be freed */
/* Whether theme and keymap of the configuration can be read (console.c): an exit code, the error on stderr. */
int console_check_look(const struct cli *c, const struct config *config);

extern const char demo_config[];        /* tour.c: binnacle.yaml of the demo */
extern const char demo_retrain[];   /* a setting of its source, as in binnacle.yaml */
extern const struct tour demo_tour;     /* tour.c: what `demo --tour` walks through */
#endif
