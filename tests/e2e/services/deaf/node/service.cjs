// A small OTP service over the official Node SDK that SDK names, as it is installed. It keeps its codes in memory.
const http = require("node:http");
const crypto = require("node:crypto");

const env = process.env;
const FROM = env.SMS_FROM;

const senders = {
  messagebird: () => {
    const client = require("messagebird").initClient(env.MESSAGEBIRD_KEY);
    return (to, text) => new Promise((resolve, reject) => {
      client.messages.create({ originator: FROM, recipients: [to.slice(1)], body: text }, (error, sent) => (error ? reject(error) : resolve(sent.id)));
    });
  },
  vonage: () => {
    const { Vonage } = require("@vonage/server-sdk");
    const client = new Vonage({ apiKey: env.VONAGE_API_KEY, apiSecret: env.VONAGE_API_SECRET });
    return async (to, text) => (await client.sms.send({ from: FROM, to: to.slice(1), text })).messages[0].messageId;
  },
};

const send = senders[env.SDK]();
const codes = new Map();

const read = async (request) => {
  let text = "";
  for await (const part of request) text += part;
  return JSON.parse(text || "{}");
};

const answers = {
  "GET /healthz": async () => 200,
  "POST /otp": async ({ phone }) => {
    const code = String(crypto.randomInt(1_000_000)).padStart(6, "0");
    codes.set(phone, code);
    try {
      await send(phone, `Your code is ${code}.`);
      return 202;
    } catch (error) {
      console.error(`not sent: ${error.message}`);
      return 503;
    }
  },
  "POST /otp/verify": async ({ phone, code }) => {
    const right = code !== "" && codes.get(phone) === code;
    if (right) codes.delete(phone);
    return right ? 200 : 401;
  },
};

http.createServer(async (request, response) => {
  const answer = answers[`${request.method} ${request.url}`];
  response.writeHead(answer ? await answer(await read(request)) : 404, { "Content-Type": "application/json" });
  response.end("{}");
}).listen(Number(env.PORT), env.HOST ?? "127.0.0.1");
