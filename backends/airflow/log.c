/* log: the log of one try of a task. A try that is over comes in one stream of any size (v1 text/plain, v2 ndjson). One that
 * runs is asked for again and again with the token that says where we are: v1 answers the printed form of a Python
 * list, v2 structured entries. Asking for the stream would hold one of the server's workers as long as the task runs. */
#include "backends/airflow/airflow.h"
#include "base/mem.h"
#include <stdlib.h>

#define FOLLOW_MS 2000
#define FOLLOW_MOST_MS 8000
#define LINE_MOST 65536          /* bytes kept of a line that does not end */

/* ---- Python's way of printing strings */

static void add_code(struct buf *out, uint32_t c)
{
	if (c < 0x80) {
		buf_addc(out, (char)c);
	} else if (c < 0x800) {
		buf_addc(out, (char)(0xc0 | c >> 6)), buf_addc(out, (char)(0x80 | (c & 63)));
	} else if (c < 0x10000) {
		buf_addc(out, (char)(0xe0 | c >> 12)), buf_addc(out, (char)(0x80 | (c >> 6 & 63)));
		buf_addc(out, (char)(0x80 | (c & 63)));
	} else if (c < 0x110000) {
		buf_addc(out, (char)(0xf0 | c >> 18)), buf_addc(out, (char)(0x80 | (c >> 12 & 63)));
		buf_addc(out, (char)(0x80 | (c >> 6 & 63))), buf_addc(out, (char)(0x80 | (c & 63)));
	}
}

static bool escape(struct str *s, struct buf *out)
{
	static const char from[] = "ntr'\"\\abfv0", to[] = "\n\t\r'\"\\\a\b\f\v";
	char c = *s->p;
	const char *at = c ? strchr(from, c) : NULL;
	int digits = c == 'x' ? 2 : c == 'u' ? 4 : c == 'U' ? 8 : 0;
	uint32_t v = 0;
	s->p++, s->n--;
	if (at) {
		buf_addc(out, to[at - from]);
		return true;
	}
	if (!digits || s->n < (size_t)digits)
		return false;
	for (; digits; digits--, s->p++, s->n--) {
		char d = *s->p;
		int h = d >= '0' && d <= '9' ? d - '0' : d >= 'a' && d <= 'f' ? d - 'a' + 10 : d >= 'A' && d <= 'F' ? d - 'A' + 10 : -1;
		if (h < 0)
			return false;
		v = v << 4 | (uint32_t)h;
	}
	add_code(out, v);
	return true;
}

/* A quoted string at the front of *s; out NULL skips it. */
static bool quoted(struct str *s, struct buf *out)
{
	struct buf skipped = { 0 };
	struct buf *to = out ? out : &skipped;
	char quote = s->n ? *s->p : 0;
	bool ok = quote == '\'' || quote == '"', ended = false;
	if (ok)
		s->p++, s->n--;
	while (ok && s->n && !ended) {
		char c = *s->p;
		s->p++, s->n--;
		if (c == quote)
			ended = true;
		else if (c == '\\')
			ok = s->n && escape(s, to);
		else
			buf_addc(to, c);
	}
	buf_release(&skipped);
	return ok && ended;
}

static bool take(struct str *s, const char *word)
{
	if (!str_starts(*s, str_of(word)))
		return false;
	s->p += strlen(word), s->n -= strlen(word);
	return true;
}

bool repr_text(struct str s, struct buf *out)
{
	if (!take(&s, "["))
		return false;
	for (bool first = true; !take(&s, "]"); first = false) {
		if ((!first && !take(&s, ", ")) || !take(&s, "(") || !quoted(&s, NULL) || !take(&s, ", ") || !quoted(&s, out) ||
		    !take(&s, ")"))
			return false;
		if (out->len && out->data[out->len - 1] != '\n')
			buf_addc(out, '\n');
	}
	return s.n == 0;
}

/* ---- lines */

/* "::group::Title" is a heading, "::endgroup::" nothing. False: leave the line out. */
static bool group_line(struct str *text)
{
	size_t at = str_find(*text, STR("::group::"), false);
	if (str_find(*text, STR("::endgroup::"), false) != STR_NONE)
		return false;
	if (at != STR_NONE)
		*text = (struct str){ text->p + at + 9, text->n - at - 9 };
	return true;
}

