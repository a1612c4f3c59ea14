/* SPDX-License-Identifier: Apache-2.0
 * dump: the fields of a fact come from wire/facts.def; only DONE, TRY and LOST have lines of their own.
 */
#include "report/dump.h"

#include "report/impl.h"
#include "wire/frame.h"

#include <inttypes.h>

enum { BEGINNING_BYTES = 60 };

struct out {
	struct prs_buf *b;
	bool json;
};

/* ---- fields ------------------------------------------------------------------------------------------------------ */

static void key(struct out *o, const char *name)
{
	prs_buf_puts(o->b, o->json ? ",\"" : " ");
	prs_buf_puts(o->b, name);
	prs_buf_puts(o->b, o->json ? "\":" : "=");
}

static void num(struct out *o, const char *name, uint64_t v)
{
	key(o, name);
	prs_buf_dec(o->b, v, 0);
}

/* A name out of a table of ours; a number that the table does not have is shown as the number. */
static void word_or(struct out *o, const char *name, const char *word, unsigned number)
{
	if (!word) {
		num(o, name, number);
		return;
	}
	key(o, name);
	if (o->json)
		report_jsons(o->b, word);
	else
		prs_buf_puts(o->b, word);
}

#define WORD(o, name, table, n) word_or((o), (name), (n) < sizeof(table) / sizeof *(table) ? (table)[n] : NULL, (n))

static void text(struct out *o, const char *name, struct prs_text t)
{
	key(o, name);
	report_json(o->b, t.p, t.n);
}

static void hex(struct out *o, const char *name, const uint8_t *p, size_t n)
{
	key(o, name);
	if (o->json)
		prs_buf_putc(o->b, '"');
	for (size_t i = 0; i < n; i++)
		prs_buf_putf(o->b, "%02x", p[i]);
	if (o->json)
		prs_buf_putc(o->b, '"');
}

static void sum(struct out *o, const char *name, uint32_t v)
{
	const uint8_t bytes[] = { (uint8_t)(v >> 24), (uint8_t)(v >> 16), (uint8_t)(v >> 8), (uint8_t)v };
	hex(o, name, bytes, sizeof bytes);
}

static void when(struct out *o, const char *name, uint64_t wall_us)
{
	struct text_day day = { 0 };
	char iso[TEXT_ISO];
	text_iso(&day, iso, wall_us);
	key(o, name);
	if (o->json)
		prs_buf_putc(o->b, '"');
	prs_buf_put(o->b, iso, sizeof iso);
	if (o->json)
		prs_buf_putc(o->b, '"');
}

static void error(struct out *o, uint16_t code)
{
	num(o, "code", code);
	if (code != 0)
		word_or(o, "error", prs_error_row(code)->name, code);
}

/* Parts of a mini-batch are rare: for people the whole one is its id alone. */
static void unit(struct out *o, const struct prs_unit *u)
{
	num(o, "id", u->id);
	if (!o->json && u->item_count == 0)
		return;
	num(o, "item_first", u->item_first);
	num(o, "item_count", u->item_count);
}

static void begin(struct out *o, const char *type)
{
	if (o->json)
		prs_buf_puts(o->b, "{\"type\":\"");
	prs_buf_puts(o->b, type);
	if (o->json)
		prs_buf_putc(o->b, '"');
}

static int end(struct out *o)
{
	if (o->json)
		prs_buf_putc(o->b, '}');
	return o->b->failed;
}

/* ---- facts ------------------------------------------------------------------------------------------------------- */

static void dump_done(struct out *o, const struct prs_fact *f)
{
	static const char
		*const statuses[] = { [PRS_DONE_OK] = "OK", [PRS_DONE_SHORT] = "SHORT", [PRS_DONE_EMPTY] = "EMPTY" };
	const struct prs_done *d = &f->u.done;
	unit(o, &d->unit);
	num(o, "lease", d->lease);
	num(o, "try", d->try_number);
	WORD(o, "status", statuses, d->status);
	num(o, "done_flags", d->flags);
	num(o, "node", d->node);
	num(o, "slot", d->slot);
	num(o, "incarnation", d->incarnation);
	num(o, "segment", d->segment);
	num(o, "offset", d->offset);
	num(o, "length", d->length);
	num(o, "head_len", d->head_len);
	sum(o, "checksum", d->checksum);
	num(o, "succeeded", d->succeeded);
	num(o, "rows", d->rows);
	when(o, "start", d->start_us);
	num(o, "run_us", d->run_us);
	num(o, "elapsed_us", d->elapsed_us);
	num(o, "cpu_us", d->cpu_us);
}

