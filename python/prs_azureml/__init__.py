# SPDX-License-Identifier: Apache-2.0
"""The names of the v1 SDK, without a cloud: they describe pipelines, the engine runs them."""
