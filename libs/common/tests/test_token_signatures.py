"""Vectors for the signature of a token: each is a name, a comment, how it is made, the verdict.

The header and claims are valid. A function makes the bytes that stand for the signature from the
right one, which is r and s, 32 bytes each (RFC 7518, section 3.4).
"""

from collections.abc import Callable
from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes, hmac
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import (
    decode_dss_signature,
    encode_dss_signature,
)
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from jose.utils import base64url_encode

N = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
"""The order of P-256."""
P = 0xFFFFFFFF00000001000000000000000000000000FFFFFFFFFFFFFFFFFFFFFFFF
"""Its field."""
MAX = 2**256 - 1


def raw(r: int, s: int, size: int = 32) -> bytes:
    return r.to_bytes(size, "big") + s.to_bytes(size, "big")


def flipped(r: int, s: int, bit: int) -> bytes:
    return (int.from_bytes(raw(r, s), "big") ^ (1 << bit)).to_bytes(64, "big")


def low(s: int) -> int:
    return min(s, N - s)


VECTORS: list[tuple[str, str, Callable[[int, int], bytes], str]] = [
    ("normal", "as auth makes it", raw, "accepted"),
    # Of a signature there is a twin with n - s. It says nothing that was not signed, and nothing
    # here goes by the bytes of a signature, so both are taken, as RFC 7518 does.
    ("low s", "the smaller twin", lambda r, s: raw(r, low(s)), "accepted"),
    ("high s", "the greater twin", lambda r, s: raw(r, N - low(s)), "accepted"),
    ("negative r", "is no twin", lambda r, s: raw(N - r, s), "refused"),
    # Another form. RFC 7518 knows one.
    ("DER", "as X.509 and OpenSSL write it", encode_dss_signature, "refused"),
    ("DER, twin", "the same", lambda r, s: encode_dss_signature(r, N - s), "refused"),
    ("DER, cut to 64", "the right length", lambda r, s: encode_dss_signature(r, s)[:64], "refused"),
    ("swapped", "s before r", lambda r, s: raw(s, r), "refused"),
    ("little-endian", "as some write integers", lambda r, s: raw(r, s)[::-1], "refused"),
    ("empty", "not signed", lambda _, __: b"", "refused"),
    ("one byte", "too short", lambda r, _: r.to_bytes(32, "big")[:1], "refused"),
    ("only r", "half of it", lambda r, _: r.to_bytes(32, "big"), "refused"),
    ("63 bytes", "one is missing", lambda r, s: raw(r, s)[:-1], "refused"),
    ("63 bytes, from r", "one is missing", lambda r, s: raw(r, s)[1:], "refused"),
    ("65 bytes", "one more", lambda r, s: raw(r, s) + b"\0", "refused"),
    ("65 bytes, zero first", "one more", lambda r, s: b"\0" + raw(r, s), "refused"),
    ("66 bytes", "each with a zero before", lambda r, s: raw(r, s, 33), "refused"),
    ("96 bytes", "the size of ES384", lambda r, s: raw(r, s, 48), "refused"),
    ("132 bytes", "the size of ES512", lambda r, s: raw(r, s, 66), "refused"),
    ("twice", "one after the other", lambda r, s: raw(r, s) * 2, "refused"),
    ("hex", "as text", lambda r, s: raw(r, s).hex().encode(), "refused"),
    # Numbers that are none of 1 to n - 1. Java once took the zeros (CVE-2022-21449).
    ("r = s = 0", "satisfies a careless equation", lambda _, __: raw(0, 0), "refused"),
    ("r = 0", "out of range", lambda _, s: raw(0, s), "refused"),
    ("s = 0", "out of range", lambda r, _: raw(r, 0), "refused"),
    ("r = 0, s = 1", "out of range", lambda _, __: raw(0, 1), "refused"),
    ("r = 1, s = 0", "out of range", lambda _, __: raw(1, 0), "refused"),
    ("r = n", "zero modulo n", lambda _, s: raw(N, s), "refused"),
    ("s = n", "zero modulo n", lambda r, _: raw(r, N), "refused"),
    ("r = s = n", "zero modulo n", lambda _, __: raw(N, N), "refused"),
    ("r = n, s = 0", "zero modulo n", lambda _, __: raw(N, 0), "refused"),
    ("r = n + 1", "out of range", lambda _, s: raw(N + 1, s), "refused"),
    ("s = n + 1", "out of range", lambda r, _: raw(r, N + 1), "refused"),
    ("r = n - 1", "in range and wrong", lambda _, s: raw(N - 1, s), "refused"),
    ("s = n - 1", "in range and wrong", lambda r, _: raw(r, N - 1), "refused"),
    ("r = s = n - 1", "in range and wrong", lambda _, __: raw(N - 1, N - 1), "refused"),
    ("r = s = 1", "in range and wrong", lambda _, __: raw(1, 1), "refused"),
    ("r = p", "as large as the field", lambda _, s: raw(P, s), "refused"),
    ("r = p - 1", "greater than n", lambda _, s: raw(P - 1, s), "refused"),
    ("r = s = p", "as large as the field", lambda _, __: raw(P, P), "refused"),
    ("all ones", "as large as it gets", lambda _, __: raw(MAX, MAX), "refused"),
    ("r + 1", "another number", lambda r, s: raw(r + 1, s), "refused"),
    ("s + 1", "another number", lambda r, s: raw(r, (s + 1) % N), "refused"),
    ("s doubled", "another number", lambda r, s: raw(r, s * 2 % N), "refused"),
    ("s = r", "another number", lambda r, _: raw(r, r), "refused"),
    *(
        (f"bit {bit}", "one bit is another", lambda r, s, bit=bit: flipped(r, s, bit), "refused")
        for bit in (0, 1, 7, 255, 256, 257, 263, 511)
    ),
]


