"""A header without its model."""

from pathlib import Path

import pytest

from fakes.hub_server import FakeHub, Fault, PlannedFault
from fakes.tiny_models import TinyArchitecture, build_tiny_model
from offload.config import EngineConfig
from offload.engine import plan_model
from offload.errors import HubError, HubFailure, ModelFileError
from offload.gguf_header import GgufHeader, read_gguf_header
from offload.hub.client import HubClient
from offload.hub.reference import HubReference
from offload.hub.remote_header import RemoteHeader, fetch_header
from offload.hub.repository import find_model

ARCHITECTURE = next(iter(TinyArchitecture))


def publish(hub: FakeHub, folder: Path, *, split: int = 1, trailing: int = 0) -> GgufHeader:
    first = build_tiny_model(folder / "M-Q4_K_M.gguf", ARCHITECTURE, split=split)
    hub.add("u/r", {path.name: path.read_bytes() + bytes(trailing) for path in sorted(folder.glob("*.gguf"))})
    return read_gguf_header(first)


def fetched(client: HubClient, folder: Path) -> RemoteHeader:
    folder.mkdir()
    return fetch_header(client, find_model(client, HubReference.parse("u/r")), folder)


@pytest.mark.parametrize("split", [1, 3])
def test_a_header_is_the_model_s_own(hub: FakeHub, client: HubClient, tmp_path: Path, split: int) -> None:
    (tmp_path / "here").mkdir()
    own = publish(hub, tmp_path / "here", split=split)
    remote = fetched(client, tmp_path / "there").header
    assert (remote.metadata, remote.tensors, remote.alignment) == (own.metadata, own.tensors, own.alignment)
    assert [path.name for path in remote.files] == [path.name for path in own.files]
    assert [path.stat().st_size for path in remote.files] == [path.stat().st_size for path in own.files]


def test_no_more_comes_than_the_header_and_a_block(hub: FakeHub, client: HubClient, tmp_path: Path) -> None:
    (tmp_path / "here").mkdir()
    own = publish(hub, tmp_path / "here", trailing=40 << 20)
    header_bytes = min(info.offset for info in own.tensors.values())
    remote = fetched(client, tmp_path / "there")
    assert header_bytes <= remote.fetched_bytes == hub.served_bytes
    assert remote.fetched_bytes <= max(2 * header_bytes, 256 << 10)
    assert remote.path.stat().st_blocks * 512 < remote.path.stat().st_size / 4


def test_llama_cpp_plans_with_it_as_with_the_model(hub: FakeHub, client: HubClient, tmp_path: Path) -> None:
    (tmp_path / "here").mkdir()
    own = publish(hub, tmp_path / "here", split=3)
    remote = fetched(client, tmp_path / "there")
    config = EngineConfig(memory="1G")
    plans = [plan_model(path, config) for path in (own.files[0], remote.path)]
    # What Python takes by now is the runtime, and differs.
    shares = [(plan.dense_bytes, plan.kv_bytes, plan.compute_bytes, plan.slot_bytes) for plan in plans]
    assert shares[0] == shares[1]


def test_a_header_survives_what_a_file_survives(
    hub: FakeHub, client: HubClient, tmp_path: Path, waits: list[float]
) -> None:
    (tmp_path / "here").mkdir()
    own = publish(hub, tmp_path / "here")
    hub.faults = [PlannedFault(Fault.CUT, 1000), PlannedFault(Fault.STATUS, 503), PlannedFault(Fault.STATUS, 503)]
    assert fetched(client, tmp_path / "there").header.tensors == own.tensors
    assert waits == [1.0, 2.0]


def test_a_hub_that_falls_silent_for_good_keeps_nothing(hub: FakeHub, client: HubClient, tmp_path: Path) -> None:
    (tmp_path / "here").mkdir()
    publish(hub, tmp_path / "here")
    hub.faults = [PlannedFault(Fault.STATUS, 503)] * 6
    with pytest.raises(HubError) as caught:
        fetched(client, tmp_path / "there")
    assert (caught.value.reason, caught.value.hint) == (HubFailure.UNREACHABLE, "Check the connection and try again.")


def test_a_file_that_is_no_model_is_said_by_its_name(hub: FakeHub, client: HubClient, tmp_path: Path) -> None:
    hub.add("u/r", {"M.gguf": b"<html>" * 1000})
    with pytest.raises(ModelFileError, match=r"^u/r/M\.gguf.*not a GGUF file"):
        fetched(client, tmp_path / "there")


def test_a_truncated_model_is_found_by_its_header(hub: FakeHub, client: HubClient, tmp_path: Path) -> None:
    (tmp_path / "here").mkdir()
    publish(hub, tmp_path / "here")
    (name, data), *_ = hub.repositories["u/r"].commits[0].items()
    hub.add("u/r", {name: data[:-1]})
    with pytest.raises(ModelFileError, match="but the file has"):
        fetched(client, tmp_path / "there")


def test_another_length_than_the_hub_lists_is_refused(hub: FakeHub, client: HubClient, tmp_path: Path) -> None:
    (tmp_path / "here").mkdir()
    publish(hub, tmp_path / "here")
    hub.faults = [PlannedFault(Fault.LONG, 5)]
    with pytest.raises(HubError, match="has another length than the hub lists"):
        fetched(client, tmp_path / "there")


def test_a_header_without_an_end_is_given_up(
    hub: FakeHub, client: HubClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "here").mkdir()
    publish(hub, tmp_path / "here")
    monkeypatch.setattr("offload.hub.remote_header.LARGEST_HEADER_BYTES", 1000)
    with pytest.raises(HubError, match=r"has a header of more than 1000 bytes.*not fetched any further"):
        fetched(client, tmp_path / "there")


def test_a_hub_without_ranges_is_left_at_once(hub: FakeHub, client: HubClient, tmp_path: Path) -> None:
    (tmp_path / "here").mkdir()
    own = publish(hub, tmp_path / "here", trailing=40 << 20)
    hub.faults = [PlannedFault(Fault.NO_RANGES)]
    remote = fetched(client, tmp_path / "there")
    assert remote.header.tensors == own.tensors
    assert remote.fetched_bytes <= 1 << 20
