"""Errors as RFC 9457 problem documents, the only kind of error body a client ever sees.

An expected failure is a subclass of `Problem`, named after what happened. Anything else that
escapes is a bug, and `BugBarrier` answers for it.
"""

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any, ClassVar

import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from common.context import request_id

logger = structlog.get_logger(__name__)


class Problem(Exception):
    """A failure that the client is told about: a status, a stable name and a sentence."""

    status: ClassVar[int] = 500
    slug: ClassVar[str] = "internal-error"
    title: ClassVar[str] = "Something went wrong on our side"
    commits: ClassVar[bool] = False
    """Whether what the transaction has written so far is kept although the request fails."""

    def __init__(
        self, detail: str = "", *, headers: Mapping[str, str] | None = None, **members: object
    ) -> None:
        super().__init__(detail or self.title)
        self.detail = detail
        self.headers = dict(headers or {})
        self.members = members

    @classmethod
    def type(cls) -> str:
        """Return the problem's type as a URI; it identifies and is not meant to be fetched."""
        return problem_type(cls.slug)


class Unauthorized(Problem):
    """The request carries no valid proof of who is asking."""

    status, slug = 401, "unauthorized"
    title = "You are not signed in"

    def __init__(self, detail: str = "", *, invalid_token: bool = False) -> None:
        # RFC 6750, section 3.1: no error code when no token was sent.
        challenge = 'Bearer error="invalid_token"' if invalid_token else "Bearer"
        super().__init__(detail, headers={"WWW-Authenticate": challenge})


class Forbidden(Problem):
    """Who is asking is known, and may not do this."""

    status, slug = 403, "insufficient-permission"
    title = "You may not do this"

    def __init__(self, permission: str) -> None:
        # RFC 6750, section 3.1.
        challenge = f'Bearer error="insufficient_scope", scope="{permission}"'
        detail = f"This needs the permission {permission}."
        super().__init__(detail, headers={"WWW-Authenticate": challenge})


class Unavailable(Problem):
    """Something this service needs does not answer; the same request may succeed soon."""

    status, slug = 503, "service-unavailable"
    title = "The service is not available right now"

    def __init__(self, detail: str = "", *, retry_after: int = 5) -> None:
        super().__init__(detail, headers={"Retry-After": str(retry_after)})


class InvalidInput(Problem):
    """The input does not fit the schema; `errors` says where."""

    status, slug = 422, "invalid-input"
    title = "The input is not valid"


class FieldError(BaseModel):
    """One thing that is wrong with the input, and where (a JSON pointer, RFC 6901)."""

    pointer: str
    message: str
    type: str


class ProblemDocument(BaseModel):
    """The body of every 4xx and 5xx answer (RFC 9457)."""

    type: str
    title: str
    status: int
    detail: str
    instance: str
    request_id: str
    errors: list[FieldError] | None = None


def problem_type(slug: str) -> str:
    """Return the URI that names a problem."""
    return f"urn:quire:problem:{slug}"


def problem_body(
    *, status: int, slug: str, title: str, detail: str, instance: str, **members: object
) -> dict[str, Any]:
    """Return the members of a problem document, the current request's id included."""
    return {
        "type": problem_type(slug),
        "title": title,
        "status": status,
        "detail": detail,
        "instance": instance,
        "request_id": request_id(),
        **members,
    }


def problem_document(problem: "Problem", *, instance: str) -> "ProblemDocument":
    """Return what a client would be told of a problem, had it asked for this alone."""
    body = problem_body(
        status=problem.status,
        slug=problem.slug,
        title=problem.title,
        detail=problem.detail,
        instance=instance,
        **problem.members,
    )
    return ProblemDocument.model_validate(body)


def problem_response(
    body: Mapping[str, Any], headers: Mapping[str, str] | None = None
) -> JSONResponse:
    """Return the answer that carries a problem document."""
    return JSONResponse(
        body,
        status_code=body["status"],
        headers=dict(headers or {}),
        media_type="application/problem+json",
    )


def problems(*kinds: type[Problem]) -> dict[int | str, dict[str, Any]]:
    """Describe the failures of an operation for its OpenAPI `responses`."""
    by_status: dict[int | str, dict[str, Any]] = {}
    for kind in kinds:
        entry = by_status.setdefault(
            kind.status,
            {
                "description": "",
                "content": {
                    "application/problem+json": {
                        "schema": {"$ref": "#/components/schemas/ProblemDocument"}
                    }
                },
            },
        )
        entry["description"] = f"{entry['description']} `{kind.slug}`: {kind.title}.".strip()
    return by_status


def problem_schemas() -> dict[str, Any]:
    """Return the OpenAPI schemas that `problems` refers to."""
    schema = ProblemDocument.model_json_schema(ref_template="#/components/schemas/{model}")
    return {**schema.pop("$defs", {}), "ProblemDocument": schema}


def install(app: FastAPI) -> None:
    """Make every failure of the app a problem document."""

    async def on_problem(request: Request, problem: Problem) -> JSONResponse:
        body = problem_body(
            status=problem.status,
            slug=problem.slug,
            title=problem.title,
            detail=problem.detail,
            instance=request.url.path,
            **problem.members,
        )
        return problem_response(body, problem.headers)

    async def on_validation(request: Request, error: RequestValidationError) -> JSONResponse:
        errors = field_errors(error.errors())
        detail = "; ".join(f"{e.pointer}: {e.message}" for e in errors[:3])
        body = problem_body(
            status=InvalidInput.status,
            slug=InvalidInput.slug,
            title=InvalidInput.title,
            detail=detail,
            instance=request.url.path,
            errors=[e.model_dump() for e in errors],
        )
        return problem_response(body)

    async def on_http(request: Request, error: HTTPException) -> JSONResponse:
        status = HTTPStatus(error.status_code)
        body = problem_body(
            status=status,
            slug=status.phrase.lower().replace(" ", "-"),
            title=status.phrase,
            detail="" if error.detail == status.phrase else str(error.detail),
            instance=request.url.path,
        )
        return problem_response(body, error.headers)

    app.exception_handler(Problem)(on_problem)
    app.exception_handler(RequestValidationError)(on_validation)
    app.exception_handler(HTTPException)(on_http)


class BugBarrier:
    """ASGI middleware: what escapes every handler is logged whole and answered with a bare 500."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one connection; an answer that has begun is cut off rather than completed."""
        begun = False

        async def watched_send(message: Message) -> None:
            nonlocal begun
            begun = True
            await send(message)

        try:
            await self._app(scope, receive, watched_send)
        except ClientDisconnect:
            logger.info("the client went away")
        except Exception:
            logger.exception("request failed")
            if begun or scope["type"] != "http":
                raise
            body = problem_body(
                status=500,
                slug=Problem.slug,
                title=Problem.title,
                detail="",
                instance=scope["path"],
            )
            await problem_response(body)(scope, receive, send)


def field_errors(errors: Sequence[Any]) -> list[FieldError]:
    """Turn pydantic's errors into pointers; the offending values are left out on purpose."""
    return [
        FieldError(
            pointer="/" + "/".join(_escape(part) for part in error["loc"]),
            message=error["msg"],
            type=error["type"],
        )
        for error in errors
    ]


def _escape(part: object) -> str:
    return str(part).replace("~", "~0").replace("/", "~1")
