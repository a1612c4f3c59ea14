/* SPDX-License-Identifier: Apache-2.0
 * footers: its first words are waited for when it is asked for the first time: the main thread waits for nothing.
 */
#include "master/footers.h"

#include "base/mem.h"
#include "base/path.h"
#include "wire/footers.h"

#include <stdio.h>

static int greet(struct prs_footers_process *p, struct prs_err *err)
{
	struct prs_footers_text why;
	if (p->is_greeted)
		return 0;
	if (p->helper.pid <= 0)
		return prs_fail(err, PRS_EHELPER, "the process that reads Parquet footers was not started");
	int r = prs_helper_receive(&p->helper, &p->words, p->start_timeout_us, err);
	if (r == 0)
		r = prs_footers_get_hello(p->words.data, p->words.len, &why, err);
	if (r == 0 && why.p)
		return prs_fail(err, PRS_EINVALID, "%.*s", (int)why.n, why.p);
	p->is_greeted = r == 0;
	return r;
}

static int footers_ask(void *ctx, const struct prs_buf *frame, const char *about, struct prs_err *err)
{
	struct prs_footers_process *p = ctx;
	int r = greet(p, err);
	if (r < 0)
		return r;
	r = prs_helper_send(&p->helper, frame->data, frame->len, p->answer_timeout_us, err);
	return r < 0 ? prs_wrap(err, "%s", about) : 0;
}

static int footers_answer(void *ctx, struct prs_buf *to, const char *about, struct prs_err *err)
{
	struct prs_footers_process *p = ctx;
	int r = prs_helper_receive(&p->helper, to, p->answer_timeout_us, err);
	return r < 0 ? prs_wrap(err, "%s", about) : 0;
}

void prs_footers_init(struct prs_footers_process *p)
{
	*p = (struct prs_footers_process){ .is = { p, footers_ask, footers_answer } };
	prs_helper_init(&p->helper);
	prs_buf_init(&p->words, 64 << 10);
}

int prs_footers_begin(struct prs_footers_process *p, const struct prs_footers_start *s, struct prs_err *err)
{
	size_t n = 0;
	PRS_AUTOFREE char **envp = prs_calloc(s->variables->n + 2, sizeof *envp);
	if (!envp)
		return prs_fail(err, PRS_ENOMEM, "starting the process that reads Parquet footers");
	if (s->mark)
		envp[n++] = (char *)(uintptr_t)s->mark;
	for (size_t i = 0; i < s->variables->n; i++)
		envp[n++] = s->variables->v[i];
	struct prs_helper_start start = { .name = "the process that reads Parquet footers",
		                          .program = s->program,
		                          .python = s->python,
		                          .loader = s->loader,
		                          .task = "footers",
		                          .envp = envp,
		                          .cwd = s->cwd,
		                          .log = s->log };
	p->start_timeout_us = s->start_timeout_us;
	p->answer_timeout_us = s->answer_timeout_us;
	int r = prs_path_make(s->fs, s->log, 1, 0755, NULL);
	return r < 0 ? prs_fail_errno(err, -r, "creating the folder of %s", s->log)
	             : prs_helper_start(&p->helper, &start, err);
}

void prs_footers_end(struct prs_footers_process *p)
{
	prs_helper_end(&p->helper);
	prs_buf_done(&p->words);
}

bool prs_footers_needed(const struct prs_list_input *inputs, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (inputs[i].table && inputs[i].table->format == PRS_TABLE_PARQUET)
			return true;
	return false;
}
