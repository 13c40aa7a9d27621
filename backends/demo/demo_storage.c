/* demo_storage: the simulated company's object store: a folder of raw data for each day, of which the last grew threefold as
 * prices shifted, and what the training runs of real_estate_model left behind. All follows from the clock; it is small enough
 * that every place is sent at once. */
#include "backends/demo/stored.h"
#include "base/fmt.h"
#include "base/storage.h"
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define RAW "data-raw"
#define ARTIFACTS "mlflow-artifacts"
#define DAY (24 * 3600 * 1000ll)
#define HOUR (3600 * 1000ll)
enum { DAYS = 21, PARTS = 8, PART_BYTES = 33000000 };

static void each_day(const struct world *w, object_fn fn, void *arg)
{
	for (int i = DAYS - 1; i >= 0; i--) {
		/* as if written at three in the morning */
		int64_t at = (w->start / DAY - i) * DAY + 3 * HOUR;
		time_t t = (time_t)(at / 1000);
		struct tm tm;
		char day[16], key[80];
		unsigned parts = i ? PARTS : 3 * PARTS;
		gmtime_r(&t, &tm);
		if (at > w->start)
			at = w->start - 40 * 60000;
		strftime(day, sizeof(day), "%Y-%m-%d", &tm);
		snprintf(key, sizeof(key), RAW "/%s/_SUCCESS", day);
		fn(arg, &(struct object){ key, 0, at + parts * 2000 });
		for (unsigned p = 0; p < parts; p++) {
			uint32_t h = str_hash(str_of(day)) ^ p * 2654435761u;
			snprintf(key, sizeof(key), RAW "/%s/part-%05u.snappy.parquet", day, p);
			fn(arg, &(struct object){ key, PART_BYTES + h % 4000000, at + p * 2000 });
		}
		snprintf(key, sizeof(key), RAW "/%s/sample.csv", day);
		fn(arg, &(struct object){ key, 412, at });
		snprintf(key, sizeof(key), RAW "/%s/schema.json", day);
		fn(arg, &(struct object){ key, 187, at });
	}
}

static void each_run(const struct world *w, object_fn fn, void *arg)
{
	static const struct { const char *name; int64_t size; } files[] = { { "model/MLmodel", 611 }, { "model/conda.yaml", 243 },
		{ "model/input_example.json", 198 }, { "model/model.pkl", -1 }, { "model/requirements.txt", 96 },
		{ "shap_summary.png", 88120 } };
	char run[33], key[128];
	int64_t size, age;
	for (unsigned v = 1; demo_house_run(v, run, &size, &age); v++)
		for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
			snprintf(key, sizeof(key), ARTIFACTS "/1/%s/artifacts/%s", run, files[i].name);
			fn(arg, &(struct object){ key, files[i].size < 0 ? size : files[i].size, w->start - age });
		}
}

void stored_came(const struct world *w, object_fn fn, void *arg)
{
	each_day(w, fn, arg);
	each_run(w, fn, arg);
}

/* ---- rows */

/* A row for the object, and one for each prefix above it. */
static void put_rows(void *arg, const struct object *o)
{
	struct buf *body = arg;
	const char *key = o->place;
	char parent[256];
	size_t bucket = strcspn(key, "/") + 1;
	for (size_t start = bucket;;) {
		size_t n = strcspn(key + start, "/"), end = start + n + (key[start + n] == '/');
		snprintf(parent, sizeof(parent), "%.*s", (int)start, key);
		bool prefix = key[end - 1] == '/';
		object_put(body, &(struct object_row){ .key = { key, end }, .name = { key + start, end - start }, .parent = str_of(parent),
			.type = prefix ? OBJECT_IS_PREFIX : OBJECT_IS_OBJECT, .size = o->size, .modified = prefix ? 0 : o->modified });
		if (!prefix)
			return;
		start = end;
	}
}