static void dump_try(struct out *o, const struct prs_fact *f)
{
	const struct prs_try *t = &f->u.try_;
	unit(o, &t->unit);
	num(o, "lease", t->lease);
	num(o, "try", t->try_number);
	num(o, "status", t->status);
	num(o, "try_flags", t->flags);
	num(o, "node", t->node);
	num(o, "slot", t->slot);
	num(o, "incarnation", t->incarnation);
	when(o, "start", t->start_us);
	num(o, "run_us", t->run_us);
	num(o, "elapsed_us", t->elapsed_us);
	num(o, "cpu_us", t->cpu_us);
	num(o, "exit", t->exit);
	error(o, t->code);
	word_or(o, "fault", prs_fault_name(t->fault), t->fault);
	num(o, "counted", t->counted);
	num(o, "trace_offset", t->trace_offset);
	num(o, "trace_bytes", t->trace_bytes);
	text(o, "message", t->message);
	if (t->errnum)
		num(o, "errno", t->errnum);
	if (t->kind.n)
		text(o, "kind", t->kind);
	if (t->bad_item)
		num(o, "bad_item", t->bad_item);
}

/* JSON: [{"id":2,"item_first":0,"item_count":0},...]; for people: 2,3:10+5 */
static void put_units(struct out *o, const char *name, const struct prs_fact *f, uint32_t first, uint32_t count)
{
	key(o, name);
	if (o->json)
		prs_buf_putc(o->b, '[');
	for (uint32_t i = 0; i < count; i++) {
		struct prs_unit u = prs_lost_unit(f, first + i);
		if (i > 0)
			prs_buf_putc(o->b, ',');
		prs_buf_puts(o->b, o->json ? "{\"id\":" : "");
		prs_buf_dec(o->b, u.id, 0);
		if (o->json)
			prs_buf_putf(o->b, ",\"item_first\":%u,\"item_count\":%u}", u.item_first, u.item_count);
		else if (u.item_count)
			prs_buf_putf(o->b, ":%u+%u", u.item_first, u.item_count);
	}
	if (o->json)
		prs_buf_putc(o->b, ']');
	else if (count == 0)
		prs_buf_puts(o->b, "none");
}

static void dump_lost(struct out *o, const struct prs_fact *f)
{
	num(o, "node", f->u.lost.node);
	num(o, "incarnation", f->u.lost.incarnation);
	put_units(o, "running", f, 0, f->u.lost.running_count);
	put_units(o, "queued", f, f->u.lost.running_count, f->u.lost.queued_count);
	if (f->u.lost.progress)
		num(o, "progress", f->u.lost.progress);
}

/* The word of a number that has one. */
static const char *word_of(enum prs_field_kind kind, uint64_t v)
{
	static const char *const events[] = { [PRS_PROC_STARTED] = "STARTED",
		                              [PRS_PROC_INIT_DONE] = "INIT_DONE",
		                              [PRS_PROC_INIT_FAILED] = "INIT_FAILED",
		                              [PRS_PROC_EXITED] = "EXITED",
		                              [PRS_PROC_KILLED] = "KILLED" };
	static const char
		*const reasons[] = { [PRS_RESET_RETRY_FAILED] = "RETRY_FAILED", [PRS_RESET_BAD_RANGE] = "BAD_RANGE" };
	if (kind == PRS_FIELD_JOB_STATE && v < PRS_JOB_STATES)
		return prs_state_name(PRS_MACHINE_JOB, (int)v);
	if (kind == PRS_FIELD_STEP_STATE && v < PRS_STEP_STATES)
		return prs_state_name(PRS_MACHINE_STEP, (int)v);
	if (kind == PRS_FIELD_PROC_EVENT && v < sizeof events / sizeof *events)
		return events[v];
	if (kind == PRS_FIELD_RESET_REASON && v < sizeof reasons / sizeof *reasons)
		return reasons[v];
	return NULL;
}

