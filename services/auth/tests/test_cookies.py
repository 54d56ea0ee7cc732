"""Sessions in a browser's cookies: out of reach for scripts, and of no use to other sites."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from http.cookies import Morsel, SimpleCookie
from typing import Any

import httpx
import pytest
from jose import jwt

ReadProblem = Callable[[httpx.Response], tuple[int, str]]

API = "/api/v1/auth"
ACCESS, REFRESH, CSRF = "__Host-quire_access", "__Secure-quire_refresh", "__Host-quire_csrf"


def set_cookies(response: httpx.Response) -> dict[str, Morsel[str]]:
    jar: SimpleCookie = SimpleCookie()
    for header in response.headers.get_list("set-cookie"):
        jar.load(header)
    return dict(jar)


@dataclass(frozen=True)
class Browser:
    """What a browser knows after an answer that has set cookies."""

    access: str
    refresh: str
    csrf: str

    @classmethod
    def after(cls, response: httpx.Response) -> "Browser":
        assert response.status_code == 200, response.text
        jar = set_cookies(response)
        return cls(jar[ACCESS].value, jar[REFRESH].value, jar[CSRF].value)


async def sign_in(person: Any) -> httpx.Response:
    body = {"username": person.user["username"], "password": person.password}
    answer: httpx.Response = await person.client.post(f"{API}/login?cookies=true", json=body)
    return answer


async def refresh(person: Any, cookie: str, csrf: str | None) -> httpx.Response:
    headers = {b"Cookie": f"{REFRESH}={cookie}".encode()}
    if csrf is not None:
        headers[b"X-CSRF-Token"] = csrf.encode()
    answer: httpx.Response = await person.client.post(f"{API}/refresh", headers=headers)
    return answer


@pytest.fixture
async def browser(person: Any) -> Browser:
    return Browser.after(await sign_in(person))


async def test_a_login_sets_three_cookies_and_shows_no_token(person: Any) -> None:
    signed_in = await sign_in(person)
    jar, body = set_cookies(signed_in), signed_in.json()

    assert jar.keys() == {ACCESS, REFRESH, CSRF}
    for morsel in jar.values():
        assert (morsel["secure"], morsel["samesite"], morsel["domain"]) == (True, "lax", "")
    paths = {name: morsel["path"] for name, morsel in jar.items()}
    assert paths == {ACCESS: "/", REFRESH: API, CSRF: "/"}
    assert [bool(jar[name]["httponly"]) for name in (ACCESS, REFRESH, CSRF)] == [True, True, False]
    assert int(jar[ACCESS]["max-age"]) == body["expires_in"] == 900
    for name in (REFRESH, CSRF):
        assert 0 <= 30 * 24 * 3600 - int(jar[name]["max-age"]) < 60

    assert body.keys() == {"csrf_token", "expires_in", "user"}
    assert body["csrf_token"] == jar[CSRF].value
    assert body["user"] == person.user
    assert signed_in.headers["cache-control"] == "no-store"
    for name in (ACCESS, REFRESH):
        assert jar[name].value not in signed_in.text
    claims = jwt.get_unverified_claims(jar[ACCESS].value)
    assert claims["csrf"] == hashlib.sha256(body["csrf_token"].encode()).hexdigest()


async def test_without_the_wish_there_are_no_cookies(person: Any) -> None:
    body = {"username": person.user["username"], "password": person.password}
    for query in ("", "?cookies=false"):
        answer = await person.client.post(f"{API}/login{query}", json=body)
        assert set_cookies(answer) == {}
        assert "csrf" not in jwt.get_unverified_claims(answer.json()["access_token"])


@pytest.mark.parametrize("kind", ["application/x-www-form-urlencoded", "text/plain", None])
async def test_no_other_site_signs_its_visitor_in(
    person: Any, problem: ReadProblem, kind: str | None
) -> None:
    """Another site's page can send these without being asked: a form, plain text, or a blob."""
    form = f"username={person.user['username']}&password={person.password}"
    headers = {"Content-Type": kind} if kind else {}
    refused = await person.client.post(
        f"{API}/login?cookies=true", content=form.encode(), headers=headers
    )

    assert problem(refused) == (415, "unsupported-media-type")
    assert set_cookies(refused) == {}


