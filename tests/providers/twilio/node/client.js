// The official Node SDK, unmodified, at production host names: where it really goes is decided by its environment.
const twilio = require("twilio");

const { account, token, to, from, pool, service } = JSON.parse(process.argv[3] || "{}");
const client = () => twilio(account, token);
const good = () => ({ to, from, body: "Your code is 123456" });

const shown = (message) => ({
  sid: message.sid, status: message.status, from: message.from, body: message.body, numSegments: message.numSegments,
  errorCode: message.errorCode, created: message.dateCreated && message.dateCreated.toISOString(),
  sent: message.dateSent,
});

const steps = {
  async send() {
    return shown(await client().messages.create(good()));
  },
  async fetch() {
    const sent = await client().messages.create(good());
    return { sent: sent.sid, fetched: shown(await client().messages(sent.sid).fetch()) };
  },
  async pages() {
    const sids = [];
    for (let count = 0; count < 5; count += 1) sids.push((await client().messages.create(good())).sid);
    const found = await client().messages.list({ pageSize: 2 });
    return { sent: sids.reverse(), found: found.map((message) => message.sid) };
  },
  async cancel() {
    const later = new Date(Date.now() + 3600_000);
    const sent = await client().messages.create(
      { to, messagingServiceSid: pool, body: "Your code is 123456", scheduleType: "fixed", sendAt: later });
    return { before: sent.status, after: (await client().messages(sent.sid).update({ status: "canceled" })).status };
  },
  async redact() {
    const sent = await client().messages.create(good());
    return shown(await client().messages(sent.sid).update({ body: "" }));
  },
  async services() {
    return (await client().messaging.v1.services.list({ pageSize: 1 })).map((service) => service.sid);
  },
  async start() {
    const started = await client().verify.v2.services(service).verifications.create({ to, channel: "sms" });
    return { sid: started.sid, status: started.status, valid: started.valid, sends: started.sendCodeAttempts.length };
  },
  async check() {
    const { code } = JSON.parse(process.argv[4]);
    const checked = await client().verify.v2.services(service).verificationChecks.create({ to, code });
    return { status: checked.status, valid: checked.valid };
  },
  async cancelVerification() {
    const started = await client().verify.v2.services(service).verifications.create({ to, channel: "sms" });
    const ended = await client().verify.v2.services(service).verifications(started.sid).update({ status: "canceled" });
    return { before: started.status, after: ended.status };
  },
  async verifyService() {
    const found = await client().verify.v2.services(service).fetch();
    const every = await client().verify.v2.services.list({ pageSize: 1 });
    return { sid: found.sid, codeLength: found.codeLength, every: every.map((one) => one.sid) };
  },
  async validate() {
    const { signature, url, params } = JSON.parse(process.argv[4]);
    return { valid: twilio.validateRequest(token, signature, url, params) };
  },
};

steps[process.argv[2]]().then(
  (result) => console.log(JSON.stringify({ result })),
  (error) => console.log(JSON.stringify({
    error: { name: error.constructor.name, status: error.status, code: error.code, moreInfo: error.moreInfo, message: error.message },
  })),
);
