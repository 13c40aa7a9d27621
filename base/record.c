/* record: see record.h. */
#define _GNU_SOURCE
#include "base/record.h"
#include "base/mem.h"
#include "base/redact.h"
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static const char magic[] = "binnacle record 2\n", magic1[] = "binnacle record 1\n";
enum { MAX_FRAME = 256 << 20 };

/* CRC-32 as in ISO 3309 (zlib, PNG), bit by bit over a 16-entry table. */
static uint32_t crc32_of(struct str s)
{
	static const uint32_t table[16] = {
		0x00000000, 0x1db71064, 0x3b6e20c8, 0x26d930ac, 0x76dc4190, 0x6b6b51f4, 0x4db26158, 0x5005713c,
		0xedb88320, 0xf00f9344, 0xd6d6a3e8, 0xcb61b38c, 0x9b64c2b0, 0x86d3d2d4, 0xa00ae278, 0xbdbdf21c,
	};
	uint32_t c = 0xffffffff;
	for (size_t i = 0; i < s.n; i++) {
		c ^= (unsigned char)s.p[i];
		c = table[c & 15] ^ c >> 4;
		c = table[c & 15] ^ c >> 4;
	}
	return ~c;
}

struct record {
	FILE *file;
	const struct clock *clock;
	int64_t last;
	struct buf frame;
	char *error;
};

static json_t *head_of(const struct store *sources)
{
	json_t *list = json_array();
	for (unsigned i = 0; i < sources->nsources; i++) {
		const struct source_state *s = &sources->sources[i];
		json_array_append_new(list, json_pack("{s:s, s:s, s:s}", "name", s->name, "environment", s->environment,
		                                      "type", s->source ? s->source->backend->name : ""));
	}
	return json_pack("{s:o, s:I}", "sources", list, "started", (json_int_t)clock_wall(sources->clock));
}

struct record *record_open(const char *path, const struct store *sources, char *why, size_t size)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0) {
		snprintf(why, size, errno == EEXIST ? "'%s' is there already; record to another file" :
		         "cannot record to '%s': %s", path, strerror(errno));
		return NULL;
	}
	struct record *r = xcalloc(1, sizeof(*r));
	r->file = fdopen(fd, "w");
	r->clock = sources->clock;
	r->last = clock_wall(r->clock);
	json_t *head = head_of(sources);
	fputs(magic, r->file);
	json_dumpf(head, r->file, JSON_COMPACT);
	fputc('\n', r->file);
	json_decref(head);
	if (fflush(r->file) == 0)
		return r;
	snprintf(why, size, "cannot record to '%s': %s", path, strerror(errno));
	record_close(r);
	return NULL;
}

static bool add_plain(struct record *r, const struct msg *m)
{
	struct buf *b = &r->frame;
	buf_clear(b);
	buf_varint(b, m->at > r->last ? (uint64_t)(m->at - r->last) : 0);
	buf_varint(b, m->source);
	buf_addc(b, (char)m->type);
	buf_varint(b, m->id);
	buf_addstr(b, buf_str(&m->body));
	uint32_t crc = crc32_of(buf_str(b));
	for (int i = 0; i < 4; i++)
		buf_addc(b, (char)(crc >> 8 * i));
	struct buf length = { 0 };
	buf_varint(&length, b->len);
	bool ok = fwrite(length.data, 1, length.len, r->file) == length.len &&
	          fwrite(b->data, 1, b->len, r->file) == b->len && fflush(r->file) == 0;
	buf_release(&length);
	if (b->cap > 1 << 20)
		buf_release(b);
	if (m->at > r->last)
		r->last = m->at;
	if (!ok)
		r->error = xasprintf("recording stopped: %s; what was written before is kept", strerror(errno));
	return ok;
}