@pytest.mark.parametrize(
    ("comment", "make", "expected"),
    [pytest.param(*vector[1:], id=vector[0]) for vector in VECTORS],
)
async def test_a_signature_is_judged(
    forge: Any, verdict: Any, comment: str, make: Callable[[int, int], bytes], expected: str
) -> None:
    signed, _ = forge.token().rsplit(".", 1)
    r, s = decode_dss_signature(key(forge).sign(signed.encode(), ec.ECDSA(hashes.SHA256())))
    signature = base64url_encode(make(r, s)).decode()

    assert await verdict(f"{signed}.{signature}") == expected, comment


def key(forge: Any) -> ec.EllipticCurvePrivateKey:
    key = load_pem_private_key(forge.issuer.private_key.encode(), password=None)
    assert isinstance(key, ec.EllipticCurvePrivateKey)
    return key


def ecdsa(forge: Any, data: str, digest: hashes.HashAlgorithm) -> bytes:
    return raw(*decode_dss_signature(key(forge).sign(data.encode(), ec.ECDSA(digest))))


def mac(forge: Any, data: str) -> bytes:
    maker = hmac.HMAC(forge.issuer.public_key.encode(), hashes.SHA512())
    maker.update(data.encode())
    return maker.finalize()


SIGNED_OTHERWISE: list[tuple[str, Callable[[Any, str], bytes]]] = [
    ("SHA-1", lambda forge, data: ecdsa(forge, data, hashes.SHA1())),
    ("SHA-384", lambda forge, data: ecdsa(forge, data, hashes.SHA384())),
    ("SHA-512", lambda forge, data: ecdsa(forge, data, hashes.SHA512())),
    ("the header alone", lambda forge, data: ecdsa(forge, data.split(".")[0], hashes.SHA256())),
    ("the claims alone", lambda forge, data: ecdsa(forge, data.split(".")[1], hashes.SHA256())),
    ("no dot", lambda forge, data: ecdsa(forge, data.replace(".", ""), hashes.SHA256())),
    ("another dot", lambda forge, data: ecdsa(forge, data + ".", hashes.SHA256())),
    (
        "other claims",
        lambda forge, _: ecdsa(forge, forge.token().rsplit(".", 1)[0], hashes.SHA256()),
    ),
    ("HMAC, public key as secret", mac),
]


@pytest.mark.parametrize("sign", [pytest.param(sign, id=name) for name, sign in SIGNED_OTHERWISE])
async def test_what_was_signed_otherwise_is_refused(
    forge: Any, verdict: Any, sign: Callable[[Any, str], bytes]
) -> None:
    signed, _ = forge.token().rsplit(".", 1)
    signature = base64url_encode(sign(forge, signed)).decode()

    assert await verdict(f"{signed}.{signature}") == "refused"


async def test_another_key_is_refused_whatever_the_header_offers(forge: Any, verdict: Any) -> None:
    other = type(forge)()
    header = other.header(kid=forge.issuer.kid, jwk=other.issuer.jwks["keys"][0])

    assert await verdict(other.token(header)) == "refused"
    assert await verdict(other.token()) == "refused"
