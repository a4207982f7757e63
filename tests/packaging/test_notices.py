"""The lists of what others made: versions, licences, and a bill of materials that can be read."""

from datetime import UTC, datetime
from email.message import Message

import pytest
from inventory import Component, distribution, licence_of, normalised, python_itself, required
from notices import bill_of_materials, third_party

PARTS = (
    Component("zlib", "1.2", "Zlib", "pkg:generic/zlib@1.2", ("The zlib licence.",)),
    Component("numpy", "2.0", "BSD-3-Clause", "pkg:pypi/numpy@2.0", ("The licence of NumPy.", "That of OpenBLAS.")),
)


def test_every_part_is_listed_with_its_version_licence_and_texts() -> None:
    text = third_party(PARTS, "9.9")
    assert text.startswith("offload 9.9 is licensed under the Apache License")
    for part in PARTS:
        assert all(word in text for word in (part.name, part.version, part.licence, *part.texts))


def test_qt_s_licence_says_where_its_libraries_are_and_that_they_may_be_replaced() -> None:
    text = third_party(PARTS, "9.9")
    assert "_internal/PySide6 and may be replaced" in text
    assert "GNU LESSER GENERAL PUBLIC LICENSE" in text
    assert "GNU GENERAL PUBLIC LICENSE" in text


def test_a_bill_of_the_same_parts_is_the_same_whatever_their_order() -> None:
    when = datetime(2026, 1, 2, tzinfo=UTC)
    bill = bill_of_materials(PARTS, "9.9", when)
    assert bill == bill_of_materials(PARTS[::-1], "9.9", when)
    assert (bill["bomFormat"], bill["specVersion"]) == ("CycloneDX", "1.5")
    parts = bill["components"]
    assert isinstance(parts, list)
    assert [part["purl"] for part in parts] == ["pkg:generic/zlib@1.2", "pkg:pypi/numpy@2.0"]


def test_what_is_required_is_found_through_extras_and_without_what_is_left_out() -> None:
    plain, whole = required("offload", ()), required("offload", ("app", "hub"))
    assert {"numpy", "llama-cpp-python", "markupsafe"} <= set(plain)
    assert {"pyside6-essentials", "huggingface-hub", "pygments"} <= set(whole) - set(plain)
    assert not {"offload", "pytest", "hf-xet"} & set(whole)


def test_a_distribution_tells_its_version_licence_and_text() -> None:
    numpy = distribution("numpy")
    assert numpy.purl == f"pkg:pypi/numpy@{numpy.version}"
    assert "BSD" in numpy.licence
    assert any("Redistribution" in text for text in numpy.texts)


def test_the_interpreter_is_a_part() -> None:
    assert python_itself().licence == "PSF-2.0"


@pytest.mark.parametrize(
    ("fields", "licence"),
    [
        ({"License-Expression": "MIT", "License": "other"}, "MIT"),
        ({"License": "BSD"}, "BSD"),
        ({"License": "the whole\ntext", "Classifier": "License :: OSI Approved :: MIT License"}, "MIT License"),
        ({}, "not stated"),
    ],
)
def test_a_licence_is_said_as_its_makers_say_it(fields: dict[str, str], licence: str) -> None:
    message = Message()
    for name, value in fields.items():
        message[name] = value
    assert licence_of(message) == licence


def test_names_have_one_spelling() -> None:
    assert normalised("PySide6_Essentials") == "pyside6-essentials"
