/* SPDX-License-Identifier: Apache-2.0
 * errors: user/error.txt (the errors by kind) and failed_items.jsonl (the items to look at again).
 *
 * A kind is a code and a message without its numbers and quoted names (the kind of a TRY is another thing: its type
 * and line, for fail_fast). Both files are made from folded state and replaced as a whole.
 */
#include "report/impl.h"

#include "base/many.h"
#include "base/mem.h"
#include "report/trace.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

enum { KEY_BYTES = 200, MESSAGE_BYTES = 1000, TRACE_SHOWN_BYTES = 4096, KINDS_SHOWN = 30 };

/* ---- kinds ------------------------------------------------------------------------------------------------------- */

/* The bytes of a hexadecimal number, as in "<object at 0x7f8b53fb5040>"; 0: none begins here. */
static size_t hex_number(const char *p, size_t n)
{
	size_t i = 2;
	if (n < 3 || p[0] != '0' || (p[1] != 'x' && p[1] != 'X'))
		return 0;
	while (i < n && isxdigit((unsigned char)p[i]))
		i++;
	return i > 2 ? i : 0;
}

/* Numbers become #, quoted texts '...'; the quote in "can't" opens none. */
static void normalise(char key[KEY_BYTES], const char *p, size_t n)
{
	size_t at = 0;
	for (size_t i = 0; i < n && at + 6 < KEY_BYTES; i++) {
		char c = p[i];
		bool quote = c == '"' || (c == '\'' && (i == 0 || !isalnum((unsigned char)p[i - 1])));
		if (quote) {
			const char *close = memchr(p + i + 1, c, n - i - 1);
			memcpy(key + at, "'...'", 5);
			at += 5;
			i = close ? (size_t)(close - p) : n;
		} else if (c >= '0' && c <= '9') {
			size_t hex = hex_number(p + i, n - i);
			if (at == 0 || key[at - 1] != '#')
				key[at++] = '#';
			i += hex ? hex - 1 : 0;
		} else {
			key[at++] = c ? c : ' ';
		}
	}
	key[at] = 0;
}

static struct report_kind *kind_find(struct prs_report *r, uint16_t code, const char *key)
{
	for (size_t i = 0; i < r->kinds_n; i++)
		if (r->kinds[i].code == code && strcmp(r->kinds[i].key, key) == 0)
			return &r->kinds[i];
	return NULL;
}

struct happening {
	uint16_t node, slot, code, try_number;
	const struct prs_unit *unit; /* NULL: init() or between mini-batches */
	uint64_t time_us, trace_offset;
	uint32_t trace_bytes;
	struct prs_text message;
};

/* What a process was at that failed without a mini-batch. */
static const char *when(uint16_t code)
{
	switch (code) {
	case PRS_EIDLE_EXIT: return "between two mini-batches";
	case PRS_ESHUTDOWN_FAILED: return "shutdown()";
	case PRS_ENO_PROGRESS: return "no progress";
	case PRS_ESPAWN: return "start of the process";
	default: return "init()";
	}
}

static void put_where(struct prs_report *r, const struct happening *h, char *to, size_t n)
{
	const struct report_node *node = report_node(r, h->node);
	const char *ip = node ? node->folder : "";
	char process[PRS_PROCESS_NAME_BYTES];
	prs_process_name(process, h->slot);
	if (h->unit && !h->try_number)
		snprintf(to, n, "mini-batch %llu", (unsigned long long)h->unit->id);
	else if (h->unit)
		snprintf(to, n, "mini-batch %llu, try %u, %s on %s", (unsigned long long)h->unit->id, h->try_number,
		         process, ip);
	else
		snprintf(to, n, "%s, %s on %s", when(h->code), process, ip);
}

static char *one_line(struct prs_text t)
{
	PRS_AUTOBUF b;
	prs_buf_init(&b, 64 << 10);
	report_plain(&b, t.p, report_first_line(t.p, t.n), MESSAGE_BYTES);
	return prs_strdup(prs_buf_str(&b));
}

