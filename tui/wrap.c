/* wrap: see wrap.h. */
#include "tui/wrap.h"
#include "tui/text.h"

unsigned wrap_text(struct frame *f, struct rect area, int x, int y, struct str s, bool ascii, enum role role, int *end)
{
	unsigned rows = 0;
	do {
		int used = 0, room = area.w - x - 1 > 1 ? area.w - x - 1 : 1;
		size_t n = text_fit(s, ascii, room, &used);
		if (!n)
			n = s.n;
		if (n < s.n && s.p[n] != ' ')        /* break at a blank where there is one in the second half */
			for (size_t i = n; i > n / 2; i--)
				if (s.p[i] == ' ') {
					n = i;
					break;
				}
		if (f && y + (int)rows >= 0 && y + (int)rows < area.h)
			frame_text(f, area, x, y + (int)rows, room, (struct str){ s.p, n }, role);
		if (end)
			*end = x + used;
		s.p += n;
		s.n -= n;
		while (s.n && *s.p == ' ')
			s.p++, s.n--;
		rows++;
	} while (s.n);
	return rows;
}
