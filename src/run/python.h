/* SPDX-License-Identifier: Apache-2.0
 * python: the interpreter of the workers. It is started as it is named: a wrapper (a module's script, LD_LIBRARY_PATH,
 * a version manager) is kept, as long as it becomes Python itself.
 */
#ifndef PRS_RUN_PYTHON_H
#define PRS_RUN_PYTHON_H

#include "base/buf.h"
#include "base/err.h"
#include "base/option.h"

#include <stdbool.h>
#include <stddef.h>

/* Where an interpreter is that is given by a name, a path or the folder of a virtual environment: absolute, links
 * are not followed; NULL: python3 of the PATH. Nothing is run. isolated: what the current folder would give through
 * the PATH is passed over. */
int prs_python_path(const char *name, bool isolated, char *to, size_t n, struct prs_err *err);
/* The interpreter of the environment that this program is installed in, NULL = in none: bin/prs of a virtual or conda
 * environment, or the wheel in some Python's site-packages. An environment that a tool made for prs alone (pipx, uv
 * tool) holds no packages of the user and does not count. The caller frees. */
char *prs_python_home(const char *program);
/* Runs it once: a Python that is new enough, the process that was started, which can read the script (NULL = not
 * asked; PRS_EINVALID and the error as Python shows it). isolated: neither the current folder nor the environment
 * has a say. `named`: for sentences. */
int prs_python_ask(const char *path, const char *named, const char *script, bool isolated, struct prs_err *err);
/* Does the script bind the name `run` at its top level, by def, import or assignment? `path` is an interpreter that may
 * be run; the script is read, never run. False only where that is certain: not with a star import, exec(), globals(),
 * or a script that cannot be read. */
bool prs_python_binds_run(const char *path, const char *script);
/* What is wrong with the filters of tables: a line for each, "=" and the columns that it names, as a JSON list, or the
 * column of the text from 1 (0: not known) and a sentence.
 * `folder` has the loader, which has the grammar; the interpreter is started alone. < 0: it cannot be told. */
int prs_python_filters(const char *path, const char *folder, const struct prs_list *filters, struct prs_buf *to);
/* Parquet needs it: can this interpreter import pyarrow, as a process of the job will? PRS_EINVALID with the line that
 * installs it. */
int prs_python_has_pyarrow(const char *path, struct prs_err *err);
/* Tables need it: does this interpreter find pandas, beside the code of the job or among its packages? As above. */
int prs_python_has_pandas(const char *path, const char *code, struct prs_err *err);
/* Both: where it is, and who it is. */
int prs_python_find(const char *name, const char *script, bool isolated, char *to, size_t n, struct prs_err *err);

#endif
