"""tus 1.0.0 to the letter: every header, every refusal (https://tus.io/protocols/resumable-upload)."""

import hashlib
import zlib
from base64 import b64encode
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
import sqlalchemy as sa
from common.database import Sessions
from common.storage import Storage
from common.testing import TokenIssuer, serving
from documents.app import create_api
from documents.settings import ApiSettings
from documents.uploads.models import Upload
from tus_client import OFFSET_STREAM, TusClient, metadata, random_pdf

Slug = Callable[[httpx.Response], str]
SignIn = Callable[[UUID], httpx.AsyncClient]


@pytest.fixture
def tus(client: httpx.AsyncClient) -> TusClient:
    return TusClient(client)


def sha1(data: bytes) -> str:
    return f"sha1 {b64encode(hashlib.sha1(data).digest()).decode()}"


async def test_options_tell_anybody_what_is_offered(api_url: str, settings: ApiSettings) -> None:
    async with httpx.AsyncClient(base_url=api_url) as anonymous:
        for path in ("/uploads", f"/uploads/{uuid4()}"):
            answer = await anonymous.options(path, headers={"Tus-Resumable": "0.2.2"})
            assert answer.status_code == 204
            assert answer.headers["tus-resumable"] == answer.headers["tus-version"] == "1.0.0"
            assert answer.headers["tus-max-size"] == str(settings.max_resumable_bytes)
            assert answer.headers["tus-extension"] == (
                "creation,creation-with-upload,expiration,checksum,termination"
            )
            assert answer.headers["tus-checksum-algorithm"] == "sha1,sha256,md5,crc32"


@pytest.mark.parametrize("version", [None, "0.2.2", "1.0.1", ""])
async def test_another_version_is_not_processed(
    tus: TusClient, client: httpx.AsyncClient, slug: Slug, version: str | None
) -> None:
    path = await tus.begin(10)
    del client.headers["Tus-Resumable"]
    headers = {} if version is None else {"Tus-Resumable": version}
    patch = {"Upload-Offset": "0", "Content-Type": OFFSET_STREAM}
    answers = [
        await client.post("/uploads", headers={"Upload-Length": "10", **headers}),
        await client.patch(path, content=b"x", headers={**patch, **headers}),
        await client.delete(path, headers=headers),
        await client.head(path, headers=headers),
    ]
    for answer in answers:
        assert answer.status_code == 412
        assert answer.headers["tus-resumable"] == answer.headers["tus-version"] == "1.0.0"
    assert {slug(answer) for answer in answers[:3]} == {"unsupported-tus-version"}
    client.headers["Tus-Resumable"] = "1.0.0"
    assert await tus.offset(path) == 0


async def test_every_answer_names_the_version(
    tus: TusClient, client: httpx.AsyncClient, api_url: str
) -> None:
    async with httpx.AsyncClient(base_url=api_url) as anonymous:
        version = {"Tus-Resumable": "1.0.0"}
        answers = [
            await anonymous.post("/uploads", headers=version),
            await tus.head("/uploads/nonsense"),
            await client.get("/uploads/nonsense"),
            await client.put(f"/uploads/{uuid4()}"),
            await tus.create(),
        ]
    assert [answer.status_code for answer in answers] == [401, 404, 405, 405, 400]
    assert {answer.headers.get("tus-resumable") for answer in answers} == {"1.0.0"}


@pytest.mark.parametrize(
    ("headers", "refusal"),
    [
        ({}, (400, "malformed-upload-header")),
        ({"Upload-Length": "-1"}, (400, "malformed-upload-header")),
        ({"Upload-Length": "1.5"}, (400, "malformed-upload-header")),
        ({"Upload-Length": "0x10"}, (400, "malformed-upload-header")),
        ({"Upload-Length": "9" * 30}, (400, "malformed-upload-header")),
        ({"Upload-Length": "0"}, (400, "empty-file")),
        ({"Upload-Length": "9" * 18}, (413, "file-too-large")),
        ({"Upload-Defer-Length": "1"}, (400, "unsupported-tus-extension")),
        ({"Upload-Length": "5", "Upload-Defer-Length": "1"}, (400, "unsupported-tus-extension")),
        ({"Upload-Length": "5", "Upload-Concat": "partial"}, (400, "unsupported-tus-extension")),
        ({"Upload-Length": "5", "Content-Type": "text/plain"}, (415, "offset-stream-expected")),
        ({"Upload-Length": "5", "Upload-Checksum": "sha1 AAAA"}, (400, "malformed-upload-header")),
        (
            {"Upload-Length": "5", "Upload-Checksum": "sha9 AAAA"},
            (400, "unsupported-checksum-algorithm"),
        ),
    ],
)
async def test_what_cannot_begin_is_refused_by_name(
    tus: TusClient, slug: Slug, headers: dict[str, str], refusal: tuple[int, str]
) -> None:
    data = b"%PDF-" if {"Content-Type", "Upload-Checksum"} & set(headers) else None
    answer = await tus.create(data=data, headers=headers)
    assert (answer.status_code, slug(answer)) == refusal


