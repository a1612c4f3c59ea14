/* SPDX-License-Identifier: Apache-2.0
 * hive: the folders of a path are looked through from its end, one key after the other.
 */
#include "base/hive.h"

#include <string.h>

static const char null_name[] = "__HIVE_DEFAULT_PARTITION__";

static int digit_of(char c)
{
	static const char digits[] = "0123456789abcdef";
	const char *at = c ? strchr(digits, c >= 'A' && c <= 'F' ? c + ('a' - 'A') : c) : NULL;
	return at ? (int)(at - digits) : -1;
}

/* %41: its byte; -1: that is no such. A NUL would end the text. */
static int byte_of(const char *p, size_t n)
{
	if (n < 3 || *p != '%' || digit_of(p[1]) < 0 || digit_of(p[2]) < 0)
		return -1;
	int byte = digit_of(p[1]) * 16 + digit_of(p[2]);
	return byte ? byte : -1;
}

static void put_decoded(struct prs_buf *to, const char *p, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		int byte = byte_of(p + i, n - i);
		prs_buf_putc(to, byte < 0 ? p[i] : (char)byte);
		i += byte < 0 ? 0 : 2;
	}
}

int prs_hive_put_value(struct prs_buf *to, const char *p, size_t n)
{
	if (n == sizeof null_name - 1 && !memcmp(p, null_name, n)) {
		prs_buf_putc(to, 'n');
	} else {
		prs_buf_putc(to, 's');
		put_decoded(to, p, n);
	}
	return prs_buf_putc(to, 0);
}

/* The value of the folder p[0..n) when it is named key=value; NULL: it is not. */
static const char *value_in(const char *key, const char *p, size_t n)
{
	size_t at = 0;
	for (; *key; key++) {
		int byte = byte_of(p + at, n - at);
		char c = byte < 0 && at < n ? p[at] : (char)byte;
		if (at >= n || c != *key)
			return NULL;
		at += byte < 0 ? 1 : 3;
	}
	return at < n && p[at] == '=' ? p + at + 1 : NULL;
}

/* The deepest folder with that key; the name of the file is none. */
static const char *find(const char *key, const char *path, size_t *ret_n)
{
	const char *end = strrchr(path, '/');
	while (end && end > path) {
		const char *begin = end;
		while (begin > path && begin[-1] != '/')
			begin--;
		const char *value = value_in(key, begin, (size_t)(end - begin));
		if (value) {
			*ret_n = (size_t)(end - value);
			return value;
		}
		end = begin > path ? begin - 1 : NULL;
	}
	return NULL;
}

int prs_hive_match(const struct prs_list *keys, const char *path, struct prs_buf *to, size_t *ret_missing)
{
	size_t from = to->len, n;
	for (size_t i = 0; i < keys->n; i++) {
		const char *value = find(keys->v[i], path, &n);
		if (!value) {
			to->len = from;
			*ret_missing = i;
			return 0;
		}
		prs_buf_put(to, keys->v[i], strlen(keys->v[i]) + 1);
		prs_hive_put_value(to, value, n);
	}
	return to->failed ? to->failed : 1;
}
