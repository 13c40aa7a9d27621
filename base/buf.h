/* buf: a growable run of bytes that it owns. Zero is a valid empty buf. data is NUL-terminated
 * whenever it is not NULL; len does not count that NUL. */
#ifndef BASE_BUF_H
#define BASE_BUF_H
#include "base/str.h"
#include <stdarg.h>

struct buf {
	char *data;
	size_t len, cap;
};

void buf_reserve(struct buf *b, size_t more);      /* room for `more` further bytes */
void buf_add(struct buf *b, const void *p, size_t n);
void buf_adds(struct buf *b, const char *s);
void buf_addstr(struct buf *b, struct str s);
void buf_addc(struct buf *b, char c);
void buf_addf(struct buf *b, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void buf_vaddf(struct buf *b, const char *fmt, va_list ap);
/* Takes the next word of *rest (blanks between words; "quotes" keep blanks, \ escapes; both may stand in its middle: a="b c")
 * and appends it. False: there is none. */
bool buf_word(struct buf *b, struct str *rest);
void buf_consume(struct buf *b, size_t n);         /* drop n bytes from the front */
void buf_clear(struct buf *b);                     /* empty, memory kept */
void buf_release(struct buf *b);                   /* empty, memory freed; the buf can be used again */
char *buf_detach(struct buf *b);                   /* caller owns and frees; never NULL */
static inline struct str buf_str(const struct buf *b) { return (struct str){ b->data, b->len }; }

/* The wire's small numbers: LEB128 as in protobuf; zigzag for signed. */
void buf_varint(struct buf *b, uint64_t v);
void buf_zigzag(struct buf *b, int64_t v);

/* A reader over bytes: every get fails for good once one has failed (bad = true), so one check
 * at the end suffices. */
struct rd {
	const uint8_t *p, *end;
	bool bad;
};
static inline struct rd rd_of(struct str s)
{
	return (struct rd){ (const uint8_t *)s.p, (const uint8_t *)s.p + s.n, false };
}
static inline bool rd_more(const struct rd *r) { return !r->bad && r->p < r->end; }
uint8_t rd_byte(struct rd *r);
uint64_t rd_varint(struct rd *r);
int64_t rd_zigzag(struct rd *r);
struct str rd_bytes(struct rd *r, size_t n);       /* borrowed from the reader's bytes */
struct str rd_string(struct rd *r);                /* varint length, then bytes */
void buf_string(struct buf *b, struct str s);      /* what rd_string reads */
#endif
