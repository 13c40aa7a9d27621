/* aws_profile: ~/.aws/config and ~/.aws/credentials. INI as botocore reads it: comments are whole lines, indented lines
 * belong to a nested setting (s3 =) and are passed over. In the config file a profile's section is "profile NAME", but
 * "default". */
#define _GNU_SOURCE
#include "backends/net/aws_private.h"
#include "base/mem.h"
#include <stdio.h>
#include <stdlib.h>

const char *env_of(const char *name)
{
	const char *v = getenv(name);
	return v && *v ? v : NULL;
}

void profiles_path(bool config, struct buf *out)
{
	const char *given = env_of(config ? "AWS_CONFIG_FILE" : "AWS_SHARED_CREDENTIALS_FILE"), *home = env_of("HOME");
	if (given && str_starts(str_of(given), STR("~/")) && home)
		buf_addf(out, "%s%s", home, given + 1);
	else if (given)
		buf_adds(out, given);
	else
		buf_addf(out, "%s/.aws/%s", home ? home : "", config ? "config" : "credentials");
}

static void add(struct aws_profiles *p, struct str section, struct str name, struct str value, bool config)
{
	p->lines = xreallocarray(p->lines, p->n + 1, sizeof(*p->lines));
	p->lines[p->n++] = (struct ini_line){ str_dup(section), str_dup(name), str_dup(value), config };
}

static void parse(struct aws_profiles *p, struct str text, bool config)
{
	struct str section = { 0 };
	while (text.n) {
		struct str line = str_split(&text, '\n'), rest = str_trim(line);
		bool indented = line.n && (line.p[0] == ' ' || line.p[0] == '\t');
		if (!rest.n || rest.p[0] == '#' || rest.p[0] == ';')
			continue;
		if (rest.p[0] == '[') {
			rest.p++, rest.n--;
			section = str_trim(str_split(&rest, ']'));
			if (section.n)
				add(p, section, STR(""), STR(""), config);
		} else if (!indented && section.n) {
			struct str name = str_trim(str_split(&rest, '='));
			add(p, section, name, str_trim(rest), config);
		}
	}
}

void profiles_load(struct aws_profiles *p)
{
	profiles_release(p);
	for (int config = 0; config < 2; config++) {
		struct buf path = { 0 };
		struct secret text = { 0 };
		profiles_path(config, &path);
		if (secret_from_file(&text, path.data) == 0)
			parse(p, secret_reveal(text), config);
		secret_release(&text);
		buf_release(&path);
	}
}

void profiles_release(struct aws_profiles *p)
{
	for (unsigned i = 0; i < p->n; i++) {
		free(p->lines[i].section);
		free(p->lines[i].name);
		explicit_bzero(p->lines[i].value, strlen(p->lines[i].value));
		free(p->lines[i].value);
	}
	free(p->lines);
	*p = (struct aws_profiles){ 0 };
}

/* "profile x", also with quotes and more blanks, is profile x of the config file. */
static bool is_section(const struct ini_line *l, const char *kind, const char *name)
{
	struct str s = str_of(l->section);
	if (*kind) {
		struct str first = str_split(&s, ' ');
		if (!str_is(first, kind))
			return false;
		s = str_trim(s);
		if (s.n > 1 && (s.p[0] == '"' || s.p[0] == '\'') && s.p[s.n - 1] == s.p[0])
			s.p++, s.n -= 2;
	}
	return str_is(s, name);
}

static bool of_profile(const struct ini_line *l, bool config, const char *profile)
{
	if (l->config != config)
		return false;
	return is_section(l, config ? "profile" : "", profile) || (config && !strcmp(profile, "default") && is_section(l, "", profile));
}

/* The last one counts, as in INI files elsewhere. */
const char *profile_get(const struct aws_profiles *p, bool config, const char *profile, const char *name)
{
	for (unsigned i = p->n; i-- > 0;)
		if (of_profile(&p->lines[i], config, profile) && !strcmp(p->lines[i].name, name) && *p->lines[i].value)
			return p->lines[i].value;
	return NULL;
}

const char *sso_session_get(const struct aws_profiles *p, const char *session, const char *name)
{
	for (unsigned i = p->n; i-- > 0;)
		if (p->lines[i].config && is_section(&p->lines[i], "sso-session", session) && !strcmp(p->lines[i].name, name) &&
		    *p->lines[i].value)
			return p->lines[i].value;
	return NULL;
}

bool profile_is(const struct aws_profiles *p, const char *profile)
{
	for (unsigned i = 0; i < p->n; i++)
		if (of_profile(&p->lines[i], true, profile) || of_profile(&p->lines[i], false, profile))
			return true;
	return false;
}
