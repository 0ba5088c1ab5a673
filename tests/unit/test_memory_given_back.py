"""Memory that was freed in large blocks between small ones goes back to the system."""

from ctypes import CDLL
from pathlib import Path

import pytest

from shared.memory import give_back_memory

LARGE, MANY = 100_000, 300  # bytes; below what glibc asks of the system block by block
STATUS = Path("/proc/self/status")


def resident() -> int:
    return next(int(line.split()[1]) * 1024 for line in STATUS.read_text().splitlines() if line.startswith("VmRSS:"))


@pytest.mark.skipif(not hasattr(CDLL(None), "malloc_trim") or not STATUS.exists(), reason="needs Linux with glibc")
def test_large_blocks_between_small_ones_go_back() -> None:
    blocks = [(b"x" * LARGE, bytearray(1_000)) for _ in range(MANY)]
    small = [kept for _, kept in blocks]
    blocks.clear()
    before = resident()
    give_back_memory()
    assert MANY == len(small)
    assert before - resident() > LARGE * MANY / 2
