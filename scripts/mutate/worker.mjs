// Compiles mutated sources and runs the Solidity tests on them, many times in one process. Hardhat's command would start,
// read its artifacts and plan a compilation for every mutant; this calls the same EVM (EDR) with the same settings directly.
// One JSON request a line on standard input, one JSON answer a line on standard output. Argument: the copied tree.
import { readFileSync, globSync, writeSync } from "node:fs";
import { createRequire } from "node:module";
import { createInterface } from "node:readline";
import path from "node:path";
import { pathToFileURL } from "node:url";

const tree = path.resolve(process.argv[2]);
process.chdir(tree);
const require = createRequire(path.join(tree, "hardhat.config.js"));
const inHardhat = (file) => import(pathToFileURL(path.join(tree, "node_modules/hardhat/dist/src/internal", file)).href);
const solc = require("solc");
const { getGlobalEdrContext } = await inHardhat("edr/context.js");
const { hardhatChainTypeToEdrChainType } = await inHardhat("edr/chain-type.js");
const { isTestSuiteArtifact, solidityTestConfigToSolidityTestRunnerConfigArgs } = await inHardhat("builtin-plugins/solidity-test/helpers.js");
const { resolveFuzzConfig, resolveInvariantConfig } = await inHardhat("builtin-plugins/solidity-test/config.js");

