/* SPDX-License-Identifier: Apache-2.0
 * fuzz_scan: any text, delimiter, size of slices and size of blocks, with and without vector instructions, against a
 * slow reference. Input: delimiter, flags (bit 0 lines, bit 1 rows instead of bytes), limit, block, then the text.
 */
#include "data/scan.h"
#include "fuzz.h"
#include "scan_reference.h"

struct found {
	struct prs_slice *v;
	size_t n;
};

static int scan_found(void *ctx, const struct prs_slice *slice, struct prs_err *err)
{
	(void)err;
	struct found *f = ctx;
	f->v[f->n++] = *slice;
	return 0;
}

static void check(const uint8_t *p, size_t n, struct prs_scan_options o, size_t block, const struct slow *want,
                  const struct prs_slice *slices, size_t slices_n)
{
	struct found got = { calloc(n + 1, sizeof *got.v), 0 };
	struct prs_scan s;
	struct prs_err err = { 0 };
	prs_scan_init(&s, &o, 0, scan_found, &got);
	for (size_t at = 0; at < n; at += block) {
		uint8_t *exact = fuzz_copy(p + at, n - at < block ? n - at : block);
		MUST(prs_scan_feed(&s, exact, n - at < block ? n - at : block, &err) == 0);
		free(exact);
	}
	int r = prs_scan_finish(&s, &err);
	MUST(want->open ? r == -PRS_EINVALID : r == 0);
	MUST(want->open ? got.n <= slices_n : got.n == slices_n);
	/* of an unfinished file the last slice is not told */
	MUST(!got.n || !memcmp(got.v, slices, got.n * sizeof *slices));
	free(got.v);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	static const char delimiters[] = ",;\t| :x";
	if (n < 4)
		return 0;
	bool by_rows = data[1] & 2;
	uint64_t limit = data[2] ? data[2] : 1;
	struct prs_scan_options o = { .lines = data[1] & 1,
		                      .delimiter = delimiters[data[0] % (sizeof delimiters - 1)],
		                      .max_bytes = by_rows ? UINT64_MAX : limit,
		                      .max_rows = by_rows ? limit : UINT64_MAX,
		                      .max_record = UINT64_MAX };
	size_t block = data[3] ? data[3] : 1;
	const uint8_t *p = data + 4;
	n -= 4;
	struct slow want = slow_records(p, n, 0, o.delimiter, o.lines);
	struct prs_slice *slices = calloc(want.n + 1, sizeof *slices);
	size_t slices_n = slow_slices(&want, o.max_bytes, o.max_rows, slices);
	check(p, n, o, block, &want, slices, slices_n);
	check(p, n, o, n + 1, &want, slices, slices_n);
	o.scalar = true;
	check(p, n, o, block, &want, slices, slices_n);
	free(slices);
	free(want.v);
	return 0;
}
