/* kube_probe: one Kubernetes source without a screen, for the live tests.
 *
 *   kube_probe [-c CONTEXT] [-s SECONDS] [-q] [-w TEXT]... [-o KIND] REQUEST...
 *   REQUEST: KIND[@SCOPE] to watch, or WHAT:KIND:KEY[:PARAMS] to open ("logs:pods:ns/name:{\"follow\":true}")
 *
 * Prints when the first rows of a kind came and when its list was whole (ms since start), every change of health, and
 * text; at the end what the tables hold, in full with -o KIND. Ends after SECONDS (10; with -q 60), or with -q as soon as every kind is
 * listed and every stream has ended; with -w as soon as each TEXT stands in what the source or a kind complains of, or in a cell of
 * the KIND of -o (!TEXT: in none). SIGTERM makes it -q. */
#define _GNU_SOURCE
#include "base/kinds.h"
#include "base/mem.h"
#include "base/store.h"
#include "base/yaml.h"
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

extern const struct backend backend_kubernetes;

struct probe {
	struct store *store;
	struct source *source;
	int64_t start;
	char *kinds[32]; bool first[32], whole[32];
	unsigned nkinds, open;
	enum health_state said;
	char *why;
	size_t text_bytes;
	bool count_only, versioned;
	const char *wanted[4], *full;
	unsigned nwanted;
};

static volatile sig_atomic_t quick;

static void on_term(int signal)
{
	quick = signal;
}

static long ms(const struct probe *p) { return (long)(clock_mono(&clock_system) - p->start); }

static void on_reply(void *arg, const struct msg *m)
{
	struct probe *p = arg;
	struct msg_text t;
	struct msg_answer a;

	if (m->type == MSG_TEXT && msg_get_text(m, &t)) {
		if (!p->text_bytes && t.chunk.n)
			fprintf(stderr, "%ld ms: first text\n", ms(p));
		p->text_bytes += t.chunk.n;
		if (t.flags & (TEXT_NOTE | TEXT_ERROR))
			printf("[%s] ", t.flags & TEXT_ERROR ? "error" : "note");
		if (!p->count_only || t.flags)
			fwrite(t.chunk.p, 1, t.chunk.n, stdout);
		if (t.flags & (TEXT_NOTE | TEXT_ERROR))
			putchar('\n');
		fflush(stdout);
		if (t.flags & TEXT_END) {
			fprintf(stderr, "%ld ms: text ended\n", ms(p));
			p->open--;
		}
	} else if (m->type == MSG_ANSWER && msg_get_answer(m, &a)) {
		printf("%s: " STR_FMT "\n", a.ok ? "answer" : "failed", STR_ARG(a.json));
		p->open--;
	}
}

static void report(struct probe *p)
{
	struct source_state *s = &p->store->sources[0];

	for (unsigned i = 0; i < p->nkinds; i++) {
		const struct table *t = store_table_const(p->store, p->kinds[i]);
		const struct kind_state *k = store_kind_state(p->store, p->kinds[i], 0);
		if (t && t->count && !p->first[i] && (p->first[i] = true))
			fprintf(stderr, "%ld ms: first %u %s\n", ms(p), t->count, p->kinds[i]);
		if (t && k && k->listed && !p->whole[i] && (p->whole[i] = true))
			fprintf(stderr, "%ld ms: all %u %s\n", ms(p), t->count, p->kinds[i]);
	}
	if (s->state != p->said || strcmp(s->why, p->why) != 0 || (*s->version && !p->versioned)) {
		p->versioned = *s->version;
		fprintf(stderr, "%ld ms: %s %s %s | %s | %s\n", ms(p), health_name(s->state), s->version, s->detail, s->why,
		        s->remedy);
		p->said = s->state;
		free(p->why);
		p->why = xstrdup(s->why);
	}
}

static bool in_rows(const struct probe *p, const char *text)
{
	const struct table *t = p->full ? store_table_const(p->store, p->full) : NULL;
	struct buf b = { 0 };
	bool found = false;

	for (uint32_t i = 0; t && !found && i < t->nslots; i++) {
		const struct row *r = table_row(t, i);
		buf_clear(&b);
		for (int c = 0; r && c < t->kind->ncols; c++)
			row_show(t, r, c, 0, &b);
		found = r && strstr(buf_str(&b).n ? b.data : "", text);
	}
	buf_release(&b);
	return found;
}

static bool told(const struct probe *p, const char *text)
{
	const struct source_state *s = &p->store->sources[0];

	if (*text == '!')
		return !in_rows(p, text + 1);
	for (unsigned i = 0; i < p->nkinds; i++) {
		const struct kind_state *k = store_kind_state(p->store, p->kinds[i], 0);
		if (k && k->why && strstr(k->why, text))
			return true;
	}
	return strstr(s->why, text) || strstr(s->remedy, text) || in_rows(p, text);
}

static bool done(const struct probe *p)
{
	if (!quick && !p->nwanted)
		return false;
	for (unsigned i = 0; quick && i < p->nkinds; i++) {
		const struct kind_state *k = store_kind_state(p->store, p->kinds[i], 0);
		if (!p->whole[i] || !k || k->listing || k->state == HEALTH_STALE || k->state == HEALTH_CONNECTING)
			return false;
	}
	for (unsigned i = 0; i < p->nwanted; i++)
		if (!told(p, p->wanted[i]))
			return false;
	return !quick || (!p->open && (!p->nkinds || p->versioned));
}

