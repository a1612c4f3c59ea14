/* SPDX-License-Identifier: Apache-2.0
 * reader: the chain of journals as one stream of facts, with a position that can be kept.
 *
 * The facts of an old epoch are valid up to the length that its successor's HEAD sealed; those of the newest one up to
 * `durable`. A frame below these marks that is not whole is damage (PRS_ECORRUPT).
 */
#include "report/impl.h"

#include "base/mem.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>

void report_reader_init(struct report_reader *d) { *d = (struct report_reader){ .fd = -1 }; }

void report_reader_done(struct prs_report *r)
{
	if (r->reader.fd >= 0)
		r->fs->close(r->fs->ctx, r->reader.fd);
	prs_freep(&r->reader.chain);
	prs_freep(&r->reader.window);
	report_reader_init(&r->reader);
}

static int open_journal(struct prs_report *r, uint32_t epoch, struct prs_err *err)
{
	char path[PATH_MAX];
	uint8_t head[PRS_FILE_HEADER_BYTES];
	snprintf(path, sizeof path, "%s/journal-%u", r->dir, epoch);
	int fd = r->fs->open(r->fs->ctx, path, O_RDONLY | PRS_O_OWN, 0);
	if (fd < 0)
		return prs_fail_errno(err, -fd, "cannot read %s", path);
	ssize_t n = r->fs->pread(r->fs->ctx, fd, head, sizeof head, 0);
	int rc = n < 0 ? prs_fail_errno(err, (int)-n, "cannot read %s", path)
	               : prs_file_header_check(head, (size_t)n, PRS_FILE_JOURNAL, &r->c.run, err);
	if (rc < 0) {
		r->fs->close(r->fs->ctx, fd);
		return rc;
	}
	return fd;
}

/* Put the bytes from pos.frame on into the window, at least `need`; 0, or a negative code when they are not there. */
static int fill(struct prs_report *r, uint64_t end, size_t need, struct prs_err *err)
{
	struct report_reader *d = &r->reader;
	uint64_t at = d->pos.frame;
	if (at >= d->window_at && at + need <= d->window_at + d->window_n)
		return 0;
	uint64_t want = end - at < REPORT_WINDOW_BYTES ? end - at : REPORT_WINDOW_BYTES;
	if (want < need)
		want = need;
	if (want > d->window_cap) {
		uint8_t *grown = prs_realloc(d->window, (size_t)want);
		if (!grown)
			return prs_fail(err, PRS_ENOMEM, "out of memory reading the journal");
		d->window = grown;
		d->window_cap = (size_t)want;
	}
	d->window_at = at;
	d->window_n = 0;
	while (d->window_n < want) {
		ssize_t n = r->fs->pread(r->fs->ctx, d->fd, d->window + d->window_n, (size_t)want - d->window_n,
		                         at + d->window_n);
		if (n == -EINTR)
			continue;
		if (n < 0)
			return prs_fail_errno(err, (int)-n, "cannot read journal-%u", d->pos.epoch);
		if (n == 0)
			break;
		d->window_n += (size_t)n;
	}
	return d->window_n >= need ? 0
	                           : prs_fail(err, PRS_ECORRUPT, "journal-%u ends at %llu, inside a frame",
	                                      d->pos.epoch, (unsigned long long)(at + d->window_n));
}

/* Load the frame at pos.frame. 1 = there is one, 0 = end of this journal. */
static int load_frame(struct prs_report *r, struct prs_err *err)
{
	struct report_reader *d = &r->reader;
	uint64_t end = d->chain[d->at].end;
	if (d->pos.frame >= end)
		return 0;
	struct prs_frame f;
	int rc = end - d->pos.frame < PRS_FRAME_HEADER_BYTES ? -PRS_ECORRUPT
	                                                     : fill(r, end, PRS_FRAME_HEADER_BYTES, err);
	if (rc < 0 && rc != -PRS_ECORRUPT)
		return rc;
	bool good = rc == 0 &&
	            prs_frame_get(d->window + (d->pos.frame - d->window_at), PRS_FRAME_HEADER_BYTES, d->pos.frame,
	                          &f) &&
	            f.body_bytes <= PRS_FRAME_MAX_BYTES &&
	            end - d->pos.frame >= PRS_FRAME_HEADER_BYTES + (uint64_t)f.body_bytes;
	if (good) {
		rc = fill(r, end, PRS_FRAME_HEADER_BYTES + (size_t)f.body_bytes, err);
		if (rc < 0)
			return rc;
		d->body = d->window + (d->pos.frame - d->window_at) + PRS_FRAME_HEADER_BYTES;
		d->body_bytes = f.body_bytes;
		good = prs_checksum(d->body, d->body_bytes) == f.body_sum;
	}
	if (!good) {
		d->body = NULL;
		return prs_fail(err, PRS_ECORRUPT, "journal-%u is damaged at offset %llu", d->pos.epoch,
		                (unsigned long long)d->pos.frame);
	}
	return 1;
}

int report_reader_seek(struct prs_report *r, size_t at, uint64_t frame, uint64_t body_at)
{
	struct report_reader *d = &r->reader;
	if (d->fd >= 0)
		r->fs->close(r->fs->ctx, d->fd);
	d->fd = -1;
	d->at = at;
	d->pos = (struct report_pos){ .epoch = d->chain[at].epoch, .frame = frame, .body_at = body_at };
	d->body = NULL;
	d->window_n = 0;
	return 0;
}

