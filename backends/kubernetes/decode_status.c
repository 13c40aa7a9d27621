/* decode_status.c: why the API server refused (metav1.Status), as protobuf or as JSON. */
#include "backends/kubernetes/decode.h"
#include "backends/kubernetes/protobuf.h"
#include "base/mem.h"
#include <jansson.h>
#include <stdlib.h>

static void set(char **to, struct str s)
{
	free(*to);
	*to = str_dup(s);
}

void kube_status_release(struct kube_status *s)
{
	free(s->reason);
	free(s->message);
	free(s->next);
	free(s->cause);
	*s = (struct kube_status){ 0 };
}

/* StatusDetails: 4 causes (1 reason), 5 retryAfterSeconds. */
static void read_details(struct str details, struct kube_status *s)
{
	struct pb r = pb_of(details);
	bool first = true;
	while (pb_next(&r)) {
		if (r.field == 5)
			s->retry_after_s = (int32_t)r.number;
		else if (r.field == 4 && first) {
			set(&s->cause, pb_get(r.bytes, 1));
			first = false;
		}
	}
}

static bool from_protobuf(struct str raw, struct kube_status *s)
{
	struct pb r = pb_of(raw);
	bool any = false;
	while (pb_next(&r)) {
		switch (r.field) {
		case 1: set(&s->next, pb_get(r.bytes, 3)); break;
		case 2:
			any = str_is(r.bytes, "Success") || str_is(r.bytes, "Failure");
			s->success = str_is(r.bytes, "Success");
			break;
		case 3: set(&s->message, r.bytes); break;
		case 4: set(&s->reason, r.bytes); break;
		case 5: read_details(r.bytes, s); break;
		case 6: s->code = (int32_t)r.number; break;
		}
	}
	return any && !r.bad;
}

static struct str text_of(const json_t *o, const char *key)
{
	const json_t *v = json_object_get(o, key);
	return (struct str){ json_string_value(v), json_string_length(v) };
}

static bool from_json(struct str body, struct kube_status *s)
{
	json_t *o = json_loadb(body.p, body.n, JSON_ALLOW_NUL, NULL);
	bool is = str_is(text_of(o, "kind"), "Status");
	if (is) {
		const json_t *details = json_object_get(o, "details");
		const json_t *cause = json_array_get(json_object_get(details, "causes"), 0);
		s->code = (int)json_integer_value(json_object_get(o, "code"));
		s->retry_after_s = (int)json_integer_value(json_object_get(details, "retryAfterSeconds"));
		s->success = str_is(text_of(o, "status"), "Success");
		set(&s->message, text_of(o, "message"));
		set(&s->reason, text_of(o, "reason"));
		set(&s->next, text_of(json_object_get(o, "metadata"), "continue"));
		set(&s->cause, text_of(cause, "reason"));
	}
	json_decref(o);
	return is;
}

bool decode_status(struct str body, struct kube_status *s)
{
	struct str kind;
	*s = (struct kube_status){ .reason = xstrdup(""), .message = xstrdup(""), .next = xstrdup(""),
		.cause = xstrdup("") };
	struct str inside = decode_envelope(body, &kind);
	bool is;
	if (inside.p != body.p)
		is = str_is(kind, "Status") && from_protobuf(inside, s);
	else
		is = body.n && body.p[0] == '{' ? from_json(body, s) : from_protobuf(body, s);
	if (!is)
		kube_status_release(s);
	return is;
}
