/* logline: the form in which "logs" streams (REQ_OPEN "logs") hand their lines over. Each line is
 *
 *   TIME ' ' TEXT '\n'               the log of one container
 *   TIME '|' WHERE ' ' TEXT '\n'     several containers merged, in order of time; WHERE is "container" or
 *                                    "pod/container", and never holds a blank
 *
 * TIME is RFC 3339 with up to nanoseconds ("2026-11-21T03:11:58.123456789Z"), as the server sent it. A line that does
 * not begin so came without a time: all of it is TEXT. Chunks end at line ends; only the last line of a stream may
 * lack its '\n'. Notes (TEXT_NOTE) and errors are plain sentences, not lines of this form. */
#ifndef BASE_LOGLINE_H
#define BASE_LOGLINE_H
#include "base/str.h"

struct logline {
	struct str time;         /* as it stood, n = 0 when there was none */
	struct str where;        /* n = 0 when not merged */
	struct str text;         /* without the line end; raw bytes from outside */
};
/* Takes the line (with or without '\n' or "\r\n") apart; never fails. Everything is borrowed from line. */
struct logline logline_parse(struct str line);
/* Nanoseconds since 1970 UTC of a time as above, any zone; false when it is none. */
bool logline_time(struct str time, int64_t *ns);
#endif
