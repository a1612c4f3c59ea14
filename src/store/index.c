/* SPDX-License-Identifier: Apache-2.0
 * index: where the bytes of each id are. See store.h and index.h.
 */
#include "store/index.h"

#include "base/mem.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

enum { FIRST_SLOTS = 1 << 12, PATH_BYTES = 4096 };

_Static_assert(sizeof(struct prs_index_slot) == 32, "index slot");

int prs_index_new(struct prs_index **ret, const struct prs_fs *fs, const char *dir, uint32_t epoch, struct prs_err *err)
{
	char path[PATH_BYTES];
	prs_path_index(path, sizeof path, dir, epoch);
	struct prs_index *x = prs_calloc(1, sizeof *x);
	if (!x)
		return prs_fail(err, PRS_ENOMEM, "index");
	x->fs = fs;
	x->fd = -1;
	x->dir = prs_strdup(dir);
	x->path = prs_strdup(path);
	int r = x->dir && x->path ? fs->open(fs->ctx, path, O_RDWR | O_CREAT | O_TRUNC, 0644) : -ENOMEM;
	if (r < 0) {
		prs_fail_errno(err, -r, "creating %s", path);
		prs_index_free(x, false);
		return err ? err->code : -PRS_EIO;
	}
	x->fd = r;
	*ret = x;
	return 0;
}

void prs_index_close_files(struct prs_index *x)
{
	for (uint32_t i = 0; i < x->files_n; i++) {
		if (x->files[i].fd >= 0)
			x->fs->close(x->fs->ctx, x->files[i].fd);
		x->files[i].fd = -1;
	}
}

void prs_index_free(struct prs_index *x, bool unlink_file)
{
	if (!x)
		return;
	prs_index_close_files(x);
	if (x->slots)
		x->fs->munmap(x->fs->ctx, x->slots, (size_t)x->cap * sizeof *x->slots);
	if (x->fd >= 0)
		x->fs->close(x->fs->ctx, x->fd);
	if (unlink_file && x->fd >= 0)
		x->fs->unlink(x->fs->ctx, x->path);
	prs_freep(&x->dir);
	prs_freep(&x->path);
	prs_freep(&x->files);
	prs_freep(&x);
}

int prs_index_grow(struct prs_index *x, uint64_t next_id, struct prs_err *err)
{
	if (next_id > x->cap) {
		uint64_t cap = x->cap ? x->cap : FIRST_SLOTS;
		while (cap < next_id)
			cap *= 2;
		int r = x->fs->ftruncate(x->fs->ctx, x->fd, cap * sizeof *x->slots);
		if (r < 0)
			return prs_fail_errno(err, -r, "growing %s", x->path);
		void *p = x->fs->mmap(x->fs->ctx, x->fd, (size_t)cap * sizeof *x->slots, true);
		if (!p)
			return prs_fail_errno(err, errno, "mapping %s", x->path);
		if (x->slots)
			x->fs->munmap(x->fs->ctx, x->slots, (size_t)x->cap * sizeof *x->slots);
		x->slots = p;
		x->cap = cap;
	}
	if (next_id > x->next_id)
		x->next_id = next_id;
	return 0;
}

static bool same_file(const struct prs_index_file *f, uint32_t epoch, const struct prs_done *d)
{
	return f->epoch == epoch && f->node == d->node && f->segment == d->segment && f->raw == !!(d->flags & PRS_DONE_RAW);
}

static int64_t file_of(struct prs_index *x, const struct prs_done *d)
{
	uint32_t epoch = (uint32_t)(d->lease >> 40);
	for (uint32_t i = x->files_n; i-- > 0;)
		if (same_file(&x->files[i], epoch, d))
			return i;
	if (x->files_n == x->files_cap) {
		uint32_t cap = x->files_cap ? x->files_cap * 2 : 8;
		struct prs_index_file *v = prs_realloc(x->files, cap * sizeof *v);
		if (!v)
			return -1;
		x->files = v;
		x->files_cap = cap;
	}
	x->files[x->files_n] = (struct prs_index_file){ epoch, d->segment, d->node, !!(d->flags & PRS_DONE_RAW), -1, 0 };
	return x->files_n++;
}

int prs_index_done(struct prs_index *x, const struct prs_done *d, struct prs_err *err)
{
	if (d->unit.id >= x->cap)
		return prs_fail(err, PRS_ECORRUPT, "DONE of mini-batch %llu, which was never planned", (unsigned long long)d->unit.id);
	struct prs_index_slot s = { .flags = PRS_SLOT_USED, .offset = d->offset, .length = d->length, .head_len = d->head_len, .checksum = d->checksum };
	if (d->length == 0) {
		s.flags |= PRS_SLOT_EMPTY;
	} else {
		int64_t file = file_of(x, d);
		if (file < 0)
			return prs_fail(err, PRS_ENOMEM, "index");
		s.file = (uint32_t)file;
	}
	if (d->head_len)
		s.flags |= PRS_SLOT_HEADER;
	x->slots[d->unit.id] = s;
	return 0;
}

void prs_index_reset(struct prs_index *x, uint64_t id, uint64_t count)
{
	for (uint64_t i = id; i < id + count && i < x->cap; i++)
		x->slots[i] = (struct prs_index_slot){ 0 };
}

int prs_index_open_file(struct prs_index *x, uint32_t file, struct prs_err *err)
{
	struct prs_index_file *f = &x->files[file];
	if (f->fd >= 0)
		return 0;
	char path[PATH_BYTES];
	prs_path_segment(path, sizeof path, x->dir, f->epoch, f->node, f->segment, f->raw);
	int fd = x->fs->open(x->fs->ctx, path, O_RDONLY, 0);
	if (fd < 0)
		return prs_fail_errno(err, -fd, "opening %s", path);
	struct prs_fs_stat st;
	int r = x->fs->fstat(x->fs->ctx, fd, &st);
	if (r < 0) {
		x->fs->close(x->fs->ctx, fd);
		return prs_fail_errno(err, -r, "reading %s", path);
	}
	f->fd = fd;
	f->size = st.size;
	return 0;
}

int64_t prs_index_verify_ranges(struct prs_index *x, void (*each)(void *ctx, uint64_t id, const char *why), void *ctx, struct prs_err *err)
{
	int64_t bad = 0;
	uint64_t *sizes = prs_calloc(x->files_n + 1, sizeof *sizes);
	if (!sizes)
		return prs_fail(err, PRS_ENOMEM, "index");
	for (uint32_t i = 0; i < x->files_n; i++) {
		struct prs_err local = { 0 };
		int r = prs_index_open_file(x, i, &local);
		if (r < 0 && local.code != -PRS_ENOTFOUND) {
			if (err)
				*err = local;
			prs_freep(&sizes);
			return r;
		}
		sizes[i] = r < 0 ? 0 : x->files[i].size;
	}
	for (uint64_t id = 0; id < x->next_id; id++) {
		const struct prs_index_slot *s = &x->slots[id];
		if (!(s->flags & PRS_SLOT_USED) || (s->flags & PRS_SLOT_EMPTY))
			continue;
		if (s->offset <= sizes[s->file] && s->length <= sizes[s->file] - s->offset)
			continue;
		bad++;
		each(ctx, id, sizes[s->file] ? "its rows lie behind the end of their segment file" : "its segment file is missing");
	}
	prs_freep(&sizes);
	prs_index_close_files(x);
	return bad;
}
