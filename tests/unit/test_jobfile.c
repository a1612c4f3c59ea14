/* SPDX-License-Identifier: Apache-2.0
 * test_jobfile: every option with every kind of value through flags, v2 and v1 keys, prs: and --set gives the same
 * value or the same error; prs.yml; every allocation of a whole job file fails once.
 */
#include "base/mem.h"
#include "spec/defaults.h"
#include "spec/jobfile.h"
#include "spec/placed.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

/* ---- a file system of names: what has a dot is a file, what begins with "no" is not there ------------------------ */

static const char *project_text; /* of /p/prs.yml; NULL = there is none */

static int fs_stat(void *ctx, const char *path, struct prs_fs_stat *ret)
{
	(void)ctx;
	const char *name = strrchr(path, '/') + 1;
	if (!strncmp(name, "no", 2))
		return -ENOENT;
	*ret = (struct prs_fs_stat){ .mode = strchr(name, '.') ? S_IFREG : S_IFDIR };
	return 0;
}

static int fs_open(void *ctx, const char *path, int flags, uint32_t mode)
{
	(void)ctx;
	(void)flags;
	(void)mode;
	return project_text && !strcmp(path, "/p/prs.yml") ? 3 : -ENOENT;
}

static ssize_t fs_pread(void *ctx, int fd, void *to, size_t n, uint64_t offset)
{
	(void)ctx;
	(void)fd;
	size_t all = strlen(project_text), left = offset < all ? all - (size_t)offset : 0;
	memcpy(to, project_text + offset, n < left ? n : left);
	return (ssize_t)(n < left ? n : left);
}

static int fs_close(void *ctx, int fd)
{
	(void)ctx;
	(void)fd;
	return 0;
}

static const struct prs_fs fs = { .stat = fs_stat, .open = fs_open, .pread = fs_pread, .close = fs_close };

/* ---- reading ----------------------------------------------------------------------------------------------------- */

static struct prs_job job;
static struct prs_buf found; /* mistakes as text */

/* Returns whether the file has no mistakes. */
static bool read_pipeline_job(const char *text, const char *name, const char *set, const char *input)
{
	struct prs_err err = { 0 };
	struct prs_request q = { .cwd = "/p/jobs", .file = "job.yml", .job = name };
	struct prs_yaml_doc *d = prs_yaml_doc_new();
	prs_job_done(&job);
	prs_job_init(&job);
	prs_buf_clear(&found);
	if (set)
		assert_int_equal(prs_list_add(&q.sets, set), 0);
	if (input)
		assert_int_equal(prs_request_ask(&q, prs_option_find("input", false), input, "--input"), 0);
	assert_int_equal(prs_job_begin(&job, &q, &err), 0);
	struct prs_project *p = prs_project_find(&fs, "/p/jobs", NULL, NULL, d);
	if (prs_jobfile_parse(&job, &q, &fs, p, (const uint8_t *)text, strlen(text), d, NULL, &err) < 0)
		fail_msg("%s", err.msg);
	prs_yaml_print(d, PRS_MISTAKE, &found);
	bool good = !prs_yaml_count(d, PRS_MISTAKE);
	prs_project_free(p);
	prs_yaml_doc_free(d);
	prs_request_done(&q);
	return good;
}

static bool read_job(const char *text, const char *set, const char *input)
{
	return read_pipeline_job(text, NULL, set, input);
}

/* ---- every option ------------------------------------------------------------------------------------------------ */

static const char v2[] =
	"type: parallel\ninputs: {data: {type: uri_folder, path: ./in}}\noutputs: {rows: {type: "
	"uri_file}}\ninput_data: ${{inputs.data}}\n"
	"task: {type: run_function, code: ./code, entry_script: score.py, append_row_to: '${{outputs.rows}}'}\n";
static const char batch[] = "type: model\ncode_configuration: {code: ./code, scoring_script: score.py}\n";
static const char v1[] = "parallel_run_config:\n  entry_script: score.py\n  source_directory: ./code\n";

static bool is_simple(const struct prs_option_row *row)
{
	bool needs_table = row == prs_option_at(PRS_OPTION_ID_mini_batch_rows) ||
	                   row == prs_option_at(PRS_OPTION_ID_input_format);
	return row->group[0] && row->type != PRS_OPTION_LIST && row->type != PRS_OPTION_TEXT &&
	       row->resume != PRS_RESUME_SCREEN && !needs_table;
}

static void value_text(const struct prs_options *o, const struct prs_option_row *row, struct prs_buf *to)
{
	prs_buf_clear(to);
	prs_option_get(o, row, 0, to);
}

