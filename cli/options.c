/* options: see options.h. */
#define _GNU_SOURCE
#include "cli/options.h"
#include "base/mem.h"
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>

const struct exit_help exit_codes[] = {
	{ EXIT_OK, "all went well" },
	{ EXIT_FAILED, "tried and failed; doctor, triage, verify: something is wrong; can: unknown" },
	{ EXIT_USAGE, "the command line or the configuration is wrong" },
	{ EXIT_NO_TERMINAL, "there is no terminal, or none that can show a screen" },
	{ EXIT_UNREACHABLE, "no source answered in time; triage: one did not, the others are well" },
	{ EXIT_REFUSED, "not let in, not allowed, or read-only" },
	{ EXIT_GATES, "a gate did not pass, so nothing was changed" },
	{ EXIT_ROLLED_BACK, "it went wrong and was taken back" },
	{ EXIT_HELD, "it stopped in the midst, or is unfinished: somebody has to decide" },
	{ 0, NULL },
};

enum { MAX_OPTIONS = 80 };

#define AT(field) offsetof(struct cli, field)
const struct option_def option_defs[] = {
	{ "context", 0, "NAME", "use this context of the kubeconfig", AT(context), NULL, "@context" },
	{ "namespace", 'n', "NAME", "show this namespace only", AT(namespace), NULL, "@namespace" },
	{ "all-namespaces", 'A', NULL, "show every namespace (this is the default)", AT(all_namespaces), NULL, NULL },
	{ "kubeconfig", 0, "FILE", "read this kubeconfig instead of $KUBECONFIG", AT(kubeconfig), NULL, "@file" },
	{ "config", 'c', "FILE", "read this binnacle.yaml", AT(config), NULL, "@file" },
	{ "theme", 0, "NAME", "dark, light, high-contrast, colour-blind, mono, 16, or one of yours", AT(theme), "|demo|snapshot",
	  "dark|light|high-contrast|colour-blind|mono|16" },
	{ "keymap", 0, "NAME", "default, vi, emacs, or one of yours", AT(keymap), "|demo", "default|vi|emacs" },
	{ "pane", 'p', "NAME", "open on this pane", AT(pane), "|demo", "@pane" },
	{ "readonly", 'r', NULL, "let nothing be changed, whatever the configuration allows", AT(readonly), NULL, NULL },
	{ "record", 0, "FILE", "write all that the sources say to a new file", AT(record), "|demo|get|snapshot", "@file" },
	{ "replay", 0, "FILE", "play a recorded file instead of connecting", AT(replay), "|get|snapshot|triage|verify", "@file" },
	{ "ascii", 0, NULL, "draw with ASCII only", AT(ascii), "|demo|snapshot", NULL },
	{ "mouse", 0, NULL, "let the mouse select rows and scroll", AT(mouse), "|demo", NULL },
	{ "output", 'o', "FORM", "table or json; get, triage and verify: wide, csv and yaml too", AT(output),
	  "get|triage|verify|doctor|audit|predict|promote|rollback|runbooks|can|act|retrain", "table|wide|json|csv|yaml" },
	{ "selector", 'l', "LABELS", "only rows with these labels, as kubectl: app=api,tier!=web", AT(selector), "get", NULL },
	{ "size", 0, "WxH", "size of the frame, in cells (120x40)", AT(size), "snapshot", "80x24|120x40|200x50" },
	{ "wait", 0, "SECONDS", "wait this long for answers (30)", AT(wait), "get|snapshot|triage|verify|doctor|predict|watch|can|retrain", NULL },
	{ "json", 0, NULL, "print JSON: -o json", AT(json), "get|triage|verify|doctor|audit|predict|promote|rollback|runbooks|can|act|retrain", NULL },
	{ "explain", 0, NULL, "print what each input contributed too", AT(explain), "predict", NULL },
	{ "seed", 0, "NUMBER", "make the same demo again", AT(seed), "demo|snapshot|get|triage|verify|predict|promote|rollback|can|act|exec|retrain", NULL },
	{ "tour", 0, NULL, "walk through the demo with captions", AT(tour), "demo", NULL },
	{ "once", 0, NULL, "record what is there now, and end", AT(once), "watch", NULL },
	{ "ddl", 0, NULL, "print the statements that make the team's history in PostgreSQL", AT(ddl), "watch", NULL },
	{ "plan", 0, NULL, "print the plan and change nothing", AT(plan), "promote|rollback|act|retrain", NULL },
	{ "yes", 'y', NULL, "do not ask; a name that the guards want typed is wanted still", AT(yes), "promote|rollback|runbooks|act|exec|retrain", NULL },
	{ "type", 0, "NAME", "the name (of a model, an object), where the guards want it typed", AT(type), "promote|rollback|runbooks|act|exec|retrain", NULL },
	{ "reason", 0, "TEXT", "why, for whoever reads the registry or the audit trail later", AT(reason), "promote|rollback|act|exec|retrain", NULL },
	{ "alias", 0, "NAME", "the alias to set; without it that of the version in production", AT(alias), "promote|rollback", NULL },
	{ "source", 0, "NAME", "the registry (elsewhere: the source), where there are several", AT(source), "promote|rollback|can|act|exec|retrain", NULL },
	{ "hold", 0, NULL, "ask when something fails, instead of going back", AT(hold), "promote|rollback", NULL },
	{ "override", 0, "REASON", "why gates that do not pass, or what the guards forbid, shall not matter", AT(override), "promote|rollback|runbooks|act|exec|retrain", NULL },
	{ "container", 'c', "NAME", "the container; without it the default one, or the first", AT(container), "exec", NULL },
	{ "at", 0, "TIME", "what was in production then: '2026-11-20 14:00', '3h ago'", AT(at), "rollback", NULL },
	{ "go-on", 0, "ID", "go on with this one", AT(go_on), "runbooks", NULL },
	{ "go-back", 0, "ID", "take back what this one did", AT(go_back), "runbooks", NULL },
	{ "leave", 0, "ID", "leave all as it is and count it as finished", AT(leave), "runbooks", NULL },
	{ "file", 0, "FILE", "read this audit file", AT(audit), "audit", "@file" },
	{ "help", 'h', NULL, "say what can be said here", AT(help), NULL, NULL },
	{ "version", 'V', NULL, "print the version", AT(version), "", NULL },
	{ .name = NULL },
};

