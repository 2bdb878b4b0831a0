#!/usr/bin/env node
// The version needs nothing of the program; the line is the one oclif prints.
if (process.argv.length === 3 && process.argv[2] === '--version') {
  const text = process.getBuiltinModule('node:fs').readFileSync(new URL('../package.json', import.meta.url), 'utf8');
  process.stdout.write(
    `tsflannel/${JSON.parse(text).version} ${process.platform}-${process.arch} node-${process.version}\n`,
  );
} else {
  const { main } = await import('../dist/main.js');
  await main(import.meta.url);
}
