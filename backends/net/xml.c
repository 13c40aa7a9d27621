/* xml: see xml.h. */
#include "backends/net/xml.h"
#include "backends/net/late.h"
#include "base/mem.h"
#include <stdio.h>
#include <stdlib.h>

#define PATH_MAX_BYTES 1024
#define TEXT_MAX_BYTES 65536

struct xml {
	const struct late_expat *e;
	XML_Parser parser;
	xml_end_fn end;
	void *arg;
	struct buf path, text;
	bool stopped, over;
	char error[160];
};

static void stop(struct xml *x, const char *why)
{
	snprintf(x->error, sizeof(x->error), "%s", why);
	x->stopped = true;
	x->e->StopParser(x->parser, XML_FALSE);
}

static void XMLCALL on_start(void *arg, const XML_Char *name, const XML_Char **attributes)
{
	struct xml *x = arg;
	const char *colon = strrchr(name, ':');
	if (x->stopped)
		return;
	if (x->path.len + strlen(name) > PATH_MAX_BYTES) {
		stop(x, "its elements are nested too deeply");
		return;
	}
	buf_adds(&x->path, x->path.len ? "/" : "");
	buf_adds(&x->path, colon ? colon + 1 : name);
	buf_clear(&x->text);
}

static void XMLCALL on_end(void *arg, const XML_Char *name)
{
	struct xml *x = arg;
	const char *slash;
	if (x->stopped)
		return;
	if (!x->end(x->arg, x->path.data, buf_str(&x->text)))
		stop(x, "");
	buf_clear(&x->text);
	slash = strrchr(x->path.data, '/');
	x->path.len = slash ? (size_t)(slash - x->path.data) : 0;
	x->path.data[x->path.len] = '\0';
}

static void XMLCALL on_text(void *arg, const XML_Char *s, int n)
{
	struct xml *x = arg;
	size_t room = TEXT_MAX_BYTES - x->text.len;
	buf_add(&x->text, s, (size_t)n < room ? (size_t)n : room);
}

static void XMLCALL on_doctype(void *arg, const XML_Char *name, const XML_Char *system, const XML_Char *public, int internal)
{
	stop(arg, "it has a document type, as no answer of this kind has (a web page?)");
}

struct xml *xml_new(xml_end_fn end, void *arg)
{
	struct xml *x = xcalloc(1, sizeof(*x));
	const char *why = NULL;
	x->end = end;
	x->arg = arg;
	x->e = late_expat(&why);
	x->parser = x->e ? x->e->ParserCreate(NULL) : NULL;
	if (!x->parser) {
		snprintf(x->error, sizeof(x->error), "%s", why ? why : "expat could not start");
		x->stopped = true;
		return x;
	}
	x->e->SetUserData(x->parser, x);
	x->e->SetElementHandler(x->parser, on_start, on_end);
	x->e->SetCharacterDataHandler(x->parser, on_text);
	x->e->SetStartDoctypeDeclHandler(x->parser, on_doctype);
	return x;
}

void xml_free(struct xml *x)
{
	if (!x)
		return;
	if (x->parser)
		x->e->ParserFree(x->parser);
	if (x->text.data)
		explicit_bzero(x->text.data, x->text.cap);   /* STS' answers hold keys */
	buf_release(&x->path);
	buf_release(&x->text);
	free(x);
}

static bool parse(struct xml *x, struct str s, bool last)
{
	if (x->stopped || x->over)
		return !x->stopped;
	x->over = last;
	while (s.n || last) {
		int n = s.n > 1 << 20 ? 1 << 20 : (int)s.n;
		bool end = last && (size_t)n == s.n;
		if (x->e->Parse(x->parser, n ? s.p : "", n, end) != XML_STATUS_OK) {
			if (!x->stopped)
				snprintf(x->error, sizeof(x->error), "%s in line %lu", x->e->ErrorString(x->e->GetErrorCode(x->parser)),
				         (unsigned long)x->e->GetCurrentLineNumber(x->parser));
			x->stopped = true;
			return false;
		}
		s.p += n, s.n -= (size_t)n;
		if (end)
			break;
	}
	return true;
}

bool xml_feed(struct xml *x, struct str bytes)
{
	return parse(x, bytes, false);
}

bool xml_finish(struct xml *x)
{
	return parse(x, (struct str){ "", 0 }, true);
}

const char *xml_error(const struct xml *x)
{
	return x->error;
}
