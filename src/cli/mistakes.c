/* SPDX-License-Identifier: Apache-2.0
 * mistakes: why a command did not do what it was asked: sentences on stderr for people; with --json one document on
 * stdout, {"type":"mistakes","exit":2,"mistakes":[{"file","line","column","text"} ...]}.
 */
#include "cli/cli.h"

#include "base/many.h"
#include "base/mem.h"
#include "base/text.h"
#include "report/console.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { DOCUMENT_BYTES = 64 << 20 };

static bool told_in_json;

void cli_tell_in_json(void) { told_in_json = true; }

/* ---- places ------------------------------------------------------------------------------------------------------ */

static void put_number(struct prs_buf *to, const char *name, uint32_t n)
{
	prs_buf_putf(to, ", \"%s\": ", name);
	if (n)
		prs_buf_putf(to, "%u", n);
	else
		prs_buf_puts(to, "null");
}

static void put_finding(struct prs_buf *to, const struct prs_finding *f)
{
	prs_buf_puts(to, "{\"file\": ");
	if (f->file)
		prs_put_json(to, f->file);
	else
		prs_buf_puts(to, "null");
	put_number(to, "line", f->line);
	put_number(to, "column", f->column);
	prs_buf_puts(to, ", \"text\": ");
	prs_put_json(to, f->text);
	prs_buf_putc(to, '}');
}

/* "score.py:3: SyntaxError: ...", "job.yml:3:7: ...": a sentence that begins with its place. */
static void split_place(char *text, struct prs_finding *ret)
{
	unsigned numbers[2] = { 0, 0 }, n = 0;
	char *end = strstr(text, ": "), *at = end;
	*ret = (struct prs_finding){ .text = text };
	for (; at && n < 2; n++) {
		char *colon = at;
		while (colon > text && isdigit((unsigned char)colon[-1]))
			colon--;
		if (colon == at || colon == text || colon[-1] != ':')
			break;
		numbers[1] = numbers[0];
		numbers[0] = (unsigned)strtoul(colon, NULL, 10);
		at = colon - 1;
	}
	if (!n || at == text)
		return;
	*at = 0;
	*ret = (struct prs_finding){ text, end + 2, numbers[0], numbers[1] };
}

static void put_sentence(struct prs_buf *to, const char *text, size_t n)
{
	PRS_AUTOFREE char *copy = prs_strf("%.*s", (int)n, text);
	struct prs_finding f = { .text = "out of memory" };
	if (copy)
		split_place(copy, &f);
	put_finding(to, &f);
}

/* A line each, and what is indented below it. How many they are. */
static size_t put_sentences(struct prs_buf *to, const char *lines)
{
	size_t found = 0;
	for (; *lines; found++) {
		size_t n = strcspn(lines, "\n");
		while (lines[n] && (lines[n + 1] == ' ' || lines[n + 1] == '\t'))
			n += 1 + strcspn(lines + n + 1, "\n");
		prs_buf_puts(to, found ? ", " : "");
		put_sentence(to, lines, n);
		lines += n + (lines[n] == '\n');
	}
	return found;
}

void cli_put_findings(struct prs_buf *to, const char *lines, struct prs_yaml_doc *doc, enum prs_severity severity)
{
	const struct prs_finding *v = NULL;
	prs_buf_putc(to, '[');
	size_t found = put_sentences(to, lines), n = doc ? prs_yaml_findings(doc, severity, &v) : 0;
	for (size_t i = 0; i < n; i++) {
		prs_buf_puts(to, found + i ? ", " : "");
		put_finding(to, &v[i]);
	}
	prs_buf_putc(to, ']');
}

/* ---- the document ------------------------------------------------------------------------------------------------ */

/* One for a command: what would come behind it is told on stderr. */
static int print_document(int status, struct prs_buf *list)
{
	PRS_AUTOBUF b;
	told_in_json = false;
	prs_buf_init(&b, DOCUMENT_BYTES);
	prs_buf_putf(&b, "{\"type\": \"mistakes\", \"exit\": %d, \"mistakes\": ", status);
	prs_buf_put(&b, list->data, list->len);
	prs_buf_puts(&b, "}\n");
	if (list->failed)
		b.failed = list->failed;
	int printed = cli_print_raw(&b);
	return printed ? printed : status;
}

/* ---- telling ----------------------------------------------------------------------------------------------------- */

int complain(int status, const struct prs_err *err)
{
	PRS_AUTOBUF b;
	prs_buf_init(&b, DOCUMENT_BYTES);
	if (told_in_json) {
		prs_buf_putc(&b, '[');
		put_sentence(&b, err->msg, strlen(err->msg));
		prs_buf_putc(&b, ']');
		return print_document(status, &b);
	}
	prs_put_plain(&b, err->msg);
	cli_tell(stderr, "prs: %s\n", prs_buf_str(&b));
	return status;
}

int complain_all(unsigned n, struct prs_buf *lines)
{
	if (told_in_json)
		return complain_of_job(n, lines, NULL);
	if (n == 1)
		cli_tell(stderr, "prs: %s", prs_buf_str(lines));
	else
		cli_tell(stderr, "prs: %s\n%s", prs_many(n, "mistake").text, prs_buf_str(lines));
	return PRS_EXIT_MISTAKE;
}

/* A mistake of a job file has several lines, and begins with its place. */
int complain_of_job(unsigned n, struct prs_buf *lines, struct prs_yaml_doc *doc)
{
	PRS_AUTOBUF b;
	prs_buf_init(&b, DOCUMENT_BYTES);
	if (told_in_json) {
		cli_put_findings(&b, prs_buf_str(lines), doc, PRS_MISTAKE);
		return print_document(PRS_EXIT_MISTAKE, &b);
	}
	prs_buf_puts(&b, prs_buf_str(lines));
	prs_yaml_print(doc, PRS_MISTAKE, &b);
	cli_tell(stderr, "prs: %s\n%s", prs_many(n, "mistake").text, prs_buf_str(&b));
	return PRS_EXIT_MISTAKE;
}
