import json
from collections.abc import AsyncIterator

import pytest

from core.embeddings.openai_compatible import OpenAICompatible, endpoint
from core.embeddings.registry import probe
from core.errors import JobError
from tests.core.embeddings.fake_provider import FakeProvider, fake_provider

ONE = {"index": 0, "embedding": [1.0, 0.0, 0.0]}


@pytest.fixture
async def provider() -> AsyncIterator[FakeProvider]:
    async with fake_provider() as running:
        yield running


@pytest.fixture
async def embedder(provider: FakeProvider) -> AsyncIterator[OpenAICompatible]:
    embedder = OpenAICompatible(
        provider.url,
        "m",
        api_key="k",
        batch=2,
        timeout=0.5,
        query_prefix="query: ",
        passage_prefix="passage: ",
    )
    yield embedder
    await embedder.aclose()


async def refusal(embedder: OpenAICompatible) -> JobError:
    with pytest.raises(JobError) as refused:
        await embedder.embed_query("a")
    return refused.value


async def test_vectors_come_in_order_and_in_batches(
    provider: FakeProvider, embedder: OpenAICompatible
) -> None:
    texts = ["a", "bb", "ccc"]
    vectors = await embedder.embed_passages(texts)
    ratios = [round(v.to_list()[0] / v.to_list()[1]) for v in vectors]
    assert ratios == [len(f"passage: {text}") for text in texts]
    assert [len(request["input"]) for request in provider.requests] == [2, 1]
    assert provider.requests[0]["headers"]["authorization"] == "bearer k"


async def test_vectors_have_length_one(embedder: OpenAICompatible) -> None:
    values = (await embedder.embed_query("a")).to_list()
    assert sum(value * value for value in values) == pytest.approx(1, abs=1e-3)


async def test_no_texts_no_request(provider: FakeProvider, embedder: OpenAICompatible) -> None:
    assert await embedder.embed_passages([]) == []
    assert provider.requests == []


@pytest.mark.parametrize("header", ["Retry-After: 0\r\n", "Retry-After: Fri, 01 Jan 2021 00:00:00 GMT\r\n"])
async def test_the_whole_batch_goes_again_when_busy(
    provider: FakeProvider, embedder: OpenAICompatible, header: str
) -> None:
    provider.answers = [(429, header, b""), (429, header, b"")]
    assert len(await embedder.embed_passages(["a", "b"])) == 2
    assert [request["input"] for request in provider.requests] == [["passage: a", "passage: b"]] * 3


async def test_a_long_wait_is_left_to_the_queue(provider: FakeProvider, embedder: OpenAICompatible) -> None:
    provider.answers = [(429, "Retry-After: 120\r\n", b"")]
    with pytest.raises(JobError) as refused:
        await embedder.embed_passages(["a"])
    assert (refused.value.code, refused.value.retryable) == ("embedding_unavailable", True)
    assert refused.value.retry_after == 120


async def test_a_question_does_not_wait(provider: FakeProvider, embedder: OpenAICompatible) -> None:
    provider.answers = [(429, "Retry-After: 1\r\n", b"")]
    assert (await refusal(embedder)).code == "embedding_unavailable"
    assert len(provider.requests) == 1


@pytest.mark.parametrize("answer", [(503, "", b""), (500, "", b"x"), None])
async def test_an_absent_provider_may_come_back(
    provider: FakeProvider, embedder: OpenAICompatible, answer: tuple[int, str, bytes] | None
) -> None:
    provider.answers = [answer]
    refused = await refusal(embedder)
    assert (refused.code, refused.retryable) == ("embedding_unavailable", True)


async def test_nobody_listens() -> None:
    embedder = OpenAICompatible("http://127.0.0.1:1", "m")
    assert (await refusal(embedder)).code == "embedding_unavailable"
    await embedder.aclose()


@pytest.mark.parametrize(
    "body",
    [
        b"<html>",
        b"\xff\xfe",
        b"null",
        b"[]",
        b'{"data": null}',
        b'{"data": []}',
        b'{"data": [1]}',
        json.dumps({"data": [ONE, ONE]}).encode(),
        b'{"data": [{"index": 7, "embedding": [1.0]}]}',
        b'{"data": [{"index": 0, "embedding": []}]}',
        b'{"data": [{"index": 0, "embedding": "AAAA"}]}',
        b'{"data": [{"index": 0, "embedding": [1.0, NaN]}]}',
        b'{"data": [{"index": 0, "embedding": [1.0, 1e999]}]}',
        b'{"data": [{"index": 0, "embedding": [1.0, true]}]}',
        b'{"data": [{"index": 0, "embedding": [1.0, null]}]}',
        b'{"data": [{"index": [], "embedding": [1.0]}]}',
    ],
)
async def test_garbage_is_rejected(provider: FakeProvider, embedder: OpenAICompatible, body: bytes) -> None:
    provider.answers = [(200, "", body)]
    refused = await refusal(embedder)
    assert (refused.code, refused.retryable) == ("embedding_rejected", False)


@pytest.mark.parametrize("status", [301, 400, 401, 404])
async def test_a_refusal_is_final(provider: FakeProvider, embedder: OpenAICompatible, status: int) -> None:
    provider.answers = [(status, "", b"")]
    assert (await refusal(embedder)).code == "embedding_rejected"


async def test_dimensions_may_not_change(provider: FakeProvider, embedder: OpenAICompatible) -> None:
    assert await probe(embedder) == embedder.dimensions == 3
    provider.dimensions = 5
    assert (await refusal(embedder)).code == "embedding_dimension_mismatch"


@pytest.mark.parametrize(
    ("base", "url"),
    [
        ("http://h", "http://h/v1/embeddings"),
        ("http://h/v1/", "http://h/v1/embeddings"),
        ("http://h/v1/embeddings", "http://h/v1/embeddings"),
        ("http://h/api", "http://h/api/v1/embeddings"),
        ("http://h/v1beta/openai", "http://h/v1beta/openai/embeddings"),
    ],
)
def test_the_url_is_understood(base: str, url: str) -> None:
    assert endpoint(base) == url
