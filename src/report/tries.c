/* SPDX-License-Identifier: Apache-2.0
 * tries: sys/job_report/: processed_mini-batches.csv, one line per finished try, and its totals per process and per
 * node.
 */
#include "report/impl.h"

#include "base/mem.h"

#include <stdio.h>

static const struct column {
	enum report_log log;
	const char *name;
} columns[] = {
#define PRS_LOG_COLUMN(id, column, meaning, value) { REPORT_##id, column },
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

/* ---- tries ------------------------------------------------------------------------------------------------------- */

/* A finished try, as the columns of TRIES take it. */
struct row {
	uint64_t id, start_us, elapsed_us, cpu_us, run_us;
	uint32_t items, succeeded;
	uint16_t try_number, node, slot;
	const char *status, *error; /* error: "" when it succeeded */
	struct prs_text message;
	const struct prs_unit *unit;
};

/* Most that the columns without quotes take: a folder of 64 bytes is the longest. */
enum { ROW_BYTES = sizeof columns / sizeof columns[0] * 65 };

static void put_detail(struct prs_report *r, struct prs_buf *to, const struct prs_unit *u)
{
	prs_buf_clear(&r->detail);
	int rc = r->c.detail ? r->c.detail(r->c.plan, u, 3, &r->detail) : 0;
	if (rc == -PRS_ENOMEM || r->detail.failed == -PRS_ENOMEM)
		r->broken = -PRS_ENOMEM;
	else if (rc >= 0)
		report_csv(to, r->detail.data, r->detail.len);
	prs_buf_putc(to, ',');
}

static void put_csv(struct prs_buf *to, const char *text, size_t n)
{
	report_csv(to, text, n);
	prs_buf_putc(to, ',');
}

static char *put_comma(char *p)
{
	*p = ',';
	return p + 1;
}

/* In this section the columns of the other logs are left out. */
#define PUT_PROCESSES(value)
#define PUT_NODES(value)
#define PUT_TRIES(value) value

/* The columns that need no quotes, written straight into memory. */
static char *put_plain_columns(struct prs_report *r, char *p, const struct row *w, const struct report_node *node,
                               const struct report_proc *proc)
{
#define NAME(text, n) p = put_comma(text_bytes(p, text, n));
#define NUMBER(v) p = put_comma(text_u64(p, v));
#define TIME(us) p = put_comma(text_iso(&r->day, p, us));
#define SECONDS(us) p = put_comma(text_seconds(p, us));
#define CSV(text, n)
#define DETAIL(unit)
#define PRS_LOG_COLUMN(id, column, meaning, value) PUT_##id(value)
#include "report/logs.def"
#undef NAME
#undef NUMBER
#undef TIME
#undef SECONDS
#undef CSV
#undef DETAIL
	return p;
}

static void put_other_columns(struct prs_report *r, struct prs_buf *to, const struct row *w)
{
#define NAME(text, n)
#define NUMBER(v)
#define TIME(us)
#define SECONDS(us)
#define CSV(text, n) put_csv(to, text, n);
#define DETAIL(u) put_detail(r, to, u);
#define PRS_LOG_COLUMN(id, column, meaning, value) PUT_##id(value)
#include "report/logs.def"
#undef NAME
#undef NUMBER
#undef TIME
#undef SECONDS
#undef CSV
#undef DETAIL
}

#undef PUT_PROCESSES
#undef PUT_NODES
#undef PUT_TRIES

/* The comma behind the last column becomes the end of the line. */
static void end_row(struct prs_buf *to)
{
	if (!to->failed)
		to->data[to->len - 1] = '\n';
}

static void put_row(struct prs_report *r, struct row *w)
{
	struct report_file *f = r->files[REPORT_TRIES];
	char *p = report_file_room(r, f, ROW_BYTES);
	const struct report_proc *proc = p ? report_proc(r, w->node, w->slot) : NULL;
	if (!proc)
		return;
	w->succeeded = w->succeeded < w->items ? w->succeeded : w->items;
	p = put_plain_columns(r, p, w, report_node(r, w->node), proc);
	f->buf.len = (size_t)((uint8_t *)p - f->buf.data);
	put_other_columns(r, &f->buf, w);
	end_row(&f->buf);
	report_file_put_done(r, f);
}

void report_tries_done(struct prs_report *r, const struct prs_done *d, uint32_t items)
{
	put_row(r, &(struct row){ .id = d->unit.id,
	                          .start_us = d->start_us,
	                          .elapsed_us = d->elapsed_us,
	                          .cpu_us = d->cpu_us,
	                          .run_us = d->run_us,
	                          .items = items,
	                          .succeeded = d->succeeded,
	                          .try_number = d->try_number,
	                          .node = d->node,
	                          .slot = d->slot,
	                          .status = "RUN_DONE",
	                          .error = "",
	                          .message = { "", 0 },
	                          .unit = &d->unit });
}

/* The original's word for how a try ended. */
static const char *status_of(uint16_t code)
{
	switch (code) {
	case PRS_ERUN_TIMEOUT: return "RUN_TIMEOUT";
	case PRS_EOVERHEAD_TIMEOUT: return "LOAD_TIMEOUT";
	case PRS_ELOAD_FAILED:
	case PRS_EVALUE_MISFIT:
	case PRS_ETRANSFORM_FAILED:
	case PRS_EINPUT_MOVED: return "LOAD_EXCEPTION";
	default: return "RUN_EXCEPTION";
	}
}

void report_tries_failed(struct prs_report *r, const struct prs_try *t, uint32_t items)
{
	put_row(r, &(struct row){ .id = t->unit.id,
	                          .start_us = t->start_us,
	                          .elapsed_us = t->elapsed_us,
	                          .cpu_us = t->cpu_us,
	                          .run_us = t->run_us,
	                          .items = items,
	                          .try_number = t->try_number,
	                          .node = t->node,
	                          .slot = t->slot,
	                          .status = status_of(t->code),
	                          .error = prs_error_row(t->code)->name,
	                          .message = t->message,
	                          .unit = &t->unit });
}

/* ---- summaries --------------------------------------------------------------------------------------------------- */

static void put_seconds(struct prs_buf *to, uint64_t us)
{
	char text[TEXT_SECONDS + 8];
	prs_buf_put(to, text, (size_t)(text_seconds(text, us) - text));
	prs_buf_putc(to, ',');
}

static void put_number(struct prs_buf *to, uint64_t v)
{
	prs_buf_dec(to, v, 0);
	prs_buf_putc(to, ',');
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

#define NUMBER(v) put_number(to, v);
#define SECONDS(us) put_seconds(to, us);
#define CSV(text, n) put_csv(to, text, n);
#define PUT_TRIES(value)

static void put_process_row(struct prs_buf *to, const struct report_node *node, const struct report_proc *proc)
{
	const struct report_total *t = &proc->total;
#define PUT_PROCESSES(value) value
#define PUT_NODES(value)
#define PRS_LOG_COLUMN(id, column, meaning, value) PUT_##id(value)
#include "report/logs.def"
#undef PUT_PROCESSES
#undef PUT_NODES
	end_row(to);
}

static void put_node_row(struct prs_buf *to, const struct report_node *node, uint64_t used,
                         const struct report_total *t)
{
#define PUT_PROCESSES(value)
#define PUT_NODES(value) value
#define PRS_LOG_COLUMN(id, column, meaning, value) PUT_##id(value)
#include "report/logs.def"
	end_row(to);
}

static void tries_put_processes(struct prs_buf *to, const struct report_node *n)
{
	for (size_t i = 0; i < n->procs_n; i++)
		if (n->procs[i].used)
			put_process_row(to, n, &n->procs[i]);
}

static void tries_put_node(struct prs_buf *to, const struct report_node *n)
{
	struct report_total sum = { 0 };
	uint64_t used = 0;
	for (size_t i = 0; i < n->procs_n; i++) {
		add_total(&sum, &n->procs[i].total);
		used += n->procs[i].used;
	}
	if (used > 0 || n->known)
		put_node_row(to, n, used, &sum);
}

static int write_summary(struct prs_report *r, enum report_log log,
                         void (*put)(struct prs_buf *, const struct report_node *), struct prs_err *err)
{
	struct report_whole *w = prs_malloc(sizeof *w);
	if (!w)
		return prs_fail(err, PRS_ENOMEM, "out of memory");
	char name[128];
	snprintf(name, sizeof name, "logs/%s", report_log_path(log));
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
	int a = write_summary(r, REPORT_PROCESSES, tries_put_processes, err);
	int b = write_summary(r, REPORT_NODES, tries_put_node, err);
	return a ? a : b;
}
