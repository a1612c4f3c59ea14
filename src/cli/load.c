/* SPDX-License-Identifier: Apache-2.0
 * load: words of the command line become a request word by word; run/ makes a job of it, and what it found is printed
 * here.
 */
#include "cli/load.h"

#include "data/list.h"

#include "base/many.h"
#include "spec/job_doc.h"
#include "store/store.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { READ_BYTES = 64 << 10 };

static int fill_request(struct prs_request *q, const struct cli_args *a)
{
	int r = 0;
	for (size_t i = 0; i < a->options_n && !r; i++)
		r = prs_request_ask(q, a->options[i].row, a->options[i].value, a->options[i].where);
	for (size_t i = 0; i < a->rest.n && !r; i++)
		r = prs_list_add(&q->arguments, a->rest.v[i]);
	for (unsigned i = 0; cli_value(a, "--set", i) && !r; i++)
		r = prs_list_add(&q->sets, cli_value(a, "--set", i));
	q->file = a->words.n ? a->words.v[0] : NULL;
	q->job = cli_value(a, "--job", 0);
	q->inputs_later = a->command->run == cmd_validate;
	q->input_refused = a->input_refused;
	q->writes_later = a->command->run != cmd_run;
	return r;
}

/* The document of --job-json, from a file or stdin. */
static int read_document(struct prs_buf *to, const char *name, struct prs_err *err)
{
	if (strcmp(name, "-") != 0)
		return prs_read_file(program_fs(), name, to, err);
	for (ssize_t n = 1; n != 0;) {
		uint8_t *p = prs_buf_reserve(to, READ_BYTES);
		n = p ? read(0, p, READ_BYTES) : 0;
		if (n < 0 && errno != EINTR)
			return prs_fail_errno(err, errno, "stdin");
		to->len += n > 0 ? (size_t)n : 0;
	}
	return to->failed ? prs_fail(err, PRS_ELIMIT, "stdin: larger than %d MiB", PRS_JOB_DOC_BYTES_MAX >> 20) : 0;
}

/* How the run can be begun again; what was read from stdin cannot. */
static int keep_command(struct prs_load *l, const struct cli_args *a, const char *document, struct prs_err *err)
{
	bool once = document && !strcmp(document, "-");
	struct prs_list *words = l->pipeline ? &l->pipeline->command : &l->job.command;
	for (size_t i = 0; i < a->typed.n && !once; i++)
		if (prs_list_add(words, a->typed.v[i]) < 0)
			return prs_fail(err, PRS_ENOMEM, "the words of the command");
	return 0;
}

int load_job(struct prs_load *l, struct cli_args *a)
{
	struct prs_err err = { 0 };
	unsigned times = cli_has(a, "--only-failed");
	const char *only = times ? cli_value(a, "--only-failed", times - 1) : NULL;
	if (only && !a->words.n && !cli_has(a, "--job-json") && !a->mistakes_n && cli_again(a, only, &err) < 0) {
		prs_load_init(l, NULL);
		return complain(PRS_EXIT_MISTAKE, &err);
	}
	const char *document = cli_value(a, "--job-json", 0);
	PRS_AUTOBUF json;
	prs_buf_init(&json, PRS_JOB_DOC_BYTES_MAX + READ_BYTES);
	if (prs_load_init(l, cli_front(cli_quiet(a) || cli_json(a))) < 0 || fill_request(&l->asked, a) < 0) {
		prs_fail(&err, PRS_ENOMEM, "the job");
		return complain(PRS_EXIT_MISTAKE, &err);
	}
	if (document && read_document(&json, document, &err) < 0) {
		prs_wrap(&err, "--job-json");
		return complain(PRS_EXIT_MISTAKE, &err);
	}
	l->json = document ? prs_buf_str(&json) : NULL;
	l->json_bytes = json.len;
	l->only_failed = only;
	l->makes_environment = a->command->run == cmd_run;
	l->looks_for_run = a->command->run == cmd_validate;
	l->takes_pipelines = a->command->run == cmd_validate || a->command->run == cmd_run ||
	                     a->command->run == cmd_plan;
	l->executes = a->command->run == cmd_run || a->command->run == cmd_test;
	prs_buf_puts(&l->mistakes, prs_buf_str(&a->mistakes));
	l->mistakes_n = a->mistakes_n;
	if (prs_load_job(l, &err) < 0)
		return complain(PRS_EXIT_MISTAKE, &err);
	if (!l->mistakes_n)
		return keep_command(l, a, document, &err) < 0 ? complain(PRS_EXIT_MISTAKE, &err) : 0;
	bool of_file = l->is_jobfile || prs_yaml_count(l->doc, PRS_MISTAKE) > 0;
	return of_file ? complain_of_job(l->mistakes_n, &l->mistakes, l->doc)
	               : complain_all(l->mistakes_n, &l->mistakes);
}

void load_warnings(struct prs_load *l, bool short_form)
{
	PRS_AUTOBUF b;
	prs_buf_init(&b, 4 << 20);
	prs_yaml_print(l->doc, PRS_WARNING, &b);
	cli_tell(stderr, "%s", prs_buf_str(&b));
	prs_buf_clear(&b);
	if (short_form)
		prs_yaml_print_ignored(l->doc, &b);
	else
		prs_yaml_print(l->doc, PRS_IGNORED, &b);
	cli_tell(stderr, "%s", prs_buf_str(&l->notes));
	for (size_t i = 0; l->job.writes_later && i < l->job.warnings.n; i++) /* prs run says them at its start */
		cli_tell(stderr, "warning: %s\n", l->job.warnings.v[i]);
	if (b.len && short_form)
		cli_tell(stderr, "not used here: %s (prs validate %s says why)\n", prs_buf_str(&b), l->asked.file);
	else
		cli_tell(stderr, "%s", prs_buf_str(&b));
}

void load_input_warnings(struct prs_lister *l)
{
	for (const char *w = l ? prs_lister_warning(l) : NULL; w; w = prs_lister_warning(l))
		cli_tell(stderr, "warning: %s\n", w);
}

void load_put_warnings(struct prs_load *l, struct prs_buf *to)
{
	PRS_AUTOBUF lines;
	prs_buf_init(&lines, 4 << 20);
	prs_buf_puts(&lines, prs_buf_str(&l->notes));
	for (size_t i = 0; i < l->job.warnings.n; i++)
		prs_buf_putf(&lines, "%s\n", l->job.warnings.v[i]);
	prs_buf_puts(to, "\"warnings\": ");
	cli_put_findings(to, prs_buf_str(&lines), l->doc, PRS_WARNING);
	prs_buf_puts(to, ", \"not_used\": ");
	cli_put_findings(to, "", l->doc, PRS_IGNORED);
}

bool load_is_empty(const struct prs_load *l, bool json)
{
	PRS_AUTOBUF b;
	prs_buf_init(&b, 4096);
	if (!l->only || !prs_only_failed_none(l->only, &b))
		return false;
	cli_tell(stderr, "%s", prs_buf_str(&b));
	if (json)
		printf("{\"type\":\"end\",\"result\":\"completed\",\"exit\":0,\"mini_batches\":0,\"items\":0}\n");
	return true;
}
