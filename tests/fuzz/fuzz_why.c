/* Any JSON as what is known of an object: why, trees, masking, fingerprints; and any text as a scheduler's, quota's or
 * registry's message. The first byte says which. */
#include "backends/kubernetes/plan.h"
#include "backends/kubernetes/pod.h"
#include "backends/kubernetes/tree.h"
#include "backends/kubernetes/why.h"
#include "base/redact.h"
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void documents(struct str s)
{
	json_t *v = json_loadb(s.p, s.n, JSON_ALLOW_NUL, NULL), *out;
	char print[17];

	if (!v)
		return;
	out = why_findings(v, 1795244400000);
	if (!json_array_size(out))
		abort();                       /* it always says something */
	json_decref(out);
	out = tree_build(json_object_get(v, "object"), json_object_get(v, "pods"), json_object_get(v, "adopt") != NULL, "u1",
	                 1795244400000);
	if (json_array_size(out) != 1)
		abort();
	json_decref(out);
	out = redact_json(v);
	if (!out)
		abort();
	json_decref(out);
	object_print(v, print);
	body_set_version(v, "9");
	json_decref(v);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str s = { (const char *)data + 1, size - 1 };
	struct buf out = { 0 };
	char *text;

	if (!size)
		return 0;
	if (data[0] == 't') {
		text = str_dup(s);
		why_unschedulable(text, &out);
		why_quota(text, &out);
		why_pull(text);
		free(text);
		free(redact_text(s));
	} else
		documents(s);
	buf_release(&out);
	return 0;
}
