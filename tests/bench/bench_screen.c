/* What a user waits for and pays for, on a real server: times to the first paint, the first rows and the whole list; memory;
 * processor and bytes when nothing happens and when pods change; what a key costs.
 *
 *   bench_screen BINNACLE KUBECONFIG PODS [CHURN-COMMAND]
 *
 * PODS is the count that the title must reach ("10,000"). CHURN-COMMAND runs in the background while changes are measured;
 * without one the logs of the server's pods are taken to never end (tests/live/bytes.py), and keys are measured under them.
 * Figures only: ratios to other programs are made by tests/bench/run, in the same run. */
#define _GNU_SOURCE
#include "tests/screens/vt.h"
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { W = 120, H = 40, RUNS = 7 };

static long status_kb(pid_t pid, const char *field)
{
	char path[64], line[200];
	long kb = -1;
	snprintf(path, sizeof(path), "/proc/%d/status", (int)pid);
	FILE *f = fopen(path, "re");
	while (f && fgets(line, sizeof(line), f))
		if (strncmp(line, field, strlen(field)) == 0)
			kb = atol(line + strlen(field) + 1);
	if (f)
		fclose(f);
	return kb;
}

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;
	return (x > y) - (x < y);
}

static void median(const char *what, double *v, int n, const char *unit)
{
	qsort(v, (size_t)n, sizeof(*v), by_value);
	printf("%-44s %9.1f %s   (%.1f .. %.1f)\n", what, v[n / 2], unit, v[0], v[n - 1]);
}

static struct vt *start(char **argv, const char *pane)
{
	char config[1100];
	snprintf(config, sizeof(config), "KUBECONFIG=%s", argv[2]);
	/* BINNACLE_ALLOW_CORE keeps /proc readable for us when not root */
	const char *const env[] = { config, "XDG_STATE_HOME=/tmp/binnacle-bench", "XDG_CONFIG_HOME=/tmp/binnacle-bench",
		"BINNACLE_ALLOW_CORE=1", NULL };
	const char *const args[] = { argv[1], "-p", pane, NULL };
	return vt_start(args, env, W, H);
}

/* Paint, first rows, whole list; the last run goes on. */
static struct vt *measure_start(char **argv)
{
	double paint[RUNS], first[RUNS], whole[RUNS];
	char title[64];
	struct vt *v = NULL;
	snprintf(title, sizeof(title), "pods %s", argv[3]);
	for (int i = 0; i < RUNS; i++) {
		if (v)
			vt_free(v);
		int64_t t0 = vt_now_us();
		v = start(argv, "cluster");
		vt_wait(v, "2 cluster", 20000);
		paint[i] = (double)(vt_now_us() - t0) / 1000;
		vt_wait(v, "Running", 60000);
		first[i] = (double)(vt_now_us() - t0) / 1000;
		vt_wait(v, title, 120000);
		whole[i] = (double)(vt_now_us() - t0) / 1000;
	}
	median("shell painted", paint, RUNS, "ms");
	median("first screen of rows", first, RUNS, "ms");
	median("whole list", whole, RUNS, "ms");
	return v;
}

static void measure_memory(struct vt *v)
{
	vt_run(v, 1500);
	printf("%-44s %9.1f MB\n", "resident", (double)status_kb(vt_pid(v), "VmRSS:") / 1024);
	printf("%-44s %9.1f MB\n", "  of which private", (double)status_kb(vt_pid(v), "RssAnon:") / 1024);
}

static void measure_while(struct vt *v, const char *what, int ms)
{
	double cpu = vt_cpu_s(v);
	vt_count_reset(v);
	vt_run(v, ms);
	printf("%-44s %9.2f %% CPU\n", what, (vt_cpu_s(v) - cpu) / ms * 1e5);
	printf("%-44s %9.1f bytes/s\n", what, (double)vt_count(v) * 1000 / ms);
}

/* Many, as at p99 it is chance that is measured: a turn of the processor or of the kernel's own thread for terminals. */
static void measure_keys(struct vt *v, const char *what)
{
	enum { KEYS = 1000 };
	double us[KEYS], cpu = vt_cpu_s(v);
	size_t bytes = 0;
	for (int i = 0; i < KEYS; i++) {
		vt_count_reset(v);
		us[i] = (double)vt_answer_us(v, i < KEYS / 2 ? "j" : "k", 2000);      /* down, and back up */
		vt_run(v, 3);
		bytes += vt_count(v);
	}
	qsort(us, KEYS, sizeof(*us), by_value);
	printf("%-44s %9.2f ms median, %.2f ms p99, %.2f ms CPU, %zu bytes a key\n", what, us[KEYS / 2] / 1000, us[KEYS * 99 / 100] / 1000,
	       (vt_cpu_s(v) - cpu) * 1000 / KEYS, bytes / KEYS);
}

/* What this machine, as busy as it is, takes for a program that only writes back what it reads. */
static void measure_cat(void)
{
	const char *const args[] = { "/bin/sh", "-c", "stty raw -echo; printf ready; exec cat", NULL };
	struct vt *v = vt_start(args, NULL, W, H);
	vt_wait(v, "ready", 5000);
	measure_keys(v, "  the same of cat, which writes back");
	vt_free(v);
}

