"""The recipe of the big synthetic model, at a small size: whole files, same bytes, usable in plain llama.cpp."""

import shutil
from collections import Counter
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
from gguf import GGMLQuantizationType, GGUFReader, quants

from fakes.tiny_reference import plain_llama
from models.synthetic.build import SyntheticRecipe, build_synthetic_model, default_path, main

_SMALL = SyntheticRecipe(n_layer=1, n_expert=16, n_vocab=512)


class _DiskUsage(NamedTuple):
    total: int
    used: int
    free: int


@pytest.fixture(scope="module")
def small_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_synthetic_model(tmp_path_factory.mktemp("synthetic") / "small.gguf", _SMALL)


def test_plain_llama_computes_finite_logits_for_text(small_model: Path) -> None:
    with plain_llama(small_model) as model:
        tokens = model.tokenize("Hello, Wörld!")
        assert b"".join(model.piece(token) for token in tokens).decode() == "Hello, Wörld!"
        logits = np.concatenate([model.decode(tokens).logits, model.decode([300]).logits])
    assert np.isfinite(logits).all()
    assert logits.std() > 1


def test_same_recipe_gives_the_same_bytes(small_model: Path, tmp_path: Path) -> None:
    again = build_synthetic_model(tmp_path / "again.gguf", _SMALL)
    assert again.read_bytes() == small_model.read_bytes()


def test_no_two_experts_are_equal_and_weights_have_no_bias(small_model: Path) -> None:
    tensors = {tensor.name: tensor.data for tensor in GGUFReader(small_model).tensors}
    experts = [expert for kind in ("gate", "up") for expert in tensors[f"blk.0.ffn_{kind}_exps.weight"]]
    assert len({expert.tobytes() for expert in experts}) == 32
    weights = quants.dequantize(np.stack(experts), GGMLQuantizationType.Q4_K)
    assert weights.std() == pytest.approx(2048**-0.5, rel=0.05)
    assert abs(weights.mean()) < 1e-4


def test_alpha_makes_few_experts_popular(tmp_path: Path) -> None:
    def share_of_favourites(alpha: float) -> float:
        recipe = SyntheticRecipe(n_layer=1, n_expert=64, n_vocab=512, alpha=alpha)
        with plain_llama(build_synthetic_model(tmp_path / "model.gguf", recipe)) as model:
            routed = model.decode(range(64)).routes[0]
        return sum(count for _, count in Counter(routed.ravel().tolist()).most_common(16)) / routed.size

    assert share_of_favourites(0) < 0.5 < 0.7 < share_of_favourites(0.7)


def test_interrupted_build_leaves_nothing(tmp_path: Path) -> None:
    def interrupt(_done_bytes: int, _total_bytes: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        build_synthetic_model(tmp_path / "model.gguf", _SMALL, interrupt)
    assert list(tmp_path.iterdir()) == []


def test_too_little_room_is_told_before_anything_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _path: _DiskUsage(10**10, 10**10 - 10**9, 10**9))
    assert main(["--layers", "24", "-o", str(tmp_path / "model.gguf")]) == 6
    assert "8.4 GB and 1.0 GB are free" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_default_model_in_the_cache_folder_is_built_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("platformdirs.user_cache_dir", lambda _name: str(tmp_path))
    existing = default_path(SyntheticRecipe(n_layer=2))
    existing.parent.mkdir()
    existing.write_bytes(b"built before")
    assert main(["--layers", "2"]) == 0
    assert capsys.readouterr().out == f"{existing}\n"
    assert existing.read_bytes() == b"built before"


@pytest.mark.parametrize("arguments", [["--alpha", "1"], ["--layers", "0"], ["--experts", "7"], ["--layers", "9000"]])
def test_recipe_that_cannot_be_built_is_a_usage_error(arguments: list[str], tmp_path: Path) -> None:
    with pytest.raises(SystemExit) as exit_info:
        main([*arguments, "-o", str(tmp_path / "model.gguf")])
    assert exit_info.value.code == 2


def test_every_parameter_has_a_part_in_the_default_name() -> None:
    recipes = [
        SyntheticRecipe(),
        SyntheticRecipe(n_layer=4),
        SyntheticRecipe(n_expert=64),
        SyntheticRecipe(alpha=0),
        SyntheticRecipe(seed=1),
        SyntheticRecipe(n_vocab=512),
        SyntheticRecipe(n_expert_used=6),
    ]
    assert len({default_path(recipe) for recipe in recipes}) == len(recipes)
