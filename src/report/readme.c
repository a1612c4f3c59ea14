/* SPDX-License-Identifier: Apache-2.0
 * readme: logs/readme.txt, a page made from the log table.
 */
#include "report/impl.h"

#include "base/mem.h"

static const struct {
	const char *path, *what;
} logs[] = {
#define PRS_LOG(id, path, kind, what) { path, what },
#include "report/logs.def"
};

int report_readme_write(struct prs_report *r, struct prs_err *err)
{
	PRS_AUTOFREE struct report_whole *w = prs_malloc(sizeof *w);
	if (!w)
		return prs_fail(err, PRS_ENOMEM, "out of memory");
	report_whole_begin(r, w, "logs/readme.txt");
	prs_buf_puts(&w->buf, "The logs of this run. Start with job_result.txt (how it ended) and user/error.txt (what "
	                      "the script did wrong).\n\n");
	for (size_t i = 0; i < sizeof logs / sizeof *logs; i++)
		prs_buf_putf(&w->buf, "%s\n    %s\n", logs[i].path, logs[i].what);
	prs_buf_puts(&w->buf, "\n../failed_items.jsonl\n    every item without a result, when there is one\n");
	return report_whole_end(r, w, err);
}
