"""The entry of `python -m pipeline.scripted`; see `command.py`."""

import sys

from pipeline.scripted.command import main

sys.exit(main())
