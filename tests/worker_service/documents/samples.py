import io
import zipfile
from collections.abc import Mapping, Sequence

from docx import Document
from fpdf import FPDF
from openpyxl import Workbook
from pypdf import PdfReader, PdfWriter

from worker_service.documents.extract import Block, Extracted, extract
from worker_service.documents.sniff import MediaType


def kinds_and_texts(extracted: Extracted) -> list[tuple[str, str]]:
    return [(block.kind.value, block.text) for block in extracted.blocks]


def texts(data: bytes, media_type: MediaType) -> list[str]:
    return [block.text for block in extract(data, media_type).blocks]


def paragraph_blocks(*lines: str) -> tuple[Block, ...]:
    return extract("\n\n".join(lines).encode(), MediaType.TEXT).blocks


def docx(*paragraphs: tuple[str, str], rows: Sequence[Sequence[str]] = (), title: str = "") -> bytes:
    document = Document()
    document.core_properties.title = title
    for style, text in paragraphs:
        document.add_paragraph(text, style=style)
    if rows:
        table = document.add_table(rows=0, cols=len(rows[0]))
        for row in rows:
            for cell, value in zip(table.add_row().cells, row, strict=True):
                cell.text = value
    stream = io.BytesIO()
    document.save(stream)
    return stream.getvalue()


def xlsx(sheets: Mapping[str, Sequence[Sequence[object]]]) -> bytes:
    book = Workbook()
    book.remove(book.worksheets[0])
    for name, rows in sheets.items():
        sheet = book.create_sheet(name)
        for row in rows:
            sheet.append(list(row))
    stream = io.BytesIO()
    book.save(stream)
    return stream.getvalue()


def pdf(*pages: Sequence[str], title: str | None = None) -> bytes:
    document = FPDF()
    document.set_auto_page_break(auto=False)
    if title:
        document.set_title(title)
    for lines in pages:
        document.add_page()
        document.set_font("Helvetica", size=10)
        for line in lines:
            document.cell(0, 5, line, new_x="LMARGIN", new_y="NEXT")
    return bytes(document.output())


def locked_pdf(user_password: str) -> bytes:
    writer = PdfWriter(clone_from=PdfReader(io.BytesIO(pdf(["Conteúdo protegido da cooperativa."]))))
    writer.encrypt(user_password, owner_password="dono", algorithm="AES-256")
    stream = io.BytesIO()
    writer.write(stream)
    return stream.getvalue()


def zipped(entries: Mapping[str, bytes], compression: int = zipfile.ZIP_DEFLATED) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", compression) as archive:
        for name, content in entries.items():
            archive.writestr(name, content)
    return stream.getvalue()


W = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"


def raw_docx(document_xml: bytes, **parts: bytes) -> bytes:
    return zipped({"[Content_Types].xml": b"<Types/>", "word/document.xml": document_xml, **parts})


def docx_body(inner: str) -> bytes:
    return raw_docx(f'<w:document xmlns:w="{W}"><w:body>{inner}</w:body></w:document>'.encode())
