/* SPDX-License-Identifier: Apache-2.0
 * assemble: committed ranges in id order, checked, into one file that appears whole or not at all.
 *
 * Happy path: check the space, write `.prs-<run>-<epoch>.tmp` beside the file, sync, check the fence, rename, sync
 * the folder. A file that has the name already and may not be replaced is compared with what would be written. The
 * same, byte for byte: it is the output of an engine that died between its rename and its PUBLISHED, and is taken as
 * written now. Anything else: PRS_EOUTPUT_EXISTS.
 */
#include "store/assemble_impl.h"

#include "base/killpoint.h"
#include "base/many.h"
#include "base/mem.h"
#include "base/path.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* ---- the output -------------------------------------------------------------------------------------------------- */

bool canceled(const struct work *w) { return w->o->cancel && __atomic_load_n(w->o->cancel, __ATOMIC_RELAXED); }

static int write_out(struct work *w)
{
	size_t done = 0;
	while (done < w->filled) {
		ssize_t n = w->fs->pwrite(w->fs->ctx, w->out, w->space + done, w->filled - done, w->written + done);
		if (n <= 0)
			return n < 0 ? (int)n : -EIO;
		done += (size_t)n;
	}
	return 0;
}

/* -EEXIST when the file that is there holds other bytes. Once a range is damaged nothing will be published, and the
 * others are looked at. */
static int compare_out(struct work *w)
{
	bool useless = w->ret->bad && !w->o->partial;
	size_t done = 0;
	while (done < w->filled && !useless) {
		ssize_t n = w->fs->pread(w->fs->ctx, w->out, w->there, w->filled - done, w->written + done);
		if (n <= 0 || memcmp(w->there, w->space + done, (size_t)n) != 0)
			return n < 0 ? (int)n : -EEXIST;
		done += (size_t)n;
	}
	return 0;
}

int flush_out(struct work *w)
{
	if (canceled(w))
		return -ECANCELED;
	int r = w->compare ? compare_out(w) : write_out(w);
	if (r < 0)
		return r;
	w->written += w->filled;
	w->filled = 0;
	if (w->o->progress)
		__atomic_store_n(w->o->progress, w->written, __ATOMIC_RELAXED);
	return 0;
}

int put_out(struct work *w, const uint8_t *p, size_t n)
{
	XXH3_128bits_update(w->print, p, n);
	while (n) {
		size_t take = OUT_BYTES - w->filled < n ? OUT_BYTES - w->filled : n;
		memcpy(w->space + w->filled, p, take);
		w->filled += take;
		p += take;
		n -= take;
		int r = w->filled == OUT_BYTES ? flush_out(w) : 0;
		if (r < 0)
			return r;
	}
	return 0;
}

/* ---- sources ----------------------------------------------------------------------------------------------------- */

static void close_source(struct work *w, struct source *s)
{
	if (s->fd >= 0)
		w->fs->close(w->fs->ctx, s->fd);
	s->fd = -1;
}

static int open_source(struct work *w, uint32_t file, struct source *s)
{
	char path[PATH_MAX];
	close_source(w, s);
	if (!s->data && !(s->data = prs_malloc(WINDOW)))
		return -ENOMEM;
	prs_index_path(w->x, file, path, sizeof path);
	int fd = w->fs->open(w->fs->ctx, path, O_RDONLY | PRS_O_OWN, 0);
	if (fd < 0)
		return fd;
	s->file = file;
	s->fd = fd;
	s->len = 0;
	return 0;
}

int source_of(struct work *w, uint32_t file, struct source **ret)
{
	struct source *best = &w->sources[0];
	for (int i = 0; i < SOURCES; i++) {
		struct source *s = &w->sources[i];
		if (s->fd >= 0 && s->file == file) {
			best = s;
			break;
		}
		if (s->fd < 0 ? best->fd >= 0 : best->fd >= 0 && s->used < best->used)
			best = s;
	}
	*ret = best;
	best->used = ++w->uses;
	return best->fd >= 0 && best->file == file ? 0 : open_source(w, file, best);
}

