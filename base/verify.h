/* verify: the platform from end to end as a list of checks, each with its evidence. The checks come from what is configured: one
 * is made for every kind that some source fills, one for every source, and those of the section `verify:` of binnacle.yaml.
 * Pure: rows of the store in, rows of kind `verify` out. */
#ifndef BASE_VERIFY_H
#define BASE_VERIFY_H
#include "base/config.h"
#include "base/store.h"

extern const struct kind kind_verify;
extern const struct config_key verify_keys[];    /* of one entry under `verify:` */
enum verify_col { VERIFY_CHECK, VERIFY_RESULT, VERIFY_EVIDENCE, VERIFY_WHERE, VERIFY_KIND, VERIFY_KEY, VERIFY_COL_COUNT };

/* A prediction that was asked for to see that it is answered and logged; made by who can ask (cli/verify.c). */
struct verify_probe {
	bool tried;
	int answered, logged;        /* 1, 0, -1 could not be told */
	struct str say_answered, say_logged;
};

struct verify;
struct verify *verify_new(const struct config *c);   /* c may be NULL; borrowed */
void verify_free(struct verify *v);
/* Kind i that has to be asked for; NULL: no more. Owned by v or constant. */
const char *verify_kind(const struct verify *v, unsigned i);
/* Makes all checks anew; probe may be NULL. */
void verify_update(struct verify *v, const struct store *s, const struct verify_probe *probe, int64_t now);
struct table *verify_table(struct verify *v);
unsigned verify_failed(const struct verify *v);      /* how many are wrong or could not be told */
#endif
