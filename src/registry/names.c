/* SPDX-License-Identifier: Apache-2.0
 * names: any text is the name of something; as the name of a file bytes outside A-Za-z0-9._- and a leading dot are
 * percent-encoded.
 */
#include "registry/impl.h"

#include "base/mem.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

static const char digits[] = "0123456789ABCDEF";

static bool is_plain(char c, bool first)
{
	static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-";
	return (c == '.' && !first) || (c && strchr(plain, c));
}

char *reg_encode(const char *name)
{
	char *made = prs_malloc(3 * strlen(name) + 1), *to = made;
	for (const char *p = name; made && *p; p++) {
		if (is_plain(*p, p == name)) {
			*to++ = *p;
			continue;
		}
		*to++ = '%';
		*to++ = digits[(unsigned char)*p >> 4];
		*to++ = digits[(unsigned char)*p & 15];
	}
	if (made)
		*to = 0;
	return made;
}

static int digit(char c)
{
	const char *at = c ? strchr(digits, c) : NULL;
	return at ? (int)(at - digits) : -1;
}

char *reg_decode(const char *file, size_t n)
{
	char *made = prs_malloc(n + 1), *to = made;
	bool good = made && n;
	for (size_t i = 0; good && i < n; i++) {
		if (file[i] != '%') {
			good = is_plain(file[i], i == 0);
			*to++ = file[i];
			continue;
		}
		int high = i + 2 < n ? digit(file[i + 1]) : -1, low = i + 2 < n ? digit(file[i + 2]) : -1;
		char c = (char)(high << 4 | low);
		good = high >= 0 && low >= 0 && c && !is_plain(c, i == 0);
		*to++ = c;
		i += 2;
	}
	if (good) {
		*to = 0;
		return made;
	}
	free(made);
	return NULL;
}

int reg_random(char to[REG_RANDOM], struct prs_err *err)
{
	unsigned char bytes[REG_RANDOM / 2];
	if (getrandom(bytes, sizeof bytes, 0) != (ssize_t)sizeof bytes)
		return prs_fail_errno(err, errno, "random numbers");
	for (size_t i = 0; i < sizeof bytes; i++)
		snprintf(to + 2 * i, 3, "%02x", bytes[i]);
	return 0;
}

void reg_nearest(char *to, size_t n, const char *name, const struct prs_list *names)
{
	const char *near = NULL;
	unsigned least = 4;
	for (size_t i = 0; i < names->n; i++) {
		unsigned far = prs_distance(name, names->v[i]);
		if (far < least && far < strlen(names->v[i])) {
			least = far;
			near = names->v[i];
		}
	}
	to[0] = 0;
	if (near)
		snprintf(to, n, "; did you mean %.200s?", near);
}
