"""What may become a password: by the classic policy, and by that of NIST."""

from collections.abc import AsyncIterator, Callable
from typing import Any

import httpx
import pytest
from auth.app import create_api
from auth.settings import ApiSettings
from common.testing import serving

ReadProblem = Callable[[httpx.Response], tuple[int, str]]

E_ACUTE, E_COMBINING = "\N{LATIN SMALL LETTER E WITH ACUTE}", "e\N{COMBINING ACUTE ACCENT}"


@pytest.fixture(scope="module")
async def nist(settings: ApiSettings) -> AsyncIterator[str]:
    strict = settings.model_validate({**settings.model_dump(), "password_policy": "nist"})
    async with serving(create_api(strict)) as url:
        yield url


async def refusals(
    client: httpx.AsyncClient, registration: Any, password: str, base: str = ""
) -> list[str]:
    """Return what is wrong with a password, by registering with it."""
    body = registration(password=password, username=registration()["username"])
    response = await client.post(f"{base}/api/v1/auth/register", json=body)
    if response.status_code == 201:
        credentials = {"username": body["username"], "password": password}
        signed_in = await client.post(f"{base}/api/v1/auth/login", json=credentials)
        assert signed_in.status_code == 200
        return []
    assert response.status_code == 422
    errors = response.json()["errors"]
    assert {error["pointer"] for error in errors} == {"/body/password"}
    assert all(error["message"] for error in errors)
    assert password not in response.text
    return [error["type"] for error in errors]


@pytest.mark.parametrize(
    ("password", "broken"),
    [
        ("Zq7-ööß!", []),
        ("Aa1" + "x" * 253, []),
        ("Aa1" + "x" * 254, ["too-long"]),
        ("Aa1" + E_COMBINING * 253, []),
        ("Aa1" + E_COMBINING * 254, ["too-long"]),
        ("Password1", ["too-common"]),
        ("Qwerty123", ["too-common"]),
        ("Ｐａｓｓｗｏｒｄ１", ["too-common"]),
        ("hunter2", ["too-short", "no-upper-case", "too-common"]),
    ],
    ids=ascii,
)
async def test_the_classic_policy(
    client: httpx.AsyncClient, registration: Any, password: str, broken: list[str]
) -> None:
    assert await refusals(client, registration, password) == broken


@pytest.mark.parametrize(
    ("password", "broken"),
    [
        ("correct horse b", []),
        ("correct horse ", ["too-short"]),
        (E_COMBINING * 15, []),
        (E_COMBINING * 14, ["too-short"]),
        ("\N{OCTOPUS}" * 15, []),
        (" " * 15, []),
        ("x" * 256, []),
        ("x" * 257, ["too-long"]),
        ("Zq7-ööß!", ["too-short"]),
        ("1qaz2wsx3edc4rfv", ["too-common"]),
        ("1QAZ2WSX3EDC4RFV", ["too-common"]),
    ],
    ids=ascii,
)
async def test_the_policy_of_nist_asks_for_length_and_nothing_else(
    client: httpx.AsyncClient, registration: Any, nist: str, password: str, broken: list[str]
) -> None:
    assert await refusals(client, registration, password, nist) == broken


@pytest.mark.parametrize("policy", ["classic", "nist"])
async def test_a_password_does_not_contain_the_username(
    client: httpx.AsyncClient,
    registration: Any,
    problem: ReadProblem,
    nist: str,
    policy: str,
) -> None:
    base = nist if policy == "nist" else ""
    body = registration()
    password = f"Very-{body['username'].upper()}-long-7"
    response = await client.post(
        f"{base}/api/v1/auth/register",
        json={**body, "password": password, "password_confirm": password},
    )

    assert problem(response) == (422, "weak-password")
    assert [error["type"] for error in response.json()["errors"]] == ["contains-username"]


async def test_a_password_is_the_same_however_it_is_typed(
    client: httpx.AsyncClient, registration: Any
) -> None:
    body = registration(password=f"Caf{E_ACUTE}-Noir-7")
    await client.post("/api/v1/auth/register", json=body)
    for typed, status in (
        (f"Caf{E_COMBINING}-Noir-7", 200),
        (f"Ｃaf{E_ACUTE}-Noir-7", 200),
        ("Cafe-Noir-7", 401),
    ):
        credentials = {"username": body["username"], "password": typed}
        answer = await client.post("/api/v1/auth/login", json=credentials)
        assert answer.status_code == status


async def test_a_password_does_not_contain_our_name(
    client: httpx.AsyncClient, registration: Any
) -> None:
    assert await refusals(client, registration, "My-Quire-2024") == ["contains-our-name"]
