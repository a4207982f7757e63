"""What is said of the models' folder."""

import pytest

from offload_app.gauges.readings.language import Language
from offload_app.library.readings.folder_words import folder_words
from offload_app.model_folder import FolderScan, FoundModel


@pytest.mark.parametrize(
    ("scan", "words"),
    [
        (None, "Looking for models"),
        (FolderScan("/m", is_there=False), "does not exist yet: /m"),
        (FolderScan("/m", reason="Permission denied"), "cannot be read: /m: Permission denied"),
        (FolderScan("/m", (FoundModel("/m/a.gguf", 1),), is_cut=True), "1,000 models at most"),
        (FolderScan("/m", (FoundModel("/other/a.gguf", 1),)), "Put GGUF files into /m"),
    ],
)
def test_what_is_wrong_or_missing_is_said(scan: FolderScan | None, words: str) -> None:
    assert words in folder_words(scan, Language())


def test_a_folder_with_models_needs_no_words() -> None:
    assert folder_words(FolderScan("/m", (FoundModel("/m/a.gguf", 1),)), Language()) == ""
