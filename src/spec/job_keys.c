/* SPDX-License-Identifier: Apache-2.0
 * job_keys: partition keys of a job: as many ways to write them as there are front ends, one list behind them.
 */
#include "spec/job.h"

#include "base/mem.h"
#include "base/partition.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

static int nomem(struct prs_err *err) { return prs_fail(err, PRS_ENOMEM, "partition keys"); }

static int add_key(struct prs_list *to, const char *s, size_t n, struct prs_err *err)
{
	while (n && (*s == ' ' || *s == '\t'))
		s++, n--;
	while (n && (s[n - 1] == ' ' || s[n - 1] == '\t'))
		n--;
	PRS_AUTOFREE char *key = prs_strf("%.*s", (int)n, s);
	if (!key)
		return nomem(err);
	json_t *text = json_string(key);
	json_decref(text);
	if (!n || !text)
		return prs_fail(err, PRS_EINVALID, "partition_keys: %s",
		                n ? "a key that is not UTF-8" : "expected the name of a key, found none");
	return prs_list_add(to, key) < 0 ? nomem(err) : 0;
}

/* ["a", "b"], as the original hands it on */
static int add_json(struct prs_list *to, const char *text, struct prs_err *err)
{
	json_t *a = json_loads(text, 0, NULL);
	bool names = json_is_array(a);
	for (size_t i = 0; i < json_array_size(a); i++)
		names = names && json_is_string(json_array_get(a, i));
	int r = 0;
	if (!names)
		r = prs_fail(err, PRS_EINVALID, "partition_keys: expected a list of names, found \"%.200s\"", text);
	for (size_t i = 0; i < json_array_size(a) && !r; i++) {
		const char *key = json_string_value(json_array_get(a, i));
		r = add_key(to, key, strlen(key), err);
	}
	json_decref(a);
	return r;
}

static int add_entry(struct prs_list *to, const char *text, struct prs_err *err)
{
	if (text[0] == '[')
		return add_json(to, text, err);
	for (const char *comma; (comma = strchr(text, ',')) != NULL; text = comma + 1) {
		int r = add_key(to, text, (size_t)(comma - text), err);
		if (r < 0)
			return r;
	}
	return add_key(to, text, strlen(text), err);
}

int prs_job_check_types(const struct prs_list *types, struct prs_err *err)
{
	static const char *const known[] = { "string", "int", "float", "bool", "date" };
	for (size_t i = 0; i < types->n; i++) {
		const char *text = types->v[i], *equals = strrchr(text, '=');
		bool found = false;
		for (size_t k = 0; equals && k < sizeof known / sizeof *known; k++)
			found = found || !strcmp(equals + 1, known[k]);
		if (!found || equals == text)
			return prs_fail(err, PRS_EINVALID,
			                "output_types: expected a column and string, int, float, bool or date, such as "
			                "price=string, found \"%.100s\"",
			                text);
	}
	return 0;
}

int prs_job_split_keys(struct prs_job *j, struct prs_err *err)
{
	struct prs_list keys = { 0 };
	int r = 0;
	if (j->is_default[PRS_OPTION_ID_partition_keys] && prs_job_says(j, PRS_OPTION_ID_mini_batch_size))
		prs_list_done(&j->o.partition_keys);
	for (size_t i = 0; i < j->o.partition_keys.n && !r; i++)
		r = add_entry(&keys, j->o.partition_keys.v[i], err);
	for (size_t i = 0; i < j->inputs_n && j->o.partition_format && !r; i++) {
		char **format = &j->inputs[i].partition_format;
		*format = *format ? *format : prs_strdup(j->o.partition_format);
		r = *format ? 0 : nomem(err);
	}
	if (r < 0) {
		prs_list_done(&keys);
		return r;
	}
	prs_list_done(&j->o.partition_keys);
	j->o.partition_keys = keys;
	return prs_job_check_types(&j->o.output_types, err);
}

int prs_job_check_partition(const struct prs_job *j, const struct prs_job_input *in, struct prs_err *err)
{
	/* without a format they stand in folders as key=value, or are columns: the lister sees it */
	if (!j->o.partition_keys.n || !in->partition_format)
		return 0;
	/* of a table, those that are not in the format may be columns: the lister knows */
	const struct prs_list *keys = in->table ? NULL : &j->o.partition_keys;
	struct prs_partition *p = prs_partition_new(in->partition_format, keys, err);
	prs_partition_free(p);
	return p ? 0 : err->code;
}

char *prs_job_keys_json(const struct prs_job *j)
{
	json_t *a = json_array();
	for (size_t i = 0; i < j->o.partition_keys.n; i++)
		json_array_append_new(a, json_string(j->o.partition_keys.v[i]));
	char *text = a ? json_dumps(a, JSON_COMPACT) : NULL;
	json_decref(a);
	return text;
}
