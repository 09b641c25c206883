"""Identities as people may see them on a screen: enough to recognise, not enough to copy. Pure."""

from core.matching import IdentityKind, Unmatchable, canonical


def shown(kind: IdentityKind, raw: str) -> str:
    """What a page shows of an identity: taxpayer numbers and other systems' ids only in part."""
    if not kind.is_sensitive:
        return raw
    if kind is IdentityKind.EXTERNAL:
        return f"{raw[:1]}***{raw[-1:]}" if len(raw) > 4 else "***"  # noqa: PLR2004 - two of four tell too much
    try:
        text = canonical(kind, raw)
    except Unmatchable:
        return "***"
    if kind is IdentityKind.CPF:
        return f"***.{text[3:6]}.{text[6:9]}-**"
    return f"**.***.{text[5:8]}/{text[8:12]}-**"
