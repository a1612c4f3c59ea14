/* SPDX-License-Identifier: Apache-2.0
 * process_log: sys/node/<ip>/<process>.txt: a line when a mini-batch is picked and one when it is finished, and the
 * life of the process.
 *
 * YYYY-MM-DD HH:MM:SS,mmm|LEVEL|pid|thread|message (UTC). At WARNING: only what went wrong.
 */
#include "report/impl.h"

#include <stdio.h>

enum { LINE_BYTES = 640 };

static struct report_file *log_of(struct prs_report *r, uint16_t node, uint16_t slot)
{
	struct report_proc *p = report_proc(r, node, slot);
	if (!p || p->log)
		return p ? p->log : NULL;
	char name[160];
	prs_log_name(name, sizeof name, PRS_NAME_PROCESS_LOG, report_node(r, node)->folder, p->name);
	p->log = report_file_get(r, REPORT_PROCESS, name);
	return p->log;
}

/* "2026-01-02 03:04:05,123|INFO|4711|MainThread|" */
static char *put_head(struct prs_report *r, char *p, uint64_t wall_us, const char *level, uint32_t pid)
{
	p = text_log_time(&r->day, p, wall_us);
	*p++ = '|';
	p = text_bytes(p, level, strlen(level));
	*p++ = '|';
	p = text_u64(p, pid);
	return TEXT_PUT(p, "|MainThread|");
}

static char *put_picked(struct prs_report *r, char *p, const struct prs_unit *u, uint16_t try_number, uint64_t start_us,
                        uint32_t pid, uint32_t items)
{
	p = put_head(r, p, start_us, "INFO", pid);
	p = TEXT_PUT(p, "Picked mini-batch ");
	p = text_u64(p, u->id);
	p = TEXT_PUT(p, ", try ");
	p = text_u64(p, try_number);
	p = TEXT_PUT(p, ", ");
	p = text_u64(p, items);
	return items == 1 ? TEXT_PUT(p, " item.\n") : TEXT_PUT(p, " items.\n");
}

struct times {
	uint64_t start_us, elapsed_us, cpu_us, run_us;
};

/* ip, pid, items, times */
static char *put_facts(struct prs_report *r, char *p, uint16_t node, uint32_t pid, uint32_t items, uint32_t succeeded,
                       struct times t)
{
	const struct report_node *n = report_node(r, node);
	p = TEXT_PUT(p, ": ip ");
	p = text_bytes(p, n->folder, n->folder_n);
	p = TEXT_PUT(p, ", pid ");
	p = text_u64(p, pid);
	p = TEXT_PUT(p, ", total ");
	p = text_u64(p, items);
	p = TEXT_PUT(p, ", succeeded ");
	p = text_u64(p, succeeded);
	p = TEXT_PUT(p, ", failed ");
	p = text_u64(p, items - succeeded);
	p = TEXT_PUT(p, ", start ");
	p = text_iso(&r->day, p, t.start_us);
	p = TEXT_PUT(p, ", duration ");
	p = text_seconds(p, t.elapsed_us);
	p = TEXT_PUT(p, " s, process time ");
	p = text_seconds(p, t.cpu_us);
	p = TEXT_PUT(p, " s, run method time ");
	p = text_seconds(p, t.run_us);
	return TEXT_PUT(p, " s");
}

void report_process_done(struct prs_report *r, const struct prs_done *d, uint64_t end_us, uint32_t items)
{
	if (r->c.level < PRS_LOG_INFO)
		return;
	struct report_file *f = log_of(r, d->node, d->slot);
	char *p = report_file_room(r, f, LINE_BYTES);
	if (!p)
		return;
	uint32_t pid = report_pid(report_proc(r, d->node, d->slot), d->incarnation);
	p = put_picked(r, p, &d->unit, d->try_number, d->start_us, pid, items);
	p = put_head(r, p, end_us, "INFO", pid);
	p = TEXT_PUT(p, "Finished mini-batch ");
	p = text_u64(p, d->unit.id);
	struct times t = { d->start_us, d->elapsed_us, d->cpu_us, d->run_us };
	p = put_facts(r, p, d->node, pid, items, d->succeeded < items ? d->succeeded : items, t);
	p = TEXT_PUT(p, ".\n");
	report_file_took(r, f, p);
}

