/* decode_common.c: see decode_common.h. Field numbers: k8s.io/apimachinery v0.34 pkg/apis/meta/v1/generated.proto
 * (ObjectMeta, OwnerReference, LabelSelector, Time). Texts follow k8s.io/apimachinery pkg/labels. */
#include "backends/kubernetes/decode_common.h"
#include "base/fmt.h"
#include "base/mem.h"
#include <stdlib.h>

bool read_parts(struct str raw, struct parts *p)
{
	struct pb r = pb_of(raw);
	*p = (struct parts){ { "", 0 }, { "", 0 }, { "", 0 } };
	while (pb_next(&r)) {
		if (r.field == 1)
			p->metadata = r.bytes;
		else if (r.field == 2)
			p->spec = r.bytes;
		else if (r.field == 3)
			p->status = r.bytes;
	}
	return !r.bad;
}

int64_t read_time(struct str s)
{
	struct pb r = pb_of(s);
	int64_t seconds = 0, nanos = 0;
	while (pb_next(&r)) {
		if (r.field == 1)
			seconds = (int64_t)r.number;
		else if (r.field == 2)
			nanos = (int32_t)r.number;
	}
	/* Year 9999 is the last that Kubernetes can write. */
	if (r.bad || seconds < 0 || seconds > 253402300799 || nanos < 0 || nanos > 999999999)
		return 0;
	return seconds * 1000 + nanos / 1000000;
}

static void read_owner(struct str s, struct decoded_meta *m)
{
	struct pb r = pb_of(s);
	struct str kind = { "", 0 }, name = { "", 0 }, uid = { "", 0 };
	bool controller = false;
	while (pb_next(&r)) {
		switch (r.field) {
		case 1: kind = r.bytes; break;
		case 3: name = r.bytes; break;
		case 4: uid = r.bytes; break;
		case 6: controller = r.number != 0; break;
		}
	}
	if (m->owner_kind.n && !controller)
		return;
	m->owner_kind = kind;
	m->owner_name = name;
	m->owner_uid = uid;
}

bool read_meta(struct str metadata, struct decoded_meta *m)
{
	struct pb r = pb_of(metadata);
	struct str key, value;
	while (pb_next(&r)) {
		switch (r.field) {
		case 1: m->name = r.bytes; break;
		case 3: m->ns = r.bytes; break;
		case 5: m->uid = r.bytes; break;
		case 6: m->resource_version = r.bytes; break;
		case 8: m->created = read_time(r.bytes); break;
		case 9: m->deleted = read_time(r.bytes); break;
		case 12:
			if (r.bytes.n > 64)   /* long annotations are of no interest */
				break;
			read_entry(r.bytes, &key, &value);
			if (str_is(key, "k8s.io/initial-events-end"))
				m->initial_events_end = str_is(value, "true");
			break;
		case 13: read_owner(r.bytes, m); break;
		}
	}
	return !r.bad;
}

void put_row(struct decoder *d, const struct decoded_meta *m, enum level level, struct buf *rows)
{
	rows_put(rows, buf_str(&d->key), level);
}

void put_names(const struct decoded_meta *m, bool namespaced, struct buf *rows)
{
	if (namespaced)
		cell_text_or_null(rows, m->ns);
	cell_text(rows, m->name);
}

/* ---- maps */

static void add_pair(struct decoder *d, struct str a, struct str b)
{
	if (d->npairs + 2 > d->cap_pairs) {
		d->cap_pairs = d->cap_pairs ? d->cap_pairs * 2 : 64;
		d->pairs = xreallocarray(d->pairs, d->cap_pairs, sizeof(*d->pairs));
	}
	d->pairs[d->npairs++] = a;
	d->pairs[d->npairs++] = b;
}

