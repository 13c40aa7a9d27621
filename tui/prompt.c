/* prompt: a line editor without a terminal. The text is UTF-8; the cursor moves by pieces (tui/text.h), as the text is
 * shown. Offers are asked for anew whenever Tab is pressed on text that has changed. */
#include "tui/prompt.h"
#include "base/mem.h"
#include "tui/text.h"
#include <stdio.h>
#include <stdlib.h>

#define TEXT_MAX 4096
#define NOWHERE ((size_t)-1)

static void drop_offers(struct prompt *p)
{
	for (unsigned i = 0; i < p->noffers; i++) {
		free(p->offers[i].text);
		free(p->offers[i].help);
	}
	free(p->offers);
	p->offers = NULL;
	p->noffers = 0;
	p->chosen = -1;
}

static void set_text(struct prompt *p, const char *text)
{
	buf_clear(&p->text);
	buf_adds(&p->text, text);
	p->at = p->text.len;
}

void prompt_open(struct prompt *p, const char *label, const char *text, struct recall *h, prompt_complete_fn complete,
                 void *arg)
{
	prompt_close(p);
	p->open = true;
	p->label = xstrdup(label);
	p->history = h;
	p->complete = complete;
	p->arg = arg;
	p->error_at = NOWHERE;
	buf_adds(&p->text, "");
	set_text(p, text ? text : "");
}

void prompt_close(struct prompt *p)
{
	drop_offers(p);
	free(p->label);
	free(p->typed);
	free(p->error);
	buf_release(&p->text);
	buf_release(&p->killed);
	*p = (struct prompt){ .chosen = -1, .error_at = NOWHERE };
}

void prompt_error(struct prompt *p, size_t at, const char *what)
{
	free(p->error);
	p->error = what ? xstrdup(what) : NULL;
	p->error_at = at;
}

/* ---- moving and changing */

static size_t next_at(const struct prompt *p, size_t at)
{
	struct str rest = { p->text.data + at, p->text.len - at };
	struct piece piece;

	piece_next(&rest, false, &piece);
	return p->text.len - rest.n;
}

static size_t prev_at(const struct prompt *p, size_t at)
{
	size_t last = 0, i = 0;

	while (i < at) {
		last = i;
		i = next_at(p, i);
	}
	return last;
}

static bool is_word(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || (c & 0x80);
}

static size_t word_left(const struct prompt *p)
{
	size_t i = p->at;

	while (i && !is_word(p->text.data[i - 1]))
		i--;
	while (i && is_word(p->text.data[i - 1]))
		i--;
	return i;
}

static size_t word_right(const struct prompt *p)
{
	size_t i = p->at;

	while (i < p->text.len && !is_word(p->text.data[i]))
		i++;
	while (i < p->text.len && is_word(p->text.data[i]))
		i++;
	return i;
}

static size_t blank_left(const struct prompt *p)     /* as C-w: to the blank before */
{
	size_t i = p->at;

	while (i && p->text.data[i - 1] == ' ')
		i--;
	while (i && p->text.data[i - 1] != ' ')
		i--;
	return i;
}

static enum prompt_result cut(struct prompt *p, size_t from, size_t to, bool keep)
{
	if (from >= to)
		return PROMPT_NOTHING;
	if (keep) {
		buf_clear(&p->killed);
		buf_add(&p->killed, p->text.data + from, to - from);
	}
	memmove(p->text.data + from, p->text.data + to, p->text.len - to + 1);
	p->text.len -= to - from;
	p->at = from;
	return PROMPT_CHANGED;
}

static enum prompt_result insert(struct prompt *p, struct str s)
{
	size_t tail = p->text.len - p->at;

	if (!s.n || p->text.len + s.n > TEXT_MAX)
		return PROMPT_NOTHING;
	buf_add(&p->text, s.p, s.n);                  /* room, and the NUL */
	memmove(p->text.data + p->at + s.n, p->text.data + p->at, tail);
	memcpy(p->text.data + p->at, s.p, s.n);
	p->at += s.n;
	return PROMPT_CHANGED;
}

