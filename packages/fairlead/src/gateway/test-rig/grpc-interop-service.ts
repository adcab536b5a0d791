import {
  Metadata,
  type MethodDefinition,
  type ServerDuplexStream,
  type ServerReadableStream,
  type ServerUnaryCall,
  type ServerWritableStream,
  type sendUnaryData,
  type UntypedServiceImplementation,
} from '@grpc/grpc-js';

/** Messages are bytes as they are. */
export const same = (bytes: Buffer): Buffer => bytes;
const method = (name: string, requestStream: boolean, responseStream: boolean): MethodDefinition<Buffer, Buffer> => ({
  path: `/test.Interop/${name}`,
  requestStream,
  responseStream,
  requestSerialize: same,
  requestDeserialize: same,
  responseSerialize: same,
  responseDeserialize: same,
});

/** The methods that the cases of gRPC's interoperability tests need, with bytes for messages. */
export const SERVICE: Readonly<
  Record<'unary' | 'fails' | 'hangs' | 'collect' | 'scatter' | 'pingPong', MethodDefinition<Buffer, Buffer>>
> = {
  unary: method('unary', false, false),
  fails: method('fails', false, false),
  hangs: method('hangs', false, false),
  collect: method('collect', true, false),
  scatter: method('scatter', false, true),
  pingPong: method('pingPong', true, true),
};

/** What the server saw. */
export const seen: {
  hanging: PromiseWithResolvers<void>;
  cancelled: PromiseWithResolvers<void>;
  readonly deadlines: number[];
  metadata: Metadata;
} = {
  hanging: Promise.withResolvers<void>(),
  cancelled: Promise.withResolvers<void>(),
  deadlines: [],
  metadata: new Metadata(),
};
/** What the methods do. */
export const METHODS: UntypedServiceImplementation = {
  unary(call: ServerUnaryCall<Buffer, Buffer>, done: sendUnaryData<Buffer>) {
    seen.metadata = call.metadata;
    const initial = new Metadata();
    for (const value of call.metadata.get('x-echo-initial')) initial.add('x-echo-initial', value);
    if (call.metadata.get('x-echo-initial').length > 0) call.sendMetadata(initial);
    const trailing = new Metadata();
    for (const value of call.metadata.get('x-echo-trailing-bin')) trailing.add('x-echo-trailing-bin', value);
    done(null, call.request, trailing);
  },
  fails(call: ServerUnaryCall<Buffer, Buffer>, done: sendUnaryData<Buffer>) {
    done({ code: call.request[0]!, details: 'as asked: é, 100 %' });
  },
  hangs(call: ServerUnaryCall<Buffer, Buffer>) {
    const deadline = call.getDeadline();
    seen.deadlines.push(deadline instanceof Date ? deadline.getTime() : deadline);
    call.on('cancelled', () => seen.cancelled.resolve());
    seen.hanging.resolve();
  },
  collect(call: ServerReadableStream<Buffer, Buffer>, done: sendUnaryData<Buffer>) {
    const parts: Buffer[] = [];
    call.on('data', (part: Buffer) => parts.push(part));
    call.on('end', () => done(null, Buffer.concat(parts)));
  },
  scatter(call: ServerWritableStream<Buffer, Buffer>) {
    for (const size of call.request) call.write(Buffer.alloc(size * 1000, size));
    call.end();
  },
  pingPong(call: ServerDuplexStream<Buffer, Buffer>) {
    call.on('data', (ping: Buffer) => call.write(ping));
    call.on('end', () => call.end());
  },
};

/** Cases of gRPC's list (doc/interop-test-descriptions.md) that are about a connection between a client and a server. */
export const INTEROP_CASES = [
  'empty_unary',
  'large_unary',
  'client_compressed_unary',
  'server_compressed_unary',
  'client_streaming',
  'client_compressed_streaming',
  'server_streaming',
  'server_compressed_streaming',
  'ping_pong',
  'empty_stream',
  'custom_metadata',
  'status_code_and_message',
  'special_status_message',
  'unimplemented_method',
  'unimplemented_service',
  'cancel_after_begin',
  'cancel_after_first_response',
  'timeout_on_sleeping_server',
  'concurrent_large_unary',
  'rpc_soak',
  'channel_soak',
] as const;

/** Cases of that list which a gateway cannot show, and why. */
export const OTHER_INTEROP_CASES: Readonly<Record<string, string>> = {
  cacheable_unary: 'grpc-js sends no GET, and gRPC has given it up',
  compute_engine_creds: 'needs accounts of a cloud',
  jwt_token_creds: 'needs accounts of a cloud',
  oauth2_auth_token: 'needs accounts of a cloud',
  per_rpc_creds: 'needs accounts of a cloud',
  google_default_credentials: 'needs accounts of a cloud',
  compute_engine_channel_credentials: 'needs accounts of a cloud',
  long_lived_channel: 'takes hours',
  orca_per_rpc: 'load reports of the client library: metadata like any other',
  orca_oob: 'load reports of the client library: a stream like any other',
  max_concurrent_streams_connection_scaling: 'a policy of the client library',
};
