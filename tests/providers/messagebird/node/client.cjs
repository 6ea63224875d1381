// Runs calls of the official Node SDK as the JSON on stdin says, one after another, and prints what came of each as JSON.
const { readFileSync } = require("node:fs");
const { createSecretKey } = require("node:crypto");
const { initClient } = require("messagebird");
const { verify, ExpressMiddlewareVerify } = require("messagebird/lib/webhook-signature-jwt");

const orders = JSON.parse(readFileSync(0, "utf8"));
const late = [];
process.on("unhandledRejection", (error) => late.push(error.message));

const asPromise = (call) => new Promise((resolve, reject) => call((error, value) => (error ? reject(error) : resolve(value))));
const calls = {
  send: (client, fields) => asPromise((done) => client.messages.create(fields, done)),
  read: (client, { id }) => asPromise((done) => client.messages.read(id, done)),
  balance: (client) => asPromise((done) => client.balance.read(done)),
  verifyCreate: (client, { recipient, ...fields }) => asPromise((done) => client.verify.create(recipient, fields, done)),
  verifyCheck: (client, { id, token }) => asPromise((done) => client.verify.verify(id, token, done)),
  signature: (_, { url, token, secret }) => verify(url, Buffer.alloc(0), token, createSecretKey(Buffer.from(secret))),
  middleware: (_, { url, token, secret }) => new Promise((resolve) => {
    const { protocol, hostname, pathname, search } = new URL(url);
    const request = { protocol: protocol.slice(0, -1), hostname, originalUrl: pathname + search, headers: { "messagebird-signature-jwt": token } };
    ExpressMiddlewareVerify(secret)(request, {}, (error) => setTimeout(() => resolve({ passed: !error, late: [...late] }), 50));
  }),
};

(async () => {
  const results = [];
  for (const { call, fields, key } of orders) {
    try {
      results.push({ value: await calls[call](initClient(key ?? "x"), fields ?? {}) });
    } catch (error) {
      results.push({ error: error.message, status: error.statusCode ?? null, errors: error.errors ?? null });
    }
  }
  console.log(JSON.stringify(results));
})();
