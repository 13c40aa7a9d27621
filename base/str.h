/* str: a borrowed run of bytes, with its length; never owns, may hold NUL and bad UTF-8. */
#ifndef BASE_STR_H
#define BASE_STR_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct str {
	const char *p;
	size_t n;
};

#define STR(lit) ((struct str){ (lit), sizeof(lit) - 1 })
#define STR_FMT "%.*s"
#define STR_ARG(s) ((int)(s).n), ((s).p ? (s).p : "")

static inline struct str str_of(const char *s)
{
	return (struct str){ s, s ? strlen(s) : 0 };
}

static inline bool str_eq(struct str a, struct str b)
{
	return a.n == b.n && (a.n == 0 || memcmp(a.p, b.p, a.n) == 0);
}

static inline bool str_is(struct str a, const char *b)
{
	return str_eq(a, str_of(b));
}
bool str_is_fold(struct str a, const char *b);     /* ASCII case folded: names of headers */
bool str_starts_fold(struct str s, const char *prefix);

int str_cmp(struct str a, struct str b);           /* bytes, shorter first; <0, 0, >0 */
int str_cmp_natural(struct str a, struct str b);   /* runs of digits compare as numbers: v9 < v10 */
bool str_starts(struct str s, struct str prefix);
bool str_ends(struct str s, struct str suffix);
#define STR_NONE ((size_t)-1)
/* Where part first stands in s (0 for an empty part), ASCII case folded or not; STR_NONE: nowhere. */
size_t str_find(struct str s, struct str part, bool folded);
static inline bool str_contains_fold(struct str s, struct str part) { return str_find(s, part, true) != STR_NONE; }
struct str str_trim(struct str s);                 /* without blanks at both ends */
/* Take the part of *rest before `sep`; *rest becomes what follows (n = 0 and p = NULL at the end). */
struct str str_split(struct str *rest, char sep);
bool str_to_i64(struct str s, int64_t *out);       /* whole string, decimal, no overflow; else false */
bool str_to_f64(struct str s, double *out);        /* whole string, C locale; inf and nan refused */
char *str_dup(struct str s);                       /* NUL-terminated copy, caller frees */
uint32_t str_hash(struct str s);                   /* FNV-1a folded; not for untrusted persistence */
/* Of n names the one nearest to `word` by edit distance, if near enough to be meant; else NULL. */
const char *str_nearest(struct str word, const char *const *names, size_t n);
/* The same, with at most so many letters more, less, other, or changed with their neighbour: 1 is a slip of the finger. */
const char *str_nearest_within(struct str word, const char *const *names, size_t n, unsigned most);
#endif
