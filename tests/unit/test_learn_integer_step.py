"""The int32 path gives the reference's bits, above all where int32 is tight."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trainer.learn import integer_step
from trainer.protocol import step as reference
from trainer.protocol.constants import CHUNK, STEP_LIMIT

EDGES = (0, 1, -1, 2**31 - 1, -(2**31), 2**31 - 2, -(2**31) + 1, STEP_LIMIT, -STEP_LIMIT)
steps = st.one_of(st.integers(0, STEP_LIMIT - 1), st.sampled_from((0, 1, STEP_LIMIT - 1)))


@settings(deadline=None, max_examples=60)
@given(st.integers(0, 2**32 - 1), st.lists(st.integers(1, 255), min_size=1, max_size=9), steps)
def test_equals_the_reference(seed, weights, step):
    random = np.random.default_rng(seed)
    state = random.integers(-(2**31), 2**31, 2 * CHUNK).astype(np.int32)
    state[: len(EDGES)] = EDGES
    gradients = [(random.bytes(CHUNK // 4), weight) for weight in weights]
    before = state.copy()
    result = integer_step.apply_step(state, gradients, step)
    assert result.dtype == np.int32
    np.testing.assert_array_equal(result, reference.apply_step(state, gradients, step))
    np.testing.assert_array_equal(state, before)


@pytest.mark.parametrize("bits", [b"\0", b"\xff", b"\xaa"])
@pytest.mark.parametrize("step", [1, STEP_LIMIT - 1])
def test_256_seats_of_full_weight_do_not_overflow(bits, step):
    state = np.resize(np.array(EDGES, np.int32), CHUNK)
    gradients = [(bits * (CHUNK // 8), 255)] * 256
    expected = reference.apply_step(state, gradients, step)
    np.testing.assert_array_equal(integer_step.apply_step(state, gradients, step), expected)


def test_any_number_of_seats_is_one_program():
    state = np.zeros(3 * CHUNK, np.int32)
    compiled = integer_step._add._cache_size(), integer_step._move._cache_size()
    for seats in (1, 2, 7):
        integer_step.apply_step(state, [(bytes(3 * CHUNK // 8), 1)] * seats, 5)
    assert (integer_step._add._cache_size(), integer_step._move._cache_size()) == (compiled[0] + 1, compiled[1] + 1)


def test_refuses_what_the_reference_refuses():
    state, bits = np.zeros(CHUNK, np.int32), bytes(CHUNK // 8)
    for arguments in (
        (state, [], 1),
        (state, [(bits, 0)], 1),
        (state, [(bits, 256)], 1),
        (state, [(bits, 255)] * 257, 1),
        (state, [(bits[:-1], 1)], 1),
        (state, [(bits, 1)], STEP_LIMIT),
        (state, [(bits, 1)], -1),
        (state.astype(np.int64), [(bits, 1)], 1),
        (state[:-1], [(bits, 1)], 1),
        (state.reshape(2, -1), [(bits, 1)], 1),
    ):
        for implementation in (reference, integer_step):
            with pytest.raises(ValueError, match=r".") as caught:
                implementation.apply_step(*arguments)
            assert caught.type is ValueError
