/* SPDX-License-Identifier: Apache-2.0
 * stub_table: the ranges of a task are read whole, and split by the engine's scanner.
 */
#include "stub_table.h"

#include "base/bytes.h"
#include "base/mem.h"
#include "data/scan.h"

#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct reading {
	struct stub_table *s;
	const struct prs_task *t;
	const char *name;
	const uint8_t *bytes; /* of the range */
	uint64_t row;         /* in the file, of the next record */
	uint32_t left, at;    /* rows to pass over; of the unit so far */
	uint64_t rows;        /* of the range */
};

static void end_with(struct stub_table *s, uint16_t code, uint32_t bad_item, const char *format, ...)
	__attribute__((format(printf, 4, 5)));

static void end_with(struct stub_table *s, uint16_t code, uint32_t bad_item, const char *format, ...)
{
	va_list args;
	if (s->code)
		return;
	s->code = code;
	s->bad_item = bad_item;
	va_start(args, format);
	vsnprintf(s->message, sizeof s->message, format, args);
	va_end(args);
}

/* Each schema is there, whole, before anything that names it is leased: else the process ends in a way that no test
 * takes for anything else. */
static void check_schema(const struct stub_table *s, uint32_t schema)
{
	char path[4096], text[1 << 16];
	snprintf(path, sizeof path, "%s/work/schema/%u.json", s->run_folder, schema);
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd >= 0 ? read(fd, text, sizeof text) : -1;
	if (n < 2 || text[0] != '{' || text[n - 1] != '}') {
		fprintf(stderr, "stub: no schema %s\n", path);
		_exit(9);
	}
	close(fd);
}

static const char *name_of(const struct reading *r) { return r->name ? r->name : "spool"; }

static void put_record(struct reading *r, const char *text, size_t n)
{
	struct prs_buf *to = r->s->rows;
	if (r->name)
		prs_buf_putf(to, "%s:%llu: ", r->name, (unsigned long long)r->row);
	for (size_t i = 0; i < n; i++)
		prs_buf_putc(to, text[i] == '\n' || text[i] == '\r' ? '|' : text[i]);
	prs_buf_putc(to, '\n');
	r->s->returned++;
}

static void take(struct reading *r, const char *text, size_t n)
{
	struct stub_table *s = r->s;
	uint32_t item = r->t->item_first + ++r->at;
	PRS_AUTOFREE char *record = strndup(text, n);
	s->meet(record);
	if (strstr(record, "MISFIT"))
		end_with(s, PRS_EVALUE_MISFIT, item, "%s: row %llu: no number: %s", name_of(r),
		         (unsigned long long)r->row, record);
	s->fail = s->fail || strstr(record, "FAIL");
	if (strstr(record, "GONE"))
		s->removed++;
	else if (!strstr(record, "SHORT"))
		put_record(r, text, n);
}

static int stub_record(void *ctx, const struct prs_slice *slice, struct prs_err *err)
{
	struct reading *r = ctx;
	const char *text = (const char *)r->bytes + slice->offset;
	size_t n = slice->bytes;
	(void)err;
	while (n && (text[n - 1] == '\n' || text[n - 1] == '\r'))
		n--;
	while (n && (text[0] == '\n' || text[0] == '\r')) { /* empty records stand in front of the next one */
		text++;
		n--;
	}
	r->row++;
	r->rows++;
	if (r->left)
		r->left--;
	else if (r->at < r->t->items)
		take(r, text, n);
	return 0;
}

static void read_range(struct reading *r, int fd, uint64_t offset, uint64_t bytes, uint32_t rows)
{
	PRS_AUTOFREE uint8_t *text = malloc(bytes + 1);
	struct prs_scan scan;
	struct prs_scan_options o = { .delimiter = ',',
		                      .max_bytes = UINT64_MAX,
		                      .max_rows = 1,
		                      .max_record = UINT64_MAX };
	ssize_t n = pread(fd, text, bytes, (off_t)offset);
	r->bytes = text;
	r->rows = 0;
	prs_scan_init(&scan, &o, 0, stub_record, r);
	if (n != (ssize_t)bytes || prs_scan_feed(&scan, text, bytes, NULL) < 0 || prs_scan_finish(&scan, NULL) < 0 ||
	    r->rows != rows)
		end_with(r->s, PRS_EINPUT_MOVED, 0, "%s: %llu rows instead of %u", name_of(r),
		         (unsigned long long)r->rows, rows);
}

static bool is_as_planned(int fd, uint64_t size, uint64_t mtime_us)
{
	struct stat st;
	return (!size && !mtime_us) ||
	       (fstat(fd, &st) == 0 && (uint64_t)st.st_size == size &&
	        (uint64_t)st.st_mtim.tv_sec * 1000000 + (uint64_t)st.st_mtim.tv_nsec / 1000 == mtime_us);
}

static int open_file(const struct stub_table *s, const char *name)
{
	char path[4096];
	snprintf(path, sizeof path, "%s%s%s", name[0] == '/' ? "" : s->run_folder, name[0] == '/' ? "" : "/", name);
	if (name[0] != '/' && strchr(name, '/')) /* a spool, and the file whose text is there */
		path[strlen(s->run_folder) + 1 + strcspn(name, "/")] = 0;
	return open(path, O_RDONLY | O_CLOEXEC);
}

void stub_table_run(struct stub_table *s, const struct prs_task *t, const uint8_t *body, size_t n)
{
	struct prs_reader in = { body, n, false };
	uint32_t files = prs_read32(&in);
	struct reading r = { .s = s, .t = t, .left = prs_read32(&in) };
	struct prs_reader names = in;
	for (uint32_t i = 0; i < files; i++) {
		prs_read(&names, 20);
		prs_read(&names, (size_t)prs_read32(&names) * PRS_TASK_RANGE_BYTES);
	}
	const char *name = (const char *)names.p;
	for (; files && !s->code; files--, name += strlen(name) + 1) {
		uint64_t size = prs_read64(&in), mtime_us = prs_read64(&in);
		check_schema(s, prs_read32(&in));
		int fd = open_file(s, name);
		r.name = strrchr(name, '/') ? strrchr(name, '/') + 1 : NULL; /* a spool: another life has another one */
		if (fd < 0 || !is_as_planned(fd, size, mtime_us))
			end_with(s, PRS_EINPUT_MOVED, 0, "%s: is not as it was when its rows were counted", name);
		for (uint32_t ranges = prs_read32(&in); ranges; ranges--) {
			uint64_t offset = prs_read64(&in), bytes = prs_read64(&in);
			r.row = prs_read64(&in);
			prs_read64(&in);
			uint32_t rows = prs_read32(&in);
			prs_read32(&in);
			if (!s->code)
				read_range(&r, fd, offset, bytes, rows);
		}
		if (fd >= 0)
			close(fd);
	}
	if (!s->code && r.at != t->items)
		end_with(s, PRS_EINPUT_MOVED, 0, "%u rows instead of %u", r.at, t->items);
}
