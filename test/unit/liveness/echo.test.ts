import assert from 'node:assert/strict';
import { largest } from '../../../src/liveness/echo.ts';
import type { EchoPort } from '../../../src/liveness/liveness.ts';

const ADDRESS = 0xac110200;
const IP_HEADER = 20;

/** A path that answers what is not larger than `mtu` now. */
function path(mtu: () => number): EchoPort {
  const inbox: Uint8Array[] = [];
  return {
    send(to, icmp) {
      if (icmp.length + IP_HEADER > mtu()) return false;
      const packet = new Uint8Array(IP_HEADER + icmp.length);
      const view = new DataView(packet.buffer);
      view.setUint8(0, 0x45);
      view.setUint8(9, 1);
      view.setUint32(12, to);
      packet.set(icmp, IP_HEADER);
      view.setUint8(IP_HEADER, 0);
      inbox.push(packet);
      return true;
    },
    receive() {
      const packet = inbox.shift();
      return packet && { packet, at: 1n };
    },
    now: () => 1n,
    close: () => undefined,
  };
}

describe('the largest packet that comes through', () => {
  it('is the MTU where all is well, at once', async () => {
    assert.equal(
      await largest(
        path(() => 1500),
        ADDRESS,
        1450,
      ),
      1450,
    );
  });

  it('is what a narrow path takes', async () => {
    assert.equal(
      await largest(
        path(() => 1440),
        ADDRESS,
        1450,
      ),
      1440,
    );
  });

  it('is the MTU where the first packets were lost by accident', async () => {
    const begun = performance.now();
    assert.equal(
      await largest(
        path(() => (performance.now() - begun < 500 ? 100 : 1500)),
        ADDRESS,
        1450,
      ),
      1450,
    );
  });

  it('is none where nothing answers', async () => {
    assert.equal(
      await largest(
        path(() => 0),
        ADDRESS,
        1450,
      ),
      undefined,
    );
  });
});
