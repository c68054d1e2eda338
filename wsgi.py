"""``app`` for any WSGI server, as in ``gunicorn wsgi:app``. It starts no engine: ``scim-bridge serve`` does."""

import os

from scim_bridge.app import create_app
from scim_bridge.db import Database
from scim_bridge.logs import configure_logs
from scim_bridge.settings import load_settings

settings = load_settings(os.environ)
configure_logs(settings.log_level)
app = create_app(
    settings,
    Database(settings.database_url, synchronous=settings.sqlite_synchronous),
    wake=lambda: None,
)