bool report_reader_more(const struct prs_report *r)
{
	const struct report_reader *d = &r->reader;
	return d->chain_n > 0 && (d->at + 1 < d->chain_n || d->pos.frame < d->chain[d->at].end);
}

int report_reader_next(struct prs_report *r, struct prs_fact *ret, struct prs_err *err)
{
	struct report_reader *d = &r->reader;
	for (;;) {
		if (d->fd < 0) {
			int fd = open_journal(r, d->pos.epoch, err);
			if (fd < 0)
				return fd;
			d->fd = fd;
		}
		int rc = d->body ? 1 : load_frame(r, err);
		if (rc < 0)
			return rc;
		if (rc == 0) {
			if (d->at + 1 >= d->chain_n)
				return 0;
			report_reader_seek(r, d->at + 1, PRS_FILE_HEADER_BYTES, 0);
			continue;
		}
		size_t offset = (size_t)d->pos.body_at;
		d->record = d->pos.frame + PRS_FRAME_HEADER_BYTES + offset;
		rc = prs_fact_next(d->body, d->body_bytes, &offset, ret, err);
		if (rc < 0)
			return prs_wrap(err, "journal-%u, frame at %llu", d->pos.epoch,
			                (unsigned long long)d->pos.frame);
		d->pos.body_at = offset;
		if (rc == 0 || offset >= d->body_bytes) { /* the position behind the last record is the next frame */
			d->pos.frame += PRS_FRAME_HEADER_BYTES + d->body_bytes;
			d->pos.body_at = 0;
			d->body = NULL; /* its bytes stay in the window until the next fill */
		}
		if (rc == 1)
			return 1;
	}
}

/* The HEAD of journal-<epoch>: its previous epoch and that one's sealed length. */
static int read_head(struct prs_report *r, uint32_t epoch, uint32_t *ret_previous, uint64_t *ret_sealed,
                     struct prs_err *err)
{
	struct report_reader *d = &r->reader;
	struct report_link one = { .epoch = epoch, .end = UINT64_MAX >> 1 };
	struct report_link *chain = d->chain;
	struct prs_fact f;
	d->chain = &one;
	size_t n = d->chain_n;
	d->chain_n = 1;
	report_reader_seek(r, 0, PRS_FILE_HEADER_BYTES, 0);
	int rc = report_reader_next(r, &f, err);
	d->chain = chain;
	d->chain_n = n;
	if (rc < 0)
		return rc;
	if (rc == 0 || f.type != PRS_FACT_HEAD)
		return prs_fail(err, PRS_ECORRUPT, "journal-%u does not begin with a HEAD", epoch);
	if (f.u.head.previous >= epoch)
		return prs_fail(err, PRS_ECORRUPT, "journal-%u names journal-%u as its predecessor", epoch,
		                f.u.head.previous);
	*ret_previous = f.u.head.previous;
	*ret_sealed = f.u.head.sealed_journal;
	return 0;
}

int report_reader_chain(struct prs_report *r, uint32_t epoch, struct prs_err *err)
{
	struct report_reader *d = &r->reader;
	uint64_t end = PRS_FILE_HEADER_BYTES;
	d->chain_n = 0;
	for (uint32_t e = epoch; e != 0;) {
		struct report_link *grown = prs_realloc(d->chain, (d->chain_n + 1) * sizeof *grown);
		if (!grown)
			return prs_fail(err, PRS_ENOMEM, "out of memory");
		d->chain = grown;
		memmove(grown + 1, grown, d->chain_n * sizeof *grown);
		grown[0] = (struct report_link){ .epoch = e, .end = end };
		d->chain_n++;
		int rc = read_head(r, e, &e, &end, err);
		if (rc < 0) {
			d->chain_n = 0;
			return rc;
		}
	}
	report_reader_seek(r, 0, PRS_FILE_HEADER_BYTES, 0);
	return 0;
}

int report_reader_again(struct prs_report *r, uint32_t epoch, uint64_t offset, struct prs_buf *to, struct prs_fact *ret)
{
	int own = epoch == r->reader.pos.epoch ? r->reader.fd : -1;
	int fd = own >= 0 ? own : open_journal(r, epoch, NULL);
	if (fd < 0)
		return fd;
	prs_buf_clear(to);
	size_t want = 1024;
	int rc = -PRS_ECORRUPT;
	for (;;) {
		uint8_t *p = prs_buf_reserve(to, want);
		ssize_t n = p ? r->fs->pread(r->fs->ctx, fd, p, want, offset) : -ENOMEM;
		size_t len = n >= 8 ? 8 + ((size_t)prs_get32(p + 4) + 7) / 8 * 8 : SIZE_MAX;
		if (len > (size_t)PRS_FRAME_MAX_BYTES || (len > want ? (size_t)n < want : (size_t)n < len))
			break;
		if (len <= want) {
			size_t at = 0;
			rc = prs_fact_next(p, len, &at, ret, NULL) == 1 ? 0 : -PRS_ECORRUPT;
			break;
		}
		want = len;
	}
	if (own < 0)
		r->fs->close(r->fs->ctx, fd);
	return rc;
}
