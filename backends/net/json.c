/* json: see json.h. What is proper is read at once; only what is not is mended, in a copy. */
#include "backends/net/json.h"
#include "base/buf.h"
#include "base/mem.h"
#include <stdio.h>

#define FLAGS (JSON_ALLOW_NUL | JSON_DECODE_ANY)

/* True: there was something to mend. */
static bool mend(struct str text, struct buf *out)
{
	static const char *const words[] = { "NaN", "-Infinity", "Infinity", "nan", "-inf", "inf" };
	bool quoted = false, any = false;
	for (size_t i = 0; i < text.n; i++) {
		char c = text.p[i];
		size_t skip = 0;
		for (size_t w = 0; !quoted && !skip && (c == '-' || (c | 32) == 'n' || (c | 32) == 'i') && w < ARRAY_SIZE(words); w++)
			if (str_starts((struct str){ text.p + i, text.n - i }, str_of(words[w])))
				skip = strlen(words[w]);
		if (skip) {
			buf_adds(out, "null");
			i += skip - 1;
			any = true;
			continue;
		}
		buf_addc(out, c);
		if (quoted && c == '\\' && i + 1 < text.n)
			buf_addc(out, text.p[++i]);
		else if (c == '"')
			quoted = !quoted;
	}
	return any;
}

json_t *json_read(struct str text, bool *odd, char *why, size_t size)
{
	json_error_t e = { .text = "" };
	struct buf b = { 0 };
	bool mended = false;
	json_t *j = text.n ? json_loadb(text.p, text.n, FLAGS, &e) : NULL;
	if (!j && text.n && mend(text, &b)) {
		j = json_loadb(b.data, b.len, FLAGS, &e);
		mended = j != NULL;
	}
	if (odd)
		*odd = mended;
	if (!j && !text.n)
		snprintf(why, size, "it is empty");
	else if (!j)
		snprintf(why, size, "%.120s, in line %d at byte %d of %zu", e.text, e.line, e.position, text.n);
	buf_release(&b);
	return j;
}
