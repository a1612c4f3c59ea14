/* SPDX-License-Identifier: Apache-2.0
 * index: a mapped array with a slot for each id, so that the output can be written in the order of ids without a sort,
 * and without memory for what is not looked at. Parts of split mini-batches are few: a sorted list beside it.
 */
#include "store/index.h"

#include "base/many.h"
#include "base/mem.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

enum { FIRST_SLOTS = 1 << 12, OPENS_MAX = 100 };

_Static_assert(sizeof(struct prs_index_slot) == 32, "index slot");

/* An own file: an engine that starts at the same time, with the same epoch, must not cut ours off. Nameless at once:
 * nothing is left of it. */
static int open_file(struct prs_index *x)
{
	int fd = -EEXIST;
	for (int i = 0; i < OPENS_MAX && fd == -EEXIST; i++) { /* the other one made its own in between */
		x->fs->unlink(x->fs->ctx, x->path);
		fd = x->fs->open(x->fs->ctx, x->path, O_RDWR | O_CREAT | O_EXCL | PRS_O_OWN, 0644);
	}
	int r = fd < 0 ? fd : x->fs->unlink(x->fs->ctx, x->path);
	x->fd = fd;
	return r == -ENOENT ? 0 : r; /* the other one was faster */
}

int prs_index_new(struct prs_index **ret, const struct prs_fs *fs, const char *dir, uint32_t epoch, struct prs_err *err)
{
	char path[PATH_MAX];
	prs_path_index(path, sizeof path, dir, epoch);
	struct prs_index *x = prs_calloc(1, sizeof *x);
	if (!x)
		return prs_fail(err, PRS_ENOMEM, "index");
	x->fs = fs;
	x->fd = -1;
	x->dir = prs_strdup(dir);
	x->path = prs_strdup(path);
	int r = x->dir && x->path ? open_file(x) : -ENOMEM;
	if (r < 0) {
		prs_index_free(x);
		return prs_fail_errno(err, -r, "creating %s", path);
	}
	*ret = x;
	return 0;
}

void prs_index_free(struct prs_index *x)
{
	if (!x)
		return;
	if (x->slots)
		x->fs->munmap(x->fs->ctx, x->slots, (size_t)x->cap * sizeof *x->slots);
	if (x->fd >= 0)
		x->fs->close(x->fs->ctx, x->fd);
	prs_freep(&x->dir);
	prs_freep(&x->path);
	prs_freep(&x->files);
	prs_freep(&x->parts);
	prs_freep(&x);
}

/* The blocks are allocated before they are mapped: a page without one, touched on a full disk, would be a SIGBUS. */
static int map_slots(struct prs_index *x, uint64_t cap, struct prs_err *err)
{
	size_t bytes = (size_t)cap * sizeof *x->slots;
	int r = x->fs->ftruncate(x->fs->ctx, x->fd, bytes);
	if (!r)
		r = x->fs->fallocate(x->fs->ctx, x->fd, 0, bytes);
	if (r < 0)
		return prs_fail_errno(err, -r, "growing %s", x->path);
	void *p = x->fs->mmap(x->fs->ctx, x->fd, bytes, true);
	if (!p)
		return prs_fail_errno(err, errno, "mapping %s", x->path);
	if (x->slots)
		x->fs->munmap(x->fs->ctx, x->slots, (size_t)x->cap * sizeof *x->slots);
	x->slots = p;
	x->cap = cap;
	return 0;
}

int prs_index_grow(struct prs_index *x, uint64_t next_id, struct prs_err *err)
{
	if (next_id > PRS_IDS_MAX)
		return prs_fail(err, PRS_ELIMIT, "%s", prs_many(next_id, "mini-batch").text);
	uint64_t cap = x->cap ? x->cap : FIRST_SLOTS;
	while (cap < next_id)
		cap *= 2;
	int r = next_id > x->cap ? map_slots(x, cap, err) : 0;
	if (!r && next_id > x->next_id)
		x->next_id = next_id;
	return r;
}

static bool same_file(const struct prs_index_file *f, uint32_t epoch, const struct prs_done *d)
{
	return f->epoch == epoch && f->node == prs_done_file_node(d) && f->segment == d->segment &&
	       f->raw == !!(d->flags & PRS_DONE_RAW);
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
	x->files[x->files_n] = (struct prs_index_file){ epoch, d->segment, prs_done_file_node(d),
		                                        !!(d->flags & PRS_DONE_RAW) };
	return x->files_n++;
}

