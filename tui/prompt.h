/* prompt: the line at the bottom where one types: `:` commands, `/` filters, a page's own questions. Emacs editing keys,
 * UTF-8, history, completion by Tab. It knows no app: keys go in, a result comes out. */
#ifndef TUI_PROMPT_H
#define TUI_PROMPT_H
#include "tui/frame.h"
#include "tui/key.h"

/* Lines typed before; kept in a file (0600) when path is given. Newest last, no repetition, at most 500. */
struct recall { char **lines; unsigned n; char *path; };
void recall_load(struct recall *h, const char *path);       /* a missing or bad file is an empty history */
void recall_add(struct recall *h, const char *line);        /* and writes the file, atomically */
void recall_release(struct recall *h);

/* Candidates for the word that starts at `from` and ends at the cursor: complete adds them with prompt_offer. */
struct prompt;
typedef size_t (*prompt_complete_fn)(void *arg, struct prompt *p, struct str before);  /* returns `from` */

struct prompt {
	bool open;
	char *label;                 /* ":" "/" "name:" */
	struct buf text;
	size_t at;                   /* cursor, byte offset, always at a grapheme */
	struct buf killed;           /* C-w, C-u, C-k; C-y puts it back */
	struct recall *history;     /* may be NULL */
	unsigned back;               /* how far back in history; 0 = what is being typed */
	char *typed;                 /* what was being typed before going back */
	prompt_complete_fn complete;
	void *arg;
	struct prompt_offer { char *text, *help; } *offers;      /* what Tab offers */
	unsigned noffers;
	int chosen;                  /* -1: none yet */
	size_t from;                 /* where the completed word starts */
	char *error;                 /* until the next key */
	size_t error_at;             /* byte offset in text, (size_t)-1 = nowhere */
};
enum prompt_result { PROMPT_NOTHING, PROMPT_MOVED, PROMPT_CHANGED, PROMPT_DONE, PROMPT_LEFT };

void prompt_open(struct prompt *p, const char *label, const char *text, struct recall *h, prompt_complete_fn complete,
                 void *arg);
void prompt_close(struct prompt *p);
/* False: an Alt that means nothing here. */
bool prompt_takes(const struct key *k);
enum prompt_result prompt_key(struct prompt *p, const struct key *k);
void prompt_offer(struct prompt *p, struct str text, const char *help);
void prompt_error(struct prompt *p, size_t at, const char *what);
/* The line in `area` (one row); the offers above it, at most `rows` lines, in the frame's `above` (may be empty). */
void prompt_draw(const struct prompt *p, struct frame *f, struct rect area, struct rect above);
static inline const char *prompt_text(const struct prompt *p) { return p->text.data ? p->text.data : ""; }
#endif
