# SPDX-License-Identifier: Apache-2.0
"""Stands in for scikit-learn where examples/digits is tested: some digits made up here, a classifier that is just good enough for them."""
