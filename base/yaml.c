/* yaml: libyaml's events become a tree in one arena. An alias points at the node it names, so nothing is ever
 * copied; but each node carries how large it would be if written out (`weight`) and how deep it is
 * (`height`), and both are bounded, so that whoever walks the tree is safe from a YAML bomb. */
#define _GNU_SOURCE
#include "base/yaml.h"
#include "base/mem.h"
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>
#include <yaml.h>

#define YAML_MAX_BYTES (16u << 20)
#define YAML_MAX_DEPTH 64
#define YAML_MAX_NODES 1000000   /* written out in full */
#define YAML_FIFO_MS 10000       /* wait for the other end of a pipe */

struct node {                    /* what a struct yaml of ours really is */
	struct yaml y;
	uint32_t weight;
	uint16_t height;
	bool open;                   /* its end was not seen yet: an alias to it would be a loop */
};

struct chunk { struct chunk *next; size_t used, size; _Alignas(16) char bytes[]; };
struct yaml_doc {
	struct chunk *chunks;
	struct yaml *root;
};

struct anchor { const char *name; struct node *node; };
struct level {                   /* a list or map whose end has not come */
	struct node *node;
	struct yaml **kids;          /* keys and values in turn for a map */
	size_t n, cap;
};
struct builder {
	struct yaml_doc *doc;
	struct yaml_error *err;
	struct level levels[YAML_MAX_DEPTH];
	unsigned depth;
	struct anchor *anchors;
	size_t nanchors, cap_anchors;
	uint32_t nodes;
	yaml_mark_t at;
};

static void *arena(struct yaml_doc *d, size_t size)
{
	size = (size + 15) & ~(size_t)15;
	if (!d->chunks || d->chunks->size - d->chunks->used < size) {
		size_t room = size > 4096 - sizeof(struct chunk) ? size : d->chunks ? 65536 : 4096 - sizeof(struct chunk);
		if (room < size)
			room = size;
		struct chunk *c = xmalloc(sizeof(*c) + room);
		*c = (struct chunk){ .next = d->chunks, .size = room };
		d->chunks = c;
	}
	void *p = d->chunks->bytes + d->chunks->used;
	d->chunks->used += size;
	return p;
}

