import { TsflannelError } from '../../errors.ts';
import { AlarmRequest_AlarmAction, AlarmType } from '../../etcd-client/gen/rpc_pb.ts';
import { METHODS } from '../../etcd-client/methods.ts';
import { openTransport } from '../../etcd-client/transport.ts';
import type { KvOptions } from '../kv.ts';
import type { Alarm, Maintenance } from '../maintenance.ts';

const KINDS = { nospace: AlarmType.Nospace, corrupt: AlarmType.Corrupt, unknown: AlarmType.None } as const;

const kindOf = (type: AlarmType): Alarm['kind'] =>
  type === AlarmType.Nospace ? 'nospace' : type === AlarmType.Corrupt ? 'corrupt' : 'unknown';

/** What is forgotten already need not be forgotten again. */
const isCompacted = (error: unknown): boolean =>
  error instanceof TsflannelError && error.code === 'ETCD_FAILED' && error.why.includes('has been compacted');

/** Maintenance over gRPC. Connects at the first call. Throws USAGE or ETCD_TLS when the options are not usable. */
export function openGrpcMaintenance(options: KvOptions): Maintenance {
  const transport = openTransport(options);
  return {
    async compact(revision) {
      try {
        // Physical: the answer comes when the space is free for use.
        await transport.call(METHODS.compact, { revision, physical: true });
      } catch (error) {
        if (!isCompacted(error)) throw error;
      }
    },
    async defragment() {
      await transport.call(METHODS.defragment, {});
    },
    async alarms() {
      const { alarms } = await transport.call(
        METHODS.alarm,
        { action: AlarmRequest_AlarmAction.Get },
        { repeat: true },
      );
      return alarms.map(({ memberID, alarm }) => ({ memberId: memberID, kind: kindOf(alarm) }));
    },
    async disarm({ memberId, kind }) {
      const action = AlarmRequest_AlarmAction.Deactivate;
      await transport.call(METHODS.alarm, { action, memberID: memberId, alarm: KINDS[kind] });
    },
    snapshot: (take) => transport.download(METHODS.snapshot, {}, ({ blob }) => take(blob)),
    close: () => transport.close(),
  };
}
