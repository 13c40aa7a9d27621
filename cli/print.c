/* print: see print.h. */
#define _GNU_SOURCE
#include "cli/print.h"
#include "tui/text.h"
#include <unistd.h>

void print_text(FILE *to, const char *s, int width)
{
	struct str rest = str_of(s);
	struct piece p;
	int used = 0;
	while (piece_next(&rest, false, &p)) {
		fwrite(p.text, 1, p.n, to);
		used += p.width;
	}
	if (width)
		fprintf(to, "%*s", used < width ? width - used : 1, "");
}

bool print_raw_is_safe(FILE *to)
{
	return !isatty(fileno(to));
}
