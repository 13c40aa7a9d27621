/* browse: places, page by page. S3 lists forwards only, from any key (of versions: any id and key): so of every page that was
 * seen the one before it is remembered, and a page is listed again when one goes back. Of a place few pages are kept as rows; the others are taken
 * away again, whatever the size of the prefix. */
#define _GNU_SOURCE
#include "backends/s3/s3.h"
#include "base/mem.h"
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

#define WATCHES_MAX 8

struct page_of { struct buf keys; unsigned n; };     /* keys of its rows, each with a NUL */
struct place_open {
	struct place_open *next;
	char *scope;
	uint64_t watches[WATCHES_MAX]; unsigned nwatches;
	bool plain;                      /* everything below, once */
	struct page_of pages[STORAGE_PAGES]; unsigned npages;
	unsigned first;                  /* number of pages[0] */
	char **starts; unsigned nstarts; /* the key (of versions: id TAB key) before each page seen */
	char *token;                     /* of the page after the last one; NULL: there is none, or it is not known */
	bool more, listed;
};
struct browser { struct s3 *s; struct place_open *places; };

struct browser *browser_new(struct s3 *s)
{
	struct browser *b = xcalloc(1, sizeof(*b));
	b->s = s;
	return b;
}

static void drop_starts(struct place_open *p, unsigned keep)
{
	while (p->nstarts > keep)
		free(p->starts[--p->nstarts]);
}

static void add_start(struct place_open *p, struct str key)
{
	p->starts = xreallocarray(p->starts, p->nstarts + 1, sizeof(*p->starts));
	p->starts[p->nstarts++] = str_dup(key);
}

static void free_place(struct place_open *p)
{
	for (unsigned i = 0; i < STORAGE_PAGES; i++)
		buf_release(&p->pages[i].keys);
	drop_starts(p, 0);
	free(p->starts);
	free(p->token);
	free(p->scope);
	free(p);
}

void browser_free(struct browser *b)
{
	while (b->places) {
		struct place_open *p = b->places;
		b->places = p->next;
		free_place(p);
	}
	free(b);
}

static struct place_open *find(struct browser *b, const char *scope)
{
	for (struct place_open *p = b->places; p; p = p->next)
		if (!strcmp(p->scope, scope))
			return p;
	return NULL;
}

/* ---- rows */

static void send(struct s3 *s, struct buf *rows)
{
	if (!rows->len)
		return;
	struct msg *m = msg_new(MSG_ROWS, 0);
	m->body = *rows;
	*rows = (struct buf){ 0 };
	link_send(s->link, m);
}

static bool page_has(const struct page_of *p, const char *key)
{
	for (size_t at = 0; at < p->keys.len; at += strlen(p->keys.data + at) + 1)
		if (!strcmp(p->keys.data + at, key))
			return true;
	return false;
}

/* Take away the rows of a page, but those that `kept` (may be NULL) has too. */
static void delete_rows(struct buf *rows, const struct page_of *p, const struct page_of *kept)
{
	for (size_t at = 0; at < p->keys.len; at += strlen(p->keys.data + at) + 1) {
		if (kept && page_has(kept, p->keys.data + at))
			continue;
		if (!rows->len)
			rows_start(rows, "objects");
		rows_del(rows, str_of(p->keys.data + at));
	}
}

static void drop_page(struct place_open *p, struct buf *rows, unsigned i)
{
	delete_rows(rows, &p->pages[i], NULL);
	buf_release(&p->pages[i].keys);
	memmove(&p->pages[i], &p->pages[i + 1], (p->npages - i - 1) * sizeof(p->pages[0]));
	p->npages--;
	memset(&p->pages[p->npages], 0, sizeof(p->pages[0]));
}

/* ---- one page */

/* Lists page `number` of the place. Its rows are added to `rows`, its keys to *into. */
static bool list_one(struct browser *b, struct place_open *p, uint64_t id, unsigned number, struct buf *rows,
                     struct page_of *into, struct buf *last, char **token)
{
	struct place at = place_of(str_of(p->scope));
	const char *start = p->starts[number];
	struct s3_list l = { .parent = str_of(p->scope), .bucket = at.bucket, .prefix = at.key, .rows = rows };
	bool forward = p->token && number == p->first + p->npages;
	bool ok;
	if (at.versions) {
		l.only = at.key;
		ok = s3_list_versions(b->s, id, str_of(start), &l);
	} else {
		l.after = str_of(start);
		ok = s3_list_page(b->s, id, false, true, forward ? str_of(p->token) : STR(""), str_of(start), STORAGE_PAGE, &l);
	}
	if (ok) {
		into->keys = l.keys;
		into->n = l.n;
		l.keys = (struct buf){ 0 };
		buf_clear(last);
		buf_addstr(last, buf_str(at.versions ? &l.token : &l.last));
		*token = l.truncated ? str_dup(buf_str(&l.token)) : NULL;
	}
	s3_list_release(&l);
	return ok;
}