static struct report_kind *kind_add(struct prs_report *r, const struct happening *h, const char *key)
{
	struct report_kind *grown = r->kinds_n < REPORT_KINDS_MAX
	                                    ? prs_realloc(r->kinds, (r->kinds_n + 1) * sizeof *grown)
	                                    : NULL;
	if (!grown)
		return NULL;
	r->kinds = grown;
	struct report_kind *k = &grown[r->kinds_n];
	*k = (struct report_kind){ .code = h->code,
		                   .key = prs_strdup(key),
		                   .message = one_line(h->message),
		                   .first_us = h->time_us };
	if (!k->key || !k->message) {
		prs_freep(&k->key);
		prs_freep(&k->message);
		return NULL;
	}
	k->items = h->unit ? report_items(r, h->unit) : 0;
	put_where(r, h, k->where, sizeof k->where);
	r->kinds_n++;
	return k;
}

static void kind_compare(struct report_kind *k, const struct happening *h)
{
	if (k->varied)
		return;
	PRS_AUTOFREE char *message = one_line(h->message);
	k->varied = message && strcmp(message, k->message) != 0;
}

static void kind_count(struct report_kind *k, const struct prs_unit *u)
{
	k->count++;
	if (!u || k->ids_n > REPORT_KIND_IDS)
		return;
	for (unsigned i = 0; i < k->ids_n && i < REPORT_KIND_IDS; i++)
		if (k->ids[i] == u->id)
			return;
	if (k->ids_n < REPORT_KIND_IDS)
		k->ids[k->ids_n] = u->id;
	k->ids_n++; /* above REPORT_KIND_IDS: there are more */
}

static void remember_first(struct prs_report *r, const struct happening *h)
{
	if (r->has_first || h->trace_bytes == 0 || prs_error_row(h->code)->fault != PRS_FAULT_SCRIPT)
		return;
	struct prs_first_error *e = &r->first;
	PRS_AUTOBUF b;
	prs_buf_init(&b, 64 << 10);
	report_plain(&b, h->message.p, report_first_line(h->message.p, h->message.n), sizeof e->message - 8);
	snprintf(e->message, sizeof e->message, "%s", prs_buf_str(&b));
	report_trace_file(r, h->node, h->slot, e->file, sizeof e->file);
	put_where(r, h, e->where, sizeof e->where);
	e->offset = h->trace_offset;
	e->bytes = h->trace_bytes;
	r->has_first = true;
}

static void remember_last(struct prs_report *r, const struct happening *h)
{
	char where[160];
	PRS_AUTOBUF b;
	prs_buf_init(&b, 4096);
	put_where(r, h, where, sizeof where);
	report_plain(&b, h->message.p, report_first_line(h->message.p, h->message.n),
	             sizeof r->last_error - sizeof where - 8);
	snprintf(r->last_error, sizeof r->last_error, "%s: %s", where,
	         b.len ? prs_buf_str(&b) : prs_error_row(h->code)->sentence);
}

/* A row that does not fit was told of with those around it, before bisect split it off. */
static bool is_told(const struct happening *h, const struct report_kind *k)
{
	return k && h->code == PRS_EVALUE_MISFIT && h->unit && h->unit->item_count == 1;
}

static void happened(struct prs_report *r, const struct happening *h)
{
	char key[KEY_BYTES];
	normalise(key, h->message.p, report_first_line(h->message.p, h->message.n));
	struct report_kind *k = kind_find(r, h->code, key);
	if (is_told(h, k))
		return;
	remember_first(r, h);
	remember_last(r, h);
	r->errors++;
	r->errors_changed = true;
	if (!k)
		k = kind_add(r, h, key);
	if (!k) {
		r->other_errors++;
		return;
	}
	kind_compare(k, h);
	kind_count(k, h->unit);
	if (k->trace_bytes == 0 && h->trace_bytes > 0) {
		report_trace_file(r, h->node, h->slot, k->trace_file, sizeof k->trace_file);
		k->trace_offset = h->trace_offset;
		k->trace_bytes = h->trace_bytes;
	}
}

