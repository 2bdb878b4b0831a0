import assert from 'node:assert/strict';
import { TsflannelError } from '../../../src/errors.ts';
import { chooseInterface, type InterfaceWish, sameInterface } from '../../../src/host/interface.ts';
import { memoryKernel } from '../../../src/kernel/memory/memory.ts';
import type { KernelObject } from '../../../src/kernel/state.ts';
import { prefixOf, printIp, printPrefix } from '../../../src/model/address.ts';
import { ip } from '../../support/values.ts';

const device = (name: string, ...addresses: string[]): KernelObject[] => [
  {
    kind: 'link',
    name,
    alias: undefined,
    mtu: 1500,
    up: !name.startsWith('down'),
    link: { type: 'other', detail: 'veth' },
  },
  ...addresses.map(
    (text): KernelObject => ({
      kind: 'address',
      device: name,
      ip: ip(text.split('/')[0] ?? ''),
      length: Number(text.split('/')[1]),
    }),
  ),
];
const route = (cidr: string, name: string, gateway: string, metric = 0): KernelObject => ({
  kind: 'route',
  dst: prefixOf(ip(cidr.split('/')[0] ?? ''), Number(cidr.split('/')[1])),
  via: ip(gateway),
  ...{ device: name, onlink: false, metric, protocol: 4 },
});

const ETH0 = device('eth0', '10.0.0.5/24');
const ETH1 = device('eth1', '192.168.1.5/24', '192.168.2.5/24');
const DOCKER = device('docker0', '172.17.0.1/16');

async function stateOf(...objects: readonly KernelObject[]) {
  const kernel = memoryKernel();
  for (const object of objects) kernel.foreign(object);
  return kernel.observe({ paths: [], sysctls: [] });
}

async function chosen(objects: readonly KernelObject[], wish: Partial<InterfaceWish> = {}): Promise<string> {
  try {
    const choice = chooseInterface(await stateOf(...objects), { iface: [], ifaceRegex: [], ...wish });
    if ('ambiguous' in choice) return `ambiguous ${choice.ambiguous.map(({ name }) => name).join(' ')}`;
    return `${choice.found.name} ${printIp(choice.found.ip)}`;
  } catch (error) {
    assert.ok(error instanceof TsflannelError, String(error));
    return error.code;
  }
}

describe('the underlay interface', () => {
  it('is that of the default route, of the best one where there are several', async () => {
    const routes = [route('0.0.0.0/0', 'eth0', '10.0.0.1', 200), route('0.0.0.0/0', 'eth1', '192.168.1.1', 100)];
    assert.equal(await chosen([...ETH0, ...ETH1, ...DOCKER, ...routes]), 'eth1 192.168.1.5');
    assert.equal(await chosen([...ETH0, ...ETH1, ...DOCKER, ...routes.slice(0, 1)]), 'eth0 10.0.0.5');
  });

  it('without a default route is the only one it can be: no bridge, no tunnel, none that is down', async () => {
    const others = [
      ...DOCKER,
      ...device('br-4711', '172.18.0.1/16'),
      ...device('flannel.1', '10.5.1.0/32'),
      ...device('down0', '10.9.0.1/24'),
      ...device('veth1', '10.8.0.1/24'),
    ];
    assert.equal(await chosen([...ETH0, ...others]), 'eth0 10.0.0.5');
    assert.equal(await chosen(others), 'IFACE_NOT_FOUND');
  });

  it('is ambiguous where two could be it', async () => {
    assert.equal(await chosen([...ETH0, ...ETH1]), 'ambiguous eth0 eth1');
  });

  it('has an address that peers can reach', async () => {
    assert.equal(await chosen(device('eth0', '169.254.7.7/16')), 'IFACE_NOT_FOUND');
    assert.equal(await chosen(device('eth0', '169.254.7.7/16', '10.0.0.5/24')), 'eth0 10.0.0.5');
    assert.equal(await chosen(device('lo', '10.1.1.1/32')), 'IFACE_NOT_FOUND');
  });

  it('is what one names: by name or address, the first that is there', async () => {
    const all = [...ETH0, ...ETH1, ...DOCKER];
    assert.equal(await chosen(all, { iface: ['eth1'] }), 'eth1 192.168.1.5');
    assert.equal(await chosen(all, { iface: ['wlan0', 'eth1', 'eth0'] }), 'eth1 192.168.1.5');
    assert.equal(await chosen(all, { iface: ['192.168.2.5'] }), 'eth1 192.168.2.5');
    assert.equal(await chosen(all, { iface: ['docker0'] }), 'docker0 172.17.0.1');
    assert.equal(await chosen(all, { iface: ['wlan0', '10.9.9.9'] }), 'IFACE_NOT_FOUND');
  });

  it('is what fits a pattern: by address first, as in flanneld, then by name', async () => {
    const all = [...ETH0, ...ETH1, ...DOCKER];
    assert.equal(await chosen(all, { ifaceRegex: ['^eth1$'] }), 'eth1 192.168.1.5');
    assert.equal(await chosen(all, { ifaceRegex: ['^192\\.168\\.2\\.'] }), 'eth1 192.168.2.5');
    assert.equal(await chosen(all, { ifaceRegex: ['0'] }), 'eth0 10.0.0.5');
    assert.equal(await chosen(all, { ifaceRegex: ['5$'] }), 'eth0 10.0.0.5');
    assert.equal(await chosen(all, { ifaceRegex: ['nothing', 'dock'] }), 'docker0 172.17.0.1');
    assert.equal(await chosen(all, { ifaceRegex: ['('] }), 'USAGE');
    assert.equal(await chosen(all, { iface: ['eth1'], ifaceRegex: ['^eth0$'] }), 'eth1 192.168.1.5');
  });

  it('is that of the route to an address: the longest prefix, then the lowest metric', async () => {
    const routes = [
      route('0.0.0.0/0', 'eth0', '10.0.0.1'),
      route('10.99.0.0/16', 'eth0', '10.0.0.1', 50),
      route('10.99.0.0/16', 'eth1', '192.168.1.1', 10),
    ];
    const all = [...ETH0, ...ETH1, ...routes];
    assert.equal(await chosen(all, { ifaceCanReach: ip('10.99.1.1') }), 'eth1 192.168.1.5');
    assert.equal(await chosen(all, { ifaceCanReach: ip('8.8.8.8') }), 'eth0 10.0.0.5');
    assert.equal(await chosen(all, { ifaceCanReach: ip('192.168.2.9') }), 'eth1 192.168.1.5');
    assert.equal(await chosen([...ETH0, ...ETH1], { ifaceCanReach: ip('8.8.8.8') }), 'IFACE_NOT_FOUND');
  });

  it('knows what it reaches without a gateway', async () => {
    const choice = chooseInterface(await stateOf(...device('eth1', '192.168.1.5/24', '10.7.7.7/32', '10.8.0.1/31')), {
      iface: [],
      ifaceRegex: [],
    });
    assert.ok('found' in choice);
    assert.deepEqual(choice.found.onLink.map(printPrefix), ['192.168.1.0/24', '10.8.0.0/31']);
  });

  it('keeps its address while it has it', async () => {
    const before = { name: 'eth1', mtu: 1500, ip: ip('192.168.2.5'), onLink: [] };
    assert.equal(printIp(sameInterface(await stateOf(...ETH1), before).ip), '192.168.2.5');
    assert.equal(printIp(sameInterface(await stateOf(...device('eth1', '192.168.1.5/24')), before).ip), '192.168.1.5');
    assert.throws(() => sameInterface(new Map(), before), TsflannelError);
  });
});
