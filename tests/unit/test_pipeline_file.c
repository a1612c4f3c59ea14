/* SPDX-License-Identifier: Apache-2.0
 * test_pipeline_file: job files with several jobs: in any order, nested, by component; what each mistake says and
 * where; the description that comes of it; every allocation fails once.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/mem.h"
#include "spec/jobfile.h"
#include "spec/pipeline.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

/* ---- a file system of names: some have a text; what has a dot is a file, what begins with "no" is not there ------ */

static const struct {
	const char *path, *text;
} files[] = {
	{ "/p/train.yml",
	  "type: command\ninputs: {data: {type: uri_folder}, n: {type: integer, default: 3}, opt: {type: "
	  "string, optional: true}}\noutputs: {model: {type: uri_folder}}\n"
	  "code: ./code\ncommand: python t.py ${{inputs.data}} ${{inputs.n}} $[[--o ${{inputs.opt}}]] "
	  "${{outputs.model}}\n" },
	{ "/p/inner.yml",
	  "type: pipeline\ninputs: {raw: {type: uri_folder}}\noutputs: {model: {type: uri_folder}}\njobs:\n"
	  "  fit: {component: ./train.yml, inputs: {data: \"${{parent.inputs.raw}}\"}, outputs: {model: "
	  "\"${{parent.outputs.model}}\"}}\n" },
	{ "/p/self.yml", "type: pipeline\njobs: {again: {type: pipeline, component: ./self.yml}}\n" },
	{ "/p/flow.yml", "$schema: https://x/promptflow/latest/Flow.schema.json\ninputs: {}\n" },
};
enum { FILES = sizeof files / sizeof *files };

static int fs_stat(void *ctx, const char *path, struct prs_fs_stat *ret)
{
	(void)ctx;
	const char *name = strrchr(path, '/') + 1;
	if (!strncmp(name, "no", 2) || strchr(name, '*') || !strcmp(name, "prs.yml"))
		return -ENOENT;
	*ret = (struct prs_fs_stat){ .mode = strchr(name, '.') ? S_IFREG : S_IFDIR };
	return 0;
}

static int fs_open(void *ctx, const char *path, int flags, uint32_t mode)
{
	(void)ctx;
	(void)flags;
	(void)mode;
	for (int i = 0; i < FILES; i++)
		if (!strcmp(files[i].path, path))
			return i;
	return -ENOENT;
}

