/* SPDX-License-Identifier: Apache-2.0
 * yaml: job files as a tree in which every node knows its place, and the findings about them.
 *
 * A document holds one or more files (a pipeline, the component it names, an MLTable), their nodes and what was found.
 * Findings are printed as file:line:column, the line itself and a caret. Bytes come from outside: size, depth and
 * number of nodes are limited. Plain scalars are typed by the rules of YAML 1.1, as the original's loader does (`no`
 * is false, 010 is 8, 1:30 is 90). Ownership: everything belongs to the document. Out of memory: doc->failed, the rest
 * of the calls do nothing.
 */
#ifndef PRS_SPEC_YAML_H
#define PRS_SPEC_YAML_H

#include "base/buf.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { PRS_YAML_BYTES_MAX = 4 << 20, PRS_YAML_DEPTH_MAX = 64, PRS_YAML_NODES_MAX = 200000 };

enum prs_yaml_kind { PRS_YAML_SCALAR, PRS_YAML_LIST, PRS_YAML_MAP };
enum prs_yaml_type { PRS_YAML_NULL, PRS_YAML_BOOL, PRS_YAML_INT, PRS_YAML_FLOAT, PRS_YAML_TEXT };

/* Where a node begins: line and column from 1, in characters; line 0 = the whole file. */
struct prs_mark {
	uint32_t source, line, column, width;
};

struct prs_yaml {
	enum prs_yaml_kind kind;
	enum prs_yaml_type type; /* of a scalar */
	bool plain;              /* scalar without quotes */
	struct prs_mark at;
	uint32_t end_line;
	const char *text;        /* scalar: as written; never NULL */
	const char *value;       /* scalar: what it means: "True", "8", "0.1"; the text itself for TEXT; "" for NULL */
	struct prs_yaml **keys;  /* map: n scalars; else NULL */
	struct prs_yaml **items; /* list: n items; map: n values */
	size_t n, cap;
};

enum prs_severity { PRS_MISTAKE, PRS_WARNING, PRS_IGNORED };

struct prs_yaml_doc;

struct prs_yaml_doc *prs_yaml_doc_new(void);
void prs_yaml_doc_free(struct prs_yaml_doc *d);
bool prs_yaml_failed(const struct prs_yaml_doc *d); /* out of memory */

/* Reads one file. `name` as the user wrote it (shown), `dir` the folder that relative paths in it start from. NULL
 * when it cannot be read as YAML with a map on top: the mistakes are among the findings. */
struct prs_yaml *prs_yaml_read(struct prs_yaml_doc *d, const char *name, const char *dir, const uint8_t *bytes,
                               size_t n);
/* A single value given on the command line: `name` = "--set a.b", `text` what stands behind the `=`. Text that is
 * no YAML is itself. */
struct prs_yaml *prs_yaml_value(struct prs_yaml_doc *d, const char *name, const char *dir, const char *text);
/* "a.b.c" set to `value`: maps on the way are made. A list is entered by a number; a dot in a key is written \.,
 * which a key that is there does not need. */
void prs_yaml_set(struct prs_yaml_doc *d, struct prs_yaml *root, const char *path, struct prs_yaml *value);

/* The value of a key, NULL when it is not there. `path` may be dotted. */
struct prs_yaml *prs_yaml_get(const struct prs_yaml *map, const char *path);
/* The value of that very key, whatever dots it has: for keys that a file gives. */
struct prs_yaml *prs_yaml_at(const struct prs_yaml *map, const char *key);
/* The node of the key itself (for findings). */
const struct prs_yaml *prs_yaml_key(const struct prs_yaml *map, const char *key);
const char *prs_yaml_dir(const struct prs_yaml_doc *d, const struct prs_yaml *node);
const char *prs_yaml_file(const struct prs_yaml_doc *d, const struct prs_yaml *node);
/* "job.yml:12:5" */
const char *prs_yaml_where(struct prs_yaml_doc *d, struct prs_mark at);
/* "a text", "a list", "keys and values", "the number 8", ...: for messages. */
const char *prs_yaml_kind_name(const struct prs_yaml *node);
/* The place of the n-th (from 0) `needle` inside a scalar as it stands in the file; the node's own place when it is
 * not found. */
struct prs_mark prs_yaml_inside(const struct prs_yaml_doc *d, const struct prs_yaml *node, const char *needle,
                                unsigned n);
/* The place of a character (from 1; 0: the whole) of a scalar that stands in one line, given where the scalar is. */
struct prs_mark prs_yaml_within(const struct prs_yaml_doc *d, struct prs_mark at, unsigned character);
/* New nodes of a document, at a given place. */
struct prs_yaml *prs_yaml_new_scalar(struct prs_yaml_doc *d, struct prs_mark at, const char *text, size_t n,
                                     bool plain);

/* A finding. For PRS_IGNORED `fmt` begins with the key and ": ". */
__attribute__((format(printf, 4, 5))) void prs_yaml_find(struct prs_yaml_doc *d, enum prs_severity s,
                                                         struct prs_mark at, const char *fmt, ...);
unsigned prs_yaml_count(const struct prs_yaml_doc *d, enum prs_severity s);
/* A finding as programs get it. `file` as the user wrote it, or "--set a.b"; line and column 0 = the whole of it. */
struct prs_finding {
	const char *file, *text;
	uint32_t line, column;
};
/* Those of one severity, in the order of the files; the array is the document's. */
size_t prs_yaml_findings(struct prs_yaml_doc *d, enum prs_severity s, const struct prs_finding **ret);
/* The findings of one severity, in the order of the files: place, sentence, line, caret. IGNORED: a line each,
 * without caret. */
void prs_yaml_print(struct prs_yaml_doc *d, enum prs_severity s, struct prs_buf *to);
/* The keys of the IGNORED findings: "compute, identity, tags". */
void prs_yaml_print_ignored(const struct prs_yaml_doc *d, struct prs_buf *to);

/* A float as Python writes it: "0.1", "1e-07", "10.0". */
void prs_yaml_put_float(struct prs_buf *to, double v);

#endif
