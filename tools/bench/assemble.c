/* SPDX-License-Identifier: Apache-2.0
 * Assembles the rows of a finished run once more: assemble RUN OUTPUT. Prints the seconds of prs_assemble() alone.
 */
#include "io/fs_posix.h"
#include "io/loop.h"
#include "store/store.h"

#include <stdio.h>

static int on_plan(void *ctx, const uint8_t *body, size_t n, struct prs_err *err)
{
	(void)ctx;
	(void)body;
	(void)n;
	(void)err;
	return 0;
}

static int on_fact(void *ctx, const struct prs_fact *f, struct prs_err *err)
{
	struct prs_index *x = ctx;
	if (f->type == PRS_FACT_PLANNED)
		return prs_index_grow(x, f->u.planned.next_id, err);
	return f->type == PRS_FACT_DONE ? prs_index_done(x, &f->u.done, err) : 0;
}

static int assemble(const char *dir, const char *output, struct prs_err *err)
{
	struct prs_run_id run;
	struct prs_recovered was;
	struct prs_index *x = NULL;
	struct prs_assembled done;
	char name[256];
	int r = prs_run_file_read(&prs_fs_posix, dir, &run, name, sizeof name, err);
	if (!r)
		r = prs_index_new(&x, &prs_fs_posix, dir, UINT32_MAX, err);
	struct prs_recover_sink sink = { x, on_plan, on_fact };
	if (!r)
		r = prs_store_recover(&prs_fs_posix, dir, &run, &sink, &was, err);
	struct prs_assemble_options o = { .path = output,
		                          .run = &run,
		                          .overwrite = true,
		                          .epoch = was.epoch,
		                          .next_id = UINT64_MAX };
	uint64_t begun = prs_clock_us();
	if (!r)
		r = prs_assemble(&prs_fs_posix, dir, x, &o, NULL, NULL, &done, err);
	printf("%f\n", (double)(prs_clock_us() - begun) / 1e6);
	prs_index_free(x);
	return r;
}

int main(int argc, char **argv)
{
	struct prs_err err = { 0 };
	if (argc < 3)
		return 2;
	if (assemble(argv[1], argv[2], &err) == 0)
		return 0;
	fprintf(stderr, "%s\n", err.msg);
	return 1;
}
