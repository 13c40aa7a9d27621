/* alertmanager: what became of alerts: which fire, which are silenced by what, which are inhibited by others; and the silences. */
#include "backends/alerts/alerts.h"
#include "backends/net/doctor.h"
#include "base/mem.h"
#include <stdio.h>
#include <stdlib.h>

static bool read_version(struct alerts *a)
{
	json_t *j = ask_json(a, "/api/v2/status");
	snprintf(a->version, sizeof(a->version), "%s", json_text(json_object_get(j, "versionInfo"), "version"));
	json_decref(j);
	return j != NULL;
}

static void count_silences(struct alerts *a, const json_t *alert)
{
	const json_t *ids = json_object_get(json_object_get(alert, "status"), "silencedBy"), *id;
	size_t i;
	json_array_foreach(ids, i, id) {
		const char *key = json_string_value(id);
		if (key)
			json_object_set_new(a->silenced, key, json_integer(json_integer_value(json_object_get(a->silenced, key)) + 1));
	}
}

static void take_alert(void *arg, json_t *alert)
{
	struct listing *x = arg;
	char key[20];
	count_silences(x->a, alert);
	if (x->n >= ALERTS_MOST)
		return;
	if (put_managed(alert, &x->rows, key))
		listing_more(x);
	else
		x->a->skipped++;
}

static bool read_alerts(struct alerts *a)
{
	struct listing x = { .a = a, .kind = "alerts" };
	json_decref(a->silenced);
	a->silenced = json_object();
	listing_begin(&x);
	bool ok = ask_list(a, &(struct list_of){ .path = "/api/v2/alerts", .name = "", .element = take_alert, .arg = &x });
	ok ? listing_end(&x) : listing_drop(&x);
	a->listed = a->listed || ok;
	return ok;
}

static void take_silence(void *arg, json_t *silence)
{
	struct listing *x = arg;
	if (put_silence(silence, x->a->silenced, &x->rows))
		listing_more(x);
	else
		x->a->skipped++;
}

static bool read_silences(struct alerts *a)
{
	struct listing x = { .a = a, .kind = "silences" };
	unsigned skipped = a->skipped;
	if (!alerts_watches(a, true))
		return true;
	listing_begin(&x);
	bool ok = ask_list(a, &(struct list_of){ .path = "/api/v2/silences", .name = "", .element = take_silence, .arg = &x });
	ok ? listing_end(&x) : listing_drop(&x);
	a->skipped += skipped;
	return ok;
}

static const struct job jobs[ALERTS_JOBS + 1] = {
	{ read_version, 3600000, true }, { read_alerts, 0, false }, { read_silences, 0, false }, { NULL },
};

/* ---- one of them */

struct finding { const char *key; json_t *found; };

static void compare(void *arg, json_t *alert)
{
	struct finding *f = arg;
	struct label_set labels;
	char key[20];
	labels_read(json_object_get(alert, "labels"), &labels);
	key_of_labels(&labels, key);
	if (!f->found && !strcmp(key, f->key))
		f->found = json_incref(alert);
}

json_t *managed_find(struct alerts *a, const char *key)
{
	struct finding f = { .key = key };
	if (!ask_list(a, &(struct list_of){ .path = "/api/v2/alerts", .name = "", .element = compare, .arg = &f })) {
		json_decref(f.found);
		return NULL;
	}
	return f.found;
}

static void doctor(struct alerts *a, json_t *all)
{
	struct finding f = { .key = "" };
	bool ok = ask_list(a, &(struct list_of){ .path = "/api/v2/alerts", .name = "", .element = compare, .arg = &f });
	doctor_check(all, "alerts", ok ? 1 : 0, a->failure.remedy, "%s", ok ? "can be read" : a->failure.error);
	json_t *silences = ask_json(a, "/api/v2/silences");
	if (json_is_array(silences))
		doctor_check(all, "silences", 1, "", "can be read");
	else
		doctor_check(all, "silences", 0, a->failure.remedy, "%s", silences ? "the answer is no list" : a->failure.error);
	json_decref(silences);
}

const struct flavour flavour_alertmanager = { .what = "Alertmanager", .jobs = jobs, .actions = alerts_actions, .open = managed_open,
	.doctor = doctor };
