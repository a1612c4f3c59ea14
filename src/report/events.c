/* SPDX-License-Identifier: Apache-2.0
 * events: events.jsonl: every fact as a JSON line with "type", "time" (UTC) and stable keys (docs/logs.md lists them).
 *
 * Keys are only ever added. Times that measure are integers in µs with names that end in _us.
 */
#include "report/impl.h"

#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>

enum { LINE_BYTES = 640 };

static struct report_file *events(struct prs_report *r) { return r->files[REPORT_EVENTS]; }

/* ---- parts of a line --------------------------------------------------------------------------------------------- */

static void begin(struct prs_buf *b, const char *type, uint64_t wall_us, struct text_day *day)
{
	char time[TEXT_ISO];
	text_iso(day, time, wall_us);
	prs_buf_puts(b, "{\"type\":\"");
	prs_buf_puts(b, type);
	prs_buf_puts(b, "\",\"time\":\"");
	prs_buf_put(b, time, sizeof time);
	prs_buf_putc(b, '"');
}

static void key(struct prs_buf *b, const char *name)
{
	prs_buf_puts(b, ",\"");
	prs_buf_puts(b, name);
	prs_buf_puts(b, "\":");
}

static void num(struct prs_buf *b, const char *name, uint64_t v)
{
	key(b, name);
	prs_buf_dec(b, v, 0);
}

static void yes(struct prs_buf *b, const char *name, bool v)
{
	key(b, name);
	prs_buf_puts(b, v ? "true" : "false");
}

static void str(struct prs_buf *b, const char *name, const char *s)
{
	key(b, name);
	report_jsons(b, s);
}

static void text(struct prs_buf *b, const char *name, struct prs_text t)
{
	key(b, name);
	report_json(b, t.p, t.n);
}

static void hex(struct prs_buf *b, const char *name, const uint8_t *p, size_t n)
{
	key(b, name);
	prs_buf_putc(b, '"');
	for (size_t i = 0; i < n; i++) {
		prs_buf_putc(b, "0123456789abcdef"[p[i] >> 4]);
		prs_buf_putc(b, "0123456789abcdef"[p[i] & 15]);
	}
	prs_buf_putc(b, '"');
}

static void unit(struct prs_buf *b, const struct prs_unit *u)
{
	num(b, "mini_batch", u->id);
	if (u->item_count) {
		num(b, "item_first", u->item_first);
		num(b, "item_count", u->item_count);
	}
}

static void process(struct prs_report *r, struct prs_buf *b, uint16_t node, uint16_t slot, uint32_t incarnation,
                    uint32_t pid)
{
	const struct report_proc *p = report_proc(r, node, slot);
	num(b, "node", node);
	if (!p)
		return;
	str(b, "process", p->name);
	num(b, "incarnation", incarnation);
	num(b, "pid", pid ? pid : report_pid(p, incarnation));
}

static void error(struct prs_buf *b, uint16_t code) { str(b, "error", code ? prs_error_row(code)->name : ""); }

static void ending(struct prs_buf *b, uint32_t wait_status)
{
	int status = (int)wait_status;
	if (WIFSIGNALED(status))
		num(b, "signal", (uint64_t)WTERMSIG(status));
	else if (WIFEXITED(status))
		num(b, "exit", (uint64_t)WEXITSTATUS(status));
}

static void trace(struct prs_report *r, struct prs_buf *b, uint16_t node, uint16_t slot, uint64_t offset,
                  uint32_t bytes)
{
	if (bytes == 0)
		return;
	char file[160];
	report_trace_file(r, node, slot, file, sizeof file);
	str(b, "traceback", file);
	num(b, "traceback_offset", offset);
	num(b, "traceback_bytes", bytes);
}

static void line_done(struct prs_report *r, struct report_file *f, size_t start)
{
	if (!f->buf.failed && r->c.event && r->reader.pos.epoch == r->epoch)
		r->c.event(r->c.event_ctx, (const char *)f->buf.data + start, f->buf.len - start - 1);
	report_file_put_done(r, f);
}

/* ---- one function per event -------------------------------------------------------------------------------------- */

