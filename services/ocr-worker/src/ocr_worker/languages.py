"""Which languages pages can be recognised in, and what they are called.

Users say ISO 639: "de", "deu" or "ger", several joined by "+"; Tesseract has names of its own,
which are mostly those of ISO 639-2/T. "auto" leaves the choice to `guessing`.
"""

from dataclasses import dataclass

from ocr_worker import tessdata
from ocr_worker.errors import LanguageNotInstalled

AUTO = "auto"

# ISO 639-1, then Tesseract's name, then ISO 639-2/B where it differs.
_NAMES = """
af afr, am amh, ar ara, as asm, az aze, be bel, bg bul, bn ben, bo bod tib, br bre, bs bos, ca cat,
co cos, cs ces cze, cy cym wel, da dan, de deu ger, dv div, dz dzo, el ell gre, en eng, eo epo,
es spa, et est, eu eus baq, fa fas per, fi fin, fo fao, fr fra fre, fy fry, ga gle, gd gla, gl glg,
gu guj, he heb, hi hin, hr hrv, ht hat, hu hun, hy hye arm, id ind, is isl ice, it ita, iu iku,
ja jpn, jv jav, ka kat geo, kk kaz, km khm, kn kan, ko kor, ku kmr, ky kir, la lat, lb ltz, lo lao,
lt lit, lv lav, mi mri mao, mk mkd mac, ml mal, mn mon, mr mar, ms msa may, mt mlt, my mya bur,
ne nep, nl nld dut, no nor, oc oci, or ori, pa pan, pl pol, ps pus, pt por, qu que, ro ron rum,
ru rus, sa san, sd snd, si sin, sk slk slo, sl slv, sq sqi alb, sr srp, su sun, sv swe, sw swa,
ta tam, te tel, tg tgk, th tha, ti tir, tl tgl, to ton, tr tur, tt tat, ug uig, uk ukr, ur urd,
uz uzb, vi vie, yi yid, yo yor, zh chi_sim chi zho
"""
_ALIASES = {"nb": "nor", "nn": "nor", "nob": "nor", "nno": "nor", "zh-cn": "chi_sim"}
_ALIASES |= {"zh-hans": "chi_sim", "zh-tw": "chi_tra", "zh-hant": "chi_tra"}
_ISO_639_1: dict[str, str] = {}
for _entry in _NAMES.split(","):
    _short, _name, *_others = _entry.split()
    _ISO_639_1[_name] = _short
    _ALIASES |= dict.fromkeys((_short, *_others), _name)


_FIRST_CHOICE = "eng"
_SCRIPTS = {
    "Arabic": ("ara", "fas", "urd"),
    "Bengali": ("ben",),
    "Cyrillic": ("rus", "ukr", "bul", "srp"),
    "Devanagari": ("hin", "mar", "nep"),
    "Georgian": ("kat",),
    "Greek": ("ell",),
    "Han": ("chi_sim", "chi_tra", "jpn"),
    "Hangul": ("kor",),
    "Hebrew": ("heb", "yid"),
    "Japanese": ("jpn",),
    "Korean": ("kor",),
    "Tamil": ("tam",),
    "Telugu": ("tel",),
    "Thai": ("tha",),
}


@dataclass(frozen=True, slots=True)
class Language:
    """A language that is installed: Tesseract's name, and ISO 639-1 where there is one."""

    name: str
    iso_639_1: str | None


def installed() -> list[Language]:
    """Return the languages in which pages can be recognised, by name."""
    return [Language(name, iso_639_1(name)) for name in sorted(tessdata.installed())]


def iso_639_1(name: str) -> str | None:
    """Return the two letters of ISO 639-1 for Tesseract's name, if there are any."""
    return _ISO_639_1.get(name)


def codes(name: str) -> list[str]:
    """Return everything that stands for a language, Tesseract's own name for it first."""
    return [name, *(code for code, meant in _ALIASES.items() if meant == name)]


def tesseract_name(code: str) -> str:
    """Return Tesseract's name for an ISO 639 code; what is no code is returned as it is."""
    code = code.strip().lower()
    return _ALIASES.get(code, code)


def resolve(asked: str) -> str:
    """Turn "de+en" or "deu+eng" into Tesseract's names, each once.

    Raises `LanguageNotInstalled`, which lists what is installed.
    """
    names = dict.fromkeys(map(tesseract_name, asked.split("+")))
    for name in names:
        if name not in tessdata.installed():
            there = ", ".join(sorted(tessdata.installed())) or "none"
            raise LanguageNotInstalled(f"{name[:20]!r} is not installed; installed are: {there}.")
    return "+".join(names)


def of_script(script: str | None) -> str:
    """Return an installed language for a script as Tesseract names it; None stands for Latin."""
    there = tessdata.installed()
    wanted = (*_SCRIPTS.get(script or "", ()), _FIRST_CHOICE, *sorted(there))
    return next((name for name in wanted if name in there), _FIRST_CHOICE)
