import {
  create,
  type DescMessage,
  fromBinary,
  type MessageInitShape,
  type MessageShape,
  toBinary,
} from '@bufbuild/protobuf';
import { Auth, Cluster, KV, Lease, Maintenance, Watch } from './gen/rpc_pb.ts';

/** One remote procedure of etcd: its path and its codecs. */
export interface Method<I extends DescMessage, O extends DescMessage> {
  readonly path: string;
  readonly encode: (message: MessageInitShape<I>) => Buffer;
  readonly decode: (bytes: Buffer) => MessageShape<O>;
}

interface Described<I extends DescMessage, O extends DescMessage> {
  readonly name: string;
  readonly parent: { readonly typeName: string };
  readonly input: I;
  readonly output: O;
}

const method = <I extends DescMessage, O extends DescMessage>(described: Described<I, O>): Method<I, O> => ({
  path: `/${described.parent.typeName}/${described.name}`,
  encode: (message) => {
    const bytes = toBinary(described.input, create(described.input, message));
    return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  },
  decode: (bytes) => fromBinary(described.output, bytes),
});

/** The procedures that tsflannel calls. */
export const METHODS = {
  range: method(KV.method.range),
  txn: method(KV.method.txn),
  compact: method(KV.method.compact),
  watch: method(Watch.method.watch),
  grant: method(Lease.method.leaseGrant),
  revoke: method(Lease.method.leaseRevoke),
  keepAlive: method(Lease.method.leaseKeepAlive),
  timeToLive: method(Lease.method.leaseTimeToLive),
  members: method(Cluster.method.memberList),
  memberAdd: method(Cluster.method.memberAdd),
  memberRemove: method(Cluster.method.memberRemove),
  memberPromote: method(Cluster.method.memberPromote),
  status: method(Maintenance.method.status),
  alarm: method(Maintenance.method.alarm),
  defragment: method(Maintenance.method.defragment),
  snapshot: method(Maintenance.method.snapshot),
  authenticate: method(Auth.method.authenticate),
  authEnable: method(Auth.method.authEnable),
  userAdd: method(Auth.method.userAdd),
  userChangePassword: method(Auth.method.userChangePassword),
  userGrantRole: method(Auth.method.userGrantRole),
  roleAdd: method(Auth.method.roleAdd),
  roleGrantPermission: method(Auth.method.roleGrantPermission),
} as const;
