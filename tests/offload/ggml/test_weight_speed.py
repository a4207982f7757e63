"""`WeightPasses`, with the native library."""

import subprocess
import sys

import pytest

from offload.ggml.weight_speed import WeightPasses
from offload.llama.library import load

_EVERY_TYPE = """
from offload.fit.compute_speed import measured_form
from offload.fit.machine_speed import WeightForm
from offload.ggml.weight_speed import WeightPasses
from offload.gguf_types import GgmlType
from offload.llama.library import load
load()
for form in sorted({measured_form(WeightForm(kind, mixed)) for kind in GgmlType for mixed in (False, True)}):
    with WeightPasses(int(form.type), 256, 32, n_bytes=1, interleaved=form.interleaved, n_threads=1) as passes:
        assert passes.seconds() > 0, form
print("all")
"""


@pytest.mark.parametrize("interleaved", [False, True])
def test_all_weights_are_passed_over(interleaved: bool) -> None:
    load()
    with WeightPasses(12, 256, 64, n_bytes=1 << 20, interleaved=interleaved, n_threads=2) as passes:
        assert passes.n_bytes == passes.n_steps * 64 * 144
        assert 0.9 * (1 << 20) < passes.n_bytes <= 1 << 20
        assert passes.seconds() > 0
        assert passes.seconds() > 0


def test_a_pass_computes_products() -> None:
    load()
    with WeightPasses(0, 32, 8, n_bytes=32 * 8 * 4, interleaved=False, n_threads=1) as passes:
        passes.seconds()
        assert (passes.results == passes.results[0, 0]).all()
        assert passes.results[0, 0] > 0


def test_closing_twice_is_harmless() -> None:
    load()
    passes = WeightPasses(8, 32, 8, n_bytes=1, interleaved=False, n_threads=1)
    passes.close()
    passes.close()


def test_no_type_that_is_measured_ends_the_process() -> None:
    done = subprocess.run([sys.executable, "-c", _EVERY_TYPE], capture_output=True, text=True, timeout=100)
    assert (done.returncode, done.stdout) == (0, "all\n"), done.stderr
