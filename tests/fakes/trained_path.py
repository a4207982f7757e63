"""A small learned path, trained once on made-up text."""

from functools import cache
from typing import NamedTuple

from fakes.routed_text import routed_text
from offload.routing.forecaster_training import Split, join_traces, split_tokens, train_path, train_prior
from offload.routing.path_network import PathNetwork
from offload.routing.token_prior import TokenPrior
from offload.routing.token_routes import TokenRoutes


class TrainedPath(NamedTuple):
    tokens: TokenRoutes
    split: Split
    network: PathNetwork

    def prior(self) -> TokenPrior:
        """Return the prior the network was trained on top of, a new one each time."""
        return train_prior(self.tokens, self.split.learnt)


@cache
def trained_path() -> TrainedPath:
    """Return a learned path of `routed_text`."""
    tokens = join_traces([routed_text(n_sequences=20)])
    split = split_tokens(tokens)
    network = train_path(tokens, split, train_prior(tokens, split.learnt), seconds=600.0, n_hidden=16)
    assert network is not None
    return TrainedPath(tokens, split, network)