static void event_head(struct prs_report *r, struct prs_buf *b, const struct prs_fact *f)
{
	str(b, "run", r->run_name);
	num(b, "epoch", f->u.head.epoch);
	yes(b, "resumed", f->u.head.previous != 0);
	text(b, "engine", f->u.head.engine);
	text(b, "host", f->u.head.host);
	num(b, "pid", f->u.head.pid);
}

static void event_node(struct prs_report *r, struct prs_buf *b, const struct prs_fact *f)
{
	(void)r;
	num(b, "node", f->u.node.node);
	num(b, "incarnation", f->u.node.incarnation);
	text(b, "name", f->u.node.name);
	text(b, "address", f->u.node.address);
	if (f->u.node.up) {
		num(b, "processes", f->u.node.procs);
		num(b, "cores", f->u.node.cores);
		num(b, "gpus", f->u.node.gpus);
	} else {
		error(b, f->u.node.reason);
	}
}

static void event_proc(struct prs_report *r, struct prs_buf *b, const struct prs_fact *f)
{
	process(r, b, f->u.proc.node, f->u.proc.slot, f->u.proc.incarnation, f->u.proc.pid);
	uint8_t event = f->u.proc.event;
	if (event == PRS_PROC_STARTED || event == PRS_PROC_INIT_DONE)
		return;
	error(b, f->u.proc.code);
	if (event != PRS_PROC_INIT_FAILED)
		ending(b, f->u.proc.exit);
	if (f->u.proc.text.n)
		text(b, "message", f->u.proc.text);
	trace(r, b, f->u.proc.node, f->u.proc.slot, f->u.proc.trace_offset, f->u.proc.trace_bytes);
}

static void event_try(struct prs_report *r, struct prs_buf *b, const struct prs_fact *f)
{
	const struct prs_try *t = &f->u.try_;
	unit(b, &t->unit);
	num(b, "try", t->try_number);
	process(r, b, t->node, t->slot, t->incarnation, 0);
	num(b, "total", report_items(r, &t->unit));
	error(b, t->code);
	str(b, "fault", prs_fault_name(t->fault));
	yes(b, "counted", t->counted);
	if (t->exit)
		ending(b, t->exit);
	text(b, "message", t->message);
	if (t->bad_item)
		num(b, "bad_item", t->bad_item);
	trace(r, b, t->node, t->slot, t->trace_offset, t->trace_bytes);
	num(b, "elapsed_us", t->elapsed_us);
	num(b, "run_us", t->run_us);
	num(b, "cpu_us", t->cpu_us);
}

static void event_failed(struct prs_report *r, struct prs_buf *b, const struct prs_fact *f)
{
	const struct report_unit *u = report_unit_find(r, &f->u.failed.unit);
	unit(b, &f->u.failed.unit);
	num(b, "items", f->u.failed.items);
	num(b, "tries", u ? u->tries : 0);
	error(b, f->u.failed.code);
}

static void event_lost(struct prs_report *r, struct prs_buf *b, const struct prs_fact *f)
{
	(void)r;
	num(b, "node", f->u.lost.node);
	num(b, "incarnation", f->u.lost.incarnation);
	key(b, "running");
	prs_buf_putc(b, '[');
	for (uint32_t i = 0; i < f->u.lost.running_count; i++) {
		if (i > 0)
			prs_buf_putc(b, ',');
		prs_buf_dec(b, prs_lost_unit(f, i).id, 0);
	}
	prs_buf_putc(b, ']');
	num(b, "queued", f->u.lost.queued_count);
}

static void event_state(struct prs_report *r, struct prs_buf *b, const struct prs_fact *f)
{
	(void)r;
	str(b, "from", prs_state_name(PRS_MACHINE_JOB, f->u.state.from));
	str(b, "to", prs_state_name(PRS_MACHINE_JOB, f->u.state.to));
	error(b, f->u.state.code);
	text(b, "text", f->u.state.text);
}

static void event_published(struct prs_report *r, struct prs_buf *b, const struct prs_fact *f)
{
	(void)r;
	text(b, "output", f->u.published.name);
	num(b, "bytes", f->u.published.bytes);
	num(b, "rows", f->u.published.rows);
	hex(b, "xxh128", f->u.published.print, sizeof f->u.published.print);
}

