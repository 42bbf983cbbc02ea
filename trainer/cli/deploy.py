"""`comitia deploy`: puts a run on a chain and its documents on IPFS."""

from __future__ import annotations

import json
import subprocess
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from trainer.cli.options import (
    ask,
    deployments_option,
    format_coins,
    home_option,
    ipfs_option,
    json_option,
    key_options,
    load_key,
    require_answer,
    rpc_option,
    show,
    split_urls,
)
from trainer.errors import ComitiaError, UsageError

if TYPE_CHECKING:
    from trainer.chain.artifacts import Artifact
    from trainer.protocol.checks import CheckRules
    from trainer.protocol.types import Parameters
    from trainer.roles.economics import Odds

TIMEOUT = 300  # seconds to wait for the contract
HARDHAT_ARTIFACT = Path("artifacts/contracts/TrainingRun.sol/TrainingRun.json")
# Of its pay: who works honestly at a higher cost has little of it, and who saves less should not gain by cheating.
MIN_BREAK_EVEN = 0.75


@click.command()
@click.argument("name")
@click.option(
    "--preset",
    type=click.Choice(["tiny", "bench", "demo", "digits"]),
    required=True,
    help="What to train: a char-gpt of three sizes on the King James text, or an mlp on scikit-learn's digits.",
)
@click.option(
    "--heights", type=click.IntRange(2, 1 << 20), required=True, help="Good rounds until the run is finished."
)
@click.option(
    "--training-seconds", type=float, help="Seconds of training in a round; measured on this machine without it."
)
@click.option(
    "--block-seconds", type=float, default=0.5, show_default=True, help="Seconds between two blocks of the chain."
)
@click.option("--batch-size", type=click.IntRange(1, 4096), help="Examples in a local step; the preset's without it.")
@click.option("--weight-unit", type=int, default=10**18, show_default=True, help="Wei of stake for one unit of weight.")
@click.option(
    "--min-weight",
    type=click.IntRange(1, 65_280),
    default=1,
    show_default=True,
    help="The base is never below this weight.",
)
@click.option(
    "--reward",
    type=click.IntRange(0),
    help="Wei that all seats together earn in a round; a hundredth of --weight-unit without it.",
)
@click.option("--check-reward", type=click.IntRange(0), help="Wei for a cross-check; 8 times --reward without it.")
@click.option("--bond", type=click.IntRange(1), help="Wei of a challenge's bond; 10 times --weight-unit without it.")
@click.option("--invitation-only", is_flag=True, help="Only accounts that were invited take seats.")
@click.option(
    "--fund",
    "pool",
    type=click.IntRange(0),
    help="Wei for the pool that pays the rounds; on a devnet enough for all of them, else 0, without it.",
)
@click.option("--challenge-window", type=int, help="Seconds to challenge a round; on a devnet 30, else required.")
@click.option("--answer-window", type=int, help="Seconds to answer a challenge; on a devnet 30, else required.")
@click.option("--settle-window", type=int, help="Seconds to settle a safe round; on a devnet 30, else required.")
@click.option(
    "--window",
    "overrides",
    multiple=True,
    metavar="NAME=SECONDS",
    help="Another value for a computed window, such as reveal_window=5.",
)
@click.option(
    "--check",
    "checks",
    multiple=True,
    metavar="NAME=NUMBER",
    help="Another value for a rule of the cross-checks, such as rate=8 (docs/operating.md).",
)
@click.option("--genesis-seed", type=int, default=1, show_default=True, help="Seed of the genesis state.")
@deployments_option
@click.option("--hardhat/--no-hardhat", default=True, help="Compare the bytecode with Hardhat's.")
@click.option("--yes", is_flag=True, help="Send without asking.")
@ipfs_option
@rpc_option
@home_option
@key_options
@json_option
def deploy(
    name: str,
    preset: str,
    heights: int,
    training_seconds: float | None,
    block_seconds: float,
    batch_size: int | None,
    weight_unit: int,
    min_weight: int,
    reward: int | None,
    check_reward: int | None,
    bond: int | None,
    invitation_only: bool,
    pool: int | None,
    challenge_window: int | None,
    answer_window: int | None,
    settle_window: int | None,
    overrides: tuple[str, ...],
    checks: tuple[str, ...],
    genesis_seed: int,
    deployments: Path,
    hardhat: bool,
    yes: bool,
    ipfs_api: str,
    rpc_urls: tuple[str, ...],
    home: Path,
    as_json: bool,
    **key: Any,
) -> None:
    """Publishes a run's documents on IPFS, deploys its contract, and writes deployments/<network>/NAME.json."""
    from trainer.blobs.kubo import KuboStore
    from trainer.chain import calls
    from trainer.chain.artifacts import compile_contract
    from trainer.chain.client import RunClient
    from trainer.chain.deploy import deploy as deploy_contract
    from trainer.chain.node import Node
    from trainer.chain.sender import DEFAULT_FEES, Sender
    from trainer.protocol.tree import compute_state_root
    from trainer.protocol.types import Parameters
    from trainer.roles.library import publish
    from trainer.roles.money import compute_fund, compute_money
    from trainer.roles.plan import choose_checks, make_plan, make_training
    from trainer.roles.windows import DEVNET_WINDOW, compute_windows

    say = partial(click.echo, err=True)
    chosen, rules = _parse_overrides(overrides), _parse_checks(choose_checks(heights), checks)
    require_answer(yes)
    node = Node(split_urls(rpc_urls))
    devnet = DEVNET_WINDOW if node.chain_id == 31337 else None
    challenge, answer, settle = (given or devnet for given in (challenge_window, answer_window, settle_window))
    if challenge is None or answer is None or settle is None:
        raise UsageError(
            f"chain {node.chain_id} is no devnet: choose --challenge-window, --answer-window and --settle-window "
            f"(days, not seconds)"
        )
    money = compute_money(weight_unit, reward, check_reward, bond)
    if pool is None:
        pool = compute_fund(money, heights) if devnet else 0
    owner = load_key(home, **key)
    say("compiling the contract (half a minute the first time)")
    artifact = compile_contract()
    if hardhat:
        _compare_with_hardhat(artifact)
        say("bytecode equals Hardhat's")
    run = make_plan(preset, heights, batch_size)
    shards, genesis = run.task.build_shards(), run.task.compute_genesis(genesis_seed)
    if training_seconds is None:
        say("measuring a round of training")
        training_seconds = run.make_trainer(shards).warm_up()
    windows = asdict(compute_windows(training_seconds, block_seconds, challenge, answer, settle)) | chosen
    say(
        f"publishing {len(shards)} shards and the genesis state of {run.task.layout.parameter_count:,} parameters to "
        f"{ipfs_api}"
    )
    specification = publish(
        KuboStore(ipfs_api), name, run.task.config, make_training(run.settings, rules), shards, genesis
    )
    parameters = Parameters(
        genesis_root=compute_state_root(genesis),
        spec_digest=specification.digest,
        parameter_count=run.task.layout.parameter_count,
        weight_unit=weight_unit,
        min_weight=min_weight,
        peak_step=run.schedule.peak,
        warmup=run.schedule.warmup,
        decay=run.schedule.decay,
        total_heights=run.schedule.total,
        invitation_only=invitation_only,
        **windows,
        **asdict(money),
    )
    warn_of_cheating(parameters, rules, training_seconds, block_seconds, bool(devnet))
    ask(
        f"{owner.address} will deploy {name!r} on chain {node.chain_id} (about 9 M gas) and put {format_coins(pool)} "
        f"into its pool. A round pays {format_coins(money.reward_per_round)}, a cross-check "
        f"{format_coins(money.check_reward)}; a challenge costs a bond of {format_coins(money.challenge_bond)}",
        yes,
    )
    deployment = deploy_contract(Sender(node, owner, DEFAULT_FEES), artifact, parameters, name, TIMEOUT)
    path = deployment.save(deployments, artifact.compiler_input)
    if pool:
        Sender(RunClient(split_urls(rpc_urls), deployment), owner, DEFAULT_FEES).send_and_wait(
            calls.fund(pool), TIMEOUT
        )
    elif money.reward_per_round:
        say(f"the pool is empty: nobody is paid before `comitia run fund --run {name} COINS`")
    show(
        {
            "run": name,
            "address": deployment.address,
            "block": deployment.block,
            "file": str(path),
            "training_seconds": round(training_seconds, 2),
            "pool_wei": pool,
            "spec": specification.digest.hex(),
        },
        as_json=as_json,
    )
    say(
        f"next, each participant: comitia seat card --run {name} --account OPERATOR > card.json, then its owner: "
        f"comitia seat join --run {name} --card card.json --weight 1 --account OWNER"
    )


