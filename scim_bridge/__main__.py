"""``python -m scim_bridge``: the same as the command ``scim-bridge``."""

import sys

from scim_bridge.cli.main import main

sys.exit(main())
