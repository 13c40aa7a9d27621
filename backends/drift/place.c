/* place: see place.h; and the folder. */
#define _GNU_SOURCE
#include "backends/drift/place.h"
#include "base/mem.h"
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

void place_item_release(struct place_item *i)
{
	free(i->name);
	free(i->path);
	free(i->tag);
	*i = (struct place_item){ 0 };
}

void place_add(struct place_list *l, struct str name, struct str path, struct str tag, int64_t time, int64_t size)
{
	if (!str_ends(name, STR(".json")) || memchr(name.p, '\0', name.n))
		return;
	l->more |= l->n >= PLACE_ITEMS_MAX;
	if (l->n >= PLACE_ITEMS_MAX)
		return;
	if (l->n == l->cap) {
		l->cap = l->cap ? l->cap * 2 : 64;
		l->items = xreallocarray(l->items, l->cap, sizeof(*l->items));
	}
	l->items[l->n++] = (struct place_item){ .name = str_dup(name), .path = path.p ? str_dup(path) : NULL,
		.tag = str_dup(tag.p ? tag : STR("")), .time = time, .size = size };
}

void place_list_release(struct place_list *l)
{
	for (unsigned i = 0; i < l->n; i++)
		place_item_release(&l->items[i]);
	free(l->items);
	*l = (struct place_list){ 0 };
}

void place_say(struct place *p, enum health_state state, const char *remedy, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	vsnprintf(p->error, sizeof(p->error), fmt, ap);
	va_end(ap);
	snprintf(p->remedy, sizeof(p->remedy), "%s", remedy);
	p->state = state;
}

void place_say_reply(struct place *p, const struct http_reply *r)
{
	p->latency_us = r->latency_us >= 0 ? r->latency_us : p->latency_us;
	p->item_only = r->end == HTTP_TOO_LARGE || (r->end == HTTP_STATUS && (r->status == 404 || r->status == 410));
	place_say(p, http_is_auth(r) ? HEALTH_REFUSED : http_is_passing(r) ? HEALTH_STALE : HEALTH_DOWN, r->remedy, "%s", r->error);
}

/* ---- a folder */

struct folder { char *path; };
struct walk { struct place *p; struct place_list *out; struct buf name; unsigned depth; };

static const char *errno_remedy(int e)
{
	return e == EACCES || e == EPERM ? "let this user read it (chmod), or choose another `folder:`"
		: e == ENOENT || e == ENOTDIR ? "correct `folder:`" : "";
}

/* Folders that are links are not followed: they may lead round in a circle. */
static bool walk(struct walk *w, int fd)
{
	DIR *d = fdopendir(fd);
	struct dirent *e;
	size_t len = w->name.len;
	if (!d) {
		close(fd);
		return false;
	}
	while ((e = readdir(d)) && !link_closing(w->p->link)) {
		struct stat st;
		char tag[64];
		if (e->d_name[0] == '.' || fstatat(fd, e->d_name, &st, 0) != 0)
			continue;
		buf_addf(&w->name, "%s%s", len ? "/" : "", e->d_name);
		if (S_ISDIR(st.st_mode) && w->depth < PLACE_DEPTH_MAX) {
			int inner = openat(fd, e->d_name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
			w->depth++;
			if (inner >= 0)
				walk(w, inner);
			w->depth--;
		} else if (S_ISREG(st.st_mode)) {
			int64_t ms = (int64_t)st.st_mtim.tv_sec * 1000 + st.st_mtim.tv_nsec / 1000000;
			snprintf(tag, sizeof(tag), "%lld.%09ld %lld", (long long)st.st_mtim.tv_sec, st.st_mtim.tv_nsec, (long long)st.st_size);
			place_add(w->out, buf_str(&w->name), (struct str){ 0 }, str_of(tag), ms, st.st_size);
		}
		w->name.len = len;
		w->name.data[len] = '\0';
	}
	closedir(d);
	return true;
}

static bool folder_list(struct place *p, struct place_list *out)
{
	const struct folder *f = p->own;
	struct walk w = { .p = p, .out = out };
	int fd = open(f->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0 || !walk(&w, fd)) {
		int e = errno;
		place_say(p, e == EACCES || e == EPERM ? HEALTH_REFUSED : HEALTH_DOWN, errno_remedy(e), "%s: %s", f->path, strerror(e));
		buf_release(&w.name);
		return false;
	}
	buf_release(&w.name);
	return true;
}

static bool folder_read(struct place *p, struct place_item *item, struct buf *out)
{
	const struct folder *f = p->own;
	char *path = xasprintf("%s/%s", f->path, item->name);
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	ssize_t n = -1;
	free(path);
	p->item_only = true;
	while (fd >= 0) {
		buf_reserve(out, 65536);
		n = read(fd, out->data + out->len, 65536);
		if (n <= 0)
			break;
		out->len += (size_t)n;
		out->data[out->len] = '\0';
		if (out->len > REPORT_BYTES_MAX) {
			close(fd);
			place_say(p, HEALTH_LIMITED, "", "it is larger than %d MiB", REPORT_BYTES_MAX >> 20);
			return false;
		}
	}
	if (n < 0)
		place_say(p, HEALTH_LIMITED, errno_remedy(errno), "%s", strerror(errno));
	if (fd >= 0)
		close(fd);
	return n == 0;
}

static void folder_free(struct place *p)
{
	struct folder *f = p->own;
	free(f->path);
	free(f);
}

bool place_open_folder(struct place *p, const char *folder)
{
	static const struct place_ops ops = { folder_list, folder_read, folder_free };
	struct folder *f = xcalloc(1, sizeof(*f));
	const char *home = getenv("HOME");
	f->path = folder[0] == '~' && folder[1] == '/' && home ? xasprintf("%s%s", home, folder + 1) : xstrdup(folder);
	snprintf(p->where, sizeof(p->where), "%s", f->path);
	p->own = f;
	p->ops = &ops;
	return true;
}

bool place_open(struct place *p, struct link *l)
{
	const char *folder = link_setting(l, "folder"), *url = link_setting(l, "url"), *bucket = link_setting(l, "bucket");
	*p = (struct place){ .link = l, .latency_us = -1, .state = HEALTH_DOWN };
	if (!!folder + !!url + !!bucket != 1) {
		place_say(p, HEALTH_DOWN, "give the source one of `folder:`, `url:` and `bucket:`", "it is not said where the reports are");
		return false;
	}
	return folder ? place_open_folder(p, folder) : url ? place_open_http(p, url) : place_open_s3(p, bucket);
}
