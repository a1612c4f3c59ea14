# SPDX-License-Identifier: Apache-2.0
import prs_hook

prs_hook.over(__name__)