/* Pasted text: its first line, without controls. */
static enum prompt_result paste(struct prompt *p, struct str s)
{
	struct buf clean = { 0 };
	struct piece piece;
	enum prompt_result r;

	while (s.n && *s.p != '\n' && *s.p != '\r') {
		const char *start = s.p;

		piece_next(&s, false, &piece);
		if (piece.ch == '\t' && !piece.control)
			buf_addc(&clean, ' ');
		else if (!piece.control)
			buf_add(&clean, start, (size_t)(s.p - start));
	}
	r = insert(p, buf_str(&clean));
	buf_release(&clean);
	return r;
}

/* ---- history and completion */

static enum prompt_result go_back(struct prompt *p, int by)
{
	struct recall *h = p->history;
	unsigned back;

	if (!h || (by > 0 && p->back >= h->n) || (by < 0 && p->back == 0))
		return PROMPT_NOTHING;
	if (!p->back) {
		free(p->typed);
		p->typed = xstrdup(prompt_text(p));
	}
	/* only lines that start as the one that was being typed */
	for (back = p->back + (unsigned)by; back > 0 && back <= h->n; back += (unsigned)by)
		if (str_starts(str_of(h->lines[h->n - back]), str_of(p->typed)) &&
		    strcmp(h->lines[h->n - back], prompt_text(p)) != 0)
			break;
	if (back > h->n)
		return PROMPT_NOTHING;
	p->back = back;
	set_text(p, back ? h->lines[h->n - back] : p->typed);
	return PROMPT_CHANGED;
}

void prompt_offer(struct prompt *p, struct str text, const char *help)
{
	for (unsigned i = 0; i < p->noffers; i++)
		if (str_is(text, p->offers[i].text))
			return;
	p->offers = xreallocarray(p->offers, p->noffers + 1, sizeof(*p->offers));
	p->offers[p->noffers++] = (struct prompt_offer){ str_dup(text), help ? xstrdup(help) : NULL };
}

static int by_text(const void *a, const void *b)
{
	return strcmp(((const struct prompt_offer *)a)->text, ((const struct prompt_offer *)b)->text);
}

/* Bytes that all offers begin with. */
static size_t common_start(const struct prompt *p)
{
	size_t n = strlen(p->offers[0].text);

	for (unsigned i = 1; i < p->noffers; i++) {
		size_t k = 0;

		while (k < n && p->offers[i].text[k] == p->offers[0].text[k])
			k++;
		n = k;
	}
	while (n && (p->offers[0].text[n] & 0xc0) == 0x80)
		n--;
	return n;
}

static enum prompt_result take_offer(struct prompt *p, struct str text, bool whole)
{
	cut(p, p->from, p->at, false);
	insert(p, text);
	if (whole && p->at == p->text.len && (!p->at || p->text.data[p->at - 1] != '='))
		insert(p, STR(" "));
	return PROMPT_CHANGED;
}

static enum prompt_result complete(struct prompt *p, int by)
{
	size_t typed, n;

	if (!p->complete)
		return PROMPT_NOTHING;
	if (p->noffers) {                             /* Tab again: the next offer */
		p->chosen = p->chosen < 0 ? (by > 0 ? 0 : (int)p->noffers - 1) :
		            (p->chosen + by + (int)p->noffers) % (int)p->noffers;
		return take_offer(p, str_of(p->offers[p->chosen].text), false);
	}
	p->from = p->complete(p->arg, p, (struct str){ p->text.data, p->at });
	if (p->from > p->at)
		p->from = p->at;
	if (!p->noffers)
		return PROMPT_NOTHING;
	qsort(p->offers, p->noffers, sizeof(*p->offers), by_text);
	typed = p->at - p->from;
	n = common_start(p);
	if (p->noffers == 1) {
		struct str only = str_of(p->offers[0].text);

		take_offer(p, only, true);
		drop_offers(p);
		return PROMPT_CHANGED;
	}
	return n > typed ? take_offer(p, (struct str){ p->offers[0].text, n }, false) : PROMPT_MOVED;
}

