"""The ways in for machines and browsers: API keys, cookies, and what is not one."""

from http.cookies import SimpleCookie
from typing import Any

import httpx
import pytest
from client import CORPUS, PASSWORD, Client
from common.testing import eventually

FILE = CORPUS / "scans" / "phototest.tif"


async def make_key(user: Client, *scopes: str) -> dict[str, Any]:
    body = {"name": "scanner in the hall", "scopes": list(scopes)}
    response = await user.http.post("/auth/api-keys", json=body)
    key: dict[str, Any] = response.raise_for_status().json()
    return key


async def test_a_machine_uploads_with_a_key_until_it_is_revoked(user: Client, url: str) -> None:
    key = await make_key(user, "documents:write")
    headers = {"X-API-Key": key["key"]}
    async with httpx.AsyncClient(base_url=f"{url}/api/v1", headers=headers) as machine:
        files = {"file": (FILE.name, FILE.read_bytes())}
        document = (await machine.post("/documents", files=files)).raise_for_status().json()
        assert document["user_id"] == user.user["id"]
        refused = await machine.get("/documents")
        assert refused.status_code == 403
        assert refused.json()["type"] == "urn:quire:problem:insufficient-permission"
        manages = await machine.get("/auth/sessions")
        assert manages.json()["type"] == "urn:quire:problem:session-required"

        (await user.http.delete(f"/auth/api-keys/{key['id']}")).raise_for_status()

        async def is_refused() -> bool:
            return (await machine.get("/documents")).status_code == 401

        await eventually(is_refused, within=5)
    assert (await user.ended(document["id"]))["status"] == "completed"


async def test_a_browser_session_lives_in_cookies(user: Client, url: str) -> None:
    credentials = {"username": user.user["username"], "password": PASSWORD}
    async with httpx.AsyncClient(base_url=f"{url}/api/v1") as browser:
        answer = await browser.post("/auth/login?cookies=true", json=credentials)
        assert "access_token" not in answer.json()
        csrf = {"X-CSRF-Token": answer.json()["csrf_token"]}
        cookies = take_cookies(answer)

        assert (await browser.get("/documents", headers=cookies)).status_code == 200
        forged = await browser.post("/auth/ticket", headers=cookies)
        assert forged.json()["type"] == "urn:quire:problem:csrf-token-invalid"
        assert (await browser.post("/auth/ticket", headers=cookies | csrf)).status_code == 200

        renewed = await browser.post("/auth/refresh", headers=cookies | csrf)
        assert renewed.status_code == 200
        cookies = take_cookies(renewed)
        assert (await browser.get("/auth/me", headers=cookies)).json()["id"] == user.user["id"]
        assert (await browser.post("/auth/logout", headers=cookies | csrf)).status_code == 204

        async def is_out() -> bool:
            return (await browser.get("/documents", headers=cookies)).status_code == 401

        await eventually(is_out, within=5)


def take_cookies(answer: httpx.Response) -> dict[str, str]:
    """Return the cookies as a header: httpx itself sends none that are Secure over plain HTTP."""
    jar = [SimpleCookie(line) for line in answer.headers.get_list("set-cookie")]
    pairs = [f"{name}={morsel.value}" for cookie in jar for name, morsel in cookie.items()]
    assert len(pairs) == 3
    return {"Cookie": "; ".join(pairs)}


@pytest.mark.parametrize("second", ["X-API-Key", "Cookie"])
async def test_two_credentials_at_once_are_none(user: Client, second: str) -> None:
    value = {"X-API-Key": "quire_x", "Cookie": "__Host-quire_access=x"}[second]
    response = await user.http.get("/documents", headers={second: value})

    assert response.status_code == 400
    assert response.json()["type"] == "urn:quire:problem:ambiguous-credentials"
