/* SPDX-License-Identifier: Apache-2.0
 * test_dump: every record as text and as JSON, byte for byte, after a round trip through its bytes.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "report/dump.h"
#include "wire/states.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define T UINT64_C(1767323045000000) /* 2026-01-02 03:04:05 UTC */
#define TIME "2026-01-02T03:04:05.000000Z"
#define TEXT(s)                    \
	{                          \
		(s), sizeof(s) - 1 \
	}
#define PRINT "000102030405060708090a0b0c0d0e0f"
#define PRINT_BYTES                                                  \
	{                                                            \
		0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15 \
	}

/* id 2 and id 3, items 10-14, little-endian */
static const uint8_t units[32] = { 2, 0, 0, 0, 0, 0, 0, 0, 0,  0, 0, 0, 0, 0, 0, 0,
	                           3, 0, 0, 0, 0, 0, 0, 0, 10, 0, 0, 0, 5, 0, 0, 0 };

#define KILLED                                                          \
	{                                                               \
		0, 3, 4, 5000, PRS_PROC_KILLED, 102, 9, 1, 2, TEXT("t") \
	}
static const struct {
	struct prs_fact f;
	const char *text, *json;
} facts[] = {
	{ { .type = PRS_FACT_HEAD,
	    .time_us = T,
	    .u.head = { 2, 1, 4096, 2048, PRINT_BYTES, PRINT_BYTES, TEXT("0.1.0"), TEXT("box"), 77, TEXT("b") } },
	  "HEAD " TIME " epoch=2 previous=1 sealed_journal=4096 sealed_plan=2048 job=" PRINT " code_folder=" PRINT
	  " engine=\"0.1.0\" host=\"box\" pid=77 boot=\"b\"",
	  "{\"type\":\"HEAD\",\"time\":\"" TIME
	  "\",\"epoch\":2,\"previous\":1,\"sealed_journal\":4096,\"sealed_plan\":2048,\"job\":\"" PRINT
	  "\",\"code_folder\":\"" PRINT "\",\"engine\":\"0.1.0\",\"host\":\"box\",\"pid\":77,\"boot\":\"b\"}" },
	{ { .type = PRS_FACT_NODE, .time_us = T, .u.node = { 0, 1, 1, 0, 2, 4, 1, TEXT("box"), TEXT("127.0.0.1") } },
	  "NODE " TIME
	  " node=0 incarnation=1 up=1 reason=0 processes=2 cores=4 gpus=1 name=\"box\" address=\"127.0.0.1\"",
	  "{\"type\":\"NODE\",\"time\":\"" TIME
	  "\",\"node\":0,\"incarnation\":1,\"up\":1,\"reason\":0,\"processes\":2,\"cores\":4,\"gpus\":1,"
	  "\"name\":\"box\",\"address\":\"127.0.0.1\"}" },
	{ { .type = PRS_FACT_PLANNED, .time_us = T, .u.planned = { 1, 4096, 100, 1000, 1 } },
	  "PLANNED " TIME " plan_epoch=1 plan_bytes=4096 next_id=100 items=1000 complete=1",
	  "{\"type\":\"PLANNED\",\"time\":\"" TIME
	  "\",\"plan_epoch\":1,\"plan_bytes\":4096,\"next_id\":100,\"items\":1000,\"complete\":1}" },
	{ { .type = PRS_FACT_DONE,
	    .u.done = { { 7, 0, 0 },
	                1099511627777,
	                1,
	                PRS_DONE_SHORT,
	                2,
	                0,
	                3,
	                4,
	                1,
	                64,
	                200,
	                10,
	                0xab,
	                9,
	                8,
	                T - 1500,
	                900,
	                1500,
	                1000 } },
	  "DONE " TIME " id=7 lease=1099511627777 try=1 status=SHORT done_flags=2 node=0 slot=3 incarnation=4 "
	  "segment=1 offset=64 length=200 head_len=10"
	  " checksum=000000ab succeeded=9 rows=8 start=2026-01-02T03:04:04.998500Z run_us=900 elapsed_us=1500 "
	  "cpu_us=1000",
	  "{\"type\":\"DONE\",\"time\":\"" TIME
	  "\",\"id\":7,\"item_first\":0,\"item_count\":0,\"lease\":1099511627777,\"try\":1,\"status\":\"SHORT\","
	  "\"done_flags\":2,\"node\":0,\"slot\":3,\"incarnation\":4,\"segment\":1,\"offset\":64,\"length\":200,\"head_"
	  "len\":10,"
	  "\"checksum\":\"000000ab\",\"succeeded\":9,\"rows\":8,\"start\":\"2026-01-02T03:04:04.998500Z\",\"run_us\":"
	  "900,\"elapsed_us\":1500,\"cpu_us\":1000}" },
	{ { .type = PRS_FACT_TRY, .u.try_ = { { 7, 2, 3 },
	                                      5,
	                                      1,
	                                      0,
	                                      0,
	                                      0,
	                                      3,
	                                      4,
	                                      T,
	                                      1,
	                                      0,
	                                      2,
	                                      9,
	                                      PRS_ERUN_CRASH,
	                                      PRS_FAULT_SCRIPT,
	                                      1,
	                                      40,
	                                      50,
	                                      TEXT("a\n\"b\""),
	                                      .bad_item = 5 } },
	  "TRY " TIME
	  " id=7 item_first=2 item_count=3 lease=5 try=1 status=0 try_flags=0 node=0 slot=3 incarnation=4 start=" TIME
	  " run_us=1 elapsed_us=0 cpu_us=2 exit=9 code=104 error=RUN_CRASH fault=script counted=1 trace_offset=40 "
	  "trace_bytes=50 message=\"a\\n\\\"b\\\"\" bad_item=5",
	  "{\"type\":\"TRY\",\"time\":\"" TIME
	  "\",\"id\":7,\"item_first\":2,\"item_count\":3,\"lease\":5,\"try\":1,\"status\":0,\"try_flags\":0,\"node\":0,"
	  "\"slot\":3,\"incarnation\":4,\"start\":\"" TIME
	  "\",\"run_us\":1,\"elapsed_us\":0,\"cpu_us\":2,\"exit\":9,\"code\":104,\"error\":\"RUN_CRASH\","
	  "\"fault\":\"script\",\"counted\":1,\"trace_offset\":40,\"trace_bytes\":50,\"message\":\"a\\n\\\"b\\\"\","
	  "\"bad_item\":5}" },
	{ { .type = PRS_FACT_FAILED, .time_us = T, .u.failed = { { 7, 0, 0 }, 10, 0 } },
	  "FAILED " TIME " id=7 items=10 code=0",
	  "{\"type\":\"FAILED\",\"time\":\"" TIME
	  "\",\"id\":7,\"item_first\":0,\"item_count\":0,\"items\":10,\"code\":0}" },
	{ { .type = PRS_FACT_LOST, .time_us = T, .u.lost = { 0, 1, 2, 0, units } },
	  "LOST " TIME " node=0 incarnation=1 running=2,3:10+5 queued=none",
	  "{\"type\":\"LOST\",\"time\":\"" TIME
	  "\",\"node\":0,\"incarnation\":1,\"running\":[{\"id\":2,\"item_first\":0,\"item_count\":0},"
	  "{\"id\":3,\"item_first\":10,\"item_count\":5}],\"queued\":[]}" },
	{ { .type = PRS_FACT_RESET, .time_us = T, .u.reset = { { 7, 0, 0 }, 3, PRS_RESET_BAD_RANGE } },
	  "RESET " TIME " id=7 count=3 reason=BAD_RANGE",
	  "{\"type\":\"RESET\",\"time\":\"" TIME
	  "\",\"id\":7,\"item_first\":0,\"item_count\":0,\"count\":3,\"reason\":\"BAD_RANGE\"}" },
	{ { .type = PRS_FACT_SET, .time_us = T, .u.set = { TEXT("run-max-try"), TEXT("3"), TEXT("") } },
	  "SET " TIME " key=\"run-max-try\" old=\"3\" new=\"\"",
	  "{\"type\":\"SET\",\"time\":\"" TIME "\",\"key\":\"run-max-try\",\"old\":\"3\",\"new\":\"\"}" },
	{ { .type = PRS_FACT_STATE, .time_us = T, .u.state = { PRS_JOB_RUNNING, 200, PRS_ENO_PROGRESS, TEXT("x") } },
	  "STATE " TIME " from=RUNNING to=200 code=203 error=NO_PROGRESS text=\"x\"",
	  "{\"type\":\"STATE\",\"time\":\"" TIME
	  "\",\"from\":\"RUNNING\",\"to\":200,\"code\":203,\"error\":\"NO_PROGRESS\",\"text\":\"x\"}" },
	{ { .type = PRS_FACT_PUBLISHED, .time_us = T, .u.published = { TEXT("/out"), 77, 9, PRINT_BYTES } },
	  "PUBLISHED " TIME " name=\"/out\" bytes=77 rows=9 xxh128=" PRINT,
	  "{\"type\":\"PUBLISHED\",\"time\":\"" TIME "\",\"name\":\"/out\",\"bytes\":77,\"rows\":9,\"xxh128\":\"" PRINT
	  "\"}" },
	{ { .type = PRS_FACT_SPLIT, .time_us = T, .u.split = { { 7, 0, 10 }, 2 } },
	  "SPLIT " TIME " id=7 item_first=0 item_count=10 parts=2",
	  "{\"type\":\"SPLIT\",\"time\":\"" TIME "\",\"id\":7,\"item_first\":0,\"item_count\":10,\"parts\":2}" },
	{ { .type = PRS_FACT_SPLIT, .time_us = T, .u.split = { { 7, 0, 10 }, 3, 4 } },
	  "SPLIT " TIME " id=7 item_first=0 item_count=10 parts=3 bad_item=4",
	  "{\"type\":\"SPLIT\",\"time\":\"" TIME "\",\"id\":7,\"item_first\":0,\"item_count\":10,\"parts\":3,"
	  "\"bad_item\":4}" },
	{ { .type = PRS_FACT_PROC, .time_us = T, .u.proc = KILLED },
	  "PROC " TIME " node=0 slot=3 incarnation=4 pid=5000 event=KILLED code=102 error=RUN_TIMEOUT exit=9 "
	  "trace_offset=1 trace_bytes=2 text=\"t\"",
	  "{\"type\":\"PROC\",\"time\":\"" TIME
	  "\",\"node\":0,\"slot\":3,\"incarnation\":4,\"pid\":5000,\"event\":\"KILLED\",\"code\":102,"
	  "\"error\":\"RUN_TIMEOUT\",\"exit\":9,\"trace_offset\":1,\"trace_bytes\":2,\"text\":\"t\"}" },
	{ { .type = PRS_FACT_STEP,
	    .time_us = T,
	    .u.step = { TEXT("score"), TEXT("r1"), TEXT(""), 5, .result = PRINT_BYTES, .why = TEXT("exit status 3") } },
	  "STEP " TIME " step=\"score\" run=\"r1\" state=FAILED reused=\"\" result=" PRINT " why=\"exit status 3\"",
	  "{\"type\":\"STEP\",\"time\":\"" TIME
	  "\",\"step\":\"score\",\"run\":\"r1\",\"state\":\"FAILED\",\"reused\":\"\",\"result\":\"" PRINT
	  "\",\"why\":\"exit status 3\"}" },
	{ { .type = PRS_FACT_STEP, .time_us = T, .u.step = { TEXT("prepare"), TEXT("r1"), TEXT(""), 3 } },
	  "STEP " TIME " step=\"prepare\" run=\"r1\" state=DONE reused=\"\"",
	  "{\"type\":\"STEP\",\"time\":\"" TIME
	  "\",\"step\":\"prepare\",\"run\":\"r1\",\"state\":\"DONE\",\"reused\":\"\"}" },
};

