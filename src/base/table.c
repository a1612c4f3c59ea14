/* SPDX-License-Identifier: Apache-2.0
 * table: the words of a table definition.
 */
#include "base/table.h"

#include <string.h>
#include <strings.h>

static const char *const format_names[] = { "delimited", "parquet", "jsonl" };
static const char *const encoding_names[] = { "utf8", "latin1", "windows1252", "utf16", "utf32" };

const char *prs_table_format_name(enum prs_table_format f) { return format_names[f]; }

const char *prs_encoding_name(enum prs_encoding e) { return encoding_names[e]; }

bool prs_encoding_find(const char *word, enum prs_encoding *ret)
{
	static const struct {
		const char *word;
		enum prs_encoding e;
	} words[] = {
		{ "utf8", PRS_ENCODING_UTF8 },       { "utf8bom", PRS_ENCODING_UTF8 },
		{ "ascii", PRS_ENCODING_UTF8 },      { "latin1", PRS_ENCODING_LATIN1 },
		{ "iso88591", PRS_ENCODING_LATIN1 }, { "windows1252", PRS_ENCODING_WINDOWS1252 },
		{ "utf16", PRS_ENCODING_UTF16 },     { "utf32", PRS_ENCODING_UTF32 },
	};
	for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
		if (strcmp(words[i].word, word))
			continue;
		*ret = words[i].e;
		return true;
	}
	return false;
}

bool prs_header_mode_find(const char *word, enum prs_header_mode *ret)
{
	static const char *const words[] = { "all_files_same_headers", "all_files_different_headers", "from_first_file",
		                             "no_header" };
	for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
		if (strcmp(words[i], word))
			continue;
		*ret = (enum prs_header_mode)i;
		return true;
	}
	return false;
}

/* ---- endings ----------------------------------------------------------------------------------------------------- */

static const struct prs_table_ending endings[] = {
	{ ".csv", "CSV", PRS_TABLE_DELIMITED, ',' },     { ".tsv", "TSV", PRS_TABLE_DELIMITED, '\t' },
	{ ".jsonl", "JSON lines", PRS_TABLE_JSONL, 0 },  { ".ndjson", "JSON lines", PRS_TABLE_JSONL, 0 },
	{ ".parquet", "Parquet", PRS_TABLE_PARQUET, 0 },
};
enum { ENDINGS = sizeof endings / sizeof *endings };

static bool ends(const char *name, size_t n, const char *ending)
{
	size_t k = strlen(ending);
	return n > k && !strncasecmp(name + n - k, ending, k);
}

const struct prs_table_ending *prs_table_ending(const char *name)
{
	const char *slash = strrchr(name, '/');
	name = slash ? slash + 1 : name;
	size_t n = strlen(name);
	if (ends(name, n, ".gz"))
		n -= strlen(".gz");
	else if (ends(name, n, ".zst"))
		n -= strlen(".zst");
	for (size_t i = 0; i < ENDINGS; i++)
		if (ends(name, n, endings[i].text))
			return &endings[i];
	return NULL;
}

bool prs_parquet_is_data(const char *name) { return name[0] != '_' && name[0] != '.'; }

const char *prs_table_kind(const struct prs_table_input *in)
{
	for (size_t i = 0; i < ENDINGS; i++)
		if (endings[i].format == in->format && endings[i].delimiter == in->delimiter)
			return endings[i].kind;
	return prs_table_format_name(in->format);
}
