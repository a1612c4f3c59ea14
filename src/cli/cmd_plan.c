/* SPDX-License-Identifier: Apache-2.0
 * cmd_plan: prs plan JOB: what a job would do: mini-batches, sizes, tries, limits, interpreter, where output goes. The
 * input is listed; nothing runs and nothing is written.
 */
#include "cli/footers.h"
#include "cli/load.h"
#include "cli/pipelines.h"
#include "cli/plan_table.h"

#include "base/many.h"
#include "base/mem.h"
#include "base/secret.h"
#include "data/list.h"
#include "node/here.h"
#include "report/console.h"
#include "run/start.h"
#include "run/variables.h"
#include "sched/limits.h"
#include "spec/job_table.h"
#include "wire/plan.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define BODY_BYTES ((size_t)64 << 20)
#define RUN_NAME_FORM "%s-<date>-<time>-<letters>"

struct counted {
	uint64_t files, mini_batches;
	uint64_t first; /* mini-batch */
	bool unread;    /* Parquet files whose footers were not read */
	struct plan_table table;
};

struct planned {
	struct prs_load load;
	struct prs_placed placed;
	struct counted *inputs, all;
	struct prs_plan *plan; /* of tables: where the first rows are */
	uint16_t input;        /* whose records come */
	uint64_t runs;         /* run folders in the inputs, which are passed over */
	char *run_dir, *run_name;
};

/* ---- counting ---------------------------------------------------------------------------------------------------- */

static bool is_table(const struct planned *p, size_t input)
{
	return p->load.job.inputs[input].table && !p->inputs[input].unread;
}

static void count(struct planned *p, const struct prs_plan_units *units)
{
	struct counted *c = &p->inputs[units->input];
	uint64_t files = is_table(p, units->input) ? 0 : units->items;
	if (!c->mini_batches)
		c->first = units->first_id;
	c->mini_batches += units->ids;
	c->files += files;
	p->all.mini_batches += units->ids;
	p->all.files += files;
}

static int count_record(struct planned *p, const struct prs_plan_record *r)
{
	struct prs_plan_units units;
	if (r->type == PRS_PLAN_INPUT)
		p->input = r->u.input.input;
	if (prs_plan_units(r, &units))
		count(p, &units);
	if (!is_table(p, p->input))
		return 0;
	if (r->type == PRS_PLAN_FILES) {
		p->inputs[p->input].files += r->u.files.count;
		p->all.files += r->u.files.count;
	}
	return plan_table_add(&p->inputs[p->input].table, r);
}

static int count_body(struct planned *p, const struct prs_buf *body, struct prs_err *err)
{
	struct prs_plan_record r;
	size_t at = 0;
	int k;
	while ((k = prs_plan_next(body->data, body->len, &at, &r, err)) == 1)
		if (count_record(p, &r) < 0)
			return prs_fail(err, PRS_ENOMEM, "counting mini-batches");
	return k < 0 || !p->plan ? k : prs_plan_feed(p->plan, body->data, body->len, err);
}

static void read_first_rows(struct planned *p, const struct prs_footers *footers)
{
	const struct prs_job *j = &p->load.job;
	for (size_t i = 0; i < j->inputs_n; i++) {
		struct counted *c = &p->inputs[i];
		struct plan_look look = { p->plan, c->first, c->table.first_file, NULL, footers };
		if (!p->plan || !is_table(p, i) || !c->mini_batches)
			continue;
		look.in = &j->inputs[i].table->in;
		plan_table_read(&c->table, &look, j->inputs[i].partition_format, &j->o.partition_keys);
	}
}

/* Footers of Parquet files are read by an interpreter that the command itself names: nothing else of a job runs. */
static bool may_start_python(const struct planned *p)
{
	const char *from = p->load.job.from[PRS_OPTION_ID_python];
	return from && !strncmp(from, "--", 2);
}

/* Parquet files whose footers are not read are listed as files. */
static void leave_unread(struct planned *p, struct prs_list_input *v)
{
	for (size_t i = 0; i < p->load.job.inputs_n; i++) {
		bool parquet = v[i].table && v[i].table->format == PRS_TABLE_PARQUET;
		if (!parquet || may_start_python(p))
			continue;
		p->inputs[i].unread = true;
		v[i].table = NULL;
		v[i].keys = NULL;
		v[i].size = (struct prs_batch_size){ PRS_SIZE_ITEMS, UINT32_MAX };
	}
}

