/** mocha's hooks with time for what they wait for: namespaces, etcd and dockerd take a while on a busy machine. */
export function slowBefore(ms: number, work: () => Promise<void>): void {
  before(async function () {
    this.timeout(ms);
    await work();
  });
}

/** As {@link slowBefore}, for what is taken away again. */
export function slowAfter(ms: number, work: () => Promise<void>): void {
  after(async function () {
    this.timeout(ms);
    await work();
  });
}
