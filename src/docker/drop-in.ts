import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { TsflannelError } from '../errors.ts';
import { packageRoot } from '../root.ts';
import { envFileSets } from './env-file.ts';
import { type Gathered, readState } from './gather.ts';
import type { FileChange } from './plan.ts';

const dropInOf = (unit: string): string => `/etc/systemd/system/${unit}.d/60-tsflannel.conf`;

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