static void dump_field(struct out *o, const struct prs_fact *f, const struct prs_fact_field *field)
{
	const void *at = (const char *)f + field->offset;
	switch (field->kind) {
	case PRS_FIELD_U8:
	case PRS_FIELD_U16:
	case PRS_FIELD_U32:
	case PRS_FIELD_U64: num(o, field->name, prs_field_number(f, field)); break;
	case PRS_FIELD_CODE: error(o, (uint16_t)prs_field_number(f, field)); break;
	case PRS_FIELD_JOB_STATE:
	case PRS_FIELD_STEP_STATE:
	case PRS_FIELD_PROC_EVENT:
	case PRS_FIELD_RESET_REASON: {
		uint64_t v = prs_field_number(f, field);
		word_or(o, field->name, word_of(field->kind, v), (unsigned)v);
		break;
	}
	case PRS_FIELD_TEXT:
	case PRS_FIELD_LATE_TEXT: text(o, field->name, *(const struct prs_text *)at); break;
	case PRS_FIELD_PRINT:
	case PRS_FIELD_LATE_PRINT: hex(o, field->name, at, 16); break;
	case PRS_FIELD_UNIT: unit(o, at); break;
	case PRS_FIELD_UNITS:
	case PRS_FIELD_LATE_U8: break; /* dump_lost */
	case PRS_FIELD_LATE_U32: num(o, field->name, prs_field_number(f, field)); break;
	}
}

static void dump_fields(struct out *o, const struct prs_fact *f)
{
	for (const struct prs_fact_field *field = prs_fact_fields(f->type); field->fact == f->type; field++)
		if (!prs_field_is_none(f, field))
			dump_field(o, f, field);
}

int prs_report_dump_fact(const struct prs_fact *f, struct prs_buf *to, bool json)
{
	struct out o = { to, json };
	begin(&o, prs_fact_name(f->type));
	if (json) {
		when(&o, "time", f->time_us);
	} else {
		char iso[TEXT_ISO];
		text_iso(&(struct text_day){ 0 }, iso, f->time_us);
		prs_buf_putc(to, ' ');
		prs_buf_put(to, iso, sizeof iso);
	}
	if (f->flags)
		num(&o, "flags", f->flags);
	if (f->type == PRS_FACT_DONE)
		dump_done(&o, f);
	else if (f->type == PRS_FACT_TRY)
		dump_try(&o, f);
	else if (f->type == PRS_FACT_LOST)
		dump_lost(&o, f);
	else
		dump_fields(&o, f);
	return end(&o);
}

/* ---- plan -------------------------------------------------------------------------------------------------------- */

static void dump_input(struct out *o, const struct prs_plan_record *r)
{
	num(o, "input", r->u.input.input);
	num(o, "kind", r->u.input.kind);
	num(o, "unit", r->u.input.unit);
	num(o, "size", r->u.input.size);
	hex(o, "fingerprint", r->u.input.print, sizeof r->u.input.print);
	text(o, "name", r->u.input.name);
	text(o, "root", r->u.input.root);
	text(o, "options", r->u.input.options);
}

static void dump_dir(struct out *o, const struct prs_plan_record *r)
{
	num(o, "dir", r->u.dir.dir);
	if (r->u.dir.parent == PRS_NO_DIR) {
		key(o, "parent");
		prs_buf_puts(o->b, o->json ? "null" : "none");
	} else {
		num(o, "parent", r->u.dir.parent);
	}
	num(o, "input", r->u.dir.input);
	text(o, "name", r->u.dir.name);
}

/* JSON: [[size, µs since 1970],...] */
static void put_stats(struct out *o, const struct prs_plan_record *r)
{
	if (!(r->u.files.flags & PRS_FILES_STATS))
		return;
	key(o, "stats");
	prs_buf_putc(o->b, '[');
	for (uint32_t i = 0; i < r->u.files.count; i++) {
		const uint8_t *at = r->u.files.stats + (size_t)i * PRS_FILE_STAT_BYTES;
		prs_buf_putf(o->b, "%s[%" PRIu64 ",%" PRIu64 "]", i ? "," : "", prs_get64(at), prs_get64(at + 8));
	}
	prs_buf_putc(o->b, ']');
}

static void put_names(struct out *o, const struct prs_plan_record *r)
{
	const char *p = r->u.files.names, *last = NULL, *stop = p + r->u.files.names_bytes;
	if (o->json) {
		key(o, "names");
		prs_buf_putc(o->b, '[');
	}
	while (p < stop) {
		const char *zero = memchr(p, 0, (size_t)(stop - p));
		size_t n = (size_t)((zero ? zero : stop) - p);
		if (o->json) {
			prs_buf_puts(o->b, last ? "," : "");
			report_json(o->b, p, n);
		} else if (!last) {
			key(o, "first");
			report_json(o->b, p, n);
		}
		last = p;
		p += n + 1;
	}
	if (o->json) {
		prs_buf_putc(o->b, ']');
		put_stats(o, r);
	} else if (last && last != r->u.files.names) {
		key(o, "last");
		report_json(o->b, last, strnlen(last, (size_t)(stop - last)));
	}
}

