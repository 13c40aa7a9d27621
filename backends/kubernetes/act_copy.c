/* act_copy: files out of a container and into one, by `tar` there and libarchive here (net/tar.h), over one stream. Without a
 * tar in the image there is no way, and that is said. */
#define _GNU_SOURCE
#include "backends/kubernetes/actions.h"
#include "backends/kubernetes/stream.h"
#include "backends/net/tar.h"
#include "base/fmt.h"
#include "base/acts.h"
#include "base/mem.h"
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

enum { UNSENT_MAX = 512 << 10, IN_MAX = 1 << 20, TELL_MS = 3000 };

static const char *const podlike[] = { "pods", "containers", NULL };
const struct action act_copy_from = ACT_COPY_FROM(podlike), act_copy_to = ACT_COPY_TO(podlike);

/* The last part of a path; *folder[size] what is before it. "" where there is none. */
static const char *last_part(const char *path, char *folder, size_t size)
{
	size_t n = strlen(path);
	while (n > 1 && path[n - 1] == '/')
		n--;
	size_t at = n;
	while (at && path[at - 1] != '/')
		at--;
	snprintf(folder, size, "%.*s", (int)at, path);
	return path + at;
}

static char *trimmed(const char *path)
{
	size_t n = strlen(path);
	while (n > 1 && path[n - 1] == '/')
		n--;
	return xstrndup(path, n);
}

static void plan_tar(struct plan *p, const char *const *command, bool in, const char *local, const char *name)
{
	const char *container = plan_container(p, jtext(p->w->params, "container"));
	struct buf path = { 0 };
	stream_path(&path, &(struct stream_ask){ p->ns, p->name, container, command, in, false });
	plan_stream(p, path.data, in ? "tar there ends well" : "all of the archive came");
	json_object_set_new(p->out, "copy", json_pack("{so so sb}", "local", jstring(str_of(local)), "name", jstring(str_of(name)),
		"overwrite", plan_flag(p, "overwrite")));
	plan_running(p, container);
	plan_need_stream(p, "exec");
	buf_release(&path);
}

bool plan_copy_from(struct plan *p)
{
	char *path = trimmed(jtext(p->w->params, "path")), folder[PATH_MAX], local[PATH_MAX], *member;
	const char *to = jtext(p->w->params, "to"), *name = last_part(path, folder, sizeof(folder));
	struct stat st;
	const char *shown = !*name || !strcmp(name, ".") || !strcmp(name, "..") ? "root" : name;
	member = xasprintf("./%s", *name && strcmp(path, "/") ? name : "");
	const char *const command[] = { "tar", "cf", "-", "-C", *folder ? folder : ".", member, NULL };
	plan_title(p, "copy %s out of pod %s/%s", path, p->ns, p->name);
	if (!*path)
		plan_block(p, "say which file: path=/where/it/is");
	if (!realpath(*to ? to : ".", local)) {
		plan_block(p, "'%s' of this machine: %s", to, strerror(errno));
		snprintf(local, sizeof(local), "%s", to);
	}
	char *whole = xasprintf("%s/%s", local, shown);
	plan_change(p, "it becomes %s on this machine; links and devices are left out", whole);
	if (lstat(whole, &st) == 0 && !plan_flag(p, "overwrite"))
		plan_block(p, "'%s' is there already: name another folder, or overwrite=true", whole);
	plan_tar(p, command, false, local, shown);
	plan_not_undone(p, "nothing changes in the container; what was copied stays here");
	free(whole);
	free(member);
	free(path);
	return true;
}

bool plan_copy_to(struct plan *p)
{
	char *path = trimmed(jtext(p->w->params, "path")), folder[PATH_MAX], local[PATH_MAX];
	const char *to = jtext(p->w->params, "to");
	const char *const command[] = { "tar", "xmf", "-", "-C", *to ? to : "/tmp", NULL };
	struct tar_done weight = { 0 };
	struct buf size = { 0 };
	if (!*path || !realpath(path, local)) {
		plan_block(p, *path ? "'%s': %s" : "say which file: path=%s%s", path, *path ? strerror(errno) : "WHERE/IT/IS");
		snprintf(local, sizeof(local), "%s", path);
	}
	const char *name = last_part(local, folder, sizeof(folder));
	plan_title(p, "copy %s into pod %s/%s", local, p->ns, p->name);
	if (!json_object_get(p->out, "blocked") && !tar_weigh(local, &weight))
		plan_block(p, "%s", weight.error);
	fmt_bytes(weight.bytes, &size);
	plan_change(p, "%u file%s, %s, become %s/%s in the container; files of these names there are overwritten", weight.files,
	            weight.files == 1 ? "" : "s", size.data ? size.data : "0", strcmp(command[4], "/") ? command[4] : "", name);
	if (weight.left_out)
		plan_warn(p, "%u links or special files are left out", weight.left_out);
	plan_tar(p, command, true, local, name);
	plan_not_undone(p, "what was overwritten in the container does not come back; a new container starts from its image");
	buf_release(&size);
	free(path);
	return true;
}

/* ---- carrying */

struct copying {
	struct run *run;
	struct stream *s;
	struct buf in, given;        /* what came; what the reader has */
	char err[600];               /* what tar said */
	bool on, more;
	int64_t told;
};

static void on_bytes(void *arg, int channel, struct str bytes)
{
	struct copying *c = arg;
	size_t have = strlen(c->err);
	if (channel == STREAM_STDOUT)
		buf_addstr(&c->in, bytes);
	else
		snprintf(c->err + have, sizeof(c->err) - have, STR_FMT, STR_ARG(bytes));
}

