"""What a good mapping means: values, defaults and the freedoms of the format."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from scim_bridge.contract.limits import Limits
from scim_bridge.contract.registry import Registry
from scim_bridge.mapping.findings import MappingError
from scim_bridge.mapping.load import MappingSet, load_paths, read_folder
from scim_bridge.mapping.model import (
    GroupId,
    GroupName,
    GroupPattern,
    HubMapping,
    MatchRule,
    MaxRemovals,
    Safety,
    Step,
)

Load = Callable[..., MappingSet]

HEAD = 'app: forge\nconnect: {org: Acme, token: "env:T"}\nroles: [owner, member]\n'
GRANTS = "grants: [{name: staff, group: Staff, role: member}]\n"
GOOD = HEAD + GRANTS


@pytest.fixture
def read(load: Load) -> Callable[[str], HubMapping]:
    return lambda more: load(acme=GOOD + more).hubs["acme"]


Read = Callable[[str], HubMapping]


def test_defaults(read: Read) -> None:
    hub = read("")
    assert (hub.hub_id, hub.app, hub.tenant, hub.connect) == (
        "acme",
        "forge",
        "acme",
        {"org": "Acme", "token": "env:T"},
    )
    assert (hub.roles, hub.asset_roles, hub.exclusive_types) == (("owner", "member"), {}, {"team"})
    assert (hub.limits, hub.scope, hub.match, hub.check_s) == (None, None, (), 86_400)
    assert hub.lost_access == hub.disabled == (Step(0, "remove"),)
    assert hub.safety == Safety(
        start="plan", settle_s=60, max_removals=MaxRemovals(10, 20.0), keep_at_least={"owner": 1}
    )


@pytest.mark.parametrize(
    ("more", "safety"),
    [
        ("start: apply", Safety(start="apply", keep_at_least={"owner": 1})),
        ("settle: 0", Safety(settle_s=0, keep_at_least={"owner": 1})),
        ("max_removals: {count: 500}", Safety(max_removals=MaxRemovals(500, None), keep_at_least={"owner": 1})),
        ("max_removals: {percent: 2.5}", Safety(max_removals=MaxRemovals(None, 2.5), keep_at_least={"owner": 1})),
        ("keep_at_least: {member: 3}", Safety(keep_at_least={"owner": 1, "member": 3})),
        ("keep_at_least: {owner: 0}", Safety(keep_at_least={"owner": 0})),
        ("keep_at_least: {guest: 1}", Safety(keep_at_least={"owner": 1, "guest": 1})),
        ("protect: root", Safety(keep_at_least={"owner": 1}, protect=("root",))),
        ("ignore: ['*[bot]', svc-*]", Safety(keep_at_least={"owner": 1}, ignore=("*[bot]", "svc-*"))),
        ("ignore: []", Safety(keep_at_least={"owner": 1})),
        ("unmanaged: report, drift: report", Safety(keep_at_least={"owner": 1})),
    ],
)
def test_a_key_of_safety_replaces_its_default_whole(read: Read, more: str, safety: Safety) -> None:
    assert read(f"safety: {{{more}}}\n").safety == safety


def test_limits_that_are_missing_are_the_adapters(read: Read) -> None:
    assert read("limits: {rate: 2.5}\n").limits == Limits(concurrency=1, rate=2.5, burst=1)


def test_steps_of_leaving_stand_by_time(read: Read) -> None:
    hub = read("leave: {lost_access: [{after: 14d, do: remove}, {after: 0d, do: remove_assets}]}\n")
    assert hub.lost_access == (Step(0, "remove_assets"), Step(14 * 86_400, "remove"))
    assert hub.disabled == (Step(0, "remove"),)


def test_match_by_mail(read: Read) -> None:
    hub = read("match: [{account: email, person: emails.value, review: false}, {account: email, person: userName}]\n")
    assert hub.match == (MatchRule("email", "emails.value"), MatchRule("email", "userName"))


@pytest.mark.parametrize("login", ["sso", "{method: sso}"])
def test_login_by_sso_asks_nothing(read: Read, login: str) -> None:
    assert read(f"login: {login}\n")


def test_groups_by_name_pattern_and_id(load: Load) -> None:
    text = HEAD + "grants: [{name: a, group: [Staff, 'x-{y}', {id: 42}], role: member}]\n"
    name, pattern, id_ = load(acme=text).hubs["acme"].grants[0].groups
    assert name == GroupName("Staff", "staff")
    assert isinstance(pattern, GroupPattern)
    assert pattern.pattern.text == "x-{y}"
    assert id_ == GroupId("42")


def test_yaml_1_2_keeps_no_as_text(load: Load) -> None:
    hub = load(acme=HEAD + "grants: [{name: NO, group: 2027-03-31, role: member}]\n").hubs["acme"]
    assert hub.grants[0].name == "NO"
    assert hub.grants[0].groups == (GroupName("2027-03-31", "2027-03-31"),)


def test_one_rule_alone_is_a_list_of_one(load: Load) -> None:
    assert len(load(acme=HEAD + "grants: {name: a, group: A, role: member}\n").hubs["acme"].grants) == 1


def test_a_hub_may_have_no_rules(load: Load) -> None:
    assert load(acme=HEAD + "grants: []\n").hubs["acme"].grants == ()


def test_an_app_with_one_role_needs_no_list(load: Load) -> None:
    hub = load(acme="app: sole\nroles: []\ngrants: [{name: a, group: A, role: user}]\n").hubs["acme"]
    assert (hub.roles, hub.safety.keep_at_least) == (("user",), {"user": 1})


def test_an_app_without_assets_has_none_to_remove(load: Load) -> None:
    text = "app: sole\nroles: []\ngrants: []\nleave: {disabled: {after: 0, do: remove_assets}}\n"
    with pytest.raises(MappingError, match="the app has no assets to remove"):
        load(acme=text)


def test_an_app_without_assets_has_no_types(load: Load) -> None:
    text = "app: sole\nroles: []\ngrants: []\nasset_roles: {team: member}\n"
    with pytest.raises(MappingError, match='the app has no assets of type "team"; there are none'):
        load(acme=text)


def test_places_of_rules_and_assets(load: Load) -> None:
    text = HEAD + "asset_roles: {team: member}\ngrants:\n- name: a\n  group: A\n  assets:\n    team/x: member\n"
    grant = load(acme=text).hubs["acme"].grants[0]
    assert str(grant.place) == "mappings/acme.yaml:6:3"
    assert str(grant.assets[0].place) == "mappings/acme.yaml:9:5"


class TestFolder:
    """Only ``*.yaml`` and ``*.yml`` directly in the folder; what cannot be read is told."""

    @pytest.fixture
    def folder(self, tmp_path: Path) -> Path:
        path = tmp_path / "mappings"
        path.mkdir()
        return path

    def test_files_are_named_with_their_folder(self, folder: Path) -> None:
        (folder / "acme.yaml").write_text(GOOD)
        (folder / "beta.yml").write_text("app: x\n")
        assert read_folder(folder) == {"mappings/acme.yaml": GOOD, "mappings/beta.yml": "app: x\n"}

    def test_other_files_and_folders_are_left_alone(self, folder: Path) -> None:
        (folder / "examples").mkdir()
        (folder / "examples" / "github.yaml").write_text(GOOD)
        for name in ("README.md", ".acme.yaml", "acme.yaml~"):
            (folder / name).write_text("x")
        assert read_folder(folder) == {}

    def test_a_byte_order_mark_is_no_text(self, folder: Path) -> None:
        (folder / "acme.yaml").write_bytes(b"\xef\xbb\xbfapp: x\n")
        assert read_folder(folder) == {"mappings/acme.yaml": "app: x\n"}

    def test_a_file_that_is_not_utf_8(self, folder: Path) -> None:
        (folder / "acme.yaml").write_bytes(b"app: forge\nscope: \xff\n")
        with pytest.raises(MappingError) as caught:
            read_folder(folder)
        assert str(caught.value.findings[0]) == "mappings/acme.yaml:2:1: the file is not UTF-8; save it as UTF-8"

    def test_a_file_that_cannot_be_opened(self, folder: Path) -> None:
        (folder / "acme.yaml").symlink_to(folder / "gone.yaml")
        with pytest.raises(MappingError, match=r"acme.yaml:1:1: the file cannot be read: No such file"):
            read_folder(folder)

    @pytest.mark.parametrize(
        ("make", "finding"),
        [
            pytest.param(
                lambda path: path.mkdir(),
                "this is a folder and no file; a mapping is a file: rename or remove this",
                id="folder",
            ),
            pytest.param(os.mkfifo, "this is a pipe, socket or device and no file; a mapping is a file", id="pipe"),
            pytest.param(lambda path: path.symlink_to("/dev/zero"), "this is a pipe, socket or device", id="device"),
            pytest.param(
                lambda path: path.symlink_to(path.name), "the file cannot be read: Too many levels of symb", id="loop"
            ),
        ],
    )
    def test_what_is_called_like_a_mapping_and_is_no_file(
        self, folder: Path, make: Callable[[Path], None], finding: str
    ) -> None:
        """It may stand where a hub's file was: passed over, it would detach the hub."""
        make(folder / "acme.yaml")
        with pytest.raises(MappingError) as caught:
            read_folder(folder)
        assert str(caught.value.findings[0]).startswith(f"mappings/acme.yaml:1:1: {finding}")

    def test_no_more_is_read_than_a_mapping_may_have(self, folder: Path, registry: Registry) -> None:
        with (folder / "acme.yaml").open("wb") as file:
            file.write(b"\xef\xbb\xbf")
            file.truncate(2**33)
        with pytest.raises(MappingError, match="the file is larger than 1024 KiB; split the hub"):
            load_paths([folder], registry=registry, environment="production")

    @pytest.mark.parametrize(
        ("name", "shown"), [(b"a\n.yaml", r"a\n"), (b"z\xff.yaml", r"z\udcff"), (b"ACME.YAML", "ACME.YAML")]
    )
    def test_a_name_that_is_no_hubs_id_is_told_in_one_line(
        self, folder: Path, registry: Registry, name: bytes, shown: str
    ) -> None:
        Path(os.fsdecode(os.fsencode(folder) + b"/" + name)).write_text(GOOD)
        with pytest.raises(MappingError) as caught:
            load_paths([folder], registry=registry, environment="production")
        line = str(caught.value.findings[0])
        assert f"the file's name is the hub's id, and \"{shown}\" is none" in line
        assert line.isprintable()

    def test_a_folder_that_vanished_is_not_an_empty_one(self, folder: Path) -> None:
        with pytest.raises(MappingError, match="the folder cannot be read: No such file or directory; make it, or set"):
            read_folder(folder / "gone")

    def test_the_lint_tells_the_unreadable_beside_the_rest(self, folder: Path, registry: Registry) -> None:
        (folder / "a.yaml").write_bytes(b"\xff")
        (folder / "b.yaml").write_text(GOOD + "chek: 1h\n")
        with pytest.raises(MappingError) as caught:
            load_paths([folder], registry=registry, environment="production")
        assert [finding.place.file for finding in caught.value.findings] == [f"{folder}/a.yaml", f"{folder}/b.yaml"]

    def test_a_good_folder_is_a_set(self, folder: Path, registry: Registry) -> None:
        (folder / "acme.yaml").write_text(GOOD)
        assert list(load_paths([folder], registry=registry, environment="production").hubs) == ["acme"]

    def test_two_files_of_one_hub(self, folder: Path, registry: Registry) -> None:
        (folder / "acme.yaml").write_text(GOOD)
        (folder / "acme.yml").write_text(GOOD)
        with pytest.raises(MappingError, match=r'acme.yml:1:1: .*/mappings/acme.yaml is the hub "acme" too; keep one'):
            load_paths([folder], registry=registry, environment="production")
