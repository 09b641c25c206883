from tests.worker_service.imports.damage import damage


def test_ten_thousand_damaged_files() -> None:
    went = damage(10_000, seed=1)
    print(dict(went))
    assert {key.split(" ", 1)[1] for key in went} == {"read", "refused"}