@pytest.mark.parametrize(
    "header",
    [
        "filename",
        "filename ,name",
        "",
        metadata(filename="a.pdf", relativePath="x/y", type="application/pdf", filetype="a/b"),
        "is_private," + metadata(filename="a.pdf"),
    ],
)
async def test_metadata_that_clients_send_comes_back_as_it_was(tus: TusClient, header: str) -> None:
    answer = await tus.create(10, Upload_Metadata=header)
    assert answer.status_code == 201, answer.text
    head = await tus.head(answer.headers["location"].removeprefix("/api/v1"))
    assert head.headers.get("upload-metadata", "") == header.strip()


@pytest.mark.parametrize(
    ("header", "refusal"),
    [
        ("filename a.pdf", (400, "malformed-upload-header")),
        ("filename YQ", (400, "malformed-upload-header")),
        ("filename YQ== YQ==", (400, "malformed-upload-header")),
        ("filename YQ==,filename Yg==", (400, "malformed-upload-header")),
        (",", (400, "malformed-upload-header")),
        ("a YQ==,", (400, "malformed-upload-header")),
        ("näme YQ==", (400, "malformed-upload-header")),
        ("other \xff\xfe", (400, "malformed-upload-header")),
        (metadata(title=b"\xff\xfe"), (400, "malformed-upload-header")),
        (metadata(title="a\0b"), (422, "invalid-input")),
        (metadata(title="x" * 501), (422, "invalid-input")),
        (metadata(language="Klingon!"), (422, "invalid-input")),
        (metadata(category_id="7"), (422, "invalid-input")),
        (metadata(category_id=str(UUID(int=1))), (422, "invalid-input")),
    ],
)
async def test_metadata_that_is_no_good_is_refused_by_name(
    client: httpx.AsyncClient, slug: Slug, header: str, refusal: tuple[int, str]
) -> None:
    headers = [
        (b"Tus-Resumable", b"1.0.0"),
        (b"Upload-Length", b"10"),
        (b"Upload-Metadata", header.encode("latin-1")),
    ]
    answer = await client.post("/uploads", headers=headers)
    assert (answer.status_code, slug(answer)) == refusal
    assert answer.headers["tus-resumable"] == "1.0.0"


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("../../etc/passwd", "../../etc/passwd"),
        ("a\r\nSet-Cookie: x=y", "aSet-Cookie: x=y"),
        ("a\0b\u202egpj.exe", "abgpj.exe"),
        ("n" * 10_000, "n" * 255),
        ("\r\n", "document"),
    ],
)
async def test_hostile_names_are_stored_inertly(
    tus: TusClient, client: httpx.AsyncClient, name: str, shown: str
) -> None:
    data = random_pdf(1000, seed=len(name))
    answer = await tus.create(len(data), data=data, Upload_Metadata=metadata(filename=name))
    assert answer.status_code == 201, answer.text
    path = f"/documents/{answer.headers['x-document-id']}"
    assert (await client.get(path)).json()["filename"] == shown
    download = await client.get(f"{path}/download")
    assert set(download.headers) & {"set-cookie"} == set()


async def test_two_headers_of_one_name_are_refused(
    tus: TusClient, client: httpx.AsyncClient, slug: Slug
) -> None:
    path = await tus.begin(10)
    for headers in (
        [("Upload-Offset", "0"), ("Upload-Offset", "5")],
        [("Upload-Offset", "0"), ("Upload-Checksum", sha1(b"a")), ("Upload-Checksum", sha1(b"b"))],
    ):
        answer = await client.patch(
            path, content=b"a", headers=[("Content-Type", OFFSET_STREAM), *headers]
        )
        assert (answer.status_code, slug(answer)) == (400, "malformed-upload-header")


