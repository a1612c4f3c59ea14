/* SPDX-License-Identifier: Apache-2.0
 * fuzz_yaml: any bytes as a job file; the component and the MLTable that it names are the same bytes, and prs.yml when
 * they begin with "#". A job without mistakes is printed as YAML, read again, and printed to the same.
 */
#include "fuzz.h"
#include "base/mem.h"
#include "spec/jobfile.h"
#include "spec/pipeline.h"
#include "spec/placed.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

struct bytes {
	const uint8_t *p;
	size_t n;
};

/* What has a dot in its name is a file, with those bytes; what has "no" in it is not there. */
static int fs_stat(void *ctx, const char *path, struct prs_fs_stat *ret)
{
	const struct bytes *b = ctx;
	const char *name = strrchr(path, '/');
	if (strstr(path, "no") || strchr(path, '*') || (strstr(path, "/prs.yml") && (!b->n || *b->p != '#')))
		return -ENOENT;
	*ret = (struct prs_fs_stat){ .mode = name && (strchr(name, '.') || !strcmp(name, "/MLTable")) ? S_IFREG
		                                                                                      : S_IFDIR };
	return 0;
}

static int fs_open(void *ctx, const char *path, int flags, uint32_t mode)
{
	struct prs_fs_stat st;
	(void)flags;
	(void)mode;
	if (fs_stat(ctx, path, &st) < 0)
		return -ENOENT;
	return S_ISREG(st.mode) ? 3 : -EISDIR;
}

static ssize_t fs_pread(void *ctx, int fd, void *to, size_t n, uint64_t offset)
{
	const struct bytes *b = ctx;
	(void)fd;
	size_t left = offset < b->n ? b->n - (size_t)offset : 0, k = n < left ? n : left;
	if (k)
		memcpy(to, b->p + offset, k);
	return (ssize_t)k;
}

static int fs_close(void *ctx, int fd)
{
	(void)ctx;
	(void)fd;
	return 0;
}

/* A pipeline as JSON: written, read, written to the same bytes. */
static void pass_on(const struct prs_pipeline *p)
{
	struct prs_err err = { 0 };
	PRS_AUTOBUF first, second;
	prs_buf_init(&first, 256 << 20);
	prs_buf_init(&second, 256 << 20);
	MUST(prs_pipeline_to_json(p, &first, &err) == 0);
	struct prs_pipeline *again = prs_pipeline_from_json((const char *)first.data, first.len, &err);
	MUST(again && prs_pipeline_to_json(again, &second, &err) == 0);
	MUST(first.len == second.len && !memcmp(first.data, second.data, first.len));
	prs_pipeline_free(again);
}

/* Reads the bytes; true when they are a job: its YAML is in `yaml`. */
static bool read_job(const struct prs_fs *fs, const uint8_t *p, size_t n, bool place, struct prs_buf *yaml)
{
	struct prs_err err = { 0 };
	struct prs_job j;
	struct prs_pipeline *flow = NULL;
	struct prs_yaml_doc *d = prs_yaml_doc_new();
	PRS_AUTOBUF text;
	prs_buf_init(&text, 64 << 20);
	prs_job_init(&j);
	struct prs_request q = { .cwd = "/work/job", .file = "job.yml" };
	MUST(d && prs_request_ask(&q, prs_option_find("input", false), "data=/in", "--input") == 0);
	MUST(prs_job_begin(&j, &q, &err) == 0);
	struct prs_project *project = prs_project_find(fs, "/work/job", NULL, NULL, d);
	MUST(prs_jobfile_parse(&j, &q, fs, project, p, n, d, &flow, &err) == 0);
	prs_yaml_print(d, PRS_MISTAKE, &text);
	prs_yaml_print(d, PRS_WARNING, &text);
	prs_yaml_print(d, PRS_IGNORED, &text);
	prs_yaml_print_ignored(d, &text);
	bool good = !prs_yaml_count(d, PRS_MISTAKE);
	if (good && flow)
		pass_on(flow);
	if (good)
		good = !flow && prs_job_to_yaml(&j, yaml, &err) == 0;
	if (good && place) {
		struct prs_list argv = { 0 };
		struct prs_placed placed;
		MUST(prs_place(&placed, &j, fs, "/runs/x", "x", &err) == 0 &&
		     prs_placed_argv(&placed, &argv, &err) == 0);
		prs_placed_done(&placed);
		prs_list_done(&argv);
	}
	prs_pipeline_free(flow);
	prs_project_free(project);
	prs_yaml_doc_free(d);
	prs_job_done(&j);
	prs_request_done(&q);
	return good;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct bytes b = { data, n };
	struct prs_fs fs = { .ctx = &b, .stat = fs_stat, .open = fs_open, .pread = fs_pread, .close = fs_close };
	PRS_AUTOBUF first, second;
	prs_buf_init(&first, 64 << 20);
	prs_buf_init(&second, 64 << 20);
	if (!read_job(&fs, data, n, true, &first))
		return 0;
	MUST(read_job(&fs, first.data, first.len, false, &second));
	MUST(first.len == second.len && memcmp(first.data, second.data, first.len) == 0);
	return 0;
}
