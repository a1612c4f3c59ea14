/* SPDX-License-Identifier: Apache-2.0
 * table_writer: a process that has ended may have said why: that is heard before its end is told.
 */
#include "master/table_writer.h"

#include "base/fs.h"
#include "base/mem.h"
#include "base/path.h"
#include "wire/table_out.h"

#include <string.h>

#define LAST_WORDS_US UINT64_C(2000000)
#define FRAME_MAX ((size_t)1 << 30)
static const char name[] = "the process that writes the output";

static int receive(struct prs_table_writer *w, struct prs_err *err)
{
	return prs_helper_receive(&w->helper, &w->answer, w->timeout_us, err);
}

/* What it said last, instead of `err`, if it said something. */
static int last_words(struct prs_table_writer *w, struct prs_err *err)
{
	struct prs_err none = { 0 }, said = { 0 };
	uint64_t rows;
	if (prs_helper_receive(&w->helper, &w->answer, LAST_WORDS_US, &none) < 0 ||
	    prs_table_out_get_written(w->answer.data, w->answer.len, &rows, &said) == 0)
		return err->code;
	*err = said;
	return err->code;
}

static int send_frame(struct prs_table_writer *w, struct prs_err *err)
{
	if (w->frame.failed)
		return prs_fail(err, PRS_ENOMEM, "%s", name);
	int r = prs_helper_send(&w->helper, w->frame.data, w->frame.len, w->timeout_us, err);
	return r < 0 ? last_words(w, err) : 0;
}

static int send_types(struct prs_table_writer *w, struct prs_err *err)
{
	for (size_t i = 0; i < w->types->n; i++) {
		const char *text = w->types->v[i], *equals = strrchr(text, '=');
		prs_table_out_put_type(&w->frame, text, (size_t)(equals - text), equals + 1);
		int r = send_frame(w, err);
		if (r < 0)
			return r;
	}
	return 0;
}

/* Its first words, and what it is told before anything else. */
static int greet(struct prs_table_writer *w, struct prs_err *err)
{
	if (w->greeted)
		return 0;
	int r = receive(w, err);
	if (!r)
		r = prs_table_out_get_hello(w->answer.data, w->answer.len, err);
	w->greeted = !r;
	return r ? r : send_types(w, err);
}

static int writer_schema(void *ctx, uint64_t id, const void *bytes, size_t n, struct prs_err *err)
{
	struct prs_table_writer *w = ctx;
	int r = greet(w, err);
	if (r < 0)
		return r;
	w->schemas++;
	prs_table_out_put_schema(&w->frame, id, bytes, n);
	return send_frame(w, err);
}

static int writer_begin(void *ctx, const char *path, uint64_t dev, uint64_t ino, struct prs_err *err)
{
	struct prs_table_writer *w = ctx;
	int r = greet(w, err);
	if (r < 0)
		return r;
	prs_table_out_put_begin(&w->frame, dev, ino, prs_output_format_name((int)w->format), path);
	r = send_frame(w, err);
	if (!r)
		r = receive(w, err);
	const uint8_t *differs;
	if (!r)
		r = prs_table_out_get_ready(w->answer.data, w->answer.len, w->schemas, &differs, err);
	if (r < 0)
		return r;
	return prs_buf_put(&w->differs, differs, w->schemas) < 0 ? prs_fail(err, PRS_ENOMEM, "%s", name) : 0;
}

static bool writer_differs(void *ctx, uint32_t schema)
{
	const struct prs_table_writer *w = ctx;
	return schema < w->differs.len && w->differs.data[schema];
}

static int writer_rows(void *ctx, uint64_t id, uint32_t schema, uint64_t bytes, struct prs_err *err)
{
	struct prs_table_writer *w = ctx;
	prs_table_out_put_rows(&w->frame, id, schema, bytes);
	return send_frame(w, err);
}

static int writer_bytes(void *ctx, const void *p, size_t n, struct prs_err *err)
{
	struct prs_table_writer *w = ctx;
	prs_table_out_put_piece(&w->frame, p, n);
	return send_frame(w, err);
}

static int writer_end(void *ctx, uint64_t *ret_rows, struct prs_err *err)
{
	struct prs_table_writer *w = ctx;
	prs_table_out_put_end(&w->frame);
	int r = send_frame(w, err);
	if (!r)
		r = receive(w, err);
	return r ? r : prs_table_out_get_written(w->answer.data, w->answer.len, ret_rows, err);
}

void prs_table_writer_init(struct prs_table_writer *w)
{
	*w = (struct prs_table_writer){ .sink = { w, writer_schema, writer_begin, writer_differs, writer_rows,
		                                  writer_bytes, writer_end } };
	prs_helper_init(&w->helper);
	prs_buf_init(&w->frame, FRAME_MAX);
	prs_buf_init(&w->differs, FRAME_MAX);
	prs_buf_init(&w->answer, FRAME_MAX); /* READY has a byte for each schema */
}

int prs_table_writer_begin(struct prs_table_writer *w, const struct prs_table_writer_start *s, struct prs_err *err)
{
	size_t n = 0;
	PRS_AUTOFREE char **envp = prs_calloc(s->variables->n + 2, sizeof *envp);
	if (!envp)
		return prs_fail(err, PRS_ENOMEM, "starting %s", name);
	if (s->mark)
		envp[n++] = (char *)(uintptr_t)s->mark;
	for (size_t i = 0; i < s->variables->n; i++)
		envp[n++] = s->variables->v[i];
	struct prs_helper_start start = { .name = name,
		                          .program = s->program,
		                          .python = s->python,
		                          .loader = s->loader,
		                          .task = "table_out",
		                          .envp = envp,
		                          .cwd = s->cwd,
		                          .log = s->log };
	w->format = s->format;
	w->types = s->types;
	w->timeout_us = s->timeout_us;
	w->greeted = false;
	int r = prs_path_make(s->fs, s->log, 1, 0755, NULL);
	return r < 0 ? prs_fail_errno(err, -r, "creating the folder of %s", s->log)
	             : prs_helper_start(&w->helper, &start, err);
}

void prs_table_writer_kill(struct prs_table_writer *w) { prs_helper_kill(&w->helper); }

void prs_table_writer_end(struct prs_table_writer *w)
{
	prs_helper_end(&w->helper);
	prs_buf_done(&w->frame);
	prs_buf_done(&w->differs);
	prs_buf_done(&w->answer);
}
