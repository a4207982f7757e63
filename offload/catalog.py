"""`CatalogModel`: a model of the curated catalogue, and the strict reader of `models/catalog.toml`."""

import re
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib.resources import files
from typing import Any

from offload.errors import OffloadError

CATALOG = "catalog.toml"
_REPO = re.compile(r"[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*", re.ASCII)
_COMMIT = re.compile(r"[0-9a-f]{40}")
_SHA256 = re.compile(r"[0-9a-f]{64}")
_PATH = re.compile(r"(?!/)(?!.*\.\.)[\w./-]+\.gguf", re.ASCII)
_WORD = re.compile(r"\S(?:.{0,78}\S)?")
_SOURCED = ("file", "licence", "experts", "parameters")


@dataclass(frozen=True, slots=True)
class CatalogFile:
    """One file of a model; `path` is the one in the repository."""

    path: str
    n_bytes: int | None = None
    """None where no source gives them exactly."""
    sha256: str | None = None
    """None where it is not known from two sources, or from the publisher."""

    @property
    def name(self) -> str:
        """The name without the repository's folders."""
        return self.path.rpartition("/")[2]


@dataclass(frozen=True, slots=True)
class CatalogModel:
    """One model. `sources` says for each kind of number where it comes from."""

    name: str
    repo: str
    """USER/REPO on the hub."""
    quant: str
    architecture: str
    """As the GGUF calls it, such as qwen3moe."""
    licence: str
    n_expert: int
    n_expert_used: int
    total_params: int
    """All parameters, rounded as published."""
    active_params: int
    """Of these, what one token is computed with."""
    size_bytes: int
    """Of all files: exact where each file's bytes are known, else as published."""
    is_exact: bool
    sources: Mapping[str, str]
    revision: str | None = None
    """The commit the files were seen at."""
    files: tuple[CatalogFile, ...] = ()

    @property
    def reference(self) -> str:
        """What `offload pull` is given."""
        return f"{self.repo}:{self.quant}"


def load_catalog(package: str = "offload_models") -> tuple[CatalogModel, ...]:
    """Return the models of the catalogue that was installed, the smallest first.

    Raises:
        OffloadError: it is missing or wrong, which a test of the project rules out: the installation is damaged.
    """
    try:
        text = files(package).joinpath(CATALOG).read_text("utf-8")
    except (ModuleNotFoundError, OSError) as error:
        raise OffloadError(
            "The catalogue of models is not installed.", hint="Install again from a complete copy of the project."
        ) from error
    return read_catalog(text)


def read_catalog(text: str) -> tuple[CatalogModel, ...]:
    """Return the models of a catalogue, in its order, which must be by size.

    Raises:
        OffloadError: no TOML, a key that is unknown, missing or of a wrong value, a model that is there twice, or an
            order that is not by size; says which.
    """
    try:
        fields = _Fields(tomllib.loads(text), "the catalogue")
    except tomllib.TOMLDecodeError as error:
        raise OffloadError(f"The catalogue of models is no TOML: {error}.") from error
    models = tuple(_model(_Fields(entry, f"model {index}")) for index, entry in enumerate(fields.tables("model"), 1))
    fields.end()
    references = [model.reference for model in models]
    if len(set(references)) < len(references):
        raise OffloadError("The catalogue of models names a model twice.")
    if list(models) != sorted(models, key=lambda model: model.size_bytes):
        raise OffloadError("The catalogue of models is not in the order of sizes.")
    return models


def _model(fields: "_Fields") -> CatalogModel:
    parts = tuple(_file(_Fields(entry, f"a file of {fields.where}")) for entry in fields.tables("file", missing=True))
    exact = [part.n_bytes for part in parts if part.n_bytes is not None]
    is_exact = bool(parts) and len(exact) == len(parts)
    published = fields.take("size_gb", _is_size, missing=is_exact)
    if is_exact and published is not None:
        raise fields.wrong("size_gb", published)
    sources = _Fields(fields.take("source", _is_table), f"the sources of {fields.where}")
    model = CatalogModel(
        name=fields.take("name", _WORD.fullmatch),
        repo=fields.take("repo", _REPO.fullmatch),
        quant=fields.take("quant", _WORD.fullmatch),
        architecture=fields.take("architecture", _WORD.fullmatch),
        licence=fields.take("licence", _WORD.fullmatch),
        n_expert=fields.take("n_expert", _is_count),
        n_expert_used=fields.take("n_expert_used", _is_count),
        total_params=round(fields.take("total_billions", _is_size) * 1e9),
        active_params=round(fields.take("active_billions", _is_size) * 1e9),
        size_bytes=sum(exact) if is_exact else round(published * 1e9),
        is_exact=is_exact,
        sources={key: sources.take(key, bool) for key in _SOURCED},
        revision=fields.take("revision", _COMMIT.fullmatch, missing=True),
        files=parts,
    )
    sources.end()
    fields.end()
    if model.n_expert_used > model.n_expert:
        raise fields.wrong("n_expert_used", model.n_expert_used)
    if model.active_params > model.total_params:
        raise fields.wrong("active_billions", model.active_params)
    return model


def _file(fields: "_Fields") -> CatalogFile:
    file = CatalogFile(
        path=fields.take("path", _PATH.fullmatch),
        n_bytes=fields.take("n_bytes", _is_count, missing=True),
        sha256=fields.take("sha256", _SHA256.fullmatch, missing=True),
    )
    fields.end()
    return file


class _Fields:
    """A table of the catalogue whose keys are taken one by one; what is left at the end is unknown."""

    def __init__(self, table: Mapping[str, Any], where: str) -> None:
        self._table = dict(table)
        self.where = where

    def take(self, key: str, is_right: Callable[[Any], object], *, missing: bool = False) -> Any:
        """Return the value of `key`, which `is_right` accepts; None where it may be, and is, missing."""
        if key not in self._table:
            if missing:
                return None
            raise OffloadError(f"The catalogue of models has no {key} in {self.where}.")
        value = self._table.pop(key)
        try:
            right = bool(is_right(value))
        except TypeError:
            right = False
        if not right:
            raise self.wrong(key, value)
        return value

    def tables(self, key: str, *, missing: bool = False) -> list[Mapping[str, Any]]:
        """Return the tables of the list `key`."""
        tables = self.take(key, _are_tables, missing=missing)
        return [] if tables is None else tables

    def end(self) -> None:
        """Refuse what nobody took."""
        for key in self._table:
            raise OffloadError(f"The catalogue of models has an unknown {key} in {self.where}.")

    def wrong(self, key: str, value: object) -> OffloadError:
        """Return the error of a value that makes no sense."""
        return OffloadError(f"The catalogue of models has a wrong {key} in {self.where}: {value!r:.80}.")


def _is_count(value: object) -> bool:
    return type(value) is int and value > 0


def _is_size(value: object) -> bool:
    return type(value) in (int, float) and 0 < value < 1e6  # type: ignore[operator]


def _is_table(value: object) -> bool:
    return isinstance(value, dict)


def _are_tables(value: object) -> bool:
    return isinstance(value, list) and all(isinstance(item, dict) for item in value)
