/* approval: a second person says yes to one plan. Whoever acts is shown a code; one of the `approvers` types it on their own
 * login (binnacle approve CODE), sees there what is asked for, and signs it.
 *
 *   approvals: {folder: /var/lib/binnacle/approvals, valid: 5m}
 *   approvers:
 *     ann: {key: "Kz3..."}             # what `binnacle approve key` printed for her
 *     bob: {key: "9xQ...", user: bobby}
 *
 * The request (who, where, what, the hash of the plan in full, a random number, until when) is a JSON text. It lies in the
 * folder, where both can read it, under its code; where there is no such folder it is given on as one long word. The answer
 * is an Ed25519 signature of its hash, made with a key that only the approver has; what the asker's program needs to
 * check it is public. So an answer cannot be made up, nor used for another plan, twice, or late; and it is kept in
 * the audit line, where anybody can check it later. One's own key and one's own user do not count.
 *
 * What it cannot do: the program that asks runs as the asker, with the asker's credentials: it keeps honest people from
 * haste and leaves evidence, it does not stop one who goes round binnacle. */
#ifndef BASE_APPROVAL_H
#define BASE_APPROVAL_H
#include "base/config.h"
#include "base/crypto.h"

struct json_t;

extern const struct config_key approver_keys[], approval_keys[];

struct approver { const char *name, *user; unsigned char key[CRYPTO_KEY]; };
struct approvers {
	struct approver *list; unsigned n;
	char *folder;                    /* NULL: none */
	char *own_key;                   /* path of this user's private key */
	int64_t valid_ms;
};
/* config may be NULL. own_key: path (need not be there). Names are borrowed from config. */
struct approvers *approvers_new(const struct config *config, const char *own_key);
void approvers_free(struct approvers *a);

struct approval {
	char code[8];                    /* "483920" */
	char *request;                   /* the JSON text that is signed */
	char *word;                      /* the same as one word, for where there is no folder */
	bool lies;                       /* in the folder, under its code */
	char *by;                        /* who approved it; NULL: nobody yet */
	char *error;                     /* why the last answer does not count, or why nothing lies in the folder; NULL */
	int64_t until;                   /* wall ms; after that it is of no use */
	struct approval_private *priv;
};
/* Asks: what is an object of {asked_by, host, source, environment, action, title, change: [...], targets: [...], plan: hash}
 * (taken). Writes it into the folder. NULL and why: there is nobody else who could approve, or no libcrypto. */
struct approval *approval_new(const struct approvers *a, struct json_t *what, int64_t now, char *why, size_t size);
void approval_free(struct approval *p);          /* takes what lies in the folder away */
/* An answer that was given on by hand; true: it counts. */
bool approval_answer(struct approval *p, const char *answer, int64_t now);
/* Looks into the folder. True: something changed. */
bool approval_look(struct approval *p, int64_t now);
/* {by, code, request: hash, answer} for the audit line; NULL while nobody approved or when it is too late. New reference. */
struct json_t *approval_evidence(const struct approval *p, int64_t now);
/* Whether such evidence is genuine: its signature is that of the approver it names. */
bool approval_genuine(const struct approvers *a, const struct json_t *evidence);

/* ---- the approver's side */
/* The request that lies in the folder under this code, or that this word is. Caller frees; NULL and why. */
char *approval_find(const struct approvers *a, const char *code_or_word, char *why, size_t size);
/* Signs it as the owner of the key at a->own_key. The answer, "ann:SIGNATURE", also laid into the folder; caller frees; NULL
 * and why: no key, not an approver, one's own request, too late. *laid: the folder has it. */
char *approval_sign(const struct approvers *a, const char *request, const char *user, int64_t now, bool *laid, char *why,
                    size_t size);
/* Makes the key at path (0600) unless it is there; its public part goes to key. False and why. */
bool approval_key(const char *path, char key[48], char *why, size_t size);
#endif
