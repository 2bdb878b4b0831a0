import { FLANNELD_FLAGS, goBoolean } from './flanneld.ts';

/** etcdctl's variables for what a flag of ours says too; its user may bring the password behind a colon. */
const ETCDCTL: Readonly<Record<string, string>> = {
  ETCD_ENDPOINTS: 'ETCDCTL_ENDPOINTS',
  ETCD_CAFILE: 'ETCDCTL_CACERT',
  ETCD_CERTFILE: 'ETCDCTL_CERT',
  ETCD_KEYFILE: 'ETCDCTL_KEY',
  ETCD_USERNAME: 'ETCDCTL_USER',
  ETCD_PASSWORD: 'ETCDCTL_PASSWORD',
};

type Environment = Readonly<Record<string, string | undefined>>;

const isBoolean = (name: string): boolean =>
  FLANNELD_FLAGS[name.toLowerCase().replaceAll('_', '-') as keyof typeof FLANNELD_FLAGS] === 'boolean';

/** flanneld's variables, as values of ours; an empty one counts as none, as it does there. */
function flanneldValues(env: Environment): [string, string][] {
  return Object.entries(env).flatMap(([name, value]): [string, string][] => {
    const flag = /^FLANNELD_(.+)$/.exec(name)?.[1];
    if (flag === undefined || !value) return [];
    return [[flag, String((isBoolean(flag) ? goBoolean(value) : undefined) ?? value)]];
  });
}

/** A user and a password belong together: etcdctl's count only where there are both, and neither from elsewhere. */
function login(env: Environment): Environment {
  const [user, ...rest] = (env.ETCDCTL_USER ?? '').split(':');
  const password = env.ETCDCTL_PASSWORD || rest.join(':');
  const isOther = ['TSFLANNEL', 'FLANNELD'].some((who) => env[`${who}_ETCD_USERNAME`] || env[`${who}_ETCD_PASSWORD`]);
  return isOther || !user || !password ? {} : { ETCDCTL_USER: user, ETCDCTL_PASSWORD: password };
}

function etcdctlValues(env: Environment): [string, string][] {
  const own: Environment = { ...env, ETCDCTL_USER: undefined, ETCDCTL_PASSWORD: undefined, ...login(env) };
  return Object.entries(ETCDCTL).flatMap(([flag, name]): [string, string][] => {
    const value = own[name];
    return value ? [[flag, value]] : [];
  });
}

/**
 * flanneld's variables and then etcdctl's stand in for ours where ours are not set; and NO_COLOR, which all libraries know, for CLICOLOR=0,
 * which none does.
 */
export function joinEnvironment(env: Record<string, string | undefined>): void {
  if (env.CLICOLOR === '0' && !env.FORCE_COLOR) env.NO_COLOR ||= '1';
  for (const [flag, value] of [...flanneldValues(env), ...etcdctlValues(env)]) env[`TSFLANNEL_${flag}`] ??= value;
}

/** The variable that was set, of those that {@link joinEnvironment} has put into this one of ours. */
export function variableOf(ours: string, env: Environment): string {
  const flag = ours.replace(/^TSFLANNEL_/, '');
  const value = env[ours];
  if (value === undefined) return ours;
  if (new Map(flanneldValues(env)).get(flag) === value) return `FLANNELD_${flag}`;
  const before = { ...env, [ours]: undefined };
  return new Map(etcdctlValues(before)).get(flag) === value ? (ETCDCTL[flag] ?? ours) : ours;
}
