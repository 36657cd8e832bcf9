"""`python -m gancore`: the command line, for launchers that start Python modules (torchrun -m gancore train FILE)."""

import sys

from gancore.cli import main

if __name__ == "__main__":
    sys.exit(main())
