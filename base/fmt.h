/* fmt: numbers as people read them. Each function appends to out, in the C locale (the program must
 * leave LC_NUMERIC alone). Ages are letter for letter those of kubectl. */
#ifndef BASE_FMT_H
#define BASE_FMT_H
#include "base/buf.h"

/* Elapsed ms as kubectl's HumanDuration (k8s.io/apimachinery/pkg/util/duration): 119s, 2m, 9m59s, 179m,
 * 7h59m, 47h, 7d23h, 729d, 2y5d. From -1 s to 0: "0s"; before that "<invalid>". */
void fmt_age(int64_t elapsed_ms, struct buf *out);
/* A measured duration, finer than an age: 41ms, 1.2s, 1m40s, 21m50s, 3h12m, 2d4h. */
void fmt_duration(int64_t ms, struct buf *out);
void fmt_bytes(int64_t bytes, struct buf *out);     /* 0, 512, 1.5Ki, 509Mi, 11.2Gi */
void fmt_milli(int64_t thousandths, struct buf *out); /* 120m, 1.25, 3.8, 16 */
void fmt_pair(int64_t pair, struct buf *out);       /* base/kind.h's PAIR: 1/2 */
void fmt_count(int64_t n, struct buf *out);         /* plain digits: 10412 */
void fmt_thousands(int64_t n, struct buf *out);     /* for sentences: 10,412 */
void fmt_real(double v, struct buf *out);           /* four digits that matter: 0.4132, 612400; NaN "-" */
void fmt_ratio(double v, struct buf *out);          /* 0.18: 18 %; below a tenth 0.2 %; NaN "-" */
void fmt_money(double dollars, struct buf *out);    /* $0.0042, $0.93, $41.20, $1,234; NaN "-" */
void fmt_bool(bool v, struct buf *out);             /* true, false */
/* A field of a CSV file, quoted where it must be; what a spreadsheet would take for a formula gets a ' in front. */
void fmt_csv(struct str s, struct buf *out);

/* A list within a sentence, which names the first `most` (0: three) of n: "a, b, c and 4 more". */
struct few { unsigned most, n; struct buf text; };
void few_add(struct few *f, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* Once, after the last: the text, with how many more there are; "" for none. Borrowed; f->text is the caller's to release. */
const char *few_end(struct few *f);

/* A length of time as people write it ("90s", "1h30m", "1.5d", "500ms"; units ms s m h d w y) in ms; bare: a number without
 * a unit is seconds. False: it is none, *ms untouched. */
bool duration_parse(struct str s, bool bare, double *ms);

/* A share as people write it: "18%", "18 %" or 0.18. False: it is none, *out untouched. */
bool ratio_parse(struct str s, double *out);

/* A Kubernetes quantity ("100m", "1.5Gi", "2e3", "250000n"), rounded up to whole thousandths or whole
 * units as Go's MilliValue() and Value() do; beyond int64 it sticks at the limit. False: not a
 * quantity, *out untouched. */
bool quantity_milli(struct str s, int64_t *out);
bool quantity_units(struct str s, int64_t *out);

/* An RFC 3339 time ("2026-11-21T02:48:00Z", fractions and offsets allowed) in ms since 1970.
 * False: not a time, *out untouched. */
bool time_parse(struct str s, int64_t *out_ms);
/* A moment as people write it, wall ms: "17:45" and "17:45:10" (the last such time before now), "2026-11-21 17:45" (both local),
 * "30m", "-30m" or "2h30m ago" (so long ago), or RFC 3339. False: none of these, *at untouched. */
bool moment_parse(struct str s, int64_t now, int64_t *at);
/* What fmt_age writes ("7d23h", "2y5d"), in ms; as exact as it was written. False: no age, *out untouched. */
bool age_parse(struct str s, int64_t *out_ms);
#endif
