"""What a new password must be like: one of two policies, and what both ask for.

`classic` is what people expect, `nist` is SP 800-63B-4 for passwords without a second factor:
length instead of composition. Length is counted in code points, after normalising.
"""

from collections.abc import Callable, Mapping
from enum import StrEnum

from common.errors import FieldError
from zxcvbn.frequency_lists import FREQUENCY_LISTS

from auth.passwords.errors import WeakPassword
from auth.passwords.hashing import MAX_CHARS, normalised

Rule = tuple[str, str, Callable[[str], bool]]
"""Its name, what to do about it, and whether a password keeps it."""

# The 30,000 that zxcvbn has counted to be the most frequent; they are kept in lower case.
_OUR_WORDS = ("quire",)
_COMMON = frozenset(FREQUENCY_LISTS["passwords"])


class PasswordPolicy(StrEnum):
    """What to ask for in a password."""

    CLASSIC = "classic"
    NIST = "nist"


def _at_least(chars: int) -> Rule:
    return "too-short", f"Use at least {chars} characters.", lambda p: len(p) >= chars


_BOTH: tuple[Rule, ...] = (
    ("too-long", f"Use at most {MAX_CHARS} characters.", lambda p: len(p) <= MAX_CHARS),
    (
        "contains-our-name",
        "Leave out our name.",
        lambda p: not any(word in p.casefold() for word in _OUR_WORDS),
    ),
    (
        "too-common",
        "Use another one: this is one of the passwords that are tried first.",
        lambda p: p.casefold() not in _COMMON,
    ),
)

_RULES: Mapping[PasswordPolicy, tuple[Rule, ...]] = {
    PasswordPolicy.CLASSIC: (
        _at_least(8),
        ("no-upper-case", "Use an upper-case letter.", lambda p: any(map(str.isupper, p))),
        ("no-lower-case", "Use a lower-case letter.", lambda p: any(map(str.islower, p))),
        ("no-digit", "Use a digit.", lambda p: any(map(str.isdecimal, p))),
        *_BOTH,
    ),
    PasswordPolicy.NIST: (_at_least(15), *_BOTH),
}


def require_strong(
    password: str, *, username: str, policy: PasswordPolicy, pointer: str = "/body/password"
) -> None:
    """Raise `WeakPassword`, with every rule of the policy that the password breaks."""
    chars = normalised(password)
    broken = [(name, advice) for name, advice, keeps in _RULES[policy] if not keeps(chars)]
    if username.casefold() in chars.casefold():
        broken.append(("contains-username", "Leave out the username."))
    if broken:
        raise WeakPassword(
            [FieldError(pointer=pointer, type=name, message=advice) for name, advice in broken]
        )
