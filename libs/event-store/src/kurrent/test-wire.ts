import { createRequire } from 'node:module';
import type { KurrentEventData, KurrentState } from './client.js';
import { CommandError, type TestServer } from './test-server.js';

// biome-ignore lint/suspicious/noExplicitAny: the vendor's generated messages, which are not there where the package is not installed
type Generated = any;

const NO_POSITION = '18446744073709551615';

/**
 * The simulated server behind the vendor's own protocol, on loopback, so that the vendor's client talks to it: shows that events,
 * metadata, states, positions and conflicts survive that client and its native part. Undefined where the client is not installed.
 */
export async function startWire(server: TestServer): Promise<{ url: string; close(): void } | undefined> {
  const load = loader();
  if (!load) return undefined;
  const grpc = load('@grpc/grpc-js');
  const wire = new grpc.Server();
  const streams = { append: unimplemented, delete: unimplemented, tombstone: unimplemented };
  const generated = (path: string) => load(`@kurrent/kurrentdb-client/generated/kurrentdb/protocols/${path}`);
  const v2 = generated('v2/streams/streams_grpc_pb').StreamsServiceService;
  wire.addService(generated('v1/streams_grpc_pb').StreamsService, {
    ...streams,
    read: (call: Generated) => read(call, server, generated),
    batchAppend: (call: Generated) => batchAppend(call, server, generated, load),
  });
  wire.addService(v2, {
    appendRecords: unimplemented,
    appendSession: (call: Generated, answer: Generated) => appendSession(call, answer, server, generated, load),
  });
  wire.addService(generated('v1/serverfeatures_grpc_pb').ServerFeaturesService, {
    getSupportedMethods: (_: Generated, answer: Generated) => answer(null, features(server, generated, v2)),
  });
  const port = await new Promise<number>((resolve, reject) => {
    const credentials = grpc.ServerCredentials.createInsecure();
    wire.bindAsync('127.0.0.1:0', credentials, (error: Error | null, bound: number) =>
      error ? reject(error) : resolve(bound),
    );
  });
  return { url: `kurrentdb://127.0.0.1:${port}?tls=false`, close: () => wire.forceShutdown() };
}

/** Loads what the vendor's client is made of and depends on. */
function loader(): ((name: string) => Generated) | undefined {
  const own = createRequire(import.meta.url);
  try {
    const inside = createRequire(own.resolve('@kurrent/kurrentdb-client'));
    return (name) => (name.startsWith('@kurrent/') ? own(name) : inside(name));
  } catch {
    return undefined;
  }
}

function unimplemented(_: Generated, answer: Generated): void {
  answer({ code: 12 });
}

function features(server: TestServer, generated: Generated, v2: Generated): Generated {
  const { SupportedMethod, SupportedMethods } = generated('v1/serverfeatures_pb');
  const methods = new SupportedMethods();
  methods.setEventStoreServerVersion(server.serverVersion);
  const add = (service: string, name: string) => {
    const method = new SupportedMethod();
    method.setServiceName(service);
    method.setMethodName(name);
    methods.addMethods(method);
  };
  for (const name of ['append', 'batchappend', 'read']) add('event_store.client.streams.streams', name);
  if (server.serverVersion >= '25.1') add(v2.appendSession.path.split('/')[1], 'appendsession');
  return methods;
}

function read(call: Generated, server: TestServer, generated: Generated): void {
  const { ReadResp } = generated('v1/streams_pb');
  const options = call.request.getOptions();
  const count = Number(options.getCount());
  if (options.hasStream()) {
    const identifier = options.getStream().getStreamIdentifier();
    const events = server.all.filter(({ streamId }) => streamId === nameIn(identifier));
    if (events.length === 0) {
      const missing = new ReadResp.StreamNotFound();
      missing.setStreamIdentifier(identifier);
      const answer = new ReadResp();
      answer.setStreamNotFound(missing);
      call.write(answer);
    }
    for (const event of events.slice(0, count)) call.write(readEvent(event, false, generated));
  } else {
    const all = options.getAll();
    const from = all.hasPosition() ? BigInt(all.getPosition().getPreparePosition()) : 0n;
    const prefixes: string[] = options.getFilter().getStreamIdentifier().getPrefixList();
    const found = server.all.filter(
      ({ position, streamId }) => position.prepare >= from && prefixes.some((prefix) => streamId.startsWith(prefix)),
    );
    for (const event of found.slice(0, count)) call.write(readEvent(event, true, generated));
  }
  call.end();
}

