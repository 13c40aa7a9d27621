/* term: the terminal. The only room with curses: takes frames, gives keys. One per process. */
#ifndef TUI_TERM_H
#define TUI_TERM_H
#include "tui/frame.h"
#include "tui/key.h"
#include "tui/theme.h"

struct terminal;
struct term_options {
	const struct theme *theme;   /* borrowed */
	bool mouse;
	bool ascii;                  /* even where UTF-8 would do */
};
/* Takes the terminal over (stdin and stdout). NULL and a sentence in why when there is none or it cannot do it. */
struct terminal *term_open(const struct term_options *o, char *why, size_t size);
void term_close(struct terminal *t);               /* everything as it was */
void term_size(const struct terminal *t, int *w, int *h);
bool term_ascii(const struct terminal *t);         /* the locale or the terminal shows only ASCII */
enum colours term_colours(const struct terminal *t);
void term_set_theme(struct terminal *t, const struct theme *theme);
/* Shows the frame: only what changed is sent. */
void term_put(struct terminal *t, const struct frame *f);
void term_redraw(struct terminal *t);              /* the next frame is sent whole */
void term_suspend(struct terminal *t);             /* to the shell; returns when brought back */
/* The terminal as it was found, for somebody else (tui/handover.h); raw_bytes: each byte typed comes as it is. Nothing else may be
 * asked of t but term_events until it is taken back. */
void term_lend(struct terminal *t, bool raw_bytes);
void term_take_back(struct terminal *t);
void term_copy(struct terminal *t, struct str text);   /* OSC 52, wrapped for tmux and screen; at most 74 kB of text */

/* For poll(2): readable when there are keys / when a signal came. */
int term_fd(const struct terminal *t);
int term_signal_fd(const struct terminal *t);
enum term_event { TERM_RESIZED = 1, TERM_QUIT = 2, TERM_STOP = 4, TERM_RESUMED = 8 };
unsigned term_events(struct terminal *t);          /* what came since; applies a new size */
/* Read what there is, without waiting; false when the terminal is gone. */
bool term_read(struct terminal *t);
bool term_key(struct terminal *t, bool late, struct key *k);  /* as keyin_next */
bool term_pending(const struct terminal *t);       /* call term_key with late after 25 ms without bytes */
#endif
