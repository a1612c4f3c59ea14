# SPDX-License-Identifier: Apache-2.0
"""The worker side of PRS: plain Python, standard library only, CPython 3.8 and later."""
