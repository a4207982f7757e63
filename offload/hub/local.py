"""Finding a model of the hub among those that are here, without asking anybody."""

from pathlib import Path

from offload.errors import HubError
from offload.hub.choice import choose, models_among
from offload.hub.model_place import length_of
from offload.hub.origin import read_origin
from offload.hub.reference import DEFAULT_REVISION, HubReference


def find_local(models_folder: Path, reference: HubReference) -> Path | None:
    """Return the first file of the model that `reference` means, None where it is not here whole.

    Files without an origin, put here by other means, count as of the default revision.
    """
    folder = models_folder.joinpath(*reference.repo.split("/"))
    try:
        names = [path.name for path in folder.iterdir() if path.is_file()]
        file = reference.file.rpartition("/")[2] if reference.file else None
        asked = HubReference(reference.repo, reference.quant, reference.revision, file)
        first = folder / choose(models_among(names), asked).paths[0]
    except (OSError, HubError):
        return None
    origin = read_origin(first)
    revisions = (origin.asked_revision, origin.revision) if origin else (DEFAULT_REVISION,)
    if reference.revision not in revisions:
        return None
    if origin and any(length_of(folder / part.name) != part.n_bytes for part in origin.files):
        return None
    return first
