"""The entry of `python -m pipeline.testing`; see `command.py`."""

import sys

from pipeline.testing.command import main

sys.exit(main())
