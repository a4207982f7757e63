"""The forecasters that are trained ahead, from and to one file."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from offload.errors import ForecasterFileError
from offload.routing.blend import Blend
from offload.routing.forecaster import Forecaster
from offload.routing.forecaster_file import State, read_states, write_states
from offload.routing.gate_ahead import GateAhead
from offload.routing.gate_network import Networks, network_arrays, networks_of_arrays
from offload.routing.learned_path import LearnedPath
from offload.routing.path_network import PathNetwork
from offload.routing.previous_path import PreviousPath
from offload.routing.route_trace import TraceHeader
from offload.routing.router_weights import LayerGate
from offload.routing.token_prior import TokenPrior


@dataclass(frozen=True, slots=True)
class TrainedForecasters:
    """What is learnt of one model."""

    prior: TokenPrior
    network: PathNetwork | None = None
    """Of the learned path; None: it was not trained."""
    gate_networks: Networks = field(default_factory=dict)
    """Of gate ahead, where they were trained."""
    blend_state: State | None = None
    """Weights of the blend of all these; None: they were not fitted."""

    def learned_path(self) -> LearnedPath | None:
        """Return the learned path in a new conversation, on top of the prior."""
        return None if self.network is None else LearnedPath(self.network, self.prior)

    def blend(self, gates: Sequence[LayerGate] = ()) -> Blend:
        """Return the blend of all forecasters there are, in a new conversation; with gate ahead if there are `gates`.

        It drives the prior, which goes on learning.
        """
        prior = self.prior
        n_layer, n_expert = prior.n_layer, prior.n_expert
        parts: list[Forecaster] = [prior, PreviousPath(n_layer, n_expert)]
        learned = self.learned_path()
        if learned is not None:
            # Before the prior, which learns a token's path when the next one begins: both then know as much.
            parts.insert(0, learned)
        if gates:
            parts.append(GateAhead(gates, networks=self.gate_networks))
        blend = Blend(parts, n_layer, n_expert, prior.n_expert_used)
        if self.blend_state is not None:
            blend.restore(self.blend_state)
        return blend

    def save(self, path: Path, model: TraceHeader) -> None:
        """Write all of it.

        Raises:
            DiskFullError: there is no room left.
            OffloadError: the system could not write it.
        """
        states: dict[str, State] = {"token prior": self.prior.state()}
        if self.network is not None:
            states["learned path"] = self.network.arrays()
        if self.gate_networks:
            states["gate ahead"] = network_arrays(self.gate_networks)
        if self.blend_state is not None:
            states["blend"] = self.blend_state
        write_states(path, model, states)


def load_forecasters(path: Path, model: TraceHeader) -> TrainedForecasters:
    """Return the forecasters of `model` that the file at `path` holds; the prior knows nothing where it has none.

    Raises:
        ForecasterFileError: there is no such file, it is damaged, of another version, or of another model.
    """
    states = read_states(path, model)
    n_layer = len(model.layers)
    prior = TokenPrior(n_layer, model.n_expert, model.n_expert_used)
    network: PathNetwork | None = None
    gate_networks: Networks = {}
    try:
        if "token prior" in states:
            prior.restore(states["token prior"])
        if "learned path" in states:
            network = PathNetwork.of_arrays(states["learned path"], n_layer, model.n_expert)
        if "gate ahead" in states:
            gate_networks = networks_of_arrays(states["gate ahead"], n_layer, model.n_expert, model.n_embd)
        trained = TrainedForecasters(prior, network, gate_networks, states.get("blend"))
        # Restored once, so that weights which do not fit are found here.
        trained.blend()
    except (ValueError, KeyError) as error:
        raise ForecasterFileError(f"Forecasters do not fit: {error}.", file=path, hint="Train again.") from error
    return trained
