/* SPDX-License-Identifier: Apache-2.0
 * names: patterns are filled in from left to right; what does not fit is said, never cut in silence.
 */
#include "wire/names.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char process[] = "process";

size_t prs_process_name(char to[PRS_PROCESS_NAME_BYTES], unsigned slot)
{
	return (size_t)snprintf(to, PRS_PROCESS_NAME_BYTES, "%s%03u", process, slot & 0xffff);
}

int prs_process_number(const char *word)
{
	const char *digits = strncmp(word, process, sizeof process - 1) ? word : word + sizeof process - 1;
	char *end;
	if (digits[0] < '0' || digits[0] > '9')
		return -1;
	unsigned long number = strtoul(digits, &end, 10);
	return *end || number > 0xffff ? -1 : (int)number;
}

struct out {
	char *to;
	size_t n, at;
	bool fits;
};

static void put(struct out *o, const char *text, size_t bytes)
{
	size_t room = o->n - 1 - o->at, take = bytes < room ? bytes : room;
	memcpy(o->to + o->at, text, take);
	o->at += take;
	o->fits = o->fits && take == bytes;
}

static bool takes(const char **pattern, const char *word)
{
	size_t n = strlen(word);
	if (strncmp(*pattern, word, n) != 0)
		return false;
	*pattern += n;
	return true;
}

static void fill(struct out *o, const char *pattern, const char *ip, const char *name)
{
	while (*pattern) {
		if (takes(&pattern, "<ip>"))
			put(o, ip, strlen(ip));
		else if (takes(&pattern, "<process>"))
			put(o, name, strlen(name));
		else
			put(o, pattern++, 1);
	}
	o->to[o->at] = 0;
}

bool prs_log_name(char *to, size_t n, const char *pattern, const char *ip, const char *name)
{
	struct out o = { to, n, 0, true };
	fill(&o, pattern, ip, name);
	return o.fits;
}

bool prs_log_path(char *to, size_t n, const char *dir, const char *pattern, const char *ip, const char *name)
{
	struct out o = { to, n, 0, true };
	put(&o, dir, strlen(dir));
	put(&o, "/logs/", 6);
	fill(&o, pattern, ip, name);
	return o.fits;
}

void prs_page_path(char *to, size_t n, const char *dir, unsigned node, unsigned slot)
{
	snprintf(to, n, "%s/work/page/%u-%u", dir, node, slot);
}

bool prs_is_page_name(const char *name)
{
	size_t first = strspn(name, "0123456789");
	if (!first || !name[first])
		return first != 0;
	const char *second = name + first + 1;
	size_t digits = strspn(second, "0123456789");
	return name[first] == '-' && digits && !second[digits];
}

const char *prs_spool_name(char to[PRS_SPOOL_NAME_BYTES], uint32_t epoch, unsigned input)
{
	snprintf(to, PRS_SPOOL_NAME_BYTES, "spool-%u-%u", epoch, input);
	return to;
}
