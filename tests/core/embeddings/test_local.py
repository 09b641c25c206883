import os
from pathlib import Path

import pytest
from pgvector import HalfVector
from pydantic import SecretStr

from core.embeddings.fastembed import FastEmbed
from core.embeddings.hashed_ngrams import HashedNgrams
from core.embeddings.openai_compatible import OpenAICompatible
from core.embeddings.protocol import unit
from core.embeddings.registry import make_embedder, probe
from core.errors import JobError
from core.settings import EmbeddingProvider, Settings

ROOT = Path(__file__).parents[3]
MODEL = "sentence-transformers/all-MiniLM-L6-v2"
NAMES = [
    Path(os.environ.get("COGEP_TEST_MODEL_DIR", "")),
    *(ROOT.parents[i] / "shared/models/all-MiniLM-L6-v2-int8" for i in range(2)),
]
MODEL_DIR = next((path for path in NAMES if (path / "model.onnx").exists()), None)


def cosine(left: HalfVector, right: HalfVector) -> float:
    return sum(a * b for a, b in zip(left.to_list(), right.to_list(), strict=True))


def settings(**values: object) -> Settings:
    return Settings(_env_file=None, DATABASE_URL=SecretStr("postgresql://x@y/z"), **values)  # type: ignore[arg-type,call-arg]


async def test_hashed_vectors_are_the_same_everywhere() -> None:
    embedder = HashedNgrams()
    vector = (await embedder.embed_query("Prazo de matrícula")).to_list()
    assert len(vector) == embedder.dimensions == 384
    assert [i for i, v in enumerate(vector) if v > 0.17] == [41, 120, 209, 250, 304, 359]


async def test_hashed_vectors_see_letters() -> None:
    embedder = HashedNgrams()
    asked = await embedder.embed_query("matriculas no prazo")
    near, far = await embedder.embed_passages(["Prazos da MATRÍCULA", "Cardápio do restaurante"])
    assert cosine(asked, near) > 0.4 > cosine(asked, far)


async def test_hashed_text_without_words_is_zero() -> None:
    assert set((await HashedNgrams().embed_query("—")).to_list()) == {0.0}


@pytest.mark.skipif(MODEL_DIR is None, reason="no local model: set COGEP_TEST_MODEL_DIR to its folder")
async def test_a_local_model_understands() -> None:
    embedder = FastEmbed(MODEL, path=str(MODEL_DIR))
    assert await probe(embedder) == 384
    near, far = await embedder.embed_passages(["The cat sleeps on the sofa.", "Taxes are due in April."])
    asked = await embedder.embed_query("Where is the kitten?")
    assert cosine(asked, near) > cosine(asked, far) + 0.1
    assert embedder.dimensions == 384


async def test_a_missing_model_is_a_clear_failure(tmp_path: Path) -> None:
    with pytest.raises(JobError) as refused:
        await FastEmbed(MODEL, path=str(tmp_path)).embed_query("a")
    assert refused.value.code == "embedding_rejected"


def test_numbers_of_any_size_are_scaled() -> None:
    assert unit([3e300, 4e300]).to_list() == pytest.approx([0.6, 0.8], abs=1e-3)
    assert unit([1e-320, 0]).to_list() == [1.0, 0.0]


async def test_settings_choose_the_provider() -> None:
    assert isinstance(make_embedder(settings()), HashedNgrams)
    local = make_embedder(settings(embedding_provider=EmbeddingProvider.FASTEMBED, embedding_model="x"))
    assert isinstance(local, FastEmbed)
    assert local.name == "x"
    remote = make_embedder(
        settings(
            embedding_provider=EmbeddingProvider.OPENAI_COMPATIBLE,
            embedding_base_url="http://h",
            embedding_model="y",
            embedding_api_key=SecretStr("k"),
        )
    )
    assert isinstance(remote, OpenAICompatible)
    assert (remote.provider, remote.name, remote.dimensions) == ("openai_compatible", "y", None)
    for embedder in (local, remote, HashedNgrams()):
        await embedder.aclose()


def test_a_half_configured_provider_is_refused() -> None:
    with pytest.raises(JobError) as refused:
        make_embedder(settings(embedding_provider=EmbeddingProvider.OPENAI_COMPATIBLE))
    assert "COGEP_EMBEDDING_BASE_URL" in refused.value.detail