const settings = JSON.parse(readFileSync("contracts/solc.json", "utf8"));
const config = (await import(pathToFileURL(path.join(tree, "hardhat.config.js")).href)).default.test.solidity;
const bySource = (file) => file.replace(/^project\//, "");

// ------------------------------------------------------------------ artifacts of the tree's own build

function readArtifacts() {
  return globSync("artifacts/{contracts,tests}/**/*.json").map((file) => {
    const a = JSON.parse(readFileSync(file, "utf8"));
    return {
      id: { name: a.contractName, solcVersion: settings.version, source: a.inputSourceName ?? a.sourceName },
      contract: {
        abi: JSON.stringify(a.abi),
        bytecode: a.bytecode,
        linkReferences: a.linkReferences,
        deployedBytecode: a.deployedBytecode,
        deployedLinkReferences: a.deployedLinkReferences,
      },
    };
  });
}

const built = readArtifacts();
const suites = new Map(
  built
    .filter((a) => a.id.source.endsWith(".t.sol") && isTestSuiteArtifact(a))
    .map((a) => [`${bySource(a.id.source)}:${a.id.name}`, a.id]),
);
let current = built;

// ------------------------------------------------------------------ compiler

const read = (file) => readFileSync(file.startsWith("@") ? path.join("node_modules", file) : file, "utf8");

function compile(sources, outputSelection, extra) {
  const input = { language: "Solidity", sources, settings: { evmVersion: settings.settings.evmVersion, outputSelection, ...extra } };
  const find = (file) => {
    try {
      return { contents: read(file) };
    } catch {
      return { error: `not found: ${file}` };
    }
  };
  const output = JSON.parse(solc.compile(JSON.stringify(input), { import: find }));
  const errors = (output.errors ?? []).filter((e) => e.severity === "error");
  return {
    output,
    errors: errors.map((e) => ({
      file: e.sourceLocation?.file ?? "",
      start: e.sourceLocation?.start ?? -1,
      end: e.sourceLocation?.end ?? -1,
      message: e.message,
    })),
  };
}

const content = (files) => Object.fromEntries(files.map((file) => [file, { content: read(file) }]));

/** The syntax trees of some files: no code is generated. */
function parse({ files }) {
  const { output, errors } = compile(content(files), { "*": { "": ["ast"] } });
  return { errors, trees: Object.fromEntries(files.map((file) => [file, output.sources?.[file]?.ast])) };
}

/** Compiles the roots with some sources replaced. The tests after it run on the result. */
function build({ roots, sources }) {
  const inputs = { ...content(roots.filter((file) => !(file in sources))) };
  for (const [file, text] of Object.entries(sources)) inputs[file] = { content: text };
  const selection = Object.fromEntries(roots.map((file) => [file, { "*": ["evm.bytecode.object", "evm.deployedBytecode.object"] }]));
  // Without the optimizer's passes a compile takes half of the time; what remains moves variables to memory where the stack is too deep.
  const optimizer = {
    enabled: true,
    details: { yul: true, yulDetails: { stackAllocation: true, optimizerSteps: ":" }, peephole: false, inliner: false, cse: false, constantOptimizer: false },
  };
  const { output, errors } = compile(inputs, selection, { viaIR: true, optimizer, metadata: { appendCBOR: false } });
  if (errors.length > 0) return { errors };
  const codes = new Map();
  let bytes = 0;
  for (const [file, contracts] of Object.entries(output.contracts ?? {})) {
    for (const [name, { evm }] of Object.entries(contracts)) {
      if (evm) codes.set(`${file}:${name}`, evm);
      bytes = Math.max(bytes, (evm?.deployedBytecode?.object.length ?? 0) / 2);
    }
  }
  current = built.map((a) => {
    const evm = codes.get(`${bySource(a.id.source)}:${a.id.name}`);
    if (!evm || a.contract.bytecode === "0x") return a;
    // Unoptimized code names the address of a library of internal functions, and drops it: any address will do.
    const code = ({ object }) => `0x${object.replace(/__\$[0-9a-f]{34}\$__/g, "00".repeat(20))}`;
    return { id: a.id, contract: { ...a.contract, bytecode: code(evm.bytecode), deployedBytecode: code(evm.deployedBytecode) } };
  });
  return { errors: [], bytes };
}

// ------------------------------------------------------------------ tests

const context = await getGlobalEdrContext();
const chain = hardhatChainTypeToEdrChainType("l1");

async function runnerConfig(id, { fuzzRuns, invariantRuns, invariantDepth, gasLimit, leftOut }) {
  const coinbase = Buffer.alloc(20);
  coinbase.writeUInt32BE(id, 16);
  const args = await solidityTestConfigToSolidityTestRunnerConfigArgs({
    chainType: "l1",
    projectRoot: tree,
    config: {
      fsPermissions: config.fsPermissions,
      fuzz: resolveFuzzConfig({ ...config.fuzz, seed: undefined, runs: fuzzRuns }),
      // No shrinking: that a sequence fails is all that we want to know. No replay of the failure of another mutant.
      invariant: resolveInvariantConfig({
        ...config.invariant,
        failurePersistDir: undefined,
        runs: invariantRuns,
        depth: invariantDepth,
        shrinkRunLimit: 0,
      }),
      gasLimit: BigInt(gasLimit),
    },
    excludeTestPattern: leftOut,
    verbosity: 2,
    eip712CanonicalTypes: [],
    testSourcePaths: {},
    testProfile: "default",
    declaredTestProfiles: ["default"],
    generateGasReport: false,
  });
  // The switch of the mutants: see schema.py. Nothing in contracts/ or the tests reads the block's coinbase.
  return { ...args, blockCoinbase: coinbase };
}

async function runSuite(name, runner) {
  // The results of a suite may come after the end of the run: both are waited for.
  let received;
  const arrived = new Promise((resolve) => (received = resolve));
  await context.runSolidityTests(chain, current, [suites.get(name)], runner, { buildInfos: [], ignoreContracts: true }, received);
  return { all: (await arrived).testResults };
}

/** Runs suites in their order, and stops at the first that fails. */
async function test({ id, order, limits }) {
  const runner = await runnerConfig(id, limits);
  const times = {};
  for (const name of order) {
    const started = performance.now();
    const { all } = await runSuite(name, runner);
    times[name] = Math.round(performance.now() - started);
    const failed = all.find((t) => t.status === "Failure");
    if (failed) return { suite: name, test: failed.name, reason: failed.reason ?? "", times };
  }
  return { suite: null, times };
}

/** Runs suites to their end: all tests that fail. */
async function failures({ id, order, limits }) {
  const failed = [];
  for (const name of order) {
    const { all } = await runSuite(name, await runnerConfig(id, limits));
    for (const t of all) if (t.status === "Failure") failed.push(`${name}.${t.name.replace(/\(.*/, "")}`);
  }
  return { failed };
}

const operations = { parse, build, test, failures, suites: () => ({ suites: [...suites.keys()].sort() }) };

function answer(value) {
  let rest = Buffer.from(`${JSON.stringify(value)}\n`);
  while (rest.length > 0) {
    try {
      rest = rest.subarray(writeSync(1, rest));
    } catch (error) {
      // writeSync may find the pipe full.
      if (error.code !== "EAGAIN") throw error;
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 5);
    }
  }
}

for await (const line of createInterface({ input: process.stdin })) {
  const { op, ...request } = JSON.parse(line);
  try {
    answer(await operations[op](request));
  } catch (error) {
    answer({ failure: String(error?.stack ?? error) });
  }
}
process.exit(0);