/* n (<= WINDOW) bytes; *ret NULL when the file ends before. */
static int source_bytes(struct work *w, struct source *s, uint64_t offset, size_t n, const uint8_t **ret)
{
	*ret = NULL;
	if (offset < s->at || offset + n > s->at + s->len) {
		size_t got = 0;
		while (got < WINDOW) {
			ssize_t r = w->fs->pread(w->fs->ctx, s->fd, s->data + got, WINDOW - got, offset + got);
			if (r < 0)
				return (int)r;
			if (r == 0)
				break;
			got += (size_t)r;
		}
		s->at = offset;
		s->len = got;
	}
	if (offset + n <= s->at + s->len)
		*ret = s->data + (offset - s->at);
	return 0;
}

/* ---- ranges ------------------------------------------------------------------------------------------------------ */

static int put_part(struct work *w, const struct prs_index_slot *s, const uint8_t *p, size_t n, uint64_t at)
{
	uint64_t left = at < s->head_len ? s->head_len - at : 0; /* of the header */
	w->ret->rows_bytes += left < n ? n - left : 0;
	return w->shape->part(w, s, p, n, at);
}

static const char behind_end[] = "its rows lie behind the end of their segment file";
static const char no_match[] = "its rows do not match their checksum";

static int report_bad(struct work *w, uint64_t id, const char *why)
{
	w->ret->bad++;
	if (w->bad)
		w->bad(w->ctx, id, why);
	return 0;
}

/* A range of up to WINDOW bytes: checked, then written. */
static int put_small(struct work *w, struct source *src, const struct prs_index_slot *s, const char **ret_why)
{
	const uint8_t *p;
	int r = source_bytes(w, src, s->offset, (size_t)s->length, &p);
	if (r < 0)
		return r;
	if (!p)
		*ret_why = behind_end;
	else if (prs_checksum(p, (size_t)s->length) != s->checksum)
		*ret_why = no_match;
	return *ret_why ? 0 : put_part(w, s, p, (size_t)s->length, 0);
}

/* A larger one: read once to check it, or once to check and write it. */
static int walk(struct work *w, struct source *src, const struct prs_index_slot *s, bool write, const char **ret_why)
{
	XXH3_state_t *sum = XXH3_createState();
	int r = sum ? 0 : -ENOMEM;
	if (sum)
		XXH3_64bits_reset(sum);
	for (uint64_t done = 0; done < s->length && !r && !*ret_why;) {
		size_t n = s->length - done < WINDOW ? (size_t)(s->length - done) : WINDOW;
		const uint8_t *p = NULL;
		r = source_bytes(w, src, s->offset + done, n, &p);
		if (p) {
			XXH3_64bits_update(sum, p, n);
			r = write ? put_part(w, s, p, n, done) : 0;
		} else {
			*ret_why = behind_end;
		}
		done += n;
	}
	if (!r && !*ret_why && (uint32_t)XXH3_64bits_digest(sum) != s->checksum)
		*ret_why = no_match;
	XXH3_freeState(sum);
	return r;
}

int check_range(struct work *w, struct source *src, const struct prs_index_slot *s, const char **ret_why)
{
	return walk(w, src, s, false, ret_why);
}

/* A bad one spoils the file, which is then not published; a partial output is, so there they are checked before. */
static int put_large(struct work *w, struct source *src, const struct prs_index_slot *s, const char **ret_why)
{
	int r = w->o->partial || w->shape->checked ? walk(w, src, s, false, ret_why) : 0;
	return r < 0 || *ret_why ? r : walk(w, src, s, true, ret_why);
}