/* An error of a process outside of a try; init() that failed and the exit that follows are one. */
static bool process_error(struct prs_report *r, const struct prs_fact *f)
{
	struct report_proc *p = report_proc(r, f->u.proc.node, f->u.proc.slot);
	bool init = f->u.proc.event == PRS_PROC_INIT_FAILED;
	if (!p || f->u.proc.event == PRS_PROC_STARTED || f->u.proc.event == PRS_PROC_INIT_DONE)
		return false;
	if (p->init_failed == f->u.proc.incarnation + 1)
		return false;
	if (init)
		p->init_failed = f->u.proc.incarnation + 1;
	return init || (f->u.proc.code >= PRS_EINIT_EXCEPTION && f->u.proc.code < PRS_EERROR_THRESHOLD) ||
	       f->u.proc.code == PRS_ENO_PROGRESS;
}

void report_errors_fold(struct prs_report *r, const struct prs_fact *f)
{
	if (f->type == PRS_FACT_TRY) {
		const struct prs_try *t = &f->u.try_;
		struct happening h = { t->node,    t->slot,         t->code,        t->try_number, &t->unit,
			               f->time_us, t->trace_offset, t->trace_bytes, t->message };
		happened(r, &h);
	} else if (f->type == PRS_FACT_FAILED && f->u.failed.code == PRS_ENODE_POISON) { /* no try of it failed */
		struct happening h = { .code = f->u.failed.code, .unit = &f->u.failed.unit, .time_us = f->time_us };
		happened(r, &h);
	} else if (f->type == PRS_FACT_PROC && process_error(r, f)) {
		struct happening h = { f->u.proc.node, f->u.proc.slot, f->u.proc.code,         0,
			               NULL,           f->time_us,     f->u.proc.trace_offset, f->u.proc.trace_bytes,
			               f->u.proc.text };
		happened(r, &h);
	}
}

void report_errors_free(struct prs_report *r)
{
	for (size_t i = 0; i < r->kinds_n; i++) {
		prs_freep(&r->kinds[i].key);
		prs_freep(&r->kinds[i].message);
	}
	prs_freep(&r->kinds);
	r->kinds_n = 0;
}

/* ---- error.txt --------------------------------------------------------------------------------------------------- */

static void put_indented(struct prs_buf *to, const char *text, size_t n)
{
	const uint8_t *p = (const uint8_t *)text;
	while (n > 0) {
		size_t len = report_first_line((const char *)p, n);
		const uint8_t *end = memchr(p, '\n', n);
		size_t used = end ? (size_t)(end - p) + 1 : n;
		prs_buf_puts(to, "        ");
		report_plain(to, p, len, 2000);
		prs_buf_putc(to, '\n');
		p += used;
		n -= used;
	}
}

/* With the files that the user edits in the place of those that were copied. */
static void put_named(struct prs_report *r, struct prs_buf *to, const char *text, size_t n)
{
	char code[PATH_MAX];
	snprintf(code, sizeof code, "%s/work/code", r->dir);
	if (r->c.code_dir)
		prs_put_own_files(to, text, n, code, r->c.code_dir, r->fs);
	else
		prs_buf_put(to, text, n);
}

/* The traceback itself, its end when it is long. */
static void put_trace(struct prs_report *r, struct prs_buf *to, const struct report_kind *k)
{
	char full[PATH_MAX];
	uint8_t text[TRACE_SHOWN_BYTES];
	prs_buf_puts(to, "    traceback     ");
	prs_buf_puts(to, k->trace_file);
	prs_buf_puts(to, ", from byte ");
	prs_buf_dec(to, k->trace_offset, 0);
	prs_buf_puts(to, ", ");
	prs_buf_dec(to, k->trace_bytes, 0);
	prs_buf_puts(to, " bytes\n");
	snprintf(full, sizeof full, "%s/logs/%s", r->dir, k->trace_file);
	int fd = r->fs->open(r->fs->ctx, full, O_RDONLY | PRS_O_OWN, 0);
	if (fd < 0)
		return;
	size_t skip = k->trace_bytes > sizeof text ? k->trace_bytes - sizeof text : 0;
	ssize_t n = r->fs->pread(r->fs->ctx, fd, text, k->trace_bytes - skip, k->trace_offset + skip);
	r->fs->close(r->fs->ctx, fd);
	if (skip > 0)
		prs_buf_puts(to, "        ...\n");
	if (n <= 0)
		return;
	PRS_AUTOBUF named;
	prs_buf_init(&named, to->max);
	put_named(r, &named, (const char *)text, (size_t)n);
	put_indented(to, prs_buf_str(&named), named.len);
	if (named.failed && !to->failed)
		to->failed = named.failed;
}

