"""Writes the DOCX and the PDF of `examples/`; the other documents there are written by hand.

The Cooperativa Aurora does not exist: its people, addresses, telephones and prices are invented.
Run `.venv/bin/python tests/worker_service/documents/make_examples.py` after a change here.
"""

from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

from docx import Document
from fpdf import FPDF

EXAMPLES = Path(__file__).parents[3] / "examples"
WRITTEN_AT = datetime(2026, 1, 2, 9, 0, tzinfo=UTC)

BOLETO = [
    ("Title", "Segunda via de boleto"),
    (
        "Normal",
        (
            "Este procedimento explica como o cooperado da Cooperativa Aurora obtém a segunda "
            "via de um boleto vencido ou perdido, quanto tempo leva e o que fazer quando o "
            "boleto não aparece."
        ),
    ),
    ("Heading 1", "Antes de começar"),
    (
        "Normal",
        (
            "Tenha em mãos o CPF do titular e o número do contrato, que fica no canto superior "
            "direito do boleto original. Boletos de outros bancos não são emitidos pela "
            "cooperativa."
        ),
    ),
    ("Heading 1", "Pelo aplicativo"),
    ("List Number", "Abra o aplicativo Aurora e toque em Pagamentos."),
    ("List Number", "Escolha Meus boletos e depois Segunda via."),
    ("List Number", "Selecione o contrato e a parcela."),
    ("List Number", "Toque em Copiar código de barras ou em Baixar PDF."),
    (
        "Normal",
        (
            "A segunda via pelo aplicativo é gratuita e sai na hora. O valor já vem com a multa"
            " e os juros do dia."
        ),
    ),
    ("Heading 1", "Pelo site"),
    (
        "Normal",
        (
            "Acesse a área do cooperado, informe o CPF e o código enviado por SMS e abra "
            "Boletos em aberto. O arquivo PDF fica disponível por 48 horas."
        ),
    ),
    ("Heading 1", "Na agência"),
    (
        "Normal",
        (
            "Leve um documento com foto. A impressão na agência tem a tarifa prevista na tabela"
            " de tarifas e fica pronta em cerca de dez minutos. Terceiros precisam de "
            "procuração simples assinada pelo titular."
        ),
    ),
    ("Heading 1", "Encargos por atraso"),
    (
        "Normal",
        (
            "Boletos vencidos pagam multa de 2% e juros de 1% ao mês, calculados por dia de "
            "atraso. Depois de 60 dias o boleto não é mais reemitido: procure a equipe de "
            "renegociação."
        ),
    ),
    ("Heading 1", "Prazos"),
    ("table", ""),
    ("Heading 1", "O boleto não aparece. E agora?"),
    (
        "Normal",
        (
            "O pagamento leva até dois dias úteis para ser reconhecido, e um boleto novo é "
            "registrado em até 24 horas. Passado esse prazo, envie o comprovante para "
            "boletos@cooperativa-aurora.example e guarde o número do protocolo."
        ),
    ),
    ("Heading 1", "Cuidado com golpes"),
    (
        "Normal",
        (
            "Confira se o beneficiário é a Cooperativa Aurora antes de pagar. A cooperativa não"
            " envia boletos por mensagem sem que o cooperado tenha pedido e nunca pede senha."
        ),
    ),
]
PRAZOS = [
    ("Canal", "Prazo", "Custo"),
    ("Aplicativo", "imediato", "gratuito"),
    ("Site", "imediato", "gratuito"),
    ("Agência", "10 minutos", "conforme a tabela de tarifas"),
    ("Correio", "7 dias úteis", "gratuito"),
]

