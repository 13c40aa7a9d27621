/* completion: scripts for bash, zsh and fish, made from the tables of options and sub-commands. Values that depend on the
 * machine (contexts of the kubeconfig) are asked of the program when they are wanted: `binnacle completion contexts`.
 * Such names come from outside: the scripts never let a shell expand them. */
#include "backends/kubernetes/kubeconfig.h"
#include "base/kinds.h"
#include "base/mem.h"
#include "cli/options.h"
#include "panes/list.h"
#include <stdio.h>

/* What a value is completed from. */
enum values { VALUES_NONE, VALUES_WORDS, VALUES_FILES, VALUES_CONTEXTS };

static enum values values_of(const char *values, struct buf *words)
{
	buf_clear(words);
	if (!values || strcmp(values, "@namespace") == 0)
		return VALUES_NONE;
	if (strcmp(values, "@file") == 0)
		return VALUES_FILES;
	if (strcmp(values, "@context") == 0)
		return VALUES_CONTEXTS;
	if (strcmp(values, "@kind") == 0) {
		for (const struct kind *const *k = kinds_all; *k; k++)
			buf_addf(words, "%s%s", words->len ? " " : "", (*k)->name);
	} else if (strcmp(values, "@pane") == 0) {
		for (const struct pane *const *p = panes_all; *p; p++)
			buf_addf(words, "%s%s", words->len ? " " : "", (*p)->name);
	} else {
		buf_adds(words, values);
		for (size_t i = 0; i < words->len; i++)
			if (words->data[i] == '|')
				words->data[i] = ' ';
	}
	return words->len ? VALUES_WORDS : VALUES_NONE;
}

/* "--context|-n|--namespace": options that take a value, as a pattern. */
static void print_valued(void)
{
	const char *lead = "";
	for (const struct option_def *o = option_defs; o->name; o++) {
		if (!o->arg)
			continue;
		printf("%s--%s", lead, o->name);
		lead = "|";
		if (o->letter)
			printf("|-%c", o->letter);
	}
}

/* ---- bash */

static void bash_offer(const char *values, struct buf *words)
{
	switch (values_of(values, words)) {
	case VALUES_NONE:
		fputs("return", stdout);
		break;
	case VALUES_WORDS:
		printf("_binnacle_offer < <(printf '%%s\\n' %s)", words->data);
		break;
	case VALUES_FILES:
		fputs("compopt -o filenames; mapfile -t COMPREPLY < <(compgen -f -- \"$cur\")", stdout);
		break;
	case VALUES_CONTEXTS:
		fputs("_binnacle_offer < <(binnacle completion contexts 2>/dev/null)", stdout);
		break;
	}
	fputs(" ;;\n", stdout);
}

static const char bash_head[] =
	"# completion of binnacle for bash, made by `binnacle completion bash`\n"
	"_binnacle_offer()\n"
	"{\n"
	"\tlocal word\n"
	"\twhile IFS= read -r word; do\n"
	"\t\t[[ $word != \"$cur\"* ]] || COMPREPLY+=(\"$(printf %q \"$word\")\")\n"
	"\tdone\n"
	"}\n"
	"_binnacle()\n"
	"{\n"
	"\tlocal cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD - 1]} sub= i\n"
	"\tCOMPREPLY=()\n"
	"\tif declare -F _get_comp_words_by_ref >/dev/null; then\n"
	"\t\t_get_comp_words_by_ref -n : cur prev\n"
	"\tfi\n"
	"\t# --option=value comes as three words\n"
	"\tif [[ $cur == = ]]; then\n"
	"\t\tcur=\n"
	"\telif [[ $prev == = ]]; then\n"
	"\t\tprev=${COMP_WORDS[COMP_CWORD - 2]}\n"
	"\tfi\n"
	"\tfor ((i = 1; i < COMP_CWORD; i++)); do\n"
	"\t\tcase ${COMP_WORDS[i]} in\n\t\t";
static const char bash_tail[] =
	"\tif declare -F __ltrim_colon_completions >/dev/null; then\n"
	"\t\t__ltrim_colon_completions \"$cur\"\n"
	"\tfi\n"
	"}\n"
	"complete -F _binnacle binnacle\n";

static void bash_options(const struct subcommand *s)
{
	printf("\t\t%s) _binnacle_offer < <(printf '%%s\\n'", *s->name ? s->name : "''");
	for (const struct option_def *o = option_defs; o->name; o++) {
		if (!option_for(o, s))
			continue;
		printf(" --%s", o->name);
		if (o->letter)
			printf(" -%c", o->letter);
	}
	fputs(") ;;\n", stdout);
}

