"""`ModelPlace`: where the files of a remote model lie here, and what of it is there already."""

from pathlib import Path

from offload.hub.origin import Origin, OriginFile, read_origin
from offload.hub.repository import RemoteFile, RemoteModel

PARTIAL_FOLDER = ".partial"


class ModelPlace:
    """The paths of one model in a models folder. Looks, never writes; asks the disk anew each time."""

    def __init__(self, model: RemoteModel, models_folder: Path) -> None:
        self.model = model
        self.folder = models_folder.joinpath(*model.repo.split("/"))
        self.partial = self.folder / PARTIAL_FOLDER

    @property
    def path(self) -> Path:
        """Where the first file will be."""
        return self.target(self.model.files[0])

    def target(self, file: RemoteFile) -> Path:
        """Return where a whole file lies."""
        return self.folder / file.name

    def part(self, file: RemoteFile) -> Path:
        """Return where what has come of a file lies."""
        return self.partial / f"{file.name}.{file.identity}.part"

    def checked(self, file: RemoteFile) -> Path:
        """Return where a file lies that is whole but has not got its name."""
        return self.partial / f"{file.name}.{file.identity}.checked"

    def damaged(self, file: RemoteFile) -> Path:
        """Return where a file lies that came with another checksum than the hub's."""
        return self.folder / f"{file.name}.damaged"

    def origin_if_there(self) -> Origin | None:
        """Return the model's origin if it is there whole: by its checksums and the lengths of its files."""
        origin = read_origin(self.path)
        if origin is None or len(origin.files) != len(self.model.files):
            return None
        for ours, theirs in zip(origin.files, self.model.files, strict=True):
            same = ours.sha256 == theirs.sha256 and ours.n_bytes == theirs.n_bytes and ours.name == theirs.name
            # Without a checksum only the commit tells that nothing has changed.
            known = theirs.sha256 is not None or origin.revision == self.model.revision
            if not (same and known and length_of(self.target(theirs)) == ours.n_bytes):
                return None
        return origin

    def there_bytes(self, file: RemoteFile | None = None) -> int:
        """Return how many bytes of a file, or of all, need not come any more."""
        if file is None:
            return sum(self.there_bytes(each) for each in self.model.files)
        if self.is_in_place(file) or self.is_checked(file):
            return file.n_bytes
        length = length_of(self.part(file))
        return length if 0 <= length <= file.n_bytes else 0

    def missing_bytes(self) -> int:
        """Return how many bytes are still to come."""
        return self.model.n_bytes - self.there_bytes()

    def is_checked(self, file: RemoteFile) -> bool:
        """Return whether the file is whole and waits for its name."""
        return length_of(self.checked(file)) == file.n_bytes

    def is_in_place(self, file: RemoteFile) -> bool:
        """Return whether the file has its name and, by all that is known without reading it, its bytes."""
        known = self.known(file)
        right = known is None or (known.sha256 == file.sha256 and known.sha256 is not None)
        return right and length_of(self.target(file)) == file.n_bytes

    def known(self, file: RemoteFile) -> OriginFile | None:
        """Return what the origin here says of a file of that name."""
        origin = read_origin(self.path)
        return next((ours for ours in origin.files if ours.name == file.name), None) if origin else None


def length_of(path: Path) -> int:
    """Return the length of a file, -1 where there is none."""
    try:
        return path.stat().st_size if path.is_file() else -1
    except OSError:
        return -1