REGULAMENTO = [
    (
        "CAPÍTULO I - DO CRÉDITO CONSIGNADO",
        [
            (
                "Art. 1º Este regulamento define as condições do empréstimo consignado "
                "concedido pela Cooperativa Aurora a servidores públicos ativos, aposentados e "
                "pensionistas."
            ),
            (
                "Art. 2º As parcelas são descontadas diretamente na folha de pagamento, "
                "mediante autorização escrita ou eletrônica do cooperado."
            ),
            (
                "Art. 3º Pode contratar quem for cooperado há pelo menos 30 dias e tiver margem"
                " consignável disponível no órgão pagador."
            ),
        ],
    ),
    (
        "CAPÍTULO II - DA MARGEM E DOS LIMITES",
        [
            (
                "Art. 4º A margem consignável é de 35% da remuneração líquida do servidor. "
                "Outros 5% são reservados ao cartão consignado."
            ),
            (
                "Art. 5º O valor mínimo do empréstimo é de R$ 500,00 e o máximo é de R$ "
                "120.000,00 por cooperado, somados todos os contratos."
            ),
            (
                "Art. 6º O prazo é de 6 a 96 parcelas mensais. Para aposentados com mais de 75 "
                "anos o prazo máximo é de 60 parcelas."
            ),
            (
                "Art. 7º A taxa de juros é prefixada e varia de 1,39% a 1,79% ao mês, conforme "
                "o prazo. O custo efetivo total (CET) é informado antes da assinatura."
            ),
        ],
    ),
    (
        "CAPÍTULO III - DO PEDIDO",
        [
            (
                "Art. 8º O pedido é feito no aplicativo, no site ou em qualquer agência, com "
                "documento de identidade, contracheque dos dois últimos meses e comprovante de "
                "residência."
            ),
            (
                "Art. 9º A resposta é dada em até dois dias úteis. Aprovado o pedido, o "
                "dinheiro é creditado em até um dia útil depois da averbação pelo órgão "
                "pagador."
            ),
            (
                "Art. 10. O cooperado pode desistir em até sete dias corridos após o crédito, "
                "devolvendo o valor recebido, sem pagar juros nem tarifas."
            ),
        ],
    ),
    (
        "CAPÍTULO IV - DA QUITAÇÃO E DA PORTABILIDADE",
        [
            (
                "Art. 11. A quitação antecipada, total ou parcial, pode ser feita a qualquer "
                "momento, com redução proporcional dos juros. O boleto de quitação vale por "
                "cinco dias."
            ),
            (
                "Art. 12. O contrato pode ser levado para outra instituição. A cooperativa "
                "informa o saldo devedor em até um dia útil e tem cinco dias úteis para "
                "apresentar uma contraproposta."
            ),
            (
                "Art. 13. O refinanciamento é permitido depois de pagas 15% das parcelas. O "
                "valor que sobra, chamado de troco, é creditado na conta do cooperado."
            ),
        ],
    ),
    (
        "CAPÍTULO V - DO ATRASO E DO DESLIGAMENTO",
        [
            (
                "Art. 14. Se o desconto em folha não acontecer, o cooperado recebe um boleto "
                "com vencimento em dez dias. O atraso gera multa de 2% e juros de mora de 1% ao"
                " mês."
            ),
            (
                "Art. 15. Em caso de exoneração, a dívida permanece e as parcelas passam a ser "
                "cobradas por débito em conta. A renegociação pode ser pedida em até 90 dias."
            ),
            (
                "Art. 16. Em caso de falecimento, o saldo é coberto pelo seguro prestamista, "
                "quando contratado. Os herdeiros devem apresentar a certidão de óbito em até "
                "180 dias."
            ),
        ],
    ),
    (
        "CAPÍTULO VI - DAS DISPOSIÇÕES FINAIS",
        [
            (
                "Art. 17. Reclamações são recebidas pela ouvidoria no e-mail "
                "ouvidoria@cooperativa-aurora.example, com resposta em até dez dias úteis."
            ),
            (
                "Art. 18. Este regulamento entra em vigor em 2 de janeiro de 2026 e substitui o"
                " anterior. Contratos já assinados seguem as condições da data da assinatura."
            ),
        ],
    ),
]


def write_docx(path: Path) -> None:
    """The procedure, with headings, a numbered list and a table; the same bytes every time."""
    document = Document()
    for style, text in BOLETO:
        if style == "table":
            table = document.add_table(rows=0, cols=len(PRAZOS[0]), style="Table Grid")
            for row in PRAZOS:
                for cell, value in zip(table.add_row().cells, row, strict=True):
                    cell.text = value
        else:
            document.add_paragraph(text, style=style)
    properties = document.core_properties
    properties.title, properties.author = "Segunda via de boleto", "Cooperativa Aurora"
    properties.created = properties.modified = WRITTEN_AT
    stream = BytesIO()
    document.save(stream)
    with ZipFile(stream) as fresh, ZipFile(path, "w", ZIP_DEFLATED) as dated:
        for name in fresh.namelist():
            dated.writestr(ZipInfo(name, WRITTEN_AT.timetuple()[:6]), fresh.read(name), ZIP_DEFLATED)


class Regulation(FPDF):
    """Pages with a running header and a numbered footer."""

    def header(self) -> None:
        """On top of every page."""
        self.set_font("Helvetica", size=9)
        self.cell(0, 8, "Cooperativa Aurora - Regulamento do crédito consignado", align="C")
        self.ln(14)

    def footer(self) -> None:
        """At the foot of every page."""
        self.set_y(-15)
        self.set_font("Helvetica", size=9)
        self.cell(0, 8, f"Página {self.page_no()} de {{nb}}", align="C")


def write_pdf(path: Path) -> None:
    """The regulation, three pages."""
    pdf = Regulation()
    pdf.set_creation_date(WRITTEN_AT)
    pdf.set_title("Regulamento do crédito consignado")
    pdf.set_author("Cooperativa Aurora")
    pdf.set_auto_page_break(auto=True, margin=25)
    pdf.add_page()
    for number, (chapter, articles) in enumerate(REGULAMENTO):
        if number and number % 2 == 0:
            pdf.add_page()
        pdf.set_font("Helvetica", "B", 13)
        pdf.multi_cell(0, 9, chapter, new_x="LMARGIN", new_y="NEXT")
        pdf.set_font("Helvetica", size=11)
        for article in articles:
            pdf.multi_cell(0, 6.5, article, new_x="LMARGIN", new_y="NEXT")
            pdf.ln(3)
        pdf.ln(4)
    pdf.output(str(path))


if __name__ == "__main__":
    write_docx(EXAMPLES / "segunda-via-de-boleto.docx")
    write_pdf(EXAMPLES / "regulamento-do-consignado.pdf")