static void print_bash(void)
{
	struct buf words = { 0 };
	fputs(bash_head, stdout);
	print_valued();
	fputs(") [[ ${COMP_WORDS[i + 1]} != = ]] || ((i++)); ((i++)) ;;\n\t\t-*|=) ;;\n"
	      "\t\t*) sub=${COMP_WORDS[i]}; break ;;\n\t\tesac\n\tdone\n\tcase $prev in\n", stdout);
	for (const struct option_def *o = option_defs; o->name; o++) {
		if (!o->arg)
			continue;
		printf("\t--%s", o->name);
		if (o->letter)
			printf("|-%c", o->letter);
		fputs(") ", stdout);
		bash_offer(o->values, &words);
	}
	fputs("\t*)\n\t\tif [[ $cur == -* ]]; then\n\t\tcase $sub in\n", stdout);
	for (const struct subcommand *s = subcommands; s->name; s++)
		bash_options(s);
	fputs("\t\tesac\n\t\telse\n\t\tcase $sub in\n\t\t'') _binnacle_offer < <(printf '%s\\n'", stdout);
	for (const struct subcommand *s = subcommands + 1; s->name; s++)
		printf(" %s", s->name);
	fputs(") ;;\n", stdout);
	for (const struct subcommand *s = subcommands + 1; s->name; s++) {
		if (!s->values)
			continue;
		printf("\t\t%s) [[ $prev != \"$sub\" ]] || ", s->name);
		bash_offer(s->values, &words);
	}
	fputs("\t\tesac\n\t\tfi\n\tesac\n", stdout);
	fputs(bash_tail, stdout);
	buf_release(&words);
}

/* ---- zsh */

/* Within a spec of _arguments, which stands in single quotes. */
static void zsh_text(const char *s)
{
	for (; *s; s++) {
		if (*s == '\'') {
			fputs("'\\''", stdout);
			continue;
		}
		if (strchr("[]:\\", *s))
			putchar('\\');
		putchar(*s);
	}
}

static void zsh_value(const char *name, const char *values, struct buf *words)
{
	enum values v = values_of(values, words);
	putchar(':');
	zsh_text(name);
	printf(":%s%s%s", v == VALUES_FILES ? "_files" : v == VALUES_CONTEXTS ? "_binnacle_contexts" :
	       v == VALUES_WORDS ? "(" : " ", v == VALUES_WORDS ? words->data : "", v == VALUES_WORDS ? ")" : "");
}

static void zsh_option(const struct option_def *o, struct buf *words)
{
	if (o->letter)
		printf(" \\\n\t\t'(-%c --%s)'{-%c%s,--%s%s}'[", o->letter, o->name, o->letter, o->arg ? "+" : "", o->name,
		       o->arg ? "=" : "");
	else
		printf(" \\\n\t\t'--%s%s[", o->name, o->arg ? "=" : "");
	zsh_text(o->help);
	putchar(']');
	if (o->arg)
		zsh_value(o->arg, o->values, words);
	putchar('\'');
}

static void print_zsh(void)
{
	struct buf words = { 0 };
	fputs("#compdef binnacle\n# completion of binnacle for zsh, made by `binnacle completion zsh`\n"
	      "_binnacle_contexts() {\n"
	      "\tlocal -a names\n"
	      "\tnames=(${(f)\"$(binnacle completion contexts 2>/dev/null)\"})\n"
	      "\tcompadd -a names\n"
	      "}\n"
	      "_binnacle() {\n"
	      "\tlocal sub= i\n"
	      "\tfor ((i = 2; i < CURRENT; i++)); do\n"
	      "\t\tcase $words[i] in\n\t\t(", stdout);
	print_valued();
	fputs(") ((i++)) ;;\n\t\t(-*) ;;\n\t\t(*) sub=$words[i]; break ;;\n\t\tesac\n\tdone\n\tcase $sub in\n", stdout);
	for (const struct subcommand *s = subcommands; s->name; s++) {
		printf("\t(%s)\n\t\t_arguments", *s->name ? s->name : "''");
		if (*s->name) {
			fputs(" '1: :'", stdout);
			if (s->values) {
				fputs(" \\\n\t\t'2", stdout);
				zsh_value(s->args, s->values, &words);
				putchar('\'');
			}
		} else {
			fputs(" '1:command:((", stdout);
			for (const struct subcommand *c = subcommands + 1; c->name; c++) {
				printf("%s%s\\:\"", c == subcommands + 1 ? "" : " ", c->name);
				zsh_text(c->help);
				putchar('"');
			}
			fputs("))'", stdout);
		}
		for (const struct option_def *o = option_defs; o->name; o++)
			if (option_for(o, s))
				zsh_option(o, &words);
		fputs(" ;;\n", stdout);
	}
	fputs("\tesac\n}\nif [[ $funcstack[1] == _binnacle ]]; then\n\t_binnacle \"$@\"\nelse\n\tcompdef _binnacle binnacle\nfi\n",
	      stdout);
	buf_release(&words);
}

