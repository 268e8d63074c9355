"""Behaviour of a Jupyter kernel, beyond the official suite.

    run.py KERNEL [CHECK...]    KERNEL is odslab or python3

Each check runs under a hard limit. One that fails gets its kernel replaced, so
that none suffers from another. A line a check: ok, FAIL or n/a with the reason.
"""

import signal
import sys
import time
import traceback

import cells  # noqa: F401 these three fill CHECKS
import queries  # noqa: F401
import control  # noqa: F401
from checks import CHECKS
from driver import Kernel
from languages import LANGUAGES

HARD = 60


def late(*_):
    raise TimeoutError("the check took more than %d s" % HARD)


def main(name, only):
    kernel, failed = None, 0
    for c in CHECKS:
        if only and c["name"] not in only:
            continue
        if c["exempt"].get(name):
            print("n/a  %s: %s" % (c["name"], c["exempt"][name]), flush=True)
            continue
        start = time.monotonic()
        signal.alarm(HARD)
        try:
            if c["fresh"] and kernel:
                kernel.end()
                kernel = None
            if kernel is None:
                kernel = Kernel(name)
            c["run"](kernel, LANGUAGES[name])
            print("ok   %-28s %5.2f s" % (c["name"], time.monotonic() - start), flush=True)
            broken = c["fresh"]
        except Exception:
            failed += 1
            broken = True
            print("FAIL %s: %s\n%s" % (c["name"], c["run"].__doc__, traceback.format_exc()), flush=True)
        finally:
            signal.alarm(0)
        if broken and kernel:
            kernel.end()
            kernel = None
    if kernel:
        kernel.end()
    print("%s: %d checks, %d failed" % (name, len(CHECKS), failed))
    return failed


signal.signal(signal.SIGALRM, late)
sys.exit(1 if main(sys.argv[1], sys.argv[2:]) else 0)
