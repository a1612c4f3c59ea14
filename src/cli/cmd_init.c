/* SPDX-License-Identifier: Apache-2.0
 * cmd_init: prs init DIR: a small job that runs, to begin with.
 */
#include "cli/cli.h"

#include "base/mem.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const struct {
	const char *name, *text; /* text NULL = a folder */
} files[] = {
	{ "code", NULL },
	{ "data", NULL },
	{ "code/score.py",
	  "import os\n"
	  "\n"
	  "\n"
	  "def init():\n"
	  "    \"\"\"Once in each process: load the model here.\"\"\"\n"
	  "\n"
	  "\n"
	  "def run(mini_batch):\n"
	  "    \"\"\"Once for each mini-batch, a list of paths: returns a row for each of them.\"\"\"\n"
	  "    rows = []\n"
	  "    for path in mini_batch:\n"
	  "        with open(path) as f:\n"
	  "            rows.append(\"%s: %d words\" % (os.path.basename(path), len(f.read().split())))\n"
	  "    return rows\n" },
	{ "data/a.txt", "one two three\n" },
	{ "data/b.txt", "four five\n" },
	{ "data/c.txt", "six\n" },
	{ "job.yml", "# prs run job.yml; prs validate job.yml says what is wrong with it\n"
	             "$schema: https://azuremlschemas.azureedge.net/latest/parallelComponent.schema.json\n"
	             "type: parallel\n"
	             "name: count_words\n"
	             "inputs:\n"
	             "  texts:\n"
	             "    type: uri_folder\n"
	             "    path: ./data\n"
	             "outputs:\n"
	             "  counts:\n"
	             "    type: uri_file\n"
	             "    path: ./counts.txt\n"
	             "input_data: ${{inputs.texts}}\n"
	             "mini_batch_size: \"2\"            # files\n"
	             "mini_batch_error_threshold: 0   # failed mini-batches tolerated; -1 = any number\n"
	             "retry_settings:\n"
	             "  max_retries: 2\n"
	             "  timeout: 60                   # seconds of one run()\n"
	             "task:\n"
	             "  type: run_function\n"
	             "  code: ./code\n"
	             "  entry_script: score.py\n"
	             "  append_row_to: ${{outputs.counts}}\n" },
};

enum { FILES = sizeof files / sizeof *files };

static int write_text(const char *path, const char *text, struct prs_err *err)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
	if (fd < 0)
		return prs_fail_errno(err, errno, "creating %s", path);
	ssize_t n = write(fd, text, strlen(text));
	int e = n < 0 ? errno : EIO;
	bool ok = close(fd) == 0 && n == (ssize_t)strlen(text);
	return ok ? 0 : prs_fail_errno(err, e, "writing %s", path);
}

/* Nothing of the user's is touched: all names have to be free. */
static int check_free(const char *dir, struct prs_err *err)
{
	struct stat st;
	for (size_t i = 0; i < FILES; i++) {
		PRS_AUTOFREE char *path = prs_strf("%s/%s", dir, files[i].name);
		if (!path)
			return prs_fail(err, PRS_ENOMEM, "%s", dir);
		if (lstat(path, &st) == 0 && !(S_ISDIR(st.st_mode) && !files[i].text))
			return prs_fail(err, PRS_EEXISTS,
			                "%s is there already: prs init makes a job in a new or empty folder", path);
	}
	return 0;
}

static int make(const char *dir, struct prs_err *err)
{
	if (mkdir(dir, 0755) < 0 && errno != EEXIST)
		return prs_fail_errno(err, errno, "creating %s", dir);
	int r = check_free(dir, err);
	for (size_t i = 0; i < FILES && !r; i++) {
		PRS_AUTOFREE char *path = prs_strf("%s/%s", dir, files[i].name);
		if (!path)
			r = prs_fail(err, PRS_ENOMEM, "%s", dir);
		else if (files[i].text)
			r = write_text(path, files[i].text, err);
		else if (mkdir(path, 0755) < 0 && errno != EEXIST)
			r = prs_fail_errno(err, errno, "creating %s", path);
	}
	return r;
}

int cmd_init(struct cli_args *a)
{
	struct prs_err err = { 0 };
	const char *dir = a->words.v[0];
	if (make(dir, &err) < 0)
		return complain(PRS_EXIT_MISTAKE, &err);
	cli_tell(stdout,
	         "%s has a job that counts words: code/score.py, data/, job.yml. Try it:\n"
	         "  cd %s\n"
	         "  prs run job.yml\n"
	         "  prs test code/score.py --input data      in this terminal, where breakpoint() works\n"
	         "  prs run code/score.py --input data --output counts2.txt      without a job file\n",
	         dir, dir);
	return 0;
}