/* The file gives what a flag with `value` gives: the same value, or the same sentence behind the place and the key. */
static void same_as_flag(const struct prs_option_row *row, const char *value, const char *text, const char *set,
                         const char *input, const char *way)
{
	struct prs_options o;
	struct prs_err err = { 0 };
	PRS_AUTOBUF want, got;
	prs_buf_init(&want, 4096);
	prs_buf_init(&got, 4096);
	assert_int_equal(prs_options_init(&o, &err), 0);
	bool flag = prs_option_set(&o, row, value, "W", &err) == 0, file = read_job(text, set, input);
	if (flag != file)
		fail_msg("%s as %s: flag %s, file %s\n%s", row->flag, way, flag ? "takes it" : err.msg,
		         file ? "takes it" : "does not", prs_buf_str(&found));
	value_text(&o, row, &want);
	value_text(&job.o, row, &got);
	if (file && strcmp(prs_buf_str(&want), prs_buf_str(&got)) != 0)
		fail_msg("%s %s as %s: %s instead of %s", row->flag, value, way, prs_buf_str(&got), prs_buf_str(&want));
	if (!file && !strstr(prs_buf_str(&found), err.msg + strlen("W")))
		fail_msg("%s %s as %s: \"%s\" instead of \"%s\"", row->flag, value, way, prs_buf_str(&found), err.msg);
	prs_options_done(&o);
}

/* `tries` as the key says it: max_retries is one less. False: this value has no such form. */
static bool key_value(const struct prs_option_row *row, const char *key, const char *value, char *to, size_t n)
{
	char *end;
	long v = strtol(value, &end, 10);
	bool retries = !strcmp(row->name, "run-max-try") && strstr(key, "max_retries");
	if (retries && (end == value || *end || v < 1 || v > 65535))
		return false;
	if (retries)
		snprintf(to, n, "%ld", v - 1);
	else
		snprintf(to, n, "%s", value);
	return true;
}

/* A value below a dotted key as YAML: "a.b" is a: and, one step deeper, b:. */
static void put_key(struct prs_buf *to, const char *key, const char *written, const char *quote)
{
	unsigned depth = 0;
	for (const char *dot; (dot = strchr(key, '.')) != NULL; key = dot + 1)
		prs_buf_putf(to, "%*s%.*s:\n", (int)(2 * depth++), "", (int)(dot - key), key);
	prs_buf_putf(to, "%*s%s: %s%s%s\n", (int)(2 * depth), "", key, quote, written, quote);
}

/* The whole file that holds the key, and --set of it on top of the file without. `key` as --set has it. */
static void through_key(const struct prs_option_row *row, const char *base, const char *key, const char *value,
                        const char *input)
{
	char set[512], written[128];
	const char *in_v1 = base == v1 ? strchr(key, '.') + 1 : NULL;
	if (!key_value(row, key, value, written, sizeof written))
		return;
	for (int quoted = 0; quoted < 2; quoted++) {
		const char *q = quoted ? "'" : "";
		PRS_AUTOBUF text;
		prs_buf_init(&text, 4096);
		prs_buf_puts(&text, base);
		if (in_v1)
			prs_buf_putf(&text, "  %s: %s%s%s\n", in_v1, q, written, q);
		else
			put_key(&text, key, written, q);
		same_as_flag(row, value, prs_buf_str(&text), NULL, input, prs_buf_str(&text) + strlen(base));
		snprintf(set, sizeof set, "%s=%s%s%s", key, q, written, q);
		same_as_flag(row, value, base, set, input, set);
	}
}

static const struct {
	const char *flag, *option;
} system_flags[] = {
#define PRS_SYSTEM_FLAG(name, option_name, type, shown, why) { name, option_name },
#include "spec/system_flags.def"
#undef PRS_SYSTEM_FLAG
};

/* The flag of the original inside program_arguments. */
static void through_arguments(const struct prs_option_row *row, const char *value)
{
	char text[2048], task[] = "append_row_to: '${{outputs.rows}}'";
	for (size_t i = 0; i < sizeof system_flags / sizeof *system_flags; i++) {
		if (strcmp(system_flags[i].option, row->name) != 0 || strchr(value, ' '))
			continue;
		const char *at = strstr(v2, task);
		for (int joined = 0; joined < 2; joined++) {
			snprintf(text, sizeof text, "%.*sprogram_arguments: '--%s%s%s', %s", (int)(at - v2), v2,
			         system_flags[i].flag, joined ? "=" : " ", value, at);
			same_as_flag(row, value, text, NULL, NULL, text);
		}
	}
}

static void own_key(const struct prs_option_row *row, char *to, size_t n)
{
	snprintf(to, n, "prs.%s", row->name);
	for (char *c = to; *c; c++)
		*c = *c == '-' ? '_' : *c;
}

static void every_way(const struct prs_option_row *row, const char *value)
{
	char key[PRS_OPTION_WORD_MAX + 32];
	if (row->v2[0]) {
		through_key(row, v2, row->v2, value, NULL);
		through_key(row, batch, row->v2, value, "in");
		snprintf(key, sizeof key, "settings.%s", row->v2);
		through_key(row, batch, key, value, "in");
	}
	snprintf(key, sizeof key, "parallel_run_config.%s", row->v1);
	if (row->v1[0])
		through_key(row, v1, key, value, "in");
	own_key(row, key, sizeof key);
	if (strcmp(row->flag, "--output-action") != 0) /* append_row_to says it */
		through_key(row, v2, key, value, NULL);
	through_arguments(row, value);
}

