// A broker that listens is not ready yet: its group coordinator loads for a few seconds more, and consumers that join
// before meet errors. Two requests of Kafka's own protocol, written by hand, tell when it is.
// Source: https://kafka.apache.org/protocol, FindCoordinator v0 (key 10) and DescribeGroups v0 (key 15).
import { connect } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';

const findCoordinator = 10;
const describeGroups = 15;
const answerTimeoutMs = 2000;
const pauseMs = 100;
const group = 'readiness';

/**
 * Resolves when the broker's group coordinator answers; rejects when `deadline` (ms since 1970) has passed.
 * @param {number} port
 * @param {number} deadline
 * @param {() => boolean} isAlive whether the broker's process still runs
 */
export async function waitUntilReady(port, deadline, isAlive) {
  let last = 'it does not listen';
  while (Date.now() < deadline && isAlive()) {
    try {
      const found = await request(port, findCoordinator, text(group));
      const described =
        found.readInt16BE(4) === 0 && (await request(port, describeGroups, Buffer.concat([int32(1), text(group)])));
      // The first group's error code lies behind the correlation id and the length of the array.
      const code = described ? described.readInt16BE(8) : found.readInt16BE(4);
      if (code === 0) return;
      last = `its group coordinator answers with error ${code}`;
    } catch (error) {
      last = error.message;
    }
    await pause(pauseMs);
  }
  throw new Error(isAlive() ? `Kafka was not ready in time: ${last}` : 'Kafka ended while it was starting');
}

/** One request on a connection of its own; the answer without its length, beginning with the correlation id. */
function request(port, apiKey, body) {
  const header = Buffer.concat([int16(apiKey), int16(0), int32(1), text('readiness')]);
  return new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1');
    let received = Buffer.alloc(0);
    socket.setTimeout(answerTimeoutMs, () => socket.destroy(new Error('it does not answer')));
    socket.once('error', reject);
    socket.once('close', () => reject(new Error('it closed the connection')));
    socket.once('connect', () => socket.write(Buffer.concat([int32(header.length + body.length), header, body])));
    socket.on('data', (chunk) => {
      received = Buffer.concat([received, chunk]);
      if (received.length < 4 || received.length < 4 + received.readInt32BE(0)) return;
      resolve(received.subarray(4));
      socket.destroy();
    });
  });
}

function int16(value) {
  const bytes = Buffer.alloc(2);
  bytes.writeInt16BE(value);
  return bytes;
}

function int32(value) {
  const bytes = Buffer.alloc(4);
  bytes.writeInt32BE(value);
  return bytes;
}

function text(value) {
  return Buffer.concat([int16(Buffer.byteLength(value)), Buffer.from(value)]);
}
