/* SPDX-License-Identifier: Apache-2.0
 * fuzz_rows: the body of a segment frame.
 */
#include "fuzz.h"
#include "report/dump.h"
#include "wire/seg.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct prs_rows r, back;
	struct prs_err err = { 0 };
	size_t at = 0;
	int k;
	while ((k = prs_rows_next(data, n, &at, &r, &err)) == 1) {
		PRS_AUTOBUF b;
		uint64_t place;
		size_t again = 0;
		prs_buf_init(&b, 1 << 24);
		MUST(prs_rows_put(&b, &r, &place) == 0);
		MUST(prs_rows_next(b.data, b.len, &again, &back, NULL) == 1 && again == b.len);
		MUST(back.unit.id == r.unit.id && back.lease == r.lease && back.length == r.length &&
		     back.head_len == r.head_len);
		MUST(!memcmp(back.bytes, r.bytes, r.length));
		prs_buf_clear(&b);
		prs_report_dump_rows(&r, &b, false);
		prs_report_dump_rows(&r, &b, true);
	}
	MUST(k == 0 || k == err.code);
	return 0;
}