def warn_of_cheating(
    parameters: Parameters, rules: CheckRules, training_seconds: float, block_seconds: float, is_devnet: bool
) -> None:
    """Says so where a run's parameters make cheating pay. Where nobody is paid, no cheat has anything to lose."""
    from trainer.roles.economics import estimate_odds

    found = _explain_cheating(estimate_odds(parameters, rules, training_seconds, block_seconds), rules.rate)
    if found and parameters.reward_per_round:
        click.echo(f"on this devnet {found}" if is_devnet else f"warning: {found}", err=True)


def _explain_cheating(odds: Odds, rate: int) -> str | None:
    from trainer.roles.economics import compute_break_even

    if not odds.checked:
        return "the run ends before anybody is drawn to check: who cheats keeps all pay"
    if odds.vesting <= odds.judging:
        return (
            f"pay is safe after {odds.vesting} rounds, and a dispute is judged after about {odds.judging}: who cheats "
            f"keeps all pay; a longer --challenge-window helps"
        )
    break_even = compute_break_even(odds)
    if break_even >= MIN_BREAK_EVEN:
        return None
    longer = " or a longer --challenge-window" if odds.vesting < odds.checked else ""
    return (
        f"with checks of one in {rate} and pay that is safe after {odds.vesting} rounds, who saves more than "
        f"{100 * break_even:.0f} % of the pay in work may earn more by cheating; a smaller --check rate{longer} helps"
    )


