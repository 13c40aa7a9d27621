/* predict_page: one endpoint, asked. What is changed is sent at once, at most ten times a second, the newest only: a question
 * that is still under way when the inputs change again is given up. The last inputs are remembered per endpoint. */
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

#define GAP_MS 100               /* between two questions of ours to one endpoint */
#define FILE_MAX_BYTES (1 << 20) /* of inputs as JSON */

static struct predict_page *of(const struct page *p)
{
	return (struct predict_page *)(uintptr_t)p;
}

void number_text(double v, struct buf *out)
{
	if (isnan(v) || fabs(v) < 1000 || fabs(v) > 1e15) {
		fmt_real(v, out);
		return;
	}
	if (v < 0)
		buf_addc(out, '-');
	fmt_thousands((int64_t)(fabs(v) + 0.5), out);
}

void ms_text(double ms, struct buf *out)
{
	if (ms < 1000)
		buf_addf(out, "%.3g ms", ms);
	else
		fmt_duration((int64_t)ms, out);
}

/* ---- answers */

static char *copy_text(const json_t *o, const char *key)
{
	const char *s = json_string_value(json_object_get(o, key));
	return s && *s ? xstrdup(s) : NULL;
}

static void forget_parts(struct reply *r)
{
	for (unsigned i = 0; i < r->nparts; i++) {
		free(r->parts[i].name);
		free(r->parts[i].value);
	}
	free(r->parts);
	free(r->method);
	r->parts = NULL;
	r->method = NULL;
	r->nparts = 0;
}

static void forget_answer(struct reply *r)
{
	char **texts[] = { &r->name, &r->text, &r->version, &r->stage, &r->request, &r->note, &r->error };
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		free(*texts[i]);
		*texts[i] = NULL;
	}
	r->has = r->cannot_explain = false;
	r->value = NAN;
}

static int by_size(const void *a, const void *b)
{
	double x = fabs(((const struct part *)a)->by), y = fabs(((const struct part *)b)->by);
	return (x < y) - (x > y);
}

void reply_explain(struct reply *r, const json_t *features, double base, const char *method, bool estimated)
{
	const json_t *f;
	double sum = 0;
	size_t i;
	forget_parts(r);
	r->parts = xcalloc(json_array_size(features) + 1, sizeof(*r->parts));
	json_array_foreach(features, i, f) {
		struct part *p = &r->parts[r->nparts];
		const json_t *value = json_object_get(f, "value");
		if (!(p->name = copy_text(f, "name")))
			continue;
		p->value = json_is_string(value) ? xstrdup(json_string_value(value)) : value ? json_dumps(value, JSON_ENCODE_ANY |
			JSON_REAL_PRECISION(5)) : NULL;
		p->by = json_number_value(json_object_get(f, "by"));
		sum += p->by;
		r->nparts++;
	}
	qsort(r->parts, r->nparts, sizeof(*r->parts), by_size);
	r->base = base;
	r->total = base + sum;
	r->estimated = estimated;
	r->method = xstrdup(method);
	r->space = space_find(base, sum, r->value, &r->off);
	if (estimated)
		r->space = SPACE_SAME;
}

void reply_read(struct reply *r, const json_t *o)
{
	const json_t *v = json_object_get(o, "prediction"), *e = json_object_get(o, "explanation");
	const json_t *latency = json_object_get(o, "latency_us"), *base = json_object_get(e, "base");
	forget_answer(r);
	r->has = true;
	r->value = json_is_number(v) ? json_number_value(v) : NAN;
	r->latency_ms = json_is_number(latency) && json_number_value(latency) >= 0 ? json_number_value(latency) / 1000 : NAN;
	r->name = copy_text(o, "name");
	r->text = copy_text(o, "text");
	r->version = copy_text(o, "version");
	r->stage = copy_text(o, "stage");
	r->request = copy_text(o, "request");
	r->note = copy_text(o, "note");
	if (!r->estimated || e)
		forget_parts(r);
	if (e) {
		const char *method = json_string_value(json_object_get(e, "method"));
		reply_explain(r, json_object_get(e, "features"), json_is_number(base) ? json_number_value(base) : NAN,
		              method ? method : "", false);
	}
}

void reply_release(struct reply *r)
{
	forget_answer(r);
	forget_parts(r);
	free(r->endpoint);
	*r = (struct reply){ .value = NAN };
}

/* ---- asking */

