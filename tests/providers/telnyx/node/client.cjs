// Runs calls of the official Node SDK as the JSON on stdin says, one after another, and prints what came of each as JSON.
const { readFileSync } = require("node:fs");
const { Telnyx } = require("telnyx");

const orders = JSON.parse(readFileSync(0, "utf8"));
const calls = {
  send: (client, fields) => client.messages.send(fields),
  read: (client, { id }) => client.messages.retrieve(id),
  balance: (client) => client.balance.retrieve(),
  verifySend: (client, fields) => client.verifications.triggerSMS(fields),
  verifyCheck: (client, { number, ...fields }) => client.verifications.byPhoneNumber.actions.verify(number, fields),
  unwrap: (client, { body, headers }) => client.webhooks.unwrap(body, { headers }),
};

(async () => {
  const results = [];
  for (const { call, fields, key, base, publicKey, retries } of orders) {
    const client = new Telnyx({ apiKey: key ?? "KEY", baseURL: base, publicKey, maxRetries: retries ?? 0 });
    try {
      results.push({ value: await calls[call](client, fields ?? {}) });
    } catch (error) {
      results.push({ kind: error.constructor.name, status: error.status ?? null, codes: error.error?.errors?.map((one) => one.code) ?? null, message: error.message });
    }
  }
  console.log(JSON.stringify(results));
})();
