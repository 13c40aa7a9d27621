/* place_http: reports on a web server. The URL is that of one report, or of a folder whose listing the server gives: the HTML page
 * of Apache, nginx, Python's http.server and most others, or JSON (nginx's autoindex_format json, or a list of names). Folders
 * within are looked into, up to LISTINGS_MAX of them. */
#define _GNU_SOURCE
#include "backends/drift/place.h"
#include "backends/net/access.h"
#include "base/mem.h"
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define LISTINGS_MAX 200

struct web {
	struct http *http;
	char *base, *root;               /* "https://host", "/reports/" */
	struct access access;
	struct buf single;               /* the one report, when the URL is that of one */
	struct str single_name;
};

/* ---- listings */

static int hex_of(char c)
{
	return c >= '0' && c <= '9' ? c - '0' : (c | 32) >= 'a' && (c | 32) <= 'f' ? (c | 32) - 'a' + 10 : -1;
}

/* "a%20b&amp;c" as people write it. */
static void unescape(struct str s, struct buf *out)
{
	static const struct { const char *from; char to; } entities[] = { { "&amp;", '&' }, { "&quot;", '"' }, { "&#x27;", '\'' },
		{ "&#39;", '\'' }, { "&lt;", '<' }, { "&gt;", '>' } };
	for (size_t i = 0; i < s.n; i++) {
		struct str rest = { s.p + i, s.n - i };
		size_t e = 0;
		if (s.p[i] == '%' && rest.n > 2 && hex_of(s.p[i + 1]) >= 0 && hex_of(s.p[i + 2]) >= 0) {
			buf_addc(out, (char)(hex_of(s.p[i + 1]) << 4 | hex_of(s.p[i + 2])));
			i += 2;
			continue;
		}
		while (e < ARRAY_SIZE(entities) && !str_starts(rest, str_of(entities[e].from)))
			e++;
		buf_addc(out, e < ARRAY_SIZE(entities) ? entities[e].to : s.p[i]);
		i += e < ARRAY_SIZE(entities) ? strlen(entities[e].from) - 1 : 0;
	}
}

/* The path that a link of the listing of `dir` leads to, when it lies below dir; else false. */
static bool link_path(struct str href, struct str dir, struct buf *path)
{
	size_t cut = 0;
	buf_clear(path);
	while (cut < href.n && href.p[cut] != '?' && href.p[cut] != '#')
		cut++;
	href.n = cut;
	if (str_starts(href, STR("./")))
		href.p += 2, href.n -= 2;
	if (!href.n || str_starts(href, STR("..")) || str_find(href, STR("/.."), false) != STR_NONE ||
	    str_find(href, STR("//"), false) != STR_NONE || memchr(href.p, '\0', href.n) || memchr(href.p, '\n', href.n))
		return false;
	if (href.p[0] != '/') {
		if (memchr(href.p, ':', href.n))
			return false;                 /* another scheme */
		buf_addstr(path, dir);
	}
	buf_addstr(path, href);
	return path->len > dir.n && str_starts(buf_str(path), dir);
}

/* "2026-11-21 03:31" (Apache) or "21-Nov-2026 03:31" (nginx) in the text after a link. */
static int64_t listed_time(struct str s)
{
	char text[40] = "";
	struct tm tm;
	for (size_t i = 0; i + 16 <= s.n; i++) {
		if (s.p[i] < '0' || s.p[i] > '9')
			continue;
		memcpy(text, s.p + i, s.n - i < 17 ? 16 : 17);
		tm = (struct tm){ 0 };
		const char *end = strptime(text, "%Y-%m-%d %H:%M", &tm);
		if (!end) {
			tm = (struct tm){ 0 };
			end = strptime(text, "%d-%b-%Y %H:%M", &tm);
		}
		if (end)
			return (int64_t)timegm(&tm) * 1000;
	}
	return 0;
}

static void take_link(struct str path, struct str root, struct str about, struct place_list *out, struct buf *dirs)
{
	struct buf name = { 0 };
	int64_t time = listed_time(about);
	if (path.p[path.n - 1] == '/') {
		buf_addstr(dirs, path);
		buf_addc(dirs, '\n');
		return;
	}
	unescape((struct str){ path.p + root.n, path.n - root.n }, &name);
	about = str_trim(about);
	about.n = about.n < 60 ? about.n : 60;
	place_add(out, buf_str(&name), path, time ? about : STR(""), time, -1);
	buf_release(&name);
}

