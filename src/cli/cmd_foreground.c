/* SPDX-License-Identifier: Apache-2.0
 * cmd_foreground: prs test SCRIPT and prs replay RUN ID: a few mini-batches in one process in front of the user, where
 * prints and a debugger work. Nothing is committed; what the script writes goes to a temporary folder.
 */
#include "cli/cli.h"
#include "cli/footers.h"
#include "cli/load.h"

#include "base/mem.h"
#include "base/variables.h"
#include "data/list.h"
#include "io/process.h"
#include "io/tree.h"
#include "node/here.h"
#include "run/variables.h"
#include "run/view.h"
#include "spec/code.h"
#include "spec/job_check.h"
#include "store/store.h"
#include "wire/msg.h"
#include "wire/names.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

enum { TEST_LIMIT = 3, LIST_BYTES = 64 << 20, FRAMES_BYTES = 1 << 30, RECORD_BYTES = 1 << 30 };

/* What is to be run, where. */
struct stage {
	const struct prs_job *job;
	struct prs_placed placed;
	struct prs_plan *plan;
	char dir[PATH_MAX];  /* temporary; outputs/ in it */
	char code[PATH_MAX]; /* the script's folder: its cwd */
	char name[256];
	struct prs_here here;
	struct prs_buf frames; /* SETUP, then TASK ...: wire/msg.h */
};

/* The script is shown how many processes a run would have here. */
static int make_stage(struct stage *s, struct prs_job *job, const char *name, struct prs_err *err)
{
	const char *tmp = getenv("TMPDIR");
	char path[PATH_MAX + 16];
	*s = (struct stage){ .job = job };
	job->o.processes = prs_here_processes(job->o.processes);
	prs_buf_init(&s->frames, FRAMES_BYTES);
	snprintf(s->name, sizeof s->name, "%s", name);
	snprintf(s->dir, sizeof s->dir, "%.3000s/prs-%.100s-XXXXXX", tmp && tmp[0] ? tmp : "/tmp", name);
	if (!mkdtemp(s->dir))
		return prs_fail_errno(err, errno, "making the temporary folder %s (TMPDIR says where)", s->dir);
	snprintf(path, sizeof path, "%s/outputs", s->dir);
	if (mkdir(path, 0755) < 0)
		return prs_fail_errno(err, errno, "creating %s", path);
	s->plan = prs_plan_new();
	return s->plan ? 0 : prs_fail(err, PRS_ENOMEM, "the plan");
}

static void put_frame(struct prs_buf *to, uint16_t type, const struct prs_buf *payload)
{
	struct prs_msg_header h = { (uint32_t)payload->len, type, 0, 0 };
	prs_msg_put_header(to, &h);
	prs_buf_put(to, payload->data, payload->len);
}

/* What the first process of a run on this machine would find. */
static int look_around(struct stage *s)
{
	struct prs_list variables = { 0 };
	struct prs_here_ask ask = { .processes = s->job->o.processes,
		                    .threads = s->job->o.threads == PRS_THREADS_AUTO,
		                    .gpus_are_set = prs_job_sets(s->job, "CUDA_VISIBLE_DEVICES"),
		                    .address = "127.0.0.1",
		                    .variables = &variables };
	int r = prs_make_environment(&s->placed, s->dir, s->code, s->name, &variables);
	if (!r)
		r = prs_here(&s->here, &ask);
	prs_list_done(&variables);
	if (!r && s->here.gpus.n)
		r = prs_variable_set(&s->here.variables, "CUDA_VISIBLE_DEVICES", s->here.gpus.v[0]);
	return r;
}

static int put_setup(struct stage *s, struct prs_err *err)
{
	char process[PRS_PROCESS_NAME_BYTES], path[PATH_MAX + 64];
	PRS_AUTOBUF b;
	prs_buf_init(&b, 8 << 20);
	if (look_around(s) < 0)
		return prs_fail(err, PRS_ENOMEM, "the environment of the script");
	int r = prs_engine_setup(&s->placed, s->dir, s->code, s->name, &b, err);
	if (s->here.gpus.n)
		prs_msg_put_pair(&b, "gpu", s->here.gpus.v[0]);
	prs_process_name(process, 0);
	prs_msg_put_pair(&b, "process", process);
	prs_msg_put_pair(&b, "slot", "0");
	prs_msg_put_pair(&b, "node_ip", "127.0.0.1");
	snprintf(path, sizeof path, "%s/outputs", s->dir);
	prs_msg_put_pair(&b, "log_dir", path);
	snprintf(path, sizeof path, "%s/outputs/%s.log.txt", s->dir, process);
	prs_msg_put_pair(&b, "log_file", path);
	snprintf(path, sizeof path, "%s/errors.txt", s->dir);
	prs_msg_put_pair(&b, "error_file", path);
	put_frame(&s->frames, PRS_MSG_SETUP, &b);
	return r < 0 || b.failed ? prs_fail(err, PRS_ENOMEM, "the setup of the process") : 0;
}

