/* SPDX-License-Identifier: Apache-2.0
 * test_yaml: trees, types, places, traps and limits of the YAML reader; every allocation fails once.
 */
#include "base/mem.h"
#include "spec/yaml.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* The tree on one line: {a: [1, "x"]}; plain scalars as their value with their type's letter in front. */
static void dump(const struct prs_yaml *n, struct prs_buf *to)
{
	static const char letters[] = "~bif'";
	if (n->kind == PRS_YAML_SCALAR) {
		prs_buf_putf(to, "%c%s", letters[n->type], n->value);
		return;
	}
	prs_buf_putc(to, n->kind == PRS_YAML_MAP ? '{' : '[');
	for (size_t i = 0; i < n->n; i++) {
		if (i)
			prs_buf_putc(to, ' ');
		if (n->kind == PRS_YAML_MAP)
			prs_buf_putf(to, "%s:", n->keys[i]->text);
		dump(n->items[i], to);
	}
	prs_buf_putc(to, n->kind == PRS_YAML_MAP ? '}' : ']');
}

static const char *read_all(const char *text, size_t n, struct prs_buf *to)
{
	struct prs_yaml_doc *d = prs_yaml_doc_new();
	struct prs_yaml *root = d ? prs_yaml_read(d, "j.yml", "/d", (const uint8_t *)text, n) : NULL;
	if (root && !prs_yaml_count(d, PRS_MISTAKE))
		dump(root, to);
	else if (d)
		prs_yaml_print(d, PRS_MISTAKE, to);
	prs_yaml_doc_free(d);
	return prs_buf_str(to);
}

static void check(const char *text, size_t n, const char *want)
{
	PRS_AUTOBUF b;
	prs_buf_init(&b, 1 << 20);
	assert_string_equal(read_all(text, n, &b), want);
}

static void test_trees(void **state)
{
	(void)state;
	static const char *const rows[][2] = {
		{ "a: 1\nb: [x, 'y', \"z\"]\nc:\n  d: {e: f}\n", "{a:i1 b:['x 'y 'z] c:{d:{e:'f}}}" },
		{ "a:\nb: ~\nc: null\nd: ''\n", "{a:~ b:~ c:~ d:'}" },
		{ "a: no\nb: 'no'\nc: On\nd: True\ne: y\n", "{a:bFalse b:'no c:bTrue d:bTrue e:'y}" },
		{ "a: 010\nb: 08\nc: 0x1F\nd: 0b101\ne: 1_000\nf: 1:30\ng: -7\nh: +5\ni: 0\nj: -010\n",
		  "{a:i8 b:'08 c:i31 d:i5 e:i1000 f:i90 g:i-7 h:i5 i:i0 j:i-8}" },
		{ "a: 0.10\nb: 1e-3\nc: 1.0e+3\nd: .5\ne: 1.\nf: 1.0e3\ng: .inf\nh: -.INF\ni: .nan\nj: 1.5e-7\nk: "
		  "123456789012345678901\n",
		  "{a:f0.1 b:'1e-3 c:f1000.0 d:f0.5 e:f1.0 f:'1.0e3 g:finf h:f-inf i:fnan j:f1.5e-07 "
		  "k:i123456789012345678901}" },
		{ "a: ${{inputs.x}}\nb: >-\n  one\n  two\nc: |\n  x\n", "{a:'${{inputs.x}} b:'one two c:'x\n}" },
		{ "a: &x {p: 1, q: 2}\nb:\n  <<: *x\n  q: 3\nc: *x\nd: {<<: [*x, {r: 4}]}\n",
		  "{a:{p:i1 q:i2} b:{q:i3 p:i1} c:{p:i1 q:i2} d:{p:i1 q:i2 r:i4}}" },
		{ "a: !!str 5\nb: !!int 5\nc: ! no\n", "{a:'5 b:i5 c:'no}" },
		{ "\xef\xbb\xbf"
		  "a: 1\r\nb: 2\r\n",
		  "{a:i1 b:i2}" },
		{ "a: h\xc3\xa9\nb: 2024-01-01\n", "{a:'h\xc3\xa9 b:'2024-01-01}" },
		{ "---\na: 1\n...\n", "{a:i1}" },
		{ "no: 1\n1: 2\n", "{no:i1 1:i2}" },
	};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		check(rows[i][0], strlen(rows[i][0]), rows[i][1]);
}

