"""Which of our languages somebody prefers."""

from auth.users.models import Language


def preferred(accept_language: str) -> Language:
    """Return the language that an Accept-Language header prefers (RFC 9110, section 12.5.4)."""
    weighted = []
    for part in accept_language.split(","):
        tag, _, parameter = part.strip().partition(";")
        try:
            weight = float(parameter.strip().removeprefix("q=") or 1)
        except ValueError:
            continue
        weighted.append((weight, tag.partition("-")[0].lower()))
    best = max((each for each in weighted if each[1] in ("de", "en")), default=(0.0, "en"))
    return "de" if best[1] == "de" and best[0] > 0 else "en"
