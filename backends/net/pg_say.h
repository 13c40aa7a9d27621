/* pg_say: what PostgreSQL and libpq say when something fails, as one sentence with what to do about it. Pure functions. */
#ifndef NET_PG_SAY_H
#define NET_PG_SAY_H
#include "base/msg.h"

struct pg_fault { enum health_state state; const char *remedy; };
/* By SQLSTATE, else (sqlstate "") by what libpq said while connecting. Never NULL texts. */
struct pg_fault pg_fault(const char *sqlstate, struct str message);
/* The message as one line: without "ERROR:", "FATAL:", the address part of libpq and its second and further lines. */
void pg_sentence(struct str message, char *out, size_t size);
#endif
