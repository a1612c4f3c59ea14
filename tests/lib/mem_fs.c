/* SPDX-License-Identifier: Apache-2.0
 * mem_fs: a list of names that point to nodes with counted references, as links and open files outlive a name.
 */
#include "mem_fs.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

enum { NODE_BYTES = 32 << 20, FD_BASE = 1000 };

struct mem_node {
	bool folder;
	uint32_t mode, gid;
	unsigned refs;
	uint8_t *data; /* NODE_BYTES of address space, so that it never moves (mmap) */
	uint64_t size, allocated, mtime_us;
};

struct mem_entry {
	char *path;
	struct mem_node *node;
};

struct mem_open {
	struct mem_node *node; /* NULL = free */
	char *path;
	int flags;
};

/* ---- nodes and names --------------------------------------------------------------------------------------------- */

static struct mem_node *node_new(bool folder)
{
	struct mem_node *n = calloc(1, sizeof *n);
	n->folder = folder;
	if (!folder) {
		n->data = mmap(NULL, NODE_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE,
		               -1, 0);
		assert(n->data != MAP_FAILED);
	}
	return n;
}

static void node_unref(struct mem_node *n)
{
	if (--n->refs)
		return;
	if (n->data)
		munmap(n->data, NODE_BYTES);
	free(n);
}

static struct mem_entry *live(const struct mem_fs *m, const char *path)
{
	for (unsigned i = 0; i < m->live_n; i++)
		if (!strcmp(m->live[i].path, path))
			return &m->live[i];
	return NULL;
}

static struct mem_node *add(struct mem_fs *m, const char *path, bool folder)
{
	struct mem_node *node = node_new(folder);
	node->mode = 0644;
	m->live = realloc(m->live, (m->live_n + 1) * sizeof *m->live);
	m->live[m->live_n++] = (struct mem_entry){ strdup(path), node };
	node->refs++;
	return node;
}

static void drop(struct mem_fs *m, struct mem_entry *e)
{
	free(e->path);
	node_unref(e->node);
	*e = m->live[--m->live_n];
}

/* Is `path` an entry of `folder`? Its name, or NULL. */
static const char *name_in(const char *folder, const char *path)
{
	size_t n = strlen(folder);
	if (n == 1 && folder[0] == '/')
		n = 0;
	return !strncmp(path, folder, n) && path[n] == '/' && path[n + 1] && !strchr(path + n + 1, '/') ? path + n + 1
	                                                                                                : NULL;
}

static bool folder_is_there(struct mem_fs *m, const char *path)
{
	const char *slash = strrchr(path, '/');
	char folder[4096] = "";
	assert(slash && (size_t)(slash - path) < sizeof folder);
	memcpy(folder, path, (size_t)(slash - path));
	struct mem_entry *e = live(m, folder);
	return !folder[0] || (e && e->node->folder);
}

/* ---- faults ------------------------------------------------------------------------------------------------------ */

void mem_fs_fail(struct mem_fs *m, enum mem_op op, const char *part, unsigned skip, int errnum)
{
	m->fail_op = op;
	m->fail_path = part;
	m->fail_skip = skip;
	m->fail_errno = errnum;
}

/* 0, or the error that the test asked for. */
static int enter(struct mem_fs *m, enum mem_op op, const char *path)
{
	m->calls[op]++;
	if (m->before)
		m->before(m->before_ctx, op, path);
	if (!m->fail_errno || m->fail_op != op || (m->fail_path && !strstr(path, m->fail_path)) || m->fail_skip-- > 0)
		return 0;
	int e = m->fail_errno;
	m->fail_errno = 0;
	return -e;
}

static int take_space(struct mem_fs *m, struct mem_node *n, uint64_t end)
{
	uint64_t have = n->size > n->allocated ? n->size : n->allocated;
	uint64_t more = end > have ? end - have : 0;
	if (m->space != UINT64_MAX && more > m->space)
		return -ENOSPC;
	if (m->space != UINT64_MAX)
		m->space -= more;
	if (end > n->allocated)
		n->allocated = end;
	return 0;
}

