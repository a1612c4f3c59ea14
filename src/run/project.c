/* SPDX-License-Identifier: Apache-2.0
 * project: where the user's own file is. It was called prs.yml once, and is still found under that name.
 */
#include "run/project.h"

#include "base/mem.h"
#include "run/trust.h"
#include "spec/defaults.h"

#include <limits.h>
#include <stdlib.h>
#include <unistd.h>

char *prs_user_file(void)
{
	const char *config = getenv("XDG_CONFIG_HOME"), *home = getenv("HOME");
	bool given = config && config[0];
	if (!given && !home)
		return NULL;
	PRS_AUTOFREE char *dir = given ? prs_strf("%s/prs", config) : prs_strf("%s/.config/prs", home);
	char *file = dir ? prs_strf("%s/config.yml", dir) : NULL;
	PRS_AUTOFREE char *old = dir ? prs_strf("%s/prs.yml", dir) : NULL;
	if (file && old && access(file, F_OK) < 0 && access(old, F_OK) == 0) {
		free(file);
		file = prs_strdup(old);
	}
	return file;
}

struct prs_project *prs_run_project(const struct prs_fs *fs, const char *dir, struct prs_yaml_doc *d)
{
	PRS_AUTOFREE char *user = prs_user_file();
	return prs_project_find(fs, dir, user, prs_trust_us(), d);
}

char *prs_default_here(const struct prs_fs *fs, enum prs_option_id id, struct prs_buf *notes)
{
	char cwd[PATH_MAX];
	struct prs_request q = { 0 };
	struct prs_yaml_doc *d = prs_yaml_doc_new();
	struct prs_project *p = d && getcwd(cwd, sizeof cwd) ? prs_run_project(fs, cwd, d) : NULL;
	const char *found = NULL;
	if (p && prs_defaults_ask(p, d, PRS_JOB_SCRIPT, &q) == 0)
		found = prs_request_value(&q, id);
	char *copy = found ? prs_strdup(found) : NULL;
	if (d)
		prs_yaml_print(d, PRS_WARNING, notes);
	prs_request_done(&q);
	prs_project_free(p);
	prs_yaml_doc_free(d);
	return copy;
}
