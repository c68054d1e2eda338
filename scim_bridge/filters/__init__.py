"""SCIM filters (RFC 7644 section 3.4.2.2): text to tree, tree to truth. Pure."""

from scim_bridge.filters.match import check_types, find_key, is_present, matches, values_at
from scim_bridge.filters.parser import parse_filter, parse_path
from scim_bridge.filters.traits import CORE_TRAITS, Chain, Kind, Trait, Traits, value_of
from scim_bridge.filters.tree import (
    And,
    AttributePath,
    Compare,
    Filter,
    InvalidFilter,
    Not,
    Or,
    Path,
    Present,
    Value,
    ValuePath,
    attribute_paths,
)

__all__ = [
    "CORE_TRAITS",
    "And",
    "AttributePath",
    "Chain",
    "Compare",
    "Filter",
    "InvalidFilter",
    "Kind",
    "Not",
    "Or",
    "Path",
    "Present",
    "Trait",
    "Traits",
    "Value",
    "ValuePath",
    "attribute_paths",
    "check_types",
    "find_key",
    "is_present",
    "matches",
    "parse_filter",
    "parse_path",
    "value_of",
    "values_at",
]
