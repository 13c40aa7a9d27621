/* secret: bytes that must never be shown, logged or recorded. It is a type of its own so that no
 * printf, buf_addf or cell_text takes it; the bytes are wiped when released and kept out of core files
 * where the system can (MADV_DONTDUMP). */
#ifndef BASE_SECRET_H
#define BASE_SECRET_H
#include "base/str.h"

struct secret { struct secret_bytes *b; };

struct secret secret_of(struct str bytes);          /* copies */
void secret_take(struct secret *s, char *bytes, size_t n); /* copies, then wipes and frees bytes */
bool secret_set(struct secret s);                   /* holds anything */
struct str secret_reveal(struct secret s);          /* for the wire only; borrowed */
void secret_release(struct secret *s);              /* wipes */
/* Stars over every place in n bytes where a secret stands that a server quotes; what is shorter than 4 bytes is a word like any
 * other and stays. */
void secret_mask(char *text, size_t n, struct str secret);
/* Read one from a file (trailing newline cut); 0, or -1 with errno. */
int secret_from_file(struct secret *s, const char *path);
/* Read one as binnacle.yaml names it: a map with one of env: NAME, file: PATH, command: LINE (run by sh without a
 * terminal, 10 s; its first line of output counts). 0, or -1 and why[size]; node NULL is nothing: 0, nothing set. */
struct yaml;
int secret_from_setting(struct secret *s, const struct yaml *node, char *why, size_t size);
/* The same for one that is kept: read when it was not yet, and when it comes from a file that has changed since; one that
 * cannot be read again stays as it was. *seen is the caller's, 0 at first. */
int secret_follow(struct secret *s, uint64_t *seen, const struct yaml *node, char *why, size_t size);
/* What a command line prints, all of it, run by sh as above. 0, or -1 and why. */
int secret_from_command(struct secret *s, const char *line, char *why, size_t size);
#endif