uint64_t predict_ask(struct predict_page *p, const struct reply *to, const char *what, const json_t *inputs,
                     store_reply_fn fn, void *arg)
{
	struct source *s = app_source(p->app, to->source);
	json_t *o = json_object();
	if (inputs)
		json_object_set(o, "inputs", (json_t *)(uintptr_t)inputs);
	char *params = json_dumps(o, JSON_COMPACT);
	uint64_t id = s ? source_ask(s, request_new(REQ_ASK, "modelendpoints", str_of(to->endpoint), what, params)) : 0;
	if (id)
		store_expect(app_store(p->app), id, fn, arg);
	free(params);
	json_decref(o);
	return id;
}

void predict_drop(struct predict_page *p, uint16_t source, uint64_t *id)
{
	struct source *s = app_source(p->app, source);
	if (!*id)
		return;
	store_forget(app_store(p->app), *id);
	if (s)
		source_cancel(s, *id);
	*id = 0;
}

/* ---- what was sent last is kept, one file an endpoint */

static char *memory_path(const struct predict_page *p, bool make)
{
	const char *dir = app_state_dir(p->app);
	struct source *s = app_source(p->app, p->mine.source);
	if (!dir || !s)
		return NULL;
	char *folder = xasprintf("%s/predict", dir);
	if (make)
		mkdir(folder, 0700);
	char *name = xasprintf("%s+%s", s->name, p->mine.endpoint), *path;
	for (char *c = name; *c; c++)
		if (*c == '/' || (unsigned char)*c < ' ')
			*c = '_';
	path = xasprintf("%s/%.150s.json", folder, name);
	free(folder);
	free(name);
	return path;
}

static void remember(struct predict_page *p, const json_t *inputs)
{
	char *path = memory_path(p, true), *text = json_dumps(inputs, JSON_COMPACT);
	int fd = path ? open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600) : -1;
	if (fd >= 0) {
		ssize_t n = write(fd, text, strlen(text));
		(void)n;                 /* a memory that cannot be kept is no reason to trouble anyone */
		close(fd);
	}
	free(path);
	free(text);
}

static json_t *recall(const struct predict_page *p)
{
	char *path = memory_path(p, false);
	json_t *j = path ? json_load_file(path, 0, NULL) : NULL;
	free(path);
	if (j && !json_is_object(j)) {
		json_decref(j);
		return NULL;
	}
	return j;
}

/* ---- answers that come */

static void answered(struct predict_page *p, struct reply *r, const struct msg *m)
{
	struct msg_answer a;
	if (m->type != MSG_ANSWER || !msg_get_answer(m, &a))
		return;
	store_forget(app_store(p->app), m->id);
	r->id = 0;
	p->changed = true;
	json_t *o = a.ok ? json_loadb(a.json.p, a.json.n, 0, NULL) : NULL;
	if (o) {
		reply_read(r, o);
		r->cannot_explain = p->explain && !json_is_object(json_object_get(o, "explanation"));
	} else {
		free(r->error);
		r->error = a.ok ? xstrdup("the answer could not be read") : str_dup(a.json);
		r->has = false;
		forget_parts(r);
	}
	json_decref(o);
	if (!o || r != &p->mine)
		return;
	if (!p->remembered) {            /* the first answer is what changes are seen against */
		form_keep_was(&p->form);
		p->remembered = true;
	}
	unsigned at;
	char why[200];
	json_t *inputs = form_inputs(&p->form, &at, why, sizeof(why));
	if (inputs)
		remember(p, inputs);
	json_decref(inputs);
	if (p->estimate && r->cannot_explain)
		job_estimate(p, p->app);
}

static void take_mine(void *arg, const struct msg *m)
{
	struct predict_page *p = arg;
	answered(p, &p->mine, m);
}

static void take_other(void *arg, const struct msg *m)
{
	struct predict_page *p = arg;
	answered(p, &p->other, m);
}

static void say_trouble(struct predict_page *p, const char *why)
{
	free(p->trouble);
	p->trouble = why ? xstrdup(why) : NULL;
	p->changed = true;
}

static void send_one(struct predict_page *p, struct reply *r, const json_t *inputs, store_reply_fn fn, int64_t mono)
{
	predict_drop(p, r->source, &r->id);
	r->id = predict_ask(p, r, p->explain ? "explain" : "predict", inputs, fn, p);
	r->asked_at = mono;
	if (!r->id) {
		free(r->error);
		r->error = xstrdup("its source is not there any more");
	}
}

