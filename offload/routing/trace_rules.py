"""What must hold of a trace's header and of each of its steps, whoever made it."""

import numpy as np

from offload.routing.route_trace import UNKNOWN, RouteStep, TraceHeader

MAX_LAYERS = 512
MAX_EXPERTS = 1024
MAX_EMBD = 1 << 17
MAX_TEXT_CHARACTERS = 4096
MAX_EXPERT_BYTES = 1 << 40
MAX_STEP_CELLS = 1 << 25
"""Routed experts of one step, over all its layers and tokens: a prompt of 32768 tokens in 94 layers of 8 fits."""
MAX_SEQUENCE = 2**31 - 1


def header_trouble(header: TraceHeader) -> str:
    """Return why `header` describes no trace, as the end of a sentence; empty when it does."""
    layers = header.layers
    texts = (header.model_name, header.architecture, header.fingerprint)
    rules = (
        (1 <= len(layers) <= MAX_LAYERS, f"it has {len(layers)} layers, not 1 to {MAX_LAYERS}"),
        (1 <= header.n_expert <= MAX_EXPERTS, f"it has {header.n_expert} experts, not 1 to {MAX_EXPERTS}"),
        (
            1 <= header.n_expert_used <= header.n_expert,
            f"{header.n_expert_used} of {header.n_expert} experts are used by a token",
        ),
        (all(0 <= layer < MAX_LAYERS for layer in layers), f"its layers are not all within 0 to {MAX_LAYERS - 1}"),
        (list(layers) == sorted(set(layers)), "its layers do not ascend"),
        (
            len(header.expert_bytes) == len(layers),
            f"it has sizes of experts for {len(header.expert_bytes)} layers of {len(layers)}",
        ),
        (
            all(0 <= n_bytes <= MAX_EXPERT_BYTES for n_bytes in header.expert_bytes),
            f"the sizes of its experts are not all within 0 and {MAX_EXPERT_BYTES} bytes",
        ),
        (0 <= header.n_embd <= MAX_EMBD, f"its router inputs are {header.n_embd} wide, not 0 to {MAX_EMBD}"),
        (
            all(len(text) <= MAX_TEXT_CHARACTERS for text in texts),
            f"a name in it is longer than {MAX_TEXT_CHARACTERS} characters",
        ),
    )
    return next((trouble for holds, trouble in rules if not holds), "")


def step_trouble(header: TraceHeader, step: RouteStep) -> str:
    """Return why `step` is no step of a trace with this `header`, as the end of a sentence; empty when it is."""
    n_tokens = len(step.tokens)
    shape = (len(header.layers), n_tokens, header.n_expert_used)
    if not 0 <= step.sequence <= MAX_SEQUENCE:
        return f"sequence {step.sequence} is not within 0 to {MAX_SEQUENCE}"
    if step.tokens.shape != (n_tokens,) or not n_tokens:
        return f"its token ids have the shape {step.tokens.shape}, not [n_tokens] with at least one"
    if step.routes.shape != shape:
        return f"its routes have the shape {step.routes.shape}, not {shape}"
    if step.routes.size > MAX_STEP_CELLS:
        return f"it holds {step.routes.size} routed experts, more than the {MAX_STEP_CELLS} of any step"
    for name, recorded, expected in (
        ("gate weights", step.weights, shape if header.has_weights else None),
        ("router inputs", step.inputs, (*shape[:2], header.n_embd) if header.n_embd else None),
    ):
        found = None if recorded is None else recorded.shape
        if found != expected:
            return f"its {name} have the shape {found or 'of none'}, not {expected or 'of none'}"
    return routes_trouble(header, step.tokens, step.routes)


def routes_trouble(header: TraceHeader, tokens: np.ndarray, routes: np.ndarray) -> str:
    """Return what is wrong in token ids [n] and routes [n_layer, n, n_expert_used]; empty when nothing is."""
    if int(tokens.min()) < -1:
        return f"it has the token id {int(tokens.min())}"
    if int(routes.min()) < UNKNOWN or int(routes.max()) >= header.n_expert:
        wrong = int(routes.min()) if int(routes.min()) < UNKNOWN else int(routes.max())
        return f"it routes to expert {wrong} of {header.n_expert}"
    in_order = np.sort(routes, axis=-1)
    twice = (in_order[..., 1:] == in_order[..., :-1]) & (in_order[..., 1:] != UNKNOWN)
    if twice.any():
        layer, token, _ = np.argwhere(twice)[0]
        return f"token {token} is routed to one expert twice in layer {header.layers[layer]}"
    return ""
