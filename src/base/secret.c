/* SPDX-License-Identifier: Apache-2.0
 * secret: a name is cut into words, DB_PASSWORD, dbPassword and db-password alike, and asked for a few of them. Names
 * that only contain such a word (tokenizer, passwords_file) are no secrets: what is masked must be worth it, or nobody
 * would know what runs.
 */
#include "base/secret.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

enum { WORDS_MAX = 16, WORD_BYTES = 24 };

static const char mask[] = "***";

struct words {
	char v[WORDS_MAX][WORD_BYTES]; /* lower case, digits at the end taken off */
	size_t n;
};

/* "APIKey2" -> "api", "key" */
static void cut(struct words *w, const char *name, size_t n)
{
	size_t used = 0;
	w->n = 0;
	for (size_t i = 0; i <= n; i++) {
		unsigned char c = i < n ? (unsigned char)name[i] : 0, next = i + 1 < n ? (unsigned char)name[i + 1] : 0;
		bool before_lower = i > 0 && islower((unsigned char)name[i - 1]);
		bool begins = isupper(c) &&
		              (before_lower || (i > 0 && isupper((unsigned char)name[i - 1]) && islower(next)));
		if ((!isalnum(c) || begins) && used && w->n < WORDS_MAX) {
			while (used > 1 && isdigit((unsigned char)w->v[w->n][used - 1]))
				used--;
			w->v[w->n++][used] = 0;
			used = 0;
		}
		if (isalnum(c) && w->n < WORDS_MAX && used + 1 < WORD_BYTES)
			w->v[w->n][used++] = (char)tolower(c);
	}
}

static bool is_one_of(const char *word, const char *const *list, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (!strcmp(word, list[i]))
			return true;
	return false;
}

/* PGPASSWORD, authtoken: two words that are written as one. */
static bool ends_in_one_of(const char *word, const char *const *list, size_t n)
{
	size_t length = strlen(word);
	for (size_t i = 0; i < n; i++) {
		size_t part = strlen(list[i]);
		if (length >= part && !strcmp(word + length - part, list[i]))
			return true;
	}
	return false;
}

/* Equal but for case, and - for _. */
static bool same(const char *a, size_t n, const char *b)
{
	if (strlen(b) != n)
		return false;
	for (size_t i = 0; i < n; i++) {
		int x = tolower((unsigned char)a[i]), y = tolower((unsigned char)b[i]);
		if ((x == '-' ? '_' : x) != (y == '-' ? '_' : y))
			return false;
	}
	return true;
}

bool prs_is_secret(const char *name, size_t n, const struct prs_list *more)
{
	static const char *const words[] = { "passwords", "secrets", "sas", "credential", "credentials" };
	static const char *const ends[] = { "password", "passwd", "pwd",       "secret",
		                            "token",    "apikey", "accesskey", "accountkey" };
	static const char *const of_key[] = { "access", "account", "api" };
	struct words w;
	while (n && *name == '-')
		name++, n--;
	for (size_t i = 0; more && i < more->n; i++) {
		const char *given = more->v[i] + strspn(more->v[i], "-");
		if (same(name, n, given))
			return true;
	}
	cut(&w, name, n);
	for (size_t i = 0; i < w.n; i++)
		if (is_one_of(w.v[i], words, sizeof words / sizeof *words) ||
		    ends_in_one_of(w.v[i], ends, sizeof ends / sizeof *ends))
			return true;
	return w.n > 1 && !strcmp(w.v[w.n - 1], "key") &&
	       is_one_of(w.v[w.n - 2], of_key, sizeof of_key / sizeof *of_key);
}

/* ---- texts ------------------------------------------------------------------------------------------------------- */

static void put_mask(struct prs_buf *to, size_t n, bool wide)
{
	if (!wide)
		prs_buf_puts(to, mask);
	for (size_t i = 0; wide && i < n; i++)
		prs_buf_putc(to, '*');
}

static bool is_name_char(char c) { return isalnum((unsigned char)c) || (c && strchr("_-.", c)); }

/* Where the value begins that stands behind the name that ends at `at`, 0 = there is none; *ret_rest: it goes on to
 * the end of the line, blanks and all. */
