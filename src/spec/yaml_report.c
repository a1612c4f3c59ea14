/* SPDX-License-Identifier: Apache-2.0
 * yaml_report: sources and findings: lines, places, carets.
 */
#include "spec/yaml_impl.h"

#include "base/secret.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LINE_SHOWN = 120, SENTENCE_BYTES = 2000, FINDINGS_MAX = 1000 };

/* ---- sources ----------------------------------------------------------------------------------------------------- */

/* Room for one element more in an array of the document. */
static void *room(struct prs_yaml_doc *d, void *v, size_t n, size_t *cap, size_t size)
{
	if (n < *cap)
		return v;
	size_t want = *cap ? *cap * 2 : 8;
	void *grown = yaml_alloc(d, want * size);
	if (!grown)
		return v;
	if (n)
		memcpy(grown, v, n * size);
	*cap = want;
	return grown;
}

uint32_t yaml_add_source(struct prs_yaml_doc *d, const char *name, const char *dir, const uint8_t *bytes, size_t n)
{
	size_t bom = n >= 3 && !memcmp(bytes, "\xef\xbb\xbf", 3) ? 3 : 0, kept = n > PRS_YAML_BYTES_MAX ? 0 : n - bom;
	d->sources = room(d, d->sources, d->sources_n, &d->sources_cap, sizeof *d->sources);
	struct yaml_source s = { yaml_text(d, name, strlen(name)), yaml_text(d, dir, strlen(dir)),
		                 yaml_text(d, (const char *)bytes + bom, kept), kept, false };
	if (d->failed)
		return 0;
	d->sources[d->sources_n] = s;
	return (uint32_t)d->sources_n++;
}

/* Bytes of the line break at p, 0 = none. The breaks of YAML 1.1. */
static size_t line_break(const char *p, const char *end)
{
	const unsigned char *u = (const unsigned char *)p;
	size_t left = (size_t)(end - p);
	if (!left)
		return 0;
	if (u[0] == '\r')
		return left > 1 && u[1] == '\n' ? 2 : 1;
	if (u[0] == '\n')
		return 1;
	if (left > 1 && u[0] == 0xc2 && u[1] == 0x85)
		return 2;
	return left > 2 && u[0] == 0xe2 && u[1] == 0x80 && (u[2] == 0xa8 || u[2] == 0xa9) ? 3 : 0;
}

static bool is_start(char c) { return ((unsigned char)c & 0xc0) != 0x80; }

/* The line (from 1) without its break. */
static const char *line_of(const struct yaml_source *s, uint32_t line, size_t *ret_n)
{
	const char *p = s->text, *end = s->text + s->n;
	while (line > 1 && p < end) {
		size_t b = line_break(p, end);
		p += b ? b : 1;
		line -= b != 0;
	}
	const char *stop = p;
	while (stop < end && !line_break(stop, end))
		stop++;
	*ret_n = (size_t)(stop - p);
	return p;
}

struct prs_mark yaml_mark_at(const struct prs_yaml_doc *d, uint32_t source, size_t offset)
{
	const struct yaml_source *s = &d->sources[source];
	struct prs_mark at = { source, 1, 1, 1 };
	const char *p = s->text, *end = s->text + s->n, *stop = s->text + (offset < s->n ? offset : s->n);
	while (p < stop) {
		size_t b = line_break(p, end);
		if (b) {
			at.line++;
			at.column = 1;
		}
		at.column += !b && is_start(p[0]);
		p += b ? b : 1;
	}
	return at;
}

/* Where the column-th character of a line begins. */
static size_t byte_of(const char *line, size_t n, uint32_t column)
{
	size_t i = 0;
	for (uint32_t c = 1; c < column && i < n; c++)
		for (i++; i < n && !is_start(line[i]);)
			i++;
	return i;
}

char yaml_char_at(const struct prs_yaml_doc *d, struct prs_mark at)
{
	size_t n, i;
	const char *line = line_of(&d->sources[at.source], at.line, &n);
	i = byte_of(line, n, at.column);
	return i < n ? line[i] : 0;
}

bool yaml_line_has_tab(const struct prs_yaml_doc *d, struct prs_mark at)
{
	size_t n;
	const char *line = line_of(&d->sources[at.source], at.line, &n);
	for (size_t i = 0; i < n && (line[i] == ' ' || line[i] == '\t'); i++)
		if (line[i] == '\t')
			return true;
	return false;
}