/* ---- the table --------------------------------------------------------------------------------------------------- */

static struct mem_open *opened(struct mem_fs *m, int fd)
{
	assert(fd >= FD_BASE && (unsigned)(fd - FD_BASE) < m->opened_n && m->opened[fd - FD_BASE].node);
	return &m->opened[fd - FD_BASE];
}

static int op_open(void *ctx, const char *path, int flags, uint32_t mode)
{
	struct mem_fs *m = ctx;
	int r = enter(m, MEM_OPEN, path);
	if (r < 0)
		return r;
	struct mem_entry *e = live(m, path);
	if (e && (flags & O_CREAT) && (flags & O_EXCL))
		return -EEXIST;
	if (!e && (!(flags & O_CREAT) || !folder_is_there(m, path)))
		return -ENOENT;
	if (e && e->node->folder)
		return -EISDIR;
	if (!e) {
		add(m, path, false)->mode = mode;
		e = live(m, path);
	}
	if (flags & O_TRUNC) {
		memset(e->node->data, 0, e->node->size);
		e->node->size = 0;
	}
	unsigned i = 0;
	while (i < m->opened_n && m->opened[i].node)
		i++;
	if (i == m->opened_n)
		m->opened = realloc(m->opened, ++m->opened_n * sizeof *m->opened);
	m->opened[i] = (struct mem_open){ e->node, strdup(path), flags };
	e->node->refs++;
	return FD_BASE + (int)i;
}

static int op_close(void *ctx, int fd)
{
	struct mem_open *o = opened(ctx, fd);
	free(o->path);
	node_unref(o->node);
	o->node = NULL;
	return 0;
}

static ssize_t op_pread(void *ctx, int fd, void *to, size_t n, uint64_t offset)
{
	struct mem_open *o = opened(ctx, fd);
	int r = enter(ctx, MEM_PREAD, o->path);
	if (r < 0)
		return r;
	uint64_t left = offset < o->node->size ? o->node->size - offset : 0;
	if (n > left)
		n = (size_t)left;
	memcpy(to, o->node->data + offset, n);
	return (ssize_t)n;
}

static ssize_t op_pwrite(void *ctx, int fd, const void *from, size_t n, uint64_t offset)
{
	struct mem_open *o = opened(ctx, fd);
	assert((o->flags & O_ACCMODE) != O_RDONLY && offset + n <= NODE_BYTES);
	int r = enter(ctx, MEM_PWRITE, o->path);
	if (!r)
		r = take_space(ctx, o->node, offset + n);
	if (r < 0)
		return r;
	memcpy(o->node->data + offset, from, n);
	if (offset + n > o->node->size)
		o->node->size = offset + n;
	return (ssize_t)n;
}

static ssize_t op_read(void *ctx, int fd, void *to, size_t n)
{
	(void)ctx;
	(void)fd;
	(void)to;
	(void)n;
	return -EBADF; /* only for passed descriptors, and nobody passes one here */
}

static int op_fdatasync(void *ctx, int fd)
{
	struct mem_open *o = opened(ctx, fd);
	return enter(ctx, MEM_FDATASYNC, o->path);
}

static int op_sync_dir(void *ctx, const char *path) { return enter(ctx, MEM_SYNC_DIR, path); }

static int op_fallocate(void *ctx, int fd, uint64_t offset, uint64_t n)
{
	struct mem_open *o = opened(ctx, fd);
	int r = enter(ctx, MEM_FALLOCATE, o->path);
	return r < 0 ? r : take_space(ctx, o->node, offset + n);
}

