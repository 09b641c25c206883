"""Keeps a question and its answer in one block: a FAQ cut between them answers nothing."""

from collections.abc import Sequence

from worker_service.documents.extract.blocks import Block, Kind

MAX_QUESTION = 300
MAX_PAIR = 1_500
_ANSWERS = frozenset({Kind.PARAGRAPH, Kind.LIST_ITEM, Kind.TABLE_ROW})


def is_question(text: str) -> bool:
    """A single line that asks."""
    return text.endswith("?") and len(text) <= MAX_QUESTION and "\n" not in text


def join_questions(blocks: Sequence[Block]) -> list[Block]:
    """`blocks` with each question line and what answers it made one QUESTION_ANSWER block."""
    joined: list[Block] = []
    position = 0
    while position < len(blocks):
        question = blocks[position]
        answer = _answer(blocks, position + 1) if _asks(question) else []
        if answer:
            text = "\n".join([question.text, *(block.text for block in answer)])
            joined.append(Block(Kind.QUESTION_ANSWER, text, page=question.page))
        else:
            joined.append(question)
        position += 1 + len(answer)
    return joined


def _asks(block: Block) -> bool:
    return block.kind in {Kind.PARAGRAPH, Kind.LIST_ITEM} and is_question(block.text)


def _answer(blocks: Sequence[Block], start: int) -> list[Block]:
    """All up to the next question; without one near, the first block and the list that follows it."""
    answer: list[Block] = []
    room = MAX_PAIR
    certain = 0
    for block in blocks[start : start + MAX_PAIR]:
        if _asks(block):
            return answer
        room -= len(block.text) + 1
        if block.kind not in _ANSWERS or room < 0:
            break
        answer.append(block)
        if len(answer) == 1 or (block.kind is not Kind.PARAGRAPH and certain == len(answer) - 1):
            certain = len(answer)
    return answer[:certain]
