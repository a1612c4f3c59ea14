/* SPDX-License-Identifier: Apache-2.0
 * fuzz_doc: any bytes as a job in JSON. One without mistakes is placed and written as job.json, which is read back; one
 * with mistakes says at least one line.
 */
#include "fuzz.h"
#include "spec/job_check.h"
#include "spec/job_doc.h"
#include "spec/placed.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

static int fs_stat(void *ctx, const char *path, struct prs_fs_stat *ret)
{
	(void)ctx;
	const char *name = strrchr(path, '/') + 1;
	if (!strncmp(name, "no", 2))
		return -ENOENT;
	*ret = (struct prs_fs_stat){ .mode = strchr(name, '.') ? S_IFREG : S_IFDIR };
	return 0;
}

static int fs_open(void *ctx, const char *path, int flags, uint32_t mode)
{
	(void)ctx;
	(void)path;
	(void)flags;
	(void)mode;
	return -ENOENT;
}

static int fs_list(void *ctx, const char *path, prs_fs_entry_fn *each, void *each_ctx)
{
	(void)ctx;
	(void)path;
	return each(each_ctx, "a.txt", 'f');
}

static const struct prs_fs fs = { .stat = fs_stat, .open = fs_open, .list = fs_list };

static void place(const struct prs_job *j)
{
	struct prs_err err = { 0 };
	struct prs_placed placed, there;
	struct prs_job again;
	PRS_AUTOBUF json;
	prs_buf_init(&json, 256 << 20);
	prs_job_init(&again);
	MUST(prs_place(&placed, j, &fs, "/runs/x", "x", &err) == 0);
	MUST(prs_placed_to_json(&placed, &json, &err) == 0);
	MUST(prs_placed_from_json(&there, &again, (const char *)json.data, json.len, &err) == 0);
	MUST(again.inputs_n == j->inputs_n && again.append_to == j->append_to);
	prs_placed_done(&there);
	prs_job_done(&again);
	prs_placed_done(&placed);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct prs_err err = { 0 };
	struct prs_job j;
	struct prs_request q = { .cwd = "/work" };
	PRS_AUTOBUF report;
	prs_buf_init(&report, 256 << 20);
	prs_job_init(&j);
	struct prs_job_doc *d = prs_job_doc_read((const char *)data, n, &report);
	MUST(d && prs_job_doc_ask(d, &q, &err) == 0 && prs_job_begin(&j, &q, &err) == 0);
	struct prs_sources from = { &q, &fs, NULL, prs_yaml_doc_new() };
	MUST(from.doc && prs_job_doc_check(d, &j, &from, &err) == 0);
	MUST(!prs_job_doc_mistakes(d) == !report.len);
	if (!prs_job_doc_mistakes(d))
		place(&j);
	prs_yaml_doc_free(from.doc);
	prs_job_doc_free(d);
	prs_job_done(&j);
	prs_request_done(&q);
	return 0;
}