static void send_inputs(struct predict_page *p, int64_t mono)
{
	unsigned at;
	char why[300];
	json_t *inputs = form_inputs(&p->form, &at, why, sizeof(why));
	p->pending = false;
	say_trouble(p, inputs ? NULL : why);
	if (!inputs)
		return;
	p->sent_at = mono;
	send_one(p, &p->mine, inputs, take_mine, mono);
	if (p->other.endpoint)
		send_one(p, &p->other, inputs, take_other, mono);
	json_decref(inputs);
}

static void want(struct predict_page *p)
{
	p->pending = p->changed = true;
	free(p->logged);
	p->logged = NULL;
	if (p->job.is == JOB_ESTIMATE || (p->job.is == JOB_SWEEP && p->job.input != p->at))
		job_stop(p, p->app);
}

static void take_schema(void *arg, const struct msg *m)
{
	struct predict_page *p = arg;
	struct msg_answer a;
	if (m->type != MSG_ANSWER || !msg_get_answer(m, &a))
		return;
	store_forget(app_store(p->app), m->id);
	p->schema_id = 0;
	p->saw_schema = p->changed = true;
	json_t *o = a.ok ? json_loadb(a.json.p, a.json.n, 0, NULL) : NULL, *kept = recall(p);
	if (!a.ok) {
		char *why = str_dup(a.json);
		say_trouble(p, why);
		free(why);
	}
	form_read(&p->form, json_object_get(o, "fields"));
	p->form.from = copy_text(o, "from");
	form_take(&p->form, p->taken ? p->taken : kept ? kept : json_object_get(o, "sent"));
	unsigned at;
	char why[300];
	json_t *inputs = p->form.n ? form_inputs(&p->form, &at, why, sizeof(why)) : NULL;
	p->pending = inputs != NULL;     /* complete: asked at once */
	p->at = inputs || !p->form.n ? 0 : at;
	json_decref(inputs);
	json_decref(kept);
	json_decref(o);
}

void predict_take(struct predict_page *p, const json_t *inputs, const char *logged)
{
	want(p);
	if (!p->saw_schema) {
		json_decref(p->taken);
		p->taken = json_incref((json_t *)(uintptr_t)inputs);
	} else {
		form_take(&p->form, inputs);
		form_keep_was(&p->form);
		p->remembered = true;
	}
	p->logged = logged ? xstrdup(logged) : NULL;
}

/* ---- commands */

/* Those of the same model come first, then all others, by name. */
static int order_of(const struct predict_page *p, const struct table *t, const struct row *a, const struct row *b)
{
	const struct row *mine = table_find(t, p->mine.source, str_of(p->mine.endpoint));
	struct str model = mine ? row_text(t, mine, ENDPOINT_MODEL) : STR("");
	int x = str_eq(row_text(t, a, ENDPOINT_MODEL), model), y = str_eq(row_text(t, b, ENDPOINT_MODEL), model);
	return x != y ? y - x : a->source != b->source ? (int)a->source - (int)b->source : str_cmp(row_key(a), row_key(b));
}

/* The endpoint that comes after `last` (NULL: the first); NULL after the last one. */
static const struct row *other_after(const struct predict_page *p, const struct table *t, const struct row *last)
{
	const struct row *best = NULL;
	for (uint32_t i = 0; t && i < t->nslots; i++) {
		const struct row *r = table_row(t, i);
		if (!r || (r->source == p->mine.source && str_is(row_key(r), p->mine.endpoint)) ||
		    (last && order_of(p, t, r, last) <= 0))
			continue;
		if (!best || order_of(p, t, r, best) < 0)
			best = r;
	}
	return best;
}

static void next_other(struct predict_page *p)
{
	const struct table *t = store_table_const(app_store(p->app), "modelendpoints");
	const struct row *last = t && p->other.endpoint ? table_find(t, p->other.source, str_of(p->other.endpoint)) : NULL;
	const struct row *found = other_after(p, t, last);
	bool had = p->other.endpoint != NULL;
	predict_drop(p, p->other.source, &p->other.id);
	reply_release(&p->other);
	p->changed = true;
	if (!found) {
		app_say(p->app, false, had ? "nothing is compared" : "there is no other endpoint to compare with");
		return;
	}
	p->other.source = found->source;
	p->other.endpoint = str_dup(row_key(found));
	p->pending = true;
}

