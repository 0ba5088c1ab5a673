"""Tells early who is drifting away."""

import os

# One thread: matrices here are small, so the threads of the linear algebra would only wait for one another, and on a
# busy machine for everybody else: a fit then takes ten times as long. Read once, when numpy is imported.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
