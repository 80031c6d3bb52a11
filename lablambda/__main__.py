"""`python -m lablambda` is the `lablambda` command."""

import sys

from lablambda.cli import main

sys.exit(main())
