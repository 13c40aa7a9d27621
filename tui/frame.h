/* frame: what a screen shows: cells with glyphs and roles, never colours. The one place where text from outside becomes
 * printable: bad UTF-8, controls and bidirectional overrides are shown, never sent. */
#ifndef TUI_FRAME_H
#define TUI_FRAME_H
#include "base/buf.h"

#define ROLES(X) \
	X(TEXT, "text", "plain text") \
	X(DIM, "dim", "what matters less; rows of a source that is down") \
	X(TITLE, "title", "titles and the name of the place one is in") \
	X(HEADER, "header", "the first line") \
	X(BADGE_DEV, "badge.dev", "environment badge: dev") \
	X(BADGE_STAGING, "badge.staging", "environment badge: staging") \
	X(BADGE_PROD, "badge.prod", "environment badge: prod") \
	X(BADGE_DANGER, "badge.danger", "TLS not verified, read-only off where it should not be") \
	X(TAB, "tab", "a pane's tab") \
	X(TAB_ON, "tab.on", "the tab of the pane on screen") \
	X(HEADING, "heading", "column headings") \
	X(HEADING_SORTED, "heading.sorted", "heading of the column that orders the list") \
	X(CURSOR, "row.cursor", "the row the cursor is on") \
	X(MARK, "row.mark", "marked rows") \
	X(OK, "status.ok", "well") \
	X(DONE, "status.done", "over, or off on purpose") \
	X(BUSY, "status.busy", "on its way") \
	X(DOUBT, "status.doubt", "doubtful") \
	X(BAD, "status.bad", "wrong") \
	X(MATCH, "match", "what a search or filter found") \
	X(HINT, "hint", "the hint line") \
	X(HINT_KEY, "hint.key", "a key in hints and help") \
	X(PROMPT, "prompt", "the prompt") \
	X(PROMPT_ERROR, "prompt.error", "what is wrong with what was typed") \
	X(SAY, "say", "a message of ours") \
	X(SAY_BAD, "say.bad", "a message of ours that something failed") \
	X(BORDER, "border", "lines between parts") \
	X(CHART, "chart.line", "a series") \
	X(CHART_OVER, "chart.over", "a series over its threshold") \
	X(CHART_LIMIT, "chart.limit", "a threshold or budget") \
	X(CHART_AXIS, "chart.axis", "axes and their labels") \
	X(LOG_ERROR, "log.error", "log lines: error and worse") \
	X(LOG_WARN, "log.warn", "log lines: warning") \
	X(LOG_DEBUG, "log.debug", "log lines: debug and finer") \
	X(LOG_TIME, "log.time", "times and names before a log line") \
	X(KEY, "doc.key", "a key of a document") \
	X(VALUE, "doc.value", "a value of a document") \
	X(ADDED, "diff.added", "added") \
	X(REMOVED, "diff.removed", "removed") \
	X(FIELD, "form.field", "a form's field") \
	X(FIELD_ON, "form.focus", "the field being filled in") \
	X(LINK, "link", "leads somewhere") \
	X(CONTROL, "control", "stands for a byte that must not reach the terminal")
enum role {
#define X(id, name, help) ROLE_##id,
	ROLES(X)
#undef X
	ROLE_COUNT
};
extern const char *const role_names[ROLE_COUNT];   /* "status.bad" */
extern const char *const role_helps[ROLE_COUNT];

/* One cell. A wide glyph takes two: the second has ch 0. Clusters of several code points live in the frame's
 * pool: ch has CELL_CLUSTER set and the rest is an offset there. */
#define CELL_CLUSTER 0x80000000u
struct glyph {
	uint32_t ch;
	uint8_t role;
	uint8_t back;        /* role of the background: ROLE_TEXT none, ROLE_CURSOR, ROLE_MARK ... */
	uint16_t extra;      /* 0 */
};
struct frame {
	int w, h;
	struct glyph *cells;          /* h * w */
	struct buf pool;             /* clusters: NUL-terminated UTF-8 */
	int cur_x, cur_y;            /* text cursor, -1 = hidden */
	bool ascii;                  /* only ASCII may be put in cells */
};
struct rect { int x, y, w, h; };

void frame_init(struct frame *f, int w, int h, bool ascii);
void frame_clear(struct frame *f);                 /* blanks; size kept; pool emptied */
void frame_resize(struct frame *f, int w, int h);
void frame_release(struct frame *f);
/* Put text at x, y within `area`'s clip (coordinates are the area's own); at most `max` cells (<0: to the area's edge).
 * Made printable; cut at a grapheme. Returns the cells it took. */
int frame_text(struct frame *f, struct rect area, int x, int y, int max, struct str s, enum role role);
int frame_textf(struct frame *f, struct rect area, int x, int y, int max, enum role role, const char *fmt, ...)
	__attribute__((format(printf, 7, 8)));
/* The same right-aligned in `width` cells. Text cut on the side that matters less ends in '~' or '…'. */
int frame_right(struct frame *f, struct rect area, int x, int y, int width, struct str s, enum role role);
/* Cut with an ellipsis when longer than width. */
int frame_fit(struct frame *f, struct rect area, int x, int y, int width, struct str s, enum role role);
/* Cut, but not within a number, of which a part would be another one, nor after a letter or two of a word. */
int frame_fit_words(struct frame *f, struct rect area, int x, int y, int width, struct str s, enum role role);
/* Cut in the middle: of names the end tells them apart. */
int frame_fit_middle(struct frame *f, struct rect area, int x, int y, int width, struct str s, enum role role);
void frame_fill(struct frame *f, struct rect area, uint32_t ch, enum role role);
void frame_back(struct frame *f, struct rect area, enum role back);   /* background role over cells as they are */
void frame_role(struct frame *f, struct rect area, enum role role);   /* foreground role over cells as they are */
int text_width(struct str s, bool ascii);          /* cells it would take, made printable */
struct rect rect_part(struct rect r, int x, int y, int w, int h);     /* clipped to r */
/* The frame as text: one line per row, trailing blanks cut, no escapes. For snapshots and tests. */
void frame_dump(const struct frame *f, struct buf *out);
/* The same with a second block of lines naming each cell's role by a letter (tests of colour). */
void frame_dump_roles(const struct frame *f, struct buf *out);
#endif
