/* SPDX-License-Identifier: Apache-2.0
 * assemble: committed ranges in id order, checked, into one file that appears whole or not at all.
 */
#include "store/index.h"

#include "base/killpoint.h"
#include "base/mem.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

enum { WINDOW = 1 << 20, OUT_BYTES = 1 << 20, CANCEL_EVERY = 1024 };

/* A read-ahead window over one source file. */
struct window {
	uint8_t *data;
	uint64_t at;
	size_t len;
};

struct work {
	const struct prs_fs *fs;
	struct prs_index *x;
	const struct prs_assemble_options *o;
	void (*bad)(void *ctx, uint64_t id, const char *why);
	void *ctx;
	struct prs_assembled *ret;
	struct window *windows; /* one per source file */
	uint8_t *header;        /* bytes of the first header */
	uint32_t header_len;
	bool has_header;
	int out;
	uint8_t *space;
	size_t filled;
	uint64_t written;
	XXH3_state_t *print;
};

static bool canceled(const struct work *w) { return w->o->cancel && __atomic_load_n(w->o->cancel, __ATOMIC_RELAXED); }

static int interrupted(const struct work *w, struct prs_err *err)
{
	return prs_fail(err, PRS_EINTERRUPTED, "interrupted while writing %s", w->o->path);
}

static int flush_out(struct work *w)
{
	size_t done = 0;
	if (canceled(w))
		return -ECANCELED;
	while (done < w->filled) {
		ssize_t n = w->fs->pwrite(w->fs->ctx, w->out, w->space + done, w->filled - done, w->written + done);
		if (n <= 0)
			return n < 0 ? (int)n : -EIO;
		done += (size_t)n;
	}
	w->written += w->filled;
	w->filled = 0;
	if (w->o->progress)
		__atomic_store_n(w->o->progress, w->written, __ATOMIC_RELAXED);
	return 0;
}

static int put_out(struct work *w, const uint8_t *p, size_t n)
{
	XXH3_128bits_update(w->print, p, n);
	while (n) {
		size_t take = OUT_BYTES - w->filled < n ? OUT_BYTES - w->filled : n;
		memcpy(w->space + w->filled, p, take);
		w->filled += take;
		p += take;
		n -= take;
		if (w->filled == OUT_BYTES) {
			int r = flush_out(w);
			if (r < 0)
				return r;
		}
	}
	return 0;
}

/* n (<= WINDOW) bytes of a source file; *ret NULL when the file ends before. */
static int source_bytes(struct work *w, uint32_t file, uint64_t offset, size_t n, const uint8_t **ret)
{
	struct window *win = &w->windows[file];
	*ret = NULL;
	if (!win->data && !(win->data = prs_malloc(WINDOW)))
		return -ENOMEM;
	if (offset < win->at || offset + n > win->at + win->len) {
		size_t got = 0;
		while (got < WINDOW) {
			ssize_t r = w->fs->pread(w->fs->ctx, w->x->files[file].fd, win->data + got, WINDOW - got, offset + got);
			if (r < 0)
				return (int)r;
			if (r == 0)
				break;
			got += (size_t)r;
		}
		win->at = offset;
		win->len = got;
	}
	if (offset + n <= win->at + win->len)
		*ret = win->data + (offset - win->at);
	return 0;
}

static void report_bad(struct work *w, uint64_t id, const char *why)
{
	w->ret->bad++;
	if (w->bad)
		w->bad(w->ctx, id, why);
}

static int put_header(struct work *w, const uint8_t *p, uint32_t n)
{
	if (!w->has_header) {
		w->header = prs_malloc(n);
		if (!w->header)
			return -ENOMEM;
		memcpy(w->header, p, n);
		w->header_len = n;
		w->has_header = true;
		return put_out(w, p, n);
	}
	if (n != w->header_len || memcmp(p, w->header, n) != 0)
		w->ret->headers_differ++;
	return 0;
}

static int put_small(struct work *w, uint64_t id, const struct prs_index_slot *s)
{
	const uint8_t *p;
	int r = source_bytes(w, s->file, s->offset, (size_t)s->length, &p);
	if (r < 0)
		return r;
	if (!p || prs_checksum(p, (size_t)s->length) != s->checksum) {
		report_bad(w, id, p ? "its rows do not match their checksum" : "its rows lie behind the end of their segment file");
		return 0;
	}
	if (s->head_len)
		r = put_header(w, p, s->head_len);
	w->ret->rows_bytes += s->length - s->head_len;
	return r < 0 ? r : put_out(w, p + s->head_len, (size_t)s->length - s->head_len);
}

