/* items: see items.h. An item is what stands in braces at depth 3: within the top object, within an array. The only
 * array of objects at that depth in a Kubernetes list is `items` (metadata holds none that matter to a metrics list). */
#include "backends/kubernetes/items.h"

#define LIST_BYTES 100000
#define ITEM_BYTES (16u << 20)
#define ITEM_DEPTH 3

void items_init(struct items *i, items_fn fn, void *arg)
{
	buf_release(&i->list);
	*i = (struct items){ .fn = fn, .arg = arg };
}

static bool hand_over(struct items *i)
{
	if (!i->list.len)
		return true;
	buf_adds(&i->list, "]}");
	bool ok = i->fn(i->arg, buf_str(&i->list));
	buf_clear(&i->list);
	return ok;
}

static void open_item(struct items *i)
{
	buf_adds(&i->list, i->list.len ? "," : "{\"items\":[");
	i->item = i->list.len;
}

/* One byte outside strings. False: brackets do not match. */
static bool bracket(struct items *i, char c)
{
	if (c == '{' || c == '[') {
		if (++i->depth == ITEM_DEPTH && c == '{')
			open_item(i);
	} else if (c == '}' || c == ']') {
		if (!i->depth)
			return false;
		i->depth--;
	}
	return true;
}

bool items_feed(struct items *i, struct str piece)
{
	for (size_t n = 0; n < piece.n && !i->broken; n++) {
		char c = piece.p[n];
		unsigned was = i->depth;
		if (i->escaped)
			i->escaped = false;
		else if (i->text && c == '\\')
			i->escaped = true;
		else if (c == '"')
			i->text = !i->text;
		else if (!i->text && !bracket(i, c))
			i->broken = true;
		if (i->item && (i->depth >= ITEM_DEPTH || was >= ITEM_DEPTH))
			buf_addc(&i->list, c);
		if (i->item && was == ITEM_DEPTH && i->depth < ITEM_DEPTH) {
			i->item = 0;
			if (i->list.len >= LIST_BYTES && !hand_over(i))
				i->broken = true;
		}
		if (i->item && i->list.len - i->item > ITEM_BYTES)
			i->broken = true;
	}
	return !i->broken;
}

bool items_end(struct items *i)
{
	if (i->broken || i->depth || i->text)
		return false;
	return hand_over(i);
}

void items_release(struct items *i)
{
	buf_release(&i->list);
}