static void test_every_option(void **state)
{
	(void)state;
	static const char *const wrong[] = { "x", "1.5x", "1 2", "0x1g", "nan" };
	char value[64];
	for (unsigned i = 0; prs_option_at(i); i++) {
		const struct prs_option_row *row = prs_option_at(i);
		bool number = row->type != PRS_OPTION_BOOL && row->type != PRS_OPTION_CHOICE;
		if (!is_simple(row))
			continue;
		if (row->def[0])
			every_way(row, row->def);
		for (int k = 0; k < 4 && number; k++) { /* lowest, highest, one below, one above */
			static const int beside[] = { 0, 0, -1, 1 };
			snprintf(value, sizeof value, "%.0f", (k % 2 ? row->max : row->min) + beside[k]);
			every_way(row, value);
		}
		for (size_t k = 0; k < sizeof wrong / sizeof *wrong; k++)
			every_way(row, wrong[k]);
		for (const char *p = row->unit; row->type == PRS_OPTION_CHOICE && *p; p += p[strcspn(p, "|")] == '|') {
			snprintf(value, sizeof value, "%.*s", (int)strcspn(p, "|"), p);
			every_way(row, value);
			p += strlen(value);
		}
		if (row->type == PRS_OPTION_BOOL)
			every_way(row, "true");
	}
}

/* A map of columns, or a list of COLUMN=TYPE. */
static void test_output_types(void **state)
{
	(void)state;
	static const struct {
		const char *value, *first, *second; /* first NULL: refused */
	} rows[] = { { "{a: string, \"b=c\": date}", "a=string", "b=c=date" },
		     { "[a=int, b=c=bool]", "a=int", "b=c=bool" },
		     { "a=float", "a=float", NULL },
		     { "{a: text}", NULL, NULL },
		     { "{a: [int]}", NULL, NULL },
		     { "[a]", NULL, NULL },
		     { "[=int]", NULL, NULL } };
	char text[1024];
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		snprintf(text, sizeof text, "%sprs: {output_format: csv, output_types: %s}\n", v2, rows[i].value);
		bool good = read_job(text, NULL, NULL);
		if (good != (rows[i].first != NULL))
			fail_msg("%s: %s", rows[i].value, prs_buf_str(&found));
		const struct prs_list *types = &job.o.output_types;
		if (!good)
			continue;
		assert_int_equal(types->n, 1 + (rows[i].second != NULL));
		assert_string_equal(types->v[0], rows[i].first);
		if (rows[i].second)
			assert_string_equal(types->v[1], rows[i].second);
	}
}

/* Texts and lists in prs: and by --set: paths become whole, each entry of a list counts, a map is refused. */
static void test_texts_and_lists(void **state)
{
	(void)state;
	static const char *const without[] = { "input", "output", "name",
		                               "code" }; /* the file has keys of its own for them */
	char key[PRS_OPTION_WORD_MAX + 32], text[1024], set[256], want[256];
	for (unsigned i = 0; prs_option_at(i); i++) {
		const struct prs_option_row *row = prs_option_at(i);
		bool list = row->type == PRS_OPTION_LIST, has_key = true;
		for (size_t k = 0; k < sizeof without / sizeof *without; k++)
			has_key = has_key && strcmp(row->name, without[k]) != 0;
		bool path = strcmp(row->name, "env") != 0 && strcmp(row->name, "partition-format") != 0 &&
		            strcmp(row->name, "secret") != 0,
		     keys = !strcmp(row->name, "partition-keys");
		if (!row->group[0] || row->resume == PRS_RESUME_SCREEN || (!list && row->type != PRS_OPTION_TEXT) ||
		    i == PRS_OPTION_ID_output_types) /* test_output_types */
			continue;
		own_key(row, key, sizeof key);
		snprintf(text, sizeof text, list ? "%sprs: {%s: [A=./b, C=./d]}\n" : "%sprs: {%s: ./b}\n", v2,
		         key + strlen("prs."));
		snprintf(set, sizeof set, list ? "%s=[A=./b, C=./d]" : "%s=./b", key);
		for (int by_set = 0; by_set < 2; by_set++) {
			bool good = read_job(by_set ? v2 : text, by_set ? set : NULL, NULL);
			if (good != has_key)
				fail_msg("%s: %s", set, prs_buf_str(&found));
			PRS_AUTOBUF got;
			prs_buf_init(&got, 4096);
			prs_option_get(&job.o, row, list ? 1 : 0, &got);
			static const char *const values[2][2] = { { "./b", "./d" }, { "/p/jobs/b", "/p/jobs/d" } };
			snprintf(want, sizeof want, "%s%s", list ? "C=" : "", values[path][list]);
			if (has_key && !keys && strcmp(prs_buf_str(&got), want) != 0)
				fail_msg("%s: %s instead of %s", set, prs_buf_str(&got), want);
		}
		snprintf(text, sizeof text, "%sprs: {%s: {a: b}}\n", v2, key + strlen("prs."));
		assert_false(read_job(text, NULL, NULL));
		if (!strstr(prs_buf_str(&found), has_key ? "expected one value" : "is not a key of prs:"))
			fail_msg("%s: %s", key, prs_buf_str(&found));
	}
}

