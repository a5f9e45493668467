"""What every test runs under."""

import os

# Torch's CPU threads spin by default; beside other processes every operation then waits for the scheduler.
os.environ.setdefault("OMP_WAIT_POLICY", "passive")
