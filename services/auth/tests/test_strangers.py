"""What strangers get, for every operation of the OpenAPI document: new ones are covered as well.

A stranger has no token, or an ordinary one and identifiers of somebody else's things. Nothing in
an answer may tell them whether such a thing exists.
"""

from collections.abc import Callable, Iterator
from typing import Any
from uuid import uuid4

import httpx
import pytest
from auth.app import ROUTERS
from fastapi import FastAPI

ReadProblem = Callable[[httpx.Response], tuple[int, str]]
Operation = tuple[str, str]

PUBLIC = {
    ("GET", "/.well-known/jwks.json"),
    *(
        ("POST", f"/api/v1/auth{path}")
        for path in (
            *("/register", "/login", "/token", "/refresh", "/mfa/verify"),
            *("/password/reset-request", "/password/reset", "/email/verify", "/email/resend"),
        )
    ),
}
"""What anybody may call."""

OWN_TOO = {("GET", "/api/v1/users/{user_id}")}
"""What is for administrators, and for everybody about themselves."""

IGNORING = {("POST", "/api/v1/auth/token")}
"""What passes over the fields that it does not know, as its standard asks (RFC 6749, 3.2)."""


def describe() -> dict[str, Any]:
    app = FastAPI()
    for router in ROUTERS:
        app.include_router(router)
    return app.openapi()


DOCUMENT = describe()
SCHEMAS: dict[str, Any] = DOCUMENT["components"]["schemas"]
OPERATIONS: dict[Operation, dict[str, Any]] = {
    (method.upper(), path): operation
    for path, operations in DOCUMENT["paths"].items()
    for method, operation in operations.items()
}
WITH_IDENTIFIERS = [operation for operation in OPERATIONS if "{" in operation[1]]
FOR_ADMINISTRATORS = [
    operation
    for operation, described in OPERATIONS.items()
    if "admin" in described["tags"] and operation not in OWN_TOO
]
WITH_BODY = [
    (*operation, kind)
    for operation, described in OPERATIONS.items()
    if operation not in IGNORING
    for kind in described.get("requestBody", {}).get("content", {})
]


def test_the_lists_of_exceptions_are_about_what_there_is() -> None:
    assert OPERATIONS.keys() >= PUBLIC | OWN_TOO | IGNORING
    assert len(WITH_IDENTIFIERS) >= 14
    assert len(FOR_ADMINISTRATORS) >= 16
    assert len(WITH_BODY) >= 20


@pytest.fixture
async def identifiers(enroll: Any) -> dict[str, str]:
    """Return what somebody else has, by the names of path parameters.

    Whoever adds a parameter adds something of somebody else's here.
    """
    owner = await enroll("admin")
    role = f"r{uuid4().hex}"
    await owner.ask("POST", "/admin/roles", {"name": role, "permissions": []})
    await owner.ask("POST", f"/admin/users/{owner.id}/roles/{role}")
    key = {"name": "printer", "scopes": ["documents:read"]}
    period = {"from": "2026-01-01T00:00:00Z", "to": "2026-02-01T00:00:00Z"}
    return {
        "user_id": owner.id,
        "session_id": owner.claims["sid"],
        "key_id": (await owner.ask("POST", "/auth/api-keys", key)).json()["id"],
        "report_id": (await owner.ask("POST", "/admin/reports/users", period)).json()["id"],
        "role": role,
        "name": role,
    }


def made_up(identifiers: dict[str, str]) -> dict[str, str]:
    return {
        name: str(uuid4()) if name.endswith("_id") else f"r{uuid4().hex}" for name in identifiers
    }


async def send(member: Any, operation: Operation, identifiers: dict[str, str]) -> httpx.Response:
    method, path = operation
    body: object = {} if "requestBody" in OPERATIONS[operation] else None
    response: httpx.Response = await member.ask(
        method, path.removeprefix("/api/v1").format_map(identifiers), body
    )
    return response


async def test_what_is_somebody_elses_looks_like_what_does_not_exist(
    enroll: Any, problem: ReadProblem, identifiers: dict[str, str]
) -> None:
    stranger = await enroll()
    unknown = made_up(identifiers)
    for operation in WITH_IDENTIFIERS:
        answers = [await send(stranger, operation, each) for each in (identifiers, unknown)]
        looks = [
            (operation, *problem(each), each.json()["detail"], {*each.json()}, {*each.headers})
            for each in answers
        ]
        assert looks[0] == looks[1]
        # Not 422 either: then it would be the body that has decided.
        assert looks[0][1] in (403, 404)


