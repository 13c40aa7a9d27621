/* hear: what a plugin's program says, a line of JSON each, as messages of ours. What is not understood is told and passed over. */
#define _GNU_SOURCE
#include "backends/plugin/plugin.h"
#include "base/cell_json.h"
#include "base/json_text.h"
#include "base/kinds.h"
#include "base/mem.h"
#include "base/rows.h"
#include <stdio.h>
#include <stdlib.h>

#define MISTAKES_MOST 100      /* lines in a row that are not understood: it speaks something else */
#define KEY_MOST 4096

static struct str text_of(const json_t *o, const char *key)
{
	const json_t *v = json_object_get(o, key);
	return json_is_string(v) ? (struct str){ json_string_value(v), json_string_length(v) } : STR("");
}

/* ---- rows */

static enum level level_of(struct speaker *s, const json_t *o)
{
	static const char *const names[] = { [LEVEL_NONE] = "none", [LEVEL_OK] = "ok", [LEVEL_DONE] = "done", [LEVEL_BUSY] = "busy",
		[LEVEL_DOUBT] = "doubt", [LEVEL_BAD] = "bad" };
	const json_t *v = json_object_get(o, "level");
	for (unsigned i = 0; v && i < ARRAY_SIZE(names); i++)
		if (json_is_string(v) && !strcmp(json_string_value(v), names[i]))
			return (enum level)i;
	if (v)
		speaker_mistake(s, "'level' is none, ok, done, busy, doubt or bad");
	return LEVEL_NONE;
}

static void put_row(struct speaker *s, const struct kind *k, const json_t *row, struct buf *rows)
{
	struct str key = text_of(row, "key");
	const char *name;
	json_t *v;
	if (!key.n || key.n > KEY_MOST) {
		speaker_mistake(s, "a row of '%s' has no key of 1 to %d bytes", k->name, KEY_MOST);
		return;
	}
	rows_put(rows, key, level_of(s, row));
	for (int c = 0; c < k->ncols; c++)
		if (!cell_from_json(&k->cols[c], json_object_get(row, k->cols[c].name), rows))
			speaker_mistake(s, "'%s' of row '%.80s' does not fit its column", k->cols[c].name, key.p);
	json_object_foreach((json_t *)(uintptr_t)row, name, v)
		if (strcmp(name, "key") && strcmp(name, "level") && kind_col(k, str_of(name), false) < 0)
			speaker_mistake(s, "'%s' has no column '%.60s'", k->name, name);
}

static void hear_rows(struct speaker *s, const json_t *said)
{
	const struct kind *k = plugin_kind(s->plugin, json_text(said, "rows"));
	const json_t *begin = json_object_get(said, "begin"), *put = json_object_get(said, "put"), *del = json_object_get(said, "del");
	size_t i;
	json_t *v;
	if (!k) {
		speaker_mistake(s, "'rows' names no kind of its manifest");
		return;
	}
	struct msg *m = msg_new(MSG_ROWS, 0);
	rows_start(&m->body, k->name);
	if (!kind_named(k->name))
		rows_kind(&m->body, k);
	if (json_is_true(begin))
		rows_begin(&m->body, STR(""));
	json_array_foreach(del, i, v)
		if (json_is_string(v))
			rows_del(&m->body, (struct str){ json_string_value(v), json_string_length(v) });
	json_array_foreach(put, i, v)
		put_row(s, k, v, &m->body);
	if (json_is_true(json_object_get(said, "end")))
		rows_end(&m->body, STR(""));
	if ((put && !json_is_array(put)) || (del && !json_is_array(del)))
		speaker_mistake(s, "'put' and 'del' are lists");
	link_send(s->link, m);
}

static void hear_health(struct speaker *s, const json_t *said)
{
	static const enum health_state states[] = { HEALTH_LIVE, HEALTH_STALE, HEALTH_LIMITED, HEALTH_REFUSED, HEALTH_DOWN };
	const char *name = json_text(said, "health"), *kind = json_text(said, "kind");
	struct msg_health h = { .state = HEALTH_IDLE, .latency_us = -1, .why = text_of(said, "why"), .remedy = text_of(said, "remedy"),
		.version = str_of(s->version), .detail = str_of(s->detail), .kind = str_of(kind) };
	for (size_t i = 0; i < ARRAY_SIZE(states); i++)
		if (!strcmp(health_name(states[i]), name))
			h.state = states[i];
	if (h.state == HEALTH_IDLE)
		speaker_mistake(s, "'health' is live, stale, limited, refused or down");
	else if (*kind && !plugin_kind(s->plugin, kind))
		speaker_mistake(s, "'kind' of its health is no kind of its manifest");
	else if (*kind)
		link_health(s->link, h);
	else
		link_say(s->link, h);
}

/* ---- answers */

static void hear_text(struct speaker *s, struct asked *a, const json_t *said)
{
	static const struct { const char *name; unsigned flag; } flags[] = { { "reset", TEXT_RESET }, { "end", TEXT_END }, { "note", TEXT_NOTE },
		{ "error", TEXT_ERROR | TEXT_END } };
	unsigned all = 0;
	for (size_t i = 0; i < ARRAY_SIZE(flags); i++)
		all |= json_is_true(json_object_get(said, flags[i].name)) ? flags[i].flag : 0;
	link_text(s->link, a->id, all, text_of(said, "text"));
	if (all & TEXT_END)
		speaker_over(s, a);
}

/* Severities of findings and of a tree's nodes, which are numbers to us. */
static void number_levels(struct speaker *s, json_t *v)
{
	const char *name;
	json_t *part;
	size_t i;
	if (json_object_get(v, "level"))
		json_object_set_new(v, "level", json_integer(level_of(s, v)));
	json_object_foreach(v, name, part)
		number_levels(s, part);
	json_array_foreach(v, i, part)
		number_levels(s, part);
}

