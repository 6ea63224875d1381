// Runs calls of the official Node SDK as the JSON on stdin says, one after another, and prints what came of each as JSON.
const { readFileSync } = require("node:fs");
const { Infobip, AuthType } = require("@infobip-api/sdk");

const orders = JSON.parse(readFileSync(0, "utf8"));

(async () => {
  const results = [];
  for (const { call, fields, key, base } of orders) {
    const client = new Infobip({ baseUrl: base, apiKey: key, authType: AuthType.ApiKey });
    const calls = { send: () => client.channels.sms.send(fields), logs: () => client.channels.sms.logs.get(fields) };
    try {
      const answer = await calls[call]();
      results.push({ status: answer.status ?? null, data: answer.data ?? null, returned: answer.constructor.name, message: answer.message ?? null,
        response: answer.response ? { status: answer.response.status, data: answer.response.data } : null });
    } catch (error) {
      results.push({ thrown: error.message });
    }
  }
  console.log(JSON.stringify(results));
})();
