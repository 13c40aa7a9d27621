/* unread: which objects of a list could not be read and are left out, so that each counts once however often it changes,
 * and no more once it can be read or is gone. An object goes by the hash of namespace and name; where not even these can
 * be read, its bytes stand for the name. */
#ifndef KUBERNETES_UNREAD_H
#define KUBERNETES_UNREAD_H
#include "base/str.h"

#define UNREAD_MAX 1000           /* more are not told apart */

struct unread { uint32_t *keys; unsigned n, cap; };     /* zero is valid */

void unread_add(struct unread *u, struct str ns, struct str name);
void unread_drop(struct unread *u, struct str ns, struct str name);
void unread_clear(struct unread *u);                     /* a new listing begins; also releases */
/* "2 objects could not be read", "" for none. */
void unread_say(unsigned n, char *out, size_t size);
#endif