static void event_finished(struct prs_report *r, const struct prs_fact *f)
{
	struct prs_buf *b = report_file_buf(r, events(r));
	if (!b)
		return;
	size_t start = b->len;
	begin(b, "finished", f->time_us, &r->day);
	str(b, "state", prs_state_name(PRS_MACHINE_JOB, f->u.state.to));
	error(b, f->u.state.code);
	text(b, "text", f->u.state.text);
	num(b, "mini_batches", r->mini_batches);
	num(b, "done", r->done);
	num(b, "failed", r->failed);
	num(b, "items", r->items);
	num(b, "items_succeeded", r->items_succeeded);
	num(b, "items_failed", r->items_failed);
	prs_buf_puts(b, "}\n");
	line_done(r, events(r), start);
}

static void event_planned(struct prs_report *r, struct prs_buf *b, const struct prs_fact *f)
{
	(void)r;
	num(b, "mini_batches", f->u.planned.next_id);
	num(b, "items", f->u.planned.items);
	yes(b, "complete", f->u.planned.complete);
}

static void event_reset(struct prs_report *r, struct prs_buf *b, const struct prs_fact *f)
{
	(void)r;
	unit(b, &f->u.reset.unit);
	num(b, "count", f->u.reset.count);
	str(b, "reason", f->u.reset.reason == PRS_RESET_RETRY_FAILED ? "retry_failed" : "bad_range");
}

static void event_field(struct prs_buf *b, const struct prs_fact *f, const struct prs_fact_field *field)
{
	const void *at = (const char *)f + field->offset;
	switch (field->kind) {
	case PRS_FIELD_TEXT:
	case PRS_FIELD_LATE_TEXT: text(b, field->name, *(const struct prs_text *)at); break;
	case PRS_FIELD_PRINT:
	case PRS_FIELD_LATE_PRINT: hex(b, field->name, at, 16); break;
	case PRS_FIELD_UNIT: unit(b, at); break;
	case PRS_FIELD_UNITS: break;
	case PRS_FIELD_CODE: error(b, (uint16_t)prs_field_number(f, field)); break;
	case PRS_FIELD_STEP_STATE:
		str(b, field->name, prs_state_name(PRS_MACHINE_STEP, (int)prs_field_number(f, field)));
		break;
	case PRS_FIELD_LATE_U32:
	case PRS_FIELD_LATE_U8:
	case PRS_FIELD_U8:
	case PRS_FIELD_U16:
	case PRS_FIELD_U32:
	case PRS_FIELD_U64:
	case PRS_FIELD_JOB_STATE:
	case PRS_FIELD_PROC_EVENT:
	case PRS_FIELD_RESET_REASON: num(b, field->name, prs_field_number(f, field)); break;
	}
}

/* A fact of which nothing else is to be said: its fields as they are. */
static void event_fields(struct prs_report *r, struct prs_buf *b, const struct prs_fact *f)
{
	(void)r;
	for (const struct prs_fact_field *field = prs_fact_fields(f->type); field->fact == f->type; field++)
		if (!prs_field_is_none(f, field))
			event_field(b, f, field);
}

/* The names of events, and what they say when it is not simply the fields of the fact. NODE and PROC have several. */
static const struct event {
	const char *type;
	void (*put)(struct prs_report *r, struct prs_buf *b, const struct prs_fact *f);
} types[PRS_FACT_END] = {
	[PRS_FACT_HEAD] = { "run_started", event_head },
	[PRS_FACT_NODE] = { "node", event_node },
	[PRS_FACT_PLANNED] = { "planned", event_planned },
	[PRS_FACT_TRY] = { "try_failed", event_try },
	[PRS_FACT_FAILED] = { "mini_batch_failed", event_failed },
	[PRS_FACT_LOST] = { "lost", event_lost },
	[PRS_FACT_RESET] = { "reset", event_reset },
	[PRS_FACT_SET] = { "setting_changed", event_fields },
	[PRS_FACT_STATE] = { "state", event_state },
	[PRS_FACT_PUBLISHED] = { "published", event_published },
	[PRS_FACT_SPLIT] = { "split", event_fields },
	[PRS_FACT_PROC] = { "process", event_proc },
	[PRS_FACT_STEP] = { "step", event_fields },
};