static void edited(void *arg, struct app *app, const char *text)
{
	struct predict_page *p = arg;
	char why[300];
	if (!text || p->at >= p->form.n)
		return;
	struct input *in = &p->form.in[p->at];
	json_t *v = *text ? input_value(in, str_of(text), why, sizeof(why)) : NULL;
	if (*text && !v) {
		app_say(app, true, "%s", why);
		return;
	}
	input_set(in, v);
	json_decref(v);
	want(p);
}

static void pasted(void *arg, struct app *app, const char *text)
{
	json_error_t error;
	json_t *j = text && *text ? json_loads(text, 0, &error) : NULL, *first = j;
	if (!text || !*text)
		return;
	while (json_is_array(first))
		first = json_array_get(first, 0);
	if (json_is_object(first))
		predict_take(arg, first, NULL);
	else
		app_say(app, true, "%s", j ? "inputs are a JSON object: {\"bed\": 3}" : error.text);
	json_decref(j);
}

static void load_file(void *arg, struct app *app, const char *path)
{
	struct predict_page *p = arg;
	struct stat st;
	int fd = path && *path ? open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK) : -1;
	if (!path || !*path)
		return;
	if (fd < 0 || fstat(fd, &st) < 0 || !S_ISREG(st.st_mode) || st.st_size > FILE_MAX_BYTES) {
		app_say(app, true, "'%s' cannot be read: %s", path, fd < 0 ? strerror(errno) : "it is no file of at most 1 MiB");
	} else {
		char *text = xcalloc(1, (size_t)st.st_size + 1);
		ssize_t n = read(fd, text, (size_t)st.st_size);
		if (n >= 0)
			pasted(p, app, text);
		free(text);
	}
	if (fd >= 0)
		close(fd);
}

static void start_batch(void *arg, struct app *app, const char *path)
{
	if (path && *path)
		job_batch(arg, app, path);
}

static void save_answer(void *arg, struct app *app, const char *path)
{
	struct predict_page *p = arg;
	struct buf b = { 0 };
	if (!path || !*path)
		return;
	p->page.ops->copy(&p->page, app, &b);
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
	if (fd < 0 || write(fd, b.data, b.len) != (ssize_t)b.len || close(fd) < 0)
		app_say(app, true, "'%s': %s", path, strerror(errno));
	else
		app_say(app, false, "saved to %s", path);
	buf_release(&b);
}

static void step(struct predict_page *p, int by, int times)
{
	if (p->at < p->form.n && input_step(&p->form.in[p->at], by, times))
		want(p);
	else if (p->at < p->form.n)
		app_say(p->app, false, "there is no further step; Enter types a value");
}

static void edit(struct predict_page *p)
{
	if (p->at >= p->form.n)
		app_prompt(p->app, "inputs as JSON: ", "", NULL, pasted, p);
	else
		app_prompt(p->app, p->form.in[p->at].name, p->form.in[p->at].value, NULL, edited, p);
}

static void reset(struct predict_page *p)
{
	for (unsigned i = 0; i < p->form.n; i++) {
		struct input *in = &p->form.in[i];
		if (in->was) {
			free(in->value);
			in->value = xstrdup(in->was);
		}
	}
	want(p);
}

static void move(struct predict_page *p, const char *name, struct str args)
{
	int64_t by = 1, at = p->at, page = p->h > 4 ? p->h / 2 : 1;
	if (!str_to_i64(args, &by))
		by = 1;
	at = !strcmp(name, "down") ? at + by : !strcmp(name, "up") ? at - by : !strcmp(name, "page-down") ? at + page
	   : !strcmp(name, "page-up") ? at - page : !strcmp(name, "first") ? 0 : (int64_t)p->form.n - 1;
	p->at = at < 0 ? 0 : at < (int64_t)p->form.n ? (unsigned)at : p->form.n ? p->form.n - 1 : 0;
	p->changed = true;
}

/* e: the explanation, or where the service has none, the estimate; and off again. */
static void toggle_explain(struct predict_page *p)
{
	if (p->mine.cannot_explain && !p->estimate) {
		p->estimate = true;
		job_estimate(p, p->app);
		return;
	}
	p->explain = !p->explain;
	p->estimate = false;
	if (p->job.is == JOB_ESTIMATE)
		job_stop(p, p->app);
	p->mine.estimated = p->other.estimated = false;
	forget_parts(&p->mine);
	forget_parts(&p->other);
	p->pending = p->changed = true;
}

