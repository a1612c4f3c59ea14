/* SPDX-License-Identifier: Apache-2.0
 * text: digits, times and literals written straight into memory. Header only: the lines of a mini-batch are the hot
 * path of report/.
 *
 * Every function writes at p, without a closing 0, and returns what lies behind. The caller has reserved enough.
 */
#ifndef PRS_REPORT_TEXT_H
#define PRS_REPORT_TEXT_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* Most characters of one number, time or seconds. */
enum { TEXT_U64 = 20, TEXT_ISO = 27, TEXT_LOG_TIME = 23, TEXT_SECONDS = 22 };

/* The date that was asked for last: the next record is nearly always of the same day. */
struct text_day {
	uint64_t day; /* since 1970-01-01, + 1; 0 = none */
	char text[10];
};

#define TEXT_PUT(p, literal) text_bytes((p), "" literal, sizeof(literal) - 1)

static inline char *text_bytes(char *p, const void *from, size_t n)
{
	memcpy(p, from, n);
	return p + n;
}

static inline char *text_2(char *p, unsigned v)
{
	p[0] = (char)('0' + v / 10);
	p[1] = (char)('0' + v % 10);
	return p + 2;
}

static inline char *text_3(char *p, unsigned v)
{
	p[0] = (char)('0' + v / 100);
	return text_2(p + 1, v % 100);
}

static inline char *text_u64(char *p, uint64_t v)
{
	if (v < 10) {
		*p = (char)('0' + v);
		return p + 1;
	}
	char digits[TEXT_U64];
	unsigned at = sizeof digits;
	while (v >= 100) {
		at -= 2;
		text_2(digits + at, (unsigned)(v % 100));
		v /= 100;
	}
	if (v >= 10) {
		at -= 2;
		text_2(digits + at, (unsigned)v);
	} else {
		digits[--at] = (char)('0' + v);
	}
	return text_bytes(p, digits + at, sizeof digits - at);
}

static inline char *text_6(char *p, unsigned v)
{
	p = text_2(p, v / 10000);
	p = text_2(p, v / 100 % 100);
	return text_2(p, v % 100);
}

/* 1234567 µs -> "1.234567" */
static inline char *text_seconds(char *p, uint64_t us)
{
	p = text_u64(p, us / 1000000);
	*p++ = '.';
	return text_6(p, (unsigned)(us % 1000000));
}

/* Days since 1970-01-01 -> "YYYY-MM-DD": years that begin in March, eras of 400 years. */
static inline void text_civil(char *p, uint64_t days)
{
	uint64_t z = days + 719468;
	uint64_t era = z / 146097;
	unsigned doe = (unsigned)(z - era * 146097);
	unsigned yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
	unsigned doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
	unsigned mp = (5 * doy + 2) / 153;
	unsigned day = doy - (153 * mp + 2) / 5 + 1;
	unsigned month = mp < 10 ? mp + 3 : mp - 9;
	unsigned year = (unsigned)(yoe + era * 400) + (month <= 2);
	p = text_2(p, year / 100);
	p = text_2(p, year % 100);
	*p++ = '-';
	p = text_2(p, month);
	*p++ = '-';
	text_2(p, day);
}

/* "YYYY-MM-DD<sep>HH:MM:SS"; times behind the year 9999 are shown as its end. Returns the µs within the second in
 * *ret_us. */
static inline char *text_time(struct text_day *cache, char *p, uint64_t wall_us, char sep, unsigned *ret_us)
{
	if (wall_us > UINT64_C(253402300799999999))
		wall_us = UINT64_C(253402300799999999);
	uint64_t seconds = wall_us / 1000000, day = seconds / 86400;
	unsigned in_day = (unsigned)(seconds % 86400);
	if (cache->day != day + 1) {
		text_civil(cache->text, day);
		cache->day = day + 1;
	}
	p = text_bytes(p, cache->text, 10);
	*p++ = sep;
	p = text_2(p, in_day / 3600);
	*p++ = ':';
	p = text_2(p, in_day / 60 % 60);
	*p++ = ':';
	p = text_2(p, in_day % 60);
	*ret_us = (unsigned)(wall_us % 1000000);
	return p;
}

/* "2026-01-02T03:04:05.123456Z" */
static inline char *text_iso(struct text_day *cache, char *p, uint64_t wall_us)
{
	unsigned us;
	p = text_time(cache, p, wall_us, 'T', &us);
	*p++ = '.';
	p = text_6(p, us);
	*p++ = 'Z';
	return p;
}

/* "2026-01-02 03:04:05,123" */
static inline char *text_log_time(struct text_day *cache, char *p, uint64_t wall_us)
{
	unsigned us;
	p = text_time(cache, p, wall_us, ' ', &us);
	*p++ = ',';
	return text_3(p, us / 1000);
}

#endif