static int begin_footers(struct planned *p, struct cli_footers *footers, struct prs_list_input *v, struct prs_err *err)
{
	const struct prs_job *j = &p->load.job;
	struct prs_list variables = { 0 };
	int r = prs_make_environment(&p->placed, p->run_dir, j->code_dir, p->run_name, &variables) < 0
	                ? prs_fail(err, PRS_ENOMEM, "the environment of the workers")
	                : cli_footers_begin(footers, v, j->inputs_n, j->python, &variables, j->code_dir, &j->o, err);
	prs_list_done(&variables);
	return r;
}

static int list_inputs(struct planned *p, const struct prs_list_input *v, struct prs_err *err)
{
	PRS_AUTOBUF body;
	prs_buf_init(&body, BODY_BYTES);
	struct prs_lister *l = prs_lister_new(program_fs(), v, (unsigned)p->load.job.inputs_n);
	int r = l ? 1 : prs_fail(err, PRS_ENOMEM, "inputs");
	while (r == 1) {
		prs_buf_clear(&body);
		r = prs_list_next(l, &body, err);
		if (r >= 0 && count_body(p, &body, err) < 0)
			r = err->code;
	}
	struct prs_list_counts c = { 0 };
	if (l)
		prs_list_counts(l, &c);
	p->runs = c.runs;
	load_input_warnings(l);
	prs_lister_free(l);
	return r;
}

/* The files of inputs whose footers are not read. */
static void add_bytes(struct planned *p)
{
	const struct prs_fs *fs = program_fs();
	for (uint64_t id = 0; id < prs_plan_next_id(p->plan); id++) {
		struct prs_unit u = { .id = id };
		struct counted *c = &p->inputs[prs_plan_input_of(p->plan, id)];
		PRS_AUTOBUF paths;
		prs_buf_init(&paths, SIZE_MAX / 2);
		if (!c->unread || prs_plan_paths(p->plan, &u, &paths) < 0)
			continue;
		for (const char *at = (const char *)paths.data; paths.len && at < (const char *)paths.data + paths.len;
		     at += strlen(at) + 1) {
			struct prs_fs_stat st;
			c->table.bytes += fs->stat(fs->ctx, at, &st) == 0 ? st.size : 0;
		}
		p->all.mini_batches--;
		c->mini_batches = 0;
	}
}

static int count_inputs(struct planned *p, struct prs_err *err)
{
	const struct prs_job *j = &p->load.job;
	struct cli_footers footers;
	PRS_AUTOFREE struct prs_list_input *v = prs_engine_inputs(&p->placed);
	p->inputs = prs_calloc(j->inputs_n + 1, sizeof *p->inputs);
	p->plan = prs_job_is_table(j) ? prs_plan_new() : NULL;
	if (!v || !p->inputs || (prs_job_is_table(j) && !p->plan))
		return prs_fail(err, PRS_ENOMEM, "inputs");
	leave_unread(p, v);
	int r = begin_footers(p, &footers, v, err);
	if (r >= 0)
		r = list_inputs(p, v, err);
	if (r >= 0 && p->plan) {
		read_first_rows(p, &footers.is.is);
		add_bytes(p);
	}
	cli_footers_end(&footers, r);
	return r;
}

/* ---- text -------------------------------------------------------------------------------------------------------- */

static void put_label(struct prs_buf *b, const char *label) { prs_buf_putf(b, "  %-14s", label); }

static void put_path(struct prs_buf *b, const char *path)
{
	char space[PATH_MAX];
	prs_put_plain(b, cli_short_path(path, space, sizeof space));
}

/* Where a value comes from, when somebody gave it: " (job.yml:12)", " (--processes)" */
static void put_from(struct prs_buf *b, const struct planned *p, enum prs_option_id id)
{
	const char *from = p->load.job.from[id], *slash = from && from[0] != '-' ? strrchr(from, '/') : NULL;
	if (!from)
		return;
	from = slash ? slash + 1 : from;
	const char *column = from[0] != '-' ? strrchr(from, ':') : NULL;
	prs_buf_putf(b, " (%.*s)", column ? (int)(column - from) : (int)strlen(from), from);
}

static void put_option(struct prs_buf *b, const struct planned *p, enum prs_option_id id)
{
	prs_option_get(&p->load.job.o, prs_option_at(id), 0, b);
}

/* " of 5,000 rows (--mini-batch-rows)", " of 1 MB" */
static void put_size(struct prs_buf *b, const struct planned *p)
{
	static const char *const units[] = { "bytes", "KB", "MB", "GB" };
	const struct prs_options *o = &p->load.job.o;
	if (o->mini_batch_rows != PRS_UNSET) {
		prs_buf_putf(b, " of %s", prs_many((uint64_t)o->mini_batch_rows, "row").text);
		put_from(b, p, PRS_OPTION_ID_mini_batch_rows);
		return;
	}
	uint64_t n = (uint64_t)o->mini_batch_size;
	size_t unit = 0;
	for (; n >= 1024 && n % 1024 == 0; n /= 1024)
		unit++;
	prs_buf_puts(b, " of ");
	prs_put_count(b, n);
	prs_buf_putf(b, " %s", units[unit]);
	put_from(b, p, PRS_OPTION_ID_mini_batch_size);
}