static int put_part(struct prs_index *x, const struct prs_unit *u, const struct prs_index_slot *s, struct prs_err *err)
{
	if (x->parts_n == x->parts_cap) {
		uint64_t cap = x->parts_cap ? x->parts_cap * 2 : 64;
		struct prs_index_part *v = prs_realloc(x->parts, (size_t)cap * sizeof *v);
		if (!v)
			return prs_fail(err, PRS_ENOMEM, "index");
		x->parts = v;
		x->parts_cap = cap;
	}
	x->parts[x->parts_n++] = (struct prs_index_part){ *u, *s };
	return 0;
}

int prs_index_done(struct prs_index *x, const struct prs_done *d, struct prs_err *err)
{
	if (d->unit.id >= x->next_id)
		return prs_fail(err, PRS_ECORRUPT, "DONE of mini-batch %llu, which was never planned",
		                (unsigned long long)d->unit.id);
	struct prs_index_slot s = { .flags = PRS_SLOT_USED,
		                    .offset = d->offset,
		                    .length = d->length,
		                    .head_len = d->head_len,
		                    .checksum = d->checksum };
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
	if (d->unit.item_count)
		return put_part(x, &d->unit, &s, err);
	x->slots[d->unit.id] = s;
	return 0;
}

void prs_index_reset(struct prs_index *x, uint64_t id, uint64_t count)
{
	uint64_t kept = 0;
	for (uint64_t i = 0; i < x->parts_n; i++)
		if (x->parts[i].unit.id < id || x->parts[i].unit.id - id >= count)
			x->parts[kept++] = x->parts[i];
	x->parts_n = kept;
	for (; count && id < x->next_id; id++, count--)
		x->slots[id] = (struct prs_index_slot){ 0 };
}

static int index_by_place(const void *a, const void *b)
{
	const struct prs_unit *x = &((const struct prs_index_part *)a)->unit,
			      *y = &((const struct prs_index_part *)b)->unit;
	if (x->id != y->id)
		return x->id < y->id ? -1 : 1;
	return x->item_first < y->item_first ? -1 : x->item_first > y->item_first;
}

void prs_index_sort_parts(struct prs_index *x)
{
	if (x->parts_n)
		qsort(x->parts, x->parts_n, sizeof *x->parts, index_by_place);
}

void prs_index_path(const struct prs_index *x, uint32_t file, char *to, size_t n)
{
	const struct prs_index_file *f = &x->files[file];
	prs_path_segment(to, n, x->dir, f->epoch, f->node, f->segment, f->raw);
}

#define NO_FILE UINT64_MAX

/* The size of each file, NO_FILE where it is missing. */
static int read_sizes(struct prs_index *x, uint64_t *sizes, struct prs_err *err)
{
	char path[PATH_MAX];
	struct prs_fs_stat st;
	for (uint32_t i = 0; i < x->files_n; i++) {
		prs_index_path(x, i, path, sizeof path);
		int r = x->fs->stat(x->fs->ctx, path, &st);
		if (r < 0 && r != -ENOENT)
			return prs_fail_errno(err, -r, "reading %s", path);
		sizes[i] = r < 0 ? NO_FILE : st.size;
	}
	return 0;
}

static const char *why_bad(const struct prs_index_slot *s, const uint64_t *sizes)
{
	if (!(s->flags & PRS_SLOT_USED) || (s->flags & PRS_SLOT_EMPTY))
		return NULL;
	uint64_t size = sizes[s->file];
	if (size == NO_FILE)
		return "its segment file is missing";
	return s->offset <= size && s->length <= size - s->offset ? NULL
	                                                          : "its rows lie behind the end of their segment file";
}

int64_t prs_index_verify_ranges(struct prs_index *x, void (*each)(void *ctx, uint64_t id, const char *why), void *ctx,
                                struct prs_err *err)
{
	PRS_AUTOFREE uint64_t *sizes = prs_calloc((size_t)x->files_n + 1, sizeof *sizes);
	if (!sizes)
		return prs_fail(err, PRS_ENOMEM, "index");
	int r = read_sizes(x, sizes, err);
	if (r < 0)
		return r;
	int64_t bad = 0;
	uint64_t part = 0;
	prs_index_sort_parts(x);
	for (uint64_t id = 0; id < x->next_id; id++) {
		const char *why = why_bad(&x->slots[id], sizes);
		for (; part < x->parts_n && x->parts[part].unit.id == id; part++)
			if (!why)
				why = why_bad(&x->parts[part].slot, sizes);
		if (!why)
			continue;
		bad++;
		each(ctx, id, why);
	}
	return bad;
}
