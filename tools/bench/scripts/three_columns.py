# SPDX-License-Identifier: Apache-2.0
"""Three of the twelve columns."""


def run(frame):
    return frame[["id", "city", "amount"]]