function readEvent(event: TestServer['all'][number], withPosition: boolean, generated: Generated): Generated {
  const { ReadResp } = generated('v1/streams_pb');
  const { Empty, StreamIdentifier, UUID } = generated('v1/shared_pb');
  const record = new ReadResp.ReadEvent.RecordedEvent();
  const structured = new UUID.Structured();
  const bits = Buffer.from(event.id.replaceAll('-', ''), 'hex');
  structured.setMostSignificantBits(bits.readBigInt64BE(0).toString());
  structured.setLeastSignificantBits(bits.readBigInt64BE(8).toString());
  const id = new UUID();
  id.setStructured(structured);
  const stream = new StreamIdentifier();
  stream.setStreamName(Buffer.from(event.streamId).toString('base64'));
  record.setId(id);
  record.setStreamIdentifier(stream);
  record.setStreamRevision(String(event.revision));
  record.setCommitPosition(withPosition ? String(event.position.commit) : NO_POSITION);
  record.setPreparePosition(withPosition ? String(event.position.prepare) : NO_POSITION);
  record.getMetadataMap().set('type', event.type).set('content-type', 'application/json').set('created', '0');
  record.setData(new Uint8Array(Buffer.from(JSON.stringify(event.data))));
  record.setCustomMetadata(new Uint8Array(Buffer.from(JSON.stringify(event.metadata))));
  const wrapped = new ReadResp.ReadEvent();
  wrapped.setEvent(record);
  if (withPosition) wrapped.setCommitPosition(String(event.position.commit));
  else wrapped.setNoPosition(new Empty());
  const answer = new ReadResp();
  answer.setEvent(wrapped);
  return answer;
}

function batchAppend(call: Generated, server: TestServer, generated: Generated, load: Generated): void {
  const { BatchAppendResp } = generated('v1/streams_pb');
  const { WrongExpectedVersion } = generated('v1/shared_pb');
  const { Status } = generated('v1/status_pb');
  const parts = new Map<string, { options: Generated; events: KurrentEventData[] }>();
  call.on('data', async (message: Generated) => {
    const key = message.getCorrelationId().getString() || JSON.stringify(message.getCorrelationId().toObject());
    const part = parts.get(key) ?? { options: message.getOptions(), events: [] };
    parts.set(key, part);
    for (const proposed of message.getProposedMessagesList()) {
      part.events.push({
        id: proposed.getId().getString(),
        type: proposed.getMetadataMap().get('type'),
        contentType: 'application/json',
        data: JSON.parse(Buffer.from(proposed.getData_asU8()).toString('utf8')),
        metadata: JSON.parse(Buffer.from(proposed.getCustomMetadata_asU8()).toString('utf8')),
      });
    }
    if (!message.getIsFinal()) return;
    parts.delete(key);
    const { options, events } = part;
    const streamState: KurrentState = options.hasNoStream() ? 'no_stream' : BigInt(options.getStreamPosition());
    const answer = new BatchAppendResp();
    answer.setCorrelationId(message.getCorrelationId());
    answer.setStreamIdentifier(options.getStreamIdentifier());
    try {
      await server.client().appendToStream(nameIn(options.getStreamIdentifier()), events, { streamState });
      answer.setSuccess(new BatchAppendResp.Success());
    } catch (error) {
      const packed = pack(load, new WrongExpectedVersion(), 'event_store.client.WrongExpectedVersion');
      answer.setError(statusOf(error, new Status(), packed));
    }
    call.write(answer);
  });
  call.on('end', () => call.end());
}

function appendSession(
  call: Generated,
  answer: Generated,
  server: TestServer,
  generated: Generated,
  load: Generated,
): void {
  const { AppendSessionResponse } = generated('v2/streams/streams_pb');
  const { StreamRevisionConflictErrorDetails } = generated('v2/streams/errors_pb');
  const { Status } = generated('v1/status_pb');
  const requests: { streamName: string; expectedState: KurrentState; events: KurrentEventData[] }[] = [];
  call.on('data', (message: Generated) => {
    const expected = BigInt(message.getExpectedRevision());
    const events = message.getRecordsList().map((record: Generated) => ({
      id: record.getRecordId(),
      type: record.getSchema().getName(),
      contentType: 'application/json',
      data: JSON.parse(Buffer.from(record.getData_asU8()).toString('utf8')),
      metadata: Object.fromEntries(
        [...record.getPropertiesMap().entries()].map(([name, value]: Generated) => [name, value.toJavaScript()]),
      ),
    }));
    requests.push({ streamName: message.getStream(), expectedState: expected < 0n ? 'no_stream' : expected, events });
  });
  call.on('end', async () => {
    try {
      await server.client().multiStreamAppend(requests);
      answer(null, new AppendSessionResponse());
    } catch (error) {
      const details = new StreamRevisionConflictErrorDetails();
      const packed = pack(load, details, 'kurrentdb.protocol.v2.streams.errors.StreamRevisionConflictErrorDetails');
      const metadata = new (load('@grpc/grpc-js').Metadata)();
      const status = statusOf(error, new Status(), packed);
      metadata.set('grpc-status-details-bin', Buffer.from(status.serializeBinary()));
      answer({ code: 9, details: 'conflict', metadata });
    }
  });
}

function statusOf(error: unknown, status: Generated, details: Generated): Generated {
  if (!(error instanceof CommandError) || error.type !== 'wrong-expected-version') throw error;
  status.setCode(9);
  status.setMessage(error.message);
  status.setDetails(details);
  return status;
}

function pack(load: Generated, message: Generated, type: string): Generated {
  const any = new (load('google-protobuf/google/protobuf/any_pb').Any)();
  any.pack(message.serializeBinary(), type);
  return any;
}

function nameIn(identifier: Generated): string {
  return Buffer.from(identifier.getStreamName_asU8()).toString('utf8');
}