async def test_head_tells_all_and_is_never_cached(tus: TusClient) -> None:
    path = await tus.begin(2000, filename="a.pdf")
    await tus.patch(path, 0, random_pdf(1500, seed=5))
    head = await tus.head(path)
    assert head.headers["upload-offset"] == "1500"
    assert head.headers["upload-length"] == "2000"
    assert head.headers["cache-control"] == "no-store"
    expires = parsedate_to_datetime(head.headers["upload-expires"])
    assert head.headers["upload-expires"].endswith("GMT")
    assert timedelta(hours=23) < expires - datetime.now(UTC) < timedelta(hours=25)


@pytest.mark.parametrize(
    ("headers", "offset", "refusal"),
    [
        ({"Content_Type": "application/octet-stream"}, 0, (415, "offset-stream-expected")),
        ({}, None, (400, "malformed-upload-header")),
        ({"Upload_Offset": "-1"}, None, (400, "malformed-upload-header")),
        ({}, 1, (409, "offset-mismatch")),
        ({"Upload_Checksum": "sha9 AAAA"}, 0, (400, "unsupported-checksum-algorithm")),
        ({"Upload_Checksum": "sha1 !"}, 0, (400, "malformed-upload-header")),
        ({"Upload_Checksum": "sha1"}, 0, (400, "malformed-upload-header")),
        ({"Upload_Checksum": sha1(b"other")}, 0, (460, "checksum-mismatch")),
    ],
)
async def test_a_bad_patch_is_refused_by_name_and_changes_nothing(
    tus: TusClient,
    slug: Slug,
    headers: dict[str, str],
    offset: int | None,
    refusal: tuple[int, str],
) -> None:
    path = await tus.begin(5000)
    answer = await tus.patch(path, offset, random_pdf(2000, seed=1), **headers)
    assert (answer.status_code, slug(answer)) == refusal
    assert await tus.offset(path) == 0


async def test_bytes_that_are_stored_cannot_be_sent_again(tus: TusClient, slug: Slug) -> None:
    data = random_pdf(3000, seed=6)
    path = await tus.begin(len(data))
    await tus.patch(path, 0, data[:2000])
    for offset in (0, 1999, 2001):
        answer = await tus.patch(path, offset, data[offset:])
        assert (answer.status_code, slug(answer)) == (409, "offset-mismatch")
    assert await tus.offset(path) == 2000


@pytest.mark.parametrize("announced", [True, False])
async def test_more_than_announced_is_refused(tus: TusClient, slug: Slug, announced: bool) -> None:
    async def body() -> AsyncIterator[bytes]:
        yield random_pdf(1200, seed=7)

    path = await tus.begin(1100)
    answer = await tus.patch(path, 0, random_pdf(1200, seed=7) if announced else body())
    assert (answer.status_code, slug(answer)) == (413, "upload-too-long")
    assert await tus.offset(path) == 0


async def test_a_body_of_unknown_length_is_taken(tus: TusClient) -> None:
    async def body() -> AsyncIterator[bytes]:
        yield random_pdf(1100, seed=8)

    path = await tus.begin(1100)
    assert "x-document-id" in (await tus.patch(path, 0, body())).headers


@pytest.mark.parametrize(
    ("algorithm", "digest"),
    [
        ("sha1", lambda data: hashlib.sha1(data).digest()),
        ("sha256", lambda data: hashlib.sha256(data).digest()),
        ("md5", lambda data: hashlib.md5(data).digest()),
        ("crc32", lambda data: zlib.crc32(data).to_bytes(4, "big")),
    ],
)
async def test_checksums_are_verified_before_anything_counts(
    tus: TusClient,
    client: httpx.AsyncClient,
    algorithm: str,
    digest: Callable[[bytes], bytes],
) -> None:
    def header(data: bytes) -> str:
        return f"{algorithm} {b64encode(digest(data)).decode()}"

    data = random_pdf((18 << 20) + 7, seed=len(algorithm) + len(header(b"")))
    middle = 17 << 20
    path = await tus.begin(len(data))
    bad = await tus.patch(path, 0, data[:middle], Upload_Checksum=header(data))
    assert bad.status_code == 460
    assert await tus.offset(path) == 0
    good = await tus.patch(path, 0, data[:middle], Upload_Checksum=header(data[:middle]))
    assert (good.status_code, good.headers["upload-offset"]) == (204, str(middle))
    bad = await tus.patch(path, middle, bytes(len(data) - middle), Upload_Checksum=header(b""))
    assert bad.status_code == 460
    assert await tus.offset(path) == middle
    good = await tus.patch(path, middle, data[middle:], Upload_Checksum=header(data[middle:]))
    document = (await client.get(f"/documents/{good.headers['x-document-id']}")).json()
    assert document["file_hash"] == hashlib.sha256(data).hexdigest()


