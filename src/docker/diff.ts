/** Length of the longest common run of lines of a[i..] and b[j..], by position. */
function commonLengths(a: readonly string[], b: readonly string[]): number[][] {
  const table = Array.from({ length: a.length + 1 }, () => new Array<number>(b.length + 1).fill(0));
  for (let i = a.length - 1; i >= 0; i--)
    for (let j = b.length - 1; j >= 0; j--)
      table[i]![j] = a[i] === b[j] ? table[i + 1]![j + 1]! + 1 : Math.max(table[i + 1]![j]!, table[i]![j + 1]!);
  return table;
}

const linesOf = (text: string | undefined): string[] =>
  text === undefined || text === '' ? [] : text.replace(/\n$/, '').split('\n');

/** Passwords in addresses (a proxy's, a registry's) are not shown. */
export const withoutPasswords = (text: string): string => text.replace(/(\/\/[^/\s:@"]*:)[^@/\s"]+@/g, '$1***@');

/** Two texts line by line: `- gone`, `+ new`, two spaces before what stays. Config files are short: nothing is left out. */
export function diffLines(before: string | undefined, after: string | undefined): string[] {
  const [a, b] = [linesOf(before), linesOf(after)];
  const table = commonLengths(a, b);
  const found: string[] = [];
  let [i, j] = [0, 0];
  while (i < a.length || j < b.length) {
    if (i < a.length && j < b.length && a[i] === b[j]) {
      found.push(`  ${a[i]}`);
      i++;
      j++;
    } else if (j >= b.length || (i < a.length && table[i + 1]![j]! >= table[i]![j + 1]!)) found.push(`- ${a[i++]}`);
    else found.push(`+ ${b[j++]}`);
  }
  return found;
}