def _compare_with_hardhat(artifact: Artifact) -> None:
    """Raises ComitiaError unless Hardhat compiles the same bytes: the ones that the Solidity tests ran."""
    root = Path(__file__).resolve().parents[2]
    built = subprocess.run(
        [root / "scripts" / "hardhat", "build", "--no-tests", "--quiet"],
        cwd=root,
        capture_output=True,
        text=True,
        check=False,
    )
    if built.returncode:
        raise ComitiaError(
            f"Hardhat does not build ({built.stderr.strip()[-300:] or built.stdout.strip()[-300:]}); run `make "
            f"setup`, or pass --no-hardhat"
        )
    code = json.loads((root / HARDHAT_ARTIFACT).read_text())["bytecode"]
    if bytes.fromhex(code.removeprefix("0x")) != artifact.creation:
        raise ComitiaError(
            "py-solc-x and Hardhat compiled different bytecode: are the artifacts from a coverage run? Delete "
            "artifacts/ and cache/, and build again"
        )


def _parse_checks(rules: CheckRules, given: tuple[str, ...]) -> CheckRules:
    from trainer.protocol.checks import CheckRules

    config: dict[str, object] = asdict(rules)
    for text in given:
        name, _, value = text.partition("=")
        if name not in config or not value.isdigit():
            raise UsageError(f"--check {text}: expected NAME=NUMBER with a name of {', '.join(config)}")
        config[name] = int(value)
    try:
        return CheckRules.from_config({"checks": config})
    except ValueError as error:
        raise UsageError(f"--check: {error}") from None


def _parse_overrides(overrides: tuple[str, ...]) -> dict[str, int]:
    from trainer.roles.windows import Windows

    found = {}
    for text in overrides:
        name, _, value = text.partition("=")
        if name not in Windows.__dataclass_fields__ or not value.isdigit():
            raise UsageError(
                f"--window {text}: expected NAME=SECONDS with a name of {', '.join(Windows.__dataclass_fields__)}"
            )
        found[name] = int(value)
    return found