static void test_mistakes(void **state)
{
	(void)state;
	static const char *const rows[][2] = {
		{ "", "j.yml: the file is empty\n" },
		{ "# only a comment\n", "j.yml: the file is empty\n" },
		{ "---\n", "j.yml: the file is empty\n" },
		{ "- a\n", "j.yml:1:1: expected keys and values (\"type: pipeline\" ...), found a list\n     1 | - a\n "
		           "      | ^\n" },
		{ "hello\n", "j.yml:1:1: expected keys and values (\"type: pipeline\" ...), found a text\n     1 | "
		             "hello\n       | ^^^^^\n" },
		{ "a: 1\nb: 2\na: 3\n",
		  "j.yml:3:1: a is given twice (first in line 1): keep one\n     3 | a: 3\n       | ^\n" },
		{ "a:\n\tb: 1\n", "j.yml:2:1: a tab: YAML indents with blanks only\n     2 | \tb: 1\n       | ^\n" },
		{ "a: 1\n---\nb: 2\n",
		  "j.yml:2:1: a second document begins here: a job file has one\n     2 | ---\n       | ^^^\n" },
		{ "a: *.png\n", "j.yml:1:5: a text that begins with * needs quotes (* refers to an anchor)\n     1 | "
		                "a: *.png\n       |     ^\n" },
		{ "a: *x\n", "j.yml:1:4: *x: there is no anchor &x above (a text that begins with * needs quotes)\n    "
		             " 1 | a: *x\n       |    ^^\n" },
		{ "a: &x [*x]\n", "j.yml:1:8: *x stands inside &x: it would contain itself\n     1 | a: &x [*x]\n      "
		                  " |        ^^\n" },
		{ "a: !x 1\n", "j.yml:1:4: the tag !x is not known in a job file (a text that begins with ! needs "
		               "quotes)\n     1 | a: !x 1\n       |    ^^^^\n" },
		{ "a: b: c\n", "j.yml:1:5: a \":\" where none can be: the indentation does not fit the line above, or "
		               "a text that holds \": \" needs quotes\n     1 | a: b: c\n       |     ^\n" },
		{ "a: 'x\n", "j.yml:1:4: a text in quotes is not closed\n     1 | a: 'x\n       |    ^\n" },
		{ "a: [1, 2\n",
		  "j.yml:1:4: a list in [ ] is not closed: expected , or ]\n     1 | a: [1, 2\n       |    ^\n" },
		{ "a: 1\n  b: 2\n",
		  "j.yml:2:4: a \":\" where none can be: the indentation does not fit the line above, or a text that "
		  "holds \": \" needs quotes\n     2 |   b: 2\n       |    ^\n" },
		{ "a:\n    b: 1\n  c: 2\n", "j.yml:3:3: the line does not fit those above: expected a key at the same "
		                            "indentation\n     3 |   c: 2\n       |   ^\n" },
		{ "a: @x\n", "j.yml:1:4: a text that begins with @ needs quotes\n     1 | a: @x\n       |    ^\n" },
		{ "a: \"\\d\"\n", "j.yml:1:5: an unknown \\ in a text in double quotes: write \\\\, or use single "
		                  "quotes\n     1 | a: \"\\d\"\n       |     ^\n" },
		{ "a: caf\xe9\n", "j.yml:1:7: the byte 0xe9 is not UTF-8: save the file as UTF-8\n     1 | a: "
		                  "caf\xe9\n       |       ^\n" },
		{ "\xff\xfe"
		  "a",
		  "j.yml: the file is UTF-16: save it as UTF-8\n" },
		{ "a: \x1b[31m\n",
		  "j.yml:1:4: the control character 0x1b is not allowed in YAML\n     1 | a: ?[31m\n       |    ^\n" },
		{ "? [a]\n: 1\n", "j.yml:1:3: a key must be a text, found a list\n     1 | ? [a]\n       |   ^\n" },
		{ "a: {<<: 5}\n", "j.yml:1:9: <<: expected keys and values to merge, found a number\n     1 | a: {<<: "
		                  "5}\n       |         ^\n" },
	};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		check(rows[i][0], strlen(rows[i][0]), rows[i][1]);
	check("a: \"x\0y\"", 8,
	      "j.yml:1:6: the control character 0x00 is not allowed in YAML\n     1 | a: \"x?y\"\n       |      ^\n");
	check("a: \"x\\0y\"", 9, "j.yml:1:4: a text cannot hold a 0 byte\n     1 | a: \"x\\0y\"\n       |    ^^^^^^\n");
}

