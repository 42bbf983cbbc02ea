"""Vectors, parameters, states: one order, no rounding that a second reader would do otherwise."""

import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from trainer.learn.checkpoint import decode_state, encode_state, read_checkpoint, write_checkpoint
from trainer.learn.layout import Layout
from trainer.protocol.constants import CHUNK

names = st.text("abcdefgh.", min_size=1, max_size=4)
shapes = hnp.array_shapes(min_dims=0, max_dims=3, max_side=5)


@settings(deadline=None, max_examples=15)
@given(st.dictionaries(names, shapes, min_size=1, max_size=5), st.randoms(use_true_random=False))
def test_flatten_and_unflatten_are_inverse_and_ordered_by_name(leaves, random):
    shuffled = list(leaves.items())
    random.shuffle(shuffled)
    params = {name: jnp.asarray(np.full(shape, sorted(leaves).index(name), np.float32)) for name, shape in shuffled}
    layout = Layout.from_params(params)
    vector = np.asarray(layout.flatten(params))
    assert np.all(
        np.diff(vector) >= 0
    )  # a leaf of an earlier name stands earlier, whatever the order of the dictionary
    assert vector.shape == (layout.parameter_count,)
    assert layout.padded_count % CHUNK == 0
    assert 0 <= layout.padded_count - layout.parameter_count < CHUNK
    distinct = np.arange(layout.parameter_count, dtype=np.float32)
    back = layout.unflatten(jnp.asarray(distinct))
    assert {name: leaf.shape for name, leaf in back.items()} == {name: tuple(shape) for name, shape in leaves.items()}
    np.testing.assert_array_equal(np.asarray(layout.flatten(back)), distinct)


@settings(deadline=None, max_examples=40)
@given(hnp.arrays(np.int32, 7, elements=st.integers(-(2**24), 2**24)))
def test_a_state_that_float32_can_hold_survives_the_way_there_and_back(values):
    layout = Layout(("a", "b"), ((3,), (2, 2)))
    state = np.zeros(CHUNK, np.int32)
    state[:7] = values
    params = layout.params_of_state(jnp.asarray(state))
    assert [float(x) for x in layout.flatten(params)] == [value / 2**22 for value in values.tolist()]
    np.testing.assert_array_equal(layout.compute_state(params), state)


def test_what_does_not_fit_a_state_is_refused():
    layout = Layout(("a",), ((2,),))
    assert layout.compute_state({"a": jnp.asarray([-511.99997, 0.75 / 2**22])})[:2].tolist() == [-2147483520, 1]
    for wrong in (512.0, -512.0, float("nan"), float("inf")):
        with pytest.raises(ValueError, match="512"):
            layout.compute_state({"a": jnp.asarray([0.0, wrong], jnp.float32)})
    with pytest.raises(ValueError, match="float32"):
        Layout.from_params({"a": jnp.zeros(2, jnp.int32)})
    with pytest.raises(ValueError, match="2 parameters"):
        layout.unflatten(jnp.zeros(3))


def test_a_checkpoint_is_the_raw_state_and_nothing_else(tmp_path):
    state = np.arange(CHUNK, dtype=np.int32) * -2_000_003
    path = tmp_path / "7.bin"
    path.write_bytes(b"an older one")
    write_checkpoint(path, state)
    assert path.read_bytes() == b"".join(value.to_bytes(4, "little", signed=True) for value in state.tolist())
    assert [file.name for file in tmp_path.iterdir()] == ["7.bin"]  # no temporary file stays
    np.testing.assert_array_equal(read_checkpoint(path, CHUNK), state)
    with pytest.raises(ValueError, match="8192 bytes, not 4096"):
        read_checkpoint(path, 2 * CHUNK)
    for wrong in (state[:-1], state.astype(np.int64), np.zeros(0, np.int32)):
        with pytest.raises(ValueError, match="whole chunks"):
            encode_state(wrong)
    with pytest.raises(ValueError, match="4095"):
        decode_state(bytes(4095), CHUNK)
