/* SPDX-License-Identifier: Apache-2.0
 * escape: bytes that anybody may have chosen (file names, messages) as JSON strings, CSV fields and log text.
 */
#include "report/impl.h"

#include <signal.h>
#include <sys/wait.h>

static const char hex[] = "0123456789abcdef";

unsigned report_utf8(const uint8_t *p, size_t n)
{
	uint8_t c = p[0];
	if (c < 0x80)
		return 1;
	unsigned len = c >= 0xc2 && c < 0xe0 ? 2 : c >= 0xe0 && c < 0xf0 ? 3 : c >= 0xf0 && c < 0xf5 ? 4 : 0;
	if (len == 0 || n < len)
		return 0;
	for (unsigned i = 1; i < len; i++)
		if ((p[i] & 0xc0) != 0x80)
			return 0;
	/* overlong, surrogates, above U+10FFFF */
	if ((c == 0xe0 && p[1] < 0xa0) || (c == 0xed && p[1] > 0x9f) || (c == 0xf0 && p[1] < 0x90) ||
	    (c == 0xf4 && p[1] > 0x8f))
		return 0;
	return len;
}

/* Put \u00XX, or one of the short escapes. */
static void json_control(struct prs_buf *to, uint8_t c)
{
	static const char shorts[] = "\bb\ff\nn\rr\tt\"\"\\\\";
	for (const char *s = shorts; *s; s += 2)
		if ((uint8_t)*s == c) {
			char two[2] = { '\\', s[1] };
			prs_buf_put(to, two, 2);
			return;
		}
	char six[6] = { '\\', 'u', c >= 0x80 ? 'd' : '0', c >= 0x80 ? 'c' : '0', hex[c >> 4], hex[c & 15] };
	prs_buf_put(to, six, 6);
}

void report_json(struct prs_buf *to, const void *bytes, size_t n)
{
	const uint8_t *p = bytes;
	prs_buf_putc(to, '"');
	size_t plain = 0;
	for (size_t i = 0; i < n;) {
		uint8_t c = p[i];
		unsigned len = c < 0x20 || c == '"' || c == '\\' || c == 0x7f ? 0 : report_utf8(p + i, n - i);
		if (len > 0) {
			i += len;
			continue;
		}
		prs_buf_put(to, p + plain, i - plain);
		json_control(to, c);
		plain = ++i;
	}
	prs_buf_put(to, p + plain, n - plain);
	prs_buf_putc(to, '"');
}

void report_jsons(struct prs_buf *to, const char *s) { report_json(to, s, strlen(s)); }

static void plain_byte(struct prs_buf *to, uint8_t c)
{
	const char *two = c == '\n' ? "\\n" : c == '\r' ? "\\r" : c == '\t' ? "\\t" : NULL;
	if (two) {
		prs_buf_put(to, two, 2);
		return;
	}
	char four[4] = { '\\', 'x', hex[c >> 4], hex[c & 15] };
	prs_buf_put(to, four, 4);
}

/* Text on one line; with `twice` a quote is doubled. */
static void put_plain(struct prs_buf *to, const uint8_t *p, size_t n, bool twice)
{
	size_t plain = 0;
	for (size_t i = 0; i < n;) {
		uint8_t c = p[i];
		unsigned len = c < 0x20 || c == 0x7f ? 0 : report_utf8(p + i, n - i);
		if (len > 0 && !(twice && c == '"')) {
			i += len;
			continue;
		}
		prs_buf_put(to, p + plain, i - plain);
		if (len > 0)
			prs_buf_put(to, "\"\"", 2);
		else
			plain_byte(to, c);
		plain = ++i;
	}
	prs_buf_put(to, p + plain, n - plain);
}

void report_plain(struct prs_buf *to, const void *bytes, size_t n, size_t max)
{
	const uint8_t *p = bytes;
	bool cut = n > max;
	if (cut) { /* not within a character */
		n = max;
		for (unsigned i = 0; i < 3 && n > 0 && (p[n] & 0xc0) == 0x80; i++)
			n--;
	}
	put_plain(to, p, n, false);
	if (cut)
		prs_buf_puts(to, "...");
}

void report_csv(struct prs_buf *to, const void *bytes, size_t n)
{
	const uint8_t *p = bytes;
	bool quote = false, plain = true;
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
	else
		put_plain(to, p, n, quote);
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
