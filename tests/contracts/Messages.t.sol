// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Vectors} from "./generated/Vectors.sol";
import {RunTest} from "./util/RunTest.sol";
import {vm} from "./util/Vm.sol";

/// @notice The hashed messages. The formulas of RunTest give the vectors' values here, and the contract takes messages made by them in every other test.
contract MessagesTest is RunTest {
    function test_domain_vectors() public pure {
        Vectors.DomainCase[] memory cases = Vectors.domains();
        assertGt(cases.length, 1);
        for (uint256 i; i < cases.length; ++i) {
            Vectors.DomainCase memory d = cases[i];
            assertEq(domainOf("comitia.run.v1", d.chainId, d.run), d.runDomain);
            assertEq(domainOf("comitia.commitment.v1", d.chainId, d.run), d.commitmentDomain);
            assertEq(domainOf("comitia.outcome.v1", d.chainId, d.run), d.outcomeDomain);
        }
    }

    function test_commitment_vectors() public pure {
        Vectors.CommitmentCase[] memory cases = Vectors.commitments();
        assertGt(cases.length, 3);
        for (uint256 i; i < cases.length; ++i) {
            Vectors.CommitmentCase memory c = cases[i];
            assertEq(hashCommitment(c.domain, c.round, c.seat, c.sender, c.gradientRoot), c.commitment);
        }
    }

    function test_outcome_vectors() public pure {
        Vectors.OutcomeCase[] memory cases = Vectors.outcomes();
        assertGt(cases.length, 3);
        for (uint256 i; i < cases.length; ++i) {
            Vectors.OutcomeCase memory o = cases[i];
            assertEq(hashOutcome(o.domain, o.round, Outcome(o.accepted, o.checked, o.newStateRoot)), o.outcome);
        }
    }

    /// @dev The contract's own messages bind the chain it was deployed on.
    function test_on_another_chain() public {
        vm.chainId(10);
        deploy();
        start(10, 10, 10);
        playRound(0, 2);
        (, uint24 round,,) = run.result(1);
        assertEq(round, FIRST);
    }
}
