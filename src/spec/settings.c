/* SPDX-License-Identifier: Apache-2.0
 * settings: what a worker would make of the file (python/prs_loader/rows.py).
 */
#include "spec/settings.h"

#include "base/mem.h"
#include "base/path.h"
#include "spec/jobfile_impl.h"

#include <jansson.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define SAMPLE "{\"append_row\": {\"pandas.DataFrame.to_csv\": {\"sep\": \",\"}}}"

/* Of all versions of pandas from 1.0 on. */
static const char *const arguments[] = {
	"path_or_buf",     "sep",       "na_rep",      "float_format", "columns",    "header",    "index",
	"index_label",     "mode",      "encoding",    "compression",  "quoting",    "quotechar", "lineterminator",
	"line_terminator", "chunksize", "date_format", "doublequote",  "escapechar", "decimal",   "errors",
	"storage_options"
};
static const char not_used[] = "it is not used";
static const char *const ignored[] = { "path_or_buf", "mode", "compression" };
static const char *const top[] = { "append_row" }, *const in_rows[] = { "pandas.DataFrame.to_csv" };

#define COUNT(v) (sizeof(v) / sizeof *(v))

static bool is_one_of(const char *word, const char *const *names, size_t n)
{
	while (n && strcmp(word, names[n - 1]) != 0)
		n--;
	return n > 0;
}

/* A name with so many other letters was hardly meant, unless it is the beginning of the word: separator. */
static const char *nearest(const char *word, const char *const *names, size_t n)
{
	const char *best = NULL;
	unsigned least = 4;
	for (size_t i = 0; i < n; i++) {
		bool begins = !strncmp(word, names[i], strlen(names[i]));
		unsigned far = begins ? 1 : prs_distance(word, names[i]);
		if (far < least && (begins || far < strlen(names[i]) / 2)) {
			least = far;
			best = names[i];
		}
	}
	return best;
}

__attribute__((format(printf, 2, 3))) static void warn(struct prs_job *j, const char *fmt, ...)
{
	char text[1024];
	va_list ap;
	va_start(ap, fmt);
	int n = snprintf(text, sizeof text, PRS_SETTINGS_FILE ": ");
	vsnprintf(text + n, sizeof text - (size_t)n, fmt, ap);
	va_end(ap);
	prs_list_add(&j->warnings, text);
}

/* The keys of an object that are none of those names; `what` the object is, `then` what becomes of them. */
static void other_keys(struct prs_job *j, json_t *object, const char *what, const char *then, const char *const *names,
                       size_t n)
{
	const char *key;
	json_t *value;
	json_object_foreach (object, key, value) {
		PRS_AUTOBUF shown;
		prs_buf_init(&shown, 400);
		prs_put_plain_bytes(&shown, key, strnlen(key, 80));
		const char *near = nearest(key, names, n);
		if (is_one_of(key, names, n))
			continue;
		warn(j, "%s is no %s; %s%s%s", prs_buf_str(&shown), what, near ? "did you mean " : "",
		     near ? near : then, near ? "?" : "");
	}
}

static void check_arguments(struct prs_job *j, json_t *object)
{
	other_keys(j, object, "argument of to_csv", "pandas may refuse it when rows are written", arguments,
	           COUNT(arguments));
	for (size_t i = 0; i < COUNT(ignored); i++)
		if (json_object_get(object, ignored[i]))
			warn(j, "%s is not used: rows go into the output file", ignored[i]);
}

static int no_object(const char *what, struct prs_err *err)
{
	return prs_fail(err, PRS_EINVALID, PRS_SETTINGS_FILE ": %s must be an object, as in " SAMPLE, what);
}

static int check_file(struct prs_job *j, json_t *root, struct prs_err *err)
{
	if (!json_is_object(root))
		return no_object("the file", err);
	other_keys(j, root, "key of this file (append_row is)", not_used, top, COUNT(top));
	json_t *rows = json_object_get(root, top[0]);
	if (!rows)
		return 0;
	if (!json_is_object(rows))
		return no_object("\"append_row\"", err);
	other_keys(j, rows, "key of append_row (pandas.DataFrame.to_csv is)", not_used, in_rows, COUNT(in_rows));
	json_t *to_csv = json_object_get(rows, in_rows[0]);
	if (to_csv && !json_is_object(to_csv))
		return no_object("\"pandas.DataFrame.to_csv\"", err);
	check_arguments(j, to_csv);
	return 0;
}

static int read_file(struct prs_job *j, const struct prs_buf *text, struct prs_err *err)
{
	static const char mark[] = "\xef\xbb\xbf";
	json_error_t at;
	size_t skip = text->len >= 3 && !memcmp(text->data, mark, 3) ? 3 : 0;
	json_t *root = json_loadb((const char *)text->data + skip, text->len - skip, JSON_ALLOW_NUL | JSON_DECODE_ANY,
	                          &at);
	if (!root)
		return prs_fail(err, PRS_EINVALID, PRS_SETTINGS_FILE ":%d:%d: %s", at.line, at.column, at.text);
	int r = check_file(j, root, err);
	json_decref(root);
	return r;
}

/* It lies beside the code, or beside the entry script. */
static int find(const struct prs_job *j, const struct prs_fs *fs, struct prs_buf *to)
{
	const char *slash = strrchr(j->entry, '/');
	PRS_AUTOFREE char *first = prs_strf("%s/" PRS_SETTINGS_FILE, j->code_dir);
	PRS_AUTOFREE char *other = prs_strf("%s/%.*s/" PRS_SETTINGS_FILE, j->code_dir,
	                                    (int)(slash ? slash - j->entry : 0), j->entry);
	if (!first || !other)
		return -PRS_ENOMEM;
	return jf_read_bytes(fs, first, to) == 0 || (slash && jf_read_bytes(fs, other, to) == 0);
}

int prs_settings_check(struct prs_job *j, const struct prs_fs *fs, struct prs_err *err)
{
	PRS_AUTOBUF text;
	prs_buf_init(&text, PRS_YAML_BYTES_MAX + (256 << 10));
	if (!j->entry || !j->code_dir || j->o.code_copy == PRS_CODE_SCRIPT || !find(j, fs, &text))
		return 0;
	bool append = j->o.output_action == PRS_OUTPUT_APPEND_ROW;
	if (append && j->o.output_format != PRS_OUTPUT_TEXT && j->o.output_format != PRS_OUTPUT_CSV) {
		warn(j, "it is not used: arguments of to_csv are for csv and text");
		return 0;
	}
	return read_file(j, &text, err);
}
