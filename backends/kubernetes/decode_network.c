/* decode_network.c: services, endpoints and ingresses, as pkg/printers/internalversion/printers.go of
 * k8s.io/kubernetes v1.34 prints them. Field numbers: k8s.io/api v0.34 core/v1 and networking/v1 generated.proto. */
#include "backends/kubernetes/decode_common.h"
#include "base/mem.h"
#include <stdlib.h>

static void add_item(struct buf *b, struct str item)
{
	if (b->len)
		buf_addc(b, ',');
	buf_addstr(b, item);
}

static int cmp_str(const void *a, const void *b)
{
	return str_cmp(*(const struct str *)a, *(const struct str *)b);
}

/* The addresses of a LoadBalancerStatus, each once, sorted, in d->text. IngressLoadBalancerStatus has the same
 * numbers. */
static void add_load_balancers(struct decoder *d, struct str status)
{
	struct pb r = pb_of(status);
	d->npairs = 0;
	while (pb_next(&r)) {
		if (r.field != 1)
			continue;
		struct str ip, host;
		read_entry(r.bytes, &ip, &host);   /* fields 1 and 2, as in a map's entry */
		if (!ip.n && !host.n)
			continue;
		if (d->npairs == d->cap_pairs) {
			d->cap_pairs = d->cap_pairs ? d->cap_pairs * 2 : 64;
			d->pairs = xreallocarray(d->pairs, d->cap_pairs, sizeof(*d->pairs));
		}
		d->pairs[d->npairs++] = ip.n ? ip : host;
	}
	if (d->npairs > 1)
		qsort(d->pairs, d->npairs, sizeof(*d->pairs), cmp_str);
	for (size_t i = 0; i < d->npairs; i++)
		if (!i || !str_eq(d->pairs[i], d->pairs[i - 1]))
			add_item(&d->text, d->pairs[i]);
}

static void add_strings(struct buf *b, struct str s, uint32_t field)
{
	struct pb r = pb_of(s);
	while (pb_next(&r))
		if (r.field == field)
			add_item(b, r.bytes);
}

static void put_external_ip(struct decoder *d, const struct parts *p, struct str type, struct buf *rows)
{
	buf_clear(&d->text);
	if (str_is(type, "ExternalName")) {
		cell_text_or_null(rows, pb_get(p->spec, 10));
		return;
	}
	if (str_is(type, "LoadBalancer")) {
		add_load_balancers(d, pb_get(p->status, 1));
		add_strings(&d->text, p->spec, 5);
		buf_adds(&d->text, d->text.len ? "" : "<pending>");
	} else if (str_is(type, "ClusterIP") || str_is(type, "NodePort")) {
		add_strings(&d->text, p->spec, 5);
	} else {
		buf_adds(&d->text, "<unknown>");
	}
	cell_text_or_null(rows, buf_str(&d->text));
}

static void put_service_ports(struct decoder *d, struct str spec, struct buf *rows)
{
	struct pb r = pb_of(spec);
	buf_clear(&d->text);
	while (pb_next(&r)) {
		if (r.field != 1)
			continue;
		struct pb in = pb_of(r.bytes);
		struct str protocol = { "", 0 };
		int32_t port = 0, node_port = 0;
		while (pb_next(&in)) {
			switch (in.field) {
			case 2: protocol = in.bytes; break;
			case 3: port = (int32_t)in.number; break;
			case 5: node_port = (int32_t)in.number; break;
			}
		}
		buf_addf(&d->text, d->text.len ? ",%d" : "%d", port);
		if (node_port > 0)
			buf_addf(&d->text, ":%d", node_port);
		buf_addc(&d->text, '/');
		buf_addstr(&d->text, protocol);
	}
	cell_text_or_null(rows, buf_str(&d->text));
}

static struct str first_string(struct str s, uint32_t field)
{
	struct pb r = pb_of(s);
	while (pb_next(&r))
		if (r.field == field)
			return r.bytes;
	return (struct str){ "", 0 };
}

static bool is_pending(const struct parts *p, struct str type)
{
	return str_is(type, "LoadBalancer") && !first_string(p->spec, 5).n && !pb_get(pb_get(p->status, 1), 1).n;
}

bool decode_service(struct decoder *d, struct str raw, struct decoded_meta *m, struct buf *rows)
{
	struct parts p;
	if (!read_parts(raw, &p))
		return false;
	struct str type = pb_get(p.spec, 4);
	put_row(d, m, is_pending(&p, type) ? LEVEL_DOUBT : LEVEL_NONE, rows);
	put_names(m, true, rows);
	cell_text_or_null(rows, type);
	cell_text_or_null(rows, first_string(p.spec, 18));
	put_external_ip(d, &p, type, rows);
	put_service_ports(d, p.spec, rows);
	cell_time(rows, m->created);
	put_map(d, p.spec, 2, rows);
	put_tail(d, p.metadata, m, rows);
	return true;
}