bool demo_storage_show(const struct world *w, const char *kind, struct buf *body)
{
	if (!strcmp(kind, "buckets")) {
		bucket_put(body, &(struct bucket_row){ STR("data-raw"), STR("eu-west-1"), w->start - 410 * DAY });
		bucket_put(body, &(struct bucket_row){ STR("mlflow-artifacts"), STR("eu-west-1"), w->start - 380 * DAY });
		return true;
	}
	if (!strcmp(kind, "objects")) {
		stored_each(w, put_rows, body);
		stored_show_versions(w, body);
	}
	return !strcmp(kind, "objects");
}

/* ---- questions */

struct found { struct str place; int64_t n, size, modified; bool exact; };

static void find(void *arg, const struct object *o)
{
	struct found *f = arg;
	bool below = f->place.n && f->place.p[f->place.n - 1] == '/' && str_starts(str_of(o->place), f->place);
	if (!below && !str_is(f->place, o->place))
		return;
	f->exact |= !below;
	f->n++;
	f->size += o->size;
	f->modified = o->modified;
}

static struct found find_all(const struct world *w, const char *place)
{
	struct found f = { .place = str_of(place) };
	stored_each(w, find, &f);
	return f;
}

bool demo_storage_ask(const struct world *w, struct link *l, const struct request *r)
{
	if (strcmp(r->kind, "objects") || strcmp(r->what, "page"))
		return false;
	bool versions = str_starts(str_of(r->key), STR(STORAGE_VERSIONS)), empty = !versions && !find_all(w, r->key).n;
	link_answer(l, r->id, true, empty ? STR("{\"empty\":true}") : STR("{\"before\":false,\"after\":false,\"empty\":false}"));
	return true;
}

static void count(const struct world *w, struct link *l, const struct request *r)
{
	char place[256];
	struct buf b = { 0 };
	struct msg *m = msg_new(MSG_ROWS, 0);
	snprintf(place, sizeof(place), "%s%s", r->key, !strcmp(r->kind, "buckets") ? "/" : "");
	struct found f = find_all(w, place);
	rows_start(&m->body, r->kind);
	storage_counted(&m->body, r->kind, str_of(r->key), f.size, f.n, COUNTED_ALL);
	link_send(l, m);
	buf_addf(&b, "%lld objects, ", (long long)f.n);
	fmt_bytes(f.size, &b);
	link_text(l, r->id, TEXT_RESET | TEXT_END, buf_str(&b));
	buf_release(&b);
}

static const struct { const char *end, *text, *note; } contents[] = {
	{ "sample.csv", "id     city    bed  bath  house_size  price\n48201  Leeds   3    2     1240        612400\n"
	  "48202  York    2    1     880         398000\n48203  Leeds   4    3     2110        941500\n", "as a table" },
	{ "schema.json", "{\n  \"columns\": {\n    \"bed\": \"int\",\n    \"bath\": \"int\",\n    \"house_size\": \"double\",\n"
	  "    \"zip_price_mean\": \"double\",\n    \"price\": \"double\"\n  }\n}\n", "indented" },
	{ "MLmodel", "artifact_path: model\nflavors:\n  python_function:\n    loader_module: mlflow.sklearn\n    model_path: model.pkl\n"
	  "  sklearn:\n    sklearn_version: 1.5.2\n", NULL },
	{ "conda.yaml", "channels:\n- conda-forge\ndependencies:\n- python=3.11\n- scikit-learn=1.5.2\n", NULL },
	{ "requirements.txt", "mlflow==2.22.5\nscikit-learn==1.5.2\n", NULL },
	{ "input_example.json", "{\n  \"columns\": [\"bed\", \"bath\", \"house_size\"],\n  \"data\": [[3, 2, 1240]]\n}\n", "indented" },
	{ ".parquet", "000000  50 41 52 31 15 04 15 10  15 14 4c 15 02 15 00 12  PAR1......L.....\n", "a Parquet file: its columns are not read" },
	{ ".pkl", "000000  80 04 95 1c 3b 00 00 00  00 00 00 8c 1a 73 6b 6c  ....;........skl\n", "a Python pickle: never loaded here" },
	{ ".png", "000000  89 50 4e 47 0d 0a 1a 0a  00 00 00 0d 49 48 44 52  .PNG........IHDR\n", "a PNG image" },
};