static bool fail(struct builder *b, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
static bool fail(struct builder *b, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	vsnprintf(b->err->what, sizeof(b->err->what), fmt, ap);
	va_end(ap);
	b->err->line = (unsigned)b->at.line + 1;
	b->err->column = (unsigned)b->at.column + 1;
	return false;
}

/* ---- building */

static struct node *node_new(struct builder *b, enum yaml_type type)
{
	struct node *n = arena(b->doc, sizeof(*n));
	*n = (struct node){ .y = { .type = type, .line = (unsigned)b->at.line + 1,
	                    .column = (unsigned)b->at.column + 1, .text = STR("") }, .weight = 1, .height = 1 };
	return n;
}

static bool anchor_add(struct builder *b, const yaml_char_t *name, struct node *node)
{
	if (!name)
		return true;
	if (b->nanchors == b->cap_anchors) {
		if (b->cap_anchors >= 4096)
			return fail(b, "more than 4096 anchors");
		b->cap_anchors = b->cap_anchors ? 2 * b->cap_anchors : 8;
		b->anchors = xreallocarray(b->anchors, b->cap_anchors, sizeof(*b->anchors));
	}
	size_t n = strlen((const char *)name);
	char *own = arena(b->doc, n + 1);
	memcpy(own, name, n + 1);
	b->anchors[b->nanchors++] = (struct anchor){ own, node };
	return true;
}

static struct node *anchor_find(const struct builder *b, const yaml_char_t *name)
{
	for (size_t i = b->nanchors; i-- > 0;)
		if (strcmp(b->anchors[i].name, (const char *)name) == 0)
			return b->anchors[i].node;
	return NULL;
}

/* A finished node goes into the list or map that is open, or becomes the root. */
static bool place(struct builder *b, struct node *n)
{
	if (!b->depth) {
		b->doc->root = &n->y;
		return true;
	}
	struct level *l = &b->levels[b->depth - 1];
	if (l->n == l->cap) {
		l->cap = l->cap ? 2 * l->cap : 16;
		l->kids = xreallocarray(l->kids, l->cap, sizeof(*l->kids));
	}
	l->kids[l->n++] = &n->y;
	uint64_t weight = (uint64_t)l->node->weight + n->weight;
	if (weight > YAML_MAX_NODES)
		return fail(b, "aliases would expand to more than %u values; write them out", YAML_MAX_NODES);
	l->node->weight = (uint32_t)weight;
	if (l->node->height < n->height + 1)
		l->node->height = (uint16_t)(n->height + 1);
	if (b->depth + n->height > YAML_MAX_DEPTH)
		return fail(b, "nested more than %u deep", YAML_MAX_DEPTH);
	return true;
}

static bool is_null(const char *s, size_t n)
{
	return n == 0 || (n == 1 && *s == '~') || (n == 4 && (!memcmp(s, "null", 4) || !memcmp(s, "Null", 4)
	       || !memcmp(s, "NULL", 4)));
}

static bool on_scalar(struct builder *b, const yaml_event_t *e)
{
	const char *text = (const char *)e->data.scalar.value;
	size_t n = e->data.scalar.length;
	if (memchr(text, 0, n))
		return fail(b, "a text holds a NUL byte");
	bool quoted = e->data.scalar.style != YAML_PLAIN_SCALAR_STYLE;
	struct node *node = node_new(b, !quoted && is_null(text, n) ? YAML_NULL : YAML_SCALAR);
	node->y.quoted = quoted;
	if (node->y.type == YAML_SCALAR) {
		char *own = arena(b->doc, n + 1);
		memcpy(own, text, n);
		own[n] = 0;
		node->y.text = (struct str){ own, n };
	}
	return anchor_add(b, e->data.scalar.anchor, node) && place(b, node);
}

static bool on_alias(struct builder *b, const yaml_event_t *e)
{
	struct node *n = anchor_find(b, e->data.alias.anchor);
	if (!n)
		return fail(b, "alias '*%.60s' names no anchor before it", (const char *)e->data.alias.anchor);
	if (n->open)
		return fail(b, "alias '*%.60s' stands inside what it names", (const char *)e->data.alias.anchor);
	return place(b, n);
}

static bool on_start(struct builder *b, enum yaml_type type, const yaml_char_t *anchor)
{
	if (b->depth == YAML_MAX_DEPTH)
		return fail(b, "nested more than %u deep", YAML_MAX_DEPTH);
	struct node *n = node_new(b, type);
	n->open = true;
	b->levels[b->depth++] = (struct level){ .node = n };
	return anchor_add(b, anchor, n);
}

/* `<<: *other`: pairs of other maps that this one does not have itself. */
static bool merge(struct builder *b, struct node *map)
{
	unsigned at = 0;
	while (at < map->y.n && (map->y.keys[at]->quoted || !str_is(map->y.keys[at]->text, "<<")))
		at++;
	if (at == map->y.n)
		return true;
	const struct yaml *from = map->y.items[at];
	unsigned nmaps = from->type == YAML_LIST ? from->n : 1;
	size_t most = map->y.n;
	for (unsigned m = 0; m < nmaps; m++) {
		const struct yaml *other = from->type == YAML_LIST ? from->items[m] : from;
		if (other->type != YAML_MAP)
			return fail(b, "'<<' takes a map or a list of maps");
		most += other->n;
	}
	if (most > 1024)
		return fail(b, "'<<' merges more than 1024 settings");
	struct yaml *y = &map->y;
	struct yaml **keys = arena(b->doc, 2 * most * sizeof(*keys)), **items = keys + most;
	unsigned n = 0;
	for (unsigned i = 0; i < y->n; i++)
		if (i != at)
			keys[n] = y->keys[i], items[n++] = y->items[i];
	for (unsigned m = 0; m < nmaps; m++) {
		const struct yaml *other = from->type == YAML_LIST ? from->items[m] : from;
		for (unsigned i = 0; i < other->n; i++) {
			bool has = false;
			for (unsigned j = 0; j < n && !has; j++)
				has = str_eq(keys[j]->text, other->keys[i]->text);
			if (!has)
				keys[n] = other->keys[i], items[n++] = other->items[i];
		}
	}
	y->keys = keys, y->items = items, y->n = n;
	return true;
}

static bool on_end(struct builder *b)
{
	struct level *l = &b->levels[--b->depth];
	struct node *n = l->node;
	bool map = n->y.type == YAML_MAP;
	n->y.n = (unsigned)(map ? l->n / 2 : l->n);
	if (l->n) {
		struct yaml **kids = arena(b->doc, l->n * sizeof(*kids));
		n->y.items = map ? kids + n->y.n : kids;
		n->y.keys = map ? kids : NULL;
		for (size_t i = 0; i < l->n; i++)
			kids[map ? (i & 1) * n->y.n + i / 2 : i] = l->kids[i];
	}
	free(l->kids);
	l->kids = NULL;
	n->open = false;
	return (!map || merge(b, n)) && place(b, n);
}

static bool on_event(struct builder *b, const yaml_event_t *e, bool *done)
{
	b->at = e->start_mark;
	if (e->type == YAML_DOCUMENT_END_EVENT || e->type == YAML_STREAM_END_EVENT)
		*done = true;
	if (e->type == YAML_SCALAR_EVENT || e->type == YAML_SEQUENCE_START_EVENT || e->type == YAML_MAPPING_START_EVENT)
		if (++b->nodes > YAML_MAX_NODES)
			return fail(b, "more than %u values", YAML_MAX_NODES);
	switch (e->type) {
	case YAML_SCALAR_EVENT: return on_scalar(b, e);
	case YAML_ALIAS_EVENT: return on_alias(b, e);
	case YAML_SEQUENCE_START_EVENT: return on_start(b, YAML_LIST, e->data.sequence_start.anchor);
	case YAML_MAPPING_START_EVENT: return on_start(b, YAML_MAP, e->data.mapping_start.anchor);
	case YAML_SEQUENCE_END_EVENT:
	case YAML_MAPPING_END_EVENT: return on_end(b);
	default: return true;
	}
}

static bool parser_failed(struct builder *b, const yaml_parser_t *p)
{
	b->at = p->error == YAML_READER_ERROR ? p->mark : p->problem_mark;
	const char *why = p->problem ? p->problem : "not YAML";
	if (p->error == YAML_READER_ERROR)
		return fail(b, "not text in UTF-8 or UTF-16: %s", why);
	if (p->problem && strstr(p->problem, "cannot start any token"))
		return fail(b, "%s: a tab? YAML is indented with blanks; texts with @ or ` are quoted", why);
	if (p->context && p->context_mark.line)
		return fail(b, "%s (%s from line %zu)", why, p->context, p->context_mark.line + 1);
	return fail(b, "%s", why);
}

struct yaml_doc *yaml_parse(struct str text, struct yaml_error *err)
{
	struct yaml_error unwanted;
	struct builder b = { .err = err ? err : &unwanted };
	if (text.n > YAML_MAX_BYTES) {
		fail(&b, "longer than %u MiB", YAML_MAX_BYTES >> 20);
		return NULL;
	}
	yaml_parser_t p;
	if (!yaml_parser_initialize(&p)) {
		fail(&b, "no memory for the parser");
		return NULL;
	}
	b.doc = xcalloc(1, sizeof(*b.doc));
	yaml_parser_set_input_string(&p, (const unsigned char *)(text.n ? text.p : ""), text.n);
	bool done = false, ok = true;
	while (ok && !done) {
		yaml_event_t e;
		if (!yaml_parser_parse(&p, &e)) {
			ok = parser_failed(&b, &p);
			break;
		}
		ok = on_event(&b, &e, &done);
		yaml_event_delete(&e);
	}
	yaml_parser_delete(&p);
	for (unsigned i = 0; i < b.depth; i++)
		free(b.levels[i].kids);
	free(b.anchors);
	if (ok && !b.doc->root) {
		b.at = (yaml_mark_t){ 0 };
		b.doc->root = &node_new(&b, YAML_NULL)->y;
	}
	if (!ok) {
		yaml_doc_free(b.doc);
		return NULL;
	}
	return b.doc;
}

/* ---- files */

/* A pipe (process substitution) may be slow; one that nobody writes to must not hang us. */
static bool wait_readable(int fd)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };
	return poll(&p, 1, YAML_FIFO_MS) > 0;
}

