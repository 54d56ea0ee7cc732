"""Languages go by ISO 639, and what is missing is named together with what is there."""

import pytest
from corpus import digital, scan
from hypothesis import given
from hypothesis import strategies as st
from ocr_worker import languages, tessdata
from ocr_worker.box import Box
from ocr_worker.errors import LanguageNotInstalled
from ocr_worker.guessing import languages_of


@pytest.mark.parametrize(
    ("asked", "names"),
    [
        ("en", "eng"),
        ("de", "deu"),
        ("GER", "deu"),
        ("fre", "fra"),
        ("de+en", "deu+eng"),
        ("deu+de+ger", "deu"),
        (" eng ", "eng"),
    ],
)
def test_iso_codes_become_the_names_of_models(asked: str, names: str) -> None:
    assert languages.resolve(asked) == names


@pytest.mark.parametrize(
    ("code", "name"),
    [("zh", "chi_sim"), ("zh-TW", "chi_tra"), ("nb", "nor"), ("gre", "ell"), ("cs", "ces")],
)
def test_codes_that_differ_are_known_without_being_installed(code: str, name: str) -> None:
    assert languages.tesseract_name(code) == name


def test_what_is_missing_is_named_and_what_is_there_listed() -> None:
    with pytest.raises(LanguageNotInstalled, match=r"'tlh' is not installed; .*deu, eng"):
        languages.resolve("eng+tlh")


@given(st.text(max_size=30))
def test_any_text_is_a_language_or_a_named_error(asked: str) -> None:
    try:
        names = languages.resolve(asked).split("+")
    except LanguageNotInstalled:
        return
    assert set(names) <= tessdata.installed()


def test_each_installed_language_has_its_iso_code() -> None:
    there = {language.name: language.iso_639_1 for language in languages.installed()}
    assert there["eng"] == "en"
    assert there["deu"] == "de"
    assert not {"osd", "equ"} & set(there)


def test_a_script_leads_to_an_installed_language() -> None:
    assert languages.of_script("Latin") == "eng"
    assert languages.of_script(None) == "eng"
    assert languages.of_script("Klingon") == "eng"
    assert languages.of_script("Arabic") in {"ara", "eng"}


def test_the_languages_of_a_text_are_guessed() -> None:
    german = "Der schnelle braune Fuchs springt über den faulen Hund und läuft davon."
    english = "The quick brown fox jumps over the lazy dog and runs far away from here."
    assert languages_of(german) == "deu"
    assert languages_of(english) == "eng"
    assert set((languages_of(f"{german}\n\n{english}") or "").split("+")) == {"deu", "eng"}
    assert languages_of("17") is None


async def test_auto_finds_the_language_of_a_scan() -> None:
    async with Box.open(scan("francais.pdf")) as box:
        result = await box.read(1, language="auto")
    assert result.language == "fra"
    assert "dans l'âtre" in result.text


async def test_auto_is_no_matter_where_nothing_is_recognised() -> None:
    async with Box.open(digital("pdflatex-4-pages.pdf")) as box:
        assert (await box.read(1, language="auto")).source == "text_layer"