/* What stands in a record for a text that was asked for with its secrets. */
static bool add_unsaid(struct record *r, const struct msg *m, struct msg_text t)
{
	struct msg *said = msg_new(MSG_TEXT, m->id);
	said->at = m->at;
	said->source = m->source;
	msg_put_text(said, (struct msg_text){ t.flags & ~(unsigned)TEXT_SECRET, STR("(held secrets: not recorded)\n") });
	bool ok = add_plain(r, said);
	msg_free(said);
	return ok;
}

/* A plan that changes a Secret, or what undoes it. */
static bool about_secret(const struct msg *m)
{
	return (m->type == MSG_ANSWER || m->type == MSG_STEP) && m->body.len &&
	       memmem(m->body.data, m->body.len, "Secret", 6) != NULL;
}

/* JSON without secrets; a text that is none as it is. Caller frees. */
static char *masked(struct str json)
{
	json_t *given = json_loadb(json.p, json.n, JSON_DECODE_ANY, NULL), *said = given ? redact_json(given) : NULL;
	char *text = said ? json_dumps(said, JSON_COMPACT | JSON_ENCODE_ANY) : str_dup(json);
	json_decref(said);
	json_decref(given);
	return text;
}

static bool add_masked(struct record *r, const struct msg *m)
{
	struct msg *said = msg_new(m->type, m->id);
	struct msg_answer answer;
	struct msg_step step;
	char *text = NULL;
	said->at = m->at;
	said->source = m->source;
	if (m->type == MSG_ANSWER && msg_get_answer(m, &answer)) {
		text = masked(answer.json);
		answer.json = str_of(text);
		msg_put_answer(said, answer);
	} else if (m->type == MSG_STEP && msg_get_step(m, &step)) {
		text = masked(step.undo);
		step.undo = str_of(text);
		msg_put_step(said, step);
	}
	bool ok = add_plain(r, said);
	free(text);
	msg_free(said);
	return ok;
}

bool record_add(struct record *r, const struct msg *m)
{
	struct msg_text t;
	if (r->error)
		return false;
	if (m->type == MSG_TEXT && msg_get_text(m, &t) && t.flags & TEXT_SECRET)
		return add_unsaid(r, m, t);
	return about_secret(m) ? add_masked(r, m) : add_plain(r, m);
}

void record_put_question(struct buf *b, const struct request *q)
{
	json_t *given = json_loads(q->params, 0, NULL), *said = given ? redact_json(given) : NULL;
	char *params = said ? json_dumps(said, JSON_COMPACT | JSON_SORT_KEYS) : redact_text(str_of(q->params));
	buf_addc(b, (char)q->type);
	buf_string(b, str_of(q->kind));
	buf_string(b, str_of(q->key));
	buf_string(b, str_of(q->what));
	buf_string(b, str_of(params));
	free(params);
	json_decref(said);
	json_decref(given);
}

bool record_ask(struct record *r, uint16_t source, const struct request *q)
{
	if (q->type != REQ_OPEN && q->type != REQ_ASK)
		return true;
	struct msg *m = msg_new((enum msg_type)RECORD_ASKED, q->id);
	m->at = clock_wall(r->clock);
	m->source = source;
	record_put_question(&m->body, q);
	bool ok = record_add(r, m);
	msg_free(m);
	return ok;
}

const char *record_error(const struct record *r)
{
	return r->error;
}

void record_close(struct record *r)
{
	if (!r)
		return;
	fclose(r->file);
	buf_release(&r->frame);
	free(r->error);
	free(r);
}

struct replay {
	FILE *file;
	json_t *head;
	int64_t at;
};

