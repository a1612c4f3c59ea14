/* SPDX-License-Identifier: Apache-2.0
 * tell: the doors to the terminal. Names of files, messages of scripts and run folders of other people go through here,
 * so what is not plain text (base/text.h) is escaped here once for all commands; the live screen has its own
 * (screen.c).
 */
#include "cli/cli.h"

#include "base/many.h"
#include "base/text.h"
#include "base/wrap.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

enum { TOLD_MAX = 64 << 20 };

/* Without memory for escapes: what is not ASCII is shown as a question mark. */
static const char *only_ascii(char *text)
{
	for (char *c = text; *c; c++)
		if ((*c >= 0 && *c < ' ' && *c != '\n' && *c != '\t') || *c < 0 || *c == 0x7f)
			*c = '?';
	return text;
}

unsigned cli_columns(int fd)
{
	struct winsize w;
	if (!isatty(fd))
		return 0;
	return ioctl(fd, TIOCGWINSZ, &w) == 0 && w.ws_col ? w.ws_col : 80;
}

unsigned cli_rows(int fd)
{
	struct winsize w;
	return ioctl(fd, TIOCGWINSZ, &w) == 0 && w.ws_row ? w.ws_row : 24;
}

/* As setlocale() would find it. The console of the kernel has no such characters in its font. */
bool cli_shows_utf8(void)
{
	static const char *const names[] = { "LC_ALL", "LC_CTYPE", "LANG" };
	const char *locale = NULL, *term = getenv("TERM");
	for (size_t i = 0; i < sizeof names / sizeof *names && !(locale && locale[0]); i++)
		locale = getenv(names[i]);
	if (!locale || (term && !strcmp(term, "linux")))
		return false;
	return strcasestr(locale, "utf-8") || strcasestr(locale, "utf8");
}

void cli_tell(FILE *to, const char *fmt, ...)
{
	char *text = NULL;
	va_list ap;
	va_start(ap, fmt);
	int n = vasprintf(&text, fmt, ap);
	va_end(ap);
	PRS_AUTOBUF b, wrapped;
	prs_buf_init(&b, TOLD_MAX);
	prs_buf_init(&wrapped, TOLD_MAX);
	if (n < 0) {
		fputs("prs: out of memory\n", to);
		return;
	}
	prs_put_lines(&b, text);
	prs_put_wrapped(&wrapped, prs_buf_str(&b), cli_columns(fileno(to)));
	const char *told = prs_buf_str(&wrapped);
	fputs(b.failed || wrapped.failed ? only_ascii(text) : told, to);
	free(text);
}

void cli_put_json(struct prs_buf *to, const json_t *value, size_t flags)
{
	char *text = value ? json_dumps(value, flags) : NULL;
	if (text)
		prs_put_json_text(to, text);
	else if (!to->failed)
		to->failed = -PRS_ENOMEM;
	prs_buf_putc(to, '\n');
	free(text);
}

void cli_print_path(const char *path)
{
	if (isatty(1))
		cli_tell(stdout, "%s\n", path);
	else
		printf("%s\n", path);
}

int cli_print_raw(struct prs_buf *b)
{
	struct prs_err err;
	if (b->failed) {
		prs_fail(&err, (enum prs_code) - b->failed, "%s", prs_error_row(b->failed)->sentence);
		return complain(PRS_EXIT_BROKEN, &err);
	}
	bool ok = fwrite(b->data, 1, b->len, stdout) == b->len && fflush(stdout) == 0;
	if (ok || errno == EPIPE)
		return 0;
	prs_fail_errno(&err, errno, "writing to stdout");
	return complain(PRS_EXIT_BROKEN, &err);
}

int cli_print(struct prs_buf *b)
{
	PRS_AUTOBUF shown;
	prs_buf_init(&shown, TOLD_MAX);
	prs_put_lines(&shown, prs_buf_str(b));
	if (b->failed && !shown.failed)
		shown.failed = b->failed;
	return cli_print_raw(&shown);
}

int cli_show_raw(struct prs_buf *b)
{
	unsigned columns = cli_columns(1);
	PRS_AUTOBUF wrapped;
	prs_buf_init(&wrapped, TOLD_MAX);
	if (!columns)
		return cli_print_raw(b);
	prs_put_wrapped(&wrapped, prs_buf_str(b), columns);
	if (b->failed && !wrapped.failed)
		wrapped.failed = b->failed;
	return cli_print_raw(&wrapped);
}

int cli_show(struct prs_buf *b)
{
	PRS_AUTOBUF shown;
	prs_buf_init(&shown, TOLD_MAX);
	prs_put_lines(&shown, prs_buf_str(b));
	if (b->failed && !shown.failed)
		shown.failed = b->failed;
	return cli_show_raw(&shown);
}
