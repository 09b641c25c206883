"""What must hold of any file: it is refused with a code, or each of its rows comes out, read or not."""

import re
from collections import Counter
from collections.abc import Callable
from random import Random

from ops.samples import inetconsig, leads
from tests.worker_service.imports.mutations import BREAKS, mutated
from worker_service.imports.layouts.encoding import decode
from worker_service.imports.layouts.inetconsig_file import open_file
from worker_service.imports.layouts.leads import open_leads
from worker_service.imports.layouts.rows import FileRefused, Reading, Rejected

CODE = re.compile(r"[a-z][a-z_]{2,40}")
Open = Callable[[bytes], Reading]


def open_payroll(data: bytes) -> Reading:
    return open_file(decode(data))


def open_lead_file(data: bytes) -> Reading:
    return open_leads(data, entity="EXEMPLO")


PAYROLL, LEADS, WORKBOOK = (
    inetconsig.sample(150),
    leads.sample_csv(40),
    leads.sample_xlsx(20),
)


def withstand(data: bytes, open_: Open, known: Counter[str]) -> str:
    """`refused` or `read`. Fails when a row of `known` that the file still has does not come out."""
    try:
        reading = open_(data)
        outcomes = list(reading.outcomes())
    except FileRefused as refusal:
        return "refused" if CODE.fullmatch(refusal.code) and refusal.detail else "refused without a code"
    came_out = Counter(outcome.raw.rstrip() for outcome in outcomes)
    if known:
        present = Counter(line.rstrip() for line in BREAKS.split(decode(data)))
        missing = [row for row in known if came_out[row] < present[row]]
        assert not missing, f"{len(missing)} rows were dropped without a word"
    for outcome in outcomes:
        assert outcome.line >= 1
        if isinstance(outcome, Rejected):
            assert CODE.fullmatch(outcome.code)
            assert outcome.message
    return "read"


def rows_of(data: bytes, open_: Open) -> Counter[str]:
    return Counter(outcome.raw.rstrip() for outcome in open_(data).outcomes())


def damage(times: int, seed: int) -> Counter[str]:
    """Mutate the examples that often; how it went."""
    random = Random(seed)
    payroll, csv = rows_of(PAYROLL, open_payroll), rows_of(LEADS, open_lead_file)
    went: Counter[str] = Counter()
    for number in range(times):
        match number % 8:
            case 0 | 1 | 2 | 3:
                went["payroll " + withstand(mutated(PAYROLL, random), open_payroll, payroll)] += 1
            case 7:
                went["workbook " + withstand(mutated(WORKBOOK, random), open_lead_file, Counter())] += 1
            case _:
                went["leads " + withstand(mutated(LEADS, random), open_lead_file, csv)] += 1
    return went
