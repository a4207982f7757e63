"""`PathNetwork`: its arrays, and what it refuses."""

import numpy as np
import pytest

from fakes.trained_path import trained_path
from offload.routing.path_network import PathNetwork, word_index


@pytest.fixture
def arrays() -> dict[str, np.ndarray]:
    return dict(trained_path().network.arrays())


def test_it_is_the_same_from_its_arrays(arrays: dict[str, np.ndarray]) -> None:
    again = PathNetwork.of_arrays(arrays, 4, 8).arrays()
    assert all(np.array_equal(again[name], array) for name, array in arrays.items())


def test_its_arrays_take_two_bytes_a_weight(arrays: dict[str, np.ndarray]) -> None:
    assert {name: array.itemsize for name, array in arrays.items() if name != "vocabulary"} == dict.fromkeys(
        arrays.keys() - {"vocabulary"}, 2
    )


@pytest.mark.parametrize("shape", [(5, 8), (4, 9), (8, 4)])
def test_another_model_s_network_is_refused(arrays: dict[str, np.ndarray], shape: tuple[int, int]) -> None:
    with pytest.raises(ValueError, match=f"not of {shape[0]} layers of {shape[1]} experts"):
        PathNetwork.of_arrays(arrays, *shape)


def test_an_array_that_lacks_or_is_of_another_type_is_refused(arrays: dict[str, np.ndarray]) -> None:
    without = {name: array for name, array in arrays.items() if name != "bias"}
    for wrong in (without, {**arrays, "bias": arrays["bias"].astype(np.float32)}):
        with pytest.raises(ValueError, match="its own arrays"):
            PathNetwork.of_arrays(wrong, 4, 8)


def test_weights_that_are_no_numbers_are_refused(arrays: dict[str, np.ndarray]) -> None:
    arrays["bias"] = np.full_like(arrays["bias"], np.nan)
    with pytest.raises(ValueError, match="no numbers"):
        PathNetwork.of_arrays(arrays, 4, 8)


def test_a_vocabulary_out_of_order_is_refused(arrays: dict[str, np.ndarray]) -> None:
    arrays["vocabulary"] = arrays["vocabulary"][::-1]
    with pytest.raises(ValueError, match="do not ascend"):
        PathNetwork.of_arrays(arrays, 4, 8)


def test_words_are_counted_from_1_and_0_is_every_other_token() -> None:
    vocabulary = np.array([2, 5, 9], np.int32)
    assert word_index(vocabulary, np.array([[5, 9], [2, 7], [-1, 99]], np.int32)).tolist() == [[2, 3], [1, 0], [0, 0]]
    assert word_index(vocabulary[:0], np.array([1, -1], np.int32)).tolist() == [0, 0]
