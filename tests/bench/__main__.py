"""`python -m bench`, from the root of the project with PYTHONPATH=tests."""

import sys

from bench.side_by_side import main

if __name__ == "__main__":
    sys.exit(main())
