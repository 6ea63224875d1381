// Runs calls of the official Node SDK as the JSON on stdin says, one after another, and prints what came of each as JSON.
const { readFileSync } = require("node:fs");
const africastalking = require("africastalking");

const orders = JSON.parse(readFileSync(0, "utf8"));
const clients = {};
const client = (username, apiKey) => (clients[username + apiKey] ??= africastalking({ username, apiKey }));
const calls = {
  send: (at, fields) => at.SMS.send(fields),
  inbox: (at) => at.SMS.fetchMessages({ lastReceivedId: 0 }),
  user: (at) => at.APPLICATION.fetchApplicationData(),
};

(async () => {
  const results = [];
  for (const { call, fields, username, key } of orders) {
    try {
      results.push({ value: await calls[call](client(username, key), fields) });
    } catch (error) {
      results.push({ error: String(error.message ?? error), status: error.response?.status ?? null, data: error.response?.data ?? null });
    }
  }
  console.log(JSON.stringify(results));
})();
