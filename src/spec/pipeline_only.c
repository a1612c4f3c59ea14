/* SPDX-License-Identifier: Apache-2.0
 * pipeline_only: a part of a pipeline: one step, or one and all that follow; what they need comes from earlier runs.
 * The description is cut, and read again: so what is left is checked as any other.
 */
#include "spec/pipeline_impl.h"

#include "base/mem.h"
#include "spec/job_json.h"

#include <string.h>

enum part { LEFT_OUT, EARLIER, RUNS };

/* Steps may need later ones: again until nothing changes. */
static void mark(const struct prs_pipeline *p, enum part *parts, bool follow)
{
	for (bool changed = true; changed;) {
		changed = false;
		for (size_t i = 0; i < p->steps_n; i++)
			for (size_t k = 0; k < p->steps[i].needs_n; k++) {
				size_t need = p->steps[i].needs[k];
				if (follow && parts[need] == RUNS && parts[i] != RUNS) {
					parts[i] = RUNS;
					changed = true;
				} else if (!follow && parts[i] != LEFT_OUT && parts[need] == LEFT_OUT) {
					parts[need] = EARLIER;
					changed = true;
				}
			}
	}
}

/* The first to run waits for all that are earlier: when one is not to be had nothing has begun. */
static void wait_for_earlier(const struct prs_pipeline *p, const enum part *parts, json_t *step)
{
	json_t *after = json_object_get(step, "after");
	if (!json_is_array(after)) {
		after = json_array();
		json_object_set_new(step, "after", after);
	}
	for (size_t i = 0; i < p->steps_n; i++)
		if (parts[i] == EARLIER)
			json_array_append_new(after, job_json_of(p->steps[i].name));
	json_object_set_new(step, "force_rerun", json_true());
}

static struct prs_pipeline *cut(const struct prs_pipeline *p, size_t first, const enum part *parts, struct prs_err *err)
{
	PRS_AUTOBUF text;
	prs_buf_init(&text, PRS_PIPELINE_BYTES_MAX);
	if (prs_pipeline_to_json(p, &text, err) < 0)
		return NULL;
	json_t *root = json_loadb((const char *)text.data, text.len, 0, NULL), *kept = json_array();
	for (size_t i = 0; i < p->steps_n; i++) {
		json_t *step = json_array_get(json_object_get(root, "steps"), i);
		if (i == first)
			wait_for_earlier(p, parts, step);
		if (parts[i] == EARLIER)
			json_object_set_new(step, "only_reuse", json_true());
		if (parts[i] != LEFT_OUT)
			json_array_append(kept, step);
	}
	json_object_set_new(root, "steps", kept);
	char *made = json_dumps(root, JSON_SORT_KEYS);
	json_decref(root);
	struct prs_pipeline *part = made ? prs_pipeline_from_json(made, strlen(made), err) : NULL;
	if (!made)
		prs_fail(err, PRS_ENOMEM, "a part of a pipeline");
	prs_freep(&made);
	return part;
}

int prs_pipeline_only(struct prs_pipeline *p, const char *step, bool from, struct prs_err *err)
{
	int64_t first = prs_pipeline_find(p, step);
	PRS_AUTOFREE enum part *parts = prs_calloc(p->steps_n + 1, sizeof *parts);
	if (first < 0)
		return prs_fail(err, PRS_ENOTFOUND, "the pipeline has no step %s: prs plan shows them", step);
	if (!parts)
		return prs_fail(err, PRS_ENOMEM, "a part of a pipeline");
	parts[first] = RUNS;
	if (from)
		mark(p, parts, true);
	mark(p, parts, false);
	struct prs_pipeline *part = cut(p, (size_t)first, parts, err);
	if (!part)
		return err->code;
	for (size_t i = 0; i < part->steps_n; i++) {
		int64_t was = prs_pipeline_find(p, part->steps[i].name);
		part->steps[i].checked = p->steps[was].checked;
		p->steps[was].checked = NULL;
	}
	struct prs_pipeline whole = *p;
	*p = *part;
	*part = whole;
	prs_pipeline_free(part);
	return 0;
}
