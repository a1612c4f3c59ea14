/* SPDX-License-Identifier: Apache-2.0
 * table_core: what the engine says of texts, for the tests of the readers. Requests on stdin: delimiter, kind, u32
 * length (little endian), that many bytes of text. Kinds and the line that answers:
 *   r  delimited records      how many rows, or "open" (a quote)
 *   l  JSON lines             how many rows
 *   t  header and records     how many rows behind the header, the schema from all of them
 *   j  JSON lines             how many rows, the schema from all of them that are objects
 *   s  u32 rows, records      the slices of so many rows: offset, bytes, rows of each
 */
#include "data/objects.h"
#include "data/scan.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int core_slice(void *ctx, const struct prs_slice *slice, struct prs_err *err)
{
	(void)err;
	*(uint64_t *)ctx += slice->rows;
	return 0;
}

static int core_say_slice(void *ctx, const struct prs_slice *slice, struct prs_err *err)
{
	(void)ctx;
	(void)err;
	printf("%llu %llu %llu ", (unsigned long long)slice->offset, (unsigned long long)slice->bytes,
	       (unsigned long long)slice->rows);
	return 0;
}

static uint32_t u32_of(const uint8_t *p)
{
	return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

static void say_slices(const uint8_t *p, size_t n, char delimiter)
{
	struct prs_scan_options o = { .delimiter = delimiter,
		                      .max_bytes = UINT64_MAX,
		                      .max_rows = u32_of(p),
		                      .max_record = UINT64_MAX };
	struct prs_scan s;
	struct prs_err err = { 0 };
	prs_scan_init(&s, &o, 0, core_say_slice, NULL);
	if (prs_scan_feed(&s, p + 4, n - 4, &err) < 0 || prs_scan_finish(&s, &err) < 0)
		printf("%s", err.msg);
}

static int rows_of(const uint8_t *p, size_t n, char delimiter, bool lines, uint64_t *rows)
{
	struct prs_scan_options o = { .lines = lines,
		                      .delimiter = delimiter,
		                      .max_bytes = UINT64_MAX,
		                      .max_rows = UINT64_MAX,
		                      .max_record = UINT64_MAX };
	struct prs_scan s;
	struct prs_err err = { 0 };
	*rows = 0;
	prs_scan_init(&s, &o, 0, core_slice, rows);
	int r = prs_scan_feed(&s, p, n, &err);
	return r < 0 ? r : prs_scan_finish(&s, &err);
}

static void say_rows(const uint8_t *p, size_t n, char delimiter, bool lines)
{
	uint64_t rows;
	if (rows_of(p, n, delimiter, lines, &rows) < 0)
		printf("open");
	else
		printf("%llu", (unsigned long long)rows);
}

/* The rows of p are added to the columns; their number. */
static void sample(struct prs_columns *columns, const uint8_t *p, size_t n, char delimiter)
{
	struct prs_cells row;
	struct prs_err err = { 0 };
	prs_cells_init(&row, SIZE_MAX);
	for (size_t used; n && prs_cells_split(&row, p, n, delimiter, &used, &err) == 0; p += used, n -= used)
		if (row.n)
			prs_columns_add(columns, &row, NULL);
	prs_cells_done(&row);
}

static int say_table(const uint8_t *p, size_t n, char delimiter)
{
	struct prs_cells header;
	struct prs_names names;
	struct prs_columns columns;
	struct prs_err err = { 0 };
	PRS_AUTOBUF text;
	size_t used;
	prs_buf_init(&text, SIZE_MAX);
	prs_cells_init(&header, SIZE_MAX);
	if (prs_cells_split(&header, p, n, delimiter, &used, &err) < 0 ||
	    prs_names_of(&header, PRS_ENCODING_UTF8, &names, &err) < 0 || prs_columns_init(&columns, names.n, &err) < 0)
		return printf("%s", err.msg);
	sample(&columns, p + used, n - used, delimiter);
	struct prs_schema schema = { .delimiter = delimiter, .names = &names, .columns = &columns };
	prs_schema_put(&schema, &text);
	say_rows(p + used, n - used, delimiter, false);
	printf(" %s", prs_buf_str(&text));
	prs_columns_done(&columns);
	prs_names_done(&names);
	prs_cells_done(&header);
	return 0;
}

static void say_objects(const uint8_t *p, size_t n)
{
	struct prs_objects o;
	struct prs_err err = { 0 };
	PRS_AUTOBUF text;
	prs_buf_init(&text, SIZE_MAX);
	prs_objects_init(&o);
	say_rows(p, n, ',', true);
	for (const uint8_t *end; n; n -= (size_t)(end - p), p = end) {
		const uint8_t *lf = memchr(p, '\n', n);
		end = lf ? lf + 1 : p + n;
		prs_objects_add(&o, p, (size_t)(end - p), PRS_ENCODING_UTF8, &err);
	}
	struct prs_schema schema = { .format = PRS_FORMAT_JSONL, .names = &o.names, .columns = &o.columns };
	prs_schema_put(&schema, &text);
	printf(" %s", prs_buf_str(&text));
	prs_objects_done(&o);
}

int main(void)
{
	uint8_t head[6];
	while (fread(head, 1, sizeof head, stdin) == sizeof head) {
		size_t n = u32_of(head + 2);
		uint8_t *p = malloc(n + 1);
		if (!p || fread(p, 1, n, stdin) != n)
			return 1;
		if (head[1] == 't')
			say_table(p, n, (char)head[0]);
		else if (head[1] == 'j')
			say_objects(p, n);
		else if (head[1] == 's')
			say_slices(p, n, (char)head[0]);
		else
			say_rows(p, n, (char)head[0], head[1] == 'l');
		putchar('\n');
		fflush(stdout);
		free(p);
	}
	return 0;
}
