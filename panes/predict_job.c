/* predict_job: many questions in a row. A sweep and an estimate ask at most ten times a second and are dropped when the inputs
 * change; a batch keeps several rows of its file under way, so that the server is never idle, and keeps each row's error. */
#define _GNU_SOURCE
#include "base/fmt.h"
#include "base/mem.h"
#include "panes/predict.h"
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define GAP_MS 100
#define BATCH_BYTES (256ll << 20)
#define BATCH_ROWS 1000000

struct result { double y, ms; char *version, *error; };
struct batch {
	char *path, *out;
	struct buf text;
	struct csv header;
	size_t *rows;                /* where each begins in text */
	struct result *results;
};

/* ---- one question */

static json_t *form_json(const struct predict_page *p)
{
	unsigned at;
	char why[300];
	return form_inputs(&p->form, &at, why, sizeof(why));
}

static void put_text(json_t *o, const struct input *in, const char *text)
{
	char why[300];
	json_t *v = *text ? input_value(in, str_of(text), why, sizeof(why)) : NULL;
	v ? json_object_set_new(o, in->name, v) : json_object_del(o, in->name);
}

static const char *reference_of(const struct input *in)
{
	return in->reference && *in->reference ? in->reference : in->was;
}

static json_t *sweep_inputs(const struct predict_page *p, unsigned i)
{
	const struct input *in = &p->form.in[p->job.input];
	json_t *o = form_json(p);
	char text[40];
	if (o && in->nchoices) {
		put_text(o, in, in->choices[i]);
	} else if (o) {
		snprintf(text, sizeof(text), in->type == INPUT_INTEGER ? "%.0f" : "%.12g", p->job.x[i]);
		put_text(o, in, text);
	}
	return o;
}

static json_t *estimate_inputs(const struct predict_page *p, unsigned i)
{
	json_t *o = form_json(p);
	for (unsigned k = 0; o && k < p->form.n; k++)
		if ((i == 0 || p->job.which[i] == k) && reference_of(&p->form.in[k]))
			put_text(o, &p->form.in[k], reference_of(&p->form.in[k]));
	return o;
}

/* A row of the file; NULL and why where it is wrong. */
static json_t *batch_inputs(const struct predict_page *p, unsigned i, char *why, size_t size)
{
	const struct batch *b = p->job.batch;
	struct str rest = { b->text.data + b->rows[i], b->text.len - b->rows[i] };
	struct csv row = { 0 };
	json_t *o = json_object();
	*why = '\0';
	csv_next(&rest, &row);
	if (row.n != b->header.n)
		snprintf(why, size, "%u cells, but the heading has %u", row.n, b->header.n);
	for (unsigned c = 0; c < row.n && !*why; c++) {
		const struct input *in = NULL;
		struct input plain = { .name = (char *)(uintptr_t)csv_cell(&b->header, c), .type = INPUT_JSON, .min = NAN, .max = NAN };
		for (unsigned k = 0; k < p->form.n && !in; k++)
			in = strcmp(p->form.in[k].name, plain.name) ? NULL : &p->form.in[k];
		const char *cell = csv_cell(&row, c);
		/* a column that the model does not know stays out, when the model says what it knows */
		json_t *v = *cell && (in || !p->form.n) ? input_value(in ? in : &plain, str_of(cell), why, size) : NULL;
		if (v)
			json_object_set_new(o, plain.name, v);
	}
	for (unsigned k = 0; k < p->form.n && !*why; k++)
		if (p->form.in[k].required && !json_object_get(o, p->form.in[k].name))
			snprintf(why, size, "'%s' is needed", p->form.in[k].name);
	csv_release(&row);
	if (!*why && !json_object_size(o))
		snprintf(why, size, "no column is an input of the model");
	if (*why) {
		json_decref(o);
		return NULL;
	}
	return o;
}

/* ---- sending and taking */

