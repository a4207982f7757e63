"""What the hub says of a model, and what is not believed."""

import hashlib
from typing import Any

import pytest

from fakes.hub_server import FakeHub, Fault, PlannedFault
from offload.errors import HubError, HubFailure
from offload.hub.client import HubClient
from offload.hub.reference import HubReference
from offload.hub.repository import RemoteModel, find_model, is_safe_path

COMMIT = "c" * 40
API = "/api/models/"


def found(client: HubClient, text: str = "u/r", revision: str | None = None, file: str | None = None) -> RemoteModel:
    return find_model(client, HubReference.parse(text, revision=revision, file=file))


def test_sizes_checksums_and_the_commit_are_the_hub_s(hub: FakeHub, client: HubClient) -> None:
    repository = hub.add("u/r", {"M-Q4_K_M.gguf": b"four", "M-Q8_0.gguf": b"eight", "README.md": b"-"})
    model = found(client)
    (file,) = model.files
    assert (model.repo, model.revision, model.quant) == ("u/r", repository.commit_name(0), "Q4_K_M")
    assert (file.path, file.n_bytes, file.sha256) == ("M-Q4_K_M.gguf", 4, hashlib.sha256(b"four").hexdigest())
    assert file.url == f"{hub.url}/u/r/resolve/{repository.commit_name(0)}/M-Q4_K_M.gguf"
    assert model.n_bytes == 4


def test_the_revision_is_pinned_to_its_commit(hub: FakeHub, client: HubClient) -> None:
    repository = hub.add("u/r", {"M.gguf": b"old"})
    hub.add("u/r", {"M.gguf": b"new"})
    repository.tags["v1"] = 0
    assert found(client, revision="v1").revision == repository.commit_name(0)
    assert found(client).revision == repository.commit_name(1)


def test_a_small_file_has_no_sha256_but_an_identity(hub: FakeHub, client: HubClient) -> None:
    hub.add("u/r", {"M.gguf": b"tiny"}, small={"M.gguf"})
    (file,) = found(client).files
    assert (file.sha256, file.identity) == (None, hashlib.sha1(b"tiny").hexdigest()[:16])


def test_a_repository_that_is_not_there_is_said(hub: FakeHub, client: HubClient) -> None:
    with pytest.raises(HubError, match="The hub has no u/none at main") as caught:
        found(client, "u/none")
    assert (caught.value.reason, caught.value.exit_code) == (HubFailure.NOT_FOUND, 7)


def test_a_revision_that_is_not_there_is_said(hub: FakeHub, client: HubClient) -> None:
    hub.add("u/r", {"M.gguf": b"-"})
    with pytest.raises(HubError, match="no revision as in u/r at v9") as caught:
        found(client, revision="v9")
    assert caught.value.reason is HubFailure.NOT_FOUND


def test_a_private_repository_needs_the_token_which_reaches_the_hub_alone(hub: FakeHub) -> None:
    hub.add("u/r", {"M.gguf": b"-"}, private=True)
    with pytest.raises(HubError, match="or shows it only to some"):
        found(HubClient(endpoint=hub.url))
    assert found(HubClient(endpoint=hub.url, token=hub.token)).n_bytes == 1


