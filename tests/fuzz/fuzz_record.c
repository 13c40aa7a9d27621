/* Any bytes as a recorded file, played to its end. */
#define _GNU_SOURCE
#include "base/record.h"
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char path[40], why[300] = "";
	int fd = memfd_create("record", MFD_CLOEXEC);
	if (fd < 0 || write(fd, data, size) != (ssize_t)size)
		abort();
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	struct replay *r = replay_open(path, why, sizeof(why));
	if (!r && !why[0])
		abort();
	for (unsigned i = 0; r && i < replay_sources(r); i++) {
		const char *environment;
		if (!replay_source(r, i, &environment) || !environment || !replay_source_type(r, i))
			abort();
	}
	for (struct msg *m; r && (m = replay_next(r, why, sizeof(why))); msg_free(m))
		if (m->source >= replay_sources(r))
			abort();
	replay_close(r);
	close(fd);
	return 0;
}
