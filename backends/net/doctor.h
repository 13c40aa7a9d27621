/* doctor: a line of what a source's doctor says (the answer to REQ_ASK "doctor" is an array of these). */
#ifndef NET_DOCTOR_H
#define NET_DOCTOR_H
#include <jansson.h>

/* Appends {check, level, say, remedy, ok} to all. ok: 1 well, 0 wrong, -1 doubtful or not known; the remedy is left out where
 * all is well. The texts are UTF-8. */
void doctor_check(json_t *all, const char *name, int ok, const char *remedy, const char *fmt, ...)
	__attribute__((format(printf, 5, 6)));
#endif
