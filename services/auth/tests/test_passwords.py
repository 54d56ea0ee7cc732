"""What a password may be, and how it is kept."""

import unicodedata
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from auth.passwords.errors import WeakPassword
from auth.passwords.hashing import Passwords
from auth.passwords.policy import PasswordPolicy, require_strong


@pytest.fixture(scope="module")
def passwords() -> Iterator[Passwords]:
    with ThreadPoolExecutor(2) as threads:
        yield Passwords(threads, memory_kib=64, rounds=1)


@pytest.mark.parametrize(
    ("password", "broken"),
    [
        ("Correct7", []),
        ("Ünïcode7 with spaces", []),
        ("Aa1" + "x" * 253, []),
        (unicodedata.normalize("NFD", "Aa1" + "é" * 253), []),
        ("Short7x", ["too-short"]),
        ("Aa1" + "x" * 254, ["too-long"]),
        ("Aa1" + "\ufdfa" * 15, ["too-long"]),
        ("alllower7", ["no-upper-case"]),
        ("ALLUPPER7", ["no-lower-case"]),
        ("NoDigitsHere", ["no-digit"]),
        ("I-am-ADA-7", ["contains-username"]),
        ("I-am-ａｄａ-7", ["contains-username"]),
        ("", ["too-short", "no-upper-case", "no-lower-case", "no-digit"]),
    ],
    ids=ascii,
)
def test_the_classic_policy_names_each_broken_rule(password: str, broken: list[str]) -> None:
    errors: Any = []
    try:
        require_strong(password, username="Ada", policy=PasswordPolicy.CLASSIC)
    except WeakPassword as problem:
        errors = problem.members["errors"]

    assert [error["type"] for error in errors] == broken
    assert all(error["pointer"] == "/body/password" for error in errors)


async def test_a_hash_is_salted_argon2id(passwords: Passwords) -> None:
    first, second = [await passwords.hash("Correct-Horse-7") for _ in range(2)]

    assert first.startswith("$argon2id$v=19$m=64,t=1,p=1$")
    assert first != second
    assert (await passwords.verify("Correct-Horse-7", first)).right


async def test_every_character_counts(passwords: Passwords) -> None:
    long = "Aa1" + "\N{GRINNING FACE}" * 253
    hashed = await passwords.hash(long)

    assert (await passwords.verify(long, hashed)).right
    assert not (await passwords.verify(long[:-1], hashed)).right
    assert not (await passwords.verify(long + "x", hashed)).right
    assert not (await passwords.verify("Aa1\0x", await passwords.hash("Aa1\0y"))).right


async def test_what_looks_the_same_is_the_same(passwords: Passwords) -> None:
    hashed = await passwords.hash("Caf\N{LATIN SMALL LETTER E WITH ACUTE}-ﬁne-7")

    assert (await passwords.verify("Cafe\N{COMBINING ACUTE ACCENT}-fine-7", hashed)).right


async def test_without_a_user_no_password_is_right(passwords: Passwords) -> None:
    assert not (await passwords.verify("Correct-Horse-7", None)).right


async def test_what_grows_when_normalised_is_just_wrong(passwords: Passwords) -> None:
    hashed = await passwords.hash("Correct-Horse-7")

    assert not (await passwords.verify("\ufdfa" * 1024, hashed)).right
