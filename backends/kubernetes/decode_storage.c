/* decode_storage.c: config maps, secrets, volumes, claims and storage classes, as
 * pkg/printers/internalversion/printers.go of k8s.io/kubernetes v1.34 prints them. Of config maps and secrets only the
 * number and size of the values are looked at: no value is copied anywhere. */
#include "backends/kubernetes/decode_common.h"
#include "base/fmt.h"

/* Entries of map fields a and b (0 = none): how many, and the bytes of their values. */
static void count_data(struct str raw, uint32_t a, uint32_t b, int64_t *n, int64_t *bytes)
{
	struct pb r = pb_of(raw);
	*n = *bytes = 0;
	while (pb_next(&r)) {
		if (r.field != a && (!b || r.field != b))
			continue;
		struct str key, value;
		read_entry(r.bytes, &key, &value);
		*bytes += (int64_t)value.n;
		++*n;
	}
}

bool decode_configmap(struct decoder *d, struct str raw, struct decoded_meta *m, struct buf *rows)
{
	int64_t n, bytes;
	count_data(raw, 2, 3, &n, &bytes);
	put_row(d, m, LEVEL_NONE, rows);
	put_names(m, true, rows);
	cell_count(rows, n);
	cell_time(rows, m->created);
	cell_int(rows, bytes);
	put_tail(d, pb_get(raw, 1), m, rows);
	return true;
}

bool decode_secret(struct decoder *d, struct str raw, struct decoded_meta *m, struct buf *rows)
{
	int64_t n, bytes;
	count_data(raw, 2, 0, &n, &bytes);
	put_row(d, m, LEVEL_NONE, rows);
	put_names(m, true, rows);
	cell_text_or_null(rows, pb_get(raw, 3));
	cell_count(rows, n);
	cell_time(rows, m->created);
	cell_int(rows, bytes);
	put_tail(d, pb_get(raw, 1), m, rows);
	return true;
}

/* ---- volumes */

static void put_access_modes(struct decoder *d, struct str s, uint32_t field, struct buf *rows)
{
	static const struct { const char *mode, *text; } modes[] = {
		{ "ReadWriteOnce", "RWO" }, { "ReadOnlyMany", "ROX" }, { "ReadWriteMany", "RWX" },
		{ "ReadWriteOncePod", "RWOP" },
	};
	unsigned found = 0;
	struct pb r = pb_of(s);
	while (pb_next(&r))
		for (unsigned i = 0; r.field == field && i < 4; i++)
			found |= (unsigned)str_is(r.bytes, modes[i].mode) << i;
	buf_clear(&d->text);
	for (unsigned i = 0; i < 4; i++)
		if (found >> i & 1)
			buf_addf(&d->text, d->text.len ? ",%s" : "%s", modes[i].text);
	cell_text_or_null(rows, buf_str(&d->text));
}

static void put_bytes(struct str quantity, bool known, struct buf *rows)
{
	int64_t v;
	known && quantity_units(quantity, &v) ? cell_int(rows, v) : cell_null(rows);
}

/* A field that is there but empty is printed as such; one that is not there is unknown. */
static void put_optional(struct str s, uint32_t field, struct buf *rows)
{
	struct pb r = pb_of(s);
	struct str found = { NULL, 0 };
	bool there = false;
	while (pb_next(&r))
		if (r.field == field) {
			found = r.bytes;
			there = true;
		}
	there ? cell_text(rows, found) : cell_null(rows);
}

/* The annotation that came before the field. */
static void put_class(struct str metadata, struct str spec, uint32_t field, struct buf *rows)
{
	struct str class;
	if (!find_string(metadata, 12, "volume.beta.kubernetes.io/storage-class", &class))
		class = pb_get(spec, field);
	cell_text_or_null(rows, class);
}

static enum level claim_level(struct str phase, const struct decoded_meta *m)
{
	if (str_is(phase, "Lost") || str_is(phase, "Failed"))
		return LEVEL_BAD;
	if (m->deleted || str_is(phase, "Pending"))
		return LEVEL_BUSY;
	return str_is(phase, "Released") ? LEVEL_DOUBT : LEVEL_OK;
}