static int put_unit(struct stage *s, const struct prs_unit *u, struct prs_err *err)
{
	struct prs_task t = { .try_number = 1 };
	PRS_AUTOBUF b;
	prs_buf_init(&b, FRAMES_BYTES);
	prs_buf_zero(&b, PRS_TASK_BYTES);
	if (prs_plan_task(s->plan, u, &t, &b) < 0)
		return prs_fail(err, PRS_ENOMEM, "the items of mini-batch %llu", (unsigned long long)u->id);
	prs_msg_set_task(b.data, &t);
	put_frame(&s->frames, PRS_MSG_TASK, &b);
	return s->frames.failed ? prs_fail(err, PRS_ENOMEM, "the mini-batches") : 0;
}

struct spools {
	const char *from, *to;
};

/* As a worker finds it: in the folder that it is told. */
static int link_spool(void *ctx, const char *name, char type)
{
	const struct spools *p = ctx;
	(void)type;
	if (strncmp(name, "spool-", 6) != 0)
		return 0;
	PRS_AUTOFREE char *from = prs_strf("%s/%s", p->from, name), *to = prs_strf("%s/%s", p->to, name);
	return from && to ? program_fs()->symlink(program_fs()->ctx, from, to) : -ENOMEM;
}

/* What the process reads of tables beside the files of the user: the schemas, and the spools of the run, if there is
 * one. */
static int stage_tables(struct stage *s, const char *run_dir, struct prs_err *err)
{
	const struct prs_fs *fs = program_fs();
	struct spools spools = { run_dir, s->dir };
	char path[PATH_MAX + 16];
	if (!prs_plan_schemas(s->plan))
		return 0;
	snprintf(path, sizeof path, "%s/work", s->dir);
	if (mkdir(path, 0755) < 0)
		return prs_fail_errno(err, errno, "creating %s", path);
	int r = run_dir ? fs->list(fs->ctx, run_dir, link_spool, &spools) : 0;
	if (r < 0)
		return prs_fail_errno(err, -r, "the spools of %s", run_dir);
	return prs_engine_put_schemas(fs, s->dir, s->plan, err);
}

static int holds_something(void *ctx, const struct prs_tree_entry *e)
{
	(void)ctx;
	return !e->folder || e->unreadable;
}

/* Nothing but empty folders: it goes; else the user is told. */
static void clear_stage(struct stage *s)
{
	char outputs[PATH_MAX + 16];
	snprintf(outputs, sizeof outputs, "%s/outputs", s->dir);
	if (prs_tree_walk(outputs, holds_something, NULL) == 1)
		cli_tell(stderr, "what the script wrote is in %s\n", outputs);
	else
		prs_remove_tree(s->dir);
	prs_plan_free(s->plan);
	prs_buf_done(&s->frames);
	prs_placed_done(&s->placed);
	prs_here_done(&s->here);
}

/* The frames in an unnamed file that the child inherits. */
static int frames_file(const struct stage *s, struct prs_err *err)
{
	int fd = memfd_create("mini-batches", 0);
	size_t at = 0;
	while (fd >= 0 && at < s->frames.len) {
		ssize_t n = write(fd, s->frames.data + at, s->frames.len - at);
		if (n < 0 && errno != EINTR)
			break;
		at += n > 0 ? (size_t)n : 0;
	}
	if (fd < 0 || at < s->frames.len || lseek(fd, 0, SEEK_SET) < 0)
		return prs_fail_errno(err, errno, "handing over the mini-batches");
	return fd;
}

/* What the script finds in its environment, closed by a NULL, and where the mini-batches are. The array is the
 * caller's, its texts are those of the stage. */
