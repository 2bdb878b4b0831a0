/** The time of day in a simulation: it is that of its clock, and may jump. */
export interface WallClock {
  jump(ms: number): void;
  /** Gives the real time back. */
  end(): void;
}

const BEGINNING = Date.UTC(2026, 0, 1);

/** From here on `Date` is that of the simulation. */
export function setWallClock(now: () => number): WallClock {
  const real = globalThis.Date;
  let ahead = 0;
  const read = (): number => BEGINNING + ahead + Math.floor(now());
  globalThis.Date = new Proxy(real, {
    construct: (target, args) => (args.length > 0 ? Reflect.construct(target, args) : new target(read())),
    get: (target, name) => (name === 'now' ? read : Reflect.get(target, name)),
  });
  return {
    jump(ms) {
      ahead += ms;
    },
    end() {
      globalThis.Date = real;
    },
  };
}