/* How long until the prompt shows one more letter, or -1. Other bytes come meanwhile: only the letter counts. */
static double letter_ms(struct vt *v, int letters)
{
	char typed[80];
	memset(typed, 'x', sizeof(typed));
	snprintf(typed + letters, sizeof(typed) - (size_t)letters, "%s", "");
	int64_t start = vt_now_us();
	vt_type(v, "x");
	while (vt_now_us() - start < 2000000) {
		vt_more(v, 100);
		if (strstr(vt_line(v, H - 1), typed))
			return (double)(vt_now_us() - start) / 1000;
	}
	return -1;
}

/* Letters at the prompt until it is full or `title` is there; adds to ms, returns how many there are. */
static int type_letters(struct vt *v, const char *title, double *ms, int n, int most)
{
	vt_type(v, ":");
	vt_run(v, 5);
	for (int i = 1; i <= 60 && n < most && !(title && vt_has(v, title)); i++) {
		ms[n] = letter_ms(v, i);
		if (ms[n] < 0) {
			printf("%-44s a letter did not come within 2 s\n", "");
			break;
		}
		n++;
		vt_run(v, 4);
	}
	vt_type(v, "\x1b");
	vt_run(v, 60);
	return n;
}

static void print_letters(const char *what, double *ms, int n)
{
	if (n < 20)        /* too few to tell: it was over at once */
		return;
	qsort(ms, (size_t)n, sizeof(*ms), by_value);
	printf("%-44s %9.2f ms median, %.2f ms p99 of %d\n", what, ms[n / 2], ms[n * 99 / 100], n);
}

enum { LETTERS = 300 };

static void measure_loading(char **argv)
{
	double ms[LETTERS];
	char title[64];
	int n = 0;
	snprintf(title, sizeof(title), "pods %s", argv[3]);
	for (int run = 0; run < RUNS && n < LETTERS; run++) {
		struct vt *v = start(argv, "cluster");
		vt_wait(v, "Running", 60000);
		n = type_letters(v, title, ms, n, LETTERS);
		vt_free(v);
	}
	print_letters("a key, while the list loads", ms, n);
}

/* A log that comes as fast as it is taken; nothing where the server has none. */
static void measure_flood(struct vt *v)
{
	double ms[LETTERS];
	int n = 0;
	vt_type(v, "gl");
	if (!vt_wait(v, "older lines dropped", 10000))
		return;
	double cpu = vt_cpu_s(v);
	int64_t began = vt_now_us();
	while (n < LETTERS) {
		int before = n;
		n = type_letters(v, NULL, ms, n, LETTERS);
		vt_run(v, 100);
		if (n == before)
			break;
	}
	print_letters("a key, while a log floods", ms, n);
	printf("%-44s %9.2f %% CPU\n", "  what the flood takes", (vt_cpu_s(v) - cpu) / (double)(vt_now_us() - began) * 1e8);
	vt_type(v, "q");
	vt_wait(v, "NAMESPACE", 3000);
}

static void measure_filter(struct vt *v)
{
	const char *keys[] = { "w", "o", "r", "k", "e", "r" };
	double us[6];
	vt_type(v, "/");
	vt_quiet(v, 100);
	for (int i = 0; i < 6; i++)
		us[i] = (double)vt_answer_us(v, keys[i], 2000) / 1000, vt_quiet(v, 50);
	median("filter, a key", us, 6, "ms");
	vt_type(v, "\x1b");
	vt_quiet(v, 200);
}

/* From the key to the first line of the pod under the cursor; nothing when the server keeps no logs. */
static void measure_logs(struct vt *v)
{
	double ms[RUNS];
	vt_type(v, "g");
	vt_quiet(v, 100);
	for (int i = 0; i < RUNS; i++) {
		int64_t t0 = vt_now_us();
		vt_type(v, "l");
		if (!vt_wait(v, "following", 3000) || !vt_wait_gone(v, "line 0 of 0", 3000))
			return;
		ms[i] = (double)(vt_now_us() - t0) / 1000;
		vt_type(v, "q");
		vt_wait(v, "NAMESPACE", 3000);
		vt_quiet(v, 50);
	}
	median("first log lines", ms, RUNS, "ms");
}

int main(int argc, char **argv)
{
	if (argc < 4) {
		fprintf(stderr, "usage: bench_screen BINNACLE KUBECONFIG PODS [CHURN-COMMAND]\n");
		return 2;
	}
	struct vt *v = measure_start(argv);
	measure_memory(v);
	measure_while(v, "idle", 10000);
	measure_keys(v, "a key, idle (scrolling j)");
	measure_cat();
	measure_filter(v);
	measure_loading(argv);
	if (argc <= 4)
		measure_flood(v);
	if (argc > 4) {
		measure_logs(v);
		pid_t child = fork();
		if (child == 0) {
			setpgid(0, 0);
			execl("/bin/sh", "sh", "-c", argv[4], (char *)NULL);
			_exit(127);
		}
		vt_run(v, 3000);
		measure_while(v, "50 changes a second", 10000);
		measure_keys(v, "a key, while the list changes");
		measure_cat();
		kill(-child, SIGTERM);
		waitpid(child, NULL, 0);
	}
	measure_memory(v);
	vt_free(v);
	return 0;
}