/* What makes the mini-batches: " of 10 files (job.yml:12)", " by store, brand (--partition-keys)" */
static void put_cut(struct prs_buf *b, const struct planned *p)
{
	const struct prs_options *o = &p->load.job.o;
	if (!o->partition_keys.n && prs_job_is_table(&p->load.job)) {
		put_size(b, p);
		return;
	}
	if (!o->partition_keys.n) {
		prs_buf_putf(b, " of %s", prs_many((uint64_t)o->mini_batch_size, "file").text);
		put_from(b, p, PRS_OPTION_ID_mini_batch_size);
		return;
	}
	for (size_t i = 0; i < o->partition_keys.n; i++) {
		prs_buf_puts(b, i ? ", " : " by ");
		prs_put_plain(b, o->partition_keys.v[i]);
	}
	put_from(b, p, PRS_OPTION_ID_partition_keys);
}

static bool is_unread(const struct planned *p)
{
	for (size_t i = 0; i < p->load.job.inputs_n; i++)
		if (p->inputs[i].unread)
			return true;
	return false;
}

static void put_inputs(struct prs_buf *b, const struct planned *p)
{
	for (size_t i = 0; i < p->load.job.inputs_n; i++) {
		const struct prs_job_input *in = &p->load.job.inputs[i];
		put_label(b, i ? "" : "input");
		prs_buf_putf(b, "%s: ", in->name);
		put_path(b, in->parts.n == 1 ? in->parts.v[0] : in->path);
		if (in->parts.n > 1)
			prs_buf_putf(b, " (%s)", prs_many(in->parts.n, "path").text);
		prs_buf_puts(b, in->is_list ? " (a list), " : ", ");
		prs_put_many(b, p->inputs[i].files, "file");
		if (is_table(p, i) || p->inputs[i].unread) {
			prs_buf_puts(b, ", ");
			prs_put_many(b, is_table(p, i) ? p->inputs[i].table.rows : p->inputs[i].table.bytes,
			             is_table(p, i) ? "row" : "byte");
		}
		prs_buf_putc(b, '\n');
	}
	if (p->runs) {
		put_label(b, "");
		prs_put_many(b, p->runs, "run folder");
		prs_buf_puts(b, p->runs == 1 ? " in it is passed over\n" : " in it are passed over\n");
	}
	if (p->load.job.only_failed) {
		put_label(b, "");
		prs_buf_puts(b, "only what failed in ");
		prs_put_plain(b, p->load.job.only_failed_name);
		prs_buf_putc(b, '\n');
	}
	put_label(b, "mini-batches");
	if (is_unread(p))
		prs_buf_puts(b, "known from the footers of the Parquet files, which prs plan --python PATH reads");
	else
		prs_put_count(b, p->all.mini_batches);
	if (!is_unread(p))
		put_cut(b, p);
	prs_buf_putc(b, '\n');
	for (size_t i = 0; i < p->load.job.inputs_n; i++)
		if (is_table(p, i))
			plan_table_put(&p->inputs[i].table,
			               p->load.job.inputs_n > 1 ? p->load.job.inputs[i].name : NULL, b);
}

static void put_outputs(struct prs_buf *b, const struct planned *p)
{
	const struct prs_job *j = &p->load.job;
	const struct prs_placed *at = &p->placed;
	put_label(b, "output");
	if (j->o.output_action == PRS_OUTPUT_APPEND_ROW)
		put_path(b, at->output_file ? at->output_file : at->output_dir);
	else
		put_path(b, at->output_dir);
	prs_buf_puts(b, j->o.output_action == PRS_OUTPUT_APPEND_ROW ? ", the rows\n" : ", what the script writes\n");
	for (size_t i = 0; i < j->outputs_n; i++) {
		if ((int)i == j->append_to || !strcmp(at->outputs[i], at->output_dir))
			continue;
		put_label(b, "");
		prs_buf_putf(b, "%s: ", j->outputs[i].name);
		put_path(b, at->outputs[i]);
		prs_buf_putc(b, '\n');
	}
}