/* What is about one command's screen, or for measuring, is no part of a job. */
static void test_not_of_a_job(void **state)
{
	(void)state;
	char key[PRS_OPTION_WORD_MAX + 32], text[1024];
	unsigned seen = 0;
	for (unsigned i = 0; prs_option_at(i); i++) {
		const struct prs_option_row *row = prs_option_at(i);
		if (row->group[0] && row->resume != PRS_RESUME_SCREEN)
			continue;
		own_key(row, key, sizeof key);
		snprintf(text, sizeof text, "%sprs: {%s: true}\n", v2, key + strlen("prs."));
		assert_false(read_job(text, NULL, NULL));
		assert_non_null(strstr(prs_buf_str(&found), "is not a key of prs:"));
		assert_true(!row->v1[0] && !row->v2[0]);
		seen++;
	}
	assert_true(seen >= 4);
}

/* `key` with a letter too many is no key, and the right one is named: in the file and by --set. */
static void misspelt(const char *base, const char *key, const char *place)
{
	char bad[PRS_OPTION_WORD_MAX + 64], set[PRS_OPTION_WORD_MAX + 96], want[512];
	const char *name = strrchr(key, '.') ? strrchr(key, '.') + 1 : key;
	PRS_AUTOBUF text;
	prs_buf_init(&text, 4096);
	snprintf(bad, sizeof bad, "%sx", key);
	snprintf(want, sizeof want, "%sx is not a key of %s", name, place);
	prs_buf_puts(&text, base);
	if (base == v1)
		prs_buf_putf(&text, "  %sx: 1\n", name);
	else
		put_key(&text, bad, "1", "");
	snprintf(set, sizeof set, "%s=1", bad);
	for (int by_set = 0; by_set < 2; by_set++) {
		assert_false(
			read_job(by_set ? base : prs_buf_str(&text), by_set ? set : NULL, base == v2 ? NULL : "in"));
		const char *at = strstr(prs_buf_str(&found), want), *near = at ? strstr(at, "did you mean ") : NULL;
		if (!near || strncmp(near + strlen("did you mean "), name, strlen(name)) != 0)
			fail_msg("%s: %s", set, prs_buf_str(&found));
	}
}

static void test_misspelt_keys(void **state)
{
	(void)state;
	char key[PRS_OPTION_WORD_MAX + 64];
	for (unsigned i = 0; prs_option_at(i); i++) {
		const struct prs_option_row *row = prs_option_at(i);
		if (!is_simple(row))
			continue;
		if (row->v2[0])
			misspelt(v2, row->v2, strchr(row->v2, '.') ? "retry_settings" : "a parallel job");
		if (row->v2[0])
			misspelt(batch, row->v2, strchr(row->v2, '.') ? "retry_settings" : "a batch deployment");
		snprintf(key, sizeof key, "settings.%s", row->v2);
		if (row->v2[0])
			misspelt(batch, key, strchr(row->v2, '.') ? "retry_settings" : "settings");
		snprintf(key, sizeof key, "parallel_run_config.%s", row->v1);
		if (row->v1[0])
			misspelt(v1, key, "parallel_run_config");
		own_key(row, key, sizeof key);
		misspelt(v2, key, "prs:");
	}
}

/* Flags inside program_arguments are weaker than keys; by a whole name, a beginning, with = and without. */
static void test_flags_in_arguments(void **state)
{
	(void)state;
	static const struct {
		const char *arguments, *more;
		int64_t threshold;
		const char *words;
	} rows[] = {
		{ "--error_threshold 5", "", 5, "" },
		{ "--error_threshold=5 --x 1", "", 5, "--x 1 " },
		{ "--error_thr 5", "", 5, "" },
		{ "--error_threshold -1", "", -1, "" },
		{ "--error_threshold 5", "error_threshold: 7\n", 7, "" },
		{ "\"'--error_threshold' 5\"", "", -1, "--error_threshold 5 " }, /* in quotes: the script's own */
		{ "--error-threshold 5", "", -1, "--error-threshold 5 " },       /* no such flag of the original */
		{ "--task classify", "", -1, "--task classify " }, /* no value that task_overhead_timeout takes */
		{ "--al 5", "", -1, "--al 5 " },
		{ "--allowed 5", "", -1, "--allowed 5 " }, /* too short, ambiguous */
		{ "--model x --copy_logs_to_parent True y", "", -1, "--model x y " },
	};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		char text[2048], words[256] = "";
		snprintf(text, sizeof text, "%.*s, program_arguments: %s}\n%s", (int)(strlen(v2) - 2), v2,
		         rows[i].arguments, rows[i].more);
		if (!read_job(text, NULL, NULL))
			fail_msg("%s", prs_buf_str(&found));
		for (size_t k = 0; k < job.program_args.n; k++)
			snprintf(words + strlen(words), sizeof words - strlen(words), "%s ", job.program_args.v[k]);
		assert_int_equal(job.o.error_threshold, rows[i].threshold);
		assert_string_equal(words, rows[i].words);
	}
}

