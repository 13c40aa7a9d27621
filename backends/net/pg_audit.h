/* pg_audit: a copy of the audit trail in a table in PostgreSQL: a sink for base/audit_copy.h. Lines are kept as they are, beside
 * the columns that one searches by, so that the chain can be checked there too. */
#ifndef NET_PG_AUDIT_H
#define NET_PG_AUDIT_H
#include "base/audit_copy.h"

/* settings: CONFIG_PG_KEYS and `table`, borrowed. path: of the audit file, which with the host names where a line is from. */
struct audit_sink pg_audit_new(const struct yaml *settings, const char *path, const atomic_bool *closing);
#endif
