"""Okta's own SPEC and CRUD tests, request by request, as Okta publishes them (SCIM notes, section 1.7).

Both are run once from the first request to the last, whichever tests were chosen: later requests use what earlier
ones left behind.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest
from okta_org import OktaOrg
from runscope import Step, play, read_steps
from suite_kit import Live

from scim_bridge.local.okta import OktaClient

FOLDER = Path(__file__).parents[3] / "shared" / "okta"


def _steps(name: str) -> list[object]:
    """A parameter for each request; where the export is not there, one that is skipped and says so."""
    file = FOLDER / name
    if not file.is_file():
        word = pytest.mark.skip(reason=f"Okta's export is not at ../shared/okta/{name}")
        return [pytest.param(None, marks=word, id="no-export")]
    return [pytest.param(step, id=step.name) for step in read_steps(file)]


SPEC, CRUD = "okta_scim_2_0_spec_test.json", "okta_scim_2_0_crud_test.json"


@pytest.fixture(scope="session")
def spec_failures(live: Live) -> dict[int, list[str]]:
    """What did not hold, by the number of the request; Okta asks for a complete user beforehand."""
    live = live.apart("okta-spec")
    live.user(
        "first@example.com",
        name={"givenName": "First", "familyName": "User"},
        emails=[{"value": "first@example.com", "type": "work", "primary": True}],
    )
    name = f"spec.{uuid4().hex}@example.com"
    variables = {
        "SCIMBaseURL": live.base_url,
        "auth": f"Bearer {live.token}",
        "InvalidUserEmail": "abcdefgh@atko.com",
        "UserIdThatDoesNotExist": "010101001010101011001010101011",
        "randomEmail": name,
        "randomUsername": name,
        "randomUsernameCaps": name.upper(),
        "randomGivenName": "Ada",
        "randomFamilyName": "Lovelace",
    }
    return _played(SPEC, variables)


@pytest.fixture(scope="session")
def crud_failures(live: Live) -> Iterator[dict[int, list[str]]]:
    """The same, with an org of ours in the place of Okta's."""
    live = live.apart("okta-crud")
    email = f"crud.{uuid4().hex}@example.com"
    with OktaOrg(OktaClient(live.base_url, live.token), app_id="0oa1", token="of-an-admin") as org:
        variables = {
            "oktaOrgUrl": org.url,
            "oktaAppId": org.app_id,
            "oktaToken": org.token,
            "SCIMUrl": live.base_url,
            "SCIMAuth": f"Bearer {live.token}",
            "okta_user_email": email,
            "okta_user_firstname": "Grace",
            "okta_user_firstname_update": "Amazing",
            "okta_user_lastname": "Hopper",
            "okta_user_title": "Rear admiral",
            "okta_user_primaryphone": "+1 555 0100",
        }
        yield _played(CRUD, variables)


def _played(name: str, variables: dict[str, str]) -> dict[int, list[str]]:
    return {step.number: list(play(step, variables)) for step in read_steps(FOLDER / name)}


@pytest.mark.parametrize("step", _steps(SPEC))
def test_okta_spec(step: Step, spec_failures: dict[int, list[str]]) -> None:
    assert spec_failures[step.number] == []


@pytest.mark.parametrize("step", _steps(CRUD))
def test_okta_crud(step: Step, crud_failures: dict[int, list[str]]) -> None:
    assert crud_failures[step.number] == []