static char **foreground_environment(struct stage *s, int fd, bool debug, int record)
{
	struct prs_list *env = &s->here.variables;
	char handed[64];
	snprintf(handed, sizeof handed, "%d,%d,%d", fd, debug, record);
	int r = prs_variable_set(env, "PRS_FOREGROUND", handed);
	char **envp = r < 0 ? NULL : prs_calloc(env->n + 1, sizeof *envp);
	for (size_t i = 0; envp && i < env->n; i++)
		envp[i] = env->v[i];
	return envp;
}

/* What the process noted, a line of JSON for each mini-batch, as one document: also when it died of the script. */
static int print_record(int record, int status)
{
	PRS_AUTOBUF b;
	prs_buf_init(&b, RECORD_BYTES);
	prs_buf_putf(&b, "{\"type\": \"tested\", \"exit\": %d, \"steps\": [", status);
	size_t head = b.len;
	for (ssize_t n = lseek(record, 0, SEEK_SET) == 0 ? 1 : 0; n > 0;) {
		uint8_t *p = prs_buf_reserve(&b, 64 << 10);
		n = p ? read(record, p, 64 << 10) : 0;
		b.len += n > 0 ? (size_t)n : 0;
	}
	while (b.len > head && b.data[b.len - 1] != '\n') /* it died while it noted one */
		b.len--;
	for (size_t i = head; i < b.len; i++) /* a step is a line, and JSON has none inside */
		if (b.data[i] == '\n')
			b.data[i] = i + 1 < b.len ? ',' : ' ';
	prs_buf_puts(&b, "]}\n");
	int printed = cli_print_raw(&b);
	return printed ? printed : status;
}

/* Returns the exit status. */
static int perform(struct stage *s, bool debug, bool json)
{
	struct prs_err err = { 0 };
	char program[PATH_MAX], loader[PATH_MAX];
	int fd = frames_file(s, &err), record = json ? memfd_create("record", 0) : -1, status = PRS_EXIT_MISTAKE;
	if (json && record < 0)
		prs_fail_errno(&err, errno, "the record of the mini-batches");
	if (fd < 0 || (json && record < 0) || prs_find_parts(program, loader, &err) < 0)
		return complain(PRS_EXIT_MISTAKE, &err);
	PRS_AUTOFREE char **envp = foreground_environment(s, fd, debug, record);
	char *argv[] = { s->job->python, loader, NULL };
	if (!envp)
		prs_fail(&err, PRS_ENOMEM, "the environment of the script");
	if (!envp || prs_run_here(argv, envp, s->code, &status, &err) < 0)
		status = complain(PRS_EXIT_MISTAKE, &err);
	else if (json)
		status = print_record(record, status);
	close(fd);
	if (json)
		close(record);
	return status;
}

/* What the script calls its output folder is ours. */
static int own_outputs(struct stage *s, struct prs_err *err)
{
	char *outputs = prs_strf("%s/outputs", s->dir);
	if (!outputs)
		return prs_fail(err, PRS_ENOMEM, "the outputs");
	prs_freep(&s->placed.output_dir);
	s->placed.output_dir = outputs;
	return 0;
}

/* The folder as it is; a copy of it only where the code is put together of several. */
static int use_folder(struct stage *s, char *folder, struct prs_err *err)
{
	struct prs_job job = *s->job; /* but for the folder: nothing of it is freed */
	struct prs_placed placed = s->placed;
	if (!job.includes.n) {
		snprintf(s->code, sizeof s->code, "%s", folder);
		return 0;
	}
	job.code_dir = folder;
	placed.job = &job;
	snprintf(s->code, sizeof s->code, "%.4000s/code", s->dir);
	if (mkdir(s->code, 0755) < 0)
		return prs_fail_errno(err, errno, "creating %s", s->code);
	return prs_snapshot(&placed, program_fs(), s->code, NULL, err);
}

/* ---- test -------------------------------------------------------------------------------------------------------- */

static int no_items(const struct stage *s, struct prs_err *err)
{
	char text[512];
	prs_engine_no_items(&s->placed, prs_plan_files(s->plan), text, sizeof text);
	return prs_fail(err, PRS_ENO_INPUT, "%s", text);
}

