from ops.access_page import PAGE, printed


def test_the_page_is_the_table() -> None:
    assert printed(PAGE.read_text()) == PAGE.read_text(), "run `make access`"
