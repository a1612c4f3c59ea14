/* SPDX-License-Identifier: Apache-2.0
 * jobfile_literals: inputs of a job file that are no data: the words for types, and a text as its type, bounds and
 * enum want it.
 */
#include "spec/jobfile_impl.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static const char *const data_types[] = { "uri_folder",   "uri_file",     "mltable", "custom_model",
	                                  "mlflow_model", "triton_model", "path" };
static const char *const literal_types[] = { "string", "integer", "number", "boolean" };
enum {
	DATA_TYPES = sizeof data_types / sizeof *data_types,
	LITERAL_TYPES = sizeof literal_types / sizeof *literal_types
};

bool jf_is_data(const char *type)
{
	for (size_t i = 0; type && i < DATA_TYPES; i++)
		if (!strcmp(type, data_types[i]))
			return true;
	return false;
}

bool jf_is_literal(const char *type)
{
	for (size_t i = 0; type && i < LITERAL_TYPES; i++)
		if (!strcmp(type, literal_types[i]))
			return true;
	return false;
}

const char *jf_input_type(struct jobfile *m, const struct prs_yaml *map)
{
	const struct prs_yaml *v = jf_value(map, "type");
	if (!v || v->kind != PRS_YAML_SCALAR)
		return NULL;
	for (size_t i = 0; i < DATA_TYPES; i++)
		if (!strcasecmp(v->text, data_types[i]))
			return data_types[i];
	for (size_t i = 0; i < LITERAL_TYPES; i++)
		if (!strcasecmp(v->text, literal_types[i]))
			return literal_types[i];
	const char *names[DATA_TYPES + LITERAL_TYPES];
	memcpy(names, data_types, sizeof data_types);
	memcpy(names + DATA_TYPES, literal_types, sizeof literal_types);
	prs_yaml_find(m->d, PRS_MISTAKE, v->at,
	              "type: expected one of "
	              "uri_folder|uri_file|mltable|custom_model|mlflow_model|triton_model|string|integer|number|"
	              "boolean, found \"%.100s\"%s",
	              v->text, jf_nearest(m->d, v->text, names, DATA_TYPES + LITERAL_TYPES));
	return NULL;
}

bool jf_choice(struct jobfile *m, const struct prs_yaml *node, const char *key, const char *words)
{
	const char *names[32];
	char copy[512];
	size_t n = 0;
	if (!node || node->kind != PRS_YAML_SCALAR || prs_expr_any(node->text))
		return true;
	snprintf(copy, sizeof copy, "%s", words);
	for (char *save = NULL, *w = strtok_r(copy, "|", &save); w && n < 32; w = strtok_r(NULL, "|", &save))
		names[n++] = w;
	for (size_t i = 0; i < n; i++)
		if (!strcasecmp(names[i], node->text))
			return true;
	prs_yaml_find(m->d, PRS_MISTAKE, node->at, "%s: expected one of %s, found \"%.100s\"%s", key, words, node->text,
	              jf_nearest(m->d, node->text, names, n));
	return false;
}

static bool is_number(const char *s, bool whole)
{
	char *end;
	if (!*s || s[strspn(s, "+-.0123456789eE")] || (whole && s[strspn(s, "+-0123456789")]))
		return false;
	strtod(s, &end);
	return *end == 0;
}

static void check_bounds(struct jobfile *m, const struct jf_input *in, const struct prs_yaml *declared,
                         struct prs_mark at)
{
	const struct prs_yaml *min = jf_value(declared, "min"), *max = jf_value(declared, "max"),
			      *words = jf_value(declared, "enum");
	double v = strtod(in->literal, NULL);
	bool number = !strcmp(in->type, "integer") || !strcmp(in->type, "number");
	if (number && min && min->kind == PRS_YAML_SCALAR && v < strtod(min->value, NULL))
		prs_yaml_find(m->d, PRS_MISTAKE, at, "input %s: expected at least %s, found \"%.100s\"", in->name,
		              min->value, in->literal);
	if (number && max && max->kind == PRS_YAML_SCALAR && v > strtod(max->value, NULL))
		prs_yaml_find(m->d, PRS_MISTAKE, at, "input %s: expected at most %s, found \"%.100s\"", in->name,
		              max->value, in->literal);
	bool known = !words || words->kind != PRS_YAML_LIST;
	for (size_t i = 0; !known && i < words->n; i++)
		known = words->items[i]->kind == PRS_YAML_SCALAR &&
		        (!strcmp(words->items[i]->value, in->literal) || !strcmp(words->items[i]->text, in->literal));
	if (!known)
		prs_yaml_find(m->d, PRS_MISTAKE, at, "input %s: \"%.100s\" is none of the words of enum (%s)", in->name,
		              in->literal, prs_yaml_where(m->d, words->at));
}

/* The text of a literal as its type says; mistakes are findings. */
void jf_check_literal(struct jobfile *m, struct jf_input *in, const struct prs_yaml *declared, struct prs_mark at)
{
	if (!in->type || !in->literal)
		return;
	bool whole = !strcmp(in->type, "integer"), number = whole || !strcmp(in->type, "number"),
	     truth = !strcmp(in->type, "boolean");
	bool is_compared = number || truth || jf_value(declared, "enum");
	if (is_compared && !jf_is_known(m, in->literal, at, in->name)) {
		in->bad = true;
		return;
	}
	bool fits = !truth || !strcasecmp(in->literal, "true") || !strcasecmp(in->literal, "false");
	if (number)
		fits = is_number(in->literal, whole);
	if (truth && fits)
		in->literal = !strcasecmp(in->literal, "true") ? "True" : "False";
	if (!fits) {
		const char *wanted = whole ? "a whole number" : "a number";
		prs_yaml_find(m->d, PRS_MISTAKE, at, "input %s: expected %s, found \"%.100s\"", in->name,
		              truth ? "true or false" : wanted, in->literal);
		in->bad = true;
		return;
	}
	check_bounds(m, in, declared, at);
}
