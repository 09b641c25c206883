"""Cuts what a model is saying into whole sentences, each with the labels it cites, while it speaks."""

import re
from dataclasses import dataclass, field

from core.assistant.sentences import sentences

LABEL = r"\d{1,3}\.\d{1,3}"
_GROUP = rf"[\[【]\s*{LABEL}(?:\s*[,;]\s*{LABEL})*\s*[\]】]"
# A run of marks or blanks is tried once, from its beginning: a long one must not cost its square.
_LATE = re.compile(rf"(?<![.!?…:])([.!?…:]+[\"”»)]*)((?:\s*{_GROUP})+)")
_LABELS = re.compile(rf"(?<!\s)\s*{_GROUP}")
_EACH = re.compile(LABEL)


@dataclass(frozen=True, slots=True)
class Segment:
    """A sentence without its labels; `labels` in order; whether it starts a line of its own."""

    text: str
    labels: tuple[str, ...]
    new_line: bool = False


@dataclass(slots=True)
class Segmenter:
    """Feed it pieces of text; it gives back the sentences that are complete."""

    _pending: str = ""
    _new_line: bool = field(default=False)

    def feed(self, piece: str) -> list[Segment]:
        """The sentences that `piece` completed. A label may follow the full stop, so we wait to see."""
        self._pending += piece
        text = _LATE.sub(r"\2\1", self._pending)
        *whole, unfinished = sentences(text) or [(0, 0)]
        if not whole or _may_be_label(text[unfinished[0] :]):
            return []
        return self._take(text, whole, unfinished[0])

    def flush(self) -> list[Segment]:
        """The rest, when nothing more will come."""
        text = _LATE.sub(r"\2\1", self._pending)
        return self._take(text, sentences(text), len(text))

    def _take(self, text: str, spans: list[tuple[int, int]], upto: int) -> list[Segment]:
        segments, previous = [], 0
        for start, end in spans:
            self._new_line = self._new_line or "\n" in text[previous:start]
            segments.append(_segment(text[start:end], new_line=self._new_line))
            self._new_line, previous = False, end
        self._new_line = "\n" in text[previous:upto]
        self._pending = text[upto:]
        return segments


def _may_be_label(rest: str) -> bool:
    return not _LABELS.sub("", rest).strip() or (rest[0] in "[【" and not re.search(r"[\]】]", rest))


def _segment(text: str, *, new_line: bool) -> Segment:
    labels = [label for group in _LABELS.findall(text) for label in _EACH.findall(group)]
    return Segment(_LABELS.sub("", text).strip(), tuple(dict.fromkeys(labels)), new_line)