static bool read_html(struct str body, struct str dir, struct str root, struct place_list *out, struct buf *dirs)
{
	struct buf path = { 0 }, href = { 0 };
	bool any = false;
	for (size_t at; (at = str_find(body, STR("href="), true)) != STR_NONE;) {
		body.p += at + 5, body.n -= at + 5;
		char quote = body.n && (*body.p == '"' || *body.p == '\'') ? *body.p : '\0';
		const char *end = quote && body.n > 1 ? memchr(body.p + 1, quote, body.n - 1) : NULL;
		if (!end)
			continue;
		struct str raw = { body.p + 1, (size_t)(end - body.p - 1) };
		body.n -= (size_t)(end - body.p), body.p = end;
		any = true;
		size_t close = str_find(body, STR("</a>"), true), next = str_find(body, STR("<a "), true);
		struct str about = { 0 };
		if (close != STR_NONE && (next == STR_NONE || close < next)) {
			size_t to = next == STR_NONE ? body.n : next;
			to = to > close + 300 ? close + 300 : to;
			about = (struct str){ body.p + close + 4, to > close + 4 ? to - close - 4 : 0 };
		}
		if (raw.n > 2000)
			continue;
		buf_clear(&href);
		for (size_t i = 0; i < raw.n; i++) {          /* of entities only &amp; stands in links */
			buf_addc(&href, raw.p[i]);
			if (raw.p[i] == '&' && str_starts((struct str){ raw.p + i, raw.n - i }, STR("&amp;")))
				i += 4;
		}
		if (link_path(buf_str(&href), dir, &path))
			take_link(buf_str(&path), root, about, out, dirs);
	}
	buf_release(&path);
	buf_release(&href);
	return any;
}

/* [{"name": "x.json", "type": "file", "mtime": "Sat, 21 Nov 2026 03:31:18 GMT", "size": 5}] or ["x.json", "sub/"] */
static bool read_json_index(const json_t *list, struct str dir, struct str root, struct place_list *out, struct buf *dirs)
{
	size_t i;
	const json_t *v;
	struct buf path = { 0 }, escaped = { 0 };
	json_array_foreach((json_t *)list, i, v) {
		const char *name = json_string_value(json_is_string(v) ? v : json_object_get(v, "name"));
		const char *type = json_string_value(json_object_get(v, "type")), *when = json_string_value(json_object_get(v, "mtime"));
		int64_t time = 0;
		struct tm tm = { 0 };
		if (!name || !*name)
			continue;
		buf_clear(&escaped);
		for (struct str rest = str_of(name), part; rest.p;) {
			part = str_split(&rest, '/');
			http_escape(&escaped, part);
			if (rest.p || (type && !strcmp(type, "directory") && !str_ends(str_of(name), STR("/"))))
				buf_addc(&escaped, '/');
		}
		if (when && strptime(when, "%a, %d %b %Y %H:%M:%S GMT", &tm))
			time = (int64_t)timegm(&tm) * 1000;
		if (!link_path(buf_str(&escaped), dir, &path))
			continue;
		unsigned before = out->n;
		take_link(buf_str(&path), root, STR(""), out, dirs);
		if (out->n > before && time) {
			struct place_item *item = &out->items[before];
			item->time = time;
			item->size = json_is_integer(json_object_get(v, "size")) ? json_integer_value(json_object_get(v, "size")) : -1;
			free(item->tag);
			item->tag = xasprintf("%s %lld", when, (long long)item->size);
		}
	}
	buf_release(&path);
	buf_release(&escaped);
	return true;
}

bool place_read_index(struct str body, struct str dir, struct str root, struct place_list *out, struct buf *dirs)
{
	struct str text = str_trim(body);
	if (text.n && text.p[0] == '[') {
		json_t *list = json_loadb(text.p, text.n, 0, NULL);
		bool ok = json_is_array(list) && read_json_index(list, dir, root, out, dirs);
		json_decref(list);
		return ok;
	}
	return text.n && text.p[0] == '<' && read_html(text, dir, root, out, dirs);
}

/* ---- asking */

static bool closing(void *arg)
{
	return link_closing(arg);
}

