/* feed: rows of some sources handed on to others that read them (`reads` of struct backend): what a derived source, such as
 * cost, makes its own rows from. While somebody watches a kind of a reader, the sources that fill what it reads are asked
 * to watch it, and every message of rows that the store has applied goes on to the reader's thread as REQ_ROWS, after a
 * full listing of what the store held, and after the first of all that it reads a word that this is all. A reader that lags
 * gets one listing instead of all that waits. Main thread only. */
#ifndef BASE_FEED_H
#define BASE_FEED_H
#include "base/store.h"

struct feed;

/* Taps the store. The store and the sources are borrowed and must outlive the feed. */
struct feed *feed_new(struct store *store, struct source **sources, unsigned nsources);
void feed_free(struct feed *f);
/* Somebody watches this kind of sources[source], or no longer does; counted. Nothing happens for what reads nothing. f may
 * be NULL. */
void feed_on(struct feed *f, unsigned source, const char *kind);
void feed_off(struct feed *f, unsigned source, const char *kind);
#endif
