/* text_page: a stream as text, in bounded memory. text_lines.c keeps the bytes, text_page.c scrolls and answers keys,
 * text_draw.c colours. */
#ifndef TUI_TEXT_PAGE_H
#define TUI_TEXT_PAGE_H
#include "base/logline.h"
#include "tui/app.h"
#include <regex.h>

/* Lines in one run of bytes. Past max the oldest quarter goes, whole lines, and is counted. 4 bytes a line. */
struct lines {
	char *data; size_t len, cap, max;
	uint32_t *at; uint32_t n, cap_at;   /* where each line starts; the last may be unfinished */
	uint32_t *notes; uint32_t nnotes;   /* starts of lines that are ours, ascending */
	uint64_t dropped, shifted;          /* lines that went; how many of them had an index */
};
void lines_add(struct lines *l, struct str bytes);
void lines_note(struct lines *l, struct str sentence);
void lines_clear(struct lines *l);
void lines_release(struct lines *l);
struct str lines_get(const struct lines *l, uint32_t i);  /* without its line end */
bool lines_is_note(const struct lines *l, uint32_t i);

enum text_style { TEXT_PLAIN, TEXT_LOG, TEXT_DOC };
/* Extended regular expression; case folded unless it has an upper case letter; a plain word, and what does not compile,
 * is searched as it is, which is faster by far. */
struct matcher { bool set, plain, folded; char *text; regex_t re; };
void matcher_set(struct matcher *m, const char *text);
void matcher_release(struct matcher *m);
/* First match in s at or after *from: true, *from and *n tell where. Text past 4 kB is not searched. */
bool matcher_find(const struct matcher *m, struct str s, size_t *from, size_t *n);

struct text_page {
	struct page page;
	char *title, *what, *kind, *key, *params, *error;
	uint16_t source;
	uint64_t id;                        /* of the request, 0 = not open */
	bool ended, shown, given;           /* given: nobody is asked for it */
	struct lines lines;
	enum text_style style;
	uint32_t *picked; uint32_t npicked, cap_picked, judged;   /* lines that pass the filter; only when it is set */
	struct matcher filter, search;
	uint32_t top;                       /* first line on screen, an index into what is picked */
	int left, w, h;
	bool wrap, follow, times, dirty, judging;   /* judging: lines wait to be held against the filter */
	int hunting;                        /* a search goes on: +1 down, -1 up, 0 = none */
	uint32_t hunted, hunt_from, hunt_n; /* lines looked at, where it began, how many there were; as top */
};
uint32_t text_count(const struct text_page *t);
uint32_t text_line(const struct text_page *t, uint32_t i);     /* index into lines */
/* How a line looks: time and origin in front, then the text; JSON records in words. Appends. *body gets where the text
 * starts in out. */
void text_shape(const struct text_page *t, uint32_t line, struct buf *out, size_t *body, enum role *role);
int text_height(const struct text_page *t, uint32_t line, bool ascii);
void text_page_draw(const struct page *p, const struct app *app, struct frame *f, struct rect area, int64_t now);
#endif
