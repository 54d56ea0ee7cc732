"""Vectors for the claims of a token: each is a name, a comment, the claims, and the verdict.

They are rightly signed. A dict holds changes to valid claims (... leaves one out), a function
makes them from the time, and a string is added to the JSON of valid claims as it is.
"""

import json
import time
from typing import Any
from uuid import UUID, uuid4

import pytest
from common.security import LEEWAY_SECONDS
from hypothesis import given
from hypothesis import strategies as st

LATE = LEEWAY_SECONDS + 5
SOON = LEEWAY_SECONDS - 5

VECTORS: list[tuple[str, str, Any, str]] = [
    ("normal", "as auth writes it", {}, "accepted"),
    # Who issued it, and for whom.
    ("iss of another", "not our issuer", {"iss": "somebody"}, "refused"),
    ("iss missing", "required", {"iss": ...}, "refused"),
    ("iss null", "required", {"iss": None}, "refused"),
    ("iss in upper case", "compared whole", {"iss": "QUIRE-AUTH"}, "refused"),
    ("iss as a list", "one string (RFC 7519, section 4.1.1)", {"iss": ["quire-auth"]}, "refused"),
    ("aud of another", "not for us", {"aud": "elsewhere"}, "refused"),
    ("aud missing", "required", {"aud": ...}, "refused"),
    ("aud null", "required", {"aud": None}, "refused"),
    ("aud empty", "for nobody", {"aud": []}, "refused"),
    ("aud is only ours", "a list of one", {"aud": ["quire"]}, "accepted"),
    ("aud contains ours", "RFC 7519, section 4.1.3", {"aud": ["x", "quire"]}, "accepted"),
    ("aud contains others", "not for us", {"aud": ["x", "y"]}, "refused"),
    ("aud contains a number", "strings only", {"aud": ["quire", 1]}, "refused"),
    ("aud as a dict", "`in` would find it", {"aud": {"quire": 1}}, "refused"),
    ("aud begins like ours", "compared whole", {"aud": "quire-2"}, "refused"),
    # When it ends: a JSON number (RFC 7519, section 2), and some seconds for wrong clocks.
    ("exp missing", "required", {"exp": ...}, "refused"),
    ("exp past", "over", lambda now: {"exp": now - LATE}, "refused"),
    ("exp just past", "clocks differ", lambda now: {"exp": now - SOON}, "accepted"),
    ("exp with a fraction", "any number will do", lambda now: {"exp": now + 60.5}, "accepted"),
    ("exp as a float past", "over", lambda now: {"exp": now - LATE - 0.5}, "refused"),
    ("exp as a string", "no number", lambda now: {"exp": str(now + 600)}, "refused"),
    ("exp as text", "no number", {"exp": "tomorrow"}, "refused"),
    ("exp as a date", "no number", {"exp": "2999-01-01T00:00:00Z"}, "refused"),
    ("exp true", "1970", {"exp": True}, "refused"),
    ("exp null", "not for ever", {"exp": None}, "refused"),
    ("exp as a list", "no number", lambda now: {"exp": [now + 600]}, "refused"),
    ("exp as a dict", "no number", {"exp": {}}, "refused"),
    ("exp 0", "1970", {"exp": 0}, "refused"),
    ("exp negative", "before 1970", {"exp": -1}, "refused"),
    ("exp very negative", "long before 1970", {"exp": -(10**300)}, "refused"),
    ("exp NaN", "compares with nothing", '"exp":NaN', "refused"),
    ("exp Infinity", "not for ever", '"exp":Infinity', "refused"),
    ("exp -Infinity", "never", '"exp":-Infinity', "refused"),
    ("exp 1e400", "JSON, and more than a float holds", '"exp":1e400', "refused"),
    ("exp of 400 digits", "JSON, and more than a float holds", {"exp": 10**400}, "refused"),
    ("exp of 5000 digits", "more than Python reads", f'"exp":{"9" * 5000}', "refused"),
    ("exp in exponents", "any number will do", '"exp":4.0e9', "accepted"),
    # When it began.
    ("iat missing", "required", {"iat": ...}, "refused"),
    ("iat future", "nobody has issued it yet", lambda now: {"iat": now + LATE}, "refused"),
    ("iat just future", "clocks differ", lambda now: {"iat": now + SOON}, "accepted"),
    ("iat past", "exp decides", lambda now: {"iat": now - 10_000}, "accepted"),
    ("iat as a string", "no number", lambda now: {"iat": str(now)}, "refused"),
    ("iat true", "no number", {"iat": True}, "refused"),
    ("iat null", "no number", {"iat": None}, "refused"),
    ("iat as a list", "no number", {"iat": [1]}, "refused"),
    ("iat NaN", "compares with nothing", '"iat":NaN', "refused"),
    ("iat 1e400", "more than a float holds", '"iat":1e400', "refused"),
    ("nbf future", "not yet", lambda now: {"nbf": now + LATE}, "refused"),
    ("nbf just future", "clocks differ", lambda now: {"nbf": now + SOON}, "accepted"),
    ("nbf past", "already", {"nbf": 1}, "accepted"),
    ("nbf as a string", "no number", {"nbf": "1"}, "refused"),
    ("nbf null", "no number", {"nbf": None}, "refused"),
    ("nbf NaN", "compares with nothing", '"nbf":NaN', "refused"),
    ("nbf -1e400", "more than a float holds", '"nbf":-1e400', "refused"),
    # Who it is.
    ("sub missing", "required", {"sub": ...}, "refused"),
    ("sub null", "nobody", {"sub": None}, "refused"),
    ("sub empty", "nobody", {"sub": ""}, "refused"),
    ("sub no UUID", "not one of our users", {"sub": "admin"}, "refused"),
    ("sub as a number", "no string", {"sub": UUID(int=1).int}, "refused"),
    ("sub as a list", "no string", {"sub": [str(uuid4())]}, "refused"),
    ("sub with a NUL", "no UUID", {"sub": f"{uuid4()}\0"}, "refused"),
    ("sid missing", "could not be denied", {"sid": ...}, "refused"),
    ("sid null", "could not be denied", {"sid": None}, "refused"),
    ("sid no UUID", "not one of our sessions", {"sid": "1"}, "refused"),
    ("jti missing", "required", {"jti": ...}, "refused"),
    ("jti as a number", "no string", {"jti": 1}, "refused"),
    ("jti null", "no string", {"jti": None}, "refused"),
    # What they may.
    ("permissions missing", "may nothing", {"permissions": ...}, "accepted"),
    ("permissions empty", "may nothing", {"permissions": []}, "accepted"),
    ("permissions unknown", "a newer auth knows more", {"permissions": ["a:b"]}, "accepted"),
    ("permissions twice", "a set", {"permissions": ["a:b", "a:b"]}, "accepted"),
    ("permissions as a string", "`in` would find it", {"permissions": "documents:read"}, "refused"),
    ("permissions null", "no list", {"permissions": None}, "refused"),
    ("permissions true", "no list", {"permissions": True}, "refused"),
    ("permissions as a dict", "`in` would find it", {"permissions": {"a:b": 1}}, "refused"),
    ("permissions are numbers", "strings only", {"permissions": [1, 2]}, "refused"),
    ("permissions contain null", "strings only", {"permissions": ["a:b", None]}, "refused"),
    ("permissions nested", "strings only", {"permissions": [["a:b"]]}, "refused"),
    ("permissions contain a dict", "strings only", {"permissions": [{}]}, "refused"),
    ("ver missing", "the first", {"ver": ...}, "accepted"),
    ("ver as a string", "no number", {"ver": "1"}, "refused"),
    ("ver true", "no number", {"ver": True}, "refused"),
    ("ver null", "no number", {"ver": None}, "refused"),
    ("ver with a fraction", "whole numbers only", {"ver": 1.5}, "refused"),
    ("ver as a list", "no number", {"ver": [1]}, "refused"),
    ("ver Infinity", "no whole number", '"ver":Infinity', "refused"),
    ("api_key as a string", "true or false", {"api_key": "true"}, "refused"),
    ("api_key as a number", "true or false", {"api_key": 1}, "refused"),
    ("csrf as a number", "a string", {"csrf": 1}, "refused"),
    ("at_hash", "belongs to ID tokens", {"at_hash": "x"}, "refused"),
    # JSON. Of two claims of a name the last one counts, which RFC 7519, section 4, allows.
    ("exp twice, over last", "the last counts", '"exp":1', "refused"),
    ("exp twice, good last", "the last counts", '"exp":1,"exp":4000000000', "accepted"),
    ("sub twice, bad last", "the last counts", '"sub":"admin"', "refused"),
    ("unknown claim", "ignored", {"color": {"blue": [1, 2]}}, "accepted"),
    ("scope", "not how we tell permissions", {"scope": "users:delete"}, "accepted"),
    ("deep", "deeper than Python recurses", f'"a":{"[" * 1500}{"]" * 1500}', "refused"),
]


