/* SPDX-License-Identifier: Apache-2.0
 * python: the interpreter of the workers: found, asked who it is, old ones refused; it reads the entry script once, so
 * that a syntax error is told before anything is made.
 */
#include "run/python.h"

#include "base/mem.h"
#include "io/process.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { OLDEST_MINOR = 8, ANSWER_BYTES = 16 << 10 };

/* Runs on any Python since 2.4. Lines: "prs", version, the real interpreter behind a shim, then what is wrong with
 * the script. */
static char question[] = "import sys\n"
			 "w = sys.stdout.write\n"
			 "w('prs\\n%d.%d.%d\\n%s\\n' % (tuple(sys.version_info[:3]) + (sys.executable,)))\n"
			 "if len(sys.argv) > 1 and sys.version_info >= (3, 8):\n"
			 "    sys.stdout.reconfigure(encoding='utf-8', errors='backslashreplace')\n"
			 "    try:\n"
			 "        f = open(sys.argv[1], 'rb')\n"
			 "        compile(f.read(), sys.argv[1], 'exec')\n"
			 "    except SyntaxError as e:\n"
			 "        line = (e.text or '').rstrip('\\n')\n"
			 "        cut = len(line) - len(line.lstrip())\n"
			 "        at = max((e.offset or 1) - 1 - cut, 0)\n"
			 "        w('%s:%s: %s: %s\\n' % (sys.argv[2], e.lineno, type(e).__name__, e.msg))\n"
			 "        if line.strip() and len(line) < 200 and at < 200:\n"
			 "            w('    %s\\n    %s^\\n' % (line[cut:], ' ' * at))\n"
			 "    except (ValueError, MemoryError, RecursionError) as e:\n"
			 "        w('%s: %s: %s\\n' % (sys.argv[2], type(e).__name__, e))\n"
			 "    except OSError:\n"
			 "        pass\n";

static bool is_folder(const char *path)
{
	struct stat st;
	return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

/* Is there such a program, as the system would look for it? */
static bool is_there(const char *name)
{
	if (strchr(name, '/'))
		return access(name, F_OK) == 0;
	const char *path = getenv("PATH");
	path = path ? path : "/usr/bin:/bin";
	for (; *path; path += *path == ':') {
		size_t n = strcspn(path, ":");
		PRS_AUTOFREE char *tried = prs_strf("%.*s/%s", (int)n, path, name);
		if (tried && access(tried, X_OK) == 0 && !is_folder(tried))
			return true;
		path += n;
	}
	return false;
}

static int not_there(const char *name, struct prs_err *err)
{
	if (!strchr(name, '/'))
		return prs_fail(err, PRS_ENOTFOUND,
		                "no program %s on the PATH: name the interpreter with --python PATH", name);
	return prs_fail(err, PRS_ENOTFOUND, "no interpreter %s", name);
}

/* Line i of the answer, cut out; "" when there is none. */
static char *take_line(char **at)
{
	char *line = *at;
	size_t n = strcspn(line, "\n");
	*at = line + n + (line[n] != 0);
	line[n] = 0;
	return line;
}

static int understand(const char *name, char *answer, char *to, size_t n, struct prs_err *err)
{
	unsigned major = 0, minor = 0;
	char *at = answer;
	if (strcmp(take_line(&at), "prs") != 0)
		return prs_fail(err, PRS_EINVALID, "%s is no Python interpreter: it did not answer a line of Python",
		                name);
	const char *version = take_line(&at), *path = take_line(&at);
	if (sscanf(version, "%u.%u", &major, &minor) != 2 || major != 3 || minor < OLDEST_MINOR)
		return prs_fail(err, PRS_EVERSION, "%s is Python %s: 3.%d or newer is needed", name, version,
		                OLDEST_MINOR);
	if (path[0] != '/')
		return prs_fail(err, PRS_EINVALID,
		                "%s does not know its own path (is PATH set?): name it with --python PATH", name);
	if ((size_t)snprintf(to, n, "%s", path) >= n)
		return prs_fail(err, PRS_ELIMIT, "the path of the interpreter is too long");
	size_t left = strlen(at);
	while (left && at[left - 1] == '\n')
		at[--left] = 0;
	return left ? prs_fail(err, PRS_EINVALID, "%s", at) : 0;
}

int prs_python_find(const char *name, const char *script, char *to, size_t n, struct prs_err *err)
{
	char answer[ANSWER_BYTES], no_site[] = "-S", dash_c[] = "-c", path[PATH_MAX] = "", none[] = "";
	PRS_AUTOFREE char *inside = is_folder(name) ? prs_strf("%s/bin/python", name) : NULL;
	PRS_AUTOFREE char *program = prs_strdup(inside ? inside : name);
	PRS_AUTOFREE char *shown = prs_strdup(script ? script : "");
	if (!program || !shown)
		return prs_fail(err, PRS_ENOMEM, "the interpreter");
	if (inside && !is_there(program))
		return prs_fail(err, PRS_ENOTFOUND, "%s is a folder without bin/python: no virtual environment", name);
	if (!is_there(program))
		return not_there(program, err);
	bool read_script = script && realpath(script, path) && !is_folder(path);
	char *argv[] = {
		program, no_site, dash_c, question, read_script ? path : NULL, read_script ? shown : none, NULL
	};
	if (prs_capture(argv, answer, sizeof answer, err) < 0) {
		prs_wrap(err, "the interpreter");
		return prs_fail(err, PRS_ESPAWN, "%s is no Python interpreter that runs here", name);
	}
	return understand(program, answer, to, n, err);
}
