"""What somebody wrote now, apart from the history their mail program put below it. Pure."""

import re

_INTRODUCTION = re.compile(
    r"^\s*(?:"
    r"(?:em|no dia|on)\b.{4,300}(?:escreveu|wrote)\s*:"
    r"|-{2,}\s*(?:mensagem original|original message|mensagem encaminhada|forwarded message)\b.*"
    r"|(?:de|from):\s.{1,200}@.*"
    r")\s*$",
    re.IGNORECASE,
)
WRAPPED = 2  # programs break the introduction over lines


def split_quoted(text: str) -> tuple[str, str]:
    """What is new, and the history; all of it is new where nothing would be left."""
    lines = text.splitlines()
    end = next((number for number in range(len(lines)) if _begins_history(lines, number)), len(lines))
    while end and (not lines[end - 1].strip() or lines[end - 1].lstrip().startswith(">")):
        end -= 1
    new, old = "\n".join(lines[:end]), "\n".join(lines[end:])
    return (new, old) if new.strip() else (text, "")


def _begins_history(lines: list[str], number: int) -> bool:
    if not lines[number].strip():
        return False
    joined = " ".join(line.strip() for line in lines[number : number + WRAPPED])
    return any(_INTRODUCTION.match(candidate[:500]) for candidate in (lines[number], joined))
