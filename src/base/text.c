/* SPDX-License-Identifier: Apache-2.0
 * text: what is plain is copied in runs; every other character becomes an escape of ASCII alone.
 */
#include "base/text.h"

#include <string.h>

static const char hex[] = "0123456789abcdef";

/* What the first byte of a character says about its length; 0 = it begins none. */
static unsigned announced(uint8_t first)
{
	static const struct {
		uint8_t from, to, n;
	} rows[] = { { 0x00, 0x7f, 1 }, { 0xc2, 0xdf, 2 }, { 0xe0, 0xef, 3 }, { 0xf0, 0xf4, 4 } };
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		if (first >= rows[i].from && first <= rows[i].to)
			return rows[i].n;
	return 0;
}

unsigned prs_utf8(const uint8_t *p, size_t n, unsigned *ret_code)
{
	static const unsigned first_of_length[] = { 0, 0, 0x80, 0x800, 0x10000 };
	unsigned len = n ? announced(p[0]) : 0;
	if (len == 0 || n < len)
		return 0;
	unsigned code = len == 1 ? p[0] : p[0] & (0x7fu >> len);
	for (unsigned i = 1; i < len; i++) {
		if ((p[i] & 0xc0) != 0x80)
			return 0;
		code = code << 6 | (p[i] & 0x3f);
	}
	if (code < first_of_length[len] || (code >= 0xd800 && code < 0xe000) || code > 0x10ffff)
		return 0;
	if (ret_code)
		*ret_code = code;
	return len;
}

void prs_put_utf8(struct prs_buf *to, unsigned code)
{
	unsigned more = 0; /* bytes behind the first */
	if (code >= 0x80)
		more = code < 0x800 ? 1 : 2 + (code >= 0x10000);
	static const uint8_t leads[] = { 0, 0xc0, 0xe0, 0xf0 };
	prs_buf_putc(to, (char)(leads[more] | code >> 6 * more));
	while (more--)
		prs_buf_putc(to, (char)(0x80 | (code >> 6 * more & 0x3f)));
}

bool prs_is_plain(unsigned c)
{
	if (c < 0x80)
		return c >= 0x20 && c != 0x7f;
	return c >= 0xa0 && !(c >= 0x2028 && c <= 0x202e) && !(c >= 0x2066 && c <= 0x2069);
}

static void put_code(struct prs_buf *to, unsigned c)
{
	const char six[] = { '\\', 'u', hex[c >> 12 & 15], hex[c >> 8 & 15], hex[c >> 4 & 15], hex[c & 15] };
	prs_buf_put(to, six, sizeof six);
}

static void put_byte(struct prs_buf *to, uint8_t c)
{
	static const struct {
		char c, letter;
	} rows[] = { { '\n', 'n' }, { '\r', 'r' }, { '\t', 't' } };
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		if ((char)c == rows[i].c) {
			const char two[] = { '\\', rows[i].letter };
			prs_buf_put(to, two, sizeof two);
			return;
		}
	const char four[] = { '\\', 'x', hex[c >> 4], hex[c & 15] };
	prs_buf_put(to, four, sizeof four);
}

/* How a text is put: ASCII that is copied though it is not plain; a character that is put twice (0 = none); control
 * characters as \u001b, as JSON has them, and not as \x1b. */
struct form {
	const char *stays;
	char doubled;
	bool json;
};

static bool is_copied(const struct form *f, unsigned code)
{
	if (code < 0x80 && f->doubled && code == (unsigned char)f->doubled)
		return false;
	return prs_is_plain(code) || (code && code < 0x80 && strchr(f->stays, (int)code));
}

static void put_escape(struct prs_buf *to, const struct form *f, const uint8_t *p, unsigned len, unsigned code)
{
	if (len && f->doubled && code == (unsigned char)f->doubled)
		prs_buf_put(to, (const char[]){ f->doubled, f->doubled }, 2);
	else if (len > 1 || f->json)
		put_code(to, len ? code : 0xfffd);
	else
		put_byte(to, *p);
}

static void put_text(struct prs_buf *to, const void *bytes, size_t n, const struct form *f)
{
	const uint8_t *p = bytes;
	size_t copied = 0;
	for (size_t i = 0; i < n;) {
		unsigned code = 0, len = prs_utf8(p + i, n - i, &code), step = len ? len : 1;
		if (!len || !is_copied(f, code)) {
			prs_buf_put(to, p + copied, i - copied);
			put_escape(to, f, p + i, len, code);
			copied = i + step;
		}
		i += step;
	}
	prs_buf_put(to, p + copied, n - copied);
}

void prs_put_plain_bytes(struct prs_buf *to, const void *bytes, size_t n)
{
	put_text(to, bytes, n, &(struct form){ "", 0, false });
}

void prs_put_plain(struct prs_buf *to, const char *text) { prs_put_plain_bytes(to, text, strlen(text)); }

void prs_put_quoted_bytes(struct prs_buf *to, const void *bytes, size_t n)
{
	put_text(to, bytes, n, &(struct form){ "", '"', false });
}

void prs_put_lines(struct prs_buf *to, const char *text)
{
	put_text(to, text, strlen(text), &(struct form){ "\n\t", 0, false });
}

void prs_put_json_text(struct prs_buf *to, const char *text)
{
	put_text(to, text, strlen(text), &(struct form){ "\n\t", 0, true });
}