static void note_error(struct job *j, unsigned i, const char *why)
{
	j->failed++;
	if (!j->first_error)
		j->first_error = j->is == JOB_BATCH ? xasprintf("row %u: %s", i + 1, why) : xstrdup(why);
	if (j->batch)
		j->batch->results[i].error = xstrdup(why);
}

static void finish(struct predict_page *p);

static void job_answered(void *arg, const struct msg *m)
{
	struct predict_page *p = arg;
	struct job *j = &p->job;
	struct msg_answer a;
	struct reply r = { .value = NAN };
	unsigned k = 0;
	while (k < JOB_WINDOW && j->ids[k] != m->id)
		k++;
	if (k == JOB_WINDOW || m->type != MSG_ANSWER || !msg_get_answer(m, &a))
		return;
	unsigned i = j->of[k];
	store_forget(app_store(p->app), m->id);
	j->ids[k] = 0;
	json_t *o = a.ok ? json_loadb(a.json.p, a.json.n, 0, NULL) : NULL;
	if (o)
		reply_read(&r, o);
	if (o && j->y)
		j->y[i] = r.value;
	if (o && j->batch) {
		j->batch->results[i].y = r.value;
		j->batch->results[i].ms = r.latency_ms;
		j->batch->results[i].version = r.version ? xstrdup(r.version) : NULL;
	}
	char *why = o && isnan(r.value) ? xstrdup(r.text ? r.text : "no number came") : o ? NULL : str_dup(a.json);
	if (why)
		note_error(j, i, why);
	free(why);
	json_decref(o);
	reply_release(&r);
	j->done++;
	p->changed = true;
	if (j->done == j->n)
		finish(p);
	else if (!j->gap_ms)
		job_turn(p, p->app);
}

void job_turn(struct predict_page *p, struct app *app)
{
	struct job *j = &p->job;
	int64_t mono = clock_mono(app_clock(app));
	char why[300];
	for (unsigned k = 0; k < j->window && j->is && !j->over && j->next < j->n; k++) {
		if (j->ids[k])
			continue;
		if (j->gap_ms && mono - j->sent_at < j->gap_ms) {
			app_wake(app, (int)(j->gap_ms - (mono - j->sent_at)));
			return;
		}
		unsigned i = j->next++;
		snprintf(why, sizeof(why), "the inputs are not complete");
		json_t *inputs = j->is == JOB_BATCH ? batch_inputs(p, i, why, sizeof(why)) : j->is == JOB_SWEEP ? sweep_inputs(p, i)
			: estimate_inputs(p, i);
		j->ids[k] = inputs ? predict_ask(p, &p->mine, "predict", inputs, job_answered, p) : 0;
		j->of[k] = i;
		j->sent_at = mono;
		json_decref(inputs);
		if (j->ids[k])
			continue;
		note_error(j, i, inputs ? "its source is gone" : why);
		if (++j->done == j->n)
			finish(p);
		k--;                     /* the place is still free */
	}
}

/* ---- beginning and ending */

static void batch_free(struct batch *b, unsigned n)
{
	if (!b)
		return;
	for (unsigned i = 0; b->results && i < n; i++) {
		free(b->results[i].version);
		free(b->results[i].error);
	}
	free(b->results);
	free(b->rows);
	csv_release(&b->header);
	buf_release(&b->text);
	free(b->path);
	free(b->out);
	free(b);
}

static void forget_job(struct predict_page *p)
{
	struct job *j = &p->job;
	for (unsigned k = 0; k < JOB_WINDOW; k++)
		predict_drop(p, p->mine.source, &j->ids[k]);
	batch_free(j->batch, j->n);
	free(j->x);
	free(j->y);
	free(j->which);
	free(j->first_error);
	*j = (struct job){ 0 };
	p->changed = true;
}