const struct subcommand subcommands[] = {
	{ "", "", "open the console", cli_console, NULL },
	{ "get", "KIND [PLACE] [FILTER]", "print rows: pods, nodes, drift, any resource; objects of s3://BUCKET/PREFIX/", cli_get, "@kind" },
	{ "snapshot", "PANE", "print one frame of a pane as text; needs no terminal", cli_snapshot, "@pane" },
	{ "predict", "ENDPOINT [NAME=VALUE ... | JSON | @FILE]", "ask a model server for a prediction; without inputs: what it wants",
	  cli_predict, NULL },
	{ "act", "ACTION KIND [NAME [PARAMETER=VALUE]...]", "do what a key does, without a screen; with no NAME: what it takes",
	  cli_act, NULL },
	{ "exec", "POD -- COMMAND [ARGUMENT]...", "run a command in a container; its input, output and exit code are ours",
	  cli_exec, NULL },
	{ "retrain", "[CHECK]...", "train anew: with the newest check that drifted, or by id or batch",
	  cli_retrain, NULL },
	{ "promote", "MODEL VERSION", "put a version into production by gates, steps and checks; back if wrong",
	  cli_promote, NULL },
	{ "rollback", "MODEL [VERSION]", "put back what was in production before, or at a time, or any version", cli_rollback, NULL },
	{ "runbooks", "", "list unfinished promotions and rollbacks; go on or take them back", cli_runbooks, NULL },
	{ "triage", "", "print what is wrong, worst first; the exit code tells whether anything is", cli_triage, NULL },
	{ "verify", "", "check the platform from end to end, with evidence", cli_verify, NULL },
	{ "can", "ACTION KIND NAME", "say whether one may, and why not, without doing it", cli_can, NULL },
	{ "watch", "", "record what changes, without a screen, until it is ended: for a service", cli_watch, NULL },
	{ "doctor", "", "check every source and say how to mend it", cli_doctor, NULL },
	{ "demo", "", "open a simulated platform; needs no network", cli_demo, NULL },
	{ "config", "check | explain [KEY]", "check the configuration, or explain a setting", cli_config, "check|explain" },
	{ "audit", "[verify]", "print what was done, or verify the chain of the audit file", cli_audit, "verify" },
	{ "approve", "CODE | key", "be the second person for what another is about to do, or make your key for that", cli_approve, "key" },
	{ "completion", "bash | zsh | fish", "print completion for a shell", cli_completion, "bash|zsh|fish" },
	{ "tables", "TABLE", "print a table of the man pages, as mdoc", cli_tables,
	  "options|commands|exits|config|roles|keys|kinds" },
	{ "version", "", "print the version", cli_version, NULL },
	{ .name = NULL },
};

