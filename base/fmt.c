/* fmt.c: see fmt.h. */
#include "base/fmt.h"
#include "base/kind.h"
#include <inttypes.h>
#include <math.h>
#include <stdio.h>

void fmt_age(int64_t elapsed_ms, struct buf *out)
{
	int64_t s = elapsed_ms / 1000, m = s / 60, h = m / 60, d = h / 24;
	long long a, b = 0;
	const char *ua, *ub = "";
	if (s < -1) {
		buf_adds(out, "<invalid>");
		return;
	}
	if (s < 120)
		a = s < 0 ? 0 : s, ua = "s";
	else if (m < 10)
		a = m, ua = "m", b = s % 60, ub = "s";
	else if (m < 180)
		a = m, ua = "m";
	else if (h < 8)
		a = h, ua = "h", b = m % 60, ub = "m";
	else if (h < 48)
		a = h, ua = "h";
	else if (d < 8)
		a = d, ua = "d", b = h % 24, ub = "h";
	else if (h < 24 * 365 * 2)
		a = d, ua = "d";
	else if (h < 24 * 365 * 8)
		a = d / 365, ua = "y", b = d % 365, ub = "d";
	else
		a = d / 365, ua = "y";
	buf_addf(out, "%lld%s", a, ua);
	if (b)
		buf_addf(out, "%lld%s", b, ub);
}

/* v with at most `decimals` digits after the point, none of them a trailing zero. */
static void add_trimmed(struct buf *out, double v, int decimals)
{
	buf_addf(out, "%.*f", decimals, v);
	if (decimals == 0 || !isfinite(v))
		return;
	while (out->data[out->len - 1] == '0')
		out->len--;
	if (out->data[out->len - 1] == '.')
		out->len--;
	out->data[out->len] = 0;
}

void fmt_duration(int64_t ms, struct buf *out)
{
	if (ms < 0) {
		buf_addc(out, '-');
		ms = ms == INT64_MIN ? INT64_MAX : -ms;
	}
	long long s = ms / 1000, a = s, b = 0;
	const char *ua = "s", *ub = "";
	if (ms < 1000) {
		buf_addf(out, "%" PRId64 "ms", ms);
		return;
	}
	if (ms < 10000) {
		add_trimmed(out, (double)(ms / 100) / 10, 1);
		buf_addc(out, 's');
		return;
	}
	if (s >= 86400)
		a = s / 86400, ua = "d", b = s / 3600 % 24, ub = "h";
	else if (s >= 3600)
		a = s / 3600, ua = "h", b = s / 60 % 60, ub = "m";
	else if (s >= 60)
		a = s / 60, ua = "m", b = s % 60, ub = "s";
	buf_addf(out, "%lld%s", a, ua);
	if (b)
		buf_addf(out, "%lld%s", b, ub);
}

void fmt_bytes(int64_t bytes, struct buf *out)
{
	static const char units[][3] = { "", "Ki", "Mi", "Gi", "Ti", "Pi", "Ei" };
	double v = (double)bytes;
	unsigned u = 0;
	/* 1023.95 of a unit would round to 1024 of it: that is one of the next. */
	while (fabs(v) >= (u == 0 ? 1024 : fabs(v) < 100 ? 1024 : 1023.5) && u + 1 < 7)
		v /= 1024, u++;
	add_trimmed(out, v, u == 0 || fabs(v) >= 99.95 ? 0 : 1);
	buf_adds(out, units[u]);
}

void fmt_milli(int64_t thousandths, struct buf *out)
{
	double v = (double)thousandths / 1000;
	if (thousandths > -1000 && thousandths < 1000)
		buf_addf(out, thousandths ? "%" PRId64 "m" : "%" PRId64, thousandths);
	else
		add_trimmed(out, v, fabs(v) < 10 ? 2 : fabs(v) < 100 ? 1 : 0);
}

void fmt_pair(int64_t pair, struct buf *out)
{
	buf_addf(out, "%" PRId32 "/%" PRId32, PAIR_NUM(pair), PAIR_DEN(pair));
}

void fmt_count(int64_t n, struct buf *out)
{
	buf_addf(out, "%" PRId64, n);
}

void fmt_thousands(int64_t n, struct buf *out)
{
	char digits[24];
	int len = snprintf(digits, sizeof digits, "%" PRId64, n);
	for (int i = 0; i < len; i++) {
		buf_addc(out, digits[i]);
		if (digits[i] != '-' && i + 1 < len && (len - i - 1) % 3 == 0)
			buf_addc(out, ',');
	}
}

void fmt_real(double v, struct buf *out)
{
	double a = fabs(v);
	if (isnan(v))
		buf_addc(out, '-');
	else if (a >= 1e15 || (a < 1e-4 && a > 0))
		buf_addf(out, "%.2e", v);
	else if (a >= 1000)
		buf_addf(out, "%.0f", v);
	else
		buf_addf(out, "%.4g", v);
}

void fmt_ratio(double v, struct buf *out)
{
	double pct = v * 100;
	if (isnan(v)) {
		buf_addc(out, '-');
		return;
	}
	add_trimmed(out, pct, fabs(pct) < 9.95 ? 1 : 0);
	buf_adds(out, " %");
}

void fmt_money(double dollars, struct buf *out)
{
	double a = fabs(dollars);
	if (isnan(dollars)) {
		buf_addc(out, '-');
		return;
	}
	if (dollars < 0)
		buf_addc(out, '-');
	buf_addc(out, '$');
	if (a >= 1000 && a < 1e15)
		fmt_thousands(llround(a), out);
	else
		buf_addf(out, a > 0 && a < 0.01 ? "%.4f" : "%.2f", a);
}

void fmt_bool(bool v, struct buf *out)
{
	buf_adds(out, v ? "true" : "false");
}

void fmt_csv(struct str s, struct buf *out)
{
	bool number = s.n > 1 && (s.p[0] == '-' || s.p[0] == '+') && strchr("0123456789.", s.p[1]);
	bool formula = s.n && s.p[0] && strchr("=+-@\t\r", s.p[0]) && !number, quoted = formula;

	for (size_t i = 0; i < s.n && !quoted; i++)
		quoted = s.p[i] && strchr(",\"\r\n", s.p[i]);
	if (!quoted) {
		buf_addstr(out, s);
		return;
	}
	buf_adds(out, formula ? "\"'" : "\"");
	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] == '"')
			buf_addc(out, '"');
		buf_addc(out, s.p[i]);
	}
	buf_addc(out, '"');
}

static unsigned few_most(const struct few *f)
{
	return f->most ? f->most : 3;
}

void few_add(struct few *f, const char *fmt, ...)
{
	va_list ap;
	if (f->n++ >= few_most(f))
		return;
	if (f->text.len)
		buf_adds(&f->text, ", ");
	va_start(ap, fmt);
	buf_vaddf(&f->text, fmt, ap);
	va_end(ap);
}

const char *few_end(struct few *f)
{
	if (f->n > few_most(f))
		buf_addf(&f->text, " and %u more", f->n - few_most(f));
	return f->text.data ? f->text.data : "";
}