static void begin(struct predict_page *p, enum job_is is, unsigned n)
{
	struct job *j = &p->job;
	int64_t mono = clock_mono(app_clock(p->app));
	j->is = is;
	j->n = n;
	j->gap_ms = is == JOB_BATCH ? 0 : GAP_MS;
	j->window = is == JOB_BATCH ? JOB_WINDOW : 1;
	j->started_at = mono;
	j->sent_at = mono - GAP_MS;
	if (is != JOB_BATCH) {
		j->x = xcalloc(n, sizeof(*j->x));
		j->y = xcalloc(n, sizeof(*j->y));
		for (unsigned i = 0; i < n; i++)
			j->y[i] = NAN;
	}
}

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;
	return (x > y) - (x < y);
}

/* What the log of predictions has seen of this input, without its ends. False: too little. */
static bool seen_range(const struct predict_page *p, const char *name, double *lo, double *hi)
{
	const struct table *t = store_table_const(app_store(p->app), "predictions");
	double v[500];
	size_t n = 0;
	for (uint32_t i = 0; t && i < t->nslots && n < ARRAY_SIZE(v); i++) {
		const struct row *r = table_row(t, i);
		json_t *o = NULL, *x;
		if (r && predict_log_inputs(t, r, &o) && json_is_number(x = json_object_get(o, name)))
			v[n++] = json_number_value(x);
		json_decref(o);
	}
	qsort(v, n, sizeof(*v), by_value);
	if (n < 20 || v[n - 1 - n / 100] <= v[n / 100])
		return false;
	*lo = v[n / 100];
	*hi = v[n - 1 - n / 100];
	return true;
}

static void sweep_range(const struct predict_page *p, const struct input *in, double *lo, double *hi)
{
	double v = 0;
	if (seen_range(p, in->name, lo, hi))
		return;
	bool number = *in->value && str_to_f64(str_trim(str_of(in->value)), &v);
	*lo = number && v ? v - fabs(v) / 2 : isnan(in->min) ? 0 : in->min;
	*hi = number && v ? v + fabs(v) : isnan(in->max) ? 1 : in->max;
	if (!isnan(in->min) && !isnan(in->max) && in->max - in->min <= 100)    /* a range of use as it is */
		*lo = in->min, *hi = in->max;
	*lo = *lo < in->min ? in->min : *lo;
	*hi = *hi > in->max ? in->max : *hi;
}

void job_sweep(struct predict_page *p, struct app *app)
{
	const struct input *in = p->at < p->form.n ? &p->form.in[p->at] : NULL;
	bool same = p->job.is == JOB_SWEEP && p->job.input == p->at;
	double lo, hi;
	if (p->job.is == JOB_BATCH && !p->job.over) {
		app_say(app, true, "a batch is under way; x stops it");
		return;
	}
	forget_job(p);
	if (same)
		return;                  /* the chart goes again */
	if (!in || (!input_is_number(in) && !in->nchoices)) {
		app_say(app, true, "only numbers and choices can be swept");
		return;
	}
	sweep_range(p, in, &lo, &hi);
	unsigned n = in->nchoices ? in->nchoices : JOB_POINTS;
	if (in->type == INPUT_INTEGER && !in->nchoices && hi - lo + 1 < n)
		n = (unsigned)(floor(hi) - ceil(lo) + 1);
	if (n < 1 || n > 200)
		return;
	begin(p, JOB_SWEEP, n);
	p->job.input = p->at;
	for (unsigned i = 0; i < n; i++)
		p->job.x[i] = in->nchoices ? i : in->type == INPUT_INTEGER ? floor(lo + (hi - lo) * i / (n > 1 ? n - 1 : 1) + 0.5)
			: lo + (hi - lo) * i / (n > 1 ? n - 1 : 1);
	job_turn(p, app);
}

