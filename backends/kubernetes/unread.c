/* unread: see unread.h. */
#include "backends/kubernetes/unread.h"
#include "base/mem.h"
#include <stdio.h>
#include <stdlib.h>

static unsigned find(const struct unread *u, uint32_t key)
{
	unsigned i = 0;

	while (i < u->n && u->keys[i] != key)
		i++;
	return i;
}

static uint32_t hash_of(struct str ns, struct str name)
{
	return str_hash(ns) * 31 + str_hash(name);
}

void unread_add(struct unread *u, struct str ns, struct str name)
{
	uint32_t hash = hash_of(ns, name);

	if (u->n >= UNREAD_MAX || find(u, hash) < u->n)
		return;
	if (u->n == u->cap) {
		u->cap = u->cap ? 2 * u->cap : 8;
		u->keys = xreallocarray(u->keys, u->cap, sizeof(*u->keys));
	}
	u->keys[u->n++] = hash;
}

void unread_drop(struct unread *u, struct str ns, struct str name)
{
	unsigned i = find(u, hash_of(ns, name));

	if (i < u->n)
		u->keys[i] = u->keys[--u->n];
}

void unread_clear(struct unread *u)
{
	free(u->keys);
	*u = (struct unread){ 0 };
}

void unread_say(unsigned n, char *out, size_t size)
{
	*out = '\0';
	if (n)
		snprintf(out, size, "%u%s object%s could not be read", n, n >= UNREAD_MAX ? " or more" : "", n == 1 ? "" : "s");
}
