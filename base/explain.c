/* explain: see explain.h. */
#include "base/explain.h"
#include "base/fmt.h"
#include <math.h>

#define FITS 0.005

static const char *const names[] = { "same", "log", "log1p", "log10", "logit", "sqrt", "unknown" };

const char *space_name(enum space s)
{
	return names[s];
}

double space_of(enum space s, double v)
{
	switch (s) {
	case SPACE_SAME: return v;
	case SPACE_LOG: return v > 0 ? log(v) : NAN;
	case SPACE_LOG1P: return v > -1 ? log1p(v) : NAN;
	case SPACE_LOG10: return v > 0 ? log10(v) : NAN;
	case SPACE_LOGIT: return v > 0 && v < 1 ? log(v / (1 - v)) : NAN;
	case SPACE_SQRT: return v >= 0 ? sqrt(v) : NAN;
	default: return NAN;
	}
}

double space_back(enum space s, double v)
{
	switch (s) {
	case SPACE_SAME: return v;
	case SPACE_LOG: return exp(v);
	case SPACE_LOG1P: return expm1(v);
	case SPACE_LOG10: return pow(10, v);
	case SPACE_LOGIT: return 1 / (1 + exp(-v));
	case SPACE_SQRT: return v * v;
	default: return NAN;
	}
}

enum space space_find(double base, double sum, double prediction, double *off)
{
	enum space best = SPACE_UNKNOWN;
	double total = base + sum, scale = fabs(prediction) > 1e-9 ? fabs(prediction) : 1e-9;
	*off = NAN;
	for (enum space s = SPACE_SAME; s < SPACE_UNKNOWN; s++) {
		if (isnan(space_of(s, prediction)))
			continue;
		double error = fabs(space_back(s, total) - prediction) / scale;
		/* a link must win clearly over the plain sum: near a fixed point both fit */
		if (error <= FITS && (best == SPACE_UNKNOWN || error < *off * 0.5)) {
			best = s;
			*off = error;
		}
	}
	if (best == SPACE_UNKNOWN && !isnan(total) && !isnan(prediction))
		*off = fabs(total - prediction) / scale;
	return best;
}

void space_effect(enum space s, double by, struct buf *out)
{
	double factor = s == SPACE_LOG10 ? pow(10, by) : exp(by);
	if (isnan(by) || (s != SPACE_LOG && s != SPACE_LOG1P && s != SPACE_LOG10 && s != SPACE_LOGIT))
		return;
	buf_addf(out, factor < 1000 ? "x%.3g" : "x%.2g", factor);
	if (s == SPACE_LOGIT)
		buf_adds(out, " odds");
}