static void dump(const struct store *s, const char *kind)
{
	const struct table *t = store_table_const(s, kind);
	struct buf b = { 0 };

	for (uint32_t i = 0; t && i < t->nslots; i++) {
		const struct row *r = table_row(t, i);
		for (int c = 0; r && c < t->kind->ncols; c++) {
			row_show(t, r, c, clock_wall(&clock_system), &b);
			buf_addc(&b, c + 1 < t->kind->ncols ? '\t' : '\n');
		}
	}
	fwrite(b.data ? b.data : "", 1, b.len, stdout);
	buf_release(&b);
}

static void ask(struct probe *p, char *word)
{
	char *at, *part[4] = { NULL };

	if (!strchr(word, ':')) {
		if ((at = strchr(word, '@')) != NULL)
			*at++ = '\0';
		p->kinds[p->nkinds++] = word;
		source_ask(p->source, request_new(REQ_WATCH, word, str_of(at ? at : ""), "", ""));
		return;
	}
	for (unsigned i = 0; i < 4 && word; i++) {
		part[i] = word;
		word = i < 3 ? strchr(word, ':') : NULL;
		if (word)
			*word++ = '\0';
	}
	bool opens = strcmp(part[0], "logs") == 0 || strcmp(part[0], "yaml") == 0 || strcmp(part[0], "describe") == 0;
	p->open++;
	uint64_t id = source_ask(p->source, request_new(opens ? REQ_OPEN : REQ_ASK, part[1] ? part[1] : "",
		str_of(part[2] ? part[2] : ""), part[0], part[3] ? part[3] : ""));
	store_expect(p->store, id, on_reply, p);
}

static void at_end(const struct probe *p)
{
	struct rusage u;
	char line[200];
	FILE *f = fopen("/proc/self/status", "r");

	getrusage(RUSAGE_SELF, &u);
	while (f && fgets(line, sizeof(line), f))
		if (strncmp(line, "VmRSS", 5) == 0 || strncmp(line, "RssAnon", 7) == 0 || strncmp(line, "VmHWM", 5) == 0)
			fprintf(stderr, "%s", line);
	if (f)
		fclose(f);
	fprintf(stderr, "cpu %ld ms\n", u.ru_utime.tv_sec * 1000 + u.ru_utime.tv_usec / 1000 + u.ru_stime.tv_sec * 1000 +
		u.ru_stime.tv_usec / 1000);
	for (unsigned i = 0; i < p->nkinds; i++) {
		const struct table *t = store_table_const(p->store, p->kinds[i]);
		const struct kind_state *k = store_kind_state(p->store, p->kinds[i], 0);
		fprintf(stderr, "%s: %u rows, %zu bytes, %s %s\n", p->kinds[i], t ? t->count : 0, t ? t->bytes : 0,
			k ? health_name(k->state) : "-", k ? k->why : "");
	}
	if (p->text_bytes)
		fprintf(stderr, "text: %zu bytes\n", p->text_bytes);
}

int main(int argc, char **argv)
{
	struct probe p = { .why = xstrdup("") };
	struct inbox *inbox = inbox_new(4u << 20);
	const char *context = "admin";
	int seconds = 0, opt;

	while ((opt = getopt(argc, argv, "c:s:qw:o:n")) != -1) {
		if (opt == 'c')
			context = optarg;
		else if (opt == 's')
			seconds = atoi(optarg);
		else if (opt == 'q')
			quick = true;
		else if (opt == 'w' && p.nwanted < ARRAY_SIZE(p.wanted))
			p.wanted[p.nwanted++] = optarg;
		else if (opt == 'o')
			p.full = optarg;
		else if (opt == 'n')
			p.count_only = true;
		else
			return 64;
	}
	if (!seconds)
		seconds = quick || p.nwanted ? 60 : 10;
	signal(SIGTERM, on_term);
	char *settings = xasprintf("context: %s\nmetrics_interval: 2s\n", context);
	struct yaml_doc *doc = yaml_parse(str_of(settings), &(struct yaml_error){ 0 });
	p.start = clock_mono(&clock_system);
	p.store = store_new(&clock_system);
	for (unsigned i = 0; kinds_all[i]; i++)
		store_add_kind(p.store, kinds_all[i]);
	store_add_source(p.store, "live", "dev");
	p.source = source_new(0, "live", "dev", &backend_kubernetes, yaml_root(doc), &clock_system, inbox);
	source_start(p.source);
	for (int i = optind; i < argc; i++)
		ask(&p, argv[i]);
	while (ms(&p) < seconds * 1000L && !done(&p)) {
		struct pollfd fd = { inbox_fd(inbox), POLLIN, 0 };
		poll(&fd, 1, 50);
		for (struct msg *m; (m = inbox_take(inbox)) != NULL; ) {
			while (store_apply(p.store, m, 5000))
				m = NULL;
			report(&p);
		}
	}
	at_end(&p);
	if (p.full)
		dump(p.store, p.full);
	source_stop(p.source, 3000);
	inbox_free(inbox);
	store_free(p.store);
	yaml_doc_free(doc);
	free(settings);
	free(p.why);
	return 0;
}
