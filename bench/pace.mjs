// How fast the processor is at the moment: the milliseconds that a fixed piece of work takes on one core,
// the least of five. It has nothing of Dayfly, and nothing of what files and the kernel add.

import { createHash } from "node:crypto";

const bytes = Buffer.alloc(32 * 1024 * 1024, 7);

/** Hashing and sorting. */
const work = () => {
  createHash("sha256").update(bytes).digest();
  const numbers = new Float64Array(1_000_000);
  let state = 1;
  for (let at = 0; at < numbers.length; at++) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    numbers[at] = state;
  }
  numbers.sort();
};

let least = Infinity;
for (let round = 0; round < 5; round++) {
  const began = performance.now();
  work();
  least = Math.min(least, performance.now() - began);
}
console.log(Math.round(least));
