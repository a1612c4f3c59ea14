/* SPDX-License-Identifier: Apache-2.0
 * fuzz_doc: any bytes as a job, or a pipeline, in JSON. One without mistakes is placed and written as job.json, which
 * is read back; a pipeline is written and read to the same bytes. One with mistakes says at least one line.
 */
#include "fuzz.h"
#include "spec/job_check.h"
#include "spec/job_doc.h"
#include "spec/pipeline.h"
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

static const char *some_path(void *ctx, size_t step, size_t output)
{
	(void)ctx;
	(void)step;
	(void)output;
	return "/a path";
}

/* Written, read, written to the same bytes; each step is filled in, or refused with a sentence. */
static void pass_on(const struct prs_pipeline *p)
{
	struct prs_err err = { 0 };
	struct prs_step_fill f = { some_path, NULL, "x", "/x", NULL };
	PRS_AUTOBUF first, second, job;
	prs_buf_init(&first, 256 << 20);
	prs_buf_init(&second, 256 << 20);
	prs_buf_init(&job, 256 << 20);
	MUST(prs_pipeline_to_json(p, &first, &err) == 0);
	struct prs_pipeline *again = prs_pipeline_from_json((const char *)first.data, first.len, &err);
	MUST(again && prs_pipeline_to_json(again, &second, &err) == 0);
	MUST(first.len == second.len && !memcmp(first.data, second.data, first.len));
	for (size_t i = 0; i < p->steps_n; i++) {
		struct prs_step_command c = { 0 };
		if (p->steps[i].kind == PRS_STEP_PARALLEL)
			MUST(prs_step_fill_job(p, i, &f, &job, &err) == 0);
		else
			MUST(prs_step_fill_command(p, i, &f, &c, &err) == 0 || err.msg[0]);
		prs_step_command_done(&c);
	}
	prs_pipeline_free(again);
}

static void check_pipeline(struct prs_job_doc *d, const struct prs_sources *from, const struct prs_buf *report)
{
	struct prs_err err = { 0 };
	struct prs_pipeline *p = NULL;
	MUST(prs_pipeline_doc_check(d, from, &p, &err) == 0 && p);
	MUST(!prs_job_doc_mistakes(d) == !report->len);
	if (!prs_job_doc_mistakes(d) && !prs_yaml_count(from->doc, PRS_MISTAKE))
		pass_on(p);
	prs_pipeline_free(p);
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
	struct prs_sources from = { &q, &fs, NULL, prs_yaml_doc_new() };
	MUST(d && from.doc);
	if (prs_job_doc_is_pipeline(d)) {
		check_pipeline(d, &from, &report);
	} else {
		MUST(prs_job_doc_ask(d, &q, &err) == 0 && prs_job_begin(&j, &q, &err) == 0);
		MUST(prs_job_doc_check(d, &j, &from, &err) == 0);
		MUST(!prs_job_doc_mistakes(d) == !report.len);
		if (!prs_job_doc_mistakes(d))
			place(&j);
	}
	prs_yaml_doc_free(from.doc);
	prs_job_doc_free(d);
	prs_job_done(&j);
	prs_request_done(&q);
	return 0;
}
