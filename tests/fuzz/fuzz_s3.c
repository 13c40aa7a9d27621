/* Any bytes as answers of S3 (lists, errors), and as objects that are looked at. The first byte says which. */
#include "backends/s3/s3.h"
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void list(struct str s, bool versions)
{
	struct s3 store = { .endpoint = (char *)(uintptr_t)"http://x" };
	struct buf rows = { 0 };
	struct s3_list l = { .parent = STR("b/p/"), .bucket = STR("b"), .prefix = STR("p/"), .after = STR("p/a"), .rows = &rows };
	l.versions = versions;
	l.only = versions ? STR("p/") : STR("");
	s3_read_list(&store, s, &l);
	if (rows.len) {                   /* what was made of it can be read */
		struct rd r;
		rows_open(&r, buf_str(&rows));
		if (r.bad)
			abort();
	}
	s3_list_release(&l);
	buf_release(&rows);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const names[] = { "a.csv", "a.json", "a.csv.gz", "a.tsv", "a" };
	if (!size)
		return 0;
	struct str s = { (const char *)data + 1, size - 1 };
	if (*data < 64) {
		list(s, *data & 1);
	} else if (*data < 96) {
		struct http_reply r = { .end = HTTP_STATUS };
		struct s3_error e = { 0 };
		buf_addstr(&r.body, s);
		s3_read_error(&r, &e);
		buf_release(&r.body);
	} else {
		struct buf out = { 0 };
		const char *note;
		shape_text(s, str_of(names[*data % 5]), *data & 1, &out, &note);
		buf_release(&out);
	}
	return 0;
}
