"""The forecasters that are trained ahead, from and to one file."""

from collections.abc import Mapping, Sequence
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

PRIOR, PATH, GATE, BLEND = "token prior", "learned path", "gate ahead", "blend"
"""What each is called in a file."""


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

    @classmethod
    def of_states(cls, states: Mapping[str, State], prior: TokenPrior, n_embd: int) -> "TrainedForecasters":
        """Return what `states` hold, by forecaster, for a model of the shape of `prior`, which takes its own.

        Raises:
            ValueError, KeyError: they are of another shape.
        """
        shape = prior.n_layer, prior.n_expert
        network: PathNetwork | None = None
        gate_networks: Networks = {}
        if PRIOR in states:
            prior.restore(states[PRIOR])
        if PATH in states:
            network = PathNetwork.of_arrays(states[PATH], *shape)
        if GATE in states:
            gate_networks = networks_of_arrays(states[GATE], *shape, n_embd)
        return cls(prior, network, gate_networks, states.get(BLEND))

    def states(self) -> dict[str, State]:
        """Return all of it, by forecaster, for `of_states`."""
        states: dict[str, State] = {PRIOR: self.prior.state()}
        if self.network is not None:
            states[PATH] = self.network.arrays()
        if self.gate_networks:
            states[GATE] = network_arrays(self.gate_networks)
        if self.blend_state is not None:
            states[BLEND] = self.blend_state
        return states

    def learned_path(self) -> LearnedPath | None:
        """Return the learned path in a new conversation, on top of the prior."""
        return None if self.network is None else LearnedPath(self.network, self.prior)

    def parts(self, gates: Sequence[LayerGate] = (), *, distance: int = 3, n_ids: int = 512) -> list[Forecaster]:
        """Return all forecasters there are, in a new conversation; with gate ahead if there are `gates`.

        They drive the prior, which goes on learning. The learned path comes before it: it learns a token's path when
        the next one begins, so both then know as much.
        """
        prior, learned = self.prior, self.learned_path()
        parts: list[Forecaster] = [] if learned is None else [learned]
        parts += [prior, PreviousPath(prior.n_layer, prior.n_expert)]
        if gates:
            parts.append(GateAhead(gates, distance=distance, n_ids=n_ids, networks=self.gate_networks))
        return parts

    def blend(self, gates: Sequence[LayerGate] = ()) -> Blend:
        """Return the blend of all `parts`.

        Raises:
            ValueError: its weights are of another shape.
        """
        prior = self.prior
        blend = Blend(self.parts(gates), prior.n_layer, prior.n_expert, prior.n_expert_used)
        if self.blend_state is not None:
            blend.restore(self.blend_state)
        return blend

    def save(self, path: Path, model: TraceHeader) -> None:
        """Write all of it.

        Raises:
            DiskFullError: there is no room left.
            OffloadError: the system could not write it.
        """
        write_states(path, model, self.states())


def load_forecasters(path: Path, model: TraceHeader) -> TrainedForecasters:
    """Return the forecasters of `model` that the file at `path` holds; the prior knows nothing where it has none.

    Raises:
        ForecasterFileError: there is no such file, it is damaged, of another version, or of another model.
    """
    states = read_states(path, model)
    prior = TokenPrior(len(model.layers), model.n_expert, model.n_expert_used)
    try:
        trained = TrainedForecasters.of_states(states, prior, model.n_embd)
        # Restored once, so that weights which do not fit are found here.
        trained.blend()
    except (ValueError, KeyError) as error:
        raise ForecasterFileError(f"Forecasters do not fit: {error}.", file=path, hint="Train again.") from error
    return trained
