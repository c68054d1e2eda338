"""SCIM filters (RFC 7644 section 3.4.2.2): text to tree, tree to truth. Pure."""

from scim_bridge.filters.match import find_key, is_case_exact, matches
from scim_bridge.filters.parser import parse_filter, parse_path
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
    "And",
    "AttributePath",
    "Compare",
    "Filter",
    "InvalidFilter",
    "Not",
    "Or",
    "Path",
    "Present",
    "Value",
    "ValuePath",
    "attribute_paths",
    "find_key",
    "is_case_exact",
    "matches",
    "parse_filter",
    "parse_path",
]
