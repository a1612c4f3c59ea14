/* SPDX-License-Identifier: Apache-2.0
 * schema: work/schema/<n>.json: the schemas of tables as worker processes read them.
 *
 * Derived from the plan, whose record is on the disk first: written before anything that names it is leased, and anew
 * by each life, so that nothing of it has to be synced. A process sees a whole file or none.
 */
#include "master/impl.h"

#include "base/killpoint.h"
#include "wire/plan.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

static int write_all(const struct prs_fs *fs, int fd, const char *bytes, size_t n)
{
	for (size_t at = 0; at < n;) {
		ssize_t w = fs->pwrite(fs->ctx, fd, bytes + at, n - at, at);
		if (w < 0 && w != -EINTR)
			return (int)w;
		if (w == 0)
			return -ENOSPC;
		at += w > 0 ? (size_t)w : 0;
	}
	return 0;
}

/* In place of what an engine before left there. */
static int put_file(const struct prs_fs *fs, const char *path, const char *bytes, size_t n)
{
	char temp[PATH_MAX + 8];
	snprintf(temp, sizeof temp, "%s.tmp", path);
	int fd = fs->open(fs->ctx, temp, O_WRONLY | O_CREAT | O_TRUNC | PRS_O_OWN, 0644);
	if (fd < 0)
		return fd;
	PRS_KILL_POINT("schema.before_write");
	int r = write_all(fs, fd, bytes, n);
	fs->close(fs->ctx, fd);
	PRS_KILL_POINT("schema.before_rename");
	if (r == 0)
		r = fs->rename(fs->ctx, temp, path);
	PRS_KILL_POINT("schema.after_rename");
	if (r < 0)
		fs->unlink(fs->ctx, temp);
	return r;
}

static int put_schema(const struct prs_fs *fs, const char *dir, uint32_t number, const char *json, size_t n,
                      struct prs_err *err)
{
	char path[PATH_MAX];
	snprintf(path, sizeof path, "%s/work/schema", dir);
	int r = number ? 0 : fs->mkdir(fs->ctx, path, 0755);
	if (r < 0 && r != -EEXIST)
		return prs_fail_errno(err, -r, "creating %s", path);
	snprintf(path, sizeof path, "%s/work/schema/%u.json", dir, number);
	r = put_file(fs, path, json, n);
	return r < 0 ? prs_fail_errno(err, -r, "writing %s", path) : 0;
}

int schema_put_body(struct prs_engine *e, const uint8_t *body, size_t n, struct prs_err *err)
{
	struct prs_plan_record r;
	size_t at = 0;
	int k;
	while ((k = prs_plan_next(body, n, &at, &r, err)) == 1) {
		if (r.type != PRS_PLAN_SCHEMA)
			continue;
		int w = put_schema(e->c.fs, e->c.dir, r.u.schema.schema, r.u.schema.json, r.u.schema.bytes, err);
		if (w < 0)
			return w;
	}
	return k;
}

int prs_engine_put_schemas(const struct prs_fs *fs, const char *dir, const struct prs_plan *plan, struct prs_err *err)
{
	int r = 0;
	for (uint32_t i = 0; !r && i < prs_plan_schemas(plan); i++)
		r = put_schema(fs, dir, i, prs_plan_schema(plan, i), strlen(prs_plan_schema(plan, i)), err);
	return r;
}
