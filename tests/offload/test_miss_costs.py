"""What copying an expert costs in rows of the CPU's: from times that the test makes up."""

from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Self

import numpy as np
import pytest

from fakes.devices import stand_in
from fakes.paged_runs import StoredModel, gguf_model
from fakes.tiny_models import ExpertTypes, TinyArchitecture, build_tiny_model
from offload import miss_costs
from offload.errors import DeviceError
from offload.miss_costs import uses_to_copy


class Clock:
    """Time that passes when somebody works."""

    def __init__(self) -> None:
        self.now = 0.0

    def perf_counter(self) -> float:
        return self.now


class Machine:
    """A device and a CPU whose work takes as long as the test says."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.clock = Clock()
        self.seconds_per_byte = 0.0
        self.jitter: Callable[[], float] = lambda: 1.0
        self.pass_seconds = 1.0
        self.copied: list[int] = []
        self.passed: list[tuple[int, int, int, int]] = []
        self.n_open = 0
        monkeypatch.setattr(miss_costs, "time", self.clock)
        monkeypatch.setattr(miss_costs, "DeviceBuffer", lambda device, n_bytes: FakeBuffer(self, n_bytes))
        monkeypatch.setattr(miss_costs, "WeightPasses", lambda *form, **options: FakePasses(self, *form, **options))


class FakeBuffer:
    """A device's memory that is slow to write."""

    def __init__(self, machine: Machine, n_bytes: int) -> None:
        self._machine, self._n_bytes = machine, n_bytes
        machine.n_open += 1

    def write(self, offset: int, content: memoryview) -> None:
        assert (offset, len(content)) == (0, self._n_bytes)
        self._machine.copied.append(len(content))
        self._machine.clock.now += self._machine.seconds_per_byte * len(content) * self._machine.jitter()

    def close(self) -> None:
        self._machine.n_open -= 1


class FakePasses:
    """Matrices that take as long to multiply with as the machine says, all of a pass together."""

    n_steps = 8

    def __init__(
        self, machine: Machine, ggml_type: int, n_columns: int, n_rows: int, *, n_bytes: int, interleaved: bool,
        n_threads: int,
    ) -> None:  # fmt: skip
        assert not interleaved
        self._machine = machine
        machine.passed.append((ggml_type, n_columns, n_rows, n_threads))

    def seconds(self) -> None:
        self._machine.clock.now += self.n_steps * self._machine.pass_seconds * self._machine.jitter()

    def __enter__(self) -> Self:
        self._machine.n_open += 1
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._machine.n_open -= 1


@pytest.fixture(scope="module")
def stored(tmp_path_factory: pytest.TempPathFactory) -> StoredModel:
    path: Path = tmp_path_factory.mktemp("model") / "model.gguf"
    return gguf_model(build_tiny_model(path, TinyArchitecture.QWEN3MOE, ExpertTypes.F16))


def cost(stored: StoredModel, n_threads: int = 3) -> float:
    return uses_to_copy(stored.header, stored.store, stand_in({}).address, n_threads)


def expert_bytes(stored: StoredModel) -> int:
    return sum(part.n_bytes for part in stored.store.layers[0].parts)


def vector_bytes(stored: StoredModel) -> int:
    """Return what goes to and fro for a row: four vectors of the longer side."""
    parts = [part for part in stored.header.expert_tensors if part.layer == 0]
    return 4 * 4 * max(max(part.info.shape[:2]) for part in parts)


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch) -> Machine:
    return Machine(monkeypatch)


@pytest.mark.parametrize(("times_as_long", "uses"), [(0.1, 0.0), (1.0, 0.0), (2.0, 1.0), (3.1, 2.0), (6.4, 5.5)])
def test_copying_is_counted_in_uses_beyond_the_one_at_hand(
    stored: StoredModel, machine: Machine, times_as_long: float, uses: float
) -> None:
    machine.seconds_per_byte = 1e-9
    copying = expert_bytes(stored) * machine.seconds_per_byte
    computing = copying / times_as_long - vector_bytes(stored) * machine.seconds_per_byte
    machine.pass_seconds = computing / 3
    assert cost(stored) == uses


def test_a_moment_that_was_slow_does_not_count(stored: StoredModel, machine: Machine) -> None:
    machine.seconds_per_byte, machine.pass_seconds = 1e-6, 0.01
    steady = cost(stored)
    moments = iter(range(1 << 20))
    machine.jitter = lambda: 50.0 if next(moments) % 8 in (0, 3) else 1.0
    assert cost(stored) == steady > 0


def test_the_experts_of_the_first_layer_are_measured_with_the_threads_that_compute(
    stored: StoredModel, machine: Machine
) -> None:
    cost(stored, n_threads=5)
    first = [tensor for tensor in stored.header.expert_tensors if tensor.layer == 0]
    assert machine.passed == [(int(part.info.type), *part.info.shape[:2], 5) for part in first]
    assert set(machine.copied) == {part.expert_bytes for part in first} | {vector_bytes(stored) // 4}


def test_everything_that_was_measured_with_is_freed(
    stored: StoredModel, machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    cost(stored)
    assert machine.n_open == 0

    def refuse(buffer: FakeBuffer, offset: int, content: memoryview) -> None:
        raise DeviceError("no answer", device="fake")

    monkeypatch.setattr(FakeBuffer, "write", refuse)
    with pytest.raises(DeviceError):
        cost(stored)
    assert machine.n_open == 0


def test_a_device_without_room_is_told(stored: StoredModel, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(device: int, n_bytes: int) -> FakeBuffer:
        raise DeviceError("no room", device="fake")

    monkeypatch.setattr(miss_costs, "DeviceBuffer", refuse)
    with pytest.raises(DeviceError, match="no room"):
        cost(stored)


def test_this_machine_gives_a_number_in_halves(stored: StoredModel) -> None:
    found = cost(stored, n_threads=1)
    assert np.isfinite(found)
    assert found >= 0
    assert found * 2 == round(found * 2)
