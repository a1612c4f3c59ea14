/* SPDX-License-Identifier: Apache-2.0
 * tell: TRY and PROC facts from what the pool judged and what the process said last.
 */
#include "node/impl.h"

#include "base/many.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

enum { TAIL_BYTES = 600, END_BYTES = 256, MESSAGE_BYTES = 2048, GIVEN_UP_TOLD = 3 };

/* "run() ended its process: exit status 3" */
static void describe_end(const struct prs_pool_effect *e, char to[END_BYTES])
{
	const char *sentence = prs_error_row(e->code)->sentence;
	if (e->exit == PRS_POOL_NOT_ENDED)
		snprintf(to, END_BYTES, "%s: it had not come as far as the script when init_timeout was over",
		         sentence);
	else if (WIFSIGNALED(e->exit))
		snprintf(to, END_BYTES, "%s: signal %d (%s)", sentence, WTERMSIG(e->exit),
		         strsignal(WTERMSIG(e->exit)));
	else
		snprintf(to, END_BYTES, "%s: exit status %d", sentence, WEXITSTATUS(e->exit));
}

static void describe_exit(struct worker *w, const struct prs_pool_effect *e, char to[MESSAGE_BYTES])
{
	char tail[TAIL_BYTES], end[END_BYTES];
	describe_end(e, end);
	bool killed = e->exit != PRS_POOL_NOT_ENDED && WIFSIGNALED(e->exit);
	words_own(w, killed ? strsignal(WTERMSIG(e->exit)) : "", tail, sizeof tail);
	snprintf(to, MESSAGE_BYTES, "%s%s%s", end, tail[0] ? "; stderr ends with: " : "", tail);
}

/* The process is told to stop because of this: where it stood will be in its last words. */
static bool is_timeout(uint16_t code)
{
	return code == PRS_ERUN_TIMEOUT || code == PRS_EOVERHEAD_TIMEOUT || code == PRS_EINIT_TIMEOUT;
}

/* Its text is a sentence of the error table. */
static void hold(struct worker *w, const struct prs_fact *f)
{
	tell_held(w);
	w->held = *f;
	w->holds = true;
}

static void keep_words_of_try(struct worker *w, struct prs_try *t, const char *sentence)
{
	char title[96];
	snprintf(title, sizeof title, "mini-batch %llu, try %u", (unsigned long long)t->unit.id, t->try_number);
	words_keep(w, title, sentence, &t->trace_offset, &t->trace_bytes);
}

void tell_held(struct worker *w)
{
	struct prs_fact *f = &w->held;
	if (!w->holds)
		return;
	w->holds = false;
	if (f->type == PRS_FACT_TRY)
		keep_words_of_try(w, &f->u.try_, f->u.try_.message.p);
	else
		words_keep(w, "init()", f->u.proc.text.p, &f->u.proc.trace_offset, &f->u.proc.trace_bytes);
	w->node->c.link.fact(w->node->c.link.ctx, w->node->c.number, f);
}

static bool died(uint16_t code)
{
	return code == PRS_ERUN_CRASH || code == PRS_ERUN_EXIT || code == PRS_ESOCKET_CLOSED || code == PRS_EPROTOCOL;
}

/* The try of a process that did not report it. */
static void judge(struct worker *w, const struct prs_pool_effect *e, struct prs_try *t, char message[MESSAGE_BYTES])
{
	uint64_t mono = prs_clock_us(), wall = prs_wall_us(),
		 since = e->start_us && e->start_us < mono ? mono - e->start_us : 0;
	*t = (struct prs_try){ .unit = e->unit,
		               .try_number = e->try_number,
		               .start_us = prs_since_us(since, wall),
		               .run_us = e->run_us,
		               .elapsed_us = since };
	snprintf(message, MESSAGE_BYTES, "%s", prs_error_row(e->code)->sentence);
	if (e->code == PRS_EMEMORY_LIMIT) {
		memory_describe(w, message, MESSAGE_BYTES);
	} else if (died(e->code)) {
		describe_end(e, message);
		keep_words_of_try(w, t, message);
		describe_exit(w, e, message);
	}
	t->message = is_timeout(e->code) ? prs_text_of(prs_error_row(e->code)->sentence) : prs_text_of(message);
}

