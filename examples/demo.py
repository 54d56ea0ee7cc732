"""The tour: sign up, upload real scans, watch every page arrive on the socket, read the text.

Needs a running suite (`make up`); everything goes through the one public URL.
"""

import asyncio
import json
import os
import secrets
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
from rich.console import Console
from rich.panel import Panel
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn
from rich.text import Text

URL = os.environ.get("QUIRE_URL") or f"http://127.0.0.1:{os.environ.get('QUIRE_PORT', '8000')}"
API = f"{URL}/api/v1"
SCANS = Path(__file__).parents[1] / "tests" / "corpus" / "scans"
FILES = ["phototest.tif", "multipage.pdf", "8071_093.3B.tif", "linn.pdf", "eurotext.tif"]
DEADLINE_SECONDS = 300

console = Console()


@dataclass
class Upload:
    """A document on its way, and its bar on the screen."""

    id: str
    name: str
    bar: TaskID
    outcome: dict[str, Any] | None = None


async def main() -> int:
    """Run the tour; return the exit code."""
    console.rule("[bold]Quire")
    async with aiohttp.ClientSession() as http:
        await sign_up(http)
        started = time.perf_counter()
        uploads = await read_scans(http)
        seconds = time.perf_counter() - started
        await show_text(http, uploads[0])
        await show_text(http, uploads[2], most_lines=12)
    failed = [upload for upload in uploads if not (upload.outcome or {}).get("success")]
    console.print(
        f"\n{len(uploads) - len(failed)} of {len(uploads)} documents read in {seconds:.1f} s.",
        style="bold red" if failed else "bold green",
    )
    console.print(f"The API, to read and to try: {URL}/docs")
    console.print("The suite is still running; `make down` stops it.")
    return 1 if failed else 0


async def sign_up(http: aiohttp.ClientSession) -> None:
    """Register somebody new and sign them in."""
    name, password = f"demo-{secrets.token_hex(4)}", f"Aa1-{secrets.token_urlsafe(12)}"
    account = {
        "email": f"{name}@example.org",
        "username": name,
        "password": password,
        "password_confirm": password,
    }
    await call(http, "POST", "/auth/register", json=account)
    tokens = await call(http, "POST", "/auth/login", json={"username": name, "password": password})
    http.headers["Authorization"] = f"Bearer {tokens['access_token']}"
    console.print(f"Signed in as [bold]{name}[/bold] at {URL}")


async def read_scans(http: aiohttp.ClientSession) -> list[Upload]:
    """Upload the scans and follow them on the socket until each has ended."""
    ticket = (await call(http, "POST", "/auth/ticket"))["ticket"]
    columns = (
        TextColumn("{task.description:18}"),
        BarColumn(bar_width=32),
        TextColumn("{task.percentage:>3.0f} %  {task.fields[note]}"),
        TimeElapsedColumn(),
    )
    async with http.ws_connect(f"{API}/ws", params={"ticket": ticket}) as socket:
        await socket.receive_json()  # connection_established: from here on nothing is missed
        with Progress(*columns, console=console) as progress:
            uploads = [await upload(http, progress, SCANS / name) for name in FILES]
            async with asyncio.timeout(DEADLINE_SECONDS):
                await follow(socket, progress, {upload.id: upload for upload in uploads})
    return uploads


async def upload(http: aiohttp.ClientSession, progress: Progress, path: Path) -> Upload:
    """Send one file, streamed from the disk."""
    with path.open("rb") as file:
        form = aiohttp.FormData()
        form.add_field("file", file, filename=path.name)
        document = await call(http, "POST", "/documents", data=form)
    bar = progress.add_task(path.name, total=100, note="waiting")
    return Upload(document["id"], path.name, bar)


async def follow(
    socket: "aiohttp.ClientWebSocketResponse[Any]", progress: Progress, uploads: dict[str, Upload]
) -> None:
    """Move the bars as the messages come in."""
    while any(upload.outcome is None for upload in uploads.values()):
        message = json.loads(await socket.receive_str())
        upload = uploads.get(message.get("document_id", ""))
        if upload is None:
            continue
        if message["type"] == "ocr_progress":
            pages = f"page {message['pages_done']} of {message['pages_total'] or '?'}"
            progress.update(upload.bar, completed=message["progress"], note=pages)
        elif message["type"] == "ocr_complete":
            upload.outcome = message
            error = message.get("error")
            progress.update(upload.bar, note=error["title"] if error else "done")


async def show_text(http: aiohttp.ClientSession, upload: Upload, most_lines: int = 40) -> None:
    """Print what was read."""
    text = (await call(http, "GET", f"/documents/{upload.id}/text"))["text"]
    lines = text.splitlines()
    shown = "\n".join(lines[:most_lines])
    more = f"\n… {len(lines) - most_lines} more lines" if len(lines) > most_lines else ""
    console.print(Panel(Text(shown + more), title=upload.name, title_align="left"))


async def call(http: aiohttp.ClientSession, method: str, path: str, **kwargs: Any) -> Any:
    """Call the API; what goes wrong is shown as the API tells it."""
    async with http.request(method, f"{API}{path}", **kwargs) as response:
        body = await response.json(content_type=None)
        if response.status >= 400:
            console.print(f"{method} {path}: {response.status} {body}", style="red")
            sys.exit(1)
        return body


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