static void check(struct prs_buf *b, const char *want)
{
	assert_string_equal(prs_buf_str(b), want);
	if (want[0] == '{') {
		json_error_t why;
		json_t *parsed = json_loads(want, JSON_REJECT_DUPLICATES, &why);
		if (!parsed)
			fail_msg("%s: %s", why.text, want);
		json_decref(parsed);
	}
	prs_buf_clear(b);
}

static void test_facts(void **context)
{
	(void)context;
	unsigned seen = 0;
	for (size_t i = 0; i < sizeof facts / sizeof facts[0]; i++) {
		PRS_AUTOBUF body, line;
		struct prs_fact f;
		size_t at = 0;
		prs_buf_init(&body, 1 << 20);
		prs_buf_init(&line, 1 << 20);
		assert_int_equal(prs_fact_put(&body, &facts[i].f), 0);
		assert_int_equal(prs_fact_next(body.data, body.len, &at, &f, NULL), 1);
		assert_int_equal(prs_report_dump_fact(&f, &line, false), 0);
		check(&line, facts[i].text);
		assert_int_equal(prs_report_dump_fact(&f, &line, true), 0);
		check(&line, facts[i].json);
		seen |= 1u << f.type;
	}
	assert_int_equal(seen, (1u << PRS_FACT_END) - 2); /* all of them */
}

