"""Numerics are each worker's own: bfloat16, and four devices for one, change the last digits and nothing else."""

import json
import os
import subprocess
import sys

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.extend.core import jaxprs_in_params

from tests.unit.train_on_devices import BATCH_SIZES, make_task, make_trainer, train, train_alone, write_work
from trainer.config import ROOT
from trainer.learn.local_training import count_usable, describe_numerics, lower_precision
from trainer.learn.models import char_gpt
from trainer.learn.task import Task
from trainer.protocol.gradient import unpack_bits

FEW = 3  # heights that are trained on four devices, which wait for each other at every step
pytestmark = pytest.mark.usefixtures("compile_cache")


@pytest.fixture(scope="module")
def task():
    return make_task()


@pytest.fixture(scope="module")
def plain(task, dataset):
    """On one device, in float32: (results, states)."""
    trainer = make_trainer(task, dataset, BATCH_SIZES[0], devices=jax.local_devices()[:1])
    states = train_alone(trainer)
    return train(trainer, states), states


def compute_agreements(results, others, count):
    pairs = zip(results, others, strict=True)
    return [float(np.mean(unpack_bits(bits, count) == unpack_bits(other, count))) for (bits, _), (other, _) in pairs]


def get_dot_types(jaxpr):
    """The dtypes of all that is multiplied as matrices, also in inner programs."""
    found = set()
    for equation in jaxpr.eqns:
        if equation.primitive.name == "dot_general":
            found |= {str(operand.aval.dtype) for operand in equation.invars}
        for inner in jaxprs_in_params(equation.params):
            found |= get_dot_types(inner)
    return found


# ------------------------------------------------------------------ bfloat16


def test_bfloat16_agrees_with_float32_and_learns(task, dataset, plain):
    results, states = plain
    trainer = make_trainer(task, dataset, BATCH_SIZES[0], dtype="bfloat16")
    lowered = train(trainer, states)
    assert lowered == train(trainer, states)
    inner = trainer.train(states[0], None, [np.arange(BATCH_SIZES[0])] * 8, 0).inner_state
    assert {leaf.dtype.name for leaf in inner.leaves} == {"float32", "int32"}
    losses = [loss for _, loss in lowered]
    assert losses == pytest.approx([loss for _, loss in results], abs=0.02)
    assert losses[-1] < losses[0] - 0.3
    agreements = compute_agreements(results, lowered, task.layout.parameter_count)
    assert min(agreements) > 0.9  # lower at the start: behind an output of zeros the first gradients are almost nothing
    assert min(agreements[2:]) > 0.97
    assert max(agreements) < 1  # it is not float32 under another name


@pytest.mark.parametrize("name", ["char-gpt", "mlp"])
@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_all_matrix_products_are_in_the_dtype_and_what_comes_out_is_float32(task, dataset, name, dtype):
    batch = dataset.get_batch(np.arange(2))
    if name == "char-gpt":
        task, batch = Task.from_config(char_gpt.make_config("tiny")), (np.zeros((2, 33), np.uint8),)
    params = task.layout.params_of_state(jnp.asarray(task.compute_genesis(1)))
    compute = jax.value_and_grad(lower_precision(task.loss, dtype))
    program, (loss, gradient) = jax.make_jaxpr(compute, return_shape=True)(params, batch)
    assert get_dot_types(program.jaxpr) == {dtype}
    assert {str(leaf.dtype) for leaf in (loss, *gradient.values())} == {"float32"}


def test_the_profile_says_dtype_devices_and_precision(task, dataset):
    for dtype in ("float32", "bfloat16"):
        trainer = make_trainer(task, dataset, 8, dtype=dtype, devices=jax.local_devices()[:1])
        assert trainer.numerics == describe_numerics(dtype, trainer.devices)
        assert f"1 x cpu/cpu; {dtype}; matmul default" in trainer.numerics
    with jax.default_matmul_precision("highest"):
        assert describe_numerics().endswith("float32; matmul highest")
    with pytest.raises(ValueError, match="float32, bfloat16, not 'float16'"):
        make_trainer(task, dataset, 8, dtype="float16")


# ------------------------------------------------------------------ devices


@pytest.fixture(scope="module")
def on_four(tmp_path_factory, task, shards, plain):
    """What a process with four devices comes to from the same states."""
    directory = tmp_path_factory.mktemp("four")
    write_work(directory, task, shards, plain[1][:FEW])
    flags = {"JAX_PLATFORMS": "cpu", "XLA_FLAGS": "--xla_force_host_platform_device_count=4"}
    command = [sys.executable, "-m", "tests.unit.train_on_devices", directory]
    subprocess.run(command, cwd=ROOT, env=os.environ | flags, check=True, timeout=550)
    return json.loads((directory / "report.json").read_text())


def test_as_many_devices_are_used_as_divide_the_batch(on_four):
    assert on_four["offered"] == 4
    assert {int(size): row["used"] for size, row in on_four["batch_sizes"].items()} == {32: 4, 18: 3}
    assert "; 4 x cpu/cpu; " in on_four["batch_sizes"]["32"]["numerics"]
    assert "; 3 x cpu/cpu; " in on_four["batch_sizes"]["18"]["numerics"]
    assert [count_usable(batch_size, 4) for batch_size in range(1, 13)] == [1, 2, 3, 4, 1, 3, 1, 4, 3, 2, 1, 4]
    assert count_usable(7, 8) == 7


@pytest.mark.parametrize("batch_size", BATCH_SIZES)
def test_four_devices_agree_with_one(task, dataset, plain, on_four, batch_size):
    row = on_four["batch_sizes"][str(batch_size)]
    assert row["same_again"]  # twice more, at the same time, in two threads
    assert row["programs"] == 1
    trainer = make_trainer(task, dataset, batch_size, devices=jax.local_devices()[:1])
    results = train(trainer, plain[1][:FEW])
    assert row["losses"] == pytest.approx([loss for _, loss in results], abs=1e-4)
    others = [(bytes.fromhex(bits), loss) for bits, loss in zip(row["bits"], row["losses"], strict=True)]
    agreements = compute_agreements(results, others, task.layout.parameter_count)
    assert min(agreements) > 0.99, agreements
