/**
 * Bugs to plant, one at a time, in a copy of the tree: each must be caught by its test, or the test guards nothing. `find` occurs once in
 * `file`; when it does not any more, the bug is planted anew elsewhere.
 */
export interface PlantedBug {
  readonly name: string;
  readonly file: string;
  readonly find: string;
  readonly put: string;
  /** The test that must fail. */
  readonly test: string;
}

export const PLANTED_BUGS: readonly PlantedBug[] = [
  {
    name: 'the diff removes nothing',
    file: 'src/kernel/diff.ts',
    find: 'if (!seen.ours || wanted.has(key)',
    put: 'if (seen || wanted.has(key)',
    test: 'test/property/kernel/diff.test.ts',
  },
  {
    name: 'the diff takes the place of what is not ours',
    file: 'src/kernel/diff.ts',
    find: '} else if (seen.ours || WRITTEN_OVER.has(object.kind)) {',
    put: '} else if (seen) {',
    test: 'test/property/kernel/diff.test.ts',
  },
  {
    name: 'routes are made before what they stand on',
    file: 'src/kernel/diff.ts',
    find: 'make.sort((a, b) => RANK[a.object.kind] - RANK[b.object.kind])',
    put: 'make.sort((a, b) => RANK[b.object.kind] - RANK[a.object.kind])',
    test: 'test/golden/backend/plans.test.ts',
  },
  {
    name: 'the brake on mass removals does not trip',
    file: 'src/reconcile/brake.ts',
    find: 'return before >= MIN_PEERS && recent.size * 2 > before;',
    put: 'return before < 0;',
    test: 'test/unit/reconcile/held.test.ts',
  },
  {
    name: 'passes begin before the first whole list is there',
    file: 'src/reconcile/loop.ts',
    find: '!state.running && (!state.open || !isDirty(state.dirty))',
    put: '!state.running && !isDirty(state.dirty)',
    test: 'test/unit/reconcile/loop.test.ts',
  },
  {
    name: 'a second pass begins while one runs',
    file: 'src/reconcile/loop.ts',
    find: '  if (state.running) return;\n',
    put: '',
    test: 'test/unit/reconcile/loop.test.ts',
  },
  {
    name: 'what another program changes back is restored without a pause',
    file: 'src/reconcile/limiter.ts',
    find: 'const PAUSE_MS = 5_000;',
    put: 'const PAUSE_MS = 0;',
    test: 'test/unit/reconcile/limiter.test.ts',
  },
  {
    name: 'the MAC of an older lease goes to whoever claims it last',
    file: 'src/reconcile/wants.ts',
    find: 'if (lease && compareAge(lease, entry.lease) < 0) return lease;',
    put: 'if (lease && compareAge(lease, entry.lease) > 0) return lease;',
    test: 'test/unit/reconcile/wants.test.ts',
  },
  {
    name: 'a lease is written to without a guard',
    file: 'src/store/store.ts',
    find: "      writeOnce(kv, [{ target: 'mod', key, revision: modRevision }], {",
    put: '      writeOnce(kv, [], {',
    test: 'test/unit/store/guarded.test.ts',
  },
  {
    name: 'a subnet is claimed whoever has it',
    file: 'src/store/store.ts',
    find: "held = await writeOnce(kv, [{ target: 'create', key, revision: 0n }], { op: 'put', key, value, lease });",
    put: "held = await writeOnce(kv, [], { op: 'put', key, value, lease });",
    test: 'test/unit/lease/acquire.test.ts',
  },
  {
    name: 'a lease lives by the wall clock',
    file: 'src/lease/hold.ts',
    find: 'state.ttlSeconds - (state.clock.now() - state.renewedAt) / 1000',
    put: 'state.ttlSeconds - (Date.now() - state.renewedAt) / 1000',
    test: 'test/unit/lease/hold.test.ts',
  },
  {
    name: 'a key that another node has taken is kept',
    file: 'src/lease/hold.ts',
    find: 'if (!now || nodeIdIn(now.value) !== announcement.nodeId) {',
    put: 'if (!now) {',
    test: 'test/unit/lease/hold.test.ts',
  },
  {
    name: 'a copied disk is not told from a changed address',
    file: 'src/lease/identity.ts',
    find: 'lease.hostId !== hostId && !sameIp(lease.publicIp, publicIp);',
    put: 'lease.hostId !== hostId;',
    test: 'test/unit/lease/identity.test.ts',
  },
  {
    name: 'of two overlapping leases the younger is believed',
    file: 'src/store/verdicts.ts',
    find: 'if (!state.leases.has(other.etcd.key) || compareAge(other, lease) >= 0) continue;',
    put: 'if (!state.leases.has(other.etcd.key) || compareAge(other, lease) <= 0) continue;',
    test: 'test/property/store/view.test.ts',
  },
  {
    name: 'a lease outside the network is believed',
    file: 'src/store/view.ts',
    find: 'if (!containsPrefix(network, subnet))',
    put: 'if (containsPrefix(subnet, network))',
    test: 'test/unit/reconcile/hostile.test.ts',
  },
  {
    name: 'subnet.env is written in its place, not beside it',
    file: 'src/files/atomic.ts',
    find: 'await writeSynced(temporary, content,',
    put: 'await writeSynced(target, content,',
    test: 'test/unit/files/atomic.test.ts',
  },
  {
    name: 'a peer may use any address for its MAC',
    file: 'src/backend/source-check.ts',
    find: "...(check === 'strict' && { outer: publicIp })",
    put: '...(!check && { outer: publicIp })',
    test: 'test/golden/backend/plans.test.ts',
  },
  {
    name: 'text goes into a table of the packet filter as it is',
    file: 'src/kernel/linux/source-text.ts',
    find: 'find((name) => !NAME.test(name))',
    put: 'find((name) => name === undefined)',
    test: 'test/unit/kernel/source-nft.test.ts',
  },
  {
    name: 'rules of the source check ask for elements that are not there yet',
    file: 'src/kernel/linux/source-text.ts',
    find: 'inTable(setsText(sources)), inTable(chainsText(settings))',
    put: 'inTable(setsText(sources), chainsText(settings))',
    test: 'test/unit/kernel/source-nft.test.ts',
  },
  {
    name: 'a change of the members that is made, but was not answered, is taken for refused',
    file: 'src/etcd/change.ts',
    find: 'unanswered ||= isLost;',
    put: 'unanswered ||= false;',
    test: 'test/unit/etcd/change.test.ts',
  },
  {
    name: 'a subnet ends one address early in the source check',
    file: 'src/kernel/linux/source-elements.ts',
    find: 'ipOf(last + 1n)',
    put: 'ipOf(last)',
    test: 'test/unit/kernel/source-nft.test.ts',
  },
  {
    name: 'a peer’s packets are taken from anybody',
    file: 'src/forwarder/judge.ts',
    find: "if (self.check === 'subnet' || (row >= 0 && table.hop[row] === outer)) return row;",
    put: 'if (row >= 0) return row;',
    test: 'test/unit/forwarder/judge.test.ts',
  },
  {
    name: 'what the kernel had to drop of its news is taken for nothing',
    file: 'src/kernel/linux/monitor.ts',
    find: 'ring(overflow ? new Set(ALL_KINDS) : rung);',
    put: 'ring(rung);',
    test: 'test/contract/kernel/linux.test.ts',
  },
  {
    name: 'a tunnel device stays on an interface that was made anew',
    file: 'src/kernel/links.ts',
    find: 'printIp(link.local), link.device, link.learning',
    put: 'printIp(link.local), link.learning',
    test: 'test/unit/kernel/links.test.ts',
  },
  {
    name: 'vxlan learns from whoever sends',
    file: 'src/backend/vxlan.ts',
    find: 'learning: config.learning',
    put: 'learning: !config.learning',
    test: 'test/golden/backend/plans.test.ts',
  },
  {
    name: 'a node is known by its address',
    file: 'src/lease/choose.ts',
    find: 'if (lease.nodeId === nodeId && isBetter(lease, byId))',
    put: 'if (sameIp(lease.publicIp, publicIp) && isBetter(lease, byId))',
    test: 'test/unit/lease/choose.test.ts',
  },
  {
    name: 'what is there goes before what takes its place is made',
    file: 'src/kernel/diff.ts',
    find: `    ...withDependants(make.sort((a, b) => RANK[a.object.kind] - RANK[b.object.kind])),
    ...remove.sort((a, b) => RANK[b.object.kind] - RANK[a.object.kind]),`,
    put: `    ...remove.sort((a, b) => RANK[b.object.kind] - RANK[a.object.kind]),
    ...withDependants(make.sort((a, b) => RANK[a.object.kind] - RANK[b.object.kind])),`,
    test: 'test/property/kernel/diff.test.ts',
  },
  {
    name: 'changes are believed in whatever order they come',
    file: 'src/store/watcher.ts',
    find: 'if (revisionOf(event) < last || revisionOf(event) <= place.at) return false;',
    put: '',
    test: 'test/property/daemon/follow.test.ts',
  },
  {
    name: 'an older backup of etcd is taken for etcd',
    file: 'src/store/watcher.ts',
    find: 'then.kvs.every((each) => isSameWrite(each, known.get(each.key)))',
    put: 'true',
    test: 'test/unit/store/watcher.test.ts',
  },
  {
    name: 'thousands of leases are gone through without a turn for anything else',
    file: 'src/model/sliced.ts',
    find: 'if (left-- === 0) {',
    put: 'if (left-- === 0.5) {',
    test: 'test/unit/daemon/turns.test.ts',
  },
];