static int put_range(struct work *w, uint64_t id, const struct prs_index_slot *s)
{
	struct source *src;
	const char *why = NULL;
	PRS_KILL_POINT("store.assemble.range");
	int r = source_of(w, s->file, &src);
	if (r == -ENOENT)
		return report_bad(w, id, "its segment file is missing");
	if (r < 0)
		return r;
	r = w->shape->begin(w, id, s);
	if (!r)
		r = s->length <= WINDOW ? put_small(w, src, s, &why) : put_large(w, src, s, &why);
	if (r < 0 || why)
		return r < 0 ? r : report_bad(w, id, why);
	w->ret->ranges++;
	return w->shape->end(w);
}

/* Before anything is written. What is bad or missing is told when it is to be put. */
static int survey_range(struct work *w, uint64_t id, const struct prs_index_slot *s)
{
	return s->head_len ? w->shape->survey(w, id, s) : 0;
}

static bool has_bytes(const struct prs_index_slot *s)
{
	return (s->flags & PRS_SLOT_USED) && !(s->flags & PRS_SLOT_EMPTY);
}

typedef int range_fn(struct work *w, uint64_t id, const struct prs_index_slot *s);

/* The parts of a split mini-batch, from *at on. */
static int each_part(struct work *w, uint64_t id, uint64_t *at, range_fn *fn)
{
	int r = 0;
	for (; *at < w->x->parts_n && w->x->parts[*at].unit.id < id; ++*at)
		;
	for (; *at < w->x->parts_n && w->x->parts[*at].unit.id == id && !r; ++*at)
		if (has_bytes(&w->x->parts[*at].slot))
			r = fn(w, id, &w->x->parts[*at].slot);
	return r;
}

static int each_range(struct work *w, range_fn *fn)
{
	uint64_t part = 0;
	int r = 0;
	for (uint64_t id = 0; id < w->o->next_id && id < w->x->next_id && !r; id++) {
		const struct prs_index_slot *s = &w->x->slots[id];
		if (id % CANCEL_EVERY == 0 && canceled(w))
			return -ECANCELED;
		r = has_bytes(s) ? fn(w, id, s) : each_part(w, id, &part, fn);
	}
	return r;
}

static int put_ranges(struct work *w)
{
	prs_index_sort_parts(w->x);
	int r = w->shape->survey ? each_range(w, survey_range) : 0;
	if (!r && w->shape->start)
		r = w->shape->start(w);
	if (!r)
		r = each_range(w, put_range);
	return r ? r : w->shape->finish(w);
}

/* ---- headers that are more than text ----------------------------------------------------------------------------- */

int told(const struct work *w) { return w->why.code ? -EBADMSG : 0; }

int header_read(struct work *w, struct source *src, const struct prs_index_slot *s)
{
	struct prs_buf *b = &w->head.bytes;
	prs_buf_clear(b);
	if (s->head_len > s->length)
		return 1;
	uint8_t *to = prs_buf_reserve(b, s->head_len);
	if (!to)
		return -ENOMEM;
	while (b->len < s->head_len) {
		ssize_t n = w->fs->pread(w->fs->ctx, src->fd, to + b->len, s->head_len - b->len, s->offset + b->len);
		if (n <= 0)
			return n < 0 ? (int)n : 1;
		b->len += (size_t)n;
	}
	return 0;
}

static bool is_last(const struct header *h, const uint8_t *p, size_t n)
{
	return h->known && h->bytes.len == n && !memcmp(h->bytes.data, p, n);
}

int header_put(struct work *w, const struct prs_index_slot *s, const uint8_t *p, size_t n, uint64_t at, size_t *ret_n)
{
	struct header *h = &w->head;
	uint64_t left = at < s->head_len ? s->head_len - at : 0;
	*ret_n = left < n ? (size_t)left : n;
	if (!*ret_n)
		return 0;
	if (at == 0 && *ret_n == s->head_len && is_last(h, p, *ret_n))
		return 1;
	if (at == 0) {
		prs_buf_clear(&h->bytes);
		h->known = false;
	}
	if (prs_buf_put(&h->bytes, p, *ret_n) < 0)
		return -ENOMEM;
	return at + *ret_n == s->head_len;
}

/* ---- text: rows as they are, behind the first header ------------------------------------------------------------- */

