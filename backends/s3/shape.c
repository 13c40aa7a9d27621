/* shape: the first bytes of an object as text that can be read: gzip unpacked, JSON indented, CSV as a table. What was
 * cut off in the middle is shown as far as it goes. Pure; bounded whatever the bytes say. */
#include "backends/net/late.h"
#include "backends/s3/s3.h"
#include "base/mem.h"
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

#define UNPACKED_MAX (1u << 20)
#define CELL_MAX 32
#define COLUMNS_MAX 64
#define TABLE_MAX (4u << 20)     /* of a table as text: many empty fields grow much */
#define DUMP_BYTES 512

static bool name_ends(struct str name, const char *end)
{
	size_t n = strlen(end);
	return name.n >= n && str_find((struct str){ name.p + name.n - n, n }, str_of(end), true) == 0;
}

/* ---- what it is */

static const struct { const char *magic; size_t n, at; const char *is; } magics[] = {
	{ "PAR1", 4, 0, "Parquet" }, { "\x89HDF\r\n\x1a\n", 8, 0, "HDF5" }, { "PK\x03\x04", 4, 0, "a zip archive (a saved model of PyTorch or Keras is one)" },
	{ "\x93NUMPY", 6, 0, "a NumPy array" }, { "\x80\x02", 2, 0, "a Python pickle" }, { "\x80\x03", 2, 0, "a Python pickle" },
	{ "\x80\x04", 2, 0, "a Python pickle" }, { "\x80\x05", 2, 0, "a Python pickle" }, { "\x1f\x8b", 2, 0, "gzip" },
	{ "\x28\xb5\x2f\xfd", 4, 0, "zstd" }, { "BZh", 3, 0, "bzip2" }, { "\xfd" "7zXZ", 5, 0, "xz" }, { "Obj\x01", 4, 0, "Avro" },
	{ "ORC", 3, 0, "ORC" }, { "ARROW1", 6, 0, "Arrow" }, { "\x89PNG", 4, 0, "a PNG image" }, { "\xff\xd8\xff", 3, 0, "a JPEG image" },
	{ "%PDF", 4, 0, "PDF" }, { "SQLite format 3", 15, 0, "an SQLite database" }, { "\x7f" "ELF", 4, 0, "a program" },
	{ "ustar", 5, 257, "a tar archive" },
};

/* Mostly characters: no NUL and few controls. */
static bool is_text(struct str s)
{
	size_t odd = 0, n = s.n < 8192 ? s.n : 8192;
	for (size_t i = 0; i < n; i++) {
		unsigned char c = (unsigned char)s.p[i];
		if (!c)
			return false;
		odd += c < 0x20 && c != '\n' && c != '\r' && c != '\t' && c != 0x1b && c != '\f';
	}
	return odd * 50 <= n;
}

const char *shape_kind(struct str bytes, struct str name)
{
	for (size_t i = 0; i < ARRAY_SIZE(magics); i++)
		if (bytes.n >= magics[i].at + magics[i].n && !memcmp(bytes.p + magics[i].at, magics[i].magic, magics[i].n))
			return magics[i].is;
	if (is_text(bytes))
		return "";
	return name_ends(name, ".pkl") ? "a Python pickle" : name_ends(name, ".onnx") ? "an ONNX model" : "binary";
}

/* ---- gzip */

/* Unpacks as much as is there, several members one after another; false: it is broken from the start. */
static bool unpack(struct str in, struct buf *out)
{
	const struct late_z *z = late_z(NULL);
	z_stream s = { .next_in = (unsigned char *)(uintptr_t)in.p, .avail_in = (unsigned)in.n };
	int rc = Z_OK;
	if (!z || z->inflateInit2_(&s, 16 + MAX_WBITS, ZLIB_VERSION, (int)sizeof(s)) != Z_OK)
		return false;
	while ((rc == Z_OK || rc == Z_STREAM_END) && out->len < UNPACKED_MAX && s.avail_in) {
		char part[16384];
		if (rc == Z_STREAM_END && z->inflateReset(&s) != Z_OK)
			break;
		s.next_out = (unsigned char *)part;
		s.avail_out = sizeof(part);
		rc = z->inflate(&s, Z_NO_FLUSH);
		buf_add(out, part, sizeof(part) - s.avail_out);
	}
	z->inflateEnd(&s);
	return out->len > 0;
}

/* ---- CSV */



/* One field; *rest moves past it and its separator. True: the row goes on. Unquoted into b. */
static bool csv_field(struct str *rest, char sep, struct buf *b)
{
	bool quoted = rest->n && rest->p[0] == '"';
	size_t i = quoted;
	for (; i < rest->n; i++) {
		char c = rest->p[i];
		if (quoted && c == '"' && i + 1 < rest->n && rest->p[i + 1] == '"')
			buf_addc(b, '"'), i++;
		else if (quoted && c == '"')
			quoted = false;
		else if (!quoted && (c == sep || c == '\n'))
			break;
		else if (c != '\r')
			buf_addc(b, c == '\n' || c == '\t' ? ' ' : c);
	}
	bool more = i < rest->n && rest->p[i] == sep;
	i += i < rest->n;
	rest->p += i, rest->n -= i;
	return more;
}

static unsigned columns_in(struct str text, char sep)
{
	struct buf b = { 0 };
	unsigned n = 1;
	while (csv_field(&text, sep, &b))
		n++;
	buf_release(&b);
	return n;
}

