/* binnacle: a console for machine-learning platforms. This file only starts: what a command does is in cli/. */
#include "cli/options.h"
#include "base/mem.h"
#include <locale.h>
#include <malloc.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>

/* Credentials are in memory: no core file, and no other process of this user may read it. */
static void keep_memory_private(void)
{
	if (!getenv("BINNACLE_ALLOW_CORE")) {
		setrlimit(RLIMIT_CORE, &(struct rlimit){ 0, 0 });
		prctl(PR_SET_DUMPABLE, 0);
	}
}

/* What a listing of megabytes took goes back to the system when it was read: glibc would raise the size from which on memory is
 * mapped to that of the largest block it ever gave back, keep all smaller ones in pieces, and do so for each thread apart. */
static void give_memory_back(void)
{
#ifdef M_MMAP_THRESHOLD
	mallopt(M_MMAP_THRESHOLD, 128 * 1024);
	mallopt(M_TRIM_THRESHOLD, 128 * 1024);
	mallopt(M_ARENA_MAX, 2);
#endif
}

int main(int argc, char **argv)
{
	struct cli cli = { 0 };
	setlocale(LC_CTYPE, "");     /* numbers stay in the C locale */
	signal(SIGPIPE, SIG_IGN);
	keep_memory_private();
	give_memory_back();
	int code = cli_parse(&cli, argc, argv);
	if (code != EXIT_OK)
		return code;
	if (cli.help) {
		struct buf help = { 0 };
		cli_help(*cli.sub->name ? cli.sub : NULL, &help);
		fputs(help.data, stdout);
		buf_release(&help);
		return EXIT_OK;
	}
	return cli.sub->run(&cli);
}
