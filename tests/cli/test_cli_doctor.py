"""``doctor`` against a bridge that runs, and against one with something broken in front of it."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import sqlalchemy as sa
from click.testing import CliRunner, Result
from databases import postgresql_database
from proxy_kit import Pass, proxy
from werkzeug.wrappers import Request, Response

from scim_bridge.audit.tables import AuditRow
from scim_bridge.cli.main import cli
from scim_bridge.db import Base, Database
from scim_bridge.directory.tables import GroupChange, PersonChange, Source
from scim_bridge.journal.tables import RequestRow
from scim_bridge.local.okta import OktaClient
from scim_bridge.local.process import BridgeProcess
from scim_bridge.mapping.tables import RevisionChange
from scim_bridge.schema import upgrade

HTML = {"Content-Type": "text/html"}
_WAITING = (PersonChange, GroupChange, RevisionChange)
LATER = {"rfc.search"}
"""Checks of what the server cannot do yet."""


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def bridge(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[BridgeProcess]:
    """A bridge with its engine, in a process of its own, and a mapping whose rules match every group."""
    folder = tmp_path_factory.mktemp("doctor")
    settings = {"SQLITE_SYNCHRONOUS": "NORMAL"}
    if request.param == "sqlite":
        with BridgeProcess(folder, settings=settings) as process:
            yield process
        return
    with postgresql_database() as url:
        upgrade_of(url)
        with BridgeProcess(folder, settings={"DATABASE_URL": url}) as process:
            yield process


def upgrade_of(url: str) -> None:
    db = Database(url)
    upgrade(db)
    db.close()


@pytest.fixture(scope="module")
def db(bridge: BridgeProcess) -> Iterator[Database]:
    url = bridge.environment.get("SCIM_BRIDGE_DATABASE_URL", f"sqlite:///{bridge.folder}/scim_bridge.db")
    db = Database(url)
    yield db
    db.close()


@pytest.fixture
def doctor(bridge: BridgeProcess, db: Database) -> Callable[..., Result]:
    """``doctor("okta", url=...)``: the command, in this process."""

    def run(*words: str, **settings: str) -> Result:
        named = {f"SCIM_BRIDGE_{name}": value for name, value in settings.items()}
        database = {"SCIM_BRIDGE_DATABASE_URL": db.url.render_as_string(hide_password=False)}
        return CliRunner().invoke(cli, ("doctor", *words), env={**bridge.environment, **database, **named})

    return run


def found(result: Result) -> dict[str, tuple[str, str]]:
    """``{check: (what it saw, what to do)}`` of the checks that failed, from ``--json``."""
    assert result.stdout, result.stderr
    checks = json.loads(result.stdout)["checks"]
    return {
        each["name"]: (each["saw"], each["advice"]) for each in checks if not each["ok"] and each["name"] not in LATER
    }


def rows(db: Database) -> dict[str, list[str]]:
    """Every row but audit, the journal (a real source's reads are entered a second later) and tokens' last use."""
    with db.read() as tx:
        return {
            table.name: sorted(
                map(repr, tx.execute(sa.select(*(each for each in table.c if each.key != "last_used_at"))))
            )
            for table in Base.metadata.sorted_tables
            if table not in (AuditRow.__table__, RequestRow.__table__)
        }


def audited(db: Database) -> list[str]:
    """The actions in the audit trail, but for refused credentials: two checks show wrong ones on purpose."""
    query = sa.select(AuditRow.action).where(AuditRow.action != "source.refused").order_by(AuditRow.id)
    with db.read() as tx:
        return list(tx.execute(query).scalars())


def drained(db: Database) -> None:
    """Wait until the engine has worked off every change."""
    deadline_s = time.monotonic() + 20
    while time.monotonic() < deadline_s:
        with db.read() as tx:
            if not any(tx.scalar(sa.select(sa.func.count()).select_from(each)) for each in _WAITING):
                return
        time.sleep(0.05)
    raise AssertionError("changes are left")


def test_all_is_fine_nothing_is_left_and_a_real_source_is_as_before(
    bridge: BridgeProcess, db: Database, doctor: Callable[..., Result]
) -> None:
    base_url, token = bridge.add_source("real", "okta")
    okta = OktaClient(base_url, token)
    okta.push_group("Staff", [okta.assign("ana@acme.example", "Ana", "Lima"), "not-here-yet"])
    drained(db)
    before, told = rows(db), audited(db)
    result = doctor("--json")
    assert found(result) == {}
    report = json.loads(result.stdout)
    assert {each["name"].partition(".")[0] for each in report["checks"]} == {"reach", "rfc", "okta", "entra", "engine"}
    assert report["requests"] > 200
    assert report["slowest_ms"] > 0
    assert rows(db) == before
    with db.read() as tx:
        assert set(tx.execute(sa.select(RequestRow.source_id)).scalars()) == set(
            tx.execute(sa.select(Source.id)).scalars()
        )
    assert audited(db) == [*told, "source.probed"]


def test_two_at_once_do_not_disturb_each_other(bridge: BridgeProcess, db: Database) -> None:
    drained(db)
    before = rows(db)
    command = [sys.executable, "-m", "scim_bridge", "doctor", "--json"]
    both = [
        subprocess.Popen(command, cwd=bridge.folder, env=bridge.environment, stdout=subprocess.PIPE, text=True)
        for _ in range(2)
    ]
    for output in [process.communicate(timeout=120)[0] for process in both]:
        assert {each["name"] for each in json.loads(output)["checks"] if not each["ok"]} <= LATER
    assert rows(db) == before


def test_ctrl_c_leaves_nothing_either(bridge: BridgeProcess, db: Database) -> None:
    drained(db)
    before = rows(db)
    command = [sys.executable, "-m", "scim_bridge", "doctor"]
    process = subprocess.Popen(command, cwd=bridge.folder, env=bridge.environment, stdout=subprocess.PIPE)
    deadline_s = time.monotonic() + 20
    while rows(db)["users"] == before["users"]:
        assert time.monotonic() < deadline_s
        time.sleep(0.01)
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=30)
    assert process.returncode == 1
    assert rows(db) == before


@pytest.mark.parametrize("bridge", ["sqlite"], indirect=True)
class TestWithSomethingInFront:
    """What each thing that may be broken looks like: just these checks fail, and say what to do."""

    @staticmethod
    def without_authorization(request: Request, pass_on: Pass) -> Response:
        return pass_on(headers={"Authorization": None})

    @staticmethod
    def eats_the_prefix(request: Request, pass_on: Pass) -> Response:
        return pass_on(path=request.path.removeprefix("/scim"))

    @staticmethod
    def signs_in(request: Request, pass_on: Pass) -> Response:
        return Response("<title>Sign in</title>", 200, HTML)

    @staticmethod
    def asks_who(request: Request, pass_on: Pass) -> Response:
        return Response("who are you?", 401, {"WWW-Authenticate": "Basic"})

    @staticmethod
    def redirects(request: Request, pass_on: Pass) -> Response:
        return Response("", 301, {"Location": f"https://bridge.example{request.path}"})

    @staticmethod
    def finds_nobody_behind(request: Request, pass_on: Pass) -> Response:
        return Response("<h1>502 Bad Gateway</h1>", 502, HTML)

    @staticmethod
    def knows_no_patch(request: Request, pass_on: Pass) -> Response:
        return Response("<h1>405</h1>", 405, HTML) if request.method == "PATCH" else pass_on()

    @staticmethod
    def keeps_the_host(request: Request, pass_on: Pass) -> Response:
        return pass_on(headers={"Host": "inside.example:8080"})

    @staticmethod
    def takes_a_megabyte(request: Request, pass_on: Pass) -> Response:
        return Response("<h1>413</h1>", 413, HTML) if len(request.get_data()) > 1_000_000 else pass_on()

    @staticmethod
    def makes_misses_404(request: Request, pass_on: Pass) -> Response:
        answer = pass_on()
        is_miss = request.method == "GET" and "filter" in request.args and b'"totalResults":0' in answer.get_data()
        return Response("<h1>404</h1>", 404, HTML) if is_miss else answer

    @staticmethod
    def ignores_false_as_text(request: Request, pass_on: Pass) -> Response:
        if request.method == "PATCH" and b'"False"' in request.get_data():
            return Response(status=204)
        return pass_on()

    @staticmethod
    def names_another_type(request: Request, pass_on: Pass) -> Response:
        answer = pass_on()
        answer.headers["Content-Type"] = "text/plain"
        return answer

    @pytest.mark.parametrize(
        ("broken", "fails", "saw", "advice"),
        [
            pytest.param(
                without_authorization,
                {"reach.answers"},
                "the Authorization header did not arrive",
                "let the proxy pass Authorization on",
                id="authorization-is-dropped",
            ),
            pytest.param(
                eats_the_prefix,
                {"reach.answers"},
                "/v2/ServiceProviderConfig arrived for /scim/v2/ServiceProviderConfig",
                "let the proxy pass the whole path on",
                id="the-path-is-eaten",
            ),
            pytest.param(
                signs_in, {"reach.answers"}, "(text/html): that is not the bridge", "mend BASE_URL", id="a-sign-in-page"
            ),
            pytest.param(
                asks_who,
                {"reach.answers"},
                "something in front of the bridge wants to know who is asking",
                "without a sign-in of its own",
                id="a-password-of-its-own",
            ),
            pytest.param(
                redirects,
                {"reach.answers"},
                "a redirect to https://bridge.example/scim/v2/ServiceProviderConfig",
                "set BASE_URL to the one that it redirects to",
                id="a-redirect",
            ),
            pytest.param(
                finds_nobody_behind,
                {"reach.answers"},
                "the proxy is there, the bridge behind it is not",
                "compare its HOST and PORT with the proxy's upstream",
                id="a-gateway-without-a-bridge",
            ),
            pytest.param(
                knows_no_patch,
                {"reach.methods"},
                "PATCH does not get through",
                "let the proxy pass PATCH on",
                id="patch-is-refused",
            ),
            pytest.param(
                keeps_the_host,
                {"reach.location"},
                "the answer names http://inside.example:8080/scim/v2/Groups/",
                "set TRUSTED_PROXIES",
                id="the-host-is-not-passed-on",
            ),
            pytest.param(
                takes_a_megabyte,
                {"reach.large_bodies"},
                "a body of 1.1 MB does not get through",
                "client_max_body_size 16m",
                id="large-bodies-are-refused",
            ),
            pytest.param(
                ignores_false_as_text,
                {"entra.disable_legacy"},
                "the request was answered, but active is True",
                "so something in between changes the request or its answer",
                id="false-as-text-is-no-change",
            ),
            pytest.param(
                names_another_type,
                {"okta.media_type"},
                "Content-Type is 'text/plain'",
                "let the proxy leave Content-Type as it is; it is fine at http://127.0.0.1:",
                id="another-content-type",
            ),
        ],
    )
    def test_just_the_right_check_fails(
        self, bridge: BridgeProcess, doctor: Callable[..., Result], broken: Any, fails: set[str], saw: str, advice: str
    ) -> None:
        with proxy(bridge.url, broken) as url:
            result = doctor("--json", "--url", url)
        failed = found(result)
        assert failed.keys() == fails
        (only,) = failed.values()
        assert saw in only[0]
        assert advice in only[1]
        assert result.exit_code == 1

    def test_404_for_an_empty_list_is_what_quarantines(self, bridge: BridgeProcess, doctor: Callable[..., Result]):
        with proxy(bridge.url, self.makes_misses_404) as url:
            failed = found(doctor("--json", "--url", url))
        assert failed.keys() == {
            "rfc.filters",
            "okta.existence_check",
            "okta.group_push",
            "entra.test_connection",
            "entra.hard_delete",
            "entra.group_match",
            "entra.reference_check",
            "entra.unknown_query",
        }
        saw, advice = failed["entra.test_connection"]
        assert saw.endswith('answered 404 "<h1>404</h1>" instead of 200')
        assert advice.startswith(
            "let GET with a filter through to the bridge: an empty list is 200, never 404; it is fine"
        )
