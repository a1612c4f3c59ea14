/* SPDX-License-Identifier: Apache-2.0
 * test_machine: GPUs by environment, cores by cgroup quota.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "io/machine.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static void check_gpus(const char *visible, const char *found, const char *want)
{
	struct prs_list l = { 0 };
	char got[256] = "";
	assert_int_equal(prs_gpus(visible, found, &l), 0);
	for (size_t i = 0; i < l.n; i++)
		snprintf(got + strlen(got), sizeof got - strlen(got), "%s%s", i ? " " : "", l.v[i]);
	assert_string_equal(got, want);
	prs_list_done(&l);
}

static void test_gpus(void **state)
{
	(void)state;
	check_gpus(NULL, "3", "0 1 2");
	check_gpus(NULL, "0", "");
	check_gpus("2,5", "4", "2 5");
	check_gpus("2, GPU-abc", NULL, "2 GPU-abc");
	check_gpus("", "4", "");
	check_gpus("-1", "4", "");
	check_gpus("1,-1,2", "4", "1");
}

static char root[128];

static void put(const char *name, const char *text)
{
	char path[512];
	snprintf(path, sizeof path, "%s/%s", root, name);
	for (char *p = path + strlen(root) + 1; (p = strchr(p, '/')); *p++ = '/') {
		*p = 0;
		mkdir(path, 0755);
	}
	FILE *f = fopen(path, "w");
	assert_non_null(f);
	fputs(text, f);
	fclose(f);
}

static unsigned cores(const char *table)
{
	char path[256];
	put("table", table);
	snprintf(path, sizeof path, "%s/table", root);
	return prs_cgroup_cores(path, root);
}

static void test_cgroup_quota(void **state)
{
	(void)state;
	snprintf(root, sizeof root, "/tmp/prs-machine-XXXXXX");
	assert_non_null(mkdtemp(root));
	put("job/step/cpu.max", "max 100000\n");
	put("job/cpu.max", "150000 100000\n");
	put("cpu,cpuacct/box/cpu.cfs_quota_us", "400000\n");
	put("cpu,cpuacct/box/cpu.cfs_period_us", "100000\n");
	put("cpu,cpuacct/free/cpu.cfs_quota_us", "-1\n");
	put("cpu,cpuacct/free/cpu.cfs_period_us", "100000\n");
	assert_int_equal(cores("0::/job/step\n"), 2); /* 1.5 of the group above */
	assert_int_equal(cores("0::/other\n"), 0);
	assert_int_equal(cores("4:cpu,cpuacct:/box/inner\n0::/\n"), 4);
	assert_int_equal(cores("4:cpu,cpuacct:/free\n3:cpuset:/\n"), 0);
	assert_int_equal(cores("4:cpu,cpuacct:/box\n0::/job\n"), 2);
	assert_int_equal(cores("nonsense\n"), 0);
	char command[256];
	snprintf(command, sizeof command, "rm -r %s", root);
	assert_int_equal(system(command), 0);
	assert_true(prs_usable_cores() >= 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_gpus), cmocka_unit_test(test_cgroup_quota) };
	return cmocka_run_group_tests(tests, NULL, NULL);
}