static void put_ids(struct prs_buf *to, const struct report_kind *k)
{
	if (k->ids_n == 0)
		return;
	prs_buf_puts(to, "    mini-batches  ");
	for (unsigned i = 0; i < k->ids_n && i < REPORT_KIND_IDS; i++) {
		if (i > 0)
			prs_buf_puts(to, ", ");
		prs_buf_dec(to, k->ids[i], 0);
	}
	prs_buf_puts(to, k->ids_n > REPORT_KIND_IDS ? ", ...\n" : "\n");
}

static void put_kind(struct prs_report *r, struct prs_buf *to, const struct report_kind *k)
{
	char time[TEXT_ISO];
	const struct prs_error_row *row = prs_error_row(k->code);
	text_iso(&r->day, time, k->first_us);
	prs_buf_putc(to, '\n');
	prs_buf_dec(to, k->count, 0);
	prs_buf_puts(to, " x ");
	prs_buf_puts(to, row->name);
	if (k->message[0]) {
		prs_buf_puts(to, k->varied ? REPORT_SUCH_AS : ": ");
		prs_buf_puts(to, k->message);
	}
	prs_buf_puts(to, "\n    what          ");
	prs_buf_puts(to, row->sentence);
	prs_buf_putc(to, '\n');
	put_ids(to, k);
	prs_buf_puts(to, "    first         ");
	prs_buf_puts(to, k->where);
	prs_buf_puts(to, ", ");
	prs_buf_put(to, time, sizeof time);
	prs_buf_putc(to, '\n');
	if (k->trace_bytes > 0)
		put_trace(r, to, k);
}

static int by_count(const void *pa, const void *pb)
{
	const struct report_kind *a = *(const struct report_kind *const *)pa,
				 *b = *(const struct report_kind *const *)pb;
	if (a->count != b->count)
		return a->count < b->count ? 1 : -1;
	return a < b ? -1 : a > b;
}

static void put_errors(struct prs_report *r, struct prs_buf *to)
{
	const struct report_kind *order[REPORT_KINDS_MAX];
	for (size_t i = 0; i < r->kinds_n; i++)
		order[i] = &r->kinds[i];
	qsort(order, r->kinds_n, sizeof order[0], by_count);
	prs_put_many(to, r->errors, "error");
	prs_buf_puts(to, " in ");
	prs_put_many(to, r->kinds_n, "kind");
	prs_buf_puts(to, ", the most frequent first. Times are UTC, files are below logs/.\n");
	for (size_t i = 0; i < r->kinds_n && i < KINDS_SHOWN; i++)
		put_kind(r, to, order[i]);
	if (r->other_errors > 0 || r->kinds_n > KINDS_SHOWN)
		prs_buf_puts(to, "\nThere are more kinds: see sys/job_report/processed_mini-batches.csv.\n");
}

void prs_report_kinds(const struct prs_report *r, struct prs_result *ret)
{
	const struct report_kind *order[REPORT_KINDS_MAX];
	for (size_t i = 0; i < r->kinds_n; i++)
		order[i] = &r->kinds[i];
	if (r->kinds_n)
		qsort(order, r->kinds_n, sizeof order[0], by_count);
	ret->kinds_n = 0;
	for (; ret->kinds_n < PRS_KINDS_SHOWN && ret->kinds_n < r->kinds_n; ret->kinds_n++) {
		const struct report_kind *k = order[ret->kinds_n];
		struct prs_error_kind *to = &ret->kinds[ret->kinds_n];
		*to = (struct prs_error_kind){ .count = k->count,
			                       .code = k->code,
			                       .of_mini_batch = k->ids_n > 0,
			                       .mini_batch = k->ids[0],
			                       .items = k->items,
			                       .varied = k->varied };
		snprintf(to->message, sizeof to->message, "%.400s",
		         k->message[0] ? k->message : prs_error_row(k->code)->sentence);
	}
	ret->kinds_more = r->kinds_n - ret->kinds_n + (r->other_errors > 0);
}

