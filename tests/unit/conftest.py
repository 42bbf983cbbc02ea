"""What the tests of learning share: a module says which `task`."""

import pytest


@pytest.fixture(scope="module")
def shards(task):
    return task.build_shards()


@pytest.fixture(scope="module")
def dataset(task, shards):
    return task.load_data(shards)