static bool ask_line(struct predict_page *p, const char *n, struct str args)
{
	static const struct { const char *command, *label; app_line_fn done; } lines[] = {
		{ "paste", "inputs as JSON: ", pasted }, { "load", "inputs from which file (JSON)? ", load_file },
		{ "batch", "rows from which file (CSV)? ", start_batch }, { "save", "save inputs and answer to which file? ", save_answer },
	};
	for (size_t i = 0; i < ARRAY_SIZE(lines); i++) {
		if (strcmp(n, lines[i].command))
			continue;
		char *text = str_dup(str_trim(args));
		if (*text)
			lines[i].done(p, p->app, text);
		else
			app_prompt(p->app, lines[i].label, "", NULL, lines[i].done, p);
		free(text);
		return true;
	}
	return false;
}

static bool command(struct page *page, struct app *app, const struct command *c, struct str args)
{
	struct predict_page *p = of(page);
	const char *n = c->name;
	if (ask_line(p, n, args))
		return true;
	if (!strcmp(n, "more") || !strcmp(n, "less"))
		step(p, *n == 'm' ? 1 : -1, str_is(args, "10") ? 10 : 1);
	else if (!strcmp(n, "edit"))
		edit(p);
	else if (!strcmp(n, "ask"))
		want(p);
	else if (!strcmp(n, "explain"))
		toggle_explain(p);
	else if (!strcmp(n, "sweep"))
		job_sweep(p, app);
	else if (!strcmp(n, "versus"))
		next_other(p);
	else if (!strcmp(n, "inputs"))
		app_push(app, predict_log_page(app, STR(""), p));
	else if (!strcmp(n, "reset"))
		reset(p);
	else if (!strcmp(n, "stop"))
		job_stop(p, app);
	else
		move(p, n, args);
	p->changed = true;
	return true;
}

/* ---- the page */

static bool prepare(struct page *page, struct app *app, int w, int h, int64_t now)
{
	struct predict_page *p = of(page);
	int64_t mono = clock_mono(app_clock(app));
	bool changed = p->changed;
	(void)w, (void)now;
	p->h = h;
	if (p->pending && !p->schema_id) {
		if (mono - p->sent_at >= GAP_MS)
			send_inputs(p, mono);
		else
			app_wake(app, (int)(GAP_MS - (mono - p->sent_at)));
	}
	job_turn(p, app);
	if (p->mine.id || p->other.id || p->schema_id)
		app_wake(app, 1000);     /* "waiting 12 s" */
	p->changed = false;
	int room = h - 4 > 1 ? h - 4 : 1;
	if (p->at < p->top)
		p->top = p->at;
	if (p->at >= p->top + (unsigned)room)
		p->top = p->at - (unsigned)room + 1;
	return changed;
}

static void title(const struct page *page, const struct app *app, struct buf *out)
{
	const struct predict_page *p = of(page);
	const struct table *t = store_table_const(app_store(app), "modelendpoints");
	const struct row *r = t ? table_find(t, p->mine.source, str_of(p->mine.endpoint)) : NULL;
	buf_addf(out, "endpoint %s", p->mine.endpoint);
	if (!r)
		return;
	if (row_text(t, r, ENDPOINT_VERSION).n)
		buf_addf(out, "   v" STR_FMT " " STR_FMT, STR_ARG(row_text(t, r, ENDPOINT_VERSION)), STR_ARG(row_text(t, r, ENDPOINT_STAGE)));
	buf_addf(out, "   " STR_FMT, STR_ARG(row_text(t, r, ENDPOINT_STATUS)));
	if (!row_null(r, ENDPOINT_P50)) {
		buf_adds(out, "   p50 ");
		ms_text(row_real(r, ENDPOINT_P50), out);
		buf_adds(out, ", p99 ");
		ms_text(row_real(r, ENDPOINT_P99), out);
	}
	if (p->form.from)
		buf_addf(out, "   inputs from %s", p->form.from);
}

