/* predict: what the predict pane's files share.
 *
 *   predict.c        the pane: endpoints, the log of predictions      predict_form.c   inputs: types, values, steps
 *   predict_page.c   one endpoint asked: keys, questions, answers     predict_draw.c   how it looks: inputs, waterfall
 *   predict_job.c    many questions in a row: sweep, estimate, batch  predict_log.c    figures of the log
 *   predict_csv.c    rows of a CSV file */
#ifndef PANES_PREDICT_H
#define PANES_PREDICT_H
#include "base/explain.h"
#include "base/serving.h"
#include "tui/app.h"
#include <jansson.h>
#include <stdio.h>

/* ---- inputs */
enum input_type { INPUT_INTEGER, INPUT_NUMBER, INPUT_BOOL, INPUT_TEXT, INPUT_JSON };
struct input {
	char *name, *help;           /* help may be NULL */
	enum input_type type;
	char **choices; unsigned nchoices;
	double min, max;             /* NaN: not said */
	bool required;
	char *value, *was;           /* as texts; "" = not given. was: at the first answer */
	char *reference;             /* the description's default; NULL: none */
};
struct form {
	struct input *in; unsigned n;
	char *from;                  /* where the fields were found; NULL */
};
void form_read(struct form *f, const json_t *fields);
void form_take(struct form *f, const json_t *inputs);   /* these values; names that are new become inputs */
void form_release(struct form *f);
/* The inputs as JSON; NULL: *at is the input that is wrong, and why[size] says why. Caller decrefs. */
json_t *form_inputs(const struct form *f, unsigned *at, char *why, size_t size);
/* One value as JSON by the input's type; NULL and why when it is wrong. */
json_t *input_value(const struct input *in, struct str text, char *why, size_t size);
bool input_step(struct input *in, int by, int times);   /* the next or former value; false: nothing to step to */
bool input_is_number(const struct input *in);
void input_set(struct input *in, const json_t *v);
void form_keep_was(struct form *f);

/* ---- an answer of one endpoint */
struct part { char *name, *value; double by; };          /* value NULL: not said */
struct reply {
	uint16_t source;
	char *endpoint;              /* row key */
	uint64_t id;                 /* of the question under way; 0: none */
	int64_t asked_at;            /* mono ms */
	bool has, cannot_explain;
	double value, latency_ms;    /* NaN unknown */
	char *name, *text, *version, *stage, *request, *note, *error;
	struct part *parts; unsigned nparts;     /* largest first; 0: not explained */
	bool estimated;
	char *method;
	double base, total, off;     /* total: base and parts together, in their space */
	enum space space;
};
void reply_read(struct reply *r, const json_t *o);       /* a "predict" or "explain" answer */
void reply_explain(struct reply *r, const json_t *features, double base, const char *method, bool estimated);
void reply_release(struct reply *r);

/* ---- many questions in a row */
enum job_is { JOB_NONE, JOB_SWEEP, JOB_ESTIMATE, JOB_BATCH };
enum { JOB_WINDOW = 32, JOB_POINTS = 25 };
struct predict_page;
struct batch;
struct job {
	enum job_is is;
	bool over;
	unsigned n, next, done, failed, window;
	uint64_t ids[JOB_WINDOW]; unsigned of[JOB_WINDOW];   /* under way: request, and which question; id 0: free */
	int gap_ms;
	int64_t sent_at, started_at;
	unsigned input;              /* sweep: which; estimate: unused */
	double *x, *y;               /* sweep, estimate: per question */
	unsigned *which;             /* estimate: the input that is set back; the first question sets all back */
	char *first_error;
	struct batch *batch;
};
void job_sweep(struct predict_page *p, struct app *app);
void job_estimate(struct predict_page *p, struct app *app);
void job_batch(struct predict_page *p, struct app *app, const char *path);
void job_turn(struct predict_page *p, struct app *app);  /* sends what is due */
void job_stop(struct predict_page *p, struct app *app);
void job_describe(const struct predict_page *p, int64_t mono, struct buf *out);

/* ---- the page */
struct predict_page {
	struct page page;
	struct app *app;
	struct form form;
	struct reply mine, other;    /* other.endpoint NULL: nothing is compared */
	uint64_t schema_id;
	char *trouble;               /* of the inputs, or of the schema; NULL */
	unsigned at, top;            /* the input under the cursor, the first one drawn */
	bool explain, estimate;      /* what is asked for */
	bool pending, changed, saw_schema;
	bool remembered;             /* `was` is set */
	int64_t sent_at;             /* mono ms */
	json_t *taken;               /* inputs to use as soon as the fields are known; NULL */
	char *logged;                /* what the log said of the inputs that were taken; NULL */
	struct job job;
	int h;
};
struct page *predict_page_new(struct app *app, uint16_t source, struct str endpoint, json_t *inputs, const char *logged);
void predict_take(struct predict_page *p, const json_t *inputs, const char *logged);   /* inputs from elsewhere */
void predict_draw(const struct page *page, const struct app *app, struct frame *f, struct rect area, int64_t now);
uint64_t predict_ask(struct predict_page *p, const struct reply *to, const char *what, const json_t *inputs,
                     store_reply_fn fn, void *arg);      /* 0: its source is gone */
void predict_drop(struct predict_page *p, uint16_t source, uint64_t *id);   /* nobody waits for it any more */
struct page *predict_log_page(struct app *app, struct str filter, struct predict_page *fill);
bool predict_log_inputs(const struct table *t, const struct row *r, json_t **inputs);
void number_text(double v, struct buf *out);             /* 447,210; 0.4132 */
void ms_text(double ms, struct buf *out);                /* 43 ms; 1m5s */

/* ---- CSV: RFC 4180, with LF too */
struct csv { struct buf cells; size_t *at; unsigned n, room; };   /* cell i: NUL-terminated at cells.data + at[i] */
bool csv_next(struct str *rest, struct csv *row);        /* false: the end */
static inline const char *csv_cell(const struct csv *row, unsigned i) { return row->cells.data + row->at[i]; }
void csv_put(FILE *f, const char *cell, bool last);
void csv_release(struct csv *row);
#endif