/* ": RUN_CRASH, signal 9 (Killed), ValueError: ..., traceback: user/error/... at byte 123." */
static void put_cause(struct prs_buf *to, uint16_t code, uint32_t status, struct prs_text message)
{
	prs_buf_puts(to, ": ");
	prs_buf_puts(to, prs_error_row(code)->name);
	if (status) {
		prs_buf_puts(to, ", ");
		report_exit(to, status);
	}
	if (message.n) {
		prs_buf_puts(to, ", ");
		report_plain(to, message.p, report_first_line(message.p, message.n), 500);
	}
}

static void put_trace(struct prs_report *r, struct prs_buf *to, uint16_t node, uint16_t slot, uint64_t offset,
                      uint32_t bytes)
{
	if (bytes == 0)
		return;
	char file[160];
	report_trace_file(r, node, slot, file, sizeof file);
	prs_buf_puts(to, ", traceback: ");
	prs_buf_puts(to, file);
	prs_buf_puts(to, " at byte ");
	prs_buf_dec(to, offset, 0);
}

void report_process_failed(struct prs_report *r, const struct prs_try *t, uint64_t end_us, uint32_t items)
{
	struct report_file *f = log_of(r, t->node, t->slot);
	char *p = report_file_room(r, f, LINE_BYTES);
	if (!p)
		return;
	uint32_t pid = report_pid(report_proc(r, t->node, t->slot), t->incarnation);
	if (r->c.level >= PRS_LOG_INFO)
		p = put_picked(r, p, &t->unit, t->try_number, t->start_us, pid, items);
	p = put_head(r, p, end_us, "WARNING", pid);
	p = TEXT_PUT(p, "Failed mini-batch ");
	p = text_u64(p, t->unit.id);
	p = TEXT_PUT(p, ", try ");
	p = text_u64(p, t->try_number);
	struct times times = { t->start_us, t->elapsed_us, t->cpu_us, t->run_us };
	p = put_facts(r, p, t->node, pid, items, 0, times);
	f->buf.len = (size_t)((uint8_t *)p - f->buf.data);
	put_cause(&f->buf, t->code, t->exit, t->message);
	put_trace(r, &f->buf, t->node, t->slot, t->trace_offset, t->trace_bytes);
	prs_buf_puts(&f->buf, ".\n");
	report_file_put_done(r, f);
}

static const char *const events[] = {
	[PRS_PROC_STARTED] = "Process started",   [PRS_PROC_INIT_DONE] = "init() is done",
	[PRS_PROC_INIT_FAILED] = "init() failed", [PRS_PROC_EXITED] = "Process ended",
	[PRS_PROC_KILLED] = "Process killed",
};

void report_process_event(struct prs_report *r, const struct prs_fact *f)
{
	uint8_t event = f->u.proc.event;
	bool bad = event == PRS_PROC_INIT_FAILED || f->u.proc.code != 0;
	if ((!bad && r->c.level < PRS_LOG_INFO) || event >= sizeof events / sizeof events[0])
		return;
	struct report_file *file = log_of(r, f->u.proc.node, f->u.proc.slot);
	char *p = report_file_room(r, file, LINE_BYTES);
	if (!p)
		return;
	uint32_t pid = report_pid(report_proc(r, f->u.proc.node, f->u.proc.slot), f->u.proc.incarnation);
	const char *level = bad ? "WARNING" : "INFO";
	if (event == PRS_PROC_INIT_FAILED)
		level = "ERROR";
	p = put_head(r, p, f->time_us, level, pid);
	const char *what = f->u.proc.code == PRS_ESPAWN ? "Process not started" : events[event];
	p = text_bytes(p, what, strlen(what));
	file->buf.len = (size_t)((uint8_t *)p - file->buf.data);
	if (bad) {
		put_cause(&file->buf, f->u.proc.code, f->u.proc.exit, f->u.proc.text);
		put_trace(r, &file->buf, f->u.proc.node, f->u.proc.slot, f->u.proc.trace_offset, f->u.proc.trace_bytes);
	} else if (f->u.proc.exit) {
		prs_buf_puts(&file->buf, ": ");
		report_exit(&file->buf, f->u.proc.exit);
	}
	prs_buf_puts(&file->buf, ".\n");
	report_file_put_done(r, file);
}