int report_errors_write(struct prs_report *r, struct prs_err *err)
{
	if (r->errors == 0) { /* one may be there from lines that were taken back */
		char path[PATH_MAX];
		snprintf(path, sizeof path, "%s/logs/" PRS_NAME_ERRORS, r->dir);
		r->fs->unlink(r->fs->ctx, path);
		return 0;
	}
	struct report_whole *w = prs_malloc(sizeof *w);
	if (!w)
		return prs_fail(err, PRS_ENOMEM, "out of memory");
	report_whole_begin(r, w, "logs/" PRS_NAME_ERRORS);
	put_errors(r, &w->buf);
	int rc = report_whole_end(r, w, err);
	prs_freep(&w);
	if (rc == 0)
		r->errors_changed = false;
	r->errors_written_us = r->now_us;
	return rc;
}

/* ---- failed_items.jsonl ------------------------------------------------------------------------------------------ */

static int by_unit(const void *pa, const void *pb)
{
	const struct report_unit *a = *(const struct report_unit *const *)pa,
				 *b = *(const struct report_unit *const *)pb;
	if (a->unit.id != b->unit.id)
		return a->unit.id < b->unit.id ? -1 : 1;
	return a->unit.item_first < b->unit.item_first ? -1 : a->unit.item_first > b->unit.item_first;
}

/* What all items of a failed unit share: ,"mini_batch":... "}\n" */
static void put_item_tail(struct prs_report *r, const struct report_unit *u, struct prs_buf *to)
{
	struct prs_fact f = { .type = PRS_FACT_TRY };
	bool known = u->epoch != 0 && report_reader_again(r, u->epoch, u->record, &r->scratch, &f) == 0 &&
	             f.type == PRS_FACT_TRY;
	bool cause = known && f.u.try_.code == u->code; /* else it failed for another reason than its last try */
	prs_buf_puts(to, "\"mini_batch\":");
	prs_buf_dec(to, u->unit.id, 0);
	if (u->unit.item_count)
		prs_buf_putf(to, ",\"item_first\":%u,\"item_count\":%u", u->unit.item_first, u->unit.item_count);
	prs_buf_puts(to, ",\"tries\":");
	prs_buf_dec(to, u->tries, 0);
	prs_buf_puts(to, ",\"error\":");
	report_jsons(to, prs_error_row(u->code)->name);
	prs_buf_puts(to, ",\"message\":");
	if (cause)
		report_json(to, f.u.try_.message.p, f.u.try_.message.n);
	else
		report_jsons(to, prs_error_row(u->code)->sentence);
	if (known && f.u.try_.trace_bytes > 0) {
		char file[160];
		report_trace_file(r, f.u.try_.node, f.u.try_.slot, file, sizeof file);
		prs_buf_puts(to, ",\"traceback\":");
		report_jsons(to, file);
		prs_buf_puts(to, ",\"traceback_offset\":");
		prs_buf_dec(to, f.u.try_.trace_offset, 0);
		prs_buf_puts(to, ",\"traceback_bytes\":");
		prs_buf_dec(to, f.u.try_.trace_bytes, 0);
	}
	prs_buf_puts(to, "}\n");
}

/* The lines of one failed unit. */
struct failed {
	struct prs_report *r;
	struct report_whole *w;
	struct prs_buf tail;
	uint64_t lines;
};

static void put_line_end(struct failed *f)
{
	prs_buf_put(&f->w->buf, f->tail.data, f->tail.len);
	report_whole_spill(f->r, f->w, REPORT_PIECE_BYTES);
	f->lines++;
}

/* Rows that follow each other are one line. */
static int errors_rows(void *ctx, const char *path, const struct prs_table_range *rows, uint64_t line)
{
	struct failed *f = ctx;
	struct prs_buf *to = &f->w->buf;
	prs_buf_putc(to, '{');
	if (path[0]) {
		prs_buf_puts(to, "\"file\":");
		report_jsons(to, path);
		prs_buf_putf(to, ",\"row\":%" PRIu64 ",", rows->row + 1);
	}
	if (line)
		prs_buf_putf(to, "\"line\":%" PRIu64 ",", line);
	prs_buf_putf(to, "\"rows\":%u,", rows->rows);
	if (path[0] && rows->bytes)
		prs_buf_putf(to, "\"offset\":%" PRIu64 ",\"bytes\":%" PRIu64 ",", rows->offset, rows->bytes);
	put_line_end(f);
	return f->w->failed ? -PRS_EIO : 0;
}

