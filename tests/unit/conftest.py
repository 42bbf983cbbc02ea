"""What the tests of learning share: a module says which `task`."""

import pytest


@pytest.fixture(scope="module")
def compile_cache(tmp_path_factory):
    """As in a worker: what one trainer compiled, the next one loads."""
    import jax  # here: most tests of this folder do without it

    from trainer.learn.local_training import use_compile_cache

    use_compile_cache(tmp_path_factory.mktemp("jax"))
    yield
    jax.config.update("jax_compilation_cache_dir", None)


@pytest.fixture(scope="module")
def shards(task):
    return task.build_shards()


@pytest.fixture(scope="module")
def dataset(task, shards):
    return task.load_data(shards)