static const struct {
	struct prs_plan_record r;
	const char *text, *json;
} plans[] = {
	{ { .type = PRS_PLAN_INPUT, .u.input = { 0, 0, 0, 10, PRINT_BYTES, TEXT("input_0"), TEXT("/in"), TEXT("") } },
	  "INPUT input=0 kind=0 unit=0 size=10 fingerprint=" PRINT " name=\"input_0\" root=\"/in\" options=\"\"",
	  "{\"type\":\"INPUT\",\"input\":0,\"kind\":0,\"unit\":0,\"size\":10,\"fingerprint\":\"" PRINT
	  "\",\"name\":\"input_0\",\"root\":\"/in\",\"options\":\"\"}" },
	{ { .type = PRS_PLAN_DIR, .u.dir = { 0, PRS_NO_DIR, 0, TEXT("") } },
	  "DIR dir=0 parent=none input=0 name=\"\"",
	  "{\"type\":\"DIR\",\"dir\":0,\"parent\":null,\"input\":0,\"name\":\"\"}" },
	{ { .type = PRS_PLAN_DIR, .u.dir = { 1, 0, 0, TEXT("a b") } },
	  "DIR dir=1 parent=0 input=0 name=\"a b\"",
	  "{\"type\":\"DIR\",\"dir\":1,\"parent\":0,\"input\":0,\"name\":\"a b\"}" },
	{ { .type = PRS_PLAN_FILES, .u.files = { 1, 3, PRS_FILES_LAST, 8, 20, "a\0b\nb\0c" } },
	  "FILES dir=1 count=3 flags=1 first_file=20 names_bytes=8 first=\"a\" last=\"c\"",
	  "{\"type\":\"FILES\",\"dir\":1,\"count\":3,\"flags\":1,\"first_file\":20,\"names_bytes\":8,\"names\":[\"a\","
	  "\"b\\nb\",\"c\"]}" },
	{ { .type = PRS_PLAN_FILES, .u.files = { 1, 1, 0, 2, 0, "a" } },
	  "FILES dir=1 count=1 flags=0 first_file=0 names_bytes=2 first=\"a\"",
	  "{\"type\":\"FILES\",\"dir\":1,\"count\":1,\"flags\":0,\"first_file\":0,\"names_bytes\":2,\"names\":[\"a\"]"
	  "}" },
	{ { .type = PRS_PLAN_FILES, .u.files = { 1, 0, 1, 0, 0, "" } },
	  "FILES dir=1 count=0 flags=1 first_file=0 names_bytes=0",
	  "{\"type\":\"FILES\",\"dir\":1,\"count\":0,\"flags\":1,\"first_file\":0,\"names_bytes\":0,\"names\":[]}" },
	{ { .type = PRS_PLAN_RULE, .u.rule = { 0, 100, 5, 10, 2 } },
	  "RULE first_id=0 count=100 first_file=5 per=10 input=2",
	  "{\"type\":\"RULE\",\"first_id\":0,\"count\":100,\"first_file\":5,\"per\":10,\"input\":2}" },
	{ { .type = PRS_PLAN_END, .u.end = { 100, 1000, 1001, 0x1a2b3c4d } },
	  "END ids=100 items=1000 files=1001 checksum=1a2b3c4d",
	  "{\"type\":\"END\",\"ids\":100,\"items\":1000,\"files\":1001,\"checksum\":\"1a2b3c4d\"}" },
	{ { .type = PRS_PLAN_PART, .u.part = { 7 } }, "PART dir=7", "{\"type\":\"PART\",\"dir\":7}" },
	{ { .type = PRS_PLAN_HEAD }, "HEAD", "{\"type\":\"HEAD\"}" },
	{ { .type = PRS_PLAN_FILES,
	    .u.files = { 1, 2, PRS_FILES_STATS, 4, 20, "a\0b",
	                 (const uint8_t *)"\7\0\0\0\0\0\0\0\1\0\0\0\0\0\0\0\x8\0\0\0\0\0\0\0\2\0\0\0\0\0\0" } },
	  "FILES dir=1 count=2 flags=2 first_file=20 names_bytes=4 first=\"a\" last=\"b\"",
	  "{\"type\":\"FILES\",\"dir\":1,\"count\":2,\"flags\":2,\"first_file\":20,\"names_bytes\":4,\"names\":[\"a\","
	  "\"b\"],\"stats\":[[7,1],[8,2]]}" },
	{ { .type = PRS_PLAN_SCHEMA, .u.schema = { PRS_NO_FILE, 3, 4, 1, "{\"\"}" } },
	  "SCHEMA schema=3 input=1 file=all json=\"{\\\"\\\"}\"",
	  "{\"type\":\"SCHEMA\",\"schema\":3,\"input\":1,\"file\":null,\"json\":\"{\\\"\\\"}\"}" },
	{ { .type = PRS_PLAN_SCHEMA, .u.schema = { 5, 3, 2, 1, "{}" } },
	  "SCHEMA schema=3 input=1 file=5 json=\"{}\"",
	  "{\"type\":\"SCHEMA\",\"schema\":3,\"input\":1,\"file\":5,\"json\":\"{}\"}" },
	{ { .type = PRS_PLAN_SLICES,
	    .u.slices = { 5, 17, 100, 20, 30, 999, 1700000000000000, 3, 2, 6, 4, 1,
	                  (const uint8_t *)"\xc8\1\xac\2\1"
	                                   "\7" } },
	  "SLICES first_id=17 count=2 input=1 schema=3 file=5 spool=4 offset=100 row=20 global_row=30 size=999 "
	  "mtime=2023-11-14T22:13:20.000000Z rows=201 bytes=307",
	  "{\"type\":\"SLICES\",\"first_id\":17,\"count\":2,\"input\":1,\"schema\":3,\"file\":5,\"spool\":4,"
	  "\"offset\":100,\"row\":20,\"global_row\":30,\"size\":999,\"mtime\":\"2023-11-14T22:13:20.000000Z\","
	  "\"slices\":[[200,300],[1,7]]}" },
	{ { .type = PRS_PLAN_PARQUET,
	    .u.slices = { 5, 17, 0, 20, 30, 999, 1700000000000000, 3, 2, 3, 0, 1, (const uint8_t *)"\xc8\1\7" } },
	  "PARQUET first_id=17 count=2 input=1 schema=3 file=5 spool=0 offset=0 row=20 global_row=30 size=999 "
	  "mtime=2023-11-14T22:13:20.000000Z rows=207",
	  "{\"type\":\"PARQUET\",\"first_id\":17,\"count\":2,\"input\":1,\"schema\":3,\"file\":5,\"spool\":0,"
	  "\"offset\":0,\"row\":20,\"global_row\":30,\"size\":999,\"mtime\":\"2023-11-14T22:13:20.000000Z\","
	  "\"slices\":[200,7]}" },
	{ { .type = PRS_PLAN_TABLE_GROUP,
	    .u.table_group = { 17, 4, 37, 2, 1,
	                       (const uint8_t *)"\3\0\0\0\0\0\0\0\x8\0\0\0\0\0\0\0\xc8\0\0\0\0\0\0\0"
	                                        "\1\0\0\0\0\0\0\0\5\0\0\0\0\0\0\0\2\0\0\0\4\0\0\0"
	                                        "\xff\xff\xff\xff\xff\xff\xff\xff\0\1\0\0\0\0\0\0\x9\0\0\0\0\0\0\0"
	                                        "\0\0\0\0\0\0\0\0\x9\0\0\0\0\0\0\0\6\0\0\0\4\0\0",
	                       "s\0s1\0i\0i-1\0f\0f1.5\0g\0finf\0b\0btrue\0n\0n" } },
	  "TABLE_GROUP id=17 input=1 spool=4 keys={\"s\":\"1\",\"i\":-1,\"f\":1.5,\"g\":\"inf\",\"b\":true,\"n\":null} "
	  "ranges=(rows=2 file=3 schema=4 offset=8 bytes=200 row=1 global_row=5, "
	  "rows=6 file=many schema=4 offset=256 bytes=9 row=0 global_row=9)",
	  "{\"type\":\"TABLE_GROUP\",\"id\":17,\"input\":1,\"spool\":4,\"keys\":{\"s\":\"1\",\"i\":-1,\"f\":1.5,"
	  "\"g\":\"inf\",\"b\":true,\"n\":null},\"ranges\":[{\"rows\":2,\"file\":3,\"schema\":4,\"offset\":8,"
	  "\"bytes\":200,\"row\":1,\"global_row\":5},{\"rows\":6,\"file\":null,\"schema\":4,\"offset\":256,"
	  "\"bytes\":9,\"row\":0,\"global_row\":9}]}" },
};