static void put_paths(struct failed *f)
{
	struct prs_report *r = f->r;
	for (size_t at = 0; at < r->detail.len;) {
		const uint8_t *path = r->detail.data + at;
		const uint8_t *end = memchr(path, 0, r->detail.len - at);
		size_t n = end ? (size_t)(end - path) : r->detail.len - at;
		prs_buf_puts(&f->w->buf, "{\"path\":");
		report_json(&f->w->buf, path, n);
		prs_buf_putc(&f->w->buf, ',');
		put_line_end(f);
		at += n + 1;
	}
}

static void put_failed_unit(struct prs_report *r, const struct report_unit *u, struct report_whole *w)
{
	struct failed f = { .r = r, .w = w };
	prs_buf_init(&f.tail, REPORT_BUFFER_MAX);
	put_item_tail(r, u, &f.tail);
	prs_buf_clear(&r->detail);
	int rc = r->c.paths ? r->c.paths(r->c.plan, &u->unit, &r->detail) : 0;
	if (rc >= 0)
		put_paths(&f);
	if (!f.lines && r->c.rows)
		rc = r->c.rows(r->c.plan, &u->unit, errors_rows, &f);
	if (f.tail.failed || rc == -PRS_ENOMEM || r->detail.failed == -PRS_ENOMEM)
		w->failed = -ENOMEM;
	if (!f.lines && !w->failed) { /* items without names: one line */
		prs_buf_putc(&w->buf, '{');
		put_line_end(&f);
	}
	prs_buf_done(&f.tail);
}

static void put_short(struct prs_report *r, uint64_t id, uint32_t missing, struct report_whole *w)
{
	struct prs_unit unit = { .id = id };
	prs_buf_puts(&w->buf, "{\"mini_batch\":");
	prs_buf_dec(&w->buf, id, 0);
	prs_buf_puts(&w->buf, ",\"missing\":");
	prs_buf_dec(&w->buf, missing, 0);
	prs_buf_puts(&w->buf, ",\"total\":");
	prs_buf_dec(&w->buf, report_items(r, &unit), 0);
	prs_buf_puts(&w->buf, "}\n");
	report_whole_spill(r, w, REPORT_PIECE_BYTES);
}

static const struct report_unit **failed_units(struct prs_report *r, size_t *ret_n)
{
	const struct report_unit **v = prs_malloc((r->units_n + 1) * sizeof *v);
	size_t n = 0;
	for (size_t i = 0; v && i < r->units_cap; i++)
		if (r->units[i].used && r->units[i].final)
			v[n++] = &r->units[i];
	if (v)
		qsort(v, n, sizeof *v, by_unit);
	*ret_n = n;
	return v;
}

/* Failed units and short mini-batches, in input order. */
static void put_all(struct prs_report *r, const struct report_unit **v, size_t n, struct report_whole *w)
{
	size_t at = 0;
	for (uint64_t id = 0; id < r->ids_cap; id++) {
		uint32_t missing = report_id_missing(r, id);
		for (; at < n && v[at]->unit.id <= id; at++) {
			uint32_t items = report_items(r, &v[at]->unit);
			missing = missing > items ? missing - items : 0;
			put_failed_unit(r, v[at], w);
		}
		if (missing > 0)
			put_short(r, id, missing, w);
	}
	for (; at < n; at++)
		put_failed_unit(r, v[at], w);
}

int report_failed_items_write(struct prs_report *r, struct prs_err *err)
{
	size_t n;
	PRS_AUTOFREE const struct report_unit **v = failed_units(r, &n);
	PRS_AUTOFREE struct report_whole *w = prs_malloc(sizeof *w);
	if (!v || !w)
		return prs_fail(err, PRS_ENOMEM, "out of memory");
	if (n == 0 && r->items_failed == 0) { /* a retry may have mended them */
		char path[PATH_MAX];
		snprintf(path, sizeof path, "%s/failed_items.jsonl", r->dir);
		r->fs->unlink(r->fs->ctx, path);
		return 0;
	}
	report_whole_begin(r, w, "failed_items.jsonl");
	put_all(r, v, n, w);
	return report_whole_end(r, w, err);
}
