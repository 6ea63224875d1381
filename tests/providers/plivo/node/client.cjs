// Runs calls of the official Node SDK as the JSON on stdin says, one after another, and prints what came of each as JSON.
const { readFileSync } = require("node:fs");
const plivo = require("plivo");

const orders = JSON.parse(readFileSync(0, "utf8"));
const calls = {
  send: (client, fields) => client.messages.create(fields),
  read: (client, { id }) => client.messages.get(id),
  account: (client) => client.accounts.get(),
  numbers: async (client) => [...(await client.numbers.list())],
  session: (client, fields) => client.verify_session.create(fields),
  validate: (client, { id, otp }) => client.verify_session.validate({ id, otp }),
  signature: (_, { url, nonce, signature, token }) => plivo.validateSignature(url, nonce, signature, token),
};

const plain = (value) => JSON.parse(JSON.stringify(value, (key, inner) => (key.startsWith("_") || typeof inner === "function" ? undefined : inner)));

(async () => {
  const results = [];
  for (const { call, fields, id, token } of orders) {
    try {
      const client = id ? new plivo.Client(id, token) : null;
      results.push({ value: plain((await calls[call](client, fields ?? {})) ?? null) });
    } catch (error) {
      results.push({ error: error.message });
    }
  }
  console.log(JSON.stringify(results));
})();
