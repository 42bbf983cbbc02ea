"""Seeds and batches: the same for everybody, moved by every input, by nothing else."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from trainer.protocol.assignment import compute_batch, compute_genesis_seed, compute_next_seed

words = st.binary(min_size=32, max_size=32)
key_maps = st.dictionaries(st.integers(0, 255), words, max_size=12)
SEED = b"s" * 32


@given(keys=key_maps, order=st.randoms(use_true_random=False))
def test_the_order_of_arrival_does_not_move_the_seed(keys: dict[int, bytes], order: object) -> None:
    items = list(keys.items())
    order.shuffle(items)  # type: ignore[attr-defined]
    assert compute_next_seed(4, SEED, dict(items)) == compute_next_seed(4, SEED, keys)


@given(a=st.tuples(st.integers(0, 2**32 - 1), words, key_maps), b=st.tuples(st.integers(0, 2**32 - 1), words, key_maps))
def test_round_seed_seats_and_keys_move_the_next_seed(a: tuple, b: tuple) -> None:
    for pick in range(3):
        changed = (*a[:pick], b[pick], *a[pick + 1 :])
        assert (compute_next_seed(*a) == compute_next_seed(*changed)) == (a == changed)


def test_a_key_counts_for_its_seat() -> None:
    one, two = b"1" * 32, b"2" * 32
    assert compute_next_seed(4, SEED, {1: one, 2: two}) != compute_next_seed(4, SEED, {1: two, 2: one})
    assert compute_next_seed(4, SEED, {1: one}) != compute_next_seed(4, SEED, {2: one})


def test_the_first_seed_belongs_to_run_and_model() -> None:
    seeds = {compute_genesis_seed(domain, root) for domain in (b"a" * 32, b"b" * 32) for root in (b"a" * 32, b"b" * 32)}
    assert len(seeds) == 4


@given(
    seat=st.integers(0, 255),
    height=st.integers(0, 2**32 - 1),
    step=st.integers(0, 2**16 - 1),
    count=st.integers(0, 40),
    bound=st.integers(1, 2**63 - 1),
)
def test_a_batch_stays_in_bounds_and_grows_at_its_end(
    seat: int, height: int, step: int, count: int, bound: int
) -> None:
    batch = compute_batch(SEED, seat, height, step, count, bound)
    assert batch.dtype == np.int64
    assert batch.shape == (count,)
    assert all(0 <= index < bound for index in batch.tolist())
    longer = compute_batch(SEED, seat, height, step, count + 5, bound)
    assert np.array_equal(longer[:count], batch)


@given(
    a=st.tuples(words, st.integers(0, 255), st.integers(0, 99), st.integers(0, 99)),
    b=st.tuples(words, st.integers(0, 255), st.integers(0, 99), st.integers(0, 99)),
    pick=st.integers(0, 3),
)
def test_seed_seat_height_and_step_move_the_batch(a: tuple, b: tuple, pick: int) -> None:
    changed = (*a[:pick], b[pick], *a[pick + 1 :])
    same = np.array_equal(compute_batch(*a, 8, 2**60), compute_batch(*changed, 8, 2**60))
    assert same == (a == changed)


def test_all_places_are_about_equally_likely() -> None:
    drawn = np.bincount(compute_batch(SEED, 1, 2, 3, 20_000, 10), minlength=10)
    assert drawn.min() > 1_800
    assert drawn.max() < 2_200


def test_what_is_no_bound_or_no_seed_is_refused() -> None:
    for bound in (0, -1, 2**63):
        with pytest.raises(ValueError, match="bound"):
            compute_batch(SEED, 0, 0, 0, 1, bound)
    with pytest.raises(ValueError, match="32 bytes"):
        compute_batch(b"short", 0, 0, 0, 1, 1)
    with pytest.raises(ValueError, match="32 bytes"):
        compute_next_seed(2, SEED, {1: b"short"})
