/* protobuf: reading the wire format in place (https://protobuf.dev/programming-guides/encoding). A reader fails
 * for good once it has failed, so one check at the end suffices; nothing is read outside of the bytes given. */
#ifndef BACKENDS_KUBERNETES_PROTOBUF_H
#define BACKENDS_KUBERNETES_PROTOBUF_H
#include "base/str.h"

struct pb {
	const uint8_t *p, *end;
	bool bad;
	/* The field last read: */
	uint32_t field;
	struct str bytes;    /* of a length-delimited one, else empty */
	uint64_t number;     /* of a varint or fixed one, else 0 */
};

static inline struct pb pb_of(struct str s)
{
	return (struct pb){ .p = (const uint8_t *)s.p, .end = (const uint8_t *)s.p + s.n };
}

static inline uint64_t pb_varint(struct pb *r)
{
	uint64_t v = 0;
	if (r->p < r->end && *r->p < 0x80)   /* nearly all of them */
		return *r->p++;
	for (unsigned shift = 0; shift < 64 && r->p < r->end; shift += 7) {
		uint8_t c = *r->p++;
		v |= (uint64_t)(c & 0x7f) << shift;
		if (c < 0x80)
			return v;
	}
	r->bad = true;
	return 0;
}

/* The next field, or false at the end or when malformed. Groups are not in use and are malformed. */
static inline bool pb_next(struct pb *r)
{
	if (r->bad || r->p >= r->end)
		return false;
	uint64_t tag = pb_varint(r), n;
	r->field = (uint32_t)(tag >> 3);
	r->bytes = (struct str){ "", 0 };
	r->number = 0;
	if (r->bad || tag >> 32 || r->field == 0) {
		r->bad = true;
		return false;
	}
	switch (tag & 7) {
	case 0:
		r->number = pb_varint(r);
		return !r->bad;
	case 2:
		n = pb_varint(r);
		if (r->bad || n > (size_t)(r->end - r->p)) {
			r->bad = true;
			return false;
		}
		r->bytes = (struct str){ (const char *)r->p, (size_t)n };
		r->p += n;
		return true;
	case 1:
	case 5:
		n = (tag & 7) == 1 ? 8 : 4;
		if (n > (size_t)(r->end - r->p))
			break;
		for (unsigned i = 0; i < n; i++)
			r->number |= (uint64_t)r->p[i] << 8 * i;
		r->p += n;
		return true;
	}
	r->bad = true;
	return false;
}

/* The bytes of field `field` in s (the last, as protobuf has it), or empty. */
static inline struct str pb_get(struct str s, uint32_t field)
{
	struct pb r = pb_of(s);
	struct str found = { "", 0 };
	while (pb_next(&r))
		if (r.field == field)
			found = r.bytes;
	return found;
}
#endif
