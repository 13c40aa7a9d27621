/* pbwrite: protobuf written by hand, for the tests of the readers. A message is a buf; pb_in starts one inside
 * another, pb_end closes it. */
#ifndef TESTS_UNIT_PBWRITE_H
#define TESTS_UNIT_PBWRITE_H
#include "base/buf.h"

static inline void pb_num(struct buf *b, unsigned field, uint64_t v)
{
	buf_varint(b, (uint64_t)field << 3);
	buf_varint(b, v);
}
static inline void pb_str(struct buf *b, unsigned field, struct str s)
{
	buf_varint(b, (uint64_t)field << 3 | 2);
	buf_string(b, s);
}
static inline void pb_txt(struct buf *b, unsigned field, const char *s)
{
	pb_str(b, field, str_of(s));
}
/* A finished message as a field of b; m is emptied. */
static inline void pb_msg(struct buf *b, unsigned field, struct buf *m)
{
	pb_str(b, field, (struct str){ m->data ? m->data : "", m->len });
	buf_release(m);
}
static inline void pb_time(struct buf *b, unsigned field, int64_t seconds)
{
	struct buf t = { 0 };
	pb_num(&t, 1, (uint64_t)seconds);
	pb_msg(b, field, &t);
}
static inline void pb_entry(struct buf *b, unsigned field, const char *key, const char *value)
{
	struct buf e = { 0 };
	pb_txt(&e, 1, key);
	pb_txt(&e, 2, value);
	pb_msg(b, field, &e);
}
static inline void pb_quantity(struct buf *b, unsigned field, const char *key, const char *value)
{
	struct buf e = { 0 }, q = { 0 };
	pb_txt(&q, 1, value);
	pb_txt(&e, 1, key);
	pb_msg(&e, 2, &q);
	pb_msg(b, field, &e);
}
/* "k8s\0" and a runtime.Unknown around raw. */
static inline void pb_envelope(struct buf *b, const char *kind, struct str raw)
{
	struct buf type = { 0 };
	pb_txt(&type, 1, "v1");
	pb_txt(&type, 2, kind);
	buf_add(b, "k8s\0", 4);
	pb_msg(b, 1, &type);
	pb_str(b, 2, raw);
	pb_txt(b, 3, "");
	pb_txt(b, 4, "");
}
#endif