static ssize_t fs_pread(void *ctx, int fd, void *to, size_t n, uint64_t offset)
{
	(void)ctx;
	size_t all = strlen(files[fd].text), left = offset < all ? all - (size_t)offset : 0;
	memcpy(to, files[fd].text + offset, n < left ? n : left);
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

static struct prs_pipeline *pipeline;
static struct prs_buf found, json;
static struct prs_err err;

static int setup(void **state)
{
	(void)state;
	prs_buf_init(&found, 1 << 20);
	prs_buf_init(&json, 4 << 20);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	prs_pipeline_free(pipeline);
	pipeline = NULL;
	prs_buf_done(&found);
	prs_buf_done(&json);
	return 0;
}

/* < 0: no memory. Else the number of mistakes; without any `pipeline` and `json` are there. */
static int read_bytes(const char *text, const char *flag, const char *value)
{
	struct prs_request q = { .cwd = "/p", .file = "job.yml" };
	struct prs_job j;
	struct prs_yaml_doc *d = prs_yaml_doc_new();
	prs_pipeline_free(pipeline);
	pipeline = NULL;
	prs_buf_clear(&found);
	prs_buf_clear(&json);
	prs_job_init(&j);
	int r = d ? 0 : -1;
	if (!r && flag)
		r = prs_request_ask(&q, prs_option_find(flag, false), value, "--flag");
	if (!r)
		r = prs_job_begin(&j, &q, &err);
	if (!r)
		r = prs_jobfile_parse(&j, &q, &fs, NULL, (const uint8_t *)text, strlen(text), d, &pipeline, &err);
	if (!r) {
		prs_yaml_print(d, PRS_MISTAKE, &found);
		r = (int)prs_yaml_count(d, PRS_MISTAKE);
	}
	if (!r && pipeline && prs_pipeline_to_json(pipeline, &json, &err) < 0)
		r = -1;
	if (d)
		prs_yaml_doc_free(d);
	prs_job_done(&j);
	prs_request_done(&q);
	return r;
}

static void read_good(const char *text)
{
	int r = read_bytes(text, NULL, NULL);
	if (r || !pipeline)
		fail_msg("%d: %s%s\n%s", r, prs_buf_str(&found), pipeline ? "" : "no pipeline", text);
}

static void has(const char *words)
{
	if (!strstr(prs_buf_str(&json), words))
		fail_msg("%s\nis not in\n%s", words, prs_buf_str(&json));
}

static void has_not(const char *words)
{
	if (strstr(prs_buf_str(&json), words))
		fail_msg("%s\nis in\n%s", words, prs_buf_str(&json));
}

/* ---- what becomes of a file -------------------------------------------------------------------------------------- */

static const char whole[] =
	"type: pipeline\n"
	"display_name: flights of a day\n"
	"settings: {continue_on_step_failure: true}\n"
	"inputs: {raw: {type: uri_folder, path: ./data}, limit: 5}\n"
	"outputs: {final: {type: uri_file, path: ./out/nofinal.txt}, kept: {type: uri_folder}}\n"
	"jobs:\n"
	"  score:\n"
	"    type: parallel\n"
	"    inputs: {images: {type: uri_folder, path: \"${{parent.jobs.prep.outputs.clean}}\"}, labels: "
	"\"${{parent.jobs.prep.outputs.labels}}\"}\n"
	"    outputs: {rows: \"${{parent.outputs.final}}\"}\n"
	"    input_data: ${{inputs.images}}\n"
	"    max_concurrency_per_instance: 2\n"
	"    environment_variables: {WHERE: \"${{parent.jobs.prep.outputs.clean}}/x\"}\n"
	"    task: {type: run_function, code: ./src, entry_script: score.py, append_row_to: \"${{outputs.rows}}\", "
	"program_arguments: \"--l ${{inputs.labels}} --o ${{outputs.rows}} --n ${{parent.inputs.limit}} "
	"${{prs.dollar}}{{\"}\n"
	"  prep:\n"
	"    type: command\n"
	"    code: ./src\n"
	"    command: python prep.py ${{inputs.raw}} ${{inputs.limit}} ${{outputs.clean}} ${{outputs.labels}}\n"
	"    inputs: {raw: \"${{parent.inputs.raw}}\", limit: \"${{parent.inputs.limit}}\"}\n"
	"    outputs: {clean: {type: uri_folder}, labels: {type: uri_file, path: \"./${{name}}/l.txt\"}}\n"
	"    limits: {timeout: 90}\n"
	"    is_deterministic: false\n";

static void test_whole(void **state)
{
	(void)state;
	read_good(whole);
	assert_string_equal(pipeline->name, "flights_of_a_day");
	assert_true(pipeline->continue_on_step_failure);
	assert_false(pipeline->force_rerun);
	assert_int_equal(pipeline->steps_n, 2);
	const struct prs_step *score = &pipeline->steps[0], *prep = &pipeline->steps[1];
	assert_int_equal(score->kind, PRS_STEP_PARALLEL);
	assert_int_equal(score->cores, 2);
	assert_int_equal(score->needs_n, 1);
	assert_int_equal(score->line, 7);
	assert_string_equal(score->outputs[0].path, "/p/out/nofinal.txt");
	assert_int_equal(prep->kind, PRS_STEP_COMMAND);
	assert_string_equal(prep->code_dir, "/p/src");
	assert_string_equal(prep->inputs[0].path, "/p/data");
	assert_string_equal(prep->inputs[1].literal, "5");
	assert_string_equal(prep->outputs[1].path, "/p/${{name}}/l.txt");
	assert_false(prep->allow_reuse);
	assert_true(prep->timeout_s > 89 && prep->timeout_s < 91);
	has("\"--l\",\n          \"${{parent.jobs.prep.outputs.labels}}\",\n          \"--o\",\n          "
	    "\"${{outputs.rows}}\",\n          \"--n\",\n          \"5\",\n          \"${{prs.dollar}}{{\"");
	has("\"name\": \"images\",\n            \"output\": \"clean\",\n            \"step\": \"prep\"");
	has("\"value\": \"${{parent.jobs.prep.outputs.clean}}/x\"");
	has("\"name\": \"AZURE_ML_INPUT_labels\",\n            \"value\": \"${{parent.jobs.prep.outputs.labels}}\"");
	has("\"name\": \"AZURE_ML_INPUT_raw\",\n          \"value\": \"/p/data\"");
}

/* What goes in is what a front end may send. */
static void test_reads_back(void **state)
{
	(void)state;
	PRS_AUTOBUF again;
	prs_buf_init(&again, 4 << 20);
	read_good(whole);
	struct prs_pipeline *p = prs_pipeline_from_json((const char *)json.data, json.len, &err);
	assert_non_null(p);
	assert_int_equal(prs_pipeline_to_json(p, &again, &err), 0);
	assert_string_equal(prs_buf_str(&again), prs_buf_str(&json));
	prs_pipeline_free(p);
}

static void test_nested(void **state)
{
	(void)state;
	read_good(
		"type: pipeline\n"
		"inputs: {raw: {type: uri_folder, path: ./data}}\n"
		"outputs: {best: {type: uri_folder, path: ./best}}\n"
		"jobs:\n"
		"  use: {type: command, command: \"ls ${{inputs.m}} ${{inputs.x}}\", inputs: {m: "
		"\"${{parent.jobs.outer.outputs.model}}\", x: \"${{parent.jobs.inline.outputs.y}}\"}}\n"
		"  outer: {type: pipeline, component: ./inner.yml, inputs: {raw: \"${{parent.jobs.get.outputs.d}}\"}, "
		"outputs: {model: \"${{parent.outputs.best}}\"}}\n"
		"  get: {type: command, command: \"x >${{outputs.d}}/y\", outputs: {d: {type: uri_folder}}}\n"
		"  inline:\n"
		"    type: pipeline\n"
		"    is_deterministic: false\n"
		"    inputs: {a: \"${{parent.inputs.raw}}\"}\n"
		"    outputs: {y: {type: uri_folder}}\n"
		"    jobs:\n"
		"      last: {type: command, command: \"x ${{inputs.a}} ${{inputs.f}} ${{outputs.y}}\", inputs: {a: "
		"\"${{parent.inputs.a}}\", f: \"${{parent.jobs.first.outputs.z}}\"}, outputs: {y: "
		"\"${{parent.outputs.y}}\"}}\n"
		"      first: {type: command, command: \"x ${{outputs.z}}\", outputs: {z: {type: uri_file}}}\n");
	static const char *const names[] = { "use", "outer.fit", "get", "inline.last", "inline.first" };
	assert_int_equal(pipeline->steps_n, 5);
	for (size_t i = 0; i < 5; i++)
		assert_string_equal(pipeline->steps[i].name, names[i]);
	const struct prs_step *use = &pipeline->steps[0], *fit = &pipeline->steps[1], *last = &pipeline->steps[3];
	assert_int_equal(use->needs_n, 2);
	assert_int_equal(use->needs[0], 1);
	assert_int_equal(use->needs[1], 3);
	assert_true(fit->inputs[0].of_step && fit->inputs[0].step == 2);
	assert_string_equal(fit->inputs[1].literal, "3");
	assert_string_equal(fit->outputs[0].path, "/p/best");
	assert_string_equal(fit->code_dir, "/p/code");
	assert_true(fit->allow_reuse && !last->allow_reuse);
	assert_string_equal(last->inputs[0].path, "/p/data");
	assert_true(last->inputs[1].of_step && last->inputs[1].step == 4);
}

static void test_settings(void **state)
{
	(void)state;
	read_good("type: pipeline\njobs: {a: {command: x, code: ./src/x.py, outputs: {o: {type: path}}}}\n");
	assert_string_equal(pipeline->steps[0].code_dir, "/p/src");
	assert_string_equal(pipeline->steps[0].outputs[0].type, "uri_folder");
	read_good("type: pipeline\nsettings: {force_rerun: true}\njobs:\n"
	          "  a: {type: command, command: x, prs: {after: [b], python: ./py}}\n"
	          "  b: {type: command, command: x}\n");
	assert_true(pipeline->force_rerun);
	assert_false(pipeline->steps[0].force_rerun);
	assert_int_equal(pipeline->steps[0].needs_n, 1);
	assert_string_equal(pipeline->steps[0].checked->o.python, "/p/py");
	has("\"after\": [\n        \"b\"\n      ]");
	read_good("type: pipeline\njobs:\n"
	          "  o: {type: pipeline, settings: {force_rerun: true}, jobs: {a: {type: command, command: x}}}\n"
	          "  b: {command: x}\n");
	assert_true(pipeline->steps[0].force_rerun && !pipeline->steps[1].force_rerun);
	has_not("\"force_rerun\": true,\n      \"name\": \"b\"");
}

/* Flags of the command go to every parallel job, its inputs and outputs are the pipeline's. */
static void test_flags(void **state)
{
	(void)state;
	assert_int_equal(read_bytes(whole, "run-max-try", "2"), 0);
	has("\"run-max-try\": {\n            \"from\": \"--flag\",\n            \"value\": [\n              \"2\"");
	assert_int_equal(read_bytes(whole, "input", "raw=other"), 0);
	assert_string_equal(pipeline->steps[1].inputs[0].path, "/p/other");
	assert_int_equal(read_bytes(whole, "output", "final=nox.txt"), 0);
	assert_string_equal(pipeline->steps[0].outputs[0].path, "/p/nox.txt");
	assert_int_equal(read_bytes(whole, "name", "mine"), 0);
	assert_string_equal(pipeline->name, "mine");
	static const char own[] = "type: pipeline\ninputs: {raw: {type: uri_folder, path: ./data}}\njobs:\n"
				  "  a: {command: x, inputs: {raw: {type: uri_folder, path: ./own}, i: "
				  "\"${{parent.inputs.raw}}\"}}\n";
	assert_int_equal(read_bytes(own, "input", "raw=other"), 0);
	assert_string_equal(pipeline->steps[0].inputs[0].path, "/p/own");
	assert_string_equal(pipeline->steps[0].inputs[1].path, "/p/other");
	assert_int_equal(read_bytes(whole, "input", "images=other"), 1);
	assert_int_equal(read_bytes(whole, "output", "x.txt"), 1);
}

/* A file that gives values to a pipeline in another one. */
static void test_a_pipeline_by_component(void **state)
{
	(void)state;
	static const char text[] = "type: pipeline\nname: mine\ncomponent: ./inner.yml\n"
				   "inputs: {raw: {type: uri_folder, path: ./data}}\n"
				   "outputs: {model: {type: uri_folder, path: ./m}}\n";
	read_good(text);
	assert_string_equal(pipeline->name, "mine");
	assert_int_equal(pipeline->steps_n, 1);
	assert_string_equal(pipeline->steps[0].name, "fit");
	assert_string_equal(pipeline->steps[0].inputs[0].path, "/p/data");
	assert_string_equal(pipeline->steps[0].outputs[0].path, "/p/m");
	assert_int_equal(read_bytes(text, "input", "raw=other"), 0);
	assert_string_equal(pipeline->steps[0].inputs[0].path, "/p/other");
	assert_int_equal(read_bytes(text, "output", "model=nox"), 0);
	assert_string_equal(pipeline->steps[0].outputs[0].path, "/p/nox");
	assert_int_equal(read_bytes("type: pipeline\ncomponent: ./inner.yml\n", NULL, NULL), 1);
	assert_non_null(strstr(prs_buf_str(&found), "input raw has no value: give it one, or --input raw=PATH"));
	assert_int_equal(read_bytes("type: pipeline\ncomponent: ./train.yml\n", NULL, NULL), 1);
	assert_non_null(strstr(prs_buf_str(&found), "./train.yml is of type command: expected a pipeline"));
	assert_int_equal(read_bytes("type: pipeline\ncomponent: ./nothing.yml\n", NULL, NULL), 1);
}

/* One parallel job and nothing else is what it always was. */
static void test_one_job(void **state)
{
	(void)state;
	assert_int_equal(read_bytes("type: pipeline\njobs:\n  s: {type: parallel, inputs: {d: {type: uri_folder, path: "
	                            "./in}}, input_data: \"${{inputs.d}}\", task: {type: run_function, code: ./c, "
	                            "entry_script: s.py}}\n",
	                            NULL, NULL),
	                 0);
	assert_null(pipeline);
	read_good("type: pipeline\njobs: {s: {type: command, command: x}}\n");
	assert_int_equal(pipeline->steps_n, 1);
}

/* ---- mistakes ---------------------------------------------------------------------------------------------------- */

#define TWO(a, b) "type: pipeline\njobs:\n  a: {" a "}\n  b: {" b "}\n"
#define OUT "type: command, command: \"x ${{outputs.o}}\", outputs: {o: {type: uri_folder}}"

static void test_mistakes(void **state)
{
	(void)state;
	static const struct {
		const char *text, *says;
	} cases[] = {
		{ TWO("type: command, command: \"x ${{inputs.i}}\", inputs: {i: \"${{parent.jobs.c.outputs.o}}\"}",
		      OUT),
		  "job.yml:3:66: ${{parent.jobs.c.outputs.o}}: there is no job c" },
		{ TWO("command: x, inputs: {i: \"${{parent.jobs.bb.outputs.o}}\"}", OUT), "there is no job bb" },
		{ TWO("command: x, inputs: {i: \"${{parent.jobs.b.outputs.oo}}\"}", OUT),
		  "the job b has no output oo (it has o)" },
		{ TWO("command: x, inputs: {i: \"${{parent.jobs.b.output.o}}\"}", OUT),
		  "expected ${{parent.jobs.NAME.outputs.OUTPUT}}" },
		{ TWO("command: x, inputs: {i: {type: integer, path: \"${{parent.jobs.b.outputs.o}}\"}}", OUT),
		  "input i: a integer has no path" },
		{ TWO("component: ./train.yml, inputs: {data: ./d, n: \"${{parent.jobs.b.outputs.o}}\"}", OUT),
		  "input n is declared as integer, and the output of a job is a file or folder" },
		{ TWO("command: x, inputs: {i: {path: \"${{parent.jobs.b.outputs.o}}/s\"}}", OUT),
		  "i: the output of another job can be the whole value of an input" },
		{ TWO("component: ./train.yml, inputs: {data: ./d, m: 3}", OUT), "the component has no input m" },
		{ TWO("component: ./train.yml", OUT), "input data has no value" },
		{ "type: pipeline\ninputs: {p: {type: uri_folder}}\njobs:\n  a: {command: x, inputs: {i: "
		  "\"${{parent.inputs.p}}\"}}\n",
		  "input p of the pipeline has no value: give it one, or --input p=PATH" },
		{ TWO("component: ./nothing.yml", OUT), "component: /p/nothing.yml: " },
		{ TWO("component: azureml:x:1", OUT), "component: azureml:x:1 is not on this machine" },
		{ TWO("component: ./flow.yml", OUT), "a prompt flow is not run" },
		{ TWO("type: parallel, component: ./train.yml", OUT),
		  "type: the job a is of type parallel, its component of type command" },
		{ TWO("type: pipeline, component: ./self.yml", OUT), "the job again is the pipeline self.yml" },
		{ TWO("type: sweep", OUT), "the job a is of type sweep: this version runs" },
		{ TWO("type: comand, command: x", OUT), "the job a is of type comand; did you mean command?" },
		{ TWO("type: command", OUT), "command is missing" },
		{ TWO("command: x, outpts: {}", OUT), "outpts is not a key of the command a; did you mean outputs?" },
		{ TWO("command: \"x ${{inputs.i}}\"", OUT), "${{inputs.i}}: there is no input named i" },
		{ TWO("command: \"x ${{outputs.p}}\", outputs: {o: {}}", OUT),
		  "there is no output named p (there is o)" },
		{ TWO("command: \"x ${{parent.inputs.i}}\"", OUT), "a command names its own inputs and outputs" },
		{ TWO("command: \"x ${{inputs.i\"", OUT), "${{ is not closed" },
		{ TWO("command: \"x ${{inputs.i}}\", inputs: {i: {type: string, optional: true}}", OUT),
		  "Optional input i must be placed in nested argument: $[[]]" },
		{ TWO("command: \"x '${{inputs.i}}'\", inputs: {i: {type: uri_folder, path: \"./a b\"}}", OUT),
		  "job.yml:3:3: ${{inputs.i}} is the path /p/a b, which bash would not take as it is" },
		{ TWO("command: \"x '${{outputs.o}}'\", outputs: {o: {path: \"./a b\"}}", OUT),
		  "job.yml:3:3: ${{outputs.o}} is the path /p/a b, which bash would not take as it is" },
		{ TWO("command: x, limits: {timeout: soon}", OUT),
		  "timeout: expected seconds above 0, found \"soon\"" },
		{ TWO("command: x, limits: {time: 5}", OUT), "time is not a key of limits" },
		{ TWO("command: x, outputs: {o: {type: pth}}", OUT), "found \"pth\"; did you mean path?" },
		{ TWO("command: x, code: ./nowhere", OUT), "code: no such folder: /p/nowhere" },
		{ TWO("command: x, inputs: {i: {type: uri_folder, path: ./nowhere}}", OUT),
		  "input i: no such file or folder: /p/nowhere" },
		{ TWO("command: x, inputs: {i: {type: uri_folder, paths: [./x, ./y]}}", OUT),
		  "a command takes one file or folder" },
		{ TWO("command: x, prs: {after: [c]}", OUT), "after: there is no job c" },
		{ TWO("command: x, prs: {run_max_try: 3}", OUT), "run_max_try is not a key of prs: of a command" },
		{ "type: pipeline\njobs:\n  a: 5\n  b: {" OUT "}\n",
		  "the job a: expected keys and values, found a number" },
		{ "type: pipeline\njobs:\n  \"a}}\": {command: x}\n  b: {" OUT "}\n", "no job can be called so" },
		{ TWO("type: pipeline, jobs: {}", OUT), "jobs is missing" },
		{ TWO("type: pipeline, jobs: {c: {command: x}}, outputs: {m: {type: uri_folder}}",
		      "command: \"x ${{inputs.i}}\", inputs: {i: \"${{parent.jobs.a.outputs.m}}\"}"),
		  "job.yml:3:3: no job of the pipeline a makes its output m, which b reads" },
		{ "type: pipeline\noutputs: {f: {type: uri_folder}}\njobs:\n  a: {command: x, outputs: {o: "
		  "\"${{parent.outputs.f}}\"}}\n  b: {command: x, outputs: {o: \"${{parent.outputs.f}}\"}}\n",
		  "output f of the pipeline is made by the job a already" },
		{ "type: pipeline\ninputs: {i: \"${{parent.jobs.a.outputs.o}}\"}\njobs:\n  a: {" OUT
		  "}\n  b: {command: "
		  "\"x ${{inputs.i}}\", inputs: {i: \"${{parent.inputs.i}}\"}}\n",
		  "this stands in an input of a job, not in one of the pipeline" },
		{ "type: pipeline\njobs:\n"
		  "  a: {command: x, inputs: {i: \"${{parent.jobs.c.outputs.o}}\"}, outputs: {o: {}}}\n"
		  "  b: {command: x, inputs: {i: \"${{parent.jobs.a.outputs.o}}\"}, outputs: {o: {}}}\n"
		  "  c: {command: x, inputs: {i: \"${{parent.jobs.b.outputs.o}}\"}, outputs: {o: {}}}\n",
		  "job.yml:3:3: steps that wait for each other: a (job.yml:3) -> c (job.yml:5) -> b (job.yml:4) "
		  "-> a\n" },
		{ TWO("command: x, inputs: {i: \"${{parent.jobs.a.outputs.o}}\"}, outputs: {o: {}}", OUT),
		  "steps that wait for each other: a (job.yml:3) -> a\n" },
	};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		int r = read_bytes(cases[i].text, NULL, NULL);
		if (r < 1 || !strstr(prs_buf_str(&found), cases[i].says))
			fail_msg("%s\nexpected: %s\nfound %d: %s", cases[i].text, cases[i].says, r,
			         prs_buf_str(&found));
	}
}