async def test_bytes_that_were_damaged_on_their_way_do_not_end_an_upload(
    tus: TusClient, slug: Slug
) -> None:
    """An unreadable type ends it; but with a checksum that does not match, it is not the file's."""
    data = random_pdf(3000, seed=9)
    path = await tus.begin(len(data))
    answer = await tus.patch(path, 0, b"MZ" + data[2:], Upload_Checksum=sha1(data))
    assert (answer.status_code, slug(answer)) == (460, "checksum-mismatch")
    assert "x-document-id" in (await tus.patch(path, 0, data)).headers


@pytest.mark.parametrize("pieces", [(3000,), (10, 3000), (1023, 1024, 3000)])
async def test_what_cannot_be_read_is_refused_and_ends(
    tus: TusClient, slug: Slug, storage: Storage, pieces: tuple[int, ...]
) -> None:
    data = b"MZ" + bytes(2998)
    path = await tus.begin(len(data))
    begin = 0
    for end in pieces:
        answer = await tus.patch(path, begin, data[begin:end])
        begin = end
        if answer.status_code != 204:
            break
    assert (answer.status_code, slug(answer)) == (415, "unsupported-type")
    assert (await tus.head(path)).status_code == 404
    upload_id = path.rpartition("/")[2]
    assert [batch async for batch in storage.objects(f"uploads/{upload_id}/")] == []


async def test_a_terminated_upload_is_gone(tus: TusClient, slug: Slug, storage: Storage) -> None:
    data = random_pdf(9 << 20, seed=10)
    path = await tus.begin(len(data))
    await tus.patch(path, 0, data[:-100])
    await tus.patch(path, len(data) - 100, data[-100:-50])
    answer = await tus.delete(path)
    assert (answer.status_code, answer.headers["tus-resumable"]) == (204, "1.0.0")
    gone = [
        await tus.head(path),
        await tus.patch(path, len(data) - 50, data[-50:]),
        await tus.delete(path),
    ]
    assert [answer.status_code for answer in gone] == [404] * 3
    assert slug(gone[1]) == "upload-not-found"
    upload_id = path.rpartition("/")[2]
    assert [batch async for batch in storage.objects(f"uploads/{upload_id}/")] == []
    unfinished = [each async for each in storage.multiparts.unfinished(f"originals/{upload_id}")]
    assert unfinished == []


async def test_a_document_outlives_its_upload(tus: TusClient, client: httpx.AsyncClient) -> None:
    data = random_pdf(1500, seed=11)
    created = await tus.create(len(data), data=data)
    path = created.headers["location"].removeprefix("/api/v1")
    assert (await tus.delete(path)).status_code == 204
    document = f"/documents/{created.headers['x-document-id']}/download"
    assert (await client.get(document)).content == data


async def test_an_expired_upload_is_gone_and_each_piece_prolongs_it(
    tus: TusClient, slug: Slug, sessions: Sessions
) -> None:
    async def expires_in(path: str, left: timedelta) -> None:
        expiry = sa.update(Upload).where(Upload.id == UUID(path.rpartition("/")[2]))
        async with sessions.begin() as session:
            await session.execute(expiry.values(expires_at=datetime.now(UTC) + left))

    data = random_pdf(3000, seed=12)
    path = await tus.begin(len(data))
    await expires_in(path, timedelta(minutes=1))
    answer = await tus.patch(path, 0, data[:2000])
    prolonged = parsedate_to_datetime(answer.headers["upload-expires"]) - datetime.now(UTC)
    assert prolonged > timedelta(hours=23)

    await expires_in(path, timedelta(seconds=-1))
    answers = [await tus.head(path), await tus.patch(path, 2000, data[2000:])]
    assert [answer.status_code for answer in answers] == [410, 410]
    assert slug(answers[1]) == "upload-expired"


