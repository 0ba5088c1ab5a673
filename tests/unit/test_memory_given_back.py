"""Memory that was freed in large blocks between small ones goes back to the system."""

import subprocess
import sys
from ctypes import CDLL
from pathlib import Path

import pytest

LARGE, MANY = 100_000, 300  # bytes; below what glibc asks of the system block by block
STATUS = Path("/proc/self/status")
FREED = f"""
from shared.memory import give_back_memory

def resident():
    return next(int(line.split()[1]) * 1024 for line in open("{STATUS}") if line.startswith("VmRSS:"))

blocks = [(b"x" * {LARGE}, bytearray(1_000)) for _ in range({MANY})]
small = [kept for _, kept in blocks]
blocks.clear()
before = resident()
give_back_memory()
print(before - resident())
"""


@pytest.mark.skipif(not hasattr(CDLL(None), "malloc_trim") or not STATUS.exists(), reason="needs Linux with glibc")
def test_large_blocks_between_small_ones_go_back() -> None:
    # In a process of its own: where a block of another test's memory lies free, nothing is asked of the system.
    done = subprocess.run([sys.executable, "-c", FREED], capture_output=True, text=True, check=True)
    assert int(done.stdout) > LARGE * MANY / 2
