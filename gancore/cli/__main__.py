"""`python -m gancore.cli`, where the command `gancore` is not on the path."""

import sys

from gancore.cli import main

sys.exit(main())
