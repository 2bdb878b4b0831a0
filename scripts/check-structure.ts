/** Checks the walls between the rooms of src/ and the sizes of files and functions. Part of `npm run lint`; `--table` prints the rooms. */
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { check } from './structure/check.ts';
import { readFacts } from './structure/facts.ts';
import { roomsTable } from './structure/rules.ts';

const root = dirname(dirname(fileURLToPath(import.meta.url)));

function main(): number {
  if (process.argv.includes('--table')) {
    console.log(roomsTable());
    return 0;
  }
  const facts = readFacts(root);
  const violations = check(facts);
  for (const { file, line, rule, detail } of violations) console.error(`${file}:${line}: ${rule}: ${detail}`);
  console.log(`structure: ${facts.length} files, ${violations.length} violations`);
  return violations.length === 0 ? 0 : 1;
}

process.exitCode = main();
