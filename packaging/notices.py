"""The notices: THIRD-PARTY.txt and offload.cdx.json (CycloneDX) beside the programs of a bundle.

Usage: notices.py BUNDLE LLAMA_FOLDER      SOURCE_DATE_EPOCH is the time they are of; LLAMA_FOLDER: llama_kernels.sh's
"""

import json
import os
import sys
import uuid
from collections.abc import Iterable
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path

import inventory
from inventory import Component

HERE = Path(__file__).resolve().parent
_RULE = "=" * 100
_OPENING = """offload {version} is licensed under the Apache License, Version 2.0; see LICENSE.

This bundle also contains the work of others, listed here with version and licence; their licences follow.
"""
_QT = """Qt, PySide6 and Shiboken6 are used under the GNU Lesser General Public License, version 3. They lie as shared
libraries of their own in {folder} and may be replaced by builds of your own of the same version, which the programs
then run with. Nothing forbids changing them, or examining this program to mend such a change. Their sources, of the
version listed above: https://download.qt.io/official_releases/qt/ and
https://download.qt.io/official_releases/QtForPython/. Qt contains work of others, ICU among it, whose licences are
listed in its documentation: https://doc.qt.io/qt-6/licenses-used-in-qt.html
"""


def components(bundle: Path, llama: Path) -> list[Component]:
    """Return everything in the bundle that others made."""
    names = inventory.required("offload", ("app", "hub"))
    found = [inventory.python_itself(), *map(inventory.distribution, names), inventory.distribution("pyinstaller")]
    binding = metadata.version("llama-cpp-python")
    found += inventory.llama_cpp(llama / f"llama_cpp_python-{binding}", binding)
    places = (
        [Path(folder) / f"{os.uname().machine}-linux-gnu" for folder in ("/lib", "/usr/lib")] if _is_linux() else []
    )
    return found + inventory.system_libraries(bundle / "_internal", places)


def third_party(parts: Iterable[Component], version: str) -> str:
    """Return the text of THIRD-PARTY.txt."""
    listed = list(parts)
    width = max(len(part.name) for part in listed)
    lines = [_OPENING.format(version=version)]
    lines += [f"{part.name:<{width}}  {part.version}  ({part.licence})" for part in listed]
    lines += ["", _RULE, _QT.format(folder="_internal/PySide6")]
    lines += [(HERE / "licences" / name).read_text("utf-8") for name in ("LGPL-3.0.txt", "GPL-3.0.txt")]
    for part in listed:
        for text in part.texts:
            lines += [_RULE, f"{part.name} {part.version}", "", text.strip(), ""]
    return "\n".join(lines) + "\n"


def bill_of_materials(parts: Iterable[Component], version: str, when: datetime) -> dict[str, object]:
    """Return the SBOM. Source: CycloneDX 1.5, JSON."""
    listed = list(parts)
    serial = uuid.uuid5(uuid.NAMESPACE_URL, " ".join([version, *sorted(part.purl for part in listed)]))
    return {
        "bomFormat": "CycloneDX",
        "specVersion": "1.5",
        "serialNumber": f"urn:uuid:{serial}",
        "version": 1,
        "metadata": {
            "timestamp": when.strftime("%Y-%m-%dT%H:%M:%SZ"),
            "component": {
                "type": "application",
                "bom-ref": "offload",
                "name": "offload",
                "version": version,
                "licenses": [{"license": {"id": "Apache-2.0"}}],
            },
        },
        "components": [
            {
                "type": "library",
                "bom-ref": part.purl,
                "name": part.name,
                "version": part.version,
                "licenses": [{"license": {"name": part.licence}}],
                "purl": part.purl,
            }
            for part in sorted(listed, key=lambda part: part.purl)
        ],
        "dependencies": [{"ref": "offload", "dependsOn": sorted({part.purl for part in listed})}],
    }


def main(bundle: Path, llama: Path) -> None:
    """Write both files, and our own licence."""
    version = metadata.version("offload")
    parts = components(bundle, llama)
    when = datetime.fromtimestamp(int(os.environ["SOURCE_DATE_EPOCH"]), UTC)
    (bundle / "THIRD-PARTY.txt").write_text(third_party(parts, version), encoding="utf-8")
    bill = json.dumps(bill_of_materials(parts, version, when), indent=1)
    (bundle / "offload.cdx.json").write_text(bill + "\n", encoding="utf-8")
    (bundle / "LICENSE").write_bytes((HERE.parent / "LICENSE").read_bytes())
    sys.stdout.write(f"{len(parts)} parts of others are listed\n")


def _is_linux() -> bool:
    return sys.platform == "linux"


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
