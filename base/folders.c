/* folders: see folders.h. */
#include "base/folders.h"
#include "base/mem.h"
#include <stdlib.h>
#include <sys/stat.h>

void make_folders(const char *path)
{
	char *copy = xstrdup(path);

	for (char *p = copy; *p; p++) {
		if (*p != '/' || p == copy)
			continue;
		*p = '\0';
		mkdir(copy, 0700);
		*p = '/';
	}
	free(copy);
}