/* ---- prs.yml ----------------------------------------------------------------------------------------------------- */

static void test_project(void **state)
{
	(void)state;
	static const struct {
		const char *path, *reads;
	} rows[] = {
		{ "azureml:mnist:2", "/p/data/mnist" },
		{ "azureml:mnist:3", "/p/data/any" },
		{ "azureml:mnist@latest", "/p/data/any" },
		{ "https://example.org/x?y=1", "/p/web" },
		{ "azureml://datastores/store/paths/a/b/", "/s/a/b" },
		{ "azureml://subscriptions/1/resourcegroups/2/workspaces/3/datastores/store/paths//a", "/s/a" },
		{ "azureml://datastores/store/paths/", "/s" },
		{ "azureml://registries/r/data/d/versions/1", "/p/registry" },
		{ "file:./in", "/p/jobs/in" },
		{ "azureml:./in", "/p/jobs/in" },
		{ "azureml:/in", "/in" },
		{ "../x/./y//z/..", "/p/x/y" },
		{ "/../in", "/in" },
		{ "file:///in", "/in" },
	};
	project_text = "assets:\n  azureml:mnist:2: ./data/mnist\n  mnist: ./data/any\n  https://example.org/x?y=1: "
		       "./web\n  azureml://registries/r/data/d/versions/1: registry\n"
		       "datastores: {store: /s}\n";
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		char text[2048];
		snprintf(text, sizeof text,
		         "type: parallel\ninputs: {data: {path: '%s'}}\ninput_data: ${{inputs.data}}\ntask: {type: "
		         "run_function, code: ./code, entry_script: score.py}\n",
		         rows[i].path);
		if (!read_job(text, NULL, NULL))
			fail_msg("%s: %s", rows[i].path, prs_buf_str(&found));
		assert_string_equal(job.inputs[0].path, rows[i].reads);
	}
	project_text = "python: ./v/python\nenvironment: {a: b}\n";
	assert_false(read_job(v2, NULL, NULL));
	assert_non_null(strstr(prs_buf_str(&found),
	                       "/p/prs.yml:2:1: environment is not a key of prs.yml; did you mean environments?"));
	project_text = NULL;
}

/* ---- the same job in two places ---------------------------------------------------------------------------------- */

/* A name that a file gives is no path through it. */
static void test_dots_in_the_name_of_a_job(void **state)
{
	(void)state;
	static const char *const names[] = { "score", "my.job", ".score", "score.", "a..b", "." };
	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		char text[1024];
		snprintf(text, sizeof text,
		         "type: pipeline\njobs:\n  \"%s\":\n    type: parallel\n"
		         "    inputs: {data: {type: uri_folder, path: ./in}}\n    outputs: {rows: {type: uri_file}}\n"
		         "    input_data: ${{inputs.data}}\n    task: {type: run_function, code: ./code, entry_script: "
		         "score.py, append_row_to: '${{outputs.rows}}'}\n",
		         names[i]);
		if (!read_job(text, NULL, NULL))
			fail_msg("%s: %s", names[i], prs_buf_str(&found));
		assert_string_equal(job.entry, "score.py");
	}
}

static void test_placed_twice(void **state)
{
	(void)state;
	struct prs_err err = { 0 };
	struct prs_placed one, two;
	assert_true(
		read_job("type: parallel\ninputs: {data: {path: ./in}}\noutputs: {rows: {type: uri_file, path: "
	                 "'./${{name}}/x.txt'}, more: {}}\ninput_data: ${{inputs.data}}\ntask: {type: run_function, "
	                 "code: ./code, entry_script: score.py, program_arguments: '--to ${{outputs.more}} --run "
	                 "${{name}}', append_row_to: '${{outputs.rows}}'}\n",
	                 NULL, NULL));
	PRS_AUTOFREE char *asked = prs_strdup(job.outputs[0].path);
	assert_int_equal(prs_place(&one, &job, &fs, "/runs/first", "first", &err), 0);
	assert_int_equal(prs_place(&two, &job, &fs, "/runs/second", "second", &err), 0);
	assert_string_equal(one.output_file, "/p/jobs/first/x.txt");
	assert_string_equal(two.output_file, "/p/jobs/second/x.txt");
	assert_string_equal(two.output_dir, "/p/jobs/second");
	assert_string_equal(one.outputs[1], "/runs/first/outputs/more");
	assert_int_equal(two.arguments.n, 4);
	assert_string_equal(two.arguments.v[1], "/runs/second/outputs/more");
	assert_string_equal(two.arguments.v[3], "second");
	assert_string_equal(job.outputs[0].path, asked); /* the job is as it was */
	assert_int_equal(job.user_args.n, 0);
	assert_null(job.output_file);
	prs_placed_done(&one);
	prs_placed_done(&two);
}

