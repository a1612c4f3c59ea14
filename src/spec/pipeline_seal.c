/* SPDX-License-Identifier: Apache-2.0
 * pipeline_seal: what the checked job of a step says becomes the step: a document, or the words of a command.
 */
#include "spec/pipeline_impl.h"

#include "base/mem.h"
#include "spec/job_doc.h"
#include "spec/late.h"

#include <string.h>

enum { TEXT_BYTES = 1 << 20 };

/* Jobs have the numbers of their steps. */
static bool name_of(void *ctx, size_t job, const char *output, const char **ret_step, const char **ret_output)
{
	const struct prs_pipeline *p = ctx;
	if (job >= p->steps_n)
		return false;
	*ret_step = p->steps[job].name;
	*ret_output = output;
	return true;
}

/* With references; the caller frees. NULL is NULL. */
static char *referring(const struct prs_late_names *names, const char *text, bool *failed)
{
	PRS_AUTOBUF b;
	prs_buf_init(&b, TEXT_BYTES);
	if (!text)
		return NULL;
	prs_late_to_references(&b, text, names);
	char *made = prs_strdup(prs_buf_str(&b));
	*failed = *failed || b.failed || !made;
	return made;
}

static char *copy(const char *text, bool *failed)
{
	char *made = text ? prs_strdup(text) : NULL;
	*failed = *failed || (text && !made);
	return made;
}

int pipeline_take_outputs(struct prs_step *s)
{
	const struct prs_job *j = s->checked;
	struct prs_late_names none = { name_of, NULL };
	bool failed = false;
	s->outputs = prs_calloc(j->outputs_n + 1, sizeof *s->outputs);
	for (size_t i = 0; s->outputs && i < j->outputs_n; i++) {
		struct prs_step_output *o = &s->outputs[s->outputs_n++];
		o->name = copy(j->outputs[i].name, &failed);
		o->type = copy(j->outputs[i].type, &failed);
		o->path = j->outputs[i].path && !strstr(j->outputs[i].path, "\001jobs.")
		                  ? referring(&none, j->outputs[i].path, &failed)
		                  : NULL;
	}
	return s->outputs && !failed ? 0 : -PRS_ENOMEM;
}

static void replace(char **to, const char *from, bool *failed)
{
	prs_freep(to);
	*to = copy(from, failed);
}

static void replace_list(struct prs_list *to, const struct prs_list *from, bool *failed)
{
	prs_list_done(to);
	for (size_t i = 0; i < from->n; i++)
		*failed = *failed || prs_list_add(to, from->v[i]) < 0;
}

static void seal_variables(struct prs_step *s, const struct prs_late_names *names, bool *failed)
{
	const struct prs_job *j = s->checked;
	for (size_t i = 0; i < s->variables_n; i++) {
		prs_freep(&s->variables[i].name);
		prs_freep(&s->variables[i].value);
	}
	prs_freep(&s->variables);
	s->variables_n = 0;
	s->variables = prs_calloc(j->variables_n + 1, sizeof *s->variables);
	*failed = *failed || !s->variables;
	for (size_t i = 0; s->variables && i < j->variables_n; i++)
		s->variables[s->variables_n++] = (struct prs_job_pair){
			copy(j->variables[i].name, failed), referring(names, j->variables[i].value, failed)
		};
}

static int seal_command(struct prs_step *s, const struct prs_late_names *names)
{
	const struct prs_job *j = s->checked;
	bool failed = false;
	replace(&s->code_dir, j->code_dir, &failed);
	replace(&s->python, j->python, &failed);
	replace(&s->python_why, j->python_why, &failed);
	replace_list(&s->includes, &j->includes, &failed);
	seal_variables(s, names, &failed);
	return failed ? -PRS_ENOMEM : 0;
}

static int seal_job(struct prs_step *s, const struct prs_late_names *names)
{
	json_t *job = prs_job_to_doc(s->checked, names);
	int r = job ? pipeline_take_job(s, job) : -PRS_ENOMEM;
	json_decref(job);
	return r;
}

int prs_pipeline_seal(struct prs_pipeline *p, struct prs_err *err)
{
	struct prs_late_names names = { name_of, p };
	for (size_t i = 0; i < p->steps_n; i++) {
		struct prs_step *s = &p->steps[i];
		int r = 0;
		if (s->checked)
			r = s->kind == PRS_STEP_COMMAND ? seal_command(s, &names) : seal_job(s, &names);
		if (r < 0)
			return prs_fail(err, PRS_ENOMEM, "step %s", s->name);
	}
	return 0;
}