static size_t value_at(const char *text, size_t n, size_t name, size_t at, bool *ret_rest)
{
	size_t i = at;
	*ret_rest = false;
	if (i < n && (text[i] == '"' || text[i] == '\''))
		i++;
	if (i < n && text[i] == '=')
		return i + 1;
	if (i < n && text[i] == ':') {
		*ret_rest = true;
		for (i++; i < n && (text[i] == ' ' || text[i] == '\t');)
			i++;
		return i < n && i > at + 1 && text[i] != '\n' ? i : 0;
	}
	for (; i == at && i < n && text[name] == '-' && (text[i] == ' ' || text[i] == '\t');)
		while (i < n && (text[i] == ' ' || text[i] == '\t'))
			i++;
	return i > at && i < n && strncmp(text + i, "--", n - i < 2 ? n - i : 2) != 0 ? i : 0;
}

/* The end of the value: of a quoted one its quote, else what ends a word, or the line. */
static size_t value_end(const char *text, size_t n, size_t from, bool rest)
{
	char quote = from > 0 && (text[from - 1] == '"' || text[from - 1] == '\'') ? text[from - 1] : 0;
	size_t i = from;
	for (; i < n && text[i] != '\n'; i++) {
		if (quote && text[i] == '\\' && i + 1 < n)
			i++;
		else if (quote ? text[i] == quote : !rest && strchr(" \t;&\"',", text[i]))
			break;
	}
	return i < n ? i : n;
}

/* "//user:password@host": the length of the password that begins behind `at`, which is at the first slash; 0 = none. */
static size_t url_password(const char *text, size_t n, size_t at, size_t *ret_from)
{
	size_t colon = 0;
	if (at + 2 >= n || strncmp(text + at, "//", 2) != 0)
		return 0;
	for (size_t i = at + 2; i < n && !strchr("/ \t\n\"'", text[i]); i++) {
		if (text[i] == ':' && !colon)
			colon = i;
		if (text[i] == '@' && colon) {
			*ret_from = colon + 1;
			return i - colon - 1;
		}
	}
	return 0;
}

/* sig= in the query of a URL: who has it may do what it signs. */
static bool is_signature(const char *text, size_t n, size_t i, size_t end)
{
	return end - i == 3 && !strncmp(text + i, "sig", 3) && i > 0 && strchr("?&", text[i - 1]) && end < n &&
	       text[end] == '=';
}

void prs_put_masked(struct prs_buf *to, const char *text, size_t n, const struct prs_list *more, bool wide)
{
	for (size_t i = 0; i < n;) {
		size_t end = i, from, length;
		bool rest;
		while (end < n && is_name_char(text[end]))
			end++;
		bool secret = end > i && (prs_is_secret(text + i, end - i, more) || is_signature(text, n, i, end));
		from = secret ? value_at(text, n, i, end, &rest) : 0;
		if (from) {
			from += from < n && (text[from] == '"' || text[from] == '\'');
			prs_buf_put(to, text + i, from - i);
			end = value_end(text, n, from, rest);
			put_mask(to, end - from, wide);
		} else if ((length = url_password(text, n, i, &from)) != 0) {
			prs_buf_put(to, text + i, from - i);
			put_mask(to, length, wide);
			end = from + length;
		} else {
			end += end == i;
			prs_buf_put(to, text + i, end - i);
		}
		i = end;
	}
}

void prs_put_masked_word(struct prs_buf *to, const struct prs_list *words, size_t i, const struct prs_list *more)
{
	const char *word = words->v[i], *before = i ? words->v[i - 1] : "";
	size_t name = strcspn(word, "=");
	bool value = before[0] == '-' && !strchr(before, '=') && strncmp(word, "--", 2) != 0 &&
	             prs_is_secret(before, strlen(before), more);
	if (value) {
		prs_buf_puts(to, mask);
	} else if (word[name] && prs_is_secret(word, name, more)) {
		prs_buf_put(to, word, name + 1);
		prs_buf_puts(to, mask);
	} else {
		prs_put_masked(to, word, strlen(word), more, false);
	}
}
