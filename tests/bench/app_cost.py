"""What the window costs while an answer is generated: `PYTHONPATH=tests python -m bench.app_cost [--model FILE]`.

The same greedy answer by `offload generate` and in the application's window, streamed and with every gauge shown; both
are fresh processes, in turns. Tokens a second are those the engine measured from the first token to the last. The
window is painted offscreen unless QT_QPA_PLATFORM says otherwise. Beside the cost stands the share of one core that the
window's own process took, which is less noisy. The exit code is 1 where the answers differ.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
from typing import NamedTuple

PROMPT = "Tell me a long story about a fox and an owl."

_CHILD = """
import json, sys, time
from pathlib import Path
from offload.protocol import GenerationParams
from offload_app.conversation import path
from offload_app.bootstrap import Application, Surroundings, qt_application
from offload_app.places import Places
from offload_app.settings import Settings
from offload_app.single_instance import SingleInstance

model, memory, n_predict, home, prompt = sys.argv[1:]
qt = qt_application()
places = Places.below(Path(home))
instance = SingleInstance(places.state)
instance.claim()
parts = Application(qt, Surroundings(places), instance)
parts.shutdown.done.connect(lambda: qt.exit(0))
parts.settings.change(budget=memory)
parts.window.resize(1280, 860)
parts.begin(model)

begun = []

def loaded(_):
    begun[:] = time.process_time(), time.perf_counter()
    parts.session.set_sampling(GenerationParams(n_predict=int(n_predict), temperature=0.0))
    if not parts.session.send(prompt):
        sys.exit(f"not sent: {parts.session.refusal}")

def done(event):
    speed = event.stats.speed
    text = path(parts.session.conversation)[-1].text
    busy = (time.process_time() - begun[0]) / (time.perf_counter() - begun[1])
    print(json.dumps({"n": speed.n_generated, "seconds": speed.decode_seconds, "text": text, "busy": busy}))
    parts.window.close()

parts.engine.loaded.connect(loaded)
parts.engine.done.connect(done)
code = qt.exec()
parts.end()
sys.exit(code)
"""


class Answer(NamedTuple):
    """One answer as it was timed."""

    tokens_per_second: float
    text: str
    busy: float = 0.0
    """Share of one core that the window's process took."""


def main() -> int:
    """Measure in turns, and print medians, ranges and the cost."""
    parser = argparse.ArgumentParser(description="Measure what the window costs.")
    parser.add_argument("--model", default="", metavar="FILE", help="a GGUF model; without it the bundled demo model")
    parser.add_argument("--memory", default="auto", metavar="6G|60%|auto", help="budget of the model's process")
    parser.add_argument("-n", "--predict", default="300", metavar="N", help="tokens of an answer at most")
    parser.add_argument("--runs", type=int, default=5)
    args = parser.parse_args()
    pairs = []
    for number in range(args.runs + 1):
        contenders = (_headless, _windowed) if number % 2 else (_windowed, _headless)
        answers = {contender: contender(args.model, args.memory, args.predict) for contender in contenders}
        pairs.append((answers[_headless], answers[_windowed]))
    del pairs[0]  # warms the page cache
    if any(headless.text != windowed.text for headless, windowed in pairs):
        sys.stdout.write("The answers differ.\n")
        return 1
    for name, of_one in (("headless", [pair[0] for pair in pairs]), ("window", [pair[1] for pair in pairs])):
        speeds = [answer.tokens_per_second for answer in of_one]
        sys.stdout.write(f"{name}: {_spread(speeds)} tokens/s\n")
    costs = [100 * (1 - windowed.tokens_per_second / headless.tokens_per_second) for headless, windowed in pairs]
    sys.stdout.write(f"cost of the window: {_spread(costs)} % in {args.runs} pairs\n")
    busy = [100 * windowed.busy for _, windowed in pairs]
    sys.stdout.write(f"the window's process: {_spread(busy)} % of one core\n")
    return 0


def _spread(values: list[float]) -> str:
    return f"{statistics.median(values):.1f} ({min(values):.1f}..{max(values):.1f})"


def _headless(model: str, memory: str, n_predict: str) -> Answer:
    named = ["-m", model] if model else []
    said = _run(
        "-m", "offload", "generate", *named, "--memory", memory, "-n", n_predict, "--temp", "0", "--json", PROMPT
    )
    answer = json.loads(said)
    speed = answer["stats"]["speed"]
    return Answer(speed["n_generated"] / speed["decode_seconds"], answer["text"].strip())


def _windowed(model: str, memory: str, n_predict: str) -> Answer:
    with tempfile.TemporaryDirectory() as home:
        answer = json.loads(_run("-c", _CHILD, model, memory, n_predict, home, PROMPT))
    return Answer(answer["n"] / answer["seconds"], answer["text"].strip(), answer["busy"])


def _run(*command: str) -> str:
    environment = {**os.environ, "QT_QPA_PLATFORM": os.environ.get("QT_QPA_PLATFORM", "offscreen")}
    return subprocess.run(
        [sys.executable, *command], env=environment, stdout=subprocess.PIPE, text=True, check=True, timeout=600
    ).stdout


if __name__ == "__main__":
    sys.exit(main())