static const char *type_of(const struct prs_fact *f)
{
	static const char *const procs[] = { [PRS_PROC_STARTED] = "process_started",
		                             [PRS_PROC_INIT_DONE] = "init_done",
		                             [PRS_PROC_INIT_FAILED] = "init_failed",
		                             [PRS_PROC_EXITED] = "process_ended",
		                             [PRS_PROC_KILLED] = "process_killed" };
	if (f->type == PRS_FACT_NODE)
		return f->u.node.up ? "node_up" : "node_down";
	if (f->type == PRS_FACT_PROC && f->u.proc.event < sizeof procs / sizeof procs[0])
		return procs[f->u.proc.event];
	return types[f->type].type ? types[f->type].type : prs_fact_name(f->type);
}

/* The hot one. */
static void event_done(struct prs_report *r, const struct prs_done *d, uint64_t end_us, bool counts)
{
	struct report_file *f = events(r);
	char *p = report_file_room(r, f, LINE_BYTES);
	const struct report_proc *proc = report_proc(r, d->node, d->slot);
	if (!p || !proc)
		return;
	size_t start = f->buf.len;
	p = TEXT_PUT(p, "{\"type\":\"mini_batch_done\",\"time\":\"");
	p = text_iso(&r->day, p, end_us);
	p = TEXT_PUT(p, "\",\"mini_batch\":");
	p = text_u64(p, d->unit.id);
	if (d->unit.item_count) {
		p = TEXT_PUT(p, ",\"item_first\":");
		p = text_u64(p, d->unit.item_first);
		p = TEXT_PUT(p, ",\"item_count\":");
		p = text_u64(p, d->unit.item_count);
	}
	p = TEXT_PUT(p, ",\"try\":");
	p = text_u64(p, d->try_number);
	p = TEXT_PUT(p, ",\"node\":");
	p = text_u64(p, d->node);
	p = TEXT_PUT(p, ",\"process\":\"");
	p = text_bytes(p, proc->name, proc->name_n);
	p = TEXT_PUT(p, "\",\"total\":");
	p = text_u64(p, report_items(r, &d->unit));
	p = TEXT_PUT(p, ",\"succeeded\":");
	p = text_u64(p, d->succeeded);
	p = TEXT_PUT(p, ",\"rows\":");
	p = text_u64(p, d->rows);
	p = TEXT_PUT(p, ",\"elapsed_us\":");
	p = text_u64(p, d->elapsed_us);
	p = TEXT_PUT(p, ",\"run_us\":");
	p = text_u64(p, d->run_us);
	p = TEXT_PUT(p, ",\"cpu_us\":");
	p = text_u64(p, d->cpu_us);
	if (!counts)
		p = TEXT_PUT(p, ",\"counts\":false");
	p = TEXT_PUT(p, "}\n");
	f->buf.len = (size_t)((uint8_t *)p - f->buf.data);
	line_done(r, f, start);
}

static bool is_final(uint8_t state)
{
	return state == PRS_JOB_COMPLETED || state == PRS_JOB_FAILED || state == PRS_JOB_INTERRUPTED ||
	       state == PRS_JOB_CANCELED;
}

void report_event(struct prs_report *r, const struct prs_fact *f, bool counts)
{
	if (f->type == PRS_FACT_DONE) {
		event_done(r, &f->u.done, f->time_us, counts);
		return;
	}
	struct prs_buf *b = report_file_buf(r, events(r));
	if (!b)
		return;
	size_t start = b->len;
	begin(b, type_of(f), f->time_us, &r->day);
	if (types[f->type].put)
		types[f->type].put(r, b, f);
	else
		event_fields(r, b, f);
	prs_buf_puts(b, "}\n");
	line_done(r, events(r), start);
	if (f->type == PRS_FACT_STATE && is_final(f->u.state.to))
		event_finished(r, f);
}
