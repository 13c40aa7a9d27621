/* text_lines: see text_page.h. Taking bytes in is one copy and one search for line ends. */
#define _GNU_SOURCE
#include "base/mem.h"
#include "base/pattern.h"
#include "tui/text_page.h"
#include <ctype.h>
#include <stdlib.h>

static void drop_oldest(struct lines *l)
{
	uint32_t k = 0;
	while (k + 1 < l->n && l->at[k] < l->max / 4)
		k++;
	uint32_t cut = l->at[k];
	if (!cut) {                   /* one line longer than all there is room for: its end is kept */
		cut = (uint32_t)(l->len - l->max / 2);
		l->at[0] = cut;
	}
	memmove(l->data, l->data + cut, l->len - cut);
	l->len -= cut;
	l->n -= k;
	l->dropped += k;
	l->shifted += k;
	for (uint32_t i = 0; i < l->n; i++)
		l->at[i] = l->at[i + k] - cut;
	uint32_t gone = 0;
	while (gone < l->nnotes && l->notes[gone] < cut)
		gone++;
	l->nnotes -= gone;
	for (uint32_t i = 0; i < l->nnotes; i++)
		l->notes[i] = l->notes[i + gone] - cut;
}

static void start_line(struct lines *l, size_t at)
{
	if (l->n == l->cap_at) {
		l->cap_at = l->cap_at ? l->cap_at * 2 : 256;
		l->at = xreallocarray(l->at, l->cap_at, sizeof(*l->at));
	}
	l->at[l->n++] = (uint32_t)at;
}

void lines_add(struct lines *l, struct str bytes)
{
	if (bytes.n > l->max / 2) {           /* more than can be kept: its end */
		struct str head = { bytes.p, bytes.n - l->max / 2 };
		for (const char *p = head.p; (p = memchr(p, '\n', (size_t)(head.p + head.n - p))); p++)
			l->dropped++;
		bytes.p += head.n, bytes.n -= head.n;
	}
	if (l->len + bytes.n > l->max && l->n)
		drop_oldest(l);
	if (l->len + bytes.n > l->cap) {
		l->cap = l->len + bytes.n + (l->len + bytes.n) / 2 + 4096;
		if (l->cap > l->max + l->max / 2)
			l->cap = l->max + l->max / 2;
		l->data = xrealloc(l->data, l->cap);
	}
	if (bytes.n && (!l->n || (l->len && l->data[l->len - 1] == '\n')))
		start_line(l, l->len);
	memcpy(l->data + l->len, bytes.p, bytes.n);
	const char *p = l->data + l->len, *end = p + bytes.n;
	l->len += bytes.n;
	while (p < end && (p = memchr(p, '\n', (size_t)(end - p))) && ++p < end)
		start_line(l, (size_t)(p - l->data));
}

void lines_note(struct lines *l, struct str sentence)
{
	if (l->len && l->data[l->len - 1] != '\n')
		lines_add(l, STR("\n"));
	lines_add(l, sentence);
	lines_add(l, STR("\n"));
	l->notes = xreallocarray(l->notes, l->nnotes + 1, sizeof(*l->notes));
	l->notes[l->nnotes++] = l->at[l->n - 1];
}

void lines_clear(struct lines *l)
{
	l->len = l->n = l->nnotes = 0;
	l->dropped = l->shifted = 0;
}

void lines_release(struct lines *l)
{
	free(l->data);
	free(l->at);
	free(l->notes);
	*l = (struct lines){ 0 };
}

struct str lines_get(const struct lines *l, uint32_t i)
{
	size_t end = i + 1 < l->n ? l->at[i + 1] : l->len;
	struct str s = { l->data + l->at[i], end - l->at[i] };
	if (s.n && s.p[s.n - 1] == '\n')
		s.n--;
	if (s.n && s.p[s.n - 1] == '\r')
		s.n--;
	return s;
}

bool lines_is_note(const struct lines *l, uint32_t i)
{
	for (uint32_t k = 0; k < l->nnotes; k++)
		if (l->notes[k] == l->at[i])
			return true;
	return false;
}

/* ---- matching */

void matcher_release(struct matcher *m)
{
	if (m->set && !m->plain)
		regfree(&m->re);
	free(m->text);
	*m = (struct matcher){ 0 };
}

void matcher_set(struct matcher *m, const char *text)
{
	bool ascii = true;
	char why[80];
	matcher_release(m);
	if (!*text)
		return;
	m->set = m->folded = true;
	for (const char *p = text; *p; p++) {
		ascii = ascii && (unsigned char)*p < 0x80;
		if (isupper((unsigned char)*p))
			m->folded = false;
	}
	m->text = xstrdup(text);
	m->plain = !strpbrk(text, ".[]{}()*+?^$|\\") && (ascii || !m->folded);
	if (!m->plain)
		m->plain = !pattern_compile(&m->re, text, m->folded ? REG_ICASE : 0, why, sizeof(why));
}

bool matcher_find(const struct matcher *m, struct str s, size_t *from, size_t *n)
{
	char text[4096];
	regmatch_t hit;
	if (!m->set || *from > s.n)
		return false;
	struct str rest = { s.p + *from, s.n - *from };
	if (m->plain) {
		size_t at = str_find(rest, str_of(m->text), m->folded);
		*n = strlen(m->text);
		*from += at == STR_NONE ? 0 : at;
		return at != STR_NONE;
	}
	if (rest.n >= sizeof(text))
		rest.n = sizeof(text) - 1;
	memcpy(text, rest.p, rest.n);
	text[rest.n] = '\0';
	if (regexec(&m->re, text, 1, &hit, *from ? REG_NOTBOL : 0) != 0 || hit.rm_eo == hit.rm_so)
		return false;
	*from += (size_t)hit.rm_so;
	*n = (size_t)(hit.rm_eo - hit.rm_so);
	return true;
}
