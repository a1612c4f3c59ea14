# SPDX-License-Identifier: Apache-2.0
"""Where pyarrow has its memory from: the allocator that keeps least of what was freed."""
import os

_chosen = False


def choose(pyarrow):
    """Once: what a script says later holds. mimalloc, which pyarrow takes itself, keeps up to twice as much."""
    global _chosen
    if _chosen or "ARROW_DEFAULT_MEMORY_POOL" in os.environ:
        return
    _chosen = True
    has_jemalloc = "jemalloc" in pyarrow.supported_memory_backends()
    pyarrow.set_memory_pool(pyarrow.jemalloc_memory_pool() if has_jemalloc else pyarrow.system_memory_pool())
