"""`python -m wirecopy` is the command `wirecopy`."""

import sys

from wirecopy.cli import main

sys.exit(main())