struct replay *replay_open(const char *path, char *why, size_t size)
{
	char first[sizeof(magic)] = "";
	char *line = NULL;
	size_t cap = 0;
	FILE *f = fopen(path, "re");
	if (!f) {
		snprintf(why, size, "cannot replay '%s': %s", path, strerror(errno));
		return NULL;
	}
	json_t *head = NULL;
	if (fgets(first, sizeof(first), f) && (!strcmp(first, magic) || !strcmp(first, magic1)) && getline(&line, &cap, f) > 0)
		head = json_loads(line, 0, NULL);
	free(line);
	if (!json_is_array(json_object_get(head, "sources")) || !json_is_integer(json_object_get(head, "started"))) {
		snprintf(why, size, "cannot replay '%s': not a record of this version (made with --record)", path);
		json_decref(head);
		fclose(f);
		return NULL;
	}
	struct replay *r = xcalloc(1, sizeof(*r));
	*r = (struct replay){ f, head, json_integer_value(json_object_get(head, "started")) };
	return r;
}

unsigned replay_sources(const struct replay *r)
{
	return (unsigned)json_array_size(json_object_get(r->head, "sources"));
}

const char *replay_source(const struct replay *r, unsigned i, const char **environment)
{
	const json_t *s = json_array_get(json_object_get(r->head, "sources"), i);
	const char *env = json_string_value(json_object_get(s, "environment"));
	const char *name = json_string_value(json_object_get(s, "name"));
	*environment = env ? env : "";
	return name ? name : "?";
}

const char *replay_source_type(const struct replay *r, unsigned i)
{
	const char *type = json_string_value(json_object_get(json_array_get(json_object_get(r->head, "sources"), i), "type"));
	return type ? type : "";
}

int64_t replay_started(const struct replay *r)
{
	return json_integer_value(json_object_get(r->head, "started"));
}

/* The varint before a frame; false at the end of the file. */
static bool read_length(FILE *f, uint64_t *out)
{
	uint64_t v = 0;
	for (unsigned shift = 0; shift < 35; shift += 7) {
		int c = getc(f);
		if (c == EOF)
			return false;
		v |= (uint64_t)(c & 0x7f) << shift;
		if (c < 0x80) {
			*out = v;
			return true;
		}
	}
	return false;
}

static struct msg *parse_frame(struct replay *r, struct str bytes)
{
	if (bytes.n < 5)
		return NULL;
	uint32_t crc = 0;
	bytes.n -= 4;
	for (int i = 0; i < 4; i++)
		crc |= (uint32_t)(unsigned char)bytes.p[bytes.n + (size_t)i] << 8 * i;
	if (crc != crc32_of(bytes))
		return NULL;
	struct rd rd = rd_of(bytes);
	uint64_t later = rd_varint(&rd), source = rd_varint(&rd);
	uint8_t type = rd_byte(&rd);
	uint64_t id = rd_varint(&rd);
	if (rd.bad || source >= replay_sources(r) || source > UINT16_MAX || !type || !strchr("rthsaq", type))
		return NULL;
	r->at += (int64_t)(later & INT32_MAX);
	struct msg *m = msg_new((enum msg_type)type, id);
	m->source = (uint16_t)source;
	m->at = r->at;
	buf_add(&m->body, rd.p, (size_t)(rd.end - rd.p));
	return m;
}

struct msg *replay_next(struct replay *r, char *why, size_t size)
{
	uint64_t n;
	snprintf(why, size, "%s", "");
	if (!read_length(r->file, &n))
		return NULL;
	if (n > MAX_FRAME) {
		snprintf(why, size, "the record is damaged from here on");
		return NULL;
	}
	struct buf b = { 0 };
	struct msg *m = NULL;
	/* by parts, so that a wrong length costs no more memory than the file has bytes */
	while (b.len < n) {
		size_t part = n - b.len < 65536 ? (size_t)(n - b.len) : 65536;
		buf_reserve(&b, part);
		size_t got = fread(b.data + b.len, 1, part, r->file);
		b.len += got;
		if (got < part)
			break;
	}
	if (b.len < n)
		snprintf(why, size, "the record was cut off here");
	else if (!(m = parse_frame(r, buf_str(&b))))
		snprintf(why, size, "the record is damaged from here on");
	buf_release(&b);
	return m;
}

void replay_close(struct replay *r)
{
	if (!r)
		return;
	fclose(r->file);
	json_decref(r->head);
	free(r);
}