/* Rows above WINDOW: streamed; the checksum is known at the end, when a bad range spoils the file (it is not published then). */
static int put_large(struct work *w, uint64_t id, const struct prs_index_slot *s)
{
	XXH3_state_t *sum = XXH3_createState();
	if (!sum)
		return -ENOMEM;
	XXH3_64bits_reset(sum);
	int r = 0;
	uint64_t done = 0;
	while (done < s->length && !r) {
		size_t n = s->length - done < WINDOW ? (size_t)(s->length - done) : WINDOW;
		const uint8_t *p;
		r = source_bytes(w, s->file, s->offset + done, n, &p);
		if (r < 0 || !p)
			break;
		XXH3_64bits_update(sum, p, n);
		size_t skip = 0;
		if (done == 0 && s->head_len && s->head_len <= n) {
			r = put_header(w, p, s->head_len);
			skip = s->head_len;
		}
		if (!r)
			r = put_out(w, p + skip, n - skip);
		done += n;
	}
	if (!r && (done < s->length || (uint32_t)XXH3_64bits_digest(sum) != s->checksum))
		report_bad(w, id, "its rows do not match their checksum");
	w->ret->rows_bytes += s->length - s->head_len;
	XXH3_freeState(sum);
	return r;
}

static int writing_failed(const struct work *w, int r, struct prs_err *err)
{
	return r == -ECANCELED ? interrupted(w, err) : prs_fail_errno(err, -r, "writing %s", w->o->path);
}

static int put_all(struct work *w, struct prs_err *err)
{
	for (uint64_t id = 0; id < w->o->next_id && id < w->x->next_id; id++) {
		if (id % CANCEL_EVERY == 0 && canceled(w))
			return interrupted(w, err);
		const struct prs_index_slot *s = &w->x->slots[id];
		if (!(s->flags & PRS_SLOT_USED) || (s->flags & PRS_SLOT_EMPTY))
			continue;
		struct prs_err local = { 0 };
		int r = prs_index_open_file(w->x, s->file, &local);
		if (r < 0) {
			if (local.code != -PRS_ENOTFOUND) {
				if (err)
					*err = local;
				return r;
			}
			report_bad(w, id, "its segment file is missing");
			continue;
		}
		r = s->length <= WINDOW ? put_small(w, id, s) : put_large(w, id, s);
		if (r < 0)
			return writing_failed(w, r, err);
		w->ret->ranges++;
	}
	int r = flush_out(w);
	if (!r)
		r = w->fs->fdatasync(w->fs->ctx, w->out);
	return r < 0 ? writing_failed(w, r, err) : 0;
}

static char *folder_of(const char *path)
{
	const char *slash = strrchr(path, '/');
	if (!slash)
		return prs_strdup(".");
	return slash == path ? prs_strdup("/") : prs_strf("%.*s", (int)(slash - path), path);
}

static int check_space(struct work *w, const char *folder, struct prs_err *err)
{
	uint64_t need = 0, have;
	for (uint64_t id = 0; id < w->o->next_id && id < w->x->next_id; id++)
		need += w->x->slots[id].length;
	if (w->fs->free_bytes(w->fs->ctx, folder, &have) == 0 && need > have)
		return prs_fail(err, PRS_ENOSPACE, "the output needs %llu bytes, %s has %llu free", (unsigned long long)need, folder,
		                (unsigned long long)have);
	return 0;
}

/* Does the file hold the bytes that were written? Then it is the output of an engine that died before it could journal it. */
static int is_ours(struct work *w, int fd, bool *ret)
{
	XXH3_state_t *s = XXH3_createState();
	ssize_t n = s ? 0 : -ENOMEM;
	uint64_t at = 0;
	if (s)
		XXH3_128bits_reset(s);
	while (s && !canceled(w) && (n = w->fs->pread(w->fs->ctx, fd, w->space, OUT_BYTES, at)) > 0) {
		XXH3_128bits_update(s, w->space, (size_t)n);
		at += (uint64_t)n;
	}
	*ret = n == 0 && at == w->written && XXH128_isEqual(XXH3_128bits_digest(s), XXH3_128bits_digest(w->print));
	XXH3_freeState(s);
	return (int)n;
}

