/* SPDX-License-Identifier: Apache-2.0
 * tell: TRY and PROC facts from what the pool judged and what the process said last.
 */
#include "node/impl.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

enum { TAIL_BYTES = 600, MESSAGE_BYTES = 2048 };

static struct prs_text text_of(const char *s)
{
	return (struct prs_text){ s, (uint16_t)strlen(s) };
}

/* The last lines that the process wrote to stderr. */
static void stderr_tail(struct prs_node *n, uint16_t slot, char to[TAIL_BYTES])
{
	char path[PRS_PATH_BYTES];
	struct prs_fs_stat st;
	to[0] = 0;
	snprintf(path, sizeof path, "%s/logs/user/stderr/%s/process%03u.stderr.txt", n->c.dir, n->c.ip, slot);
	int fd = n->c.fs->open(n->c.fs->ctx, path, O_RDONLY, 0);
	if (fd < 0)
		return;
	if (n->c.fs->fstat(n->c.fs->ctx, fd, &st) == 0 && st.size) {
		uint64_t from = st.size > TAIL_BYTES - 1 ? st.size - (TAIL_BYTES - 1) : 0;
		ssize_t got = n->c.fs->pread(n->c.fs->ctx, fd, to, TAIL_BYTES - 1, from);
		to[got > 0 ? got : 0] = 0;
		char *line = from ? strchr(to, '\n') : NULL; /* whole lines only */
		if (line)
			memmove(to, line + 1, strlen(line));
	}
	n->c.fs->close(n->c.fs->ctx, fd);
}

static void describe_exit(struct prs_node *n, const struct prs_pool_effect *e, char to[MESSAGE_BYTES])
{
	char tail[TAIL_BYTES], how[128];
	stderr_tail(n, e->slot, tail);
	if (WIFSIGNALED(e->exit))
		snprintf(how, sizeof how, "signal %d (%s)", WTERMSIG(e->exit), strsignal(WTERMSIG(e->exit)));
	else
		snprintf(how, sizeof how, "exit status %d", WEXITSTATUS(e->exit));
	snprintf(to, MESSAGE_BYTES, "%s: %s%s%s", prs_error_row(e->code)->sentence, how, tail[0] ? "; stderr ends with: " : "", tail);
}

static bool died(uint16_t code)
{
	return code == PRS_ERUN_CRASH || code == PRS_ERUN_EXIT || code == PRS_ESOCKET_CLOSED || code == PRS_EPROTOCOL;
}

void tell_try(struct prs_node *n, const struct prs_pool_effect *e)
{
	struct prs_fact f = { .type = PRS_FACT_TRY };
	struct prs_try *t = &f.u.try_;
	char message[MESSAGE_BYTES];
	bool said = n->current && n->current->slot == e->slot && prs_try_decode(n->payload, n->payload_bytes, t, NULL) == 0 && t->code == e->code;
	if (!said) {
		uint64_t mono = prs_clock_us(), wall = prs_wall_us();
		*t = (struct prs_try){ .start_us = wall - (e->start_us && e->start_us < mono ? mono - e->start_us : 0), .run_us = e->run_us,
			               .elapsed_us = e->start_us && e->start_us < mono ? mono - e->start_us : 0 };
		if (e->code == PRS_EMEMORY_LIMIT)
			memory_describe(&n->workers[e->slot], message, sizeof message);
		else if (died(e->code))
			describe_exit(n, e, message);
		else
			snprintf(message, sizeof message, "%s", prs_error_row(e->code)->sentence);
		t->message = text_of(message);
	}
	t->unit = e->unit;
	t->lease = e->lease;
	t->try_number = e->try_number;
	t->node = n->c.number;
	t->slot = e->slot;
	t->incarnation = e->incarnation;
	t->exit = e->exit;
	t->code = e->code;
	t->fault = prs_error_row(e->code)->fault;
	t->counted = prs_error_row(e->code)->action != PRS_ACTION_LATER;
	n->c.link.fact(n->c.link.ctx, &f);
}

void tell_bad_rows(struct prs_node *n, const struct prs_done *d, const struct prs_err *why)
{
	struct prs_fact f = { .type = PRS_FACT_TRY };
	const struct prs_error_row *row = prs_error_row(why->code);
	f.u.try_ = (struct prs_try){ .unit = d->unit, .lease = d->lease, .try_number = d->try_number, .node = d->node, .slot = d->slot,
		                     .incarnation = d->incarnation, .start_us = d->start_us, .run_us = d->run_us, .elapsed_us = d->elapsed_us,
		                     .cpu_us = d->cpu_us, .code = row->code, .fault = row->fault, .counted = 1, .message = text_of(why->msg) };
	n->c.link.fact(n->c.link.ctx, &f);
}

void tell_proc(struct prs_node *n, const struct prs_pool_effect *e)
{
	struct worker *w = &n->workers[e->slot];
	struct prs_fact f = { .type = PRS_FACT_PROC, .time_us = prs_wall_us() };
	char message[MESSAGE_BYTES] = "";
	f.u.proc.node = n->c.number;
	f.u.proc.slot = e->slot;
	f.u.proc.incarnation = e->incarnation;
	f.u.proc.pid = e->pid;
	f.u.proc.event = e->proc_event;
	f.u.proc.code = e->code;
	f.u.proc.exit = e->exit;
	if (e->proc_event == PRS_PROC_INIT_FAILED && w->report_code) {
		f.u.proc.trace_offset = w->trace_offset;
		f.u.proc.trace_bytes = w->trace_bytes;
		snprintf(message, sizeof message, "%s", w->report_text);
	} else if (e->proc_event == PRS_PROC_INIT_FAILED && e->code == PRS_EINIT_EXIT) {
		describe_exit(n, e, message);
	} else if (e->code == PRS_EMEMORY_LIMIT) {
		memory_describe(w, message, sizeof message);
	} else if (e->code) {
		snprintf(message, sizeof message, "%s", prs_error_row(e->code)->sentence);
	}
	f.u.proc.text = text_of(message);
	n->c.link.fact(n->c.link.ctx, &f);
}
