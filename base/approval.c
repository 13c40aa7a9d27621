/* approval: see approval.h. */
#define _GNU_SOURCE
#include "base/approval.h"
#include "base/buf.h"
#include "base/fmt.h"
#include "base/folders.h"
#include "base/json_text.h"
#include "base/mem.h"
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

enum { FILE_MOST = 16384, VALID_MS = 5 * 60000 };

const struct config_key approver_keys[] = {
	{ "key", CONFIG_TEXT, .required = true, .help = "What `binnacle approve key` prints for this person: a public key, no secret." },
	{ "user", CONFIG_TEXT, .help = "Their user name on this machine, where it is not the entry's: nobody approves what they asked for." },
	CONFIG_END
};
const struct config_key approval_keys[] = {
	{ "folder", CONFIG_PATH, .help = "Where requests and answers lie, on this machine: a folder all of them can write to (mode 1777 or "
	  "a group's). Without one they are given on by hand, as a word each." },
	{ "valid", CONFIG_DURATION, .otherwise = "5m", .help = "How long an approval may take." },
	CONFIG_END
};

struct approval_private {
	const struct approvers *all;
	char hash[65];
	char *asked_by, *answer;
};

/* ---- configuration */

struct approvers *approvers_new(const struct config *config, const char *own_key)
{
	const struct yaml *list = config ? yaml_get(config->root, "approvers") : NULL;
	const struct yaml *how = config ? yaml_get(config->root, "approvals") : NULL;
	const char *folder = yaml_text(how, "folder"), *valid = yaml_text(how, "valid");
	struct approvers *a = xcalloc(1, sizeof(*a));
	double ms = VALID_MS;

	a->own_key = xstrdup(own_key);
	a->folder = folder ? xstrdup(folder) : NULL;
	if (valid)
		duration_parse(str_of(valid), false, &ms);
	a->valid_ms = (int64_t)ms;
	a->list = xcalloc((list && list->type == YAML_MAP ? list->n : 0) + 1, sizeof(*a->list));
	for (unsigned i = 0; list && list->type == YAML_MAP && i < list->n; i++) {
		struct approver *p = &a->list[a->n];
		const char *key = yaml_text(list->items[i], "key"), *user = yaml_text(list->items[i], "user");

		p->name = list->keys[i]->text.p;
		p->user = user ? user : p->name;
		a->n += key && base64url_parse(str_of(key), p->key, CRYPTO_KEY);
	}
	return a;
}

void approvers_free(struct approvers *a)
{
	if (!a)
		return;
	free(a->list);
	free(a->folder);
	free(a->own_key);
	free(a);
}

/* ---- files */

static bool fail(char *why, size_t size, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
static bool fail(char *why, size_t size, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(why, size, fmt, ap);
	va_end(ap);
	return false;
}

/* A small plain file, not through a link that somebody else may have laid there. */
static bool read_small(const char *path, struct buf *out, struct stat *st)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	ssize_t n = -1;

	if (fd < 0)
		return false;
	if (fstat(fd, st) == 0 && S_ISREG(st->st_mode) && st->st_size <= FILE_MOST) {
		buf_reserve(out, FILE_MOST);
		n = read(fd, out->data, FILE_MOST);
		out->len = n > 0 ? (size_t)n : 0;
	} else
		errno = EINVAL;
	close(fd);
	return n >= 0;
}

/* Laid there whole or not at all; who comes first keeps the name. */
static bool write_new(const char *path, const char *text, mode_t mode)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, mode);
	size_t n = strlen(text);
	bool ok;

	if (fd < 0)
		return false;
	ok = fchmod(fd, mode) == 0 && write(fd, text, n) == (ssize_t)n;
	ok = close(fd) == 0 && ok;
	if (!ok)
		unlink(path);
	return ok;
}