static void copy(const struct page *page, const struct app *app, struct buf *out)
{
	const struct predict_page *p = of(page);
	const struct reply *r = &p->mine;
	char why[200];
	unsigned at;
	(void)app;
	json_t *o = json_object(), *inputs = form_inputs(&p->form, &at, why, sizeof(why)), *parts = json_array();
	json_object_set_new(o, "endpoint", json_string(r->endpoint));
	json_object_set_new(o, "inputs", inputs ? inputs : json_null());
	json_object_set_new(o, "prediction", isnan(r->value) ? json_null() : json_real(r->value));
	json_object_set_new(o, "version", r->version ? json_string(r->version) : json_null());
	json_object_set_new(o, "request", r->request ? json_string(r->request) : json_null());
	for (unsigned i = 0; i < r->nparts; i++)
		json_array_append_new(parts, json_pack("{s:s, s:f}", "name", r->parts[i].name, "by", r->parts[i].by));
	if (r->nparts) {
		json_object_set_new(o, "base", isnan(r->base) ? json_null() : json_real(r->base));
		json_object_set_new(o, "space", json_string(space_name(r->space)));
		json_object_set_new(o, "method", json_string(r->method));
	}
	json_object_set_new(o, "contributions", parts);
	char *text = json_dumps(o, JSON_INDENT(2));
	buf_adds(out, text ? text : "");
	buf_addc(out, '\n');
	free(text);
	json_decref(o);
}

/* A pasted document is inputs, however many lines it has. */
static bool take_paste(struct page *page, struct app *app, struct str s)
{
	char *text = str_dup(s);
	pasted(of(page), app, text);
	free(text);
	return true;
}

static void shown(struct page *page, struct app *app, bool on)
{
	(void)page;
	(on ? app_watch : app_unwatch)(app, "modelendpoints", "");
}

static void release(struct page *page, struct app *app)
{
	struct predict_page *p = of(page);
	job_stop(p, app);
	predict_drop(p, p->mine.source, &p->mine.id);
	predict_drop(p, p->other.source, &p->other.id);
	predict_drop(p, p->mine.source, &p->schema_id);
	reply_release(&p->mine);
	reply_release(&p->other);
	form_release(&p->form);
	json_decref(p->taken);
	free(p->logged);
	free(p->trouble);
	free(p);
}

static const struct command commands[] = {
	{ "more", "[10]", "raise this input, or take its next value", "change" },
	{ "less", "[10]", "lower this input, or take the value before", NULL },
	{ "edit", NULL, "type a value for this input", "type" },
	{ "sweep", NULL, "ask over the whole range of this input and draw it", "sweep" },
	{ "versus", NULL, "send the same inputs to the next other endpoint too", "versus" },
	{ "explain", NULL, "explain, or estimate where the service cannot; and back", "explain" },
	{ "inputs", NULL, "take inputs from the log of predictions", "from log" },
	{ "batch", "[FILE]", "ask for every row of a CSV file", "batch" },
	{ "ask", NULL, "ask again", NULL },
	{ "paste", "[JSON]", "take inputs from JSON; a document pasted from the clipboard is taken as it is", NULL },
	{ "load", "[FILE]", "take inputs from a file with JSON", NULL },
	{ "save", "[FILE]", "save inputs and answer as JSON", "save" },
	{ "reset", NULL, "go back to the inputs of the first answer", NULL },
	{ "stop", NULL, "stop the batch or sweep; what came is kept", NULL },
	{ "down", "[N]", "go to the next input", NULL },
	{ "up", "[N]", "go to the input before", NULL },
	{ "page-down", NULL, "go down half a page", NULL },
	{ "page-up", NULL, "go up half a page", NULL },
	{ "first", NULL, "go to the first input", NULL },
	{ "last", NULL, "go to the last input", NULL },
	{ .name = NULL },
};
const struct command_scope predict_scope = { "predict", "one endpoint, asked", commands };
static const struct command_scope *const scopes[] = { &predict_scope, NULL };
static const struct page_ops ops = {
	.name = "predict", .scopes = scopes, .prepare = prepare, .draw = predict_draw, .command = command, .title = title,
	.copy = copy, .pasted = take_paste, .shown = shown, .free = release,
};

struct page *predict_page_new(struct app *app, uint16_t source, struct str endpoint, json_t *inputs, const char *logged)
{
	struct predict_page *p = xcalloc(1, sizeof(*p));
	p->page.ops = &ops;
	p->app = app;
	p->mine = (struct reply){ .source = source, .endpoint = str_dup(endpoint), .value = NAN, .latency_ms = NAN };
	p->other = (struct reply){ .value = NAN };
	p->explain = p->changed = true;
	p->taken = json_incref(inputs);
	p->logged = logged ? xstrdup(logged) : NULL;
	p->sent_at = -GAP_MS;
	p->schema_id = predict_ask(p, &p->mine, "schema", NULL, take_schema, p);
	if (!p->schema_id)
		say_trouble(p, "its source is not there any more");
	return &p->page;
}
