/* Any bytes as the small texts that come from systems: lists of features, log lines, quantities, times, numbers, and
 * what is to be redacted. The first byte says which. */
#include "backends/drift/features.h"
#include "base/fmt.h"
#include "base/logline.h"
#include "base/redact.h"
#include <jansson.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_features(struct str s)
{
	struct feature_list f = { 0 };
	features_parse(&f, s);
	unsigned drifted = 0;
	for (unsigned i = 0; i < f.n; i++) {
		struct str name = feature_name(&f, i);
		if (!name.n || name.n > FEATURE_NAME_MAX || (size_t)f.items[i].at + f.items[i].len > f.text.len)
			abort();
		drifted += f.items[i].drifted;
	}
	if (f.n > FEATURES_MAX || drifted != f.drifted)
		abort();
	features_release(&f);
}

static void check_line(struct str s)
{
	struct logline l = logline_parse(s);
	int64_t ns;
	if (l.time.n + l.where.n + l.text.n > s.n || (l.time.n && !logline_time(l.time, &ns)))
		abort();
}

static void check_numbers(struct str s)
{
	struct buf out = { 0 };
	int64_t v;
	double d;
	if (quantity_milli(s, &v))
		fmt_milli(v, &out);
	if (quantity_units(s, &v))
		fmt_bytes(v, &out);
	if (time_parse(s, &v))
		fmt_age(v, &out);
	if (str_to_f64(s, &d))
		fmt_real(d, &out);
	buf_release(&out);
}

static void check_redact(struct str s)
{
	free(redact_text(s));
	json_t *doc = json_loadb(s.p, s.n, JSON_DECODE_ANY, NULL), *clean = redact_json(doc);
	json_decref(clean);
	json_decref(doc);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static void (*const checks[])(struct str) = { check_features, check_line, check_numbers, check_redact };
	if (size)
		checks[data[0] % 4]((struct str){ (const char *)data + 1, size - 1 });
	return 0;
}
