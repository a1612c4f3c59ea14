/* SPDX-License-Identifier: Apache-2.0
 * tries: sys/job_report/: processed_mini-batches.csv, one line per finished try, and its totals per process and per
 * node.
 */
#include "report/impl.h"

#include "base/mem.h"

static const struct column {
	enum report_log log;
	const char *name;
} columns[] = {
#define PRS_LOG_COLUMN(id, column, meaning) { REPORT_##id, column },
#include "report/logs.def"
};

/* The head lines, made once from the table. */
const char *report_log_head(enum report_log log)
{
	static char heads[REPORT_LOGS][512];
	char *head = heads[log];
	if (head[0])
		return head;
	size_t n = 0;
	for (size_t i = 0; i < sizeof columns / sizeof columns[0]; i++) {
		size_t len = strlen(columns[i].name);
		if (columns[i].log != log || n + len + 2 >= sizeof heads[0])
			continue;
		if (n > 0)
			head[n++] = ',';
		memcpy(head + n, columns[i].name, len);
		n += len;
	}
	if (n > 0)
		head[n++] = '\n';
	head[n] = 0;
	return head;
}

/* What all tries have in common. */
struct row {
	uint64_t id, start_us, elapsed_us, cpu_us, run_us;
	uint32_t items, succeeded;
	uint16_t try_number, node, slot;
};

enum { ROW_BYTES = 7 * TEXT_U64 + TEXT_ISO + 3 * (TEXT_SECONDS + 8) + 64 + 16 + 64 };

/* Id ... Run Method Seconds and the comma behind. */
static char *put_row(struct prs_report *r, char *p, const struct row *w)
{
	const struct report_node *n = report_node(r, w->node);
	const struct report_proc *proc = report_proc(r, w->node, w->slot);
	p = text_u64(p, w->id);
	*p++ = ',';
	p = text_u64(p, w->try_number);
	*p++ = ',';
	p = text_bytes(p, n->folder, n->folder_n);
	*p++ = ',';
	p = text_bytes(p, proc->name, proc->name_n);
	*p++ = ',';
	p = text_iso(&r->day, p, w->start_us);
	*p++ = ',';
	p = text_u64(p, w->items);
	*p++ = ',';
	uint32_t succeeded = w->succeeded < w->items ? w->succeeded : w->items;
	p = text_u64(p, succeeded);
	*p++ = ',';
	p = text_u64(p, w->items - succeeded);
	*p++ = ',';
	p = text_seconds(p, w->elapsed_us);
	*p++ = ',';
	p = text_seconds(p, w->cpu_us);
	*p++ = ',';
	p = text_seconds(p, w->run_us);
	*p++ = ',';
	return p;
}

static void put_detail(struct prs_report *r, struct prs_buf *to, const struct prs_unit *u)
{
	prs_buf_clear(&r->detail);
	int rc = r->c.detail ? r->c.detail(r->c.plan, u, 3, &r->detail) : 0;
	if (rc == -PRS_ENOMEM || r->detail.failed == -PRS_ENOMEM)
		r->broken = -PRS_ENOMEM;
	else if (rc >= 0)
		report_csv(to, r->detail.data, r->detail.len);
	prs_buf_putc(to, '\n');
}

void report_tries_done(struct prs_report *r, const struct prs_done *d, uint32_t items)
{
	struct report_file *f = r->files[REPORT_TRIES];
	char *p = report_file_room(r, f, ROW_BYTES);
	if (!p || !report_proc(r, d->node, d->slot))
		return;
	struct row w = { .id = d->unit.id,
		         .start_us = d->start_us,
		         .elapsed_us = d->elapsed_us,
		         .cpu_us = d->cpu_us,
		         .run_us = d->run_us,
		         .items = items,
		         .succeeded = d->succeeded,
		         .try_number = d->try_number,
		         .node = d->node,
		         .slot = d->slot };
	p = put_row(r, p, &w);
	p = TEXT_PUT(p, "RUN_DONE,,,");
	f->buf.len = (size_t)((uint8_t *)p - f->buf.data);
	put_detail(r, &f->buf, &d->unit);
	report_file_put_done(r, f);
}

/* The original's word for how a try ended. */
static const char *status_of(uint16_t code)
{
	switch (code) {
	case PRS_ERUN_TIMEOUT: return "RUN_TIMEOUT";
	case PRS_EOVERHEAD_TIMEOUT: return "LOAD_TIMEOUT";
	case PRS_ELOAD_FAILED: return "LOAD_EXCEPTION";
	default: return "RUN_EXCEPTION";
	}
}