static void test_limits(void **state)
{
	(void)state;
	PRS_AUTOBUF b, out;
	prs_buf_init(&b, 64 << 20);
	prs_buf_init(&out, 1 << 20);
	for (int i = 0; i < 100000; i++)
		prs_buf_puts(&b, i ? "[" : "a: ");
	assert_non_null(strstr(read_all((char *)b.data, b.len, &out), "nested deeper than 64 levels"));
	prs_buf_clear(&b);
	prs_buf_clear(&out);
	prs_buf_puts(&b, "a: [");
	for (int i = 0; i < 250000; i++)
		prs_buf_puts(&b, "1,");
	assert_non_null(strstr(read_all((char *)b.data, b.len, &out), "more than 200000 values"));
	prs_buf_clear(&b);
	prs_buf_clear(&out);
	for (int i = 0; i < 90000; i++)
		prs_buf_putf(&b, "k%d: 1\n", i);
	assert_non_null(strstr(read_all((char *)b.data, b.len, &out), "too many keys or anchors"));
	prs_buf_clear(&b);
	prs_buf_clear(&out);
	while (b.len <= PRS_YAML_BYTES_MAX)
		prs_buf_puts(&b, "# a comment\n");
	assert_non_null(strstr(read_all((char *)b.data, b.len, &out), "larger than 4 MiB"));
	/* ten anchors of ten aliases each: ten nodes, not 10^10 */
	prs_buf_clear(&b);
	prs_buf_clear(&out);
	prs_buf_puts(&b, "a0: &a0 [x]\n");
	for (int i = 1; i < 10; i++)
		prs_buf_putf(&b, "a%d: &a%d [*a%d,*a%d,*a%d,*a%d,*a%d,*a%d,*a%d,*a%d,*a%d,*a%d]\n", i, i, i - 1, i - 1,
		             i - 1, i - 1, i - 1, i - 1, i - 1, i - 1, i - 1, i - 1);
	struct prs_yaml_doc *d = prs_yaml_doc_new();
	assert_non_null(prs_yaml_read(d, "j.yml", "/d", b.data, b.len));
	prs_yaml_doc_free(d);
}

static struct prs_yaml *read_text(struct prs_yaml_doc *d, const char *text)
{
	return prs_yaml_read(d, "dir/j.yml", "/d/dir", (const uint8_t *)text, strlen(text));
}

static void set(struct prs_yaml_doc *d, struct prs_yaml *root, const char *path, const char *value)
{
	prs_yaml_set(d, root, path, prs_yaml_value(d, "--set x", "/d", value));
}

static void test_set(void **state)
{
	(void)state;
	PRS_AUTOBUF b;
	prs_buf_init(&b, 1 << 20);
	struct prs_yaml_doc *d = prs_yaml_doc_new();
	struct prs_yaml *root = read_text(d, "a: {b: 1}\nl: [x, {y: 1}]\ns: &s {t: 1}\nu: *s\nn:\n");
	set(d, root, "a.b", "2");
	set(d, root, "a.c.d", "[p, 'q']");
	set(d, root, "l.1.y", "no");
	set(d, root, "u.t", "*.png");
	set(d, root, "n.k\\.m", "");
	dump(root, &b);
	assert_string_equal(prs_buf_str(&b),
	                    "{a:{b:i2 c:{d:['p 'q]}} l:['x {y:bFalse}] s:{t:i1} u:{t:'*.png} n:{k.m:~}}");
	assert_int_equal(prs_yaml_count(d, PRS_MISTAKE), 0);
	struct prs_yaml *dotted = read_text(d, "i: {a: {b: 1}, a.b: 2, a.b.c: {d: 3}}\n");
	set(d, dotted, "i.a.b", "4"); /* the longest key that is there */
	set(d, dotted, "i.a.b.c.d", "5");
	set(d, dotted, "i.a.x", "6");
	prs_buf_clear(&b);
	dump(dotted, &b);
	assert_string_equal(prs_buf_str(&b), "{i:{a:{b:i1 x:i6} a.b:i4 a.b.c:{d:i5}}}");
	set(d, root, "l.7", "1");
	set(d, root, "a.b.c", "1");
	prs_buf_clear(&b);
	prs_yaml_print(d, PRS_MISTAKE, &b);
	assert_string_equal(prs_buf_str(&b),
	                    "--set x: the list has 2 items: 7 is not one of 0 to 1\n       | 1\n       | ^\n"
	                    "--set x: b is a number (--set x): it has nothing inside to set\n       | 1\n       | ^\n");
	prs_yaml_doc_free(d);
}