static const char *read_all(int fd, bool regular, struct buf *out)
{
	for (;;) {
		if (out->len > YAML_MAX_BYTES)
			return "longer than 16 MiB";
		buf_reserve(out, 65536);
		if (!regular && !wait_readable(fd))
			return "nothing came through the pipe for 10 s";
		ssize_t n = read(fd, out->data + out->len, 65536);
		if (n < 0 && (errno == EINTR || (errno == EAGAIN && !regular)))
			continue;
		if (n < 0)
			return strerror(errno);
		if (n == 0)
			return NULL;
		out->len += (size_t)n;
		out->data[out->len] = 0;
	}
}

struct yaml_doc *yaml_load(const char *path, struct yaml_error *err)
{
	struct yaml_error unwanted;
	err = err ? err : &unwanted;
	*err = (struct yaml_error){ 0 };
	struct stat st;
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0 || fstat(fd, &st) < 0) {
		snprintf(err->what, sizeof(err->what), "cannot be read: %s", strerror(errno));
		if (fd >= 0)
			close(fd);
		return NULL;
	}
	struct buf text = { 0 };
	const char *bad = S_ISDIR(st.st_mode) ? "is a directory, not a file" : read_all(fd, S_ISREG(st.st_mode), &text);
	close(fd);
	struct yaml_doc *d = NULL;
	if (bad)
		snprintf(err->what, sizeof(err->what), "%s", bad);
	else
		d = yaml_parse(buf_str(&text), err);
	if (text.data)
		explicit_bzero(text.data, text.len);   /* kubeconfigs hold keys */
	buf_release(&text);
	return d;
}