/* Order of "key=value" as one text. */
static int cmp_entries(const void *a, const void *b)
{
	const struct str *x = a, *y = b;
	size_t n = x[0].n < y[0].n ? x[0].n : y[0].n;
	int c = n ? memcmp(x[0].p, y[0].p, n) : 0;
	if (c)
		return c;
	if (x[0].n == y[0].n)
		return str_cmp(x[1], y[1]);
	return x[0].n < y[0].n ? '=' - (unsigned char)y[0].p[n] : (unsigned char)x[0].p[n] - '=';
}

static int cmp_keys(const void *a, const void *b)
{
	return str_cmp(*(const struct str *)a, *(const struct str *)b);
}

/* Few pairs, mostly in order already: insertion; many: qsort. */
static void sort_pairs(struct str *p, size_t n, int (*cmp)(const void *, const void *))
{
	if (n > 64) {
		qsort(p, n / 2, 2 * sizeof(*p), cmp);
		return;
	}
	for (size_t i = 2; i < n; i += 2) {
		struct str k = p[i], v = p[i + 1], pair[2] = { k, v };
		size_t j = i;
		for (; j && cmp(&p[j - 2], pair) > 0; j -= 2) {
			p[j] = p[j - 2];
			p[j + 1] = p[j - 1];
		}
		p[j] = k;
		p[j + 1] = v;
	}
}

void put_map(struct decoder *d, struct str s, uint32_t field, struct buf *rows)
{
	struct pb r = pb_of(s);
	struct str key, value;
	d->npairs = 0;
	while (pb_next(&r)) {
		if (r.field != field)
			continue;
		read_entry(r.bytes, &key, &value);
		add_pair(d, key, value);
	}
	sort_pairs(d->pairs, d->npairs, cmp_entries);
	buf_clear(&d->text);
	for (size_t i = 0; i < d->npairs; i += 2) {
		if (i)
			buf_addc(&d->text, ',');
		buf_addstr(&d->text, d->pairs[i]);
		buf_addc(&d->text, '=');
		buf_addstr(&d->text, d->pairs[i + 1]);
	}
	cell_text_or_null(rows, buf_str(&d->text));
}

void put_tail(struct decoder *d, struct str metadata, const struct decoded_meta *m, struct buf *rows)
{
	put_map(d, metadata, 11, rows);
	if (m->owner_kind.n) {
		buf_clear(&d->text);
		buf_addstr(&d->text, m->owner_kind);
		buf_addc(&d->text, '/');
		buf_addstr(&d->text, m->owner_name);
		cell_text(rows, buf_str(&d->text));
	} else {
		cell_null(rows);
	}
	cell_text_or_null(rows, m->uid);
}

bool find_string(struct str s, uint32_t field, const char *key, struct str *text)
{
	struct pb r = pb_of(s);
	struct str k, v;
	while (pb_next(&r)) {
		if (r.field != field)
			continue;
		read_entry(r.bytes, &k, &v);
		if (str_is(k, key)) {
			*text = v;
			return true;
		}
	}
	return false;
}

bool find_quantity(struct str s, uint32_t field, const char *key, struct str *text)
{
	struct str quantity;
	if (!find_string(s, field, key, &quantity))
		return false;
	*text = pb_get(quantity, 1);
	return true;
}

static bool is_gpu(struct str name)
{
	return str_is(name, "nvidia.com/gpu") || str_is(name, "amd.com/gpu") ||
	       str_starts(name, STR("nvidia.com/mig-")) || str_starts(name, STR("gpu.intel.com/")) ||
	       str_is(name, "habana.ai/gaudi") || str_is(name, "aws.amazon.com/neuron");
}

int64_t count_gpus(struct str s, uint32_t field)
{
	struct pb r = pb_of(s);
	struct str k, v;
	int64_t n, sum = 0;
	while (pb_next(&r)) {
		if (r.field != field)
			continue;
		read_entry(r.bytes, &k, &v);
		if (is_gpu(k) && quantity_units(pb_get(v, 1), &n) && n > 0 && n < 1000000)
			sum += n;
	}
	return sum < INT32_MAX ? sum : INT32_MAX;
}

/* ---- selectors */

