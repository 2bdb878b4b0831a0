/** The kernel's side of the lab: namespaces and the wires between them. */
export * from '../kernel/linux/netns.ts';
