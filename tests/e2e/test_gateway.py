"""One URL: the suite's health, and one document that describes it all."""

import httpx


async def test_health_names_every_service(url: str) -> None:
    async with httpx.AsyncClient(base_url=url) as http:
        response = await http.get("/health")

    assert response.status_code == 200
    body = response.json()
    assert body["status"] == "ok"
    assert set(body["services"]) == {"auth", "documents", "notifier"}


async def test_one_openapi_document_describes_all_services(url: str) -> None:
    async with httpx.AsyncClient(base_url=url) as http:
        document = (await http.get("/openapi.json")).json()

    for path in (
        "/api/v1/auth/login",
        "/api/v1/documents",
        "/api/v1/documents/{document_id}/text",
        "/api/v1/ocr/jobs/{job_id}",
    ):
        assert path in document["paths"]
    references = set()

    def walk(node: object) -> None:
        if isinstance(node, dict):
            if isinstance(node.get("$ref"), str):
                references.add(node["$ref"])
            for child in node.values():
                walk(child)
        elif isinstance(node, list):
            for child in node:
                walk(child)

    walk(document)
    schemas = document["components"]["schemas"]
    missing = {
        name for name in references if name.removeprefix("#/components/schemas/") not in schemas
    }
    assert missing == set()


async def test_the_docs_need_nothing_from_elsewhere(url: str) -> None:
    async with httpx.AsyncClient(base_url=url) as http:
        for page in ("/docs", "/redoc"):
            html = (await http.get(page)).text
            assert "https://" not in html.replace("https://github.com", "")
            for asset in [part.split('"')[0] for part in html.split('src="')[1:]]:
                assert (await http.get(asset)).status_code == 200
