import { asTsflannelError } from '../../errors.ts';
import type { Carrier, Forward } from '../../kernel/state.ts';
import type { CarrierType } from '../../model/backend-config.ts';
import type { CarrierReport } from '../../model/carrier-report.ts';
import type { Forwarder } from '../forwarder.ts';
import { ALL_OFFLOADS } from '../job.ts';
import { startThread } from '../thread.ts';
import { createTurns, listen, tunForwarder } from '../tun.ts';
import { ebpfForwarder } from './ebpf.ts';
import { removeFastPath } from './fast.ts';

/** A carrier of each type. */
export type Carriers = Readonly<Record<CarrierType, () => Forwarder>>;

/** Those of this host; `thread` is where their threads come from. */
export const realCarriers = (thread = startThread): Carriers => ({
  ebpf: () => ebpfForwarder({ slowPath: tunForwarder({ ...ALL_OFFLOADS, gro: false }, thread) }),
  tun: () => tunForwarder(ALL_OFFLOADS, thread),
});

const reasonOf = (error: unknown): string => {
  const { message, why } = asTsflannelError(error);
  return `${message}: ${why}`;
};

interface Current {
  readonly type: CarrierType;
  readonly forwarder: Forwarder;
  /** Why it is not the better one. */
  readonly instead: string | undefined;
}

/** Runs one forwarder at a time, and the next one with the table of the last. */
function createSwitch(carriers: Carriers) {
  let current: Current | undefined;
  let list: readonly Forward[] | undefined;
  const listeners = new Set<() => void>();

  function make(type: CarrierType): Forwarder {
    const forwarder = carriers[type]();
    forwarder.onEnd(() => {
      for (const listener of listeners) listener();
    });
    return forwarder;
  }

  async function stop(): Promise<void> {
    const former = current;
    current = undefined;
    await former?.forwarder.stop();
  }

  async function run(type: CarrierType, carrier: Carrier, instead?: string): Promise<void> {
    if (current?.type !== type) await stop();
    const forwarder = current?.forwarder ?? make(type);
    if (list) forwarder.setForwards(list);
    current = { type, forwarder, instead };
    await forwarder.start(carrier);
  }

  return {
    current: () => current,
    listeners,
    run,
    stop,
    setForwards(forwards: readonly Forward[] | undefined): void {
      list = forwards;
      if (forwards) current?.forwarder.setForwards(forwards);
    },
  };
}

/**
 * The carrier that is asked for; where any will do, `ebpf`, and `tun` where anything of that does not work: trying is the only probe that
 * tells the truth. `clear` takes away what a former daemon has left of the programs.
 */
export function chosenForwarder(
  carriers: Carriers = realCarriers(),
  clear: (device: string) => void = removeFastPath,
): Forwarder {
  const { current, listeners, run, stop, setForwards } = createSwitch(carriers);
  const inTurn = createTurns();

  async function start(carrier: Carrier): Promise<void> {
    let instead: string | undefined;
    if (carrier.type !== 'tun') {
      try {
        return await run('ebpf', carrier);
      } catch (error) {
        await stop();
        instead = `ebpf: ${reasonOf(error)}`;
        if (carrier.type === 'ebpf') throw error;
      }
    }
    try {
      clear(carrier.device);
    } catch {
      // Where programs cannot be looked at, none of ours can run.
    }
    return run('tun', carrier, instead);
  }

  function report(): CarrierReport | undefined {
    const one = current()?.forwarder.report();
    const instead = current()?.instead;
    return one && instead !== undefined ? { ...one, instead } : one;
  }

  return {
    start: (carrier) => inTurn(() => start(carrier)),
    setForwards,
    running: () => current()?.forwarder.running(),
    onEnd: (listener) => listen(listeners, listener),
    counters: () => current()?.forwarder.counters(),
    report,
    stop: () =>
      inTurn(async () => {
        setForwards(undefined);
        await stop();
      }),
  };
}
