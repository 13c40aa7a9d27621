/* recall: what was typed at the prompt, kept between runs. The file is written anew each time, beside itself and then
 * renamed, so that two consoles at once lose at most a line and never the file. */
#define _GNU_SOURCE
#include "base/folders.h"
#include "base/mem.h"
#include "tui/prompt.h"
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define LINES_MAX 500
#define BYTES_MAX (1 << 20)

static void remember(struct recall *h, struct str line)
{
	for (unsigned i = 0; i < h->n; i++)
		if (str_is(line, h->lines[i])) {          /* said before: it moves to the end */
			char *same = h->lines[i];

			memmove(&h->lines[i], &h->lines[i + 1], (h->n - i - 1) * sizeof(char *));
			h->lines[h->n - 1] = same;
			return;
		}
	if (h->n == LINES_MAX) {
		free(h->lines[0]);
		memmove(&h->lines[0], &h->lines[1], --h->n * sizeof(char *));
	}
	h->lines = xreallocarray(h->lines, h->n + 1, sizeof(char *));
	h->lines[h->n++] = str_dup(line);
}

void recall_load(struct recall *h, const char *path)
{
	struct buf text = { 0 };
	struct str rest, line;
	char part[4096];
	size_t n;
	FILE *f;

	*h = (struct recall){ .path = path ? xstrdup(path) : NULL };
	f = path ? fopen(path, "re") : NULL;
	if (!f)
		return;
	while ((n = fread(part, 1, sizeof(part), f)) > 0 && text.len < BYTES_MAX)
		buf_add(&text, part, n);
	fclose(f);
	for (rest = buf_str(&text); rest.n;) {
		line = str_split(&rest, '\n');
		if (line.n && line.n < 4096 && !memchr(line.p, 0, line.n))
			remember(h, line);
	}
	buf_release(&text);
}

static void save(const struct recall *h)
{
	char *beside = xasprintf("%s.%ld", h->path, (long)getpid());
	int fd;
	FILE *f;
	bool well = true;

	make_folders(h->path);
	fd = open(beside, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
	f = fd >= 0 ? fdopen(fd, "w") : NULL;
	if (f) {
		for (unsigned i = 0; i < h->n; i++)
			fprintf(f, "%s\n", h->lines[i]);
		well = !ferror(f);
		well = fclose(f) == 0 && well;
		if (!well || rename(beside, h->path) != 0)
			unlink(beside);                   /* a full disk must not cost what was there */
	} else if (fd >= 0) {
		close(fd);
	}
	free(beside);
}

void recall_add(struct recall *h, const char *line)
{
	if (!*line || strchr(line, '\n'))
		return;
	remember(h, str_of(line));
	if (h->path)
		save(h);
}

void recall_release(struct recall *h)
{
	for (unsigned i = 0; i < h->n; i++)
		free(h->lines[i]);
	free(h->lines);
	free(h->path);
	*h = (struct recall){ 0 };
}