/* ---- endpoints */

struct addresses { struct buf *out; unsigned shown; int64_t count; bool more; };

#define SHOWN_ENDPOINTS 3

/* net.JoinHostPort: IPv6 in brackets. port < 0: none. */
static void add_address(struct addresses *a, struct str ip, int port)
{
	bool v6 = ip.n && memchr(ip.p, ':', ip.n);
	a->shown++;
	if (a->out->len)
		buf_addc(a->out, ',');
	if (port < 0) {
		buf_addstr(a->out, ip);
		return;
	}
	buf_adds(a->out, v6 ? "[" : "");
	buf_addstr(a->out, ip);
	buf_adds(a->out, v6 ? "]" : "");
	buf_addf(a->out, ":%d", port);
}

static void add_addresses(struct addresses *a, struct str subset, int port)
{
	struct pb r = pb_of(subset);
	while (pb_next(&r)) {
		if (r.field != 1)
			continue;
		a->count++;
		if (a->shown == SHOWN_ENDPOINTS)
			a->more = true;
		else
			add_address(a, pb_get(r.bytes, 1), port);
	}
}

static int port_number(struct str port)
{
	struct pb r = pb_of(port);
	int32_t n = 0;
	while (pb_next(&r))
		if (r.field == 2)
			n = (int32_t)r.number;
	return n;
}

bool decode_endpoints(struct decoder *d, struct str raw, struct decoded_meta *m, struct buf *rows)
{
	struct parts p;
	if (!read_parts(raw, &p))
		return false;
	buf_clear(&d->text);
	struct addresses a = { .out = &d->text };
	int64_t ready = 0, waiting = 0;
	bool any = false;
	for (struct pb r = pb_of(raw); pb_next(&r);) {
		if (r.field != 2)
			continue;
		bool ports = false;
		any = true;
		for (struct pb in = pb_of(r.bytes); pb_next(&in);) {
			ready += in.field == 1;
			waiting += in.field == 2;
			if (in.field != 3)
				continue;
			ports = true;
			add_addresses(&a, r.bytes, port_number(in.bytes));
		}
		if (!ports)
			add_addresses(&a, r.bytes, -1);
	}
	if (a.more)
		buf_addf(&d->text, " + %lld more...", (long long)a.count - SHOWN_ENDPOINTS);
	put_row(d, m, waiting && !ready ? LEVEL_BAD : waiting ? LEVEL_DOUBT : ready ? LEVEL_OK : LEVEL_NONE, rows);
	put_names(m, true, rows);
	/* No subsets at all is "<none>"; subsets that are not ready print as nothing. */
	any ? cell_text(rows, buf_str(&d->text)) : cell_null(rows);
	cell_time(rows, m->created);
	any ? cell_int(rows, PAIR(ready, ready + waiting)) : cell_null(rows);
	put_tail(d, p.metadata, m, rows);
	return true;
}

/* ---- ingresses */

static void put_hosts(struct decoder *d, struct str spec, struct buf *rows)
{
	struct pb r = pb_of(spec);
	unsigned shown = 0, rules = 0;
	bool more = false;
	buf_clear(&d->text);
	while (pb_next(&r)) {
		if (r.field != 3)
			continue;
		rules++;
		if (shown == 3)
			more = true;
		struct str host = pb_get(r.bytes, 1);
		if (!more && host.n) {
			add_item(&d->text, host);
			shown++;
		}
	}
	if (more)
		buf_addf(&d->text, " + %u more...", rules - 3);
	cell_text_or_null(rows, buf_str(&d->text));
}

bool decode_ingress(struct decoder *d, struct str raw, struct decoded_meta *m, struct buf *rows)
{
	struct parts p;
	if (!read_parts(raw, &p))
		return false;
	bool tls = false;
	for (struct pb r = pb_of(p.spec); pb_next(&r);)
		tls |= r.field == 2;
	put_row(d, m, LEVEL_NONE, rows);
	put_names(m, true, rows);
	cell_text_or_null(rows, pb_get(p.spec, 4));
	put_hosts(d, p.spec, rows);
	buf_clear(&d->text);
	add_load_balancers(d, pb_get(p.status, 1));
	cell_text_or_null(rows, buf_str(&d->text));
	cell_word(rows, tls ? "80, 443" : "80");
	cell_time(rows, m->created);
	put_tail(d, p.metadata, m, rows);
	return true;
}