static int cmp_str(const void *a, const void *b)
{
	return str_cmp(*(const struct str *)a, *(const struct str *)b);
}

/* "key in (a,b)". The values go after the pairs in d->pairs and are dropped again. */
static void add_expression(struct decoder *d, struct str s)
{
	struct pb r = pb_of(s);
	struct str key = { "", 0 }, op = { "", 0 };
	size_t first = d->npairs;
	while (pb_next(&r)) {
		if (r.field == 1)
			key = r.bytes;
		else if (r.field == 2)
			op = r.bytes;
		else if (r.field == 3)
			add_pair(d, r.bytes, r.bytes);
	}
	size_t n = (d->npairs - first) / 2;
	for (size_t i = 1; i < n; i++)
		d->pairs[first + i] = d->pairs[first + 2 * i];
	if (n > 1)
		qsort(d->pairs + first, n, sizeof(*d->pairs), cmp_str);
	bool in = str_is(op, "In"), not_in = str_is(op, "NotIn");
	if (str_is(op, "DoesNotExist"))
		buf_addc(&d->text, '!');
	buf_addstr(&d->text, key);
	if (in || not_in) {
		buf_adds(&d->text, in ? " in (" : " notin (");
		for (size_t i = 0; i < n; i++) {
			if (i)
				buf_addc(&d->text, ',');
			buf_addstr(&d->text, d->pairs[first + i]);
		}
		buf_addc(&d->text, ')');
	}
	d->npairs = first;
}

void put_selector(struct decoder *d, struct str selector, struct buf *rows)
{
	struct pb r = pb_of(selector);
	struct str key, value;
	d->npairs = 0;
	while (pb_next(&r)) {
		if (r.field != 1)
			continue;
		read_entry(r.bytes, &key, &value);
		add_pair(d, key, value);
	}
	size_t labels = d->npairs, at = 0;
	for (r = pb_of(selector); pb_next(&r);)
		if (r.field == 2)
			add_pair(d, pb_get(r.bytes, 1), r.bytes);
	size_t all = d->npairs, more = labels;
	sort_pairs(d->pairs, labels, cmp_keys);
	if (all > labels)
		sort_pairs(d->pairs + labels, all - labels, cmp_keys);
	buf_clear(&d->text);
	while (at < labels || more < all) {
		if (d->text.len)
			buf_addc(&d->text, ',');
		if (at == labels || (more < all && cmp_keys(&d->pairs[more], &d->pairs[at]) < 0)) {
			add_expression(d, d->pairs[more + 1]);
			more += 2;
			continue;
		}
		buf_addstr(&d->text, d->pairs[at]);
		buf_addc(&d->text, '=');
		buf_addstr(&d->text, d->pairs[at + 1]);
		at += 2;
	}
	cell_text_or_null(rows, buf_str(&d->text));
}

static void put_field_of_containers(struct decoder *d, struct str pod_spec, uint32_t field, struct buf *rows)
{
	struct pb r = pb_of(pod_spec);
	bool first = true;
	buf_clear(&d->text);
	while (pb_next(&r)) {
		if (r.field != 2)
			continue;
		if (!first)
			buf_addc(&d->text, ',');
		first = false;
		buf_addstr(&d->text, pb_get(r.bytes, field));
	}
	cell_text_or_null(rows, buf_str(&d->text));
}

void put_containers_images(struct decoder *d, struct str pod_spec, struct buf *rows)
{
	put_field_of_containers(d, pod_spec, 1, rows);
	put_field_of_containers(d, pod_spec, 2, rows);
}

struct condition read_condition(struct str s, uint32_t reason_field)
{
	struct condition c = { { "", 0 }, { "", 0 }, { "", 0 } };
	struct pb r = pb_of(s);
	while (pb_next(&r)) {
		if (r.field == 1)
			c.type = r.bytes;
		else if (r.field == 2)
			c.status = r.bytes;
		else if (r.field == reason_field)
			c.reason = r.bytes;
	}
	return c;
}
