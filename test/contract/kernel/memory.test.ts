import { memoryKernel } from '../../../src/kernel/memory/memory.ts';
import { keyOf } from '../../../src/kernel/state.ts';
import { ip } from './objects.ts';
import { kernelContract } from './suite.ts';

kernelContract('memory', async () => {
  const kernel = memoryKernel();
  kernel.foreign({
    kind: 'link',
    name: 'eth0',
    alias: undefined,
    mtu: 1500,
    up: true,
    link: { type: 'other', detail: 'veth' },
  });
  kernel.foreign({ kind: 'address', device: 'eth0', ip: ip('10.200.0.1'), length: 24 });
  return {
    kernel,
    foreign: async (object) => kernel.foreign(object),
    removeBehindBack: async (object) => kernel.removeBehindBack(keyOf(object)),
    close: () => kernel.close(),
  };
});