bool yaml_colon_without_blank(const struct prs_yaml_doc *d, struct prs_mark at)
{
	size_t n, i = 0;
	const char *line = at.line > 1 ? line_of(&d->sources[at.source], at.line - 1, &n) : NULL;
	while (line && i < n && line[i] == ' ')
		i++;
	size_t word = line ? strspn(line + i, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_") : 0;
	return word && i + word + 1 < n && line[i + word] == ':' && !strchr(" \r\n/\\", line[i + word + 1]);
}

/* ---- bytes ------------------------------------------------------------------------------------------------------- */

bool yaml_check_bytes(struct prs_yaml_doc *d, uint32_t source, const uint8_t *bytes, size_t n)
{
	struct prs_mark whole = { source, 0, 0, 0 };
	if (n > PRS_YAML_BYTES_MAX) {
		prs_yaml_find(d, PRS_MISTAKE, whole, "larger than %d MiB: this is no job file",
		              PRS_YAML_BYTES_MAX >> 20);
		return false;
	}
	if (n >= 2 && ((bytes[0] == 0xff && bytes[1] == 0xfe) || (bytes[0] == 0xfe && bytes[1] == 0xff))) {
		prs_yaml_find(d, PRS_MISTAKE, whole, "the file is UTF-16: save it as UTF-8");
		return false;
	}
	const uint8_t *text = (const uint8_t *)d->sources[source].text;
	size_t left = d->sources[source].n;
	for (size_t i = 0, k; i < left; i += k) {
		k = prs_utf8(text + i, left - i, NULL);
		bool control = k == 1 && ((text[i] < 0x20 && text[i] != '\t' && text[i] != '\n' && text[i] != '\r') ||
		                          text[i] == 0x7f);
		if (k && !control)
			continue;
		const char *why = k ? "the control character 0x%02x is not allowed in YAML"
		                    : "the byte 0x%02x is not UTF-8: save the file as UTF-8";
		prs_yaml_find(d, PRS_MISTAKE, yaml_mark_at(d, source, i), why, text[i]);
		return false;
	}
	return true;
}

/* ---- places ------------------------------------------------------------------------------------------------------ */

const char *prs_yaml_dir(const struct prs_yaml_doc *d, const struct prs_yaml *n)
{
	return d->sources[n->at.source].dir;
}
const char *prs_yaml_file(const struct prs_yaml_doc *d, const struct prs_yaml *n)
{
	return d->sources[n->at.source].name;
}

const char *prs_yaml_where(struct prs_yaml_doc *d, struct prs_mark at)
{
	const struct yaml_source *s = &d->sources[at.source];
	PRS_AUTOBUF b;
	prs_buf_init(&b, 8192);
	prs_buf_puts(&b, s->name);
	if (at.line && !s->is_argument)
		prs_buf_putf(&b, ":%u:%u", at.line, at.column);
	const char *text = yaml_text(d, prs_buf_str(&b), b.len);
	return text ? text : "";
}

struct prs_mark prs_yaml_inside(const struct prs_yaml_doc *d, const struct prs_yaml *node, const char *needle,
                                unsigned n)
{
	struct prs_mark at = node->at;
	const struct yaml_source *s = &d->sources[at.source];
	for (uint32_t line = at.line; line && line <= node->end_line; line++) {
		size_t bytes;
		const char *text = line_of(s, line, &bytes);
		size_t from = line == at.line ? byte_of(text, bytes, at.column) : 0;
		for (const char *p; (p = memmem(text + from, bytes - from, needle, strlen(needle))) != NULL;
		     from = (size_t)(p - text) + 1) {
			if (n--)
				continue;
			struct prs_mark found = yaml_mark_at(d, at.source, (size_t)(p - s->text));
			found.width = 0;
			for (const char *q = needle; *q; q++)
				found.width += is_start(*q);
			return found;
		}
	}
	return at;
}

struct prs_mark prs_yaml_within(const struct prs_yaml_doc *d, struct prs_mark at, unsigned character)
{
	char first = at.line ? yaml_char_at(d, at) : 0;
	struct prs_mark within = at;
	if (!character || !first || first == '|' || first == '>')
		return at;
	within.column += character - 1 + (first == '\'' || first == '"');
	within.width = 1;
	return yaml_char_at(d, within) ? within : at;
}

/* ---- findings ---------------------------------------------------------------------------------------------------- */

void prs_yaml_find(struct prs_yaml_doc *d, enum prs_severity severity, struct prs_mark at, const char *fmt, ...)
{
	char text[SENTENCE_BYTES];
	va_list ap;
	va_start(ap, fmt);
	vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	if (d->findings_n == FINDINGS_MAX)
		return;
	for (unsigned char *p = (unsigned char *)text; *p; p++) /* no terminal sequences out of a job file */
		if (*p < 0x20 || *p == 0x7f)
			*p = ' ';
	d->findings = room(d, d->findings, d->findings_n, &d->findings_cap, sizeof *d->findings);
	struct yaml_finding f = { severity, at, yaml_text(d, text, strlen(text)) };
	for (size_t i = 0; i < d->findings_n; i++) /* the same thing through two ways */
		if (d->findings[i].severity == severity && !memcmp(&d->findings[i].at, &at, sizeof at) &&
		    !strcmp(d->findings[i].text, text))
			return;
	if (!d->failed)
		d->findings[d->findings_n++] = f;
}

unsigned prs_yaml_count(const struct prs_yaml_doc *d, enum prs_severity severity)
{
	unsigned n = 0;
	for (size_t i = 0; i < d->findings_n; i++)
		n += d->findings[i].severity == severity;
	return n;
}

static int by_place(const void *a, const void *b)
{
	const struct yaml_finding *x = *(struct yaml_finding *const *)a, *y = *(struct yaml_finding *const *)b;
	if (x->at.source != y->at.source)
		return x->at.source < y->at.source ? -1 : 1;
	if (x->at.line != y->at.line)
		return x->at.line < y->at.line ? -1 : 1;
	if (x->at.column != y->at.column)
		return x->at.column < y->at.column ? -1 : 1;
	return x < y ? -1 : x > y;
}

/* A piece of a line as it is shown: tabs stay, other control bytes do not. */
static void put_shown(struct prs_buf *to, const char *p, size_t n)
{
	for (size_t i = 0; i < n; i++)
		prs_buf_putc(to, ((unsigned char)p[i] < 0x20 && p[i] != '\t') || p[i] == 0x7f ? '?' : p[i]);
}

static void put_line(struct prs_yaml_doc *d, struct prs_mark at, struct prs_buf *to)
{
	const struct yaml_source *s = &d->sources[at.source];
	size_t n;
	const char *whole = line_of(s, at.line, &n);
	PRS_AUTOBUF masked;
	prs_buf_init(&masked, PRS_YAML_BYTES_MAX + 1);
	prs_put_masked(&masked, whole, n, NULL, true);
	const char *line = masked.failed ? "" : prs_buf_str(&masked);
	n = masked.failed ? 0 : n;
	uint32_t first = at.column > LINE_SHOWN * 3 / 4 ? at.column - LINE_SHOWN / 2 : 1;
	size_t from = byte_of(line, n, first), stop = byte_of(line, n, first + LINE_SHOWN),
	       caret = n ? byte_of(whole, n, at.column) : 0;
	if (s->is_argument)
		prs_buf_puts(to, "       | ");
	else
		prs_buf_putf(to, "%6u | ", at.line);
	prs_buf_puts(to, from ? "..." : "");
	put_shown(to, line + from, stop - from);
	prs_buf_puts(to, stop < n ? "...\n       | " : "\n       | ");
	prs_buf_puts(to, from ? "   " : "");
	for (size_t i = from; i < caret; i++)
		if (is_start(line[i]))
			prs_buf_putc(to, line[i] == '\t' ? '\t' : ' ');
	uint32_t left = 0;
	for (size_t i = caret; i < stop; i++)
		left += is_start(line[i]);
	for (uint32_t i = 0; i == 0 || (i < at.width && i < left); i++)
		prs_buf_putc(to, '^');
	prs_buf_putc(to, '\n');
}

/* In the order of the files; the array is the document's. */
static struct yaml_finding **sorted(struct prs_yaml_doc *d, enum prs_severity severity, size_t *ret_n)
{
	struct yaml_finding **v = yaml_alloc(d, (d->findings_n + 1) * sizeof *v);
	size_t n = 0;
	for (size_t i = 0; v && i < d->findings_n; i++)
		if (d->findings[i].severity == severity)
			v[n++] = &d->findings[i];
	if (n)
		qsort(v, n, sizeof *v, by_place);
	*ret_n = n;
	return v;
}

size_t prs_yaml_findings(struct prs_yaml_doc *d, enum prs_severity severity, const struct prs_finding **ret)
{
	size_t n;
	struct yaml_finding **v = sorted(d, severity, &n);
	struct prs_finding *found = yaml_alloc(d, (n + 1) * sizeof *found);
	for (size_t i = 0; found && i < n; i++) {
		const struct yaml_source *s = &d->sources[v[i]->at.source];
		bool placed = v[i]->at.line && !s->is_argument;
		found[i] = (struct prs_finding){ s->name, v[i]->text, placed ? v[i]->at.line : 0,
			                         placed ? v[i]->at.column : 0 };
	}
	*ret = found;
	return found ? n : 0;
}

void prs_yaml_print(struct prs_yaml_doc *d, enum prs_severity severity, struct prs_buf *to)
{
	size_t n;
	struct yaml_finding **v = sorted(d, severity, &n);
	for (size_t i = 0; i < n; i++) {
		prs_buf_putf(to, "%s: %s%s\n", prs_yaml_where(d, v[i]->at), severity == PRS_WARNING ? "warning: " : "",
		             v[i]->text);
		if (severity != PRS_IGNORED && v[i]->at.line)
			put_line(d, v[i]->at, to);
	}
}

void prs_yaml_print_ignored(const struct prs_yaml_doc *d, struct prs_buf *to)
{
	size_t start = to->len;
	for (size_t i = 0; i < d->findings_n; i++) {
		const struct yaml_finding *f = &d->findings[i];
		bool seen = f->severity != PRS_IGNORED;
		size_t n = strcspn(f->text, ":");
		for (size_t k = 0; k < i && !seen; k++)
			seen = d->findings[k].severity == PRS_IGNORED && !strncmp(d->findings[k].text, f->text, n + 1);
		if (seen)
			continue;
		prs_buf_puts(to, to->len > start ? ", " : "");
		prs_buf_put(to, f->text, n);
	}
}
