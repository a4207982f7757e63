"""Whether a model is what was published: what is compared, with what, and what is said where nothing is known."""

import hashlib
from pathlib import Path

import pytest

from fakes.model_files import hub_model, model_file
from offload.catalog import CatalogFile, CatalogModel
from offload.errors import CancelledError, ModelFileError, ModelNotFoundError
from offload.model_check import FileVerdict, KnownFrom, ModelCheck, check_model

REPO = "maker/tiny-GGUF"
NAME = "tiny-Q4_K_M.gguf"


def go_on(_done: int, _total: int) -> bool:
    return True


def catalogue(n_bytes: int | None, sha256: str | None) -> list[CatalogModel]:
    model = CatalogModel(
        name="Tiny",
        repo=REPO,
        quant="Q4_K_M",
        architecture="qwen3moe",
        licence="MIT",
        n_expert=4,
        n_expert_used=2,
        total_params=10,
        active_params=5,
        size_bytes=n_bytes or 1,
        is_exact=n_bytes is not None,
        sources={},
        files=(CatalogFile(f"Q4_K_M/{NAME}", n_bytes, sha256),),
    )
    return [model]


def verdict(check: ModelCheck) -> FileVerdict:
    (file,) = check.files
    return file.verdict


def test_a_download_is_compared_with_the_hub_s_checksum(tmp_path: Path) -> None:
    path = hub_model(tmp_path, REPO, NAME)
    check = check_model(path, [], go_on)
    (file,) = check.files
    assert (file.verdict, file.known_from) == (FileVerdict.GOOD, KnownFrom.DOWNLOAD)
    assert file.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()
    assert (check.n_tensors, check.damaged) == (3, ())


def test_one_wrong_byte_is_found(tmp_path: Path) -> None:
    path = hub_model(tmp_path, REPO, NAME)
    raw = bytearray(path.read_bytes())
    raw[-1] ^= 1
    path.write_bytes(raw)
    check = check_model(path, [], go_on)
    assert [file.path for file in check.damaged] == [path]


def test_another_length_than_the_download_s_is_found_without_reading(tmp_path: Path) -> None:
    path = hub_model(tmp_path, REPO, NAME)
    with path.open("ab") as file:
        file.write(b"more")
    (checked,) = check_model(path, [], go_on).files
    assert (checked.verdict, checked.sha256) == (FileVerdict.DAMAGED, None)


def test_a_file_that_was_cut_short_is_refused_by_its_header(tmp_path: Path) -> None:
    path = hub_model(tmp_path, REPO, NAME)
    path.write_bytes(path.read_bytes()[:-10])
    with pytest.raises(ModelFileError):
        check_model(path, [], go_on)
    with pytest.raises(ModelNotFoundError):
        check_model(tmp_path / "nowhere.gguf", [], go_on)


def test_a_download_without_a_checksum_is_compared_with_the_catalogue_s(tmp_path: Path) -> None:
    path = hub_model(tmp_path, REPO, NAME, sha256=None)
    right = hashlib.sha256(path.read_bytes()).hexdigest()
    assert verdict(check_model(path, [], go_on)) is FileVerdict.LENGTH_ONLY
    (file,) = check_model(path, catalogue(path.stat().st_size, right), go_on).files
    assert (file.verdict, file.known_from) == (FileVerdict.GOOD, KnownFrom.CATALOG)


def test_the_catalogue_speaks_for_a_file_in_the_folder_of_its_repository(tmp_path: Path) -> None:
    path = model_file(tmp_path / REPO / NAME)
    n_bytes, right = path.stat().st_size, hashlib.sha256(path.read_bytes()).hexdigest()
    assert verdict(check_model(path, catalogue(n_bytes, right), go_on)) is FileVerdict.GOOD
    assert verdict(check_model(path, catalogue(n_bytes, "0" * 64), go_on)) is FileVerdict.DAMAGED
    assert verdict(check_model(path, catalogue(n_bytes, None), go_on)) is FileVerdict.LENGTH_ONLY
    assert verdict(check_model(path, catalogue(None, None), go_on)) is FileVerdict.UNKNOWN


def test_a_file_longer_than_the_catalogue_s_is_another_version(tmp_path: Path) -> None:
    path = model_file(tmp_path / REPO / NAME)
    assert verdict(check_model(path, catalogue(path.stat().st_size + 1, "0" * 64), go_on)) is FileVerdict.UNKNOWN


def test_of_a_file_of_that_name_from_elsewhere_nothing_is_known(tmp_path: Path) -> None:
    path = model_file(tmp_path / "other/tiny-GGUF" / NAME)
    assert verdict(check_model(path, catalogue(path.stat().st_size, "0" * 64), go_on)) is FileVerdict.UNKNOWN


def test_progress_counts_all_bytes_that_are_read_and_stops(tmp_path: Path) -> None:
    path = hub_model(tmp_path, REPO, NAME)
    told: list[tuple[int, int]] = []

    def on_progress(done_bytes: int, total_bytes: int) -> bool:
        told.append((done_bytes, total_bytes))
        return True

    check_model(path, [], on_progress)
    assert told == [(path.stat().st_size, path.stat().st_size)]
    with pytest.raises(CancelledError):
        check_model(path, [], lambda _done, _total: False)