static bool read_key(const char *path, unsigned char seed[CRYPTO_KEY], char *why, size_t size)
{
	struct buf b = { 0 };
	struct stat st = { 0 };
	bool ok = read_small(path, &b, &st);

	if (!ok)
		fail(why, size, "no key of yours at '%s' (%s); make one: binnacle approve key", path, strerror(errno));
	else if ((st.st_mode & 077) || st.st_uid != geteuid())
		ok = fail(why, size, "'%s' may be read by others: chmod 600, or make a new one", path);
	else if (!base64url_parse(str_trim(buf_str(&b)), seed, CRYPTO_KEY))
		ok = fail(why, size, "'%s' is no approval key", path);
	if (b.data)
		explicit_bzero(b.data, b.cap);
	buf_release(&b);
	return ok;
}

bool approval_key(const char *path, char key[48], char *why, size_t size)
{
	unsigned char seed[CRYPTO_KEY], public[CRYPTO_KEY];
	char text[48];
	bool ok = true;

	if (access(path, F_OK) != 0) {
		make_folders(path);
		ok = crypto_random(seed, sizeof(seed)) || fail(why, size, "the system gives no random bytes");
		if (ok) {
			base64url(seed, sizeof(seed), text);
			ok = write_new(path, text, 0600) || fail(why, size, "'%s' cannot be written: %s", path, strerror(errno));
			explicit_bzero(text, sizeof(text));
		}
	}
	ok = ok && read_key(path, seed, why, size);
	if (ok && !crypto_public(seed, public))
		ok = fail(why, size, "libcrypto cannot be loaded; install libssl");
	if (ok)
		base64url(public, sizeof(public), key);
	explicit_bzero(seed, sizeof(seed));
	return ok;
}

/* ---- what is signed */

/* Six digits of a hash: a short name for it, no more. */
static void code_of(const char *hash, char code[8])
{
	char prefix[9] = "";

	memcpy(prefix, hash, 8);
	snprintf(code, 8, "%06u", (unsigned)(strtoull(prefix, NULL, 16) % 1000000));
}

static bool message(const char *request_hash, char out[128])
{
	return snprintf(out, 128, "binnacle approval 1\n%s", request_hash) < 128;
}

/* The part of an answer before the colon: who says it; NULL: nobody we know. */
static const struct approver *answerer(const struct approvers *a, const char *answer, const char **rest)
{
	const char *colon = strrchr(answer, ':');

	for (unsigned i = 0; colon && i < a->n; i++)
		if (str_is((struct str){ answer, (size_t)(colon - answer) }, a->list[i].name)) {
			*rest = colon + 1;
			return &a->list[i];
		}
	return NULL;
}

/* The signature of an answer is that of the approver it names, of this request. */
static bool signed_by(const struct approver *p, const char *signature, const char *hash)
{
	unsigned char bytes[CRYPTO_SIGNATURE];
	char text[128];

	return base64url_parse(str_of(signature), bytes, sizeof(bytes)) && message(hash, text) && crypto_verify(p->key, str_of(text), bytes);
}

static bool is_own(const struct approvers *a, const struct approver *p, const char *user)
{
	unsigned char seed[CRYPTO_KEY], public[CRYPTO_KEY];
	char why[300];
	bool own = !strcmp(p->user, user) || !strcmp(p->name, user);

	if (!own && read_key(a->own_key, seed, why, sizeof(why)))
		own = crypto_public(seed, public) && !memcmp(public, p->key, CRYPTO_KEY);
	explicit_bzero(seed, sizeof(seed));
	return own;
}

bool approval_genuine(const struct approvers *a, const struct json_t *evidence)
{
	const char *signature, *answer = json_text(evidence, "answer");
	const struct approver *p = answerer(a, answer, &signature);

	return p && !strcmp(p->name, json_text(evidence, "by")) && signed_by(p, signature, json_text(evidence, "request"));
}

/* ---- asking */

static char *file_of(const struct approvers *a, const char *code, const char *name)
{
	return xasprintf("%s/%s.%s", a->folder, code, name);
}

