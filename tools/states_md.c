/* SPDX-License-Identifier: Apache-2.0
 * states_md: states_md >docs/states.md
 */
#include "states_md.h"

#include <stdio.h>

int main(void)
{
	PRS_AUTOBUF b;
	prs_buf_init(&b, 1 << 20);
	states_markdown(&b);
	return b.failed || fwrite(b.data, 1, b.len, stdout) != b.len ? 1 : 0;
}