@pytest.mark.parametrize(
    ("comment", "claims", "expected"),
    [pytest.param(*vector[1:], id=vector[0]) for vector in VECTORS],
)
async def test_claims_are_judged(
    forge: Any, verdict: Any, comment: str, claims: Any, expected: str
) -> None:
    if isinstance(claims, str):
        text = json.dumps(forge.claims()).removesuffix("}")
        token = forge.token(claims=f"{text},{claims}}}".encode())
    else:
        changes = claims(int(time.time())) if callable(claims) else claims
        token = forge.token(
            claims={k: v for k, v in forge.claims(**changes).items() if v is not ...}
        )

    assert await verdict(token) == expected, comment


@pytest.mark.parametrize(
    "payload",
    [b"", b"x", b"[]", b'"sub"', b"1", b"null", b"{}", b"\xff\xfe", "{}".encode("utf-16")],
    ids=repr,
)
async def test_a_payload_that_is_no_object_is_refused(
    forge: Any, verdict: Any, payload: bytes
) -> None:
    assert await verdict(forge.token(claims=payload)) == "refused"


NAMES = ("iss", "aud", "sub", "sid", "jti", "iat", "exp", "nbf", "ver", "permissions", "csrf")
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)


@given(changes=st.dictionaries(st.sampled_from(NAMES), JSON, min_size=1))
async def test_no_claim_is_a_bug(forge: Any, verdict: Any, changes: dict[str, Any]) -> None:
    assert await verdict(forge.token(claims=forge.claims(**changes))) in ("accepted", "refused")
