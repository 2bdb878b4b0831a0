/** Writes docs/errors.md and docs/doctor.md from their tables. Usage: node scripts/docs.ts; a test fails when a page is stale. */
import { writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { CHECKS, GROUPS } from '../src/doctor/doctor.ts';
import { ERRORS, type ErrorEntry } from '../src/errors.ts';
import { EXITS } from '../src/model/exits.ts';

const rows = Object.entries(ERRORS as Record<string, ErrorEntry>).sort(([a], [b]) => (a < b ? -1 : 1));
const cell = (text: string): string => text.replaceAll('|', '\\|').replace(/\{(\w+)\}/g, '_$1_');
const code = (text: string): string => `\`${text.replace('{command}', 'tsflannel …').replace(/\{(\w+)\}/g, '<$1>')}\``;

const errorRow = ([name, { exit, what, why, fix }]: [string, ErrorEntry]): string =>
  `| ${name} | ${exit} | ${cell(what)} | ${cell(why)} | ${fix.map(code).join('<br>')} |`;

/** The page. */
export const errorsPage = (): string =>
  [
    '# Errors',
    '',
    'Each failure has a code, an exit status, what happened, why, and commands that help. With `--json` the same stands in',
    '`{"error":{code,what,why,fix,exit}}` on stdout. This page is made from `src/errors.ts` by `node scripts/docs.ts`.',
    '',
    '`tsflannel help exit-codes` prints them:',
    '',
    '| exit | meaning |',
    '|---|---|',
    ...Object.entries(EXITS).map(([exit, meaning]) => `| ${exit} | ${meaning} |`),
    '',
    '| code | exit | what | why | try |',
    '|---|---|---|---|---|',
    ...rows.map(errorRow),
    '',
  ].join('\n');

const checkRow = ({ id, title, why, fix }: (typeof CHECKS)[number]): string =>
  `| ${id} | ${cell(title)} | ${cell(why)} | ${fix.map(code).join('<br>')} |`;

/** The page of the doctor's checks. */
export const doctorPage = (): string =>
  [
    '# What `tsflannel doctor` looks at',
    '',
    'Each check stands alone and says ok, warn, fail or skip, with what it saw. `tsflannel doctor --check ID` runs one of them,',
    '`tsflannel explain ID` says what stands here. This page is made from `src/doctor/` by `node scripts/docs.ts`.',
    ...GROUPS.flatMap((group) => [
      '',
      `## ${group}`,
      '',
      '| check | well means | else | try |',
      '|---|---|---|---|',
      ...CHECKS.filter((check) => check.group === group).map(checkRow),
    ]),
    '',
  ].join('\n');

const page = (name: string): string => join(dirname(dirname(fileURLToPath(import.meta.url))), 'docs', name);

/** Where they stand. */
export const ERRORS_PAGE = page('errors.md');
export const DOCTOR_PAGE = page('doctor.md');

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  writeFileSync(ERRORS_PAGE, errorsPage());
  writeFileSync(DOCTOR_PAGE, doctorPage());
}
