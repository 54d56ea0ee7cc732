"""Vectors for how a token is written: each is a name, a comment, a change, and the verdict.

There is one way to write a token (RFC 7515, section 7.1): base64url without padding, three parts.
jose would also read others, so a token could be written in any number of ways. That would be no
way in, for a signature covers what is read; but who counts or blocks tokens should see one.
"""

from collections.abc import Callable
from typing import Any

import pytest

_ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"


def parts(*change: int, to: Callable[[str], str]) -> Callable[[str], str]:
    """Change some of the three parts."""
    return lambda token: ".".join(
        to(part) if number in change else part for number, part in enumerate(token.split("."))
    )


def padded(part: str) -> str:
    return part + "=" * (-len(part) % 4)


def last_bits(by: int) -> Callable[[str], str]:
    """Set bits of the last character that stand for nothing."""
    return lambda part: part[:-1] + _ALPHABET[_ALPHABET.index(part[-1]) + by]


VECTORS: list[tuple[str, str, Callable[[str], str], str]] = [
    ("normal", "as auth writes it", lambda token: token, "accepted"),
    ("padding", "of the signature", parts(2, to=padded), "refused"),
    ("too much padding", "of the signature", parts(2, to=lambda p: p + "===="), "refused"),
    ("padding inside", "skipped by some", parts(2, to=lambda p: p[:40] + "=" + p[40:]), "refused"),
    ("last bits 1", "stand for nothing", parts(2, to=last_bits(1)), "refused"),
    ("last bits 15", "stand for nothing", parts(2, to=last_bits(15)), "refused"),
    ("line break at the end", "as from a file", lambda token: token + "\n", "refused"),
    ("blank at the end", "not trimmed", lambda token: token + " ", "refused"),
    ("blank before", "not trimmed", lambda token: " " + token, "refused"),
    ("line break inside", "as in a mail", parts(2, to=lambda p: p[:40] + "\n" + p[40:]), "refused"),
    ("CRLF inside", "as in PEM", parts(2, to=lambda p: p[:40] + "\r\n" + p[40:]), "refused"),
    ("tab inside", "skipped by some", parts(2, to=lambda p: p[:40] + "\t" + p[40:]), "refused"),
    ("NUL inside", "skipped by some", parts(2, to=lambda p: p[:40] + "\0" + p[40:]), "refused"),
    ("NUL at the end", "a C string ends there", lambda token: token + "\0", "refused"),
    ("! inside", "skipped by some", parts(2, to=lambda p: p[:40] + "!" + p[40:]), "refused"),
    ("percent", "as in a URL", lambda token: token.replace(".", "%2E"), "refused"),
    ("one character less", "the signature", lambda token: token[:-1], "refused"),
    ("one character more", "the signature", lambda token: token + "A", "refused"),
    ("full-width", "digits, but not these", parts(2, to=lambda p: p[:-2] + "\uff11A"), "refused"),
    ("no ASCII", "letters, but not these", parts(2, to=lambda p: p[:-2] + "éA"), "refused"),
    ("lone surrogate", "no character", parts(2, to=lambda p: p[:-2] + "\ud800A"), "refused"),
    ("quotes", "as in JSON", lambda token: f'"{token}"', "refused"),
    ("scheme", "as in a header", lambda token: f"Bearer {token}", "refused"),
    ("comma", "two in one header", lambda token: f"{token},{token}", "refused"),
    ("upper case", "base64 is case-sensitive", str.upper, "refused"),
    ("reversed", "nonsense", lambda token: token[::-1], "refused"),
    # The number of parts.
    ("nothing", "no part", lambda _: "", "refused"),
    ("one part", "the header", lambda token: token.split(".")[0], "refused"),
    ("two parts", "not signed", lambda token: token.rsplit(".", 1)[0], "refused"),
    ("two parts and a dot", "not signed", lambda token: token.rsplit(".", 1)[0] + ".", "refused"),
    ("no header", "an empty part", parts(0, to=lambda _: ""), "refused"),
    ("no claims", "an empty part", parts(1, to=lambda _: ""), "refused"),
    ("detached claims", "RFC 7797", lambda t: t.split(".")[0] + ".." + t.split(".")[2], "refused"),
    ("dot before", "four parts", lambda token: "." + token, "refused"),
    ("dot at the end", "four parts", lambda token: token + ".", "refused"),
    ("dot in the claims", "four parts", parts(1, to=lambda p: p[:9] + "." + p[9:]), "refused"),
    ("five parts", "a JWE", lambda token: token + ".AA.AA", "refused"),
    ("dots", "no part", lambda _: "..", "refused"),
    (
        "JSON form",
        "RFC 7515, section 7.2",
        lambda t: f'{{"payload":"{t.split(".")[1]}"}}',
        "refused",
    ),
    # Part of one token in another.
    (
        "header twice",
        "claims replaced",
        lambda t: f"{t.split('.')[0]}.{t}".rsplit(".", 2)[0],
        "refused",
    ),
    ("claims cut", "the signature covers them", parts(1, to=lambda p: p[:-4]), "refused"),
    ("header changed", "the signature covers it", parts(0, to=lambda p: p + "IA"), "refused"),
    # Too long to be looked at.
    ("8 KB", "longer than any of ours", parts(1, to=lambda p: p + "A" * 8192), "refused"),
    ("1 MB", "longer than any of ours", parts(1, to=lambda p: p + "A" * 1_000_000), "refused"),
    ("1 MB of dots", "longer than any of ours", lambda _: "." * 1_000_000, "refused"),
]


@pytest.mark.parametrize(
    ("comment", "change", "expected"),
    [pytest.param(*vector[1:], id=vector[0]) for vector in VECTORS],
)
async def test_a_spelling_is_judged(
    forge: Any, verdict: Any, comment: str, change: Callable[[str], str], expected: str
) -> None:
    assert await verdict(change(forge.token())) == expected, comment


@pytest.mark.parametrize("number", [0, 1])
@pytest.mark.parametrize(
    "change",
    [
        pytest.param(lambda part: part + "=", id="padding"),
        pytest.param(lambda part: part[:9] + "\n" + part[9:], id="line break"),
        pytest.param(lambda part: part[:9] + "." + part[9:], id="dot"),
        pytest.param(lambda part: part[:9] + "!" + part[9:], id="!"),
    ],
)
async def test_a_spelling_is_refused_even_if_it_was_signed(
    forge: Any, verdict: Any, number: int, change: Callable[[str], str]
) -> None:
    signed, _ = parts(number, to=change)(forge.token()).rsplit(".", 1)

    assert await verdict(forge.seal(signed)) == "refused"


async def test_the_other_alphabet_is_refused_even_if_it_was_signed(
    forge: Any, verdict: Any
) -> None:
    """`+` and `/` are base64, but not base64url."""
    filler = "?" * 9 + ">" * 9
    signed, _ = forge.token(forge.header(x=filler), forge.claims(x=filler)).rsplit(".", 1)
    other = signed.replace("-", "+").replace("_", "/")
    assert {"+", "/"} <= set(other)

    assert await verdict(forge.seal(signed)) == "accepted"
    assert await verdict(forge.seal(other)) == "refused"


async def test_a_token_is_written_in_one_way(forge: Any, verdict: Any) -> None:
    """Of all the signatures that differ in the last character, one is taken."""
    token = forge.token()
    verdicts = [await verdict(token[:-1] + last) for last in _ALPHABET]

    assert verdicts.count("accepted") == 1
