/* SPDX-License-Identifier: Apache-2.0
 * machine: what this machine is and lets us use: cores (affinity and cgroup quota), GPUs.
 */
#ifndef PRS_IO_MACHINE_H
#define PRS_IO_MACHINE_H

#include "base/option.h"

/* Cores that this process may keep busy: those of its affinity mask, at most what the quota of its cgroups allows; at
 * least 1. */
unsigned prs_usable_cores(void);
/* The part about cgroups (v1 and v2), 0 = no quota. `table` is a /proc/<pid>/cgroup, `mount` is /sys/fs/cgroup. */
unsigned prs_cgroup_cores(const char *table, const char *mount);
/* The GPUs to hand out, each as CUDA_VISIBLE_DEVICES names it: the entries of `visible` (its present value) when
 * that is set, else 0 ... count - 1, where count is `count_found` (AZ_BATCHAI_GPU_COUNT_FOUND) or the number of
 * /dev/nvidia<N>. Both may be NULL. */
int prs_gpus(const char *visible, const char *count_found, struct prs_list *ret);

#endif