bool decode_pvc(struct decoder *d, struct str raw, struct decoded_meta *m, struct buf *rows)
{
	struct parts p;
	if (!read_parts(raw, &p))
		return false;
	struct str phase = pb_get(p.status, 1), volume = pb_get(p.spec, 3), capacity = STR("0"), request = { "", 0 };
	bool requested = find_quantity(pb_get(p.spec, 2), 2, "storage", &request);
	find_quantity(p.status, 3, "storage", &capacity);
	put_row(d, m, claim_level(phase, m), rows);
	put_names(m, true, rows);
	cell_text_or_null(rows, m->deleted ? STR("Terminating") : phase);
	cell_text_or_null(rows, volume);
	if (volume.n) {
		cell_text_or_null(rows, capacity);
		put_access_modes(d, p.status, 2, rows);
	} else {
		cell_null(rows);
		cell_null(rows);
	}
	put_class(p.metadata, p.spec, 5, rows);
	put_optional(p.spec, 9, rows);
	cell_time(rows, m->created);
	put_optional(p.spec, 6, rows);
	put_bytes(capacity, volume.n > 0, rows);
	put_bytes(request, requested, rows);
	put_tail(d, p.metadata, m, rows);
	return true;
}

bool decode_pv(struct decoder *d, struct str raw, struct decoded_meta *m, struct buf *rows)
{
	struct parts p;
	if (!read_parts(raw, &p))
		return false;
	struct str phase = pb_get(p.status, 1), capacity = STR("0"), claim = pb_get(p.spec, 4);
	bool known = find_quantity(p.spec, 1, "storage", &capacity);
	put_row(d, m, claim_level(phase, m), rows);
	put_names(m, false, rows);
	cell_text_or_null(rows, capacity);
	put_access_modes(d, p.spec, 3, rows);
	cell_text_or_null(rows, pb_get(p.spec, 5));
	cell_text_or_null(rows, m->deleted ? STR("Terminating") : phase);
	if (claim.n) {
		buf_clear(&d->text);
		buf_addstr(&d->text, pb_get(claim, 2));
		buf_addc(&d->text, '/');
		buf_addstr(&d->text, pb_get(claim, 3));
		cell_text(rows, buf_str(&d->text));
	} else {
		cell_null(rows);
	}
	put_class(p.metadata, p.spec, 6, rows);
	put_optional(p.spec, 10, rows);
	cell_text_or_null(rows, pb_get(p.status, 3));
	cell_time(rows, m->created);
	put_optional(p.spec, 8, rows);
	put_bytes(capacity, known, rows);
	put_tail(d, p.metadata, m, rows);
	return true;
}

bool decode_storageclass(struct decoder *d, struct str raw, struct decoded_meta *m, struct buf *rows)
{
	struct str provisioner = { "", 0 }, reclaim = STR("Delete"), binding = STR("Immediate"), metadata = { "", 0 };
	struct str value = { "", 0 };
	bool expandable = false;
	struct pb r = pb_of(raw);
	while (pb_next(&r)) {
		switch (r.field) {
		case 1: metadata = r.bytes; break;
		case 2: provisioner = r.bytes; break;
		case 4: reclaim = r.bytes; break;
		case 6: expandable = r.number != 0; break;
		case 7: binding = r.bytes; break;
		}
	}
	bool is_default = find_string(metadata, 12, "storageclass.kubernetes.io/is-default-class", &value) &&
		str_is(value, "true");
	if (!is_default)
		is_default = find_string(metadata, 12, "storageclass.beta.kubernetes.io/is-default-class", &value) &&
			str_is(value, "true");
	put_row(d, m, LEVEL_NONE, rows);
	put_names(m, false, rows);
	cell_text_or_null(rows, provisioner);
	cell_text_or_null(rows, reclaim);
	cell_text_or_null(rows, binding);
	cell_int(rows, expandable);
	cell_time(rows, m->created);
	cell_int(rows, is_default);
	put_tail(d, metadata, m, rows);
	return !r.bad;
}
