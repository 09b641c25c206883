import io
import stat
import struct
import zipfile

import pytest

from core.errors import JobError
from tests.worker_service.documents.samples import docx, xlsx, zipped
from worker_service.documents.archive import open_archive


def code_of(data: bytes) -> str:
    with pytest.raises(JobError) as refusal:
        open_archive(data)
    return refusal.value.code


def with_entry(**attributes: object) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        entry = zipfile.ZipInfo("word/a.xml")
        for name, value in attributes.items():
            setattr(entry, name, value)
        archive.writestr(entry, b"oi")
    return stream.getvalue()


@pytest.mark.parametrize("data", [docx(("Normal", "x"), rows=[["a", "b"]]), xlsx({"P": [["x"]]})])
def test_honest_files_pass(data: bytes) -> None:
    with open_archive(data) as archive:
        assert "[Content_Types].xml" in archive.namelist()


def test_a_large_but_honest_document_passes() -> None:
    varied = "".join(f"<p>parágrafo {number} {number * 7_919}</p>" for number in range(60_000)).encode()
    open_archive(zipped({"word/document.xml": varied})).close()


@pytest.mark.parametrize(
    "data",
    [
        zipped({"word/document.xml": b"a" * 20_000_000}),
        zipped({f"word/{number}": b"" for number in range(2_001)}),
        zipped({f"word/{number}.bin": b"\x00" * 30_000_000 for number in range(7)}),
        zipped({"../x": b""}),
        zipped({"/etc/passwd": b""}),
        zipped({"word\\..\\..\\x": b""}),
        zipped({"C:x": b""}),
        zipped({"word/x.zip": b""}),
        zipped({"word/media/image.png": zipped({"a": b"b"})}),
        zipped({"a.xml": b'<!DOCTYPE x [<!ENTITY a "b">]><x/>'}),
        zipped({"a.rels": '<!DOCTYPE x [<!ENTITY a "b">]><x/>'.encode("utf-16")}),
        zipped({"a.xml": b"oi"}, compression=zipfile.ZIP_LZMA),
        with_entry(external_attr=(stat.S_IFLNK | 0o777) << 16),
    ],
)
def test_hostile_containers_are_refused(data: bytes) -> None:
    assert code_of(data) == "archive_unsafe"


def test_two_entries_of_one_name_are_refused() -> None:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        archive.writestr("a", b"1")
        with pytest.warns(UserWarning, match="Duplicate"):
            archive.writestr("a", b"2")
    assert code_of(stream.getvalue()) == "archive_unsafe"


def test_entries_that_share_bytes_are_refused() -> None:
    data = bytearray(zipped({"a": b"\x01" * 10, "b": b"\x01" * 10}, compression=0))
    for record in (i for i in range(len(data)) if data[i : i + 4] == b"PK\x01\x02"):
        struct.pack_into("<II", data, record + 20, 900_000, 900_000)
    assert code_of(bytes(data)) in {"archive_unsafe", "document_broken"}


def test_embedded_charts_are_left_alone() -> None:
    open_archive(zipped({"word/embeddings/sheet1.xlsx": xlsx({"P": [["x"]]})})).close()


def test_a_password_is_told_apart() -> None:
    data = bytearray(zipped({"word/document.xml": b"oi"}))
    data[data.rindex(b"PK\x01\x02") + 8] |= 1
    assert code_of(bytes(data)) == "document_encrypted"


@pytest.mark.parametrize("data", [b"PK\x03\x04", zipped({"a": b"b"})[:-5], b"PK\x03\x04" + b"\x00" * 200])
def test_damage_is_said_so(data: bytes) -> None:
    assert code_of(data) == "document_broken"


def test_a_lying_directory_is_damage() -> None:
    data = bytearray(zipped({"word/document.xml": b"conteudo" * 50}))
    start = data.index(b"word/document.xml") + len("word/document.xml")
    data[start : start + 8] = b"\xff" * 8
    assert code_of(bytes(data)) == "document_broken"