/* What the SDK and users of the original write, and what is said of what cannot be. NULL: all is well. */
static void test_of_the_original(void **state)
{
	(void)state;
	static const char form[] =
		"type: pipeline\ninputs: {t: 0.25, s: abc, m: {type: uri_folder, path: ./in}, n: {type: integer}, far: "
		"{type: uri_folder, path: 'azureml:far:1'}}\n"
		"outputs: {there: {type: uri_folder}}\n"
		"jobs:\n  other: {type: command, inputs: {f: '${{parent.inputs.far}}'}}\n"
		"  job:\n    type: parallel\n    inputs: {data: {type: uri_folder, path: ./in}, a: {path: "
		"'${{parent.inputs.t}}'}, b: {path: '${{parent.inputs.s}}'}, c: {path: '${{parent.inputs.m}}', mode: "
		"download}}\n"
		"    outputs: {rows: {type: uri_folder}}\n    input_data: ${{inputs.data}}\n"
		"    task: {type: run_function, code: ./code, entry_script: score.py, append_row_to: "
		"'${{outputs.rows}}', program_arguments: '--a ${{inputs.a}} --b ${{inputs.b}} --c ${{inputs.c}}'}\n";
	static const struct {
		const char *set, *input, *says;
	} cases[] = {
		{ NULL, NULL, NULL },
		{ "jobs.job.inputs.c.path=${{parent.inputs.far}}", NULL, "azureml:far:1 is not on this machine" },
		{ "jobs.job.mini_batch_size=${{parent.inputs.n}}", NULL,
		  "${{parent.inputs.n}}: input n of the pipeline has no value: give it one, or --input n=VALUE" },
		{ "jobs.job.mini_batch_size=${{parent.inputs.n}}", "n=7", NULL },
		{ "jobs.job.environment_variables={A: 'x-${{parent.inputs.n}}'}", NULL,
		  "input n of the pipeline has no value" },
		{ "jobs.job.partition_keys=[day]", NULL, NULL }, /* perhaps folders named day=... */
		{ "jobs.job.mini_batch_size=0", NULL, "mini_batch_size: expected a whole number from 1 " },
		{ "jobs.job.inputs.data.path=azureml:https://x.org/y", NULL,
		  ": https://x.org/y is not on this machine: map it in a file prs.yml beside the job file or above it "
		  "(assets: {\"https://x.org/y\": PATH})" },
		{ "mini_batch_size=3", NULL,
		  "mini_batch_size is not a key of a pipeline; it belongs to the job (jobs.NAME.mini_batch_size)" },
		{ "entry_script=a.py", NULL, "it belongs to the job (jobs.NAME.task.entry_script)" },
		{ "jobs.job.task.entry_script=noa\\b.py", NULL,
		  "noa\\b.py is not in the code folder /p/jobs/code; folders "
		  "are parted by / here: noa/b.py" },
		{ "jobs.job.task.code=no\\code", NULL,
		  "no such folder: /p/jobs/no\\code; folders are parted by / here" },
		{ "jobs.job.inputs.data.path=no\\in", NULL, "no such folder or file; folders are parted by / here" },
		{ "jobs.job.prs.append_row_file_name=mine.txt", NULL, NULL },
		{ "jobs.job.prs.append_row_file_name=a/mine.txt", NULL, "expected a file name without folders" },
		{ "jobs.job.prs.append_row_file_name=[a]", NULL,
		  "append_row_file_name: expected one value, found a list" },
	};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		bool good = read_pipeline_job(form, "job", cases[i].set, cases[i].input);
		if (good != !cases[i].says || (cases[i].says && !strstr(prs_buf_str(&found), cases[i].says)))
			fail_msg("%s: %s", cases[i].set ? cases[i].set : "-", prs_buf_str(&found));
	}
	assert_true(read_pipeline_job(form, "job", NULL, NULL));
	static const char *const words[] = { "--a", "0.25", "--b", "abc", "--c", "/p/jobs/in" };
	assert_int_equal(job.program_args.n, 6);
	for (size_t i = 0; i < 6; i++)
		assert_string_equal(job.program_args.v[i], words[i]);
	assert_true(
		read_job("type: parallel\ninputs: {data: {path: ./in, partition_format: '{day}/*'}}\noutputs: {rows: "
	                 "{}}\ninput_data: ${{inputs.data}}\nmini_batch_size: '0'\npartition_keys: [day]\n"
	                 "task: {type: run_function, code: ./code, entry_script: score.py}\n",
	                 NULL, NULL));
	assert_null(job.from[PRS_OPTION_ID_mini_batch_size]);
}

