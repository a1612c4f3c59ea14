/* SPDX-License-Identifier: Apache-2.0
 * escape: bytes that anybody may have chosen (file names, messages) as JSON strings, CSV fields and log text.
 */
#include "report/impl.h"

#include <signal.h>
#include <sys/wait.h>

static const char hex[] = "0123456789abcdef";

static void json_code(struct prs_buf *to, unsigned code)
{
	char six[6] = { '\\', 'u', hex[code >> 12 & 15], hex[code >> 8 & 15], hex[code >> 4 & 15], hex[code & 15] };
	prs_buf_put(to, six, 6);
}

/* A short escape where there is one, else \u00XX; a byte that is no UTF-8 as the lone surrogate that Python makes of
 * it. */
static void json_byte(struct prs_buf *to, uint8_t c)
{
	static const char shorts[] = "\bb\ff\nn\rr\tt\"\"\\\\";
	for (const char *s = shorts; *s; s += 2)
		if ((uint8_t)*s == c) {
			char two[2] = { '\\', s[1] };
			prs_buf_put(to, two, 2);
			return;
		}
	json_code(to, c < 0x80 ? c : 0xdc00u | c);
}

void report_json(struct prs_buf *to, const void *bytes, size_t n)
{
	const uint8_t *p = bytes;
	prs_buf_putc(to, '"');
	size_t plain = 0;
	for (size_t i = 0; i < n;) {
		unsigned code = 0, len = prs_utf8(p + i, n - i, &code);
		if (len > 0 && prs_is_plain(code) && code != '"' && code != '\\') {
			i += len;
			continue;
		}
		prs_buf_put(to, p + plain, i - plain);
		if (len > 1)
			json_code(to, code);
		else
			json_byte(to, p[i]);
		i += len ? len : 1;
		plain = i;
	}
	prs_buf_put(to, p + plain, n - plain);
	prs_buf_putc(to, '"');
}

void report_jsons(struct prs_buf *to, const char *s) { report_json(to, s, strlen(s)); }

void report_plain(struct prs_buf *to, const void *bytes, size_t n, size_t max)
{
	const uint8_t *p = bytes;
	bool cut = n > max;
	if (cut) { /* not within a character */
		n = max;
		for (unsigned i = 0; i < 3 && n > 0 && (p[n] & 0xc0) == 0x80; i++)
			n--;
	}
	prs_put_plain_bytes(to, p, n);
	if (cut)
		prs_buf_puts(to, "...");
}

void report_csv(struct prs_buf *to, const void *bytes, size_t n)
{
	const uint8_t *p = bytes;
	bool quote = false, plain = true;
	if (!n)
		return;
	for (size_t i = 0; i < n; i++) {
		bool marks = p[i] == '"', odd = (uint8_t)(p[i] - 0x20) >= 0x5f;
		quote |= marks | (p[i] == ',');
		plain &= !(marks | odd);
	}
	if (n > 0 && (p[0] == ' ' || p[n - 1] == ' '))
		quote = true;
	if (quote)
		prs_buf_putc(to, '"');
	if (plain)
		prs_buf_put(to, p, n);
	else if (quote)
		prs_put_quoted_bytes(to, p, n);
	else
		prs_put_plain_bytes(to, p, n);
	if (quote)
		prs_buf_putc(to, '"');
}

size_t report_first_line(const char *p, size_t n)
{
	const char *end = n ? memchr(p, '\n', n) : NULL;
	size_t len = end ? (size_t)(end - p) : n;
	return len > 0 && p[len - 1] == '\r' ? len - 1 : len;
}

void report_exit(struct prs_buf *to, uint32_t wait_status)
{
	int status = (int)wait_status;
	if (status == 0)
		return;
	if (WIFEXITED(status))
		prs_buf_putf(to, "exit status %d", WEXITSTATUS(status));
	else if (WIFSIGNALED(status))
		prs_buf_putf(to, "signal %d (%s)", WTERMSIG(status), strsignal(WTERMSIG(status)));
}
