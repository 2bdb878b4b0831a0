import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { TsflannelError } from '../errors.ts';
import { packageRoot } from '../root.ts';
import { RAW_SWITCH } from './direct-routing.ts';
import { envFileSets } from './env-file.ts';
import { type Gathered, readState } from './gather.ts';
import type { FileChange } from './plan.ts';

const dropInOf = (unit: string, name = '60-tsflannel'): string => `/etc/systemd/system/${unit}.d/${name}.conf`;

/** Text of templates/docker-environment.conf for this env file. */
export async function dropInText(envFile: string): Promise<string> {
  const template = await readFile(join(packageRoot(), 'templates', 'docker-environment.conf'), 'utf8');
  return template.replaceAll('{file}', envFile);
}

/** The last env file that sets a variable wins whole: the options of a former one would be lost. */
async function refuseOther(files: readonly string[], key: string): Promise<void> {
  for (const file of files)
    if (envFileSets((await readState(file)).text, key))
      throw new TsflannelError('DOCKER_CONFIG', {
        detail: `${key} comes from ${file} already, and its options would be lost: use --docker-env-file ${file}`,
      });
}

/**
 * The drop-in that makes Docker's unit read the env file, where it does not yet. Throws DOCKER_CONFIG when the unit's command line does
 * not take the variable: rewriting that is the administrator's business.
 */
export async function environmentFileDropIn({ unit, facts, service }: Gathered): Promise<FileChange[]> {
  if (!unit || !facts.envFile) return [];
  const { path, key } = facts.envFile;
  if (!unit.execStart.some((word) => word === `$${key}` || word === `\${${key}}`))
    throw new TsflannelError('DOCKER_CONFIG', {
      detail: `${service.label} does not take $${key}: its ExecStart= has to contain it`,
    });
  if (unit.environmentFiles.includes(path)) return [];
  await refuseOther(unit.environmentFiles, key);
  const dropIn = dropInOf(unit.name);
  const { text } = await readState(dropIn);
  const after = await dropInText(path);
  return text === after ? [] : [{ path: dropIn, before: text, after }];
}

/** The drop-in that sets RAW_SWITCH for a unit whose dockerd needs it. Throws DOCKER_CONFIG for an init script, which takes none. */
export async function rawSwitchDropIn({ unit, facts, service }: Gathered): Promise<FileChange[]> {
  if (facts.directRouting !== 'environment' || facts.rawSwitch || facts.ownArgv) return [];
  if (!unit)
    throw new TsflannelError('DOCKER_CONFIG', {
      detail: `${service.label}: this version of dockerd keeps other nodes from its containers unless its environment has ${RAW_SWITCH}=1; export it in /etc/default/docker`,
    });
  const path = dropInOf(unit.name, '61-tsflannel-direct');
  const { text } = await readState(path);
  const after = `# Written by tsflannel docker apply: packets of other nodes reach the containers (Docker 28.0 and 28.1).\n[Service]\nEnvironment=${RAW_SWITCH}=1\n`;
  return text === after ? [] : [{ path, before: text, after }];
}
