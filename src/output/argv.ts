/** Boolean flags of flanneld, which Go lets be written `-flag=true`. */
const BOOLEANS = new Set(['ip-masq']);

function normalizeFlag(arg: string): string {
  const long = /^-[a-z][a-z0-9]*-[a-z0-9-]+(=.*)?$|^-(?:iface|version)(=.*)?$/s.test(arg) ? `-${arg}` : arg;
  const match = /^--([a-z-]+)=(true|false|1|0|t|f)$/i.exec(long);
  if (!match || !BOOLEANS.has(match[1] ?? '')) return long;
  return /^(true|1|t)$/i.test(match[2] ?? '') ? `--${match[1]}` : `--no-${match[1]}`;
}

/** flanneld's flags that take a value: what follows one is a value, whatever it begins with (a password may begin with a dash). */
const VALUED =
  /^--?(?:etcd-(?:endpoints|prefix|keyfile|certfile|cafile|username|password)|iface(?:-regex|-can-reach)?|public-ip|subnet-file|subnet-lease-renew-margin|healthz-(?:ip|port))$/;

/**
 * flanneld's way of writing flags (`-etcd-endpoints=URL`, `-ip-masq=true`) as oclif reads it. Only for `up`, which takes flanneld's
 * flags; everything after `--`, and every other command, is left as it is.
 */
export function normalizeArgv(argv: readonly string[]): string[] {
  if (argv[0] !== 'up') return [...argv];
  const end = argv.indexOf('--');
  const isValue = (index: number) => index > 0 && VALUED.test(argv[index - 1] ?? '');
  return argv.map((arg, index) => ((end >= 0 && index >= end) || isValue(index) ? arg : normalizeFlag(arg)));
}