static void hear_answer(struct speaker *s, struct asked *a, const json_t *said)
{
	json_t *answer = json_object_get(said, "answer"), *plan = NULL;
	char why[200] = "", *text = NULL;
	if (json_is_true(json_object_get(said, "refused")))
		link_refused(s->link, a->id);
	if (!answer) {
		struct str error = text_of(said, "error");
		link_answer(s->link, a->id, false, error.n ? error : STR("it said no reason"));
	} else if (a->type == REQ_PLAN && !(plan = plugin_plan(s->plugin, a, answer, why, sizeof(why)))) {
		speaker_mistake(s, "%s", why);
		link_fail(s->link, a->id, "the plugin's answer to '%s' cannot be used: %s", a->what, why);
	} else {
		if (!strcmp(a->what, "why") || !strcmp(a->what, "tree"))
			number_levels(s, answer);
		text = json_dumps(plan ? plan : answer, JSON_COMPACT | JSON_ENCODE_ANY);
		link_answer(s->link, a->id, true, str_of(text));
	}
	free(text);
	json_decref(plan);
	speaker_over(s, a);
}

static unsigned small(const json_t *said, const char *key)
{
	json_int_t n = json_integer_value(json_object_get(said, key));
	return n > 0 && n < 100000 ? (unsigned)n : 0;
}

static void hear_run(struct speaker *s, struct asked *a, const json_t *said)
{
	const json_t *finished = json_object_get(said, "finished"), *undo = json_object_get(said, "undo");
	bool ok = json_is_true(finished);
	if (!finished) {
		link_step(s->link, a->id, (struct msg_step){ .state = json_is_true(json_object_get(said, "waiting")) ? STEP_WAITING : STEP_RUNNING,
			.ok = true, .at = small(said, "at"), .of = small(said, "of"), .say = text_of(said, "step") });
		return;
	}
	if (json_is_true(json_object_get(said, "refused")))
		link_refused(s->link, a->id);
	if (ok && !json_is_object(undo))
		undo = json_object_get(json_object_get(a->plan, "undo"), "params");
	char *params = json_is_object(undo) && json_object_get(a->plan, "undo") ? json_dumps(undo, JSON_COMPACT) : NULL;
	link_step(s->link, a->id, (struct msg_step){ .state = STEP_FINISHED, .ok = ok, .say = text_of(said, "say"), .undo = str_of(params),
		.unknown = !ok && json_is_true(json_object_get(said, "unknown")) });
	free(params);
	speaker_over(s, a);
}

static void hear_reply(struct speaker *s, const json_t *said)
{
	struct asked *a = speaker_asked(s, (uint64_t)json_integer_value(json_object_get(said, "id")));
	bool text = json_is_string(json_object_get(said, "text")), answer = json_object_get(said, "answer") || json_is_string(json_object_get(said, "error")),
		run = json_is_string(json_object_get(said, "step")) || json_is_boolean(json_object_get(said, "finished"));
	if (!a)
		return;                            /* cancelled meanwhile */
	if (a->type == REQ_OPEN && text)
		hear_text(s, a, said);
	else if ((a->type == REQ_ASK || a->type == REQ_PLAN) && answer)
		hear_answer(s, a, said);
	else if (a->type == REQ_RUN && run)
		hear_run(s, a, said);
	else if (a->type == REQ_RUN && answer) {
		link_step(s->link, a->id, (struct msg_step){ .state = STEP_FINISHED, .say = text_of(said, "error") });
		speaker_over(s, a);
	} else
		speaker_mistake(s, "that is no reply to what request %llu asked for", (unsigned long long)a->id);
}

/* ---- a line */

static bool hear_greeting(struct speaker *s, const json_t *said, char *why, size_t size)
{
	json_int_t version = json_integer_value(json_object_get(said, "binnacle"));
	if (!json_is_object(said) || version != PLUGIN_PROTOCOL) {
		snprintf(why, size, "its first line is not {\"binnacle\": %d, ...}: %s", PLUGIN_PROTOCOL,
		         version ? "it speaks another version of the protocol" : "it is no plugin");
		return false;
	}
	free(s->version);
	free(s->detail);
	s->version = xstrdup(json_text(said, "version"));
	s->detail = xstrdup(json_text(said, "detail"));
	s->greeted = true;
	link_say(s->link, (struct msg_health){ .state = HEALTH_LIVE, .latency_us = -1, .version = str_of(s->version), .detail = str_of(s->detail) });
	return true;
}

bool plugin_hear(struct speaker *s, struct str line, char *why, size_t size)
{
	json_error_t error;
	s->line++;
	line = str_trim(line);
	if (!line.n)
		return true;
	json_t *said = json_loadb(line.p, line.n, JSON_ALLOW_NUL, &error);
	s->mistaken = false;
	bool ok = true;
	if (!s->greeted)
		ok = hear_greeting(s, said, why, size);
	else if (!json_is_object(said))
		speaker_mistake(s, "it is no JSON object (%s)", said ? "but another value" : error.text);
	else if (json_is_string(json_object_get(said, "rows")))
		hear_rows(s, said);
	else if (json_is_string(json_object_get(said, "health")))
		hear_health(s, said);
	else if (json_is_integer(json_object_get(said, "id")))
		hear_reply(s, said);
	else
		speaker_mistake(s, "it has neither 'rows' nor 'health' nor 'id'");
	json_decref(said);
	s->mistakes = s->mistaken ? s->mistakes + 1 : 0;
	if (s->mistakes == MISTAKES_MOST) {
		snprintf(why, size, "%d lines in a row could not be understood, the last: %.150s", MISTAKES_MOST, s->mistake);
		ok = false;
	}
	return ok;
}
