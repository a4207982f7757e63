"""How long the application takes to start: `PYTHONPATH=tests python -m bench.app_start`.

Each start is a fresh process in fresh folders, with the real worker. Printed in seconds since the process was started:
the window painted with the focus in its message field (one can type), and the demo model loaded (one can send).
The first start warms the page cache and is not counted.
"""

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time

_CHILD = """
import sys, time
from pathlib import Path
from offload_app.bootstrap import Application, Surroundings, qt_application
from offload_app.places import Places
from offload_app.single_instance import SingleInstance

started, home = float(sys.argv[1]), Path(sys.argv[2])
qt = qt_application()
places = Places.below(home)
instance = SingleInstance(places.state)
instance.claim()
parts = Application(qt, Surroundings(places), instance)
parts.shutdown.done.connect(lambda: qt.exit(0))
parts.begin()
parts.window.repaint()

def focused(_, now):
    if now is not None:
        qt.focusChanged.disconnect(focused)
        print("typing", time.time() - started, parts.window.isVisible())

qt.focusChanged.connect(focused)

def loaded(_):
    print("sending", time.time() - started, parts.session.can_send)
    parts.window.close()

parts.engine.loaded.connect(loaded)
code = qt.exec()
parts.end()
sys.exit(code)
"""


def main() -> int:
    """Start some times, and print medians and ranges."""
    parser = argparse.ArgumentParser(description="Measure the start of the application.")
    parser.add_argument("--runs", type=int, default=5)
    runs: int = parser.parse_args().runs
    measured = [_start() for _ in range(runs + 1)][1:]
    for name in measured[0]:
        seconds = [run[name] for run in measured]
        text = f"{name}: {statistics.median(seconds):.2f} s ({min(seconds):.2f}..{max(seconds):.2f}, {runs} starts)\n"
        sys.stdout.write(text)
    return 0


def _start() -> dict[str, float]:
    environment = {**os.environ, "QT_QPA_PLATFORM": os.environ.get("QT_QPA_PLATFORM", "offscreen")}
    with tempfile.TemporaryDirectory() as home:
        command = [sys.executable, "-c", _CHILD, str(time.time()), home]
        run = subprocess.run(command, env=environment, stdout=subprocess.PIPE, text=True, check=True, timeout=120)
    lines = [line.split() for line in run.stdout.splitlines()]
    if any(is_so != "True" for _, _, is_so in lines):
        raise RuntimeError(f"The window was not ready to use: {run.stdout}")
    return {name: float(seconds) for name, seconds, _ in lines}


if __name__ == "__main__":
    sys.exit(main())
