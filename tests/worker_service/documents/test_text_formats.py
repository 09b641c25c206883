import json

import pytest

from core.errors import JobError
from tests.worker_service.documents.samples import kinds_and_texts, texts
from worker_service.documents.extract import Kind, extract
from worker_service.documents.extract.decoding import decode
from worker_service.documents.extract.delimited import delimiter_of
from worker_service.documents.sniff import MediaType

SENTENCE = "A cooperação é construída — “não há exceções” — às 10h30, com ação e união."


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-32", "cp1252"])
def test_decodes_what_brazilians_write(encoding: str) -> None:
    assert decode(SENTENCE.encode(encoding)) == SENTENCE


def test_decodes_big_endian_utf_16_with_its_mark() -> None:
    assert decode(b"\xfe\xff" + SENTENCE.encode("utf-16-be")) == SENTENCE


def test_decodes_what_is_not_portuguese_by_statistics() -> None:
    russian = "\u0412\u0441\u0435 люди рождаются свободными и равными в своем достоинстве и правах. " * 5
    assert decode(russian.encode("cp1251")) == russian


def test_one_bad_byte_does_not_turn_utf8_into_mojibake() -> None:
    assert decode(SENTENCE.encode() * 5 + b"\xff" + b"fim") == SENTENCE * 5 + "\ufffdfim"


def test_a_sample_cut_inside_a_character_stays_utf8() -> None:
    assert decode("ação ã".encode()[:-1]).startswith("ação ")


def test_plain_text_finds_paragraphs_lists_and_headings() -> None:
    text = "REGRAS GERAIS\n\nPrimeiro parágrafo.\nSegunda linha.\n\n- um\n- dois\n  \n1.2 Prazos\nVale já."
    assert kinds_and_texts(extract(text.encode(), MediaType.TEXT)) == [
        ("heading", "REGRAS GERAIS"),
        ("paragraph", "Primeiro parágrafo."),
        ("paragraph", "Segunda linha."),
        ("list_item", "um"),
        ("list_item", "dois"),
        ("heading", "1.2 Prazos"),
        ("paragraph", "Vale já."),
    ]


def test_plain_text_joins_wrapped_lines() -> None:
    text = (
        "O atendimento presencial acontece nas agências de segunda a\n"
        "sexta-feira, e a central telefônica recebe ligações em horário\n"
        "estendido. Aos sábados apenas a agência central abre as portas\n"
        "pela manhã.\n"
    )
    assert texts(text.encode(), MediaType.TEXT) == [" ".join(text.split())]


def test_markdown_blocks() -> None:
    source = """---
title: "Do cabeçalho"
---
<!-- não -->
Título
======

Um **forte** e *leve* [elo](http://a.example "t") com `código`, 2 * 3 e snake_case_nome.
Segue na linha.

> Citação
> dupla

1. um
   continua
2. [x] dois

| Dia | Hora |
|:---|---:|
| Seg | 9 \\| 10 |

~~~
a = 1
~~~

## Fim ##
Menu > Opções
***
texto <b>final</b>
"""
    extracted = extract(source.encode(), MediaType.MARKDOWN)
    assert extracted.title == "Do cabeçalho"
    assert kinds_and_texts(extracted) == [
        ("heading", "Título"),
        ("paragraph", "Um forte e leve elo com código, 2 * 3 e snake_case_nome. Segue na linha."),
        ("paragraph", "Citação dupla"),
        ("list_item", "um continua"),
        ("list_item", "dois"),
        ("table_row", "Dia: Seg; Hora: 9 | 10"),
        ("paragraph", "a = 1"),
        ("heading", "Fim"),
        ("paragraph", "Menu > Opções"),
        ("paragraph", "texto final"),
    ]
    assert [block.level for block in extracted.blocks if block.kind is Kind.HEADING] == [1, 2]


@pytest.mark.parametrize(
    "seed", ["**a ", "[", "`", "<!--", "# " + "#" * 9, "* ", "|-", "> ", "_a ", "![", " "]
)
def test_markdown_costs_linear_time(seed: str) -> None:
    # A quadratic pattern would need minutes here and meet the suite's time limit.
    extract(
        b"x " + seed.encode() * (400_000 // len(seed)) + b" |\n|-" + seed.encode() * 50_000,
        MediaType.MARKDOWN,
    )


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_csv_finds_its_delimiter(delimiter: str) -> None:
    rows = [["Serviço", "Valor", "Obs"], ["TED", "8", "Duas, grátis; depois não|\tnão"], ["Pix", "0", "x"]]
    text = "\r\n".join(delimiter.join(f'"{cell}"' for cell in row) for row in rows)
    assert delimiter_of(text) == delimiter
    assert texts(text.encode(), MediaType.CSV)[0].startswith("Serviço: TED; Valor: 8; Obs: Duas, grátis;")


def test_csv_with_decimal_commas_quoted_newlines_and_cp1252() -> None:
    data = 'Serviço;Preço\nTED;"R$ 8,40\npor operação"\n\nPix;R$ 0,00\n;\n'.encode("cp1252")
    assert texts(data, MediaType.CSV) == [
        "Serviço: TED; Preço: R$ 8,40 por operação",
        "Serviço: Pix; Preço: R$ 0,00",
    ]


def test_csv_without_header_and_with_excels_first_line() -> None:
    assert texts(b"sep=;\nTED;8,40\nPix;0", MediaType.CSV) == ["TED; 8,40", "Pix; 0"]


def test_csv_of_questions_gives_pairs() -> None:
    extracted = extract("Pergunta,Resposta,Área\nAbre sábado?,Não.,Agência\n".encode(), MediaType.CSV)
    assert kinds_and_texts(extracted) == [("question_answer", "Abre sábado?\nNão.")]


def test_json_becomes_lines() -> None:
    document = {
        "nome": "Aurora",
        "sede": {"cidade": "Aurora", "nula": None, "aberta": True},
        "tags": ["a", 2.50],
    }
    document |= {"horários": [{"dia": "seg", "abre": 9}, {"dia": "ter", "turnos": [{"t": 1}]}]}
    extracted = extract(json.dumps(document).encode(), MediaType.JSON)
    assert extracted.title == "Aurora"
    assert [block.text for block in extracted.blocks] == [
        *("nome: Aurora", "sede.cidade: Aurora", "sede.aberta: sim", "tags: a", "tags: 2.5"),
        *("dia: seg; abre: 9", "horários[2].dia: ter", "t: 1"),
    ]


@pytest.mark.parametrize("data", [b"{", b"[1,]", b"[" * 100_000, b"[" * 300 + b"]" * 300, b'{"a":tru}'])
def test_broken_json_is_said_so(data: bytes) -> None:
    with pytest.raises(JobError) as refusal:
        extract(data, MediaType.JSON)
    assert refusal.value.code == "document_broken"


def test_json_numbers_of_any_size_are_text() -> None:
    assert texts(b'{"a": ' + b"9" * 10_000 + b', "b": 1e999, "c": NaN}', MediaType.JSON)[1:] == [
        "b: 1e999",
        "c: NaN",
    ]


@pytest.mark.parametrize(("data", "media_type"), [(b"{}", MediaType.JSON), (b"---\n", MediaType.MARKDOWN)])
def test_no_text_is_empty(data: bytes, media_type: MediaType) -> None:
    with pytest.raises(JobError) as refusal:
        extract(data, media_type)
    assert refusal.value.code == "document_empty"