static void test_places(void **state)
{
	(void)state;
	struct prs_yaml_doc *d = prs_yaml_doc_new();
	struct prs_yaml *root = read_text(d, "a: >-\n  one ${{x}}\n  two ${{x}} three\nb: h\xc3\xa9llo ${{x}}\n");
	struct prs_mark at = prs_yaml_inside(d, prs_yaml_get(root, "a"), "${{x}}", 1);
	assert_string_equal(prs_yaml_where(d, at), "dir/j.yml:3:7");
	assert_int_equal(at.width, 6);
	at = prs_yaml_inside(d, prs_yaml_get(root, "b"), "${{x}}", 0);
	assert_string_equal(prs_yaml_where(d, at), "dir/j.yml:4:10");
	at = prs_yaml_inside(d, prs_yaml_get(root, "b"), "${{x}}", 1); /* not there: the node */
	assert_string_equal(prs_yaml_where(d, at), "dir/j.yml:4:4");
	assert_string_equal(prs_yaml_dir(d, root), "/d/dir");
	/* a long line is clipped around its caret; tabs keep the caret in place */
	PRS_AUTOBUF b;
	prs_buf_init(&b, 1 << 20);
	char text[600];
	memset(text, 'x', sizeof text);
	memcpy(text, "a: \"", 4);
	memcpy(text + 300, "\t${{y}}", 7);
	memcpy(text + 597, "\"\n", 3);
	root = read_text(d, text);
	prs_yaml_find(d, PRS_WARNING, prs_yaml_inside(d, prs_yaml_get(root, "a"), "${{y}}", 0), "here");
	prs_yaml_print(d, PRS_WARNING, &b);
	const char *want = "dir/j.yml:1:302: warning: here\n     1 | ...";
	assert_memory_equal(prs_buf_str(&b), want, strlen(want));
	const char *line = strstr(prs_buf_str(&b), "1 | ") + 4, *caret = strstr(strchr(line, '\n'), "| ") + 2;
	assert_int_equal(strstr(line, "${{y}}") - line, strchr(caret, '^') - caret);
	prs_yaml_doc_free(d);
}

static void test_ignored(void **state)
{
	(void)state;
	struct prs_yaml_doc *d = prs_yaml_doc_new();
	struct prs_yaml *root = read_text(d, "a: 1\nb: 2\n");
	PRS_AUTOBUF b;
	prs_buf_init(&b, 1 << 20);
	prs_yaml_find(d, PRS_IGNORED, root->items[1]->at, "compute: one machine");
	prs_yaml_find(d, PRS_IGNORED, root->items[0]->at, "compute: one machine");
	prs_yaml_find(d, PRS_IGNORED, root->items[0]->at, "tags: kept nowhere");
	prs_yaml_find(d, PRS_IGNORED, root->items[0]->at, "tags: kept nowhere");
	prs_yaml_print_ignored(d, &b);
	assert_string_equal(prs_buf_str(&b), "compute, tags");
	prs_buf_clear(&b);
	prs_yaml_print(d, PRS_IGNORED, &b);
	assert_string_equal(prs_buf_str(&b), "dir/j.yml:1:4: compute: one machine\ndir/j.yml:1:4: tags: kept "
	                                     "nowhere\ndir/j.yml:2:4: compute: one machine\n");
	prs_yaml_doc_free(d);
}

#ifdef PRS_KILL_POINTS
static void test_no_memory(void **state)
{
	(void)state;
	static const char text[] = "a: &x {p: 0.5, q: [1, 2]}\nb:\n  <<: *x\nb: twice\n";
	long before = prs_mem_count();
	check(text, sizeof text - 1,
	      "j.yml:4:1: b is given twice (first in line 2): keep one\n     4 | b: twice\n       | ^\n");
	long needed = prs_mem_count() - before;
	for (long i = 1; i <= needed; i++) {
		PRS_AUTOBUF b;
		prs_buf_init(&b, 1 << 20);
		prs_mem_fault(i);
		read_all(text, sizeof text - 1, &b);
		prs_mem_fault(0);
	}
}
#endif

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_trees),     cmocka_unit_test(test_mistakes), cmocka_unit_test(test_limits),
		cmocka_unit_test(test_set),       cmocka_unit_test(test_places),   cmocka_unit_test(test_ignored),
#ifdef PRS_KILL_POINTS
		cmocka_unit_test(test_no_memory),
#endif
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