def test_without_a_token_of_ours_none_is_sent(hub: FakeHub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_TOKEN", "hf_of_the_environment")
    hub.add("u/r", {"M.gguf": b"-"})
    found(HubClient(endpoint=hub.url))
    assert [asked.authorization for asked in hub.asked] == [None]


def test_a_busy_hub_is_asked_again_after_the_time_it_names(hub: FakeHub, client: HubClient, waits: list[float]) -> None:
    hub.add("u/r", {"M.gguf": b"-"})
    hub.faults = [
        PlannedFault(Fault.STATUS, 429, API, (("Retry-After", "7"),)),
        PlannedFault(Fault.STATUS, 503, API),
    ]
    assert found(client).n_bytes == 1
    assert waits == [7, 1]


def test_a_hub_that_stays_busy_is_given_up(hub: FakeHub, client: HubClient) -> None:
    hub.faults = [PlannedFault(Fault.STATUS, 500, API)] * 4
    with pytest.raises(HubError, match="cannot be reached: it answers 500") as caught:
        found(client)
    assert caught.value.reason is HubFailure.UNREACHABLE


def test_a_hub_that_is_not_there_is_said() -> None:
    with pytest.raises(HubError, match="cannot be reached: ConnectError"):
        found(HubClient(endpoint="http://127.0.0.1:9", wait=lambda _: None))


MALFORMED: list[Any] = [
    [],
    {},
    None,
    "text",
    {"id": "u/r", "sha": COMMIT},
    {"id": "u/r", "sha": COMMIT, "siblings": None},
    {"id": "u/r", "sha": COMMIT, "siblings": [1]},
    {"id": "u/r", "sha": COMMIT, "siblings": [{}]},
    {"id": "u/r", "sha": "main", "siblings": [{"rfilename": "M.gguf", "size": 1}]},
    {"id": "u/r", "siblings": [{"rfilename": "M.gguf", "size": 1}]},
    {"id": "u/r", "sha": COMMIT, "siblings": [{"rfilename": "M.gguf"}]},
    {"id": "u/r", "sha": COMMIT, "siblings": [{"rfilename": "M.gguf", "size": -1}]},
    {"id": "u/r", "sha": COMMIT, "siblings": [{"rfilename": "M.gguf", "size": "1"}]},
    {"id": "u/r", "sha": COMMIT, "siblings": [{"rfilename": "M.gguf", "size": 1, "lfs": {"sha256": "x"}}]},
    {
        "id": "u/r",
        "sha": COMMIT,
        "siblings": [{"rfilename": "M.gguf", "size": 1, "lfs": {"sha256": "x", "size": 1, "pointerSize": 1}}],
    },
]


@pytest.mark.parametrize("answer", MALFORMED)
def test_an_answer_that_makes_no_sense_is_said(hub: FakeHub, client: HubClient, answer: Any) -> None:
    hub.add("u/r", {"M.gguf": b"-"})
    hub.faults = [PlannedFault(Fault.ANSWER, where=API, answer=answer)]
    with pytest.raises(HubError, match="The hub's answer about u/r") as caught:
        found(client)
    assert caught.value.reason is HubFailure.MALFORMED


def test_an_answer_that_is_no_json_is_said(hub: FakeHub, client: HubClient) -> None:
    hub.add("u/r", {"M.gguf": b"-"})
    hub.faults = [PlannedFault(Fault.GIBBERISH, where=API)]
    with pytest.raises(HubError, match="makes no sense"):
        found(client)


UNSAFE = [
    "../x.gguf",
    "/etc/x.gguf",
    "a/../../x.gguf",
    "a//x.gguf",
    "..\\x.gguf",
    "C:\\x.gguf",
    "C:x.gguf",
    ".hidden.gguf",
    "a/.partial/x.gguf",
    "~x.gguf",
    "x\n.gguf",
    "x\0.gguf",
    "x\u202e.gguf",
    "con.gguf",
    "x" * 300 + ".gguf",
    "x?.gguf",
]


@pytest.mark.parametrize("path", UNSAFE)
def test_a_name_that_leads_elsewhere_is_refused(hub: FakeHub, client: HubClient, path: str) -> None:
    hub.add("u/r", {path: b"evil"})
    with pytest.raises(HubError, match="no name for a file here") as caught:
        found(client)
    assert caught.value.reason is HubFailure.MALFORMED
    assert caught.value.message.isprintable()


@pytest.mark.parametrize("path", ["M-Q4_K_M.gguf", "Q4_K_M/M v1.5 (final)-Q4_K_M.gguf", "modèle-模型.gguf"])
def test_odd_names_that_stay_here_are_fine(path: str) -> None:
    assert is_safe_path(path)
