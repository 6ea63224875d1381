// Runs sends of the official Node SDK as the JSON on stdin says, one after another, and prints what came of each as JSON.
const { readFileSync } = require("node:fs");
const { SmsClient } = require("@azure/communication-sms");

const run = async ({ connection, options, from, to, message, send }) => {
  try {
    const client = new SmsClient(connection, options);
    return { items: await client.send({ from, to, message }, send), error: null };
  } catch (error) {
    return { items: null, error: { name: error.name, code: error.code ?? null, status: error.statusCode ?? null, message: String(error.message) } };
  }
};

(async () => {
  const results = [];
  for (const order of JSON.parse(readFileSync(0, "utf8"))) results.push(await run(order));
  process.stdout.write(`${JSON.stringify(results)}\n`, () => process.exit(0));
})();