@pytest.mark.parametrize("kind", ["application/x-www-form-urlencoded", "text/plain", None])
async def test_nor_does_it_complete_a_login_of_its_own(
    person: Any, problem: ReadProblem, kind: str | None
) -> None:
    headers = {"Content-Type": kind} if kind else {}
    refused = await person.client.post(
        f"{API}/mfa/verify?cookies=true",
        content=b'{"mfa_token": "x", "code": "123456"}',
        headers=headers,
    )

    assert problem(refused) == (422, "invalid-input")  # it was not even read as JSON


async def test_a_refresh_rotates_all_but_the_csrf_token(person: Any, browser: Browser) -> None:
    answer = await refresh(person, browser.refresh, browser.csrf)
    renewed = Browser.after(answer)

    assert renewed.refresh != browser.refresh
    assert renewed.access != browser.access
    assert renewed.csrf == browser.csrf == answer.json()["csrf_token"]
    assert answer.json().keys() == {"csrf_token", "expires_in", "user"}
    assert set_cookies(answer)[REFRESH]["path"] == API
    assert (await refresh(person, renewed.refresh, renewed.csrf)).status_code == 200


async def test_without_the_csrf_token_nothing_is_refreshed_and_nothing_spent(
    person: Any, browser: Browser, problem: ReadProblem
) -> None:
    another = Browser.after(await sign_in(person))
    for wrong in (None, "", "x", "é", browser.csrf[:-1], another.csrf):
        refused = await refresh(person, browser.refresh, wrong)
        assert problem(refused) == (403, "csrf-token-invalid")
        assert set_cookies(refused) == {}

    assert (await refresh(person, browser.refresh, browser.csrf)).status_code == 200


async def test_a_spent_cookie_ends_the_session(
    person: Any, browser: Browser, problem: ReadProblem
) -> None:
    renewed = Browser.after(await refresh(person, browser.refresh, browser.csrf))
    reused = await refresh(person, browser.refresh, browser.csrf)
    newest = await refresh(person, renewed.refresh, renewed.csrf)

    assert problem(reused) == (401, "refresh-token-reused")
    assert problem(newest) == (401, "session-ended")


async def test_a_token_comes_back_the_way_it_was_given_and_is_not_spent_otherwise(
    person: Any, browser: Browser, problem: ReadProblem
) -> None:
    """A cookie that a script could send as JSON would need no CSRF token."""
    tokens = await person.login()
    as_json = await person.refresh(browser.refresh)
    as_cookie = await refresh(person, tokens["refresh_token"], browser.csrf)
    form = {"grant_type": "refresh_token", "refresh_token": browser.refresh}
    as_oauth = await person.client.post(f"{API}/token", data=form)

    assert problem(as_json) == (401, "invalid-refresh-token")
    assert problem(as_cookie) == (401, "invalid-refresh-token")
    assert (as_oauth.status_code, as_oauth.json()["error"]) == (400, "invalid_grant")
    assert (await refresh(person, browser.refresh, browser.csrf)).status_code == 200
    assert (await person.refresh(tokens["refresh_token"])).status_code == 200


async def test_a_refresh_without_any_token_is_refused(person: Any, problem: ReadProblem) -> None:
    answer = await person.client.post(f"{API}/refresh")

    assert problem(answer) == (401, "invalid-refresh-token")


@pytest.mark.parametrize(
    ("method", "path"), [("POST", "/logout"), ("POST", "/logout-all"), ("DELETE", "/me")]
)
async def test_to_leave_clears_the_cookies(
    person: Any, browser: Browser, problem: ReadProblem, method: str, path: str
) -> None:
    body = {"password": person.password} if path == "/me" else None
    left = await person.call(method, path, browser.access, json=body)

    assert left.status_code == 204
    cleared = {
        name: (morsel.value, morsel["max-age"], morsel["path"])
        for name, morsel in set_cookies(left).items()
    }
    assert cleared == {ACCESS: ("", "0", "/"), REFRESH: ("", "0", API), CSRF: ("", "0", "/")}
    refused = await refresh(person, browser.refresh, browser.csrf)
    assert problem(refused)[0] == 401