/* The sentence of a full disk in front of what was said. */
static void put_full(char to[MESSAGE_BYTES], const char *full, struct prs_text message)
{
	snprintf(to, MESSAGE_BYTES, "%s: %.*s", full, (int)message.n, message.p);
}

static void tell_full(struct prs_node *n, const char *full)
{
	if (full)
		n->c.link.full(n->c.link.ctx, n->c.number, full);
}

void tell_try(struct prs_node *n, const struct prs_pool_effect *e)
{
	struct prs_fact f = { .type = PRS_FACT_TRY };
	struct prs_try *t = &f.u.try_;
	char message[MESSAGE_BYTES], with_full[MESSAGE_BYTES];
	struct prs_full_disk says = { 0 };
	bool said = n->current && n->current->slot == e->slot &&
	            prs_msg_get_fail(n->payload, n->payload_bytes, t, &says, NULL) == 0 && t->code == e->code;
	if (!said)
		says = (struct prs_full_disk){ 0 };
	if (said)
		words_said(&n->workers[e->slot]);
	else
		judge(&n->workers[e->slot], e, t, message);
	t->unit = e->unit;
	t->lease = e->lease;
	t->try_number = e->try_number;
	t->node = n->c.number;
	t->slot = e->slot;
	t->incarnation = e->incarnation;
	t->exit = e->exit;
	bool held = !said && is_timeout(e->code); /* its message is a sentence that stays */
	const char *full = held ? NULL : disks_full(&n->disks, &says, prs_clock_us());
	t->code = full ? PRS_ENOSPACE : e->code;
	t->fault = prs_error_row(t->code)->fault;
	t->counted = prs_error_row(t->code)->action != PRS_ACTION_RESUMABLE;
	if (full) {
		put_full(with_full, full, t->message);
		t->message = prs_text_of(with_full);
	}
	if (held)
		hold(&n->workers[e->slot], &f);
	else
		n->c.link.fact(n->c.link.ctx, n->c.number, &f);
	tell_full(n, full);
}

void tell_result(struct prs_node *n, const struct prs_pool_effect *e)
{
	struct prs_done d;
	int fd = n->payload_fd;
	prs_done_decode(n->payload, n->payload_bytes, &d, NULL);
	d.unit = e->unit; /* ours, not what the process says */
	d.lease = e->lease;
	d.try_number = e->try_number;
	d.node = n->c.number;
	d.slot = e->slot;
	d.incarnation = n->workers[e->slot].incarnation;
	d.flags &= PRS_DONE_OF_WORKER;
	n->payload_fd = -1;
	n->c.link.result(n->c.link.ctx, n->c.number, &d, fd < 0 ? n->payload + PRS_DONE_BYTES : NULL, fd);
}

/* The text of a process fact, and the traceback that belongs to it. */
static void describe_proc(struct worker *w, const struct prs_pool_effect *e, struct prs_fact *f,
                          char message[MESSAGE_BYTES])
{
	bool init_failed = e->proc_event == PRS_PROC_INIT_FAILED;
	snprintf(message, MESSAGE_BYTES, "%s", e->code ? prs_error_row(e->code)->sentence : "");
	if (init_failed && w->report_code) {
		f->u.proc.trace_offset = w->trace_offset;
		f->u.proc.trace_bytes = w->trace_bytes;
		snprintf(message, MESSAGE_BYTES, "%s", w->report_text);
	} else if (init_failed && (e->code == PRS_EINIT_EXIT || e->code == PRS_ESPAWN)) {
		describe_end(e, message);
		words_keep(w, e->code == PRS_ESPAWN ? "start of the process" : "init()", message,
		           &f->u.proc.trace_offset, &f->u.proc.trace_bytes);
		describe_exit(w, e, message);
	} else if (e->code == PRS_EMEMORY_LIMIT) {
		memory_describe(w, message, MESSAGE_BYTES);
	} else if (e->proc_event == PRS_PROC_KILLED && w->node->abort_code == PRS_ENO_PROGRESS && w->stopped) {
		const char *sentence = prs_error_row(PRS_ENO_PROGRESS)->sentence;
		if (words_keep(w, "no progress", sentence, &f->u.proc.trace_offset, &f->u.proc.trace_bytes)) {
			f->u.proc.code = PRS_ENO_PROGRESS;
			snprintf(message, MESSAGE_BYTES, "%s", sentence);
		}
	}
}