void job_estimate(struct predict_page *p, struct app *app)
{
	unsigned n = 1;
	if (p->job.is == JOB_BATCH && !p->job.over)
		return;
	forget_job(p);
	p->job.which = xcalloc(p->form.n + 1, sizeof(*p->job.which));
	for (unsigned i = 0; i < p->form.n; i++) {
		const char *reference = reference_of(&p->form.in[i]);
		if (reference && *p->form.in[i].value && strcmp(reference, p->form.in[i].value))
			p->job.which[n++] = i;
	}
	if (n == 1) {
		json_t *none = json_array();
		app_say(app, false, "every input is at its reference value: change one, and its effect is estimated");
		reply_explain(&p->mine, none, NAN, "", true);    /* what was estimated before is not true any more */
		json_decref(none);
		forget_job(p);
		return;
	}
	begin(p, JOB_ESTIMATE, n);
	job_turn(p, app);
}

/* The answers of an estimate as contributions. What they leave open is named too: inputs that act together. */
static void take_estimate(struct predict_page *p)
{
	struct job *j = &p->job;
	json_t *features = json_array();
	double rest = p->mine.value - j->y[0];
	for (unsigned i = 1; i < j->n; i++) {
		const struct input *in = &p->form.in[j->which[i]];
		if (isnan(j->y[i]))
			continue;
		double by = p->mine.value - j->y[i];
		rest -= by;
		json_array_append_new(features, json_pack("{s:s, s:s, s:f}", "name", in->name, "value", in->value, "by", by));
	}
	if (fabs(rest) > 1e-9 * fabs(p->mine.value))
		json_array_append_new(features, json_pack("{s:s, s:f}", "name", "(several together)", "by", rest));
	if (!j->failed && !isnan(p->mine.value))
		reply_explain(&p->mine, features, j->y[0], "an estimate: each input set back to its reference, one at a time", true);
	json_decref(features);
}

/* ---- a batch's file */

