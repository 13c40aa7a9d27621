/* xml: answers of S3 and STS as they come in, by expat (loaded late). No tree is built: each element is told when it
 * ends. Bounded in depth and in text; documents with a DTD are refused. */
#ifndef NET_XML_H
#define NET_XML_H
#include "base/buf.h"

struct xml;
/* An element ended. path: the names from the root, joined by '/', prefixes of namespaces left off
 * ("ListBucketResult/Contents/Key"); text: its own characters, cut at 64 KiB, which of an element with children are mere
 * blanks. False: stop, nothing more is wanted. */
typedef bool (*xml_end_fn)(void *arg, const char *path, struct str text);

struct xml *xml_new(xml_end_fn end, void *arg);          /* never NULL; without expat the first feed fails */
void xml_free(struct xml *x);
/* False: it is no XML (xml_error says what and where), or `end` wants no more. */
bool xml_feed(struct xml *x, struct str bytes);
bool xml_finish(struct xml *x);                          /* false: it stopped in the middle */
const char *xml_error(const struct xml *x);              /* "" when all is well */
#endif
