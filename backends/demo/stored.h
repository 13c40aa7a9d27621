/* stored: the simulated store as it is after what was done to it here: over the objects that it came with (demo_storage.c) lie
 * those that were deleted, restored and copied (demo_stored.c). Both buckets keep versions. */
#ifndef DEMO_STORED_H
#define DEMO_STORED_H
#include "backends/demo/world.h"

struct object { const char *place; int64_t size, modified; };        /* "BUCKET/KEY" */
typedef void (*object_fn)(void *arg, const struct object *o);
struct version { char id[16]; int64_t size, at; bool marker; };
enum { VERSIONS_MOST = 24 };

/* demo_storage.c: the objects that it came with. */
void stored_came(const struct world *w, object_fn fn, void *arg);
/* demo_stored.c: those that are there now, and all places that ever held one. */
void stored_each(const struct world *w, object_fn fn, void *arg);
void stored_places(const struct world *w, object_fn fn, void *arg);
/* The versions of a place that are left, the newest last; how many. */
unsigned stored_versions(const struct world *w, const char *place, struct version v[VERSIONS_MOST]);
bool stored_bucket(struct str name);
/* The rows of the versions that are looked at now. */
void stored_show_versions(const struct world *w, struct buf *body);
#endif
