// Lines for `dayfly import`, as `scripts/bench store` measures it: page views of 30 days.
//
//   events.mjs <lines>

const lines = Number(process.argv[2]);
let state = 1;
const random = () => {
  state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
  return state / 2 ** 32;
};
const begin = Date.parse("2026-10-01T00:00:00Z");
const step = (30 * 86_400_000) / lines;
let out = [];
for (let n = 0; n < lines; n += 1) {
  const page = Math.floor(501 ** random());
  const source =
    random() < 0.45
      ? ""
      : `https://site-${Math.floor(41 ** random())}.example/`;
  out.push(
    JSON.stringify({
      name: "pageview",
      url: `https://www.example.com/p/${page}`,
      referrer: source,
      time: new Date(begin + n * step).toISOString(),
      ip: `24.${n & 7}.${(n >> 3) & 255}.${(n >> 11) & 255}`,
      user_agent:
        "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36",
    }),
  );
  if (out.length === 10_000) {
    process.stdout.write(`${out.join("\n")}\n`);
    out = [];
  }
}
if (out.length) process.stdout.write(`${out.join("\n")}\n`);
