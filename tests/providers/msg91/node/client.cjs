// Runs calls of the official Node SDK as the JSON on stdin says, one after another, and prints what came of each as JSON.
const { readFileSync } = require("node:fs");
const msg91 = require("msg91").default;

const orders = JSON.parse(readFileSync(0, "utf8"));
msg91.initialize({ authKey: "none" });
const calls = {
  flow: ({ flow, recipient, options }, key) => msg91.getSMS({ authKey: key }).send(flow, recipient, options),
  otp: ({ template, mobile, options }, key) => msg91.getOTP(template, { authKey: key, length: 6 }).send(mobile, options),
  retry: ({ template, mobile }, key) => msg91.getOTP(template, { authKey: key }).retry(mobile),
  verify: ({ template, mobile, otp }, key) => msg91.getOTP(template, { authKey: key }).verify(mobile, otp),
};

(async () => {
  const results = [];
  for (const { call, fields, key } of orders) {
    try {
      results.push({ value: (await calls[call](fields, key)) ?? null });
    } catch (error) {
      results.push({ error: error.message, keys: Object.keys(error) });
    }
  }
  console.log(JSON.stringify(results));
})();
