/* docs: the YAML of any object. What is noise is folded (managedFields), what is secret is masked until it is asked for
 * with {"reveal":true}, or {"edit":true}: what is edited, without the server's own. */
#define _GNU_SOURCE
#include "backends/kubernetes/docs.h"
#include "backends/kubernetes/work.h"
#include "backends/kubernetes/yaml_out.h"
#include "base/mem.h"
#include <stdio.h>
#include <stdlib.h>

#define LAST_APPLIED "kubectl.kubernetes.io/last-applied-configuration"

/* Bytes that a base64 text stands for. */
static size_t decoded_size(const char *text)
{
	size_t n = strlen(text), pads = 0;

	while (pads < 2 && n > pads && text[n - 1 - pads] == '=')
		pads++;
	return n / 4 * 3 - (n ? pads : 0);
}

void doc_mask_secret(json_t *object)
{
	json_t *data = json_object_get(object, "data"), *plain = json_object_get(object, "stringData"), *v;
	json_t *notes = jat(object, "metadata.annotations");
	const char *key;
	void *next;

	if (!jis(object, "kind", "Secret"))
		return;
	json_object_foreach_safe(data, next, key, v)
		json_object_set_new(data, key, jstringf("*** (%zu bytes)",
			json_is_string(v) ? decoded_size(json_string_value(v)) : 0));
	json_object_foreach_safe(plain, next, key, v)
		json_object_set_new(plain, key, json_string("***"));
	if (json_object_get(notes, LAST_APPLIED))
		json_object_set_new(notes, LAST_APPLIED, json_string("*** (holds the data too)"));
}

static void fold_note(const json_t *object, struct buf *out)
{
	json_t *fields = jat(object, "metadata.managedFields"), *f;
	size_t i;

	buf_addf(out, "%zu folded:", json_array_size(fields));
	json_array_foreach(fields, i, f) {
		buf_addf(out, "%s %s %s", i ? "," : "", jtext(f, "manager"), jtext(f, "operation"));
		if (*jtext(f, "subresource"))
			buf_addf(out, " of %s", jtext(f, "subresource"));
	}
	for (size_t c = 0; c < out->len; c++)
		if ((unsigned char)out->data[c] < 0x20)
			out->data[c] = ' ';
}

void doc_yaml(json_t *object, bool reveal, struct buf *out)
{
	struct buf note = { 0 };
	bool fold = json_array_size(jat(object, "metadata.managedFields")) > 0;

	if (!reveal)
		doc_mask_secret(object);
	if (fold)
		fold_note(object, &note);
	yaml_write(out, object, 0, fold ? note.data : NULL);
	buf_release(&note);
}

void work_yaml(struct work *w)
{
	struct target t;
	json_t *object;
	struct buf text = { 0 };
	bool reveal;

	if (!work_target(w, &t)) {
		work_fail_exchange(w);
		target_release(&t);
		return;
	}
	object = work_object(w, t.api, t.ns, t.name);
	if (!object)
		work_fail_exchange(w);
	else {
		bool edit = jtrue(w->params, "edit");

		reveal = jtrue(w->params, "reveal") || edit;
		if (edit)
			doc_editable(object, &text);
		else
			doc_yaml(object, reveal, &text);
		link_text(w->k->link, w->r->id, TEXT_RESET | TEXT_END | (reveal ? TEXT_SECRET : 0), buf_str(&text));
		w->ended = true;
	}
	buf_release(&text);
	json_decref(object);
	target_release(&t);
}
