/* SPDX-License-Identifier: Apache-2.0
 * cmd_doctor: prs doctor [--dir DIR]: what is wrong with this machine or folder, and how to mend it.
 */
#include "cli/cli.h"
#include "base/mem.h"
#include "io/probe.h"
#include "report/console.h"
#include "run/python.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { LEVEL_COLUMNS = 5 };

struct ward {
	bool json, color;
	unsigned wrong, notes;
	struct prs_buf b;
};

static void put_member(struct prs_buf *b, const char *name, const char *value)
{
	prs_buf_putf(b, ", \"%s\": ", name);
	prs_put_json(b, value);
}

static void doctor_finding(void *ctx, const struct prs_probe *p)
{
	static const char *const words[] = { "ok", "note", "wrong" }, *const colors[] = { "\033[32m", "\033[33m",
		                                                                          "\033[31m" };
	struct ward *w = ctx;
	w->wrong += p->level == PRS_PROBE_WRONG;
	w->notes += p->level == PRS_PROBE_NOTE;
	if (w->json) {
		prs_buf_putf(&w->b, "{\"level\": \"%s\"", words[p->level]);
		put_member(&w->b, "what", p->what);
		put_member(&w->b, "found", p->found);
		if (p->mend[0])
			put_member(&w->b, "mend", p->mend);
		prs_buf_puts(&w->b, "}\n");
		return;
	}
	prs_buf_putf(&w->b, "  %s%s%s%*s  %-14s ", w->color ? colors[p->level] : "", words[p->level],
	             w->color ? "\033[0m" : "", (int)(LEVEL_COLUMNS - strlen(words[p->level])), "", p->what);
	prs_put_plain(&w->b, p->found);
	prs_buf_putc(&w->b, '\n');
	if (!p->mend[0])
		return;
	prs_buf_putf(&w->b, "  %*s  %-14s -> ", LEVEL_COLUMNS, "", "");
	prs_put_plain(&w->b, p->mend);
	prs_buf_putc(&w->b, '\n');
}

static void probe_python(struct ward *w)
{
	struct prs_probe p = { .level = PRS_PROBE_OK, .what = "python" };
	struct prs_err err = { 0 };
	char path[PATH_MAX];
	if (prs_python_find(NULL, NULL, false, path, sizeof path, &err) == 0) {
		snprintf(p.found, sizeof p.found, "%.250s", path);
	} else {
		p.level = PRS_PROBE_WRONG;
		snprintf(p.found, sizeof p.found, "%.250s", err.msg);
		snprintf(p.mend, sizeof p.mend, "install Python 3.8 or later, or name one with --python");
	}
	doctor_finding(w, &p);
}

static void put_folder(struct prs_buf *b, const char *dir)
{
	prs_buf_puts(b, "\nrun folders in ");
	prs_put_plain(b, dir);
	prs_buf_putc(b, '\n');
}

int cmd_doctor(struct cli_args *a)
{
	struct ward w = { .json = cli_json(a), .color = isatty(1) && !getenv("NO_COLOR") };
	const char *dir = cli_value(a, "--dir", 0), *runs = cli_runs_dir(a);
	const char *probed = dir ? dir : runs;
	if (!dir && access(runs, F_OK) != 0) /* the runs folder is made in the present one */
		probed = ".";
	prs_buf_init(&w.b, 1 << 20);
	prs_probe_machine(doctor_finding, &w);
	probe_python(&w);
	if (!w.json)
		put_folder(&w.b, dir ? dir : runs);
	prs_probe_folder(probed, doctor_finding, &w);
	const char *verdict = w.notes ? "Jobs run here, with the remarks above." : "All is well.";
	if (w.wrong)
		verdict = "Jobs will not run well here: see above.";
	if (!w.json)
		prs_buf_putf(&w.b, "\n%s\n", verdict);
	int status = w.json ? cli_print_raw(&w.b) : cli_show_raw(&w.b);
	prs_buf_done(&w.b);
	if (status)
		return status;
	return w.wrong ? 1 : 0;
}
