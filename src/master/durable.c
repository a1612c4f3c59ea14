/* SPDX-License-Identifier: Apache-2.0
 * durable: what a resume needs besides the files of store/ is made durable too: the copies of the code, the names of
 * the run folder and its parents.
 * The first job of the sync thread, so that nothing counts before it is done; the processes start meanwhile.
 */
#include "master/impl.h"

#include "base/mem.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

enum { DEPTH_MAX = 64 };

struct entries {
	struct prs_list names;
	int code;
};

static int durable_entry(void *ctx, const char *name, char type)
{
	struct entries *v = ctx;
	if (type == 'o' || type == 'l') /* a name in its folder, nothing more */
		return 0;
	v->code = prs_list_add(&v->names, name);
	return v->code < 0 ? -ENOMEM : 0;
}

/* 0 also for a file that is gone: the scripts may write in their working copy. */
static int sync_file(const struct prs_fs *fs, const char *path)
{
	int fd = fs->open(fs->ctx, path, O_RDONLY | O_NONBLOCK | O_NOFOLLOW, 0);
	if (fd < 0)
		return fd == -ENOENT || fd == -ELOOP || fd == -EACCES ? 0 : fd;
	int r = fs->fdatasync(fs->ctx, fd);
	fs->close(fs->ctx, fd);
	return r == -EINVAL ? 0 : r; /* not a file any more */
}

/* The tree `from`, and what has the same names in `beside`. */
static int sync_tree(const struct prs_fs *fs, const char *from, const char *beside, int depth)
{
	struct entries v = { 0 };
	struct prs_fs_stat st;
	int r = fs->list(fs->ctx, from, durable_entry, &v);
	for (size_t i = 0; i < v.names.n && !r; i++) {
		PRS_AUTOFREE char *a = prs_strf("%s/%s", from, v.names.v[i]),
				  *b = prs_strf("%s/%s", beside, v.names.v[i]);
		r = a && b ? fs->stat(fs->ctx, a, &st) : -ENOMEM;
		if (!r && S_ISDIR(st.mode))
			r = depth < DEPTH_MAX ? sync_tree(fs, a, b, depth + 1) : 0;
		else if (!r)
			r = sync_file(fs, a);
		if (!r && !S_ISDIR(st.mode))
			r = sync_file(fs, b);
	}
	prs_list_done(&v.names);
	if (!r)
		r = fs->sync_dir(fs->ctx, from);
	if (r)
		return r;
	r = fs->sync_dir(fs->ctx, beside);
	return r == -ENOENT || r == -ENOTDIR ? 0 : r;
}

static void durable_work(struct prs_sync_job *job)
{
	struct durable *s = (struct durable *)job;
	const struct prs_engine *e = s->engine;
	const struct prs_fs *fs = e->c.fs;
	static const char *const above[] = { "/work", "", "/..", "/../.." };
	PRS_AUTOFREE char *code = prs_strf("%s/%s", e->c.dir, e->code_name), *copy = prs_strf("%s/work/code", e->c.dir);
	int r = code && copy ? sync_tree(fs, code, copy, 0) : -ENOMEM;
	for (size_t i = 0; i < sizeof above / sizeof *above && !r; i++) {
		PRS_AUTOFREE char *path = prs_strf("%s%s", e->c.dir, above[i]);
		r = path ? fs->sync_dir(fs->ctx, path) : -ENOMEM;
		if (i >= 2 && r == -EACCES) /* a folder that is not ours to read: its names were there before us */
			r = 0;
	}
	if (r < 0)
		prs_fail_errno(&s->err, -r, "syncing the run folder %s", e->c.dir);
}

static void durable_done(struct prs_sync_job *job)
{
	struct durable *s = (struct durable *)job;
	if (s->err.code)
		drive_stop(s->engine, PRS_JOB_DRAINING, (uint16_t)-s->err.code, s->err.msg);
}

void durable_begin(struct prs_engine *e)
{
	if (e->c.job->o.bench_no_sync)
		return;
	e->durable = (struct durable){ .job = { .work = durable_work, .done = durable_done }, .engine = e };
	prs_sync_put(e->sync, &e->durable.job);
}