static void test_plan(void **context)
{
	(void)context;
	PRS_AUTOBUF line;
	prs_buf_init(&line, 1 << 20);
	for (size_t i = 0; i < sizeof plans / sizeof plans[0]; i++) {
		assert_int_equal(prs_report_dump_plan(&plans[i].r, &line, false), 0);
		check(&line, plans[i].text);
		assert_int_equal(prs_report_dump_plan(&plans[i].r, &line, true), 0);
		check(&line, plans[i].json);
	}
	struct prs_plan_record odd = { .type = (enum prs_plan_type)77 };
	assert_int_equal(prs_report_dump_plan(&odd, &line, false), 0);
	check(&line, "?");
}

static void test_rows(void **context)
{
	(void)context;
	PRS_AUTOBUF line;
	prs_buf_init(&line, 1 << 20);
	char many[101];
	memset(many, 'x', 100);
	many[100] = 0;
	struct prs_rows r = { .unit = { .id = 7 },
		              .lease = 5,
		              .succeeded = 2,
		              .head_len = 1,
		              .bytes = (const uint8_t *)"h\na\n\xff",
		              .length = 5 };
	assert_int_equal(prs_report_dump_rows(&r, &line, false), 0);
	check(&line, "ROWS id=7 lease=5 succeeded=2 head_len=1 length=5 bytes=\"h\\na\\n\\udcff\"");
	r.bytes = (const uint8_t *)many;
	r.length = 100;
	assert_int_equal(prs_report_dump_rows(&r, &line, false), 0);
	check(&line, "ROWS id=7 lease=5 succeeded=2 head_len=1 length=100 "
	             "bytes=\"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\"...");
	assert_int_equal(prs_report_dump_rows(&r, &line, true), 0);
	assert_non_null(strstr(prs_buf_str(&line), many));
	prs_buf_clear(&line);
	r.bytes = NULL;
	r.unit.item_count = 3;
	assert_int_equal(prs_report_dump_rows(&r, &line, true), 0);
	check(&line, "{\"type\":\"ROWS\",\"id\":7,\"item_first\":0,\"item_count\":3,\"lease\":5,\"succeeded\":2,\"head_"
	             "len\":1,\"length\":100}");
}

/* A full buffer is told. */
static void test_full(void **context)
{
	(void)context;
	PRS_AUTOBUF line;
	prs_buf_init(&line, 64);
	assert_int_equal(prs_report_dump_fact(&facts[0].f, &line, true), -PRS_ELIMIT);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_facts), cmocka_unit_test(test_plan),
		                            cmocka_unit_test(test_rows), cmocka_unit_test(test_full) };
	return cmocka_run_group_tests(tests, NULL, NULL);
}
