/* decode_stream.c: list bodies and watch streams that come in pieces.
 *
 * A list body is "k8s\0" and a runtime.Unknown, whose field 2 is the list: its items are handed out one by one, from the
 * piece itself where they lie in it whole, else from a buffer in which the cut one is put together. Memory is bounded
 * by the largest item, not by the list. A watch is frames of a 4-byte big-endian length and a metav1.WatchEvent. */
#include "backends/kubernetes/decode.h"
#include "backends/kubernetes/protobuf.h"

/* Where decode_list stands: before the magic, between fields of the Unknown, within the list. */
enum { LIST_MAGIC, LIST_UNKNOWN, LIST_INSIDE };

#define SMALL_MAX (1u << 20)   /* of a field that is no item */

void decode_list_init(struct decode_list *l, decode_item_fn item, void *arg)
{
	*l = (struct decode_list){ .item = item, .arg = arg, .remaining = -1 };
}

void decode_list_release(struct decode_list *l)
{
	buf_release(&l->resource_version);
	buf_release(&l->next);
	buf_release(&l->pending);
}

static bool list_fails(struct decode_list *l, const char *why)
{
	l->why = why;
	return false;
}

static void read_list_meta(struct decode_list *l, struct str s)
{
	struct pb r = pb_of(s);
	while (pb_next(&r)) {
		if (r.field == 2) {
			buf_clear(&l->resource_version);
			buf_addstr(&l->resource_version, r.bytes);
		} else if (r.field == 3) {
			buf_clear(&l->next);
			buf_addstr(&l->next, r.bytes);
		} else if (r.field == 4) {
			l->remaining = (int64_t)r.number;
		}
	}
}

/* A tag, and the length or number after it. Returns its bytes; 0: more are needed; -1: malformed. */
struct head { uint32_t field, type; uint64_t n; };
static int read_head(struct str s, struct head *h)
{
	struct pb r = pb_of(s);
	uint64_t tag = pb_varint(&r);
	if (r.bad)
		return s.n >= 10 ? -1 : 0;
	h->field = (uint32_t)(tag >> 3);
	h->type = tag & 7;
	h->n = h->type == 1 ? 8 : 4;
	if (tag >> 32 || !h->field || h->type == 3 || h->type == 4 || h->type > 5)
		return -1;
	if (h->type == 0 || h->type == 2) {
		h->n = pb_varint(&r);
		if (r.bad)
			return s.n >= 20 ? -1 : 0;
		if (h->type == 0)
			h->n = 0;   /* nothing follows the number */
	}
	return (int)(r.p - (const uint8_t *)s.p);
}

/* One field at the start of s. Returns the bytes it took; 0: more are needed; -1: failed. */
static int64_t take_field(struct decode_list *l, struct str s)
{
	struct head h;
	int head = read_head(s, &h);
	if (head == 0 && l->state == LIST_INSIDE && s.n >= l->left)
		head = -1;   /* the list ends within it */
	if (head < 0) {
		l->why = "malformed protobuf";
		return -1;
	}
	if (head == 0)
		return 0;
	if (l->state == LIST_INSIDE && ((uint64_t)head > l->left || h.n > l->left - (uint64_t)head)) {
		l->why = "a field is longer than its list";
		return -1;
	}
	if (l->state == LIST_UNKNOWN && h.field == 2 && h.type == 2) {
		l->state = LIST_INSIDE;
		l->left = h.n;
		return head;
	}
	bool item = l->state == LIST_INSIDE && h.field == 2 && h.type == 2;
	bool meta = l->state == LIST_INSIDE && h.field == 1 && h.type == 2;
	if (!item && !meta) {
		l->skip = h.n;
		return head;
	}
	if (h.n > (item ? DECODE_OBJECT_MAX : SMALL_MAX)) {
		l->why = item ? "an object is larger than 64 MiB" : "the list's metadata is larger than 1 MiB";
		return -1;
	}
	if (s.n - (size_t)head < h.n)
		return 0;
	struct str body = { s.p + head, (size_t)h.n };
	if (meta) {
		read_list_meta(l, body);
	} else {
		l->count++;
		if (!l->item(l->arg, body)) {
			l->why = l->why ? l->why : "an object is malformed";
			return -1;
		}
	}
	return head + (int64_t)h.n;
}

/* As many whole fields as there are in s; what is left stays. False: failed. */
static bool take_fields(struct decode_list *l, struct str *s)
{
	while (s->n) {
		int64_t took;
		if (l->skip) {
			took = (int64_t)(l->skip < s->n ? l->skip : s->n);
			l->skip -= (uint64_t)took;
		} else if (l->state == LIST_MAGIC) {
			if (s->n < 4)
				return true;
			if (memcmp(s->p, "k8s\0", 4) != 0)
				return list_fails(l, "not Kubernetes protobuf");
			l->state = LIST_UNKNOWN;
			s->p += 4, s->n -= 4;
			continue;
		} else {
			bool inside = l->state == LIST_INSIDE;
			took = take_field(l, *s);
			if (took <= 0)
				return took == 0;
			if (!inside) {
				s->p += took, s->n -= (size_t)took;
				if (l->state == LIST_INSIDE && !l->left)
					l->state = LIST_UNKNOWN;
				continue;
			}
		}
		s->p += took, s->n -= (size_t)took;
		if (l->state == LIST_INSIDE) {
			l->left -= (uint64_t)took;
			if (!l->left)
				l->state = LIST_UNKNOWN;
		}
	}
	return true;
}

