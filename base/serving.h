/* serving: models behind endpoints, what they were asked and what they said, and the rows that both become. Shared by
 * every protocol, by logs of predictions wherever they are kept, and by the demo.
 *
 * An endpoint (kind modelendpoints, its row's key) is asked by REQ_ASK:
 *   "schema"   {"fields": [{"name", "type": integer|number|boolean|string|json, "default", "enum": [], "min", "max", "help",
 *              "required"}], "from": "where the fields were found", "explains": bool}
 *   "predict"  params {"inputs": {name: value}}:  {"prediction": number|null, "text": as shown, "name": "price",
 *              "version", "stage", "run", "request", "model", "latency_us"}; texts are absent when unknown
 *   "explain"  the same params: the same answer, and "explanation": {"base": number|null, "method": words,
 *              "features": [{"name", "value", "by": number}]}; how the numbers relate to the answer: base/explain.h */
#ifndef BASE_SERVING_H
#define BASE_SERVING_H
#include "base/rows.h"

extern const struct kind kind_modelendpoints, kind_predictions;

/* Columns by place, for panes; kinds_serving.c has them in this order. */
enum endpoint_col {
	ENDPOINT_NAME, ENDPOINT_STATUS, ENDPOINT_MODEL, ENDPOINT_VERSION, ENDPOINT_STAGE, ENDPOINT_P50, ENDPOINT_P99,
	ENDPOINT_ERRORS, ENDPOINT_CALLS, ENDPOINT_PROTOCOL, ENDPOINT_SINCE, ENDPOINT_EXPLAINS, ENDPOINT_RUN, ENDPOINT_URL,
	ENDPOINT_WHY, ENDPOINT_COL_COUNT
};
enum prediction_col {
	PREDICTION_AGE, PREDICTION_VALUE, PREDICTION_MODEL, PREDICTION_VERSION, PREDICTION_LATENCY, PREDICTION_INPUTS,
	PREDICTION_RUN, PREDICTION_REQUEST, PREDICTION_ID, PREDICTION_COL_COUNT
};

struct endpoint {
	struct str key, name, status, model, version, stage, protocol, run, url, why;   /* empty = unknown */
	enum level level;
	double p50, p99;             /* ms, of our own calls; NaN unknown */
	int64_t calls, failed;       /* our own, of late */
	int64_t since;               /* wall ms: since when the status is this; 0 unknown */
	int explains;                /* 1, 0, -1 unknown */
};
void endpoint_put(struct buf *b, const struct endpoint *e);

struct prediction {
	struct str key, model, version, run, request, inputs, id;   /* inputs: JSON; empty = unknown */
	int64_t time;                /* wall ms, 0 unknown */
	double value, latency_ms;    /* NaN unknown */
};
void prediction_put(struct buf *b, const struct prediction *p);
#endif
