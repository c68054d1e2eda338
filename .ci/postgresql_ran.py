"""Fail unless the tests on PostgreSQL ran: that a server answers does not say that anybody asked it.

Usage: postgresql_ran.py JUNIT_XML
"""

import sys
from xml.etree import ElementTree

AT_LEAST = 100
"""Far fewer than there are: a guard against none at all, not a count to be kept up to date."""

cases = list(ElementTree.parse(sys.argv[1]).iter("testcase"))  # noqa: S314  our own pytest wrote it
ran, skipped = [], []
for case in cases:
    name = f"{case.get('classname')}::{case.get('name')}"
    reason = " ".join(skip.get("message", "") for skip in case.iter("skipped"))
    if "postgresql" in f"{name} {reason}".lower():
        (skipped if reason else ran).append(name)
for name in skipped:
    print(f"left out: {name}", file=sys.stderr)
if skipped or len(ran) < AT_LEAST:
    sys.exit(f"{len(ran)} tests ran on PostgreSQL and {len(skipped)} were left out; at least {AT_LEAST} must, and all")
print(f"{len(ran)} tests ran on PostgreSQL, none was left out")