static void preview(struct link *l, const struct request *r)
{
	struct str rest = str_of(r->key), name = str_split(&rest, '\t');        /* of a version: without its id */
	for (size_t i = 0; i < sizeof(contents) / sizeof(contents[0]); i++)
		if (str_ends(name, str_of(contents[i].end))) {
			if (contents[i].note)
				link_text(l, r->id, TEXT_NOTE, str_of(contents[i].note));
			link_text(l, r->id, TEXT_END, str_of(contents[i].text));
			return;
		}
	link_text(l, r->id, TEXT_END | TEXT_NOTE, STR("the object is empty"));
}

static void describe(const struct world *w, struct link *l, const struct request *r, const struct found *f)
{
	struct buf b = { 0 };
	buf_addf(&b, "url: s3://%s\n", r->key);
	if (f->exact) {
		buf_addf(&b, "size: %lld  # ", (long long)f->size);
		fmt_bytes(f->size, &b);
		buf_adds(&b, "\nmodified: ");
		fmt_age(w->now - f->modified, &b);
		buf_adds(&b, " ago\n");
	}
	buf_adds(&b, "region: eu-west-1\nendpoint: simulated\n");
	link_text(l, r->id, TEXT_END, buf_str(&b));
	buf_release(&b);
}

static void give_link(struct link *l, const struct request *r)
{
	json_t *params = json_loads(*r->params ? r->params : "{}", 0, NULL);
	json_int_t seconds = json_integer_value(json_object_get(params, "expires"));
	struct place at = place_of(str_of(r->key));
	struct buf note = { 0 }, url = { 0 };
	seconds = seconds < 1 ? 3600 : seconds;
	buf_adds(&note, "whoever had this link could read the object for ");
	fmt_duration(seconds * 1000, &note);
	buf_adds(&note, ", were the store not simulated");
	buf_addf(&url, "https://" STR_FMT ".s3.eu-west-1.amazonaws.com/" STR_FMT "?X-Amz-Expires=%lld&X-Amz-Signature=simulated", STR_ARG(at.bucket),
	         STR_ARG(at.key), (long long)seconds);
	link_text(l, r->id, TEXT_NOTE, buf_str(&note));
	link_text(l, r->id, TEXT_END | TEXT_SECRET, buf_str(&url));
	buf_release(&note);
	buf_release(&url);
	json_decref(params);
}

/* The object of a version's key: what is told of it is told of any of its versions. */
static struct found find_one(const struct world *w, const char *key)
{
	struct str s = str_of(key);
	char place[256];
	struct version v[VERSIONS_MOST];
	if (!str_starts(s, STR(STORAGE_VERSIONS)))
		return find_all(w, key);
	s.p += strlen(STORAGE_VERSIONS), s.n -= strlen(STORAGE_VERSIONS);
	struct str name = str_split(&s, '\t');
	struct found f = { .exact = true };
	snprintf(place, sizeof(place), STR_FMT, STR_ARG(name));
	for (unsigned i = 0, n = stored_versions(w, place, v); i < n; i++)
		if (str_is(s, v[i].id) && !v[i].marker)
			f.n = 1, f.size = v[i].size, f.modified = v[i].at;
	return f;
}

bool demo_storage_open(const struct world *w, struct link *l, const struct request *r)
{
	bool bucket = !strcmp(r->kind, "buckets");
	if (!bucket && strcmp(r->kind, "objects"))
		return false;
	struct found f = find_one(w, r->key);
	if (!strcmp(r->what, "count"))
		count(w, l, r);
	else if (!bucket && !f.n)
		link_textf(l, r->id, TEXT_END | TEXT_ERROR, "the object is not there (any more)");
	else if (!strcmp(r->what, "preview"))
		preview(l, r);
	else if (!strcmp(r->what, "describe") || !strcmp(r->what, "yaml"))
		describe(w, l, r, &f);
	else if (!strcmp(r->what, "link"))
		give_link(l, r);
	else if (!strcmp(r->what, "download"))
		link_textf(l, r->id, TEXT_END | TEXT_ERROR, "this store is simulated: there is nothing to download");
	else
		return false;
	return true;
}