static bool ask(struct place *p, const char *path, struct http_reply *r)
{
	struct web *w = p->own;
	struct http_request q = { .path = path, .max = REPORT_BYTES_MAX, .cancelled = closing, .cancelled_arg = p->link };
	if (http_call(w->http, &q, r)) {
		p->latency_us = r->latency_us;
		return true;
	}
	place_say_reply(p, r);
	return false;
}

static bool list_one(struct place *p, struct str dir, struct place_list *out, struct buf *dirs)
{
	struct web *w = p->own;
	struct http_reply r;
	p->requests++;
	char *path = str_dup(dir);
	bool ok = ask(p, path, &r), root = str_is(dir, w->root);
	struct str body = str_trim(buf_str(&r.body));
	if (ok && root && body.n && body.p[0] == '{') {      /* it is the report itself */
		char tag[64];
		snprintf(tag, sizeof(tag), "%lld %08x %zu", (long long)r.modified_ms, str_hash(body), body.n);
		buf_clear(&w->single);
		buf_addstr(&w->single, body);
		place_add(out, w->single_name, dir, str_of(tag), r.modified_ms ? r.modified_ms : r.date_ms, (int64_t)body.n);
	} else if (ok && !place_read_index(body, dir, str_of(w->root), out, dirs) && root) {
		place_say(p, HEALTH_DOWN, "give the URL of a report (.json), or of a folder that the server lists",
		          "%s is neither a report nor a list of them", p->where);
		ok = false;
	}
	free(path);
	http_reply_release(&r);
	return ok;
}

static bool web_list(struct place *p, struct place_list *out)
{
	struct web *w = p->own;
	struct buf dirs = { 0 };
	unsigned asked = 1;
	buf_clear(&w->single);
	bool ok = list_one(p, str_of(w->root), out, &dirs);
	for (size_t at = 0; ok && at < dirs.len && !link_closing(p->link); asked++) {
		struct str rest = { dirs.data + at, dirs.len - at }, dir = str_split(&rest, '\n');
		unsigned depth = 0;
		at += dir.n + 1;
		for (size_t i = strlen(w->root); i < dir.n; i++)
			depth += dir.p[i] == '/';
		if (asked >= LISTINGS_MAX || depth > PLACE_DEPTH_MAX) {
			out->more = true;
			continue;
		}
		char *copy = str_dup(dir);             /* dirs may move while it grows */
		ok = list_one(p, str_of(copy), out, &dirs) || p->item_only;
		free(copy);
	}
	buf_release(&dirs);
	return ok && !link_closing(p->link);
}

static bool web_read(struct place *p, struct place_item *item, struct buf *out)
{
	struct web *w = p->own;
	struct http_reply r;
	p->item_only = false;
	if (w->single.len) {
		buf_addstr(out, buf_str(&w->single));
		return true;
	}
	bool ok = ask(p, item->path, &r);
	if (ok)
		buf_addstr(out, buf_str(&r.body));
	if (ok && r.modified_ms)
		item->time = r.modified_ms;
	http_reply_release(&r);
	return ok;
}

static void web_free(struct place *p)
{
	struct web *w = p->own;
	http_free(w->http);
	access_close(&w->access);
	buf_release(&w->single);
	free(w->base);
	free(w->root);
	free(w);
}

bool place_open_http(struct place *p, const char *url)
{
	static const struct place_ops ops = { web_list, web_read, web_free };
	struct web *w = p->own = xcalloc(1, sizeof(*w));
	const char *host = strstr(url, "://"), *path = host ? strchr(host + 3, '/') : NULL, *last;
	p->ops = &ops;
	w->base = path ? str_dup((struct str){ url, (size_t)(path - url) }) : xstrdup(url);
	w->root = path ? xstrdup(path) : xstrdup("/");
	last = strrchr(w->root, '/') + 1;
	if (*last && !strpbrk(last, ".?")) {                   /* a folder, as servers want it */
		char *with = xasprintf("%s/", w->root);
		free(w->root);
		w->root = with;
		last = strrchr(w->root, '/') + 1;
	}
	w->single_name = str_of(last);
	if (!str_ends(w->single_name, STR(".json")))
		w->single_name = STR("report.json");
	http_redact(url, p->where, sizeof(p->where));
	access_open(&w->access, p->link, "the web server");
	w->access.conf.base = w->base;
	w->http = http_new(&w->access.conf, link_clock(p->link));
	return true;
}
