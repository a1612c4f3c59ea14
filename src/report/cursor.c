/* SPDX-License-Identifier: Apache-2.0
 * cursor: logs/.cursor: up to which fact the logs are written, and how long each one is. Replaced atomically after each
 * flush.
 *
 *   prs-cursor 1
 *   run <32 hex>
 *   at <epoch> <frame offset> <offset in its body>
 *   tick <µs>                        next progress line of the overview
 *   file <bytes> <log number> <name> one line a log
 *   sum <8 hex>                      checksum of the bytes above
 *
 * On opening every log is cut to its length here. A log that is missing or shorter, or a cursor that cannot be read:
 * all logs are written again from the first fact (they are functions of the journal).
 */
#include "report/impl.h"

#include "base/mem.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

enum { CURSOR_MAX_BYTES = 1 << 20 };

static void run_hex(const struct prs_report *r, char to[33])
{
	for (unsigned i = 0; i < 16; i++)
		snprintf(to + 2 * i, 3, "%02x", r->c.run.bytes[i]);
}

/* ---- writing ----------------------------------------------------------------------------------------------------- */

static void put_cursor(struct prs_report *r, struct prs_buf *b)
{
	char run[33];
	const struct report_pos *at = &r->reader.pos;
	run_hex(r, run);
	prs_buf_putf(b, "prs-cursor 1\nrun %s\nat %" PRIu32 " %" PRIu64 " %" PRIu64 "\ntick %" PRIu64 "\n", run,
	             at->epoch, at->frame, at->body_at, r->next_tick_us);
	for (size_t i = 0; i < r->files_n; i++)
		if (r->files[i]->length > 0)
			prs_buf_putf(b, "file %" PRIu64 " %u %s\n", r->files[i]->length, (unsigned)r->files[i]->log,
			             r->files[i]->name);
	prs_buf_putf(b, "sum %08" PRIx32 "\n", prs_checksum(b->data, b->len));
}

int report_cursor_write(struct prs_report *r, struct prs_err *err)
{
	PRS_AUTOFREE struct report_whole *w = prs_malloc(sizeof *w);
	if (!w)
		return prs_fail(err, PRS_ENOMEM, "out of memory");
	report_whole_begin(r, w, "logs/.cursor");
	put_cursor(r, &w->buf);
	return report_whole_end(r, w, err);
}

/* ---- reading ----------------------------------------------------------------------------------------------------- */

static int read_whole(struct prs_report *r, const char *path, struct prs_buf *to)
{
	int fd = r->fs->open(r->fs->ctx, path, O_RDONLY | PRS_O_OWN, 0);
	if (fd < 0)
		return fd;
	ssize_t n = 1;
	while (n > 0) {
		uint8_t *p = prs_buf_reserve(to, 4096);
		n = p ? r->fs->pread(r->fs->ctx, fd, p, 4096, to->len) : -ENOMEM;
		to->len += n > 0 ? (size_t)n : 0;
	}
	r->fs->close(r->fs->ctx, fd);
	return (int)n;
}

static bool take_file(struct prs_report *r, const char *line)
{
	uint64_t length;
	unsigned log;
	int name = 0;
	if (sscanf(line, "file %" SCNu64 " %u %n", &length, &log, &name) != 2 || name == 0 || log > REPORT_PROCESS ||
	    strstr(line + name, ".."))
		return false;
	struct report_file *f = report_file_get(r, (enum report_log)log, line + name);
	if (!f)
		return false;
	f->length = length;
	f->known = true;
	return true;
}

static bool take_lines(struct prs_report *r, char *text)
{
	char run[33], want[33];
	unsigned version;
	uint32_t epoch;
	run_hex(r, want);
	char *rest = NULL, *line = strtok_r(text, "\n", &rest);
	if (!line || sscanf(line, "prs-cursor %u", &version) != 1 || version != 1)
		return false;
	line = strtok_r(NULL, "\n", &rest);
	if (!line || sscanf(line, "run %32s", run) != 1 || strcmp(run, want) != 0)
		return false;
	line = strtok_r(NULL, "\n", &rest);
	if (!line || sscanf(line, "at %" SCNu32 " %" SCNu64 " %" SCNu64, &epoch, &r->from.frame, &r->from.body_at) != 3)
		return false;
	line = strtok_r(NULL, "\n", &rest);
	if (!line || sscanf(line, "tick %" SCNu64, &r->from_tick) != 1)
		return false;
	while ((line = strtok_r(NULL, "\n", &rest)))
		if (!take_file(r, line))
			return false;
	r->from.epoch = epoch;
	return true;
}

/* Cut off the line with the checksum if it is right. */
static bool checked(struct prs_buf *b)
{
	enum { SUM_BYTES = 13 }; /* "sum xxxxxxxx\n" */
	if (b->len < SUM_BYTES || memcmp(b->data + b->len - SUM_BYTES, "sum ", 4) != 0)
		return false;
	char sum[SUM_BYTES + 1];
	snprintf(sum, sizeof sum, "sum %08" PRIx32 "\n", prs_checksum(b->data, b->len - SUM_BYTES));
	if (memcmp(sum, b->data + b->len - SUM_BYTES, SUM_BYTES) != 0)
		return false;
	b->len -= SUM_BYTES;
	return true;
}

static bool cut(struct prs_report *r, const struct report_file *f)
{
	char full[PATH_MAX];
	struct prs_fs_stat st;
	snprintf(full, sizeof full, "%s/logs/%s", r->dir, f->name);
	if (!f->known || f->length == 0) /* emptied when it is opened for the first line */
		return true;
	int fd = r->fs->open(r->fs->ctx, full, O_WRONLY | PRS_O_OWN, 0);
	if (fd < 0)
		return false;
	bool fits = r->fs->fstat(r->fs->ctx, fd, &st) >= 0 && st.size >= f->length &&
	            (st.size == f->length || r->fs->ftruncate(r->fs->ctx, fd, f->length) >= 0);
	r->fs->close(r->fs->ctx, fd);
	return fits;
}

/* Logs that no line of the cursor names and that will not be opened soon hold bytes behind the cursor: away with
 * them. */
static void drop_unknown(struct prs_report *r)
{
	for (size_t i = 0; i < REPORT_FIXED; i++) {
		char full[PATH_MAX];
		snprintf(full, sizeof full, "%s/logs/%s", r->dir, r->files[i]->name);
		if (!r->files[i]->known)
			r->fs->unlink(r->fs->ctx, full);
	}
	report_files_purge(r);
}

int report_cursor_open(struct prs_report *r, struct prs_err *err)
{
	char path[PATH_MAX];
	PRS_AUTOBUF b;
	prs_buf_init(&b, CURSOR_MAX_BYTES);
	snprintf(path, sizeof path, "%s/logs/.cursor", r->dir);
	bool good = read_whole(r, path, &b) >= 0 && checked(&b) && prs_buf_str(&b)[0] && take_lines(r, (char *)b.data);
	for (size_t i = 0; good && i < r->files_n; i++)
		good = cut(r, r->files[i]);
	if (r->broken)
		return prs_fail(err, PRS_ENOMEM, "out of memory");
	if (!good) {
		r->from = (struct report_pos){ .epoch = 0 };
		report_files_restart(r);
	}
	drop_unknown(r);
	return 0;
}
