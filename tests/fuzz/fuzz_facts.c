/* SPDX-License-Identifier: Apache-2.0
 * fuzz_facts: the body of a journal frame. What is decoded is encoded and decoded to the same; and printed.
 */
#include "fuzz.h"
#include "report/dump.h"
#include "wire/facts.h"

static void same_again(const struct prs_fact *f)
{
	PRS_AUTOBUF once;
	PRS_AUTOBUF twice;
	struct prs_fact back;
	size_t at = 0;
	prs_buf_init(&once, 1 << 24);
	prs_buf_init(&twice, 1 << 24);
	MUST(prs_fact_put(&once, f) == 0);
	MUST(prs_fact_next(once.data, once.len, &at, &back, NULL) == 1 && at == once.len);
	MUST(back.type == f->type && back.flags == f->flags && back.time_us == f->time_us);
	MUST(prs_fact_put(&twice, &back) == 0);
	MUST(once.len == twice.len && !memcmp(once.data, twice.data, once.len));
}

static void print(const struct prs_fact *f)
{
	PRS_AUTOBUF text;
	prs_buf_init(&text, 1 << 24);
	prs_report_dump_fact(f, &text, false);
	prs_report_dump_fact(f, &text, true);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct prs_fact f;
	struct prs_err err = { 0 };
	size_t at = 0, before = 0;
	int r;
	while ((r = prs_fact_next(data, n, &at, &f, &err)) == 1) {
		MUST(at > before && at <= n);
		before = at;
		same_again(&f);
		print(&f);
		for (uint32_t i = 0;
		     f.type == PRS_FACT_LOST && i < f.u.lost.running_count + f.u.lost.queued_count && i < 1000; i++)
			(void)prs_lost_unit(&f, i);
	}
	MUST(r == 0 || (r == err.code && (r == -PRS_ECORRUPT || r == -PRS_EVERSION)));
	return 0;
}