/* The window grows by the page after it; the first goes when there are too many. */
static bool go_on(struct browser *b, struct place_open *p, uint64_t id)
{
	struct buf rows = { 0 }, gone = { 0 }, last = { 0 };
	struct page_of page = { 0 };
	char *token = NULL;
	unsigned number = p->first + p->npages;
	bool ok = list_one(b, p, id, number, &rows, &page, &last, &token);
	if (ok) {
		if (p->npages == STORAGE_PAGES) {
			drop_page(p, &gone, 0);
			p->first++;
		}
		p->pages[p->npages++] = page;
		drop_starts(p, number + 1);
		free(p->token);
		p->token = token;
		p->more = token != NULL;
		p->listed = true;
		if (p->more)
			add_start(p, buf_str(&last));
		send(b->s, &rows);
		send(b->s, &gone);
	}
	buf_release(&rows);
	buf_release(&gone);
	buf_release(&last);
	return ok;
}

static bool go_back(struct browser *b, struct place_open *p, uint64_t id)
{
	struct buf rows = { 0 }, gone = { 0 }, last = { 0 };
	struct page_of page = { 0 };
	char *token = NULL;
	if (!p->first)
		return true;
	bool ok = list_one(b, p, id, p->first - 1, &rows, &page, &last, &token);
	if (ok) {
		if (p->npages == STORAGE_PAGES) {
			drop_page(p, &gone, p->npages - 1);
			free(p->token);      /* the page after is found by its start again */
			p->token = NULL;
			p->more = true;
		}
		memmove(&p->pages[1], &p->pages[0], p->npages * sizeof(p->pages[0]));
		p->pages[0] = page;
		p->npages++;
		p->first--;
		send(b->s, &rows);
		send(b->s, &gone);
	}
	free(token);
	buf_release(&rows);
	buf_release(&gone);
	buf_release(&last);
	return ok;
}

static void forget_rows(struct browser *b, struct place_open *p)
{
	struct buf gone = { 0 };
	while (p->npages)
		drop_page(p, &gone, p->npages - 1);
	send(b->s, &gone);
	buf_release(&gone);
}

/* From the first key after `start`. What was there stays until the new page is, and where that does not come. */
static bool restart(struct browser *b, struct place_open *p, uint64_t id, struct str start)
{
	struct place_open old = *p;
	struct buf gone = { 0 };
	memset(p->pages, 0, sizeof(p->pages));
	p->npages = p->first = 0;
	p->token = NULL;
	p->starts = NULL;
	p->nstarts = 0;
	add_start(p, start);
	bool ok = go_on(b, p, id);
	struct place_open *dead = ok ? &old : p;
	for (unsigned i = 0; i < old.npages && ok; i++) {
		delete_rows(&gone, &old.pages[i], &p->pages[0]);
		buf_release(&old.pages[i].keys);
	}
	drop_starts(dead, 0);
	free(dead->starts);
	free(dead->token);
	if (!ok)
		*p = old;
	send(b->s, &gone);
	buf_release(&gone);
	return ok;
}

/* ---- a plain watch: all rows below (of versions: right below), up to the limit */

static void list_all(struct browser *b, uint64_t id, const char *scope)
{
	struct place at = place_of(str_of(scope));
	struct buf token = { 0 }, rows = { 0 };
	long left = b->s->limit;
	bool ok = at.bucket.n > 0, first = true, more = true;
	if (!ok)
		s3_fault(b->s, HEALTH_LIMITED, "name one: binnacle get objects s3://BUCKET/PREFIX/", "objects are listed below a place: BUCKET/PREFIX");
	while (ok && more && left > 0 && !link_cancelled(b->s->link, id)) {
		struct s3_list l = { .parent = str_of(scope), .bucket = at.bucket, .prefix = at.key, .only = at.key, .rows = &rows };
		rows_start(&rows, "objects");
		if (first)
			rows_begin(&rows, str_of(scope));
		ok = at.versions ? s3_list_versions(b->s, id, buf_str(&token), &l)
			: s3_list_page(b->s, id, false, false, buf_str(&token), STR(""), STORAGE_PAGE, &l);
		left -= l.n;
		first = false;
		more = l.truncated && l.token.len && !str_eq(buf_str(&token), buf_str(&l.token));
		buf_clear(&token);
		buf_addstr(&token, buf_str(&l.token));
		if (ok && !(more && left > 0))
			rows_end(&rows, str_of(scope));
		if (ok)
			send(b->s, &rows);
		s3_list_release(&l);
	}
	if (!ok)
		link_health(b->s->link, (struct msg_health){ .state = b->s->fault.state == HEALTH_LIVE ? HEALTH_REFUSED : b->s->fault.state,
			.latency_us = -1, .why = str_of(b->s->fault.why), .remedy = str_of(b->s->fault.remedy), .kind = STR("objects") });
	buf_release(&rows);
	buf_release(&token);
}

