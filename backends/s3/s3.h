/* s3: what the files of the object store share. One thread does it all: requests of the panes first, then a step of the
 * long jobs, which stop in the middle when a request comes.
 *
 *   backend.c   settings, the thread's loop, health      client.c   one exchange: address, signature, region, clock
 *   say.c       what went wrong, as its cause            lists.c    answers in XML as rows
 *   browse.c    places, page by page                     jobs.c     counting, downloading
 *   object.c    an object in words, links, previews      shape.c    bytes as readable text
 *   doctor.c    what is checked                       acts.c     delete, undelete, restore, copy, move */
#ifndef S3_S3_H
#define S3_S3_H
#include "backends/net/aws_credentials.h"
#include "backends/net/tunnel.h"
#include "base/source.h"
#include "base/storage.h"

enum style { STYLE_AUTO, STYLE_PATH, STYLE_HOST };

/* What went wrong: the cause, not the symptom. */
struct fault {
	enum health_state state;         /* of the whole source, when it is the source's fault; else HEALTH_LIVE */
	char code[64];                   /* "NoSuchBucket", "" when the server gave none */
	char why[512], remedy[256];
	bool passing;                    /* worth trying again without any change */
	bool stopped;                    /* by us: cancelled, or a request came */
	int status;
};

struct region_of { char *bucket, *region; };
struct s3 {
	struct link *link;
	struct http *http;
	struct tunnel *tunnel;       /* NULL: none */
	struct aws_chain *chain;
	char *endpoint;                  /* "http://127.0.0.1:9000"; NULL: AWS */
	char *region;                    /* of the endpoint; learnt when the server says another */
	char *ca_file;
	enum style style;
	bool anonymous, insecure;
	struct region_of *regions; unsigned nregions;    /* buckets elsewhere */
	int64_t offset_ms;               /* added to our clock when signing, once the server refused it */
	int64_t skew_ms;                 /* server's clock - ours, as last seen; in seconds' precision */
	int64_t latency_us;
	char key_id[24], from[200];      /* of the keys last used: enough of the id to know it by, and who gave it */
	const struct s3_ask *asking;     /* what is being signed */
	const char *asking_path, *asking_base;
	struct fault fault;              /* of the last exchange; empty why: it went well */
	/* settings */
	long limit;                      /* rows of a plain watch */
	int64_t preview;                 /* bytes */
	int64_t part;                    /* bytes: of a copy in parts */
	int64_t poll_ms;
};

/* ---- client.c */
struct s3_ask {
	const char *method;              /* NULL: GET */
	struct str bucket, key;          /* bucket empty: the service; key empty: the bucket */
	struct str query;                /* escaped: "list-type=2&prefix=a%2F" */
	const char *const *headers;      /* further ones, signed too: "Range: bytes=0-9" */
	struct str body;
	const char *doing;               /* "list s3://b/p": for sentences; what the key may not do */
	int timeout_ms;                  /* 0: 30 s */
	size_t max;                      /* 0: 8 MiB */
	uint64_t id;                     /* request; its cancelling ends the exchange */
	bool yield;                      /* any waiting request ends it, with HTTP_CANCELLED */
	bool (*on_data)(void *arg, struct str chunk);
	void (*on_header)(void *arg, struct str name, struct str value);
	void *arg;
};
/* One exchange; follows a bucket to its region, the server's clock, and credentials that were renewed. True: 2xx. Else
 * s->fault says why. reply is always filled; release it. */
bool s3_call(struct s3 *s, const struct s3_ask *a, struct http_reply *r);
void s3_init(struct s3 *s, struct link *l);
void s3_release(struct s3 *s);
const char *s3_region(const struct s3 *s, struct str bucket);
/* Where it goes: base "https://b.s3.eu-west-1.amazonaws.com" and path "/key", escaped. */
void s3_address(const struct s3 *s, struct str bucket, struct str key, struct buf *base, struct buf *path);
/* A link that anyone may follow for so long. False: s->fault. */
bool s3_link(struct s3 *s, struct str bucket, struct str key, struct str version, int seconds, struct buf *url);
/* An object, or one version of it ("versions:BUCKET/KEY" TAB id). Borrows from the text. */
struct at { struct str bucket, key, version; };
struct at at_of(struct str key);
void version_query(struct buf *q, struct str version);    /* appended where there is one: "versionId=..." */
const char *s3_where(const struct s3 *s);        /* "http://127.0.0.1:9000", "AWS S3 (eu-west-1)" */

/* ---- say.c */
/* The members of an <Error>, from the body, or from headers where there is none (HEAD). */
struct s3_error { char code[64], message[256], region[48], server_time[40]; };
void s3_read_error(const struct http_reply *r, struct s3_error *e);
void s3_judge(struct s3 *s, const struct s3_ask *a, const struct http_reply *r, const struct s3_error *e);
void s3_fault(struct s3 *s, enum health_state state, const char *remedy, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));
void say_skew(int64_t skew_ms, struct buf *out); /* "16m40s behind the server's" */