/* A size of 0 beside keys, and keys of a file that stand outside of its one block. */
static void test_of_the_original_v1(void **state)
{
	(void)state;
	static const char form[] =
		"parallel_run_config:\n  entry_script: score.py\n  source_directory: ./code\n"
		"  partition_keys: [day]\n  mini_batch_size: '0'\nprs: {partition_format: '{day}/*'}\n";
	if (!read_job(form, NULL, "in"))
		fail_msg("%s", prs_buf_str(&found));
	assert_false(read_job(form, "parallel_run_config.mini_batch_size=1", "in"));
	assert_non_null(strstr(prs_buf_str(&found), "exclude each other"));
	assert_false(read_job(v1, "mini_batch_size=1", "in"));
	assert_non_null(strstr(prs_buf_str(&found),
	                       "mini_batch_size is not a key of a file with parallel_run_config; it "
	                       "belongs into parallel_run_config: "
	                       "(parallel_run_config.mini_batch_size)"));
	assert_false(read_job(v1, "max_concurrency_per_instance=1", "in"));
	assert_non_null(strstr(prs_buf_str(&found), "here it is called parallel_run_config.process_count_per_node"));
}

static void test_late_parts(void **state)
{
	(void)state;
	static const char form[] = "type: parallel\ninputs: {data: {path: ./in}, which: '${{name}}'}\n"
				   "outputs: {rows: {type: uri_file}, more: {}}\ninput_data: ${{inputs.data}}\n"
				   "environment_variables: {A: '${{outputs.rows}}', B: 'x/${{name}}', "
				   "C: '${{inputs.which}}', D: '${{prs.outputs}}', E: '${{outputs.default}}'}\n"
				   "task: {type: run_function, code: ./code, entry_script: score.py, "
				   "program_arguments: '--metrics_name_prefix ${{name}}', "
				   "append_row_to: '${{outputs.rows}}'}\n";
	static const char *const want[] = { "/runs/x/outputs/rows", "x/x", "x", "/runs/x/outputs",
		                            "/runs/x/outputs/rows" };
	struct prs_err err = { 0 };
	struct prs_placed placed;
	PRS_AUTOBUF json;
	prs_buf_init(&json, 1 << 20);
	if (!read_job(form, NULL, NULL))
		fail_msg("%s", prs_buf_str(&found));
	assert_int_equal(prs_place(&placed, &job, &fs, "/runs/x", "x", &err), 0);
	assert_int_equal(job.variables_n, sizeof want / sizeof *want);
	for (size_t i = 0; i < job.variables_n; i++)
		assert_string_equal(placed.variables[i].value, want[i]);
	assert_int_equal(placed.system_args.n, 2);
	assert_string_equal(placed.system_args.v[1], "x");
	assert_int_equal(prs_placed_to_json(&placed, &json, &err), 0);
	assert_null(strpbrk(prs_buf_str(&json), "\001\002"));
	assert_null(strstr(prs_buf_str(&json), "\\u000"));
	prs_placed_done(&placed);
}

/* What must be known before the run folder cannot be a late part, wherever it stands. */
static void test_late_where_it_cannot_be(void **state)
{
	(void)state;
	static const char *const sets[] = { "mini_batch_size=${{name}}",
		                            "mini_batch_size=${{inputs.which}}",
		                            "max_concurrency_per_instance=${{prs.outputs}}",
		                            "prs.python=./${{name}}",
		                            "prs.model=m=${{outputs.rows}}",
		                            "resources.instance_count=${{name}}",
		                            "task.code=./${{name}}",
		                            "task.program_arguments=--run_max_try ${{name}}",
		                            "task.program_arguments=--amlbi_pf_enabled ${{name}}",
		                            "task.program_arguments=--amlbi_file_format ${{name}}",
		                            "component=./${{name}}.yml",
		                            "inputs.data=./${{name}}",
		                            "inputs.which.type=integer",
		                            "inputs.which={type: string, enum: [a, b], value: '${{name}}'}",
		                            "inputs.data.path=${{prs.outputs}}/x",
		                            "outputs.more.path=${{outputs.rows}}/x" };
	static const char form[] = "type: parallel\ninputs: {data: {path: ./in}, which: {value: '${{name}}'}}\n"
				   "outputs: {rows: {type: uri_file}, more: {}}\ninput_data: ${{inputs.data}}\n"
				   "task: {type: run_function, code: ./code, entry_script: score.py, append_row_to: "
				   "'${{outputs.rows}}'}\n";
	assert_true(read_job(form, NULL, NULL));
	for (size_t i = 0; i < sizeof sets / sizeof *sets; i++) {
		bool good = read_job(form, sets[i], NULL);
		const char *says = prs_buf_str(&found);
		if (good || !strstr(says, "}} is known only when the run begins: it can stand in") ||
		    strpbrk(says, "\001\002"))
			fail_msg("%s: %s", sets[i], good ? "taken" : says);
	}
}

