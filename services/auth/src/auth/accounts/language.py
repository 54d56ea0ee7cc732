"""Which of our languages somebody prefers."""

from operator import itemgetter

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
    ours = (each for each in weighted if each[1] in ("de", "en"))
    weight, language = max(ours, key=itemgetter(0), default=(0.0, "en"))  # of equals the first
    return "de" if language == "de" and weight > 0 else "en"
