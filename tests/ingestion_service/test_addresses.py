import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from ingestion_service.documents.addresses import UrlNotAllowed, check_address

PRIVATE = [
    "http://127.0.0.1/",
    "http://127.1/",
    "http://127.0.0.1./",
    "http://0x7f000001/",
    "http://0x7f.1/",
    "http://2130706433/",
    "http://017700000001/",
    "http://0/",
    "http://0.0.0.0/",
    "http://10.0.0.1/",
    "http://172.16.5.4/",
    "http://192.168.0.1:8080/",
    "http://169.254.169.254/latest/meta-data/",
    "http://100.64.0.1/",
    "http://224.0.0.1/",
    "http://255.255.255.255/",
    "http://198.18.0.1/",
    "http://[::1]/",
    "http://[::]/",
    "http://[::ffff:127.0.0.1]/",
    "http://[::ffff:10.0.0.1]/",
    "http://[64:ff9b::7f00:1]/",
    "http://[2002:7f00:1::]/",
    "http://[2001:0:4136:e378:8000:63bf:80ff:fffe]/",
    "http://[fe80::1]/",
    "http://[fe80::1%25eth0]/",
    "http://[fc00::1]/",
    "http://[fd00:ec2::254]/",
    "http://[ff02::1]/",
    "http://localhost/",
    "http://LOCALHOST:80/",
    "http://localhost./",
    "http://a.localhost/",
    "http://metadata.google.internal/",
    "http://printer.local/",
    "http://①②⑦.⓪.⓪.①/",
    "http://127。0。0。1/",
    "http://\uff4cocalhost/",
]
MALFORMED = [
    "ftp://example.com/",
    "file:///etc/passwd",
    "gopher://example.com/",
    "javascript:alert(1)",
    "data:text/plain,a",
    "//example.com/",
    "example.com",
    "http:///path",
    "http://",
    "http:example.com",
    "https://user@example.com/",
    "https://user:password@example.com/",
    "https://@example.com/",
    "https://example.com:99999/",
    "https://example.com:8443/",
    "https://example.com:x/",
    "https://example.com\\@127.0.0.1/",
    "https://exa mple.com/",
    "https://[::1/",
    "https://[nonsense]/",
    "https://" + "a" * 64 + ".com/",
    "https://exa..mple.com/",
    "https://example.com/<script>",
]
PUBLIC = [
    "http://example.com/",
    "https://example.com:443/a?b=c",
    "https://8.8.8.8/",
    "https://[2606:4700::1111]/",
    "https://prefeitura.são-joão.br/",
    "HTTPS://EXAMPLE.COM/",
    "https://localhost.example.com/",
]


@pytest.mark.parametrize("url", PRIVATE + MALFORMED)
def test_private_and_malformed_addresses_are_refused(url: str) -> None:
    with pytest.raises(UrlNotAllowed) as refusal:
        check_address(url, frozenset(), pointer="/source_uri")
    assert refusal.value.pointer == "/source_uri"
    assert url not in refusal.value.detail


@pytest.mark.parametrize("url", PUBLIC)
def test_public_addresses_pass(url: str) -> None:
    assert check_address(url, frozenset(), pointer="").lower() == url.lower()


def test_an_allowed_private_host_passes() -> None:
    allowed = frozenset({"10.0.0.1:9000", "wiki.local:8080"})
    assert check_address("http://10.0.0.1:9000/", allowed, pointer="")
    assert check_address("http://wiki.local:8080/", allowed, pointer="")
    with pytest.raises(UrlNotAllowed):
        check_address("http://wiki.local/", allowed, pointer="")


@example("http://\x00")
@given(st.text(max_size=200) | st.text(max_size=60).map(lambda rest: f"http://{rest}"))
def test_no_text_breaks_the_check(url: str) -> None:
    try:
        checked = check_address(url, frozenset(), pointer="")
    except UrlNotAllowed:
        return
    assert checked.lower().startswith(("http://", "https://"))