static void put_processes(struct prs_buf *b, const struct planned *p)
{
	put_label(b, "processes");
	prs_buf_putf(b, "%u", prs_here_processes(p->load.job.o.processes)); /* on this machine, if nobody said */
	put_from(b, p, PRS_OPTION_ID_processes);
	prs_buf_putc(b, '\n');
	put_label(b, "python");
	put_path(b, p->load.job.python);
	prs_buf_putf(b, " (%s)\n", p->load.job.python_why);
	for (size_t i = 0; i < p->load.job.variables_n; i++) {
		put_label(b, i ? "" : "variables");
		prs_put_plain(b, p->load.job.variables[i].name);
		prs_buf_putc(b, '\n');
	}
}

static void put_tries(struct prs_buf *b, const struct planned *p)
{
	put_label(b, "tries");
	put_option(b, p, PRS_OPTION_ID_run_max_try);
	put_from(b, p, PRS_OPTION_ID_run_max_try);
	if (p->load.job.o.on_failure == PRS_ON_FAILURE_BISECT) {
		prs_buf_puts(b, "; then halved until only the bad items fail");
		put_from(b, p, PRS_OPTION_ID_on_failure);
	}
	prs_buf_putc(b, '\n');
	put_label(b, "seconds");
	put_option(b, p, PRS_OPTION_ID_run_invocation_timeout_us);
	prs_buf_puts(b, " for run()");
	put_from(b, p, PRS_OPTION_ID_run_invocation_timeout_us);
	prs_buf_puts(b, ", ");
	put_option(b, p, PRS_OPTION_ID_task_overhead_timeout_us);
	prs_buf_puts(b, " around it");
	put_from(b, p, PRS_OPTION_ID_task_overhead_timeout_us);
	prs_buf_puts(b, ", ");
	put_option(b, p, PRS_OPTION_ID_init_timeout_us);
	prs_buf_puts(b, " for init()");
	put_from(b, p, PRS_OPTION_ID_init_timeout_us);
	prs_buf_putc(b, '\n');
}

static void put_limit(struct prs_buf *b, const struct planned *p, const struct prs_limit_row *row, const char *label)
{
	struct prs_limits l;
	prs_limits_init(&l, &p->load.job.o);
	double value = prs_limit_value(&l, row->limit);
	put_label(b, label);
	if (row->kind == PRS_LIMIT_CLOCK)
		prs_buf_putf(b, "after %.15g s without %s", value, row->what);
	else if (row->kind == PRS_LIMIT_PERCENT)
		prs_buf_putf(b, "%.15g %s", value, row->what);
	else if (value < 0)
		prs_buf_putf(b, "any number of %s", prs_many(0, row->what).text + strlen("0 "));
	else
		prs_put_many(b, (uint64_t)value, row->what);
	put_from(b, p, row->option);
	prs_buf_putc(b, '\n');
}

static void put_limits(struct prs_buf *b, const struct planned *p)
{
	const struct prs_limit_row *row;
	bool clocks = false;
	for (unsigned i = 0; (row = prs_limit_at(i)); i++) {
		static const char *const labels[] = { "may fail", "gives up" };
		bool clock = row->kind == PRS_LIMIT_CLOCK;
		put_limit(b, p, row, i == 0 || clock != clocks ? labels[clock] : "");
		clocks = clock;
	}
}

static void put_arguments(struct prs_buf *b, const struct planned *p)
{
	const struct prs_list *l = &p->placed.arguments;
	for (size_t i = 0; i < l->n; i++) {
		bool begins = !strncmp(l->v[i], "--", 2);
		if (i == 0 || begins) {
			prs_buf_puts(b, i ? "\n" : "");
			put_label(b, i ? "" : "arguments");
		} else {
			prs_buf_putc(b, ' ');
		}
		PRS_AUTOBUF word;
		prs_buf_init(&word, 1 << 20);
		prs_put_masked_word(&word, l, i, &p->load.job.o.secret);
		prs_put_plain(b, prs_buf_str(&word));
	}
	if (l->n)
		prs_buf_putc(b, '\n');
}

static void put_text(struct prs_buf *b, const struct planned *p)
{
	const struct prs_job *j = &p->load.job;
	PRS_AUTOFREE char *script = prs_strf("%s/%s", j->code_dir, j->entry);
	prs_buf_putf(b, "%s\n", j->name);
	put_label(b, "script");
	put_path(b, script ? script : j->entry);
	prs_buf_putc(b, '\n');
	put_arguments(b, p);
	put_inputs(b, p);
	put_outputs(b, p);
	put_processes(b, p);
	put_tries(b, p);
	put_limits(b, p);
	put_label(b, "run folder");
	put_path(b, p->run_dir);
	prs_buf_putc(b, '\n');
}

/* ---- json -------------------------------------------------------------------------------------------------------- */

