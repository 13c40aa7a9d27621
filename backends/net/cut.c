/* cut: see cut.h. One step a byte. */
#include "backends/net/cut.h"

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
	c->dropped = 0;
}

/* After a colon: the value that begins is one to leave out. */
static bool is_unwanted(const struct cut *c)
{
	size_t n = c->without ? strlen(c->without) : 0;
	return n && !c->large && c->text.len >= c->word + n + 2 && !memcmp(c->text.data + c->word + 1, c->without, n) &&
	       c->text.data[c->word + n + 1] == '"';
}

static void keep_or_drop(struct cut *c, char ch)
{
	if (c->dropped && !c->in_string && ((ch == ',' && c->depth + 1 == c->dropped) || (ch == '}' && c->depth + 2 == c->dropped)))
		c->dropped = 0;
	if (c->dropped)
		return;
	if (ch == '"' && c->in_string)
		c->word = c->text.len;
	keep(c, ch);
	if (ch == ':' && !c->in_string && is_unwanted(c)) {
		c->dropped = c->depth + 1;
		for (const char *p = "null"; *p; p++)
			keep(c, *p);
	}
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
	keep_or_drop(c, ch);
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
		c->ended = !c->inner;
		c->inner -= c->inner > 0;
	} else if (!is_blank(ch) && ch != ',') {
		return false;
	}
	return true;
}

static bool step(struct cut *c, char ch)
{
	switch (c->at) {
	case CUT_START:
		c->whole = c->in_list = ch == '[';
		c->at = ch == '{' ? CUT_KEY : ch == '[' ? CUT_ITEM : CUT_START;
		return ch == '{' || ch == '[' || is_blank(ch);
	case CUT_KEY:
		return key_byte(c, ch);
	case CUT_COLON:
		c->at = ch == ':' ? CUT_VALUE : CUT_COLON;
		return ch == ':' || is_blank(ch);
	case CUT_VALUE:
		if (is_blank(ch))
			return true;
		if (ch == '{' && c->within && str_is(buf_str(&c->name), c->within)) {
			c->inner++;
			c->at = CUT_KEY;
			return true;
		}
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
			c->ended = ch == ']' && c->whole;
			return ch != '}';
		}
		c->at = CUT_KEY;
		c->ended = ch == '}' && !c->inner;
		c->inner -= ch == '}' && c->inner > 0;
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
