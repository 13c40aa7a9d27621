/* Any bytes as what the API server sends in protobuf: lists and watches in pieces, single objects, errors. The first
 * two bytes choose the kind and how the rest is cut; what is decoded goes into a table. */
#include "backends/kubernetes/decode.h"
#include "base/table.h"
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct fuzz {
	const struct kube_kind *kind;
	struct decoder decoder;
	struct buf rows;
	bool listing;
};

static bool item(void *arg, struct str raw)
{
	struct fuzz *f = arg;
	struct decoded_meta meta;
	size_t before = f->rows.len;
	if (!decode_object(&f->decoder, f->kind, raw, &meta, &f->rows) && f->rows.len != before)
		abort();        /* rows is as it was */
	decode_meta(raw, &meta);
	return true;
}

static bool event(void *arg, enum watch_type type, struct str raw)
{
	struct fuzz *f = arg;
	struct decoded_meta meta;
	struct kube_status status = { 0 };
	if (type == WATCH_DELETED) {
		decode_delete(&f->decoder, f->kind, raw, &meta, &f->rows);
	} else if (type == WATCH_ERROR) {
		if (decode_status(raw, &status))
			kube_status_release(&status);
	} else {
		return item(arg, raw);
	}
	return true;
}

static void feed_list(struct fuzz *f, struct str s, size_t piece)
{
	struct decode_list l;
	decode_list_init(&l, item, f);
	for (bool ok = true; ok && s.n;) {
		size_t n = s.n < piece ? s.n : piece;
		ok = decode_list_feed(&l, (struct str){ s.p, n });
		if (!ok && !l.why)
			abort();
		s.p += n, s.n -= n;
	}
	decode_list_whole(&l);
	decode_list_release(&l);
}

static void feed_watch(struct fuzz *f, struct str s, size_t piece)
{
	struct decode_watch w;
	decode_watch_init(&w, event, f);
	for (bool ok = true; ok && s.n;) {
		size_t n = s.n < piece ? s.n : piece;
		ok = decode_watch_feed(&w, (struct str){ s.p, n });
		if (!ok && !w.why)
			abort();
		s.p += n, s.n -= n;
	}
	decode_watch_whole(&w);
	decode_watch_release(&w);
}

/* Whatever was decoded is well-formed. */
static void check_rows(const struct fuzz *f)
{
	struct table *t = table_new(f->kind->kind);
	struct buf shown = { 0 };
	struct rd r = rd_of(buf_str(&f->rows));
	rows_open(&r, buf_str(&f->rows));
	if (r.bad || !table_apply(t, 0, &r, 0))
		abort();
	for (uint32_t i = 0; i < t->nslots; i++)
		for (int c = 0; table_row(t, i) && c < t->kind->ncols; c++) {
			row_show(t, table_row(t, i), c, 1763700000000, &shown);
			row_print(t, table_row(t, i), c, 1763700000000, &shown);
			buf_clear(&shown);
		}
	buf_release(&shown);
	table_free(t);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	size_t kinds = 0;
	struct fuzz f = { 0 };
	if (size < 2)
		return 0;
	while (kube_kinds[kinds].kind)
		kinds++;
	f.kind = &kube_kinds[data[1] % kinds];
	rows_start(&f.rows, f.kind->kind->name);
	struct str s = { (const char *)data + 2, size - 2 };
	size_t piece = data[0] >> 2 ? (size_t)(data[0] >> 2) * 7 : size;
	struct kube_status status = { 0 };
	if (data[0] % 4 == 0)
		feed_list(&f, s, piece);
	else if (data[0] % 4 == 1)
		feed_watch(&f, s, piece);
	else if (data[0] % 4 == 2)
		item(&f, s);
	else if (decode_status(s, &status))
		kube_status_release(&status);
	check_rows(&f);
	buf_release(&f.rows);
	decoder_release(&f.decoder);
	return 0;
}
