/* place: where reports lie: a folder, a web server, a bucket. Each lists what is there and reads one. Used by one thread. */
#ifndef BACKENDS_DRIFT_PLACE_H
#define BACKENDS_DRIFT_PLACE_H
#include "backends/net/http.h"
#include "base/source.h"

#define PLACE_ITEMS_MAX 100000   /* more are not looked at */
#define PLACE_DEPTH_MAX 8        /* folders in folders */
#define REPORT_BYTES_MAX (4 << 20)

struct place_item {
	char *name;              /* "real_estate/2026-11-21.json": path within the place, to be shown */
	char *path;              /* as it is asked for; NULL = name */
	char *tag;               /* changes when the contents change; "" = cannot be told without reading */
	int64_t time;            /* when it was written, wall ms, 0 unknown; reading may find out */
	int64_t size;            /* bytes, -1 unknown */
};
struct place_list { struct place_item *items; unsigned n, cap; bool more; /* there are more than could be taken */ };
void place_item_release(struct place_item *i);
/* Texts are copied; path NULL = name, tag NULL = "". Only names that end in .json are taken. */
void place_add(struct place_list *l, struct str name, struct str path, struct str tag, int64_t time, int64_t size);
void place_list_release(struct place_list *l);

struct place {
	const struct place_ops *ops;
	struct link *link;
	void *own;
	char where[300];         /* "/srv/reports", "https://host/reports/": for people */
	int64_t latency_us;      /* of the last exchange, -1: none */
	unsigned requests;       /* that the last listing took; 0: no server was asked */
	/* Of the last failure: */
	enum health_state state; /* REFUSED, DOWN, or STALE: worth trying again soon */
	bool item_only;          /* of a read: only this one cannot be read */
	char error[512], remedy[256];
};
struct place_ops {
	bool (*list)(struct place *p, struct place_list *out);                        /* in any order */
	bool (*read)(struct place *p, struct place_item *item, struct buf *out);      /* appends */
	void (*free)(struct place *p);
};
/* By the source's settings: folder, url or bucket. False: error says what is missing. */
bool place_open(struct place *p, struct link *l);
void place_say(struct place *p, enum health_state state, const char *remedy, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));
void place_say_reply(struct place *p, const struct http_reply *r);

bool place_open_folder(struct place *p, const char *folder);
bool place_open_http(struct place *p, const char *url);
bool place_open_s3(struct place *p, const char *bucket);
/* What a web server lists of one of its folders: an HTML page of links, or JSON (names, or nginx's objects). dir is the path
 * asked for, "/reports/"; root is a part of it that no name shows. Links that lead elsewhere are left. Folders in it are added
 * to *dirs as paths, one a line. False: the body is no listing. */
bool place_read_index(struct str body, struct str dir, struct str root, struct place_list *out, struct buf *dirs);
#endif