void log_line(const json_t *entry, struct buf *out)
{
	const json_t *event = json_object_get(entry, "event"), *o;
	struct str text = json_is_string(entry) ? (struct str){ json_string_value(entry), json_string_length(entry) }
	                  : (struct str){ json_string_value(event), json_string_length(event) };
	struct str time = text_in(entry, "timestamp"), level = text_in(entry, "level");
	size_t i;
	bool shown = group_line(&text);
	if (shown && (text.n || json_is_object(entry))) {
		if (time.n)
			buf_addf(out, STR_FMT " ", STR_ARG(time));
		for (size_t c = 0; c < level.n && !str_is(level, "info"); c++)
			buf_addc(out, (char)(level.p[c] >= 'a' && level.p[c] <= 'z' ? level.p[c] - 32 : level.p[c]));
		if (level.n && !str_is(level, "info"))
			buf_addc(out, ' ');
		buf_addstr(out, text);
		buf_addc(out, '\n');
	}
	json_array_foreach(json_object_get(entry, "sources"), i, o)
		if (json_is_string(o))
			buf_addf(out, "  from %s\n", json_string_value(o));
	json_array_foreach(json_object_get(entry, "error_detail"), i, o) {
		struct str type = text_in(o, "exc_type"), value = text_in(o, "exc_value");
		buf_addf(out, STR_FMT "%sERROR " STR_FMT ": " STR_FMT "\n", STR_ARG(time), time.n ? " " : "", STR_ARG(type),
		         STR_ARG(value));
		const json_t *frame;
		size_t k;
		json_array_foreach(json_object_get(o, "frames"), k, frame)
			buf_addf(out, "  " STR_FMT ":%lld in " STR_FMT "\n", STR_ARG(text_in(frame, "filename")),
			         (long long)json_integer_value(json_object_get(frame, "lineno")), STR_ARG(text_in(frame, "name")));
	}
}

/* "[2026-11-21T03:03:01.560+0000] {python.py:240} INFO - text" as "2026-11-21T03:03:01.560+00:00 text": what is not INFO
 * says so. Other lines stay as they are. */
static void plain_line(struct str line, struct buf *out)
{
	struct str rest = line, time, where;
	if (line.n && line.p[line.n - 1] == '\r')
		line.n--;
	struct str text = line;
	if (!group_line(&text))
		return;
	if (!take(&rest, "[") || !(time = str_split(&rest, ']')).n || time.n < 24 || time.p[4] != '-' ||
	    (time.p[time.n - 5] != '+' && time.p[time.n - 5] != '-')) {
		buf_addf(out, STR_FMT "\n", STR_ARG(text));
		return;
	}
	buf_addf(out, STR_FMT ":" STR_FMT " ", STR_ARG(((struct str){ time.p, time.n - 2 })),
	         STR_ARG(((struct str){ time.p + time.n - 2, 2 })));
	if (text.p == line.p) {
		where = rest;
		text = take(&where, " {") ? (str_split(&where, '}'), str_trim(where)) : str_trim(rest);
		take(&text, "INFO - ");
	}
	buf_addf(out, STR_FMT "\n", STR_ARG(text));
}

static void plain_lines(struct str text, struct buf *out)
{
	for (struct str rest = text; rest.n;)
		plain_line(str_split(&rest, '\n'), out);
}

/* ---- one stream */

struct incoming { struct airflow *a; struct log *l; struct buf line; uint64_t lines; };

static void one_line(struct incoming *in, struct str line, struct buf *out)
{
	char why[160];
	if (in->l->plain) {
		if (in->lines++ || memchr(line.p ? line.p : "", ' ', line.n))   /* first the host's name, alone */
			plain_line(line, out);
		return;
	}
	json_t *j = line.n ? json_read(line, NULL, why, sizeof(why)) : NULL;
	if (j)
		log_line(j, out);
	else if (line.n)
		buf_addf(out, STR_FMT "\n", STR_ARG(line));
	json_decref(j);
}

