/* SPDX-License-Identifier: Apache-2.0
 * assemble_sink: tables that another process makes a file of (base/table_sink.h): parquet. It is given what was
 * checked, in order, and what it wrote is read for the fingerprint.
 *
 * A file that has the name already and may not be replaced is compared with what was written. The same: it stays, and
 * the new one goes.
 */
#include "store/assemble_impl.h"

#include "base/many.h"

#include <errno.h>
#include <string.h>

static int sink_survey(struct work *w, uint64_t id, const struct prs_index_slot *s)
{
	struct sink *k = &w->sink;
	const struct prs_table_sink *to = w->o->sink;
	struct source *src;
	const char *why = NULL;
	uint32_t number;
	int r = source_of(w, s->file, &src);
	if (r < 0)
		return r == -ENOENT ? 0 : r;
	r = header_read(w, src, s);
	if (r)
		return r < 0 ? r : 0;
	XXH128_hash_t print = XXH3_128bits(w->head.bytes.data, w->head.bytes.len);
	if (prs_prints_get(&k->schemas, print, &number))
		return 0;
	r = check_range(w, src, s, &why);
	if (r < 0 || why)
		return r;
	if (prs_prints_put(&k->schemas, print, k->schemas_n++) < 0)
		return -ENOMEM;
	to->schema(to->ctx, id, w->head.bytes.data, w->head.bytes.len, &w->why);
	return told(w);
}

static int sink_start(struct work *w)
{
	struct prs_fs_stat st;
	const struct prs_table_sink *to = w->o->sink;
	w->head.known = false;
	int r = w->fs->fstat(w->fs->ctx, w->out, &st);
	if (r < 0)
		return r;
	to->begin(to->ctx, w->tmp, st.dev, st.ino, &w->why);
	return told(w);
}

static int sink_begin(struct work *w, uint64_t id, const struct prs_index_slot *s)
{
	w->sink.id = id;
	if (s->head_len)
		return 0;
	prs_fail(&w->why, PRS_ECORRUPT, "mini-batch %llu has rows without columns", (unsigned long long)id);
	return told(w);
}

/* The header of a range is whole: its rows follow. */
static int begin_rows(struct work *w, const struct prs_index_slot *s)
{
	struct header *h = &w->head;
	const struct prs_table_sink *to = w->o->sink;
	h->known = h->known || prs_prints_get(&w->sink.schemas, XXH3_128bits(h->bytes.data, h->bytes.len), &h->number);
	if (!h->known) /* it was read and checked a moment ago */
		prs_fail(&w->why, PRS_ECORRUPT, "the columns of mini-batch %llu changed while they were read",
		         (unsigned long long)w->sink.id);
	else
		to->rows(to->ctx, w->sink.id, h->number, s->length - s->head_len, &w->why);
	return told(w);
}

static int sink_part(struct work *w, const struct prs_index_slot *s, const uint8_t *p, size_t n, uint64_t at)
{
	const struct prs_table_sink *to = w->o->sink;
	size_t head;
	if (canceled(w))
		return -ECANCELED;
	if (w->ret->bad && !w->o->partial) /* nothing will be published */
		return 0;
	int r = header_put(w, s, p, n, at, &head);
	if (r == 1)
		r = begin_rows(w, s);
	if (!r && head < n) {
		to->bytes(to->ctx, p + head, n - head, &w->why);
		r = told(w);
	}
	if (w->o->progress)
		__atomic_store_n(w->o->progress, w->ret->rows_bytes, __ATOMIC_RELAXED);
	return r;
}

static int sink_end(struct work *w)
{
	const struct prs_table_sink *to = w->o->sink;
	w->ret->headers_differ += w->head.known && to->differs(to->ctx, w->head.number);
	return 0;
}

/* All of the file; -EEXIST when one that is there holds other bytes. */
static int read_back(struct work *w)
{
	bool same = w->sink.exists >= 0;
	for (;;) {
		ssize_t n = w->fs->pread(w->fs->ctx, w->out, w->space, OUT_BYTES, w->written);
		if (canceled(w))
			return -ECANCELED;
		if (n <= 0)
			return (int)n;
		XXH3_128bits_update(w->print, w->space, (size_t)n);
		for (ssize_t done = 0; same && done < n;) {
			ssize_t got = w->fs->pread(w->fs->ctx, w->sink.exists, w->there, (size_t)(n - done),
			                           w->written + (uint64_t)done);
			if (got <= 0 || memcmp(w->there, w->space + done, (size_t)got) != 0)
				return got < 0 ? (int)got : -EEXIST;
			done += got;
		}
		w->written += (uint64_t)n;
	}
}

static int sink_finish(struct work *w)
{
	const struct prs_table_sink *to = w->o->sink;
	uint64_t rows = 0;
	if (w->ret->bad && !w->o->partial)
		return 0;
	if (to->end(to->ctx, &rows, &w->why) < 0)
		return told(w);
	if (!w->ret->bad && rows != w->o->rows) {
		prs_fail(&w->why, PRS_EHELPER, "%s written, of %llu", prs_many(rows, "row").text,
		         (unsigned long long)w->o->rows);
		return told(w);
	}
	int r = read_back(w);
	if (r < 0 || w->sink.exists < 0)
		return r;
	w->fs->unlink(w->fs->ctx, w->tmp);
	w->fs->close(w->fs->ctx, w->out);
	w->out = w->sink.exists;
	w->sink.exists = -1;
	w->compare = true;
	return 0;
}

const struct shape sink_shape = { .survey = sink_survey,
	                          .start = sink_start,
	                          .begin = sink_begin,
	                          .part = sink_part,
	                          .end = sink_end,
	                          .finish = sink_finish,
	                          .checked = true };
