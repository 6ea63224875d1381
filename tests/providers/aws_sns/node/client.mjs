// Runs one call of an official Node package as the JSON on stdin says, and prints what came of it as JSON.
import { readFileSync } from "node:fs";
import https from "node:https";
import { Readable } from "node:stream";
import { SNSClient, PublishCommand, GetSMSAttributesCommand, ListOriginationNumbersCommand } from "@aws-sdk/client-sns";
import { PinpointSMSVoiceV2Client, SendTextMessageCommand, DescribePhoneNumbersCommand } from "@aws-sdk/client-pinpoint-sms-voice-v2";
import MessageValidator from "sns-validator";

const order = JSON.parse(readFileSync(0, "utf8"));
const config = { region: "us-east-1", maxAttempts: 1, endpoint: order.base, credentials: order.auth };

// sns-validator fetches the certificate itself; it is answered from what the fake serves, the check is its own.
function validate({ message, certificate }) {
  https.get = (options, callback) => {
    callback(Object.assign(Readable.from([certificate]), { statusCode: 200 }));
    return { on() { return this; } };
  };
  return new Promise((resolve, reject) =>
    new MessageValidator(undefined, "utf8").validate(message, (error, found) => (error ? reject(error) : resolve(found.Type))));
}

const calls = {
  publish: (fields) => new SNSClient(config).send(new PublishCommand(fields)),
  attributes: (fields) => new SNSClient(config).send(new GetSMSAttributesCommand(fields)),
  origins: (fields) => new SNSClient(config).send(new ListOriginationNumbersCommand(fields)),
  text: (fields) => new PinpointSMSVoiceV2Client(config).send(new SendTextMessageCommand(fields)),
  numbers: (fields) => new PinpointSMSVoiceV2Client(config).send(new DescribePhoneNumbersCommand(fields)),
  validate,
};

let result;
try {
  result = { value: await calls[order.call](order.fields ?? {}) };
} catch (error) {
  result = { error: error.name, message: error.message, status: error.$metadata?.httpStatusCode ?? null, reason: error.Reason ?? null };
}
console.log(JSON.stringify(result));
