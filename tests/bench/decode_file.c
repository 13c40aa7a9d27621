/* decode_file: the rows of list bodies as kubectl prints them, and how long decoding took.
 *
 *   decode_file KIND [-o table|wide|bench] [-p PIECE] [-s cluster] FILE...
 *
 * FILE: bodies of lists in protobuf, or of Tables in JSON when KIND is none of ours. -p feeds PIECE bytes at a time. -s cluster: that kind has no
 * namespaces.
 * With bench: milliseconds of CPU to decode (best of 5) and to fill a table, bytes of rows and of the table per row. */
#define _GNU_SOURCE   /* clock_gettime, mallinfo2 */
#include "backends/kubernetes/decode.h"
#include "base/clock.h"
#include "base/table.h"
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

struct job {
	struct decoder decoder;
	const struct kube_kind *kind;
	struct buf rows;
};

static bool add_item(void *arg, struct str raw)
{
	struct job *j = arg;
	struct decoded_meta meta;
	return decode_object(&j->decoder, j->kind, raw, &meta, &j->rows);
}

static void read_file(const char *path, struct buf *out)
{
	FILE *f = fopen(path, "rb");
	size_t n;
	if (!f) {
		perror(path);
		exit(1);
	}
	do {
		buf_reserve(out, 1 << 20);
		n = fread(out->data + out->len, 1, 1 << 20, f);
		out->len += n;
	} while (n);
	fclose(f);
}

static double now_ms(void)
{
	struct timespec t;
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

static void decode_body(struct job *j, struct str body, size_t piece)
{
	struct decode_list l;
	decode_list_init(&l, add_item, j);
	while (body.n) {
		size_t n = piece && piece < body.n ? piece : body.n;
		if (!decode_list_feed(&l, (struct str){ body.p, n })) {
			fprintf(stderr, "decode_file: object %llu: %s\n", (unsigned long long)l.count, l.why);
			exit(1);
		}
		body.p += n, body.n -= n;
	}
	if (!decode_list_whole(&l)) {
		fprintf(stderr, "decode_file: the body is cut\n");
		exit(1);
	}
	decode_list_release(&l);
}

/* Escapes are shown, a text ends at its first line. */
static void make_printable(struct buf *cell, struct buf *out)
{
	buf_clear(out);
	for (size_t i = 0; i < cell->len; i++) {
		if (strchr("\f\n\r", cell->data[i]) && cell->data[i]) {
			buf_adds(out, "...");
			break;
		}
		cell->data[i] == 27 ? buf_adds(out, "^[") : buf_addc(out, cell->data[i]);
	}
}

static size_t runes(const struct buf *b)
{
	size_t n = 0;
	for (size_t i = 0; i < b->len; i++)
		n += (b->data[i] & 0xc0) != 0x80;
	return n;
}

static bool is_printed(const struct column *c, bool wide)
{
	return !(c->flags & (COL_HIDDEN | COL_OURS)) && (wide || !(c->flags & COL_WIDE));
}

/* As kubectl's printer: three blanks between columns, the last one not padded. */
static void print_table(const struct table *t, bool wide)
{
	const struct kind *k = t->kind;
	int64_t now = clock_wall(&clock_system);
	size_t width[KIND_MAX_COLS] = { 0 };
	struct buf cell = { 0 }, raw = { 0 };
	int last = 0;
	for (int pass = 0; pass < 2; pass++) {
		for (uint32_t id = 0; id <= t->nslots; id++) {
			const struct row *r = id ? table_row(t, id - 1) : NULL;
			if (id && !r)
				continue;
			for (int c = 0; c < k->ncols; c++) {
				if (!is_printed(&k->cols[c], wide))
					continue;
				buf_clear(&raw);
				r ? row_print(t, r, c, now, &raw) : buf_adds(&raw, k->cols[c].title);
				make_printable(&raw, &cell);
				size_t n = runes(&cell);
				if (pass == 0) {
					width[c] = n > width[c] ? n : width[c];
					last = c > last ? c : last;
					continue;
				}
				fwrite(cell.data, 1, cell.len, stdout);
				printf(c < last ? "%*s" : "\n", (int)(width[c] + 3 - n), "");
			}
		}
	}
	buf_release(&cell);
	buf_release(&raw);
}

static void bench(struct job *j, struct str body, size_t piece)
{
	double best = 1e9;
	for (int i = 0; i < 5; i++) {
		buf_clear(&j->rows);
		rows_start(&j->rows, j->kind->kind->name);
		double start = now_ms();
		decode_body(j, body, piece);
		double took = now_ms() - start;
		best = took < best ? took : best;
	}
	size_t before = mallinfo2().uordblks;
	struct table *t = table_new(j->kind->kind);
	struct rd r;
	rows_open(&r, buf_str(&j->rows));
	double start = now_ms();
	bool ok = table_apply(t, 0, &r, 0);
	double took = now_ms() - start;
	printf("%u rows%s: body %zu bytes, decoded in %.1f ms, rows %zu bytes, table filled in %.1f ms, %.0f bytes a row\n",
	       t->count, ok ? "" : " (malformed)", body.n, best, j->rows.len, took,
	       (double)(mallinfo2().uordblks - before) / (t->count ? t->count : 1));
	table_free(t);
}

int main(int argc, char **argv)
{
	const char *form = "wide";
	size_t piece = 0;
	bool namespaced = true;
	int at = 2;
	for (; at + 1 < argc && argv[at][0] == '-'; at += 2) {
		if (argv[at][1] == 'p')
			piece = (size_t)atoll(argv[at + 1]);
		else if (argv[at][1] == 's')
			namespaced = strcmp(argv[at + 1], "cluster") != 0;
		else
			form = argv[at + 1];
	}
	if (at >= argc) {
		fprintf(stderr, "usage: decode_file KIND [-o table|wide|bench] [-p PIECE] [-s cluster] FILE...\n");
		return 64;
	}
	struct job j = { .kind = kube_kind_find(argv[1]) };
	struct buf body = { 0 };
	struct table_form *f = j.kind ? NULL : table_form_new(argv[1], argv[1], NULL, "", namespaced);
	rows_start(&j.rows, argv[1]);
	for (; at < argc; at++) {
		struct table_page page;
		const char *why;
		buf_clear(&body);
		read_file(argv[at], &body);
		if (strcmp(form, "bench") == 0) {
			bench(&j, buf_str(&body), piece);
		} else if (j.kind) {
			decode_body(&j, buf_str(&body), piece);
		} else if (table_form_list(f, buf_str(&body), &j.rows, &page, &why)) {
			table_page_release(&page);
		} else {
			fprintf(stderr, "decode_file: %s\n", why);
			return 1;
		}
	}
	if (strcmp(form, "bench") != 0) {
		struct table *t = table_new(j.kind ? j.kind->kind : table_form_kind(f));
		struct rd r;
		rows_open(&r, buf_str(&j.rows));
		if (!table_apply(t, 0, &r, 0))
			fprintf(stderr, "decode_file: malformed rows\n");
		print_table(t, strcmp(form, "wide") == 0);
		table_free(t);
	}
	buf_release(&body);
	buf_release(&j.rows);
	decoder_release(&j.decoder);
	if (f)
		table_form_free(f);
	return 0;
}