/* Characters, as cells of the screen count them well enough: bytes that do not continue one. */
static unsigned length(struct str s)
{
	unsigned n = 0;
	for (size_t i = 0; i < s.n; i++)
		n += ((unsigned char)s.p[i] & 0xc0) != 0x80;
	return n;
}

static void pad(struct buf *out, struct str cell, unsigned width, bool last)
{
	unsigned n = 0;
	size_t i = 0;
	for (; i < cell.n; i++) {
		bool starts = ((unsigned char)cell.p[i] & 0xc0) != 0x80;
		if (starts && n == width)
			break;
		n += starts;
		buf_addc(out, cell.p[i]);
	}
	if (i < cell.n)                          /* cut: the last character says so */
		buf_addc(out, '~');
	else if (!last)
		buf_addc(out, ' ');
	while (!last && n++ < width)
		buf_addc(out, ' ');
	buf_addc(out, last ? '\n' : ' ');
}

static char csv_separator(struct str text)
{
	static const char seps[] = ",\t;|";
	char best = 0;
	unsigned most = 1;
	for (const char *c = seps; *c; c++) {
		unsigned n = columns_in(text, *c);
		if (n > most)
			most = n, best = *c;
	}
	return best;
}

/* Two passes: widths, then lines. A last line that was cut is left out. */
static bool shape_csv(struct str text, bool whole, struct buf *out)
{
	char sep = csv_separator(text);
	unsigned width[COLUMNS_MAX] = { 0 };
	if (!sep)
		return false;
	while (!whole && text.n && text.p[text.n - 1] != '\n')
		text.n--;
	for (int pass = 0; pass < 2; pass++) {
		struct str rest = text;
		struct buf cell = { 0 };
		while (rest.n && out->len < TABLE_MAX) {
			bool more = true;
			for (unsigned col = 0; more; col++) {
				buf_clear(&cell);
				more = csv_field(&rest, sep, &cell);
				if (col >= COLUMNS_MAX)
					continue;
				unsigned n = length(buf_str(&cell));
				n = n > CELL_MAX ? CELL_MAX : n;
				width[col] = !pass && n > width[col] ? n : width[col];
				if (pass)
					pad(out, buf_str(&cell), width[col], !more || col + 1 == COLUMNS_MAX);
			}
		}
		buf_release(&cell);
	}
	return true;
}

/* ---- JSON, and lines of JSON as they are */

static bool shape_json(struct str text, struct buf *out)
{
	json_t *doc = json_loadb(text.p, text.n, JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL);
	char *s = doc ? json_dumps(doc, JSON_INDENT(2) | JSON_ENCODE_ANY) : NULL;
	if (s) {
		buf_adds(out, s);
		buf_addc(out, '\n');
	}
	free(s);
	json_decref(doc);
	return s != NULL;
}

/* ---- what cannot be read */

static void dump(struct str s, struct buf *out)
{
	size_t n = s.n < DUMP_BYTES ? s.n : DUMP_BYTES;
	for (size_t at = 0; at < n; at += 16) {
		buf_addf(out, "%06zx ", at);
		for (size_t i = at; i < at + 16; i++) {
			if (i < n)
				buf_addf(out, " %02x", (unsigned char)s.p[i]);
			else
				buf_adds(out, "   ");
		}
		buf_adds(out, "  ");
		for (size_t i = at; i < at + 16 && i < n; i++)
			buf_addc(out, s.p[i] >= 0x20 && s.p[i] < 0x7f ? s.p[i] : '.');
		buf_addc(out, '\n');
	}
}

static const char *note_of_kind(const char *is)
{
	static const struct { const char *is, *note; } notes[] = {
		{ "Parquet", "a Parquet file: its columns are not read" }, { "a Python pickle", "a Python pickle: never loaded here" },
	};
	for (size_t i = 0; i < ARRAY_SIZE(notes); i++)
		if (!strcmp(is, notes[i].is))
			return notes[i].note;
	return is;
}

void shape_text(struct str bytes, struct str name, bool whole, struct buf *out, const char **note)
{
	const char *is = shape_kind(bytes, name);
	struct buf unpacked = { 0 };
	*note = NULL;
	if (!strcmp(is, "gzip") && unpack(bytes, &unpacked)) {
		bool all = whole && unpacked.len < UNPACKED_MAX;
		if (name_ends(name, ".gz"))
			name.n -= 3;
		*note = "unpacked from gzip";
		if (*shape_kind(buf_str(&unpacked), name))
			dump(buf_str(&unpacked), out), *note = "unpacked from gzip: binary";
		else
			shape_text(buf_str(&unpacked), name, all, out, &is), *note = "unpacked from gzip";
		buf_release(&unpacked);
		return;
	}
	buf_release(&unpacked);
	if (*is) {
		*note = note_of_kind(is);
		dump(bytes, out);
		return;
	}
	struct str start = str_trim(bytes);
	bool json = start.n && (start.p[0] == '{' || start.p[0] == '[') && !name_ends(name, ".jsonl") && !name_ends(name, ".ndjson");
	if (json && whole && bytes.n <= UNPACKED_MAX && shape_json(bytes, out))
		*note = "indented";
	else if ((name_ends(name, ".csv") || name_ends(name, ".tsv")) && shape_csv(bytes, whole, out))
		*note = "as a table";
	else
		buf_addstr(out, bytes);
}
