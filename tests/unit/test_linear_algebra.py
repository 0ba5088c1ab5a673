"""Whatever of analytics is imported first, the linear algebra keeps to one thread."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

THREADS = "import {first}, services.analytics.replay, os; print(len(os.listdir('/proc/self/task')))"


@pytest.mark.skipif(not Path("/proc/self/task").is_dir(), reason="threads are counted in /proc")
@pytest.mark.parametrize("first", ["services.analytics.app", "services.analytics.pace", "cli.main"])
def test_a_process_that_fits_models_has_no_threads_that_wait_for_one_another(first: str) -> None:
    bare = {name: value for name, value in os.environ.items() if not name.endswith("_NUM_THREADS")}
    code = THREADS.format(first=first)
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=bare, check=True)
    assert done.stdout == "1\n"