static void test_all_at_once(void **state)
{
	(void)state;
	int r = read_bytes(
		TWO("command: \"x ${{inputs.i}}\", code: ./nowhere",
	            "type: parallel, input_data: \"${{inputs.d}}\", inputs: {d: \"${{parent.jobs.x.outputs.o}}\"}"),
		NULL, NULL);
	assert_int_equal(r, 4);
	assert_non_null(strstr(prs_buf_str(&found), "there is no job x"));
	assert_non_null(strstr(prs_buf_str(&found), "task is missing"));
}

#ifdef PRS_KILL_POINTS
static void test_no_memory(void **state)
{
	(void)state;
	long start = prs_mem_count();
	assert_int_equal(read_bytes(whole, NULL, NULL), 0);
	long all = prs_mem_count() - start, refused = 0;
	for (long i = 1; i <= all; i++) {
		prs_mem_fault(i);
		refused += read_bytes(whole, NULL, NULL) != 0;
		prs_mem_fault(0);
	}
	assert_true(refused > all / 2);
}
#endif

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_whole, setup, teardown),
		cmocka_unit_test_setup_teardown(test_reads_back, setup, teardown),
		cmocka_unit_test_setup_teardown(test_nested, setup, teardown),
		cmocka_unit_test_setup_teardown(test_settings, setup, teardown),
		cmocka_unit_test_setup_teardown(test_flags, setup, teardown),
		cmocka_unit_test_setup_teardown(test_a_pipeline_by_component, setup, teardown),
		cmocka_unit_test_setup_teardown(test_one_job, setup, teardown),
		cmocka_unit_test_setup_teardown(test_mistakes, setup, teardown),
		cmocka_unit_test_setup_teardown(test_all_at_once, setup, teardown),
#ifdef PRS_KILL_POINTS
		cmocka_unit_test_setup_teardown(test_no_memory, setup, teardown),
#endif
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
