/* served: the log of predictions that a service keeps in PostgreSQL, as rows of `predictions`. Its table is inference_logs or
 * another, its columns are recognised by their names or told by the settings. */
#ifndef BACKENDS_DRIFT_SERVED_H
#define BACKENDS_DRIFT_SERVED_H
#include "backends/drift/layout.h"
#include "backends/net/pg.h"
#include "base/config.h"
#include "base/serving.h"

#define SERVED_FIELDS(X) \
	X(id, "what tells predictions apart", "id", "prediction_id", "log_id", "uuid") \
	X(time, "when it was made: a timestamp, or seconds or milliseconds since 1970", "timestamp", "created_at", \
	  "predicted_at", "logged_at", "request_time", "time", "ts") \
	X(inputs, "the inputs as JSON", "inputs", "input", "input_data", "input_features", "features", "payload", \
	  "request_body") \
	X(value, "what was predicted: a number, or JSON with one", "predicted_price", "prediction", "predicted_value", \
	  "predicted", "output", "outputs", "score", "result") \
	X(version, "the version that answered", "model_version", "version") \
	X(run, "the run that trained it", "model_run_id", "run_id") \
	X(latency, "how long it took, in milliseconds", "response_time_ms", "latency_ms", "duration_ms", "latency") \
	X(request, "the request's own name", "request_id", "correlation_id", "trace_id") \
	X(model, "the model", "model_name", "model")
enum served_field {
#define X(name, ...) SERVED_##name,
	SERVED_FIELDS(X)
#undef X
	SERVED_FIELD_COUNT
};
extern const struct config_key served_keys[];     /* of the setting `predictions:` */

struct served {
	struct layout_column columns[SERVED_FIELD_COUNT];
	char *schema, *table;        /* NULL: not looked for yet, or not there */
	bool by_id;                  /* a whole number tells new rows from old, else the time does */
	char *cursor;                /* of the newest row; NULL: nothing listed yet */
	long limit, since_list;      /* rows added since the last full listing */
};
void served_release(struct served *s);
/* Its table and columns are known. False: pg says why. */
bool served_find(struct served *s, struct pg *pg);
/* Rows that are new, or all of the newest. False: pg says why. */
bool served_list(struct served *s, struct pg *pg);
/* The statement; after: only rows as new as $2, or newer. For served_list and tests. */
void served_sql(const struct served *s, bool after, struct buf *out);
bool served_choose(struct served *s, const struct layout_column *there, unsigned n, const struct yaml *mapped, char *why,
                   size_t size);
double served_value(struct str cell);        /* "447210.5", {"price": 447210.5}, [447210.5] */
#endif
