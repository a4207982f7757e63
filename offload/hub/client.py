"""`HubClient`: huggingface-hub's metadata and sessions, with errors of our own kind.

Transfers are ranged requests over huggingface-hub's session, which knows its headers, proxies and redirects, and takes
the token off where they leave the hub. Its `hf_hub_download` is not used: 2.4 writes to a file of a random name, which
it removes when a download breaks off (1.0 resumed), and hf-xet starts each file anew. Only public names of
huggingface-hub are used; its HTTP library (httpx in 1.0, httpx2 in 2.4) is never named.

Source: file_download.py of huggingface_hub 1.0.0 and 2.4.0, `_download_to_tmp_and_move` and `xet_get`.
"""

import time
from collections.abc import Callable, Generator, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from typing import Any, NoReturn

from offload.errors import HubError, HubFailure, UsageError
from offload.hub.errand import run_errand
from offload.hub.patience import TRY_AGAIN, PassingError, Patience

_TIMEOUT_SECONDS = 20.0
"""Without an answer or a further byte."""
_BUSY = frozenset({408, 425, 429, 500, 502, 503, 504})
_LISTING_TRIES = 3
_TOKEN_HINT = "Accept its terms on its page, then set HF_TOKEN to a token of yours (huggingface.co/settings/tokens)."


@dataclass(frozen=True, slots=True)
class ListedFile:
    """A file as the hub lists it, unchecked."""

    path: str
    n_bytes: int | None
    sha256: str | None
    """Of its contents; None where it is not stored as a large file."""
    blob_id: str | None
    """Git's own checksum: of a large file's pointer, else of the contents."""


@dataclass(frozen=True, slots=True)
class Listing:
    """All files of a repository at `commit`."""

    commit: str
    files: tuple[ListedFile, ...]


@dataclass(frozen=True, slots=True)
class Body:
    """The bytes of a file as they come: `pieces` from `start` on, of `total_bytes` where the hub says so."""

    start: int
    total_bytes: int | None
    pieces: Iterator[bytes]


def _do_nothing() -> None:
    """Let who waits go on waiting."""


