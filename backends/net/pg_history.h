/* pg_history: the history that several consoles of a team share, in a schema of its own in PostgreSQL: a sink for
 * base/history.h. The schema is made when it is not there and may be; otherwise pg_history_ddl is what somebody who may has to
 * run. */
#ifndef NET_PG_HISTORY_H
#define NET_PG_HISTORY_H
#include "base/history.h"
#include "base/yaml.h"

/* settings: CONFIG_PG_KEYS and `schema`, borrowed. closing: when all waiting ends. The sink is one allocation with its arg;
 * history_share() takes it. */
const struct history_sink *pg_history_new(const struct yaml *settings, const atomic_bool *closing);
/* The statements that make it, for this schema; caller frees. NULL: that is no name of a schema. */
char *pg_history_ddl(const char *schema);
#endif