/* Lists until there are so many mini-batches. */
static int list_some(struct stage *s, uint64_t limit, struct prs_err *err)
{
	const struct prs_job *j = s->job;
	PRS_AUTOFREE struct prs_list_input *inputs = prs_engine_inputs(&s->placed);
	if (!inputs)
		return prs_fail(err, PRS_ENOMEM, "the inputs");
	struct cli_footers footers;
	int r = cli_footers_begin(&footers, inputs, j->inputs_n, j->python, &s->here.variables, s->code, &j->o, err);
	struct prs_lister *l = prs_lister_new(program_fs(), inputs, (unsigned)j->inputs_n);
	PRS_AUTOBUF body;
	prs_buf_init(&body, LIST_BYTES);
	if (r == 0)
		r = l && prs_lister_spool(l, s->dir, 1) == 0 ? 1 : prs_fail(err, PRS_ENOMEM, "listing");
	while (r == 1 && prs_plan_next_id(s->plan) < limit) {
		prs_buf_clear(&body);
		r = prs_list_next(l, &body, err);
		if (r >= 0 && prs_plan_feed(s->plan, body.data, body.len, err) < 0)
			r = err->code;
	}
	load_input_warnings(l);
	prs_lister_free(l);
	cli_footers_end(&footers, r);
	if (r >= 0 && !prs_plan_next_id(s->plan))
		r = no_items(s, err);
	return r < 0 ? r : 0;
}

static int stage_test(struct stage *s, struct prs_job *j, uint64_t limit, struct prs_err *err)
{
	if (make_stage(s, j, "test", err) < 0 || prs_place_apart(&s->placed, j, program_fs(), s->dir, s->name, err) < 0)
		return err->code;
	if (use_folder(s, j->code_dir, err) < 0 || prs_placed_make_outputs(&s->placed, program_fs(), err) < 0 ||
	    put_setup(s, err) < 0 || list_some(s, limit, err) < 0 || stage_tables(s, NULL, err) < 0)
		return err->code;
	for (uint64_t id = 0; id < limit && id < prs_plan_next_id(s->plan); id++)
		if (put_unit(s, &(struct prs_unit){ .id = id }, err) < 0)
			return err->code;
	return 0;
}

int cmd_test(struct cli_args *a)
{
	struct prs_err err = { 0 };
	struct prs_load l;
	struct stage s;
	const char *text = cli_value(a, "--limit", 0);
	char *end = NULL;
	unsigned long long limit = text ? strtoull(text, &end, 10) : TEST_LIMIT;
	if (text && (*end || end == text || !limit))
		cli_mistake(a, "--limit: expected a number of mini-batches from 1 on, found \"%.100s\"", text);
	int status = load_job(&l, a);
	if (!status && !cli_json(a))
		load_warnings(&l, true);
	if (!status && !load_is_empty(&l, cli_json(a))) {
		status = stage_test(&s, &l.job, limit, &err) < 0 ? complain(PRS_EXIT_MISTAKE, &err)
		                                                 : perform(&s, cli_has(a, "--pdb") > 0, cli_json(a));
		clear_stage(&s);
	}
	prs_load_done(&l);
	return status;
}

/* ---- replay ------------------------------------------------------------------------------------------------------ */

static int whole_number(struct cli_args *a, const char *what, const char *text, uint64_t *ret)
{
	char *end;
	errno = 0;
	*ret = strtoull(text, &end, 10);
	if (end != text && !*end && !errno && text[0] != '-')
		return 0;
	cli_mistake(a, "%s: expected a number from 0 on, found \"%.100s\"", what, text);
	return -1;
}

/* --code: the folder itself, in the place of that of the run. */
static int stage_given_code(struct stage *s, const char *given, struct prs_err *err)
{
	char folder[PATH_MAX];
	struct stat st;
	if (!realpath(given, folder))
		return prs_fail_errno(err, errno, "--code %s", given);
	if (stat(folder, &st) < 0 || !S_ISDIR(st.st_mode))
		return prs_fail(err, PRS_EINVALID, "--code %s: no folder; name the one that holds %s", given,
		                s->job->entry);
	if (!prs_job_find_entry(program_fs(), folder, s->job->entry))
		return prs_fail(err, PRS_ENOTFOUND, "--code %s: %s, the script of the run, is not in it", given,
		                s->job->entry);
	return use_folder(s, folder, err);
}