class HubClient:
    """Asks one hub. For one thread, whose bodies come by others; all clients share huggingface-hub's session."""

    def __init__(
        self,
        *,
        endpoint: str | None = None,
        token: str | None = None,
        wait: Callable[[float], None] = time.sleep,
        while_waiting: Callable[[], None] = _do_nothing,
        timeout_seconds: float = _TIMEOUT_SECONDS,
    ) -> None:
        """Take the hub at `endpoint` (None: huggingface.co) and ask as the owner of `token` (None: as nobody).

        While an answer is waited for, `while_waiting` is called a few times a second; what it raises ends the request.

        Raises:
            UsageError: huggingface-hub is not installed.
        """
        try:
            import huggingface_hub.errors
            import huggingface_hub.utils
        except ImportError as error:
            raise UsageError(
                "Models are downloaded with huggingface-hub, which is not installed.",
                hint="Install it with: pip install 'offload[hub]'",
            ) from error
        self._hub: Any = huggingface_hub
        self._errors: Any = self._hub.errors
        # The base of whatever its HTTP library raises, by whichever name that library goes.
        self._http_error: type[Exception] = self._errors.HfHubHTTPError.__mro__[1]
        self._token: str | bool = token or False
        self._api: Any = huggingface_hub.HfApi(endpoint=endpoint, token=self._token, library_name="offload")
        self._headers: dict[str, str] = {
            **self._hub.utils.build_hf_headers(token=self._token, library_name="offload"),
            "Accept-Encoding": "identity",
        }
        self._wait = wait
        self._while_waiting = while_waiting
        self._timeout_seconds = timeout_seconds

    def patience(self, *, hint: str = TRY_AGAIN) -> Patience:
        """Return a fresh measure of patience for one file; `hint` is said to who runs out of it."""
        return Patience(self._wait, hint=hint)

    def file_url(self, repo: str, path: str, commit: str) -> str:
        """Return the address of a file at a commit."""
        url: str = self._hub.hf_hub_url(repo, path, revision=commit, endpoint=self._api.endpoint)
        return url

    def listing(self, repo: str, revision: str) -> Listing:
        """Ask for all files of a repository, with their sizes and checksums, and for the commit.

        Raises:
            HubError: it cannot be reached, has no such repository or revision, or its answer makes no sense.
        """
        patience = Patience(self._wait, tries=_LISTING_TRIES)
        while True:
            try:
                with closing(run_errand(lambda: self._ask_listing(repo, revision), self._while_waiting)) as answer:
                    return next(answer)
            except PassingError as trouble:
                patience.failed(trouble)

    def _ask_listing(self, repo: str, revision: str) -> Generator[Listing, None, None]:
        try:
            info = self._api.model_info(repo, revision=revision, files_metadata=True, timeout=self._timeout_seconds)
            files = tuple(
                ListedFile(str(file.rfilename), file.size, file.lfs.sha256 if file.lfs else None, file.blob_id)
                for file in info.siblings
            )
            yield Listing(str(info.sha), files)
        except self._http_error as error:
            self._translate(error, f"{repo} at {revision}")
        except self._errors.OfflineModeIsEnabled as error:
            raise _offline() from error
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise HubError(
                f"The hub's answer about {repo} makes no sense ({type(error).__name__}: {str(error)[:120]}).",
                reason=HubFailure.MALFORMED,
                hint="Try again later; if HF_ENDPOINT is set, check that it is a hub.",
            ) from error

    @contextmanager
    def body(
        self, url: str, start: int, end: int | None = None, *, while_waiting: Callable[[], None] | None = None
    ) -> Iterator[Body]:
        """Ask for the bytes of a file from `start` on, up to `end` (exclusive) if given.

        Where the hub cannot resume, `Body.start` is 0. Pieces come as the network delivers them. `while_waiting` takes
        the place of the client's own.

        Raises:
            PassingError: also from the pieces; what came before it is good.
            HubError: the hub says no.
        """
        headers = dict(self._headers)
        if start or end is not None:
            headers["Range"] = f"bytes={start}-{'' if end is None else end - 1}"
        errand = run_errand(lambda: self._answer(url, headers), while_waiting or self._while_waiting)
        try:
            with closing(errand) as answer:
                first, total_bytes = next(answer)
                yield Body(first, total_bytes, answer)
        except self._http_error as error:
            self._translate(error, _shown(url))
        except self._errors.OfflineModeIsEnabled as error:
            raise _offline() from error

    def _answer(self, url: str, headers: dict[str, str]) -> Generator[Any, None, None]:
        """Yield the first byte's place and the length of the whole, as far as the answer says it, then its pieces."""
        with self._hub.get_session().stream("GET", url, headers=headers, timeout=self._timeout_seconds) as response:
            if response.status_code >= 400:
                response.read()
                self._hub.hf_raise_for_status(response)
            yield _span_of(response, url, ranged="Range" in headers)
            yield from response.iter_raw()

    def _translate(self, error: Exception, what: str) -> NoReturn:
        """Raise the error of ours that `error` is, without addresses: those of a CDN carry signatures."""
        errors = self._errors
        response = getattr(error, "response", None) if isinstance(error, errors.HfHubHTTPError) else None
        if response is None:
            raise PassingError(f"{type(error).__name__} with {what}: {str(error)[:160]}") from None
        status = int(response.status_code)
        if isinstance(error, errors.GatedRepoError):
            raise HubError(f"{what} is gated.", reason=HubFailure.GATED, hint=_TOKEN_HINT) from None
        if isinstance(error, errors.RevisionNotFoundError):
            raise _missing(f"There is no revision as in {what}.", "Check --revision.") from None
        if isinstance(error, errors.RepositoryNotFoundError) or status == 404:
            hint = "Check the name; a private one needs HF_TOKEN."
            raise _missing(f"The hub has no {what}, or shows it only to some.", hint) from None
        if status in _BUSY:
            raise PassingError(f"it answers {status} to {what}", wait_seconds=_retry_after(response)) from None
        hint = _TOKEN_HINT if status in (401, 403) else "Try again later."
        raise HubError(f"The hub refuses {what} with {status}.", reason=HubFailure.REFUSED, hint=hint) from None


def _span_of(response: Any, url: str, *, ranged: bool) -> tuple[int, int | None]:
    if response.headers.get("Content-Encoding", "identity") != "identity":
        raise HubError(f"The hub sends {_shown(url)} compressed, which was not asked for.", reason=HubFailure.MALFORMED)
    start, total = 0, _number(response.headers.get("Content-Length"))
    if ranged and response.status_code == 206:
        # bytes START-END/TOTAL. Source: RFC 9110, 14.4.
        span, _, size = response.headers.get("Content-Range", "").removeprefix("bytes ").partition("/")
        first = _number(span.partition("-")[0])
        if first is None:
            raise HubError(f"The hub does not say which bytes of {_shown(url)} it sends.", reason=HubFailure.MALFORMED)
        start, total = first, _number(size)
    return start, total


def _number(text: str | None) -> int | None:
    return int(text) if text is not None and text.isascii() and text.isdigit() else None


def _retry_after(response: Any) -> float | None:
    seconds = _number(response.headers.get("Retry-After"))
    return None if seconds is None else float(seconds)


def _shown(url: str) -> str:
    return url.partition("?")[0].rpartition("/")[2]


def _missing(message: str, hint: str) -> HubError:
    return HubError(message, reason=HubFailure.NOT_FOUND, hint=hint)


def _offline() -> HubError:
    return HubError(
        "HF_HUB_OFFLINE forbids to ask the hub.", reason=HubFailure.UNREACHABLE, hint="Unset it to download."
    )
