/* SPDX-License-Identifier: Apache-2.0
 * python: a few lines of Python answer who they are: version, process, and what is wrong with the entry script, so
 * that a syntax error is told before anything is made. What the interpreter says on stderr instead is shown.
 */
#include "run/python.h"

#include "base/buf.h"
#include "base/mem.h"
#include "io/listen.h"

#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { OLDEST_MINOR = 8, ANSWER_BYTES = 16 << 10, SAID_BYTES = 64 << 10, SAID_SHOWN = 300 };

/* Runs on any Python since 2.4, and imports nothing from a file: a folder of the user may come first. Lines: "prs",
 * version, process, then what is wrong with the script. */
static char question[] = "import sys, posix\n"
			 "w = sys.stdout.write\n"
			 "w('\\nprs\\n%d.%d.%d\\n%d\\n' % (tuple(sys.version_info[:3]) + (posix.getpid(),)))\n"
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

/* The statements of a script that can bind a name of the module, those below if, for, with and try among them; a
 * function counts when it says "global run". What it says is "no" or "perhaps". 1024: only the tree. */
static char run_question[] = "import sys\n"
			     "found = 'perhaps'\n"
			     "try:\n"
			     "    f = open(sys.argv[1], 'rb')\n"
			     "    tree = compile(f.read(), sys.argv[1], 'exec', 1024)\n"
			     "    names, open_end = set(), False\n"
			     "    todo = [(tree, True)]\n"
			     "    while todo:\n"
			     "        node, top = todo.pop()\n"
			     "        kind = type(node).__name__\n"
			     "        inner = kind in ('FunctionDef', 'AsyncFunctionDef', 'ClassDef', 'Lambda')\n"
			     "        if top and inner and kind != 'Lambda':\n"
			     "            names.add(node.name)\n"
			     "        elif kind == 'Global':\n"
			     "            names.update(node.names)\n"
			     "        elif top and kind in ('Import', 'ImportFrom'):\n"
			     "            for a in node.names:\n"
			     "                open_end = open_end or a.name == '*'\n"
			     "                names.add(a.asname or a.name.split('.')[0])\n"
			     "        elif top and kind == 'Name' and type(node.ctx).__name__ == 'Store':\n"
			     "            names.add(node.id)\n"
			     "        elif kind == 'Name' and node.id in ('globals', 'exec', 'setattr'):\n"
			     "            open_end = True\n"
			     "        elif top and kind in ('MatchAs', 'MatchStar'):\n"
			     "            names.add(node.name)\n"
			     "        for field in node._fields:\n"
			     "            below = getattr(node, field, None)\n"
			     "            below = below if isinstance(below, list) else [below]\n"
			     "            todo.extend((b, top and not inner) for b in below if hasattr(b, '_fields'))\n"
			     "    if not open_end and 'run' not in names and '__getattr__' not in names:\n"
			     "        found = 'no'\n"
			     "except Exception:\n"
			     "    pass\n"
			     "sys.stdout.write(found)\n";

/* A line for each filter of a table: =, and a JSON list of the columns that it names, or where and what is wrong.
 * Nothing of a filter is run. */
static char filter_question[] =
	"import json, sys\n"
	"sys.path.insert(0, sys.argv[1])\n"
	"from prs_loader.tables import filter\n"
	"sys.stdout.reconfigure(encoding='utf-8', errors='backslashreplace')\n"
	"for text in sys.argv[2:]:\n"
	"    found = filter.check(text)\n"
	"    line = '%d %s' % found[::-1] if found else '=' + json.dumps(sorted(filter.columns(text)))\n"
	"    sys.stdout.write(line.replace('\\n', ' ') + '\\n')\n";

