/* buf: see buf.h. */
#include "base/buf.h"
#include "base/mem.h"
#include <stdio.h>
#include <stdlib.h>

void buf_reserve(struct buf *b, size_t more)
{
	size_t need = b->len + more + 1;
	if (need <= b->cap)
		return;
	size_t cap = b->cap ? b->cap : 64;
	while (cap < need)
		cap += cap / 2 + 1;
	b->data = xrealloc(b->data, cap);
	b->cap = cap;
}

void buf_add(struct buf *b, const void *p, size_t n)
{
	buf_reserve(b, n);
	if (n)
		memcpy(b->data + b->len, p, n);
	b->len += n;
	b->data[b->len] = '\0';
}

void buf_adds(struct buf *b, const char *s)
{
	buf_add(b, s, strlen(s));
}

void buf_addstr(struct buf *b, struct str s)
{
	buf_add(b, s.p, s.n);
}

void buf_addc(struct buf *b, char c)
{
	buf_add(b, &c, 1);
}

void buf_vaddf(struct buf *b, const char *fmt, va_list ap)
{
	va_list again;
	va_copy(again, ap);
	buf_reserve(b, 63);
	int n = vsnprintf(b->data + b->len, b->cap - b->len, fmt, ap);
	if (n > 0 && (size_t)n >= b->cap - b->len) {
		buf_reserve(b, (size_t)n);
		vsnprintf(b->data + b->len, b->cap - b->len, fmt, again);
	}
	va_end(again);
	if (n > 0)
		b->len += (size_t)n;
}

void buf_addf(struct buf *b, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	buf_vaddf(b, fmt, ap);
	va_end(ap);
}

bool buf_word(struct buf *b, struct str *rest)
{
	bool quoted = false;
	*rest = str_trim(*rest);
	if (!rest->n)
		return false;
	for (; rest->n && (quoted || (*rest->p != ' ' && *rest->p != '\t')); rest->p++, rest->n--) {
		if (*rest->p == '"') {
			quoted = !quoted;
			continue;
		}
		if (*rest->p == '\\' && rest->n > 1 && (rest->p[1] == '"' || rest->p[1] == '\\' || rest->p[1] == ' '))
			rest->p++, rest->n--;
		buf_addc(b, *rest->p);
	}
	return true;
}

void buf_consume(struct buf *b, size_t n)
{
	if (n >= b->len) {
		buf_clear(b);
		return;
	}
	memmove(b->data, b->data + n, b->len - n + 1);
	b->len -= n;
}

void buf_clear(struct buf *b)
{
	b->len = 0;
	if (b->data)
		b->data[0] = '\0';
}

void buf_release(struct buf *b)
{
	free(b->data);
	*b = (struct buf){ 0 };
}

char *buf_detach(struct buf *b)
{
	buf_reserve(b, 0);
	b->data[b->len] = '\0';
	char *p = b->data;
	*b = (struct buf){ 0 };
	return p;
}

void buf_varint(struct buf *b, uint64_t v)
{
	unsigned char tmp[10];
	size_t n = 0;
	while (v >= 0x80) {
		tmp[n++] = (unsigned char)(v | 0x80);
		v >>= 7;
	}
	tmp[n++] = (unsigned char)v;
	buf_add(b, tmp, n);
}

void buf_zigzag(struct buf *b, int64_t v)
{
	buf_varint(b, (uint64_t)v << 1 ^ (uint64_t)(v >> 63));
}

void buf_string(struct buf *b, struct str s)
{
	buf_varint(b, s.n);
	buf_addstr(b, s);
}

uint8_t rd_byte(struct rd *r)
{
	if (r->bad || r->p >= r->end) {
		r->bad = true;
		return 0;
	}
	return *r->p++;
}

uint64_t rd_varint(struct rd *r)
{
	uint64_t v = 0;
	for (unsigned shift = 0; shift < 64; shift += 7) {
		uint8_t c = rd_byte(r);
		v |= (uint64_t)(c & 0x7f) << shift;
		if (c < 0x80)
			return r->bad ? 0 : v;
	}
	r->bad = true;
	return 0;
}

int64_t rd_zigzag(struct rd *r)
{
	uint64_t v = rd_varint(r);
	return (int64_t)(v >> 1) ^ -(int64_t)(v & 1);
}

struct str rd_bytes(struct rd *r, size_t n)
{
	if (r->bad || n > (size_t)(r->end - r->p)) {
		r->bad = true;
		return (struct str){ "", 0 };
	}
	struct str s = { (const char *)r->p, n };
	r->p += n;
	return s;
}

struct str rd_string(struct rd *r)
{
	uint64_t n = rd_varint(r);
	if (n > SIZE_MAX)
		r->bad = true;
	return rd_bytes(r, (size_t)n);
}
