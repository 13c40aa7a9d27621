/* judge: see judge.h. Rules after client-go's reflector and the API's own documents (KEP-3157 for WatchList): 410 by
 * status or as an event means that history is gone; 504 with ResourceVersionTooLarge and 429 mean: later; whatever
 * broke on the way is resumed from the last version that was seen. */
#include "backends/kubernetes/judge.h"

#define ABSENT_MS 60000      /* a kind that is not served: looked for again so often */
#define REFUSED_MS 15000     /* credentials and certificates may be mended meanwhile */

static bool is(const char *a, const char *b)
{
	return a && strcmp(a, b) == 0;
}

/* Without a version to go on from, everything has to be listed again. */
static enum judged onward(const struct ending *e)
{
	return e->phase == PHASE_WATCHING || (e->phase == PHASE_STREAMING && e->listed) ? JUDGED_RESUME : JUDGED_RELIST;
}

static struct verdict judge_status(const struct ending *e)
{
	struct verdict v = { .then = onward(e), .kind = HEALTH_STALE };

	if (e->retry_after_ms > 0)
		v.least_ms = e->retry_after_ms;
	switch (e->code) {
	case 401:
		v.source = HEALTH_REFUSED;
		v.kind = HEALTH_IDLE;
		v.least_ms = REFUSED_MS;
		break;
	case 403:
		v.kind = HEALTH_REFUSED;
		v.least_ms = ABSENT_MS;
		if (e->phase != PHASE_LISTING)     /* one may list who may not watch */
			v = (struct verdict){ .then = JUDGED_LIST_ONLY, .at_once = true };
		else if (e->cluster_wide)
			v = (struct verdict){ .then = JUDGED_NAMESPACES, .at_once = true, .kind = HEALTH_LIMITED };
		break;
	case 404:
		v.kind = HEALTH_DOWN;
		v.then = JUDGED_RELIST;
		v.least_ms = ABSENT_MS;
		break;
	case 405:
		v = (struct verdict){ .then = JUDGED_LIST_ONLY, .at_once = true };
		break;
	case 410:
		v = (struct verdict){ .then = JUDGED_RELIST, .at_once = e->lasted_ms > 1000 };
		break;
	case 400:
	case 422:
		v.then = e->phase == PHASE_STREAMING && !e->listed ? JUDGED_NO_WATCHLIST : JUDGED_RELIST;
		v.at_once = v.then == JUDGED_NO_WATCHLIST;
		if (v.at_once)
			v.kind = HEALTH_IDLE;
		break;
	case 429:
		if (!v.least_ms)
			v.least_ms = 1000;
		v.kind = HEALTH_LIMITED;
		break;
	case 504:
		if (is(e->cause, "ResourceVersionTooLarge")) {
			v.least_ms = 1000;
			v.kind = HEALTH_IDLE;
		}
		break;
	}
	if (is(e->reason, "Expired") || is(e->reason, "Gone"))
		v.then = JUDGED_RELIST;
	return v;
}

struct verdict judge(const struct ending *e)
{
	struct verdict v = { .then = onward(e) };

	if (e->garbage) {
		v.then = JUDGED_RELIST;
		v.kind = HEALTH_STALE;
		return v;
	}
	if (e->code >= 400 && (e->end == HTTP_OK || e->end == HTTP_STATUS || e->end == HTTP_CANCELLED))
		return judge_status(e);
	switch (e->end) {
	case HTTP_OK:                    /* the server ended the stream, as it does now and then */
		v.at_once = e->lasted_ms > 1000;
		break;
	case HTTP_STATUS:                /* a redirect, or 1xx/2xx of a strange kind */
	case HTTP_TOO_LARGE:
	case HTTP_NOT_JSON:
		v.kind = HEALTH_STALE;
		break;
	case HTTP_CREDENTIALS:
	case HTTP_TLS:
		v.source = HEALTH_REFUSED;
		v.least_ms = e->end == HTTP_CREDENTIALS ? REFUSED_MS : 0;
		break;
	case HTTP_CUT:
	case HTTP_CANCELLED:
		/* Connections break; only when the next one cannot be had is the source stale. */
		v.at_once = e->lasted_ms > 1000;
		if (!v.at_once)
			v.source = HEALTH_STALE;
		break;
	case HTTP_RESOLVE:
	case HTTP_CONNECT:
	case HTTP_TIMEOUT:
		v.source = HEALTH_STALE;
		break;
	case HTTP_BROKEN:
		v.source = HEALTH_DOWN;
		break;
	}
	return v;
}
