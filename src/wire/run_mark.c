/* SPDX-License-Identifier: Apache-2.0
 * run_mark: decimal numbers between dots. A text that is no mark down to the last digit is none: it decides what is
 * killed.
 */
#include "wire/run_mark.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum { ID_DIGITS = 32 };

void prs_run_mark_put(char to[PRS_RUN_MARK_BYTES], const struct prs_run_mark *m)
{
	for (int i = 0; i < ID_DIGITS / 2; i++)
		snprintf(to + 2 * i, 3, "%02x", m->run.bytes[i]);
	snprintf(to + ID_DIGITS, PRS_RUN_MARK_BYTES - ID_DIGITS, ".%" PRIu64 ".%" PRIu32 ".%" PRIu16 ".%" PRIu32,
	         m->ino, m->epoch, m->node, m->incarnation);
}

static int hex_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static bool get_id(const char **at, struct prs_run_id *ret)
{
	for (int i = 0; i < ID_DIGITS / 2; i++) {
		int high = hex_value((*at)[0]), low = high < 0 ? -1 : hex_value((*at)[1]);
		if (low < 0)
			return false;
		ret->bytes[i] = (uint8_t)(high << 4 | low);
		*at += 2;
	}
	return true;
}

/* A dot and a number without leading zeros, at most `max`. */
static bool get_number(const char **at, uint64_t max, uint64_t *ret)
{
	const char *p = *at;
	uint64_t n = 0;
	if (*p++ != '.' || *p < '0' || *p > '9' || (*p == '0' && p[1] >= '0' && p[1] <= '9'))
		return false;
	for (; *p >= '0' && *p <= '9'; p++) {
		uint64_t digit = (uint64_t)(*p - '0');
		if (n > (max - digit) / 10)
			return false;
		n = n * 10 + digit;
	}
	*ret = n;
	*at = p;
	return true;
}

bool prs_run_mark_get(const char *text, struct prs_run_mark *ret)
{
	struct prs_run_mark m = { .ino = 0 };
	uint64_t epoch, node, incarnation;
	if (!get_id(&text, &m.run) || !get_number(&text, UINT64_MAX, &m.ino) ||
	    !get_number(&text, UINT32_MAX, &epoch) || !get_number(&text, UINT16_MAX, &node) ||
	    !get_number(&text, UINT32_MAX, &incarnation))
		return false;
	m.epoch = (uint32_t)epoch;
	m.node = (uint16_t)node;
	m.incarnation = (uint32_t)incarnation;
	*ret = m;
	return true;
}

bool prs_run_mark_is_older(const struct prs_run_mark *m, const struct prs_run_mark *than)
{
	if (memcmp(&m->run, &than->run, sizeof m->run) != 0 || m->ino != than->ino)
		return false;
	if (m->epoch != than->epoch)
		return m->epoch < than->epoch;
	return m->node == than->node && m->incarnation < than->incarnation;
}