/* ---- requests */

void browser_watch(struct browser *b, const struct request *r)
{
	struct place_open *p = find(b, r->key);
	if (!strstr(r->params, "\"paged\"")) {
		list_all(b, r->id, r->key);
		return;
	}
	if (!p) {
		p = xcalloc(1, sizeof(*p));
		p->scope = xstrdup(r->key);
		p->next = b->places;
		b->places = p;
	}
	if (p->nwatches < WATCHES_MAX)
		p->watches[p->nwatches++] = r->id;
}

void browser_cancel(struct browser *b, uint64_t id)
{
	for (struct place_open **at = &b->places; *at; at = &(*at)->next) {
		struct place_open *p = *at;
		for (unsigned i = 0; i < p->nwatches; i++)
			if (p->watches[i] == id)
				p->watches[i--] = p->watches[--p->nwatches];
		if (p->nwatches)
			continue;
		*at = p->next;
		forget_rows(b, p);
		free_place(p);
		return;
	}
}

static void answer(struct browser *b, const struct place_open *p, uint64_t id)
{
	unsigned n = 0;
	for (unsigned i = 0; i < p->npages; i++)
		n += p->pages[i].n;
	json_t *o = json_pack("{s:b, s:b, s:b, s:i, s:i, s:b}", "before", p->first > 0 || *p->starts[0], "back", p->first > 0, "after", p->more, "rows", (int)n,
	                      "page", (int)p->first, "empty", !n && !p->first && !p->more && !*p->starts[0]);
	char *text = json_dumps(o, JSON_COMPACT);
	link_answer(b->s->link, id, true, str_of(text));
	free(text);
	json_decref(o);
}

/* A start that lets the first key not before `from` in: one less in the order of bytes. */
static void start_before(const struct place_open *p, const char *from, struct buf *out)
{
	struct place at = place_of(str_of(p->scope));
	if (!*from)
		return;
	buf_adds(out, at.versions ? "\t" : "");          /* no version: see s3_list_versions */
	buf_addstr(out, at.key);
	buf_adds(out, from);
	size_t end = out->len - 1;
	while (end > 0 && (unsigned char)out->data[end] >= 0x80)      /* half a character is no key */
		end--;
	if (end + 1 < out->len || out->data[end] <= ' ') {
		out->len = end;
	} else {
		out->data[end]--;
		buf_addc(out, '~');
	}
}

void browser_again(struct browser *b)
{
	for (struct place_open *p = b->places; p; p = p->next)
		if (p->listed && !p->first && p->npages <= 1) {
			char *start = xstrdup(p->starts[0]);
			restart(b, p, 0, str_of(start));
			free(start);
		}
}

void browser_page(struct browser *b, const struct request *r)
{
	struct place_open *p = find(b, r->key);
	json_t *params = json_loads(*r->params ? r->params : "{}", 0, NULL);
	const char *to = json_string_value(json_object_get(params, "to")), *from = json_string_value(json_object_get(params, "from"));
	struct buf start = { 0 };
	bool ok = p != NULL;
	if (!p)
		s3_fault(b->s, HEALTH_LIVE, "", "this place is not open");
	else if (from || !p->listed || !to || !strcmp(to, "first"))
		start_before(p, from ? from : "", &start), ok = restart(b, p, r->id, buf_str(&start));
	else if (!strcmp(to, "next"))
		ok = !p->more || go_on(b, p, r->id);
	else if (!strcmp(to, "previous"))
		ok = go_back(b, p, r->id);
	else if (!strcmp(to, "again") && !p->first && p->npages <= 1)
		ok = restart(b, p, r->id, str_of(p->starts[0]));
	if (ok) {
		answer(b, p, r->id);
	} else {
		link_fail(b->s->link, r->id, "%s%s%s", b->s->fault.why, *b->s->fault.remedy ? "; " : "", b->s->fault.remedy);
	}
	buf_release(&start);
	json_decref(params);
}
