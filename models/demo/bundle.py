"""Pack the demo model as it travels: ``python -m models.demo.bundle MODEL.gguf``.

Two files beside this one: the model as one zstandard frame, and its SHA-256. Quantized weights hardly shrink; what is won is
a check of every byte when the model is unpacked, and a copy in the user's own folder.
"""

import argparse
import hashlib
from pathlib import Path

import zstandard

from offload.demo_model import BUNDLE, CHECKSUM

FOLDER = Path(__file__).parent
LEVEL = 19


def write_bundle(model: Path, folder: Path = FOLDER) -> Path:
    """Write the packed model and its checksum into ``folder``; return the packed file."""
    content = model.read_bytes()
    packed = zstandard.ZstdCompressor(level=LEVEL, write_checksum=True, write_content_size=True).compress(content)
    (folder / BUNDLE).write_bytes(packed)
    (folder / CHECKSUM).write_text(f"{hashlib.sha256(content).hexdigest()}  demo.gguf\n", "ascii")
    return folder / BUNDLE


def main() -> None:
    """Pack from the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("model", type=Path)
    args = parser.parse_args()
    packed = write_bundle(args.model)
    print(f"{packed}: {packed.stat().st_size} bytes, of {args.model.stat().st_size}")


if __name__ == "__main__":
    main()
