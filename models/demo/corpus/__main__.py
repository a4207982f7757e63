"""Print documents of the corpus, or how much of it each domain is: ``python -m models.demo.corpus --shares``."""

import argparse
from collections import Counter
from itertools import islice

from models.demo.corpus import DOMAINS, END_OF_TEXT, conversations, documents, render

SAMPLED = 5_000


def main() -> None:
    """Run from the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("-n", type=int, default=20, help="number of documents")
    parser.add_argument("--domain", choices=sorted(DOMAINS), help="conversations of one domain only")
    parser.add_argument("--held-out", action="store_true", help="conversations of the held-out part")
    parser.add_argument("--prompts", action="store_true", help="first prompts alone, one in each line")
    parser.add_argument(
        "--shares", action="store_true", help="print each domain's share of conversations and characters"
    )
    args = parser.parse_args()
    if args.shares:
        _print_shares(args.seed)
    elif args.prompts:
        drawn = conversations(args.seed, held_out=args.held_out, domain=args.domain)
        asked = (next(turn.text for turn in turns if turn.role == "user") for _, turns in drawn)
        for prompt in islice((prompt for prompt in asked if "\n" not in prompt), args.n):
            print(prompt)
    elif args.domain or args.held_out:
        for _, turns in islice(conversations(args.seed, held_out=args.held_out, domain=args.domain), args.n):
            print(render(turns) + END_OF_TEXT)
    else:
        for text in islice(documents(args.seed), args.n):
            print(text + END_OF_TEXT)


def _print_shares(seed: int) -> None:
    conversations_of: Counter[str] = Counter()
    characters_of: Counter[str] = Counter()
    for domain, turns in islice(conversations(seed), SAMPLED):
        conversations_of[domain] += 1
        characters_of[domain] += len(render(turns))
    for domain, count in conversations_of.most_common():
        share = characters_of[domain] / characters_of.total()
        mean = characters_of[domain] / count
        print(
            f"{domain:22} {count / SAMPLED:6.1%} of the conversations  {share:6.1%} of the text  {mean:5.0f} characters each"
        )


if __name__ == "__main__":
    main()