async def test_somebody_elses_upload_is_not_there(
    tus: TusClient, sign_in: SignIn, slug: Slug
) -> None:
    path = await tus.begin(10)
    stranger = TusClient(sign_in(uuid4()))
    answers = [
        await stranger.head(path),
        await stranger.patch(path, 0, b"%PDF-"),
        await stranger.delete(path),
    ]
    assert [answer.status_code for answer in answers] == [404] * 3
    assert slug(answers[1]) == "upload-not-found"
    assert await tus.offset(path) == 0


async def test_the_same_bytes_again_are_refused_and_the_upload_remembers(
    tus: TusClient, slug: Slug, storage: Storage
) -> None:
    data = random_pdf(3000, seed=13)
    first = (await tus.create(len(data), data=data)).headers["x-document-id"]
    path = await tus.begin(len(data))
    answer = await tus.patch(path, 0, data)
    assert (answer.status_code, slug(answer)) == (409, "duplicate-document")
    assert answer.headers["x-duplicate-id"] == first
    head = await tus.head(path)
    assert (head.status_code, head.headers["upload-offset"]) == (200, str(len(data)))
    assert head.headers["x-duplicate-id"] == first
    assert "x-document-id" not in head.headers
    assert (await tus.patch(path, 0, data)).headers["x-duplicate-id"] == first
    assert not await storage.exists(f"originals/{path.rpartition('/')[2]}")


async def test_a_finished_upload_answers_an_empty_patch(tus: TusClient, slug: Slug) -> None:
    data = random_pdf(3000, seed=14)
    path = await tus.begin(len(data))
    document_id = (await tus.patch(path, 0, data)).headers["x-document-id"]
    again = await tus.patch(path, len(data))
    assert (again.status_code, again.headers["x-document-id"]) == (204, document_id)
    assert slug(await tus.patch(path, 0, data)) == "offset-mismatch"
    assert slug(await tus.patch(path, len(data), b"more")) == "upload-too-long"


@pytest.mark.parametrize("method", ["PATCH", "DELETE", "HEAD"])
async def test_post_may_say_which_method_it_means(
    tus: TusClient, client: httpx.AsyncClient, method: str
) -> None:
    path = await tus.begin(2000)
    headers = {"X-HTTP-Method-Override": method, "Upload-Offset": "0"}
    content_type = {"Content-Type": OFFSET_STREAM}
    answer = await client.post(path, headers={**headers, **content_type}, content=b"%PDF-")
    assert answer.status_code == {"PATCH": 204, "DELETE": 204, "HEAD": 200}[method]
    expected: Any = {"PATCH": "5", "DELETE": None, "HEAD": "0"}[method]
    assert (await tus.head(path)).headers.get("upload-offset") == expected


async def test_reading_is_never_made_to_mean_more(
    tus: TusClient, client: httpx.AsyncClient
) -> None:
    path = await tus.begin(2000)
    answer = await client.get(path, headers={"X-HTTP-Method-Override": "DELETE"})
    assert answer.status_code == 405
    assert (await tus.head(path)).status_code == 200


async def test_who_has_no_room_is_told_before_a_byte(
    settings: ApiSettings, issuer: TokenIssuer, sessions: Sessions, slug: Slug
) -> None:
    assert sessions, "the outbox is emptied first"
    limited = settings.model_copy(update={"quota_bytes": 3000, "max_resumable_bytes": 5000})
    async with (
        serving(create_api(limited)) as url,
        httpx.AsyncClient(base_url=f"{url}/api/v1", headers=issuer.headers(uuid4())) as http,
    ):
        tus = TusClient(http)
        data = random_pdf(2000, seed=15)
        path = await tus.begin(len(data))
        assert slug(await tus.create(1001)) == "quota-exceeded"
        assert slug(await tus.create(5001)) == "file-too-large"
        assert "x-document-id" in (await tus.patch(path, 0, data)).headers
        assert (await tus.create(1001)).status_code == 413, "the document counts now"
        assert (await tus.create(1000)).status_code == 201
        assert (await tus.create(1)).status_code == 413
