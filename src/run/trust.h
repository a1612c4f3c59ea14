/* SPDX-License-Identifier: Apache-2.0
 * trust: whose prs.yml is believed (spec/project.h): ours, root's, and nobody else's who could write it.
 */
#ifndef PRS_RUN_TRUST_H
#define PRS_RUN_TRUST_H

#include "spec/project.h"

/* Points to static memory. */
const struct prs_trust *prs_trust_us(void);

#endif
