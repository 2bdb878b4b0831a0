import { isDeepStrictEqual } from 'node:util';
import { announce } from '../backend/desired.ts';
import { TsflannelError } from '../errors.ts';
import type { Kind } from '../kernel/state.ts';
import { printIp } from '../model/address.ts';
import type { Node } from './node.ts';

const BELLS: readonly Kind[] = ['link', 'address'];

/** Looks at the underlay interface once; while it or its address is away, what is known of it stands. */
async function look(node: Node): Promise<void> {
  const { reconciler, holder, parts, state } = node;
  const before = reconciler.scene();
  if (!before) return;
  const host = await parts.makeHost(state.nodeId, before.host);
  const scene = reconciler.scene();
  if (!scene) return;
  const { iface, publicIp } = host;
  if (isDeepStrictEqual([iface, publicIp], [scene.host.iface, scene.host.publicIp])) return;
  const moved = !isDeepStrictEqual([iface.ip, publicIp], [scene.host.iface.ip, scene.host.publicIp]);
  const next = { ...scene, host: { ...scene.host, iface, publicIp } };
  parts.log('underlay-changed', `${iface.name} has ${printIp(iface.ip)}, mtu ${iface.mtu}`);
  reconciler.setScene(next);
  if (!moved) return;
  // Connections from the address that went are dead, and nothing says so.
  parts.store.reconnect();
  holder.announce({ publicIp, peer: announce(next.host, next.network) });
}

/** Follows the underlay interface: `ring` it with what the kernel's monitor says. One look at a time. */
export function followUnderlay(node: Node): (kinds: ReadonlySet<Kind>) => void {
  let running = false;
  let again = false;
  let away = '';

  async function run(): Promise<void> {
    running = true;
    while (again) {
      again = false;
      try {
        await look(node);
        if (away !== '') node.reconciler.forgive();
        away = '';
      } catch (error) {
        const text = error instanceof TsflannelError ? error.message : String(error);
        if (text !== away) node.parts.log('underlay-away', text);
        away = text;
      }
    }
    running = false;
  }

  return (kinds) => {
    if (!BELLS.some((kind) => kinds.has(kind))) return;
    again = true;
    if (!running) void run();
  };
}
