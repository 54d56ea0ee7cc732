"""What a new password must be like."""

from common.errors import FieldError

from auth.errors import WeakPassword
from auth.passwords import MAX_CHARS, normalised

MIN_CHARS = 8


def classic(password: str, *, username: str) -> None:
    """Ask for 8 to 256 characters, of three kinds, without the username; raises `WeakPassword`."""
    chars = normalised(password)
    broken = [
        rule
        for rule, kept in (
            (("too-short", f"Use at least {MIN_CHARS} characters."), len(chars) >= MIN_CHARS),
            (("too-long", f"Use at most {MAX_CHARS} characters."), len(chars) <= MAX_CHARS),
            (("no-upper-case", "Use an upper-case letter."), any(map(str.isupper, chars))),
            (("no-lower-case", "Use a lower-case letter."), any(map(str.islower, chars))),
            (("no-digit", "Use a digit."), any(map(str.isdecimal, chars))),
            (
                ("contains-username", "Leave out the username."),
                username.casefold() not in chars.casefold(),
            ),
        )
        if not kept
    ]
    if broken:
        raise WeakPassword(
            [
                FieldError(pointer="/body/password", type=name, message=message)
                for name, message in broken
            ]
        )
