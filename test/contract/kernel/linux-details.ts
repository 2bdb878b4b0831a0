import type { KernelBench } from './suite.ts';

export function linuxDetails(_open: () => Promise<KernelBench>): void {}
