"""`offload doctor`: how findings are shown; what is found is the machine's."""

import io
import json
from pathlib import Path
from typing import Any

import pytest

from offload.cli.doctor import show
from offload.cli.terminal import Terminal
from offload.diagnosis import Diagnosis, Finding, Health

DIAGNOSIS = Diagnosis(
    (Finding("disk", Health.GOOD, "fast", {"bytes_per_second": 7.0}), Finding("llama.cpp", Health.BAD, "not there"))
)


def shown(diagnosis: Diagnosis, *, as_json: bool) -> str:
    out = io.StringIO()
    show(diagnosis, Terminal(None, out, io.StringIO(), {}), as_json=as_json)
    return out.getvalue()


def test_a_line_per_finding() -> None:
    assert shown(DIAGNOSIS, as_json=False) == "  ok  disk       fast\n BAD  llama.cpp  not there\n"


def test_json_has_the_numbers() -> None:
    report = json.loads(shown(DIAGNOSIS, as_json=True))
    assert report["good"] is False
    assert report["findings"][0] == {
        "topic": "disk", "health": "good", "text": "fast", "numbers": {"bytes_per_second": 7.0}
    }  # fmt: skip


@pytest.mark.parametrize(("health", "code"), [(Health.BAD, 1), (Health.REMARK, 0)])
def test_the_exit_code_tells_whether_something_is_broken(
    offload: Any, monkeypatch: pytest.MonkeyPatch, health: Health, code: int
) -> None:
    def diagnose(place: Path) -> Diagnosis:
        return Diagnosis((Finding("disk", health, str(place)),))

    monkeypatch.setattr("offload.cli.doctor.diagnose", diagnose)
    outcome = offload("doctor", "some/folder")
    assert outcome.code == code
    assert "some/folder" in outcome.out