/* ---- memory ------------------------------------------------------------------------------------------------------ */

#ifdef PRS_KILL_POINTS
static void read_anything(const char *text)
{
	struct prs_err err = { 0 };
	struct prs_job j;
	struct prs_placed placed = { 0 };
	struct prs_request q = { .cwd = "/p/jobs", .file = "job.yml" };
	PRS_AUTOBUF b;
	prs_buf_init(&b, 1 << 20);
	prs_job_init(&j);
	struct prs_yaml_doc *d = prs_yaml_doc_new();
	bool asked = d && prs_list_add(&q.sets, "error_threshold=4") == 0 &&
	             prs_request_ask(&q, prs_option_find("input", false), "other=in", "--input") == 0;
	struct prs_project *p = asked ? prs_project_find(&fs, "/p/jobs", NULL, NULL, d) : NULL;
	if (p && prs_defaults_ask(p, d, PRS_JOB_FILE, &q) == 0 && prs_job_begin(&j, &q, &err) == 0) {
		int r = prs_jobfile_parse(&j, &q, &fs, p, (const uint8_t *)text, strlen(text), d, NULL, &err);
		bool good = r == 0 && !prs_yaml_count(d, PRS_MISTAKE);
		if (good && prs_job_to_yaml(&j, &b, &err) == 0)
			prs_place(&placed, &j, &fs, "/runs/x", "x", &err);
		prs_yaml_print(d, PRS_MISTAKE, &b);
	}
	prs_project_free(p);
	prs_placed_done(&placed);
	prs_job_done(&j);
	prs_request_done(&q);
	prs_yaml_doc_free(d);
}

static void test_no_memory(void **state)
{
	(void)state;
	static const char *const texts[] = {
		"type: pipeline\ninputs: {images: {path: ./in}, size: 5}\noutputs: {scores: {type: uri_file, path: "
		"'./${{name}}/x'}}\njobs:\n  a:\n    type: parallel\n"
		"    component: {type: parallel, inputs: {data: {type: uri_folder}, other: {type: uri_folder}, n: "
		"{type: number, default: 1.5}}, outputs: {rows: {type: uri_file}}}\n"
		"    inputs: {data: '${{parent.inputs.images}}'}\n    outputs: {rows: '${{parent.outputs.scores}}'}\n  "
		"  input_data: ${{inputs.data}}\n    mini_batch_size: ${{parent.inputs.size}}\n"
		"    environment_variables: {A: b}\n    compute: x\n    task: {type: run_function, code: ./code, "
		"entry_script: score.py, program_arguments: '--n ${{inputs.n}} \"a b\" --error_thr 3 $[[--o "
		"${{inputs.other}}]]',\n"
		"      append_row_to: '${{outputs.rows}}'}\n    prs: {model: [m=w.bin], threads: keep}\n",
		"parallel_run_config:\n  entry_script: score.py\n  source_directory: ./code\n  output_action: "
		"append_row\n  eror_threshold: 5\n",
		"type: model\nmodel: {path: w.bin}\ncode_configuration: {code: ./code, scoring_script: "
		"score.py}\nsettings: {mini_batch_size: ten}\n",
	};
	static const char *const projects[] = {
		"assets: {a: ./b}\ndatastores: {s: ./s}\n"
		"defaults: {environment_variable: {A: x, B: y}, side_input: [s=./s, m=./m], processes: 2}\n",
		"defaults: {typo: 3, run_max_try: many}\n",
	};
	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
		project_text = projects[i == 1];
		long before = prs_mem_count();
		read_anything(texts[i]);
		long needed = prs_mem_count() - before;
		for (long n = 1; n <= needed; n++) {
			prs_mem_fault(n);
			read_anything(texts[i]);
			prs_mem_fault_from(n);
			read_anything(texts[i]);
			prs_mem_fault(0);
		}
	}
	project_text = NULL;
}
#endif

static int setup(void **state)
{
	(void)state;
	prs_buf_init(&found, 1 << 20);
	prs_job_init(&job);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	prs_buf_done(&found);
	prs_job_done(&job);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_option),
		cmocka_unit_test(test_misspelt_keys),
		cmocka_unit_test(test_dots_in_the_name_of_a_job),
		cmocka_unit_test(test_placed_twice),
		cmocka_unit_test(test_of_the_original),
		cmocka_unit_test(test_of_the_original_v1),
		cmocka_unit_test(test_late_parts),
		cmocka_unit_test(test_late_where_it_cannot_be),
		cmocka_unit_test(test_texts_and_lists),
		cmocka_unit_test(test_output_types),
		cmocka_unit_test(test_not_of_a_job),
		cmocka_unit_test(test_flags_in_arguments),
		cmocka_unit_test(test_project),
#ifdef PRS_KILL_POINTS
		cmocka_unit_test(test_no_memory),
#endif
	};
	return cmocka_run_group_tests(tests, setup, teardown);
}
