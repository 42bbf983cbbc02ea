// Hardhat 3: compiles contracts/ and runs the Solidity tests of tests/contracts/. It never opens a network connection:
// the compiler is the npm package `solc`, and no remote network is configured.
import { globSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

const solc = JSON.parse(readFileSync(new URL("contracts/solc.json", import.meta.url), "utf8"));
const path = fileURLToPath(import.meta.resolve("solc/soljson.js"));

// What is deployed, and everything else that is not named *.t.sol, harnesses of the tests included.
const deployed = { version: solc.version, path, settings: solc.settings };

// Test files are compiled without optimizer and IR: seconds in place of minutes. They see a contract through its interface and
// deploy it by `deployCode("TrainingRun.sol", args)` (util/Test.sol), so that the bytecode under test is the deployed one.
const quick = { version: solc.version, path, settings: { evmVersion: solc.settings.evmVersion, optimizer: { enabled: false } } };
const testFiles = globSync("tests/contracts/**/*.t.sol", { cwd: import.meta.dirname }).map((file) => file.replaceAll("\\", "/"));

const count = (name, otherwise) => {
  const value = Number(process.env[name] ?? otherwise);
  if (!Number.isSafeInteger(value) || value < 1) throw new Error(`${name} must be a whole number above 0, found ${process.env[name]}`);
  return value;
};

export default {
  paths: {
    sources: "contracts",
    tests: { solidity: "tests/contracts" },
    cache: ".cache/hardhat",
    artifacts: "artifacts",
  },
  solidity: {
    // One compiler input for each file: the bytecode depends on what the file imports, never on what else was compiled that day.
    isolated: true,
    compilers: [deployed],
    overrides: Object.fromEntries(testFiles.map((file) => [file, quick])),
  },
  test: {
    solidity: {
      fuzz: { runs: count("COMITIA_FUZZ_RUNS", 256), seed: process.env.COMITIA_FUZZ_SEED },
      // 80 x 100 = 8,000 calls for each invariant.
      invariant: {
        runs: count("COMITIA_INVARIANT_RUNS", 80),
        depth: count("COMITIA_INVARIANT_DEPTH", 100),
        failOnRevert: true,
        failurePersistDir: ".cache/hardhat/invariant-failures",
      },
      fsPermissions: { readDirectory: ["tests"] },
    },
  },
};
