import { keyFaults } from '../support/faults/etcd.ts';
import type { Fault } from '../support/faults/fault.ts';
import { kernelFaults } from '../support/faults/kernel.ts';
import { useFaults } from '../support/faults/naming.ts';
import { filterFaults, networkFaults } from '../support/faults/network.ts';
import { killDaemon } from '../support/lab-daemon.ts';

for (const backend of ['host-gw', 'udp'] as const)
  describe(`doctor names faults, and status leads to them: ${backend}`, () => {
    const { lab, restart, row, itNames } = useFaults({ name: `lab-doctor-${backend}`, backend });
    /** The thread that carries packets ends with its daemon. */
    const carrierGone: Fault = {
      name: 'the carrier ended with its daemon',
      on: ['udp'],
      check: 'carrier',
      status: 'daemon',
      says: /missing: carrier/,
      inject: () => killDaemon(lab.node(2)),
      undo: () => lab.run(2, 'tsflannel', 'up', '--detach'),
    };

    itNames(...filterFaults, ...networkFaults, ...keyFaults);

    describe('with its daemon killed', () => {
      before(() => killDaemon(lab.node(2)));
      it('status says that it is down', () => row('daemon', true)).timeout(240_000);
      itNames(...kernelFaults);
    });

    if (backend === 'udp')
      describe('carrier tun', () => {
        before(async () => {
          await lab.run(2, 'tsflannel', 'up', '--detach');
          await restart('--udp-carrier', 'tun', '--ask-peers-every', '1s');
        });
        itNames(...filterFaults, carrierGone);
      });
  });
