# SPDX-License-Identifier: Apache-2.0
"""Slices of text tables to frames (docs/tables.md). `schema` says what the columns are; `careful` reads with the
standard library alone and decides; `fast` reads with pyarrow or pandas what they read as `careful` does; `frame` makes
a DataFrame of columns."""