static int put_json(struct prs_buf *b, struct planned *p, struct prs_err *err)
{
	PRS_AUTOBUF text;
	prs_buf_init(&text, 64 << 20);
	if (prs_placed_to_json(&p->placed, &text, err) < 0)
		return err->code;
	json_t *root = json_loadb((const char *)text.data, text.len, 0, NULL);
	json_t *inputs = json_array();
	for (size_t i = 0; i < p->load.job.inputs_n; i++) {
		json_t *in = json_pack("{s:s, s:I, s:I}", "name", p->load.job.inputs[i].name, "files",
		                       (json_int_t)p->inputs[i].files, "mini_batches",
		                       (json_int_t)p->inputs[i].mini_batches);
		if (is_table(p, i))
			plan_table_json(&p->inputs[i].table, in);
		if (p->inputs[i].unread) {
			json_object_set_new(in, "bytes", json_integer((json_int_t)p->inputs[i].table.bytes));
			json_object_set_new(in, "mini_batches", json_null());
		}
		json_array_append_new(inputs, in);
	}
	json_object_set_new(root, "plan",
	                    json_pack("{s:I, s:o, s:o, s:s}", "files", (json_int_t)p->all.files, "mini_batches",
	                              is_unread(p) ? json_null() : json_integer((json_int_t)p->all.mini_batches),
	                              "inputs", inputs, "run_folder", p->run_dir));
	cli_put_json(b, root, JSON_INDENT(2) | JSON_SORT_KEYS);
	json_decref(root);
	return b->failed ? prs_fail(err, PRS_ENOMEM, "the plan") : 0;
}

/* ---- the command ------------------------------------------------------------------------------------------------- */

static int make_plan(struct planned *p, struct cli_args *a, struct prs_buf *out, struct prs_err *err)
{
	if (cli_has(a, "--yaml") && p->load.job.only_failed)
		return prs_fail(err, PRS_EINVALID, "--yaml: a job file cannot say --only-failed");
	if (cli_has(a, "--yaml"))
		return prs_job_to_yaml(&p->load.job, out, err);
	const char *runs = p->load.runs;
	p->run_name = prs_strf(RUN_NAME_FORM, p->load.job.name);
	p->run_dir = p->run_name ? prs_strf("%s%s%s/%s", runs[0] == '/' ? "" : p->load.cwd, runs[0] == '/' ? "" : "/",
	                                    runs, p->run_name)
	                         : NULL;
	if (!p->run_dir)
		return prs_fail(err, PRS_ENOMEM, "the plan");
	if (prs_place(&p->placed, &p->load.job, program_fs(), p->run_dir, p->run_name, err) < 0 ||
	    count_inputs(p, err) < 0)
		return err->code;
	if (cli_json(a))
		return put_json(out, p, err);
	put_text(out, p);
	return out->failed;
}

static int print_plan(const struct cli_args *a, struct prs_buf *out)
{
	return cli_json(a) || cli_has(a, "--yaml") ? cli_print(out) : cli_show(out);
}

/* The description: JSON, which is YAML, too. How it was asked for is no part of it. */
static int print_pipeline(struct prs_pipeline *p, struct prs_buf *out)
{
	struct prs_err err = { 0 };
	prs_list_done(&p->command);
	return prs_pipeline_to_json(p, out, &err) < 0 ? complain(PRS_EXIT_MISTAKE, &err) : cli_print(out);
}

int cmd_plan(struct cli_args *a)
{
	struct prs_err err = { 0 };
	struct planned p = { 0 };
	PRS_AUTOBUF out;
	prs_buf_init(&out, 64 << 20);
	int status = load_job(&p.load, a);
	if (!status && !cli_json(a) && !cli_has(a, "--yaml"))
		load_warnings(&p.load, true);
	if (!status && p.load.pipeline && cli_has(a, "--yaml"))
		status = print_pipeline(p.load.pipeline, &out);
	else if (!status && p.load.pipeline)
		status = cli_pipeline_plan(p.load.pipeline, cli_json(a));
	else if (!status && !load_is_empty(&p.load, cli_json(a)))
		status = make_plan(&p, a, &out, &err) < 0 ? complain(PRS_EXIT_MISTAKE, &err) : print_plan(a, &out);
	prs_placed_done(&p.placed);
	for (size_t i = 0; p.inputs && i < p.load.job.inputs_n; i++)
		plan_table_done(&p.inputs[i].table);
	prs_load_done(&p.load);
	prs_freep(&p.inputs);
	prs_plan_free(p.plan);
	prs_freep(&p.run_dir);
	prs_freep(&p.run_name);
	return status;
}