/* ---- lists.c */
struct s3_list {
	struct str parent;               /* the place, for rows; n = 0: rows are not wanted, only counted */
	struct str bucket, prefix;
	struct str after;                /* a key that is passed over: what a page before ended with */
	bool versions;
	struct str only;                 /* versions: of this key only; of a prefix: of the objects right below it */
	struct buf *rows;                /* operations are added; started when empty */
	struct buf keys;                 /* row keys of this page, each with a NUL */
	unsigned n;                      /* rows */
	int64_t size, objects, newest;   /* of the objects in this page */
	struct buf last;                 /* the last key or prefix */
	struct buf token;                /* of the next page; empty: this is the last */
	bool truncated;
};
void s3_list_release(struct s3_list *l);
/* Reads an answer to ListObjectsV2 or ListObjectVersions. False: it is none, and s->fault says so. */
bool s3_read_list(struct s3 *s, struct str xml, struct s3_list *l);
/* One page of what is in bucket below prefix. delimiter false: everything below, else as in directories. token, after:
 * where to start, may be empty. */
bool s3_list_page(struct s3 *s, uint64_t id, bool yield, bool delimiter, struct str token, struct str after, unsigned max,
                  struct s3_list *l);
/* A page of versions; token: what the page before ended with (id TAB key), may be empty. */
bool s3_list_versions(struct s3 *s, uint64_t id, struct str token, struct s3_list *l);
/* Buckets into rows (a full listing); n counts them. */
bool s3_list_buckets(struct s3 *s, uint64_t id, struct buf *rows, unsigned *n);

/* ---- browse.c */
struct browser;
struct browser *browser_new(struct s3 *s);
void browser_free(struct browser *b);
void browser_watch(struct browser *b, const struct request *r);
void browser_cancel(struct browser *b, uint64_t id);
void browser_page(struct browser *b, const struct request *r);
void browser_again(struct browser *b);           /* something changed: what is open is listed anew where it is short */

/* ---- jobs.c */
struct jobs;
struct jobs *jobs_new(struct s3 *s);
void jobs_free(struct jobs *j);
void jobs_count(struct jobs *j, const struct request *r);
void jobs_download(struct jobs *j, const struct request *r);
void jobs_cancel(struct jobs *j, uint64_t id);
bool jobs_any(const struct jobs *j);
int64_t jobs_step(struct jobs *j);               /* a part of one job; mono ms of when the next step is due */

/* ---- object.c */
void object_open(struct s3 *s, const struct request *r);     /* preview, describe, yaml, link */

/* ---- parts.c: copies of what is too large for one request (CreateMultipartUpload, UploadPartCopy, CompleteMultipartUpload) */
struct json_t;
enum { PARTS_HEADERS = 40, PARTS_UPLOAD = 1100 };
struct parts_copy {
	struct s3 *s;
	uint64_t id;
	struct str bucket, key;          /* to */
	const struct json_t *step;       /* of the plan: part, size, headers (where from), own */
	struct buf *say;                 /* why not */
	char upload[PARTS_UPLOAD];       /* when it failed: what may be left there; "" nothing */
	char made[128];                  /* the version; "" not said */
	bool lost;                       /* the last request's answer was lost: look */
};
/* The size of a part, 0: one request does. */
int64_t parts_size(const struct s3 *s, int64_t size);
bool parts_copy(struct parts_copy *c);
/* Gives back what an upload has so far, and says so. */
void parts_abort(struct s3 *s, struct str bucket, struct str key, const char *upload, struct buf *say);

/* ---- runs.c: actions, each in a thread with a connection of its own: listing goes on beside a long copy */
struct runs;
struct runs *runs_new(struct link *l, const struct s3 *like);
void runs_free(struct runs *r);
void runs_start(struct runs *r, struct request *q);      /* takes q */
bool runs_any(struct runs *r);
bool runs_ended(struct runs *r);                         /* some did since the last call: what is open may be another now */

/* ---- acts.c */
struct action;
extern const struct action *const s3_actions[];
void s3_plan(struct s3 *s, const struct request *r);
void s3_run(struct s3 *s, const struct request *r);

/* ---- shape.c: pure */
/* What the first bytes are; "" = text. name helps. */
const char *shape_kind(struct str bytes, struct str name);
/* Bytes as text: JSON indented, CSV as a table, gzip unpacked, others as they are, binary as a short dump. whole: these are
 * all there are. Adds to out; *note (static or NULL) says what was done. */
void shape_text(struct str bytes, struct str name, bool whole, struct buf *out, const char **note);

/* ---- doctor.c */
void s3_doctor(struct s3 *s, uint64_t id, const struct yaml *buckets);
#endif
