"""Return of freed memory to the system.

A process that has worked on a large image or on all comments of a site has freed that memory afterwards. But
glibc keeps it, because small blocks in use lie between the free ones.
"""

import ctypes
import sys
from typing import Any

_libc: Any = ctypes.CDLL(None) if sys.platform == "linux" else None


def release_freed_memory() -> None:
    """Return freed memory to the system. Without glibc this does nothing."""
    if trim := getattr(_libc, "malloc_trim", None):
        trim(0)