/* A fresh copy of the code that the run has now, in the temporary folder. */
static int stage_code(struct stage *s, const struct prs_run *run, const struct prs_ledger *l, struct prs_err *err)
{
	char name[PRS_CODE_NAME_BYTES], text[PRS_CODE_TOLD_BYTES];
	prs_code_name(name, l->codes_n ? l->codes[l->codes_n - 1].epoch : 0);
	PRS_AUTOFREE char *code = prs_strf("%s/%s", run->dir, name);
	snprintf(s->code, sizeof s->code, "%.4000s/code", s->dir);
	if (!code)
		return prs_fail(err, PRS_ENOMEM, "the copy of the code");
	if (mkdir(s->code, 0755) < 0)
		return prs_fail_errno(err, errno, "creating %s", s->code);
	if (prs_code_tell_changed(program_fs(), run->dir, name, s->job->code_dir, &s->job->includes,
	                          "--code DIR takes the new one", text))
		cli_tell(stderr, "warning: %s\n", text);
	return prs_snapshot_copy(program_fs(), code, s->code, err);
}

/* The run's job with its outputs in the temporary folder, its plan, and its code or that of the folder `given`. */
static int stage_run(struct stage *s, const struct prs_run *run, const char *given, struct prs_err *err)
{
	struct prs_view v;
	if (own_outputs(s, err) < 0 || prs_view_read(&v, program_fs(), run, err) < 0)
		return err->code;
	int r = given ? stage_given_code(s, given, err) : stage_code(s, run, &v.ledger, err);
	prs_plan_free(s->plan);
	s->plan = v.plan;
	v.plan = NULL;
	prs_view_done(&v);
	return r < 0 ? r : stage_tables(s, run->dir, err);
}

/* The mini-batch, or one item of it, as the run planned it. */
static int stage_unit(struct stage *s, const struct prs_unit *u, bool one_item, struct prs_err *err)
{
	uint64_t ids = prs_plan_next_id(s->plan);
	if (!ids)
		return prs_fail(err, PRS_ENOTFOUND, "the run has no mini-batch yet");
	if (u->id >= ids)
		return prs_fail(err, PRS_ENOTFOUND, "the run has mini-batches 0 to %llu, not %llu",
		                (unsigned long long)ids - 1, (unsigned long long)u->id);
	uint32_t items = prs_plan_items_of(s->plan, u->id);
	if (one_item && u->item_first >= items)
		return prs_fail(err, PRS_ENOTFOUND, "mini-batch %llu has items 0 to %u, not %u",
		                (unsigned long long)u->id, items - 1, u->item_first);
	if (put_setup(s, err) < 0)
		return err->code;
	return put_unit(s, u, err);
}

/* Takes the placed job. */
static int replay(struct cli_args *a, struct prs_job *job, struct prs_placed *placed, const struct prs_run *run,
                  const struct prs_unit *u, bool one_item)
{
	struct prs_err err = { 0 };
	struct stage s;
	int r = make_stage(&s, job, "replay", &err);
	s.placed = *placed;
	*placed = (struct prs_placed){ 0 };
	if (r == 0)
		r = stage_run(&s, run, cli_value(a, "--code", 0), &err);
	if (r == 0)
		r = stage_unit(&s, u, one_item, &err);
	int status = r < 0 ? complain(PRS_EXIT_MISTAKE, &err) : perform(&s, cli_has(a, "--pdb") > 0, false);
	clear_stage(&s);
	return status;
}

int cmd_replay(struct cli_args *a)
{
	struct prs_err err = { 0 };
	struct prs_run run;
	struct prs_job j;
	struct prs_placed placed = { .job = &j };
	uint64_t id = 0, item = 0;
	const char *text = cli_value(a, "--item", 0);
	bool wrong = whole_number(a, "ID", a->words.v[1], &id) < 0;
	if ((text && whole_number(a, "--item", text, &item) < 0) || wrong)
		return complain_all(a->mistakes_n, &a->mistakes);
	prs_job_init(&j);
	int status = 2;
	if (cli_find_run(a, a->words.v[0], &run, &err) < 0 ||
	    prs_run_check_owner(&run, cli_has(a, "--trust"), &err) < 0 ||
	    prs_run_read_job(program_fs(), &j, &placed, run.dir, &err) < 0)
		status = complain(PRS_EXIT_MISTAKE, &err);
	else
		status = replay(a, &j, &placed, &run, &(struct prs_unit){ id, (uint32_t)item, text ? 1 : 0 },
		                text != NULL);
	prs_placed_done(&placed);
	prs_job_done(&j);
	return status;
}