/* How many bytes the field that s starts with has, as far as it can be told; at least 1 more than s.n. */
static size_t wanted(const struct decode_list *l, struct str s)
{
	struct head h;
	int head = l->state == LIST_MAGIC ? 0 : read_head(s, &h);
	return head > 0 && h.n <= DECODE_OBJECT_MAX ? (size_t)head + (size_t)h.n : s.n + 1;
}

bool decode_list_feed(struct decode_list *l, struct str bytes)
{
	if (l->why)
		return false;
	while (l->pending.len && bytes.n) {
		size_t want = wanted(l, buf_str(&l->pending));
		size_t more = want > l->pending.len ? want - l->pending.len : 1;
		if (more > bytes.n)
			more = bytes.n;
		buf_add(&l->pending, bytes.p, more);
		bytes.p += more, bytes.n -= more;
		struct str s = buf_str(&l->pending);
		if (!take_fields(l, &s))
			return false;
		buf_consume(&l->pending, l->pending.len - s.n);
		if (!l->pending.len && l->pending.cap > SMALL_MAX)
			buf_release(&l->pending);
	}
	if (!take_fields(l, &bytes))
		return false;
	if (bytes.n)
		buf_add(&l->pending, bytes.p, bytes.n);
	return true;
}

bool decode_list_whole(const struct decode_list *l)
{
	return !l->why && l->state == LIST_UNKNOWN && !l->pending.len && !l->skip;
}

/* ---- watches */

void decode_watch_init(struct decode_watch *w, decode_event_fn event, void *arg)
{
	*w = (struct decode_watch){ .event = event, .arg = arg };
}

void decode_watch_release(struct decode_watch *w)
{
	buf_release(&w->pending);
}

static bool watch_fails(struct decode_watch *w, const char *why)
{
	w->why = why;
	return false;
}

static bool take_event(struct decode_watch *w, struct str frame)
{
	static const char *const types[] = { "ADDED", "MODIFIED", "DELETED", "BOOKMARK", "ERROR" };
	struct str type = { "", 0 }, object = { "", 0 };
	struct pb r = pb_of(decode_envelope(frame, NULL));
	while (pb_next(&r)) {
		if (r.field == 1)
			type = r.bytes;
		else if (r.field == 2)
			object = pb_get(r.bytes, 1);
	}
	if (r.bad)
		return watch_fails(w, "malformed protobuf");
	for (unsigned i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
		if (!str_is(type, types[i]))
			continue;
		if (!w->event(w->arg, (enum watch_type)i, decode_envelope(object, NULL)))
			return watch_fails(w, "an object is malformed");
		return true;
	}
	return true;   /* a type that is not known yet */
}

static uint32_t frame_size(const char *p)
{
	const unsigned char *b = (const unsigned char *)p;
	return (uint32_t)b[0] << 24 | (uint32_t)b[1] << 16 | (uint32_t)b[2] << 8 | b[3];
}

/* The whole frames in s. */
static bool take_frames(struct decode_watch *w, struct str *s)
{
	while (s->n >= 4) {
		uint32_t n = frame_size(s->p);
		if (n > DECODE_OBJECT_MAX)
			return watch_fails(w, "an event is larger than 64 MiB");
		if (s->n - 4 < n)
			return true;
		if (!take_event(w, (struct str){ s->p + 4, n }))
			return false;
		s->p += 4 + (size_t)n;
		s->n -= 4 + (size_t)n;
	}
	return true;
}

bool decode_watch_feed(struct decode_watch *w, struct str bytes)
{
	if (w->why)
		return false;
	while (w->pending.len && bytes.n) {
		size_t want = w->pending.len < 4 ? 4 : 4 + (size_t)frame_size(w->pending.data);
		size_t more = want - w->pending.len < bytes.n ? want - w->pending.len : bytes.n;
		buf_add(&w->pending, bytes.p, more);
		bytes.p += more, bytes.n -= more;
		struct str s = buf_str(&w->pending);
		if (!take_frames(w, &s))
			return false;
		buf_consume(&w->pending, w->pending.len - s.n);
		if (!w->pending.len && w->pending.cap > SMALL_MAX)
			buf_release(&w->pending);
	}
	if (!take_frames(w, &bytes))
		return false;
	if (bytes.n)
		buf_add(&w->pending, bytes.p, bytes.n);
	return true;
}

bool decode_watch_whole(const struct decode_watch *w)
{
	return !w->why && !w->pending.len;
}