/* ---- fish */

static void fish_quoted(const char *s)
{
	putchar('\'');
	for (; *s; s++) {
		if (strchr("'\\", *s))
			putchar('\\');
		putchar(*s);
	}
	putchar('\'');
}

static void fish_values(const char *values, struct buf *words)
{
	switch (values_of(values, words)) {
	case VALUES_WORDS:
		printf(" -x -a '%s'", words->data);
		break;
	case VALUES_FILES:
		fputs(" -r -F", stdout);
		break;
	case VALUES_CONTEXTS:
		fputs(" -x -a '(binnacle completion contexts 2>/dev/null)'", stdout);
		break;
	case VALUES_NONE:
		fputs(" -x", stdout);
		break;
	}
}

/* Where an option is offered: "|demo" is the console (no sub-command yet) and demo. */
static void fish_condition(const struct option_def *o)
{
	struct str rest = str_of(o->subs);
	const char *seen = "";
	if (!o->subs)
		return;
	fputs(" -n '", stdout);
	if (option_for(o, subcommands))
		fputs("__fish_use_subcommand", stdout), seen = "; or ";
	for (const char *lead = "__fish_seen_subcommand_from"; rest.p;) {
		struct str name = str_split(&rest, '|');
		if (!name.n)
			continue;
		printf("%s%s " STR_FMT, seen, lead, STR_ARG(name));
		seen = lead = "";
	}
	putchar('\'');
}

static void print_fish(void)
{
	struct buf words = { 0 };
	fputs("# completion of binnacle for fish, made by `binnacle completion fish`\ncomplete -c binnacle -f\n", stdout);
	for (const struct subcommand *s = subcommands + 1; s->name; s++) {
		printf("complete -c binnacle -n __fish_use_subcommand -a %s -d ", s->name);
		fish_quoted(s->help);
		putchar('\n');
		if (!s->values)
			continue;
		printf("complete -c binnacle -n '__fish_seen_subcommand_from %s'", s->name);
		fish_values(s->values, &words);
		putchar('\n');
	}
	for (const struct option_def *o = option_defs; o->name; o++) {
		fputs("complete -c binnacle", stdout);
		fish_condition(o);
		printf(" -l %s", o->name);
		if (o->letter)
			printf(" -s %c", o->letter);
		if (o->arg)
			fish_values(o->values, &words);
		fputs(" -d ", stdout);
		fish_quoted(o->help);
		putchar('\n');
	}
	buf_release(&words);
}

/* ---- */

static bool print_context(void *arg, const struct kube_context *c)
{
	/* a name that does not fit on a line cannot be completed */
	if (!c->name[strcspn(c->name, "\n\r\033")])
		puts(c->name);
	return true;
}

static int print_contexts(const struct cli *c)
{
	struct kube_error err;
	if (kubeconfig_contexts(c->kubeconfig, print_context, NULL, &err) >= 0)
		return EXIT_OK;
	fprintf(stderr, "binnacle: %s\n", err.what);
	return EXIT_FAILED;
}

int cli_completion(struct cli *c)
{
	static const char *const shells[] = { "bash", "zsh", "fish" };
	static void (*const print[])(void) = { print_bash, print_zsh, print_fish };
	const char *shell = c->nargs ? c->args[0] : "";
	if (strcmp(shell, "contexts") == 0)
		return print_contexts(c);
	for (size_t i = 0; i < ARRAY_SIZE(shells); i++) {
		if (strcmp(shell, shells[i]) == 0) {
			print[i]();
			return fflush(stdout) ? EXIT_FAILED : EXIT_OK;
		}
	}
	fprintf(stderr, "binnacle: no completion for '%s'; there are bash, zsh and fish\n", shell);
	return EXIT_USAGE;
}
