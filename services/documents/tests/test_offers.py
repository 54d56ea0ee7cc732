"""With what and in which languages pages can be recognised, as a real worker says."""

import asyncio
from collections.abc import Callable
from uuid import UUID

import httpx
import pytest
from common.asking import Asker, NobodyToAsk
from common.testing import TokenIssuer
from documents.settings import ApiSettings
from documents.tools.errors import BackendUnavailable, LanguageUnavailable
from documents.tools.offers import Offers
from pydantic import SecretStr
from workers import api_client, ocr_worker

Slug = Callable[[httpx.Response], str]


@pytest.fixture
def asking_settings(settings: ApiSettings, amqp_url: str) -> ApiSettings:
    """Return the settings of an api process whose workers are this test's alone."""
    return settings.model_copy(update={"amqp_url": SecretStr(amqp_url)})


async def test_backends_and_languages(
    asking_settings: ApiSettings, issuer: TokenIssuer, user_id: UUID, slug: Slug
) -> None:
    async with api_client(asking_settings, issuer.headers(user_id)) as asking:
        for path in ("/ocr/backends", "/ocr/languages"):
            nobody = await asking.get(path)
            assert (nobody.status_code, slug(nobody)) == (503, "nobody-to-ask")
        async with ocr_worker(asking_settings):
            first = (await asking.get("/ocr/backends")).json()
            languages = (await asking.get("/ocr/languages")).json()
        kept = (await asking.get("/ocr/backends")).json()

    assert kept == first, "what was answered counts for a minute, whoever is gone by then"
    assert first["default"] == first["backends"][0]["name"] == "tesseract"
    by_name = {each["name"]: each for each in first["backends"]}
    assert by_name["tesseract"]["usable"] is True
    assert set(by_name["tesseract"]) == {"name", "usable", "reason", "install"}
    assert by_name["deepseek"]["usable"] is False
    assert by_name["deepseek"]["reason"]
    assert by_name["deepseek"]["install"]
    assert {"name": "eng", "iso_639_1": "en"} in languages["languages"]


async def test_wishes_are_checked_against_what_is_there(asking_settings: ApiSettings) -> None:
    asker = Asker(asking_settings.amqp_url.get_secret_value())
    offers = Offers(asker)
    await offers.check(backend="anything", language="xx")  # nobody knows better
    with pytest.raises(NobodyToAsk):
        await offers.get()
    await offers.close()

    offers = Offers(asker)
    async with ocr_worker(asking_settings):
        for fine in ({}, {"language": "en"}, {"language": "eng+en"}, {"language": "auto"}):
            await offers.check(**{"backend": None, "language": None, **fine})
        await offers.check(backend="tesseract", language=None)
        with pytest.raises(BackendUnavailable, match="tesseract"):
            await offers.check(backend="nonsense", language=None)
        with pytest.raises(BackendUnavailable, match="QUIRE_VISION_SERVERS"):
            await offers.check(backend="deepseek", language="en")
        with pytest.raises(LanguageUnavailable, match=r"xx.*en"):
            await offers.check(backend=None, language="en+xx")
        await asyncio.gather(*(offers.get() for _ in range(20)))
    await offers.close()
    await asker.close()
