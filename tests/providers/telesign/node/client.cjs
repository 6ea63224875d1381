// Runs calls of the official Node SDK as the JSON on stdin says, one after another, and prints what came of each as JSON.
const { readFileSync } = require("node:fs");
const TeleSignSDK = require("telesignsdk");

const orders = JSON.parse(readFileSync(0, "utf8"));
const run = ({ call, endpoint, id, key, arguments: given }) => new Promise((resolve) => {
  const client = new TeleSignSDK(id, key, endpoint);
  client.sms[call]((error, body) => resolve({ error: error ? String(error.message ?? error) : null, body: body ?? null }), ...given);
});

(async () => {
  const results = [];
  for (const order of orders) results.push(await run(order));
  process.stdout.write(`${JSON.stringify(results)}\n`, () => process.exit(0)); // the SDK's timers would keep it alive
})();