static int text_begin(struct work *w, uint64_t id, const struct prs_index_slot *s)
{
	(void)id;
	w->first_header = s->head_len && !w->has_header;
	w->header_differs = s->head_len && !w->first_header && s->head_len != w->header.len;
	w->range_header = s->head_len;
	return 0;
}

/* Bytes [at, at + n) of a header: the first one is written and kept, the others are compared with it. */
static int put_header(struct work *w, const uint8_t *p, size_t n, uint64_t at)
{
	if (w->first_header)
		return prs_buf_put(&w->header, p, n) < 0 ? -ENOMEM : put_out(w, p, n);
	w->header_differs = w->header_differs ||
	                    memcmp(w->header.data + at, p, n) != 0; /* of the same length, or it differs already */
	return 0;
}

static int text_part(struct work *w, const struct prs_index_slot *s, const uint8_t *p, size_t n, uint64_t at)
{
	uint64_t left = at < s->head_len ? s->head_len - at : 0;
	size_t head = left < n ? (size_t)left : n;
	int r = head ? put_header(w, p, head, at) : 0;
	return r < 0 ? r : put_out(w, p + head, n - head);
}

static int text_end(struct work *w)
{
	w->has_header = w->has_header || w->range_header;
	w->ret->headers_differ += w->header_differs;
	return 0;
}

static const struct shape text_shape = { .begin = text_begin, .part = text_part, .end = text_end, .finish = flush_out };

static const struct shape *shape_of(const struct prs_assemble_options *o)
{
	enum prs_output_format f = o->format;
	if (o->sink)
		return &sink_shape;
	return f == PRS_OUTPUT_CSV || f == PRS_OUTPUT_TSV ? &table_shape : &text_shape;
}

/* ---- from beginning to end --------------------------------------------------------------------------------------- */

static int exists(const struct work *w, struct prs_err *err)
{
	return prs_fail(err, PRS_EOUTPUT_EXISTS, "the output file %s exists; --overwrite replaces it", w->o->path);
}

static int check_fence(const struct work *w, struct prs_err *err)
{
	return w->o->partial ? 0 : prs_store_check_fence(w->fs, w->dir, w->o->epoch, err);
}

/* What went wrong may be that an engine that took over has removed our file. */
static int said(const struct work *w, struct prs_err *err)
{
	int fence = check_fence(w, err);
	if (fence < 0)
		return fence;
	if (err)
		*err = w->why;
	return w->why.code;
}

static int failed(const struct work *w, int r, struct prs_err *err)
{
	if (r == -EBADMSG && !canceled(w)) /* the sink of one that is canceled was killed */
		return said(w, err);
	if (r == -ECANCELED || r == -EBADMSG)
		return prs_fail(err, PRS_EINTERRUPTED, "interrupted while writing %s", w->o->path);
	return r == -EEXIST ? exists(w, err) : prs_fail_errno(err, -r, "writing %s", w->o->path);
}

static int check_space(struct work *w, struct prs_err *err)
{
	uint64_t need = 0, have;
	for (uint64_t id = 0; id < w->o->next_id && id < w->x->next_id; id++)
		need += w->x->slots[id].length;
	for (uint64_t i = 0; i < w->x->parts_n; i++)
		need += w->x->parts[i].slot.length;
	if (w->fs->free_bytes(w->fs->ctx, w->folder, &have) == 0 && need > have)
		return prs_fail(err, PRS_ENOSPACE, "the output needs %llu bytes, %s has %llu free",
		                (unsigned long long)need, w->folder, (unsigned long long)have);
	return 0;
}

static char *tmp_name(const struct work *w, uint32_t epoch)
{
	char run[33];
	for (int i = 0; i < 16; i++)
		snprintf(run + 2 * i, 3, "%02x", w->o->run->bytes[i]);
	return prs_strf("%s/.prs-%s-%u.tmp", w->folder, run, epoch);
}

/* What engines before us left when they were killed; one that is not dead yet finds nothing to rename. Those that write
 * a partial output are no series of lives: several may be at work at the same time. */
