"""Web pages of other origins: the named ones may use the API, the others may not."""

from typing import Any

import pytest
from aiohttp import ClientSession
from gateway.settings import ApiSettings
from pydantic import ValidationError

OURS = "https://app.example"
PREFLIGHT = {
    "Origin": OURS,
    "Access-Control-Request-Method": "PATCH",
    "Access-Control-Request-Headers": "authorization,content-type,tus-resumable,upload-offset",
}
FOREIGN = ["https://app.example.evil", "http://app.example", "https://app.example:8443", "null"]


async def test_a_preflight_is_answered_at_the_edge(
    gateway: Any, raw_service: Any, http: ClientSession
) -> None:
    async with (
        raw_service(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n") as documents,
        gateway({"cors_origins": OURS}, documents=documents.url) as url,
    ):
        async with http.options(f"{url}/api/v1/uploads/1", headers=PREFLIGHT) as answer:
            assert answer.status == 200
            assert answer.headers["Access-Control-Allow-Origin"] == OURS
            assert answer.headers["Access-Control-Allow-Credentials"] == "true"
            assert "PATCH" in answer.headers["Access-Control-Allow-Methods"]
            assert "upload-offset" in answer.headers["Access-Control-Allow-Headers"]
            assert answer.headers["X-Request-ID"]
        assert documents.heads == []


async def test_scripts_may_read_what_resumable_uploads_answer(
    gateway: Any, raw_service: Any, http: ClientSession
) -> None:
    answer = b"HTTP/1.1 204 No Content\r\nUpload-Offset: 5\r\n\r\n"
    async with (
        raw_service(answer) as documents,
        gateway(
            {"cors_origins": f"https://other.example, {OURS}/"}, documents=documents.url
        ) as url,
        http.get(f"{url}/api/v1/uploads/1", headers={"Origin": OURS}) as response,
    ):
        assert response.headers["Access-Control-Allow-Origin"] == OURS
        assert "Origin" in response.headers["Vary"]
        shown = response.headers["Access-Control-Expose-Headers"]
        assert {"Upload-Offset", "Location", "X-Document-ID"} <= set(shown.split(", "))


async def test_problems_can_be_read_as_well(gateway: Any, http: ClientSession) -> None:
    async with (
        gateway({"cors_origins": OURS}) as url,
        http.get(f"{url}/api/v1/documents", headers={"Origin": OURS}) as response,
    ):
        assert response.status == 502
        assert response.headers["Access-Control-Allow-Origin"] == OURS


@pytest.mark.parametrize("origin", FOREIGN)
async def test_other_origins_get_no_leave(
    gateway: Any, raw_service: Any, http: ClientSession, origin: str
) -> None:
    async with (
        raw_service(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n") as documents,
        gateway({"cors_origins": OURS}, documents=documents.url) as url,
    ):
        async with http.get(f"{url}/api/v1/documents", headers={"Origin": origin}) as answer:
            assert "Access-Control-Allow-Origin" not in answer.headers
        async with http.options(
            f"{url}/api/v1/documents", headers={**PREFLIGHT, "Origin": origin}
        ) as answer:
            assert answer.status == 400
            assert "Access-Control-Allow-Origin" not in answer.headers


async def test_nobody_is_let_in_unless_they_are_named(
    gateway: Any, raw_service: Any, http: ClientSession
) -> None:
    async with (
        raw_service(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n") as documents,
        gateway(documents=documents.url) as url,
        http.get(f"{url}/api/v1/documents", headers={"Origin": OURS}) as answer,
    ):
        assert answer.status == 200
        assert "Access-Control-Allow-Origin" not in answer.headers


async def test_what_can_be_asked_may_be_asked_without_credentials(
    gateway: Any, raw_service: Any, http: ClientSession
) -> None:
    async with (
        raw_service(b"HTTP/1.1 204 No Content\r\nTus-Version: 1.0.0\r\n\r\n") as documents,
        gateway(documents=documents.url) as url,
        http.options(f"{url}/api/v1/uploads", headers={"Authorization": "Bearer x"}) as answer,
    ):
        assert answer.status == 204
        assert answer.headers["Tus-Version"] == "1.0.0"
        assert b"authorization" not in documents.heads[0].lower()


@pytest.mark.parametrize("origin", ["*", "app.example", "https://app.example/path", "null"])
def test_what_is_no_origin_stops_the_process(surroundings: dict[str, str], origin: str) -> None:
    url = "http://127.0.0.1:1"
    with pytest.raises(ValidationError, match="cors_origins"):
        ApiSettings.model_validate(
            {
                **surroundings,
                "port": 1,
                "auth_url": url,
                "documents_url": url,
                "notifier_url": url,
                "cors_origins": origin,
            }
        )
