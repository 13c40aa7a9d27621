/* str: see str.h. */
#define _GNU_SOURCE
#include "base/str.h"
#include "base/mem.h"
#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <strings.h>

int str_cmp(struct str a, struct str b)
{
	size_t n = a.n < b.n ? a.n : b.n;
	int c = n ? memcmp(a.p, b.p, n) : 0;
	return c ? c : (a.n > b.n) - (a.n < b.n);
}

static inline bool digit(char c)
{
	return c >= '0' && c <= '9';
}

/* Compare the runs of digits at a[*i] and b[*j] as numbers; both indexes move past them. */
static int cmp_digits(struct str a, size_t *i, struct str b, size_t *j)
{
	while (*i < a.n && a.p[*i] == '0')
		++*i;
	while (*j < b.n && b.p[*j] == '0')
		++*j;
	size_t i0 = *i, j0 = *j;
	while (*i < a.n && digit(a.p[*i]))
		++*i;
	while (*j < b.n && digit(b.p[*j]))
		++*j;
	size_t na = *i - i0, nb = *j - j0;
	if (na != nb)
		return na < nb ? -1 : 1;
	return na ? memcmp(a.p + i0, b.p + j0, na) : 0;
}

int str_cmp_natural(struct str a, struct str b)
{
	size_t i = 0, j = 0;
	while (i < a.n && j < b.n) {
		if (digit(a.p[i]) && digit(b.p[j])) {
			int c = cmp_digits(a, &i, b, &j);
			if (c)
				return c;
			continue;
		}
		if (a.p[i] != b.p[j])
			return (unsigned char)a.p[i] < (unsigned char)b.p[j] ? -1 : 1;
		i++, j++;
	}
	if (i < a.n || j < b.n)
		return i < a.n ? 1 : -1;
	return str_cmp(a, b);   /* equal but for leading zeros */
}

bool str_is_fold(struct str a, const char *b)
{
	return a.n == strlen(b) && strncasecmp(a.p, b, a.n) == 0;
}

bool str_starts_fold(struct str s, const char *prefix)
{
	return s.n >= strlen(prefix) && strncasecmp(s.p, prefix, strlen(prefix)) == 0;
}

bool str_starts(struct str s, struct str prefix)
{
	return s.n >= prefix.n && (prefix.n == 0 || memcmp(s.p, prefix.p, prefix.n) == 0);
}

bool str_ends(struct str s, struct str suffix)
{
	return s.n >= suffix.n && (suffix.n == 0 || memcmp(s.p + s.n - suffix.n, suffix.p, suffix.n) == 0);
}

static inline unsigned char fold(char c)
{
	return c >= 'A' && c <= 'Z' ? (unsigned char)(c | 0x20) : (unsigned char)c;
}

size_t str_find(struct str s, struct str part, bool folded)
{
	if (!part.n || part.n > s.n)
		return part.n ? STR_NONE : 0;
	if (!folded) {
		const char *at = memmem(s.p, s.n, part.p, part.n);
		return at ? (size_t)(at - s.p) : STR_NONE;
	}
	unsigned char lower = fold(part.p[0]), upper = (unsigned char)toupper(lower);
	for (size_t i = 0; i + part.n <= s.n; i++) {
		unsigned char c = (unsigned char)s.p[i];
		if (c != lower && c != upper)
			continue;
		size_t k = 1;
		while (k < part.n && fold(s.p[i + k]) == fold(part.p[k]))
			k++;
		if (k == part.n)
			return i;
	}
	return STR_NONE;
}

struct str str_trim(struct str s)
{
	while (s.n && isspace((unsigned char)s.p[0]))
		s.p++, s.n--;
	while (s.n && isspace((unsigned char)s.p[s.n - 1]))
		s.n--;
	return s;
}

struct str str_split(struct str *rest, char sep)
{
	const char *at = rest->n ? memchr(rest->p, sep, rest->n) : NULL;
	struct str part = *rest;
	if (!at) {
		*rest = (struct str){ NULL, 0 };
		return part;
	}
	part.n = (size_t)(at - rest->p);
	rest->p = at + 1;
	rest->n -= part.n + 1;
	return part;
}

bool str_to_i64(struct str s, int64_t *out)
{
	char tmp[32], *end;
	if (!s.n || s.n >= sizeof(tmp) || isspace((unsigned char)s.p[0]))
		return false;
	memcpy(tmp, s.p, s.n);
	tmp[s.n] = '\0';
	errno = 0;
	long long v = strtoll(tmp, &end, 10);
	if (errno || end != tmp + s.n)
		return false;
	*out = v;
	return true;
}

bool str_to_f64(struct str s, double *out)
{
	char tmp[64], *end;
	if (!s.n || s.n >= sizeof(tmp) || !strchr("+-.0123456789", s.p[0]))
		return false;
	memcpy(tmp, s.p, s.n);
	tmp[s.n] = '\0';
	double v = strtod(tmp, &end);   /* LC_NUMERIC stays "C": main sets only LC_CTYPE */
	if (end != tmp + s.n || !isfinite(v))
		return false;
	*out = v;
	return true;
}

char *str_dup(struct str s)
{
	return xstrndup(s.p, s.n);
}

uint32_t str_hash(struct str s)
{
	uint64_t h = 0xcbf29ce484222325u;
	for (size_t i = 0; i < s.n; i++)
		h = (h ^ (unsigned char)s.p[i]) * 0x100000001b3u;
	return (uint32_t)(h ^ h >> 32);
}

/* Optimal string alignment distance (a swap of neighbours counts one), words up to 254 bytes. */
static unsigned distance(struct str a, struct str b)
{
	unsigned rows[3][256];
	if (a.n > 254 || b.n > 254)
		return 999;
	for (unsigned j = 0; j <= b.n; j++)
		rows[0][j] = j;
	for (unsigned i = 1; i <= a.n; i++) {
		unsigned *now = rows[i % 3], *was = rows[(i + 2) % 3], *before = rows[(i + 1) % 3];
		now[0] = i;
		for (unsigned j = 1; j <= b.n; j++) {
			unsigned cost = fold(a.p[i - 1]) != fold(b.p[j - 1]);
			unsigned best = was[j - 1] + cost;
			if (was[j] + 1 < best)
				best = was[j] + 1;
			if (now[j - 1] + 1 < best)
				best = now[j - 1] + 1;
			if (i > 1 && j > 1 && a.p[i - 1] == b.p[j - 2] && a.p[i - 2] == b.p[j - 1] &&
			    before[j - 2] + 1 < best)
				best = before[j - 2] + 1;
			now[j] = best;
		}
	}
	return rows[a.n % 3][b.n];
}

const char *str_nearest_within(struct str word, const char *const *names, size_t n, unsigned most)
{
	const char *best = NULL;
	unsigned least = most + 1;
	for (size_t i = 0; i < n; i++) {
		unsigned d = distance(word, str_of(names[i]));
		if (d < least)
			least = d, best = names[i];
	}
	return best;
}

const char *str_nearest(struct str word, const char *const *names, size_t n)
{
	return str_nearest_within(word, names, n, (unsigned)(word.n / 3 + 1));
}