static void say(struct approval *p, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
static void say(struct approval *p, const char *fmt, ...)
{
	struct buf b = { 0 };
	va_list ap;

	va_start(ap, fmt);
	buf_vaddf(&b, fmt, ap);
	va_end(ap);
	free(p->error);
	p->error = buf_detach(&b);
}

struct approval *approval_new(const struct approvers *a, struct json_t *what, int64_t now, char *why, size_t size)
{
	struct approval *p;
	unsigned char chance[16];
	char nonce[32];
	unsigned others = 0;

	for (unsigned i = 0; a && i < a->n; i++)
		others += !is_own(a, &a->list[i], json_text(what, "asked_by"));
	if (!others || !crypto_random(chance, sizeof(chance))) {
		fail(why, size, "it takes a second person, and there is nobody else under `approvers:` in binnacle.yaml");
		json_decref(what);
		return NULL;
	}
	p = xcalloc(1, sizeof(*p));
	p->priv = xcalloc(1, sizeof(*p->priv));
	p->priv->all = a;
	p->priv->asked_by = xstrdup(json_text(what, "asked_by"));
	p->until = now + a->valid_ms;
	base64url(chance, sizeof(chance), nonce);
	json_object_set_new(what, "nonce", json_string(nonce));
	json_object_set_new(what, "until", json_integer(p->until));
	p->request = json_dumps(what, JSON_COMPACT | JSON_SORT_KEYS | JSON_ENSURE_ASCII);
	json_decref(what);
	if (!p->request || !crypto_sha256(str_of(p->request), p->priv->hash)) {
		fail(why, size, "libcrypto cannot be loaded, so that nobody can approve; install libssl");
		approval_free(p);
		return NULL;
	}
	code_of(p->priv->hash, p->code);
	p->word = xcalloc(strlen(p->request) * 4 / 3 + 4, 1);
	base64url(p->request, strlen(p->request), p->word);
	if (a->folder) {
		char *path = file_of(a, p->code, "ask");

		p->lies = write_new(path, p->request, 0644);
		if (!p->lies)
			say(p, "'%s' cannot be written (%s): give the word on by hand", path, strerror(errno));
		free(path);
	}
	return p;
}

void approval_free(struct approval *p)
{
	const struct approvers *a = p ? p->priv->all : NULL;

	if (!p)
		return;
	for (unsigned i = 0; a->folder && *p->code && i <= a->n; i++) {
		char *path = file_of(a, p->code, i < a->n ? a->list[i].name : "ask");

		unlink(path);
		free(path);
	}
	free(p->priv->asked_by);
	free(p->priv->answer);
	free(p->priv);
	free(p->request);
	free(p->word);
	free(p->by);
	free(p->error);
	free(p);
}

bool approval_answer(struct approval *p, const char *answer, int64_t now)
{
	char *text = str_dup(str_trim(str_of(answer)));
	const char *signature = NULL;
	const struct approver *who = answerer(p->priv->all, text, &signature);
	bool ok = false;

	if (now > p->until)
		say(p, "it is too late for an approval of this plan: plan it again");
	else if (!who)
		say(p, "that is no answer of one of the approvers: it looks like ann:AbC...");
	else if (is_own(p->priv->all, who, p->priv->asked_by))
		say(p, "'%s' is you: it takes another person", who->name);
	else if (!signed_by(who, signature, p->priv->hash))
		say(p, "this is not %s's signature of this plan", who->name);
	else
		ok = true;
	if (ok) {
		free(p->by);
		free(p->priv->answer);
		free(p->error);
		p->by = xstrdup(who->name);
		p->priv->answer = text;
		p->error = NULL;
	} else
		free(text);
	return ok;
}

bool approval_look(struct approval *p, int64_t now)
{
	const struct approvers *a = p->priv->all;
	bool changed = false;

	for (unsigned i = 0; a->folder && !p->by && now <= p->until && i < a->n; i++) {
		char *path = file_of(a, p->code, a->list[i].name);
		struct buf b = { 0 };
		struct stat st;

		if (read_small(path, &b, &st)) {
			char *text = str_dup(buf_str(&b)), *before = p->error ? xstrdup(p->error) : NULL;

			changed = approval_answer(p, text, now) || !before || strcmp(before, p->error);
			free(before);
			free(text);
		}
		buf_release(&b);
		free(path);
	}
	return changed;
}

struct json_t *approval_evidence(const struct approval *p, int64_t now)
{
	if (!p->by || now > p->until)
		return NULL;
	return json_pack("{ssssssss}", "by", p->by, "code", p->code, "request", p->priv->hash, "answer", p->priv->answer);
}

/* ---- the approver's side */

char *approval_find(const struct approvers *a, const char *code_or_word, char *why, size_t size)
{
	struct str s = str_trim(str_of(code_or_word));
	struct buf b = { 0 };
	struct stat st;
	char *path;

	if (s.n != 6 || strspn(s.p, "0123456789") < 6) {
		size_t n = s.n * 3 / 4;

		buf_reserve(&b, n + 1);
		b.len = n;
		if (n < 20 || n > FILE_MOST || !base64url_parse(s, b.data, n)) {
			buf_release(&b);
			fail(why, size, "that is neither a code of six digits nor the word of a request");
			return NULL;
		}
		b.data[n] = '\0';
		return buf_detach(&b);
	}
	if (!a->folder) {
		fail(why, size, "without a folder under `approvals:` a request has to come as its whole word");
		return NULL;
	}
	path = xasprintf("%s/" STR_FMT ".ask", a->folder, STR_ARG(s));
	if (!read_small(path, &b, &st))
		fail(why, size, "no request " STR_FMT " in '%s' (%s)", STR_ARG(s), a->folder, strerror(errno));
	else {
		free(path);
		buf_addc(&b, '\0');
		return buf_detach(&b);
	}
	free(path);
	buf_release(&b);
	return NULL;
}

/* Whose key this is; NULL and why. */
static const struct approver *owner(const struct approvers *a, const unsigned char seed[CRYPTO_KEY], char *why, size_t size)
{
	unsigned char public[CRYPTO_KEY];

	if (!crypto_public(seed, public)) {
		fail(why, size, "libcrypto cannot be loaded; install libssl");
		return NULL;
	}
	for (unsigned i = 0; i < a->n; i++)
		if (!memcmp(public, a->list[i].key, CRYPTO_KEY))
			return &a->list[i];
	fail(why, size, "your key at '%s' is not among `approvers:` of this binnacle.yaml", a->own_key);
	return NULL;
}

static bool may_sign(const struct approver *p, const json_t *request, const char *user, int64_t now, char *why, size_t size)
{
	const char *by = json_text(request, "asked_by");

	if (!*by || !json_is_integer(json_object_get(request, "until")))
		return fail(why, size, "this is no request for an approval");
	if (!strcmp(by, user) || !strcmp(by, p->user) || !strcmp(by, p->name))
		return fail(why, size, "you asked for this yourself (as '%s'): it takes another person", by);
	if (now > json_integer_value(json_object_get(request, "until")))
		return fail(why, size, "it is too late: the request has to be made again");
	return true;
}

char *approval_sign(const struct approvers *a, const char *request, const char *user, int64_t now, bool *laid, char *why, size_t size)
{
	unsigned char seed[CRYPTO_KEY], bytes[CRYPTO_SIGNATURE];
	char hash[65], text[128], signature[90], code[8], *answer = NULL;
	json_t *o = json_loads(request, 0, NULL);
	const struct approver *p = NULL;

	*laid = false;
	if (read_key(a->own_key, seed, why, size) && (p = owner(a, seed, why, size)) && may_sign(p, o, user, now, why, size) &&
	    crypto_sha256(str_of(request), hash) && message(hash, text) && crypto_sign(seed, str_of(text), bytes)) {
		base64url(bytes, sizeof(bytes), signature);
		answer = xasprintf("%s:%s", p->name, signature);
	}
	explicit_bzero(seed, sizeof(seed));
	if (answer && a->folder) {
		char *path;

		code_of(hash, code);
		path = file_of(a, code, p->name);
		*laid = write_new(path, answer, 0644) || errno == EEXIST;
		free(path);
	}
	json_decref(o);
	return answer;
}
