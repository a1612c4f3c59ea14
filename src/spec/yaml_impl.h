/* SPDX-License-Identifier: Apache-2.0
 * yaml_impl: what yaml.c and yaml_report.c share.
 */
#ifndef PRS_SPEC_YAML_IMPL_H
#define PRS_SPEC_YAML_IMPL_H

#include "spec/yaml.h"

#include "base/mem.h"
#include "base/text.h"

enum { YAML_CHUNK_BYTES = 64 << 10 };

struct chunk;

struct yaml_source {
	const char *name, *dir, *text; /* text without the byte order mark; ends with a NUL */
	size_t n;
	bool is_argument; /* of the command line: no line numbers */
};

struct yaml_finding {
	enum prs_severity severity;
	struct prs_mark at;
	const char *text;
};

struct prs_yaml_doc {
	struct chunk *chunks;
	struct yaml_source *sources;
	size_t sources_n, sources_cap;
	struct yaml_finding *findings;
	size_t findings_n, findings_cap;
	bool failed;
};

void *yaml_alloc(struct prs_yaml_doc *d, size_t n); /* zeroed; NULL sets failed */
char *yaml_text(struct prs_yaml_doc *d, const char *text, size_t n);
uint32_t yaml_add_source(struct prs_yaml_doc *d, const char *name, const char *dir, const uint8_t *bytes, size_t n);
/* Size, UTF-8, control characters: false and a finding when it cannot be YAML. */
bool yaml_check_bytes(struct prs_yaml_doc *d, uint32_t source, const uint8_t *bytes, size_t n);
/* Line and column of a byte. */
struct prs_mark yaml_mark_at(const struct prs_yaml_doc *d, uint32_t source, size_t offset);
char yaml_char_at(const struct prs_yaml_doc *d, struct prs_mark at); /* 0 at the end of a line */
/* The line above: "key:value"? */
bool yaml_colon_without_blank(const struct prs_yaml_doc *d, struct prs_mark at);
bool yaml_line_has_tab(const struct prs_yaml_doc *d, struct prs_mark at);

#endif