/* ---- keys */

static enum prompt_result move_to(struct prompt *p, size_t at)
{
	if (at == p->at)
		return PROMPT_NOTHING;
	p->at = at;
	return PROMPT_MOVED;
}

static enum prompt_result done(struct prompt *p)
{
	if (p->history && p->text.len)
		recall_add(p->history, prompt_text(p));
	return PROMPT_DONE;
}

static enum prompt_result ctrl_key(struct prompt *p, uint32_t ch)
{
	switch (ch) {
	case 'a': return move_to(p, 0);
	case 'e': return move_to(p, p->text.len);
	case 'b': return move_to(p, prev_at(p, p->at));
	case 'f': return move_to(p, next_at(p, p->at));
	case 'h': return cut(p, prev_at(p, p->at), p->at, false);
	case 'd': return p->text.len ? cut(p, p->at, next_at(p, p->at), false) : PROMPT_LEFT;
	case 'w': return cut(p, blank_left(p), p->at, true);
	case 'u': return cut(p, 0, p->at, true);
	case 'k': return cut(p, p->at, p->text.len, true);
	case 'y': return insert(p, buf_str(&p->killed));
	case 'p': return go_back(p, 1);
	case 'n': return go_back(p, -1);
	case 'j': return done(p);
	case 'c': case 'g': return PROMPT_LEFT;
	default: return PROMPT_NOTHING;
	}
}

bool prompt_takes(const struct key *k)
{
	return !(k->mods & MOD_ALT) || k->name != K_CHAR || k->ch == 'b' || k->ch == 'f' || k->ch == 'd';
}

static enum prompt_result alt_key(struct prompt *p, const struct key *k)
{
	if (k->name == K_BACKSPACE)
		return cut(p, word_left(p), p->at, true);
	switch (k->name == K_CHAR ? k->ch : 0) {
	case 'b': return move_to(p, word_left(p));
	case 'f': return move_to(p, word_right(p));
	case 'd': return cut(p, p->at, word_right(p), true);
	default: return PROMPT_NOTHING;
	}
}

static enum prompt_result edit(struct prompt *p, const struct key *k)
{
	char u[5];

	if (k->mods & MOD_ALT)
		return alt_key(p, k);
	if (k->name == K_CHAR && k->mods == MOD_CTRL)
		return ctrl_key(p, k->ch);
	switch (k->name) {
	case K_ESC: return PROMPT_LEFT;
	case K_ENTER: return done(p);
	case K_LEFT: return move_to(p, k->mods & MOD_CTRL ? word_left(p) : prev_at(p, p->at));
	case K_RIGHT: return move_to(p, k->mods & MOD_CTRL ? word_right(p) : next_at(p, p->at));
	case K_HOME: return move_to(p, 0);
	case K_END: return move_to(p, p->text.len);
	case K_UP: return go_back(p, 1);
	case K_DOWN: return go_back(p, -1);
	case K_DELETE: return cut(p, p->at, next_at(p, p->at), false);
	case K_BACKSPACE:                             /* k9s and vi: Backspace in an empty line leaves it */
		return p->text.len ? cut(p, prev_at(p, p->at), p->at, false) : PROMPT_LEFT;
	case K_PASTE: return paste(p, k->text);
	case K_CHAR: return key_text(*k, u) ? insert(p, str_of(u)) : PROMPT_NOTHING;
	default: return PROMPT_NOTHING;
	}
}

enum prompt_result prompt_key(struct prompt *p, const struct key *k)
{
	enum prompt_result r;

