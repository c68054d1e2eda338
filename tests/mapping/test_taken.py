"""A set that is in force is read hub by hub: what is not valid any more is left out and told, the rest holds."""

from __future__ import annotations

from scim_bridge.contract.registry import Registry
from scim_bridge.mapping.load import MappingSet, load_taken

GOOD = 'app: forge\nconnect: {org: acme, token: "env:T"}\nroles: [owner, member]\ngrants: []\n'


def taken(registry: Registry, **texts: str) -> MappingSet:
    files = {f"mappings/{name}.yaml": text for name, text in texts.items()}
    return load_taken(files, registry=registry, environment="production")


def refused(found: MappingSet) -> dict[str, list[str]]:
    return {hub_id: [str(each) for each in findings] for hub_id, findings in found.refused.items()}


def test_a_valid_set_is_taken_whole(registry: Registry) -> None:
    found = taken(registry, acme=GOOD, zebra=GOOD.replace("acme", "zebra"))
    assert (list(found.hubs), found.refused) == (["acme", "zebra"], {})


def test_a_hub_whose_file_is_wrong_is_left_out_with_its_findings(registry: Registry) -> None:
    found = taken(registry, acme=GOOD.replace("[owner", "[dean, boss, owner"), zebra=GOOD.replace("acme", "zebra"))
    assert list(found.hubs) == ["zebra"]
    assert list(refused(found)) == ["acme"]
    assert [line.split(";")[0] for line in refused(found)["acme"]] == [
        'mappings/acme.yaml:3:9: the app has no role "dean"',
        'mappings/acme.yaml:3:15: the app has no role "boss"',
    ]


def test_an_adapter_that_is_gone_leaves_its_hubs_out(registry: Registry) -> None:
    found = taken(registry, acme=GOOD.replace("forge", "hammer"), zebra=GOOD)
    assert (list(found.hubs), list(found.refused)) == (["zebra"], ["acme"])


def test_hubs_that_became_one_tenant_are_all_left_out(registry: Registry) -> None:
    found = taken(registry, acme=GOOD, beta=GOOD, other=GOOD.replace("acme", "else"))
    assert list(found.hubs) == ["other"]
    shared = 'mappings/beta.yaml:1:1: mappings/acme.yaml connects the same forge tenant "acme"'
    assert {hub_id: line.split(";")[0] for hub_id, [line] in refused(found).items()} == {"acme": shared, "beta": shared}


def test_a_warning_leaves_no_hub_out(registry: Registry) -> None:
    found = taken(registry, acme=GOOD + "login: vault\n")
    assert (list(found.hubs), found.refused) == (["acme"], {})
