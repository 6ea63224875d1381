// Runs one call of the official Node SDK as the JSON on stdin says, and prints what came of it as JSON.
import { readFileSync } from "node:fs";
import { Vonage } from "@vonage/server-sdk";
import { SMS } from "@vonage/messages";
import { verifySignature } from "@vonage/jwt";

const order = JSON.parse(readFileSync(0, "utf8"));
const hosts = order.base ? { restHost: order.base, apiHost: order.base } : {};
const vonage = new Vonage(order.auth ?? { apiKey: "a1b2c3d4", apiSecret: "x" }, hosts);

const calls = {
  sms: (fields) => vonage.sms.send(fields),
  messages: (fields) => vonage.messages.send(new SMS(fields)),
  balance: () => vonage.accounts.getBalance(),
  numbers: () => vonage.numbers.getOwnedNumbers(),
  start: (fields) => vonage.verify2.newRequest(fields),
  check: ({ id, code }) => vonage.verify2.checkCode(id, code),
  next: ({ id }) => vonage.verify2.nextWorkflow(id),
  cancel: ({ id }) => vonage.verify2.cancel(id),
  verify: ({ token, secret }) => verifySignature(token, secret),
};

let result;
try {
  result = { value: await calls[order.call](order.fields ?? {}) };
} catch (error) {
  result = { error: error.constructor.name, message: error.message, status: error.response?.status ?? null };
}
console.log(JSON.stringify(result, (key, value) => (typeof value === "bigint" ? String(value) : value)));