static void dump_files(struct out *o, const struct prs_plan_record *r)
{
	num(o, "dir", r->u.files.dir);
	num(o, "count", r->u.files.count);
	num(o, "flags", r->u.files.flags);
	num(o, "first_file", r->u.files.first_file);
	num(o, "names_bytes", r->u.files.names_bytes);
	put_names(o, r);
}

static void dump_rule(struct out *o, const struct prs_plan_record *r)
{
	num(o, "first_id", r->u.rule.first_id);
	num(o, "count", r->u.rule.count);
	num(o, "first_file", r->u.rule.first_file);
	num(o, "per", r->u.rule.per);
	num(o, "input", r->u.rule.input);
}

/* Values as JSON has them; texts and dates, and the floats that JSON does not know, are texts. */
static void put_value(struct out *o, const char *value)
{
	bool bare = value[0] == PRS_KEY_INTEGER || value[0] == PRS_KEY_BOOLEAN ||
	            (value[0] == PRS_KEY_FLOAT && !strstr(value, "inf"));
	if (value[0] == PRS_KEY_NULL)
		prs_buf_puts(o->b, "null");
	else if (bare)
		prs_buf_puts(o->b, value + 1);
	else
		report_json(o->b, value + 1, strlen(value + 1));
}

static void put_keys(struct out *o, const char *keys, uint32_t bytes)
{
	key(o, "keys");
	const char *p = keys, *stop = p + bytes;
	for (const char *value; p < stop; p = value + strlen(value) + 1) {
		prs_buf_putc(o->b, p == keys ? '{' : ',');
		report_json(o->b, p, strlen(p));
		prs_buf_putc(o->b, ':');
		value = p + strlen(p) + 1;
		put_value(o, value);
	}
	prs_buf_putc(o->b, '}');
}

/* The ranges as first+count. */
static void dump_group(struct out *o, const struct prs_plan_record *r)
{
	num(o, "id", r->u.group.id);
	num(o, "input", r->u.group.input);
	key(o, "ranges");
	prs_buf_puts(o->b, o->json ? "[" : "");
	for (uint32_t i = 0; i < r->u.group.ranges_n; i++) {
		const uint8_t *at = r->u.group.ranges + (size_t)i * PRS_GROUP_RANGE_BYTES;
		prs_buf_putf(o->b, o->json ? "%s[%" PRIu64 ",%" PRIu32 "]" : "%s%" PRIu64 "+%" PRIu32, i ? "," : "",
		             prs_get64(at), prs_get32(at + 8));
	}
	prs_buf_puts(o->b, o->json ? "]" : "");
	put_keys(o, r->u.group.keys, r->u.group.keys_bytes);
}

/* A file; `none`: what stands for all, or for many. */
static void file_or(struct out *o, uint64_t file, const char *none)
{
	if (file != PRS_NO_FILE) {
		num(o, "file", file);
		return;
	}
	key(o, "file");
	prs_buf_puts(o->b, o->json ? "null" : none);
}

/* For people the rows and bytes of all, in JSON [[rows,bytes],...]; of a Parquet file the rows alone. */
static void put_packed(struct out *o, const struct prs_plan_record *r)
{
	bool parquet = r->type == PRS_PLAN_PARQUET;
	struct prs_reader packed = { r->u.slices.packed, r->u.slices.bytes, false };
	struct prs_table_range at = { .offset = 0 };
	if (o->json) {
		key(o, "slices");
		prs_buf_putc(o->b, '[');
	}
	for (uint32_t i = 0; i < r->u.slices.count; i++) {
		prs_slice_next(&packed, parquet, &at);
		if (!o->json)
			continue;
		prs_buf_putf(o->b, parquet ? "%s%" PRIu32 : "%s[%" PRIu32, i ? "," : "", at.rows);
		if (!parquet)
			prs_buf_putf(o->b, ",%" PRIu64 "]", at.bytes);
	}
	if (o->json) {
		prs_buf_putc(o->b, ']');
		return;
	}
	num(o, "rows", at.row + at.rows);
	if (!parquet)
		num(o, "bytes", at.offset + at.bytes);
}

static void dump_slices(struct out *o, const struct prs_plan_record *r)
{
	num(o, "first_id", r->u.slices.first_id);
	num(o, "count", r->u.slices.count);
	num(o, "input", r->u.slices.input);
	num(o, "schema", r->u.slices.schema);
	num(o, "file", r->u.slices.file);
	num(o, "spool", r->u.slices.spool);
	num(o, "offset", r->u.slices.offset);
	num(o, "row", r->u.slices.row);
	num(o, "global_row", r->u.slices.global_row);
	num(o, "size", r->u.slices.size);
	when(o, "mtime", r->u.slices.mtime_us);
	put_packed(o, r);
}