	prompt_error(p, NOWHERE, NULL);
	if (k->name == K_TAB)
		return complete(p, k->mods & MOD_SHIFT ? -1 : 1);
	if (k->name == K_ESC && p->noffers) {         /* first the offers go, then the line */
		drop_offers(p);
		return PROMPT_MOVED;
	}
	drop_offers(p);
	r = edit(p, k);
	if (r == PROMPT_CHANGED && k->name != K_UP && k->name != K_DOWN &&
	    !(k->name == K_CHAR && k->mods && (k->ch == 'p' || k->ch == 'n')))
		p->back = 0;
	return r;
}

/* ---- drawing */

static void draw_offers(const struct prompt *p, struct frame *f, struct rect above)
{
	int rows = (int)p->noffers < 10 ? (int)p->noffers : 10, wide = 0, first, w;
	struct rect box;

	if (rows > above.h)
		rows = above.h;
	for (unsigned i = 0; i < p->noffers; i++) {
		w = text_width(str_of(p->offers[i].text), f->ascii);
		wide = w > wide ? w : wide;
	}
	if (rows <= 0)
		return;
	first = p->chosen < rows ? 0 : p->chosen - rows + 1;
	box = rect_part(above, 0, above.h - rows, above.w, rows);
	frame_fill(f, box, ' ', ROLE_PROMPT);
	frame_back(f, box, ROLE_TEXT);
	for (int i = 0; i < rows; i++) {
		const struct prompt_offer *o = &p->offers[first + i];

		frame_fit(f, box, 2, i, wide < box.w - 4 ? wide : box.w - 4, str_of(o->text), ROLE_PROMPT);
		if (o->help && wide + 6 < box.w)
			frame_fit(f, box, wide + 4, i, box.w - wide - 6, str_of(o->help), ROLE_DIM);
		if (first + i == p->chosen)
			frame_back(f, rect_part(box, 0, i, box.w, 1), ROLE_CURSOR);
	}
	if ((int)p->noffers > rows && box.w > 20) {
		char more[24];
		int n = snprintf(more, sizeof(more), "%d of %u", first + rows, p->noffers);

		frame_right(f, box, 0, rows - 1, box.w - 1, (struct str){ more, (size_t)n }, ROLE_DIM);
	}
}

void prompt_draw(const struct prompt *p, struct frame *f, struct rect area, struct rect above)
{
	struct str text = { prompt_text(p), p->text.len }, before = { text.p, p->at };
	int x = frame_text(f, area, 0, 0, area.w / 2, str_of(p->label), ROLE_HINT_KEY);
	int room = area.w - x - 1, w = text_width(before, false), error_w = 0;

	if (p->noffers)
		draw_offers(p, f, above);
	if (p->error && room > 30) {
		error_w = text_width(str_of(p->error), f->ascii);
		if (error_w > room - 12)
			error_w = room - 12;
		frame_fit(f, area, area.w - error_w - 1, 0, error_w, str_of(p->error), ROLE_PROMPT_ERROR);
		room -= error_w + 2;
	}
	while (w >= room && before.n) {               /* scrolled so far that the cursor is seen */
		struct piece piece;

		piece_next(&before, false, &piece);
		text.n -= (size_t)(before.p - text.p);
		text.p = before.p;
		w = text_width(before, false);
	}
	frame_text(f, area, x, 0, room, text, ROLE_PROMPT);
	if (p->error && p->error_at != NOWHERE && p->error_at <= p->text.len && prompt_text(p) + p->error_at >= text.p) {
		int at = text_width((struct str){ text.p, (size_t)(prompt_text(p) + p->error_at - text.p) }, false);

		if (at < room)
			frame_role(f, rect_part(area, x + at, 0, room - at, 1), ROLE_PROMPT_ERROR);
	}
	f->cur_x = area.x + x + w;
	f->cur_y = area.y;
	if (f->cur_x >= f->w)
		f->cur_x = f->w - 1;
}
