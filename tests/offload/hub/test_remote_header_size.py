"""How much comes for a header with a tokenizer as large as real ones: counted by who sends it."""

from dataclasses import replace
from pathlib import Path

import pytest

from fakes.hub_server import FakeHub
from fakes.large_tokenizer import large_tokenizer
from fakes.raw_gguf import MOE_METADATA, MOE_TENSORS, STRING, RawGguf, raw_array, raw_string, raw_u16, raw_u32
from offload.gguf_types import ArraySummary, MetadataType
from offload.hub.client import HubClient
from offload.hub.reference import HubReference
from offload.hub.remote_header import (
    LARGEST_BLOCK_BYTES,
    OTHER_PART_BYTES,
    RemoteHeader,
    fetch_header,
)
from offload.hub.repository import find_model

MOST_BYTES = 16_000_000
"""With such tokenizers, all parts of a model together."""
N_MERGES = 280_000
WEIGHTS = bytes(6 << 20)
"""Behind the header, more than a block of it."""


def fetched(client: HubClient, folder: Path) -> RemoteHeader:
    return fetch_header(client, find_model(client, HubReference.parse("u/r")), folder)


@pytest.mark.parametrize("n_tokens", [151_936, 262_144])
def test_a_header_with_a_large_tokenizer_comes_in_16_mb(
    hub: FakeHub, client: HubClient, tmp_path: Path, n_tokens: int
) -> None:
    model = RawGguf(metadata=(*MOE_METADATA, *large_tokenizer(n_tokens, N_MERGES)))
    hub.add("u/r", {"M-Q4_K_M.gguf": model.file() + WEIGHTS})
    remote = fetched(client, tmp_path)
    assert hub.served_bytes == remote.fetched_bytes <= MOST_BYTES
    assert hub.served_bytes - len(model.header()) < LARGEST_BLOCK_BYTES
    assert_each_byte_is_asked_for_once(hub)
    assert remote.header.metadata["tokenizer.ggml.tokens"] == ArraySummary(MetadataType.STRING, n_tokens)
    assert remote.header.metadata["tokenizer.ggml.merges"] == ArraySummary(MetadataType.STRING, N_MERGES)


def test_further_parts_of_a_split_model_cost_little(hub: FakeHub, client: HubClient, tmp_path: Path) -> None:
    embedding, gate, down = MOE_TENSORS
    parts = [
        RawGguf(metadata=(*MOE_METADATA, *large_tokenizer(262_144, N_MERGES), *split(0)), tensors=(embedding,)),
        RawGguf(metadata=split(1), tensors=(replace(gate, data_offset=0),)),
        RawGguf(metadata=split(2), tensors=(replace(down, data_offset=0),)),
    ]
    names = [f"M-Q4_K_M-{number:05d}-of-00003.gguf" for number in (1, 2, 3)]
    hub.add("u/r", {name: part.file() + WEIGHTS for name, part in zip(names, parts, strict=True)})
    remote = fetched(client, tmp_path)
    assert hub.served_bytes == remote.fetched_bytes <= MOST_BYTES
    assert hub.ranges()[-2:] == [f"bytes=0-{OTHER_PART_BYTES - 1}"] * 2
    assert len(remote.header.files) == 3
    assert set(remote.header.tensors) == {tensor.name for tensor in MOE_TENSORS}


def test_a_header_that_is_larger_comes_too(hub: FakeHub, client: HubClient, tmp_path: Path) -> None:
    strings = raw_array("x.strings", STRING, 18, raw_string(bytes(1 << 20)) * 18)
    model = RawGguf(metadata=(*MOE_METADATA, strings))
    hub.add("u/r", {"M-Q4_K_M.gguf": model.file() + WEIGHTS})
    assert MOST_BYTES < fetched(client, tmp_path).fetched_bytes < len(model.header()) + LARGEST_BLOCK_BYTES


def split(index: int) -> tuple[bytes, ...]:
    return (raw_u16("split.no", index), raw_u16("split.count", 3), raw_u32("split.tensors.count", 3))


def assert_each_byte_is_asked_for_once(hub: FakeHub) -> None:
    spans = [span.removeprefix("bytes=").split("-") for span in hub.ranges() if span is not None]
    ends = [int(end) + 1 for _, end in spans]
    assert [int(start) for start, _ in spans] == [0, *ends[:-1]]
    assert ends[-1] == hub.served_bytes
