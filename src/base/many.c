/* SPDX-License-Identifier: Apache-2.0
 * many: the English of counts.
 */
#include "base/many.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

enum { DIGITS_MAX = 20 };

static size_t put_digits(char to[DIGITS_MAX + DIGITS_MAX / 3 + 1], uint64_t v)
{
	char digits[DIGITS_MAX + 1];
	size_t n = (size_t)snprintf(digits, sizeof digits, "%llu", (unsigned long long)v), at = 0;
	for (size_t i = 0; i < n; i++) {
		if (i > 0 && (n - i) % 3 == 0)
			to[at++] = ',';
		to[at++] = digits[i];
	}
	to[at] = 0;
	return at;
}

void prs_put_count(struct prs_buf *to, uint64_t v)
{
	char text[DIGITS_MAX + DIGITS_MAX / 3 + 1];
	prs_buf_put(to, text, put_digits(text, v));
}

static bool ends(const char *word, size_t n, const char *with)
{
	size_t m = strlen(with);
	return n >= m && !memcmp(word + n - m, with, m);
}

/* What a word loses and gets when there are several. */
static const char *plural_end(const char *word, size_t n, size_t *ret_less)
{
	static const char *const hissing[] = { "ch", "sh", "s", "x" };
	*ret_less = 0;
	for (size_t i = 0; i < sizeof hissing / sizeof *hissing; i++)
		if (ends(word, n, hissing[i]))
			return "es";
	if (n < 2 || word[n - 1] != 'y' || strchr("aeiou", word[n - 2]))
		return "s";
	*ret_less = 1;
	return "ies";
}

struct prs_many prs_many(uint64_t n, const char *noun)
{
	struct prs_many to;
	char digits[DIGITS_MAX + DIGITS_MAX / 3 + 1];
	size_t length = strlen(noun), less = 0;
	const char *end = n == 1 ? "" : plural_end(noun, length, &less);
	put_digits(digits, n);
	snprintf(to.text, sizeof to.text, "%s %.*s%s", digits, (int)(length - less), noun, end);
	return to;
}

void prs_put_many(struct prs_buf *to, uint64_t n, const char *noun) { prs_buf_puts(to, prs_many(n, noun).text); }