static bool on_data(void *arg, struct str chunk)
{
	struct incoming *in = arg;
	struct buf out = { 0 };
	while (chunk.n) {
		const char *end = memchr(chunk.p, '\n', chunk.n);
		size_t n = end ? (size_t)(end - chunk.p) : chunk.n;
		if (in->line.len < LINE_MOST)
			buf_add(&in->line, chunk.p, n);
		if (end) {
			one_line(in, buf_str(&in->line), &out);
			buf_clear(&in->line);
			n++;
		}
		chunk.p += n, chunk.n -= n;
	}
	if (out.len)
		link_text(in->a->api.link, in->l->id, 0, buf_str(&out));
	buf_release(&out);
	return !link_cancelled(in->a->api.link, in->l->id);
}

static void log_path(const struct log *l, bool full, struct buf *out)
{
	buf_addf(out, "%s/logs/%d?full_content=%s", l->path.data, l->tried, full ? "true" : "false");
	if (l->map.len)
		buf_addf(out, "&map_index=%s", l->map.data);
}

static bool whole_log(struct airflow *a, struct log *l)
{
	struct incoming in = { .a = a, .l = l };
	struct buf path = { 0 };
	l->plain = a->api.version == 1;
	log_path(l, true, &path);
	bool ok = api_stream(&a->api, path.data, l->plain ? "text/plain" : "application/x-ndjson", on_data, &in);
	if (ok && in.line.len)
		on_data(&in, STR("\n"));
	buf_release(&in.line);
	buf_release(&path);
	return ok;
}

/* v1's token begins with its contents in base64: {"end_of_log":true,... */
static bool says_end(struct str token)
{
	return str_starts(token, STR("eyJlbmRfb2ZfbG9nIjp0cnVl"));
}

/* Entries of a structured log. The token should make the server leave out what it gave before; 3.0 and 3.1 start anew all
 * the same (they compute the slice and drop it), which shows in the first entry. Then we leave it out. */
static void new_entries(struct log *l, const json_t *content, struct buf *out)
{
	const json_t *o;
	size_t i, skip = 0, seen = 0;
	bool first = true;
	json_array_foreach(content, i, o) {
		size_t at = out->len;
		bool heading = json_is_object(o) && !text_in(o, "timestamp").n && str_starts(text_in(o, "event"), STR("::"));
		log_line(o, out);
		if (heading) {
			out->len = l->shown ? at : out->len;
			continue;
		}
		uint32_t hash = str_hash((struct str){ out->data + at, out->len - at });
		if (first && !l->entries)
			l->first = hash;
		else if (first && hash == l->first)
			skip = l->entries;
		first = false;
		if (seen++ < skip)
			out->len = at;
		else
			l->entries++;
	}
}

/* The next part of a log that grows; *over: nothing follows. */
static bool next_part(struct airflow *a, struct log *l, bool *over)
{
	struct buf path = { 0 }, out = { 0 };
	log_path(l, false, &path);
	if (l->token.len) {
		buf_adds(&path, "&token=");
		http_escape(&path, buf_str(&l->token));
	}
	json_t *j = api_get(&a->api, "%s", path.data);
	const json_t *content = json_object_get(j, "content"), *token = json_object_get(j, "continuation_token");
	struct str next = { json_string_value(token), json_string_length(token) };
	new_entries(l, content, &out);
	if (json_is_string(content)) {
		struct str text = { json_string_value(content), json_string_length(content) };
		struct buf plain = { 0 };
		plain_lines(repr_text(text, &plain) ? buf_str(&plain) : text, &out);
		buf_release(&plain);
	}
	bool same = l->token.len && str_eq(next, buf_str(&l->token));
	buf_clear(&l->token);
	buf_addstr(&l->token, next);
	l->quiet = out.len && !same ? 0 : l->quiet + 1;
	if (out.len)
		link_text(a->api.link, l->id, 0, buf_str(&out));
	*over = j && (!next.n || (a->api.version == 1 && says_end(next)));
	json_decref(j);
	buf_release(&out);
	buf_release(&path);
	return j != NULL;
}

