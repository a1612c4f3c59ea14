/* SPDX-License-Identifier: Apache-2.0
 * defaults: a list is taken whole from the nearest file that has it; variables and secrets are added up.
 */
#include "spec/defaults.h"

#include "base/mem.h"
#include "spec/job.h"
#include "spec/jobfile_impl.h"

#include <string.h>

struct defaults {
	struct prs_yaml_doc *d;
	struct prs_request found;
	struct prs_options scratch; /* every value is tried here */
	enum prs_job_kind kind;
	const struct prs_yaml *map, *key; /* the block, and the key in it that is read */
	const struct prs_option_row *row;
	int failed;
};

/* "none" is no folder, python3 is looked for on the PATH, a reference lies on no machine. */
static bool is_word(const struct prs_option_row *row, const char *text)
{
	if (row == prs_option_at(PRS_OPTION_ID_python))
		return !strchr(text, '/');
	if (row == prs_option_at(PRS_OPTION_ID_code))
		return !strcmp(text, "none");
	return prs_is_reference(text);
}

/* PATH, NAME=PATH and @LIST, absolute. The caller frees. */
static char *from_folder(const struct prs_option_row *row, const char *dir, const char *text)
{
	size_t n = row->type == PRS_OPTION_LIST ? strcspn(text, "=/") : 0;
	n = text[n] == '=' ? n + 1 : 0;
	n += text[n] == '@';
	if (!prs_option_is_path(row) || !text[n] || is_word(row, text + n))
		return prs_strdup(text);
	PRS_AUTOFREE char *path = prs_path_absolute(dir, text + n);
	return path ? prs_strf("%.*s%s", (int)n, text, path) : NULL;
}

static void ask_text(struct defaults *s, const struct prs_yaml *node, const char *text)
{
	struct prs_err err = { 0 };
	PRS_AUTOFREE char *value = from_folder(s->row, prs_yaml_dir(s->d, node), text);
	int r = value ? prs_option_set(&s->scratch, s->row, value, s->key->text, &err) : -PRS_ENOMEM;
	if (r == 0)
		r = prs_request_default(&s->found, s->row, value, prs_yaml_where(s->d, node->at));
	if (r == -PRS_ENOMEM)
		s->failed = r;
	else if (r < 0)
		prs_yaml_find(s->d, PRS_MISTAKE, node->at, "%s", err.msg);
}

/* What a scalar means; of a truth value ("off") what was written where no truth is asked for. */
static const char *text_of(const struct prs_option_row *row, const struct prs_yaml *v)
{
	return v->type == PRS_YAML_BOOL && row->type != PRS_OPTION_BOOL ? v->text : v->value;
}

static void ask_pair(struct defaults *s, const struct prs_yaml *name, const struct prs_yaml *value)
{
	PRS_AUTOFREE char *text = prs_strf("%s=%s", name->text, value->text);
	if (value->kind != PRS_YAML_SCALAR)
		prs_yaml_find(s->d, PRS_MISTAKE, value->at, "%s: expected one value, found %s", name->text,
		              prs_yaml_kind_name(value));
	else if (text)
		ask_text(s, value, text);
	else
		s->failed = -PRS_ENOMEM;
}

static void ask_value(struct defaults *s, const struct prs_yaml *v, bool in_list)
{
	bool list = s->row->type == PRS_OPTION_LIST && !in_list;
	if (v->kind == PRS_YAML_SCALAR && v->type != PRS_YAML_NULL)
		ask_text(s, v, text_of(s->row, v));
	else if (list && v->kind == PRS_YAML_LIST)
		for (size_t i = 0; i < v->n; i++)
			ask_value(s, v->items[i], true);
	else if (list && v->kind == PRS_YAML_MAP)
		for (size_t i = 0; i < v->n; i++)
			ask_pair(s, v->keys[i], v->items[i]);
	else if (v->kind != PRS_YAML_SCALAR)
		prs_yaml_find(s->d, PRS_MISTAKE, v->at, "%s: expected one value, found %s", s->key->text,
		              prs_yaml_kind_name(v));
}

static void unknown(struct defaults *s)
{
	const char *near = prs_option_nearest(s->key->text);
	char own[PRS_OPTION_WORD_MAX] = "";
	for (size_t i = 0; near && near[i + 2] && i + 1 < sizeof own; i++)
		own[i] = near[i + 2] == '-' ? '_' : near[i + 2];
	prs_yaml_find(s->d, PRS_MISTAKE, s->key->at, "%.100s is not an option%s%s%s (prs options lists them)",
	              s->key->text, near ? "; did you mean " : "", own, near ? "?" : "");
}

static bool is_said_by_the_job(const struct prs_option_row *row, enum prs_job_kind kind)
{
	if (kind != PRS_JOB_FILE)
		return kind == PRS_JOB_DOC && prs_job_is_word(row);
	static const enum prs_option_id ids[] = { PRS_OPTION_ID_input, PRS_OPTION_ID_output, PRS_OPTION_ID_name,
		                                  PRS_OPTION_ID_code };
	for (size_t i = 0; i < sizeof ids / sizeof *ids; i++)
		if (row == prs_option_at(ids[i]))
			return true;
	return false;
}

/* Is a list that the nearer file gives the whole of it? */
static bool is_given_nearer(const struct defaults *s, const struct prs_yaml *nearer)
{
	if (s->row->type != PRS_OPTION_LIST || prs_option_adds_up(s->row) || !nearer)
		return false;
	for (size_t i = 0; i < nearer->n; i++)
		if (prs_option_find(nearer->keys[i]->text, false) == s->row)
			return true;
	return false;
}

static void ask_block(struct defaults *s, const struct prs_yaml *map, const struct prs_yaml *nearer)
{
	for (size_t i = 0; i < map->n; i++) {
		s->key = map->keys[i];
		s->row = prs_option_find(s->key->text, false);
		if (!s->row || !s->row->group[0])
			unknown(s);
		else if (!is_said_by_the_job(s->row, s->kind) && !is_given_nearer(s, nearer))
			ask_value(s, map->items[i], false);
	}
}

static const struct prs_yaml *block_of(const struct prs_project *p, unsigned layer)
{
	const struct prs_yaml *root = prs_project_layer(p, layer), *v = root ? prs_yaml_get(root, "defaults") : NULL;
	return v && v->kind == PRS_YAML_MAP ? v : NULL;
}

int prs_defaults_ask(const struct prs_project *p, struct prs_yaml_doc *d, enum prs_job_kind kind, struct prs_request *q)
{
	struct prs_err err = { 0 };
	struct defaults s = { .d = d, .kind = kind };
	if (prs_options_init(&s.scratch, &err) < 0)
		return err.code;
	for (unsigned layer = PRS_PROJECT_LAYERS; layer-- > 0;) { /* the nearest one last: a later word wins */
		const struct prs_yaml *map = block_of(p, layer);
		if (map)
			ask_block(&s, map, layer ? block_of(p, layer - 1) : NULL);
	}
	prs_options_done(&s.scratch);
	if (!s.failed)
		s.failed = prs_request_put_in_front(q, &s.found);
	prs_request_done(&s.found);
	return s.failed;
}
