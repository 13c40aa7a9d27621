/* tar: a tree of files as a stream, both ways, by libarchive (loaded late). What comes from outside may only make regular files
 * and directories below the destination: names that lead out of it end the copy, links and devices are left out and counted,
 * nothing that is there is followed or, without `overwrite`, written over. */
#ifndef NET_TAR_H
#define NET_TAR_H
#include "base/str.h"
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct tar_done {
	unsigned files, dirs, left_out;  /* left_out: links, devices, sockets */
	int64_t bytes;                   /* of files */
	char error[400];                 /* "" when it went well */
};
/* Gives the next bytes, borrowed until the next call: their number, 0 at the end, -1 when it broke (error says why). */
typedef ssize_t (*tar_read_fn)(void *arg, const char **bytes, struct tar_done *done);
/* The first part of each name is replaced by `as`, within the folder open as dir. */
bool tar_unpack(tar_read_fn fn, void *arg, int dir, const char *as, bool overwrite, struct tar_done *done);
/* Takes bytes; false: it broke. */
typedef bool (*tar_write_fn)(void *arg, struct str bytes, struct tar_done *done);
/* The file or folder at path, named `as`. */
bool tar_pack(tar_write_fn fn, void *arg, const char *path, const char *as, struct tar_done *done);
/* What lies at path, counted without reading: for a plan. */
bool tar_weigh(const char *path, struct tar_done *done);
#endif
