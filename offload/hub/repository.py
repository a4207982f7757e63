"""`RemoteModel`: one model of a repository, at one commit, with the size and checksum of each file."""

import re
from dataclasses import dataclass

from offload.errors import HubError, HubFailure
from offload.hub.choice import choose, models_among
from offload.hub.client import HubClient, ListedFile
from offload.hub.reference import HubReference

_COMMIT = re.compile(r"[0-9a-f]{40}")
_SHA256 = re.compile(r"[0-9a-f]{64}")
_LONGEST_NAME = 200
# Names that mean a device on Windows, and the letters no file may have there.
_DEVICES = re.compile(r"(?:con|prn|aux|nul|com[0-9]|lpt[0-9])(?:\..*)?", re.IGNORECASE)
_FORBIDDEN = frozenset('\\:*?"<>|') | {chr(code) for code in (*range(32), 127)}


@dataclass(frozen=True, slots=True)
class RemoteFile:
    """One file; `path` is the one in the repository, and safe."""

    path: str
    n_bytes: int
    sha256: str | None
    """None: the hub gives no checksum."""
    identity: str
    """What tells these bytes from others of the same name, as part of a file name."""
    url: str

    @property
    def name(self) -> str:
        """The name without the repository's folders: how it is called here."""
        return self.path.rpartition("/")[2]


@dataclass(frozen=True, slots=True)
class RemoteModel:
    """All files of a model in order, at the commit `revision`, which is what `asked_revision` meant."""

    repo: str
    revision: str
    asked_revision: str
    quant: str
    files: tuple[RemoteFile, ...]

    @property
    def n_bytes(self) -> int:
        """The bytes of all files."""
        return sum(file.n_bytes for file in self.files)


def find_model(client: HubClient, reference: HubReference) -> RemoteModel:
    """Ask the hub which files `reference` means, and pin them to a commit.

    Raises:
        HubError: the hub cannot be reached, has no such model, or lists a file that may not be written here.
    """
    listing = client.listing(reference.repo, reference.revision)
    if _COMMIT.fullmatch(listing.commit) is None:
        raise _malformed(reference.repo, "names no commit")
    chosen = choose(models_among(file.path for file in listing.files), reference)
    listed = {file.path: file for file in listing.files}
    files = tuple(_checked(client, reference.repo, listing.commit, listed[path]) for path in chosen.paths)
    return RemoteModel(reference.repo, listing.commit, reference.revision, chosen.quant, files)


def _checked(client: HubClient, repo: str, commit: str, file: ListedFile) -> RemoteFile:
    if not is_safe_path(file.path):
        raise HubError(
            f"{repo} lists a file {file.path[:_LONGEST_NAME]!r}, which is no name for a file here.",
            reason=HubFailure.MALFORMED,
            hint="Do not trust this repository.",
        )
    if type(file.n_bytes) is not int or file.n_bytes <= 0:
        raise _malformed(repo, f"does not say how many bytes {file.path} has")
    sha256 = file.sha256
    if sha256 is not None and (type(sha256) is not str or _SHA256.fullmatch(sha256) is None):
        raise _malformed(repo, f"gives a checksum of {file.path} that is no SHA-256")
    # Whatever the hub gives that changes with the bytes; at the worst the commit, which changes more often.
    identity = sha256 or (file.blob_id if isinstance(file.blob_id, str) and _COMMIT.fullmatch(file.blob_id) else commit)
    return RemoteFile(file.path, file.n_bytes, sha256, identity[:16], client.file_url(repo, file.path, commit))


def is_safe_path(path: str) -> bool:
    """Return whether `path` of a repository stays inside it and names a file on every system."""
    parts = path.split("/")
    return all(
        0 < len(part.encode(errors="replace")) <= _LONGEST_NAME
        and not part.startswith((".", " ", "~"))
        and not part.endswith((".", " "))
        and not _FORBIDDEN.intersection(part)
        and part.isprintable()
        and _DEVICES.fullmatch(part) is None
        for part in parts
    )


def _malformed(repo: str, what: str) -> HubError:
    return HubError(
        f"The hub's answer about {repo} {what}.",
        reason=HubFailure.MALFORMED,
        hint="Try again later; if HF_ENDPOINT is set, check that it is a hub.",
    )
