// See scripts/solc-node. CommonJS: the package `solc` is.
const { readFileSync, writeSync } = require("node:fs");
const solc = require("solc");

function write(text) {
  // writeSync may take a part only when standard output is a pipe, and answers EAGAIN while the pipe is full.
  let rest = Buffer.from(text);
  while (rest.length > 0) {
    try {
      rest = rest.subarray(writeSync(1, rest));
    } catch (error) {
      if (error.code !== "EAGAIN") throw error;
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 5);
    }
  }
}

const known = ["--version", "--standard-json"];
// py-solc-x adds `-` (standard input) and path options, which no import of ours needs: every source is in the JSON.
const options = process.argv.slice(2).filter((option) => known.includes(option));
if (options.length !== 1) {
  process.stderr.write(`usage: solc-node --version | --standard-json < INPUT\n`);
  process.exit(1);
} else if (options[0] === "--version") {
  write(`solc, the solidity compiler commandline interface\nVersion: ${solc.version()}\n`);
} else {
  write(solc.compile(readFileSync(0, "utf8")) + "\n");
}
