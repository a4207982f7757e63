"""Routing: which experts each token was routed to, recorded and judged."""
