/* SPDX-License-Identifier: Apache-2.0
 * bench-scan: the scanner of tables alone: bench-scan FILE [scalar]. Prints the rows and the seconds of the pass.
 */
#include "data/scan.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { BLOCK_BYTES = 128 << 10 };

static int count(void *ctx, const struct prs_slice *slice, struct prs_err *err)
{
	uint64_t *rows = ctx;
	(void)err;
	*rows += slice->rows;
	return 0;
}

static double now(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

int main(int argc, char **argv)
{
	static uint8_t block[BLOCK_BYTES];
	struct prs_scan_options o = {
		.delimiter = ',', .max_bytes = 1 << 20, .max_rows = UINT64_MAX, .max_record = 256 << 20
	};
	struct prs_err err = { 0 };
	struct prs_scan s;
	uint64_t rows = 0;
	int fd = argc > 1 ? open(argv[1], O_RDONLY | O_CLOEXEC) : -1;
	if (fd < 0) {
		fprintf(stderr, "usage: bench-scan FILE [scalar]\n");
		return 2;
	}
	o.scalar = argc > 2 && !strcmp(argv[2], "scalar");
	prs_scan_init(&s, &o, 0, count, &rows);
	double begun = now();
	ssize_t n;
	for (off_t at = 0; (n = pread(fd, block, sizeof block, at)) > 0; at += n)
		if (prs_scan_feed(&s, block, (size_t)n, &err) < 0)
			break;
	if (n < 0 || err.code || prs_scan_finish(&s, &err) < 0) {
		fprintf(stderr, "%s: %s\n", argv[1], err.msg);
		return 1;
	}
	close(fd);
	printf("%llu %.6f\n", (unsigned long long)rows, now() - begun);
	return 0;
}