static bool read_file(struct batch *b, char *why, size_t size)
{
	struct stat st;
	int fd = open(b->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	bool ok = fd >= 0 && fstat(fd, &st) == 0;
	ssize_t n = 1;
	if (!ok)
		snprintf(why, size, "%s", strerror(errno));
	else if (!S_ISREG(st.st_mode) || st.st_size > BATCH_BYTES)
		snprintf(why, size, "it is no file of at most 256 MiB");
	ok = ok && S_ISREG(st.st_mode) && st.st_size <= BATCH_BYTES;
	while (ok && n > 0) {
		buf_reserve(&b->text, 1 << 16);
		n = read(fd, b->text.data + b->text.len, 1 << 16);
		b->text.len += n > 0 ? (size_t)n : 0;
	}
	if (fd >= 0)
		close(fd);
	return ok;
}

static unsigned find_rows(struct batch *b)
{
	struct str rest = buf_str(&b->text);
	struct csv row = { 0 };
	unsigned n = 0, room = 0;
	if (str_starts(rest, STR("\xef\xbb\xbf")))
		rest = (struct str){ rest.p + 3, rest.n - 3 };
	csv_next(&rest, &b->header);
	for (size_t at = (size_t)(rest.p - b->text.data); n < BATCH_ROWS && csv_next(&rest, &row);
	     at = (size_t)(rest.p - b->text.data)) {
		if (n == room) {
			room = room ? room * 2 : 256;
			b->rows = xreallocarray(b->rows, room, sizeof(*b->rows));
		}
		b->rows[n++] = at;
	}
	csv_release(&row);
	return n;
}

void job_batch(struct predict_page *p, struct app *app, const char *path)
{
	struct batch *b = xcalloc(1, sizeof(*b));
	char why[200] = "";
	unsigned n = 0;
	b->path = xstrdup(path);
	size_t stem = strlen(path) > 4 && !strcmp(path + strlen(path) - 4, ".csv") ? strlen(path) - 4 : strlen(path);
	b->out = xasprintf("%.*s.predictions.csv", (int)stem, path);
	if (read_file(b, why, sizeof(why)) && !(n = find_rows(b)))
		snprintf(why, sizeof(why), "it holds a heading at most, and no rows");
	if (!n) {
		app_say(app, true, "'%s' cannot be asked for: %s", path, why);
		batch_free(b, 0);
		return;
	}
	forget_job(p);
	b->results = xcalloc(n, sizeof(*b->results));
	for (unsigned i = 0; i < n; i++)
		b->results[i] = (struct result){ .y = NAN, .ms = NAN };
	begin(p, JOB_BATCH, n);
	p->job.batch = b;
	job_turn(p, app);
}

static void put_real(FILE *f, double v, const char *form, bool last)
{
	char text[40] = "";
	if (!isnan(v))
		snprintf(text, sizeof(text), form, v);
	csv_put(f, text, last);
}

/* The file's columns, then what was answered. */
static bool write_results(const struct job *j)
{
	const struct batch *b = j->batch;
	int fd = open(b->out, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	FILE *f = fd < 0 ? NULL : fdopen(fd, "w");
	struct csv row = { 0 };
	if (!f)
		return false;
	for (unsigned c = 0; c < b->header.n; c++)
		csv_put(f, csv_cell(&b->header, c), false);
	fputs("prediction,model_version,latency_ms,error\n", f);
	for (unsigned i = 0; i < j->n; i++) {
		const struct result *r = &b->results[i];
		struct str rest = { b->text.data + b->rows[i], b->text.len - b->rows[i] };
		if (isnan(r->y) && !r->error)
			continue;                /* was not reached */
		csv_next(&rest, &row);
		for (unsigned c = 0; c < row.n || c < b->header.n; c++)
			csv_put(f, c < row.n ? csv_cell(&row, c) : "", false);
		put_real(f, r->y, "%.12g", false);
		csv_put(f, r->version ? r->version : "", false);
		put_real(f, r->ms, "%.3f", false);
		csv_put(f, r->error ? r->error : "", true);
	}
	csv_release(&row);
	bool ok = !ferror(f);
	return fclose(f) == 0 && ok;
}

static void finish(struct predict_page *p)
{
	struct job *j = &p->job;
	if (j->over)
		return;
	j->over = true;
	if (j->is == JOB_ESTIMATE)
		take_estimate(p);
	if (j->is == JOB_BATCH && !write_results(j))
		app_say(p->app, true, "'%s': %s", j->batch->out, strerror(errno));
	else if (j->is == JOB_BATCH)
		app_say(p->app, false, "%u rows answered, %u wrong, saved to %s", j->done - j->failed, j->failed, j->batch->out);
	p->changed = true;
}

void job_stop(struct predict_page *p, struct app *app)
{
	(void)app;
	for (unsigned k = 0; k < JOB_WINDOW; k++)
		predict_drop(p, p->mine.source, &p->job.ids[k]);
	if (p->job.is == JOB_BATCH && !p->job.over)
		finish(p);
	else
		forget_job(p);
}

void job_describe(const struct predict_page *p, int64_t mono, struct buf *out)
{
	const struct job *j = &p->job;
	static const char *const names[] = { "", "sweep", "estimate", "batch" };
	if (!j->is || (j->over && j->is != JOB_BATCH && !j->first_error))
		return;
	buf_addf(out, "%s ", names[j->is]);
	fmt_thousands(j->done, out);
	buf_adds(out, " of ");
	fmt_thousands(j->n, out);
	if (j->failed)
		buf_addf(out, ", %u wrong", j->failed);
	if (j->is == JOB_BATCH && !j->over && j->done && mono > j->started_at) {
		double rate = (double)j->done * 1000 / (double)(mono - j->started_at);
		buf_addf(out, ", %.0f/s, ", rate);
		fmt_duration((int64_t)((double)(j->n - j->done) / rate * 1000), out);
		buf_adds(out, " left");
	}
	if (j->is == JOB_BATCH && j->over)
		buf_addf(out, ", saved to %s", j->batch->out);
	if (j->first_error)
		buf_addf(out, "   %s", j->first_error);
}