static int remove_stale(struct work *w, struct prs_err *err)
{
	uint32_t epoch = w->o->epoch > STALE_MAX ? w->o->epoch - STALE_MAX : 1;
	if (w->o->partial)
		epoch = w->o->epoch;
	for (; epoch <= w->o->epoch; epoch++) {
		PRS_AUTOFREE char *stale = tmp_name(w, epoch);
		if (!stale)
			return failed(w, -ENOMEM, err);
		w->fs->unlink(w->fs->ctx, stale);
	}
	return 0;
}

static bool is_of_no_use(int r) { return r == -EPERM || r == -EOPNOTSUPP || r == -ENOSYS || r == -EINVAL; }

/* The new file is as open as the one that it replaces; where it cannot have its group, that gets what all get. Before
 * there is anything in it. */
static int keep_mode(struct work *w, const struct prs_fs_stat *was)
{
	struct prs_fs_stat now;
	uint32_t mode = was->mode & 0777;
	int r = w->fs->chown(w->fs->ctx, w->out, was->uid, was->gid);
	if (r < 0) /* we are not root */
		w->fs->chown(w->fs->ctx, w->out, (uint32_t)-1, was->gid);
	r = w->fs->fstat(w->fs->ctx, w->out, &now);
	if (r < 0)
		return r;
	if (now.gid != was->gid)
		mode = (mode & 0707) | (mode & (mode & 07) << 3);
	r = w->fs->chmod(w->fs->ctx, w->out, mode);
	return is_of_no_use(r) ? 0 : r; /* a file system without permissions */
}

static int open_new(struct work *w, struct prs_err *err)
{
	struct prs_fs_stat was;
	bool replaces = w->o->overwrite && w->fs->stat(w->fs->ctx, w->o->path, &was) == 0 && S_ISREG(was.mode);
	int r = w->o->sink ? 0 : check_space(w, err); /* how small it makes them is not known */
	if (r < 0)
		return r;
	int mode = w->o->sink ? O_RDWR : O_WRONLY; /* what a sink has written is read */
	w->out = w->fs->open(w->fs->ctx, w->tmp, mode | O_CREAT | O_EXCL, replaces ? 0600 : 0644);
	if (w->out < 0)
		return failed(w, w->out, err);
	r = replaces ? keep_mode(w, &was) : 0;
	if (r >= 0)
		return 0;
	w->fs->close(w->fs->ctx, w->out);
	w->fs->unlink(w->fs->ctx, w->tmp);
	return failed(w, r, err);
}

static int open_out(struct work *w, struct prs_err *err)
{
	struct prs_fs_stat st;
	int r = w->o->overwrite ? -ENOENT : w->fs->stat(w->fs->ctx, w->o->path, &st);
	if (r < 0 && r != -ENOENT)
		return failed(w, r, err);
	if (!r && !S_ISREG(st.mode))
		return exists(w, err);
	if (!r) {
		int *to = w->o->sink ? &w->sink.exists : &w->out;
		w->compare = !w->o->sink;
		*to = w->fs->open(w->fs->ctx, w->o->path, O_RDONLY, 0);
		if (*to < 0)
			return failed(w, *to, err);
	}
	return w->compare ? 0 : open_new(w, err);
}

static int publish(struct work *w, struct prs_err *err)
{
	PRS_KILL_POINT("store.assemble.before_rename");
	int r = w->o->overwrite ? w->fs->rename(w->fs->ctx, w->tmp, w->o->path)
	                        : w->fs->rename_new(w->fs->ctx, w->tmp, w->o->path);
	PRS_KILL_POINT("store.assemble.after_rename");
	if (!r)
		return 0;
	int fence = check_fence(w, err); /* an engine that took over has removed our file */
	return fence < 0 ? fence : failed(w, r, err);
}

