"""The forecasters that are trained ahead, from and to one file."""

from dataclasses import dataclass
from pathlib import Path

from offload.errors import ForecasterFileError
from offload.routing.forecaster_file import read_states, write_states
from offload.routing.learned_path import LearnedPath
from offload.routing.path_network import PathNetwork
from offload.routing.route_trace import TraceHeader
from offload.routing.token_prior import TokenPrior


@dataclass(frozen=True, slots=True)
class TrainedForecasters:
    """What is learnt of one model."""

    prior: TokenPrior
    network: PathNetwork | None
    """Of the learned path; None: it was not trained."""

    def learned_path(self) -> LearnedPath | None:
        """Return the learned path in a new conversation, on top of the prior."""
        return None if self.network is None else LearnedPath(self.network, self.prior)

    def save(self, path: Path, model: TraceHeader) -> None:
        """Write all of it.

        Raises:
            DiskFullError: there is no room left.
            OffloadError: the system could not write it.
        """
        states = {"token prior": self.prior.state()}
        if self.network is not None:
            states["learned path"] = self.network.arrays()
        write_states(path, model, states)


def load_forecasters(path: Path, model: TraceHeader) -> TrainedForecasters:
    """Return the forecasters of `model` that the file at `path` holds; the prior knows nothing where it has none.

    Raises:
        ForecasterFileError: there is no such file, it is damaged, of another version, or of another model.
    """
    states = read_states(path, model)
    n_layer = len(model.layers)
    prior = TokenPrior(n_layer, model.n_expert, model.n_expert_used)
    network = None
    try:
        if "token prior" in states:
            prior.restore(states["token prior"])
        if "learned path" in states:
            network = PathNetwork.of_arrays(states["learned path"], n_layer, model.n_expert)
    except (ValueError, KeyError) as error:
        raise ForecasterFileError(f"Forecasters do not fit: {error}.", file=path, hint="Train again.") from error
    return TrainedForecasters(prior, network)
