// Runs calls of the official Node SDK as the JSON on stdin says, one after another, and prints what came of each as JSON.
const { readFileSync } = require("node:fs");
const { SinchClient } = require("@sinch/sdk-core");

const CALLS = {
  send: (client, order) => client.sms.batches.send({ sendSMSRequestBody: order.body }),
  dry: (client, order) => client.sms.batches.dryRun({ dryRunRequestBody: order.body, per_recipient: true }),
  report: (client, order) => client.sms.deliveryReports.get({ batch_id: order.id, type: "full" }),
  numbers: (client, order) => client.numbers.list(order.query),
  start: (client, order) => client.verification.verifications.startSms({ startVerificationWithSmsRequestBody: order.body }),
  check: (client, order) => client.verification.verifications.reportSmsById({ id: order.id, reportSmsVerificationByIdRequestBody: { sms: { code: order.code } } }),
  status: (client, order) => client.verification.verificationStatus.getById({ id: order.id }),
  callback: async (client, order) => {
    const { VerificationCallbackWebhooks } = require("@sinch/sdk-core");
    return new VerificationCallbackWebhooks(order.options).validateAuthenticationHeader(order.headers, order.body, order.path, "POST");
  },
  signature: async (client, order) => {
    const { SmsCallbackWebhooks } = require("@sinch/sdk-core");
    return new SmsCallbackWebhooks(order.secret).validateAuthenticationHeader(order.headers, order.body);
  },
};

const run = async (order) => {
  try {
    return { value: await CALLS[order.call](new SinchClient(order.options ?? {}), order) };
  } catch (error) {
    return { error: String(error.message ?? error), status: error.statusCode ?? null, data: error.data ?? null };
  }
};

(async () => {
  const results = [];
  for (const order of JSON.parse(readFileSync(0, "utf8"))) results.push(await run(order));
  process.stdout.write(`\n${JSON.stringify(results)}\n`, () => process.exit(0));
})();
