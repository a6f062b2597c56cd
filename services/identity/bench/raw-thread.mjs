// The raw primitives of Node on one thread: parse, verify the chain, verify the message, keys imported before.
import { createPublicKey, verify, X509Certificate } from 'node:crypto';
import { parentPort, workerData } from 'node:worker_threads';

const { authority, key, message, signature, certificates } = workerData;
const authorityKey = new X509Certificate(authority).publicKey;
const messageKey = createPublicKey({ key, format: 'der', type: 'spki' });

parentPort.on('message', () => {
  let held = 0;
  for (const der of certificates) {
    if (new X509Certificate(der).verify(authorityKey) && verify('sha256', message, messageKey, signature)) held += 1;
  }
  parentPort.postMessage(held);
});
