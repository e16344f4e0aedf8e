"""``python -m recognize_cli`` does what ``recognize`` does."""

from __future__ import annotations

import sys

from recognize_cli.cli.app import main

sys.exit(main())
