"""The smoke test of the frozen product: what a person does first, where installations tend to break.

Usage: smoke.py BUNDLE [OFFLOAD]

BUNDLE is the folder with both programs; it is copied to a place with spaces and non-ASCII letters that the user who
runs it cannot write to (`nobody`, where this runs as root). OFFLOAD, an `offload` that is not frozen, gives the answer
to compare with. Prints a line for every check, and ends with 1 at the first that fails. Standard library only.
"""

import json
import os
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

NOBODY = 65534
QUESTION = "Tell me a story about a fox and a lamp"
LIMIT_SECONDS = 120
STARTS = 5
MOST_START_SECONDS = 3.0
MOST_MEGABYTES = 260
"""Unpacked, without the demo model."""
_ENDING = ".exe" if sys.platform == "win32" else ""


class SmokeError(Exception):
    """A check that failed: one sentence."""


@dataclass(frozen=True, slots=True)
class Trial:
    """A bundle in its place, and the folder that the user who runs it calls home."""

    bundle: Path
    home: Path

    def program(self, name: str) -> str:
        """Return the path of one of the two programs."""
        return str(self.bundle / f"{name}{_ENDING}")

    def run(self, name: str, *arguments: str, home: Path | None = None) -> "subprocess.CompletedProcess[str]":
        """Run a program of the bundle as a user without rights, with a home of its own, and return what it said."""
        return subprocess.run(
            [self.program(name), *arguments],
            env=environment(home or self.home),
            cwd=self.home,
            capture_output=True,
            encoding="utf-8",
            timeout=LIMIT_SECONDS,
            check=False,
            **user(),
        )


def environment(home: Path) -> dict[str, str]:
    """Return the surroundings of a user with nothing set but a home; no Python of this machine is found by them."""
    kept = ("PATH", "TMPDIR", "SYSTEMROOT", "DISPLAY", "XAUTHORITY", "QT_QPA_PLATFORM")
    plain = {name: os.environ[name] for name in kept if name in os.environ}
    names = ("HOME", "USERPROFILE", "LOCALAPPDATA", "APPDATA")
    return {"QT_QPA_PLATFORM": "offscreen", "LANG": "C.UTF-8", **plain, **dict.fromkeys(names, str(home))}


def user() -> dict[str, int]:
    """Return whom the programs run as, for `subprocess`."""
    return {"user": NOBODY, "group": NOBODY} if hasattr(os, "geteuid") and os.geteuid() == 0 else {}


