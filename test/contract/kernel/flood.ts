import { randomBytes } from 'node:crypto';
import { execa } from 'execa';
import type { Source } from '../../../src/kernel/state.ts';
import { printIp } from '../../../src/model/address.ts';
import { printMac } from '../../../src/model/mac.ts';
import { run } from './stranger.ts';

/** Pings without a pause from this source's MAC and subnet, as if they came out of the tunnel. */
export async function floodFrom({ mac: from, subnet }: Source) {
  const name = `flood-${randomBytes(4).toString('hex')}`;
  const there = printIp({ family: 4, value: subnet.address + 2n });
  const me = '172.20.57.1';
  const outside = (...argv: string[]) => run('ip', '-n', name, ...argv);
  await run('ip', 'netns', 'add', name);
  await run('ip', 'link', 'add', 'flannel.1', 'type', 'veth', 'peer', 'name', 'from0', 'netns', name);
  await outside('link', 'set', 'from0', 'address', printMac(from!), 'up');
  await outside('address', 'add', `${there}/32`, 'dev', 'from0');
  await outside('route', 'add', me, 'dev', 'from0');
  await run('ip', 'address', 'add', `${me}/32`, 'dev', 'flannel.1');
  await run('ip', 'link', 'set', 'flannel.1', 'up');
  await run('ip', 'route', 'add', there, 'dev', 'flannel.1');
  const ping = execa('ip', ['netns', 'exec', name, 'ping', '-f', '-q', me], { reject: false });
  return {
    came: async () => {
      const [{ stats64 }] = JSON.parse(await run('ip', '-s', '-j', 'link', 'show', 'flannel.1'));
      return stats64.rx.packets as number;
    },
    async end() {
      ping.kill('SIGINT');
      await ping;
      await run('ip', 'netns', 'del', name);
    },
  };
}