static int check_replaces(struct work *w, struct prs_err *err)
{
	if (w->o->overwrite)
		return 0;
	int fd = w->fs->open(w->fs->ctx, w->o->path, O_RDONLY, 0);
	if (fd == -ENOENT)
		return 0;
	bool ours = false;
	int r = fd < 0 ? fd : is_ours(w, fd, &ours);
	if (fd >= 0)
		w->fs->close(w->fs->ctx, fd);
	if (r < 0)
		return prs_fail_errno(err, -r, "reading %s", w->o->path);
	if (canceled(w))
		return interrupted(w, err);
	return ours ? 0 : prs_fail(err, PRS_EOUTPUT_EXISTS, "the output file %s exists; --overwrite replaces it", w->o->path);
}

static int publish(struct work *w, const char *dir, const char *tmp, const char *folder, struct prs_err *err)
{
	int r = prs_store_check_fence(w->fs, dir, w->o->epoch, err);
	if (!r)
		r = check_replaces(w, err);
	if (r < 0)
		return r;
	if (canceled(w))
		return interrupted(w, err);
	PRS_KILL_POINT("store.assemble.before_rename");
	r = w->fs->rename(w->fs->ctx, tmp, w->o->path);
	if (!r)
		r = w->fs->sync_dir(w->fs->ctx, folder);
	if (r < 0)
		return prs_fail_errno(err, -r, "writing %s", w->o->path);
	PRS_KILL_POINT("store.assemble.after_rename");
	return 0;
}

static int run(struct work *w, const char *dir, const char *tmp, const char *folder, struct prs_err *err)
{
	int r = check_space(w, folder, err);
	if (r < 0)
		return r;
	w->out = w->fs->open(w->fs->ctx, tmp, O_RDWR | O_CREAT | O_TRUNC, 0644);
	if (w->out < 0)
		return prs_fail_errno(err, -w->out, "writing %s", w->o->path);
	PRS_KILL_POINT("store.assemble.before_write");
	r = put_all(w, err);
	w->fs->close(w->fs->ctx, w->out);
	if (!r && w->ret->bad)
		r = prs_fail(err, PRS_ECORRUPT, "the rows of %llu mini-batches are damaged", (unsigned long long)w->ret->bad);
	if (!r)
		r = publish(w, dir, tmp, folder, err);
	if (r < 0) {
		w->fs->unlink(w->fs->ctx, tmp);
		return r;
	}
	w->ret->bytes = w->written;
	XXH128_canonical_t c;
	XXH128_canonicalFromHash(&c, XXH3_128bits_digest(w->print));
	memcpy(w->ret->print, c.digest, 16);
	return 0;
}

int prs_assemble(const struct prs_fs *fs, const char *dir, struct prs_index *x, const struct prs_assemble_options *o,
                 void (*bad)(void *ctx, uint64_t id, const char *why), void *ctx, struct prs_assembled *ret, struct prs_err *err)
{
	*ret = (struct prs_assembled){ 0 };
	struct work w = { .fs = fs, .x = x, .o = o, .bad = bad, .ctx = ctx, .ret = ret };
	PRS_AUTOFREE char *folder = folder_of(o->path);
	PRS_AUTOFREE char *tmp = prs_strf("%s.prs-%u.tmp", o->path, o->epoch);
	w.windows = prs_calloc(x->files_n + 1, sizeof *w.windows);
	w.space = prs_malloc(OUT_BYTES);
	w.print = XXH3_createState();
	int r;
	if (!folder || !tmp || !w.windows || !w.space || !w.print) {
		r = prs_fail(err, PRS_ENOMEM, "writing %s", o->path);
	} else {
		XXH3_128bits_reset(w.print);
		r = run(&w, dir, tmp, folder, err);
	}
	prs_index_close_files(x);
	for (uint32_t i = 0; w.windows && i < x->files_n; i++)
		prs_freep(&w.windows[i].data);
	prs_freep(&w.windows);
	prs_freep(&w.space);
	prs_freep(&w.header);
	XXH3_freeState(w.print);
	return r;
}
