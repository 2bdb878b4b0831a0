import type { Carriers } from '../carriers.ts';
import type { Carrier, Forward } from '../state.ts';

/** A forwarder that remembers what it was told and moves nothing. */
export function fakeCarriers(): Carriers {
  let running: { carrier: Carrier; forwards: readonly Forward[] } | undefined;
  return {
    async start(carrier) {
      running = { carrier: { ...carrier, type: carrier.type ?? 'tun' }, forwards: running?.forwards ?? [] };
    },
    setForwards(forwards) {
      if (running) running = { ...running, forwards };
    },
    running: () => running,
    async stop() {
      running = undefined;
    },
  };
}