static bool is_folder(const char *path)
{
	struct stat st;
	return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

/* A fifo would make Python wait, a device may have no end. */
static bool is_file(const char *path)
{
	struct stat st;
	return stat(path, &st) == 0 && S_ISREG(st.st_mode);
}

/* ---- where ------------------------------------------------------------------------------------------------------- */

/* Below the current folder unless it begins at the root. The caller frees. */
static char *absolute(const char *path)
{
	char cwd[PATH_MAX];
	while (path[0] == '.' && path[1] == '/')
		path += 2 + strspn(path + 2, "/");
	if (path[0] == '/')
		return prs_strdup(path);
	return getcwd(cwd, sizeof cwd) ? prs_strf("%s/%s", strcmp(cwd, "/") ? cwd : "", path) : NULL;
}

/* As the system would look for a name; NULL = nowhere. The caller frees. */
static char *on_the_path(const char *name, bool isolated)
{
	const char *path = getenv("PATH");
	path = path ? path : "/usr/bin:/bin";
	for (bool more = true; more; path++) {
		size_t n = strcspn(path, ":");
		PRS_AUTOFREE char *tried = prs_strf("%.*s/%s", n ? (int)n : 1, n ? path : ".", name);
		bool here = !n || path[0] != '/';
		if (tried && !(here && isolated) && access(tried, X_OK) == 0 && !is_folder(tried))
			return absolute(tried);
		path += n;
		more = *path == ':';
	}
	return NULL;
}

static int copy_path(const char *path, char *to, size_t n, struct prs_err *err)
{
	if ((size_t)snprintf(to, n, "%s", path) >= n)
		return prs_fail(err, PRS_ELIMIT, "the path of the interpreter is too long");
	return 0;
}

int prs_python_path(const char *name, bool isolated, char *to, size_t n, struct prs_err *err)
{
	const char *word = name ? name : "python3";
	if (!strchr(word, '/') && (!name || isolated || !is_folder(name))) {
		PRS_AUTOFREE char *found = on_the_path(word, isolated);
		if (found)
			return copy_path(found, to, n, err);
		return prs_fail(err, PRS_ENOTFOUND,
		                "no program %s on the PATH: name the interpreter with --python PATH", word);
	}
	PRS_AUTOFREE char *whole = absolute(word);
	PRS_AUTOFREE char *inside = whole && is_folder(whole) ? prs_strf("%s/bin/python", whole) : NULL;
	const char *program = inside ? inside : whole;
	if (!program)
		return prs_fail(err, PRS_ENOMEM, "the interpreter");
	if (access(program, F_OK) == 0)
		return copy_path(program, to, n, err);
	if (inside)
		return prs_fail(err, PRS_ENOTFOUND, "%s is a folder without bin/python: no virtual environment", word);
	return prs_fail(err, PRS_ENOTFOUND, "no interpreter %s", word);
}

static bool lies_in(const char *folder, const char *name)
{
	PRS_AUTOFREE char *path = prs_strf("%s/%s", folder, name);
	return path && access(path, F_OK) == 0;
}

static bool is_for_prs_alone(const char *folder)
{
	return lies_in(folder, "pipx_metadata.json") || lies_in(folder, "uv-receipt.toml");
}

/* <folder>/lib/python3.11/site-packages/prs_engine/bin/prs: where "/lib" begins, and the name of the interpreter. */
static const char *find_site(const char *program, char name[32])
{
	const char *site = strstr(program, "-packages/prs_engine/bin/prs"), *lib = NULL;
	for (const char *p = program; site && (p = strstr(p, "/lib")) && p < site; p++)
		lib = p;
	if (!lib || sscanf(lib, "/%*[^/]/%31[^/]/", name) != 1 || strncmp(name, "python3", 7) != 0)
		return NULL;
	return lib;
}

char *prs_python_home(const char *program)
{
	static const char tail[] = "/bin/prs";
	char name[32] = "python";
	size_t n = strlen(program);
	if (n < sizeof tail || strcmp(program + n - strlen(tail), tail) != 0)
		return NULL;
	const char *site = find_site(program, name), *end = site ? site : program + n - strlen(tail);
	bool installed = site != NULL;
	PRS_AUTOFREE char *folder = prs_strf("%.*s", (int)(end - program), program);
	if (!folder || is_for_prs_alone(folder))
		return NULL;
	if (!installed && !lies_in(folder, "pyvenv.cfg") && !lies_in(folder, "conda-meta"))
		return NULL;
	char *python = prs_strf("%s/bin/%s", folder, name);
	if (python && access(python, X_OK) == 0)
		return python;
	free(python);
	return NULL;
}

/* ---- who --------------------------------------------------------------------------------------------------------- */

struct answer {
	struct prs_buf out, said; /* stdout, stderr */
	int pid;
};

static void python_heard(void *ctx, int fd, const char *bytes, size_t n)
{
	struct answer *a = ctx;
	struct prs_buf *said = &a->said;
	if (fd == 1) {
		prs_buf_put(&a->out, bytes, a->out.len + n < ANSWER_BYTES ? n : 0);
		return;
	}
	if (said->len > SAID_BYTES) { /* its end is shown */
		memmove(said->data, said->data + said->len - SAID_SHOWN, SAID_SHOWN);
		said->len = SAID_SHOWN;
	}
	prs_buf_put(said, bytes, n);
}

/* The line at `at`, cut out; "" when there is none. */
static char *take_line(char **at)
{
	char *line = *at;
	size_t n = strcspn(line, "\n");
	*at = line + n + (line[n] != 0);
	line[n] = 0;
	return line;
}

/* The last lines of a text that fit into `room` with what is put in front of each; the last one in part, if need be. */
static const char *last_lines(const char *text, size_t n, size_t in_front, size_t room)
{
	const char *from = text + n;
	size_t used = 0;
	while (from > text) {
		const char *line = from - 1; /* behind the line feed of the line above */
		while (line > text && line[-1] != '\n')
			line--;
		used += (size_t)(from - line) + in_front;
		if (used > room)
			break;
		from = line;
	}
	if (from != text + n || !n)
		return from;
	return text + n - (n < room / 2 ? n : room / 2);
}

/* The sentence, and below it what it said last. */
static int refuse(struct answer *a, enum prs_code code, const char *sentence, struct prs_err *err)
{
	static const char in_front[] = "\n    ";
	const char *said = prs_buf_str(&a->said);
	size_t n = strlen(said);
	while (n && isspace((unsigned char)said[n - 1]))
		n--;
	PRS_AUTOBUF lines;
	prs_buf_init(&lines, 4096);
	const char *from = last_lines(said, n, sizeof in_front, SAID_SHOWN);
	for (const char *p = from; p < said + n; p++) {
		if (p == from || p[-1] == '\n')
			prs_buf_puts(&lines, in_front);
		if (*p != '\n')
			prs_buf_putc(&lines, *p);
	}
	return prs_fail(err, code, "%s%s%s", sentence, n ? " It says:" : "", n ? prs_buf_str(&lines) : "");
}

static int understand(const char *named, struct answer *a, struct prs_err *err)
{
	char sentence[512];
	unsigned major = 0, minor = 0;
	char *out = (char *)(uintptr_t)prs_buf_str(&a->out), *at = strstr(out, "\nprs\n"); /* a wrapper may greet */
	if (!strncmp(out, "prs\n", 4))
		at = out - 1;
	if (!at) {
		snprintf(sentence, sizeof sentence,
		         "%.200s is no Python interpreter: it did not answer a line of Python.", named);
		return refuse(a, PRS_EINVALID, sentence, err);
	}
	at += strlen("\nprs\n");
	const char *version = take_line(&at), *pid = take_line(&at);
	if (sscanf(version, "%u.%u", &major, &minor) != 2 || major != 3 || minor < OLDEST_MINOR)
		return prs_fail(err, PRS_EVERSION, "%s is Python %s: 3.%d or newer is needed", named, version,
		                OLDEST_MINOR);
	if (atoi(pid) != a->pid)
		return prs_fail(err, PRS_EWRAPPER, "%s: %s; %s", named, prs_error_row(PRS_EWRAPPER)->sentence,
		                prs_error_row(PRS_EWRAPPER)->advice);
	size_t left = strlen(at);
	while (left && at[left - 1] == '\n')
		at[--left] = 0;
	return left ? prs_fail(err, PRS_EINVALID, "%s", at) : 0;
}

static int ask(const char *path, const char *named, const char *script, bool isolated, struct answer *a,
               struct prs_err *err)
{
	char real[PATH_MAX] = "", sentence[512];
	bool reads = script && realpath(script, real) && is_file(real);
	const char *argv[8];
	size_t n = 0;
	int status;
	argv[n++] = path;
	if (isolated)
		argv[n++] = "-I";
	argv[n++] = "-S";
	argv[n++] = "-c";
	argv[n++] = question;
	if (reads) {
		argv[n++] = real;
		argv[n++] = script;
	}
	argv[n] = NULL;
	struct prs_listen l = { .argv = (char *const *)(uintptr_t)argv, .heard = python_heard, .ctx = a };
	if (prs_listen(&l, &status, err) < 0)
		return prs_fail(err, PRS_ESPAWN, "%s is no Python interpreter that runs here", named);
	a->pid = l.pid;
	if (status) {
		snprintf(sentence, sizeof sentence,
		         "%.200s is no Python interpreter that runs here: it ended with status %d.", named, status);
		return refuse(a, PRS_ESPAWN, sentence, err);
	}
	return understand(named, a, err);
}

int prs_python_ask(const char *path, const char *named, const char *script, bool isolated, struct prs_err *err)
{
	struct answer a = { .pid = 0 };
	prs_buf_init(&a.out, 2 * ANSWER_BYTES);
	prs_buf_init(&a.said, 4 * SAID_BYTES);
	int r = ask(path, named, script, isolated, &a, err);
	prs_buf_done(&a.out);
	prs_buf_done(&a.said);
	return r;
}

bool prs_python_binds_run(const char *path, const char *script)
{
	struct answer a = { .pid = 0 };
	struct prs_err err = { 0 };
	int status = 0;
	const char *argv[] = { path, "-I", "-S", "-c", run_question, script, NULL };
	struct prs_listen l = { .argv = (char *const *)(uintptr_t)argv, .heard = python_heard, .ctx = &a };
	prs_buf_init(&a.out, 2 * ANSWER_BYTES);
	prs_buf_init(&a.said, 4 * SAID_BYTES);
	bool told = prs_listen(&l, &status, &err) == 0 && !status;
	bool binds = !told || strcmp(prs_buf_str(&a.out), "no") != 0;
	prs_buf_done(&a.out);
	prs_buf_done(&a.said);
	return binds;
}

int prs_python_filters(const char *path, const char *folder, const struct prs_list *filters, struct prs_buf *to)
{
	static const char *const words[] = { "-I", "-S", "-B", "-c", filter_question };
	enum { WORDS = sizeof words / sizeof *words };
	struct answer a = { .pid = 0 };
	struct prs_err err = { 0 };
	int status = 0;
	PRS_AUTOFREE const char **argv = prs_calloc(filters->n + WORDS + 3, sizeof *argv);
	if (!argv)
		return -PRS_ENOMEM;
	argv[0] = path;
	memcpy(argv + 1, words, sizeof words);
	argv[1 + WORDS] = folder;
	for (size_t i = 0; i < filters->n; i++)
		argv[2 + WORDS + i] = filters->v[i];
	struct prs_listen l = { .argv = (char *const *)(uintptr_t)argv, .heard = python_heard, .ctx = &a };
	prs_buf_init(&a.out, 2 * ANSWER_BYTES);
	prs_buf_init(&a.said, 4 * SAID_BYTES);
	bool told = prs_listen(&l, &status, &err) == 0 && !status;
	if (told)
		prs_buf_puts(to, prs_buf_str(&a.out));
	prs_buf_done(&a.out);
	prs_buf_done(&a.said);
	return told ? 0 : -PRS_ESPAWN;
}

static char pyarrow_question[] =
	"import sys\n"
	"try:\n"
	"    import pyarrow.parquet\n"
	"    sys.stdout.write('\\nprs\\n')\n"
	"except Exception:\n"
	"    e = sys.exc_info()[1]\n"
	"    sys.stdout.write('\\nprs\\n%s: %s' % (type(e).__name__, ' '.join(str(e).split())[:200]))\n";

/* Found, not imported: that takes longer than a job that is small. */
static char pandas_question[] = "import sys, importlib.util\n"
				"sys.path.insert(0, sys.argv[1])\n"
				"found = importlib.util.find_spec('pandas')\n"
				"sys.stdout.write('\\nprs\\n' + ('' if found else 'no module of that name'))\n";

/* 0: the question was answered with nothing; else why not, into `why`. */
static int ask_for_package(const char *path, char *text, const char *argument, char *why, size_t n, struct prs_err *err)
{
	struct answer a = { .pid = 0 };
	int status = 0;
	const char *argv[] = { path, "-c", text, argument, NULL };
	struct prs_listen l = { .argv = (char *const *)(uintptr_t)argv, .heard = python_heard, .ctx = &a };
	prs_buf_init(&a.out, 2 * ANSWER_BYTES);
	prs_buf_init(&a.said, 4 * SAID_BYTES);
	int r = prs_listen(&l, &status, err);
	const char *out = prs_buf_str(&a.out), *at = strstr(out, "\nprs\n");
	snprintf(why, n, "%s", at ? at + strlen("\nprs\n") : "it ended");
	prs_buf_done(&a.out);
	prs_buf_done(&a.said);
	return r;
}

int prs_python_has_pyarrow(const char *path, struct prs_err *err)
{
	char why[512];
	int r = ask_for_package(path, pyarrow_question, NULL, why, sizeof why, err);
	if (r < 0 || !why[0])
		return r;
	return prs_fail(err, PRS_EINVALID,
	                "Parquet needs pyarrow, which %s cannot import (%s): %s -m pip install pyarrow", path, why,
	                path);
}

int prs_python_has_pandas(const char *path, const char *code, struct prs_err *err)
{
	char why[512];
	int r = ask_for_package(path, pandas_question, code, why, sizeof why, err);
	if (r < 0 || !why[0])
		return r;
	return prs_fail(err, PRS_EINVALID,
	                "the input is a table, which run() gets as a pandas DataFrame, and %s has no pandas (%s): "
	                "%s -m pip install pandas (and pyarrow, which reads faster)",
	                path, why, path);
}

int prs_python_find(const char *name, const char *script, bool isolated, char *to, size_t n, struct prs_err *err)
{
	if (prs_python_path(name, isolated, to, n, err) < 0)
		return err->code;
	return prs_python_ask(to, name ? name : "python3", script, isolated, err);
}
