"""``python -m scim_bridge``: the same as the command ``scim-bridge``."""

from scim_bridge.cli.main import main

main()