static void end_log(struct airflow *a, struct log *l, bool error, const char *what)
{
	link_text(a->api.link, l->id, TEXT_END | (error ? TEXT_ERROR : *what ? TEXT_NOTE : 0), str_of(what));
	log_drop(a, l->id);
}

/* Which try, and is it over. False: the log ended, or waits. */
static bool begin_log(struct airflow *a, struct log *l, bool *over)
{
	json_t *j = api_get(&a->api, "%s", l->task.data);
	struct str state = text_in(j, "state");
	double try = real_in(j, "try_number");
	int tried = try >= 0 && try < 10000 ? (int)try : 0, want = l->tried > 0 ? l->tried : tried + l->tried;
	enum state_is is = state_meaning(state);
	json_decref(j);
	*over = want < tried || (is != STATE_RUNNING && !str_is(state, "deferred"));
	if (!j && api_passing(&a->api))
		l->due = mono_of(a) + FOLLOW_MOST_MS;
	else if (!j)
		end_log(a, l, true, a->api.error);
	if (!j)
		return false;
	if (want >= 1) {
		l->tried = want;
		l->began = true;
	} else if (state_over(is) || !l->follow) {
		end_log(a, l, false, state_over(is) ? "it never ran: there is no log" : "it has not begun: there is no log yet");
	} else {
		if (!l->quiet++)
			link_text(a->api.link, l->id, TEXT_NOTE, STR("it has not begun; W on the task says why. Its log will follow here."));
		l->due = mono_of(a) + FOLLOW_MOST_MS;
	}
	return want >= 1;
}

bool log_step(struct airflow *a, struct log *l)
{
	bool over = false;
	a->api.waiting = l->id;
	if (!l->began && !begin_log(a, l, &over)) {
		a->api.waiting = 0;
		return a->api.end == HTTP_OK || !api_passing(&a->api);
	}
	bool whole = !l->token.len && !l->shown && (over || !l->follow);
	bool ok = whole ? whole_log(a, l) : next_part(a, l, &over);
	if (!ok && whole && a->api.status == 406)
		ok = next_part(a, l, &over);
	a->api.waiting = 0;
	l->shown = true;
	if (!ok && api_passing(&a->api) && !whole) {
		l->due = mono_of(a) + FOLLOW_MOST_MS;
		return false;
	}
	if (!ok || over || whole) {
		end_log(a, l, !ok, ok ? "" : a->api.error);
		return true;
	}
	l->due = mono_of(a) + (l->quiet > 20 ? FOLLOW_MOST_MS : l->quiet > 5 ? 2 * FOLLOW_MS : FOLLOW_MS);
	return true;
}

/* params: {"follow":true, "try":2, "previous":true} */
void log_open(struct airflow *a, const struct request *r)
{
	struct task_key k;
	json_t *p = json_loads(r->params, 0, NULL);
	double try = real_in(p, "try");
	if (strcmp(r->kind, "tasks") || !task_key_parse(str_of(r->key), &k) || !k.task.n) {
		link_textf(a->api.link, r->id, TEXT_END | TEXT_ERROR, "only tasks have a log; open the run and choose one");
		json_decref(p);
		return;
	}
	struct log *l = xcalloc(1, sizeof(*l));
	*l = (struct log){ .id = r->id, .next = a->logs, .follow = json_is_true(json_object_get(p, "follow")),
		.tried = try >= 1 && try < 10000 ? (int)try : json_is_true(json_object_get(p, "previous")) ? -1 : 0 };
	task_key_path(&k, &l->task);
	buf_addstr(&l->map, k.map);          /* logs say by a parameter which one of many */
	k.map.n = 0;
	task_key_path(&k, &l->path);
	l->due = mono_of(a);
	a->logs = l;
	json_decref(p);
}

void log_drop(struct airflow *a, uint64_t id)
{
	for (struct log **at = &a->logs; *at; at = &(*at)->next) {
		struct log *l = *at;
		if (l->id != id)
			continue;
		*at = l->next;
		buf_release(&l->task);
		buf_release(&l->path);
		buf_release(&l->map);
		buf_release(&l->token);
		free(l);
		return;
	}
}
