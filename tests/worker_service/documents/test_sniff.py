import pytest

from core.errors import JobError
from tests.worker_service.documents.samples import docx, pdf, xlsx, zipped
from worker_service.documents.sniff import MediaType, detect

OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\x00" * 600


@pytest.mark.parametrize(
    ("data", "filename", "declared", "expected"),
    [
        (b"Ol\xc3\xa1, mundo", None, None, MediaType.TEXT),
        (b"# Oi", "leia.md", "text/plain", MediaType.MARKDOWN),
        (b"# Oi", "leia", "text/markdown; charset=utf-8", MediaType.MARKDOWN),
        (b"a;b\n1;2", "t.CSV", "application/octet-stream", MediaType.CSV),
        (b"a\tb", "t.tsv", None, MediaType.CSV),
        (b'{"a": 1}', None, None, MediaType.JSON),
        (b'\xef\xbb\xbf{"a": 1}', None, None, MediaType.JSON),
        (b"{nem json", None, None, MediaType.TEXT),
        (b"{broken", "a.json", None, MediaType.JSON),
        (b"<!DOCTYPE html><p>x", None, None, MediaType.HTML),
        (b"<!-- a --><!-- b -->\n<html>", "x.txt", "text/plain", MediaType.HTML),
        (b'<?xml version="1.0"?><html xmlns="x">', None, None, MediaType.HTML),
        (b"<p>oi</p>", "x.html", None, MediaType.HTML),
        (b"sem marcas", "x.html", "text/html", MediaType.TEXT),
        (b"<html><p>", "x.json", "application/json", MediaType.HTML),
        ("Olá, texto".encode("utf-16"), "x.txt", None, MediaType.TEXT),
        ("ação".encode("cp1252"), None, None, MediaType.TEXT),
        (b"um NUL \x00 perdido " + b"a" * 400, None, None, MediaType.TEXT),
        (b"BMW e MZ sao letras", None, None, MediaType.TEXT),
    ],
)
def test_text_kinds(data: bytes, filename: str | None, declared: str | None, expected: MediaType) -> None:
    assert detect(data, filename=filename, declared=declared) is expected


def test_bytes_win_over_name_and_declaration() -> None:
    assert detect(pdf(["x"]), filename="x.txt", declared="text/plain") is MediaType.PDF
    assert detect(docx(("Normal", "x")), filename="x.xlsx", declared="text/html") is MediaType.DOCX
    assert detect(xlsx({"P": [["x"]]}), filename="x.pdf", declared="application/pdf") is MediaType.XLSX


def test_a_sheet_inside_a_document_is_a_document() -> None:
    inner = zipped({"[Content_Types].xml": b"", "xl/workbook.xml": b""}, compression=0)
    parts = {"[Content_Types].xml": b"", "word/embeddings/s.xlsx": inner, "word/document.xml": b""}
    assert detect(zipped(parts, compression=0), filename=None, declared=None) is MediaType.DOCX


@pytest.mark.parametrize(
    "data",
    [
        *(
            b"MZ\x90\x00\x03",
            b"\x7fELF\x02\x01",
            b"\x89PNG\r\n\x1a\n",
            b"\xff\xd8\xff\xe0",
            b"GIF89a\x01\x00",
        ),
        *(b"RIFF\x00\x00\x00\x00WEBP", b"\x1f\x8b\x08\x00", b"Rar!\x1a\x07", b"7z\xbc\xaf\x27\x1c"),
        *(b"PK\x05\x06" + b"\x00" * 18, zipped({"a.txt": b"oi"}), zipped({"word/document.xml": b""})),
        *(OLE, b"{\\rtf1 oi}", b"%!PS-Adobe", b'<?xml version="1.0"?><a/>', b"<svg/>", bytes(range(256)) * 4),
        b"\x00\x01\x02\x03" * 50,
    ],
)
def test_everything_else_is_refused(data: bytes) -> None:
    with pytest.raises(JobError) as refusal:
        detect(data, filename="a.txt", declared="text/plain")
    assert refusal.value.code == "unsupported_media_type"
    assert not refusal.value.retryable


@pytest.mark.parametrize("data", [b"", b" \n\t\r\n", b"\xef\xbb\xbf", b"\xff\xfe", b"\x00" * 99])
def test_nothing_is_empty(data: bytes) -> None:
    with pytest.raises(JobError) as refusal:
        detect(data, filename=None, declared=None)
    assert refusal.value.code == "document_empty"


def test_an_encrypted_office_file_is_told_apart() -> None:
    with pytest.raises(JobError) as refusal:
        detect(OLE + "EncryptedPackage".encode("utf-16-le"), filename="a.docx", declared=None)
    assert refusal.value.code == "document_encrypted"


def test_comments_do_not_cost_exponential_time() -> None:
    assert detect(b"<!---->" * 9_000 + b"x", filename=None, declared=None) is MediaType.TEXT
