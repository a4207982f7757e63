"""Pinned memory, where a device has it; the processor has none."""

import pytest

from offload.ggml.pinned_memory import PinnedMemory
from offload.ggml.symbols import symbols
from offload.llama.library import load


def test_a_device_without_pinned_memory_says_so() -> None:
    load()
    with pytest.raises(MemoryError, match="no pinned memory of 4096 bytes"):
        PinnedMemory(symbols().ggml_backend_dev_by_name(b"CPU"), 4096)