static void tell(struct copying *c, const struct tar_done *done)
{
	int64_t now = clock_mono(link_clock(c->run->w->k->link));
	struct buf size = { 0 };
	if (now - c->told < TELL_MS)
		return;
	c->told = now;
	fmt_bytes(done->bytes, &size);
	run_step(c->run, STEP_RUNNING, "%s, %u files so far", size.data ? size.data : "0", done->files);
	buf_release(&size);
}

/* One turn of the stream. False: it is over or nobody waits. */
static bool pump(struct copying *c)
{
	struct pollfd fd = { websocket_fd(c->s->ws), websocket_events(c->s->ws, true), 0 };
	if (!c->on || work_cancelled(c->run->w))
		return false;
	poll(&fd, 1, c->more ? 0 : 500);
	c->on = stream_turn(c->s, true, on_bytes, c, &c->more);
	return c->on;
}

static ssize_t give(void *arg, const char **bytes, struct tar_done *done)
{
	struct copying *c = arg;
	tell(c, done);
	while (!c->in.len && pump(c))
		;
	if (!c->in.len && work_cancelled(c->run->w)) {
		snprintf(done->error, sizeof(done->error), "stopped");
		return -1;
	}
	struct buf swap = c->given;
	c->given = c->in;
	c->in = swap;
	buf_clear(&c->in);
	*bytes = c->given.data;
	return (ssize_t)c->given.len;
}

static bool take(void *arg, struct str bytes, struct tar_done *done)
{
	struct copying *c = arg;
	tell(c, done);
	stream_input(c->s, bytes);
	while (c->on && websocket_unsent(c->s->ws) > UNSENT_MAX)
		if (!pump(c))
			break;
	if (c->on && !work_cancelled(c->run->w))
		return true;
	snprintf(done->error, sizeof(done->error), "%s", c->on ? "stopped" : "the container takes no more");
	return false;
}

/* How it went, of both sides. */
static bool conclude(struct copying *c, const struct tar_done *done, bool ok)
{
	char say[480];
	struct run *run = c->run;
	bool ended;
	for (int i = 0; i < 20 && !c->s->end.known && pump(c); i++)
		;
	ended = stream_say(c->s, say, sizeof(say));
	for (char *e = c->err + strlen(c->err); e > c->err && e[-1] == '\n';)
		*--e = '\0';
	bool no_tar = strstr(say, "executable file not found") || strstr(say, "no such file or directory") || c->s->end.code == 127;
	struct buf size = { 0 };
	fmt_bytes(done->bytes, &size);
	if (no_tar && !done->bytes)
		snprintf(run->say, sizeof(run->say), "there is no tar in the container's image, which copying needs (%.300s)", say);
	else if (*c->err && !ended)
		snprintf(run->say, sizeof(run->say), "tar there says: %.500s", c->err);
	else if (!ok)
		snprintf(run->say, sizeof(run->say), "%.390s; %u files were copied before%s%.100s", done->error, done->files, c->s->end.known ? "" : "; ",
		         c->s->end.known ? "" : say);
	else if (!ended)
		snprintf(run->say, sizeof(run->say), "tar there: %.400s", say);
	else
		snprintf(run->say, sizeof(run->say), "%u file%s, %s%s", done->files, done->files == 1 ? "" : "s", size.data ? size.data : "0",
		         done->left_out ? "; links and special files were left out" : "");
	buf_release(&size);
	return ok && ended;
}

static bool open_stream(struct run *run, struct copying *c)
{
	const char *path = strchr(jtext(json_array_get(json_object_get(run->plan, "steps"), 0), "do"), ' ');
	*c = (struct copying){ .run = run, .on = true, .told = clock_mono(link_clock(run->w->k->link)) };
	run->at = 1;
	c->s = path ? stream_open(run->w, path + 1) : NULL;
	if (!c->s)
		snprintf(run->say, sizeof(run->say), "%.400s", run->w->error);
	return c->s;
}

static void close_stream(struct copying *c)
{
	stream_free(c->s);
	buf_release(&c->in);
	buf_release(&c->given);
}

bool send_copy_from(struct run *run)
{
	struct copying c;
	struct tar_done done;
	int dir = open(jtext(run->plan, "copy.local"), O_DIRECTORY | O_RDONLY | O_CLOEXEC);
	if (dir < 0) {
		snprintf(run->say, sizeof(run->say), "'%.200s': %s", jtext(run->plan, "copy.local"), strerror(errno));
		return false;
	}
	bool ok = open_stream(run, &c);
	if (ok) {
		ok = tar_unpack(give, &c, dir, jtext(run->plan, "copy.name"), jtrue(run->plan, "copy.overwrite"), &done);
		ok = conclude(&c, &done, ok);
		close_stream(&c);
	}
	close(dir);
	return ok;
}

bool send_copy_to(struct run *run)
{
	struct copying c;
	struct tar_done done;
	if (!open_stream(run, &c))
		return false;
	bool ok = tar_pack(take, &c, jtext(run->plan, "copy.local"), jtext(run->plan, "copy.name"), &done);
	stream_close_input(c.s);
	int64_t until = clock_mono(link_clock(run->w->k->link)) + 60000;
	while (ok && !c.s->end.known && pump(&c) && clock_mono(link_clock(run->w->k->link)) < until)
		;
	ok = conclude(&c, &done, ok);
	close_stream(&c);
	return ok;
}