static int op_ftruncate(void *ctx, int fd, uint64_t size)
{
	struct mem_open *o = opened(ctx, fd);
	int r = enter(ctx, MEM_FTRUNCATE, o->path);
	if (r < 0)
		return r;
	if (size > NODE_BYTES)
		return -EFBIG;
	if (size < o->node->size)
		memset(o->node->data + size, 0, o->node->size - size);
	o->node->size = size;
	if (o->node->allocated > size) {
		struct mem_fs *m = ctx;
		m->space += m->space != UINT64_MAX ? o->node->allocated - size : 0;
		o->node->allocated = size;
	}
	return 0;
}

static int op_chmod(void *ctx, int fd, uint32_t mode)
{
	struct mem_open *o = opened(ctx, fd);
	int r = enter(ctx, MEM_CHMOD, o->path);
	if (r == 0)
		o->node->mode = mode;
	return r;
}

/* We are not root: the group may change, the owner is who he is. */
static int op_chown(void *ctx, int fd, uint32_t uid, uint32_t gid)
{
	struct mem_open *o = opened(ctx, fd);
	int r = enter(ctx, MEM_CHOWN, o->path);
	if (r < 0 || uid != (uint32_t)-1)
		return r < 0 ? r : -EPERM;
	o->node->gid = gid;
	return 0;
}

static void fill_stat(const struct mem_node *n, struct prs_fs_stat *ret)
{
	*ret = (struct prs_fs_stat){ .size = n->size,
		                     .allocated = n->allocated > n->size ? n->allocated : n->size,
		                     .mtime_us = n->mtime_us,
		                     .mode = n->folder ? 0040755 : 0100000 | n->mode,
		                     .gid = n->gid,
		                     .dev = 1,
		                     .ino = (uint64_t)(uintptr_t)n };
}

static int op_fstat(void *ctx, int fd, struct prs_fs_stat *ret)
{
	struct mem_open *o = opened(ctx, fd);
	int r = enter(ctx, MEM_FSTAT, o->path);
	if (!r)
		fill_stat(o->node, ret);
	return r;
}

static int op_stat(void *ctx, const char *path, struct prs_fs_stat *ret)
{
	int r = enter(ctx, MEM_STAT, path);
	struct mem_entry *e = live(ctx, path);
	if (r < 0 || !e)
		return r < 0 ? r : -ENOENT;
	fill_stat(e->node, ret);
	return 0;
}

static int op_rename(void *ctx, const char *from, const char *to)
{
	struct mem_fs *m = ctx;
	int r = enter(m, MEM_RENAME, to);
	struct mem_entry *e = live(m, from);
	if (r < 0 || !e)
		return r < 0 ? r : -ENOENT;
	struct mem_entry *old = live(m, to);
	if (old)
		drop(m, old);
	e = live(m, from);
	free(e->path);
	e->path = strdup(to);
	return 0;
}

static int op_rename_new(void *ctx, const char *from, const char *to)
{
	return live(ctx, to) ? -EEXIST : op_rename(ctx, from, to);
}

static int op_unlink(void *ctx, const char *path)
{
	struct mem_fs *m = ctx;
	int r = enter(m, MEM_UNLINK, path);
	struct mem_entry *e = live(m, path);
	if (r < 0 || !e)
		return r < 0 ? r : -ENOENT;
	drop(m, e);
	return 0;
}

static int op_mkdir(void *ctx, const char *path, uint32_t mode)
{
	(void)mode;
	struct mem_fs *m = ctx;
	int r = enter(m, MEM_MKDIR, path);
	if (r < 0)
		return r;
	if (live(m, path))
		return -EEXIST;
	add(m, path, true);
	return 0;
}

static void *op_mmap(void *ctx, int fd, size_t n, bool writable)
{
	(void)writable;
	struct mem_open *o = opened(ctx, fd);
	int r = enter(ctx, MEM_MMAP, o->path);
	if (r < 0) {
		errno = -r;
		return NULL;
	}
	assert(n <= o->node->size);
	return o->node->data;
}

static int op_munmap(void *ctx, void *p, size_t n)
{
	(void)ctx;
	(void)p;
	(void)n;
	return 0;
}

