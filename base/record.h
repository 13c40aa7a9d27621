/* record: what the sources were asked and what they said, in a file, to be played back exactly. A file is a magic line,
 * one JSON line that names the sources, then frames:
 *
 *   varint length of the rest | varint ms since the frame before | source | type | id | body | 4 bytes CRC-32
 *
 * A question (since version 2) is a frame of type RECORD_ASKED before those of its replies, with the id that they have.
 * A text that was asked for with its secrets (TEXT_SECRET) is recorded as a line that says so; no other message holds
 * any. A file that was cut off is played up to the cut. */
#ifndef BASE_RECORD_H
#define BASE_RECORD_H
#include "base/msg.h"
#include "base/source.h"
#include "base/store.h"

struct record;

/* Makes the file (0600); refuses one that is there. NULL and why. */
struct record *record_open(const char *path, const struct store *sources, char *why, size_t size);
/* False once writing has failed; why is then record_error(). The session goes on. */
bool record_add(struct record *r, const struct msg *m);
/* A question, before any reply to it is added. Only REQ_OPEN and REQ_ASK are kept. */
bool record_ask(struct record *r, uint16_t source, const struct request *q);
const char *record_error(const struct record *r);     /* NULL: all well */
void record_close(struct record *r);

struct replay;
/* Checks the head. NULL and why: not a record, of another version, unreadable. */
struct replay *replay_open(const char *path, char *why, size_t size);
unsigned replay_sources(const struct replay *r);
const char *replay_source(const struct replay *r, unsigned i, const char **environment);
const char *replay_source_type(const struct replay *r, unsigned i);   /* its backend's name; "": not known (version 1) */
int64_t replay_started(const struct replay *r);       /* wall ms of its first message */
/* The next message; caller frees. NULL at the end or where the file is damaged: then why says what, or is "". */
struct msg *replay_next(struct replay *r, char *why, size_t size);
void replay_close(struct replay *r);

enum { RECORD_ASKED = 'q' };                          /* a type beside those of enum msg_type, in records only */
/* What a question looks like in a record; its parameters without secrets, in one order, so that equal ones are equal bytes. */
void record_put_question(struct buf *b, const struct request *q);
#endif
