/* plugin: sources that are programs of somebody else's, speaking JSON lines (binnacle-plugins(7)). A manifest, read when binnacle starts,
 * says which kinds such a program fills and which actions it offers; each source has a descriptor made from it (struct backend's
 * `shape`), and runs the program once, when somebody first looks.
 *
 *   manifest.c  the manifest, checked, as a struct plugin
 *   plugin.c    the source's thread: the program, what it is asked, what becomes of that when it ends
 *   hear.c      what it says
 *   plans.c     its plans, as base/action.h has them */
#ifndef PLUGIN_PLUGIN_H
#define PLUGIN_PLUGIN_H
#include "backends/net/child.h"
#include "base/action.h"
#include <jansson.h>

#define PLUGIN_PROTOCOL 1

struct plugin {
	struct backend backend;          /* first: what `shape` gives out */
	char *path;                      /* of the manifest */
	struct yaml_doc *doc;
	char **argv;                     /* its command, a path of the manifest's folder resolved; ends with NULL */
	const struct kind **kinds;       /* backend.kinds; NULL-terminated */
	struct kind **made; unsigned nmade;    /* those of them that are its own */
	struct action **actions; unsigned nactions;
};
const struct backend *plugin_shape(const struct yaml *settings, const char *path, struct config_errors *errors);
void plugin_unshape(const struct backend *b);
extern const struct backend backend_plugin;
extern const struct config_key plugin_manifest_keys[];
const struct kind *plugin_kind(const struct plugin *p, const char *name);      /* that it fills; NULL: it does not */
bool plugin_asks(const struct plugin *p, const char *what);                     /* it says that it answers this question */

/* ---- the source's thread */
struct asked { uint64_t id; enum req_type type; char *what, *kind, *key; json_t *plan; };  /* plan: of a run */
struct speaker {
	struct link *link;
	const struct plugin *plugin;
	struct child child;
	struct buf in, out, err;         /* to be written, read and not whole yet, its last words */
	bool greeted;                    /* its first line has come */
	uint64_t line;                   /* of its output, 1-based */
	bool mistaken;                   /* this line is */
	unsigned mistakes;               /* lines in a row */
	char *mistake;                   /* the last one; NULL: none since its start */
	char *why;                       /* why it does not run; NULL: it does, or was never started */
	char *version, *detail;
	int64_t started, again;          /* mono ms: when it was, when it may be again */
	int64_t pause;                   /* ms before it is started again */
	struct asked *asked; unsigned nasked;
};
/* One line of its output, without the newline. False: it must be ended, and why says why. */
bool plugin_hear(struct speaker *s, struct str line, char *why, size_t size);
struct asked *speaker_asked(struct speaker *s, uint64_t id);   /* NULL: nothing of that number is under way */
void speaker_over(struct speaker *s, struct asked *a);         /* it was answered */
void speaker_mistake(struct speaker *s, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* ---- plans.c */
/* A plan as the plugin says it, made one of ours: its texts, an undo that it offers, the target of what was asked; what it holds beyond
 * that is kept. NULL and why: it is none. Caller owns. */
json_t *plugin_plan(const struct plugin *p, const struct asked *a, const json_t *said, char *why, size_t size);
#endif
