"""The suite's documentation in the browser, from local files: it also works without internet."""

from pathlib import Path

import fastapi_offline
from fastapi.openapi.docs import (
    get_redoc_html,
    get_swagger_ui_html,
    get_swagger_ui_oauth2_redirect_html,
)
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse
from starlette.routing import BaseRoute, Mount, Route
from starlette.staticfiles import StaticFiles

from gateway.resources import Resources

_OPENAPI, _ASSETS, _OAUTH2_REDIRECT = "/openapi.json", "/docs/assets", "/docs/oauth2-redirect"
_FAVICON = f"{_ASSETS}/favicon.png"


async def openapi(request: Request) -> JSONResponse:
    """Return the one OpenAPI document."""
    resources: Resources = request.app.state.resources
    return JSONResponse(await resources.document.get())


async def swagger_ui(_: Request) -> HTMLResponse:
    """Return the page of Swagger UI."""
    return get_swagger_ui_html(
        openapi_url=_OPENAPI,
        title="Quire API",
        swagger_js_url=f"{_ASSETS}/swagger-ui-bundle.js",
        swagger_css_url=f"{_ASSETS}/swagger-ui.css",
        swagger_favicon_url=_FAVICON,
        oauth2_redirect_url=_OAUTH2_REDIRECT,
    )


async def oauth2_redirect(_: Request) -> HTMLResponse:
    """Return the page on which Swagger UI's sign-in ends."""
    return get_swagger_ui_oauth2_redirect_html()


async def redoc(_: Request) -> HTMLResponse:
    """Return the page of ReDoc."""
    return get_redoc_html(
        openapi_url=_OPENAPI,
        title="Quire API",
        redoc_js_url=f"{_ASSETS}/redoc.standalone.js",
        redoc_favicon_url=_FAVICON,
        with_google_fonts=False,
    )


def doc_routes() -> list[BaseRoute]:
    """Return the routes of the pages and of the files they load."""
    files = StaticFiles(directory=Path(fastapi_offline.__file__).parent / "static")
    return [
        Route(_OPENAPI, openapi),
        Route("/docs", swagger_ui),
        Route(_OAUTH2_REDIRECT, oauth2_redirect),
        Route("/redoc", redoc),
        Mount(_ASSETS, files),
    ]
