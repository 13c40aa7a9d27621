/* runbook_page: what the two files of this page share. runbook_page.c: its life, commands and keys; runbook_draw.c: what it says. */
#ifndef TUI_RUNBOOK_PAGE_H
#define TUI_RUNBOOK_PAGE_H
#include "base/runbook.h"
#include "tui/app.h"

/* A sentence with a mark before it, or a row of the comparison. */
struct rb_line {
	char *mark, *text;               /* mark: "ok", "▲", "" */
	char *cells[3];                  /* champion, challenger, change; NULL: not a row of the comparison */
	enum role role;
	uint8_t indent;
	bool current;                    /* the step or check that is looked at now: kept in sight */
};
struct rb_lines { struct rb_line *list; unsigned n, cap; };
enum { RB_LEFT, RB_RIGHT, RB_FOOT, RB_PARTS };   /* versions and gates; steps and checks; what is to be done now */

struct runbook_page {
	struct page page;
	struct runbook *r;
	struct rb_lines parts[RB_PARTS];
	struct buf typed;                /* the name that the guards want typed */
	enum runbook_choice choice;      /* of a recovered one, while what it takes is asked for */
	char *name, *reason;             /* what was given for that; NULL: nothing */
	uint64_t seen, seen_gates;
	int64_t second;                  /* for which it was written */
	unsigned top, rows;              /* first row shown of the body, and how many it has */
	int w, h, foot;                  /* foot: rows of what stays in sight at the bottom */
	bool changed, moved, exactly;    /* moved: the user scrolled; exactly: requests word by word */
};
/* Writes all parts for how the runbook is now. */
void runbook_write(struct runbook_page *t, const struct app *app, int64_t now);
void runbook_clear(struct runbook_page *t);
/* Takes measure for this size: rows, foot; *current: the row to keep in sight, -1 none. */
void runbook_measure(struct runbook_page *t, int w, int h, bool ascii, int *current);
void runbook_draw(const struct runbook_page *t, struct frame *f, struct rect area);
/* Enter alone does not do: a reason has to be written, since gates do not pass, a rule stands against it, or one is asked for. */
bool runbook_is_barred(const struct runbook *r);
#endif