void yaml_doc_free(struct yaml_doc *d)
{
	if (!d)
		return;
	for (struct chunk *c = d->chunks, *next; c; c = next) {
		next = c->next;
		explicit_bzero(c->bytes, c->used);
		free(c);
	}
	free(d);
}

/* ---- looking things up */

const struct yaml *yaml_root(const struct yaml_doc *d)
{
	return d->root;
}

const struct yaml *yaml_get(const struct yaml *map, const char *key)
{
	if (!map || map->type != YAML_MAP)
		return NULL;
	for (unsigned i = 0; i < map->n; i++)
		if (map->keys[i]->type == YAML_SCALAR && str_is(map->keys[i]->text, key))
			return map->items[i];
	return NULL;
}

const char *yaml_text(const struct yaml *map, const char *key)
{
	const struct yaml *y = yaml_get(map, key);
	return y && y->type == YAML_SCALAR ? y->text.p : NULL;
}

bool yaml_bool(const struct yaml *map, const char *key, bool otherwise)
{
	static const char *const yes[] = { "true", "True", "TRUE", "yes", "on" };
	static const char *const no[] = { "false", "False", "FALSE", "no", "off" };
	const struct yaml *y = yaml_get(map, key);
	if (!y || y->type != YAML_SCALAR || y->quoted)
		return otherwise;
	for (size_t i = 0; i < ARRAY_SIZE(yes); i++) {
		if (str_is(y->text, yes[i]))
			return true;
		if (str_is(y->text, no[i]))
			return false;
	}
	return otherwise;
}

void yaml_expand_home(struct yaml_doc *d, const struct yaml *scalar)
{
	const char *home = getenv("HOME");
	struct str rest = scalar->text;
	if (scalar->type != YAML_SCALAR || !home || !str_starts(rest, STR("~/")))
		return;
	size_t n = strlen(home) + rest.n - 1;
	char *path = arena(d, n + 1);
	memcpy(path, home, strlen(home));
	memcpy(path + strlen(home), rest.p + 1, rest.n);    /* with its NUL */
	((struct yaml *)(uintptr_t)scalar)->text = (struct str){ path, n };
}