async def test_a_stranger_has_changed_nothing(enroll: Any) -> None:
    owner, stranger = await enroll(), await enroll()
    key = {"name": "printer", "scopes": ["documents:read"]}
    made = (await owner.ask("POST", "/auth/api-keys", key)).json()
    own = {"user_id": owner.id, "session_id": owner.claims["sid"], "key_id": made["id"]}
    rest = {"report_id": str(uuid4()), "role": "guest", "name": "guest"}
    before = [(await owner.ask("GET", f"/auth{p}")).json() for p in ("/me", "/sessions")]
    for operation in WITH_IDENTIFIERS:
        assert (await send(stranger, operation, {**own, **rest})).is_client_error

    assert [(await owner.ask("GET", f"/auth{p}")).json() for p in ("/me", "/sessions")] == before
    (kept,) = (await owner.ask("GET", "/auth/api-keys")).json()
    assert {**made, "key": None} == {**kept, "key": None}


@pytest.mark.parametrize("operation", sorted(OPERATIONS.keys() - PUBLIC), ids=" ".join)
async def test_without_a_token_nothing_is_to_be_had(
    client: httpx.AsyncClient, problem: ReadProblem, operation: Operation
) -> None:
    method, path = operation
    for identifier in (str(uuid4()), "nonsense"):
        where = path.format_map(dict.fromkeys(parameters(path), identifier))
        response = await client.request(method, where, json={"nonsense": True})
        assert problem(response) == (401, "unauthorized")
        assert response.headers["www-authenticate"] == "Bearer"


def parameters(path: str) -> Iterator[str]:
    return (part[1:-1] for part in path.split("/") if part.startswith("{"))


async def test_an_ordinary_token_administers_nothing(
    enroll: Any, problem: ReadProblem, identifiers: dict[str, str]
) -> None:
    member = await enroll()
    own = {**identifiers, "user_id": member.id, "role": "user", "name": "user"}
    for operation in FOR_ADMINISTRATORS:
        for about in (identifiers, own, made_up(identifiers)):
            refused = await send(member, operation, about)
            assert (operation, *problem(refused)) == (operation, 403, "insufficient-permission")
            assert 'error="insufficient_scope"' in refused.headers["www-authenticate"]


async def test_no_body_takes_a_field_that_is_not_its_own(enroll: Any, problem: ReadProblem) -> None:
    """Neither one that nobody knows, nor any that an answer shows."""
    admin = await enroll("admin")
    headers = {"Authorization": f"Bearer {admin.tokens['access_token']}"}
    for method, path, kind in WITH_BODY:
        body = OPERATIONS[method, path]["requestBody"]["content"][kind]["schema"]
        foreign = {"is_admin"} | shown() - set(properties(body))
        where = path.format_map(dict.fromkeys(parameters(path), str(uuid4())))
        sent: Any = {"json" if kind == "application/json" else "data": dict.fromkeys(foreign, "x")}
        response = await admin.person.client.request(method, where, headers=headers, **sent)

        assert problem(response) == (422, "invalid-input")
        refused = {
            each["pointer"].removeprefix("/body/")
            for each in response.json()["errors"]
            if each["type"] == "extra_forbidden"
        }
        assert (method, path, refused) == (method, path, foreign)


def shown() -> set[str]:
    """Return the names of all fields that any answer has."""
    answers = [
        content["schema"]
        for operation in OPERATIONS.values()
        for response in operation["responses"].values()
        for content in response.get("content", {}).values()
        if "schema" in content
    ]
    return {name for schema in answers for name in properties(schema)}


def properties(schema: dict[str, Any]) -> Iterator[str]:
    """Yield the names of all fields of a schema, also of one that is one of several."""
    yield from schema.get("properties", {})
    for part in (*schema.get("anyOf", ()), *schema.get("oneOf", ())):
        yield from properties(part)
    if reference := schema.get("$ref"):
        yield from properties(SCHEMAS.get(reference.rpartition("/")[2], {}))
    if items := schema.get("items"):
        yield from properties(items)
