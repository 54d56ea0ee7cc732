"""Vectors for the header of a token: each is a name, a comment, the header, and the verdict.

They are rightly signed, so that nothing but the header decides: the worst case, an issuer that
has been talked into signing it. A dict holds changes to a valid header (... leaves a field out),
a string is the header's whole JSON, with KID for the id of the right key.
"""

from typing import Any

import pytest

ALG = '"alg":"ES256"'
TYP = '"typ":"at+jwt"'
KID = '"kid":"KID"'
OWN_KEY = {"kty": "EC", "crv": "P-256", "x": "AA", "y": "AA"}

VECTORS: list[tuple[str, str, Any, str]] = [
    ("normal", "as auth writes it", {}, "accepted"),
    # The algorithm is pinned (RFC 8725, section 3.1).
    ("alg none", "the oldest attack", {"alg": "none"}, "refused"),
    ("alg None", "a filter that compares in lower case only", {"alg": "None"}, "refused"),
    ("alg NONE", "the same", {"alg": "NONE"}, "refused"),
    ("alg none with a blank", "a filter that does not trim", {"alg": "none "}, "refused"),
    ("alg missing", "required by RFC 7515, section 4.1.1", {"alg": ...}, "refused"),
    ("alg null", "no string", {"alg": None}, "refused"),
    ("alg empty", "no algorithm", {"alg": ""}, "refused"),
    ("alg in lower case", "names are case-sensitive", {"alg": "es256"}, "refused"),
    ("alg with a blank", "names are compared whole", {"alg": "ES256 "}, "refused"),
    ("alg with a NUL", "a C string would end there", {"alg": "ES256\0"}, "refused"),
    ("alg as a list", "`in` would find it", {"alg": ["ES256"]}, "refused"),
    ("alg as a dict", "`in` would find it", {"alg": {"ES256": 1}}, "refused"),
    ("alg as a number", "no string", {"alg": 256}, "refused"),
    ("alg true", "no string", {"alg": True}, "refused"),
    ("alg HS256", "the public key as an HMAC secret", {"alg": "HS256"}, "refused"),
    ("alg RS256", "another family", {"alg": "RS256"}, "refused"),
    ("alg ES384", "another curve", {"alg": "ES384"}, "refused"),
    ("alg ES256K", "another curve of the same size", {"alg": "ES256K"}, "refused"),
    ("alg EdDSA", "another family", {"alg": "EdDSA"}, "refused"),
    ("alg ECDH-ES", "an algorithm of encryption", {"alg": "ECDH-ES"}, "refused"),
    ("ALG", "field names are case-sensitive", {"alg": ..., "ALG": "ES256"}, "refused"),
    # The type is explicit (RFC 8725, section 3.11). Auth writes one spelling, so one is taken.
    ("typ missing", "a token of any kind", {"typ": ...}, "refused"),
    ("typ null", "no string", {"typ": None}, "refused"),
    ("typ JWT", "an ID token, say", {"typ": "JWT"}, "refused"),
    (
        "typ of a ticket",
        "a ticket opens a stream and nothing else",
        {"typ": "ticket+jwt"},
        "refused",
    ),
    ("typ in upper case", "RFC 7515 would allow it, we do not", {"typ": "AT+JWT"}, "refused"),
    ("typ in full", "the same", {"typ": "application/at+jwt"}, "refused"),
    ("typ as a list", "no string", {"typ": ["at+jwt"]}, "refused"),
    # Whoever does not understand an extension must refuse it (RFC 7515, section 4.1.11).
    ("crit of an extension", "we understand none", {"crit": ["x"], "x": 1}, "refused"),
    (
        "crit of exp",
        "it names a claim we do check, but not from there",
        {"crit": ["exp"]},
        "refused",
    ),
    ("crit empty", "must not be empty", {"crit": []}, "refused"),
    ("crit null", "is there, whatever it holds", {"crit": None}, "refused"),
    ("crit as a string", "no list", {"crit": "exp"}, "refused"),
    ("b64 false", "the payload would not be base64 (RFC 7797)", {"b64": False}, "refused"),
    ("b64 false, critical", "as RFC 7797 demands", {"b64": False, "crit": ["b64"]}, "refused"),
    ("b64 true", "says nothing new, but is not ours", {"b64": True}, "refused"),
    ("zip", "the payload would be compressed", {"zip": "DEF"}, "refused"),
    ("enc", "this would be a JWE", {"enc": "A256GCM"}, "refused"),
    # Keys come from our own set only (RFC 8725, section 3.10).
    ("kid missing", "no key is named", {"kid": ...}, "refused"),
    ("kid null", "no string", {"kid": None}, "refused"),
    ("kid empty", "no such key", {"kid": ""}, "refused"),
    ("kid as a number", "no string", {"kid": 0}, "refused"),
    ("kid as a list", "cannot be looked up", {"kid": ["KID"]}, "refused"),
    ("kid as a dict", "cannot be looked up", {"kid": {}}, "refused"),
    ("kid unknown", "no such key", {"kid": "another"}, "refused"),
    ("kid is a path", "nothing is opened", {"kid": "../../../../dev/null"}, "refused"),
    ("kid is SQL", "nothing is queried", {"kid": "' UNION SELECT 'x"}, "refused"),
    ("kid is a URL", "nothing is fetched", {"kid": "http://127.0.0.1/"}, "refused"),
    ("kid with a NUL", "compared whole", {"kid": "KID\0"}, "refused"),
    ("jwk", "ignored: the signature is by our key", {"jwk": OWN_KEY}, "accepted"),
    ("jku", "ignored, and never fetched", {"jku": "http://127.0.0.1:9/"}, "accepted"),
    ("x5u", "ignored, and never fetched", {"x5u": "http://127.0.0.1:9/"}, "accepted"),
    ("x5c", "ignored", {"x5c": ["AA=="]}, "accepted"),
    # What is unknown is ignored (RFC 7515, section 4).
    ("unknown field", "ignored", {"color": "blue"}, "accepted"),
    ("cty", "ignored: the payload is JSON or is refused", {"cty": "JWT"}, "accepted"),
    # JSON. Of two fields of a name the last one counts, which RFC 7515, section 4, allows.
    ("alg twice, good last", "the last counts", f'{{"alg":"none",{ALG},{TYP},{KID}}}', "accepted"),
    ("alg twice, bad last", "the last counts", f'{{{ALG},"alg":"none",{TYP},{KID}}}', "refused"),
    ("typ twice, good last", "the last counts", f'{{{ALG},"typ":"JWT",{TYP},{KID}}}', "accepted"),
    ("typ twice, bad last", "the last counts", f'{{{ALG},{TYP},"typ":"JWT",{KID}}}', "refused"),
    ("kid twice, bad last", "the last counts", f'{{{ALG},{TYP},{KID},"kid":"x"}}', "refused"),
    ("blanks", "JSON allows them", f" {{ {ALG} ,\n\t{TYP}, {KID} }}\r\n", "accepted"),
    ("escaped name", "the same name", f'{{"\\u0061lg":"ES256",{TYP},{KID}}}', "accepted"),
    ("escaped crit", "the same name", f'{{{ALG},{TYP},{KID},"\\u0063rit":["x"]}}', "refused"),
    ("trailing text", "not JSON", f"{{{ALG},{TYP},{KID}}}x", "refused"),
    ("trailing comma", "not JSON", f"{{{ALG},{TYP},{KID},}}", "refused"),
    ("comment", "not JSON", f"{{{ALG},/**/{TYP},{KID}}}", "refused"),
    ("single quotes", "not JSON", "{'alg':'ES256'}", "refused"),
    ("byte-order mark", "RFC 8259, section 8.1", f"\ufeff{{{ALG},{TYP},{KID}}}", "refused"),
    ("list", "no object", f"[{{{ALG},{TYP},{KID}}}]", "refused"),
    ("string", "no object", '"alg"', "refused"),
    ("null", "no object", "null", "refused"),
    ("number", "no object", "1", "refused"),
    ("empty object", "says nothing", "{}", "refused"),
    ("cut off", "not JSON", f"{{{ALG},{TYP}", "refused"),
    ("deep", "deeper than Python recurses", f'{{"a":{"[" * 2000}{"]" * 2000}}}', "refused"),
    ("huge number", "more digits than Python reads", f'{{"a":{"9" * 5000}}}', "refused"),
    ("lone surrogate", "no character", f'{{{ALG},{TYP},"kid":"\\ud800"}}', "refused"),
]


@pytest.mark.parametrize(
    ("comment", "header", "expected"),
    [pytest.param(*vector[1:], id=vector[0]) for vector in VECTORS],
)
async def test_a_header_is_judged(
    forge: Any, verdict: Any, comment: str, header: Any, expected: str
) -> None:
    if isinstance(header, str):
        token = forge.token(header.replace("KID", forge.issuer.kid).encode())
    else:
        fields = forge.header(**header)
        token = forge.token({name: value for name, value in fields.items() if value is not ...})

    assert await verdict(token) == expected, comment


async def test_a_header_in_another_encoding_is_refused(forge: Any, verdict: Any) -> None:
    text = f'{{{ALG},{TYP},"kid":"{forge.issuer.kid}"}}'
    for encoding in ("utf-16", "utf-16-le", "utf-32"):
        assert await verdict(forge.token(text.encode(encoding))) == "refused", encoding
    assert await verdict(forge.token(text.encode("latin-1") + b"\xff")) == "refused"
