"""What every test runs under."""

import os
import signal

from hypothesis import HealthCheck, settings

# Torch's CPU threads spin by default; beside other processes every operation then waits for the scheduler.
os.environ.setdefault("OMP_WAIT_POLICY", "passive")
# Processes beside each other, as many as there are cores, need no more threads than one each.
if "PYTEST_XDIST_WORKER" in os.environ:
    os.environ.setdefault("OMP_NUM_THREADS", "1")

# How quickly examples are drawn says how busy the machine is, and nothing about the code.
settings.register_profile("samescore", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("samescore")

# Whatever starts tests in the background may have had them ignore Ctrl-C, which some of them send.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)