static int op_list(void *ctx, const char *path, prs_fs_entry_fn *each, void *each_ctx)
{
	struct mem_fs *m = ctx;
	int r = enter(m, MEM_LIST, path);
	struct mem_entry *folder = live(m, path);
	if (r < 0 || !folder || !folder->node->folder)
		return r < 0 ? r : -ENOENT;
	for (unsigned i = 0; i < m->live_n && !r; i++) {
		const char *name = name_in(path, m->live[i].path);
		if (name)
			r = each(each_ctx, name, m->live[i].node->folder ? 'd' : 'f');
	}
	return r;
}

static int op_free_bytes(void *ctx, const char *path, uint64_t *ret)
{
	(void)path;
	*ret = ((struct mem_fs *)ctx)->space;
	return 0;
}

/* ---- for the tests ----------------------------------------------------------------------------------------------- */

struct mem_fs *mem_fs_new(void)
{
	struct mem_fs *m = calloc(1, sizeof *m);
	m->space = UINT64_MAX;
	m->fs = (struct prs_fs){ .ctx = m,
		                 .open = op_open,
		                 .close = op_close,
		                 .pread = op_pread,
		                 .pwrite = op_pwrite,
		                 .read = op_read,
		                 .fdatasync = op_fdatasync,
		                 .sync_dir = op_sync_dir,
		                 .fallocate = op_fallocate,
		                 .ftruncate = op_ftruncate,
		                 .chmod = op_chmod,
		                 .chown = op_chown,
		                 .fstat = op_fstat,
		                 .stat = op_stat,
		                 .rename = op_rename,
		                 .rename_new = op_rename_new,
		                 .unlink = op_unlink,
		                 .mkdir = op_mkdir,
		                 .mmap = op_mmap,
		                 .munmap = op_munmap,
		                 .list = op_list,
		                 .free_bytes = op_free_bytes };
	return m;
}

void mem_fs_free(struct mem_fs *m)
{
	for (unsigned i = 0; i < m->opened_n; i++)
		if (m->opened[i].node)
			op_close(m, FD_BASE + (int)i);
	while (m->live_n)
		drop(m, &m->live[0]);
	free(m->live);
	free(m->opened);
	free(m);
}

bool mem_fs_has(const struct mem_fs *m, const char *path) { return live(m, path) != NULL; }

uint8_t *mem_fs_bytes(struct mem_fs *m, const char *path, uint64_t *ret_n)
{
	struct mem_entry *e = live(m, path);
	if (!e || e->node->folder)
		return NULL;
	if (ret_n)
		*ret_n = e->node->size;
	return e->node->data;
}

void mem_fs_touch(struct mem_fs *m, const char *path, uint64_t mtime_us)
{
	struct mem_entry *e = live(m, path);
	assert(e);
	e->node->mtime_us = mtime_us;
}

void mem_fs_resize(struct mem_fs *m, const char *path, uint64_t n)
{
	struct mem_entry *e = live(m, path);
	assert(e && n <= NODE_BYTES);
	if (n < e->node->size)
		memset(e->node->data + n, 0, e->node->size - n);
	e->node->size = n;
}

void mem_fs_put(struct mem_fs *m, const char *path, const void *bytes, uint64_t n)
{
	struct mem_entry *e = live(m, path);
	if (e)
		drop(m, e);
	struct mem_node *node = add(m, path, false);
	memcpy(node->data, bytes, n);
	node->size = n;
}

void mem_fs_own(struct mem_fs *m, const char *path, uint32_t mode, uint32_t gid)
{
	struct mem_entry *e = live(m, path);
	assert(e);
	e->node->mode = mode;
	e->node->gid = gid;
}

unsigned mem_fs_open_files(const struct mem_fs *m)
{
	unsigned n = 0;
	for (unsigned i = 0; i < m->opened_n; i++)
		n += m->opened[i].node != NULL;
	return n;
}