static void dump_schema(struct out *o, const struct prs_plan_record *r)
{
	num(o, "schema", r->u.schema.schema);
	num(o, "input", r->u.schema.input);
	file_or(o, r->u.schema.file, "all");
	key(o, "json");
	report_json(o->b, r->u.schema.json, r->u.schema.bytes);
}

static void put_range(struct out *o, const struct prs_table_range *at)
{
	struct out field = { o->b, o->json };
	prs_buf_puts(o->b, o->json ? "{\"rows\":" : "rows=");
	prs_buf_dec(o->b, at->rows, 0);
	file_or(&field, at->file, "many");
	num(&field, "schema", at->schema);
	num(&field, "offset", at->offset);
	num(&field, "bytes", at->bytes);
	num(&field, "row", at->row);
	num(&field, "global_row", at->global_row);
	prs_buf_puts(o->b, o->json ? "}" : "");
}

static void dump_table_group(struct out *o, const struct prs_plan_record *r)
{
	num(o, "id", r->u.table_group.id);
	num(o, "input", r->u.table_group.input);
	num(o, "spool", r->u.table_group.spool);
	put_keys(o, r->u.table_group.keys, r->u.table_group.keys_bytes);
	key(o, "ranges");
	prs_buf_puts(o->b, o->json ? "[" : "(");
	for (uint32_t i = 0; i < r->u.table_group.ranges_n; i++) {
		struct prs_table_range at = prs_table_range_get(r->u.table_group.ranges +
		                                                (size_t)i * PRS_TABLE_RANGE_BYTES);
		prs_buf_puts(o->b, i ? "," : "");
		prs_buf_puts(o->b, i && !o->json ? " " : "");
		put_range(o, &at);
	}
	prs_buf_putc(o->b, o->json ? ']' : ')');
}

static void dump_end(struct out *o, const struct prs_plan_record *r)
{
	num(o, "ids", r->u.end.ids);
	num(o, "items", r->u.end.items);
	num(o, "files", r->u.end.files);
	sum(o, "checksum", r->u.end.sum);
}

static void dump_part(struct out *o, const struct prs_plan_record *r) { num(o, "dir", r->u.part.dir); }

int prs_report_dump_plan(const struct prs_plan_record *r, struct prs_buf *to, bool json)
{
	static const struct {
		const char *name;
		void (*put)(struct out *, const struct prs_plan_record *);
	} types[] = { [PRS_PLAN_HEAD] = { "HEAD", NULL },
		      [PRS_PLAN_INPUT] = { "INPUT", dump_input },
		      [PRS_PLAN_DIR] = { "DIR", dump_dir },
		      [PRS_PLAN_FILES] = { "FILES", dump_files },
		      [PRS_PLAN_RULE] = { "RULE", dump_rule },
		      [PRS_PLAN_SLICES] = { "SLICES", dump_slices },
		      [PRS_PLAN_GROUP] = { "GROUP", dump_group },
		      [PRS_PLAN_SCHEMA] = { "SCHEMA", dump_schema },
		      [PRS_PLAN_PARQUET] = { "PARQUET", dump_slices },
		      [PRS_PLAN_TABLE_GROUP] = { "TABLE_GROUP", dump_table_group },
		      [PRS_PLAN_END] = { "END", dump_end },
		      [PRS_PLAN_PART] = { "PART", dump_part } };
	struct out o = { to, json };
	bool known = (size_t)r->type < sizeof types / sizeof types[0] && types[r->type].name;
	begin(&o, known ? types[r->type].name : "?");
	if (known && types[r->type].put)
		types[r->type].put(&o, r);
	return end(&o);
}

/* ---- rows -------------------------------------------------------------------------------------------------------- */

int prs_report_dump_rows(const struct prs_rows *r, struct prs_buf *to, bool json)
{
	struct out o = { to, json };
	begin(&o, "ROWS");
	unit(&o, &r->unit);
	num(&o, "lease", r->lease);
	num(&o, "succeeded", r->succeeded);
	num(&o, "head_len", r->head_len);
	num(&o, "length", r->length);
	if (r->bytes) {
		bool cut = !json && r->length > BEGINNING_BYTES;
		key(&o, "bytes");
		report_json(to, r->bytes, cut ? BEGINNING_BYTES : (size_t)r->length);
		prs_buf_puts(to, cut ? "..." : "");
	}
	return end(&o);
}
