"""The catalogue of models: what is in it, and that nothing wrong can be."""

from itertools import pairwise
from pathlib import Path

import pytest

from offload.catalog import CatalogModel, load_catalog, read_catalog
from offload.errors import OffloadError
from offload.gguf_types import FileType
from offload.hub.choice import models_among
from offload.hub.reference import HubReference

CATALOG = Path(__file__).resolve().parents[2] / "models" / "catalog.toml"
GOOD = """
[[model]]
name = "Tiny"
repo = "maker/tiny-GGUF"
quant = "Q4_K_M"
revision = "0123456789abcdef0123456789abcdef01234567"
architecture = "qwen3moe"
licence = "MIT"
n_expert = 8
n_expert_used = 2
total_billions = 1.5
active_billions = 0.5
[[model.file]]
path = "Q4_K_M/tiny-00001-of-00002.gguf"
n_bytes = 100
sha256 = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
[[model.file]]
path = "Q4_K_M/tiny-00002-of-00002.gguf"
n_bytes = 50
[model.source]
file = "the list"
licence = "the card"
experts = "the card"
parameters = "the card"
"""


def models() -> tuple[CatalogModel, ...]:
    return read_catalog(CATALOG.read_text("utf-8"))


def test_the_project_s_catalogue_goes_from_4_to_250_gigabytes() -> None:
    sizes = [model.size_bytes / 1e9 for model in models()]
    assert len(sizes) >= 12
    assert 4 < sizes[0] < 5
    assert 100 < sizes[-1] < 250
    # A machine of any size finds something not far below what it has.
    assert max(larger / smaller for smaller, larger in pairwise(sizes)) < 3


def test_every_architecture_is_one_that_llama_cpp_knows() -> None:
    import llama_cpp

    library = next((Path(llama_cpp.__file__).parent / "lib").glob("*llama.*"))
    names = {model.architecture for model in models()}
    known = library.read_bytes()
    assert {name for name in names if b"\0" + name.encode() + b"\0" not in known} == set()


def test_every_model_can_be_pulled_by_the_name_it_stands_there_with() -> None:
    for model in models():
        assert HubReference.parse(model.reference).repo == model.repo
        assert model.quant.removeprefix("UD-").removeprefix("MXFP4") in ("", *FileType.__members__)
        for found in models_among(file.path for file in model.files):
            assert found.quant == model.quant
            assert len(found.paths) == found.n_parts


def test_counts_of_parameters_and_experts_fit_each_other() -> None:
    for model in models():
        # What a token uses is at least the share of its experts, and less than all.
        assert model.n_expert_used / model.n_expert < model.active_params / model.total_params < 0.5


def test_a_checksum_stands_only_beside_its_bytes() -> None:
    files = [file for model in models() for file in model.files]
    assert all(file.n_bytes for file in files if file.sha256)
    known = [file.sha256 for file in files if file.sha256]
    assert len(set(known)) == len(known) >= 10


def test_the_catalogue_is_part_of_the_installation(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package = tmp_path / "installed_models"
    package.mkdir()
    (package / "__init__.py").write_text("")
    (package / "catalog.toml").write_text(GOOD, "utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    assert [model.name for model in load_catalog("installed_models")] == ["Tiny"]
    with pytest.raises(OffloadError, match="not installed"):
        load_catalog("no_models_at_all")


def test_files_and_their_sum_are_read() -> None:
    (model,) = read_catalog(GOOD)
    assert (model.reference, model.size_bytes, model.is_exact) == ("maker/tiny-GGUF:Q4_K_M", 150, True)
    assert (model.total_params, model.active_params) == (1_500_000_000, 500_000_000)
    assert [file.name for file in model.files] == ["tiny-00001-of-00002.gguf", "tiny-00002-of-00002.gguf"]
    assert [file.sha256 for file in model.files] == ["a" * 64, None]


def test_a_size_may_stand_as_published_where_a_file_s_bytes_are_not_known() -> None:
    text = GOOD.replace("n_bytes = 50\n", "").replace("n_expert = 8", "n_expert = 8\nsize_gb = 12.5")
    (model,) = read_catalog(text)
    assert (model.size_bytes, model.is_exact) == (12_500_000_000, False)


@pytest.mark.parametrize(
    ("old", "new", "complaint"),
    [
        ('name = "Tiny"', 'name = "Tiny"\nnote = "new"', "unknown note in model 1"),
        ('name = "Tiny"', "", "no name in model 1"),
        ('name = "Tiny"', "name = 5", "wrong name in model 1: 5"),
        ("maker/tiny-GGUF", "../tiny-GGUF", "wrong repo"),
        ('licence = "MIT"', 'licence = ""', "wrong licence"),
        ("n_expert = 8", "n_expert = 0", "wrong n_expert"),
        ("n_expert = 8", "n_expert = 8.0", "wrong n_expert"),
        ("n_expert_used = 2", "n_expert_used = 9", "wrong n_expert_used"),
        ("active_billions = 0.5", "active_billions = 1.6", "wrong active_billions"),
        ("total_billions = 1.5", "total_billions = -1", "wrong total_billions"),
        ("total_billions = 1.5", "total_billions = nan", "wrong total_billions"),
        ("0123456789abcdef0123456789abcdef01234567", "main", "wrong revision"),
        ('"Q4_K_M/tiny-00001', '"../tiny-00001', "wrong path in a file of model 1"),
        ('"Q4_K_M/tiny-00001', '"/tiny-00001', "wrong path"),
        ("n_bytes = 100", 'n_bytes = "100"', "wrong n_bytes"),
        ("n_bytes = 100", "n_bytes = true", "wrong n_bytes"),
        ('sha256 = "a', 'sha256 = "A', "wrong sha256"),
        ("n_bytes = 50\n", "", "no size_gb in model 1"),
        ("n_expert = 8", "n_expert = 8\nsize_gb = 1", "wrong size_gb"),
        ('experts = "the card"\n', "", "no experts in the sources of model 1"),
        ('experts = "the card"', 'experts = ""', "wrong experts"),
        ('experts = "the card"', 'experts = "the card"\nprice = "free"', "unknown price in the sources of model 1"),
        ("n_bytes = 50", "n_bytes = 50\nmd5 = 1", "unknown md5 in a file of model 1"),
        ("[[model]]", "[[models]]", "wrong model in the catalogue"),
        ("[[model]]", "version = 1\n[[model]]", "unknown version in the catalogue"),
        ("[model.source]", "[[model.source]]", "wrong source"),
        ('name = "Tiny"', 'name = "Tiny', "no TOML"),
    ],
)
def test_what_is_wrong_is_named(old: str, new: str, complaint: str) -> None:
    assert old in GOOD
    with pytest.raises(OffloadError) as caught:
        read_catalog(GOOD.replace(old, new))
    assert complaint in caught.value.message


def test_a_model_stands_there_once_and_in_the_order_of_sizes() -> None:
    with pytest.raises(OffloadError, match="twice"):
        read_catalog(GOOD + GOOD)
    smaller = GOOD.replace("n_bytes = 100", "n_bytes = 10").replace("tiny-GGUF", "tinier-GGUF")
    assert len(read_catalog(smaller + GOOD)) == 2
    with pytest.raises(OffloadError, match="order"):
        read_catalog(GOOD + smaller)