static int whole(struct work *w, struct prs_err *err)
{
	struct prs_fs_stat st;
	if (w->ret->bad && !w->o->partial)
		return prs_fail(err, PRS_ECORRUPT, "the rows of %s are damaged",
		                prs_many(w->ret->bad, "mini-batch").text);
	int r = w->compare ? w->fs->fstat(w->fs->ctx, w->out, &st) : 0;
	if (!r && w->compare && st.size != w->written)
		return exists(w, err);
	if (!r)
		r = w->fs->fdatasync(w->fs->ctx, w->out);
	return r < 0 ? failed(w, r, err) : check_fence(w, err);
}

/* All rows, synced; or the file that is there holds them. */
static int fill(struct work *w, struct prs_err *err)
{
	PRS_KILL_POINT("store.assemble.before_write");
	int r = put_ranges(w);
	if (r < 0)
		return failed(w, r, err);
	r = whole(w, err);
	if (r < 0)
		return r;
	return canceled(w) ? failed(w, -ECANCELED, err) : 0;
}

/* Under its name, or gone. */
static int close_out(struct work *w, int r, struct prs_err *err)
{
	w->fs->close(w->fs->ctx, w->out);
	if (w->compare)
		return r;
	if (!r)
		r = publish(w, err);
	if (r < 0)
		w->fs->unlink(w->fs->ctx, w->tmp);
	return r;
}

static int assemble(struct work *w, struct prs_err *err)
{
	int r = remove_stale(w, err);
	if (r < 0)
		return r;
	r = open_out(w, err);
	if (r < 0)
		return r;
	r = close_out(w, fill(w, err), err);
	if (r < 0)
		return r;
	r = w->fs->sync_dir(w->fs->ctx, w->folder);
	if (r < 0)
		return failed(w, r, err);
	w->ret->bytes = w->written;
	w->ret->found = w->compare;
	XXH128_canonical_t c;
	XXH128_canonicalFromHash(&c, XXH3_128bits_digest(w->print));
	memcpy(w->ret->print, c.digest, 16);
	return 0;
}

static bool work_init(struct work *w)
{
	for (int i = 0; i < SOURCES; i++)
		w->sources[i].fd = -1;
	prs_buf_init(&w->header, HEADER_MAX);
	prs_buf_init(&w->head.bytes, HEADER_MAX);
	w->sink.exists = -1;
	w->shape = shape_of(w->o);
	w->folder = prs_path_folder(w->o->path);
	w->tmp = w->folder ? tmp_name(w, w->o->epoch) : NULL;
	w->space = prs_malloc(OUT_BYTES);
	w->there = prs_malloc(OUT_BYTES);
	w->print = XXH3_createState();
	if (w->print)
		XXH3_128bits_reset(w->print);
	bool table = w->shape != &table_shape || table_init(&w->table);
	return w->tmp && w->space && w->there && w->print && table;
}

static void work_done(struct work *w)
{
	for (int i = 0; i < SOURCES; i++) {
		close_source(w, &w->sources[i]);
		prs_freep(&w->sources[i].data);
	}
	prs_buf_done(&w->header);
	prs_buf_done(&w->head.bytes);
	table_done(&w->table);
	prs_prints_done(&w->sink.schemas);
	if (w->sink.exists >= 0)
		w->fs->close(w->fs->ctx, w->sink.exists);
	prs_freep(&w->folder);
	prs_freep(&w->tmp);
	prs_freep(&w->space);
	prs_freep(&w->there);
	XXH3_freeState(w->print);
}

int prs_assemble(const struct prs_fs *fs, const char *dir, struct prs_index *x, const struct prs_assemble_options *o,
                 void (*bad)(void *ctx, uint64_t id, const char *why), void *ctx, struct prs_assembled *ret,
                 struct prs_err *err)
{
	struct work w = { .fs = fs, .dir = dir, .x = x, .o = o, .bad = bad, .ctx = ctx, .ret = ret };
	*ret = (struct prs_assembled){ 0 };
	int r = work_init(&w) ? assemble(&w, err) : prs_fail(err, PRS_ENOMEM, "writing %s", o->path);
	work_done(&w);
	return r;
}
