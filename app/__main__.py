"""`python -m offload_app`: the application."""

import sys

from offload_app.bootstrap import main

if __name__ == "__main__":
    sys.exit(main())
