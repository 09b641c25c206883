import io
import random
import zipfile
from pathlib import Path

import pytest
from openpyxl import load_workbook

from core.errors import JobError
from tests.worker_service.documents.samples import docx, docx_body, locked_pdf, pdf, raw_docx, xlsx, zipped
from worker_service.documents.canonical import CanonicalDocument, canonicalize
from worker_service.documents.chunk import HARD_MAXIMUM, split
from worker_service.documents.extract import extract
from worker_service.documents.sandbox import ParseLimits, extract_safely
from worker_service.documents.sniff import MediaType, detect

FOLDER = Path(__file__).parents[3] / "examples"
EXAMPLES = {path.name: path.read_bytes() for path in FOLDER.iterdir() if path.suffix != ".py"}
LIMITS = ParseLimits(timeout_seconds=30)
LAUGHS = '<!DOCTYPE l [<!ENTITY a "ha">' + "".join(
    f'<!ENTITY {name} "{f"&{before};" * 10}">' for before, name in zip("abcdefgh", "bcdefghi", strict=True)
)
CYCLE = b"""%PDF-1.7
1 0 obj <</Type/Catalog/Pages 2 0 R>> endobj
2 0 obj <</Type/Pages/Kids[2 0 R 2 0 R]/Count 999999999/Parent 2 0 R>> endobj
trailer <</Root 1 0 R/Size 3/Prev 0>>
startxref
0
%%EOF"""


def with_part(data: bytes, name: str, content: bytes) -> bytes:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return zipped({entry: archive.read(entry) for entry in archive.namelist()} | {name: content})


HOSTILE = {
    "zip bomb": raw_docx(b"<a>" + b" " * 150_000_000),
    "laughs in docx": raw_docx(f"{LAUGHS}]><a>&i;</a>".encode()),
    "laughs in utf-16 docx": raw_docx(
        f'<?xml version="1.0" encoding="utf-16"?>{LAUGHS}]><a>&i;</a>'.encode("utf-16")
    ),
    "laughs behind a comment": raw_docx(b"<!--" + b" " * 5_000 + b"-->" + f"{LAUGHS}]><a>&i;</a>".encode()),
    "laughs in strings": with_part(
        xlsx({"P": [["a"]]}), "xl/sharedStrings.xml", f"{LAUGHS}]><a>&i;</a>".encode()
    ),
    "laughs in html": f"{LAUGHS}]><html><p>&i;</p>".replace("DOCTYPE l", "DOCTYPE html").encode(),
    "nested archive": with_part(docx(("Normal", "x")), "word/x.docx", docx(("Normal", "x"))),
    "deep html": b"<html>" + b"<div>" * 200_000 + b"x",
    "deep inline html": b"<html>" + b"<b>" * 200_000 + b"x",
    "endless attribute": b"<html><p a='" + b"x" * 3_000_000,
    "many attributes": b"<html><p " + b" ".join(b"a%d=1" % n for n in range(15_000)) + b">oi",
    "deep tables": docx_body("<w:tbl><w:tr><w:tc>" * 5_000 + "<w:p/>" + "</w:tc></w:tr></w:tbl>" * 5_000),
    "deep runs": docx_body("<w:p>" + "<w:r>" * 200 + "<w:t>x</w:t>" + "</w:r>" * 200 + "</w:p>"),
    "page tree in a circle": CYCLE,
    "truncated pdf": pdf(["Uma linha."] * 40)[:-400],
    "encrypted pdf": locked_pdf("senha"),
    "pdf and zip": pdf(["oi"]) + docx(("Normal", "x")),
    "zip and pdf": docx(("Normal", "x")) + pdf(["oi"]),
    "gif and zip": b"GIF89a" + docx(("Normal", "x")),
    "pdf and html": b"%PDF-1.7 <html><script>x</script>",
    "html and pdf": b"<html><!--%PDF-1.7--><p>oi",
    "surrogates": "a\ud800b".encode("utf-8", "surrogatepass") * 50,
    "utf-16 with half a pair": b"\xff\xfea\x00\x00\xd8b\x00",
    "odd utf-16": b"\xff\xfea\x00b",
    "utf-7": b"+ADw-script+AD4-",
    "wide csv": b";".join([b"c"] * 100_000) + b"\n" + b";".join([b"1"] * 100_000),
    "one quote": b'a;b\n"' + b"x\n" * 400_000,
    "deep json": b'{"a":' * 200_000,
    "deep markdown": b"> " * 200_000 + b"x",
}
NAMES = {"wide csv": "a.csv", "one quote": "a.csv", "deep json": "a.json", "deep markdown": "a.md"}


async def outcome(data: bytes, filename: str | None) -> CanonicalDocument | JobError:
    try:
        media_type = detect(data, filename=filename, declared=None)
        return canonicalize(await extract_safely(data, media_type, limits=LIMITS), title=None, source=None)
    except JobError as refusal:
        return refusal


@pytest.mark.parametrize("name", HOSTILE)
async def test_hostile_files_end_in_text_or_in_a_refusal(name: str) -> None:
    found = await outcome(HOSTILE[name], NAMES.get(name))
    if isinstance(found, JobError):
        assert not found.retryable
        assert found.detail.endswith(".")
    else:
        assert "hahaha" not in found.text
        assert all(chunk.end - chunk.start <= HARD_MAXIMUM for chunk in split(found))


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("zip bomb", "archive_unsafe"),
        ("laughs in docx", "archive_unsafe"),
        ("laughs in utf-16 docx", "archive_unsafe"),
        ("laughs in strings", "archive_unsafe"),
        ("nested archive", "archive_unsafe"),
        ("truncated pdf", "document_broken"),
        ("encrypted pdf", "document_encrypted"),
        ("page tree in a circle", "document_broken"),
    ],
)
async def test_the_refusal_says_why(name: str, code: str) -> None:
    data = HOSTILE[name]
    with pytest.raises(JobError) as refusal:
        await extract_safely(data, detect(data, filename=None, declared=None), limits=LIMITS)
    assert refusal.value.code == code


def test_a_sheet_that_claims_a_million_rows_costs_only_what_it_has() -> None:
    data = xlsx({"P": [["a", "b"], ["1", "2"]]})
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        sheet = archive.read("xl/worksheets/sheet1.xml").replace(b'ref="A1:B2"', b'ref="A1:XFD1048576"')
    claimed = with_part(data, "xl/worksheets/sheet1.xml", sheet)
    assert load_workbook(io.BytesIO(claimed), read_only=True).worksheets[0].max_row == 1_048_576
    assert [block.text for block in extract(claimed, MediaType.XLSX).blocks] == ["a: 1; b: 2"]


def mutated(data: bytes, chance: random.Random) -> bytes:
    changed = bytearray(data)
    for _ in range(chance.choice([1, 3, 20])):
        place = chance.randrange(len(changed))
        match chance.randrange(3):
            case 0:
                changed[place] = chance.randrange(256)
            case 1:
                del changed[place : min(place + chance.choice([1, 40, 400]), len(changed) - 9)]
            case _:
                changed[place:place] = changed[chance.randrange(len(changed)) :][:50]
    return bytes(changed)


@pytest.mark.parametrize("name", EXAMPLES)
@pytest.mark.parametrize("seed", range(3))
async def test_mutated_files_end_in_text_or_in_a_refusal(name: str, seed: int) -> None:
    chance = random.Random(seed)
    outcomes = [await outcome(mutated(EXAMPLES[name], chance), name) for _ in range(8)]
    assert not any(isinstance(found, JobError) and found.retryable for found in outcomes)
    assert all(split(found) for found in outcomes if isinstance(found, CanonicalDocument))