void report_tries_failed(struct prs_report *r, const struct prs_try *t, uint32_t items)
{
	struct report_file *f = r->files[REPORT_TRIES];
	char *p = report_file_room(r, f, ROW_BYTES);
	if (!p || !report_proc(r, t->node, t->slot))
		return;
	struct row w = { .id = t->unit.id,
		         .start_us = t->start_us,
		         .elapsed_us = t->elapsed_us,
		         .cpu_us = t->cpu_us,
		         .run_us = t->run_us,
		         .items = items,
		         .try_number = t->try_number,
		         .node = t->node,
		         .slot = t->slot };
	p = put_row(r, p, &w);
	f->buf.len = (size_t)((uint8_t *)p - f->buf.data);
	prs_buf_puts(&f->buf, status_of(t->code));
	prs_buf_putc(&f->buf, ',');
	prs_buf_puts(&f->buf, prs_error_row(t->code)->name);
	prs_buf_putc(&f->buf, ',');
	report_csv(&f->buf, t->message.p, report_first_line(t->message.p, t->message.n));
	prs_buf_putc(&f->buf, ',');
	put_detail(r, &f->buf, &t->unit);
	report_file_put_done(r, f);
}

/* ---- summaries --------------------------------------------------------------------------------------------------- */

static void put_seconds(struct prs_buf *to, uint64_t us)
{
	char text[TEXT_SECONDS + 8];
	prs_buf_put(to, text, (size_t)(text_seconds(text, us) - text));
}

static void put_total(struct prs_buf *to, const struct report_total *t)
{
	const uint64_t counts[] = { t->starts, t->init_failures, t->done,   t->failed_tries,
		                    t->items,  t->succeeded,     t->missing };
	for (size_t i = 0; i < sizeof counts / sizeof counts[0]; i++) {
		prs_buf_dec(to, counts[i], 0);
		prs_buf_putc(to, ',');
	}
	put_seconds(to, t->elapsed_us);
	prs_buf_putc(to, ',');
	put_seconds(to, t->cpu_us);
	prs_buf_putc(to, ',');
	put_seconds(to, t->run_us);
	prs_buf_putc(to, '\n');
}

static void add_total(struct report_total *to, const struct report_total *t)
{
	to->starts += t->starts;
	to->init_failures += t->init_failures;
	to->done += t->done;
	to->failed_tries += t->failed_tries;
	to->items += t->items;
	to->succeeded += t->succeeded;
	to->missing += t->missing;
	to->elapsed_us += t->elapsed_us;
	to->cpu_us += t->cpu_us;
	to->run_us += t->run_us;
}

static void put_processes(struct prs_buf *to, const struct report_node *n)
{
	for (size_t i = 0; i < n->procs_n; i++) {
		if (!n->procs[i].used)
			continue;
		report_csv(to, n->folder, n->folder_n);
		prs_buf_putc(to, ',');
		prs_buf_put(to, n->procs[i].name, n->procs[i].name_n);
		prs_buf_putc(to, ',');
		put_total(to, &n->procs[i].total);
	}
}

static void put_node(struct prs_buf *to, const struct report_node *n)
{
	struct report_total sum = { 0 };
	uint64_t used = 0;
	for (size_t i = 0; i < n->procs_n; i++) {
		add_total(&sum, &n->procs[i].total);
		used += n->procs[i].used;
	}
	if (used == 0 && !n->known)
		return;
	report_csv(to, n->folder, n->folder_n);
	prs_buf_putc(to, ',');
	report_csv(to, n->name, strlen(n->name));
	prs_buf_putc(to, ',');
	prs_buf_dec(to, used, 0);
	prs_buf_putc(to, ',');
	put_total(to, &sum);
}

static int write_summary(struct prs_report *r, enum report_log log,
                         void (*put)(struct prs_buf *, const struct report_node *), struct prs_err *err)
{
	struct report_whole *w = prs_malloc(sizeof *w);
	if (!w)
		return prs_fail(err, PRS_ENOMEM, "out of memory");
	char name[128] = "logs/";
	strcat(name, report_log_path(log));
	report_whole_begin(r, w, name);
	prs_buf_puts(&w->buf, report_log_head(log));
	for (size_t i = 0; i < r->nodes_n; i++) {
		put(&w->buf, &r->nodes[i]);
		report_whole_spill(r, w, REPORT_PIECE_BYTES);
	}
	int rc = report_whole_end(r, w, err);
	prs_freep(&w);
	return rc;
}

int report_summaries_write(struct prs_report *r, struct prs_err *err)
{
	int a = write_summary(r, REPORT_PROCESSES, put_processes, err);
	int b = write_summary(r, REPORT_NODES, put_node, err);
	return a ? a : b;
}
