/* cut: see cut.h. One step a byte. */
#include "backends/mlflow/cut.h"

static bool is_blank(char c)
{
	return c == ' ' || c == '\n' || c == '\r' || c == '\t';
}

static void keep(struct cut *c, char ch)
{
	if (c->text.len >= c->max)
		c->large = true;
	else if (!c->large)
		buf_addc(&c->text, ch);
}

static void item_done(struct cut *c)
{
	struct str json = str_trim(buf_str(&c->text));
	if (c->large)
		c->skipped++;
	else if (json.n)
		c->item(c->arg, buf_str(&c->name), json, c->in_list);
	buf_clear(&c->text);
	c->large = false;
}

/* A byte of the value that is being read; the one that ends it belongs to what is around it. True: it ended. */
static bool item_byte(struct cut *c, char ch)
{
	if (c->in_string) {
		if (c->escape)
			c->escape = false;
		else if (ch == '\\')
			c->escape = true;
		else if (ch == '"')
			c->in_string = false;
	} else if (ch == '"') {
		c->in_string = true;
	} else if (ch == '{' || ch == '[') {
		c->depth++;
	} else if (c->depth == c->base && (ch == ',' || ch == '}' || ch == ']')) {
		item_done(c);
		return true;
	} else if (ch == '}' || ch == ']') {
		c->depth--;
	}
	keep(c, ch);
	return false;
}

static bool key_byte(struct cut *c, char ch)
{
	if (c->in_string) {
		if (ch == '"' && !c->escape) {
			c->in_string = false;
			c->at = CUT_COLON;
		} else if (c->name.len < 256) {
			buf_addc(&c->name, ch);
		}
		c->escape = ch == '\\' && !c->escape;
	} else if (ch == '"') {
		c->in_string = true;
		buf_clear(&c->name);
	} else if (ch == '}') {
		c->ended = true;
	} else if (!is_blank(ch) && ch != ',') {
		return false;
	}
	return true;
}

static bool step(struct cut *c, char ch)
{
	switch (c->at) {
	case CUT_START:
		c->at = ch == '{' ? CUT_KEY : CUT_START;
		return ch == '{' || is_blank(ch);
	case CUT_KEY:
		return key_byte(c, ch);
	case CUT_COLON:
		c->at = ch == ':' ? CUT_VALUE : CUT_COLON;
		return ch == ':' || is_blank(ch);
	case CUT_VALUE:
		if (is_blank(ch))
			return true;
		c->in_list = ch == '[';
		c->depth = c->base = 0;
		c->at = CUT_ITEM;
		if (c->in_list)
			return true;
		/* fall through */
	case CUT_ITEM:
		if (!item_byte(c, ch))
			return true;
		if (c->in_list) {
			if (ch == ']')
				c->at = CUT_KEY;
			return ch != '}';
		}
		c->at = CUT_KEY;
		c->ended = ch == '}';
		return ch != ']';
	}
	return false;
}

bool cut_feed(struct cut *c, struct str chunk)
{
	if (c->base < 0)
		return false;
	for (size_t i = 0; i < chunk.n && !c->ended; i++)
		if (!step(c, chunk.p[i])) {
			c->base = -1;
			return false;
		}
	return true;
}

void cut_release(struct cut *c)
{
	buf_release(&c->name);
	buf_release(&c->text);
}
