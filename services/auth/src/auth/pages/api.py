"""The pages and their parts.

The secret of a link is the fragment of its address, which no browser sends to any server: no log
and no Referer ever holds it. And to open a page does nothing by itself, since mail scanners do.
"""

from pathlib import Path

from fastapi import APIRouter
from fastapi.responses import FileResponse

_FOLDER = Path(__file__).parent
_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; "
    "connect-src 'self'; form-action 'none'; frame-ancestors 'none'; base-uri 'none'",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-cache",
}

router = APIRouter(prefix="/api/v1/auth", include_in_schema=False)


@router.get("/email/verify")
async def verification_page() -> FileResponse:
    """Show the page on which an address is verified."""
    return FileResponse(_FOLDER / "verify.html", headers=_HEADERS)


@router.get("/password/reset")
async def reset_page() -> FileResponse:
    """Show the page on which a new password is set."""
    return FileResponse(_FOLDER / "reset.html", headers=_HEADERS)


@router.get("/pages/page.js")
async def script() -> FileResponse:
    """Give the pages their script."""
    return FileResponse(_FOLDER / "page.js", media_type="text/javascript", headers=_HEADERS)


@router.get("/pages/page.css")
async def style() -> FileResponse:
    """Give the pages their style."""
    return FileResponse(_FOLDER / "page.css", headers=_HEADERS)
