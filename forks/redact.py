"""RPC addresses without their secrets: providers put the key in the path, the query or the user part."""

import re
from urllib.parse import SplitResult, urlsplit

_URL = re.compile(r"\b(?:https?|wss?)://[^\s\"'<>]*[^\s\"'<>.,;:)\]}]", re.IGNORECASE)
_HIDDEN = "…"


def redact_url(url: str) -> str:
    """Return *url* with scheme, host and port only; user part, path, query and fragment become `…`."""
    try:
        parts = urlsplit(url.strip())
        host, port = parts.hostname, parts.port
    except ValueError:
        return _HIDDEN
    if not parts.scheme or not host:
        return _HIDDEN
    shown = f"{parts.scheme}://{f'[{host}]' if ':' in host else host}{f':{port}' if port else ''}"
    return f"{shown}/{_HIDDEN}" if _has_secret(parts) else shown


def redact_text(text: str, *known_urls: str) -> str:
    """Return *text* with its URLs redacted, and the keys of *known_urls* hidden where they stand alone."""
    text = _URL.sub(lambda found: redact_url(found.group()), text)
    for secret in sorted({secret for url in known_urls for secret in _secrets(url)}, key=len, reverse=True):
        text = text.replace(secret, _HIDDEN)
    return text


def _has_secret(parts: SplitResult) -> bool:
    return bool(parts.username or parts.password or parts.path.strip("/") or parts.query or parts.fragment)


def _secrets(url: str) -> list[str]:
    """The parts of *url* that may be a key: long enough that hiding them cannot garble plain words."""
    parts = urlsplit(url.strip())
    pieces = [
        parts.username,
        parts.password,
        *parts.path.split("/"),
        *re.split(r"[&=]", parts.query),
        parts.fragment,
    ]
    return [piece for piece in pieces if piece and len(piece) >= 6]