/* For a sentence that says why the process, or the node, is given up. */
static void keep_why(struct worker *w, const char *message)
{
	size_t n = strlen(message);
	while (n && (message[n - 1] == '\n' || message[n - 1] == ' '))
		n--;
	snprintf(w->why_failed, sizeof w->why_failed, "%.*s", (int)(n < 500 ? n : 500), message);
}

void tell_proc(struct prs_node *n, const struct prs_pool_effect *e)
{
	struct worker *w = &n->workers[e->slot];
	struct prs_fact f = { .type = PRS_FACT_PROC, .time_us = prs_wall_us() };
	char message[MESSAGE_BYTES], with_full[MESSAGE_BYTES];
	f.u.proc.node = n->c.number;
	f.u.proc.slot = e->slot;
	f.u.proc.incarnation = e->incarnation;
	f.u.proc.pid = e->pid;
	f.u.proc.event = e->proc_event;
	f.u.proc.code = e->code;
	f.u.proc.exit = e->exit == PRS_POOL_NOT_ENDED ? 0 : e->exit;
	describe_proc(w, e, &f, message);
	bool init_failed = e->proc_event == PRS_PROC_INIT_FAILED, held = init_failed && is_timeout(e->code);
	const char *full = init_failed && !held ? disks_full(&n->disks, &w->report_full, prs_clock_us()) : NULL;
	if (init_failed)
		keep_why(w, message);
	if (full) {
		f.u.proc.code = PRS_ENOSPACE;
		put_full(with_full, full, prs_text_of(message));
	}
	const char *text = full ? with_full : message;
	f.u.proc.text = prs_text_of(held ? prs_error_row(e->code)->sentence : text);
	if (held)
		hold(w, &f);
	else
		n->c.link.fact(n->c.link.ctx, n->c.number, &f);
	tell_full(n, full);
}

void tell_given_up(struct prs_node *n, const struct prs_pool_effect *e)
{
	char name[PRS_PROCESS_NAME_BYTES], text[MESSAGE_BYTES];
	if (n->told_given_up++ == GIVEN_UP_TOLD)
		n->c.link.warn(n->c.link.ctx, n->c.number, "more processes are given up (prs why shows them all)");
	if (n->told_given_up > GIVEN_UP_TOLD)
		return;
	prs_process_name(name, e->slot);
	snprintf(text, sizeof text, "%s is given up: %s %s in a row (%.300s). The other processes go on", name,
	         e->code == PRS_ESPAWN ? "it could not be started" : "init() failed", prs_many(e->count, "time").text,
	         n->workers[e->slot].why_failed);
	n->c.link.warn(n->c.link.ctx, n->c.number, text);
}

void tell_unfit(struct prs_node *n, const struct prs_pool_effect *e)
{
	char text[MESSAGE_BYTES];
	if (e->slot >= n->c.pool.slots)
		snprintf(text, sizeof text, "init() failed %s in a row", prs_many(e->count, "time").text);
	else if (e->code == PRS_ESPAWN)
		snprintf(text, sizeof text, "processes could not be started, %s in a row: %.300s",
		         prs_many(e->count, "time").text, n->workers[e->slot].why_failed);
	else
		snprintf(text, sizeof text, "init() failed %s in a row in every process",
		         prs_many(e->count, "time").text);
	n->c.link.failed(n->c.link.ctx, n->c.number, -e->code, text);
}
