"""`python -m wirecopy` is the command `wirecopy`."""

import sys

from wirecopy.cli.commands import main

sys.exit(main())