static bool in_list(const char *list, const char *word)
{
	struct str rest = str_of(list);
	do {
		if (str_is(str_split(&rest, '|'), word))
			return true;
	} while (rest.p);
	return false;
}

bool option_for(const struct option_def *o, const struct subcommand *s)
{
	return !o->subs || in_list(o->subs, s->name);
}

static int usage(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
static int usage(const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	fputs("binnacle: ", stderr);
	vfprintf(stderr, fmt, ap);
	fputs("; see binnacle --help\n", stderr);
	va_end(ap);
	return EXIT_USAGE;
}

static const struct subcommand *find_sub(const char *word)
{
	for (const struct subcommand *s = subcommands + 1; s->name; s++)
		if (strcmp(s->name, word) == 0)
			return s;
	return NULL;
}

static int unknown_sub(const char *word)
{
	const char *names[32];
	size_t n = 0;
	for (const struct subcommand *s = subcommands + 1; s->name && n < ARRAY_SIZE(names); s++)
		names[n++] = s->name;
	const char *near = str_nearest(str_of(word), names, n);
	return near ? usage("no command '%s'; did you mean '%s'?", word, near) : usage("no command '%s'", word);
}

static int unknown_option(const char *word)
{
	if (optopt >= 256)
		return usage("'--%s' takes no value", option_defs[optopt - 256].name);
	if (optopt)
		return usage("no option '-%c'", optopt);
	const char *names[MAX_OPTIONS];
	size_t n = 0;
	struct str typed = str_of(word);
	while (typed.n && typed.p[0] == '-')
		typed.p++, typed.n--;
	struct str rest = typed, bare = str_split(&rest, '=');
	for (const struct option_def *o = option_defs; o->name && n < ARRAY_SIZE(names); o++)
		names[n++] = o->name;
	const char *near = str_nearest(bare, names, n);
	return near ? usage("no option '%s'; did you mean '--%s'?", word, near) : usage("no option '%s'", word);
}

/* A letter may mean something else for one sub-command: -c is its container, else the configuration. */
static const struct option_def *meant(const struct option_def *o, bool by_letter, const struct subcommand *sub)
{
	for (const struct option_def *own = option_defs; by_letter && own->name; own++)
		if (own->letter == o->letter && own->subs && option_for(own, sub))
			return own;
	return o;
}

static int set_option(struct cli *c, const struct option_def *o, const char *value)
{
	char *field = (char *)c + o->at;
	if (o->arg)
		*(const char **)(void *)field = value;
	else
		*(bool *)(void *)field = true;
	return EXIT_OK;
}

/* Two ways to ask for JSON are one. */
static int settle_form(struct cli *c)
{
	bool every = in_list("get|triage|verify", c->sub->name);
	if (c->json && c->output && strcmp(c->output, "json"))
		return usage("--json and -o %s cannot both be", c->output);
	if (c->json && every)
		c->output = "json";
	if (c->output && !every && strcmp(c->output, "json") && strcmp(c->output, "table"))
		return usage("no form '%s' of '%s'; there are table and json", c->output, c->sub->name);
	c->json |= c->output && !every && !strcmp(c->output, "json");
	return EXIT_OK;
}

int cli_parse(struct cli *c, int argc, char **argv)
{
	struct option longs[MAX_OPTIONS + 1] = { 0 };
	char letters[2 * MAX_OPTIONS] = ":";
	size_t n = 0, l = 1;
	struct given { const struct option_def *o; const char *value; bool by_letter; } given[MAX_OPTIONS];
	size_t ngiven = 0;
	for (const struct option_def *o = option_defs; o->name; o++, n++) {
		longs[n] = (struct option){ o->name, o->arg ? required_argument : no_argument, NULL, 256 + (int)n };
		if (o->letter) {
			letters[l++] = o->letter;
			if (o->arg)
				letters[l++] = ':';
		}
	}
	opterr = 0;
	for (int k; (k = getopt_long(argc, argv, letters, longs, NULL)) != -1;) {
		const struct option_def *o = option_defs;
		if (k == ':')
			return usage("a value is missing after '%s'", argv[optind - 1]);
		if (k == '?')
			return unknown_option(argv[optind - 1]);
		while (k >= 256 ? o != &option_defs[k - 256] : o->letter != k)
			o++;
		if (ngiven < ARRAY_SIZE(given))
			given[ngiven++] = (struct given){ o, optarg, k < 256 };
	}
	c->sub = subcommands;
	c->args = argv + optind;
	c->nargs = argc - optind;
	if (c->nargs && !(c->sub = find_sub(c->args[0])))
		return unknown_sub(c->args[0]);
	if (c->nargs)
		c->args++, c->nargs--;
	for (size_t i = 0; i < ngiven; i++) {
		const struct option_def *o = meant(given[i].o, given[i].by_letter, c->sub);
		if (!option_for(o, c->sub))
			return usage("--%s does not go with '%s'", o->name, c->sub->name);
		set_option(c, o, given[i].value);
	}
	if (c->version)
		c->sub = find_sub("version");
	return settle_form(c);
}

/* Text from column `indent` on, wrapped at 80 columns, and a newline. */
static void add_wrapped(struct buf *out, const char *text, size_t indent)
{
	struct str rest = str_of(text);
	size_t col = indent;
	while (rest.p) {
		struct str word = str_split(&rest, ' ');
		if (col > indent && col + 1 + word.n > 79) {
			buf_addf(out, "\n%*s", (int)indent, "");
			col = indent;
		}
		buf_addf(out, "%s" STR_FMT, col > indent ? " " : "", STR_ARG(word));
		col += word.n + (col > indent);
	}
	buf_addc(out, '\n');
}

/* A word or two at the left, and what they mean beside them, or below where they are too long. */
static void add_entry(struct buf *out, const char *left, size_t indent, const char *help)
{
	size_t n = strlen(left);
	buf_addf(out, "  %s", left);
	if (n + 3 > indent)
		buf_addf(out, "\n%*s", (int)indent, "");
	else
		buf_addf(out, "%*s", (int)(indent - 2 - n), "");
	add_wrapped(out, help, indent);
}

static void option_line(const struct option_def *o, struct buf *out)
{
	char left[40];
	snprintf(left, sizeof(left), "%c%c%s --%s%s%s", o->letter ? '-' : ' ', o->letter ? o->letter : ' ',
	         o->letter ? "," : " ", o->name, o->arg ? " " : "", o->arg ? o->arg : "");
	add_entry(out, left, 27, o->help);
}

void cli_help(const struct subcommand *sub, struct buf *out)
{
	if (sub && *sub->name) {
		buf_addf(out, "usage: binnacle %s %s%s[options]\n\n%c%s.\n", sub->name, sub->args, *sub->args ? " " : "",
		         sub->help[0] - 'a' + 'A', sub->help + 1);
	} else {
		buf_adds(out, "usage: binnacle [options] [command]\n\n"
			"A console for machine-learning platforms. With no command it opens on the\n"
			"configured sources, or on the current context of the kubeconfig.\n\ncommands:\n");
		for (const struct subcommand *s = subcommands + 1; s->name; s++) {
			char left[80];
			snprintf(left, sizeof(left), "%s%s%s", s->name, *s->args ? " " : "", s->args);
			add_entry(out, left, 25, s->help);
		}
	}
	buf_adds(out, "\noptions:\n");
	for (const struct option_def *o = option_defs; o->name; o++)
		if (option_for(o, sub ? sub : subcommands))
			option_line(o, out);
	buf_adds(out, "\nexit codes:\n");
	for (const struct exit_help *e = exit_codes; e->means; e++)
		buf_addf(out, "  %d  %s\n", e->code, e->means);
}
