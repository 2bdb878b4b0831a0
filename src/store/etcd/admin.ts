import { TsflannelError } from '../../errors.ts';
import { Permission_Type } from '../../etcd-client/gen/auth_pb.ts';
import { METHODS } from '../../etcd-client/methods.ts';
import { openTransport, type Transport } from '../../etcd-client/transport.ts';
import type { Admin } from '../admin.ts';
import { keyRange } from '../keys.ts';
import type { KvOptions } from '../kv.ts';

/** Whether etcd says that what was asked for is there already. */
const isThere = (error: unknown): boolean =>
  error instanceof TsflannelError && error.code === 'ETCD_FAILED' && /already exists|already granted/.test(error.why);

async function unlessThere(call: Promise<unknown>): Promise<boolean> {
  try {
    await call;
    return true;
  } catch (error) {
    if (isThere(error)) return false;
    throw error;
  }
}

const memberCalls = (transport: Transport): Pick<Admin, 'addMember' | 'removeMember' | 'promoteMember'> => ({
  async addMember(peerUrls, { learner }) {
    const { member } = await transport.call(METHODS.memberAdd, { peerURLs: [...peerUrls], isLearner: learner });
    return member?.ID ?? 0n;
  },
  async removeMember(id) {
    await transport.call(METHODS.memberRemove, { ID: id });
  },
  async promoteMember(id) {
    await transport.call(METHODS.memberPromote, { ID: id });
  },
});

const userCalls = (transport: Transport): Omit<Admin, keyof ReturnType<typeof memberCalls> | 'close'> => ({
  async setUser(name, password) {
    const added = await unlessThere(transport.call(METHODS.userAdd, { name, password }));
    if (!added) await transport.call(METHODS.userChangePassword, { name, password });
  },
  async addRole(name) {
    await unlessThere(transport.call(METHODS.roleAdd, { name }));
  },
  async grantPrefix(role, prefix) {
    const perm = { permType: Permission_Type.Readwrite, ...keyRange(prefix, false) };
    await transport.call(METHODS.roleGrantPermission, { name: role, perm });
  },
  async grantRole(user, role) {
    await unlessThere(transport.call(METHODS.userGrantRole, { user, role }));
  },
  async enableAuth() {
    await transport.call(METHODS.authEnable, {});
  },
});

/** Admin over gRPC. Connects at the first call. Throws USAGE or ETCD_TLS when the options are not usable. */
export function openGrpcAdmin(options: KvOptions): Admin {
  const transport = openTransport(options);
  return { ...memberCalls(transport), ...userCalls(transport), close: () => transport.close() };
}