@contextmanager
def trial(bundle: Path) -> Iterator[Trial]:
    """Give a copy of `bundle` in an awkward place, and take it away afterwards."""
    with tempfile.TemporaryDirectory(prefix="offload-smoke-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        place = folder / "Größe & Güte, 新しい" / "offload"
        shutil.copytree(bundle, place, symlinks=True)
        home = folder / "home of nobody"
        home.mkdir()
        if user():
            os.chown(home, NOBODY, NOBODY)
        else:
            _take_write_access(place)
        try:
            yield Trial(place, home)
        finally:
            _give_write_access(place)


def _take_write_access(place: Path) -> None:
    for folder, _, files in os.walk(place):
        for file in files:
            path = Path(folder, file)
            if not path.is_symlink():
                path.chmod(path.stat().st_mode & ~0o222)
        Path(folder).chmod(0o555)


def _give_write_access(place: Path) -> None:
    for folder, _, _ in os.walk(place):
        Path(folder).chmod(0o755)


def check_size(there: Trial, _: str) -> str:
    """The bundle is no bigger than it has to be."""
    sizes = {path: path.stat().st_size for path in there.bundle.rglob("*") if path.is_file() and not path.is_symlink()}
    demo = sum(size for path, size in sizes.items() if path.match("offload_models/demo/*"))
    megabytes = (sum(sizes.values()) - demo) / 1e6
    require(demo > 0, "the bundle has no demo model")
    require(megabytes <= MOST_MEGABYTES, f"{megabytes:.0f} MB, more than {MOST_MEGABYTES}")
    return f"{megabytes:.0f} MB, and {demo / 1e6:.0f} of the demo model, in {len(sizes)} files"


def check_doctor(there: Trial, _: str) -> str:
    """The installation finds itself good, and lies in the bundle."""
    done = there.run("offload", "doctor", "--json")
    require(done.returncode == 0, f"offload doctor ended with {done.returncode}: {done.stderr}{done.stdout}")
    said = json.loads(done.stdout)
    findings: Mapping[str, Mapping[str, object]] = {finding["topic"]: finding for finding in said["findings"]}
    require(said["good"], f"offload doctor finds something bad: {done.stdout}")
    require(str(there.bundle) in str(findings["offload"]["text"]), f"not of the bundle: {findings['offload']}")
    features = str(findings["llama.cpp"]["text"])
    flags = str(findings["processor"]["text"]).split()
    for flag, feature in (("avx2", "AVX2"), ("avx512_vnni", "AVX512_VNNI")):
        is_used = f"{feature} = 1" in features
        require(is_used == (flag in flags) or sys.platform != "linux", f"{feature}: {features}, but {flags}")
    return features


def check_answer(there: Trial, expected: str) -> str:
    """The demo model answers as it does where nothing is frozen."""
    done = there.run("offload", "generate", "--temp", "0", QUESTION)
    require(done.returncode == 0, f"offload generate ended with {done.returncode}: {done.stderr}")
    require(bool(done.stdout.strip()), "offload generate answers nothing")
    require(not expected or done.stdout == expected, f"another answer than unfrozen: {done.stdout!r}, {expected!r}")
    return f"{len(done.stdout)} letters" + (", as unfrozen" if expected else "")


def check_kernels(there: Trial, _: str) -> str:
    """One library of kernels is mapped, of those in the bundle."""
    if sys.platform != "linux":
        return "looked at on Linux only"
    load = b'{"type":"load","id":1,"model":null}\n'
    command = [there.program("offload"), "worker"]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    with subprocess.Popen(command, env=environment(there.home), **pipes, **user()) as worker:  # type: ignore[call-overload]
        worker.stdin.write(load)
        worker.stdin.flush()
        for line in worker.stdout:
            require(json.loads(line)["type"] != "error", f"the worker says {line!r}")
            if json.loads(line)["type"] == "loaded":
                break
        maps = Path(f"/proc/{worker.pid}/maps").read_text("utf-8")
        worker.stdin.close()
    mapped = {line.split(maxsplit=5)[5] for line in maps.splitlines() if "libggml-cpu" in line}
    require(len(mapped) == 1, f"mapped are: {sorted(mapped) or 'none'}")
    (library,) = mapped
    require(library.startswith(str(there.bundle)), f"mapped is {library}")
    return "/".join(Path(library).parts[-2:])


def check_self_test(there: Trial, _: str) -> str:
    """The application opens, loads, answers, and its gauges show something; all of that in the time of a start."""
    seconds = []
    for _number in range(STARTS):
        begin = time.perf_counter()
        done = there.run("offload-app", "--self-test")
        seconds.append(time.perf_counter() - begin)
        require(done.returncode == 0, f"offload-app --self-test ended with {done.returncode}: {done.stderr}")
    middle = statistics.median(seconds)
    # The best: what else this machine does is not the application's fault.
    require(min(seconds) <= MOST_START_SECONDS, f"it took {min(seconds):.2f} s, more than {MOST_START_SECONDS:g}")
    return f"window, model, answer, gauges and end within {middle:.2f} s ({min(seconds):.2f}..{max(seconds):.2f})"


def check_read_only_home(there: Trial, _: str) -> str:
    """A home that cannot be written to is told in one sentence by both programs."""
    if not hasattr(os, "geteuid"):
        return "looked at where homes have modes only"
    home = there.home.parent / "read-only home"
    home.mkdir()
    home.chmod(0o555)
    said = []
    for program, *arguments in (("offload", "generate", "hello"), ("offload-app", "--self-test")):
        done = there.run(program, *arguments, home=home)
        words = done.stderr.strip()
        require(done.returncode == 1, f"{program} ended with {done.returncode} where home is read-only: {words}")
        require("cannot be unpacked" in words and "\n" not in words, f"{program} says: {words}")
        said.append(words)
    return said[0].replace(str(there.home.parent), "")


def check_nothing_is_left(there: Trial, _: str) -> str:
    """What the trials wrote lies in the folders that are meant for it."""
    left = sorted(str(path.relative_to(there.home)) for path in there.home.rglob("*") if path.is_file())
    strange = [path for path in left if not re.match(r"\.(?:local/(?:share|state)|config|cache)/offload/", path)]
    require(not strange or sys.platform != "linux", f"files in unexpected places: {strange}")
    return f"{len(left)} files of the user"


CHECKS = (
    check_size, check_doctor, check_answer, check_kernels, check_self_test, check_read_only_home, check_nothing_is_left,
)  # fmt: skip


def require(is_so: bool, otherwise: str) -> None:
    """Raise SmokeError with the words `otherwise` unless it is so."""
    if not is_so:
        raise SmokeError(otherwise)


def unfrozen_answer(offload: str) -> str:
    """Return the answer of an `offload` that is not frozen."""
    command = [offload, "generate", "--temp", "0", QUESTION]
    return subprocess.run(command, stdout=subprocess.PIPE, encoding="utf-8", check=True, timeout=LIMIT_SECONDS).stdout


def main(bundle: Path, offload: str = "") -> int:
    """Make all checks; the exit code."""
    expected = unfrozen_answer(offload) if offload else ""
    with trial(bundle) as there:
        for check in CHECKS:
            name = check.__name__.removeprefix("check_").replace("_", " ")
            try:
                sys.stdout.write(f"ok    {name}: {check(there, expected)}\n")
            except SmokeError as error:
                sys.stdout.write(f"FAIL  {name}: {error}\n")
                return 1
            sys.stdout.flush()
    return 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]).absolute(), *sys.argv[2:3]))
