"""The pages that mailed links lead to, as a browser gets them and in a real one."""

import asyncio
import json
import re
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import count
from pathlib import Path
from typing import Any

import httpx
import pytest
from common.testing import eventually
from websockets.asyncio.client import ClientConnection, connect

API = "/api/v1/auth"
VERIFY, RESET = f"{API}/email/verify", f"{API}/password/reset"
NEW = "Another-Horse-8"


class Tab:
    """A tab of a running Chromium, by its DevTools protocol."""

    def __init__(self, connection: ClientConnection) -> None:
        self._connection = connection
        self._ids = count(1)

    async def open(self, url: str) -> None:
        await self._call("Page.navigate", url=url)
        await eventually(lambda: self.run("document.readyState === 'complete'"))

    async def run(self, script: str) -> Any:
        """Return the value of an expression on the page."""
        answer = await self._call("Runtime.evaluate", expression=script, returnByValue=True)
        assert "exceptionDetails" not in answer, answer
        return answer["result"].get("value")

    async def says(self) -> str:
        """Return what the page says once it has an answer."""
        status = "document.querySelector('[role=status]')"
        await eventually(lambda: self.run(f"/done|error/.test({status}.className)"))
        busy = "document.querySelector('button').disabled && !document.querySelector('form').hidden"

        async def idle() -> bool:
            return not await self.run(busy)

        await eventually(idle)
        return str(await self.run(f"{status}.textContent"))

    async def _call(self, method: str, **parameters: object) -> dict[str, Any]:
        number = next(self._ids)
        await self._connection.send(
            json.dumps({"id": number, "method": method, "params": parameters})
        )
        while True:
            message = json.loads(await self._connection.recv())
            if message.get("id") == number:
                answer: dict[str, Any] = message["result"]
                return answer


@asynccontextmanager
async def chromium(program: str, profile: Path) -> AsyncIterator[Tab]:
    process = await asyncio.create_subprocess_exec(
        program,
        *("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"),
        *("--no-first-run", "--remote-debugging-port=0", f"--user-data-dir={profile}"),
        "about:blank",
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
    )
    try:
        port_file = profile / "DevToolsActivePort"

        async def port() -> str:
            return port_file.read_text().partition("\n")[0] if port_file.exists() else ""

        async with httpx.AsyncClient() as http:
            tabs = await http.get(f"http://127.0.0.1:{await eventually(port, within=60)}/json")
        page = next(tab for tab in tabs.json() if tab["type"] == "page")
        async with connect(page["webSocketDebuggerUrl"], max_size=None) as connection:
            yield Tab(connection)
    finally:
        process.kill()
        await process.wait()


@pytest.fixture(scope="module")
async def tab(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Tab]:
    program = shutil.which("chromium")
    if program is None:
        pytest.skip("the pages are tried in Chromium: install the package `chromium`")
    async with chromium(program, tmp_path_factory.mktemp("chromium")) as tab:
        yield tab


@pytest.mark.parametrize("path", [VERIFY, RESET])
async def test_a_page_runs_only_what_is_ours_and_tells_nobody_its_address(
    client: httpx.AsyncClient, path: str
) -> None:
    page = await client.get(path)
    policy = page.headers["content-security-policy"]

    assert page.headers["content-type"] == "text/html; charset=utf-8"
    assert page.headers["referrer-policy"] == "no-referrer"
    assert page.headers["x-content-type-options"] == "nosniff"
    directives = {part.split()[0]: part.split()[1:] for part in policy.split(";")}
    assert directives["default-src"] == directives["frame-ancestors"] == ["'none'"]
    assert directives["script-src"] == directives["connect-src"] == ["'self'"]
    assert "unsafe" not in policy

    parts = re.findall(r'(?:src|href)="([^"]+)"', page.text)
    assert len(parts) == 2
    for part in parts:
        answer = await client.get(str(page.request.url.join(part)))
        assert answer.status_code == 200
        assert answer.headers["content-security-policy"] == policy
        kind = "text/javascript" if part.endswith(".js") else "text/css"
        assert answer.headers["content-type"].startswith(kind)
    # Inline parts would be blocked by the policy.
    assert not re.search(r"<script>|<style|\son\w+=|\sstyle=", page.text)


async def test_a_click_and_no_less_verifies_the_address(tab: Tab, person: Any, mailed: Any) -> None:
    (secret,) = await mailed("user.registered", person.user["email"])
    token = (await person.login())["access_token"]
    url = str(person.client.base_url.join(VERIFY))
    await tab.open(f"{url}#token={secret}")

    assert await tab.run("location.href") == url  # the secret is no longer in sight
    # A scanner that opens the links of mails has not used it up.
    assert not (await person.call("GET", "/me", token)).json()["email_verified"]
    await tab.run("document.querySelector('button').click()")
    assert await tab.says() == "Thank you. Your address is verified."
    assert (await person.call("GET", "/me", token)).json()["email_verified"]

    await tab.open("about:blank")
    await tab.open(f"{url}#token={secret}")
    await tab.run("document.querySelector('button').click()")
    assert "does not work any more" in await tab.says()


async def test_a_new_password_is_set_and_a_weak_one_explained(
    tab: Tab, person: Any, mailed: Any
) -> None:
    await person.client.post(f"{RESET}-request", json={"email": person.user["email"]})
    (secret,) = await mailed("user.password_reset_requested", person.user["email"])
    await tab.open("about:blank")
    await tab.open(f"{person.client.base_url.join(RESET)}#token={secret}")
    fill = "document.querySelectorAll('input').forEach((input) => {{ input.value = '{}' }});"
    send = "document.querySelector('button').click()"

    await tab.run(fill.format("short") + send)
    assert "Use at least 8 characters." in await tab.says()
    await tab.run(fill.format(NEW) + send)
    assert (await tab.says()).startswith("Your password is changed.")
    body = {"username": person.user["username"], "password": NEW}
    assert (await person.client.post(f"{API}/login", json=body)).status_code == 200


async def test_an_address_without_its_end_is_explained(tab: Tab, client: httpx.AsyncClient) -> None:
    await tab.open("about:blank")
    await tab.open(str(client.base_url.join(VERIFY)))

    assert "not complete" in await tab.says()
    assert await tab.run("document.querySelector('form').hidden")
