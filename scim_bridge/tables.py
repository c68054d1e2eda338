"""Every table of the bridge, so that ``Base.metadata`` is whole: for migrations and for new databases."""

from scim_bridge.audit import tables as audit
from scim_bridge.directory import tables as directory
from scim_bridge.engine import brake_tables as brake
from scim_bridge.engine import tables as engine
from scim_bridge.hubs import tables as hubs
from scim_bridge.journal import tables as journal
from scim_bridge.mapping import tables as mapping

__all__ = ["audit", "brake", "directory", "engine", "hubs", "journal", "mapping"]
